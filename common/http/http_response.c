/* What came back: finding a header, naming a failure. Knows nothing of libcurl. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "common/http/http.h"

void http_response_done(struct http_response *response)
{
    buf_done(&response->body);
    buf_done(&response->headers);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Copy the value that begins at text and ends at end, without blanks around it. */
static void copy_trimmed(const char *text, const char *end, char *ret_value, size_t len_bytes)
{
    while (text < end && is_blank(*text)) {
        text++;
    }
    while (text < end && is_blank(end[-1])) {
        end--;
    }
    size_t value_bytes = (size_t)(end - text);
    size_t kept = value_bytes < len_bytes - 1 ? value_bytes : len_bytes - 1;
    memcpy(ret_value, text, kept);
    ret_value[kept] = '\0';
}

bool http_response_header(
    const struct http_response *response, const char *name, char *ret_value, size_t len_bytes)
{
    assert(len_bytes > 0);
    ret_value[0] = '\0';
    size_t name_bytes = strlen(name);
    const char *line = buf_text(&response->headers);
    while (*line != '\0') {
        size_t line_bytes = strcspn(line, "\r\n");
        if (line_bytes > name_bytes && line[name_bytes] == ':' &&
            strncasecmp(line, name, name_bytes) == 0) {
            copy_trimmed(line + name_bytes + 1, line + line_bytes, ret_value, len_bytes);
            return true;
        }
        line += line_bytes;
        line += strspn(line, "\r\n");
    }
    return false;
}

enum status http_failure_status(enum http_failure failure)
{
    switch (failure) {
    case HTTP_FAILURE_NONE:
        return ST_OK;
    case HTTP_FAILURE_TIMEOUT:
        return ST_TIMEOUT;
    case HTTP_FAILURE_TOO_LARGE:
        return ST_TOO_LARGE;
    case HTTP_FAILURE_LOCAL:
        return ST_INTERNAL;
    case HTTP_FAILURE_RESOLVE:
    case HTTP_FAILURE_CONNECT:
    case HTTP_FAILURE_TLS:
    case HTTP_FAILURE_CUT:
        return ST_UNAVAILABLE;
    }
    return ST_INTERNAL;
}

const char *http_failure_text(enum http_failure failure)
{
    switch (failure) {
    case HTTP_FAILURE_NONE:
        return "none";
    case HTTP_FAILURE_RESOLVE:
        return "resolve";
    case HTTP_FAILURE_CONNECT:
        return "connect";
    case HTTP_FAILURE_TLS:
        return "tls";
    case HTTP_FAILURE_TIMEOUT:
        return "timeout";
    case HTTP_FAILURE_CUT:
        return "cut";
    case HTTP_FAILURE_TOO_LARGE:
        return "too_large";
    case HTTP_FAILURE_LOCAL:
        return "local";
    }
    return "";
}
