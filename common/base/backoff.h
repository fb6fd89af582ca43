#ifndef COMMON_BASE_BACKOFF_H
#define COMMON_BASE_BACKOFF_H

/*
 * Waiting times between tries: doubling from first_ms to max_ms, each with "equal jitter" (half
 * fixed, half random), so that many waiters do not return in step.
 * Source: M. Brooker, "Exponential Backoff And Jitter", 2015.
 */

#include <stdint.h>

struct backoff {
    int64_t first_ms;
    int64_t max_ms;
    uint32_t tries_count; /* since the last reset */
    uint64_t random;      /* state of a xorshift generator; any value */
};

/* first_ms >= 1, max_ms >= first_ms. seed: anything. */
void backoff_init(struct backoff *b, int64_t first_ms, int64_t max_ms, uint64_t seed);

/* The next waiting time in ms; counts one try. */
int64_t backoff_next_ms(struct backoff *b);

/* It worked: the next wait is first_ms again. */
void backoff_reset(struct backoff *b);

#endif
