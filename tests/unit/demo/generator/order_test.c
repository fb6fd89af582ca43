/* Orders are JSON with the members their columns need; times, flaws, envelopes. jansson judges. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/uuid.h"

#include "demo/generator/order.h"
#include "tests/unit/unit.h"

enum {
    ORDERS = 5000
};

static const int64_t some_wall_ms = 1767323045678; /* 2026-01-02T03:04:05.678Z */

static json_t *build(uint64_t seed, uint64_t index, int64_t wall_ms, enum order_flaw flaw)
{
    static struct text text;
    struct order_params params = {.seed = seed, .index = index, .wall_ms = wall_ms, .flaw = flaw};
    text_reset(&text);
    order_build(&params, &text);
    json_error_t error;
    json_t *json = json_loadb(text.bytes, text.len_bytes, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        print_message("order %llu: %s\n", (unsigned long long)index, error.text);
    }
    assert_non_null(json);
    return json;
}

/* Milliseconds since the epoch of 2026-01-02T03:04:05.678 with Z, +hh:mm or -hh:mm behind. */
static int64_t parse_time(const char *text)
{
    struct tm broken = {0};
    int ms = 0;
    int hours = 0;
    int minutes = 0;
    char sign = 0;
    int got = sscanf(
        text, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c%2d:%2d", &broken.tm_year, &broken.tm_mon,
        &broken.tm_mday, &broken.tm_hour, &broken.tm_min, &broken.tm_sec, &ms, &sign, &hours,
        &minutes);
    assert_true((got == 8 && sign == 'Z') || (got == 10 && (sign == '+' || sign == '-')));
    broken.tm_year -= 1900;
    broken.tm_mon -= 1;
    int64_t offset_ms = (hours * 60 + minutes) * INT64_C(60000) * (sign == '-' ? -1 : 1);
    return (int64_t)timegm(&broken) * 1000 + ms - offset_ms;
}

static void check_customer(const json_t *customer)
{
    const json_t *address = json_object_get(customer, "address");
    assert_true(json_is_integer(json_object_get(customer, "id")));
    assert_true(json_is_string(json_object_get(customer, "name")));
    assert_true(json_is_boolean(json_object_get(customer, "vip")));
    assert_true(json_is_string(json_object_get(address, "city")));
    assert_int_equal(json_string_length(json_object_get(address, "country")), 2);
}

static void check_items(const json_t *items)
{
    size_t index = 0;
    json_t *item = NULL;
    assert_in_range(json_array_size(items), 1, 5);
    json_array_foreach(items, index, item)
    {
        assert_true(json_is_string(json_object_get(item, "sku")));
        assert_true(json_integer_value(json_object_get(item, "quantity")) > 0);
        assert_true(json_is_real(json_object_get(item, "price")));
    }
}

static void every_order_has_the_members_of_its_columns(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < ORDERS; i++) {
        json_t *order = build(1, i, some_wall_ms, ORDER_FLAW_NONE);
        assert_true(uuid_is_valid(json_string_value(json_object_get(order, "order_id"))));
        assert_int_equal(json_integer_value(json_object_get(order, "number")), 1000000 + i);
        assert_int_equal(
            parse_time(json_string_value(json_object_get(order, "created_at"))), some_wall_ms);
        check_customer(json_object_get(order, "customer"));
        check_items(json_object_get(order, "items"));
        assert_true(json_is_array(json_object_get(order, "tags")));
        assert_true(json_is_string(json_object_get(order, "amount")));
        assert_true(json_is_real(json_object_get(order, "weight_kg")));
        assert_true(json_is_boolean(json_object_get(order, "paid")));
        assert_true(json_is_object(json_object_get(order, "attributes")));
        assert_int_equal(json_string_length(json_object_get(order, "deliver_on")), 10);
        json_decref(order);
    }
}

static void optional_members_are_there_null_and_missing(void **state)
{
    (void)state;
    static const char *const names[] = {"shipping", "discount", "coupon"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        int there = 0;
        int null = 0;
        int missing = 0;
        for (uint64_t i = 0; i < 500; i++) {
            json_t *order = build(1, i, some_wall_ms, ORDER_FLAW_NONE);
            const json_t *member = json_object_get(order, names[n]);
            missing += member == NULL ? 1 : 0;
            null += json_is_null(member) ? 1 : 0;
            there += member != NULL && !json_is_null(member) ? 1 : 0;
            json_decref(order);
        }
        assert_true(there > 20 && null > 20 && missing > 20);
    }
}

static void same_seed_and_index_give_the_same_order(void **state)
{
    (void)state;
    json_t *one = build(5, 99, some_wall_ms, ORDER_FLAW_NONE);
    json_t *two = build(5, 99, some_wall_ms, ORDER_FLAW_NONE);
    json_t *other_seed = build(6, 99, some_wall_ms, ORDER_FLAW_NONE);
    assert_true(json_equal(one, two));
    assert_false(json_equal(one, other_seed));
    json_decref(one);
    json_decref(two);
    json_decref(other_seed);
}

static void times_are_right_at_the_edges_of_days_and_years(void **state)
{
    (void)state;
    static const int64_t moments_ms[] = {
        86400000,
        951782399999 /* 2000-02-28T23:59:59.999Z */,
        951868800000 /* 2000-03-01 */,
        1709164800000 /* 2024-02-29 */,
        1767225599999,
        4102444800000 /* 2100-01-01 */,
    };
    for (size_t m = 0; m < sizeof(moments_ms) / sizeof(moments_ms[0]); m++) {
        for (uint64_t i = 0; i < 50; i++) { /* every place, so every zone */
            json_t *order = build(2, i, moments_ms[m], ORDER_FLAW_NONE);
            assert_int_equal(
                parse_time(json_string_value(json_object_get(order, "created_at"))), moments_ms[m]);
            json_decref(order);
        }
    }
}

static void a_flaw_changes_its_member_alone(void **state)
{
    (void)state;
    static const struct {
        enum order_flaw flaw;
        const char *member;
    } cases[] = {
        {ORDER_FLAW_ID, "order_id"},       {ORDER_FLAW_NUMBER, "number"},
        {ORDER_FLAW_STATUS, "status"},     {ORDER_FLAW_TIME, "created_at"},
        {ORDER_FLAW_CUSTOMER, "customer"}, {ORDER_FLAW_QUANTITY, "items"},
        {ORDER_FLAW_AMOUNT, "amount"},
    };
    assert_int_equal(sizeof(cases) / sizeof(cases[0]), ORDER_FLAW_COUNT - 1);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        json_t *good = build(1, 17, some_wall_ms, ORDER_FLAW_NONE);
        json_t *bad = build(1, 17, some_wall_ms, cases[c].flaw);
        assert_false(json_equal(
            json_object_get(good, cases[c].member), json_object_get(bad, cases[c].member)));
        /* The dice are not asked for a member that is replaced: only its kind is compared after. */
        assert_int_equal(json_typeof(json_object_get(bad, "tags")), JSON_ARRAY);
        json_decref(good);
        json_decref(bad);
    }
}

static void envelope_names_the_customer_of_the_order(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        struct order_params params = {.seed = 1, .index = i, .wall_ms = some_wall_ms};
        struct order_envelope envelope;
        order_envelope(&params, &envelope);
        json_t *order = build(1, i, some_wall_ms, ORDER_FLAW_NONE);
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(order, "customer"), "id")),
            envelope.customer_id);
        assert_int_equal(strspn(envelope.trace_id, "0123456789abcdef"), ORDER_TRACE_HEX_DIGITS);
        assert_non_null(envelope.source);
        json_decref(order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_has_the_members_of_its_columns),
        cmocka_unit_test(optional_members_are_there_null_and_missing),
        cmocka_unit_test(same_seed_and_index_give_the_same_order),
        cmocka_unit_test(times_are_right_at_the_edges_of_days_and_years),
        cmocka_unit_test(a_flaw_changes_its_member_alone),
        cmocka_unit_test(envelope_names_the_customer_of_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
