/* Appends to a record. Bounds are asserted, not reported: the builders cannot exceed them. */

#include "demo/generator/text.h"

#include <assert.h>
#include <string.h>

enum {
    U64_DIGITS_MAX = 20
};

void text_reset(struct text *text)
{
    text->len_bytes = 0;
}

void text_add_bytes(struct text *text, const void *bytes, size_t len_bytes)
{
    assert(len_bytes <= sizeof(text->bytes) - text->len_bytes);
    memcpy(text->bytes + text->len_bytes, bytes, len_bytes);
    text->len_bytes += len_bytes;
}

void text_add(struct text *text, const char *more)
{
    text_add_bytes(text, more, strlen(more));
}

void text_add_padded(struct text *text, uint64_t number, int digits)
{
    assert(digits >= 1 && digits <= U64_DIGITS_MAX);
    char reversed[U64_DIGITS_MAX];
    int count = 0;
    while (number > 0 || count < digits) {
        reversed[U64_DIGITS_MAX - 1 - count] = (char)('0' + number % 10);
        number /= 10;
        count++;
    }
    text_add_bytes(text, reversed + U64_DIGITS_MAX - count, (size_t)count);
}

void text_add_number(struct text *text, uint64_t number)
{
    text_add_padded(text, number, 1);
}

void text_add_decimal(struct text *text, uint64_t scaled, int decimals)
{
    assert(decimals >= 1 && decimals <= 9);
    uint64_t unit = 1;
    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    text_add_number(text, scaled / unit);
    text_add(text, ".");
    text_add_padded(text, scaled % unit, decimals);
}

void text_add_hex(struct text *text, uint64_t bits, int digits)
{
    assert(digits >= 1 && digits <= 16);
    static const char alphabet[] = "0123456789abcdef";
    char hex[16] = {0};
    for (int i = digits - 1; i >= 0; i--) {
        hex[i] = alphabet[bits & 15U];
        bits >>= 4;
    }
    text_add_bytes(text, hex, (size_t)digits);
}
