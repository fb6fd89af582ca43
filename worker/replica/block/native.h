#ifndef WORKER_REPLICA_BLOCK_NATIVE_H
#define WORKER_REPLICA_BLOCK_NATIVE_H

/*
 * The Native format around column builders: pieces that point into the columns, and between them
 * small heads (names, types, counts) in memory of our own. Only block.c uses this.
 * Format: ClickHouse src/Formats/NativeWriter.cpp without server revision, and
 * SerializationLowCardinality.cpp (one dictionary per block, "additional keys").
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"

#include "worker/replica/block/block.h"
#include "worker/replica/block/bytes.h"
#include "worker/replica/block/column.h"

struct native {
    struct block_piece *pieces; /* owned */
    size_t pieces_count;
    size_t pieces_capacity;
    struct bytes head;     /* never moves between begin and end: sized by native_plan */
    size_t head_max_bytes; /* what all columns need */
    size_t open_at;        /* start of the head bytes that are no piece yet */
};

/* Once per column: make room for its heads and pieces. False: no memory. */
bool native_plan(
    struct native *n, const char *name, const char *type_text,
    const struct column *column) MUST_CHECK;

void native_done(struct native *n);

/* Counts, then every column, then the end. False: no memory (only on the first use). */
void native_begin(struct native *n, size_t columns_count, size_t rows);
bool native_add(
    struct native *n, const char *name, const char *type_text,
    const struct column *column) MUST_CHECK;
/* A column of values that are already in the format's layout; borrowed like the columns. */
bool native_add_bytes(
    struct native *n, const char *name, const char *type_text, const struct bytes *data) MUST_CHECK;
void native_end(struct native *n);

#endif
