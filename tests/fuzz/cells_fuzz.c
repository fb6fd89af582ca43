/*
 * Any bytes as a value for a column of any type and any setting. The first two bytes choose them.
 * Whatever the verdict: both walks have the same, with the same bytes; a refused record leaves the
 * block as it was and the next record works; rows copied are the rows.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pipeline.h"

static const char *const TYPES[] = {
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt64",
    "Float32",
    "Float64",
    "Decimal(9, 2)",
    "Decimal(18, 4)",
    "Decimal(38, 10)",
    "Bool",
    "String",
    "FixedString(5)",
    "LowCardinality(Nullable(String))",
    "UUID",
    "Date",
    "Date32",
    "DateTime",
    "DateTime64(3)",
    "DateTime64(9)",
    "DateTime64(3, 'Asia/Tokyo')",
    "Enum8('a' = 1, 'b' = -2, '5' = 3)",
    "Array(Nullable(Int32))",
    "Array(Array(String))",
    "Map(String, Float64)",
    "Map(LowCardinality(String), Array(UInt8))",
    "Tuple(a Nullable(Int8), b String, c Tuple(d Date, e Map(String, UInt8)))",
    "Tuple(Int32, String)",
    "Array(Tuple(x UInt8, y LowCardinality(String)))",
    /* left out while the build has none of them */
    "Int128",
    "UInt256",
    "Decimal(76, 20)",
    "BFloat16",
    "IPv4",
    "IPv6",
    "Time",
    "Time64(3)",
    "Map(Int32, String)",
    "LowCardinality(Date)",
    "Nested(a Int32, b Array(String))",
    "SimpleAggregateFunction(sum, Int64)",
    "Variant(Int64, String)",
    "JSON",
    "Array(Variant(Date, Float64, LowCardinality(String)))",
    "Map(LowCardinality(UInt8), Nullable(JSON))",
    "LowCardinality(Nullable(FixedString(3)))",
    "Nullable(Tuple(a LowCardinality(UUID), b Map(Date, JSON)))",
};

enum {
    SETTINGS = 16,
    VALUE_MAX_BYTES = 8192,
    ENCODED_MAX_BYTES = 16 << 20,
};

struct pair {
    struct pipeline fast;
    struct pipeline plain;
    bool is_open;
    bool is_missing;
};

static struct pair *open_pair(unsigned type, unsigned settings)
{
    static struct pair pairs[ARRAY_LEN(TYPES)][SETTINGS];
    struct pair *p = &pairs[type][settings];
    if (p->is_open || p->is_missing) {
        return p->is_missing ? NULL : p;
    }
    struct pipe_settings chosen = {
        .overflow = (enum pipe_overflow)(settings % 3),
        .null_mode = (enum pipe_null)((settings >> 2) % 2),
        .timestamp_unit = (enum pipe_timestamp_unit)((settings >> 3) % 2 * 2),
        .defaults = settings % 5 == 4 ? PIPE_DEFAULTS_SERVER : PIPE_DEFAULTS_ZERO,
    };
    const struct pipeline_column columns[] = {{"v", TYPES[type], NULL}, {"w", "String", NULL}};
    p->is_missing = !pipeline_open(&p->fast, columns, 2, &chosen, false);
    if (p->is_missing) {
        return NULL;
    }
    FUZZ_REQUIRE(pipeline_open(&p->plain, columns, 2, &chosen, true), "types");
    p->is_open = true;
    return p;
}

static void require_equal(const struct buf *a, const struct buf *b, const char *what)
{
    FUZZ_REQUIRE(
        a->len_bytes == b->len_bytes && memcmp(a->bytes, b->bytes, a->len_bytes) == 0,
        "%s: %zu and %zu bytes", what, a->len_bytes, b->len_bytes);
}

/* The block's rows in a block of their own. A dictionary keeps the words of refused records, so
 * blocks with the same rows need not have the same bytes; these have. */
static void encode_rows(const struct pipeline *p, struct buf *out)
{
    struct block *copy = NULL;
    size_t count = 0;
    const struct block_column *columns = plan_columns(p->plan, &count);
    FUZZ_REQUIRE(block_new(columns, count, 0, &copy, NULL) == ST_OK, "memory");
    FUZZ_REQUIRE(block_copy_rows(copy, p->block, 0, block_rows(p->block), NULL) == ST_OK, "memory");
    pipeline_encode(copy, out);
    block_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf before;
    static struct buf left;
    static struct buf right;
    static uint8_t document[VALUE_MAX_BYTES + 32];
    before.max_bytes = left.max_bytes = right.max_bytes = ENCODED_MAX_BYTES;
    if (size < 2 || size > VALUE_MAX_BYTES) {
        return 0;
    }
    struct pair *p = open_pair(data[0] % ARRAY_LEN(TYPES), data[1] % SETTINGS);
    if (p == NULL) {
        return 0;
    }
    size_t len = 0;
    memcpy(document, "{\"v\":", 5);
    len += 5;
    memcpy(document + len, data + 2, size - 2);
    len += size - 2;
    memcpy(document + len, ",\"w\":\"x\"}", 9);
    len += 9;

    static const uint8_t GOOD[] = "{\"w\":\"y\"}";
    FUZZ_REQUIRE(
        pipeline_add(&p->fast, GOOD, sizeof(GOOD) - 1) == ST_OK, "%s", p->fast.reject.message);
    FUZZ_REQUIRE(
        pipeline_add(&p->plain, GOOD, sizeof(GOOD) - 1) == ST_OK, "%s", p->fast.reject.message);
    encode_rows(&p->fast, &before);
    enum status st = pipeline_add(&p->fast, document, len);
    FUZZ_REQUIRE(pipeline_add(&p->plain, document, len) == st, "%s", p->fast.reject.message);
    pipeline_encode(p->fast.block, &left);
    pipeline_encode(p->plain.block, &right);
    require_equal(&left, &right, "the walks differ");
    encode_rows(&p->fast, &right);
    if (st == ST_REJECTED) {
        require_equal(&right, &before, "a refused record changed the rows");
        FUZZ_REQUIRE(
            strcmp(p->fast.reject.message, p->plain.reject.message) == 0, "%s, baseline %s",
            p->fast.reject.message, p->plain.reject.message);
        FUZZ_REQUIRE(p->fast.reject.message[0] != '\0', "no reason");
    } else {
        require_equal(&left, &right, "copied rows");
    }
    block_reset(p->fast.block);
    block_reset(p->plain.block);
    return 0;
}
