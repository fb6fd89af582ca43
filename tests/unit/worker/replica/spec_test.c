/* The spec frame: what must be there, and what is read from it. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/spec.h"

#include <cmocka.h>

static const char good[] =
    "{\"kind\":\"replica\",\"pipeId\":\"p\",\"serviceId\":\"s\",\"replicaIndex\":2,"
    "\"generation\":9,\"leaseMs\":15000,\"consumerGroup\":\"g\","
    "\"definition\":{\"name\":\"n\",\"source\":{\"kafka\":{\"type\":\"kafka\","
    "\"format\":\"JSONEachRow\",\"brokers\":\"h:1\",\"topics\":\"t\"}},"
    "\"destination\":{\"database\":\"d\",\"table\":\"x\",\"managedTable\":true,"
    "\"tableDefinition\":{\"engine\":{\"type\":\"MergeTree\"},\"sortingKey\":[\"id\"]},"
    "\"columns\":[{\"name\":\"id\",\"type\":\"UInt64\"}]},"
    "\"settings\":{\"penstock_batch_rows\":500}},"
    "\"secrets\":{},\"scaling\":{\"replicas\":1,\"replicaCpuMillicores\":250,"
    "\"replicaMemoryGb\":1.0},"
    "\"clickhouse\":{\"url\":\"http://h:8123\",\"username\":\"u\",\"password\":\"w\","
    "\"caCertificate\":null}}";

static void a_whole_spec_is_read(void **state)
{
    (void)state;
    struct replica_spec spec;
    assert_int_equal(replica_spec_parse(good, &spec, NULL), ST_OK);
    assert_string_equal(spec.pipe_id, "p");
    assert_string_equal(spec.consumer_group, "g");
    assert_int_equal(spec.replica_index, 2);
    assert_int_equal(spec.generation, 9);
    assert_int_equal(spec.lease_ms, 15000);
    assert_int_equal(spec.pipe->settings.batch_rows, 500);
    assert_string_equal(spec.pipe->destination.table, "x");
    assert_int_equal(replica_spec_memory_bytes(&spec), (size_t)1024 * 1024 * 1024);
    struct clickhouse_endpoint endpoint = replica_spec_endpoint(&spec);
    assert_string_equal(endpoint.url, "http://h:8123");
    assert_string_equal(endpoint.username, "u");
    assert_true(secret_equals(endpoint.password, "w", 1));
    assert_null(endpoint.ca_certificate);
    assert_int_equal(spec.epoch, 1);
    assert_int_equal(spec.mapping_version, 1);
    assert_int_equal(spec.older_count, 0);
    assert_ptr_equal(replica_spec_mapping(&spec, 1), spec.pipe);
    replica_spec_done(&spec);
    replica_spec_done(&spec);
    assert_int_equal(replica_spec_memory_bytes(&spec), (size_t)512 * 1024 * 1024);
}

static void a_broken_spec_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *member; /* set to null */
        const char *parent; /* NULL = the root */
        const char *error_part;
    } cases[] = {
        {"pipeId", NULL, "pipeId"},
        {"consumerGroup", NULL, "consumerGroup"},
        {"replicaIndex", NULL, "replicaIndex"},
        {"generation", NULL, "generation"},
        {"leaseMs", NULL, "leaseMs"},
        {"url", "clickhouse", "url"},
        {"clickhouse", NULL, "url"},
        {"source", "definition", "/source"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *root = json_loads(good, 0, NULL);
        json_t *parent = cases[i].parent == NULL ? root : json_object_get(root, cases[i].parent);
        assert_int_equal(json_object_set_new(parent, cases[i].member, json_null()), 0);
        char *text = json_dumps(root, 0);
        struct replica_spec spec;
        struct err err = {.status = ST_OK};
        print_message("%s\n", cases[i].member);
        assert_int_equal(replica_spec_parse(text, &spec, &err), ST_INVALID);
        assert_non_null(strstr(err.text, cases[i].error_part));
        free(text);
        json_decref(root);
    }
}

/* The old mapping reads another format by another path; everything else is of now. */
static void older_mappings_are_pipes_of_their_own(void **state)
{
    (void)state;
    json_t *root = json_loads(good, 0, NULL);
    json_t *older = json_pack(
        "{s:I, s:I, s:[{s:I, s:{s:{s:{s:s}}, s:[{s:s, s:s}], s:{s:[{s:s, s:s}]}, s:{s:s}}}, "
        "{s:I, s:{s:{s:{s:s}}}}]}",
        "epoch", (json_int_t)3, "mappingVersion", (json_int_t)12, "olderMappings", "version",
        (json_int_t)11, "mapping", "source", "kafka", "format", "JSONEachRow", "fieldMappings",
        "sourceField", "a", "destinationField", "id", "destination", "columns", "name", "id",
        "type", "UInt32", "settings", "penstock_null", "error",
        /* without columns it makes no pipe any more */
        "version", (json_int_t)10, "mapping", "source", "kafka", "format", "JSONEachRow");
    assert_non_null(older);
    assert_int_equal(json_object_update(root, older), 0);
    char *text = json_dumps(root, 0);
    struct replica_spec spec;
    struct err err = {.status = ST_OK};
    assert_int_equal(replica_spec_parse(text, &spec, &err), ST_OK);
    assert_int_equal(spec.epoch, 3);
    assert_int_equal(spec.mapping_version, 12);
    assert_int_equal(spec.older_count, 1);
    const struct pipe_spec *pipe = replica_spec_mapping(&spec, 11);
    assert_non_null(pipe);
    assert_int_equal(pipe->mappings_count, 1);
    assert_string_equal(pipe->mappings[0].source_field, "a");
    assert_string_equal(pipe->destination.columns[0].type, "UInt32");
    assert_int_equal(pipe->settings.null_mode, PIPE_NULL_ERROR);
    assert_int_equal(pipe->settings.batch_rows, 500);
    assert_string_equal(pipe->destination.table, "x");
    assert_ptr_equal(replica_spec_mapping(&spec, 12), spec.pipe);
    assert_int_equal(spec.pipe->mappings_count, 0);
    assert_null(replica_spec_mapping(&spec, 10));
    assert_null(replica_spec_mapping(&spec, 13));
    replica_spec_done(&spec);
    free(text);
    json_decref(older);
    json_decref(root);
}

static void an_unreadable_spec_shows_no_secret(void **state)
{
    (void)state;
    struct replica_spec spec;
    struct err err = {.status = ST_OK};
    assert_int_equal(replica_spec_parse("{\"password\":\"hunter2\" oops", &spec, &err), ST_INVALID);
    assert_null(strstr(err.text, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_spec_is_read),
        cmocka_unit_test(a_broken_spec_is_refused),
        cmocka_unit_test(older_mappings_are_pipes_of_their_own),
        cmocka_unit_test(an_unreadable_spec_shows_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
