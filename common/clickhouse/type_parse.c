/*
 * Types from text: a recursive descent over the grammar of ClickHouse's own parser, as far as type
 * texts go. Names come from the table; what stands in the parentheses is decided by the row's
 * argument form, so a further type is a further row.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/type.h"
#include "common/clickhouse/type_custom.h"
#include "common/clickhouse/type_enum.h"
#include "common/clickhouse/type_lex.h"

struct ch_kind_row {
    const char *name;
    enum ch_arguments arguments;
    uint32_t width_bytes;
    unsigned flags;
};

static const struct ch_kind_row KIND_ROWS[] = {
#define X(kind, name, arguments, width, flags) [kind] = {name, arguments, width, flags},
    CH_TYPE_TABLE(X)
#undef X
};

static const char *const ALIASES[][2] = {
#define X(alias, name) {alias, name},
    CH_TYPE_ALIAS_TABLE(X)
#undef X
};

enum {
    NAME_MAX_BYTES = 64,
    CHILDREN_MAX = 4096,
    DECIMAL128_DIGITS = 38,
    DATETIME64_SCALE_DEFAULT = 3,
    DATETIME64_SCALE_MAX = 9,
};

const char *ch_kind_name(enum ch_kind kind)
{
    return KIND_ROWS[kind].name;
}

unsigned ch_kind_flags(enum ch_kind kind)
{
    return KIND_ROWS[kind].flags;
}

static enum status parse_type(struct type_lex *p, struct ch_type **ret_type);

static enum status add_child(struct type_lex *p, struct ch_type *type, struct ch_type *child)
{
    struct ch_type **children =
        realloc(type->children, (type->children_count + 1) * sizeof(struct ch_type *));
    if (children == NULL) {
        ch_type_free(child);
        return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
    }
    type->children = children;
    type->children[type->children_count] = child;
    type->children_count++;
    return ST_OK;
}

static enum status take_child(struct type_lex *p, struct ch_type *type)
{
    struct ch_type *child = NULL;
    enum status st = parse_type(p, &child);
    if (st != ST_OK) {
        return st;
    }
    return add_child(p, type, child);
}

static enum status check_child(struct type_lex *p, const struct ch_type *type, enum ch_flag flag)
{
    const struct ch_type *child = type->children[0];
    bool is_allowed = (ch_kind_flags(child->kind) & flag) != 0;
    if (is_allowed && type->kind == CH_LOW_CARDINALITY && child->kind == CH_NULLABLE) {
        is_allowed = (ch_kind_flags(child->children[0]->kind) & flag) != 0;
    }
    if (!is_allowed) {
        char reason[NAME_MAX_BYTES * 3];
        (void)snprintf(
            reason, sizeof(reason), "%s cannot be inside %s", ch_kind_name(child->kind),
            ch_kind_name(type->kind));
        return type_lex_fail(p, reason);
    }
    return ST_OK;
}

/* Is the next thing "name Type" and not "Type"? */
static bool has_element_name(struct type_lex *p)
{
    type_lex_skip_blanks(p);
    if (*p->at == '`' || *p->at == '"') {
        return true;
    }
    struct type_lex ahead = *p;
    size_t length = type_lex_word_length(ahead.at);
    ahead.at += length;
    type_lex_skip_blanks(&ahead);
    return length > 0 && ahead.at > p->at + length && type_lex_word_length(ahead.at) > 0;
}

static enum status take_element_name(struct type_lex *p, struct ch_type *type)
{
    char **names = realloc(type->names, (type->children_count + 1) * sizeof(char *));
    if (names == NULL) {
        return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
    }
    type->names = names;
    names[type->children_count] = NULL;
    char *name = NULL;
    if (*p->at == '`' || *p->at == '"') {
        enum status st = type_lex_take_quoted(p, &name, NULL);
        if (st != ST_OK) {
            return st;
        }
    } else {
        size_t length = type_lex_word_length(p->at);
        name = strndup(p->at, length);
        if (name == NULL) {
            return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
        }
        p->at += length;
    }
    for (size_t i = 0; i < type->children_count; i++) {
        if (strcmp(names[i], name) == 0) {
            free(name);
            return type_lex_fail(p, "two tuple elements have one name");
        }
    }
    names[type->children_count] = name;
    return ST_OK;
}

/* One element; on failure its name is given back, so names and children stay of one length. */
static enum status take_element(struct type_lex *p, struct ch_type *type)
{
    if (type->children_count == CHILDREN_MAX) {
        return type_lex_fail(p, "too many tuple elements");
    }
    bool has_name = has_element_name(p);
    if (type->children_count > 0 && has_name != (type->names != NULL)) {
        return type_lex_fail(p, "either all tuple elements have names or none");
    }
    if (has_name) {
        enum status st = take_element_name(p, type);
        if (st != ST_OK) {
            return st;
        }
    }
    enum status st = take_child(p, type);
    if (st != ST_OK && has_name) {
        free(type->names[type->children_count]);
        type->names[type->children_count] = NULL;
    }
    return st;
}

static enum status parse_elements(struct type_lex *p, struct ch_type *type)
{
    do {
        enum status st = take_element(p, type);
        if (st != ST_OK) {
            return st;
        }
    } while (type_lex_take_char(p, ','));
    return ST_OK;
}

static enum status parse_zone(struct type_lex *p, struct ch_type *type)
{
    type_lex_skip_blanks(p);
    if (*p->at != '\'') {
        return type_lex_fail(p, "a time zone in quotes is expected");
    }
    return type_lex_take_quoted(p, &type->timezone, NULL);
}

static enum status parse_scale_zone(struct type_lex *p, struct ch_type *type)
{
    int64_t scale = 0;
    enum status st = type_lex_take_number(p, DATETIME64_SCALE_MAX, &scale);
    if (st != ST_OK) {
        return st;
    }
    if (scale < 0) {
        return type_lex_fail(p, "number out of range");
    }
    type->scale = (uint8_t)scale;
    if (!type_lex_take_char(p, ',')) {
        return ST_OK;
    }
    return parse_zone(p, type);
}

static enum status parse_decimal_scale(struct type_lex *p, struct ch_type *type)
{
    int64_t scale = 0;
    enum status st = type_lex_take_number(p, type->precision, &scale);
    if (st != ST_OK) {
        return st;
    }
    if (scale < 0) {
        return type_lex_fail(p, "number out of range");
    }
    type->scale = (uint8_t)scale;
    return ST_OK;
}

/* Everything up to the closing parenthesis that belongs to us, as text. */
static enum status parse_any(struct type_lex *p, struct ch_type *type)
{
    const char *start = p->at;
    int depth = 0;
    while (*p->at != '\0' && !(depth == 0 && *p->at == ')')) {
        if (*p->at == '\'' || *p->at == '`') {
            char *quoted = NULL;
            enum status st = type_lex_take_quoted(p, &quoted, NULL);
            if (st != ST_OK) {
                return st;
            }
            free(quoted);
            continue;
        }
        depth += *p->at == '(' ? 1 : 0;
        depth -= *p->at == ')' ? 1 : 0;
        p->at++;
    }
    type->arguments_text = strndup(start, (size_t)(p->at - start));
    return type->arguments_text == NULL
               ? err_set(p->err, ST_NO_MEMORY, "out of memory reading a type")
               : ST_OK;
}

static enum status parse_map(struct type_lex *p, struct ch_type *type)
{
    enum status st = take_child(p, type);
    if (st != ST_OK) {
        return st;
    }
    if (!type_lex_take_char(p, ',')) {
        return type_lex_fail(p, "a map needs a key and a value type; ',' is expected");
    }
    return take_child(p, type);
}

static void set_kind(struct ch_type *type, enum ch_kind kind)
{
    type->kind = kind;
    type->width_bytes = KIND_ROWS[kind].width_bytes;
    if (kind == CH_DATETIME64 || kind == CH_TIME64) {
        type->scale = DATETIME64_SCALE_DEFAULT;
    }
    type->precision = kind == CH_DECIMAL32    ? 9
                      : kind == CH_DECIMAL64  ? 18
                      : kind == CH_DECIMAL128 ? DECIMAL128_DIGITS
                      : kind == CH_DECIMAL256 ? 76
                                              : 0;
}

static enum status parse_nested(struct type_lex *p, struct ch_type *type)
{
    CLEANUP(ch_type_freep) struct ch_type *tuple = calloc(1, sizeof(*tuple));
    if (tuple == NULL) {
        return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
    }
    set_kind(tuple, CH_TUPLE);
    enum status st = parse_elements(p, tuple);
    if (st == ST_OK && tuple->names == NULL) {
        st = type_lex_fail(p, "the elements of Nested need names");
    }
    if (st != ST_OK) {
        return st;
    }
    set_kind(type, CH_ARRAY);
    type->is_nested = true;
    struct ch_type *child = tuple;
    tuple = NULL;
    return add_child(p, type, child);
}

/* Put the alternative at its place among those that are there; one that is there already is
 * dropped, as ClickHouse does. */
static enum status add_alternative(struct type_lex *p, struct ch_type *type, struct ch_type *child)
{
    CLEANUP(freep) char *text = ch_type_text(child);
    size_t place = type->children_count;
    int order = 1;
    bool is_out_of_memory = text == NULL;
    while (!is_out_of_memory && place > 0) {
        CLEANUP(freep) char *other = ch_type_text(type->children[place - 1]);
        is_out_of_memory = other == NULL;
        order = is_out_of_memory ? 1 : strcmp(text, other);
        if (order >= 0) {
            break;
        }
        place--;
    }
    if (is_out_of_memory) { /* a wrong order would be wrong data */
        ch_type_free(child);
        return err_set(p->err, ST_NO_MEMORY, "out of memory for a type");
    }
    if (place > 0 && order == 0) {
        ch_type_free(child);
        return ST_OK;
    }
    enum status st = add_child(p, type, child);
    for (size_t i = type->children_count; st == ST_OK && i > place + 1; i--) {
        type->children[i - 1] = type->children[i - 2];
        type->children[i - 2] = child;
    }
    return st;
}

static enum status take_alternative(struct type_lex *p, struct ch_type *type)
{
    CLEANUP(ch_type_freep) struct ch_type *child = NULL;
    enum status st = parse_type(p, &child);
    if (st != ST_OK || child == NULL) { /* never NULL with ST_OK */
        return st;
    }
    bool is_nullable = child->kind == CH_NULLABLE || (child->kind == CH_LOW_CARDINALITY &&
                                                      child->children[0]->kind == CH_NULLABLE);
    if (is_nullable || child->kind == CH_VARIANT || child->kind == CH_DYNAMIC) {
        return type_lex_fail(p, "Nullable, Variant and Dynamic cannot be inside Variant");
    }
    if (type->children_count == CH_ALTERNATIVES_MAX) {
        return type_lex_fail(p, "too many alternatives");
    }
    struct ch_type *taken = child;
    child = NULL;
    return add_alternative(p, type, taken);
}

static enum status parse_alternatives(struct type_lex *p, struct ch_type *type)
{
    do {
        enum status st = take_alternative(p, type);
        if (st != ST_OK) {
            return st;
        }
    } while (type_lex_take_char(p, ','));
    return ST_OK;
}

static enum status parse_inner(struct type_lex *p, struct ch_type *type)
{
    enum status st = take_child(p, type);
    if (st != ST_OK) {
        return st;
    }
    if (type->kind == CH_NULLABLE) {
        return check_child(p, type, CH_IN_NULLABLE);
    }
    return type->kind == CH_LOW_CARDINALITY ? check_child(p, type, CH_IN_LOW_CARDINALITY) : ST_OK;
}

static enum status parse_length(struct type_lex *p, struct ch_type *type)
{
    int64_t length = 0;
    enum status st = type_lex_take_number(p, CH_FIXED_STRING_MAX_BYTES, &length);
    if (st != ST_OK) {
        return st;
    }
    if (length < 1) {
        return type_lex_fail(p, "number out of range");
    }
    type->width_bytes = (uint32_t)length;
    return ST_OK;
}

static enum status parse_arguments(struct type_lex *p, struct ch_type *type)
{
    switch (KIND_ROWS[type->kind].arguments) {
    case CH_ARGS_NONE:
        return type_lex_fail(p, "this type takes no arguments");
    case CH_ARGS_LENGTH:
        return parse_length(p, type);
    case CH_ARGS_ZONE:
        return parse_zone(p, type);
    case CH_ARGS_SCALE_ZONE:
        return parse_scale_zone(p, type);
    case CH_ARGS_DECIMAL:
        return parse_decimal_scale(p, type);
    case CH_ARGS_ENUM:
        return type_enum_take(p, type, false);
    case CH_ARGS_TYPE:
        return parse_inner(p, type);
    case CH_ARGS_MAP:
        return parse_map(p, type);
    case CH_ARGS_ELEMENTS:
        return parse_elements(p, type);
    case CH_ARGS_NESTED:
        return parse_nested(p, type);
    case CH_ARGS_VARIANT:
        return parse_alternatives(p, type);
    case CH_ARGS_ANY:
        return parse_any(p, type);
    }
    return ST_INTERNAL;
}

static bool needs_arguments(enum ch_arguments arguments)
{
    return arguments != CH_ARGS_NONE && arguments != CH_ARGS_ZONE &&
           arguments != CH_ARGS_SCALE_ZONE && arguments != CH_ARGS_ANY;
}

/* Decimal, Decimal(P), Decimal(P, S): the width follows from P; defaults are ClickHouse's. */
static enum status parse_decimal(struct type_lex *p, struct ch_type *type)
{
    int64_t precision = 10;
    int64_t scale = 0;
    if (type_lex_take_char(p, '(')) {
        enum status st = type_lex_take_number(p, 76, &precision);
        if (st == ST_OK && type_lex_take_char(p, ',')) {
            st = type_lex_take_number(p, precision, &scale);
        }
        if (st != ST_OK) {
            return st;
        }
        if (precision < 1 || scale < 0) {
            return type_lex_fail(p, "number out of range");
        }
        if (!type_lex_take_char(p, ')')) {
            return type_lex_fail(p, "')' is expected");
        }
    }
    enum ch_kind kind = CH_DECIMAL256;
    if (precision <= 9) {
        kind = CH_DECIMAL32;
    } else if (precision <= 18) {
        kind = CH_DECIMAL64;
    } else if (precision <= DECIMAL128_DIGITS) {
        kind = CH_DECIMAL128;
    }
    set_kind(type, kind);
    type->precision = (uint8_t)precision;
    type->scale = (uint8_t)scale;
    return ST_OK;
}

static const char *alias_target(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(ALIASES); i++) {
        if (strcmp(ALIASES[i][0], name) == 0) {
            return ALIASES[i][1];
        }
    }
    return name;
}

static bool find_kind(const char *name, enum ch_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_LEN(KIND_ROWS); i++) {
        if (strcmp(KIND_ROWS[i].name, name) == 0) {
            *ret_kind = (enum ch_kind)i;
            return true;
        }
    }
    return false;
}

static enum status parse_enum(struct type_lex *p, struct ch_type *type)
{
    set_kind(type, CH_ENUM16);
    if (!type_lex_take_char(p, '(')) {
        return type_lex_fail(p, "'(' is expected");
    }
    enum status st = type_enum_take(p, type, true);
    if (st != ST_OK) {
        return st;
    }
    return type_lex_take_char(p, ')') ? ST_OK : type_lex_fail(p, "')' is expected");
}

static enum status parse_named(struct type_lex *p, const char *name, struct ch_type *type)
{
    if (strcmp(name, "Decimal") == 0) {
        return parse_decimal(p, type);
    }
    if (strcmp(name, "Enum") == 0) {
        return parse_enum(p, type);
    }
    if (type_custom_is(name)) {
        return type_custom_take(p, name, parse_type, type);
    }
    enum ch_kind kind = CH_INT8;
    if (!find_kind(name, &kind)) {
        return err_set(
            p->err, ST_INVALID, "unknown type '%s' at position %zu of type '%.200s'", name,
            (size_t)(p->at - p->text), p->text);
    }
    set_kind(type, kind);
    if (!type_lex_take_char(p, '(')) {
        return needs_arguments(KIND_ROWS[kind].arguments) ? type_lex_fail(p, "'(' is expected")
                                                          : ST_OK;
    }
    if (type_lex_take_char(p, ')')) {
        return needs_arguments(KIND_ROWS[kind].arguments)
                   ? type_lex_fail(p, "arguments are expected")
                   : ST_OK;
    }
    enum status st = parse_arguments(p, type);
    if (st != ST_OK) {
        return st;
    }
    return type_lex_take_char(p, ')') ? ST_OK : type_lex_fail(p, "')' is expected");
}

static enum status parse_type(struct type_lex *p, struct ch_type **ret_type)
{
    type_lex_skip_blanks(p);
    size_t length = type_lex_word_length(p->at);
    if (length == 0) {
        return type_lex_fail(p, "a type name is expected");
    }
    if (length >= NAME_MAX_BYTES) {
        return type_lex_fail(p, "unknown type: the name is too long");
    }
    if (p->depth == CH_TYPE_DEPTH_MAX) {
        return type_lex_fail(p, "too many nested types");
    }
    CLEANUP(ch_type_freep) struct ch_type *type = calloc(1, sizeof(*type));
    if (type == NULL) {
        return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
    }
    char name[NAME_MAX_BYTES];
    memcpy(name, p->at, length);
    name[length] = '\0';
    const char *canonical = alias_target(name);
    p->at += length;
    p->depth++;
    enum status st = parse_named(p, canonical, type);
    p->depth--;
    if (st != ST_OK) {
        return st;
    }
    *ret_type = type;
    type = NULL;
    return ST_OK;
}

enum status ch_type_parse_any(const char *text, struct ch_type **ret_type, struct err *err)
{
    assert(text != NULL && ret_type != NULL);
    if (strnlen(text, CH_TYPE_TEXT_MAX_BYTES + 1) > CH_TYPE_TEXT_MAX_BYTES) {
        return err_set(
            err, ST_INVALID, "a type text has more than %d bytes", CH_TYPE_TEXT_MAX_BYTES);
    }
    struct type_lex p = {.text = text, .at = text, .err = err};
    CLEANUP(ch_type_freep) struct ch_type *type = NULL;
    enum status st = parse_type(&p, &type);
    if (st != ST_OK) {
        return st;
    }
    type_lex_skip_blanks(&p);
    if (*p.at != '\0') {
        return type_lex_fail(&p, "nothing more is expected");
    }
    *ret_type = type;
    type = NULL;
    return ST_OK;
}
