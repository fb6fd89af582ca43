#ifndef WORKER_PROBE_CELL_JSON_H
#define WORKER_PROBE_CELL_JSON_H

/*
 * One cell of a block as JSON, as `FORMAT JSONEachRow` shows it: numbers of up to 64 bits as
 * numbers (above Int64 as text), wider ones, decimals, dates and times as text, NULL as null,
 * bytes that are no UTF-8 with U+FFFD. Pure.
 */

#include <jansson.h>
#include <stddef.h>

#include "worker/replica/block/column.h"

/* The cell at index (0 …) of a column. Owned reference; NULL without memory. */
json_t *cell_json(const struct column *column, size_t index);

#endif
