#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

/*
 * One line per event on stderr: a short stable name and fields. Only the edges call this (main,
 * the supervisor loop, the replica loop, the HTTP server). Safe from several threads: a line is
 * written with one write. error = someone must act; warn = we recovered or run degraded;
 * info = life events; debug = the rest. No secrets, no payloads.
 *
 *     log_event(LOG_INFO, "pipe_started", "pipe=%s replica=%d", id, index);
 *
 * Fields are `name=value`; a value with blanks goes in double quotes. In JSON format the fields
 * become members (all text).
 */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
};

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
};

/* Before threads start. program is borrowed for ever (a literal). Default: info, text. */
void log_init(const char *program, enum log_level level, enum log_format format);

/* May be called at any time from any thread. */
void log_set_level(enum log_level level);

/* Level by name (error, warn, info, debug); ST_INVALID for another word. */
enum status log_level_parse(const char *text, enum log_level *ret_level) MUST_CHECK;

/* Write one event. event: short_snake_case literal. */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

/* Write one event that ends an error's journey: fields, then status and text of err. */
void log_err(
    enum log_level level, const char *event, const struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
