/* A custom name and the tree of what it stands for. */
#include "common/clickhouse/type_custom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char AGGREGATE[] = "SimpleAggregateFunction";

static const char *const CUSTOM_TYPES[][2] = {
#define X(name, structure) {name, structure},
    CH_TYPE_CUSTOM_TABLE(X)
#undef X
};

static const char *structure_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(CUSTOM_TYPES); i++) {
        if (strcmp(name, CUSTOM_TYPES[i][0]) == 0) {
            return CUSTOM_TYPES[i][1];
        }
    }
    return NULL;
}

/* Make type what the structure is, under another name (taken on success). */
static enum status
adopt(struct type_lex *p, struct ch_type *type, struct ch_type *structure, char *name)
{
    if (name == NULL) {
        ch_type_free(structure);
        return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
    }
    free(structure->custom_text);
    structure->custom_text = name;
    *type = *structure;
    free(structure); /* its parts are type's now */
    return ST_OK;
}

/* Length of an aggregate function's name with its parameters: up to the comma. */
static size_t function_length(const char *text)
{
    size_t length = 0;
    int depth = 0;
    for (; text[length] != '\0' && (depth > 0 || text[length] != ','); length++) {
        depth += text[length] == '(' ? 1 : 0;
        depth -= text[length] == ')' ? 1 : 0;
    }
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    return length;
}

/* SimpleAggregateFunction(f, T): stored and filled as T. */
static enum status parse_aggregate(struct type_lex *p, type_parser *parse, struct ch_type *type)
{
    if (!type_lex_take_char(p, '(')) {
        return type_lex_fail(p, "'(' is expected");
    }
    type_lex_skip_blanks(p);
    const char *function = p->at;
    size_t length = function_length(function);
    if (length == 0 || length > INT16_MAX) {
        return type_lex_fail(p, "an aggregate function is expected");
    }
    p->at += length;
    if (!type_lex_take_char(p, ',')) {
        return type_lex_fail(p, "an aggregate function needs a type; ',' is expected");
    }
    CLEANUP(ch_type_freep) struct ch_type *inner = NULL;
    enum status st = parse(p, &inner);
    if (st != ST_OK) {
        return st;
    }
    if (!type_lex_take_char(p, ')')) {
        return type_lex_fail(p, "')' is expected");
    }
    CLEANUP(freep) char *inner_text = ch_type_text(inner);
    char *name = NULL;
    int count = inner_text == NULL ? -1
                                   : asprintf(
                                         &name, "SimpleAggregateFunction(%.*s, %s)", (int)length,
                                         function, inner_text);
    struct ch_type *structure = inner;
    inner = NULL;
    return adopt(p, type, structure, count < 0 ? NULL : name);
}

bool type_custom_is(const char *name)
{
    return strcmp(name, AGGREGATE) == 0 || structure_of(name) != NULL;
}

enum status
type_custom_take(struct type_lex *p, const char *name, type_parser *parse, struct ch_type *type)
{
    const char *text = structure_of(name);
    if (text == NULL) {
        return parse_aggregate(p, parse, type);
    }
    struct ch_type *structure = NULL;
    enum status st = ch_type_parse_any(text, &structure, p->err);
    return st != ST_OK ? st : adopt(p, type, structure, strdup(name));
}
