/* The less common ways of reading numbers: long, quoted, exponents, hard roundings. */
#include "worker/replica/decode/number.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

enum {
    EXPONENT_MAX = 100000, /* beyond it every number is zero or infinite */
    TEXT_BYTES = 1024,
    DOUBLE_BITS = 52,
    DOUBLE_BIAS = 1023,
    DOUBLE_INFINITE = 0x7ff,
};

const uint64_t NUMBER_POWERS[20] = {
    1ULL,
    10ULL,
    100ULL,
    1000ULL,
    10000ULL,
    100000ULL,
    1000000ULL,
    10000000ULL,
    100000000ULL,
    1000000000ULL,
    10000000000ULL,
    100000000000ULL,
    1000000000000ULL,
    10000000000000ULL,
    100000000000000ULL,
    1000000000000000ULL,
    10000000000000000ULL,
    100000000000000000ULL,
    1000000000000000000ULL,
    10000000000000000000ULL,
};

uint128 number_power(unsigned n)
{
    assert(n <= NUMBER_DIGITS_POWER);
    uint128 power = NUMBER_POWERS[n > 19 ? 19 : n];
    return n > 19 ? power * NUMBER_POWERS[n - 19] : power;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

const uint8_t *number_read_exponent(const uint8_t *at, const uint8_t *end, struct number *number)
{
    at++;
    bool is_negative = *at == '-';
    at += *at == '-' || *at == '+' ? 1 : 0;
    if (!is_digit(*at)) {
        return NULL;
    }
    int32_t exponent = 0;
    for (; is_digit(*at) && at < end; at++) {
        if (exponent <= EXPONENT_MAX) {
            exponent = exponent * 10 + (*at - '0');
        }
    }
    number->is_plain = false;
    number->is_long = number->is_long || exponent > EXPONENT_MAX;
    number->exponent += is_negative ? -exponent : exponent;
    return at;
}

/* Digits with at most one point; returns how many digits there are. */
static uint32_t read_text_digits(const uint8_t **at, const uint8_t *end, struct number *n)
{
    uint32_t digits = 0;
    uint32_t after_point = 0;
    for (; *at < end && (is_digit(**at) || (**at == '.' && n->is_plain)); (*at)++) {
        if (**at == '.') {
            n->is_plain = false;
            continue;
        }
        n->mantissa = n->mantissa * 10 + (uint64_t)(**at - '0');
        digits++;
        after_point += n->is_plain ? 0 : 1;
    }
    n->exponent = -(int32_t)after_point;
    n->is_long = digits > NUMBER_DIGITS_FAST;
    return digits;
}

bool number_read_text(const uint8_t *text, size_t len, struct number *ret_number)
{
    struct number n = {.start = text, .end = text + len, .is_plain = true};
    const uint8_t *at = text;
    if (len > 0 && (*at == '-' || *at == '+')) {
        n.is_negative = *at == '-';
        at++;
    }
    if (read_text_digits(&at, text + len, &n) == 0) {
        return false;
    }
    if (at + 1 < text + len && (*at | 0x20) == 'e') {
        at = number_read_exponent(at, text + len, &n);
    }
    if (at != text + len) {
        return false;
    }
    *ret_number = n;
    return true;
}

struct wide_state {
    struct number_wide wide;
    uint64_t part; /* the last digits, not yet in the mantissa */
    uint32_t part_digits;
    uint32_t digits_max;
    int64_t zeros; /* seen after the last digit that matters */
};

static void take_part(struct wide_state *s)
{
    bool fits = wide_multiply_add(&s->wide.mantissa, NUMBER_POWERS[s->part_digits], s->part);
    s->wide.is_too_long = s->wide.is_too_long || !fits;
    s->part = 0;
    s->part_digits = 0;
}

static void append_digit(struct wide_state *s, unsigned digit)
{
    s->part = s->part * 10 + digit;
    s->part_digits++;
    s->wide.digits++;
    if (s->part_digits == NUMBER_DIGITS_FAST) {
        take_part(s);
    }
}

/* False once digits are left out. */
static bool take_digit(struct wide_state *s, unsigned digit)
{
    if (s->wide.is_cut) {
        return false;
    }
    if (digit == 0) {
        s->zeros += s->wide.digits > 0 ? 1 : 0;
        return true;
    }
    if (s->zeros + 1 + s->wide.digits > s->digits_max) {
        s->wide.is_cut = true;
        return false;
    }
    for (; s->zeros > 0; s->zeros--) {
        append_digit(s, 0);
    }
    append_digit(s, digit);
    return true;
}

void number_wide(const struct number *number, uint32_t digits_max, struct number_wide *ret_wide)
{
    struct wide_state s = {.digits_max = digits_max};
    const uint8_t *at = number->start;
    at += *at == '-' || *at == '+' ? 1 : 0;
    int64_t after_point = 0;
    bool has_point = false;
    int64_t dropped = 0; /* digits left out */
    for (; at < number->end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            has_point = true;
            continue;
        }
        dropped += take_digit(&s, (unsigned)(*at - '0')) ? 0 : 1;
        after_point += has_point ? 1 : 0;
    }
    take_part(&s);
    int64_t exponent = 0;
    if (at < number->end) {
        struct number e = {0};
        (void)number_read_exponent(at, number->end, &e); /* read before: cannot fail */
        exponent = e.exponent;
    }
    s.wide.exponent = s.wide.digits == 0 ? 0 : exponent - after_point + s.zeros + dropped;
    *ret_wide = s.wide;
}

static double from_text(const struct number *number)
{
    /* No program of ours calls setlocale, so the point is a point. */
    char small[TEXT_BYTES];
    size_t len = (size_t)(number->end - number->start);
    char *text = len < sizeof(small) ? small : malloc(len + 1);
    if (text == NULL) {
        return (double)NAN;
    }
    memcpy(text, number->start, len);
    text[len] = '\0';
    double value = strtod(text, NULL);
    if (text != small) {
        free(text);
    }
    return value;
}

static float from_text32(const struct number *number)
{
    char small[TEXT_BYTES];
    size_t len = (size_t)(number->end - number->start);
    char *text = len < sizeof(small) ? small : malloc(len + 1);
    if (text == NULL) {
        return NAN;
    }
    memcpy(text, number->start, len);
    text[len] = '\0';
    float value = strtof(text, NULL);
    if (text != small) {
        free(text);
    }
    return value;
}

/*
 * M. Eisel and D. Lemire: the upper 128 bits of mantissa * 5^exponent decide the rounding nearly
 * always. False when they do not (or the result is subnormal or infinite).
 */
static bool eisel_lemire(uint64_t w, int32_t q, uint64_t *ret_bits)
{
    enum {
        SHIFT = 64 - DOUBLE_BITS - 3
    };
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    const uint64_t *power = FLOAT_POWERS[q - FLOAT_POWER_MIN];
    uint128 product = (uint128)w * power[0];
    uint64_t high = (uint64_t)(product >> 64);
    uint64_t low = (uint64_t)product;
    if ((high & 0x1ff) == 0x1ff) {
        uint64_t more = (uint64_t)(((uint128)w * power[1]) >> 64);
        low += more;
        high += low < more ? 1 : 0;
    }
    if (low == UINT64_MAX && (q < -27 || q > 55)) {
        return false;
    }
    unsigned upper = (unsigned)(high >> 63);
    uint64_t mantissa = high >> (upper + SHIFT);
    /* The shift of a negative number rounds down: gcc and clang define it so. */
    /* cppcheck-suppress shiftNegativeLHS */
    int power2 = (((152170 + 65536) * q) >> 16) + 63 + (int)upper - zeros + DOUBLE_BIAS;
    if (power2 <= 0 || power2 >= DOUBLE_INFINITE - 1) {
        return false;
    }
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 &&
        mantissa << (upper + SHIFT) == high) {
        mantissa &= ~1ULL; /* exactly half way: to even */
    }
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >= 2ULL << DOUBLE_BITS) {
        mantissa = 1ULL << DOUBLE_BITS;
        power2++;
    }
    mantissa &= ~(1ULL << DOUBLE_BITS);
    *ret_bits = mantissa | (uint64_t)power2 << DOUBLE_BITS;
    return true;
}

double number_float64_slow(const struct number *number)
{
    uint64_t bits = 0;
    bool is_in_table = number->exponent >= FLOAT_POWER_MIN && number->exponent <= FLOAT_POWER_MAX;
    if (number->is_long || !is_in_table || number->mantissa == 0 ||
        !eisel_lemire(number->mantissa, number->exponent, &bits)) {
        return from_text(number);
    }
    double value = 0;
    memcpy(&value, &bits, sizeof(value));
    return number->is_negative ? -value : value;
}

float number_float32(const struct number *number)
{
    enum {
        LOST_BITS = 29 /* of a double's mantissa */
    };
    double value = number_float64(number);
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    bool is_half_way = (bits & ((1ULL << LOST_BITS) - 1)) == 1ULL << (LOST_BITS - 1);
    bool is_normal = fabs(value) >= (double)FLT_MIN && fabs(value) <= (double)FLT_MAX;
    /* rounding twice differs from rounding once only when the double is half way between floats */
    return is_normal && !is_half_way ? (float)value : from_text32(number);
}
