/* Bodies compressed in every way, whole, in pieces of every size, cut short and damaged. */
#include <lz4.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/buf.h"

#include "demo/clickhouse/decode.h"
#include "tests/unit/unit.h"

enum {
    PLAIN_BYTES = 700 * 1000, /* more than two pieces */
    BODY_MAX_BYTES = 4 * 1000 * 1000,
    HEADER_BYTES = 25,
};

static uint8_t plain[PLAIN_BYTES];

static int make_plain(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t i = 0; i < PLAIN_BYTES; i++) {
        seed = seed * 1664525 + 1013904223;
        plain[i] = (uint8_t)(i % 3 == 0 ? seed >> 24 : i / 1000);
    }
    return 0;
}

static enum status collect(void *context, const uint8_t *bytes, size_t len_bytes)
{
    return buf_add(context, bytes, len_bytes);
}

/* Decode `body` in pieces of piece_bytes; the result is added to out. */
static enum status decode(
    enum decode_encoding encoding, bool has_blocks, const struct buf *body, size_t piece_bytes,
    struct buf *out, struct fault *fault)
{
    struct decoder *d = NULL;
    assert_int_equal(decoder_new(encoding, has_blocks, collect, out, &d), ST_OK);
    enum status st = ST_OK;
    for (size_t at = 0; st == ST_OK && at < body->len_bytes; at += piece_bytes) {
        size_t left = body->len_bytes - at;
        st = decoder_feed(d, body->bytes + at, left < piece_bytes ? left : piece_bytes, fault);
    }
    st = st == ST_OK ? decoder_finish(d, fault) : st;
    decoder_free(d);
    return st;
}

static void add(struct buf *b, const void *bytes, size_t len_bytes)
{
    assert_int_equal(buf_add(b, bytes, len_bytes), ST_OK);
}

static void encode(enum decode_encoding encoding, const uint8_t *bytes, size_t len, struct buf *ret)
{
    uint8_t *room = malloc(BODY_MAX_BYTES);
    uint8_t *gzip = NULL;
    size_t packed = 0;
    switch (encoding) {
    case DECODE_PLAIN:
        add(ret, bytes, len);
        break;
    case DECODE_GZIP:
        assert_int_equal(decode_gzip_encode(bytes, len, &gzip, &packed), ST_OK);
        add(ret, gzip, packed);
        free(gzip);
        break;
    case DECODE_ZSTD:
        packed = ZSTD_compress(room, BODY_MAX_BYTES, bytes, len, 1);
        assert_false(ZSTD_isError(packed));
        add(ret, room, packed);
        break;
    case DECODE_LZ4:
        packed = LZ4F_compressFrame(room, BODY_MAX_BYTES, bytes, len, NULL);
        assert_false(LZ4F_isError(packed));
        add(ret, room, packed);
        break;
    }
    free(room);
}

static void put_u32(uint8_t *at, size_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Append one ClickHouse block. */
static void add_block(struct buf *b, uint8_t method, const uint8_t *bytes, size_t len)
{
    uint8_t *room = malloc(BODY_MAX_BYTES);
    size_t packed = len;
    if (method == 0x82) {
        packed = (size_t)LZ4_compress_default(
            (const char *)bytes, (char *)room, (int)len, BODY_MAX_BYTES);
    } else if (method == 0x90) {
        packed = ZSTD_compress(room, BODY_MAX_BYTES, bytes, len, 1);
    } else {
        memcpy(room, bytes, len);
    }
    uint8_t header[HEADER_BYTES] = {0};
    header[16] = method;
    put_u32(header + 17, packed + 9);
    put_u32(header + 21, len);
    add(b, header, sizeof(header));
    add(b, room, packed);
    free(room);
}

static void assert_plain(const struct buf *out, size_t len)
{
    assert_int_equal(out->len_bytes, len);
    assert_memory_equal(out->bytes, plain, len);
}

static const enum decode_encoding all[] = {DECODE_PLAIN, DECODE_GZIP, DECODE_ZSTD, DECODE_LZ4};
static const size_t piece_sizes[] = {1, 7, 4096, 65536, BODY_MAX_BYTES};

static void every_encoding_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 1000, 262144, 524288, PLAIN_BYTES};
    for (size_t e = 0; e < ARRAY_LEN(all); e++) {
        for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
            struct buf body;
            buf_init(&body, BODY_MAX_BYTES);
            encode(all[e], plain, sizes[s], &body);
            for (size_t p = sizes[s] > 1000 ? 2 : 0; p < ARRAY_LEN(piece_sizes); p++) {
                struct buf out;
                struct fault fault = {0};
                buf_init(&out, BODY_MAX_BYTES);
                assert_int_equal(decode(all[e], false, &body, piece_sizes[p], &out, &fault), ST_OK);
                assert_plain(&out, sizes[s]);
                buf_done(&out);
            }
            buf_done(&body);
        }
    }
}

static void a_second_stream_behind_the_first_counts(void **state)
{
    (void)state;
    for (size_t e = 0; e < ARRAY_LEN(all); e++) {
        struct buf body;
        struct buf out;
        struct fault fault = {0};
        buf_init(&body, BODY_MAX_BYTES);
        buf_init(&out, BODY_MAX_BYTES);
        encode(all[e], plain, 262144, &body);
        encode(all[e], plain + 262144, PLAIN_BYTES - 262144, &body);
        assert_int_equal(decode(all[e], false, &body, 1000, &out, &fault), ST_OK);
        assert_plain(&out, PLAIN_BYTES);
        buf_done(&body);
        buf_done(&out);
    }
}

static void cut_or_damaged_bodies_are_refused(void **state)
{
    (void)state;
    static const int codes[] = {0, 354, 561, 618};
    for (size_t e = 1; e < ARRAY_LEN(all); e++) {
        struct buf body;
        struct buf out;
        struct fault fault = {0};
        buf_init(&body, BODY_MAX_BYTES);
        buf_init(&out, BODY_MAX_BYTES);
        encode(all[e], plain, 1000, &body);
        body.len_bytes -= 5;
        assert_int_equal(decode(all[e], false, &body, 100, &out, &fault), ST_INVALID);
        assert_int_equal(fault.code, codes[e]);
        fault_done(&fault);
        memset(body.bytes, 'x', 10);
        assert_int_equal(decode(all[e], false, &body, 100, &out, &fault), ST_INVALID);
        assert_int_equal(fault.code, codes[e]);
        fault_done(&fault);
        buf_done(&body);
        buf_done(&out);
    }
}

static void empty_body_is_no_error(void **state)
{
    (void)state;
    for (size_t e = 0; e < ARRAY_LEN(all); e++) {
        struct buf body;
        struct buf out;
        struct fault fault = {0};
        buf_init(&body, 1);
        buf_init(&out, 1);
        assert_int_equal(decode(all[e], true, &body, 1, &out, &fault), ST_OK);
        assert_int_equal(out.len_bytes, 0);
    }
}

static void blocks_come_back(void **state)
{
    (void)state;
    for (size_t p = 0; p < ARRAY_LEN(piece_sizes); p++) {
        struct buf body;
        struct buf packed;
        struct buf out;
        struct fault fault = {0};
        buf_init(&body, BODY_MAX_BYTES);
        buf_init(&packed, BODY_MAX_BYTES);
        buf_init(&out, BODY_MAX_BYTES);
        add_block(&body, 0x82, plain, 300000);
        add_block(&body, 0x90, plain + 300000, 1);
        add_block(&body, 0x02, plain + 300001, 99999);
        add_block(&body, 0x82, plain + 400000, 300000);
        encode(DECODE_ZSTD, body.bytes, body.len_bytes, &packed);
        assert_int_equal(decode(DECODE_PLAIN, true, &body, piece_sizes[p], &out, &fault), ST_OK);
        assert_plain(&out, PLAIN_BYTES);
        buf_reset(&out);
        assert_int_equal(decode(DECODE_ZSTD, true, &packed, 1000, &out, &fault), ST_OK);
        assert_plain(&out, PLAIN_BYTES);
        buf_done(&body);
        buf_done(&packed);
        buf_done(&out);
    }
}

static void bad_blocks_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* byte to change; 0: cut the last byte off */
        uint8_t value;
        int code;
    } cases[] = {
        {0, 0, 271},     /* incomplete */
        {16, 0x55, 89},  /* unknown method */
        {17, 3, 271},    /* compressed size below its header */
        {20, 0x7f, 271}, /* compressed size above the limit */
        {24, 0x7f, 271}, /* plain size above the limit */
        {21, 9, 271},    /* plain size that is not true */
        {26, 0xff, 271}, /* damaged data: more literals than there are */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf body;
        struct buf out;
        struct fault fault = {0};
        buf_init(&body, BODY_MAX_BYTES);
        buf_init(&out, BODY_MAX_BYTES);
        add_block(&body, 0x82, plain, 16);
        if (cases[i].at == 0) {
            body.len_bytes--;
        } else {
            body.bytes[cases[i].at] = cases[i].value;
        }
        print_message("case %zu\n", i);
        assert_int_equal(decode(DECODE_PLAIN, true, &body, 1000, &out, &fault), ST_INVALID);
        assert_int_equal(fault.code, cases[i].code);
        fault_done(&fault);
        buf_done(&body);
        buf_done(&out);
    }
}

static void names_of_encodings(void **state)
{
    (void)state;
    enum decode_encoding encoding = DECODE_LZ4;
    assert_int_equal(decode_encoding_parse(NULL, &encoding), ST_OK);
    assert_int_equal(encoding, DECODE_PLAIN);
    assert_int_equal(decode_encoding_parse("zstd", &encoding), ST_OK);
    assert_int_equal(encoding, DECODE_ZSTD);
    assert_int_equal(decode_encoding_parse("deflate", &encoding), ST_OK);
    assert_int_equal(encoding, DECODE_GZIP);
    assert_int_equal(decode_encoding_parse("br", &encoding), ST_UNSUPPORTED);
    assert_int_equal(encoding, DECODE_GZIP);
}

static void deflate_is_zlib(void **state)
{
    (void)state;
    struct buf body;
    struct buf out;
    struct fault fault = {0};
    buf_init(&body, BODY_MAX_BYTES);
    buf_init(&out, BODY_MAX_BYTES);
    uLongf len = compressBound(1000);
    assert_int_equal(buf_reserve(&body, len), ST_OK);
    assert_int_equal(compress(body.bytes, &len, plain, 1000), Z_OK);
    body.len_bytes = len;
    assert_int_equal(decode(DECODE_GZIP, false, &body, 10, &out, &fault), ST_OK);
    assert_plain(&out, 1000);
    buf_done(&body);
    buf_done(&out);
}

static enum status refuse(void *context, const uint8_t *bytes, size_t len_bytes)
{
    (void)context;
    (void)bytes;
    (void)len_bytes;
    return ST_REJECTED;
}

static void status_of_the_sink_comes_through(void **state)
{
    (void)state;
    for (size_t e = 0; e < ARRAY_LEN(all); e++) {
        struct buf body;
        struct fault fault = {0};
        struct decoder *d = NULL;
        buf_init(&body, BODY_MAX_BYTES);
        encode(all[e], plain, PLAIN_BYTES, &body);
        assert_int_equal(decoder_new(all[e], false, refuse, NULL, &d), ST_OK);
        assert_int_equal(decoder_feed(d, body.bytes, body.len_bytes, &fault), ST_REJECTED);
        assert_false(fault_is_set(&fault));
        decoder_free(d);
        buf_done(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_comes_back),
        cmocka_unit_test(a_second_stream_behind_the_first_counts),
        cmocka_unit_test(cut_or_damaged_bodies_are_refused),
        cmocka_unit_test(empty_body_is_no_error),
        cmocka_unit_test(blocks_come_back),
        cmocka_unit_test(bad_blocks_are_refused),
        cmocka_unit_test(names_of_encodings),
        cmocka_unit_test(deflate_is_zlib),
        cmocka_unit_test(status_of_the_sink_comes_through),
    };
    return cmocka_run_group_tests(tests, make_plain, NULL);
}
