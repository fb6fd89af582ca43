/* Division by 10^9 until nothing is left, digits written from the end. */
#include "worker/replica/decode/decimal_text.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum {
    WORD_DIGITS = 9 /* a word of 32 bits holds so many */
};

/* Big-endian two's complement to 32-bit words of the size, the highest first. */
static size_t
unscaled_words(const uint8_t *bytes, size_t len, uint32_t *words, bool *ret_is_negative)
{
    bool is_negative = len > 0 && (bytes[0] & 0x80) != 0;
    size_t count = (len + 3) / 4;
    uint8_t fill = is_negative ? 0xff : 0;
    for (size_t i = 0; i < count * 4; i++) {
        size_t missing = count * 4 - len;
        uint8_t byte = i < missing ? fill : bytes[i - missing];
        words[i / 4] = words[i / 4] << 8 | byte;
    }
    uint64_t carry = is_negative ? 1 : 0;
    for (size_t i = count; is_negative && i-- > 0;) {
        uint64_t sum = (uint64_t)(uint32_t)~words[i] + carry;
        words[i] = (uint32_t)sum;
        carry = sum >> 32;
    }
    *ret_is_negative = is_negative;
    return count;
}

/* Divide by 10^9; the rest. */
static uint32_t divide_words(uint32_t *words, size_t count)
{
    enum {
        BILLION = 1000000000
    };
    uint64_t rest = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = rest << 32 | words[i];
        words[i] = (uint32_t)(value / BILLION);
        rest = value % BILLION;
    }
    return (uint32_t)rest;
}

/* Digits from the end of `to` backwards, at least `least`; returns the place of the first. */
static char *write_words(char *end, uint32_t *words, size_t count, size_t least)
{
    char *at = end;
    bool is_zero = false;
    while (!is_zero) {
        uint32_t part = divide_words(words, count);
        for (int i = 0; i < WORD_DIGITS; i++) {
            *--at = (char)('0' + part % 10);
            part /= 10;
        }
        is_zero = true;
        for (size_t i = 0; i < count; i++) {
            is_zero = is_zero && words[i] == 0;
        }
    }
    while ((size_t)(end - at) > least && *at == '0') {
        at++;
    }
    while ((size_t)(end - at) < least) {
        *--at = '0';
    }
    return at;
}

size_t decimal_text(const uint8_t *unscaled, size_t len, unsigned scale, char *to)
{
    assert(len <= DECIMAL_UNSCALED_BYTES_MAX && scale <= DECIMAL_TEXT_SCALE_MAX);
    uint32_t words[DECIMAL_UNSCALED_BYTES_MAX / 4] = {0};
    bool is_negative = false;
    size_t count = unscaled_words(unscaled, len, words, &is_negative);
    char text[DECIMAL_TEXT_BYTES];
    char *end = text + sizeof(text);
    char *at = write_words(end, words, count, (size_t)scale + 1);
    if (scale > 0) {
        size_t whole = (size_t)(end - at) - scale;
        memmove(at - 1, at, whole);
        at--;
        at[whole] = '.';
    }
    if (is_negative) {
        *--at = '-';
    }
    memcpy(to, at, (size_t)(end - at));
    return (size_t)(end - at);
}
