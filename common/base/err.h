#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

/*
 * What went wrong, in words, beside the status that says it in code. Filled where the cause is
 * known, with the values; callers add context in front with err_wrap and never re-word.
 * Texts are lower case without a full stop and hold no secret.
 */

#include "common/base/attr.h"
#include "common/base/status.h"

enum {
    ERR_TEXT_BYTES = 2048
};

struct err {
    enum status status;
    char text[ERR_TEXT_BYTES]; /* cut with "..." when longer */
};

/* Set status and text; returns status, so a caller can `return err_set(...)`. err may be NULL. */
enum status err_set(struct err *err, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Like err_set, with ": <text of errno_value>" appended. errno_value: an errno number. */
enum status err_errno(struct err *err, enum status status, int errno_value, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Put "<context>: " in front of the text; returns err's status (ST_INTERNAL if err is NULL, so
 * prefer returning the status you have). */
enum status err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* clang's analyzer sees one file at a time: tell it that the status given is the status returned.
 */
#ifdef __clang_analyzer__
// NOLINTNEXTLINE(readability-identifier-naming): stands for the function
#define err_set(err, status, ...) ((void)err_set(err, status, __VA_ARGS__), (status))
#endif

#endif
