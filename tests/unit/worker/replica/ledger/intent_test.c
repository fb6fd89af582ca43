/* The metadata of an offset: what is written is read again, and nothing else is. */
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/ledger/intent.h"

static const char USUAL[] =
    "p1:AQIDBAUGBwgJCgsMDQ4PEAIIBwYFBAMCAQLIAWNkgPCZs+lj0A8DgPDx8vP09fb3+Pn6+/z9/v8FAQEBAAOB"
    "ISIjJCUmJygpKissLS4vMN7jbm0a2V0a";

/* One of each: a hole before it, a part, another table, times that go back. */
static struct intent usual(void)
{
    struct intent intent = {
        .pipe_uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .epoch = 2,
        .nonce = 0x0102030405060708,
        .ranges_count = 2,
    };
    intent.ranges[0] = (struct intent_range){
        .first = 200,
        .last = 299,
        .count = 100,
        .first_ms = 1714953600000,
        .last_ms = 1714953601000,
        .mapping_version = 3,
    };
    intent.ranges[1] = (struct intent_range){
        .first = 305,
        .last = 306,
        .count = 1,
        .first_ms = 1714953600999,
        .last_ms = 1714953600999,
        .mapping_version = 3,
        .flags = INTENT_DIVIDED,
    };
    for (unsigned i = 0; i < INTENT_UUID_BYTES; i++) {
        intent.ranges[0].table_uuid[i] = (uint8_t)(0xf0 + i);
        intent.ranges[1].table_uuid[i] = (uint8_t)(0x21 + i);
    }
    return intent;
}

static void assert_same(const struct intent *is, const struct intent *expected)
{
    assert_memory_equal(is->pipe_uuid, expected->pipe_uuid, INTENT_UUID_BYTES);
    assert_int_equal(is->epoch, expected->epoch);
    assert_int_equal(is->nonce, expected->nonce);
    assert_int_equal(is->ranges_count, expected->ranges_count);
    for (size_t i = 0; i < expected->ranges_count; i++) {
        const struct intent_range *a = &is->ranges[i];
        const struct intent_range *b = &expected->ranges[i];
        assert_int_equal(a->first, b->first);
        assert_int_equal(a->last, b->last);
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->first_ms, b->first_ms);
        assert_int_equal(a->last_ms, b->last_ms);
        assert_int_equal(a->mapping_version, b->mapping_version);
        assert_memory_equal(a->table_uuid, b->table_uuid, INTENT_UUID_BYTES);
        assert_int_equal(a->flags, b->flags);
    }
}

static void write_and_read(const struct intent *intent)
{
    struct buf text;
    buf_init(&text, INTENT_BYTES_MAX);
    struct err err = {0};
    assert_int_equal(intent_write(intent, &text, &err), ST_OK);
    struct intent again;
    assert_int_equal(intent_read(buf_text(&text), &again, &err), ST_OK);
    assert_same(&again, intent);
    buf_done(&text);
}

/* The text is what older and newer replicas meet: it does not change. */
static void the_text_is_as_documented(void **state)
{
    (void)state;
    struct intent intent = usual();
    struct buf text;
    buf_init(&text, INTENT_BYTES_MAX);
    assert_int_equal(buf_add_text(&text, "before "), ST_OK);
    assert_int_equal(intent_write(&intent, &text, NULL), ST_OK);
    assert_memory_equal(buf_text(&text), "before ", 7);
    assert_string_equal(buf_text(&text) + 7, USUAL);
    buf_done(&text);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct intent intent = usual();
    write_and_read(&intent);
    intent.ranges[1].first_ms = intent.ranges[1].last_ms = -1;
    write_and_read(&intent);
    memset(intent.ranges[1].table_uuid, 0, INTENT_UUID_BYTES);
    write_and_read(&intent);
    intent.ranges_count = 1;
    write_and_read(&intent);
    intent.ranges_count = 0;
    write_and_read(&intent);
    struct intent nothing = {.epoch = 0};
    write_and_read(&nothing);
}

/* Every number as long as it can be, in as many ranges as there may be. */
static void the_widest_intent_fits(void **state)
{
    (void)state;
    struct intent intent = {
        .epoch = UINT64_MAX, .nonce = UINT64_MAX, .ranges_count = INTENT_RANGES_MAX};
    memset(intent.pipe_uuid, 0xff, INTENT_UUID_BYTES);
    int64_t step = INT64_MAX / INTENT_RANGES_MAX / 2;
    for (size_t i = 0; i < INTENT_RANGES_MAX; i++) {
        struct intent_range *range = &intent.ranges[i];
        *range = (struct intent_range){
            .first = (int64_t)(2 * i + 1) * step,
            .last = (int64_t)(2 * i + 2) * step,
            .count = UINT64_MAX,
            .first_ms = i % 2 == 0 ? INT64_MAX : INT64_MIN,
            .last_ms = i % 2 == 0 ? INT64_MIN : INT64_MAX,
            .mapping_version = UINT64_MAX,
            .flags = INTENT_DIVIDED,
        };
        memset(range->table_uuid, (int)i + 1, INTENT_UUID_BYTES);
    }
    intent.ranges[INTENT_RANGES_MAX - 1].last = INT64_MAX;
    write_and_read(&intent);
}

static void a_usual_intent_is_small(void **state)
{
    (void)state;
    struct intent intent = {.epoch = 1, .nonce = UINT64_MAX, .ranges_count = INTENT_RANGES_MAX};
    for (size_t i = 0; i < INTENT_RANGES_MAX; i++) {
        intent.ranges[i] = (struct intent_range){
            .first = 50000000000 + (int64_t)i * 100000,
            .last = 50000000000 + (int64_t)i * 100000 + 99999,
            .count = 100000,
            .first_ms = 1795000000000 + (int64_t)i * 1000,
            .last_ms = 1795000000999 + (int64_t)i * 1000,
            .mapping_version = 12,
        };
        memset(intent.ranges[i].table_uuid, 7, INTENT_UUID_BYTES);
    }
    struct buf text;
    buf_init(&text, INTENT_BYTES_MAX);
    assert_int_equal(intent_write(&intent, &text, NULL), ST_OK);
    assert_true(text.len_bytes < 700);
    buf_done(&text);
}

static void an_impossible_intent_is_not_written(void **state)
{
    (void)state;
    struct intent cases[6];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cases[i] = usual();
    }
    cases[0].ranges[0].first = -1;
    cases[1].ranges[0].last = 199;
    cases[2].ranges[1].first = 299;
    cases[3].ranges[1].flags = 2;
    cases[4].ranges[0].last = INT64_MAX;
    cases[5].ranges_count = INTENT_RANGES_MAX + 1;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text;
        buf_init(&text, INTENT_BYTES_MAX);
        struct err err = {0};
        enum status expected = i == 5 ? ST_TOO_LARGE : ST_INVALID;
        assert_int_equal(intent_write(&cases[i], &text, &err), expected);
        assert_string_not_equal(err.text, "");
        assert_int_equal(text.len_bytes, 0);
        buf_done(&text);
    }
}

static void a_buffer_too_small_stays_as_it_was(void **state)
{
    (void)state;
    struct intent intent = usual();
    struct buf text;
    buf_init(&text, sizeof(USUAL) - 2);
    assert_int_equal(intent_write(&intent, &text, NULL), ST_TOO_LARGE);
    assert_int_equal(text.len_bytes, 0);
    buf_done(&text);
}

static void what_is_not_ours_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status expected;
    } cases[] = {
        {NULL, ST_NOT_FOUND},
        {"", ST_NOT_FOUND},
        {"p1:", ST_INVALID},
        {"p1:AAAA", ST_INVALID},
        {"p1:AAAAAAAAAAA=", ST_INVALID},
        {"p1:a b", ST_INVALID},
        {"p0:AAAA", ST_INVALID},
        {"p01:AAAA", ST_INVALID},
        {"p:AAAA", ST_INVALID},
        {"p2", ST_INVALID},
        {"p2:", ST_UNSUPPORTED},
        {"p17:anything", ST_UNSUPPORTED},
        {"p1000:anything", ST_INVALID},
        {"connect", ST_INVALID},
        {"{\"offset\":1}", ST_INVALID},
        {" p1:", ST_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct intent intent = usual();
        struct intent expected = intent;
        struct err err = {0};
        assert_int_equal(intent_read(cases[i].text, &intent, &err), cases[i].expected);
        assert_string_not_equal(err.text, "");
        assert_same(&intent, &expected);
    }
}

/* Every character replaced, left out, doubled; the text cut at every length. */
static void damage_is_seen_at_every_byte(void **state)
{
    (void)state;
    const size_t len = sizeof(USUAL) - 1;
    struct intent intent;
    char text[sizeof(USUAL) + 1];
    for (size_t at = 0; at < len; at++) {
        for (unsigned c = 1; c < 256; c++) {
            memcpy(text, USUAL, sizeof(USUAL));
            if (text[at] == (char)c) {
                continue;
            }
            text[at] = (char)c;
            assert_int_not_equal(intent_read(text, &intent, NULL), ST_OK);
        }
        memcpy(text, USUAL, at);
        memcpy(text + at, USUAL + at + 1, len - at);
        assert_int_not_equal(intent_read(text, &intent, NULL), ST_OK);
        memcpy(text, USUAL, at + 1);
        memcpy(text + at + 1, USUAL + at, len - at + 1);
        assert_int_not_equal(intent_read(text, &intent, NULL), ST_OK);
        memcpy(text, USUAL, at);
        text[at] = '\0';
        assert_int_not_equal(intent_read(text, &intent, NULL), ST_OK);
    }
    assert_int_equal(intent_read(USUAL, &intent, NULL), ST_OK);
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[INTENT_BYTES_MAX + 2];
    memset(text, 'A', sizeof(text));
    memcpy(text, "p1:", 3);
    text[sizeof(text) - 1] = '\0';
    struct intent intent;
    struct err err = {0};
    assert_int_equal(intent_read(text, &intent, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "too long"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_as_documented),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_widest_intent_fits),
        cmocka_unit_test(a_usual_intent_is_small),
        cmocka_unit_test(an_impossible_intent_is_not_written),
        cmocka_unit_test(a_buffer_too_small_stays_as_it_was),
        cmocka_unit_test(what_is_not_ours_is_refused),
        cmocka_unit_test(damage_is_seen_at_every_byte),
        cmocka_unit_test(a_text_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
