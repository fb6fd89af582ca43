/* The summary: which reason is told, and every member of the interface. */
#include <string.h>

#include "common/metrics/latency.h"

#include "api/wire/summary_wire.h"
#include "tests/unit/unit.h"

static char TEXT_ID[] = "id";
static char TEXT_NAME[] = "n";
static char TEXT_TIME[] = "2026-01-01T00:00:00Z";
static char TEXT_FAILED[] = "TABLE_NOT_FOUND";
static char TEXT_WAITING[] = "SOURCE_UNREACHABLE";
static char TEXT_MESSAGE[] = "why";
static char TEXT_EMPTY[] = "";
static char TEXT_TOPIC[] = "t";
static char TEXT_HOST[] = "h";
static char TEXT_RUNNING[] = "running";

static struct pipe_row row_of(bool is_wanted)
{
    return (struct pipe_row){
        .id = TEXT_ID,
        .name = TEXT_NAME,
        .state_since = TEXT_TIME,
        .is_wanted = is_wanted,
        .scaling = {.replicas = 2},
        .facts = {.is_wanted = is_wanted},
        .has_worker = true,
    };
}

static void reasons(void **state)
{
    (void)state;
    struct pipe_row row = row_of(true);
    assert_int_equal(wire_summary_reason(&row).code, PIPE_REASON_NONE);
    row.has_worker = false;
    assert_int_equal(wire_summary_reason(&row).code, PIPE_REASON_NO_WORKER);
    row.facts.has_live_replica = true;
    assert_int_equal(wire_summary_reason(&row).code, PIPE_REASON_NONE);
    row.facts.has_live_replica = false;
    row.reason_code = TEXT_EMPTY;
    assert_int_equal(wire_summary_reason(&row).code, PIPE_REASON_NO_WORKER);
    row.reason_code = TEXT_WAITING;
    row.reason_message = TEXT_MESSAGE;
    assert_int_equal(wire_summary_reason(&row).code, PIPE_REASON_SOURCE_UNREACHABLE);
    assert_string_equal(wire_summary_reason(&row).message, "why");
    row.failure_code = TEXT_FAILED;
    assert_int_equal(wire_summary_reason(&row).code, PIPE_REASON_TABLE_NOT_FOUND);
    assert_string_equal(wire_summary_reason(&row).message, "");
    struct pipe_row stopped = row_of(false);
    stopped.has_worker = false;
    stopped.reason_code = TEXT_WAITING;
    assert_int_equal(wire_summary_reason(&stopped).code, PIPE_REASON_NONE);
}

static json_t *
summary_of(const struct pipe_row *row, const struct runtime_summary *runtime, bool is_whole)
{
    struct json_text text;
    json_text_init(&text, 100000);
    wire_summary_write(&text, row, runtime, is_whole);
    assert_int_equal(text.status, ST_OK);
    json_t *json = json_loads(buf_text(&text.out), 0, NULL);
    assert_non_null(json);
    json_text_done(&text);
    return json;
}

static json_int_t number_at(const json_t *json, const char *first, const char *second)
{
    const json_t *value = json_object_get(json_object_get(json, first), second);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void whole(void **state)
{
    (void)state;
    struct pipe_row row = row_of(true);
    row.facts.was_ready = true;
    row.last_error_at = TEXT_TIME;
    row.last_error_type = TEXT_WAITING;
    struct runtime_replica_row replicas[3] = {
        {.replica_index = 0,
         .host = TEXT_HOST,
         .pid = 42,
         .state = TEXT_RUNNING,
         .is_live = true,
         .started_at = TEXT_TIME,
         .restarts = 3,
         .memory_bytes = 1000,
         .cpu_millicores = 50},
        {.replica_index = 1, .pid = 43, .state = TEXT_RUNNING, .is_live = false},
        {.replica_index = 2, .is_live = false}, /* scaled down: not shown */
    };
    struct runtime_partition_row partitions[2] = {
        {.topic = TEXT_TOPIC, .partition = 0, .committed = -1, .end_offset = 10},
        {.topic = TEXT_TOPIC, .partition = 1, .committed = 12, .end_offset = 10},
    };
    struct runtime_summary runtime = {
        .counters =
            {.fetched_records = 10,
             .sent_records = 7,
             .rejected_records = 2,
             .skipped_records = 1,
             .inserts = 4,
             .batches_age = 3},
        .records_per_second = 12.5,
        .lag_records = 10,
        .latency_max_ms = 90,
        .replicas = replicas,
        .replicas_count = 3,
        .partitions = partitions,
        .partitions_count = 2,
    };
    runtime.latency_counts[latency_bucket(3)] = 9;
    runtime.latency_counts[latency_bucket(90)] = 1;
    json_t *json = summary_of(&row, &runtime, true);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "Running");
    assert_string_equal(json_string_value(json_object_get(json, "desired")), "running");
    assert_true(json_is_null(json_object_get(json, "reason")));
    assert_int_equal(number_at(json, "records", "fetched"), 10);
    assert_int_equal(number_at(json, "records", "skipped"), 1);
    assert_int_equal(number_at(json, "batches", "inserts"), 4);
    assert_int_equal(number_at(json_object_get(json, "batches"), "byReason", "age"), 3);
    assert_int_equal(number_at(json, "latencyMs", "p50"), 3);
    assert_int_equal(number_at(json, "latencyMs", "p99"), 90);
    assert_int_equal(number_at(json, "latencyMs", "max"), 90);
    const json_t *list = json_object_get(json, "replicas");
    assert_int_equal(json_array_size(list), 2);
    const json_t *idle = json_array_get(list, 1);
    assert_string_equal(json_string_value(json_object_get(idle, "state")), "idle");
    assert_true(json_is_null(json_object_get(idle, "pid")));
    const json_t *lag = json_object_get(json_object_get(json, "lag"), "partitions");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(lag, 0), "lag")), 10);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(lag, 1), "lag")), 0);
    const json_t *last = json_object_get(json, "lastError");
    assert_string_equal(json_string_value(json_object_get(last, "type")), "SOURCE_UNREACHABLE");
    json_decref(json);
}

static void nothing_yet_and_short(void **state)
{
    (void)state;
    struct pipe_row row = row_of(true);
    row.has_worker = false;
    json_t *json = summary_of(&row, NULL, false);
    assert_non_null(json);
    assert_null(json_object_get(json, "replicas"));
    assert_null(json_object_get(json_object_get(json, "lag"), "partitions"));
    const json_t *reason = json_object_get(json, "reason");
    assert_string_equal(json_string_value(json_object_get(reason, "code")), "NO_WORKER");
    assert_true(json_string_length(json_object_get(reason, "hint")) > 0);
    const json_t *guarantee = json_object_get(json, "guarantee");
    assert_string_equal(json_string_value(json_object_get(guarantee, "mode")), "at-least-once");
    assert_true(json_is_null(json_object_get(guarantee, "protects")));
    assert_true(json_is_null(json_object_get(json, "lastError")));
    json_decref(json);
}

/* What was found out counts only for a pipe that asks for exactly-once. */
static void the_guarantee_is_the_one_in_force(void **state)
{
    (void)state;
    static const struct {
        bool is_asked;
        bool is_known;
        const char *mode;
        const char *part;
        int inserts; /* 0 = protects is null */
    } cases[] = {
        {false, false, "at-least-once", "exactlyOnce is off", 0},
        {false, true, "at-least-once", "exactlyOnce is off", 0},
        {true, false, "at-least-once", "when the pipe starts", 0},
        {true, true, "exactly-once-by-token", "found", 500},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_row row = row_of(true);
        row.is_exactly_once = cases[i].is_asked;
        row.has_guarantee = cases[i].is_known;
        row.guarantee = (struct guarantee){
            .mode = GUARANTEE_BY_TOKEN, .inserts = 500, .seconds = 3600, .detail = "found"};
        json_t *json = summary_of(&row, NULL, false);
        const json_t *guarantee = json_object_get(json, "guarantee");
        assert_string_equal(json_string_value(json_object_get(guarantee, "mode")), cases[i].mode);
        const char *detail = json_string_value(json_object_get(guarantee, "detail"));
        assert_non_null(strstr(detail, cases[i].part));
        const json_t *protects = json_object_get(guarantee, "protects");
        assert_int_equal(
            json_integer_value(json_object_get(protects, "inserts")), cases[i].inserts);
        assert_int_equal(json_is_null(protects), cases[i].inserts == 0);
        json_decref(json);
    }
}

static void a_registry_without_tls_is_warned_of(void **state)
{
    (void)state;
    static const struct {
        char url[32];
        size_t warnings_count;
    } cases[] = {{"http://r:8081", 1}, {"https://r:8081", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_row row = row_of(true);
        char url[32];
        memcpy(url, cases[i].url, sizeof(url));
        row.registry_url = url;
        json_t *json = summary_of(&row, NULL, false);
        const json_t *warnings = json_object_get(json, "warnings");
        assert_true(json_is_array(warnings));
        assert_int_equal(json_array_size(warnings), cases[i].warnings_count);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons),
        cmocka_unit_test(whole),
        cmocka_unit_test(a_registry_without_tls_is_warned_of),
        cmocka_unit_test(nothing_yet_and_short),
        cmocka_unit_test(the_guarantee_is_the_one_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
