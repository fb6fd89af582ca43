/* Numbers into cells: integers, floats, decimals, enums, days and instants. */
#include <assert.h>
#include <math.h>

#include "worker/replica/decode/fill.h"

enum {
    UINT64_DIGITS_MAX = 20,
    NANO_DIGITS = 9,
    SECONDS_PER_DAY = 86400,
};

#define NANOS_PER_SECOND 1000000000LL
#define DATETIME64_SECONDS_MIN ((int64_t)DATE32_DAYS_MIN * SECONDS_PER_DAY)
#define DATETIME64_SECONDS_MAX (((int64_t)DATE32_DAYS_MAX + 1) * SECONDS_PER_DAY - 1)

const char FILL_NO_MEMORY[] = "out of memory";
const char FILL_MISMATCH[] = "this kind of value cannot be converted";
static const char OUT_OF_RANGE[] = "it is out of range";
static const char HAS_FRACTION[] = "it has a fraction";

static const char *stored(bool is_stored)
{
    return is_stored ? NULL : FILL_NO_MEMORY;
}

/* A whole number without its sign. */
struct whole {
    struct wide value; /* modulo 2^256 if is_huge */
    bool is_huge;
};

static const char *whole_value(const struct number *number, struct whole *ret_whole)
{
    struct number_wide wide;
    number_wide(number, UINT32_MAX, &wide);
    if (wide.exponent < 0) {
        return HAS_FRACTION;
    }
    *ret_whole = (struct whole){wide.mantissa, wide.is_too_long};
    ret_whole->is_huge =
        !wide_scale(&ret_whole->value, (uint64_t)wide.exponent) || wide.is_too_long;
    return NULL;
}

static const char *
store_wide(const struct cell *cell, struct column *column, struct wide value, bool is_negative)
{
    if (is_negative) {
        wide_negate(&value);
    }
    return stored(bytes_add(&column->data, value.words, cell->width_bytes));
}

static const char *overflow(
    const struct cell *cell, struct column *column, const struct whole *whole, bool is_negative)
{
    unsigned bits = cell->width_bytes * 8;
    switch (cell->overflow) {
    case PIPE_OVERFLOW_ERROR:
        break;
    case PIPE_OVERFLOW_CLAMP: {
        struct wide end = wide_ones(cell->is_signed ? bits - 1 : bits);
        if (is_negative) {
            end = cell->is_signed ? wide_power_of_two(bits - 1) : wide_ones(0);
        }
        return store_wide(cell, column, end, is_negative);
    }
    case PIPE_OVERFLOW_WRAP:
        return store_wide(cell, column, whole->value, is_negative);
    }
    return OUT_OF_RANGE;
}

/* Does the type hold the value? */
static bool is_in_range(const struct cell *cell, const struct whole *whole, bool is_negative)
{
    unsigned bits = cell->width_bytes * 8;
    unsigned found = whole->is_huge ? WIDE_BITS + 1 : wide_bits(&whole->value);
    if (!cell->is_signed) {
        return found == 0 || (!is_negative && found <= bits);
    }
    struct wide lowest = wide_power_of_two(bits - 1);
    return found < bits || (is_negative && !whole->is_huge && wide_equals(&whole->value, &lowest));
}

static const char *
fill_integer(const struct cell *cell, struct column *column, const struct number *number)
{
    uint64_t limit = number->is_negative ? cell->min_size : cell->max;
    bool is_short = !number->is_long && number->exponent == 0 && cell->max > 0;
    if (is_short && number->mantissa <= limit) {
        uint64_t size = number->mantissa;
        return stored(column_add_u64(column, number->is_negative ? 0 - size : size));
    }
    struct whole whole;
    const char *reason = whole_value(number, &whole);
    if (reason != NULL) {
        return reason;
    }
    return is_in_range(cell, &whole, number->is_negative)
               ? store_wide(cell, column, whole.value, number->is_negative)
               : overflow(cell, column, &whole, number->is_negative);
}

const char *fill_float(const struct cell *cell, struct column *column, double value)
{
    uint64_t bits = 0;
    if (cell->kind != CH_FLOAT64) {
        float narrow = (float)value;
        memcpy(&bits, &narrow, sizeof(narrow));
        bits >>= cell->kind == CH_BFLOAT16 ? 16 : 0; /* its upper half */
    } else {
        memcpy(&bits, &value, sizeof(value));
    }
    return stored(column_add_u64(column, bits));
}

static const char *
fill_rounded(const struct cell *cell, struct column *column, const struct number *number)
{
    double value =
        cell->kind == CH_FLOAT64 ? number_float64(number) : (double)number_float32(number);
    if (isnan(value)) {
        return FILL_NO_MEMORY; /* the only way a number becomes NaN */
    }
    if (isinf(value) && cell->overflow == PIPE_OVERFLOW_ERROR) {
        return OUT_OF_RANGE;
    }
    return fill_float(cell, column, value);
}

static const char *
fill_decimal(const struct cell *cell, struct column *column, const struct number *number)
{
    struct number_wide wide;
    number_wide(number, UINT32_MAX, &wide);
    int64_t shift = wide.exponent + cell->scale;
    if (wide.digits > 0 && shift + (int64_t)wide.digits > cell->precision) {
        return OUT_OF_RANGE;
    }
    if (wide.digits > 0 && shift < 0) {
        return "it has more digits after the point";
    }
    bool is_exact = wide.digits == 0 || wide_scale(&wide.mantissa, (uint64_t)shift);
    assert(is_exact && !wide.is_too_long); /* no more than 76 digits */
    return is_exact ? store_wide(cell, column, wide.mantissa, number->is_negative) : OUT_OF_RANGE;
}

/* A whole number that fits 63 bits. */
static const char *small_value(const struct number *number, int64_t *ret_value)
{
    struct whole whole;
    const char *reason = whole_value(number, &whole);
    if (reason != NULL) {
        return reason;
    }
    if (whole.is_huge || wide_bits(&whole.value) > 63) {
        return OUT_OF_RANGE;
    }
    int64_t size = (int64_t)whole.value.words[0];
    *ret_value = number->is_negative ? -size : size;
    return NULL;
}

static const char *
fill_member(const struct cell *cell, struct column *column, const struct number *number)
{
    int64_t value = 0;
    const char *reason = small_value(number, &value);
    if (reason != NULL) {
        return reason;
    }
    if (!cell_enum_has(cell, value)) {
        return "the enum has no such value";
    }
    return stored(column_add_u64(column, (uint64_t)value));
}

const char *fill_days(const struct cell *cell, struct column *column, int64_t days)
{
    bool is_wide = cell->kind == CH_DATE32;
    int64_t low = is_wide ? DATE32_DAYS_MIN : 0;
    int64_t high = is_wide ? DATE32_DAYS_MAX : DATE_DAYS_MAX;
    if (days < low || days > high) {
        return OUT_OF_RANGE;
    }
    return stored(column_add_u64(column, (uint64_t)days));
}

static const char *
fill_day_number(const struct cell *cell, struct column *column, const struct number *number)
{
    int64_t days = 0;
    const char *reason = small_value(number, &days);
    return reason != NULL ? reason : fill_days(cell, column, days);
}

const char *
fill_instant(const struct cell *cell, struct column *column, int64_t seconds, uint32_t nanos)
{
    if (cell->kind == CH_DATETIME) {
        if (seconds < 0 || seconds > UINT32_MAX) {
            return OUT_OF_RANGE;
        }
        return stored(column_add_u64(column, (uint64_t)seconds));
    }
    if (seconds < DATETIME64_SECONDS_MIN || seconds > DATETIME64_SECONDS_MAX) {
        return OUT_OF_RANGE;
    }
    int64_t ticks = 0;
    int64_t part = (int64_t)(nanos / NUMBER_POWERS[NANO_DIGITS - cell->scale]);
    if (__builtin_mul_overflow(seconds, (int64_t)NUMBER_POWERS[cell->scale], &ticks) ||
        __builtin_add_overflow(ticks, part, &ticks)) {
        return OUT_OF_RANGE;
    }
    return stored(column_add_u64(column, (uint64_t)ticks));
}

/* Digits after the seconds' place in a bare number: 0, 3, 6 or 9; -1 = no unit has so many. */
static int unit_digits(enum pipe_timestamp_unit unit, int64_t digits_before_point)
{
    switch (unit) {
    case PIPE_TIMESTAMP_S:
        return 0;
    case PIPE_TIMESTAMP_MS:
        return 3;
    case PIPE_TIMESTAMP_US:
        return 6;
    case PIPE_TIMESTAMP_NS:
        return NANO_DIGITS;
    case PIPE_TIMESTAMP_AUTO:
        break;
    }
    /* docs/type-mapping.md: up to 11 digits seconds, 12-14 ms, 15-17 us, 18-20 ns */
    if (digits_before_point <= 11) {
        return 0;
    }
    return digits_before_point <= 20 ? (int)((digits_before_point - 12) / 3 + 1) * 3 : -1;
}

/* By penstock_timestamp_unit. */
static const char *
fill_unix_time(const struct cell *cell, struct column *column, const struct number *number)
{
    struct number_wide wide;
    number_wide(number, NUMBER_DIGITS_POWER, &wide);
    int64_t before_point = wide.exponent + (int64_t)wide.digits;
    int unit = unit_digits(cell->timestamp_unit, before_point);
    if (unit < 0 || before_point > UINT64_DIGITS_MAX) {
        return OUT_OF_RANGE;
    }
    /* nanoseconds; what is finer is left out, as in texts */
    int64_t shift = wide.exponent + NANO_DIGITS - unit;
    uint128 size = (uint128)wide.mantissa.words[1] << 64 | wide.mantissa.words[0];
    bool is_cut = wide.is_cut;
    if (shift >= 0) {
        size = wide.digits == 0 ? 0 : size * number_power((unsigned)shift);
    } else {
        uint128 power =
            number_power(-shift > NUMBER_DIGITS_POWER ? NUMBER_DIGITS_POWER : (unsigned)-shift);
        is_cut = is_cut || size % power != 0;
        size /= power;
    }
    int128 nanos = number->is_negative ? -(int128)size - (is_cut ? 1 : 0) : (int128)size;
    int128 seconds = nanos / NANOS_PER_SECOND;
    int128 rest = nanos % NANOS_PER_SECOND;
    if (rest < 0) {
        seconds -= 1;
        rest += (int128)NANOS_PER_SECOND;
    }
    if (seconds < (int128)DATETIME64_SECONDS_MIN || seconds > (int128)DATETIME64_SECONDS_MAX) {
        return OUT_OF_RANGE;
    }
    return fill_instant(cell, column, (int64_t)seconds, (uint32_t)rest);
}

const char *fill_time(const struct cell *cell, struct column *column, const struct time_text *time)
{
    if (time->seconds > TIME_SECONDS_MAX) {
        return OUT_OF_RANGE;
    }
    int64_t ticks = time->seconds * (int64_t)NUMBER_POWERS[cell->scale] +
                    (int64_t)(time->nanos / NUMBER_POWERS[NANO_DIGITS - cell->scale]);
    ticks = time->is_negative ? -ticks : ticks;
    return stored(column_add_u64(column, (uint64_t)ticks));
}

/* A whole number of ticks. */
static const char *
fill_ticks(const struct cell *cell, struct column *column, const struct number *number)
{
    int64_t ticks = 0;
    const char *reason = small_value(number, &ticks);
    if (reason != NULL) {
        return reason;
    }
    int64_t limit = ((int64_t)TIME_SECONDS_MAX + 1) * (int64_t)NUMBER_POWERS[cell->scale];
    return ticks <= -limit || ticks >= limit ? OUT_OF_RANGE
                                             : stored(column_add_u64(column, (uint64_t)ticks));
}

static const char *
fill_bit(const struct cell *cell, struct column *column, const struct number *number)
{
    (void)cell;
    bool is_bit = number->end - number->start == 1 && number->mantissa <= 1;
    return is_bit ? stored(column_add_u8(column, (uint8_t)number->mantissa))
                  : "it is neither true, false, 0 nor 1";
}

static const char *
fill_as_text(const struct cell *cell, struct column *column, const struct number *number)
{
    (void)cell;
    return stored(column_add_text(column, number->start, (size_t)(number->end - number->start)));
}

typedef const char *
number_filler(const struct cell *cell, struct column *column, const struct number *number);

/* clang-format off */
static number_filler *const FILLERS[] = {
    [CH_INT8] = fill_integer,
    [CH_INT16] = fill_integer,
    [CH_INT32] = fill_integer,
    [CH_INT64] = fill_integer,
    [CH_UINT8] = fill_integer,
    [CH_UINT16] = fill_integer,
    [CH_UINT32] = fill_integer,
    [CH_UINT64] = fill_integer,
    [CH_INT128] = fill_integer,
    [CH_INT256] = fill_integer,
    [CH_UINT128] = fill_integer,
    [CH_UINT256] = fill_integer,
    [CH_FLOAT32] = fill_rounded,
    [CH_FLOAT64] = fill_rounded,
    [CH_BFLOAT16] = fill_rounded,
    [CH_BOOL] = fill_bit,
    [CH_STRING] = fill_as_text,
    [CH_DATE] = fill_day_number,
    [CH_DATE32] = fill_day_number,
    [CH_DATETIME] = fill_unix_time,
    [CH_DATETIME64] = fill_unix_time,
    [CH_TIME] = fill_ticks,
    [CH_TIME64] = fill_ticks,
    [CH_ENUM8] = fill_member,
    [CH_ENUM16] = fill_member,
    [CH_DECIMAL32] = fill_decimal,
    [CH_DECIMAL64] = fill_decimal,
    [CH_DECIMAL128] = fill_decimal,
    [CH_DECIMAL256] = fill_decimal,
    [CH_LOW_CARDINALITY] = fill_as_text,
};
/* clang-format on */

const char *fill_number(const struct cell *cell, struct column *column, const struct number *number)
{
    number_filler *filler = (size_t)cell->kind < ARRAY_LEN(FILLERS) ? FILLERS[cell->kind] : NULL;
    return filler == NULL ? FILL_MISMATCH : filler(cell, column, number);
}

const char *fill_truth(const struct cell *cell, struct column *column, bool value)
{
    switch (cell->kind) {
    case CH_BOOL:
        return stored(column_add_u8(column, value));
    case CH_FLOAT32:
    case CH_FLOAT64:
    case CH_BFLOAT16:
        return fill_float(cell, column, value ? 1.0 : 0.0);
    default: /* dates, decimals, texts and containers take none */
        return cell->is_integer ? store_wide(cell, column, wide_ones(value ? 1 : 0), false)
                                : FILL_MISMATCH;
    }
}
