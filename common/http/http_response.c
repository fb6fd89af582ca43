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

bool http_response_header(
    const struct http_response *response, const char *name, char *ret_value, size_t len_bytes)
{
    assert(len_bytes > 0);
    ret_value[0] = '\0';
    size_t name_len = strlen(name);
    const char *line = buf_text(&response->headers);
    while (*line != '\0') {
        size_t line_len = strcspn(line, "\r\n");
        if (line_len > name_len && line[name_len] == ':' &&
            strncasecmp(line, name, name_len) == 0) {
            const char *value = line + name_len + 1;
            size_t value_len = line_len - name_len - 1;
            while (value_len > 0 && (*value == ' ' || *value == '\t')) {
                value++;
                value_len--;
            }
            while (value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t')) {
                value_len--;
            }
            size_t kept = value_len < len_bytes - 1 ? value_len : len_bytes - 1;
            memcpy(ret_value, value, kept);
            ret_value[kept] = '\0';
            return true;
        }
        line += line_len;
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
