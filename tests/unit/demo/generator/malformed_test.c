/* Broken records are really broken, in the share and the order they promise. jansson judges. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/uuid.h"

#include "demo/generator/malformed.h"
#include "tests/unit/unit.h"

static const int64_t some_wall_ms = 1767323045678;

static void build(enum malformed_kind kind, uint64_t index, struct text *text)
{
    struct order_params params = {.seed = 1, .index = index, .wall_ms = some_wall_ms};
    text_reset(text);
    malformed_build(kind, &params, text);
}

static json_t *load(const struct text *text)
{
    return json_loadb(text->bytes, text->len_bytes, JSON_REJECT_DUPLICATES, NULL);
}

static void broken_bytes_are_never_json(void **state)
{
    (void)state;
    static const enum malformed_kind kinds[] = {
        MALFORMED_TRUNCATED, MALFORMED_PLAIN_TEXT, MALFORMED_EMPTY,
        MALFORMED_TRAILING,  MALFORMED_UTF8,       MALFORMED_NUMBER,
    };
    static struct text text;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (uint64_t i = 0; i < 500; i++) {
            build(kinds[k], i, &text);
            assert_null(load(&text));
        }
    }
}

static void empty_has_no_bytes_and_the_others_have_some(void **state)
{
    (void)state;
    static struct text text;
    build(MALFORMED_EMPTY, 1, &text);
    assert_int_equal(text.len_bytes, 0);
    for (uint64_t i = 0; i < 500; i++) {
        build(MALFORMED_TRUNCATED, i, &text);
        assert_in_range(text.len_bytes, 1, TEXT_BYTES_MAX);
        assert_int_equal(text.bytes[0], '{');
    }
}

/* True if a value of the order cannot be what its column takes. */
static bool is_mistyped(const json_t *order)
{
    const json_t *item = json_array_get(json_object_get(order, "items"), 0);
    const char *status = json_string_value(json_object_get(order, "status"));
    const char *created_at = json_string_value(json_object_get(order, "created_at"));
    const char *amount = json_string_value(json_object_get(order, "amount"));
    return !uuid_is_valid(json_string_value(json_object_get(order, "order_id"))) ||
           !json_is_integer(json_object_get(order, "number")) ||
           strcmp(status, "teleported") == 0 ||
           strspn(created_at, "0123456789-T:.Z+") != strlen(created_at) ||
           !json_is_object(json_object_get(order, "customer")) ||
           json_integer_value(json_object_get(item, "quantity")) < 0 ||
           strspn(amount, "0123456789.") != strlen(amount);
}

static void wrong_types_are_json_that_fits_no_column(void **state)
{
    (void)state;
    static struct text text;
    for (uint64_t i = 0; i < 500; i++) {
        build(MALFORMED_TYPE, i, &text);
        json_t *order = load(&text);
        assert_non_null(order);
        assert_true(is_mistyped(order));
        json_decref(order);
        build(MALFORMED_NONE, i, &text);
        order = load(&text);
        assert_non_null(order);
        assert_false(is_mistyped(order));
        json_decref(order);
    }
}

static void share_goes_up_and_down_around_its_mean(void **state)
{
    (void)state;
    static const struct {
        uint64_t index;
        double percent;
    } cases[] = {
        {0, 1.0},
        {MALFORMED_WAVE_RECORDS / 4, 1.8},
        {MALFORMED_WAVE_RECORDS / 2, 1.0},
        {MALFORMED_WAVE_RECORDS / 4 * 3, 0.2},
        {MALFORMED_WAVE_RECORDS, 1.0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_float_equal(malformed_percent_at(cases[i].index, 1.0), cases[i].percent, 1e-9);
    }
}

static void choice_follows_the_share_and_the_seed(void **state)
{
    (void)state;
    unsigned by_kind[MALFORMED_KIND_COUNT] = {0};
    unsigned same = 0;
    for (uint64_t i = 0; i < MALFORMED_WAVE_RECORDS; i++) {
        enum malformed_kind kind = malformed_choose(1, i, 1.0);
        assert_int_equal(kind, malformed_choose(1, i, 1.0));
        assert_int_equal(malformed_choose(1, i, 0.0), MALFORMED_NONE);
        same += kind == malformed_choose(2, i, 1.0) ? 1 : 0;
        by_kind[kind]++;
    }
    assert_in_range(MALFORMED_WAVE_RECORDS - by_kind[MALFORMED_NONE], 850, 1150);
    for (int kind = 1; kind < MALFORMED_KIND_COUNT; kind++) {
        assert_in_range(by_kind[kind], 80, 220);
    }
    assert_true(same < MALFORMED_WAVE_RECORDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_bytes_are_never_json),
        cmocka_unit_test(empty_has_no_bytes_and_the_others_have_some),
        cmocka_unit_test(wrong_types_are_json_that_fits_no_column),
        cmocka_unit_test(share_goes_up_and_down_around_its_mean),
        cmocka_unit_test(choice_follows_the_share_and_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
