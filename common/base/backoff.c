/* Doubling waits with jitter. */
#include "common/base/backoff.h"

#include <assert.h>

void backoff_init(struct backoff *b, int64_t first_ms, int64_t max_ms, uint64_t seed)
{
    assert(first_ms >= 1 && max_ms >= first_ms);
    *b = (struct backoff){
        .first_ms = first_ms, .max_ms = max_ms, .random = seed == 0 ? 0x9e3779b97f4a7c15U : seed};
}

int64_t backoff_next_ms(struct backoff *b)
{
    int64_t wait_ms = b->first_ms;
    for (uint32_t i = 0; i < b->tries_count && wait_ms < b->max_ms; i++) {
        wait_ms = wait_ms > b->max_ms / 2 ? b->max_ms : wait_ms * 2;
    }
    if (b->tries_count < UINT32_MAX) {
        b->tries_count++;
    }
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    int64_t half_ms = wait_ms / 2;
    int64_t jitter_ms = (int64_t)(b->random % (uint64_t)(wait_ms - half_ms + 1));
    return half_ms + jitter_ms;
}

void backoff_reset(struct backoff *b)
{
    b->tries_count = 0;
}
