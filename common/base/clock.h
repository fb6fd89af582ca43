#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

/*
 * Time. Durations use the monotonic clock; the wall clock is for people and for rows. Tests set a
 * fake monotonic clock instead of sleeping.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds and microseconds of the monotonic clock (or of the fake one). */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

/* From now on clock_monotonic_* answer what clock_fake_advance_ms makes of it. For tests, one
 * thread. */
void clock_fake_start(int64_t start_ms);
void clock_fake_advance_ms(int64_t step_ms);
void clock_fake_stop(void);

enum {
    CLOCK_RFC3339_BYTES = 40
};

/* Write wall_ms as RFC 3339 in UTC, e.g. 2026-01-02T03:04:05.678Z (without the fraction when it is
 * zero). text: CLOCK_RFC3339_BYTES. */
void clock_rfc3339(int64_t wall_ms, char text[CLOCK_RFC3339_BYTES]);

#endif
