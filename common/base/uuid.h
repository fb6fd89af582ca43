#ifndef COMMON_BASE_UUID_H
#define COMMON_BASE_UUID_H

/* UUIDs as text: version 4 from the kernel's random source (RFC 9562 §5.4), and their check. */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

enum {
    UUID_TEXT_BYTES = 37,
    UUID_BYTES = 16
};

/* A new random UUID, lower case. ST_IO if the kernel gives no random bytes. */
enum status uuid_new(char ret_text[UUID_TEXT_BYTES]) MUST_CHECK;

/* True for 8-4-4-4-12 hexadecimal digits in either case. */
bool uuid_is_valid(const char *text);

/* The 16 bytes of a UUID's text, in the text's order. ST_INVALID: none (uuid_is_valid), ret_bytes
 * is untouched then. */
enum status uuid_read(const char *text, uint8_t ret_bytes[UUID_BYTES]) MUST_CHECK;

/* The text of 16 bytes, lower case. */
void uuid_write(const uint8_t bytes[UUID_BYTES], char ret_text[UUID_TEXT_BYTES]);

/* Fill with random bytes of the kernel (getrandom). ST_IO. */
enum status random_bytes(void *ret_bytes, unsigned len_bytes) MUST_CHECK;

#endif
