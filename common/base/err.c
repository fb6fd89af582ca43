/* Error texts: bounded, composed from the inside out. */
#include "common/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_mark_cut(struct err *err, int written)
{
    if (written < 0) {
        err->text[0] = '\0';
        return;
    }
    if ((size_t)written >= sizeof(err->text)) {
        memcpy(err->text + sizeof(err->text) - 4, "...", 4);
    }
}

#undef err_set /* err.h says more to the analyzer */
enum status err_set(struct err *err, enum status status, const char *format, ...)
{
    assert(status != ST_OK);
    if (err == NULL) {
        return status;
    }
    va_list args;
    va_start(args, format);
    int written = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err_mark_cut(err, written);
    err->status = status;
    return status;
}

enum status err_errno(struct err *err, enum status status, int errno_value, const char *format, ...)
{
    assert(status != ST_OK);
    if (err == NULL) {
        return status;
    }
    va_list args;
    va_start(args, format);
    int written = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err_mark_cut(err, written);
    err->status = status;
    char reason[128];
    const char *text = strerror_r(errno_value, reason, sizeof(reason));
    size_t used = strlen(err->text);
    written = snprintf(err->text + used, sizeof(err->text) - used, ": %s", text);
    err_mark_cut(err, written < 0 ? written : (int)used + written);
    return status;
}

enum status err_wrap(struct err *err, const char *format, ...)
{
    if (err == NULL) {
        return ST_INTERNAL;
    }
    char inner[ERR_TEXT_BYTES];
    memcpy(inner, err->text, sizeof(inner));
    va_list args;
    va_start(args, format);
    int written = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err_mark_cut(err, written);
    size_t used = strlen(err->text);
    written = snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
    err_mark_cut(err, written < 0 ? written : (int)used + written);
    return err->status;
}
