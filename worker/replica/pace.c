/* Steps of two, up and down. */
#include "worker/replica/pace.h"

#include <assert.h>

void pace_init(struct pace *ret_pace, const struct batch_limits *base)
{
    *ret_pace = (struct pace){.base = *base};
}

static void pace_changed(struct pace *pace, int64_t now_ms)
{
    pace->changed_ms = now_ms;
    pace->has_stored = false;
}

static bool pace_refused(struct pace *pace, const struct pace_totals *totals, int64_t now_ms)
{
    bool has_changed = false;
    if (totals->parts_refusals > pace->seen.parts_refusals) {
        pace->grow_steps += pace->grow_steps < PACE_GROW_MAX ? 1 : 0;
        has_changed = true;
    }
    if (totals->memory_refusals > pace->seen.memory_refusals) {
        pace->memory_refusals += totals->memory_refusals - pace->seen.memory_refusals;
        if (pace->memory_refusals >= PACE_MEMORY_REFUSALS) {
            pace->memory_refusals = 0;
            pace->shrink_steps += pace->shrink_steps < PACE_SHRINK_MAX ? 1 : 0;
            has_changed = true;
        }
    }
    if (has_changed) {
        pace_changed(pace, now_ms);
    }
    return has_changed;
}

static bool pace_relax_steps(struct pace *pace, int64_t now_ms)
{
    if ((pace->grow_steps == 0 && pace->shrink_steps == 0) || !pace->has_stored ||
        now_ms - pace->changed_ms < PACE_RELAX_MS) {
        return false;
    }
    pace->grow_steps -= pace->grow_steps > 0 ? 1 : 0;
    pace->shrink_steps -= pace->shrink_steps > 0 ? 1 : 0;
    pace_changed(pace, now_ms);
    return true;
}

static bool pace_relax_cap(struct pace *pace, int64_t now_ms)
{
    if (pace->rows_max == 0 || now_ms - pace->capped_ms < PACE_CAP_MS) {
        return false;
    }
    pace->rows_max = pace->rows_max < pace->base.rows / 2 ? pace->rows_max * 2 : 0;
    pace->capped_ms = now_ms;
    return true;
}

bool pace_see(struct pace *pace, const struct pace_totals *totals, int64_t now_ms)
{
    if (totals->inserts < pace->seen.inserts ||
        totals->parts_refusals < pace->seen.parts_refusals ||
        totals->memory_refusals < pace->seen.memory_refusals) {
        pace->seen = (struct pace_totals){.inserts = 0};
    }
    bool has_changed = pace_refused(pace, totals, now_ms);
    if (totals->inserts > pace->seen.inserts) {
        pace->has_stored = true;
        pace->memory_refusals = 0;
    }
    pace->seen = *totals;
    has_changed = pace_relax_steps(pace, now_ms) || has_changed;
    return pace_relax_cap(pace, now_ms) || has_changed;
}

void pace_cap_rows(struct pace *pace, size_t rows, int64_t now_ms)
{
    assert(rows > 0);
    pace->rows_max = rows;
    pace->capped_ms = now_ms;
}

static size_t at_least(size_t value, size_t least, size_t base)
{
    size_t floor = base < least ? base : least;
    return value < floor ? floor : value;
}

struct batch_limits pace_limits(const struct pace *pace)
{
    struct batch_limits limits = pace->base;
    if (pace->grow_steps > 0 && limits.rows < PACE_ROWS_MAX) {
        limits.rows <<= pace->grow_steps;
        limits.rows = limits.rows > PACE_ROWS_MAX ? PACE_ROWS_MAX : limits.rows;
    }
    if (pace->grow_steps > 0 && limits.age_ms < PACE_AGE_MAX_MS) {
        limits.age_ms <<= pace->grow_steps;
        limits.age_ms = limits.age_ms > PACE_AGE_MAX_MS ? PACE_AGE_MAX_MS : limits.age_ms;
    }
    if (pace->shrink_steps > 0) {
        limits.rows = at_least(limits.rows >> pace->shrink_steps, PACE_ROWS_MIN, pace->base.rows);
        limits.bytes >>= pace->shrink_steps;
    }
    if (pace->rows_max > 0 && limits.rows > pace->rows_max) {
        limits.rows = pace->rows_max;
    }
    return limits;
}
