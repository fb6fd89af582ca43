#ifndef WORKER_SUPERVISOR_RESTART_H
#define WORKER_SUPERVISOR_RESTART_H

/*
 * When a child that ended is started again: soon at first, slower while it keeps dying, and every
 * 30 seconds once it is clear that this is a crash loop. A child that lived for a minute has shown
 * that the program and its settings work, so its death starts the count anew. Pure: time comes in.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/backoff.h"

enum {
    RESTART_FIRST_MS = 500,
    RESTART_MAX_MS = 30000,
    RESTART_GOOD_MS = 60000, /* a life this long was a good one */
    RESTART_WINDOW_MS = 60000,
    RESTART_DEATHS_MAX = 5, /* this many within the window are a crash loop */
};

struct restart {
    struct backoff backoff;
    int64_t started_ms;
    int64_t deaths_ms[RESTART_DEATHS_MAX]; /* the last ones, a ring */
    uint32_t deaths_count;                 /* since the last good life */
    bool is_throttled;
};

/* Nothing has happened yet. seed: anything, for the jitter. */
void restart_init(struct restart *restart, uint64_t seed);

/* A child was started at now_ms (monotonic). */
void restart_started(struct restart *restart, int64_t now_ms);

/* The child ended at now_ms although it was wanted. Returns the time in ms to wait before the next
 * start; is_throttled tells afterwards whether this is a crash loop. */
int64_t restart_ended(struct restart *restart, int64_t now_ms);

/* Ask while the child runs. True once, when a crash loop is over because the child has now lived
 * for RESTART_GOOD_MS. */
bool restart_is_recovered(struct restart *restart, int64_t now_ms);

#endif
