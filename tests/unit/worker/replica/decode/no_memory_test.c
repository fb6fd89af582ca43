/*
 * Decode and block building when the heap refuses: the n-th allocation, for every n. Each time the
 * answer is "no memory" (or the step did without and is right all the same), nothing leaks
 * (LeakSanitizer in make asan), the block's rows are as before, and the same step works when there
 * is memory again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker/replica/decode/failing_heap.h"
#include "worker/replica/block/block.h"
#include "worker/replica/block/compress.h"
#include "worker/replica/block/reject_block.h"
#include "worker/replica/decode/avro/avro_reader.h"
#include "worker/replica/decode/decoder.h"

enum {
    COLUMNS_MAX = 32,
    DOCUMENT_MAX_BYTES = 1 << 16,
    PADDING_BYTES = 128,
    ALLOCATIONS_MAX = 5000, /* of one step: more means that the loop does not end */
};

struct shape {
    const char *type;
    const char *value; /* a good one, "%s" is a long text */
};

/* One column of each kind of builder and reader. */
static const struct shape SHAPES[] = {
    {"Int32", "-12345678"},
    {"UInt64", "\"18446744073709551615\""},
    {"Float64", "123456789012345678901234567890.125"},
    {"Decimal(38, 10)", "1234567890.0123456789"},
    {"Bool", "true"},
    {"String", "\"%s\\n\""},
    {"String", "[1,{\"a\":\"%s\"}]"},
    {"FixedString(8)", "\"12\\u00345678\""},
    {"LowCardinality(Nullable(String))", "\"%s\""},
    {"UUID", "\"61f0c404-5cb3-11e7-907b-a6006ad3dba0\""},
    {"Date32", "\"2024-01-02\""},
    {"DateTime64(3)", "\"2024-01-02T03:04:05.678Z\""},
    {"Enum8('a' = 1, 'b' = 2)", "\"b\""},
    {"Nullable(Int8)", "null"},
    {"Array(Nullable(String))", "[\"%s\",null,\"%s\",\"x\"]"},
    {"Array(Array(Int64))", "[[1,2,3,4,5,6,7,8,9],[],[1]]"},
    {"Map(String, Array(Float32))", "{\"%s\":[1.5,2],\"b\":[]}"},
    {"Map(LowCardinality(String), String)", "{\"%s\":\"%s\",\"b\":\"\"}"},
    {"Tuple(a String, b Tuple(c Nullable(Date), d Array(UInt8)))",
     "{\"a\":\"%s\",\"b\":{\"c\":null,\"d\":[1,2,3]}}"},
    /* left out while the build has none of them */
    {"Int256", "\"-12345678901234567890123456789012345678901234567890\""},
    {"IPv6", "\"::1\""},
    {"Variant(Int64, String)", "\"%s\""},
    {"JSON", "{\"a\":{\"b\":\"%s\",\"c\":[1,2,\"x\"]},\"d\":null}"},
    {"LowCardinality(Int32)", "77"},
};

struct rig {
    struct pipe_spec spec;
    struct plan_column table[COLUMNS_MAX];
    struct pipe_column wanted[COLUMNS_MAX];
    char names[COLUMNS_MAX][24];
    struct plan *plan;
    struct decoder *decoder;
    struct block *block;
};

static char document[DOCUMENT_MAX_BYTES];
static size_t document_bytes;

static void add_text(const char *text, const char *inside)
{
    for (; *text != '\0'; text++) {
        bool is_place = text[0] == '%' && text[1] == 's';
        size_t len = is_place ? strlen(inside) : 1;
        assert_true(document_bytes + len < sizeof(document));
        memcpy(document + document_bytes, is_place ? inside : text, len);
        document_bytes += len;
        text += is_place ? 1 : 0;
    }
}

/* The shapes that this build has, and a document with a value for each. */
static void describe(struct rig *r)
{
    static char separator[] = ".";
    static char name[] = "t";
    static char inside[700];
    memset(inside, 'y', sizeof(inside) - 1);
    *r = (struct rig){.spec.settings.path_separator = separator};
    size_t count = 0;
    document_bytes = 0;
    for (size_t i = 0; i < ARRAY_LEN(SHAPES); i++) {
        struct ch_type *type = NULL;
        enum status st = ch_type_parse(SHAPES[i].type, &type, NULL);
        ch_type_free(type);
        if (st != ST_OK) {
            assert_int_equal(st, ST_UNSUPPORTED);
            continue;
        }
        (void)snprintf(r->names[count], sizeof(r->names[count]), "c%zu", count);
        r->table[count] = (struct plan_column){.name = r->names[count], .type = SHAPES[i].type};
        r->wanted[count] = (struct pipe_column){r->names[count], name};
        add_text(count == 0 ? "{\"" : ",\"", "");
        add_text(r->names[count], "");
        add_text("\":", "");
        add_text(SHAPES[i].value, inside);
        count++;
    }
    add_text("}", "");
    assert_true(count > 15);
    r->spec.destination.database = name;
    r->spec.destination.table = name;
    r->spec.destination.columns = r->wanted;
    r->spec.destination.columns_count = count;
}

static enum status open_rig(struct rig *r, struct err *err)
{
    size_t count = 0;
    enum status st = plan_new(&r->spec, r->table, r->spec.destination.columns_count, &r->plan, err);
    st = st == ST_OK ? decoder_new(r->plan, NULL, &r->decoder, err) : st;
    if (st == ST_OK) {
        const struct block_column *columns = plan_columns(r->plan, &count);
        st = block_new(columns, count, 0, &r->block, err);
    }
    return st;
}

static void close_rig(struct rig *r)
{
    block_free(r->block);
    decoder_free(r->decoder);
    plan_free(r->plan);
    r->block = NULL;
    r->decoder = NULL;
    r->plan = NULL;
}

static void open_fully(struct rig *r)
{
    struct err err = {0};
    if (open_rig(r, &err) != ST_OK) {
        fail_msg("%s", err.text);
    }
}

static struct record record_of(const void *value, size_t len)
{
    return (struct record){.topic = "t", .topic_bytes = 1, .value = value, .value_bytes = len};
}

static enum status add(struct rig *r, const void *value, size_t len)
{
    struct record record = record_of(value, len);
    struct decoder_outcome outcome = {0};
    struct err err = {0};
    enum status st = decoder_add(r->decoder, &record, r->block, &outcome, &err);
    if (st == ST_REJECTED) {
        fail_msg("%s", outcome.reject.message);
    }
    return st;
}

static void encode(struct block *block, struct buf *out)
{
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    buf_reset(out);
    assert_int_equal(block_encode(block, &pieces, &count, NULL), ST_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(buf_add(out, pieces[i].bytes, pieces[i].len_bytes), ST_OK);
    }
}

/* The rows in a block of their own: what dictionaries remember of failed rows stays behind. */
static void encode_rows(struct rig *r, struct buf *out)
{
    size_t count = 0;
    struct block *copy = NULL;
    const struct block_column *columns = plan_columns(r->plan, &count);
    assert_int_equal(block_new(columns, count, 0, &copy, NULL), ST_OK);
    assert_int_equal(block_copy_rows(copy, r->block, 0, block_rows(r->block), NULL), ST_OK);
    encode(copy, out);
    block_free(copy);
}

static void assert_same(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->len_bytes, b->len_bytes);
    assert_memory_equal(a->bytes, b->bytes, a->len_bytes);
}

/* "No memory" if an allocation was refused, or done without it. */
static void assert_end(enum status st, bool was_refused)
{
    if (st != ST_OK && !(was_refused && st == ST_NO_MEMORY)) {
        fail_msg("%s, refused %d", status_text(st), was_refused);
    }
}

static void making_a_decoder(void **state)
{
    (void)state;
    struct rig r;
    struct buf wanted;
    struct buf now;
    buf_init(&wanted, 1 << 20);
    buf_init(&now, 1 << 20);
    describe(&r);
    open_fully(&r);
    assert_int_equal(add(&r, document, document_bytes), ST_OK);
    encode_rows(&r, &wanted);
    close_rig(&r);
    size_t n = 1;
    for (bool was_refused = true; was_refused && n < ALLOCATIONS_MAX; n++) {
        struct err err = {0};
        failing_heap_arm(n);
        enum status st = open_rig(&r, &err);
        was_refused = failing_heap_disarm();
        assert_end(st, was_refused);
        assert_true(st == ST_OK || err.text[0] != '\0');
        if (st == ST_OK) {
            assert_int_equal(add(&r, document, document_bytes), ST_OK);
            encode_rows(&r, &now);
            assert_same(&now, &wanted);
        }
        close_rig(&r);
    }
    assert_in_range(n, 100, ALLOCATIONS_MAX - 1);
    buf_done(&wanted);
    buf_done(&now);
}

static const char SMALL[] = "{\"c5\":\"z\"}";

static void adding_a_record(void **state)
{
    (void)state;
    struct rig r;
    struct buf before;
    struct buf now;
    struct buf wanted;
    buf_init(&before, 1 << 20);
    buf_init(&now, 1 << 20);
    buf_init(&wanted, 1 << 20);
    describe(&r);
    open_fully(&r);
    assert_int_equal(add(&r, SMALL, sizeof(SMALL) - 1), ST_OK);
    encode_rows(&r, &before);
    assert_int_equal(add(&r, document, document_bytes), ST_OK);
    encode_rows(&r, &wanted);
    close_rig(&r);

    size_t n = 1;
    for (bool was_refused = true; was_refused && n < ALLOCATIONS_MAX; n++) {
        open_fully(&r);
        assert_int_equal(add(&r, SMALL, sizeof(SMALL) - 1), ST_OK);
        failing_heap_arm(n);
        enum status st = add(&r, document, document_bytes);
        was_refused = failing_heap_disarm();
        assert_end(st, was_refused);
        if (st != ST_OK) {
            encode_rows(&r, &now);
            assert_same(&now, &before);
            assert_int_equal(add(&r, document, document_bytes), ST_OK);
        }
        encode_rows(&r, &now);
        assert_same(&now, &wanted);
        close_rig(&r);
    }
    assert_in_range(n, 10, ALLOCATIONS_MAX - 1);
    buf_done(&before);
    buf_done(&now);
    buf_done(&wanted);
}

static void adding_a_tombstone(void **state)
{
    (void)state;
    struct rig r;
    describe(&r);
    size_t n = 1;
    for (bool was_refused = true; was_refused && n < ALLOCATIONS_MAX; n++) {
        open_fully(&r);
        struct record record = record_of(NULL, 0);
        struct decoder_outcome outcome = {0};
        struct err err = {0};
        failing_heap_arm(n);
        enum status st = decoder_add_tombstone(r.decoder, &record, r.block, &outcome, &err);
        was_refused = failing_heap_disarm();
        assert_int_equal(st, was_refused ? ST_NO_MEMORY : ST_OK);
        assert_int_equal(block_rows(r.block), was_refused ? 0 : 1);
        assert_int_equal(decoder_add_tombstone(r.decoder, &record, r.block, &outcome, &err), ST_OK);
        close_rig(&r);
    }
    assert_in_range(n, 10, ALLOCATIONS_MAX - 1);
}

static void encoding_and_copying(void **state)
{
    (void)state;
    struct rig r;
    struct buf wanted;
    struct buf now;
    buf_init(&wanted, 1 << 20);
    buf_init(&now, 1 << 20);
    describe(&r);
    open_fully(&r);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(add(&r, document, document_bytes), ST_OK);
    }
    encode_rows(&r, &wanted);
    close_rig(&r);
    size_t n = 1;
    for (bool was_refused = true; was_refused && n < ALLOCATIONS_MAX; n++) {
        size_t count = 0;
        struct block *copy = NULL;
        open_fully(&r);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(add(&r, document, document_bytes), ST_OK);
        }
        const struct block_column *columns = plan_columns(r.plan, &count);
        assert_int_equal(block_new(columns, count, 0, &copy, NULL), ST_OK);
        failing_heap_arm(n);
        enum status st = block_copy_rows(copy, r.block, 0, 3, NULL);
        was_refused = failing_heap_disarm();
        assert_int_equal(st, was_refused ? ST_NO_MEMORY : ST_OK);
        assert_int_equal(block_rows(copy), was_refused ? 0 : 3);
        if (was_refused) {
            assert_int_equal(block_copy_rows(copy, r.block, 0, 3, NULL), ST_OK);
        }
        const struct block_piece *pieces = NULL;
        failing_heap_arm(n);
        st = block_encode(r.block, &pieces, &count, NULL);
        was_refused = failing_heap_disarm() || was_refused;
        assert_true(st == ST_OK || st == ST_NO_MEMORY);
        encode_rows(&r, &now);
        assert_same(&now, &wanted);
        block_free(r.block);
        r.block = copy;
        encode_rows(&r, &now);
        assert_same(&now, &wanted);
        close_rig(&r);
    }
    assert_in_range(n, 20, ALLOCATIONS_MAX - 1);
    buf_done(&wanted);
    buf_done(&now);
}

static size_t
two_headers(const struct record *record, struct record_header *ret_headers, size_t headers_max)
{
    (void)record;
    assert_true(headers_max >= 2);
    ret_headers[0] = (struct record_header){"a", 1, (const uint8_t *)"x", 1};
    ret_headers[1] = (struct record_header){"b", 1, NULL, 0};
    return 2;
}

static void writing_error_rows(void **state)
{
    (void)state;
    static char value[5000];
    memset(value, 'v', sizeof(value));
    struct reject reject;
    reject_set(&reject, REJECT_TYPE_CONVERSION, "c", "a reason");
    struct record record = record_of(value, sizeof(value));
    record.read_headers = two_headers;
    const struct reject_row row = {.record = &record, .reject = &reject, .now_ms = 1};
    size_t n = 1;
    for (bool was_refused = true; was_refused && n < ALLOCATIONS_MAX; n++) {
        struct reject_block *block = NULL;
        struct err err = {0};
        failing_heap_arm(n);
        enum status st = reject_block_new("pipe", 0, &block, &err);
        st = st == ST_OK ? reject_block_add(block, &row, &err) : st;
        was_refused = failing_heap_disarm();
        assert_int_equal(st, was_refused ? ST_NO_MEMORY : ST_OK);
        if (block != NULL) {
            size_t rows = block_rows(reject_block_rows(block));
            assert_int_equal(rows, was_refused ? 0 : 1);
            assert_int_equal(reject_block_add(block, &row, &err), ST_OK);
            assert_int_equal(block_rows(reject_block_rows(block)), rows + 1);
        }
        reject_block_free(block);
    }
    assert_in_range(n, 20, ALLOCATIONS_MAX - 1);
}

static void compressing(void **state)
{
    (void)state;
    static uint8_t bytes[300000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 2654435761U >> 13); /* hardly compressible */
    }
    const struct block_piece piece = {bytes, sizeof(bytes)};
    static const enum pipe_compression METHODS[] = {
        PIPE_COMPRESSION_LZ4, PIPE_COMPRESSION_ZSTD, PIPE_COMPRESSION_NONE};
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
        size_t n = 1;
        for (bool was_refused = true; was_refused && n < ALLOCATIONS_MAX; n++) {
            struct compressor *compressor = NULL;
            struct err err = {0};
            struct buf out;
            buf_init(&out, 1 << 20);
            failing_heap_arm(n);
            enum status st = compressor_new(METHODS[i], &compressor, &err);
            st = st == ST_OK ? compressor_run(compressor, &piece, 1, &out, &err) : st;
            was_refused = failing_heap_disarm();
            assert_end(st, was_refused);
            assert_true(st == ST_OK || out.len_bytes == 0);
            if (compressor != NULL) {
                size_t once = out.len_bytes;
                assert_int_equal(compressor_run(compressor, &piece, 1, &out, &err), ST_OK);
                assert_true(once == 0 || out.len_bytes == 2 * once);
            }
            compressor_free(compressor);
            buf_done(&out);
        }
        assert_in_range(n, 2, ALLOCATIONS_MAX - 1);
    }
}

static const char AVRO_SCHEMA[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
    "{\"name\":\"c0\",\"type\":\"int\"},"
    "{\"name\":\"c5\",\"type\":\"string\"},"
    "{\"name\":\"c6\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"long\"]}},"
    "{\"name\":\"c8\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"c14\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"string\"]}},"
    "{\"name\":\"c17\",\"type\":{\"type\":\"map\",\"values\":\"string\"}}]}";

/* The record above: 5, a text of 600 bytes, [null, 3], "k", ["x", null], {"k": "v"}. */
static size_t avro_body(uint8_t *out)
{
    size_t len = 0;
    out[len++] = 10;
    out[len++] = 0xb0; /* 600 as zigzag varint */
    out[len++] = 0x09;
    memset(out + len, 't', 600);
    len += 600;
    static const uint8_t REST[] = {4, 0,   2, 6, 0, 2, 2,   'k', 4,   2,
                                   2, 'x', 0, 0, 2, 2, 'k', 2,   'v', 0};
    memcpy(out + len, REST, sizeof(REST));
    return len + sizeof(REST);
}

static enum status
avro_row(struct rig *r, struct avro_reader *reader, const uint8_t *body, size_t len)
{
    struct reject reject = {0};
    enum status st = avro_record_reader_row(reader, body, len, r->block, &reject);
    if (st == ST_REJECTED) {
        fail_msg("%s", reject.message);
    }
    if (st == ST_OK) {
        block_row_commit(r->block, len);
    } else {
        block_row_rollback(r->block);
    }
    return st;
}

static void reading_avro(void **state)
{
    (void)state;
    static uint8_t body[1024];
    size_t len = avro_body(body);
    const struct schema schema = {
        .id = 7, .kind = SCHEMA_AVRO, .text = AVRO_SCHEMA, .text_bytes = sizeof(AVRO_SCHEMA) - 1};
    struct rig r;
    describe(&r);
    size_t n = 1;
    for (bool was_refused = true; was_refused && n < ALLOCATIONS_MAX; n++) {
        struct avro_reader *reader = NULL;
        struct err err = {0};
        open_fully(&r);
        failing_heap_arm(n);
        enum status st = avro_record_reader_new(&schema, r.plan, &reader, &err);
        st = st == ST_OK ? avro_row(&r, reader, body, len) : st;
        was_refused = failing_heap_disarm();
        if (st != (was_refused ? ST_NO_MEMORY : ST_OK)) {
            fail_msg("allocation %zu: %s: %s", n, status_text(st), err.text);
        }
        assert_int_equal(block_rows(r.block), was_refused ? 0 : 1);
        if (reader != NULL) {
            assert_int_equal(avro_row(&r, reader, body, len), ST_OK);
        }
        avro_record_reader_free(reader);
        close_rig(&r);
    }
    assert_in_range(n, 20, ALLOCATIONS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_decoder),   cmocka_unit_test(adding_a_record),
        cmocka_unit_test(adding_a_tombstone), cmocka_unit_test(encoding_and_copying),
        cmocka_unit_test(writing_error_rows), cmocka_unit_test(compressing),
        cmocka_unit_test(reading_avro),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
