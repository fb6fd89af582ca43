/*
 * The lexical rules are ClickHouse's (src/Parsers/Lexer.cpp): comments --, #! and "# " to the end
 * of the line, C comments; quotes ' " ` with backslash and doubled quotes; here-documents
 * $tag$...$tag$. What may stand between INSERT and its data is src/Parsers/ParserInsertQuery.cpp.
 */
#include "demo/clickhouse/split.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum token_kind {
    TOKEN_WORD,
    TOKEN_QUOTED,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OTHER,
    TOKEN_END,     /* end of a text that is final */
    TOKEN_PARTIAL, /* the text stops inside of a token, or where one may follow */
};

struct token {
    enum token_kind kind;
    size_t at;
    size_t len;
};

struct lexer {
    const char *text;
    size_t len;
    size_t at;
    bool is_final;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static bool is_word_part(char c)
{
    return is_word_start(c) || c == '$';
}

/* Offset behind the end of `closing`, which is sought from `from`; 0 if it is not there. */
static size_t find_behind(const struct lexer *lexer, size_t from, const char *closing, size_t len)
{
    const char *hit = memmem(lexer->text + from, lexer->len - from, closing, len);
    return hit == NULL ? 0 : (size_t)(hit - lexer->text) + len;
}

/* Skip one comment or run of blanks. False if there is none. *ret_is_open: it has no end yet. */
static bool skip_one(struct lexer *lexer, bool *ret_is_open)
{
    const char *here = lexer->text + lexer->at;
    size_t left = lexer->len - lexer->at;
    *ret_is_open = false;
    if (left == 0) {
        return false;
    }
    if (is_space(here[0])) {
        lexer->at++;
        return true;
    }
    bool is_block = left >= 2 && here[0] == '/' && here[1] == '*';
    bool is_line = left >= 2 && ((here[0] == '-' && here[1] == '-') ||
                                 (here[0] == '#' && (here[1] == ' ' || here[1] == '!')));
    if (!is_block && !is_line) {
        *ret_is_open =
            left == 1 && !lexer->is_final && (here[0] == '/' || here[0] == '-' || here[0] == '#');
        return *ret_is_open;
    }
    size_t behind = is_block ? find_behind(lexer, lexer->at + 2, "*/", 2)
                             : find_behind(lexer, lexer->at + 2, "\n", 1);
    *ret_is_open = behind == 0;
    lexer->at = behind == 0 ? lexer->len : behind;
    return true;
}

/* Length of the quoted text that starts at `at`; 0 if its closing quote is not there. */
static size_t quoted_len(const struct lexer *lexer, size_t at)
{
    char quote = lexer->text[at];
    for (size_t i = at + 1; i < lexer->len; i++) {
        if (lexer->text[i] == '\\') {
            i++;
            continue;
        }
        if (lexer->text[i] != quote) {
            continue;
        }
        bool is_doubled = i + 1 < lexer->len && lexer->text[i + 1] == quote;
        if (!is_doubled) {
            return i + 1 - at;
        }
        i++;
    }
    return 0;
}

/* Length of the here-document at `at`; 0 if its end is not there. 1: a dollar sign alone. */
static size_t heredoc_len(const struct lexer *lexer, size_t at)
{
    size_t tag_end = at + 1;
    while (tag_end < lexer->len && is_word_start(lexer->text[tag_end])) {
        tag_end++;
    }
    if (tag_end == lexer->len) {
        return 0;
    }
    if (lexer->text[tag_end] != '$') {
        return 1;
    }
    size_t tag_len = tag_end + 1 - at;
    size_t behind = find_behind(lexer, tag_end + 1, lexer->text + at, tag_len);
    return behind == 0 ? 0 : behind - at;
}

static size_t word_len(const struct lexer *lexer, size_t at)
{
    bool is_number = is_digit(lexer->text[at]);
    size_t end = at + 1;
    while (end < lexer->len &&
           (is_word_part(lexer->text[end]) || (is_number && lexer->text[end] == '.'))) {
        end++;
    }
    return end - at;
}

static enum token_kind kind_at(char c)
{
    if (is_word_start(c)) {
        return TOKEN_WORD;
    }
    switch (c) {
    case '\'':
    case '"':
    case '`':
    case '$':
        return TOKEN_QUOTED;
    case '(':
    case '[':
    case '{':
        return TOKEN_OPEN;
    case ')':
    case ']':
    case '}':
        return TOKEN_CLOSE;
    default:
        return TOKEN_OTHER;
    }
}

static void next_token(struct lexer *lexer, struct token *ret_token)
{
    bool is_open = false;
    enum token_kind at_end = lexer->is_final ? TOKEN_END : TOKEN_PARTIAL;
    while (skip_one(lexer, &is_open)) {
        if (is_open) {
            *ret_token = (struct token){.kind = at_end, .at = lexer->len};
            return;
        }
    }
    *ret_token = (struct token){.kind = at_end, .at = lexer->at};
    if (lexer->at == lexer->len) {
        return;
    }
    char first = lexer->text[lexer->at];
    ret_token->kind = kind_at(first);
    ret_token->len = 1;
    if (ret_token->kind == TOKEN_WORD) {
        ret_token->len = word_len(lexer, lexer->at);
    } else if (ret_token->kind == TOKEN_QUOTED) {
        ret_token->len =
            first == '$' ? heredoc_len(lexer, lexer->at) : quoted_len(lexer, lexer->at);
    }
    size_t end = lexer->at + ret_token->len;
    bool may_go_on = ret_token->kind == TOKEN_WORD || ret_token->kind == TOKEN_QUOTED;
    if (ret_token->len == 0 || (may_go_on && end == lexer->len && !lexer->is_final)) {
        ret_token->kind = at_end;
    }
    lexer->at = ret_token->len == 0 ? lexer->len : end;
}

static bool is_word(const struct lexer *lexer, const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->len == strlen(word) &&
           strncasecmp(lexer->text + token->at, word, token->len) == 0;
}

static bool is_any_word(
    const struct lexer *lexer, const struct token *token, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_word(lexer, token, words[i])) {
            return true;
        }
    }
    return false;
}

static bool is_char(const struct lexer *lexer, const struct token *token, char c)
{
    return token->kind == TOKEN_OTHER && lexer->text[token->at] == c;
}

/* One `name = value` of a SETTINGS clause. True: read; `lexer` stands behind it. */
static bool skip_assignment(struct lexer *lexer, struct token *ret_last)
{
    struct token token;
    next_token(lexer, &token);
    bool is_name = token.kind == TOKEN_WORD;
    next_token(lexer, ret_last);
    if (!is_name || !is_char(lexer, ret_last, '=')) {
        return false;
    }
    next_token(lexer, ret_last);
    if (is_char(lexer, ret_last, '-') || is_char(lexer, ret_last, '+')) {
        next_token(lexer, ret_last);
    }
    return ret_last->kind == TOKEN_WORD || ret_last->kind == TOKEN_QUOTED;
}

/* A SETTINGS clause may stand between the format's name and the data. False: more text is needed.
 * Otherwise `at` is moved behind the clause, if there is one. */
static bool take_late_settings(const struct lexer *lexer, size_t *at, struct split *split)
{
    static const char word[] = "settings";
    struct lexer ahead = *lexer;
    ahead.at = *at;
    while (ahead.at < ahead.len && is_space(ahead.text[ahead.at])) {
        ahead.at++;
    }
    size_t left = ahead.len - ahead.at;
    size_t same = left < sizeof(word) - 1 ? left : sizeof(word) - 1;
    if (strncasecmp(ahead.text + ahead.at, word, same) != 0) {
        return true;
    }
    if (left < sizeof(word)) {
        return lexer->is_final;
    }
    size_t start = ahead.at;
    struct token token;
    next_token(&ahead, &token);
    size_t end = 0;
    do {
        if (!skip_assignment(&ahead, &token)) {
            return token.kind != TOKEN_PARTIAL;
        }
        end = token.at + token.len;
        struct lexer behind = ahead;
        next_token(&behind, &token);
        if (is_char(&ahead, &token, ',')) {
            ahead = behind;
        }
    } while (is_char(&ahead, &token, ','));
    split->settings_at = start;
    split->settings_len = end - start;
    *at = end;
    return true;
}

/* Data starts behind the first line end, or behind the blanks if there is none. */
static bool find_data(const struct lexer *lexer, size_t at, struct split *split)
{
    while (at < lexer->len &&
           (lexer->text[at] == ' ' || lexer->text[at] == '\t' || lexer->text[at] == '\f')) {
        at++;
    }
    if (at < lexer->len && lexer->text[at] == '\r') {
        at++;
    }
    if (at == lexer->len && !lexer->is_final) {
        return false;
    }
    if (at < lexer->len && lexer->text[at] == '\n') {
        at++;
    }
    split->data_at = at;
    return true;
}

/* `lexer` stands behind FORMAT. */
static void split_at_format(struct lexer *lexer, size_t head_len, struct split *split)
{
    struct token name;
    next_token(lexer, &name);
    if (name.kind == TOKEN_PARTIAL) {
        return;
    }
    if (name.kind != TOKEN_WORD) {
        split->kind = SPLIT_STATEMENT;
        return;
    }
    struct split found = {.kind = SPLIT_INSERT, .head_len = head_len};
    found.format_at = name.at;
    found.format_len = name.len;
    size_t at = name.at + name.len;
    if (take_late_settings(lexer, &at, &found) && find_data(lexer, at, &found)) {
        *split = found;
    }
}

/* What stands before the data of an INSERT, token by token. */
struct insert_scan {
    size_t depth;
    bool expects_name; /* the next word is a name whatever it says */
    bool is_behind_dot;
};

/* True when the word decides the matter: *split is filled. */
static bool scan_word(
    struct insert_scan *scan, struct lexer *lexer, const struct token *token, struct split *split)
{
    static const char *const before_name[] = {"into", "table", "function"};
    static const char *const no_data[] = {"select", "with", "watch", "from"};
    if (scan->expects_name) {
        scan->expects_name = !scan->is_behind_dot && is_any_word(lexer, token, before_name, 3);
        scan->is_behind_dot = false;
        return false;
    }
    if (is_word(lexer, token, "values")) {
        *split = (struct split){.kind = SPLIT_INSERT, .head_len = token->at};
        split->format_at = token->at;
        split->format_len = token->len;
        split->data_at = token->at + token->len;
        return true;
    }
    if (is_word(lexer, token, "format")) {
        split_at_format(lexer, token->at, split);
        return true;
    }
    if (is_any_word(lexer, token, no_data, 4)) {
        split->kind = SPLIT_STATEMENT;
        return true;
    }
    return false;
}

static void scan_other(struct insert_scan *scan, char c)
{
    if (scan->depth == 0 && c == '.') {
        scan->is_behind_dot = true;
        scan->expects_name = true;
    }
}

/* One token between INSERT and its data. True when the matter is decided: *split is filled. */
static bool scan_token(
    struct insert_scan *scan, struct lexer *lexer, const struct token *token, struct split *split)
{
    switch (token->kind) {
    case TOKEN_PARTIAL:
        return true;
    case TOKEN_END:
        *split = (struct split){.kind = SPLIT_INSERT, .head_len = lexer->len};
        split->data_at = lexer->len;
        return true;
    case TOKEN_OPEN:
        scan->depth++;
        return false;
    case TOKEN_CLOSE:
        scan->depth -= scan->depth > 0 ? 1 : 0;
        scan->expects_name = scan->depth > 0 && scan->expects_name; /* {name:Identifier} */
        return false;
    case TOKEN_QUOTED:
        scan->expects_name = scan->depth > 0 && scan->expects_name;
        scan->is_behind_dot = false;
        return false;
    case TOKEN_OTHER:
        scan_other(scan, lexer->text[token->at]);
        if (scan->depth == 0 && is_char(lexer, token, ';')) {
            split->kind = SPLIT_STATEMENT;
            return true;
        }
        return false;
    case TOKEN_WORD:
        return scan->depth == 0 && scan_word(scan, lexer, token, split);
    }
    return true;
}

/* `lexer` stands behind INSERT. */
static void split_insert(struct lexer *lexer, struct split *split)
{
    struct insert_scan scan = {.expects_name = true};
    struct token token;
    do {
        next_token(lexer, &token);
    } while (!scan_token(&scan, lexer, &token, split));
}

void split_request(const char *text, size_t len_bytes, bool is_final, struct split *ret_split)
{
    assert(text != NULL && ret_split != NULL);
    struct lexer lexer = {.text = text, .len = len_bytes, .is_final = is_final};
    *ret_split = (struct split){.kind = SPLIT_MORE};
    struct token token;
    next_token(&lexer, &token);
    if (token.kind == TOKEN_PARTIAL) {
        return;
    }
    if (!is_word(&lexer, &token, "insert")) {
        ret_split->kind = SPLIT_STATEMENT;
        return;
    }
    split_insert(&lexer, ret_split);
    assert(!is_final || ret_split->kind != SPLIT_MORE);
}

bool split_output_format(
    const char *text, size_t len_bytes, size_t *ret_format_at, size_t *ret_format_len)
{
    assert(text != NULL && ret_format_at != NULL && ret_format_len != NULL);
    struct lexer lexer = {.text = text, .len = len_bytes, .is_final = true};
    bool is_behind_format = false;
    bool has_format = false;
    size_t depth = 0;
    struct token token;
    for (next_token(&lexer, &token); token.kind != TOKEN_END; next_token(&lexer, &token)) {
        depth += token.kind == TOKEN_OPEN ? 1 : 0;
        depth -= token.kind == TOKEN_CLOSE && depth > 0 ? 1 : 0;
        if (is_behind_format && token.kind == TOKEN_WORD) {
            has_format = true;
            *ret_format_at = token.at;
            *ret_format_len = token.len;
        }
        is_behind_format = depth == 0 && is_word(&lexer, &token, "format");
    }
    return has_format;
}
