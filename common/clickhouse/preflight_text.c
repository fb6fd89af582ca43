/*
 * ClickHouse formats these texts itself (one line, keywords in capitals), so a reader of words is
 * enough: names, back-quoted names, texts, numbers, single signs.
 */
#include "common/clickhouse/preflight_text.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/parse.h"

struct word {
    const char *at;
    size_t len_bytes;
    int depth; /* of parentheses around it */
};

struct words {
    const char *at;
    int depth;
};

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Bytes of a quoted thing with its marks; a backslash or a doubled mark is part of it. */
static size_t quoted_bytes(const char *text)
{
    const char mark = *text;
    size_t i = 1;
    while (text[i] != '\0') {
        const bool is_escaped = text[i] == '\\' && text[i + 1] != '\0';
        if (is_escaped || (text[i] == mark && text[i + 1] == mark)) {
            i += 2;
        } else if (text[i] == mark) {
            return i + 1;
        } else {
            i++;
        }
    }
    return i;
}

static bool next_word(struct words *words, struct word *ret_word)
{
    const char *at = words->at;
    while (isspace((unsigned char)*at)) {
        at++;
    }
    if (*at == '\0') {
        return false;
    }
    size_t len_bytes = 1;
    if (*at == '\'' || *at == '`' || *at == '"') {
        len_bytes = quoted_bytes(at);
    } else if (is_name_byte(*at)) {
        while (is_name_byte(at[len_bytes])) {
            len_bytes++;
        }
    }
    words->depth -= *at == ')';
    *ret_word = (struct word){.at = at, .len_bytes = len_bytes, .depth = words->depth};
    words->depth += *at == '(';
    words->at = at + len_bytes;
    return true;
}

static bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->len_bytes && memcmp(word->at, text, word->len_bytes) == 0;
}

/* The word as a name, without its marks and escapes. Owned; NULL if out of memory. */
static char *name_of(const struct word *word)
{
    char *name = malloc(word->len_bytes + 1);
    if (name == NULL) {
        return NULL;
    }
    const bool is_quoted = *word->at == '`' || *word->at == '"';
    const char *end = word->at + word->len_bytes - (is_quoted && word->len_bytes > 1);
    size_t used = 0;
    for (const char *p = word->at + is_quoted; p < end; p++) {
        if (is_quoted && (*p == '\\' || *p == *word->at) && p + 1 < end) {
            p++;
        }
        name[used++] = *p;
    }
    name[used] = '\0';
    return name;
}

bool preflight_setting(const char *engine_full, const char *name, int64_t *ret_value)
{
    struct words words = {.at = engine_full};
    struct word word;
    bool is_in_settings = false;
    while (next_word(&words, &word)) {
        is_in_settings = is_in_settings || (word.depth == 0 && word_is(&word, "SETTINGS"));
        if (!is_in_settings || word.depth != 0 || !word_is(&word, name)) {
            continue;
        }
        struct word sign;
        struct word value;
        char digits[24];
        if (!next_word(&words, &sign) || !word_is(&sign, "=") || !next_word(&words, &value) ||
            value.len_bytes >= sizeof(digits)) {
            return false;
        }
        memcpy(digits, value.at, value.len_bytes);
        digits[value.len_bytes] = '\0';
        return parse_i64(digits, 0, INT64_MAX, ret_value) == ST_OK;
    }
    return false;
}

/* Behind "CREATE MATERIALIZED VIEW <name>", at the first word that may be TO or REFRESH. */
static bool skip_view_name(struct words *words)
{
    static const char *const HEAD[] = {"CREATE", "MATERIALIZED", "VIEW"};
    struct word word;
    for (size_t i = 0; i < ARRAY_LEN(HEAD); i++) {
        if (!next_word(words, &word) || !word_is(&word, HEAD[i])) {
            return false;
        }
    }
    if (!next_word(words, &word)) {
        return false;
    }
    struct words ahead = *words;
    while (next_word(&ahead, &word) && word_is(&word, ".") && next_word(&ahead, &word)) {
        *words = ahead;
    }
    ahead = *words;
    if (next_word(&ahead, &word) && word_is(&word, "UUID") && next_word(&ahead, &word)) {
        *words = ahead;
    }
    return true;
}

bool preflight_view_is_refreshed(const char *create_query)
{
    struct words words = {.at = create_query};
    struct word word;
    return skip_view_name(&words) && next_word(&words, &word) && word_is(&word, "REFRESH");
}

enum status preflight_view_target(const char *create_query, char **ret_database, char **ret_table)
{
    struct words words = {.at = create_query};
    struct word word;
    if (!skip_view_name(&words)) {
        return ST_INVALID;
    }
    if (!next_word(&words, &word) || !word_is(&word, "TO")) {
        return ST_NOT_FOUND;
    }
    struct word first;
    if (!next_word(&words, &first)) {
        return ST_INVALID;
    }
    if (word_is(&first, "INNER")) {
        return ST_NOT_FOUND; /* TO INNER UUID '…' */
    }
    struct word second = first;
    const bool has_database = next_word(&words, &word) && word_is(&word, ".");
    if (has_database && !next_word(&words, &second)) {
        return ST_INVALID;
    }
    char *database = has_database ? name_of(&first) : NULL;
    char *table = name_of(&second);
    if (table == NULL || (has_database && database == NULL)) {
        free(database);
        free(table);
        return ST_NO_MEMORY;
    }
    *ret_database = database;
    *ret_table = table;
    return ST_OK;
}

bool preflight_names(const char *expression, const char *name)
{
    struct words words = {.at = expression};
    struct word word;
    while (next_word(&words, &word)) {
        if (word.depth == 0 && *word.at != '\'') {
            char *text = name_of(&word);
            const bool is_it = text != NULL && strcmp(text, name) == 0;
            free(text);
            if (is_it) {
                return true;
            }
        }
    }
    return false;
}
