/* Texts of a guarantee, its JSON, and which columns tell where a row came from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/guarantee.h"

#include "tests/unit/unit.h"

static void modes_have_texts(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "at-least-once", "exactly-once-by-token", "exactly-once-by-check"};
    for (unsigned i = 0; i < ARRAY_LEN(TEXTS); i++) {
        assert_string_equal(guarantee_mode_text((enum guarantee_mode)i), TEXTS[i]);
        assert_int_equal(guarantee_mode_from_text(TEXTS[i]), i);
    }
    assert_int_equal(guarantee_mode_from_text("exactly-once"), GUARANTEE_AT_LEAST_ONCE);
    assert_int_equal(guarantee_mode_from_text(NULL), GUARANTEE_AT_LEAST_ONCE);
}

static void assert_json(const struct guarantee *guarantee, const char *expected)
{
    struct json_text json;
    json_text_init(&json, 1000);
    guarantee_write(&json, NULL, guarantee);
    assert_int_equal(json.status, ST_OK);
    assert_string_equal(buf_text(&json.out), expected);
    json_text_done(&json);
}

static void the_json_is_the_summarys(void **state)
{
    (void)state;
    struct guarantee guarantee = {
        .mode = GUARANTEE_BY_TOKEN, .inserts = 500, .seconds = 3600, .detail = "d"};
    assert_json(
        &guarantee, "{\"mode\":\"exactly-once-by-token\",\"detail\":\"d\",\"protects\":"
                    "{\"inserts\":500,\"seconds\":3600}}");
    guarantee.mode = GUARANTEE_BY_CHECK;
    guarantee.inserts = GUARANTEE_UNLIMITED;
    assert_json(
        &guarantee, "{\"mode\":\"exactly-once-by-check\",\"detail\":\"d\",\"protects\":"
                    "{\"inserts\":null,\"seconds\":3600}}");
    guarantee.mode = GUARANTEE_AT_LEAST_ONCE;
    assert_json(&guarantee, "{\"mode\":\"at-least-once\",\"detail\":\"d\",\"protects\":null}");
}

static void offsets_are_stored_where_columns_read_them(void **state)
{
    (void)state;
    static const struct {
        const char *columns[4];
        const char *mapping[2]; /* from, to */
        const char *offset;     /* NULL = not all three */
    } cases[] = {
        {{"id", "_topic", "_partition", "_offset"}, {NULL, NULL}, "_offset"},
        {{"id", "_topic", "_partition", "at"}, {"_offset", "at"}, "at"},
        {{"id", "_topic", "_partition", "_offset"}, {"a.b", "_offset"}, NULL},
        {{"id", "_topic", "_partition", NULL}, {NULL, NULL}, NULL},
        {{"_offset", "_topic", "_partition", "at"}, {"_offset", "at"}, "_offset"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char names[4][16];
        char mapping[2][16];
        struct pipe_column columns[4];
        struct pipe_field_mapping field = {mapping[0], mapping[1]};
        struct pipe_spec pipe = {.destination = {.columns = columns}};
        for (size_t k = 0; k < 4 && cases[i].columns[k] != NULL; k++) {
            (void)snprintf(names[k], sizeof(names[k]), "%s", cases[i].columns[k]); /* fits */
            columns[k].name = names[k];
            pipe.destination.columns_count++;
        }
        if (cases[i].mapping[0] != NULL) {
            (void)snprintf(mapping[0], sizeof(mapping[0]), "%s", cases[i].mapping[0]); /* fits */
            (void)snprintf(mapping[1], sizeof(mapping[1]), "%s", cases[i].mapping[1]); /* fits */
            pipe.mappings = &field;
            pipe.mappings_count = 1;
        }
        struct guarantee_columns found = {.topic = "?"};
        assert_int_equal(guarantee_columns(&pipe, &found), cases[i].offset != NULL);
        if (cases[i].offset != NULL) {
            assert_string_equal(found.topic, "_topic");
            assert_string_equal(found.partition, "_partition");
            assert_string_equal(found.offset, cases[i].offset);
        } else {
            assert_null(found.topic);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_have_texts),
        cmocka_unit_test(the_json_is_the_summarys),
        cmocka_unit_test(offsets_are_stored_where_columns_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
