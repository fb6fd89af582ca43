/*
 * The C library writes and reads decimal floats exactly, so the shortest text is found by asking
 * for ever more digits until the value comes back. No program of ours calls setlocale.
 */
#include "worker/replica/decode/float_text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DOUBLE_DIGITS_SURE = 15, /* so many always survive; 17 are always enough (IEEE 754) */
    DOUBLE_DIGITS_MAX = 17,
    FLOAT_DIGITS_SURE = 6,
    FLOAT_DIGITS_MAX = 9,
    EXPONENT_MIN = -6, /* outside the text has an exponent, as ClickHouse prints it */
    EXPONENT_MAX = 20,
};

/* Digits without point and trailing zeros, and the power of ten of the first. */
struct digits {
    char text[DOUBLE_DIGITS_MAX + 1];
    int count;
    int exponent;
};

static bool reads_back(const char *text, double value, bool is_float)
{
    double found = is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
    return !(found < value) && !(found > value);
}

static struct digits shortest(double value, bool is_float)
{
    static const char *const FORMATS[] = {"%.0e",  "%.1e",  "%.2e",  "%.3e",  "%.4e",  "%.5e",
                                          "%.6e",  "%.7e",  "%.8e",  "%.9e",  "%.10e", "%.11e",
                                          "%.12e", "%.13e", "%.14e", "%.15e", "%.16e"};
    char text[FLOAT_TEXT_BYTES];
    int count = is_float ? FLOAT_DIGITS_SURE : DOUBLE_DIGITS_SURE;
    if (value < (is_float ? (double)FLT_MIN : DBL_MIN)) {
        count = 1; /* subnormal: fewer digits may be enough */
    }
    int most = is_float ? FLOAT_DIGITS_MAX : DOUBLE_DIGITS_MAX;
    for (;; count++) {
        (void)strfromd(text, sizeof(text), FORMATS[count - 1], value); /* fits: at most 24 bytes */
        if (count == most || reads_back(text, value, is_float)) {
            break;
        }
    }
    struct digits d = {0};
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at != '.') {
            d.text[d.count++] = *at;
        }
    }
    while (d.count > 1 && d.text[d.count - 1] == '0') {
        d.count--;
    }
    d.exponent = (int)strtol(at + 1, NULL, 10);
    return d;
}

static char *write_digits(char *to, const char *digits, int count)
{
    memcpy(to, digits, (size_t)count);
    return to + count;
}

static char *write_zeros(char *to, int count)
{
    memset(to, '0', (size_t)count);
    return to + count;
}

/* 0.00123, 123, 123.45, 12300 */
static char *write_plain(char *to, const struct digits *d)
{
    int whole = d->exponent + 1;
    if (whole <= 0) {
        to = write_digits(to, "0.", 2);
        to = write_zeros(to, -whole);
        return write_digits(to, d->text, d->count);
    }
    if (whole >= d->count) {
        to = write_digits(to, d->text, d->count);
        return write_zeros(to, whole - d->count);
    }
    to = write_digits(to, d->text, whole);
    *to++ = '.';
    return write_digits(to, d->text + whole, d->count - whole);
}

/* e21, e-324 */
static char *write_exponent(char *to, int exponent)
{
    *to++ = 'e';
    if (exponent < 0) {
        *to++ = '-';
        exponent = -exponent;
    }
    for (int power = exponent >= 100 ? 100 : exponent >= 10 ? 10 : 1; power > 0; power /= 10) {
        *to++ = (char)('0' + exponent / power % 10);
    }
    return to;
}

size_t float_text(double value, bool is_float, char *to)
{
    char *at = to;
    if (isnan(value)) {
        memcpy(to, "nan", sizeof("nan"));
        return sizeof("nan") - 1;
    }
    if (signbit(value) != 0) {
        *at++ = '-';
        value = -value;
    }
    if (isinf(value)) {
        at = write_digits(at, "inf", 3);
        *at = '\0';
        return (size_t)(at - to);
    }
    struct digits d = shortest(value, is_float);
    if (d.exponent >= EXPONENT_MIN && d.exponent <= EXPONENT_MAX) {
        at = write_plain(at, &d);
    } else {
        int exponent = d.exponent;
        d.exponent = 0;
        at = write_plain(at, &d);
        at = write_exponent(at, exponent);
    }
    *at = '\0';
    return (size_t)(at - to);
}
