/* Native layout → JSON, kind by kind (layouts: worker/replica/block/column.h). */
#include "worker/probe/cell_json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"

enum {
    WIDE_MAX_BYTES = 32,
    WIDE_TEXT_BYTES = 96, /* 78 digits, sign, point, leading zeros of a scale up to 76 */
    DAY_S = 86400,
    DATE_BYTES = 40,
    FRACTION_BYTES = 16, /* the point and up to 9 digits */
};

/* ---- texts ---- */

static json_t *text_json(const void *bytes, size_t len)
{
    json_t *text = json_stringn(len == 0 ? "" : bytes, len);
    if (text != NULL) {
        return text;
    }
    char *copy = strndup(bytes, len);
    if (copy != NULL) {
        utf8_repair(copy);
    }
    text = json_string(copy);
    free(copy);
    return text;
}

/* The text at index in a run of lengths and bytes. */
static json_t *packed_text(const struct bytes *packed, size_t index)
{
    const uint8_t *at = packed->at;
    uint64_t len = 0;
    for (size_t i = 0; i <= index; i++) {
        at = bytes_read_varint(at, &len);
        if (i < index) {
            at += len;
        }
    }
    return text_json(at, (size_t)len);
}

/* A document is kept as its text. */
static json_t *document_json(const struct bytes *packed, size_t index)
{
    json_t *text = packed_text(packed, index);
    json_t *document =
        json_loads(json_string_value(text) == NULL ? "" : json_string_value(text), 0, NULL);
    if (document == NULL) {
        return text;
    }
    json_decref(text);
    return document;
}

/* ---- numbers ---- */

static uint64_t unsigned_at(const struct column *column, size_t index)
{
    uint64_t value = 0;
    memcpy(&value, column->data.at + index * column->width_bytes, column->width_bytes);
    return value;
}

static int64_t signed_at(const struct column *column, size_t index)
{
    unsigned shift = 64 - 8 * column->width_bytes;
    return (int64_t)(unsigned_at(column, index) << shift) >> shift;
}

static json_t *unsigned_json(uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value); /* fits */
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_string(text);
}

static json_t *real_json(double value)
{
    json_t *real = json_real(value);
    return real == NULL ? json_null() : real; /* NaN and infinity, as ClickHouse shows them */
}

static json_t *float_json(const struct column *column, size_t index)
{
    if (column->kind == CH_FLOAT64) {
        double value = 0;
        memcpy(&value, column->data.at + index * sizeof(value), sizeof(value));
        return real_json(value);
    }
    float value = 0;
    if (column->kind == CH_BFLOAT16) {
        uint32_t bits = (uint32_t)unsigned_at(column, index) << 16;
        memcpy(&value, &bits, sizeof(value));
    } else {
        memcpy(&value, column->data.at + index * sizeof(value), sizeof(value));
    }
    /* The shortest decimal that is this float: 1.1, not 1.10000002. */
    char text[32];
    float back = 0;
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)value); /* fits */
        back = strtof(text, NULL);
        if (!(back < value) && !(back > value)) {
            break;
        }
    }
    return real_json(strtod(text, NULL));
}

/* Divide little-endian limbs by ten; returns the remainder. */
static unsigned divide_by_ten(uint32_t limbs[WIDE_MAX_BYTES / 4])
{
    uint64_t rest = 0;
    for (size_t i = WIDE_MAX_BYTES / 4; i-- > 0;) {
        uint64_t value = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(value / 10);
        rest = value % 10;
    }
    return (unsigned)rest;
}

static bool is_zero(const uint32_t limbs[WIDE_MAX_BYTES / 4])
{
    for (size_t i = 0; i < WIDE_MAX_BYTES / 4; i++) {
        if (limbs[i] != 0) {
            return false;
        }
    }
    return true;
}

static void negate(uint32_t limbs[WIDE_MAX_BYTES / 4])
{
    uint64_t carry = 1;
    for (size_t i = 0; i < WIDE_MAX_BYTES / 4; i++) {
        carry += (uint32_t)~limbs[i];
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* A whole number of any width with scale digits behind the point. */
static json_t *wide_json(const struct column *column, size_t index, bool is_signed, unsigned scale)
{
    uint32_t limbs[WIDE_MAX_BYTES / 4];
    const uint8_t *at = column->data.at + index * column->width_bytes;
    bool is_negative = is_signed && (at[column->width_bytes - 1] & 0x80) != 0;
    memset(limbs, is_negative ? 0xff : 0, sizeof(limbs));
    memcpy(limbs, at, column->width_bytes);
    if (is_negative) {
        negate(limbs);
    }
    char text[WIDE_TEXT_BYTES];
    size_t place = sizeof(text);
    text[--place] = '\0';
    for (unsigned digits = 0; digits <= scale || !is_zero(limbs); digits++) {
        if (scale > 0 && digits == scale) {
            text[--place] = '.';
        }
        text[--place] = (char)('0' + divide_by_ten(limbs));
    }
    if (is_negative) {
        text[--place] = '-';
    }
    return json_string(&text[place]);
}

static json_t *enum_json(const struct column *column, size_t index)
{
    int64_t value = signed_at(column, index);
    for (size_t i = 0; i < column->type->members_count; i++) {
        const struct ch_enum_member *member = &column->type->members[i];
        if (member->value == value) {
            return text_json(member->name, member->name_bytes);
        }
    }
    return json_integer(value);
}

/* ---- times ---- */

/* Year, month, day of days since 1970 (H. Hinnant, civil_from_days). */
static void write_date(int64_t days, char text[DATE_BYTES])
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_place = (5 * day_of_year + 2) / 153;
    int month = (int)(month_place < 10 ? month_place + 3 : month_place - 9);
    int year = (int)(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    int day = (int)(day_of_year - (153 * month_place + 2) / 5 + 1);
    (void)snprintf(text, DATE_BYTES, "%04d-%02d-%02d", year, month, day); /* fits */
}

static json_t *date_json(int64_t days)
{
    char text[DATE_BYTES];
    write_date(days, text);
    return json_string(text);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0 ? 1 : 0);
}

static int64_t power_of_ten(unsigned exponent)
{
    int64_t power = 1;
    for (unsigned i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

/* "", or the point and scale digits. */
static void write_fraction(int64_t ticks, unsigned scale, char text[FRACTION_BYTES])
{
    assert(scale < FRACTION_BYTES - 1);
    text[0] = scale > 0 ? '.' : '\0';
    text[scale + (scale > 0 ? 1 : 0)] = '\0';
    for (unsigned i = scale; i > 0; i--) {
        text[i] = (char)('0' + ticks % 10);
        ticks /= 10;
    }
}

/* An instant, in UTC whatever the column's zone is; the zone would follow as "Z" otherwise. */
static json_t *instant_json(int64_t ticks, unsigned scale)
{
    int64_t power = power_of_ten(scale);
    int64_t seconds = floor_divide(ticks, power);
    int64_t day = floor_divide(seconds, DAY_S);
    int64_t rest = seconds - day * DAY_S;
    char date[DATE_BYTES];
    char fraction[FRACTION_BYTES];
    write_date(day, date);
    write_fraction(ticks - seconds * power, scale, fraction);
    return json_sprintf(
        "%s %02d:%02d:%02d%s", date, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60),
        fraction);
}

static json_t *time_json(int64_t ticks, unsigned scale)
{
    int64_t power = power_of_ten(scale);
    int64_t size = ticks < 0 ? -ticks : ticks;
    char fraction[FRACTION_BYTES];
    write_fraction(size % power, scale, fraction);
    size /= power;
    return json_sprintf(
        "%s%02d:%02d:%02d%s", ticks < 0 ? "-" : "", (int)(size / 3600), (int)(size / 60 % 60),
        (int)(size % 60), fraction);
}

/* ---- addresses ---- */

static json_t *uuid_json(const uint8_t *at)
{
    uint64_t high = 0;
    uint64_t low = 0;
    memcpy(&high, at, sizeof(high));
    memcpy(&low, at + sizeof(high), sizeof(low));
    return json_sprintf(
        "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
        high >> 16 & 0xffff, high & 0xffff, low >> 48, low & ((uint64_t)0xffff << 32 | UINT32_MAX));
}

static json_t *ipv6_json(const uint8_t *at)
{
    unsigned g[8];
    for (size_t i = 0; i < 8; i++) {
        g[i] = (unsigned)at[2 * i] << 8 | at[2 * i + 1];
    }
    return json_sprintf("%x:%x:%x:%x:%x:%x:%x:%x", g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7]);
}

/* ---- containers ---- */

static size_t offset_of(const struct column *column, size_t index)
{
    uint64_t end = 0;
    if (index > 0) {
        memcpy(&end, column->offsets.at + (index - 1) * sizeof(end), sizeof(end));
    }
    return (size_t)end;
}

static json_t *array_json(const struct column *column, size_t index)
{
    json_t *array = json_array();
    for (size_t i = offset_of(column, index); i < offset_of(column, index + 1); i++) {
        if (json_array_append_new(array, cell_json(column->children[0], i)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static bool set_member(json_t *object, const json_t *name, json_t *value)
{
    CLEANUP(freep)
    char *text =
        json_is_string(name) ? strdup(json_string_value(name)) : json_dumps(name, JSON_ENCODE_ANY);
    if (text == NULL) {
        json_decref(value);
        return false;
    }
    return json_object_set_new(object, text, value) == 0;
}

static json_t *map_json(const struct column *column, size_t index)
{
    json_t *object = json_object();
    for (size_t i = offset_of(column, index); i < offset_of(column, index + 1); i++) {
        json_t *key = cell_json(column->children[0], i);
        bool is_set = set_member(object, key, cell_json(column->children[1], i));
        json_decref(key);
        if (!is_set) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *dictionary_json(const struct column *column, size_t index)
{
    const struct dictionary *dictionary = &column->dictionary;
    uint32_t key = 0;
    memcpy(&key, column->data.at + index * column->index_bytes, column->index_bytes);
    if (dictionary->is_nullable && key == 0) {
        return json_null();
    }
    if (dictionary->width_bytes == 0) {
        return packed_text(&dictionary->keys, key);
    }
    const struct ch_type *type = column->type->children[0];
    type = type->kind == CH_NULLABLE ? type->children[0] : type;
    const struct column keys = {
        .kind = type->kind,
        .width_bytes = dictionary->width_bytes,
        .data = dictionary->keys, /* lent */
        .type = type,
    };
    return cell_json(&keys, key);
}

/* The alternatives' values lie side by side, each with its own count. */
static json_t *variant_json(const struct column *column, size_t index)
{
    uint8_t alternative = column->data.at[index];
    if (alternative == COLUMN_NO_ALTERNATIVE) {
        return json_null();
    }
    size_t place = 0;
    for (size_t i = 0; i < index; i++) {
        place += column->data.at[i] == alternative ? 1 : 0;
    }
    return cell_json(column->children[alternative], place);
}

static json_t *tuple_json(const struct column *column, size_t index)
{
    bool is_named = column->type->names != NULL;
    json_t *made = is_named ? json_object() : json_array();
    for (size_t i = 0; i < column->children_count; i++) {
        json_t *value = cell_json(column->children[i], index);
        int failed = is_named ? json_object_set_new(made, column->type->names[i], value)
                              : json_array_append_new(made, value);
        if (failed != 0) {
            json_decref(made);
            return NULL;
        }
    }
    return made;
}

/* ---- all ---- */

static json_t *time_kind_json(const struct column *column, size_t index)
{
    switch (column->kind) {
    case CH_DATE:
        return date_json((int64_t)unsigned_at(column, index));
    case CH_DATE32:
        return date_json(signed_at(column, index));
    case CH_DATETIME:
        return instant_json((int64_t)unsigned_at(column, index), 0);
    case CH_DATETIME64:
        return instant_json(signed_at(column, index), column->type->scale);
    case CH_TIME:
        return time_json(signed_at(column, index), 0);
    default: /* CH_TIME64 */
        return time_json(signed_at(column, index), column->type->scale);
    }
}

static json_t *fixed_json(const struct column *column, size_t index)
{
    const uint8_t *at = column->data.at + index * column->width_bytes;
    switch (column->kind) {
    case CH_FIXED_STRING:
        return text_json(at, strnlen((const char *)at, column->width_bytes));
    case CH_UUID:
        return uuid_json(at);
    case CH_IPV4:
        return json_sprintf("%u.%u.%u.%u", at[3], at[2], at[1], at[0]);
    case CH_IPV6:
        return ipv6_json(at);
    default: { /* a type this table does not know yet */
        char *type = ch_type_text(column->type);
        json_t *named = json_sprintf("<%s>", type == NULL ? "" : type);
        free(type);
        return named;
    }
    }
}

static json_t *number_json(const struct column *column, size_t index)
{
    switch (column->kind) {
    case CH_BOOL:
        return json_boolean(unsigned_at(column, index) != 0);
    case CH_INT8:
    case CH_INT16:
    case CH_INT32:
    case CH_INT64:
        return json_integer(signed_at(column, index));
    case CH_UINT8:
    case CH_UINT16:
    case CH_UINT32:
    case CH_UINT64:
        return unsigned_json(unsigned_at(column, index));
    case CH_INT128:
    case CH_INT256:
        return wide_json(column, index, true, 0);
    case CH_UINT128:
    case CH_UINT256:
        return wide_json(column, index, false, 0);
    case CH_FLOAT32:
    case CH_FLOAT64:
    case CH_BFLOAT16:
        return float_json(column, index);
    default: /* decimals */
        return wide_json(column, index, true, column->type->scale);
    }
}

static json_t *value_json(const struct column *column, size_t index)
{
    switch (column->kind) {
    case CH_STRING:
        return packed_text(&column->data, index);
    case CH_LOW_CARDINALITY:
        return dictionary_json(column, index);
    case CH_JSON:
        return document_json(&column->data, index);
    case CH_VARIANT:
        return variant_json(column, index);
    case CH_ARRAY:
        return array_json(column, index);
    case CH_MAP:
        return map_json(column, index);
    case CH_TUPLE:
        return tuple_json(column, index);
    case CH_ENUM8:
    case CH_ENUM16:
        return enum_json(column, index);
    case CH_DATE:
    case CH_DATE32:
    case CH_DATETIME:
    case CH_DATETIME64:
    case CH_TIME:
    case CH_TIME64:
        return time_kind_json(column, index);
    case CH_DECIMAL32:
    case CH_DECIMAL64:
    case CH_DECIMAL128:
    case CH_DECIMAL256:
        return number_json(column, index);
    default:
        return column->kind <= CH_BOOL || (column->kind >= CH_INT128 && column->kind <= CH_BFLOAT16)
                   ? number_json(column, index)
                   : fixed_json(column, index);
    }
}

json_t *cell_json(const struct column *column, size_t index)
{
    if (column->is_nullable && index < column->nulls.len && column->nulls.at[index] != 0) {
        return json_null();
    }
    return value_json(column, index);
}
