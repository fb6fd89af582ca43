/* Commands of the development Kafka, against a real cluster in this process. */

#include <stdio.h>
#include <string.h>

#include "demo/kafka/cluster.h"
#include "demo/kafka/commands.h"
#include "tests/unit/unit.h"

enum {
    BROKERS = 2
};

static int open_cluster(void **state)
{
    struct cluster *cluster = NULL;
    assert_int_equal(cluster_new(BROKERS, &cluster, NULL), ST_OK);
    *state = cluster;
    return 0;
}

static int close_cluster(void **state)
{
    cluster_free(*state);
    return 0;
}

static enum status run(struct cluster *cluster, const char *line, struct err *err)
{
    char words[COMMANDS_LINE_BYTES_MAX];
    (void)snprintf(words, sizeof(words), "%s", line);
    return commands_run(cluster, words, err);
}

static void every_command_is_carried_out(void **state)
{
    static const char *const lines[] = {
        "topic orders 3",
        "  topic\tclicks   1 ",
        "leader orders 2 2",
        "delay 1 5",
        "delay 1 0",
        "down 2",
        "up 2",
        "fail 1 6 2",
        "fail 1 -195 1",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct err err = {0};
        enum status status = run(*state, lines[i], &err);
        if (status != ST_OK) {
            print_message("%s: %s\n", lines[i], err.text);
        }
        assert_int_equal(status, ST_OK);
    }
    assert_int_equal(run(*state, "topic orders 3", NULL), ST_CONFLICT);
    assert_int_equal(run(*state, "leader orders 3 1", NULL), ST_NOT_FOUND);
}

static void a_bad_line_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *line;
        enum status status;
        const char *reason;
    } cases[] = {
        {"", ST_INVALID, "empty line"},
        {"  \t", ST_INVALID, "empty line"},
        {"create x", ST_INVALID, "unknown command 'create'"},
        {"topic x", ST_INVALID, "takes 2 words"},
        {"topic x 1 2", ST_INVALID, "takes 2 words"},
        {"topic x one", ST_INVALID, "'one' is not a number"},
        {"topic x 0", ST_INVALID, "must be 1 to 1024"},
        {"topic x 1025", ST_INVALID, "must be 1 to 1024"},
        {"topic x/y 1", ST_INVALID, "not a topic name"},
        {"topic .. 1", ST_INVALID, "not a topic name"},
        {"down 0", ST_NOT_FOUND, "no broker 0"},
        {"up 3", ST_NOT_FOUND, "no broker 3"},
        {"delay 1 -1", ST_INVALID, "not a number"},
        {"delay 1 600001", ST_INVALID, "must be 0 to 600000"},
        {"leader x 0 3", ST_NOT_FOUND, "no broker 3"},
        {"fail 0 7 0", ST_INVALID, "must be 1 to 1000"},
        {"fail 0 7 1001", ST_INVALID, "must be 1 to 1000"},
        {"fail 32768 7 1", ST_INVALID, "above 32767"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        assert_int_equal(run(*state, cases[i].line, &err), cases[i].status);
        if (strstr(err.text, cases[i].reason) == NULL) {
            print_message("'%s': %s\n", cases[i].line, err.text);
        }
        assert_non_null(strstr(err.text, cases[i].reason));
    }
}

static void a_topic_argument_ends_in_its_partitions(void **state)
{
    static const struct {
        const char *argument;
        enum status status;
    } cases[] = {
        {"made:4", ST_OK},     {"made:4", ST_CONFLICT}, {"made", ST_INVALID},  {":4", ST_INVALID},
        {"made:", ST_INVALID}, {"made:x", ST_INVALID},  {"a:b:1", ST_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(commands_topic_argument(*state, cases[i].argument, NULL), cases[i].status);
    }
    char longest[CLUSTER_TOPIC_BYTES_MAX + 4];
    memset(longest, 'a', sizeof(longest));
    (void)snprintf(longest + CLUSTER_TOPIC_BYTES_MAX, 3, ":1");
    assert_int_equal(commands_topic_argument(*state, longest, NULL), ST_OK);
    memset(longest, 'a', sizeof(longest));
    (void)snprintf(longest + CLUSTER_TOPIC_BYTES_MAX + 1, 3, ":1");
    assert_int_equal(commands_topic_argument(*state, longest, NULL), ST_INVALID);
}

static void bootstrap_names_every_broker(void **state)
{
    const char *first = strstr(cluster_bootstrap(*state), "127.0.0.1:");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, ",127.0.0.1:"));
}

static void a_cluster_has_one_to_sixteen_brokers(void **state)
{
    (void)state;
    struct cluster *cluster = NULL;
    assert_int_equal(cluster_new(0, &cluster, NULL), ST_INVALID);
    assert_int_equal(cluster_new(CLUSTER_BROKERS_MAX + 1, &cluster, NULL), ST_INVALID);
    assert_null(cluster);
    cluster_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_carried_out),
        cmocka_unit_test(a_bad_line_is_refused_with_its_reason),
        cmocka_unit_test(a_topic_argument_ends_in_its_partitions),
        cmocka_unit_test(bootstrap_names_every_broker),
        cmocka_unit_test(a_cluster_has_one_to_sixteen_brokers),
    };
    return cmocka_run_group_tests(tests, open_cluster, close_cluster);
}
