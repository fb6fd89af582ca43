/* Settings and scaling: defaults, every key with its range, every refusal. */
#include <stdio.h>

#include "tests/unit/common/model/pipe_cases.h"

static enum status
read_settings(const char *text, struct pipe_problems *problems, struct pipe_settings *settings)
{
    json_t *json = text == NULL ? NULL : load(text);
    enum status st = pipe_settings_from_json(json, "/settings", problems, settings);
    json_decref(json);
    return st;
}

static void nothing_said_means_the_defaults(void **state)
{
    (void)state;
    static const char *const empty[] = {
        NULL, "null", "{}", "{\"kafka_read_committed\":null,\"penstock_path_separator\":null}"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        struct pipe_problems problems = {0};
        struct pipe_settings settings;
        assert_int_equal(read_settings(empty[i], &problems, &settings), ST_OK);
        assert_int_equal(settings.insert_wait_ms, 5000);
        assert_false(settings.read_committed);
        assert_int_equal(settings.overflow, PIPE_OVERFLOW_ERROR);
        assert_int_equal(settings.defaults, PIPE_DEFAULTS_ZERO);
        assert_int_equal(settings.null_mode, PIPE_NULL_ZERO);
        assert_int_equal(settings.error_mode, PIPE_ERROR_CONTINUE);
        assert_int_equal(settings.error_limit, 0);
        assert_int_equal(settings.multi_record, PIPE_MULTI_RECORD_OFF);
        assert_string_equal(settings.path_separator, ".");
        assert_int_equal(settings.tombstones, PIPE_TOMBSTONES_SKIP);
        assert_int_equal(settings.timestamp_unit, PIPE_TIMESTAMP_AUTO);
        assert_int_equal(settings.compression, PIPE_COMPRESSION_LZ4);
        assert_int_equal(settings.batch_rows, 100000);
        assert_int_equal(settings.batch_bytes, 0);
        assert_int_equal(settings.source_timeout_s, 900);
        assert_int_equal(settings.destination_timeout_s, 3600);
        assert_int_equal(settings.group_protocol, PIPE_GROUP_CLASSIC);
        assert_int_equal(settings.assignor, PIPE_ASSIGNOR_RANGE);
        assert_false(settings.static_membership);
        pipe_settings_done(&settings);
        pipe_settings_done(&settings);
    }
}

static void every_setting_is_read(void **state)
{
    (void)state;
    struct pipe_problems problems = {0};
    struct pipe_settings settings;
    assert_int_equal(
        read_settings(
            "{\"streaming_max_insert_wait_ms\":60000,\"kafka_read_committed\":true,"
            "\"penstock_overflow\":\"clamp\",\"penstock_defaults\":\"server\","
            "\"penstock_null\":\"error\",\"penstock_error_mode\":\"stop\","
            "\"penstock_error_limit\":1000000,\"penstock_multi_record\":\"array\","
            "\"penstock_path_separator\":\"__\",\"penstock_tombstones\":\"row\","
            "\"penstock_timestamp_unit\":\"ns\",\"penstock_compression\":\"none\","
            "\"penstock_batch_rows\":1,\"penstock_batch_bytes\":1073741824,"
            "\"penstock_source_timeout_s\":1,\"penstock_destination_timeout_s\":2592000,"
            "\"penstock_group_protocol\":\"consumer\","
            "\"penstock_assignor\":\"cooperative-sticky\",\"penstock_static_membership\":true}",
            &problems, &settings),
        ST_OK);
    assert_int_equal(settings.insert_wait_ms, 60000);
    assert_true(settings.read_committed);
    assert_int_equal(settings.overflow, PIPE_OVERFLOW_CLAMP);
    assert_int_equal(settings.defaults, PIPE_DEFAULTS_SERVER);
    assert_int_equal(settings.null_mode, PIPE_NULL_ERROR);
    assert_int_equal(settings.error_mode, PIPE_ERROR_STOP);
    assert_int_equal(settings.error_limit, 1000000);
    assert_int_equal(settings.multi_record, PIPE_MULTI_RECORD_ARRAY);
    assert_string_equal(settings.path_separator, "__");
    assert_int_equal(settings.tombstones, PIPE_TOMBSTONES_ROW);
    assert_int_equal(settings.timestamp_unit, PIPE_TIMESTAMP_NS);
    assert_int_equal(settings.compression, PIPE_COMPRESSION_NONE);
    assert_int_equal(settings.batch_rows, 1);
    assert_int_equal(settings.batch_bytes, 1073741824);
    assert_int_equal(settings.source_timeout_s, 1);
    assert_int_equal(settings.destination_timeout_s, 2592000);
    assert_int_equal(settings.group_protocol, PIPE_GROUP_CONSUMER);
    assert_int_equal(settings.assignor, PIPE_ASSIGNOR_COOPERATIVE_STICKY);
    assert_true(settings.static_membership);
    pipe_settings_done(&settings);
}

static void every_wrong_setting_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        const char *problem;
    } cases[] = {
        {"5", "/settings: must be an object"},
        {"{\"streaming_max_insert_wait_ms\":499}",
         "/settings/streaming_max_insert_wait_ms: must be between 500 and 60000"},
        {"{\"streaming_max_insert_wait_ms\":60001}",
         "/settings/streaming_max_insert_wait_ms: must be between 500 and 60000"},
        {"{\"streaming_max_insert_wait_ms\":\"5000\"}",
         "/settings/streaming_max_insert_wait_ms: must be an integer"},
        {"{\"streaming_max_insert_wait_ms\":5000.0}",
         "/settings/streaming_max_insert_wait_ms: must be an integer"},
        {"{\"kafka_read_committed\":\"<nil>\"}",
         "/settings/kafka_read_committed: must be true or false"},
        {"{\"kafka_read_committed\":1}", "/settings/kafka_read_committed: must be true or false"},
        {"{\"penstock_path_separator\":\"<nil>\"}",
         "/settings/penstock_path_separator: must not be null"},
        {"{\"penstock_path_separator\":\"\"}",
         "/settings/penstock_path_separator: must not be empty"},
        {"{\"penstock_path_separator\":\"12345678901234567\"}",
         "/settings/penstock_path_separator: longer than 16 bytes"},
        {"{\"penstock_path_separator\":1}", "/settings/penstock_path_separator: must be a string"},
        {"{\"penstock_overflow\":\"\"}",
         "/settings/penstock_overflow: unknown value '', must be one of error, wrap, clamp"},
        {"{\"penstock_overflow\":true}", "/settings/penstock_overflow: must be a string"},
        {"{\"penstock_error_limit\":1000001}",
         "/settings/penstock_error_limit: must be between 0 and 1000000"},
        {"{\"penstock_batch_rows\":0}",
         "/settings/penstock_batch_rows: must be between 1 and 1000000"},
        {"{\"penstock_batch_bytes\":-1}",
         "/settings/penstock_batch_bytes: must be between 0 and 1073741824"},
        {"{\"penstock_source_timeout_s\":0}",
         "/settings/penstock_source_timeout_s: must be between 1 and 2592000"},
        {"{\"penstock_group_protocol\":\"share\"}",
         "/settings/penstock_group_protocol: unknown value 'share', must be one of classic, "
         "consumer"},
        {"{\"penstock_assignor\":\"sticky\"}",
         "/settings/penstock_assignor: unknown value 'sticky', must be one of range, roundrobin, "
         "cooperative-sticky"},
        {"{\"penstock_static_membership\":\"yes\"}",
         "/settings/penstock_static_membership: must be true or false"},
        {"{\"object_storage_max_file_count\":1}",
         "/settings/object_storage_max_file_count: Setting 'object_storage_max_file_count' is only "
         "supported for object storage ClickPipes"},
        {"{\"clickhouse_max_threads\":null}",
         "/settings/clickhouse_max_threads: Setting 'clickhouse_max_threads' is only supported for "
         "object storage ClickPipes"},
        {"{\"Kafka_read_committed\":true}",
         "/settings/Kafka_read_committed: unknown setting 'Kafka_read_committed'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_problems problems = {0};
        struct pipe_settings settings;
        assert_int_equal(read_settings(cases[i].settings, &problems, &settings), ST_INVALID);
        assert_int_equal(problems.count, 1);
        assert_string_equal(problems.items[0], cases[i].problem);
        pipe_problems_done(&problems);
    }
}

static void scaling_changes_what_it_names_or_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int replicas;
        int cpu_millicores;
        int memory_tenths_gb;
        const char *problem;
    } cases[] = {
        {"null", 3, 250, 10, NULL},
        {"{}", 3, 250, 10, NULL},
        {"{\"replicas\":40}", 40, 250, 10, NULL},
        {"{\"replicas\":1,\"concurrency\":9}", 1, 250, 10, NULL},
        {"{\"replicas\":null,\"replicaCpuMillicores\":2000}", 3, 2000, 10, NULL},
        {"{\"replicaCpuMillicores\":125,\"replicaMemoryGb\":8}", 3, 125, 80, NULL},
        {"{\"replicaMemoryGb\":0.5}", 3, 250, 5, NULL},
        {"{\"replicas\":0}", 3, 250, 10, "/s/replicas: Not between 1 and 40"},
        {"{\"replicas\":1.0}", 3, 250, 10, "/s/replicas: must be an integer"},
        {"{\"replicas\":9223372036854775807}", 3, 250, 10, "/s/replicas: Not between 1 and 40"},
        {"{\"replicas\":2,\"replicaCpuMillicores\":124}", 3, 250, 10,
         "/s/replicaCpuMillicores: Not between 125 and 2000"},
        {"{\"replicaCpuMillicores\":\"250m\"}", 3, 250, 10,
         "/s/replicaCpuMillicores: must be an integer"},
        {"{\"replicaMemoryGb\":8.1}", 3, 250, 10, "/s/replicaMemoryGb: Not between 0.5 and 8"},
        {"{\"replicaMemoryGb\":0.4}", 3, 250, 10, "/s/replicaMemoryGb: Not between 0.5 and 8"},
        {"{\"replicaMemoryGb\":\"1\"}", 3, 250, 10, "/s/replicaMemoryGb: must be a number"},
        {"[]", 3, 250, 10, "/s: must be an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_scaling scaling = {.replicas = 3, .cpu_millicores = 250, .memory_gb = 1};
        struct pipe_problems problems = {0};
        json_t *json = load(cases[i].text);
        enum status st = pipe_scaling_apply_json(json, "/s", &problems, &scaling);
        json_decref(json);
        assert_int_equal(st, cases[i].problem == NULL ? ST_OK : ST_INVALID);
        if (cases[i].problem != NULL) {
            assert_int_equal(problems.count, 1);
            assert_string_equal(problems.items[0], cases[i].problem);
        }
        assert_int_equal(scaling.replicas, cases[i].replicas);
        assert_int_equal(scaling.cpu_millicores, cases[i].cpu_millicores);
        assert_int_equal((int)(scaling.memory_gb * 10 + 0.5), cases[i].memory_tenths_gb);
        pipe_problems_done(&problems);
    }
    struct pipe_scaling scaling = {.replicas = 3};
    struct pipe_problems problems = {0};
    assert_int_equal(pipe_scaling_apply_json(NULL, "/s", &problems, &scaling), ST_OK);
    assert_int_equal(scaling.replicas, 3);
}

static void problems_are_bounded_and_stay_utf8(void **state)
{
    (void)state;
    struct pipe_problems problems = {0};
    char *text = pipe_problems_text(&problems);
    assert_string_equal(text, "");
    free(text);
    char longest[600];
    memset(longest, 'x', sizeof(longest));
    memcpy(longest + 509, "\xe2\x82\xac", 4); /* a euro sign where the text is cut */
    pipe_problems_add(&problems, "/p", "%s", longest);
    assert_int_equal(strlen(problems.items[0]), strlen("/p: ") + 509);
    for (int i = 1; i < PIPE_PROBLEMS_MAX; i++) {
        pipe_problems_add(&problems, "/p", "%d", i);
    }
    assert_false(problems.has_more);
    pipe_problems_add(&problems, "/p", "one too many");
    assert_true(problems.has_more);
    assert_int_equal(problems.count, PIPE_PROBLEMS_MAX);
    text = pipe_problems_text(&problems);
    assert_non_null(strstr(text, "/p: 62; /p: 63; and more"));
    free(text);
    pipe_problems_done(&problems);
    assert_int_equal(problems.count, 0);
    pipe_problems_done(&problems);
}

static void enums_have_the_texts_of_the_wire(void **state)
{
    (void)state;
    assert_string_equal(kafka_type_text(KAFKA_TYPE_AZUREEVENTHUB), "azureeventhub");
    assert_string_equal(pipe_format_text(PIPE_FORMAT_AVRO_CONFLUENT), "AvroConfluent");
    assert_string_equal(kafka_auth_text(KAFKA_AUTH_NONE), "");
    assert_string_equal(kafka_auth_text(KAFKA_AUTH_SCRAM_SHA_512), "SCRAM-SHA-512");
    assert_string_equal(table_engine_text(ENGINE_NULL), "Null");
    assert_string_equal(pipe_compression_text(PIPE_COMPRESSION_ZSTD), "zstd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_means_the_defaults),
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(every_wrong_setting_is_refused),
        cmocka_unit_test(scaling_changes_what_it_names_or_nothing),
        cmocka_unit_test(problems_are_bounded_and_stay_utf8),
        cmocka_unit_test(enums_have_the_texts_of_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
