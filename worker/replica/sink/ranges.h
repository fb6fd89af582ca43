#ifndef WORKER_REPLICA_SINK_RANGES_H
#define WORKER_REPLICA_SINK_RANGES_H

/*
 * Which rows of a batch to try next, when ClickHouse refuses some of them: at first all, then
 * smaller pieces, until each refused row was refused alone. Pure.
 *
 * Without help a refused range is halved. ClickHouse names the row that breaks a constraint: such a
 * row is set aside, the rest of the range tried again, and the rows set aside each alone at the
 * end, so that nobody is refused on a hint. Once rows are known to be bad, ranges are cut to a size
 * that fits their rate, which grows again while pieces pass.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

enum {
    RANGES_MAX = 128
};

struct range {
    size_t from;
    size_t count;
    bool is_single; /* a row that was set aside: it is tried alone */
    bool is_second; /* the half before it is tried first */
    bool is_begun;  /* some of its rows were set aside: it is not cut before it passes */
    bool is_bad;    /* refused as a part of the whole: it is not tried before it is halved */
};

struct ranges {
    struct range items[RANGES_MAX]; /* stack */
    size_t count;
    size_t rows;
    size_t done_rows; /* stored, refused or set aside */
    size_t bad_rows;
    size_t *aside; /* owned, ascending */
    size_t aside_count;
    size_t aside_capacity;
    bool are_hints_good; /* the first one was */
    bool are_hints_bad;
};

/* All rows. Memory of an earlier batch is kept. */
void ranges_begin(struct ranges *ranges, size_t rows);
void ranges_done(struct ranges *ranges);

/* The rows to try now, or NULL when all are stored or refused. Valid until the next call of
 * another function. */
const struct range *ranges_next(struct ranges *ranges);

/* How many rows of the range are tried: those set aside are not, unless it is one of them. */
size_t ranges_tried(const struct ranges *ranges, const struct range *range);

/* Runs of tried rows, in order: from *at (0 first) the next run; false = no more. */
bool ranges_run(
    const struct ranges *ranges, const struct range *range, size_t *at, size_t *ret_from,
    size_t *ret_count);

/* What ranges_next gave is stored. */
void ranges_accepted(struct ranges *ranges);

/*
 * It is refused. hint: 1 … ranges_tried, the tried row that is to blame; 0 = not told. True: it was
 * one row, *ret_row, and is done with. ST_NO_MEMORY: nothing changed.
 */
enum status
ranges_refused(struct ranges *ranges, size_t hint, bool *ret_is_row, size_t *ret_row) MUST_CHECK;

/* Cut what ranges_next gave into two halves, neither of which is blamed. False: it is one row. */
bool ranges_halve(struct ranges *ranges);

#endif
