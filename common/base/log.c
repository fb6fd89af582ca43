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
    LOG_LINE_BYTES = 8192,
    LOG_TAIL_BYTES = 128, /* kept free behind values: the words and marks that end a line */
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

/* True while a value may grow: behind it the line must have room to end well. */
static bool line_has_room(const struct line *line)
{
    return sizeof(line->bytes) - line->len_bytes > LOG_TAIL_BYTES;
}

/* Control characters become blanks, so one event is one line; quotes are escaped where the value
 * stands between quotes. */
static void line_add_value(struct line *line, const char *text, size_t len_bytes, bool is_quoted)
{
    for (size_t i = 0; i < len_bytes && line_has_room(line); i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_quoted && (c == '"' || c == '\\')) {
            line_add(line, "\\", 1);
        }
        char out = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        line_add(line, &out, 1);
    }
}

/* True where `text` ends the fields or the next one begins: ` name=`. */
static bool is_field_end(const char *text)
{
    if (*text == '\0') {
        return true;
    }
    size_t name_bytes = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return *text == ' ' && name_bytes > 0 && text[1 + name_bytes] == '=';
}

/* Length of the value at `value`: up to a blank, or up to the quote that ends it; a quote inside
 * the value is followed by something else than the next field. */
static size_t value_length(const char *value, bool is_quoted)
{
    size_t len_bytes = 0;
    while (value[len_bytes] != '\0') {
        const char *at = value + len_bytes;
        if (is_quoted ? *at == '"' && is_field_end(at + 1) : *at == ' ') {
            break;
        }
        len_bytes++;
    }
    return len_bytes;
}

/* Turn `a=1 b="two words"` into `,"a":"1","b":"two words"`. */
static void line_add_json_fields(struct line *line, const char *fields)
{
    const char *p = fields;
    while (*p != '\0' && line_has_room(line)) {
        p += strspn(p, " ");
        const char *equals = strchr(p, '=');
        if (equals == NULL) {
            break;
        }
        line_add_text(line, ",\"");
        line_add_value(line, p, (size_t)(equals - p), true);
        line_add_text(line, "\":\"");
        bool is_quoted = equals[1] == '"';
        const char *value = equals + (is_quoted ? 2 : 1);
        size_t len_bytes = value_length(value, is_quoted);
        line_add_value(line, value, len_bytes, true);
        line_add_text(line, "\"");
        p = value + len_bytes;
        p += is_quoted && *p == '"' ? 1 : 0;
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
            line_add_value(&line, err->text, strlen(err->text), true);
            line_add_text(&line, "\"");
        }
        line_add_text(&line, "}");
    } else {
        line_add_text(&line, fields[0] == '\0' ? "" : " ");
        line_add_value(&line, fields, strlen(fields), false);
        if (err != NULL) {
            line_add_text(&line, " status=");
            line_add_text(&line, status_text(err->status));
            line_add_text(&line, " error=\"");
            line_add_value(&line, err->text, strlen(err->text), true);
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
