/* Words, numbers and quoted texts of a type. */
#include "common/clickhouse/type_lex.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/clickhouse/type.h"

enum status type_lex_fail(const struct type_lex *p, const char *reason)
{
    return err_set(
        p->err, ST_INVALID, "%s at position %zu of type '%.200s'", reason,
        (size_t)(p->at - p->text), p->text);
}

void type_lex_skip_blanks(struct type_lex *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r') {
        p->at++;
    }
}

bool type_lex_take_char(struct type_lex *p, char wanted)
{
    type_lex_skip_blanks(p);
    if (*p->at != wanted) {
        return false;
    }
    p->at++;
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A bare word; its length may be 0. */
size_t type_lex_word_length(const char *at)
{
    size_t length = 0;
    while (is_name_char(at[length])) {
        length++;
    }
    return length;
}

enum status type_lex_take_number(struct type_lex *p, int64_t max, int64_t *ret_number)
{
    type_lex_skip_blanks(p);
    const char *start = p->at;
    bool is_negative = *p->at == '-';
    const char *at = p->at + (is_negative || *p->at == '+' ? 1 : 0);
    int64_t number = 0;
    size_t digits = 0;
    for (; *at >= '0' && *at <= '9'; at++, digits++) {
        number = number * 10 + (*at - '0');
        if (number > max) {
            return type_lex_fail(p, "number out of range");
        }
    }
    if (digits == 0) {
        p->at = start;
        return type_lex_fail(p, "a number is expected");
    }
    p->at = at;
    *ret_number = is_negative ? -number : number;
    return ST_OK;
}

/* One escaped or plain byte of a quoted text; false at its end. */
static bool quoted_byte(struct type_lex *p, char quote, char *ret_byte)
{
    static const char FROM[] = "nrtb0fa";
    static const char TO[] = "\n\r\t\b\0\f\a";
    if (*p->at == quote) {
        if (p->at[1] != quote) {
            return false;
        }
        p->at++;
    } else if (*p->at == '\\' && p->at[1] != '\0') {
        p->at++;
        const char *found = strchr(FROM, *p->at);
        if (found != NULL) {
            *ret_byte = TO[found - FROM];
            p->at++;
            return true;
        }
    }
    *ret_byte = *p->at++;
    return true;
}

/* 'text', "text" or `text`. ret_text: owned, zero-terminated; ret_bytes may be NULL. */
enum status type_lex_take_quoted(struct type_lex *p, char **ret_text, size_t *ret_bytes)
{
    char quote = *p->at;
    const char *start = p->at;
    struct buf out;
    buf_init(&out, CH_TYPE_TEXT_MAX_BYTES);
    p->at++;
    char byte = 0;
    enum status st = buf_add(&out, "", 0);
    while (st == ST_OK && *p->at != '\0' && quoted_byte(p, quote, &byte)) {
        st = buf_add(&out, &byte, 1);
    }
    if (st == ST_OK && *p->at != quote) {
        buf_done(&out);
        p->at = start;
        return type_lex_fail(p, "a quoted text has no end");
    }
    if (st != ST_OK) {
        buf_done(&out);
        return err_set(p->err, st, "type text too long");
    }
    p->at++;
    if (ret_bytes != NULL) {
        *ret_bytes = out.len_bytes;
    }
    *ret_text = buf_take_text(&out);
    if (*ret_text == NULL) {
        return err_set(p->err, ST_NO_MEMORY, "out of memory reading a type");
    }
    return ST_OK;
}
