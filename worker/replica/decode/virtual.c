/* Virtual columns by destination type. */
#include "worker/replica/decode/virtual.h"

#include <assert.h>
#include <string.h>

static const char *const NAMES[] = {
#define X(kind, name) [kind] = name,
    VIRTUAL_TABLE(X)
#undef X
};

bool virtual_find(const char *name, enum virtual_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (strcmp(NAMES[i], name) == 0) {
            *ret_kind = (enum virtual_kind)i;
            return true;
        }
    }
    return false;
}

bool virtual_needs_headers(enum virtual_kind kind)
{
    return kind == VIRTUAL_HEADER_KEYS || kind == VIRTUAL_HEADER_VALUES ||
           kind == VIRTUAL_HEADER_NAME || kind == VIRTUAL_HEADER_VALUE;
}

static const struct ch_type *without_nullable(const struct ch_type *type)
{
    return type->kind == CH_NULLABLE ? type->children[0] : type;
}

static bool is_text(const struct ch_type *type)
{
    return type->kind == CH_STRING || type->kind == CH_LOW_CARDINALITY;
}

static bool is_integer(const struct ch_type *type)
{
    switch (type->kind) {
    case CH_INT32:
    case CH_UINT32:
    case CH_INT64:
    case CH_UINT64:
        return true;
    default: /* narrower ones cannot hold every partition or offset */
        return false;
    }
}

static bool is_wide_integer(const struct ch_type *type)
{
    return type->kind == CH_INT64 || type->kind == CH_UINT64;
}

static bool is_fitting(enum virtual_kind kind, const struct ch_type *type)
{
    switch (kind) {
    case VIRTUAL_KEY:
    case VIRTUAL_TOPIC:
    case VIRTUAL_RAW_MESSAGE:
        return is_text(type);
    case VIRTUAL_TIMESTAMP:
    case VIRTUAL_TIMESTAMP_MS:
        return type->kind == CH_DATETIME || type->kind == CH_DATETIME64 || is_wide_integer(type);
    case VIRTUAL_PARTITION:
        return is_integer(type);
    case VIRTUAL_OFFSET:
        return is_wide_integer(type);
    case VIRTUAL_HEADER_KEYS:
    case VIRTUAL_HEADER_VALUES:
    case VIRTUAL_HEADER_NAME:
    case VIRTUAL_HEADER_VALUE:
        return type->kind == CH_ARRAY && is_text(without_nullable(type->children[0]));
    }
    return false;
}

enum status virtual_check(enum virtual_kind kind, const struct ch_type *type, struct err *err)
{
    if (is_fitting(kind, without_nullable(type))) {
        return ST_OK;
    }
    CLEANUP(freep) char *text = ch_type_text(type);
    return err_set(
        err, ST_INVALID, "the virtual column %s cannot be stored as %s", NAMES[kind],
        text != NULL ? text : ch_kind_name(type->kind));
}

static bool write_bytes(struct column *column, const uint8_t *bytes, size_t len)
{
    if (bytes != NULL) {
        return column_add_text(column, bytes, len);
    }
    return column_takes_null(column) ? column_add_null(column) : column_add_text(column, "", 0);
}

static bool write_timestamp(struct column *column, int64_t timestamp_ms)
{
    static const int64_t POWERS[] = {1,      10,      100,      1000,      10000,
                                     100000, 1000000, 10000000, 100000000, 1000000000};
    enum {
        MS_DIGITS = 3
    };
    if (timestamp_ms < 0) {
        return column_add_default(column); /* the record has none */
    }
    int64_t value = timestamp_ms;
    if (column->kind == CH_DATETIME) {
        value = timestamp_ms / 1000;
        value = value > UINT32_MAX ? UINT32_MAX : value;
    } else if (column->kind == CH_DATETIME64) {
        unsigned scale = column->type->scale;
        if (scale < MS_DIGITS) {
            value = timestamp_ms / POWERS[MS_DIGITS - scale];
        } else if (__builtin_mul_overflow(timestamp_ms, POWERS[scale - MS_DIGITS], &value)) {
            return column_add_default(column); /* past the year 2262, only with a broken clock */
        }
    }
    return column_add_u64(column, (uint64_t)value);
}

static bool
write_headers(struct column *column, const struct virtual_headers *headers, bool has_values)
{
    assert(headers != NULL);
    struct column *items = column->children[0];
    for (size_t i = 0; i < headers->count; i++) {
        const struct record_header *header = &headers->items[i];
        bool is_ok = has_values ? write_bytes(items, header->value, header->value_bytes)
                                : column_add_text(items, header->name, header->name_bytes);
        if (!is_ok) {
            return false;
        }
    }
    return column_add_offset(column, column_items(items));
}

bool virtual_write(
    enum virtual_kind kind, const struct record *record, const struct virtual_headers *headers,
    struct column *column)
{
    switch (kind) {
    case VIRTUAL_KEY:
        return write_bytes(column, record->key, record->key_bytes);
    case VIRTUAL_TOPIC:
        return column_add_text(column, record->topic, record->topic_bytes);
    case VIRTUAL_RAW_MESSAGE:
        return write_bytes(column, record->value, record->value_bytes);
    case VIRTUAL_TIMESTAMP:
    case VIRTUAL_TIMESTAMP_MS:
        return write_timestamp(column, record->timestamp_ms);
    case VIRTUAL_PARTITION:
        return column_add_u64(column, (uint64_t)record->partition);
    case VIRTUAL_OFFSET:
        return column_add_u64(column, (uint64_t)record->offset);
    case VIRTUAL_HEADER_KEYS:
    case VIRTUAL_HEADER_NAME:
        return write_headers(column, headers, false);
    case VIRTUAL_HEADER_VALUES:
    case VIRTUAL_HEADER_VALUE:
        return write_headers(column, headers, true);
    }
    return false;
}
