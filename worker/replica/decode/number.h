#ifndef WORKER_REPLICA_DECODE_NUMBER_H
#define WORKER_REPLICA_DECODE_NUMBER_H

/*
 * Decimal numbers: from digits to exact mantissa and exponent, eight digits at a time, and from
 * there to integers, decimals and correctly rounded floats. What does not fit 19 digits goes the
 * slow, exact way in number.c. Reads up to 8 bytes behind what it takes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/decode/wide.h"

__extension__ typedef unsigned __int128 uint128;
__extension__ typedef __int128 int128;

struct number {
    const uint8_t *start; /* with the sign */
    const uint8_t *end;
    uint64_t mantissa; /* all digits, point left out; meaningless if is_long */
    int32_t exponent;  /* of ten, for that mantissa */
    bool is_negative;
    bool is_long;  /* more than 19 digits or a huge exponent: use number_wide */
    bool is_plain; /* only digits: an integer as written */
};

/* mantissa * 10^exponent, mantissa without trailing zeros. */
struct number_wide {
    struct wide mantissa; /* of all digits taken, modulo 2^256 if is_too_long */
    int64_t exponent;
    uint32_t digits;  /* of the mantissa */
    bool is_too_long; /* the mantissa passed 2^256 */
    bool is_cut;      /* digits that matter were left out */
};

enum {
    NUMBER_DIGITS_FAST = 19,
    NUMBER_DIGITS_POWER = 38, /* 10^38 is the largest power of ten in 128 bits */
    FLOAT_POWER_MIN = -64,
    FLOAT_POWER_MAX = 64,
};

extern const uint64_t FLOAT_POWERS[FLOAT_POWER_MAX - FLOAT_POWER_MIN + 1][2];
extern const uint64_t NUMBER_POWERS[20]; /* 10^0 … 10^19 */

/* 10^n for n <= 38. */
uint128 number_power(unsigned n);

/* The exact value of a number's text, or its first digits_max digits that matter. */
void number_wide(const struct number *number, uint32_t digits_max, struct number_wide *ret_wide);

/*
 * A number as people write it in text: sign, digits with or without point, exponent. The whole
 * text must be one; leading zeros, "+1", ".5" and "1." are fine. False if it is none.
 */
bool number_read_text(const uint8_t *text, size_t len, struct number *ret_number);

/* Nearest double or float; infinite when too large. number_float32 gives a float's value. */
double number_float64_slow(const struct number *number);
float number_float32(const struct number *number);

/* Value of up to eight leading digits; ret_count says how many there are. */
static inline uint64_t number_digits8(const uint8_t *at, unsigned *ret_count)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof(bytes));
    uint64_t digits = bytes ^ 0x3030303030303030ULL;
    uint64_t other = ((digits + 0x7676767676767676ULL) | digits) & 0x8080808080808080ULL;
    if (other == 0) {
        *ret_count = 8;
    } else {
        unsigned bits = (unsigned)__builtin_ctzll(other) & ~7U;
        *ret_count = bits / 8;
        if (bits == 0) {
            return 0;
        }
        digits <<= 64 - bits;
    }
    digits = digits * 10 + (digits >> 8); /* pairs in every second byte */
    return (((digits & 0x000000ff000000ffULL) * 0x000f424000000064ULL) +
            (((digits >> 16) & 0x000000ff000000ffULL) * 0x0000271000000001ULL)) >>
           32;
}

/* Value of up to seven leading digits; more than seven count as 8, and the value is undefined. */
static inline uint64_t number_digits7(const uint8_t *at, unsigned *ret_count)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof(bytes));
    uint64_t digits = bytes ^ 0x3030303030303030ULL;
    uint64_t other = ((digits + 0x7676767676767676ULL) | digits) & 0x8080808080808080ULL;
    /* without the guard bit eight digits would need a branch */
    unsigned bits = (unsigned)__builtin_ctzll(other | 1ULL << 63) & ~7U;
    *ret_count = other == 0 ? 8 : bits / 8;
    digits <<= -bits & 63;
    digits = digits * 10 + (digits >> 8);
    return (((digits & 0x000000ff000000ffULL) * 0x000f424000000064ULL) +
            (((digits >> 16) & 0x000000ff000000ffULL) * 0x0000271000000001ULL)) >>
           32;
}

/* True unless the byte behind digits goes on with the number. */
static inline bool number_is_whole(uint8_t behind)
{
    return behind != '.' && (behind | 0x20) != 'e';
}

/* Append a run of digits to *mantissa; returns the place behind it. Stops soon after end. */
static inline const uint8_t *
number_run(const uint8_t *at, const uint8_t *end, uint64_t *mantissa, uint32_t *count)
{
    unsigned taken = 0;
    do {
        uint64_t value = number_digits8(at, &taken);
        *mantissa = *mantissa * NUMBER_POWERS[taken] + value;
        *count += taken;
        at += taken;
    } while (taken == 8 && at < end);
    return at;
}

/* Exponent part at 'e'; returns the place behind, NULL if it is none. */
const uint8_t *number_read_exponent(const uint8_t *at, const uint8_t *end, struct number *number);

/*
 * A JSON number (RFC 8259 section 6) at `at`; returns the place behind it, NULL if the grammar is
 * broken. end: the document's, only a bound.
 */
static inline const uint8_t *
number_read(const uint8_t *at, const uint8_t *end, struct number *number)
{
    number->start = at;
    number->is_negative = *at == '-';
    at += number->is_negative;
    const uint8_t *first = at;
    uint64_t mantissa = 0;
    uint32_t count = 0;
    at = number_run(at, end, &mantissa, &count);
    if (UNLIKELY(count == 0 || (*first == '0' && count > 1))) {
        return NULL;
    }
    number->exponent = 0;
    number->is_plain = true;
    if (*at == '.') {
        uint32_t whole = count;
        at = number_run(at + 1, end, &mantissa, &count);
        if (UNLIKELY(count == whole)) {
            return NULL;
        }
        number->exponent = -(int32_t)(count - whole);
        number->is_plain = false;
    }
    number->mantissa = mantissa;
    number->is_long = count > NUMBER_DIGITS_FAST;
    if (UNLIKELY((*at | 0x20) == 'e')) {
        at = number_read_exponent(at, end, number);
    }
    number->end = at;
    return at;
}

/* Nearest double. Few digits and a small power are exact in one operation (W. Clinger 1990). */
static inline double number_float64(const struct number *number)
{
    static const double EXACT[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (LIKELY(
            !number->is_long && number->mantissa <= (1ULL << 53) && number->exponent >= -22 &&
            number->exponent <= 22)) {
        double value = (double)number->mantissa;
        value = number->exponent < 0 ? value / EXACT[-number->exponent]
                                     : value * EXACT[number->exponent];
        return number->is_negative ? -value : value;
    }
    return number_float64_slow(number);
}

#endif
