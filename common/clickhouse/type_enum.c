/* Members of an Enum: numbered on from the last one where no number stands, kept sorted by value.
 */
#include "common/clickhouse/type_enum.h"

#include <stdlib.h>
#include <string.h>

enum {
    MEMBERS_MAX = 65536
};

static enum status add_member(struct type_lex *p, struct ch_type *type, struct ch_enum_member *m)
{
    for (size_t i = 0; i < type->members_count; i++) {
        const struct ch_enum_member *other = &type->members[i];
        bool is_same_name =
            other->name_bytes == m->name_bytes && memcmp(other->name, m->name, m->name_bytes) == 0;
        if (is_same_name || other->value == m->value) {
            return type_lex_fail(p, "an enum has a name or value twice");
        }
    }
    struct ch_enum_member *members =
        realloc(type->members, (type->members_count + 1) * sizeof(*members));
    if (members == NULL) {
        return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
    }
    type->members = members;
    size_t place = type->members_count;
    while (place > 0 && members[place - 1].value > m->value) {
        members[place] = members[place - 1];
        place--;
    }
    members[place] = *m;
    m->name = NULL; /* taken */
    type->members_count++;
    return ST_OK;
}

static enum status take_member(struct type_lex *p, struct ch_type *type, int64_t *next_value)
{
    type_lex_skip_blanks(p);
    if (*p->at != '\'') {
        return type_lex_fail(p, "an enum member in quotes is expected");
    }
    if (type->members_count == MEMBERS_MAX) {
        return type_lex_fail(p, "too many enum members");
    }
    struct ch_enum_member member = {0};
    enum status st = type_lex_take_quoted(p, &member.name, &member.name_bytes);
    if (st != ST_OK) {
        return st;
    }
    int64_t value = *next_value;
    if (type_lex_take_char(p, '=')) {
        st = type_lex_take_number(p, 32768, &value);
    }
    int64_t limit = type->kind == CH_ENUM8 ? 128 : 32768;
    if (st == ST_OK && (value < -limit || value >= limit)) {
        st = type_lex_fail(p, "an enum value is out of range");
    }
    if (st == ST_OK) {
        member.value = (int16_t)value;
        *next_value = value + 1;
        st = add_member(p, type, &member);
    }
    free(member.name);
    return st;
}

enum status type_enum_take(struct type_lex *p, struct ch_type *type, bool is_any_width)
{
    int64_t next_value = 1;
    do {
        enum status st = take_member(p, type, &next_value);
        if (st != ST_OK) {
            return st;
        }
    } while (type_lex_take_char(p, ','));
    const struct ch_enum_member *members = type->members;
    if (is_any_width && members[0].value >= -128 && members[type->members_count - 1].value < 128) {
        type->kind = CH_ENUM8;
        type->width_bytes = 1;
    }
    return ST_OK;
}
