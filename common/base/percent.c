/* Percent-encoding. */
#include "common/base/percent.h"

#include <stdbool.h>
#include <string.h>

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

enum status percent_add(struct buf *url, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    enum status st = ST_OK;
    for (const char *p = text; st == ST_OK && *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        char encoded[3] = {'%', digits[c >> 4], digits[c & 15]};
        st = is_unreserved(c) ? buf_add(url, p, 1) : buf_add(url, encoded, sizeof(encoded));
    }
    return st;
}
