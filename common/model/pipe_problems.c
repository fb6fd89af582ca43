/* The list of everything wrong with a pipe. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/utf8.h"
#include "common/model/pipe.h"

enum {
    PROBLEM_REASON_BYTES = 512,
    PROBLEMS_TEXT_MAX_BYTES = 256 * 1024,
};

void pipe_problems_done(struct pipe_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->items[i]);
    }
    *problems = (struct pipe_problems){0};
}

void pipe_problems_add(struct pipe_problems *problems, const char *pointer, const char *format, ...)
{
    char reason[PROBLEM_REASON_BYTES];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    char *text = NULL;
    if (written < 0 || problems->count == PIPE_PROBLEMS_MAX ||
        asprintf(&text, "%s: %s", pointer, reason) < 0) {
        problems->has_more = true;
        return;
    }
    utf8_repair(text); /* a cut value may end within a character */
    problems->items[problems->count++] = text;
}

char *pipe_problems_text(const struct pipe_problems *problems)
{
    struct buf text;
    buf_init(&text, PROBLEMS_TEXT_MAX_BYTES);
    enum status st = buf_add_text(&text, "");
    for (size_t i = 0; st == ST_OK && i < problems->count; i++) {
        st = buf_add_format(&text, "%s%s", i == 0 ? "" : "; ", problems->items[i]);
    }
    if (st == ST_OK && problems->has_more) {
        st = buf_add_text(&text, problems->count == 0 ? "too many problems" : "; and more");
    }
    if (st != ST_OK) {
        buf_done(&text);
        return NULL;
    }
    return buf_take_text(&text);
}
