/* The statistics file can be read back. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo/generator/stats.h"
#include "tests/unit/unit.h"

static void stats_can_be_read_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/penstock-stats-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    assert_true(snprintf(path, sizeof(path), "%s/stats", folder) > 0);
    static struct producer_counts counts = {
        .acknowledged = 12,
        .bytes = 9000000000,
        .malformed = 2,
        .failed = 1,
        .partition_count = 2,
        .by_partition = {7, 5}};
    assert_int_equal(stats_write(path, &counts, 1234, true, NULL), ST_OK);
    json_t *json = json_load_file(path, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(json, "produced")), 12);
    assert_int_equal(json_integer_value(json_object_get(json, "bytes")), 9000000000);
    assert_int_equal(json_integer_value(json_object_get(json, "malformed")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "failed")), 1);
    assert_int_equal(json_integer_value(json_object_get(json, "elapsedMs")), 1234);
    assert_true(json_is_true(json_object_get(json, "done")));
    json_t *partitions = json_object_get(json, "partitions");
    assert_int_equal(json_array_size(partitions), 2);
    assert_int_equal(json_integer_value(json_array_get(partitions, 1)), 5);
    json_decref(json);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_missing_folder_is_reported(void **state)
{
    (void)state;
    static const struct producer_counts counts = {0};
    struct err err = {0};
    assert_int_equal(stats_write("/nonexistent/stats", &counts, 0, false, &err), ST_IO);
    assert_non_null(strstr(err.text, "/nonexistent/stats"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_can_be_read_back),
        cmocka_unit_test(a_missing_folder_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
