#ifndef WORKER_REPLICA_DECODE_DECIMAL_TEXT_H
#define WORKER_REPLICA_DECODE_DECIMAL_TEXT_H

/* Decimals of Avro (big-endian two's complement and a scale) as exact decimal texts. */

#include <stddef.h>
#include <stdint.h>

enum {
    DECIMAL_UNSCALED_BYTES_MAX = 64, /* 154 digits */
    DECIMAL_TEXT_SCALE_MAX = 1024,
    DECIMAL_TEXT_BYTES = DECIMAL_TEXT_SCALE_MAX + DECIMAL_UNSCALED_BYTES_MAX * 3 + 16,
};

/*
 * Write unscaled * 10^-scale (len up to DECIMAL_UNSCALED_BYTES_MAX, scale up to
 * DECIMAL_TEXT_SCALE_MAX) with all scale digits behind the point at `to` (DECIMAL_TEXT_BYTES), with
 * no zero byte; returns the length. No bytes are zero.
 */
size_t decimal_text(const uint8_t *unscaled, size_t len, unsigned scale, char *to);

#endif
