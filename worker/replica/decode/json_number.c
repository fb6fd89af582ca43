/*
 * Exact conversions. All rules are those of docs/type-mapping.md: nothing is rounded (except
 * floats), wrapped (unless penstock_overflow says so), shifted or cut without a word.
 * walk->fault_at is set by the caller (json_cells.h), which knows where the value starts.
 */
#include "worker/replica/decode/json_number.h"

#include <assert.h>
#include <math.h>
#include <strings.h>

enum {
    UINT64_DIGITS_MAX = 20,
    NANO_DIGITS = 9,
    SECONDS_PER_DAY = 86400,
};

#define NANOS_PER_SECOND 1000000000LL
#define DATETIME64_SECONDS_MIN ((int64_t)DATE32_DAYS_MIN * SECONDS_PER_DAY)
#define DATETIME64_SECONDS_MAX (((int64_t)DATE32_DAYS_MAX + 1) * SECONDS_PER_DAY - 1)

static bool unfit(struct walk *w, const char *reason)
{
    (void)walk_unfit(w, w->fault_at, reason);
    return false;
}

static bool stored(struct walk *w, bool is_stored)
{
    if (!is_stored) {
        (void)walk_no_memory(w);
    }
    return is_stored;
}

/* The whole number in n: false if it has a fraction or more digits than 128 bits take. */
static bool
whole_value(struct walk *w, const struct number *number, uint128 *ret_value, bool *ret_is_huge)
{
    struct number_wide wide;
    number_wide(number, &wide);
    *ret_is_huge = false;
    if (wide.digits == 0) {
        *ret_value = 0;
        return true;
    }
    if (wide.exponent + (int64_t)wide.digits > NUMBER_DIGITS_WIDE) {
        *ret_is_huge = true;
        return true;
    }
    if (wide.exponent < 0 || wide.is_too_long) {
        return unfit(w, "it has a fraction");
    }
    *ret_value = wide.mantissa * number_power((unsigned)wide.exponent);
    return true;
}

static bool overflow(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number,
    const uint128 *value)
{
    switch (cell->overflow) {
    case PIPE_OVERFLOW_ERROR:
        return unfit(w, "it is out of range");
    case PIPE_OVERFLOW_CLAMP: {
        uint64_t end = number->is_negative ? 0 - cell->min_size : cell->max;
        return stored(w, column_add_u64(column, end));
    }
    case PIPE_OVERFLOW_WRAP: {
        if (value == NULL) {
            return unfit(w, "it is out of range");
        }
        uint64_t low = (uint64_t)*value;
        low = number->is_negative ? 0 - low : low;
        return stored(w, column_add_u64(column, low));
    }
    }
    return false;
}

bool json_number_integer(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number)
{
    uint128 value = 0;
    bool is_huge = false;
    if (!whole_value(w, number, &value, &is_huge)) {
        return false;
    }
    if (is_huge) {
        return overflow(w, cell, column, number, NULL);
    }
    uint64_t limit = number->is_negative ? cell->min_size : cell->max;
    if (value > limit) {
        return overflow(w, cell, column, number, &value);
    }
    uint64_t word = (uint64_t)value;
    word = number->is_negative ? 0 - word : word;
    return stored(w, column_add_u64(column, word));
}

static bool
store_float(struct walk *w, const struct cell *cell, struct column *column, double value)
{
    uint64_t bits = 0;
    if (cell->kind == CH_FLOAT32) {
        float narrow = (float)value;
        memcpy(&bits, &narrow, sizeof(narrow));
    } else {
        memcpy(&bits, &value, sizeof(value));
    }
    return stored(w, column_add_u64(column, bits));
}

bool json_number_float(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number)
{
    double value =
        cell->kind == CH_FLOAT32 ? (double)number_float32(number) : number_float64(number);
    if (isnan(value)) {
        (void)walk_no_memory(w); /* the only way a number becomes NaN */
        return false;
    }
    if (isinf(value) && cell->overflow == PIPE_OVERFLOW_ERROR) {
        return unfit(w, "it is out of range");
    }
    return store_float(w, cell, column, value);
}

bool json_number_decimal(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number)
{
    struct number_wide wide;
    number_wide(number, &wide);
    int64_t shift = wide.exponent + cell->scale;
    if (wide.digits > 0 && shift + (int64_t)wide.digits > cell->precision) {
        return unfit(w, "it is out of range");
    }
    if (wide.is_too_long || (wide.digits > 0 && shift < 0)) {
        return unfit(w, "it has more digits after the point");
    }
    uint128 value = wide.digits == 0 ? 0 : wide.mantissa * number_power((unsigned)shift);
    value = number->is_negative ? 0 - value : value;
    bool is_stored = cell->kind == CH_DECIMAL128
                         ? column_add_two(column, (uint64_t)value, (uint64_t)(value >> 64))
                         : column_add_u64(column, (uint64_t)value);
    return stored(w, is_stored);
}

/* A whole number that fits 63 bits. */
static bool small_value(struct walk *w, const struct number *number, int64_t *ret_value)
{
    uint128 value = 0;
    bool is_huge = false;
    if (!whole_value(w, number, &value, &is_huge)) {
        return false;
    }
    if (is_huge || value > INT64_MAX) {
        return unfit(w, "it is out of range");
    }
    *ret_value = number->is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

bool json_number_enum(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number)
{
    int64_t value = 0;
    if (!small_value(w, number, &value)) {
        return false;
    }
    if (!cell_enum_has(cell, value)) {
        return unfit(w, "the enum has no such value");
    }
    return stored(w, column_add_u64(column, (uint64_t)value));
}

static bool store_days(struct walk *w, const struct cell *cell, struct column *column, int64_t days)
{
    bool is_wide = cell->kind == CH_DATE32;
    int64_t low = is_wide ? DATE32_DAYS_MIN : 0;
    int64_t high = is_wide ? DATE32_DAYS_MAX : DATE_DAYS_MAX;
    if (days < low || days > high) {
        return unfit(w, "it is out of range");
    }
    return stored(w, column_add_u64(column, (uint64_t)days));
}

bool json_number_date(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number)
{
    int64_t days = 0;
    return small_value(w, number, &days) && store_days(w, cell, column, days);
}

/* seconds and nanos (0 … 999999999) since 1970 UTC, in ticks of the column. */
static bool store_instant(
    struct walk *w, const struct cell *cell, struct column *column, int64_t seconds, uint32_t nanos)
{
    if (cell->kind == CH_DATETIME) {
        if (seconds < 0 || seconds > UINT32_MAX) {
            return unfit(w, "it is out of range");
        }
        return stored(w, column_add_u64(column, (uint64_t)seconds));
    }
    if (seconds < DATETIME64_SECONDS_MIN || seconds > DATETIME64_SECONDS_MAX) {
        return unfit(w, "it is out of range");
    }
    int64_t ticks = 0;
    int64_t part = (int64_t)(nanos / NUMBER_POWERS[NANO_DIGITS - cell->scale]);
    if (__builtin_mul_overflow(seconds, (int64_t)NUMBER_POWERS[cell->scale], &ticks) ||
        __builtin_add_overflow(ticks, part, &ticks)) {
        return unfit(w, "it is out of range");
    }
    return stored(w, column_add_u64(column, (uint64_t)ticks));
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
    /* interface.md §6: up to 11 digits seconds, 12-14 ms, 15-17 us, 18-20 ns */
    if (digits_before_point <= 11) {
        return 0;
    }
    return digits_before_point <= 20 ? (int)((digits_before_point - 12) / 3 + 1) * 3 : -1;
}

bool json_number_instant(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number)
{
    struct number_wide wide;
    number_wide(number, &wide);
    int64_t before_point = wide.exponent + (int64_t)wide.digits;
    int unit = unit_digits(cell->timestamp_unit, before_point);
    if (unit < 0 || before_point > UINT64_DIGITS_MAX) {
        return unfit(w, "it is out of range");
    }
    /* nanoseconds; what is finer is left out, as in texts */
    int64_t shift = wide.exponent + NANO_DIGITS - unit;
    uint128 size = wide.mantissa;
    bool is_cut = false;
    if (shift >= 0) {
        size = wide.digits == 0 ? 0 : size * number_power((unsigned)shift);
    } else {
        uint128 power =
            number_power(-shift > NUMBER_DIGITS_WIDE ? NUMBER_DIGITS_WIDE : (unsigned)-shift);
        is_cut = size % power != 0;
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
        return unfit(w, "it is out of range");
    }
    return store_instant(w, cell, column, (int64_t)seconds, (uint32_t)rest);
}

/* "nan", "inf", "infinity" with a sign, any case. */
static bool special_float(const struct walk_text *text, double *ret_value)
{
    static const struct {
        const char *word;
        double value;
    } WORDS[] = {{"nan", (double)NAN}, {"inf", (double)INFINITY}, {"infinity", (double)INFINITY}};
    const char *at = (const char *)text->at;
    size_t len = text->len;
    bool has_sign = len > 0 && (*at == '-' || *at == '+');
    bool is_negative = has_sign && *at == '-';
    at += has_sign ? 1 : 0;
    len -= has_sign ? 1 : 0;
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        if (len == strlen(WORDS[i].word) && strncasecmp(at, WORDS[i].word, len) == 0) {
            *ret_value = is_negative ? -WORDS[i].value : WORDS[i].value;
            return true;
        }
    }
    return false;
}

bool json_text_number(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text)
{
    bool is_float = cell->kind == CH_FLOAT32 || cell->kind == CH_FLOAT64;
    struct number number;
    if (!number_read_text(text->at, text->len, &number)) {
        double value = 0;
        if (is_float && special_float(text, &value)) {
            return store_float(w, cell, column, value);
        }
        return unfit(w, text->len == 0 ? "the text is empty" : "the text is not a number");
    }
    if (is_float) {
        return json_number_float(w, cell, column, &number);
    }
    return cell->precision > 0 ? json_number_decimal(w, cell, column, &number)
                               : json_number_integer(w, cell, column, &number);
}

bool json_text_enum(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text)
{
    int16_t value = 0;
    if (cell_enum_value(cell, text->at, text->len, &value)) {
        uint64_t word = (uint64_t)(int64_t)value;
        return stored(w, column_add_u64(column, word));
    }
    struct number number;
    if (!number_read_text(text->at, text->len, &number) || !number.is_plain) {
        return unfit(w, "the enum has no such name");
    }
    return json_number_enum(w, cell, column, &number);
}

bool json_text_date(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text)
{
    struct datetime datetime;
    const char *reason = datetime_read(text->at, text->len, &w->day, &datetime);
    if (reason != NULL) {
        return unfit(w, text->len == 0 ? "the text is empty" : reason);
    }
    return store_days(w, cell, column, datetime.days);
}

bool json_text_instant(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text)
{
    struct datetime datetime;
    const char *reason = datetime_read(text->at, text->len, &w->day, &datetime);
    if (reason != NULL) {
        return unfit(w, text->len == 0 ? "the text is empty" : reason);
    }
    if (!datetime.has_zone && cell->has_foreign_zone) {
        return unfit(w, "it has no zone, and the column's zone is not UTC");
    }
    return store_instant(w, cell, column, datetime.seconds, datetime.nanos);
}
