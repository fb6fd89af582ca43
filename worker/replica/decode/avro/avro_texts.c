/*
 * Strings, bytes, fixed, enums, and the logical types on them. Strings and bytes are stored as they
 * are, also when they are not UTF-8: so does ClickHouse's own reader, and nothing is lost.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "worker/replica/decode/avro/avro_node.h"
#include "worker/replica/decode/avro/avro_uuid.h"

enum {
    DECIMAL_MAX_BYTES = 64, /* of convert_decimal */
    UUID_BYTES = 16,
    DURATION_BYTES = 12,
};

bool avro_put_key(struct column *column, const uint8_t *text, size_t len)
{
    uint32_t index = 0;
    if (!dictionary_add(&column->dictionary, text, len, &index)) {
        return false;
    }
    dictionary_remember(&column->dictionary, text, len, index);
    return column_add_index(column, index);
}

const uint8_t *avro_run_text(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *text = avro_length(r, at, &len);
    if (text == NULL) {
        return NULL;
    }
    enum convert_end end = n->type->kind == AVRO_STRING
                               ? convert_text(&r->convert, n->cell, column, text, len)
                               : convert_bytes(&r->convert, n->cell, column, text, len);
    return avro_converted(r, n, at, text + len, end);
}

const uint8_t *avro_run_uuid_baseline(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    return avro_run_uuid(r, n, column, at);
}

static const uint8_t *convert_fixed(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    const uint8_t *next = avro_take(r, at, n->type->size);
    if (next == NULL) {
        return NULL;
    }
    return avro_converted(
        r, n, at, next, convert_bytes(&r->convert, n->cell, column, at, n->type->size));
}

/* A fixed as wide as the column's value: its bytes, as ClickHouse's reader does. */
static const uint8_t *run_same_width(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    const uint8_t *next = avro_take(r, at, n->type->size);
    if (next == NULL) {
        return NULL;
    }
    return bytes_add(&column->data, at, n->type->size) ? next : avro_no_memory(r);
}

/* --- enums --- */

static const uint8_t *run_enum_value(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t index = 0;
    const uint8_t *next = avro_symbol(r, n->type, at, &index);
    if (UNLIKELY(next == NULL)) {
        return NULL;
    }
    int32_t value = n->values[index];
    if (UNLIKELY(value == AVRO_NO_VALUE)) {
        return avro_unfit(r, n, at, "the Enum has no member of the symbol's name");
    }
    return LIKELY(column_add_u64(column, (uint64_t)(int64_t)value)) ? next : avro_no_memory(r);
}

static const uint8_t *run_enum_text(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t index = 0;
    const uint8_t *next = avro_symbol(r, n->type, at, &index);
    if (UNLIKELY(next == NULL)) {
        return NULL;
    }
    const struct avro_text *symbol = &n->type->symbols[index];
    if (n->cell->kind == CH_STRING) {
        return column_add_text(column, symbol->bytes, symbol->len) ? next : avro_no_memory(r);
    }
    const uint8_t *text = (const uint8_t *)symbol->bytes; /* AVRO_TEXT_PADDING_BYTES behind it */
    if (avro_is_text(n->cell)) {
        return avro_put_key(column, text, symbol->len) ? next : avro_no_memory(r);
    }
    return avro_converted(
        r, n, at, next, convert_text(&r->convert, n->cell, column, text, symbol->len));
}

/* --- decimal, uuid, duration --- */

enum convert_end avro_put_decimal(
    struct avro_run *r, const struct avro_type *type, const struct cell *cell,
    struct column *column, struct avro_text bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.bytes;
    size_t len = bytes.len;
    /* bytes that only repeat the sign */
    while (len > 1 && ((at[0] == 0 && at[1] < 0x80) || (at[0] == 0xff && at[1] >= 0x80))) {
        at++;
        len--;
    }
    if (len == 0 || len > DECIMAL_MAX_BYTES) {
        r->convert.reason = len == 0 ? "a decimal has no bytes" : "out of range";
        return CONVERT_UNFIT;
    }
    return convert_decimal(&r->convert, cell, column, at, len, type->scale);
}

static const uint8_t *
decimal_bytes(struct avro_run *r, const struct avro_node *n, const uint8_t *at, size_t *ret_len)
{
    if (n->type->kind == AVRO_BYTES) {
        return avro_length(r, at, ret_len);
    }
    *ret_len = n->type->size;
    return avro_take(r, at, *ret_len) == NULL ? NULL : at;
}

static const uint8_t *
run_decimal(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *bytes = decimal_bytes(r, n, at, &len);
    if (bytes == NULL) {
        return NULL;
    }
    struct avro_text text = {.bytes = (char *)(uintptr_t)bytes, .len = len}; /* only read */
    return avro_converted(
        r, n, at, bytes + len, avro_put_decimal(r, n->type, n->cell, column, text));
}

/* Into a Decimal32 or Decimal64 of the same scale: the number as it is, if it has the digits. */
static const uint8_t *run_same_decimal(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *bytes = decimal_bytes(r, n, at, &len);
    if (UNLIKELY(bytes == NULL)) {
        return NULL;
    }
    if (UNLIKELY(len == 0 || len > sizeof(uint64_t))) {
        return run_decimal(r, n, column, at);
    }
    uint64_t raw = 0;
    memcpy(&raw, bytes, sizeof(raw)); /* what is behind them goes with the shift */
    int64_t value = (int64_t)__builtin_bswap64(raw) >> (64 - 8 * len);
    if (UNLIKELY(value <= n->low || value >= n->high)) {
        return run_decimal(r, n, column, at);
    }
    return LIKELY(column_add_u64(column, (uint64_t)value)) ? bytes + len : avro_no_memory(r);
}

void avro_uuid_text(const uint8_t *at, char *out)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = DIGITS[at[i] >> 4];
        *out++ = DIGITS[at[i] & 15];
    }
}

/* uuid in 16 bytes, as RFC 4122 has them. */
static const uint8_t *run_uuid_bytes(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    const uint8_t *next = avro_take(r, at, UUID_BYTES);
    if (next == NULL) {
        return NULL;
    }
    if (n->cell->kind == CH_UUID) {
        uint64_t words[2];
        memcpy(words, at, sizeof(words));
        bool is_in =
            column_add_two(column, __builtin_bswap64(words[0]), __builtin_bswap64(words[1]));
        return is_in ? next : avro_no_memory(r);
    }
    char text[AVRO_UUID_TEXT_BYTES + 2 * AVRO_DURATION_TEXT_BYTES] = ""; /* as above */
    avro_uuid_text(at, text);
    return avro_converted(
        r, n, at, next,
        convert_text(&r->convert, n->cell, column, (const uint8_t *)text, AVRO_UUID_TEXT_BYTES));
}

size_t avro_duration_text(const uint8_t *at, char *out)
{
    uint32_t parts[3];
    memcpy(parts, at, sizeof(parts)); /* little-endian, as this machine */
    int len = snprintf(
        out, AVRO_DURATION_TEXT_BYTES, "{\"months\":%u,\"days\":%u,\"millis\":%u}", parts[0],
        parts[1], parts[2]);
    assert(len > 0 && len < AVRO_DURATION_TEXT_BYTES);
    return (size_t)len;
}

static const uint8_t *run_duration_text(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    (void)n;
    const uint8_t *next = avro_take(r, at, DURATION_BYTES);
    if (next == NULL) {
        return NULL;
    }
    char text[AVRO_DURATION_TEXT_BYTES] = "";
    size_t len = avro_duration_text(at, text);
    return column_add_text(column, text, len) ? next : avro_no_memory(r);
}

/* --- the choice --- */

bool avro_is_text(const struct cell *cell)
{
    if (cell->kind != CH_LOW_CARDINALITY) {
        return cell->kind == CH_STRING;
    }
    const struct ch_type *key = cell->type->children[0];
    return (key->kind == CH_NULLABLE ? key->children[0] : key)->kind == CH_STRING;
}

static void choose_decimal(struct avro_node *n)
{
    enum ch_kind to = n->cell->kind;
    n->run = run_decimal;
    if ((to == CH_DECIMAL32 || to == CH_DECIMAL64) && n->cell->scale == n->type->scale) {
        n->run = run_same_decimal;
        n->high = (int64_t)NUMBER_POWERS[n->cell->precision];
        n->low = -n->high;
    }
}

static void choose_fixed(struct avro_node *n)
{
    enum ch_kind to = n->cell->kind;
    bool is_raw = to == CH_IPV6 || to == CH_INT128 || to == CH_UINT128 || to == CH_INT256 ||
                  to == CH_UINT256 || to == CH_FIXED_STRING;
    if (n->type->logical == AVRO_UUID && to != CH_FIXED_STRING) {
        n->run = run_uuid_bytes;
    } else if (n->type->logical == AVRO_DURATION && avro_is_text(n->cell)) {
        n->run = run_duration_text;
    } else if (is_raw && n->cell->width_bytes == n->type->size) {
        n->run = run_same_width;
    } else {
        n->run = convert_fixed;
    }
}

static bool has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

/* string and bytes. */
static void choose_string(struct avro_node *n)
{
    n->run = avro_run_text;
    if (n->cell->kind == CH_STRING) {
        avro_set_quick(n, AVRO_QUICK_STRING, avro_run_text);
    } else if (avro_is_text(n->cell)) {
        avro_set_quick(n, AVRO_QUICK_KEY, avro_run_text);
    } else if (n->cell->kind == CH_UUID && n->type->kind == AVRO_STRING) {
        n->run = has_avx2() ? avro_run_uuid_avx2 : avro_run_uuid_baseline;
    }
}

bool avro_choose_text(struct avro_node *n)
{
    if (n->type->logical == AVRO_DECIMAL) {
        choose_decimal(n);
        return true;
    }
    switch (n->type->kind) {
    case AVRO_STRING:
    case AVRO_BYTES:
        choose_string(n);
        return true;
    case AVRO_FIXED:
        choose_fixed(n);
        return true;
    case AVRO_ENUM:
        n->run = n->values != NULL ? run_enum_value : run_enum_text;
        if (n->symbols != NULL) {
            avro_set_quick(n, AVRO_QUICK_SYMBOL, run_enum_text);
        }
        return true;
    default: /* no text */
        return false;
    }
}
