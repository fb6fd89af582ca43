#ifndef WORKER_REPLICA_DECODE_PLAN_H
#define WORKER_REPLICA_DECODE_PLAN_H

/*
 * What goes where, worked out once per pipe: which path of a JSON document and which part of the
 * Kafka record becomes which column of the block, and how. Made from the pipe's definition and the
 * destination's real columns; read-only afterwards, shared by any number of decoders.
 *
 * Rules: a column with a field mapping reads that field, another one the
 * field of its own name; a column (or source field) with a virtual column's name reads the record
 * itself, and a field `_key.a` (with the separator) the field a of the record's key; levels of a
 * path are divided by penstock_path_separator; a literal key that holds the separator wins over a
 * path; a number in a path is an array's element.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

#include "worker/replica/block/block.h"

/* A column of the destination table as `system.columns` tells it. Borrowed texts. */
struct plan_column {
    const char *name;
    const char *type;
    bool has_default; /* a DEFAULT or EPHEMERAL expression: for penstock_defaults=server */
};

struct cell;
struct plan;

/*
 * Make a plan for spec (borrowed during the call). table_columns: the destination's real columns,
 * which decide the types; columns that the pipe does not list are left to the server.
 * ret_plan: owned, plan_free.
 * ST_INVALID: a column of the pipe is not in the table, or there are none;
 * ST_UNSUPPORTED: a type or setting that is not supported yet, named; ST_NO_MEMORY.
 */
enum status plan_new(
    const struct pipe_spec *spec, const struct plan_column *table_columns, size_t columns_count,
    struct plan **ret_plan, struct err *err) MUST_CHECK;

void plan_free(struct plan *plan);
void plan_freep(struct plan **plan);

/* Columns of the block, in the order of the pipe's list. Borrowed from the plan. */
const struct block_column *plan_columns(const struct plan *plan, size_t *ret_count);

/* A column that reads the inside of the value. All borrowed from the plan. */
struct plan_field {
    uint32_t column;
    const char *path; /* levels divided by plan_separator; in the key without "_key" */
    const struct cell *cell;
};

/* In the order of the columns; virtual columns and fields of the key are not among them. */
const struct plan_field *plan_fields(const struct plan *plan, size_t *ret_count);
const char *plan_separator(const struct plan *plan);

/* True if a column reads the record's headers. */
bool plan_needs_headers(const struct plan *plan);

/* True if no column reads the value's inside (only virtual columns): bytes are not parsed. */
bool plan_is_raw(const struct plan *plan);

#endif
