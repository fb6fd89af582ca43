/*
 * Which guarantee is read from a server's answers. The rows are answers of libchdb 26.7, those of
 * replicated and shared tables written after ClickHouse's documentation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/preflight.h"
#include "common/clickhouse/preflight_text.h"

#include "tests/unit/unit.h"

#define SERVER                                                                                     \
    "\"server_window\":\"0\",\"server_replicated_window\":\"10000\","                              \
    "\"server_replicated_seconds\":\"3600\",\"insert_deduplicate\":\"1\","                         \
    "\"deduplicate_insert\":\"enable\""
#define UUID "\"uuid\":\"3413db54-415f-4828-a2f7-6797b1ecef20\","
#define NO_VIEWS "\"views_database\":[],\"views_table\":[],"

/* A table `name` with this engine and partition key. */
#define ROW_OF(name, engine, full, key, parts, views, server)                                      \
    "{\"database\":\"shop\",\"name\":\"" name "\",\"engine\":\"" engine                            \
    "\",\"engine_full\":\"" full "\"," UUID "\"create_query\":\"CREATE TABLE\","                   \
    "\"partition_key\":\"" key "\",\"sorting_key\":\"id\"," views server parts "}\n"
#define ROW(name, engine, full) ROW_OF(name, engine, full, "", "", NO_VIEWS, SERVER)
#define TREE(settings) "MergeTree ORDER BY id SETTINGS " settings "index_granularity = 8192"
#define WINDOW(n) "non_replicated_deduplication_window = " #n ", "

static const struct clickhouse_table_name ORDERS = {"shop", "orders"};
static const struct preflight_pipe PLAIN = {.is_exactly_once = true, .replicas = 1};
static const struct preflight_pipe WITH_OFFSETS = {
    .is_exactly_once = true,
    .replicas = 1,
    .has_offsets = true,
    .columns = {.topic = "_topic", .partition = "_partition", .offset = "_offset"},
};

/* Explore shop.orders with these answers (NULL ends them), then judge. */
static struct guarantee
judge(const char *const *answers, const struct preflight_pipe *pipe, size_t expected_questions)
{
    struct preflight preflight;
    struct err err = {0};
    assert_int_equal(preflight_init(&preflight, &ORDERS, pipe, &err), ST_OK);
    struct buf sql;
    buf_init(&sql, 1024 * 1024);
    size_t questions = 0;
    while (preflight_sql(&preflight, &sql) == ST_OK) {
        if (preflight.is_asking_read) {
            assert_int_equal(preflight_read(&preflight, "", &err), ST_OK);
            buf_reset(&sql);
            continue;
        }
        assert_non_null(answers[questions]);
        enum status st = preflight_read(&preflight, answers[questions++], &err);
        if (st != ST_OK) {
            fail_msg("%s", err.text);
        }
        buf_reset(&sql);
    }
    assert_int_equal(questions, expected_questions);
    buf_done(&sql);
    struct guarantee guarantee;
    preflight_judge(&preflight, &guarantee);
    preflight_done(&preflight);
    preflight_done(&preflight);
    return guarantee;
}

static struct guarantee judge_one(const char *answer, const struct preflight_pipe *pipe)
{
    const char *const answers[] = {answer, NULL};
    return judge(answers, pipe, 1);
}

static void an_engine_decides(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum guarantee_mode plain;
        enum guarantee_mode with_offsets;
        int64_t inserts; /* plain */
        int64_t seconds;
        const char *offer; /* NULL = none */
    } cases[] = {
        {ROW("orders", "MergeTree", TREE(WINDOW(1000))), GUARANTEE_BY_TOKEN, GUARANTEE_BY_TOKEN,
         500, 604800, NULL},
        {ROW("orders", "MergeTree", TREE("")), GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK, 0, 0,
         "ALTER TABLE `shop`.`orders` MODIFY SETTING non_replicated_deduplication_window = 10000"},
        {ROW("orders", "MergeTree", TREE(WINDOW(0))), GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK,
         0, 0, "_window = 10000"},
        {ROW("orders", "MergeTree", TREE(WINDOW(1))), GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK,
         0, 0, "_window = 10000"},
        {ROW("orders", "SummingMergeTree", TREE(WINDOW(16))), GUARANTEE_BY_TOKEN,
         GUARANTEE_BY_TOKEN, 8, 604800, "that is few: ALTER TABLE"},
        {ROW("orders", "ReplacingMergeTree", TREE("")), GUARANTEE_AT_LEAST_ONCE,
         GUARANTEE_AT_LEAST_ONCE, 0, 0, "_window = 10000"},
        {ROW("orders", "ReplicatedMergeTree", "ReplicatedMergeTree('/x', '{replica}') ORDER BY id"),
         GUARANTEE_BY_TOKEN, GUARANTEE_BY_TOKEN, 5000, 3600,
         "ALTER TABLE `shop`.`orders` MODIFY SETTING replicated_deduplication_window = 10000, "
         "replicated_deduplication_window_seconds = 604800"},
        {ROW("orders", "ReplicatedReplacingMergeTree",
             "ReplicatedReplacingMergeTree('/x SETTINGS replicated_deduplication_window = 0', "
             "'{replica}') ORDER BY id SETTINGS replicated_deduplication_window_seconds = 999999"),
         GUARANTEE_BY_TOKEN, GUARANTEE_BY_TOKEN, 5000, 604800, NULL},
        {ROW("orders", "SharedMergeTree",
             "SharedMergeTree ORDER BY id SETTINGS replicated_deduplication_window = 0"),
         GUARANTEE_AT_LEAST_ONCE, GUARANTEE_AT_LEAST_ONCE, 0, 0,
         "replicated_deduplication_window ="},
        {ROW("orders", "Log", "Log"), GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK, 0, 0,
         "; map _topic"},
        {ROW("orders", "Memory", "Memory"), GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK, 0, 0,
         "; map _topic"},
        {ROW("orders", "Null", "`Null`"), GUARANTEE_AT_LEAST_ONCE, GUARANTEE_AT_LEAST_ONCE, 0, 0,
         "MergeTree family"},
        {ROW("orders", "Distributed", "Distributed('c', 'shop', 'local')"), GUARANTEE_AT_LEAST_ONCE,
         GUARANTEE_AT_LEAST_ONCE, 0, 0, "MergeTree family"},
        {ROW("orders", "Buffer", "Buffer('shop', 'x')"), GUARANTEE_AT_LEAST_ONCE,
         GUARANTEE_AT_LEAST_ONCE, 0, 0, "MergeTree family"},
        {ROW("orders", "Kafka", "Kafka()"), GUARANTEE_AT_LEAST_ONCE, GUARANTEE_AT_LEAST_ONCE, 0, 0,
         "MergeTree family"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s", cases[i].answer);
        struct guarantee guarantee = judge_one(cases[i].answer, &PLAIN);
        assert_int_equal(guarantee.mode, cases[i].plain);
        assert_int_equal(guarantee.inserts, cases[i].inserts);
        assert_int_equal(guarantee.seconds, cases[i].seconds);
        assert_int_equal(
            strstr(guarantee.detail, "ALTER") == NULL &&
                strstr(guarantee.detail, "; map") == NULL &&
                strstr(guarantee.detail, "family") == NULL,
            cases[i].offer == NULL);
        assert_true(cases[i].offer == NULL || strstr(guarantee.detail, cases[i].offer) != NULL);
        guarantee = judge_one(cases[i].answer, &WITH_OFFSETS);
        assert_int_equal(guarantee.mode, cases[i].with_offsets);
        if (guarantee.mode == GUARANTEE_BY_CHECK) {
            assert_int_equal(guarantee.inserts, GUARANTEE_UNLIMITED);
            assert_int_equal(guarantee.seconds, 604800);
            assert_false(guarantee.is_weak);
        }
    }
}

static void partitions_divide_the_window(void **state)
{
    (void)state;
#define PARTITIONED(all, recent)                                                                   \
    ROW_OF(                                                                                        \
        "orders", "MergeTree", TREE(WINDOW(1000)), "toYYYYMM(at)",                                 \
        ",\"all_partitions\":\"" #all "\",\"recent_partitions\":\"" #recent "\"", NO_VIEWS,        \
        SERVER)
    static const struct {
        const char *answer;
        int64_t inserts;
    } cases[] = {
        {PARTITIONED(3, 0), 166},  /* nothing was written lately: all of them */
        {PARTITIONED(60, 2), 250}, /* the last hour tells */
        {PARTITIONED(99, 0), 5},
        {PARTITIONED(100, 0), 5},
        {PARTITIONED(5000, 0), 5},
        {PARTITIONED(0, 0), 5}, /* new: anything may come, at most 100 in an insert */
        {ROW_OF("orders", "MergeTree", TREE(WINDOW(1000)), "k", "", NO_VIEWS, SERVER), 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(judge_one(cases[i].answer, &PLAIN).inserts, cases[i].inserts);
    }
    struct preflight_pipe many = PLAIN;
    many.replicas = 40;
    struct guarantee guarantee = judge_one(PARTITIONED(0, 0), &many);
    assert_true(guarantee.is_weak);
    assert_non_null(strstr(guarantee.detail, "5 inserts of up to 100 table partitions each"));
    assert_non_null(strstr(guarantee.detail, "_window = 80000"));
}

static void the_servers_settings_decide_where_the_table_says_nothing(void **state)
{
    (void)state;
#define BY_SERVER(server) ROW_OF("orders", "MergeTree", TREE(""), "", "", NO_VIEWS, server)
    static const struct {
        const char *answer;
        enum guarantee_mode expected;
    } cases[] = {
        {BY_SERVER("\"server_window\":\"100\""), GUARANTEE_BY_TOKEN},
        {BY_SERVER("\"server_window\":100"), GUARANTEE_BY_TOKEN},
        {BY_SERVER("\"server_window\":null"), GUARANTEE_AT_LEAST_ONCE},
        {BY_SERVER("\"server_window\":\"100\",\"insert_deduplicate\":\"1\","
                   "\"deduplicate_insert\":\"disable\""),
         GUARANTEE_AT_LEAST_ONCE},
        {BY_SERVER("\"server_window\":\"100\",\"insert_deduplicate\":\"0\","
                   "\"deduplicate_insert\":\"enable\""),
         GUARANTEE_BY_TOKEN},
        {BY_SERVER("\"server_window\":\"100\",\"insert_deduplicate\":\"0\","
                   "\"deduplicate_insert\":null"),
         GUARANTEE_AT_LEAST_ONCE},
        {BY_SERVER("\"server_window\":\"100\",\"insert_deduplicate\":\"0\","
                   "\"deduplicate_insert\":\"backward_compatible_choice\""),
         GUARANTEE_AT_LEAST_ONCE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(judge_one(cases[i].answer, &PLAIN).mode, cases[i].expected);
    }
}

#define VIEWS(a, b) "\"views_database\":[\"shop\",\"shop\"],\"views_table\":[\"" a "\",\"" b "\"],"
#define VIEW(name, create)                                                                         \
    "{\"database\":\"shop\",\"name\":\"" name "\",\"engine\":\"MaterializedView\","                \
    "\"engine_full\":\"\"," UUID "\"create_query\":\"" create                                      \
    "\",\"partition_key\":\"\",\"sorting_key\":\"\"," NO_VIEWS SERVER "}\n"
#define ORDERS_WITH_VIEWS                                                                          \
    ROW_OF("orders", "MergeTree", TREE(WINDOW(1000)), "", "", VIEWS("own", "v"), SERVER)
#define BOTH_VIEWS                                                                                 \
    VIEW("own", "CREATE MATERIALIZED VIEW shop.own (`id` UInt64) ENGINE = MergeTree AS SELECT")    \
    VIEW("v", "CREATE MATERIALIZED VIEW shop.v TO shop.daily (`id` UInt64) AS SELECT")
#define INNER ".inner_id.3413db54-415f-4828-a2f7-6797b1ecef20"

static void tables_behind_views_count(void **state)
{
    (void)state;
    const char *const strong[] = {
        ORDERS_WITH_VIEWS, BOTH_VIEWS,
        ROW(INNER, "MergeTree", TREE(WINDOW(100))) ROW("daily", "ReplicatedMergeTree", "x"), NULL};
    struct guarantee guarantee = judge(strong, &PLAIN, 3);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_false(guarantee.is_weak);
    assert_int_equal(guarantee.inserts, 50);
    assert_int_equal(guarantee.seconds, 3600);

    const char *const weak[] = {
        ORDERS_WITH_VIEWS, BOTH_VIEWS, ROW(INNER, "MergeTree", TREE("")) ROW("daily", "Log", "Log"),
        NULL};
    guarantee = judge(weak, &PLAIN, 3);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_true(guarantee.is_weak);
    assert_int_equal(guarantee.inserts, 500);
    assert_non_null(strstr(
        guarantee.detail, "stored twice in `shop`.`" INNER "`, which a view fills (MergeTree): "
                          "ALTER TABLE `shop`.`" INNER "` MODIFY SETTING"));
    assert_non_null(strstr(guarantee.detail, "`shop`.`daily`, which a view fills (Log)"));

    const char *const hidden[] = {ORDERS_WITH_VIEWS, "", NULL};
    guarantee = judge(hidden, &PLAIN, 2);
    assert_non_null(strstr(guarantee.detail, "could not be looked at"));

    const char *const none[] = {
        ORDERS_WITH_VIEWS,
        VIEW(
            "own", "CREATE MATERIALIZED VIEW shop.own REFRESH EVERY 1 DAY TO shop.x AS "
                   "SELECT") "{\"database\":\"shop\",\"name\":\"v\",\"engine\":\"View\","
                             "\"engine_full\":\"\"," UUID
                             "\"create_query\":\"\",\"partition_key\":\"\",\"sorting_key\":"
                             "\"\"," NO_VIEWS SERVER "}\n",
        NULL};
    guarantee = judge(none, &PLAIN, 2);
    assert_int_equal(guarantee.inserts, 500);
    assert_null(strstr(guarantee.detail, "view"));
}

/* orders → v → daily → w → orders: a circle ends. */
static void chains_are_followed_and_circles_end(void **state)
{
    (void)state;
    const char *const circle[] = {
        ROW_OF(
            "orders", "MergeTree", TREE(WINDOW(1000)), "", "",
            "\"views_database\":[\"shop\"],\"views_table\":[\"v\"],", SERVER),
        VIEW("v", "CREATE MATERIALIZED VIEW shop.v TO shop.daily AS SELECT"),
        ROW_OF(
            "daily", "MergeTree", TREE(WINDOW(90)), "", "",
            "\"views_database\":[\"shop\"],\"views_table\":[\"w\"],", SERVER),
        VIEW("w", "CREATE MATERIALIZED VIEW shop.w TO shop.orders AS SELECT"), NULL};
    assert_int_equal(judge(circle, &PLAIN, 4).inserts, 45);
    /* A view as destination that writes into itself, as no server has it, ends too. */
    const char *const itself[] = {
        VIEW("orders", "CREATE MATERIALIZED VIEW shop.orders TO shop.orders AS SELECT"), NULL};
    assert_int_equal(judge(itself, &PLAIN, 1).mode, GUARANTEE_AT_LEAST_ONCE);
}

static void what_keeps_no_rows_is_looked_through(void **state)
{
    (void)state;
#define NULL_WITH_VIEWS ROW_OF("orders", "Null", "`Null`", "", "", VIEWS("own", "v"), SERVER)
    const char *const strong[] = {
        NULL_WITH_VIEWS, BOTH_VIEWS,
        ROW(INNER, "MergeTree", TREE(WINDOW(100))) ROW("daily", "MergeTree", TREE(WINDOW(60))),
        NULL};
    struct guarantee guarantee = judge(strong, &PLAIN, 3);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_int_equal(guarantee.inserts, 30);
    const char *const weak[] = {
        NULL_WITH_VIEWS, BOTH_VIEWS,
        ROW(INNER, "MergeTree", TREE(WINDOW(100))) ROW("daily", "MergeTree", TREE("")), NULL};
    guarantee = judge(weak, &PLAIN, 3);
    assert_int_equal(guarantee.mode, GUARANTEE_AT_LEAST_ONCE);
    assert_non_null(strstr(guarantee.detail, "ALTER TABLE `shop`.`daily`"));
    const char *const hidden[] = {
        NULL_WITH_VIEWS, BOTH_VIEWS, ROW(INNER, "MergeTree", TREE(WINDOW(100))), NULL};
    assert_int_equal(judge(hidden, &PLAIN, 3).mode, GUARANTEE_AT_LEAST_ONCE);
    const char *const view[] = {
        VIEW("orders", "CREATE MATERIALIZED VIEW shop.orders TO shop.daily AS SELECT"),
        ROW("daily", "MergeTree", TREE(WINDOW(60))), NULL};
    assert_int_equal(judge(view, &PLAIN, 2).inserts, 30);
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    struct preflight preflight;
    struct err err = {0};
    assert_int_equal(preflight_init(&preflight, &ORDERS, &PLAIN, &err), ST_OK);
    json_t *row = json_loads(
        ROW_OF("orders", "MergeTree", TREE(WINDOW(1000)), "", "", NO_VIEWS, SERVER), 0, NULL);
    for (int i = 0; i < 2 * PREFLIGHT_TABLES_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "v%d", i); /* fits */
        assert_int_equal(
            json_array_append_new(json_object_get(row, "views_database"), json_string("shop")), 0);
        assert_int_equal(
            json_array_append_new(json_object_get(row, "views_table"), json_string(name)), 0);
    }
    char *text = json_dumps(row, JSON_COMPACT);
    assert_int_equal(preflight_read(&preflight, text, &err), ST_OK);
    assert_int_equal(preflight.count, PREFLIGHT_TABLES_MAX);
    assert_int_equal(preflight_read(&preflight, "", &err), ST_OK);
    struct guarantee guarantee;
    preflight_judge(&preflight, &guarantee);
    assert_non_null(strstr(guarantee.detail, "could not be looked at"));
    free(text);
    json_decref(row);
    preflight_done(&preflight);
}

static void the_detail_ends_where_its_room_ends(void **state)
{
    (void)state;
    const char *const answers[] = {
        ROW_OF(
            "orders", "MergeTree", TREE(WINDOW(1000)), "", "",
            "\"views_database\":[\"shop\",\"shop\",\"shop\",\"shop\",\"shop\"],"
            "\"views_table\":[\"a\",\"b\",\"c\",\"d\",\"e\"],",
            SERVER),
        VIEW("a", "CREATE MATERIALIZED VIEW shop.a TO shop.ta AS SELECT")
            VIEW("b", "CREATE MATERIALIZED VIEW shop.b TO shop.tb AS SELECT")
                VIEW("c", "CREATE MATERIALIZED VIEW shop.c TO shop.tc AS SELECT")
                    VIEW("d", "CREATE MATERIALIZED VIEW shop.d TO shop.td AS SELECT")
                        VIEW("e", "CREATE MATERIALIZED VIEW shop.e TO shop.te AS SELECT"),
        ROW("ta", "Log", "Log") ROW("tb", "MergeTree", TREE("")) ROW("tc", "MergeTree", TREE(""))
            ROW("td", "MergeTree", TREE("")) ROW("te", "MergeTree", TREE("")),
        NULL};
    struct guarantee guarantee = judge(answers, &WITH_OFFSETS, 3);
    assert_non_null(strstr(guarantee.detail, "and 2 more tables"));
    struct preflight_pipe pipe = PLAIN;
    guarantee = judge(answers, &pipe, 3);
    assert_true(strlen(guarantee.detail) < sizeof(guarantee.detail));
}

static void bad_answers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum status expected;
    } cases[] = {
        {"", ST_NOT_FOUND},
        {"\n", ST_NOT_FOUND},
        {"oops", ST_INVALID},
        {"{}", ST_INVALID},
        {"{\"database\":\"shop\",\"name\":\"orders\"}", ST_INVALID},
        {ROW("another", "MergeTree", TREE("")), ST_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct preflight preflight;
        struct err err = {0};
        assert_int_equal(preflight_init(&preflight, &ORDERS, &PLAIN, &err), ST_OK);
        assert_int_equal(preflight_read(&preflight, cases[i].answer, &err), cases[i].expected);
        assert_string_not_equal(err.text, "");
        preflight_done(&preflight);
    }
}

static void a_question_without_grants_is_simpler(void **state)
{
    (void)state;
    const struct clickhouse_table_name name = {"sh'op", "or\\ders"};
    struct preflight preflight;
    assert_int_equal(preflight_init(&preflight, &name, &WITH_OFFSETS, NULL), ST_OK);
    struct buf sql;
    buf_init(&sql, 1024 * 1024);
    assert_int_equal(preflight_sql(&preflight, &sql), ST_OK);
    assert_non_null(strstr(buf_text(&sql), "(database = 'sh\\'op' AND name = 'or\\\\ders')"));
    assert_non_null(strstr(buf_text(&sql), "system.parts"));
    assert_false(preflight_refused(&preflight, 60));
    assert_true(preflight_refused(&preflight, 497));
    buf_reset(&sql);
    assert_int_equal(preflight_sql(&preflight, &sql), ST_OK);
    assert_null(strstr(buf_text(&sql), "system.parts"));
    assert_false(preflight_refused(&preflight, 497));
    buf_done(&sql);
    buf_init(&sql, 10);
    assert_int_equal(preflight_sql(&preflight, &sql), ST_TOO_LARGE);
    buf_done(&sql);
    preflight_done(&preflight);
}

/* Without SELECT on the table nobody can be asked for offsets. */
static void the_user_must_be_able_to_read(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        bool may_read;
        enum guarantee_mode mode;
        bool can_check;
        const char *part;
    } cases[] = {
        {ROW("orders", "MergeTree", TREE("")), true, GUARANTEE_BY_CHECK, true, "which offsets"},
        {ROW("orders", "MergeTree", TREE("")), false, GUARANTEE_AT_LEAST_ONCE, false,
         "grant SELECT on it"},
        {ROW("orders", "MergeTree", TREE(WINDOW(1000))), true, GUARANTEE_BY_TOKEN, true, "token"},
        {ROW("orders", "MergeTree", TREE(WINDOW(1000))), false, GUARANTEE_BY_TOKEN, false, "token"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct preflight preflight;
        assert_int_equal(preflight_init(&preflight, &ORDERS, &WITH_OFFSETS, NULL), ST_OK);
        struct buf sql;
        buf_init(&sql, 1024 * 1024);
        assert_int_equal(preflight_sql(&preflight, &sql), ST_OK);
        assert_int_equal(preflight_read(&preflight, cases[i].answer, NULL), ST_OK);
        buf_reset(&sql);
        assert_int_equal(preflight_sql(&preflight, &sql), ST_OK);
        assert_string_equal(
            buf_text(&sql), "SELECT `_topic`, `_partition`, `_offset` FROM `shop`.`orders` LIMIT 0 "
                            "FORMAT JSONEachRow");
        if (cases[i].may_read) {
            assert_int_equal(preflight_read(&preflight, "", NULL), ST_OK);
        } else {
            assert_true(preflight_refused(&preflight, 497));
        }
        assert_int_equal(preflight_sql(&preflight, &sql), ST_NOT_FOUND);
        struct guarantee guarantee;
        preflight_judge(&preflight, &guarantee);
        assert_int_equal(guarantee.mode, cases[i].mode);
        assert_int_equal(guarantee.can_check, cases[i].can_check);
        assert_true(guarantee.is_atomic);
        assert_non_null(strstr(guarantee.detail, cases[i].part));
        buf_done(&sql);
        preflight_done(&preflight);
    }
}

/* A part of a record's rows may be stored where they go to several partitions of the table. */
static void records_of_several_rows_need_one_partition(void **state)
{
    (void)state;
    struct preflight_pipe pipe = WITH_OFFSETS;
    pipe.is_multi_record = true;
    assert_int_equal(
        judge_one(ROW("orders", "MergeTree", TREE("")), &pipe).mode, GUARANTEE_BY_CHECK);
    const char *partitioned =
        ROW_OF("orders", "MergeTree", TREE(""), "toYYYYMM(at)", "", NO_VIEWS, SERVER);
    assert_int_equal(judge_one(partitioned, &pipe).mode, GUARANTEE_AT_LEAST_ONCE);
    assert_int_equal(judge_one(partitioned, &WITH_OFFSETS).mode, GUARANTEE_BY_CHECK);
    assert_false(judge_one(partitioned, &WITH_OFFSETS).is_atomic);
}

static void pipes_that_do_not_ask_are_not_judged(void **state)
{
    (void)state;
    struct preflight_pipe pipe = WITH_OFFSETS;
    pipe.is_exactly_once = false;
    struct guarantee guarantee = {.mode = GUARANTEE_BY_TOKEN};
    /* Nobody is asked: there is no client. */
    assert_int_equal(preflight_run(NULL, NULL, &ORDERS, &pipe, &guarantee, NULL), ST_OK);
    assert_int_equal(guarantee.mode, GUARANTEE_AT_LEAST_ONCE);
    assert_false(guarantee.is_weak);
    assert_non_null(strstr(guarantee.detail, "exactlyOnce is off"));
}

static void settings_are_found_in_engines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t expected; /* −1 = not found */
    } cases[] = {
        {"MergeTree ORDER BY id SETTINGS w = 5", 5},
        {"MergeTree ORDER BY id SETTINGS a = 1, w = 12, b = 'x'", 12},
        {"MergeTree ORDER BY id SETTINGS a = 'x, w = 3', w = 4", 4},
        {"MergeTree ORDER BY id SETTINGS a = 'it\\'s, w = 3'", -1},
        {"MergeTree ORDER BY id SETTINGS a = 'it''s, w = 3', w = 6", 6},
        {"MergeTree ORDER BY (w, `w = 7`) SETTINGS w = 8", 8},
        {"MergeTree ORDER BY w", -1},
        {"MergeTree('SETTINGS w = 3') ORDER BY f(SETTINGS, w = 2) SETTINGS a = 1", -1},
        {"MergeTree ORDER BY id SETTINGS w = 'x'", -1},
        {"MergeTree ORDER BY id SETTINGS w", -1},
        {"MergeTree ORDER BY id SETTINGS w =", -1},
        {"MergeTree ORDER BY id SETTINGS w = 99999999999999999999999", -1},
        {"", -1},
        {"'", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = -1;
        print_message("%s\n", cases[i].text);
        assert_int_equal(preflight_setting(cases[i].text, "w", &value), cases[i].expected >= 0);
        assert_int_equal(value, cases[i].expected);
    }
}

static void targets_are_found_in_views(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status expected;
        const char *database;
        const char *table;
    } cases[] = {
        {"CREATE MATERIALIZED VIEW d.v TO d.t (`id` UInt64) AS SELECT", ST_OK, "d", "t"},
        {"CREATE MATERIALIZED VIEW d.`v TO x` TO d.`a``b\\`c\\\\.d` AS SELECT", ST_OK, "d",
         "a`b`c\\.d"},
        {"CREATE MATERIALIZED VIEW v TO t AS SELECT", ST_OK, NULL, "t"},
        {"CREATE MATERIALIZED VIEW d.v UUID 'a' TO \"e f\".t AS SELECT", ST_OK, "e f", "t"},
        {"CREATE MATERIALIZED VIEW d.v UUID 'a' TO INNER UUID 'b' (`id` UInt64)", ST_NOT_FOUND,
         NULL, NULL},
        {"CREATE MATERIALIZED VIEW d.v (`id` UInt64) ENGINE = Log AS SELECT 1 AS TO", ST_NOT_FOUND,
         NULL, NULL},
        {"CREATE MATERIALIZED VIEW d.v REFRESH EVERY 1 DAY TO d.t", ST_NOT_FOUND, NULL, NULL},
        {"CREATE MATERIALIZED VIEW d.v", ST_NOT_FOUND, NULL, NULL},
        {"CREATE MATERIALIZED VIEW d.v TO", ST_INVALID, NULL, NULL},
        {"CREATE MATERIALIZED VIEW d.v TO d.", ST_INVALID, NULL, NULL},
        {"CREATE VIEW d.v AS SELECT", ST_INVALID, NULL, NULL},
        {"", ST_INVALID, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *database = NULL;
        char *table = NULL;
        print_message("%s\n", cases[i].text);
        assert_int_equal(
            preflight_view_target(cases[i].text, &database, &table), cases[i].expected);
        assert_true(
            cases[i].database == NULL ? database == NULL
                                      : strcmp(database, cases[i].database) == 0);
        assert_true(cases[i].table == NULL ? table == NULL : strcmp(table, cases[i].table) == 0);
        free(database);
        free(table);
    }
    assert_true(preflight_view_is_refreshed(cases[6].text));
    assert_false(preflight_view_is_refreshed(cases[0].text));
    assert_false(preflight_view_is_refreshed(cases[7].text));
}

static void names_are_found_in_keys(void **state)
{
    (void)state;
    assert_true(preflight_names("id, _offset", "_offset"));
    assert_true(preflight_names("`a b`, `_offset`", "_offset"));
    assert_false(preflight_names("id, toDate(_offset)", "_offset"));
    assert_false(preflight_names("'_offset'", "_offset"));
    assert_false(preflight_names("_offset2", "_offset"));
    assert_false(preflight_names("", "_offset"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_decides),
        cmocka_unit_test(partitions_divide_the_window),
        cmocka_unit_test(the_servers_settings_decide_where_the_table_says_nothing),
        cmocka_unit_test(tables_behind_views_count),
        cmocka_unit_test(chains_are_followed_and_circles_end),
        cmocka_unit_test(what_keeps_no_rows_is_looked_through),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(the_detail_ends_where_its_room_ends),
        cmocka_unit_test(bad_answers_are_refused),
        cmocka_unit_test(a_question_without_grants_is_simpler),
        cmocka_unit_test(the_user_must_be_able_to_read),
        cmocka_unit_test(records_of_several_rows_need_one_partition),
        cmocka_unit_test(pipes_that_do_not_ask_are_not_judged),
        cmocka_unit_test(settings_are_found_in_engines),
        cmocka_unit_test(targets_are_found_in_views),
        cmocka_unit_test(names_are_found_in_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
