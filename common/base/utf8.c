/* UTF-8, one character at a time. */
#include "common/base/utf8.h"

#include <stdbool.h>
#include <string.h>

static bool is_tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t utf8_char_bytes(const char *text)
{
    const unsigned char *b = (const unsigned char *)text;
    if (b[0] < 0x80) {
        return 1;
    }
    if (b[0] >= 0xc2 && b[0] <= 0xdf) {
        return is_tail(b[1]) ? 2 : 0;
    }
    if (b[0] >= 0xe0 && b[0] <= 0xef) {
        bool is_overlong = b[0] == 0xe0 && b[1] < 0xa0;
        bool is_surrogate = b[0] == 0xed && b[1] > 0x9f;
        return is_tail(b[1]) && is_tail(b[2]) && !is_overlong && !is_surrogate ? 3 : 0;
    }
    if (b[0] >= 0xf0 && b[0] <= 0xf4) {
        bool is_overlong = b[0] == 0xf0 && b[1] < 0x90;
        bool is_too_high = b[0] == 0xf4 && b[1] > 0x8f;
        bool has_tail = is_tail(b[1]) && is_tail(b[2]) && is_tail(b[3]);
        return has_tail && !is_overlong && !is_too_high ? 4 : 0;
    }
    return 0;
}

size_t utf8_count(const char *text)
{
    size_t count = 0;
    while (*text != '\0') {
        size_t step = utf8_char_bytes(text);
        text += step == 0 ? 1 : step;
        count++;
    }
    return count;
}

void utf8_repair(char *text)
{
    while (*text != '\0') {
        size_t step = utf8_char_bytes(text);
        if (step > 0) {
            text += step;
            continue;
        }
        size_t lead = 1; /* the lead byte and the tail bytes behind it are one cut character */
        while (is_tail((unsigned char)text[lead])) {
            lead++;
        }
        if (text[lead] == '\0' && (unsigned char)*text >= 0xc2) {
            *text = '\0';
            return;
        }
        *text++ = '?';
    }
}
