#ifndef DEMO_CLICKHOUSE_DECODE_H
#define DEMO_CLICKHOUSE_DECODE_H

/*
 * From the bytes of a request's body to the bytes that are meant: undo Content-Encoding, then (with
 * decompress=1) ClickHouse's own block compression. Works on a stream: pieces of any size come in,
 * pieces go out to a callback, memory stays bounded. Checksums of ClickHouse blocks are not looked
 * at.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

#include "demo/clickhouse/fault.h"

enum decode_encoding {
    DECODE_PLAIN,
    DECODE_GZIP, /* and zlib: told apart by the first bytes */
    DECODE_ZSTD,
    DECODE_LZ4, /* frames of the lz4 tool */
};

/* Gets decoded bytes (borrowed during the call). ST_OK, or another status to stop. */
typedef enum status decode_sink(void *context, const uint8_t *bytes, size_t len_bytes);

struct decoder;

/* The encoding a Content-Encoding header names; NULL or "identity" is plain. ST_UNSUPPORTED for
 * another name. */
enum status decode_encoding_parse(const char *name, enum decode_encoding *ret_encoding) MUST_CHECK;

/* has_blocks: ClickHouse's blocks are inside. Owned by the caller (decoder_free). ST_NO_MEMORY. */
enum status decoder_new(
    enum decode_encoding encoding, bool has_blocks, decode_sink *sink, void *context,
    struct decoder **ret_decoder) MUST_CHECK;

/* Decode a piece of the body. ST_INVALID: it is not what it says, `fault` is set. ST_NO_MEMORY.
 * Else the status of the sink. After a failure only decoder_free is allowed. */
enum status decoder_feed(
    struct decoder *d, const uint8_t *bytes, size_t len_bytes, struct fault *fault) MUST_CHECK;

/* The body ended. ST_INVALID if it ends inside of a compressed stream or block; `fault` is set. */
enum status decoder_finish(struct decoder *d, struct fault *fault) MUST_CHECK;

/* NULL is fine. */
void decoder_free(struct decoder *d);
void decoder_freep(struct decoder **d);

/* Compress bytes as gzip (level 1) into a new block (owned by the caller, free()). ST_NO_MEMORY. */
enum status decode_gzip_encode(
    const uint8_t *bytes, size_t len_bytes, uint8_t **ret_bytes, size_t *ret_len) MUST_CHECK;

#endif
