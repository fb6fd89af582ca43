#ifndef COMMON_BASE_UUID_H
#define COMMON_BASE_UUID_H

/* UUIDs as text: version 4 from the kernel's random source (RFC 9562 §5.4), and their check. */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/status.h"

enum {
    UUID_TEXT_BYTES = 37
};

/* A new random UUID, lower case. ST_IO if the kernel gives no random bytes. */
enum status uuid_new(char ret_text[UUID_TEXT_BYTES]) MUST_CHECK;

/* True for 8-4-4-4-12 hexadecimal digits in either case. */
bool uuid_is_valid(const char *text);

/* Fill with random bytes of the kernel (getrandom). ST_IO. */
enum status random_bytes(void *ret_bytes, unsigned len_bytes) MUST_CHECK;

#endif
