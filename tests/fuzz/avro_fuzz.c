/*
 * A schema made from the input's first bytes, and the rest as a message. Nothing crashes; a message
 * that avro-c reads to its end is read by us, too, and every value in it is the same; what avro-c
 * cannot read, we refuse. Exceptions: texts that are no UTF-8, booleans of another byte than 0 and
 * 1, symbols and block sizes out of range and numbers of more bits than they may have are refused
 * by us alone. A refused message leaves no row.
 *
 * avro-c asks the heap for whatever a message says and counts through items of no bytes: it has an
 * allocator with a limit here, and every item has at least one byte.
 */
#include <avro.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pipeline.h"
#include "worker/replica/block/column.h"
#include "worker/replica/decode/avro/avro_reader.h"

enum {
    SCHEMA_MAX_BYTES = 16384,
    DEPTH_MAX = 4,
    CHILDREN_MAX = 4,
    ALLOCATION_MAX_BYTES = 1 << 20,
    ARENA_BYTES = 64 << 20,
    PADDING_BYTES = 128,
};

/* avro-c's heap: forgotten after each message, since avro-c leaks what it had read of a broken one.
 * What it made for itself in the first calls stays. */
static _Alignas(16) uint8_t arena[ARENA_BYTES];
static size_t arena_used;
static size_t arena_kept;

static void *from_arena(void *ctx, void *old, size_t old_bytes, size_t bytes)
{
    (void)ctx;
    size_t room = (bytes + 15) & ~(size_t)15;
    if (bytes == 0 || bytes > ALLOCATION_MAX_BYTES || room > sizeof(arena) - arena_used) {
        return NULL;
    }
    void *made = arena + arena_used;
    arena_used += room;
    if (old != NULL) {
        memcpy(made, old, old_bytes < bytes ? old_bytes : bytes);
    }
    return made;
}

struct maker {
    const uint8_t *at;
    const uint8_t *end;
    struct buf text;
    unsigned names;
};

static unsigned take(struct maker *m, unsigned limit)
{
    return m->at < m->end ? *m->at++ % limit : 0;
}

static void put(struct maker *m, const char *text)
{
    FUZZ_REQUIRE(buf_add_text(&m->text, text) == ST_OK, "memory");
}

static void put_named(struct maker *m, const char *kind)
{
    FUZZ_REQUIRE(
        buf_add_format(&m->text, "{\"type\":\"%s\",\"name\":\"n%u\",", kind, m->names++) == ST_OK,
        "memory");
}

static void make_type(struct maker *m, unsigned depth);

static void make_record(struct maker *m, unsigned depth)
{
    put_named(m, "record");
    put(m, "\"fields\":[{\"name\":\"first\",\"type\":\"int\"}");
    unsigned count = take(m, CHILDREN_MAX);
    for (unsigned i = 0; i < count; i++) {
        FUZZ_REQUIRE(
            buf_add_format(&m->text, ",{\"name\":\"f%u\",\"type\":", i) == ST_OK, "memory");
        make_type(m, depth + 1);
        put(m, "}");
    }
    put(m, "]}");
}

static void make_type(struct maker *m, unsigned depth)
{
    static const char *const PLAIN[] = {"\"boolean\"", "\"int\"",    "\"long\"", "\"float\"",
                                        "\"double\"",  "\"string\"", "\"bytes\""};
    unsigned kind = take(m, depth < DEPTH_MAX ? 13 : 7);
    switch (kind) {
    case 7:
        put_named(m, "enum");
        put(m, "\"symbols\":[\"A\",\"B\",\"C\"]}");
        break;
    case 8:
        put_named(m, "fixed");
        put(m, "\"size\":5}");
        break;
    case 9:
        put(m, "{\"type\":\"array\",\"items\":");
        make_type(m, depth + 1);
        put(m, "}");
        break;
    case 10:
        put(m, "{\"type\":\"map\",\"values\":");
        make_type(m, depth + 1);
        put(m, "}");
        break;
    case 11:
        make_record(m, depth);
        break;
    case 12:
        put(m, "[\"null\",");
        put(m, PLAIN[take(m, ARRAY_LEN(PLAIN))]);
        put(m, "]");
        break;
    default:
        put(m, PLAIN[kind]);
    }
}

static bool is_utf8(const char *text, size_t len)
{
    json_t *made = json_stringn(text, len);
    json_decref(made);
    return made != NULL;
}

/* Ours (JSON) against avro-c's. *ret_is_text: false when a text of it is no UTF-8. json NULL: only
 * look for that. */
static void compare(avro_value_t *value, const json_t *json, bool *ret_is_text);

/* A key was compared: avro-c ends it at its first zero byte, so what is behind is not looked at. */
static bool has_key;

static void compare_items(avro_value_t *value, const json_t *json, bool *ret_is_text)
{
    size_t count = 0;
    avro_value_get_size(value, &count);
    avro_type_t type = avro_value_get_type(value);
    /* a key twice stays twice in our text and once in jansson */
    FUZZ_REQUIRE(
        json == NULL ||
            (type == AVRO_ARRAY ? json_array_size(json) == count : json_object_size(json) <= count),
        "%zu items", count);
    for (size_t i = 0; i < count; i++) {
        avro_value_t child;
        const char *name = NULL;
        avro_value_get_by_index(value, i, &child, &name);
        if (type == AVRO_MAP) {
            has_key = true;
            *ret_is_text = *ret_is_text && is_utf8(name, strlen(name));
        }
        const json_t *other = json == NULL         ? NULL
                              : type == AVRO_ARRAY ? json_array_get(json, i)
                                                   : json_object_get(json, name);
        FUZZ_REQUIRE(json == NULL || other != NULL, "item %zu is missing", i);
        compare(&child, type == AVRO_MAP ? NULL : other, ret_is_text);
    }
}

static void compare_number(avro_value_t *value, const json_t *json)
{
    int32_t narrow = 0;
    int64_t wide = 0;
    float single = 0;
    double real = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_INT32:
        avro_value_get_int(value, &narrow);
        FUZZ_REQUIRE(json_integer_value(json) == narrow, "%d", narrow);
        break;
    case AVRO_INT64:
        avro_value_get_long(value, &wide);
        FUZZ_REQUIRE(json_integer_value(json) == wide, "%lld", (long long)wide);
        break;
    case AVRO_FLOAT:
        avro_value_get_float(value, &single);
        FUZZ_REQUIRE(
            !isfinite(single) || !(fabsf((float)json_number_value(json) - single) > 0), "%a",
            (double)single);
        break;
    default: /* AVRO_DOUBLE */
        avro_value_get_double(value, &real);
        FUZZ_REQUIRE(!isfinite(real) || !(fabs(json_number_value(json) - real) > 0), "%a", real);
    }
}

static void compare_text(avro_value_t *value, const json_t *json, bool *ret_is_text)
{
    const char *text = NULL;
    size_t len = 0;
    avro_value_get_string(value, &text, &len); /* with its zero byte */
    bool is_text = is_utf8(text, len - 1);
    *ret_is_text = *ret_is_text && is_text;
    FUZZ_REQUIRE(
        json == NULL || !is_text ||
            (json_string_length(json) == len - 1 &&
             memcmp(json_string_value(json), text, len - 1) == 0),
        "%s", text);
}

static void compare(avro_value_t *value, const json_t *json, bool *ret_is_text)
{
    avro_value_t branch;
    int flag = 0;
    int symbol = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_STRING:
        compare_text(value, json, ret_is_text);
        break;
    case AVRO_ARRAY:
    case AVRO_MAP:
    case AVRO_RECORD:
        compare_items(value, json, ret_is_text);
        break;
    case AVRO_UNION:
        avro_value_get_current_branch(value, &branch);
        compare(&branch, json, ret_is_text);
        break;
    case AVRO_BOOLEAN:
        avro_value_get_boolean(value, &flag);
        FUZZ_REQUIRE(json == NULL || json_is_true(json) == (flag != 0), "%d", flag);
        break;
    case AVRO_NULL:
        FUZZ_REQUIRE(json == NULL || json_is_null(json), "null");
        break;
    case AVRO_ENUM:
        avro_value_get_enum(value, &symbol);
        FUZZ_REQUIRE(
            json == NULL || json_string_value(json)[0] == 'A' + symbol, "symbol %d", symbol);
        break;
    case AVRO_INT32:
    case AVRO_INT64:
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        if (json != NULL) {
            compare_number(value, json);
        }
        break;
    default: /* bytes and fixed: their text is a rule of our own (docs/type-mapping.md) */
        break;
    }
}

/* avro-c's reading of the whole message; false if it has none. */
static bool read_by_avro_c(const char *schema, const uint8_t *body, size_t len, avro_value_t *value)
{
    avro_set_error("%s", "");
    avro_schema_t parsed = NULL;
    int failed = avro_schema_from_json_length(schema, strlen(schema), &parsed);
    FUZZ_REQUIRE(failed == 0, "%s: %s", schema, avro_strerror());
    avro_value_iface_t *class = avro_generic_class_from_schema(parsed);
    avro_generic_value_new(class, value);
    avro_reader_t reader = avro_reader_memory((const char *)body, (int64_t)len);
    bool is_read = avro_value_read(reader, value) == 0;
    is_read = is_read && avro_skip(reader, 1) != 0; /* nothing is left */
    avro_reader_free(reader);
    avro_value_iface_decref(class);
    avro_schema_decref(parsed);
    return is_read;
}

/* What the specification forbids and avro-c does not look at. */
static bool is_stricter(const char *message)
{
    static const char *const REASONS[] = {
        "a boolean is neither 0 nor 1", "an enum has no such symbol", "more than 32 bits",
        "a number is too long", "a block of a list is past the message's end"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(REASONS); i++) {
        found = found || strstr(message, REASONS[i]) != NULL;
    }
    return found;
}

static void require_equal(struct pipeline *p, avro_value_t *top, enum status st)
{
    bool is_text = true;
    avro_value_t field; /* r: the only one */
    avro_value_t *value = &field;
    FUZZ_REQUIRE(avro_value_get_by_index(top, 0, value, NULL) == 0, "no field");
    has_key = false;
    compare(value, NULL, &is_text);
    if (st != ST_OK) {
        bool is_our_own_rule = is_stricter(p->reject.message) ||
                               (has_key && strstr(p->reject.message, "is not UTF-8") != NULL);
        FUZZ_REQUIRE(
            !is_text || is_our_own_rule, "avro-c reads it, we do not: %s", p->reject.message);
        return;
    }
    const struct column *column = block_column(p->block, 0);
    uint64_t bytes = 0;
    const uint8_t *at = bytes_read_varint(column->data.at, &bytes);
    json_error_t error;
    json_t *json = json_loadb((const char *)at, (size_t)bytes, JSON_ALLOW_NUL, &error);
    enum json_error_code code = json == NULL ? json_error_code(&error) : json_error_unknown;
    bool is_silent = code == json_error_null_byte_in_key || code == json_error_numeric_overflow;
    FUZZ_REQUIRE(json != NULL || is_silent, "%.*s: %s", (int)bytes, at, error.text);
    if (json != NULL) {
        compare(value, json, &is_text);
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pipeline_column COLUMN = {"r", "String", NULL};
    static struct pipeline p;
    static struct maker m;
    if (p.plan == NULL) {
        avro_set_allocator(from_arena, NULL);
        avro_schema_t none = NULL;
        FUZZ_REQUIRE(avro_schema_from_json_length("{", 1, &none) != 0, "no schema");
        FUZZ_REQUIRE(avro_strerror()[0] != '\0', "no reason");
        arena_kept = arena_used;
        FUZZ_REQUIRE(pipeline_open(&p, &COLUMN, 1, NULL, false), "types");
        buf_init(&m.text, SCHEMA_MAX_BYTES);
    }
    m.at = data;
    m.end = data + size;
    m.names = 0;
    buf_reset(&m.text);
    put(&m, "{\"type\":\"record\",\"name\":\"top\",\"fields\":[{\"name\":\"r\",\"type\":");
    make_record(&m, 0);
    put(&m, "}]}");

    const struct schema schema = {
        .id = 1, .kind = SCHEMA_AVRO, .text = buf_text(&m.text), .text_bytes = m.text.len_bytes};
    struct avro_reader *reader = NULL;
    struct err err = {0};
    FUZZ_REQUIRE(
        avro_record_reader_new(&schema, p.plan, &reader, &err) == ST_OK, "%s: %s", schema.text,
        err.text);
    size_t len = (size_t)(m.end - m.at);
    uint8_t *body = calloc(1, len + PADDING_BYTES);
    FUZZ_REQUIRE(body != NULL, "memory");
    memcpy(body, m.at, len);
    enum status st = avro_record_reader_row(reader, body, len, p.block, &p.reject);
    FUZZ_REQUIRE(st == ST_OK || st == ST_REJECTED, "%d", (int)st);
    if (st == ST_OK) {
        block_row_commit(p.block, len);
    } else {
        block_row_rollback(p.block);
    }
    FUZZ_REQUIRE(block_rows(p.block) == (st == ST_OK), "%zu rows", block_rows(p.block));
    avro_value_t value;
    bool is_read = read_by_avro_c(schema.text, body, len, &value);
    FUZZ_REQUIRE(st != ST_OK || is_read, "we read it, avro-c does not: %s", avro_strerror());
    if (is_read) {
        require_equal(&p, &value, st);
    }
    avro_value_decref(&value);
    arena_used = arena_kept;
    block_reset(p.block);
    avro_record_reader_free(reader);
    free(body);
    return 0;
}
