/* Where an INSERT ends and its data begins; also when the text comes byte by byte. */
#include <string.h>

#include "common/base/attr.h"

#include "demo/clickhouse/split.h"
#include "tests/unit/unit.h"

struct insert_case {
    const char *text;
    const char *head;
    const char *format; /* "" : none is named */
    const char *settings;
    const char *data;
};

static const struct insert_case inserts[] = {
    {"INSERT INTO t FORMAT RowBinary\nabc", "INSERT INTO t ", "RowBinary", "", "abc"},
    {"insert into t format TSV 1\t2", "insert into t ", "TSV", "", "1\t2"},
    {"INSERT INTO t VALUES (1, 'a')", "INSERT INTO t ", "VALUES", "", " (1, 'a')"},
    {"INSERT INTO t VALUES(1)", "INSERT INTO t ", "VALUES", "", "(1)"},
    {"INSERT INTO t(a, b)VALUES\n(1)", "INSERT INTO t(a, b)", "VALUES", "", "\n(1)"},
    {"INSERT INTO t FORMAT CSV\r\n1\r\n", "INSERT INTO t ", "CSV", "", "1\r\n"},
    /* only the first line end belongs to the statement */
    {"INSERT INTO t FORMAT TSV\n\n1", "INSERT INTO t ", "TSV", "", "\n1"},
    {"INSERT INTO t FORMAT TSV \t \n 1", "INSERT INTO t ", "TSV", "", " 1"},
    /* what follows an empty line is data, not another statement */
    {"INSERT INTO t FORMAT TSV\n1\n\nDROP TABLE t", "INSERT INTO t ", "TSV", "",
     "1\n\nDROP TABLE t"},
    /* quoted names, strings, comments and brackets */
    {"INSERT INTO `format` FORMAT TSV\n1", "INSERT INTO `format` ", "TSV", "", "1"},
    {"INSERT INTO \"values\"(\"format\") VALUES (1)", "INSERT INTO \"values\"(\"format\") ",
     "VALUES", "", " (1)"},
    {"INSERT INTO `a``b` FORMAT TSV\n", "INSERT INTO `a``b` ", "TSV", "", ""},
    {"INSERT INTO `a\\`b` FORMAT TSV\n", "INSERT INTO `a\\`b` ", "TSV", "", ""},
    {"INSERT INTO t SETTINGS x = 'FORMAT CSV' FORMAT TSV\n1",
     "INSERT INTO t SETTINGS x = 'FORMAT CSV' ", "TSV", "", "1"},
    {"INSERT INTO t SETTINGS x = 'it''s FORMAT' FORMAT TSV\n1",
     "INSERT INTO t SETTINGS x = 'it''s FORMAT' ", "TSV", "", "1"},
    {"INSERT INTO t -- VALUES FORMAT CSV\nFORMAT TSV\n1", "INSERT INTO t -- VALUES FORMAT CSV\n",
     "TSV", "", "1"},
    {"/* FORMAT a */ INSERT /* VALUES */ INTO t # select\nFORMAT TSV\n1",
     "/* FORMAT a */ INSERT /* VALUES */ INTO t # select\n", "TSV", "", "1"},
    {"INSERT INTO t #! x\n VALUES (1)", "INSERT INTO t #! x\n ", "VALUES", "", " (1)"},
    {"INSERT INTO t (* EXCEPT (format, values)) FORMAT TSV\n1",
     "INSERT INTO t (* EXCEPT (format, values)) ", "TSV", "", "1"},
    {"INSERT INTO t SETTINGS x = $$ FORMAT CSV $$ FORMAT TSV\n",
     "INSERT INTO t SETTINGS x = $$ FORMAT CSV $$ ", "TSV", "", ""},
    {"INSERT INTO t SETTINGS x = $a$ $$ VALUES $a$ VALUES (1)",
     "INSERT INTO t SETTINGS x = $a$ $$ VALUES $a$ ", "VALUES", "", " (1)"},
    /* names that look like keywords */
    {"INSERT INTO values VALUES (1)", "INSERT INTO values ", "VALUES", "", " (1)"},
    {"INSERT INTO format FORMAT TSV\n1", "INSERT INTO format ", "TSV", "", "1"},
    {"INSERT INTO db.format FORMAT TSV\n1", "INSERT INTO db.format ", "TSV", "", "1"},
    {"INSERT INTO select.values VALUES (1)", "INSERT INTO select.values ", "VALUES", "", " (1)"},
    {"INSERT INTO db . select VALUES (1)", "INSERT INTO db . select ", "VALUES", "", " (1)"},
    {"INSERT INTO {t:Identifier} FORMAT TSV\n1", "INSERT INTO {t:Identifier} ", "TSV", "", "1"},
    {"INSERT INTO {d:Identifier}.{t:Identifier} VALUES (1)",
     "INSERT INTO {d:Identifier}.{t:Identifier} ", "VALUES", "", " (1)"},
    /* the other forms of INSERT */
    {"INSERT t VALUES (1)", "INSERT t ", "VALUES", "", " (1)"},
    {"INSERT INTO TABLE t VALUES (1)", "INSERT INTO TABLE t ", "VALUES", "", " (1)"},
    {"INSERT INTO FUNCTION null('a UInt8') VALUES (1)", "INSERT INTO FUNCTION null('a UInt8') ",
     "VALUES", "", " (1)"},
    {"INSERT INTO TABLE FUNCTION remote('h', values) PARTITION BY a FORMAT TSV\n1",
     "INSERT INTO TABLE FUNCTION remote('h', values) PARTITION BY a ", "TSV", "", "1"},
    {"INSERT INTO t SETTINGS async_insert=0, x=1.5 FORMAT Native\n\x01",
     "INSERT INTO t SETTINGS async_insert=0, x=1.5 ", "Native", "", "\x01"},
    /* SETTINGS behind FORMAT belong to the statement */
    {"INSERT INTO t FORMAT TSV SETTINGS a=1\n2", "INSERT INTO t ", "TSV", "SETTINGS a=1", "2"},
    {"INSERT INTO t FORMAT TSV\nsettings a = -1, b = 'x y', c=1.5 \n2", "INSERT INTO t ", "TSV",
     "settings a = -1, b = 'x y', c=1.5", "2"},
    {"INSERT INTO t FORMAT TSV\nsettings of mine", "INSERT INTO t ", "TSV", "", "settings of mine"},
    {"INSERT INTO t FORMAT TSV\nsettled", "INSERT INTO t ", "TSV", "", "settled"},
    {"INSERT INTO t FORMAT TSV\nset", "INSERT INTO t ", "TSV", "", "set"},
    {"INSERT INTO t FORMAT Values SETTINGS a=1 (1)", "INSERT INTO t ", "Values", "SETTINGS a=1",
     "(1)"},
    /* no format is named: another place says it, or the engine complains */
    {"INSERT INTO t", "INSERT INTO t", "", "", ""},
    {"INSERT INTO t (a, b)\n", "INSERT INTO t (a, b)\n", "", "", ""},
    {"INSERT INTO t (SELECT 1)", "INSERT INTO t (SELECT 1)", "", "", ""},
};

static void check_insert(const struct insert_case *c, const struct split *split)
{
    assert_int_equal(split->kind, SPLIT_INSERT);
    assert_int_equal(split->head_len, strlen(c->head));
    assert_memory_equal(c->text, c->head, strlen(c->head));
    assert_int_equal(split->format_len, strlen(c->format));
    assert_memory_equal(c->text + split->format_at, c->format, strlen(c->format));
    assert_int_equal(split->settings_len, strlen(c->settings));
    assert_memory_equal(c->text + split->settings_at, c->settings, strlen(c->settings));
    assert_string_equal(c->text + split->data_at, c->data);
}

static void insert_is_cut_before_its_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inserts); i++) {
        struct split split;
        split_request(inserts[i].text, strlen(inserts[i].text), true, &split);
        print_message("%s\n", inserts[i].text);
        check_insert(&inserts[i], &split);
    }
}

/* Whatever part has arrived: no answer yet, or the answer for the whole. */
static void partial_text_gives_no_other_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inserts); i++) {
        const struct insert_case *c = &inserts[i];
        for (size_t len = 0; len <= strlen(c->text); len++) {
            struct split split;
            split_request(c->text, len, false, &split);
            if (split.kind == SPLIT_MORE) {
                continue;
            }
            assert_true(split.data_at <= len);
            check_insert(c, &split);
        }
    }
}

static void insert_with_data_is_known_before_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum split_kind expected;
    } cases[] = {
        {"", SPLIT_MORE},
        {"INS", SPLIT_MORE},
        {"INSERT", SPLIT_MORE},
        {"INSERT INTO t", SPLIT_MORE},
        {"INSERT INTO t FORMAT", SPLIT_MORE},
        {"INSERT INTO t FORMAT TSV", SPLIT_MORE}, /* TSVRaw? */
        {"INSERT INTO t FORMAT TSV ", SPLIT_MORE},
        {"INSERT INTO t FORMAT TSV\n", SPLIT_MORE}, /* SETTINGS may follow */
        {"INSERT INTO t FORMAT TSV\nS", SPLIT_MORE},
        {"INSERT INTO t FORMAT TSV\nSx", SPLIT_INSERT},
        {"INSERT INTO t FORMAT TSV\n1", SPLIT_INSERT},
        {"INSERT INTO t FORMAT TSV SETTINGS a=1", SPLIT_MORE},
        {"INSERT INTO t VALUES", SPLIT_MORE},
        {"INSERT INTO t VALUES ", SPLIT_INSERT},
        {"INSERT INTO t VALUES(", SPLIT_INSERT},
        {"INSERT INTO t /* VALUES", SPLIT_MORE},
        {"INSERT INTO `t VALUES", SPLIT_MORE},
        {"SELECT ", SPLIT_STATEMENT},
        {"-- c\nSELECT ", SPLIT_STATEMENT},
        {"(", SPLIT_STATEMENT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct split split;
        split_request(cases[i].text, strlen(cases[i].text), false, &split);
        print_message("%s\n", cases[i].text);
        assert_int_equal(split.kind, cases[i].expected);
    }
}

static void other_statements_have_no_data(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "",
        " \n",
        "-- nothing",
        "SELECT 1 FORMAT TSV",
        "select 'INSERT INTO t FORMAT TSV\n1'",
        "INSERTS INTO t VALUES (1)",
        "WITH 1 AS x INSERT INTO t SELECT x",
        "INSERT INTO t SELECT 1 FORMAT TSV",
        "INSERT INTO t (a) SELECT 'VALUES'",
        "INSERT INTO t WITH 1 AS x SELECT x",
        "INSERT INTO t SETTINGS a=1 SELECT 1",
        "INSERT INTO t FROM INFILE 'x' FORMAT TSV",
        "INSERT INTO t WATCH v",
        "INSERT INTO t; SELECT 1",
        "INSERT INTO t FORMAT 'TSV'",
        "INSERT INTO t FORMAT",
        "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a",
        "EXPLAIN INSERT INTO t VALUES (1)",
        "(SELECT 1)",
        "`INSERT` INTO t VALUES (1)",
    };
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        struct split split;
        split_request(statements[i], strlen(statements[i]), true, &split);
        print_message("%s\n", statements[i]);
        assert_int_equal(split.kind, SPLIT_STATEMENT);
    }
}

static void unfinished_text_is_left_to_the_engine(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "INSERT INTO t 'VALUES", "INSERT INTO t /* VALUES", "INSERT INTO `t VALUES (1)",
        "INSERT INTO t $a$ VALUES (1)", "INSERT INTO t $a"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct split split;
        split_request(texts[i], strlen(texts[i]), true, &split);
        assert_int_equal(split.kind, SPLIT_INSERT);
        assert_int_equal(split.format_len, 0);
        assert_int_equal(split.data_at, strlen(texts[i]));
    }
}

static void output_format_is_the_last_one_named(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *format; /* NULL: none */
    } cases[] = {
        {"SELECT 1", NULL},
        {"SELECT 1 FORMAT JSON", "JSON"},
        {"SELECT 1 format TSV\n", "TSV"},
        {"SELECT 1 FORMAT JSON SETTINGS x=1;", "JSON"},
        {"SELECT 1 AS format FORMAT Native", "Native"},
        {"SELECT format('{}', 1)", NULL},
        {"SELECT (SELECT 1 FORMAT x)", NULL},
        {"SELECT 'FORMAT JSON'", NULL},
        {"SELECT 1 -- FORMAT JSON", NULL},
        {"SELECT 1 FORMAT", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t at = 0;
        size_t len = 0;
        bool has_format = split_output_format(cases[i].sql, strlen(cases[i].sql), &at, &len);
        print_message("%s\n", cases[i].sql);
        assert_int_equal(has_format, cases[i].format != NULL);
        if (cases[i].format != NULL) {
            assert_int_equal(len, strlen(cases[i].format));
            assert_memory_equal(cases[i].sql + at, cases[i].format, len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(insert_is_cut_before_its_data),
        cmocka_unit_test(partial_text_gives_no_other_answer),
        cmocka_unit_test(insert_with_data_is_known_before_the_end),
        cmocka_unit_test(other_statements_have_no_data),
        cmocka_unit_test(unfinished_text_is_left_to_the_engine),
        cmocka_unit_test(output_format_is_the_last_one_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
