/*
 * Any value as JSON text. Records are objects, maps too, a union is its value; strings and enums
 * are texts; dates, times and uuids are texts as they would be in a String column; decimals are
 * numbers, digit by digit; bytes and fixed are texts with one character U+0000 to U+00FF per byte,
 * as in Avro's own JSON encoding; floats that JSON has no number for are texts.
 */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "worker/replica/decode/avro/avro_node.h"
#include "worker/replica/decode/utf8.h"

static const uint8_t *add(struct avro_run *r, const void *text, size_t len, const uint8_t *next)
{
    if (UNLIKELY(r->json.len + len > AVRO_JSON_MAX_BYTES)) {
        return avro_unfit(r, r->json_node, next, "its JSON text is longer than 64 MB");
    }
    return bytes_add(&r->json, text, len) ? next : avro_no_memory(r);
}

static const uint8_t *add_word(struct avro_run *r, const char *word, const uint8_t *next)
{
    return add(r, word, strlen(word), next);
}

/* Bytes that stand for themselves in a JSON text. */
static size_t plain_bytes(const uint8_t *at, size_t len, bool is_binary)
{
    size_t i = 0;
    while (i < len && at[i] >= 0x20 && at[i] != '"' && at[i] != '\\' &&
           (!is_binary || at[i] < 0x80)) {
        i++;
    }
    return i;
}

static size_t escape(uint8_t byte, char out[8])
{
    static const char SHORT[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof(SHORT); i += 2) {
        if (byte == (uint8_t)SHORT[i]) {
            out[0] = '\\';
            out[1] = SHORT[i + 1];
            return 2;
        }
    }
    if (byte >= 0x80) { /* a binary byte as the character of that number */
        out[0] = (char)(0xc0 | byte >> 6);
        out[1] = (char)(0x80 | (byte & 0x3f));
        return 2;
    }
    (void)snprintf(out, 8, "\\u%04x", byte);
    return 6;
}

static const uint8_t *
add_text(struct avro_run *r, const uint8_t *text, size_t len, bool is_binary, const uint8_t *next)
{
    if (add(r, "\"", 1, next) == NULL) {
        return NULL;
    }
    while (len > 0) {
        size_t plain = plain_bytes(text, len, is_binary);
        if (plain > 0 && add(r, text, plain, next) == NULL) {
            return NULL;
        }
        text += plain;
        len -= plain;
        char out[8];
        if (len > 0 && add(r, out, escape(*text, out), next) == NULL) {
            return NULL;
        }
        text += len > 0;
        len -= len > 0;
    }
    return add(r, "\"", 1, next);
}

/* A string of the message. */
static const uint8_t *add_string(struct avro_run *r, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *text = avro_length(r, at, &len);
    if (text == NULL) {
        return NULL;
    }
    if (!utf8_is_valid(text, len)) {
        return avro_bad(r, at, "a string that goes into JSON text is not UTF-8");
    }
    return add_text(r, text, len, false, text + len);
}

/* What convert.c wrote into r->text. */
static const uint8_t *
add_converted(struct avro_run *r, const uint8_t *at, const uint8_t *next, enum convert_end end)
{
    if (avro_converted(r, r->json_node, at, next, end) == NULL) {
        return NULL;
    }
    uint64_t len = 0;
    const uint8_t *text = bytes_read_varint(r->text->data.at, &len);
    bool is_number = len > 0 && ((*text >= '0' && *text <= '9') ||
                                 (*text == '-' && len > 1 && text[1] >= '0' && text[1] <= '9'));
    bool has_only_digits = is_number;
    for (uint64_t i = 1; i < len && has_only_digits; i++) { /* a date begins like a number */
        uint8_t byte = text[i];
        bool is_sign = (byte == '-' || byte == '+') && (text[i - 1] | 0x20) == 'e';
        has_only_digits =
            (byte >= '0' && byte <= '9') || byte == '.' || byte == 'e' || byte == 'E' || is_sign;
    }
    next = has_only_digits ? add(r, text, len, next) : add_text(r, text, len, false, next);
    column_truncate(r->text, 0);
    return next;
}

static const uint8_t *
add_integer(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    int64_t value = 0;
    const uint8_t *next =
        type->kind == AVRO_INT ? avro_int(r, at, &value) : avro_long(r, at, &value);
    if (next == NULL) {
        return NULL;
    }
    if (type->logical != AVRO_PLAIN) {
        struct avro_node n = {.type = type, .cell = r->text_cell};
        bool is_time = avro_choose_time(&n);
        assert(is_time);
        (void)is_time; /* for builds without asserts */
        next = n.run(r, &n, r->text, at);
        if (next == NULL) {
            r->fault_node = r->json_node; /* n goes */
            return NULL;
        }
        return add_converted(r, at, next, CONVERT_DONE);
    }
    char text[32];
    int len = snprintf(text, sizeof(text), "%lld", (long long)value);
    return add(r, text, (size_t)len, next);
}

static const uint8_t *add_float(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    bool is_float = type->kind == AVRO_FLOAT;
    double value = 0;
    const uint8_t *next = avro_float(r, is_float, at, &value);
    if (next == NULL) {
        return NULL;
    }
    return add_converted(
        r, at, next, convert_double(&r->convert, r->text_cell, r->text, value, is_float));
}

/* bytes and fixed. */
static const uint8_t *add_bytes(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    size_t len = type->size;
    const uint8_t *bytes = at;
    if (type->kind == AVRO_BYTES) {
        bytes = avro_length(r, at, &len);
    }
    if (bytes == NULL || avro_take(r, bytes, len) == NULL) {
        return NULL;
    }
    const uint8_t *next = bytes + len;
    char text[AVRO_DURATION_TEXT_BYTES] = "";
    switch (type->logical) {
    case AVRO_DECIMAL: {
        struct avro_text number = {.bytes = (char *)(uintptr_t)bytes, .len = len}; /* only read */
        return add_converted(r, at, next, avro_put_decimal(r, type, r->text_cell, r->text, number));
    }
    case AVRO_UUID:
        avro_uuid_text(bytes, text);
        return add_text(r, (const uint8_t *)text, AVRO_UUID_TEXT_BYTES, false, next);
    case AVRO_DURATION:
        return add(r, text, avro_duration_text(bytes, text), next);
    default: /* none that goes with bytes */
        return add_text(r, bytes, len, true, next);
    }
}

/* One item of a list, behind a comma unless it is the first. */
static const uint8_t *
add_item(struct avro_run *r, const struct avro_type *type, const uint8_t *at, bool is_first)
{
    at = is_first ? at : add_word(r, ",", at);
    if (type->kind == AVRO_MAP && at != NULL) {
        at = add_string(r, at);
        at = at == NULL ? NULL : add_word(r, ":", at);
    }
    return at == NULL ? NULL : avro_json(r, type->element, at);
}

static const uint8_t *add_list(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    bool is_map = type->kind == AVRO_MAP;
    bool is_first = true;
    at = add_word(r, is_map ? "{" : "[", at);
    while (at != NULL) {
        size_t count = 0;
        at = avro_items(r, at, type->element->min_bytes + is_map, &count);
        if (count == 0) {
            break;
        }
        for (; count > 0 && at != NULL; count--) {
            at = add_item(r, type, at, is_first);
            is_first = false;
        }
    }
    return at == NULL ? NULL : add_word(r, is_map ? "}" : "]", at);
}

static const uint8_t *
add_record(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    at = add_word(r, "{", at);
    for (size_t i = 0; i < type->count && at != NULL; i++) {
        const struct avro_text *name = &type->fields[i].name;
        at = i == 0 ? at : add_word(r, ",", at);
        at = at == NULL ? NULL : add_text(r, (const uint8_t *)name->bytes, name->len, false, at);
        at = at == NULL ? NULL : add_word(r, ":", at);
        at = at == NULL ? NULL : avro_json(r, type->fields[i].type, at);
    }
    return at == NULL ? NULL : add_word(r, "}", at);
}

const uint8_t *avro_json(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    size_t index = 0;
    switch (type->kind) {
    case AVRO_NULL:
        return add_word(r, "null", at);
    case AVRO_BOOLEAN:
        if (at >= r->end || *at > 1) {
            return avro_bad(r, at, "a boolean is neither 0 nor 1");
        }
        return add_word(r, *at == 0 ? "false" : "true", at + 1);
    case AVRO_INT:
    case AVRO_LONG:
        return add_integer(r, type, at);
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return add_float(r, type, at);
    case AVRO_STRING:
        return add_string(r, at);
    case AVRO_BYTES:
    case AVRO_FIXED:
        return add_bytes(r, type, at);
    case AVRO_ENUM:
        at = avro_symbol(r, type, at, &index);
        return at == NULL ? NULL
                          : add_text(
                                r, (const uint8_t *)type->symbols[index].bytes,
                                type->symbols[index].len, false, at);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return add_list(r, type, at);
    case AVRO_RECORD:
        return add_record(r, type, at);
    case AVRO_UNION:
        at = avro_branch(r, type, at, &index);
        return at == NULL ? NULL : avro_json(r, type->branches[index], at);
    }
    return NULL;
}

const uint8_t *avro_run_json(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    r->json.len = 0;
    r->json_node = n;
    at = avro_json(r, n->type, at);
    if (at == NULL) {
        return NULL;
    }
    return column_add_text(column, r->json.at, r->json.len) ? at : avro_no_memory(r);
}

const uint8_t *avro_run_document(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *text = avro_length(r, at, &len);
    if (text == NULL) {
        return NULL;
    }
    json_error_t error;
    json_t *json = json_loadb(
        (const char *)text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
        &error);
    bool is_object = json_is_object(json);
    bool is_out_of_memory = json == NULL && json_error_code(&error) == json_error_out_of_memory;
    json_decref(json);
    if (is_out_of_memory || (is_object && !column_add_text(column, text, len))) {
        return avro_no_memory(r);
    }
    return is_object ? text + len : avro_unfit(r, n, at, "the text is not a JSON object");
}
