/* Random UUIDs and the check of received ones. */
#include "common/base/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

enum status random_bytes(void *ret_bytes, unsigned len_bytes)
{
    uint8_t *to = ret_bytes;
    while (len_bytes > 0) {
        ssize_t got = getrandom(to, len_bytes, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return ST_IO;
        }
        to += got;
        len_bytes -= (unsigned)got;
    }
    return ST_OK;
}

void uuid_write(const uint8_t bytes[UUID_BYTES], char ret_text[UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *to = ret_text;
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *to++ = '-';
        }
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 0x0f];
    }
    *to = '\0';
}

enum status uuid_new(char ret_text[UUID_TEXT_BYTES])
{
    uint8_t b[UUID_BYTES];
    enum status st = random_bytes(b, sizeof(b));
    if (st != ST_OK) {
        return st;
    }
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    uuid_write(b, ret_text);
    return ST_OK;
}

bool uuid_is_valid(const char *text)
{
    if (strlen(text) != UUID_TEXT_BYTES - 1) {
        return false;
    }
    for (unsigned i = 0; i < UUID_TEXT_BYTES - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return true;
}

static unsigned digit_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

enum status uuid_read(const char *text, uint8_t ret_bytes[UUID_BYTES])
{
    if (!uuid_is_valid(text)) {
        return ST_INVALID;
    }
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        text += *text == '-';
        ret_bytes[i] = (uint8_t)(digit_value(text[0]) << 4 | digit_value(text[1]));
        text += 2;
    }
    return ST_OK;
}
