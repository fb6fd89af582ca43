/*
 * Typed values into cells: those of a cell's own kind directly, all others by way of the text or
 * number that a JSON document would have for them (fill.h), so that there is one set of rules.
 */
#include "worker/replica/decode/convert.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "worker/replica/decode/decimal_text.h"
#include "worker/replica/decode/fill.h"
#include "worker/replica/decode/float_text.h"

enum {
    SECONDS_PER_DAY = 86400,
    SECONDS_PER_HOUR = 3600,
    SCALE_MAX = 9,    /* of instants and times */
    TEXT_BYTES = 512, /* the longest double written out has 309 digits */
};

static const char OUT_OF_RANGE[] = "it is out of range";

/* What a cell wants to see. */
enum wish {
    WISH_TEXT,
    WISH_NUMBER, /* integers, floats, decimals, Bool */
    WISH_DAYS,
    WISH_INSTANT,
    WISH_TIME,
};

static enum wish wish_of(const struct cell *cell)
{
    switch (cell->kind) {
    case CH_DATE:
    case CH_DATE32:
        return WISH_DAYS;
    case CH_DATETIME:
    case CH_DATETIME64:
        return WISH_INSTANT;
    case CH_TIME:
    case CH_TIME64:
        return WISH_TIME;
    default: /* decimals have a precision */
        break;
    }
    bool is_number = cell->is_integer || cell->precision > 0 || cell->kind == CH_FLOAT32 ||
                     cell->kind == CH_FLOAT64 || cell->kind == CH_BFLOAT16 || cell->kind == CH_BOOL;
    return is_number ? WISH_NUMBER : WISH_TEXT;
}

static bool is_string(const struct cell *cell)
{
    return cell->kind == CH_STRING || cell->kind == CH_LOW_CARDINALITY;
}

static enum convert_end ended(struct convert *c, const char *reason)
{
    if (reason == NULL) {
        return CONVERT_DONE;
    }
    c->reason = reason;
    return reason == FILL_NO_MEMORY ? CONVERT_NO_MEMORY : CONVERT_UNFIT;
}

void convert_done(struct convert *c)
{
    bytes_done(&c->scratch);
}

static enum convert_end value_text(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *text,
    size_t len)
{
    return ended(c, fill_text(cell, column, &c->day, text, len));
}

/* A text of ours, in memory that has room behind it. */
static enum convert_end convert_own_text(
    struct convert *c, const struct cell *cell, struct column *column, const char *text, size_t len)
{
    return value_text(c, cell, column, (const uint8_t *)text, len);
}

/* A number of ours. */
static enum convert_end convert_digits(
    struct convert *c, const struct cell *cell, struct column *column, const char *text, size_t len)
{
    struct number number;
    bool is_number = number_read_text((const uint8_t *)text, len, &number);
    assert(is_number);
    return ended(c, is_number ? fill_number(cell, column, &number) : FILL_MISMATCH);
}

/* Sixteen bytes are a UUID as RFC 4122 lays it out (Avro's fixed uuid does). */
static enum convert_end convert_uuid(struct convert *c, struct column *column, const uint8_t *bytes)
{
    uint64_t words[2];
    memcpy(words, bytes, sizeof(words));
    bool is_stored =
        column_add_two(column, __builtin_bswap64(words[0]), __builtin_bswap64(words[1]));
    return ended(c, is_stored ? NULL : FILL_NO_MEMORY);
}

static enum convert_end value_bytes(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *bytes,
    size_t len)
{
    if (is_string(cell) || cell->kind == CH_FIXED_STRING) {
        return ended(c, fill_text(cell, column, &c->day, bytes, len));
    }
    if (cell->kind == CH_UUID && len == column->width_bytes) {
        return convert_uuid(c, column, bytes);
    }
    bool is_wide = (cell->is_integer && len > sizeof(uint64_t)) || cell->kind == CH_IPV6;
    if (is_wide && len == cell->width_bytes) {
        /* Avro's fixed(16) and fixed(32), as ClickHouse's own reader takes them: an address in
         * network order, an integer with the lowest byte first */
        return ended(c, bytes_add(&column->data, bytes, len) ? NULL : FILL_NO_MEMORY);
    }
    return ended(c, "bytes go into String and FixedString only");
}

static enum convert_end
value_bool(struct convert *c, const struct cell *cell, struct column *column, bool value)
{
    if (!is_string(cell)) {
        return ended(c, fill_truth(cell, column, value));
    }
    bool is_stored = column_add_text(column, value ? "true" : "false", value ? 4 : 5);
    return ended(c, is_stored ? NULL : FILL_NO_MEMORY);
}

static enum convert_end
value_integer(struct convert *c, const struct cell *cell, struct column *column, int64_t value)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    bool is_plain = cell->max > 0 && size <= (value < 0 ? cell->min_size : cell->max);
    if (LIKELY(is_plain)) {
        return ended(c, column_add_u64(column, (uint64_t)value) ? NULL : FILL_NO_MEMORY);
    }
    if (cell->kind == CH_IPV4 && value >= 0 && value <= UINT32_MAX) {
        /* as ClickHouse's Avro reader does */
        return ended(c, column_add_u64(column, (uint64_t)value) ? NULL : FILL_NO_MEMORY);
    }
    char text[TEXT_BYTES];
    int len = snprintf(text, sizeof(text), "%lld", (long long)value);
    return convert_digits(c, cell, column, text, (size_t)len);
}

/* The text of a double as a number; whole ones too large for a shortest text to be exact are
 * written out for the types that could tell the difference. */
static size_t number_text(const struct cell *cell, double value, bool is_float, char *to)
{
    bool is_integer = cell->is_integer && fabs(value) >= 0x1p53;
    return is_integer ? (size_t)snprintf(to, TEXT_BYTES, "%.0f", value)
                      : float_text(value, is_float, to);
}

static enum convert_end value_double(
    struct convert *c, const struct cell *cell, struct column *column, double value, bool is_float)
{
    bool is_number = isfinite(value) != 0;
    bool is_narrow = cell->kind == CH_FLOAT32 || cell->kind == CH_BFLOAT16;
    if (cell->kind == CH_FLOAT64 || (is_narrow && (is_float || !is_number))) {
        return ended(c, fill_float(cell, column, value));
    }
    char text[TEXT_BYTES];
    size_t len = number_text(cell, value, is_float, text);
    if (!is_number || wish_of(cell) == WISH_TEXT) {
        /* an Enum, a UUID: no text of a number is one; a String takes it */
        return is_string(cell) ? convert_own_text(c, cell, column, text, len)
                               : ended(c, is_number ? FILL_MISMATCH : "it is not a finite number");
    }
    return convert_digits(c, cell, column, text, len);
}

static enum convert_end value_decimal(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *unscaled,
    size_t len, unsigned scale)
{
    if (len > DECIMAL_UNSCALED_BYTES_MAX || scale > DECIMAL_TEXT_SCALE_MAX) {
        return ended(c, "it has too many digits");
    }
    char text[DECIMAL_TEXT_BYTES];
    size_t text_len = decimal_text(unscaled, len, scale, text);
    if (wish_of(cell) != WISH_TEXT || is_string(cell)) {
        return convert_digits(c, cell, column, text, text_len);
    }
    return ended(c, FILL_MISMATCH);
}

/* floor(a / b) for b > 0. */
static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* "YYYY-MM-DD" of a day in the years 0 to 9999; 0 = outside. */
static size_t day_text(int64_t days, char *to, size_t size)
{
    struct datetime_day day;
    if (!datetime_from_days(days, &day)) {
        return 0;
    }
    return (size_t)snprintf(to, size, "%04d-%02u-%02u", day.year, day.month, day.day);
}

static enum convert_end
value_date(struct convert *c, const struct cell *cell, struct column *column, int64_t days)
{
    enum wish wish = wish_of(cell);
    if (wish == WISH_DAYS) {
        return ended(c, fill_days(cell, column, days));
    }
    if (wish == WISH_NUMBER) {
        return value_integer(c, cell, column, days);
    }
    char text[TEXT_BYTES];
    size_t len = day_text(days, text, sizeof(text));
    return len == 0 ? ended(c, OUT_OF_RANGE) : convert_own_text(c, cell, column, text, len);
}

/* ".123" of scale digits. */
static size_t fraction_text(uint64_t part, unsigned scale, char *to, size_t size)
{
    return scale == 0 ? 0
                      : (size_t)snprintf(to, size, ".%0*llu", (int)scale, (unsigned long long)part);
}

static size_t clock_text(uint64_t seconds, char *to, size_t size)
{
    return (size_t)snprintf(
        to, size, "%02llu:%02llu:%02llu", (unsigned long long)(seconds / SECONDS_PER_HOUR),
        (unsigned long long)(seconds / 60 % 60), (unsigned long long)(seconds % 60));
}

static enum convert_end value_instant(
    struct convert *c, const struct cell *cell, struct column *column, int64_t ticks,
    unsigned scale)
{
    assert(scale <= SCALE_MAX);
    enum wish wish = wish_of(cell);
    int64_t power = (int64_t)NUMBER_POWERS[scale];
    int64_t seconds = floor_divide(ticks, power);
    uint64_t part = (uint64_t)(ticks - seconds * power);
    switch (wish) {
    case WISH_NUMBER:
        return value_integer(c, cell, column, ticks);
    case WISH_DAYS:
        return ended(c, fill_days(cell, column, floor_divide(seconds, SECONDS_PER_DAY)));
    case WISH_INSTANT: {
        uint32_t nanos = (uint32_t)(part * NUMBER_POWERS[SCALE_MAX - scale]);
        return ended(c, fill_instant(cell, column, seconds, nanos));
    }
    case WISH_TEXT:
    case WISH_TIME:
        break;
    }
    char text[TEXT_BYTES];
    int64_t days = floor_divide(seconds, SECONDS_PER_DAY);
    size_t len = day_text(days, text, sizeof(text));
    if (len == 0) {
        return ended(c, OUT_OF_RANGE);
    }
    text[len++] = ' ';
    len += clock_text((uint64_t)(seconds - days * SECONDS_PER_DAY), text + len, sizeof(text) - len);
    len += fraction_text(part, scale, text + len, sizeof(text) - len);
    return convert_own_text(c, cell, column, text, len);
}

static enum convert_end value_time(
    struct convert *c, const struct cell *cell, struct column *column, int64_t ticks,
    unsigned scale)
{
    assert(scale <= SCALE_MAX);
    if (wish_of(cell) == WISH_NUMBER) {
        return value_integer(c, cell, column, ticks);
    }
    uint64_t size = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    if (wish_of(cell) == WISH_TIME) {
        uint64_t nanos = size % NUMBER_POWERS[scale] * NUMBER_POWERS[SCALE_MAX - scale];
        struct time_text time = {
            (int64_t)(size / NUMBER_POWERS[scale]), (uint32_t)nanos, ticks < 0};
        return ended(c, fill_time(cell, column, &time));
    }
    char text[TEXT_BYTES];
    size_t len = 0;
    if (ticks < 0) {
        text[len++] = '-';
    }
    uint64_t power = NUMBER_POWERS[scale];
    len += clock_text(size / power, text + len, sizeof(text) - len);
    len += fraction_text(size % power, scale, text + len, sizeof(text) - len);
    return convert_own_text(c, cell, column, text, len);
}

/* Where the value of a cell goes: itself, or the builder of LowCardinality's inner type. */
struct place {
    const struct cell *cell;
    struct column *column;
};

static struct place place_of(const struct cell *cell, struct column *column)
{
    bool is_key = cell->kind == CH_LOW_CARDINALITY && column->key != NULL;
    return is_key ? (struct place){cell->children[0], column->key} : (struct place){cell, column};
}

static enum convert_end close_place(
    struct convert *c, const struct place *place, struct column *column, enum convert_end end)
{
    if (end != CONVERT_DONE || place->column == column) {
        return end;
    }
    return ended(c, column_add_key(column) ? NULL : FILL_NO_MEMORY);
}

enum convert_end convert_text(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *text,
    size_t len)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_text(c, to.cell, to.column, text, len));
}

enum convert_end convert_bytes(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *bytes,
    size_t len)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_bytes(c, to.cell, to.column, bytes, len));
}

enum convert_end
convert_bool(struct convert *c, const struct cell *cell, struct column *column, bool value)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_bool(c, to.cell, to.column, value));
}

enum convert_end
convert_integer(struct convert *c, const struct cell *cell, struct column *column, int64_t value)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_integer(c, to.cell, to.column, value));
}

enum convert_end convert_double(
    struct convert *c, const struct cell *cell, struct column *column, double value, bool is_float)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_double(c, to.cell, to.column, value, is_float));
}

enum convert_end convert_decimal(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *unscaled,
    size_t len, unsigned scale)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_decimal(c, to.cell, to.column, unscaled, len, scale));
}

enum convert_end
convert_date(struct convert *c, const struct cell *cell, struct column *column, int64_t days)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_date(c, to.cell, to.column, days));
}

enum convert_end convert_instant(
    struct convert *c, const struct cell *cell, struct column *column, int64_t ticks,
    unsigned scale)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_instant(c, to.cell, to.column, ticks, scale));
}

enum convert_end convert_time(
    struct convert *c, const struct cell *cell, struct column *column, int64_t ticks,
    unsigned scale)
{
    struct place to = place_of(cell, column);
    return close_place(c, &to, column, value_time(c, to.cell, to.column, ticks, scale));
}
