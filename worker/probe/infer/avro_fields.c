/* A walk over the schema's JSON; named types are remembered by their full names. */
#include "worker/probe/infer/avro_fields.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

enum {
    TYPE_MAX_BYTES = 60000,
    DEPTH_MAX = 24,
    NAME_MAX_BYTES = 1024,
    ENUM8_MEMBERS_MAX = 128,
    DECIMAL_DIGITS_MAX = 76,
};

struct avro_walk {
    json_t *named; /* full name → schema, borrowed values */
    struct err *err;
};

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* A named type under its name, and under its full name. */
static void
remember_name(struct avro_walk *walk, json_t *schema, const char *name, const char *space)
{
    struct buf full;
    buf_init(&full, NAME_MAX_BYTES);
    bool is_full = strchr(name, '.') != NULL || space[0] == '\0';
    if (buf_add_format(&full, "%s%s%s", is_full ? "" : space, is_full ? "" : ".", name) == ST_OK) {
        (void)json_object_set(walk->named, buf_text(&full), schema); /* else not found later */
        (void)json_object_set(walk->named, name, schema);            /* likewise */
    }
    buf_done(&full);
}

/* Remember this schema and all inside it. */
static void remember(struct avro_walk *walk, json_t *schema, const char *space)
{
    if (json_is_array(schema)) {
        for (size_t i = 0; i < json_array_size(schema); i++) {
            remember(walk, json_array_get(schema, i), space);
        }
        return;
    }
    const char *name = text_of(schema, "name");
    const char *own = text_of(schema, "namespace");
    space = own != NULL ? own : space;
    if (name != NULL && json_is_string(json_object_get(schema, "type"))) {
        remember_name(walk, schema, name, space);
    }
    static const char *const INSIDE[] = {"items", "values", "type"};
    for (size_t i = 0; i < ARRAY_LEN(INSIDE); i++) {
        json_t *inner = json_object_get(schema, INSIDE[i]);
        if (json_is_object(inner) || json_is_array(inner)) {
            remember(walk, inner, space);
        }
    }
    json_t *fields = json_object_get(schema, "fields");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        remember(walk, json_object_get(json_array_get(fields, i), "type"), space);
    }
}

static enum status
write_type(struct avro_walk *walk, const json_t *schema, int depth, struct buf *out);

static bool is_null(const json_t *schema)
{
    const char *name = json_string_value(schema);
    return name != NULL && strcmp(name, "null") == 0;
}

/* The alternatives of a union that are not null; *ret_last is the last of them. */
static size_t alternatives(const json_t *schema, const json_t **ret_last)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(schema); i++) {
        if (!is_null(json_array_get(schema, i))) {
            *ret_last = json_array_get(schema, i);
            count++;
        }
    }
    return count;
}

/* Whether null can be the value. */
static bool is_optional(const json_t *schema)
{
    for (size_t i = 0; i < json_array_size(schema); i++) {
        if (is_null(json_array_get(schema, i))) {
            return true;
        }
    }
    return is_null(schema);
}

static bool takes_no_nullable(const char *type)
{
    static const char *const HEADS[] = {"Array(", "Map(", "Tuple(", "Variant(", "JSON"};
    for (size_t i = 0; i < ARRAY_LEN(HEADS); i++) {
        if (strncmp(type, HEADS[i], strlen(HEADS[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* A type within another one. */
static enum status
write_inner(struct avro_walk *walk, const json_t *schema, int depth, struct buf *out)
{
    struct buf inner;
    buf_init(&inner, TYPE_MAX_BYTES);
    enum status st = write_type(walk, schema, depth + 1, &inner);
    bool is_nullable = is_optional(schema) && !takes_no_nullable(buf_text(&inner));
    if (st == ST_OK) {
        st = buf_add_format(
            out, "%s%s%s", is_nullable ? "Nullable(" : "", buf_text(&inner),
            is_nullable ? ")" : "");
    }
    buf_done(&inner);
    return st;
}

static enum status
write_union(struct avro_walk *walk, const json_t *schema, int depth, struct buf *out)
{
    const json_t *only = NULL;
    size_t count = alternatives(schema, &only);
    if (count == 0) {
        return buf_add_text(out, "String");
    }
    if (count == 1) {
        return write_type(walk, only, depth, out);
    }
    enum status st = buf_add_text(out, "Variant(");
    bool is_first = true;
    for (size_t i = 0; i < json_array_size(schema) && st == ST_OK; i++) {
        const json_t *item = json_array_get(schema, i);
        if (!is_null(item)) {
            st = is_first ? ST_OK : buf_add_text(out, ", ");
            st = st == ST_OK ? write_type(walk, item, depth + 1, out) : st;
            is_first = false;
        }
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status
write_record(struct avro_walk *walk, const json_t *schema, int depth, struct buf *out)
{
    const json_t *fields = json_object_get(schema, "fields");
    if (json_array_size(fields) == 0 || depth >= DEPTH_MAX) {
        return buf_add_text(out, "String");
    }
    enum status st = buf_add_text(out, "Tuple(");
    for (size_t i = 0; i < json_array_size(fields) && st == ST_OK; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = text_of(field, "name");
        st = buf_add_format(out, "%s%s ", i == 0 ? "" : ", ", name == NULL ? "" : name);
        st = st == ST_OK ? write_inner(walk, json_object_get(field, "type"), depth, out) : st;
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status write_enum(const json_t *schema, struct buf *out)
{
    const json_t *symbols = json_object_get(schema, "symbols");
    size_t count = json_array_size(symbols);
    enum status st = buf_add_text(out, count <= ENUM8_MEMBERS_MAX ? "Enum8(" : "Enum16(");
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        const char *symbol = json_string_value(json_array_get(symbols, i));
        st = buf_add_format(
            out, "%s'%s' = %zu", i == 0 ? "" : ", ", symbol == NULL ? "" : symbol, i);
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

/* ST_NOT_FOUND: the annotation means nothing here, the plain type counts. */
static enum status write_logical(const json_t *schema, const char *plain, struct buf *out)
{
    static const struct {
        const char *logical;
        const char *plain;
        const char *type;
    } TYPES[] = {
        {"date", "int", "Date32"},
        {"time-millis", "int", "Time64(3)"},
        {"time-micros", "long", "Time64(6)"},
        {"timestamp-millis", "long", "DateTime64(3)"},
        {"timestamp-micros", "long", "DateTime64(6)"},
        {"timestamp-nanos", "long", "DateTime64(9)"},
        {"local-timestamp-millis", "long", "DateTime64(3)"},
        {"local-timestamp-micros", "long", "DateTime64(6)"},
        {"local-timestamp-nanos", "long", "DateTime64(9)"},
        {"uuid", "string", "UUID"},
        {"uuid", "fixed", "UUID"},
        {"duration", "fixed", "String"},
    };
    const char *logical = text_of(schema, "logicalType");
    for (size_t i = 0; logical != NULL && i < ARRAY_LEN(TYPES); i++) {
        if (strcmp(logical, TYPES[i].logical) == 0 && strcmp(plain, TYPES[i].plain) == 0) {
            return buf_add_text(out, TYPES[i].type);
        }
    }
    json_int_t precision = json_integer_value(json_object_get(schema, "precision"));
    json_int_t scale = json_integer_value(json_object_get(schema, "scale"));
    bool is_bytes = strcmp(plain, "bytes") == 0 || strcmp(plain, "fixed") == 0;
    if (logical == NULL || strcmp(logical, "decimal") != 0 || !is_bytes || precision < 1 ||
        precision > DECIMAL_DIGITS_MAX || scale < 0 || scale > precision) {
        return ST_NOT_FOUND;
    }
    return buf_add_format(out, "Decimal(%d, %d)", (int)precision, (int)scale);
}

/* ST_NOT_FOUND: no primitive type. */
static enum status write_primitive(const char *name, struct buf *out)
{
    static const char *const TYPES[][2] = {
        {"null", "String"},   {"boolean", "Bool"},   {"int", "Int32"},    {"long", "Int64"},
        {"float", "Float32"}, {"double", "Float64"}, {"bytes", "String"}, {"string", "String"},
    };
    for (size_t i = 0; i < ARRAY_LEN(TYPES); i++) {
        if (strcmp(name, TYPES[i][0]) == 0) {
            return buf_add_text(out, TYPES[i][1]);
        }
    }
    return ST_NOT_FOUND;
}

static enum status
write_complex(struct avro_walk *walk, const json_t *schema, int depth, struct buf *out)
{
    const char *name = text_of(schema, "type");
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0) {
        return write_record(walk, schema, depth, out);
    }
    if (strcmp(name, "enum") == 0) {
        return write_enum(schema, out);
    }
    if (strcmp(name, "fixed") == 0) {
        return buf_add_format(
            out, "FixedString(%lld)",
            (long long)json_integer_value(json_object_get(schema, "size")));
    }
    bool is_array = strcmp(name, "array") == 0;
    if (!is_array && strcmp(name, "map") != 0) {
        return write_type(walk, json_object_get(schema, "type"), depth + 1, out);
    }
    enum status st = buf_add_text(out, is_array ? "Array(" : "Map(String, ");
    if (st == ST_OK) {
        st = write_inner(walk, json_object_get(schema, is_array ? "items" : "values"), depth, out);
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status
write_type(struct avro_walk *walk, const json_t *schema, int depth, struct buf *out)
{
    if (depth > DEPTH_MAX) {
        return buf_add_text(out, "String"); /* deeper, or recursive */
    }
    if (json_is_array(schema)) {
        return write_union(walk, schema, depth, out);
    }
    const char *name = json_string_value(schema);
    if (name != NULL) {
        enum status st = write_primitive(name, out);
        const json_t *known = json_object_get(walk->named, name);
        if (st != ST_NOT_FOUND) {
            return st;
        }
        return known != NULL ? write_type(walk, known, depth + 1, out)
                             : err_set(walk->err, ST_INVALID, "the schema has no type '%s'", name);
    }
    const json_t *type = json_object_get(schema, "type");
    if (!json_is_string(type)) {
        return type != NULL ? write_type(walk, type, depth + 1, out)
                            : err_set(walk->err, ST_INVALID, "the schema has a type without name");
    }
    enum status st = write_logical(schema, json_string_value(type), out);
    return st == ST_NOT_FOUND ? write_complex(walk, schema, depth, out) : st;
}

static enum status add_fields(struct avro_walk *walk, const json_t *record, json_t *fields)
{
    const json_t *list = json_object_get(record, "fields");
    enum status st = ST_OK;
    for (size_t i = 0; i < json_array_size(list) && st == ST_OK; i++) {
        const json_t *field = json_array_get(list, i);
        const json_t *schema = json_object_get(field, "type");
        struct buf type;
        buf_init(&type, TYPE_MAX_BYTES);
        st = write_type(walk, schema, 0, &type);
        if (st == ST_OK &&
            json_array_append_new(
                fields, json_pack(
                            "{s:s,s:s,s:b}", "name", text_of(field, "name"), "type",
                            buf_text(&type), "optional", is_optional(schema))) != 0) {
            st = ST_NO_MEMORY;
        }
        buf_done(&type);
    }
    return st;
}

enum status avro_fields(const struct schema *schema, json_t **ret_fields, struct err *err)
{
    struct avro_walk walk = {.named = json_object(), .err = err};
    for (size_t i = 0; i < schema->references_count; i++) {
        json_t *reference = json_loads(schema->references[i].text, 0, NULL);
        remember(&walk, reference, "");
        json_decref(reference);
    }
    json_t *root = json_loads(schema->text, JSON_DECODE_ANY, NULL);
    remember(&walk, root, "");
    json_t *fields = json_array();
    enum status st = json_is_array(json_object_get(root, "fields"))
                         ? add_fields(&walk, root, fields)
                         : err_set(err, ST_INVALID, "the schema is no Avro record");
    json_decref(root);
    json_decref(walk.named);
    if (st != ST_OK) {
        json_decref(fields);
        return st == ST_INVALID ? st
                                : err_set(err, st, "the schema's types are too long for columns");
    }
    *ret_fields = fields;
    return ST_OK;
}
