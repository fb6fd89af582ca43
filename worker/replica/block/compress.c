/*
 * Compression of an insert's body. Input goes in parts of 1 MB, each an LZ4 block of its own:
 * linked blocks cost 5 % more time, because their history is copied between calls, and save 0.1 %
 * of the bytes. The frame has one content, without checksums (HTTP and TLS have theirs).
 */
#include "worker/replica/block/compress.h"

#include <assert.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>

enum {
    PART_BYTES = 1024 * 1024,
    ZSTD_LEVEL = 1, /* the best rate per byte */
};

struct compressor {
    enum pipe_compression method;
    LZ4F_cctx *lz4;  /* owned, for PIPE_COMPRESSION_LZ4 */
    ZSTD_CCtx *zstd; /* owned, for PIPE_COMPRESSION_ZSTD */
};

static const LZ4F_preferences_t LZ4_PREFERENCES = {
    .frameInfo = {.blockSizeID = LZ4F_max1MB, .blockMode = LZ4F_blockIndependent},
    .autoFlush = 1,
};

enum status
compressor_new(enum pipe_compression method, struct compressor **ret_compressor, struct err *err)
{
    CLEANUP(compressor_freep) struct compressor *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a compressor");
    }
    c->method = method;
    bool is_ok = true;
    switch (method) {
    case PIPE_COMPRESSION_LZ4:
        is_ok = !LZ4F_isError(LZ4F_createCompressionContext(&c->lz4, LZ4F_VERSION));
        break;
    case PIPE_COMPRESSION_ZSTD:
        c->zstd = ZSTD_createCCtx();
        is_ok = c->zstd != NULL;
        break;
    case PIPE_COMPRESSION_NONE:
        break;
    }
    if (!is_ok) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a compressor");
    }
    *ret_compressor = c;
    c = NULL;
    return ST_OK;
}

void compressor_free(struct compressor *c)
{
    if (c == NULL) {
        return;
    }
    if (c->lz4 != NULL) {
        (void)LZ4F_freeCompressionContext(c->lz4); /* cannot fail on a context of its own */
    }
    (void)ZSTD_freeCCtx(c->zstd); /* NULL is fine */
    free(c);
}

void compressor_freep(struct compressor **c)
{
    compressor_free(*c);
    *c = NULL;
}

/* Make room; ST_OK, ST_TOO_LARGE, ST_NO_MEMORY with the reason. */
static enum status reserve(struct buf *out, size_t extra_bytes, struct err *err)
{
    enum status st = buf_reserve(out, extra_bytes);
    if (st != ST_OK) {
        return err_set(err, st, "compressed block: no room for %zu more bytes", extra_bytes);
    }
    return ST_OK;
}

static enum status lz4_step(struct buf *out, size_t written, struct err *err)
{
    if (LZ4F_isError(written)) {
        return err_set(err, ST_INTERNAL, "lz4: %s", LZ4F_getErrorName(written));
    }
    out->len_bytes += written;
    return ST_OK;
}

static enum status
lz4_part(struct compressor *c, const struct block_piece *part, struct buf *out, struct err *err)
{
    size_t bound = LZ4F_compressBound(part->len_bytes, &LZ4_PREFERENCES);
    enum status st = reserve(out, bound, err);
    if (st != ST_OK) {
        return st;
    }
    size_t written = LZ4F_compressUpdate(
        c->lz4, out->bytes + out->len_bytes, bound, part->bytes, part->len_bytes, NULL);
    return lz4_step(out, written, err);
}

static enum status zstd_part(
    struct compressor *c, const struct block_piece *part, struct buf *out, ZSTD_EndDirective mode,
    struct err *err)
{
    ZSTD_inBuffer in = {.src = part->bytes, .size = part->len_bytes};
    size_t left = 1;
    while (in.pos < in.size || (mode == ZSTD_e_end && left != 0)) {
        enum status st = reserve(out, ZSTD_compressBound(part->len_bytes) + 64, err);
        if (st != ST_OK) {
            return st;
        }
        ZSTD_outBuffer to = {
            .dst = out->bytes + out->len_bytes, .size = out->capacity_bytes - out->len_bytes - 1};
        left = ZSTD_compressStream2(c->zstd, &to, &in, mode);
        if (ZSTD_isError(left)) {
            return err_set(err, ST_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
        }
        out->len_bytes += to.pos;
    }
    return ST_OK;
}

static enum status
add_part(struct compressor *c, const struct block_piece *part, struct buf *out, struct err *err)
{
    switch (c->method) {
    case PIPE_COMPRESSION_LZ4:
        return lz4_part(c, part, out, err);
    case PIPE_COMPRESSION_ZSTD:
        return zstd_part(c, part, out, ZSTD_e_continue, err);
    case PIPE_COMPRESSION_NONE: {
        enum status st = buf_add(out, part->bytes, part->len_bytes);
        return st == ST_OK ? ST_OK
                           : err_set(err, st, "block: no room for %zu more bytes", part->len_bytes);
    }
    }
    return ST_INTERNAL;
}

static enum status begin(struct compressor *c, struct buf *out, struct err *err)
{
    if (c->method == PIPE_COMPRESSION_ZSTD) {
        (void)ZSTD_CCtx_reset(c->zstd, ZSTD_reset_session_only); /* always allowed */
        size_t code = ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        return ZSTD_isError(code) ? err_set(err, ST_INTERNAL, "zstd: %s", ZSTD_getErrorName(code))
                                  : ST_OK;
    }
    if (c->method == PIPE_COMPRESSION_NONE) {
        return ST_OK;
    }
    enum status st = reserve(out, LZ4F_HEADER_SIZE_MAX, err);
    if (st != ST_OK) {
        return st;
    }
    size_t written = LZ4F_compressBegin(
        c->lz4, out->bytes + out->len_bytes, LZ4F_HEADER_SIZE_MAX, &LZ4_PREFERENCES);
    return lz4_step(out, written, err);
}

static enum status end(struct compressor *c, struct buf *out, struct err *err)
{
    if (c->method == PIPE_COMPRESSION_ZSTD) {
        const struct block_piece nothing = {0};
        return zstd_part(c, &nothing, out, ZSTD_e_end, err);
    }
    if (c->method == PIPE_COMPRESSION_NONE) {
        return ST_OK;
    }
    size_t bound = LZ4F_compressBound(0, &LZ4_PREFERENCES);
    enum status st = reserve(out, bound, err);
    if (st != ST_OK) {
        return st;
    }
    size_t written = LZ4F_compressEnd(c->lz4, out->bytes + out->len_bytes, bound, NULL);
    return lz4_step(out, written, err);
}

static enum status
add_piece(struct compressor *c, const struct block_piece *piece, struct buf *out, struct err *err)
{
    for (size_t at = 0; at < piece->len_bytes; at += PART_BYTES) {
        size_t left = piece->len_bytes - at;
        struct block_piece part = {piece->bytes + at, left < PART_BYTES ? left : PART_BYTES};
        enum status st = add_part(c, &part, out, err);
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

/* Grow once instead of by doubling, with a copy each time: most bodies are a quarter to a half of
 * their input. What is really needed is asked for part by part. */
static void reserve_likely(
    const struct compressor *c, const struct block_piece *pieces, size_t pieces_count,
    struct buf *out)
{
    enum {
        LIKELY_SHARE = 4,
    };
    size_t total = 0;
    for (size_t i = 0; i < pieces_count; i++) {
        total += pieces[i].len_bytes;
    }
    if (c->method != PIPE_COMPRESSION_NONE) {
        enum status st = buf_reserve(out, total / LIKELY_SHARE);
        (void)st; /* only a guess */
    }
}

enum status compressor_run(
    struct compressor *c, const struct block_piece *pieces, size_t pieces_count, struct buf *out,
    struct err *err)
{
    assert(c != NULL && out != NULL);
    size_t before = out->len_bytes;
    reserve_likely(c, pieces, pieces_count, out);
    enum status st = begin(c, out, err);
    for (size_t i = 0; i < pieces_count && st == ST_OK; i++) {
        st = add_piece(c, &pieces[i], out, err);
    }
    st = st == ST_OK ? end(c, out, err) : st;
    if (st != ST_OK) {
        out->len_bytes = before;
    }
    if (out->bytes != NULL) {
        out->bytes[out->len_bytes] = 0; /* buf keeps a zero byte behind its contents */
    }
    return st;
}
