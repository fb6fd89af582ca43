#ifndef COMMON_BASE_BASE64_H
#define COMMON_BASE_BASE64_H

/* Base64 of RFC 4648: standard alphabet with padding. */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"

/* Append the text of len_bytes bytes (borrowed). Statuses of buf_add. */
enum status base64_encode(struct buf *out, const void *bytes, size_t len_bytes) MUST_CHECK;

/* Decode a text of len_bytes characters. ret_bytes: owned, zero-terminated, free(). ST_INVALID for
 * anything that base64_encode would not have written, ST_NO_MEMORY. */
enum status base64_decode(
    const char *text, size_t len_bytes, uint8_t **ret_bytes, size_t *ret_len_bytes) MUST_CHECK;

#endif
