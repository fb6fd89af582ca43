/* Base64, strict in what it reads. */
#include "common/base/base64.h"

#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum status base64_encode(struct buf *out, const void *bytes, size_t len_bytes)
{
    const uint8_t *in = bytes;
    if (len_bytes > SIZE_MAX / 2) {
        return ST_TOO_LARGE;
    }
    enum status st = buf_reserve(out, (len_bytes + 2) / 3 * 4);
    for (size_t i = 0; st == ST_OK && i < len_bytes; i += 3) {
        size_t left = len_bytes - i;
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= left > 2 ? in[i + 2] : 0;
        char four[4] = {
            alphabet[bits >> 18],
            alphabet[(bits >> 12) & 63],
            left > 1 ? alphabet[(bits >> 6) & 63] : '=',
            left > 2 ? alphabet[bits & 63] : '=',
        };
        st = buf_add(out, four, sizeof(four));
    }
    return st;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+') {
        return 62;
    }
    return c == '/' ? 63 : -1;
}

/* Four characters to at most three bytes; 0 if they are none of ours. is_last allows padding. */
static size_t decode_four(const char *text, bool is_last, uint8_t *out)
{
    int values[4];
    size_t count = 0;
    while (count < 4) {
        values[count] = value_of(text[count]);
        if (values[count] < 0) {
            break;
        }
        count++;
    }
    if (count == 4) {
        uint32_t bits = (uint32_t)values[0] << 18 | (uint32_t)values[1] << 12 |
                        (uint32_t)values[2] << 6 | (uint32_t)values[3];
        out[0] = (uint8_t)(bits >> 16);
        out[1] = (uint8_t)(bits >> 8);
        out[2] = (uint8_t)bits;
        return 3;
    }
    if (!is_last || count < 2 || text[3] != '=' || (count == 2 && text[2] != '=')) {
        return 0;
    }
    int unused = count == 2 ? values[1] & 15 : values[2] & 3;
    if (unused != 0) {
        return 0; /* bits that stand for nothing must be zero */
    }
    out[0] = (uint8_t)(values[0] << 2 | values[1] >> 4);
    if (count == 3) {
        out[1] = (uint8_t)(values[1] << 4 | values[2] >> 2);
    }
    return count - 1;
}

enum status
base64_decode(const char *text, size_t len_bytes, uint8_t **ret_bytes, size_t *ret_len_bytes)
{
    if (len_bytes % 4 != 0) {
        return ST_INVALID;
    }
    uint8_t *bytes = malloc(len_bytes / 4 * 3 + 1);
    if (bytes == NULL) {
        return ST_NO_MEMORY;
    }
    size_t used = 0;
    for (size_t i = 0; i < len_bytes; i += 4) {
        size_t step = decode_four(text + i, i + 4 == len_bytes, bytes + used);
        if (step == 0) {
            free(bytes);
            return ST_INVALID;
        }
        used += step;
    }
    bytes[used] = 0;
    *ret_bytes = bytes;
    *ret_len_bytes = used;
    return ST_OK;
}
