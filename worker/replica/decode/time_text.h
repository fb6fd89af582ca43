#ifndef WORKER_REPLICA_DECODE_TIME_TEXT_H
#define WORKER_REPLICA_DECODE_TIME_TEXT_H

/* Times of day and spans from text: the shapes ClickHouse reads into Time and Time64. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct time_text {
    int64_t seconds; /* without the sign */
    uint32_t nanos;
    bool is_negative;
};

enum {
    TIME_SECONDS_MAX = 999 * 3600 + 59 * 60 + 59 /* 999:59:59, either sign */
};

/*
 * [-]h:mm:ss (one to three digits of hours), [-]mm:ss or [-]s (one or two digits), each with
 * an optional fraction; what is finer than a nanosecond is left out. NULL, or why it is none
 * (static text).
 */
const char *time_read(const uint8_t *text, size_t len, struct time_text *ret_time);

#endif
