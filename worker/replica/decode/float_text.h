#ifndef WORKER_REPLICA_DECODE_FLOAT_TEXT_H
#define WORKER_REPLICA_DECODE_FLOAT_TEXT_H

/* Floats as text: the shortest that reads back as the same value, written as ClickHouse does. */

#include <stdbool.h>
#include <stddef.h>

enum {
    FLOAT_TEXT_BYTES = 40 /* room that is always enough, with the zero byte */
};

/*
 * Write value at `to` (FLOAT_TEXT_BYTES), zero-terminated; returns the length. is_float: value is
 * a float widened, and the text need only read back as that float. "nan", "inf" and "-inf" for what
 * is no number; an exponent (1e21, 1e-7) from 10^21 on and below 10^-6.
 */
size_t float_text(double value, bool is_float, char *to);

#endif
