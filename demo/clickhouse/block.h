#ifndef DEMO_CLICKHOUSE_BLOCK_H
#define DEMO_CLICKHOUSE_BLOCK_H

/*
 * ClickHouse's compressed blocks, as clients send them with decompress=1: 16 bytes of checksum,
 * then method (1 byte), compressed size including these 9 bytes (4, little endian), plain size (4),
 * data (src/Compression/ICompressionCodec.cpp). Methods: 0x02 none, 0x82 LZ4, 0x90 ZSTD.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"

#include "demo/clickhouse/decode.h"

enum {
    BLOCK_MAX_BYTES = 0x40000000, /* ClickHouse's own limit for both sizes */
};

struct block_reader {
    decode_sink *sink; /* gets whole decoded blocks */
    void *context;
    struct buf block; /* as far as it has arrived */
    struct buf plain;
};

void block_reader_init(struct block_reader *r, decode_sink *sink, void *context);
void block_reader_done(struct block_reader *r);

/* Take bytes, hand whole decoded blocks to the sink. Statuses as decoder_feed. */
enum status block_reader_feed(
    struct block_reader *r, const uint8_t *bytes, size_t len_bytes, struct fault *fault) MUST_CHECK;

/* ST_INVALID with the fault set if a block is incomplete. */
enum status block_reader_finish(const struct block_reader *r, struct fault *fault) MUST_CHECK;

#endif
