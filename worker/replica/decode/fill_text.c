/* Texts into cells: quoted numbers, names of enums, dates and date-times, UUIDs. */
#include <math.h>
#include <strings.h>

#include "worker/replica/decode/fill.h"
#include "worker/replica/decode/ip_text.h"
#include "worker/replica/decode/uuid_text.h"

/* A text and the day read last. */
struct fill_source {
    const uint8_t *at;
    size_t len;
    struct datetime_cache *day;
};

static const char EMPTY[] = "the text is empty";

static const char *stored(bool is_stored)
{
    return is_stored ? NULL : FILL_NO_MEMORY;
}

/* "nan", "inf", "infinity" with a sign, any case. */
static bool special_float(const struct fill_source *text, double *ret_value)
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

static const char *
fill_quoted(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    struct number number;
    if (number_read_text(text->at, text->len, &number)) {
        return fill_number(cell, column, &number);
    }
    bool is_float =
        cell->kind == CH_FLOAT32 || cell->kind == CH_FLOAT64 || cell->kind == CH_BFLOAT16;
    double value = 0;
    if (is_float && special_float(text, &value)) {
        return fill_float(cell, column, value);
    }
    return text->len == 0 ? EMPTY : "the text is not a number";
}

static const char *
fill_name(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    int16_t value = 0;
    if (cell_enum_value(cell, text->at, text->len, &value)) {
        return stored(column_add_u64(column, (uint64_t)(int64_t)value));
    }
    struct number number;
    if (!number_read_text(text->at, text->len, &number) || !number.is_plain) {
        return "the enum has no such name";
    }
    return fill_number(cell, column, &number);
}

static const char *
fill_date(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    struct datetime datetime;
    const char *reason = datetime_read(text->at, text->len, text->day, &datetime);
    if (reason != NULL) {
        return text->len == 0 ? EMPTY : reason;
    }
    return fill_days(cell, column, datetime.days);
}

static const char *
fill_datetime(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    struct datetime datetime;
    const char *reason = datetime_read(text->at, text->len, text->day, &datetime);
    if (reason != NULL) {
        return text->len == 0 ? EMPTY : reason;
    }
    if (!datetime.has_zone && cell->zone != NULL &&
        !zone_to_utc(cell->zone, datetime.seconds, &datetime.seconds)) {
        return "there is no such time of day in the column's zone, or not just one";
    }
    return fill_instant(cell, column, datetime.seconds, datetime.nanos);
}

static const char *
fill_clock(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    struct time_text time;
    const char *reason = time_read(text->at, text->len, &time);
    if (reason != NULL) {
        return text->len == 0 ? EMPTY : reason;
    }
    if (cell->kind == CH_TIME && time.nanos > 0) {
        return "it has a fraction";
    }
    return fill_time(cell, column, &time);
}

static const char *
fill_ipv4(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    (void)cell;
    uint32_t address = 0;
    if (!ip_read_v4(text->at, text->len, &address)) {
        return "the text is not an IPv4 address";
    }
    return stored(column_add_u64(column, address));
}

static const char *
fill_ipv6(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    (void)cell;
    uint8_t bytes[IPV6_BYTES];
    if (!ip_read_v6(text->at, text->len, bytes)) {
        return "the text is not an IPv6 address";
    }
    return stored(bytes_add(&column->data, bytes, sizeof(bytes)));
}

static bool is_text(const struct fill_source *text, const char *wanted)
{
    return text->len == strlen(wanted) && memcmp(text->at, wanted, text->len) == 0;
}

static const char *
fill_bool(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    (void)cell;
    bool is_true = is_text(text, "true") || is_text(text, "1");
    if (!is_true && !is_text(text, "false") && !is_text(text, "0")) {
        return "it is neither true, false, 0 nor 1";
    }
    return stored(column_add_u8(column, is_true));
}

static const char *
fill_uuid(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    (void)cell;
    struct uuid_words words;
    if (!uuid_text_read(text->at, text->len, &words)) {
        return "the text is not a UUID";
    }
    return stored(column_add_two(column, words.high, words.low));
}

static const char *
fill_string(const struct cell *cell, struct column *column, const struct fill_source *text)
{
    if (cell->kind == CH_FIXED_STRING && text->len > cell->width_bytes) {
        return "the text is too long";
    }
    return stored(column_add_text(column, text->at, text->len));
}

typedef const char *
text_filler(const struct cell *cell, struct column *column, const struct fill_source *text);

/* clang-format off */
static text_filler *const FILLERS[] = {
    [CH_INT8] = fill_quoted,
    [CH_INT16] = fill_quoted,
    [CH_INT32] = fill_quoted,
    [CH_INT64] = fill_quoted,
    [CH_UINT8] = fill_quoted,
    [CH_UINT16] = fill_quoted,
    [CH_UINT32] = fill_quoted,
    [CH_UINT64] = fill_quoted,
    [CH_INT128] = fill_quoted,
    [CH_INT256] = fill_quoted,
    [CH_UINT128] = fill_quoted,
    [CH_UINT256] = fill_quoted,
    [CH_FLOAT32] = fill_quoted,
    [CH_FLOAT64] = fill_quoted,
    [CH_BFLOAT16] = fill_quoted,
    [CH_BOOL] = fill_bool,
    [CH_STRING] = fill_string,
    [CH_FIXED_STRING] = fill_string,
    [CH_DATE] = fill_date,
    [CH_DATE32] = fill_date,
    [CH_DATETIME] = fill_datetime,
    [CH_DATETIME64] = fill_datetime,
    [CH_TIME] = fill_clock,
    [CH_TIME64] = fill_clock,
    [CH_UUID] = fill_uuid,
    [CH_IPV4] = fill_ipv4,
    [CH_IPV6] = fill_ipv6,
    [CH_ENUM8] = fill_name,
    [CH_ENUM16] = fill_name,
    [CH_DECIMAL32] = fill_quoted,
    [CH_DECIMAL64] = fill_quoted,
    [CH_DECIMAL128] = fill_quoted,
    [CH_DECIMAL256] = fill_quoted,
    [CH_LOW_CARDINALITY] = fill_string,
};
/* clang-format on */

const char *fill_text(
    const struct cell *cell, struct column *column, struct datetime_cache *day, const uint8_t *text,
    size_t len)
{
    text_filler *filler = (size_t)cell->kind < ARRAY_LEN(FILLERS) ? FILLERS[cell->kind] : NULL;
    struct fill_source source = {text, len, day};
    return filler == NULL ? FILL_MISMATCH : filler(cell, column, &source);
}
