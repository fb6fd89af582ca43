/* Tokens: the same for the same range, another for any other, readable, and never too long. */
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/ledger/token.h"

static const struct token_scope SCOPE = {
    .pipe_id = "3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5f",
    .topic = "orders",
    .partition = 3,
    .epoch = 2,
    .nonce = 77,
};

static const struct intent_range RANGE = {
    .first = 100,
    .last = 199,
    .count = 100,
    .first_ms = 1000,
    .last_ms = 2000,
    .mapping_version = 1,
    .table_uuid = {1},
};

static const char TOKEN[] =
    "3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5f-2-3-100-199-d63feb5205e68cc03d106634060be0d1";

/* The token of a pipe that is upgraded between two tries must not change. */
static void the_token_is_readable_and_stays(void **state)
{
    (void)state;
    char token[TOKEN_BYTES];
    assert_int_equal(token_make(&SCOPE, &RANGE, token, NULL), ST_OK);
    assert_string_equal(token, TOKEN);
}

static void every_field_makes_another_token(void **state)
{
    (void)state;
    struct token_scope scopes[6] = {SCOPE, SCOPE, SCOPE, SCOPE, SCOPE, SCOPE};
    scopes[1].pipe_id = "3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e50";
    scopes[2].topic = "order";
    scopes[3].partition = 4;
    scopes[4].epoch = 3;
    scopes[5].nonce = 78;
    struct intent_range ranges[6] = {RANGE, RANGE, RANGE, RANGE, RANGE, RANGE};
    ranges[1].first = 101;
    ranges[2].last = 198;
    ranges[3].first_ms = 1001;
    ranges[4].last_ms = 2001;
    ranges[5].table_uuid[15] = 1;
    char tokens[36][TOKEN_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        assert_int_equal(token_make(&scopes[i / 6], &ranges[i % 6], tokens[i], NULL), ST_OK);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(tokens[i], tokens[k]);
        }
    }
}

static void the_count_and_the_mapping_do_not_matter(void **state)
{
    (void)state;
    struct intent_range range = RANGE;
    range.count = 7;
    range.mapping_version = 9;
    range.flags = INTENT_DIVIDED;
    char token[TOKEN_BYTES];
    assert_int_equal(token_make(&SCOPE, &range, token, NULL), ST_OK);
    assert_string_equal(token, TOKEN);
}

static void the_longest_token_fits(void **state)
{
    (void)state;
    char topic[250];
    memset(topic, 't', sizeof(topic) - 1);
    topic[sizeof(topic) - 1] = '\0';
    struct token_scope scope = {
        .pipe_id = SCOPE.pipe_id,
        .topic = topic,
        .partition = INT32_MIN,
        .epoch = UINT64_MAX,
        .nonce = UINT64_MAX,
    };
    struct intent_range range = {.first = INT64_MAX, .last = INT64_MAX};
    char token[TOKEN_BYTES];
    assert_int_equal(token_make(&scope, &range, token, NULL), ST_OK);
    char query_id[TOKEN_QUERY_ID_BYTES];
    token_query_id(token, query_id);
    assert_int_equal(strncmp(query_id, "penstock-", strlen("penstock-")), 0);
    assert_string_equal(query_id + strlen("penstock-"), token);
}

static void what_cannot_be_a_name_is_refused(void **state)
{
    (void)state;
    char topic[600];
    memset(topic, 't', sizeof(topic) - 1);
    topic[sizeof(topic) - 1] = '\0';
    struct token_scope scopes[2] = {SCOPE, SCOPE};
    scopes[0].topic = topic;
    scopes[1].pipe_id = "3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5f0";
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        char token[TOKEN_BYTES] = "x";
        struct err err = {0};
        assert_int_equal(token_make(&scopes[i], &RANGE, token, &err), ST_INVALID);
        assert_string_equal(token, "");
        assert_string_not_equal(err.text, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_is_readable_and_stays),
        cmocka_unit_test(every_field_makes_another_token),
        cmocka_unit_test(the_count_and_the_mapping_do_not_matter),
        cmocka_unit_test(the_longest_token_fits),
        cmocka_unit_test(what_cannot_be_a_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
