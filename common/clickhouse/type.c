/* The tree of a ClickHouse type after parsing: what can be written, canonical text, equality. */
#include "common/clickhouse/type.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The first part of the type that has no builder; NULL if all have one. */
static const struct ch_type *find_unsupported(const struct ch_type *type)
{
    if ((ch_kind_flags(type->kind) & CH_CAN_WRITE) == 0) {
        return type;
    }
    for (size_t i = 0; i < type->children_count; i++) {
        const struct ch_type *found = find_unsupported(type->children[i]);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* The first Map whose keys no text can be; NULL if there is none. */
static const struct ch_type *find_bad_map(const struct ch_type *type)
{
    if (type->kind == CH_MAP) {
        const struct ch_type *key = type->children[0];
        const struct ch_type *inner = key->kind == CH_LOW_CARDINALITY ? key->children[0] : key;
        if (inner->children_count > 0 || inner->kind == CH_JSON) {
            return type;
        }
    }
    for (size_t i = 0; i < type->children_count; i++) {
        const struct ch_type *found = find_bad_map(type->children[i]);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

enum status ch_type_parse(const char *text, struct ch_type **ret_type, struct err *err)
{
    CLEANUP(ch_type_freep) struct ch_type *type = NULL;
    enum status st = ch_type_parse_any(text, &type, err);
    if (st != ST_OK) {
        return st;
    }
    const struct ch_type *unsupported = find_unsupported(type);
    if (unsupported != NULL) {
        CLEANUP(freep) char *name = ch_type_text(unsupported);
        return err_set(
            err, ST_UNSUPPORTED, "type %s is not supported yet",
            name != NULL ? name : ch_kind_name(unsupported->kind));
    }
    const struct ch_type *map = find_bad_map(type);
    if (map != NULL) {
        CLEANUP(freep) char *name = ch_type_text(map->children[0]);
        return err_set(
            err, ST_UNSUPPORTED, "the keys of a Map must be single values, not %s",
            name != NULL ? name : ch_kind_name(map->children[0]->kind));
    }
    *ret_type = type;
    type = NULL;
    return ST_OK;
}

static bool is_plain_name(const char *name)
{
    if (*name == '\0' || (*name >= '0' && *name <= '9')) {
        return false;
    }
    for (; *name != '\0'; name++) {
        bool is_letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
        if (!is_letter && !(*name >= '0' && *name <= '9') && *name != '_') {
            return false;
        }
    }
    return true;
}

static enum status write_quoted(const char *text, size_t len_bytes, char quote, struct buf *out)
{
    enum status st = buf_add(out, &quote, 1);
    for (size_t i = 0; i < len_bytes && st == ST_OK; i++) {
        if (text[i] == quote || text[i] == '\\') {
            st = buf_add(out, "\\", 1);
        }
        if (st == ST_OK) {
            st = text[i] == '\0' ? buf_add(out, "\\0", 2) : buf_add(out, &text[i], 1);
        }
    }
    return st == ST_OK ? buf_add(out, &quote, 1) : st;
}

static enum status write_name(const char *name, struct buf *out)
{
    enum status st =
        is_plain_name(name) ? buf_add_text(out, name) : write_quoted(name, strlen(name), '`', out);
    return st == ST_OK ? buf_add_text(out, " ") : st;
}

static enum status write_children(const struct ch_type *type, struct buf *out)
{
    enum status st = buf_add_text(out, "(");
    for (size_t i = 0; i < type->children_count && st == ST_OK; i++) {
        st = i > 0 ? buf_add_text(out, ", ") : ST_OK;
        if (st == ST_OK && type->names != NULL) {
            st = write_name(type->names[i], out);
        }
        st = st == ST_OK ? ch_type_write(type->children[i], out) : st;
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status write_members(const struct ch_type *type, struct buf *out)
{
    enum status st = buf_add_text(out, "(");
    for (size_t i = 0; i < type->members_count && st == ST_OK; i++) {
        const struct ch_enum_member *member = &type->members[i];
        st = i > 0 ? buf_add_text(out, ", ") : ST_OK;
        st = st == ST_OK ? write_quoted(member->name, member->name_bytes, '\'', out) : st;
        st = st == ST_OK ? buf_add_format(out, " = %d", member->value) : st;
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status write_scale_zone(const struct ch_type *type, struct buf *out)
{
    bool has_scale = type->kind == CH_DATETIME64 || type->kind == CH_TIME64;
    if (!has_scale && type->timezone == NULL) {
        return ST_OK;
    }
    enum status st = buf_add_text(out, "(");
    if (st == ST_OK && has_scale) {
        st = buf_add_format(out, "%u", type->scale);
    }
    if (st == ST_OK && type->timezone != NULL) {
        st = has_scale ? buf_add_text(out, ", ") : ST_OK;
        st = st == ST_OK ? write_quoted(type->timezone, strlen(type->timezone), '\'', out) : st;
    }
    return st == ST_OK ? buf_add_text(out, ")") : st;
}

static enum status write_arguments(const struct ch_type *type, struct buf *out)
{
    if (type->children_count > 0) {
        return write_children(type, out);
    }
    if (type->members_count > 0) {
        return write_members(type, out);
    }
    if (type->kind == CH_FIXED_STRING) {
        return buf_add_format(out, "(%u)", type->width_bytes);
    }
    if (type->arguments_text != NULL) {
        return buf_add_format(out, "(%s)", type->arguments_text);
    }
    return write_scale_zone(type, out);
}

enum status ch_type_write(const struct ch_type *type, struct buf *out)
{
    assert(type != NULL && out != NULL);
    if (type->custom_text != NULL) {
        return buf_add_text(out, type->custom_text);
    }
    if (type->is_nested) {
        enum status st = buf_add_text(out, ch_kind_name(CH_NESTED));
        return st == ST_OK ? write_children(type->children[0], out) : st;
    }
    if (type->precision > 0) {
        return buf_add_format(out, "Decimal(%u, %u)", type->precision, type->scale);
    }
    enum status st = buf_add_text(out, ch_kind_name(type->kind));
    return st == ST_OK ? write_arguments(type, out) : st;
}

char *ch_type_text(const struct ch_type *type)
{
    struct buf out;
    /* escapes and spacing can make the canonical text longer than what was read */
    buf_init(&out, (size_t)CH_TYPE_TEXT_MAX_BYTES * 4);
    if (ch_type_write(type, &out) != ST_OK) {
        buf_done(&out);
        return NULL;
    }
    return buf_take_text(&out);
}

bool ch_type_equals(const struct ch_type *a, const struct ch_type *b)
{
    CLEANUP(freep) char *text_a = ch_type_text(a);
    CLEANUP(freep) char *text_b = ch_type_text(b);
    return text_a != NULL && text_b != NULL && strcmp(text_a, text_b) == 0;
}

bool ch_type_contains(const struct ch_type *type, enum ch_kind kind)
{
    bool is_found = type->kind == kind;
    for (size_t i = 0; !is_found && i < type->children_count; i++) {
        is_found = ch_type_contains(type->children[i], kind);
    }
    return is_found;
}

void ch_type_free(struct ch_type *type)
{
    if (type == NULL) {
        return;
    }
    for (size_t i = 0; i < type->children_count; i++) {
        ch_type_free(type->children[i]);
        if (type->names != NULL) {
            free(type->names[i]);
        }
    }
    for (size_t i = 0; i < type->members_count; i++) {
        free(type->members[i].name);
    }
    free(type->children);
    free(type->names);
    free(type->members);
    free(type->timezone);
    free(type->custom_text);
    free(type->arguments_text);
    free(type);
}

void ch_type_freep(struct ch_type **type)
{
    ch_type_free(*type);
    *type = NULL;
}
