/*
 * One stage per encoding: each turns input pieces into output pieces of at most PIECE_BYTES and
 * hands them on. A second member or frame behind the first is decoded too (gzip, zstd and lz4 all
 * allow it).
 */
#include "demo/clickhouse/decode.h"

#include <assert.h>
#define ZLIB_CONST /* input is const in zlib.h then */
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "demo/clickhouse/block.h"

enum {
    PIECE_BYTES = 256 * 1024,
    WINDOW_BITS_AUTO = 15 + 32, /* gzip or zlib, by the first bytes (zlib.h, inflateInit2) */
    WINDOW_BITS_GZIP = 15 + 16,
    ZSTD_WINDOW_LOG_MAX = 27, /* 128 MB: bounds the memory a frame can ask for */
};

struct decoder {
    enum decode_encoding encoding;
    bool has_blocks;
    bool is_between; /* no member or frame is open */
    decode_sink *sink;
    void *context;
    uint8_t *piece;
    bool has_zlib; /* inflateInit2 was called */
    z_stream zlib;
    ZSTD_DCtx *zstd;
    LZ4F_dctx *lz4;
    struct block_reader blocks;
};

enum status decode_encoding_parse(const char *name, enum decode_encoding *ret_encoding)
{
    static const struct {
        const char *name;
        enum decode_encoding encoding;
    } rows[] = {
        {"", DECODE_PLAIN},      {"identity", DECODE_PLAIN}, {"gzip", DECODE_GZIP},
        {"x-gzip", DECODE_GZIP}, {"deflate", DECODE_GZIP},   {"zstd", DECODE_ZSTD},
        {"lz4", DECODE_LZ4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(name == NULL ? "" : name, rows[i].name) == 0) {
            *ret_encoding = rows[i].encoding;
            return ST_OK;
        }
    }
    return ST_UNSUPPORTED;
}

static bool open_stage(struct decoder *d)
{
    switch (d->encoding) {
    case DECODE_PLAIN:
        return true;
    case DECODE_GZIP:
        d->has_zlib = inflateInit2(&d->zlib, WINDOW_BITS_AUTO) == Z_OK;
        return d->has_zlib;
    case DECODE_ZSTD:
        d->zstd = ZSTD_createDCtx();
        return d->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                      d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
    case DECODE_LZ4:
        return !LZ4F_isError(LZ4F_createDecompressionContext(&d->lz4, LZ4F_VERSION));
    }
    return false;
}

enum status decoder_new(
    enum decode_encoding encoding, bool has_blocks, decode_sink *sink, void *context,
    struct decoder **ret_decoder)
{
    assert(sink != NULL && ret_decoder != NULL);
    CLEANUP(decoder_freep) struct decoder *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return ST_NO_MEMORY;
    }
    d->encoding = encoding;
    d->has_blocks = has_blocks;
    d->is_between = true;
    d->sink = sink;
    d->context = context;
    block_reader_init(&d->blocks, sink, context);
    d->piece = malloc(PIECE_BYTES);
    if (d->piece == NULL || !open_stage(d)) {
        return ST_NO_MEMORY;
    }
    *ret_decoder = d;
    d = NULL;
    return ST_OK;
}

void decoder_free(struct decoder *d)
{
    if (d == NULL) {
        return;
    }
    if (d->has_zlib) {
        (void)inflateEnd(&d->zlib); /* frees; there is nothing to do about a bad state */
    }
    (void)ZSTD_freeDCtx(d->zstd);
    (void)LZ4F_freeDecompressionContext(d->lz4);
    block_reader_done(&d->blocks);
    free(d->piece);
    free(d);
}

void decoder_freep(struct decoder **d)
{
    decoder_free(*d);
}

static enum status
emit(struct decoder *d, const uint8_t *bytes, size_t len_bytes, struct fault *fault)
{
    if (len_bytes == 0) {
        return ST_OK;
    }
    if (d->has_blocks) {
        return block_reader_feed(&d->blocks, bytes, len_bytes, fault);
    }
    return d->sink(d->context, bytes, len_bytes);
}

/* Turn some input into at most one piece of output. */
static enum status inflate_piece(struct decoder *d, struct fault *fault)
{
    if (d->is_between && inflateReset(&d->zlib) != Z_OK) {
        return ST_INTERNAL;
    }
    d->zlib.next_out = d->piece;
    d->zlib.avail_out = PIECE_BYTES;
    int code = inflate(&d->zlib, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        fault_set(
            fault, FAULT_ZLIB_INFLATE_FAILED, "ZLIB_INFLATE_FAILED", "inflate failed: %s",
            d->zlib.msg == NULL ? "data error" : d->zlib.msg);
        return ST_INVALID;
    }
    d->is_between = code == Z_STREAM_END;
    return emit(d, d->piece, PIECE_BYTES - d->zlib.avail_out, fault);
}

static enum status
feed_gzip(struct decoder *d, const uint8_t *bytes, size_t len_bytes, struct fault *fault)
{
    while (len_bytes > 0) {
        uInt in = len_bytes > PIECE_BYTES ? PIECE_BYTES : (uInt)len_bytes;
        d->zlib.next_in = bytes;
        d->zlib.avail_in = in;
        do {
            enum status st = inflate_piece(d, fault);
            if (st != ST_OK) {
                return st;
            }
        } while (d->zlib.avail_in > 0 || (d->zlib.avail_out == 0 && !d->is_between));
        bytes += in;
        len_bytes -= in;
    }
    return ST_OK;
}

static enum status
feed_zstd(struct decoder *d, const uint8_t *bytes, size_t len_bytes, struct fault *fault)
{
    ZSTD_inBuffer in = {.src = bytes, .size = len_bytes};
    ZSTD_outBuffer out = {0};
    do {
        out = (ZSTD_outBuffer){.dst = d->piece, .size = PIECE_BYTES};
        size_t hint = ZSTD_decompressStream(d->zstd, &out, &in);
        if (ZSTD_isError(hint)) {
            fault_set(
                fault, FAULT_ZSTD_DECODER_FAILED, "ZSTD_DECODER_FAILED",
                "ZSTD stream decoding failed: %s", ZSTD_getErrorName(hint));
            return ST_INVALID;
        }
        d->is_between = hint == 0;
        enum status st = emit(d, d->piece, out.pos, fault);
        if (st != ST_OK) {
            return st;
        }
    } while (in.pos < in.size || (out.pos == out.size && !d->is_between));
    return ST_OK;
}

static enum status
feed_lz4(struct decoder *d, const uint8_t *bytes, size_t len_bytes, struct fault *fault)
{
    size_t at = 0;
    size_t out_bytes = 0;
    do {
        size_t in_bytes = len_bytes - at;
        out_bytes = PIECE_BYTES;
        size_t hint = LZ4F_decompress(d->lz4, d->piece, &out_bytes, bytes + at, &in_bytes, NULL);
        if (LZ4F_isError(hint)) {
            fault_set(
                fault, FAULT_LZ4_DECODER_FAILED, "LZ4_DECODER_FAILED",
                "LZ4 frame decoding failed: %s", LZ4F_getErrorName(hint));
            return ST_INVALID;
        }
        at += in_bytes;
        d->is_between = hint == 0;
        enum status st = emit(d, d->piece, out_bytes, fault);
        if (st != ST_OK) {
            return st;
        }
    } while (at < len_bytes || (out_bytes == PIECE_BYTES && !d->is_between));
    return ST_OK;
}

enum status
decoder_feed(struct decoder *d, const uint8_t *bytes, size_t len_bytes, struct fault *fault)
{
    if (len_bytes == 0) {
        return ST_OK;
    }
    switch (d->encoding) {
    case DECODE_PLAIN:
        return emit(d, bytes, len_bytes, fault);
    case DECODE_GZIP:
        return feed_gzip(d, bytes, len_bytes, fault);
    case DECODE_ZSTD:
        return feed_zstd(d, bytes, len_bytes, fault);
    case DECODE_LZ4:
        return feed_lz4(d, bytes, len_bytes, fault);
    }
    return ST_INTERNAL;
}

enum status decoder_finish(struct decoder *d, struct fault *fault)
{
    static const struct {
        int code;
        const char *name;
    } rows[] = {
        [DECODE_PLAIN] = {FAULT_UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION"},
        [DECODE_GZIP] = {FAULT_ZLIB_INFLATE_FAILED, "ZLIB_INFLATE_FAILED"},
        [DECODE_ZSTD] = {FAULT_ZSTD_DECODER_FAILED, "ZSTD_DECODER_FAILED"},
        [DECODE_LZ4] = {FAULT_LZ4_DECODER_FAILED, "LZ4_DECODER_FAILED"},
    };
    if (!d->is_between) {
        fault_set(
            fault, rows[d->encoding].code, rows[d->encoding].name,
            "the body ends inside of its compressed stream");
        return ST_INVALID;
    }
    return block_reader_finish(&d->blocks, fault);
}

enum status
decode_gzip_encode(const uint8_t *bytes, size_t len_bytes, uint8_t **ret_bytes, size_t *ret_len)
{
    z_stream z = {0};
    if (len_bytes > UINT32_MAX / 2 ||
        deflateInit2(&z, 1, Z_DEFLATED, WINDOW_BITS_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return ST_NO_MEMORY;
    }
    uLong bound = deflateBound(&z, (uLong)len_bytes);
    uint8_t *packed = malloc(bound);
    if (packed == NULL) {
        (void)deflateEnd(&z); /* nothing was compressed yet */
        return ST_NO_MEMORY;
    }
    z.next_in = bytes;
    z.avail_in = (uInt)len_bytes;
    z.next_out = packed;
    z.avail_out = (uInt)bound;
    int code = deflate(&z, Z_FINISH);
    assert(code == Z_STREAM_END); /* deflateBound promises room */
    *ret_len = bound - z.avail_out;
    *ret_bytes = packed;
    (void)deflateEnd(&z); /* the stream is complete */
    return ST_OK;
}
