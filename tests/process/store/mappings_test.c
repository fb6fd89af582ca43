/* Epochs and mapping versions: raised by changes, told to replicas, kept within bounds. */
#include <stdio.h>
#include <string.h>

#include "common/model/pipe_mapping.h"
#include "common/store/pipe_change.h"

#include "tests/process/store/fixture.h"

static json_t *spec_of(struct fixture *f, const char *id)
{
    struct lease lease = {.replica_index = 0, .generation = 1};
    (void)snprintf(lease.pipe_id, sizeof(lease.pipe_id), "%s", id); /* a UUID */
    struct err err = {.text = ""};
    json_t *spec = NULL;
    int64_t revision = 0;
    assert_ok(runtime_replica_spec(f->b, &lease, 15, &spec, &revision, &err), &err);
    return spec;
}

static void assert_spec(
    struct fixture *f, const char *id, json_int_t epoch, json_int_t version, size_t older_count)
{
    json_t *spec = spec_of(f, id);
    assert_int_equal(json_integer_value(json_object_get(spec, "epoch")), epoch);
    assert_int_equal(json_integer_value(json_object_get(spec, "mappingVersion")), version);
    const json_t *older = json_object_get(spec, "olderMappings");
    assert_int_equal(json_array_size(older), older_count);
    for (size_t i = 0; i < older_count; i++) {
        const json_t *item = json_array_get(older, i);
        assert_int_equal(
            json_integer_value(json_object_get(item, "version")), version - 1 - (json_int_t)i);
    }
    json_decref(spec);
}

static json_t *definition_with(const char *format, const char *filler)
{
    json_t *definition = json_pack(
        "{s:s, s:{s:{s:s}}, s:[{s:s}]}", "name", "orders", "source", "kafka", "format", format,
        "fieldMappings", "sourceField", filler);
    assert_non_null(definition);
    return definition;
}

/* Change the pipe to this definition; the one before it had `old`. */
static void change_to(
    struct fixture *f, const char *id, const json_t *definition, const json_t *old, bool is_new)
{
    struct err err = {.text = ""};
    json_t *mapping = old == NULL ? NULL : pipe_mapping_of(old);
    const struct pipe_change change = {
        .name = "orders",
        .definition = definition,
        .raises_epoch = is_new,
        .old_mapping = mapping,
    };
    assert_ok(pipe_store_change(f->a, f->service_id, id, &change, &err), &err);
    json_decref(mapping);
}

static void a_new_pipe_has_its_first_versions(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 1, id);
    assert_spec(f, id, 1, 1, 0);
}

static void a_replaced_mapping_is_told_to_replicas(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 1, id);
    json_t *first = definition_with("Avro", "a");
    json_t *second = definition_with("JSONEachRow", "\x01 \xc3\xbc \"'");
    change_to(f, id, first, NULL, false);
    assert_spec(f, id, 1, 1, 0);
    change_to(f, id, second, first, false);
    change_to(f, id, first, second, true);
    assert_spec(f, id, 2, 3, 2);
    json_t *spec = spec_of(f, id);
    const json_t *older = json_object_get(spec, "olderMappings");
    const json_t *of_second = json_object_get(json_array_get(older, 0), "mapping");
    const json_t *of_first = json_object_get(json_array_get(older, 1), "mapping");
    assert_true(pipe_mapping_is_same(of_second, second));
    assert_true(pipe_mapping_is_same(of_first, first));
    json_decref(spec);
    /* Another pipe is not concerned. */
    char other[37];
    fixture_pipe(f, 1, other);
    assert_spec(f, other, 1, 1, 0);
    json_decref(first);
    json_decref(second);
}

static void only_what_may_be_pending_is_kept(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 1, id);
    json_t *definition = definition_with("Avro", "a");
    for (int i = 0; i < 12; i++) {
        change_to(f, id, definition, definition, false);
    }
    assert_spec(f, id, 1, 13, 8);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_mapping"), 8);
    fixture_sql(
        f, "UPDATE pipe_mapping SET replaced_at = now() - interval '8 days' WHERE version <= 9");
    assert_spec(f, id, 1, 13, 3);
    change_to(f, id, definition, definition, false);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_mapping"), 4);
    json_decref(definition);
}

/* A spec has a greatest size: of mappings as large as a create body may be, the newest is told. */
static void large_mappings_do_not_burst_the_spec(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 1, id);
    static char filler[1500 * 1000];
    memset(filler, 'x', sizeof(filler) - 1);
    json_t *definition = definition_with("Avro", filler);
    for (int i = 0; i < 3; i++) {
        change_to(f, id, definition, definition, false);
    }
    assert_spec(f, id, 1, 4, 1);
    json_decref(definition);
}

static void an_epoch_is_raised_with_the_revision(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    assert_ok(pipe_raise_epoch(f->a, id, &err), &err);
    assert_ok(pipe_raise_epoch(f->a, id, &err), &err);
    assert_spec(f, id, 3, 1, 0);
    assert_int_equal(fixture_int(f, "SELECT revision FROM pipe"), 3);
    assert_status(ST_NOT_FOUND, pipe_raise_epoch(f->a, FIXTURE_NOBODY, &err), &err);
}

static void mappings_go_with_their_pipe(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    json_t *definition = definition_with("Avro", "a");
    change_to(f, id, definition, definition, false);
    assert_ok(pipe_delete(f->a, f->service_id, id, &err), &err);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_mapping"), 0);
    json_decref(definition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_pipe_has_its_first_versions, fixture_setup),
        cmocka_unit_test_setup(a_replaced_mapping_is_told_to_replicas, fixture_setup),
        cmocka_unit_test_setup(only_what_may_be_pending_is_kept, fixture_setup),
        cmocka_unit_test_setup(large_mappings_do_not_burst_the_spec, fixture_setup),
        cmocka_unit_test_setup(an_epoch_is_raised_with_the_revision, fixture_setup),
        cmocka_unit_test_setup(mappings_go_with_their_pipe, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
