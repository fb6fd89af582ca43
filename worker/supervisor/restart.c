/* Restart policy: backoff with jitter, forgiven after a good life, throttled in a crash loop. */
#include "worker/supervisor/restart.h"

#include <assert.h>

void restart_init(struct restart *restart, uint64_t seed)
{
    *restart = (struct restart){0};
    backoff_init(&restart->backoff, RESTART_FIRST_MS, RESTART_MAX_MS, seed);
}

void restart_started(struct restart *restart, int64_t now_ms)
{
    restart->started_ms = now_ms;
}

static void forgive(struct restart *restart)
{
    restart->deaths_count = 0;
    restart->is_throttled = false;
    backoff_reset(&restart->backoff);
}

int64_t restart_ended(struct restart *restart, int64_t now_ms)
{
    assert(now_ms >= restart->started_ms);
    if (now_ms - restart->started_ms >= RESTART_GOOD_MS) {
        forgive(restart);
    }
    restart->deaths_ms[restart->deaths_count % RESTART_DEATHS_MAX] = now_ms;
    restart->deaths_count++;
    if (restart->deaths_count >= RESTART_DEATHS_MAX) {
        int64_t oldest_ms = restart->deaths_ms[restart->deaths_count % RESTART_DEATHS_MAX];
        if (now_ms - oldest_ms <= RESTART_WINDOW_MS) {
            restart->is_throttled = true;
        }
    }
    if (restart->is_throttled) {
        return RESTART_MAX_MS;
    }
    return backoff_next_ms(&restart->backoff);
}

bool restart_is_recovered(struct restart *restart, int64_t now_ms)
{
    if (restart->deaths_count == 0 || now_ms - restart->started_ms < RESTART_GOOD_MS) {
        return false;
    }
    bool was_throttled = restart->is_throttled;
    forgive(restart);
    return was_throttled;
}
