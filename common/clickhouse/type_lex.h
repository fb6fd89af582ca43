#ifndef COMMON_CLICKHOUSE_TYPE_LEX_H
#define COMMON_CLICKHOUSE_TYPE_LEX_H

/*
 * The words of a type text, for type_parse.c alone. Every function leaves `at` behind what it took,
 * and untouched when it took nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct type_lex {
    const char *text; /* borrowed, the whole type */
    const char *at;
    int depth; /* of nested types */
    struct err *err;
};

/* ST_INVALID with the reason and the position. */
enum status type_lex_fail(const struct type_lex *p, const char *reason);

void type_lex_skip_blanks(struct type_lex *p);

/* Take one character (after blanks) if it is the wanted one. */
bool type_lex_take_char(struct type_lex *p, char wanted);

/* Length of the bare word at `at`; may be 0. */
size_t type_lex_word_length(const char *at);

/* Take a signed number of at most max in size. ST_INVALID. */
enum status type_lex_take_number(struct type_lex *p, int64_t max, int64_t *ret_number) MUST_CHECK;

/* Take 'text', "text" or `text` with its escapes. ret_text: owned, zero-terminated; ret_bytes may
 * be NULL. ST_INVALID (no end), ST_TOO_LARGE, ST_NO_MEMORY. */
enum status type_lex_take_quoted(struct type_lex *p, char **ret_text, size_t *ret_bytes) MUST_CHECK;

#endif
