#ifndef WORKER_REPLICA_DECODE_WIDE_H
#define WORKER_REPLICA_DECODE_WIDE_H

/* Whole numbers of 256 bits, modulo 2^256: as much arithmetic as reading decimal texts takes. */

#include <stdbool.h>
#include <stdint.h>

enum {
    WIDE_WORDS = 4,
    WIDE_BITS = 256,
};

/* Lowest word first, as Native has them. Read as two's complement where a sign matters. */
struct wide {
    uint64_t words[WIDE_WORDS];
};

/* *w = *w * factor + addend; false if that passed 2^256 (then what is left modulo 2^256). */
bool wide_multiply_add(struct wide *w, uint64_t factor, uint64_t addend);

/* *w = *w * 10^exponent; the same. */
bool wide_scale(struct wide *w, uint64_t exponent);

void wide_negate(struct wide *w);

/* Bits without leading zeros; 0 for zero. */
unsigned wide_bits(const struct wide *w);

/* 2^n, n < 256. */
struct wide wide_power_of_two(unsigned n);

/* 2^n - 1, n <= 256. */
struct wide wide_ones(unsigned n);

bool wide_equals(const struct wide *a, const struct wide *b);

#endif
