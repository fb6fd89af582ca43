#ifndef API_BACKGROUND_H
#define API_BACKGROUND_H

/*
 * Work of the api that no request waits for, on a thread of its own: chores, one after the other,
 * at the start and every few seconds. One api of several does them at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct background;
struct http_client;
struct store;
struct store_pool;

/* One turn. *ret_more: there was something to do, another turn may find more. */
typedef enum status
background_chore(struct store *store, struct http_client *client, bool *ret_more, struct err *err);

/* stores, chores: borrowed until background_stop. ret_background: owned, background_stop.
 * ST_NO_MEMORY, ST_IO (no thread). */
enum status background_start(
    struct store_pool *stores, background_chore *const *chores, size_t count,
    struct background **ret_background, struct err *err) MUST_CHECK;

/* Let it finish what it is at (one turn), and free. NULL is fine. */
void background_stop(struct background *background);

#endif
