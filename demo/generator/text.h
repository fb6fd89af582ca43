#ifndef DEMO_GENERATOR_TEXT_H
#define DEMO_GENERATOR_TEXT_H

/*
 * The text of one record, on the caller's stack or static: appended to, never grown. The longest
 * record the builders can make is far below the limit, so running over it is our bug (assert).
 */

#include <stddef.h>
#include <stdint.h>

enum {
    TEXT_BYTES_MAX = 8192
};

struct text {
    size_t len_bytes;
    char bytes[TEXT_BYTES_MAX];
};

/* Empty it. */
void text_reset(struct text *text);

/* Append bytes, a zero-terminated text, an unsigned number, a number with at least `digits` digits
 * (1 … 20), and a number of hundredths, thousandths … (`decimals` 1 … 9) with its point. */
void text_add_bytes(struct text *text, const void *bytes, size_t len_bytes);
void text_add(struct text *text, const char *more);
void text_add_number(struct text *text, uint64_t number);
void text_add_padded(struct text *text, uint64_t number, int digits);
void text_add_decimal(struct text *text, uint64_t scaled, int decimals);

/* Append the low `digits` (1 … 16) hexadecimal digits of bits, lower case. */
void text_add_hex(struct text *text, uint64_t bits, int digits);

#endif
