#ifndef DEMO_GENERATOR_STATS_H
#define DEMO_GENERATOR_STATS_H

/* The counts as a JSON file that the demo reads while we run. */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "demo/generator/producer.h"

/* Replace the file by {"produced", "bytes", "malformed", "failed", "elapsedMs", "done",
 * "partitions": [records of each]}; produced counts acknowledged records, malformed ones included.
 * ST_IO, ST_NO_MEMORY. */
enum status stats_write(
    const char *path, const struct producer_counts *counts, int64_t elapsed_ms, bool is_done,
    struct err *err) MUST_CHECK;

#endif
