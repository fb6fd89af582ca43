#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

/*
 * A growable byte buffer that is born with a maximum: past it, an error, not more memory.
 * The bytes are always followed by a zero byte that does not count, so text can be printed.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

struct buf {
    uint8_t *bytes; /* owned; NULL while empty and never grown */
    size_t len_bytes;
    size_t capacity_bytes;
    size_t max_bytes;
};

/* An empty buffer that will hold at most max_bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max_bytes);

/* Free the memory; the buffer may be used again and keeps its maximum. Safe twice. */
void buf_done(struct buf *b);

/* Forget the contents, keep the memory. */
void buf_reset(struct buf *b);

/* Make room for extra_bytes more. ST_TOO_LARGE past the maximum, ST_NO_MEMORY if the heap
 * refuses; contents are unchanged in both cases. */
enum status buf_reserve(struct buf *b, size_t extra_bytes) MUST_CHECK;

/* Append bytes (borrowed, may be NULL if len_bytes is 0). Statuses as buf_reserve. */
enum status buf_add(struct buf *b, const void *bytes, size_t len_bytes) MUST_CHECK;

/* Append a text without its zero byte. Statuses as buf_reserve. */
enum status buf_add_text(struct buf *b, const char *text) MUST_CHECK;

/* Append formatted text. Statuses as buf_reserve. */
enum status buf_add_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* The contents as text (always zero-terminated; "" while empty). Borrowed until the next change. */
const char *buf_text(const struct buf *b);

/* Hand the memory over as a zero-terminated block (owned by the caller, free()); the buffer is
 * empty afterwards. NULL only if nothing was ever added. */
char *buf_take_text(struct buf *b);

#endif
