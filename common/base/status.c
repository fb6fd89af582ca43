/* The status table: text, HTTP code and whether a retry can help. */
#include "common/base/status.h"

#include <assert.h>
#include <stddef.h>

struct status_row {
    const char *text;
    int http_code;
    bool may_retry;
};

static const struct status_row rows[] = {
#define X(name, text, http, retry) [name] = {text, http, retry},
    STATUS_TABLE(X)
#undef X
};

static const struct status_row *status_row(enum status status)
{
    size_t index = (size_t)status;
    assert(index < sizeof(rows) / sizeof(rows[0]));
    return &rows[index];
}

const char *status_text(enum status status)
{
    return status_row(status)->text;
}

int status_http_code(enum status status)
{
    return status_row(status)->http_code;
}

bool status_may_retry(enum status status)
{
    return status_row(status)->may_retry;
}
