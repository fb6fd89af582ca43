/* Percent-encoding and parameters. */
#include "common/clickhouse/url.h"

#include <stdbool.h>
#include <string.h>

static bool url_is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static enum status url_add_encoded(struct buf *url, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    enum status st = ST_OK;
    for (const char *p = text; st == ST_OK && *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        char encoded[3] = {'%', digits[c >> 4], digits[c & 15]};
        st = url_is_unreserved(c) ? buf_add(url, p, 1) : buf_add(url, encoded, sizeof(encoded));
    }
    return st;
}

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
        st = url_add_encoded(url, name);
    }
    if (st == ST_OK) {
        st = buf_add_text(url, "=");
    }
    if (st == ST_OK) {
        st = url_add_encoded(url, value);
    }
    return st;
}
