#ifndef COMMON_BASE_UTF8_H
#define COMMON_BASE_UTF8_H

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. */

#include <stddef.h>

/* Bytes of the character at text (zero-terminated), 0 if there is no valid one. The final zero
 * byte counts as a character of one byte. */
size_t utf8_char_bytes(const char *text);

/* Characters of a zero-terminated text; bytes that are no UTF-8 count one each. */
size_t utf8_count(const char *text);

/* Replace every byte that is not part of valid UTF-8 with '?', in place; a character cut off at the
 * end goes as well. For texts that were cut to fit and now go into JSON. */
void utf8_repair(char *text);

#endif
