#ifndef WORKER_REPLICA_SINK_TRIES_H
#define WORKER_REPLICA_SINK_TRIES_H

/*
 * Which rows of a block go into the present insert: all of them, those that are not stored yet, or
 * a piece of either while rows that ClickHouse refuses are looked for (ranges.h). Rows are told by
 * their index in the block, whatever was left out before. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

#include "worker/replica/sink/ranges.h"

struct tries {
    struct ranges ranges;
    struct range range; /* of the present try */
    size_t *only;       /* owned; NULL = all rows; else those that are tried, ascending */
};

/* A cursor over the rows of a try; {0} = at its beginning. */
struct tries_cursor {
    size_t at;
    size_t from;
    size_t left;
};

/* All rows of a block. Memory of an earlier block is kept. */
void tries_begin(struct tries *tries, size_t rows);

/* These rows alone, from the beginning. only: taken, free(); ascending. */
void tries_only(struct tries *tries, size_t *only, size_t count);

/* Safe twice and on a zeroed struct. */
void tries_done(struct tries *tries);

/* The next try. False = none is left. */
bool tries_next(struct tries *tries);

/* Rows of the present try. */
size_t tries_rows(const struct tries *tries);

/* True if the present try is the whole block. */
bool tries_is_whole(const struct tries *tries);

/* The next run of neighbours in the present try. False = no more. */
bool tries_run(
    const struct tries *tries, struct tries_cursor *cursor, size_t *ret_from, size_t *ret_count);

/* The first row of the present try. */
size_t tries_first_row(const struct tries *tries);

/* A number that other rows would not have: FNV-1a of the present try's row numbers. */
uint64_t tries_hash(const struct tries *tries);

/* The present try is stored. */
void tries_accepted(struct tries *tries);

/* It is refused; hint as ranges_refused has it. True: it was one row and is done with.
 * ST_NO_MEMORY: nothing changed. */
enum status tries_refused(struct tries *tries, size_t hint, bool *ret_is_row) MUST_CHECK;

/* Cut the present try into two halves, neither of which is blamed. False: it is one row. */
bool tries_halve(struct tries *tries);

#endif
