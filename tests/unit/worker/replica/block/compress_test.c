/* Frames that the libraries' own readers understand, whatever the pieces. */
#include <lz4frame.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "worker/replica/block/compress.h"

#include <cmocka.h>

enum {
    PLAIN_BYTES = 1500000
};

static void
unpack(enum pipe_compression method, const struct buf *packed, uint8_t *out, size_t *ret_len)
{
    size_t len = PLAIN_BYTES;
    if (method == PIPE_COMPRESSION_ZSTD) {
        len = ZSTD_decompress(out, len, packed->bytes, packed->len_bytes);
        assert_false(ZSTD_isError(len));
    } else if (method == PIPE_COMPRESSION_LZ4) {
        LZ4F_dctx *context = NULL;
        assert_false(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
        size_t at = 0;
        size_t made = 0;
        size_t left = 1;
        while (left != 0) {
            size_t in = packed->len_bytes - at;
            size_t room = PLAIN_BYTES - made;
            left = LZ4F_decompress(context, out + made, &room, packed->bytes + at, &in, NULL);
            assert_false(LZ4F_isError(left));
            assert_true(in + room > 0);
            at += in;
            made += room;
        }
        assert_int_equal(at, packed->len_bytes);
        (void)LZ4F_freeDecompressionContext(context); /* cannot fail */
        len = made;
    } else {
        memcpy(out, packed->bytes, packed->len_bytes);
        len = packed->len_bytes;
    }
    *ret_len = len;
}

static void compressor_is_lossless(void **state)
{
    (void)state;
    uint8_t *plain = malloc(PLAIN_BYTES);
    uint8_t *back = malloc(PLAIN_BYTES);
    assert_non_null(plain);
    assert_non_null(back);
    uint32_t random = 1;
    for (size_t i = 0; i < PLAIN_BYTES; i++) {
        random = random * 1103515245 + 12345;
        plain[i] = i % 3000 < 1000 ? (uint8_t)(random >> 16) : (uint8_t)(i >> 8);
    }
    const struct block_piece pieces[] = {
        {plain, 1},
        {plain + 1, 0},
        {plain + 1, 99},
        {plain + 100, 999900},
        {plain + 1000000, 500000}};
    for (int method = PIPE_COMPRESSION_LZ4; method <= PIPE_COMPRESSION_NONE; method++) {
        struct compressor *compressor = NULL;
        struct buf out;
        buf_init(&out, (size_t)PLAIN_BYTES * 2);
        assert_int_equal(compressor_new((enum pipe_compression)method, &compressor, NULL), ST_OK);
        for (int round = 0; round < 2; round++) {
            buf_reset(&out);
            assert_int_equal(
                compressor_run(compressor, pieces, ARRAY_LEN(pieces), &out, NULL), ST_OK);
            size_t len = 0;
            unpack((enum pipe_compression)method, &out, back, &len);
            assert_int_equal(len, PLAIN_BYTES);
            assert_memory_equal(plain, back, PLAIN_BYTES);
        }
        assert_true(method == PIPE_COMPRESSION_NONE || out.len_bytes < PLAIN_BYTES);
        compressor_free(compressor);
        buf_done(&out);
    }
    free(plain);
    free(back);
}

static void compressor_respects_the_buffer(void **state)
{
    (void)state;
    static const uint8_t BYTES[100000] = {1, 2, 3};
    const struct block_piece piece = {BYTES, sizeof(BYTES)};
    for (int method = PIPE_COMPRESSION_LZ4; method <= PIPE_COMPRESSION_NONE; method++) {
        struct compressor *compressor = NULL;
        struct buf out;
        buf_init(&out, 64);
        assert_int_equal(buf_add(&out, "head", 4), ST_OK);
        assert_int_equal(compressor_new((enum pipe_compression)method, &compressor, NULL), ST_OK);
        assert_int_equal(compressor_run(compressor, &piece, 1, &out, NULL), ST_TOO_LARGE);
        assert_string_equal(buf_text(&out), "head");
        compressor_free(compressor);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressor_is_lossless),
        cmocka_unit_test(compressor_respects_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
