/* Paths and parameters. */
#include "common/clickhouse/url.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/percent.h"

enum status url_begin(struct buf *url, const char *endpoint)
{
    enum status st = buf_add_text(url, endpoint);
    const char *authority = strstr(endpoint, "://");
    bool has_path = authority != NULL && strchr(authority + 3, '/') != NULL;
    if (st == ST_OK && !has_path) {
        st = buf_add_text(url, "/");
    }
    return st;
}

enum status url_add_parameter(struct buf *url, const char *name, const char *value)
{
    enum status st = buf_add_text(url, strchr(buf_text(url), '?') == NULL ? "?" : "&");
    if (st == ST_OK) {
        st = percent_add(url, name);
    }
    if (st == ST_OK) {
        st = buf_add_text(url, "=");
    }
    if (st == ST_OK) {
        st = percent_add(url, value);
    }
    return st;
}
