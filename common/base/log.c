/*
 * The log: formats a line on the stack and writes it at once. Shared mutable data: the level,
 * which is atomic; the rest is set once before threads start.
 */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

enum {
    LOG_LINE_BYTES = 8192
};

static struct {
    const char *program;
    enum log_format format;
    atomic_int level;
} state = {.program = "penstock", .format = LOG_FORMAT_TEXT, .level = LOG_INFO};

static const char *const level_words[] = {"error", "warn", "info", "debug"};

struct line {
    char bytes[LOG_LINE_BYTES];
    size_t len_bytes;
};

void log_init(const char *program, enum log_level level, enum log_format format)
{
    state.program = program;
    state.format = format;
    atomic_store(&state.level, (int)level);
}

void log_set_level(enum log_level level)
{
    atomic_store(&state.level, (int)level);
}

enum status log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_words); i++) {
        if (strcmp(text, level_words[i]) == 0) {
            *ret_level = (enum log_level)i;
            return ST_OK;
        }
    }
    return ST_INVALID;
}

/* Append raw bytes; what does not fit is cut, one byte is kept for the line end. */
static void line_add(struct line *line, const char *bytes, size_t len_bytes)
{
    size_t room = sizeof(line->bytes) - 1 - line->len_bytes;
    size_t take = len_bytes < room ? len_bytes : room;
    memcpy(line->bytes + line->len_bytes, bytes, take);
    line->len_bytes += take;
}

static void line_add_text(struct line *line, const char *text)
{
    line_add(line, text, strlen(text));
}

/* In text: control characters become blanks, so one event is one line. In JSON: escaped. */
static void line_add_value(struct line *line, const char *text, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if (state.format == LOG_FORMAT_JSON && (c == '"' || c == '\\')) {
            line_add(line, "\\", 1);
        }
        char out = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        line_add(line, &out, 1);
    }
}

/* Turn `a=1 b="two words"` into `,"a":"1","b":"two words"`. */
static void line_add_json_fields(struct line *line, const char *fields)
{
    const char *p = fields;
    while (*p != '\0') {
        while (*p == ' ') {
            p++;
        }
        const char *equals = strchr(p, '=');
        if (equals == NULL) {
            break;
        }
        line_add_text(line, ",\"");
        line_add_value(line, p, (size_t)(equals - p));
        line_add_text(line, "\":\"");
        const char *value = equals + 1;
        const char stop = *value == '"' ? '"' : ' ';
        value += stop == '"' ? 1 : 0;
        const char *end = strchr(value, stop);
        size_t len_bytes = end == NULL ? strlen(value) : (size_t)(end - value);
        line_add_value(line, value, len_bytes);
        line_add_text(line, "\"");
        p = value + len_bytes + (end != NULL ? 1 : 0);
    }
}

static void
log_write(enum log_level level, const char *event, const char *fields, const struct err *err)
{
    struct line line;
    line.len_bytes = 0;
    char time_text[CLOCK_RFC3339_BYTES];
    clock_rfc3339(clock_wall_ms(), time_text);
    char head[256];
    const char *word = level_words[level];
    if (state.format == LOG_FORMAT_JSON) {
        (void)snprintf(
            head, sizeof(head),
            "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d,"
            "\"event\":\"%s\"",
            time_text, word, state.program, (int)getpid(), event); /* a cut head still is a line */
    } else {
        (void)snprintf(
            head, sizeof(head), "%s %-5s %s[%d] %s", time_text, word, state.program, (int)getpid(),
            event); /* a cut head still is a line */
    }
    line_add_text(&line, head);
    if (state.format == LOG_FORMAT_JSON) {
        line_add_json_fields(&line, fields);
        if (err != NULL) {
            line_add_text(&line, ",\"status\":\"");
            line_add_text(&line, status_text(err->status));
            line_add_text(&line, "\",\"error\":\"");
            line_add_value(&line, err->text, strlen(err->text));
            line_add_text(&line, "\"");
        }
        line_add_text(&line, "}");
    } else {
        line_add_text(&line, fields[0] == '\0' ? "" : " ");
        line_add_value(&line, fields, strlen(fields));
        if (err != NULL) {
            line_add_text(&line, " status=");
            line_add_text(&line, status_text(err->status));
            line_add_text(&line, " error=\"");
            line_add_value(&line, err->text, strlen(err->text));
            line_add_text(&line, "\"");
        }
    }
    line.bytes[line.len_bytes++] = '\n';
    ssize_t written = write(STDERR_FILENO, line.bytes, line.len_bytes);
    (void)written; /* a log that cannot be written has nowhere to say so */
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level > atomic_load(&state.level)) {
        return;
    }
    char fields[LOG_LINE_BYTES / 2];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    log_write(level, event, written < 0 ? "" : fields, NULL);
}

void log_err(
    enum log_level level, const char *event, const struct err *err, const char *format, ...)
{
    if ((int)level > atomic_load(&state.level)) {
        return;
    }
    char fields[LOG_LINE_BYTES / 2];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    log_write(level, event, written < 0 ? "" : fields, err);
}
