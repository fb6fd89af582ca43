/*
 * Any bytes as a document into columns that take every value: we accept exactly what simdjson
 * does, a text is the one it finds, and the walk for AVX2 does what the one for every processor
 * does. Exceptions, as docs/type-mapping.md has them: a mapped key twice and more than 1,000
 * levels are refused by us alone; numbers too large for simdjson are not.
 */
#include <jansson.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/judge.h"
#include "tests/fuzz/pipeline.h"
#include "worker/replica/block/column.h"

static const struct pipeline_column COLUMNS[] = {
    {"a", "String", NULL},
    {"c", "Nullable(String)", "b.c"},
    {"first", "LowCardinality(String)", "list.0"},
    {"d", "String", "list.2.d"},
};

enum {
    ENCODED_MAX_BYTES = 64 << 20
};

/* The only text of a String column of one row. */
static void require_text(const struct column *column, const char *text, size_t len)
{
    uint64_t found = 0;
    const uint8_t *at = bytes_read_varint(column->data.at, &found);
    FUZZ_REQUIRE(found == len, "%zu bytes, simdjson %zu", (size_t)found, len);
    FUZZ_REQUIRE(len == 0 || memcmp(at, text, len) == 0, "%.*s", (int)len, text);
}

static bool is_our_own_rule(const char *message)
{
    return strstr(message, "stands twice") != NULL || strstr(message, "levels") != NULL;
}

/* simdjson does not say whether a number is broken or only too large: jansson does, but takes a
 * zero byte behind a number for a blank. */
static void judge_number(const uint8_t *data, size_t size, enum status st, const char *message)
{
    json_error_t error;
    json_t *value = json_loadb((const char *)data, size, JSON_ALLOW_NUL, &error);
    enum json_error_code code = value == NULL ? json_error_code(&error) : json_error_unknown;
    bool is_object = json_is_object(value);
    bool is_silent = memchr(data, 0, size) != NULL;
    is_silent = is_silent || (value == NULL && (code == json_error_numeric_overflow ||
                                                code == json_error_null_byte_in_key ||
                                                code == json_error_stack_overflow));
    json_decref(value);
    if (!is_silent && !(st == ST_REJECTED && is_our_own_rule(message))) {
        FUZZ_REQUIRE((st == ST_OK) == is_object, "jansson %d, ours: %s", is_object, message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pipeline fast;
    static struct pipeline plain;
    static struct buf left;
    static struct buf right;
    if (fast.plan == NULL) {
        size_t count = ARRAY_LEN(COLUMNS);
        FUZZ_REQUIRE(pipeline_open(&fast, COLUMNS, count, NULL, false), "types");
        FUZZ_REQUIRE(pipeline_open(&plain, COLUMNS, count, NULL, true), "types");
        buf_init(&left, ENCODED_MAX_BYTES);
        buf_init(&right, ENCODED_MAX_BYTES);
    }
    enum status st = pipeline_add(&fast, data, size);
    FUZZ_REQUIRE(pipeline_add(&plain, data, size) == st, "%s", fast.reject.message);
    FUZZ_REQUIRE(block_rows(fast.block) == (st == ST_OK), "%zu rows", block_rows(fast.block));
    if (st == ST_REJECTED) {
        FUZZ_REQUIRE(
            strcmp(fast.reject.message, plain.reject.message) == 0, "%s, baseline %s",
            fast.reject.message, plain.reject.message);
    }
    pipeline_encode(fast.block, &left);
    pipeline_encode(plain.block, &right);
    FUZZ_REQUIRE(
        left.len_bytes == right.len_bytes && memcmp(left.bytes, right.bytes, left.len_bytes) == 0,
        "the walks differ");

    bool has_mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0; /* simdjson: later ones */
    const char *text = NULL;
    size_t len = 0;
    const char *message = st == ST_OK ? "accepted" : fast.reject.message;
    data += has_mark ? 3 : 0;
    size -= has_mark ? 3 : 0;
    switch (judge_document(data, size, &text, &len)) {
    case JUDGE_OBJECT:
        FUZZ_REQUIRE(st == ST_OK || is_our_own_rule(message), "%s", message);
        if (st == ST_OK && text != NULL) {
            require_text(block_column(fast.block, 0), text, len);
        }
        break;
    case JUDGE_OTHER:
    case JUDGE_INVALID:
        FUZZ_REQUIRE(st == ST_REJECTED, "simdjson refuses it");
        break;
    case JUDGE_NUMBER:
        judge_number(data, size, st, message);
        break;
    }
    block_reset(fast.block);
    block_reset(plain.block);
    return 0;
}
