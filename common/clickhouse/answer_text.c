/* ClickHouse's exception texts, read without trusting them. */
#include "common/clickhouse/answer_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/clickhouse/answer.h"

static const char code_word[] = "Code: ";
static const char exception_word[] = "DB::Exception: ";
static const char view_word[] = "while pushing to view ";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

int clickhouse_code_from_text(const char *text)
{
    const char *at = strstr(text, code_word);
    if (at == NULL) {
        return 0;
    }
    int code = 0;
    for (at += strlen(code_word); is_digit(*at) && code < 100000; at++) {
        code = code * 10 + (*at - '0');
    }
    return code;
}

int answer_text_trailing_code(const char *body)
{
    const char *last = NULL;
    for (const char *at = strstr(body, code_word); at != NULL; at = strstr(at + 1, code_word)) {
        bool is_line_start = at == body || at[-1] == '\n';
        last = is_line_start && strstr(at, exception_word) != NULL ? at : last;
    }
    return last == NULL ? 0 : clickhouse_code_from_text(last);
}

void answer_text_name(const char *text, char *ret_name, size_t len_bytes)
{
    ret_name[0] = '\0';
    for (const char *open = strchr(text, '('); open != NULL; open = strchr(open + 1, '(')) {
        size_t name_len = 0;
        while (is_name_char(open[1 + name_len])) {
            name_len++;
        }
        if (name_len >= 3 && open[1 + name_len] == ')' && !is_digit(open[1]) &&
            name_len < len_bytes) {
            memcpy(ret_name, open + 1, name_len);
            ret_name[name_len] = '\0';
        }
    }
}

void answer_text_view(const char *text, char *ret_view, size_t len_bytes)
{
    ret_view[0] = '\0';
    const char *at = strstr(text, view_word);
    if (at == NULL) {
        return;
    }
    at += strlen(view_word);
    size_t used = 0;
    bool is_quoted = false;
    while (used < len_bytes - 2 && *at != '\0') {
        is_quoted = *at == '`' ? !is_quoted : is_quoted;
        if (!is_quoted && (strchr(" \t\r\n(),:", *at) != NULL)) {
            break;
        }
        if (*at == '\\' && at[1] != '\0') {
            ret_view[used++] = *at++; /* what it escapes does not end the name */
        }
        ret_view[used++] = *at++;
    }
    while (used > 0 && ret_view[used - 1] == '.') {
        used--;
    }
    ret_view[used] = '\0';
}

/* Behind one "Code: N. DB::Exception: ", NULL if the text does not begin with one. */
static const char *answer_text_skip(const char *text)
{
    while (*text == ' ' || *text == '\n') {
        text++;
    }
    if (strncmp(text, code_word, strlen(code_word)) == 0) {
        const char *exception = strstr(text, exception_word);
        size_t near = strlen("Code: 99999, e.displayText() = ");
        if (exception != NULL && (size_t)(exception - text) <= near) {
            return exception + strlen(exception_word);
        }
    } else if (strncmp(text, exception_word, strlen(exception_word)) == 0) {
        return text + strlen(exception_word);
    }
    return NULL;
}

const char *answer_text_body(const char *text)
{
    const char *next = answer_text_skip(text);
    while (next != NULL) {
        text = next;
        next = answer_text_skip(text);
    }
    return text;
}

void answer_text_clean(const char *text, char *ret_text, size_t len_bytes)
{
    const char *end = strstr(text, " (version ");
    end = end != NULL ? end : text + strlen(text);
    size_t used = 0;
    while (text < end) {
        size_t step = utf8_char_bytes(text);
        if (used + (step == 0 ? 1 : step) > len_bytes - 1) {
            break;
        }
        if (step == 0) {
            ret_text[used++] = '?';
            text++;
        } else if (step == 1) {
            bool is_control = (unsigned char)*text < 0x20 || *text == 0x7f;
            ret_text[used++] = is_control ? ' ' : *text;
            text++;
        } else {
            memcpy(ret_text + used, text, step);
            used += step;
            text += step;
        }
    }
    while (used > 0 && ret_text[used - 1] == ' ') {
        used--;
    }
    ret_text[used] = '\0';
}
