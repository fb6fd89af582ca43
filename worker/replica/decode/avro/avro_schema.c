/*
 * JSON text to the tree of types. Names are resolved as they are met (a schema names a type before
 * it uses it), so a name that is still open is a cycle.
 */
#include "worker/replica/decode/avro/avro_schema.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

enum {
    FULL_NAME_MAX_BYTES = 2048,
    SCALE_MAX = 1 << 20, /* past every column; keeps sums of scales small */
};

struct avro_schema {
    struct avro_type **types; /* owned, each too; in order of appearance */
    size_t types_count;
    size_t types_capacity;
    const struct avro_type *root;
};

/* One text being read. */
struct reader {
    struct avro_schema *schema;
    struct err *err;
    const char *namespace; /* of the type around; borrowed from its JSON or name */
    uint32_t depth;
    bool is_reference; /* a type that is known already is the same one */
};

static const unsigned LOGICAL_KINDS[] = {
    0,
#define X(logical, text, kinds) (kinds),
    AVRO_LOGICAL_TABLE(X)
#undef X
};

static enum status
read_type(struct reader *r, const json_t *json, const struct avro_type **ret_type);

static enum status no_memory(struct err *err)
{
    return err_set(err, ST_NO_MEMORY, "out of memory for an Avro schema");
}

static enum status set_text(struct reader *r, struct avro_text *text, const char *bytes, size_t len)
{
    text->bytes = calloc(1, len + AVRO_TEXT_PADDING_BYTES);
    if (text->bytes == NULL) {
        return no_memory(r->err);
    }
    memcpy(text->bytes, bytes, len);
    text->len = len;
    return ST_OK;
}

static enum status add_type(struct reader *r, enum avro_kind kind, struct avro_type **ret_type)
{
    struct avro_schema *s = r->schema;
    if (s->types_count == AVRO_TYPES_MAX) {
        return err_set(r->err, ST_INVALID, "the schema has more than %d types", AVRO_TYPES_MAX);
    }
    if (s->types_count == s->types_capacity) {
        size_t capacity = s->types_capacity * 2 + 16;
        struct avro_type **types = realloc(s->types, capacity * sizeof(struct avro_type *));
        if (types == NULL) {
            return no_memory(r->err);
        }
        s->types = types;
        s->types_capacity = capacity;
    }
    struct avro_type *type = calloc(1, sizeof(*type));
    if (type == NULL) {
        return no_memory(r->err);
    }
    type->kind = kind;
    type->leaves = 1;
    s->types[s->types_count++] = type;
    *ret_type = type;
    return ST_OK;
}

/* A child's figures into its parent's. */
static enum status
take_child(struct reader *r, struct avro_type *type, const struct avro_type *child)
{
    type->leaves += child->leaves;
    type->depth = child->depth + 1 > type->depth ? child->depth + 1 : type->depth;
    if (type->leaves > AVRO_LEAVES_MAX) {
        return err_set(
            r->err, ST_INVALID, "the schema has more than %d types when written out",
            AVRO_LEAVES_MAX);
    }
    if (type->depth > AVRO_DEPTH_MAX) {
        return err_set(
            r->err, ST_INVALID, "the schema is nested deeper than %d levels", AVRO_DEPTH_MAX);
    }
    return ST_OK;
}

static uint64_t add_bytes(uint64_t a, uint64_t b)
{
    return a + b > AVRO_MIN_BYTES_MAX ? AVRO_MIN_BYTES_MAX : a + b;
}

/* The name of json as a full name, by the rules of the specification ("Names"). */
static enum status full_name(struct reader *r, const char *name, const char *space, char *out)
{
    bool is_full = strchr(name, '.') != NULL || space == NULL || *space == '\0';
    int len = snprintf(
        out, FULL_NAME_MAX_BYTES, "%s%s%s", is_full ? "" : space, is_full ? "" : ".", name);
    if (len <= 0 || len >= FULL_NAME_MAX_BYTES) {
        return err_set(r->err, ST_INVALID, "a type's name is empty or too long");
    }
    return ST_OK;
}

static struct avro_type *find_type(const struct avro_schema *s, const char *name)
{
    for (size_t i = 0; i < s->types_count; i++) {
        if (s->types[i]->name.bytes != NULL && strcmp(s->types[i]->name.bytes, name) == 0) {
            return s->types[i];
        }
    }
    return NULL;
}

/* The open types from `type` on, as "a → b → a". */
static enum status fail_cycle(struct reader *r, const struct avro_type *type)
{
    struct buf path;
    buf_init(&path, FULL_NAME_MAX_BYTES);
    bool is_inside = false;
    enum status st = ST_OK;
    for (size_t i = 0; i < r->schema->types_count && st == ST_OK; i++) {
        const struct avro_type *other = r->schema->types[i];
        is_inside = is_inside || other == type;
        if (is_inside && other->is_open) {
            st = buf_add_format(&path, "%s -> ", other->name.bytes);
        }
    }
    if (st != ST_NO_MEMORY) { /* too long a path is cut */
        st = err_set(
            r->err, ST_INVALID, "the schema is recursive: %s%s; recursive types have no columns",
            buf_text(&path), type->name.bytes);
    }
    buf_done(&path);
    return st == ST_NO_MEMORY ? no_memory(r->err) : st;
}

static enum status
read_word(struct reader *r, const json_t *json, const struct avro_type **ret_type)
{
    const char *word = json_string_value(json);
    for (size_t kind = AVRO_NULL; kind <= AVRO_STRING; kind++) {
        if (strcmp(word, avro_kind_name((enum avro_kind)kind)) == 0) {
            static const uint64_t BYTES[] = {0, 1, 1, 1, 4, 8, 1, 1};
            struct avro_type *type = NULL;
            enum status st = add_type(r, (enum avro_kind)kind, &type);
            if (st != ST_OK) {
                return st;
            }
            type->min_bytes = BYTES[kind];
            type->is_constant = BYTES[kind] != 1 || kind == AVRO_BOOLEAN;
            *ret_type = type;
            return ST_OK;
        }
    }
    char name[FULL_NAME_MAX_BYTES];
    enum status st = full_name(r, word, r->namespace, name);
    if (st != ST_OK) {
        return st;
    }
    struct avro_type *found = find_type(r->schema, name);
    if (found == NULL) {
        found = find_type(r->schema, word); /* a name without a namespace, from outside */
    }
    if (found == NULL) {
        return err_set(r->err, ST_INVALID, "unknown type \"%s\"", name);
    }
    if (found->is_open) {
        return fail_cycle(r, found);
    }
    *ret_type = found;
    return ST_OK;
}

/* An array of the object, with `count` zeroed items of size for it. */
static enum status read_list(
    struct reader *r, const json_t *json, const char *name, size_t size, void **ret_items,
    size_t *ret_count)
{
    const json_t *list = json_object_get(json, name);
    if (!json_is_array(list)) {
        return err_set(r->err, ST_INVALID, "no list \"%s\"", name);
    }
    size_t count = json_array_size(list);
    void *items = calloc(count + 1, size);
    if (items == NULL) {
        return no_memory(r->err);
    }
    *ret_items = items;
    *ret_count = count;
    return ST_OK;
}

static enum status
read_text(struct reader *r, const json_t *json, const char *what, struct avro_text *text)
{
    if (!json_is_string(json) || json_string_length(json) == 0) {
        return err_set(r->err, ST_INVALID, "%s is no text", what);
    }
    return set_text(r, text, json_string_value(json), json_string_length(json));
}

static enum status read_field(struct reader *r, const json_t *json, struct avro_field *field)
{
    enum status st = read_text(r, json_object_get(json, "name"), "a field's name", &field->name);
    if (st != ST_OK) {
        return st;
    }
    const json_t *aliases = json_object_get(json, "aliases");
    if (aliases != NULL) {
        void *items = NULL;
        st = read_list(r, json, "aliases", sizeof(*field->aliases), &items, &field->aliases_count);
        field->aliases = items;
        for (size_t i = 0; i < field->aliases_count && st == ST_OK; i++) {
            st = read_text(r, json_array_get(aliases, i), "an alias", &field->aliases[i]);
        }
    }
    return st == ST_OK ? read_type(r, json_object_get(json, "type"), &field->type) : st;
}

static enum status read_record(struct reader *r, const json_t *json, struct avro_type *type)
{
    void *items = NULL;
    enum status st = read_list(r, json, "fields", sizeof(*type->fields), &items, &type->count);
    type->fields = items;
    type->is_constant = true;
    for (size_t i = 0; i < type->count && st == ST_OK; i++) {
        struct avro_field *field = &type->fields[i];
        st = read_field(r, json_array_get(json_object_get(json, "fields"), i), field);
        if (st != ST_OK && st != ST_NO_MEMORY) {
            (void)err_wrap(r->err, "field %s", field->name.bytes == NULL ? "?" : field->name.bytes);
        }
        st = st == ST_OK ? take_child(r, type, field->type) : st;
        if (st == ST_OK) {
            type->min_bytes = add_bytes(type->min_bytes, field->type->min_bytes);
            type->is_constant = type->is_constant && field->type->is_constant;
        }
    }
    return st;
}

static enum status read_enum(struct reader *r, const json_t *json, struct avro_type *type)
{
    void *items = NULL;
    enum status st = read_list(r, json, "symbols", sizeof(*type->symbols), &items, &type->count);
    type->symbols = items;
    type->min_bytes = 1;
    const json_t *symbols = json_object_get(json, "symbols");
    for (size_t i = 0; i < type->count && st == ST_OK; i++) {
        st = read_text(r, json_array_get(symbols, i), "a symbol", &type->symbols[i]);
    }
    return st;
}

static enum status read_fixed(struct reader *r, const json_t *json, struct avro_type *type)
{
    const json_t *size = json_object_get(json, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > AVRO_FIXED_MAX_BYTES) {
        return err_set(
            r->err, ST_INVALID, "fixed %s has no size from 0 to %d", type->name.bytes,
            AVRO_FIXED_MAX_BYTES);
    }
    type->size = (uint32_t)json_integer_value(size);
    type->min_bytes = type->size;
    type->is_constant = true;
    return ST_OK;
}

/* record, enum and fixed: the name, then the rest with its namespace. */
static enum status read_named(
    struct reader *r, const json_t *json, enum avro_kind kind, const struct avro_type **ret_type)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *space = json_string_value(json_object_get(json, "namespace"));
    char full[FULL_NAME_MAX_BYTES];
    if (name == NULL) {
        return err_set(r->err, ST_INVALID, "a type of kind %s has no name", avro_kind_name(kind));
    }
    enum status st = full_name(r, name, space != NULL ? space : r->namespace, full);
    if (st != ST_OK) {
        return st;
    }
    struct avro_type *known = find_type(r->schema, full);
    if (known != NULL && r->is_reference && !known->is_open) {
        *ret_type = known;
        return ST_OK;
    }
    if (known != NULL) {
        return err_set(r->err, ST_INVALID, "type %s is defined twice", full);
    }
    struct avro_type *type = NULL;
    st = add_type(r, kind, &type);
    st = st == ST_OK ? set_text(r, &type->name, full, strlen(full)) : st;
    if (st != ST_OK) {
        return st;
    }
    type->is_open = true;
    const char *around = r->namespace;
    char *dot = strrchr(full, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
    r->namespace = dot == NULL ? "" : full;
    st = kind == AVRO_RECORD ? read_record(r, json, type)
         : kind == AVRO_ENUM ? read_enum(r, json, type)
                             : read_fixed(r, json, type);
    r->namespace = around;
    type->is_open = false;
    if (st != ST_OK && st != ST_NO_MEMORY) {
        (void)err_wrap(r->err, "%s %s", avro_kind_name(kind), type->name.bytes);
    }
    *ret_type = type;
    return st;
}

static enum status read_values(
    struct reader *r, const json_t *json, enum avro_kind kind, const struct avro_type **ret_type)
{
    struct avro_type *type = NULL;
    enum status st = add_type(r, kind, &type);
    if (st != ST_OK) {
        return st;
    }
    type->min_bytes = 1;
    st = read_type(
        r, json_object_get(json, kind == AVRO_ARRAY ? "items" : "values"), &type->element);
    if (st != ST_OK && st != ST_NO_MEMORY) {
        (void)err_wrap(r->err, "%s", avro_kind_name(kind));
    }
    *ret_type = type;
    return st == ST_OK ? take_child(r, type, type->element) : st;
}

static enum status
read_union(struct reader *r, const json_t *json, const struct avro_type **ret_type)
{
    struct avro_type *type = NULL;
    enum status st = add_type(r, AVRO_UNION, &type);
    if (st != ST_OK) {
        return st;
    }
    size_t count = json_array_size(json);
    if (count == 0) {
        return err_set(r->err, ST_INVALID, "a union is empty");
    }
    type->branches = calloc(count, sizeof(struct avro_type *));
    if (type->branches == NULL) {
        return no_memory(r->err);
    }
    uint64_t least = AVRO_MIN_BYTES_MAX;
    for (; type->count < count; type->count++) {
        const struct avro_type *branch = NULL;
        st = read_type(r, json_array_get(json, type->count), &branch);
        if (st == ST_OK && branch->kind == AVRO_UNION) {
            st = err_set(r->err, ST_INVALID, "a union is directly inside a union");
        }
        st = st == ST_OK ? take_child(r, type, branch) : st;
        if (st != ST_OK) {
            return st;
        }
        type->branches[type->count] = branch;
        least = branch->min_bytes < least ? branch->min_bytes : least;
    }
    type->min_bytes = add_bytes(1, least);
    *ret_type = type;
    return ST_OK;
}

static uint32_t small_number(const json_t *json, const char *name)
{
    const json_t *number = json_object_get(json, name);
    json_int_t value = json_is_integer(number) ? json_integer_value(number) : 0;
    return value < 0 || value > SCALE_MAX ? UINT32_MAX : (uint32_t)value;
}

/* An annotation that does not fit its type is ignored ("Logical Types"). */
static bool logical_fits(struct avro_type *type, const json_t *json, enum avro_logical logical)
{
    if ((LOGICAL_KINDS[logical] & 1U << type->kind) == 0) {
        return false;
    }
    switch (logical) {
    case AVRO_DECIMAL:
        type->scale = small_number(json, "scale");
        type->precision = small_number(json, "precision");
        return type->precision != 0 && type->precision != UINT32_MAX &&
               type->scale <= type->precision;
    case AVRO_UUID:
        return type->kind == AVRO_STRING || type->size == 16;
    case AVRO_DURATION:
        return type->size == 12;
    case AVRO_PLAIN:
    case AVRO_DATE:
    case AVRO_TIME_MS:
    case AVRO_TIME_US:
    case AVRO_INSTANT_MS:
    case AVRO_INSTANT_US:
    case AVRO_INSTANT_NS:
    case AVRO_LOCAL_MS:
    case AVRO_LOCAL_US:
    case AVRO_LOCAL_NS:
        return true;
    }
    return false;
}

static void read_logical(struct avro_type *type, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "logicalType"));
    for (size_t i = AVRO_PLAIN + 1; name != NULL && i < ARRAY_LEN(LOGICAL_KINDS); i++) {
        if (strcmp(name, avro_logical_name((enum avro_logical)i)) == 0 &&
            logical_fits(type, json, (enum avro_logical)i)) {
            type->logical = (enum avro_logical)i;
        }
    }
}

static enum status
read_object(struct reader *r, const json_t *json, const struct avro_type **ret_type)
{
    const json_t *word = json_object_get(json, "type");
    const char *text = json_string_value(word);
    enum status st = ST_OK;
    if (text == NULL) {
        st = read_type(r, word, ret_type); /* {"type": {…}} says no more than its inside */
    } else if (strcmp(text, "record") == 0 || strcmp(text, "error") == 0) {
        st = read_named(r, json, AVRO_RECORD, ret_type);
    } else if (strcmp(text, "enum") == 0) {
        st = read_named(r, json, AVRO_ENUM, ret_type);
    } else if (strcmp(text, "fixed") == 0) {
        st = read_named(r, json, AVRO_FIXED, ret_type);
    } else if (strcmp(text, "array") == 0) {
        st = read_values(r, json, AVRO_ARRAY, ret_type);
    } else if (strcmp(text, "map") == 0) {
        st = read_values(r, json, AVRO_MAP, ret_type);
    } else {
        st = read_word(r, word, ret_type);
    }
    if (st != ST_OK) {
        return st;
    }
    bool is_own = text != NULL && ((*ret_type)->name.bytes == NULL || strcmp(text, "fixed") == 0);
    if (is_own && (*ret_type)->logical == AVRO_PLAIN) {
        read_logical((struct avro_type *)(uintptr_t)*ret_type, json); /* made by this reader */
    }
    return ST_OK;
}

static enum status
read_type(struct reader *r, const json_t *json, const struct avro_type **ret_type)
{
    if (r->depth > 2 * AVRO_DEPTH_MAX) {
        return err_set(
            r->err, ST_INVALID, "the schema is nested deeper than %d levels", AVRO_DEPTH_MAX);
    }
    r->depth++;
    enum status st = ST_OK;
    if (json_is_string(json)) {
        st = read_word(r, json, ret_type);
    } else if (json_is_array(json)) {
        st = read_union(r, json, ret_type);
    } else if (json_is_object(json)) {
        st = read_object(r, json, ret_type);
    } else {
        st = err_set(r->err, ST_INVALID, "a type is missing");
    }
    r->depth--;
    return st;
}

static enum status read_schema(
    struct avro_schema *schema, const char *text, size_t text_bytes, bool is_reference,
    struct err *err)
{
    if (text_bytes > AVRO_TEXT_MAX_BYTES) {
        return err_set(
            err, ST_INVALID, "the schema's text is longer than %d bytes", AVRO_TEXT_MAX_BYTES);
    }
    json_error_t error;
    json_t *json = json_loadb(text, text_bytes, JSON_DECODE_ANY, &error);
    if (json == NULL) {
        return json_error_code(&error) == json_error_out_of_memory
                   ? no_memory(err)
                   : err_set(
                         err, ST_INVALID, "the schema is not JSON: %s at byte %d", error.text,
                         error.position);
    }
    struct reader r = {.schema = schema, .err = err, .namespace = "", .is_reference = is_reference};
    enum status st = read_type(&r, json, &schema->root);
    json_decref(json);
    return st;
}

enum status
avro_schema_new(const struct schema *schema, struct avro_schema **ret_schema, struct err *err)
{
    assert(schema != NULL && ret_schema != NULL);
    CLEANUP(avro_schema_freep) struct avro_schema *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < schema->references_count; i++) {
        const struct schema_reference *reference = &schema->references[i];
        enum status st = read_schema(s, reference->text, reference->text_bytes, true, err);
        if (st != ST_OK) {
            (void)err_wrap(err, "reference %s", reference->name);
            return st;
        }
    }
    enum status st = read_schema(s, schema->text, schema->text_bytes, false, err);
    if (st != ST_OK) {
        return st;
    }
    *ret_schema = s;
    s = NULL;
    return ST_OK;
}

void avro_schema_free(struct avro_schema *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->types_count; i++) {
        avro_type_free(s->types[i]);
    }
    free(s->types);
    free(s);
}

void avro_schema_freep(struct avro_schema **schema)
{
    avro_schema_free(*schema);
    *schema = NULL;
}

const struct avro_type *avro_schema_root(const struct avro_schema *schema)
{
    return schema->root;
}
