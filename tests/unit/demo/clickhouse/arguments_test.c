/* Arguments of the URL: what the interface knows, parameters, settings, and what must not pass. */
#include <string.h>

#include "demo/clickhouse/arguments.h"
#include "tests/unit/unit.h"

enum {
    PAIRS_MAX = 80
};

struct pair {
    const char *name;
    const char *value;
};

/* Reads pairs, ends at a NULL name. */
static enum status read_pairs(
    struct arguments *a, const struct pair *pairs, const struct request_head *base,
    struct fault *fault)
{
    static struct request_argument list[PAIRS_MAX];
    struct request_head head = *base;
    size_t count = 0;
    for (; pairs[count].name != NULL; count++) {
        list[count] = (struct request_argument){
            .name = pairs[count].name,
            .name_len = strlen(pairs[count].name),
            .value = pairs[count].value,
            .value_len = strlen(pairs[count].value),
        };
    }
    head.arguments = list;
    head.argument_count = count;
    arguments_init(a);
    return arguments_read(a, &head, fault);
}

static void settings_become_one_statement(void **state)
{
    (void)state;
    static const struct {
        struct pair pairs[4];
        const char *expected;
    } cases[] = {
        {{{"query", "SELECT 1"}}, ""},
        {{{"max_threads", "2"}}, "SET max_threads = '2'"},
        {{{"a", "1"}, {"b.c_2", ""}}, "SET a = '1', b.c_2 = ''"},
        {{{"a", "it's \\ x"}}, "SET a = 'it\\'s \\\\ x'"},
        {{{"wait_end_of_query", "1"}, {"buffer_size", "1"}, {"async_insert", "0"}},
         "SET async_insert = '0'"},
        {{{"session_id", ""}, {"compress", "0"}}, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arguments a;
        struct fault fault = {0};
        struct request_head head = {.is_read_only = false};
        assert_int_equal(read_pairs(&a, cases[i].pairs, &head, &fault), ST_OK);
        assert_string_equal(buf_text(&a.set_statement), cases[i].expected);
        arguments_done(&a);
        arguments_done(&a);
    }
}

static void names_that_no_setting_has_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", "1a", "a b", "a=1,b", "a'", "a;", "\xc3\xa4", "-a"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arguments a;
        struct fault fault = {0};
        struct request_head head = {.is_read_only = false};
        struct pair pairs[] = {{names[i], "1"}, {NULL, NULL}};
        assert_int_equal(read_pairs(&a, pairs, &head, &fault), ST_REJECTED);
        assert_int_equal(fault.code, 115);
        fault_done(&fault);
        arguments_done(&a);
    }
}

static void known_arguments_are_sorted_out(void **state)
{
    (void)state;
    struct arguments a;
    struct fault fault = {0};
    struct request_head head = {.database = "from_header", .format = "TSV"};
    struct pair none[] = {{NULL, NULL}};
    assert_int_equal(read_pairs(&a, none, &head, &fault), ST_OK);
    assert_null(a.query);
    assert_string_equal(a.database, "from_header");
    assert_string_equal(a.default_format, "TSV");
    assert_false(a.has_blocks || a.wants_compression);
    struct pair pairs[] = {
        {"query", "SELECT 1"},  {"database", "d"}, {"default_format", "JSON"},
        {"query_id", "i"},      {"user", "u"},     {"password", "p"},
        {"decompress", "1"},    {"param_x", "v"},  {"enable_http_compression", "1"},
        {"param_", "setting?"}, {NULL, NULL},
    };
    assert_int_equal(read_pairs(&a, pairs, &head, &fault), ST_OK);
    assert_string_equal(a.query->value, "SELECT 1");
    assert_string_equal(a.database, "d");
    assert_string_equal(a.default_format, "JSON");
    assert_string_equal(a.query_id, "i");
    assert_string_equal(a.user, "u");
    assert_string_equal(a.password, "p");
    assert_true(a.has_blocks && a.wants_compression);
    assert_int_equal(a.parameters.count, 1);
    assert_memory_equal(a.parameters.names[0], "x", a.parameters.name_lens[0]);
    assert_int_equal(a.parameters.name_lens[0], 1);
    assert_string_equal(a.parameters.values[0], "v");
    arguments_done(&a);
}

static void what_the_server_cannot_do_is_refused(void **state)
{
    (void)state;
    static const struct pair refused[] = {{"session_id", "s"}, {"compress", "1"}, {"role", "r"}};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct arguments a;
        struct fault fault = {0};
        struct request_head head = {.is_read_only = false};
        struct pair pairs[] = {refused[i], {NULL, NULL}};
        assert_int_equal(read_pairs(&a, pairs, &head, &fault), ST_REJECTED);
        assert_int_equal(fault.code, FAULT_NOT_IMPLEMENTED);
        fault_done(&fault);
        arguments_done(&a);
    }
}

static void parameters_have_a_limit(void **state)
{
    (void)state;
    struct pair pairs[PAIRS_MAX] = {{NULL, NULL}};
    for (size_t count = SESSION_PARAMETERS_MAX; count <= SESSION_PARAMETERS_MAX + 1; count++) {
        struct arguments a;
        struct fault fault = {0};
        struct request_head head = {.is_read_only = false};
        for (size_t i = 0; i < count; i++) {
            pairs[i] = (struct pair){"param_x", "v"};
        }
        bool is_allowed = count <= SESSION_PARAMETERS_MAX;
        assert_int_equal(read_pairs(&a, pairs, &head, &fault), is_allowed ? ST_OK : ST_REJECTED);
        assert_int_equal(fault.code, is_allowed ? FAULT_NONE : FAULT_BAD_ARGUMENTS);
        fault_done(&fault);
        arguments_done(&a);
    }
}

static void quoted_text_is_escaped(void **state)
{
    (void)state;
    static const struct {
        char quote;
        const char *text;
        const char *expected;
    } cases[] = {
        {'`', "db", "`db`"},  {'`', "a`b", "`a\\`b`"}, {'`', "a\\b'", "`a\\\\b'`"},
        {'\'', "'", "'\\''"}, {'\'', "", "''"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;
        buf_init(&b, 100);
        size_t len = strlen(cases[i].text);
        assert_int_equal(arguments_add_quoted(&b, cases[i].quote, cases[i].text, len), ST_OK);
        assert_string_equal(buf_text(&b), cases[i].expected);
        buf_done(&b);
        buf_init(&b, strlen(cases[i].expected) - 1);
        assert_int_equal(
            arguments_add_quoted(&b, cases[i].quote, cases[i].text, len), ST_TOO_LARGE);
        buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_become_one_statement),
        cmocka_unit_test(names_that_no_setting_has_are_refused),
        cmocka_unit_test(known_arguments_are_sorted_out),
        cmocka_unit_test(what_the_server_cannot_do_is_refused),
        cmocka_unit_test(parameters_have_a_limit),
        cmocka_unit_test(quoted_text_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
