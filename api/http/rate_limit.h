#ifndef API_HTTP_RATE_LIMIT_H
#define API_HTTP_RATE_LIMIT_H

/*
 * How many requests one key may make: a token bucket per key. A bucket holds `requests` tokens and
 * fills evenly in `window_s` seconds. Memory is fixed: of more keys than there are places, the one
 * that was not seen longest starts with a full bucket again. Safe from many threads.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct rate_limit;

enum {
    RATE_LIMIT_PLACES = 4096, /* keys remembered at once */
    RATE_LIMIT_WAYS = 8,      /* places one key can be in */
};

/* What the answer's headers say (docs: the contract, 1.4). */
struct rate_answer {
    bool is_counted;   /* false = there is no limit: no headers */
    bool is_allowed;   /* false = 429 */
    int64_t limit;     /* requests a full bucket holds */
    int64_t remaining; /* whole tokens left after this request */
    int64_t reset_us;  /* until the next request is let through; 0 while some are left */
};

/* requests: 1–1000000, in window_s: 1–86400 seconds. Owned, rate_limit_free. NULL if out of
 * memory. */
struct rate_limit *rate_limit_new(int64_t requests, int64_t window_s);
void rate_limit_free(struct rate_limit *limit);

/* One request of this key now. limit: NULL = none is set. now_us: monotonic, of one clock. A
 * refused request takes no token. */
struct rate_answer rate_limit_take(struct rate_limit *limit, const char *key_id, int64_t now_us);

#endif
