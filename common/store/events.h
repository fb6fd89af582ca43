#ifndef COMMON_STORE_EVENTS_H
#define COMMON_STORE_EVENTS_H

/* The history of a pipe, newest first, in pages. Appending is pipe_add_event (pipes.h). */

#include <jansson.h>
#include <stdint.h>

#include "common/store/store.h"

/* X(type): every type an event can have; what is not here cannot be asked for. */
/* clang-format off */
#define EVENT_TYPES(X) \
    X(created) X(state) X(restarted) X(rebalanced) X(assigned) X(outage) X(schema) \
    X(table_changed) X(credentials) X(offsets_reset) X(offset_gap) X(topic_recreated) \
    X(replayed) X(guarantee) X(limits)
/* clang-format on */

enum {
    EVENT_PAGE_LIMIT_MAX = 1000,
    EVENT_PAGE_LIMIT_DEFAULT = 100,
};

struct event_row {
    int64_t id;
    char *time; /* RFC 3339 */
    char *type;
    char *severity;
    char *message;
    json_t *details; /* owned reference; an object */
};

struct event_rows {
    struct event_row *items;
    size_t count;
    int64_t next_id; /* give it as before_id for the next page; 0 = this was the last */
};
void event_rows_done(struct event_rows *rows);

/* All texts borrowed. */
struct event_filter {
    const char *pipe_id;
    const char *type;  /* NULL = any */
    int64_t from_ms;   /* of the wall clock, inclusive; INT64_MIN = any */
    int64_t to_ms;     /* exclusive; INT64_MAX = any */
    int64_t before_id; /* INT64_MAX = from the newest */
    int limit;         /* 1–EVENT_PAGE_LIMIT_MAX */
};

/* One page. ret_rows: event_rows_done. ST_UNAVAILABLE, ST_NO_MEMORY, ST_INTERNAL. */
enum status event_list(
    struct store *store, const struct event_filter *filter, struct event_rows *ret_rows,
    struct err *err) MUST_CHECK;

#endif
