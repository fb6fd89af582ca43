/* The counts as JSON, by jansson, replaced whole. */

#include "demo/generator/stats.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "demo/support/atomic_file.h"

static json_t *partitions_json(const struct producer_counts *counts)
{
    json_t *list = json_array();
    for (int i = 0; i < counts->partition_count && i < PRODUCER_PARTITIONS_MAX; i++) {
        (void)json_array_append_new(
            list, json_integer((json_int_t)counts->by_partition[i])); /* packing finds a failure */
    }
    return list;
}

enum status stats_write(
    const char *path, const struct producer_counts *counts, int64_t elapsed_ms, bool is_done,
    struct err *err)
{
    assert(path != NULL && counts != NULL);
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "produced", (json_int_t)counts->acknowledged,
        "bytes", (json_int_t)counts->bytes, "malformed", (json_int_t)counts->malformed, "failed",
        (json_int_t)counts->failed, "elapsedMs", (json_int_t)elapsed_ms, "done", is_done ? 1 : 0,
        "partitions", partitions_json(counts));
    CLEANUP(freep) char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the statistics");
    }
    return atomic_file_write(path, text, err);
}
