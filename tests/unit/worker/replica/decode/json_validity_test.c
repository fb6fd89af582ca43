/*
 * Is it JSON? Our walk against jansson on mutated documents, and the AVX2 walk against the one for
 * every processor, cells included. Deterministic: the same mutations each run.
 */
#include <jansson.h>
#include <string.h>

#include "tests/unit/worker/replica/decode/fixture.h"

enum {
    ROUNDS = 60000,
    DOCUMENT_MAX_BYTES = 1024,
};

static const char *const SEEDS[] = {
    "{\"a\":1,\"b\":{\"c\":\"text\"},\"list\":[1,2,{\"d\":null}]}",
    "{\"a\":\"h\xc3\xa9llo \xe6\xb0\xb4 \xf0\x9f\x98\x80\",\"b\":{\"c\":-1.5e+10},\"x\":[[],[{}]]}",
    "{\"unknown\":[true,false,null,0,-0,0.5,1e5,\"\\u00e9\\n\\ud83d\\ude00\"],\"a\":[1, 2 ]}",
    " {\n  \"a\" : {\"k\" : [ ] } ,\r\n\t\"list\" : [ \"first\" , \"second\" ] } ",
    ("{\"a\":\"a long string that goes over more than thirty-two bytes, even over sixty-four, \\\" "
     "and on\",\"b\":{\"unknown\":{\"c\":1},\"c\":2}}"),
    "{}",
};

static uint64_t state_random = 88172645463325252ULL;

static uint64_t random_next(void)
{
    state_random ^= state_random << 13;
    state_random ^= state_random >> 7;
    state_random ^= state_random << 17;
    return state_random;
}

/* Change, drop, double or insert a few bytes. */
static size_t mutate(char *text, size_t len)
{
    static const char BYTES[] =
        "{}[]\",:\\/ntrue0123456789.-+eE \t\n\r\x01\x7f\x80\xc3\xa9\xed\xa0\xf4\xff";
    size_t changes = random_next() % 4;
    for (size_t i = 0; i < changes && len > 0; i++) {
        size_t at = random_next() % len;
        char byte = BYTES[random_next() % (sizeof(BYTES) - 1)];
        switch (random_next() % 3) {
        case 0:
            text[at] = byte;
            break;
        case 1:
            memmove(text + at, text + at + 1, len - at - 1);
            len--;
            break;
        default:
            memmove(text + at + 1, text + at, len - at);
            text[at] = byte;
            len++;
        }
    }
    return random_next() % 8 == 0 ? random_next() % (len + 1) : len;
}

/* jansson's verdict; numbers it cannot hold are no syntax errors. */
static bool is_valid(const char *text, size_t len, bool *ret_is_known)
{
    json_error_t error;
    json_t *value = json_loadb(text, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    *ret_is_known = true;
    bool is_object = json_is_object(value);
    if (value == NULL) {
        enum json_error_code code = json_error_code(&error);
        *ret_is_known = code != json_error_numeric_overflow && code != json_error_duplicate_key &&
                        code != json_error_null_byte_in_key;
    }
    json_decref(value);
    return is_object;
}

static void json_is_what_jansson_says(void **state)
{
    (void)state;
    /* String takes every value, so that only JSON itself decides */
    static const struct fixture_column COLUMNS[] = {
        {"a", "String", NULL},
        {"c", "Nullable(String)", "b.c"},
        {"first", "String", "list.0"},
        {"d", "String", "list.2.d"},
        {NULL, NULL, NULL}};
    struct fixture fast;
    struct fixture plain;
    fixture_open(&fast, COLUMNS, NULL);
    fixture_open(&plain, COLUMNS, NULL);
    decoder_use_baseline(plain.decoder);
    size_t accepted = 0;
    size_t refused = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        char text[DOCUMENT_MAX_BYTES];
        const char *seed = SEEDS[random_next() % ARRAY_LEN(SEEDS)];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        len = mutate(text, len);
        bool is_known = false;
        bool wanted = is_valid(text, len, &is_known);
        enum status st = fixture_add_bytes(&fast, text, len);
        if (is_known && (st == ST_OK) != wanted) {
            fail_msg("%.*s: jansson %d, ours: %s", (int)len, text, wanted, fast.reject.message);
        }
        assert_int_equal(fixture_add_bytes(&plain, text, len), st);
        accepted += st == ST_OK ? 1 : 0;
        refused += st == ST_OK ? 0 : 1;
        if (block_rows(fast.block) == 1000) {
            for (size_t c = 0; c < block_columns_count(fast.block); c++) {
                const struct column *left = block_column(fast.block, c);
                const struct column *right = block_column(plain.block, c);
                assert_int_equal(left->data.len, right->data.len);
                assert_memory_equal(left->data.at, right->data.at, left->data.len);
            }
            block_reset(fast.block);
            block_reset(plain.block);
        }
    }
    assert_true(accepted > ROUNDS / 10 && refused > ROUNDS / 10);
    fixture_close(&fast);
    fixture_close(&plain);
}

/* Typed columns: any verdict is fine, but both walks have the same, and nothing else happens. */
static void walks_agree_on_typed_columns(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"i", "Int32", NULL},
        {"f", "Float64", NULL},
        {"u", "Nullable(UUID)", NULL},
        {"t", "DateTime64(3)", NULL},
        {"d", "Decimal(18, 4)", NULL},
        {"l", "LowCardinality(Nullable(String))", NULL},
        {"o", "Tuple(x Nullable(Int8), y Array(String))", NULL},
        {"m", "Map(String, Bool)", NULL},
        {"e", "Enum8('p' = 1, 'q' = 2)", NULL},
        {"s", "FixedString(4)", NULL},
        {NULL, NULL, NULL}};
    static const char SEED[] =
        "{\"i\":-12345678,\"f\":12.5,\"u\":\"61f0c404-5cb3-11e7-907b-a6006ad3dba0\","
        "\"t\":\"2024-01-02T03:04:05.678Z\",\"d\":123.4567,\"l\":\"kind\",\"o\":{\"x\":1,"
        "\"y\":[\"a\",\"b\"]},\"m\":{\"k\":true,\"l\":false},\"e\":\"q\",\"s\":\"abcd\"}";
    struct fixture fast;
    struct fixture plain;
    fixture_open(&fast, COLUMNS, NULL);
    fixture_open(&plain, COLUMNS, NULL);
    decoder_use_baseline(plain.decoder);
    for (size_t i = 0; i < ROUNDS; i++) {
        char text[DOCUMENT_MAX_BYTES];
        memcpy(text, SEED, sizeof(SEED));
        size_t len = mutate(text, sizeof(SEED) - 1);
        enum status st = fixture_add_bytes(&fast, text, len);
        assert_int_equal(fixture_add_bytes(&plain, text, len), st);
        if (st == ST_REJECTED) {
            assert_string_equal(fast.reject.message, plain.reject.message);
        }
    }
    assert_true(block_rows(fast.block) > ROUNDS / 10);
    for (size_t c = 0; c < block_columns_count(fast.block); c++) {
        const struct column *left = block_column(fast.block, c);
        const struct column *right = block_column(plain.block, c);
        assert_int_equal(column_items(left), block_rows(fast.block));
        assert_int_equal(left->data.len, right->data.len);
        assert_true(
            left->data.len == 0 || memcmp(left->data.at, right->data.at, left->data.len) == 0);
    }
    fixture_close(&fast);
    fixture_close(&plain);
}

/* Characters of every length at every place of long texts, whole and broken. */
static void walks_agree_on_long_text(void **state)
{
    (void)state;
    enum {
        TEXT_BYTES = 5000,
        LONG_ROUNDS = 4000,
    };
    static const struct fixture_column COLUMNS[] = {{"a", "String", NULL}, {NULL, NULL, NULL}};
    static const char *const CHARACTERS[] = {"\xc3\xa9", "\xe6\xb0\xb4", "\xf0\x9f\x98\x80"};
    static char text[TEXT_BYTES + 64];
    struct fixture fast;
    struct fixture plain;
    fixture_open(&fast, COLUMNS, NULL);
    fixture_open(&plain, COLUMNS, NULL);
    decoder_use_baseline(plain.decoder);
    size_t accepted = 0;
    for (size_t i = 0; i < LONG_ROUNDS; i++) {
        size_t len = random_next() % TEXT_BYTES;
        memcpy(text, "{\"a\":\"", 6);
        memset(text + 6, 'x', len);
        for (size_t k = random_next() % 4; k > 0 && len > 8; k--) {
            const char *character = CHARACTERS[random_next() % ARRAY_LEN(CHARACTERS)];
            memcpy(text + 6 + random_next() % (len - 4), character, strlen(character));
        }
        if (random_next() % 2 == 0 && len > 0) {
            text[6 + random_next() % len] = (char)(0x80 + random_next() % 128);
        }
        memcpy(text + 6 + len, "\"}", 2);
        enum status st = fixture_add_bytes(&fast, text, len + 8);
        assert_int_equal(fixture_add_bytes(&plain, text, len + 8), st);
        accepted += st == ST_OK ? 1 : 0;
    }
    assert_in_range(accepted, LONG_ROUNDS / 10, LONG_ROUNDS * 9 / 10);
    fixture_close(&fast);
    fixture_close(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_what_jansson_says),
        cmocka_unit_test(walks_agree_on_typed_columns),
        cmocka_unit_test(walks_agree_on_long_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
