/*
 * A tree of what was seen: flags for scalars, children for objects (in the order first met), one
 * element for arrays. Types are made of it at the end, so samples may come in any order.
 */
#include "worker/probe/infer/shape.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

#include "worker/probe/infer/text_kind.h"

enum {
    SEEN_NULL = 1,
    SEEN_BOOL = 2,
    SEEN_INTEGER = 4,  /* within Int64 */
    SEEN_NEGATIVE = 8, /* and below zero */
    SEEN_NATURAL = 16, /* above Int64, within UInt64 */
    SEEN_REAL = 32,
    SEEN_TEXT = 64, /* any string, and what it looks like: */
    SEEN_TEXT_INTEGER = 128,
    SEEN_TEXT_NATURAL = 256,
    SEEN_TEXT_REAL = 512,
    SEEN_TEXT_DATE = 1024,
    SEEN_TEXT_DATETIME = 2048,
    SEEN_TEXT_UUID = 4096,
    SEEN_TEXT_PLAIN = 8192,
    SEEN_OBJECT = 16384,
    SEEN_ARRAY = 32768,
};

enum {
    SEEN_NUMBERS = SEEN_INTEGER | SEEN_NEGATIVE | SEEN_NATURAL | SEEN_REAL,
    SEEN_TEXT_NUMBERS = SEEN_TEXT_INTEGER | SEEN_TEXT_NATURAL | SEEN_TEXT_REAL,
    FIELDS_MAX = 4096, /* as many columns as a pipe may have */
    TYPE_MAX_BYTES = 60000,
    DEPTH_MAX = 24, /* deeper is String */
};

struct shape {
    unsigned seen;
    size_t objects; /* values that were objects */
    size_t present; /* as a member: objects that had it */
    size_t values;  /* added in all */
    char *name;     /* as a member */
    struct shape **members;
    size_t members_count;
    struct shape *element; /* of arrays; NULL = only empty ones */
};

struct shape *shape_new(void)
{
    return calloc(1, sizeof(struct shape));
}

void shape_free(struct shape *shape)
{
    if (shape == NULL) {
        return;
    }
    for (size_t i = 0; i < shape->members_count; i++) {
        shape_free(shape->members[i]);
    }
    free(shape->members);
    shape_free(shape->element);
    free(shape->name);
    free(shape);
}

void shape_freep(struct shape **shape)
{
    shape_free(*shape);
    *shape = NULL;
}

/* ---- adding ---- */

static struct shape *member_of(struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->members_count; i++) {
        if (strcmp(shape->members[i]->name, name) == 0) {
            return shape->members[i];
        }
    }
    struct shape **more =
        reallocarray(shape->members, shape->members_count + 1, sizeof(struct shape *));
    if (more == NULL) {
        return NULL;
    }
    shape->members = more;
    struct shape *member = shape_new();
    if (member != NULL) {
        member->name = strdup(name);
    }
    if (member == NULL || member->name == NULL) {
        shape_free(member);
        return NULL;
    }
    shape->members[shape->members_count++] = member;
    return member;
}

static bool add_object(struct shape *shape, const json_t *object, bool is_wide)
{
    const char *name = NULL;
    json_t *value = NULL;
    shape->seen |= SEEN_OBJECT;
    shape->objects++;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) /* the macro wants no const */
    {
        if (shape->members_count >= FIELDS_MAX) {
            return true; /* told when the fields are made */
        }
        struct shape *member = member_of(shape, name);
        if (member == NULL || !shape_add(member, value, is_wide)) {
            return false;
        }
        member->present++;
    }
    return true;
}

static bool add_array(struct shape *shape, const json_t *array, bool is_wide)
{
    shape->seen |= SEEN_ARRAY;
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (shape->element == NULL) {
            shape->element = shape_new();
        }
        if (shape->element == NULL ||
            !shape_add(shape->element, json_array_get(array, i), is_wide)) {
            return false;
        }
    }
    return true;
}

static unsigned seen_text(const json_t *value)
{
    static const unsigned FLAGS[] = {
        [TEXT_PLAIN] = SEEN_TEXT_PLAIN,     [TEXT_INTEGER] = SEEN_TEXT_INTEGER,
        [TEXT_NATURAL] = SEEN_TEXT_NATURAL, [TEXT_REAL] = SEEN_TEXT_REAL,
        [TEXT_DATE] = SEEN_TEXT_DATE,       [TEXT_DATETIME] = SEEN_TEXT_DATETIME,
        [TEXT_UUID] = SEEN_TEXT_UUID,
    };
    return SEEN_TEXT | FLAGS[text_kind_of(json_string_value(value), json_string_length(value))];
}

/* jansson has no integers above Int64: a document that holds one is read with all as reals. */
static unsigned seen_real(double value, bool is_wide)
{
    enum {
        INT64_BITS = 63
    };
    const double limit = (double)(1ULL << INT64_BITS);
    bool is_whole = is_wide && !(value < floor(value)) && !(value > floor(value));
    if (is_whole && value >= -limit && value < limit) {
        return SEEN_INTEGER | (value < 0 ? SEEN_NEGATIVE : 0);
    }
    return is_whole && value >= limit && value <= 2 * limit ? SEEN_NATURAL : SEEN_REAL;
}

bool shape_add(struct shape *shape, const json_t *value, bool is_wide)
{
    shape->values++;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return add_object(shape, value, is_wide);
    case JSON_ARRAY:
        return add_array(shape, value, is_wide);
    case JSON_STRING:
        shape->seen |= seen_text(value);
        return true;
    case JSON_INTEGER:
        shape->seen |= SEEN_INTEGER | (json_integer_value(value) < 0 ? SEEN_NEGATIVE : 0);
        return true;
    case JSON_REAL:
        shape->seen |= seen_real(json_real_value(value), is_wide);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        shape->seen |= SEEN_BOOL;
        return true;
    case JSON_NULL:
        shape->seen |= SEEN_NULL;
        return true;
    }
    return true;
}

/* ---- types ---- */

static const char *number_type(unsigned seen)
{
    if ((seen & (SEEN_REAL | SEEN_TEXT_REAL)) != 0) {
        return "Float64";
    }
    if ((seen & (SEEN_NATURAL | SEEN_TEXT_NATURAL)) == 0) {
        return "Int64";
    }
    /* a negative text is within Int64 and not told apart: only numbers can rule UInt64 out */
    return (seen & (SEEN_NEGATIVE | SEEN_TEXT_INTEGER)) == 0 ? "UInt64" : "Float64";
}

/* The type of scalars alone. */
static const char *scalar_type(unsigned seen, const struct infer_options *options)
{
    unsigned numbers = SEEN_NUMBERS | SEEN_BOOL;
    unsigned text_numbers = options->takes_text_numbers ? SEEN_TEXT | SEEN_TEXT_NUMBERS : 0;
    if ((seen & ~(unsigned)SEEN_BOOL) == 0 && seen != 0) {
        return "Bool";
    }
    if (seen != 0 && (seen & ~(numbers | text_numbers)) == 0) {
        return number_type(seen);
    }
    switch (seen & ~(unsigned)SEEN_TEXT) {
    case SEEN_TEXT_DATE:
        return "Date";
    case SEEN_TEXT_DATETIME:
    case SEEN_TEXT_DATETIME | SEEN_TEXT_DATE:
        return "DateTime64(9)";
    case SEEN_TEXT_UUID:
        return "UUID";
    default:
        return "String";
    }
}

static bool is_container(const char *type)
{
    return strncmp(type, "Array(", 6) == 0 || strncmp(type, "Tuple(", 6) == 0 ||
           strncmp(type, "JSON", 4) == 0;
}

static enum status write_type(
    const struct shape *shape, const struct infer_options *options, int depth, struct buf *out);

/* The type inside another one, where null needs a place of its own. */
static enum status write_inner(
    const struct shape *shape, const struct infer_options *options, int depth, bool is_optional,
    struct buf *out)
{
    struct buf inner;
    buf_init(&inner, TYPE_MAX_BYTES);
    enum status st = write_type(shape, options, depth, &inner);
    bool is_nullable = is_optional && !is_container(buf_text(&inner));
    if (st == ST_OK && is_nullable) {
        st = buf_add_text(out, "Nullable(");
    }
    if (st == ST_OK) {
        st = buf_add_text(out, buf_text(&inner));
    }
    if (st == ST_OK && is_nullable) {
        st = buf_add_text(out, ")");
    }
    buf_done(&inner);
    return st;
}

static bool is_plain_name(const char *name)
{
    bool is_plain = isalpha((unsigned char)name[0]) || name[0] == '_';
    for (const char *at = name; *at != '\0' && is_plain; at++) {
        is_plain = isalnum((unsigned char)*at) || *at == '_';
    }
    return is_plain;
}

static enum status write_name(const char *name, struct buf *out)
{
    if (is_plain_name(name)) {
        return buf_add_text(out, name);
    }
    enum status st = buf_add_text(out, "`");
    for (const char *at = name; *at != '\0' && st == ST_OK; at++) {
        st = *at == '`' || *at == '\\' ? buf_add_text(out, "\\") : ST_OK;
        st = st == ST_OK ? buf_add(out, at, 1) : st;
    }
    return st == ST_OK ? buf_add_text(out, "`") : st;
}

static bool is_optional(const struct shape *member, size_t objects)
{
    return (member->seen & SEEN_NULL) != 0 || member->present < objects;
}

static enum status write_tuple(
    const struct shape *shape, const struct infer_options *options, int depth, struct buf *out)
{
    enum status st = buf_add_text(out, "Tuple(");
    for (size_t i = 0; i < shape->members_count && st == ST_OK; i++) {
        const struct shape *member = shape->members[i];
        st = i > 0 ? buf_add_text(out, ", ") : ST_OK;
        st = st == ST_OK ? write_name(member->name, out) : st;
        st = st == ST_OK ? buf_add_text(out, " ") : st;
        st = st == ST_OK
                 ? write_inner(member, options, depth + 1, is_optional(member, shape->objects), out)
                 : st;
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status write_array(
    const struct shape *shape, const struct infer_options *options, int depth, struct buf *out)
{
    enum status st = buf_add_text(out, "Array(");
    if (st == ST_OK) {
        st = write_inner(
            shape->element, options, depth + 1, (shape->element->seen & SEEN_NULL) != 0, out);
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status write_type(
    const struct shape *shape, const struct infer_options *options, int depth, struct buf *out)
{
    unsigned seen = shape->seen & ~(unsigned)SEEN_NULL;
    bool is_deep = depth >= DEPTH_MAX;
    if (seen == SEEN_OBJECT && shape->members_count > 0 && !is_deep) {
        return options->nested == INFER_JSON ? buf_add_text(out, "JSON")
                                             : write_tuple(shape, options, depth, out);
    }
    if (seen == SEEN_ARRAY && shape->element != NULL && !is_deep) {
        return write_array(shape, options, depth, out);
    }
    return buf_add_text(
        out, (seen & (SEEN_OBJECT | SEEN_ARRAY)) != 0 ? "String" : scalar_type(seen, options));
}

/* ---- fields ---- */

struct field_list {
    const struct infer_options *options;
    json_t *array;
};

static enum status
add_field(struct field_list *list, const char *name, const struct shape *shape, bool optional)
{
    struct buf type;
    buf_init(&type, TYPE_MAX_BYTES);
    enum status st = write_type(shape, list->options, 0, &type);
    if (st == ST_OK && json_array_append_new(
                           list->array, json_pack(
                                            "{s:s,s:s,s:b}", "name", name, "type", buf_text(&type),
                                            "optional", optional)) != 0) {
        st = ST_NO_MEMORY;
    }
    buf_done(&type);
    return json_array_size(list->array) > FIELDS_MAX ? ST_TOO_LARGE : st;
}

/* A flattened object gives its members instead of itself. */
static bool is_flattened(const struct shape *shape, const struct infer_options *options)
{
    return options->nested == INFER_FLATTEN &&
           (shape->seen & ~(unsigned)SEEN_NULL) == SEEN_OBJECT && shape->members_count > 0;
}

static enum status
add_fields(struct field_list *list, const char *prefix, const struct shape *shape, bool optional)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < shape->members_count && st == ST_OK; i++) {
        const struct shape *member = shape->members[i];
        struct buf name;
        buf_init(&name, TYPE_MAX_BYTES);
        bool is_missing = optional || is_optional(member, shape->objects);
        st = buf_add_text(&name, prefix);
        st = st == ST_OK && prefix[0] != '\0' ? buf_add_text(&name, list->options->separator) : st;
        st = st == ST_OK ? buf_add_text(&name, member->name) : st;
        if (st == ST_OK) {
            st = is_flattened(member, list->options)
                     ? add_fields(list, buf_text(&name), member, is_missing)
                     : add_field(list, buf_text(&name), member, is_missing);
        }
        buf_done(&name);
    }
    return st;
}

enum status shape_fields(
    const struct shape *shape, const struct infer_options *options, json_t **ret_fields,
    struct err *err)
{
    if (shape->objects == 0) {
        return err_set(err, ST_INVALID, "none of the %zu samples is a JSON object", shape->values);
    }
    struct field_list list = {.options = options, .array = json_array()};
    enum status st = list.array == NULL ? ST_NO_MEMORY : add_fields(&list, "", shape, false);
    if (st != ST_OK) {
        json_decref(list.array);
        return err_set(err, st, "the samples have more fields than a table can have columns");
    }
    *ret_fields = list.array;
    return ST_OK;
}
