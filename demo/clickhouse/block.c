/* See the header. Sizes are checked before memory is taken for them. */
#include "demo/clickhouse/block.h"

#include <assert.h>
#include <lz4.h>
#include <string.h>
#include <zstd.h>

enum {
    CHECKSUM_BYTES = 16,
    SIZES_BYTES = 9, /* method and the two sizes; part of the compressed size */
    HEADER_BYTES = CHECKSUM_BYTES + SIZES_BYTES,
    METHOD_NONE = 0x02,
    METHOD_LZ4 = 0x82,
    METHOD_ZSTD = 0x90,
};

void block_reader_init(struct block_reader *r, decode_sink *sink, void *context)
{
    assert(sink != NULL);
    *r = (struct block_reader){.sink = sink, .context = context};
    buf_init(&r->block, (size_t)BLOCK_MAX_BYTES + CHECKSUM_BYTES);
    buf_init(&r->plain, BLOCK_MAX_BYTES);
}

void block_reader_done(struct block_reader *r)
{
    buf_done(&r->block);
    buf_done(&r->plain);
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static enum status broken(struct fault *fault, const char *why)
{
    fault_set(
        fault, FAULT_CANNOT_DECOMPRESS, "CANNOT_DECOMPRESS", "cannot decompress a block: %s", why);
    return ST_INVALID;
}

/* Bytes of the whole block, known once its header is there. */
static enum status block_size(const uint8_t *header, size_t *ret_bytes, struct fault *fault)
{
    uint32_t packed = read_u32(header + CHECKSUM_BYTES + 1);
    uint32_t plain = read_u32(header + CHECKSUM_BYTES + 5);
    if (packed < SIZES_BYTES || packed > BLOCK_MAX_BYTES || plain > BLOCK_MAX_BYTES) {
        return broken(fault, "its sizes are out of range");
    }
    *ret_bytes = (size_t)CHECKSUM_BYTES + packed;
    return ST_OK;
}

static enum status unpack(struct block_reader *r, struct fault *fault)
{
    const uint8_t *bytes = r->block.bytes;
    const uint8_t *packed = bytes + HEADER_BYTES;
    size_t packed_bytes = r->block.len_bytes - HEADER_BYTES;
    uint32_t plain_bytes = read_u32(bytes + CHECKSUM_BYTES + 5);
    uint8_t method = bytes[CHECKSUM_BYTES];
    if (method == METHOD_NONE) {
        return plain_bytes == packed_bytes ? r->sink(r->context, packed, packed_bytes)
                                           : broken(fault, "its sizes differ");
    }
    if (method != METHOD_LZ4 && method != METHOD_ZSTD) {
        fault_set(
            fault, FAULT_UNKNOWN_COMPRESSION_METHOD, "UNKNOWN_COMPRESSION_METHOD",
            "unknown compression method: %u", (unsigned)method);
        return ST_INVALID;
    }
    buf_reset(&r->plain);
    enum status st = buf_reserve(&r->plain, plain_bytes);
    if (st != ST_OK) {
        return st;
    }
    bool is_whole = false;
    if (method == METHOD_LZ4) {
        is_whole = LZ4_decompress_safe(
                       (const char *)packed, (char *)r->plain.bytes, (int)packed_bytes,
                       (int)plain_bytes) == (int)plain_bytes;
    } else {
        is_whole =
            ZSTD_decompress(r->plain.bytes, plain_bytes, packed, packed_bytes) == plain_bytes;
    }
    return is_whole ? r->sink(r->context, r->plain.bytes, plain_bytes)
                    : broken(fault, "its data is damaged");
}

/* How many bytes of the block there must be before something can be done: its header, then all. */
static enum status
wanted_bytes(const struct block_reader *r, size_t *ret_bytes, struct fault *fault)
{
    if (r->block.len_bytes < HEADER_BYTES) {
        *ret_bytes = HEADER_BYTES;
        return ST_OK;
    }
    return block_size(r->block.bytes, ret_bytes, fault);
}

/* Take bytes up to the end of the header or of the block. */
static enum status feed_some(
    struct block_reader *r, const uint8_t *bytes, size_t len_bytes, size_t *ret_taken,
    struct fault *fault)
{
    size_t wanted = 0;
    enum status st = wanted_bytes(r, &wanted, fault);
    if (st != ST_OK) {
        return st;
    }
    size_t take = wanted - r->block.len_bytes;
    *ret_taken = take < len_bytes ? take : len_bytes;
    st = buf_add(&r->block, bytes, *ret_taken);
    if (st != ST_OK || r->block.len_bytes < HEADER_BYTES) {
        return st;
    }
    st = wanted_bytes(r, &wanted, fault);
    if (st == ST_OK && r->block.len_bytes == wanted) {
        st = unpack(r, fault);
        buf_reset(&r->block);
    }
    return st;
}

enum status block_reader_feed(
    struct block_reader *r, const uint8_t *bytes, size_t len_bytes, struct fault *fault)
{
    while (len_bytes > 0) {
        size_t taken = 0;
        enum status st = feed_some(r, bytes, len_bytes, &taken, fault);
        if (st != ST_OK) {
            return st;
        }
        bytes += taken;
        len_bytes -= taken;
    }
    return ST_OK;
}

enum status block_reader_finish(const struct block_reader *r, struct fault *fault)
{
    return r->block.len_bytes == 0 ? ST_OK : broken(fault, "it is incomplete");
}
