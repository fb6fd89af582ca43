/*
 * A stack of ranges, the next one on top; it covers everything that is not done, in order. The rows
 * set aside are kept beside it and come when it is empty.
 */
#include "worker/replica/sink/ranges.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    HINTED_ROWS = 16, /* bad rows wanted in a piece where each costs one try */
    ASIDE_FIRST = 64,
};

void ranges_begin(struct ranges *ranges, size_t rows)
{
    size_t *aside = ranges->aside;
    size_t capacity = ranges->aside_capacity;
    memset(ranges, 0, sizeof(*ranges));
    ranges->aside = aside;
    ranges->aside_capacity = capacity;
    ranges->rows = rows;
    if (rows > 0) {
        ranges->items[ranges->count++] = (struct range){.count = rows};
    }
}

void ranges_done(struct ranges *ranges)
{
    free(ranges->aside);
    memset(ranges, 0, sizeof(*ranges));
}

/* How many of the rows set aside lie before row. */
static size_t aside_before(const struct ranges *ranges, size_t row)
{
    size_t from = 0;
    size_t to = ranges->aside_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (ranges->aside[middle] < row) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

size_t ranges_tried(const struct ranges *ranges, const struct range *range)
{
    if (range->is_single) {
        return 1;
    }
    size_t inside =
        aside_before(ranges, range->from + range->count) - aside_before(ranges, range->from);
    return range->count - inside;
}

bool ranges_run(
    const struct ranges *ranges, const struct range *range, size_t *at, size_t *ret_from,
    size_t *ret_count)
{
    size_t from = range->from + *at;
    size_t end = range->from + range->count;
    if (range->is_single) {
        *ret_from = range->from;
        *ret_count = 1;
        return (*at)++ == 0;
    }
    size_t next = aside_before(ranges, from);
    while (from < end && next < ranges->aside_count && ranges->aside[next] == from) {
        from++;
        next++;
    }
    if (from >= end) {
        return false;
    }
    size_t to = next < ranges->aside_count && ranges->aside[next] < end ? ranges->aside[next] : end;
    *ret_from = from;
    *ret_count = to - from;
    *at = to - range->from;
    return true;
}

static struct range *top(struct ranges *ranges)
{
    assert(ranges->count > 0);
    return &ranges->items[ranges->count - 1];
}

/* Cut the top one: its first rows become the new top. */
static void cut(struct ranges *ranges, size_t first_count, bool is_half)
{
    assert(ranges->count < RANGES_MAX);
    struct range *rest = top(ranges);
    assert(first_count > 0 && first_count < rest->count);
    struct range first = {.from = rest->from, .count = first_count};
    rest->from += first_count;
    rest->count -= first_count;
    rest->is_second = is_half;
    rest->is_bad = false;
    rest->is_begun = false;
    ranges->items[ranges->count++] = first;
}

/* Rows of a piece, as many as promise some bad ones where each is told, about one where not. */
static size_t piece_rows(const struct ranges *ranges)
{
    size_t gap = ranges->done_rows / ranges->bad_rows + 1;
    return ranges->are_hints_good ? gap * HINTED_ROWS : gap;
}

static void take_aside(struct ranges *ranges)
{
    ranges->items[ranges->count++] =
        (struct range){.from = ranges->aside[0], .count = 1, .is_single = true};
}

/* True if the top one was cut and is to be looked at again. */
static bool make_smaller(struct ranges *ranges)
{
    const struct range *range = top(ranges);
    if (range->is_single || range->count == 1 || ranges->count == RANGES_MAX) {
        return false;
    }
    if (range->is_bad) {
        cut(ranges, range->count / 2, true);
        return true;
    }
    size_t most = ranges->bad_rows > 0 && !range->is_begun ? piece_rows(ranges) : range->count;
    if (range->count <= most) {
        return false;
    }
    cut(ranges, most, false);
    return true;
}

const struct range *ranges_next(struct ranges *ranges)
{
    do {
        while (ranges->count > 0 && ranges_tried(ranges, top(ranges)) == 0) {
            ranges->count--;
        }
        if (ranges->count == 0 && ranges->aside_count == 0) {
            return NULL;
        }
        if (ranges->count == 0) {
            take_aside(ranges);
        }
    } while (make_smaller(ranges));
    return top(ranges);
}

/* The row is no longer set aside. */
static void forget_aside(struct ranges *ranges, size_t row)
{
    size_t at = aside_before(ranges, row);
    assert(at < ranges->aside_count && ranges->aside[at] == row);
    ranges->aside_count--;
    memmove(
        &ranges->aside[at], &ranges->aside[at + 1],
        (ranges->aside_count - at) * sizeof(ranges->aside[0]));
}

/* A row that was set aside is done with: it is cut out of the range that it was taken from, if that
 * is still there. */
static void close_aside(struct ranges *ranges)
{
    size_t row = top(ranges)->from;
    ranges->count--;
    forget_aside(ranges, row);
    if (ranges->count == 0) {
        return;
    }
    struct range *around = top(ranges);
    assert(row >= around->from && row < around->from + around->count);
    struct range before = {.from = around->from, .count = row - around->from};
    *around = (struct range){.from = row + 1, .count = around->count - before.count - 1};
    ranges->items[ranges->count++] = before; /* where the single one was */
}

void ranges_accepted(struct ranges *ranges)
{
    if (top(ranges)->is_single) {
        ranges->are_hints_bad = true; /* it blamed a good row */
        ranges->are_hints_good = false;
        ranges->bad_rows--;
        close_aside(ranges);
        return;
    }
    ranges->done_rows += ranges_tried(ranges, top(ranges));
    ranges->count--;
    if (ranges->count > 0 && top(ranges)->is_second) {
        top(ranges)->is_second = false;
        top(ranges)->is_bad = true;
    }
}

/* One row is refused alone. */
static void close_bad(struct ranges *ranges)
{
    if (top(ranges)->is_single) {
        ranges->are_hints_good = !ranges->are_hints_bad;
        close_aside(ranges);
        return;
    }
    ranges->done_rows++;
    ranges->bad_rows++;
    ranges->count--;
}

/* Set the row aside. */
static enum status add_aside(struct ranges *ranges, size_t row)
{
    if (ranges->aside_count == ranges->aside_capacity) {
        size_t wanted = ranges->aside_capacity == 0 ? ASIDE_FIRST : ranges->aside_capacity * 2;
        size_t *more = reallocarray(ranges->aside, wanted, sizeof(*more));
        if (more == NULL) {
            return ST_NO_MEMORY;
        }
        ranges->aside = more;
        ranges->aside_capacity = wanted;
    }
    size_t at = aside_before(ranges, row);
    memmove(
        &ranges->aside[at + 1], &ranges->aside[at],
        (ranges->aside_count - at) * sizeof(ranges->aside[0]));
    ranges->aside[at] = row;
    ranges->aside_count++;
    return ST_OK;
}

/* The tried row number `hint` of the range. */
static size_t row_of(const struct ranges *ranges, const struct range *range, size_t hint)
{
    size_t at = 0;
    size_t from = 0;
    size_t count = 0;
    while (ranges_run(ranges, range, &at, &from, &count)) {
        if (hint <= count) {
            return from + hint - 1;
        }
        hint -= count;
    }
    return range->from; /* uncovered: a hint is one of the tried rows */
}

enum status ranges_refused(struct ranges *ranges, size_t hint, bool *ret_is_row, size_t *ret_row)
{
    struct range *range = top(ranges);
    size_t tried = ranges_tried(ranges, range);
    *ret_is_row = tried == 1;
    if (ranges->count > 1) {
        ranges->items[ranges->count - 2].is_second = false; /* it may be good */
    }
    if (tried == 1) {
        *ret_row = row_of(ranges, range, 1);
        close_bad(ranges);
        return ST_OK;
    }
    if (hint == 0 || hint > tried || ranges->are_hints_bad || ranges->count == RANGES_MAX) {
        cut(ranges, range->count / 2, true);
        return ST_OK;
    }
    enum status st = add_aside(ranges, row_of(ranges, range, hint));
    if (st != ST_OK) {
        return st;
    }
    ranges->done_rows += ranges->bad_rows == 0 ? hint : 1;
    ranges->bad_rows++;
    range->is_begun = ranges->are_hints_good;
    if (!ranges->are_hints_good) {
        take_aside(ranges); /* see first whether hints are to be trusted */
    }
    return ST_OK;
}

bool ranges_halve(struct ranges *ranges)
{
    const struct range *range = top(ranges);
    if (range->is_single || range->count == 1 || ranges->count == RANGES_MAX) {
        return false;
    }
    cut(ranges, range->count / 2, false);
    return true;
}
