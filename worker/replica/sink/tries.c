/* ranges.h counts rows of what is tried; here they become rows of the block. */
#include "worker/replica/sink/tries.h"

#include <assert.h>
#include <stdlib.h>

static const uint64_t FNV_OFFSET = 0xcbf29ce484222325U; /* FNV-1a of 64 bits */
static const uint64_t FNV_PRIME = 0x100000001b3U;

void tries_begin(struct tries *tries, size_t rows)
{
    free(tries->only);
    tries->only = NULL;
    tries->range = (struct range){.from = 0};
    ranges_begin(&tries->ranges, rows);
}

void tries_only(struct tries *tries, size_t *only, size_t count)
{
    tries_begin(tries, count);
    tries->only = only;
}

void tries_done(struct tries *tries)
{
    free(tries->only);
    tries->only = NULL;
    ranges_done(&tries->ranges);
}

bool tries_next(struct tries *tries)
{
    const struct range *range = ranges_next(&tries->ranges);
    if (range != NULL) {
        tries->range = *range;
    }
    return range != NULL;
}

size_t tries_rows(const struct tries *tries)
{
    return ranges_tried(&tries->ranges, &tries->range);
}

bool tries_is_whole(const struct tries *tries)
{
    return tries->only == NULL && tries_rows(tries) == tries->ranges.rows;
}

bool tries_run(
    const struct tries *tries, struct tries_cursor *cursor, size_t *ret_from, size_t *ret_count)
{
    if (cursor->left == 0 &&
        !ranges_run(&tries->ranges, &tries->range, &cursor->at, &cursor->from, &cursor->left)) {
        return false;
    }
    size_t count = cursor->left;
    *ret_from = cursor->from;
    if (tries->only != NULL) {
        const size_t *rows = tries->only + cursor->from;
        count = 1;
        while (count < cursor->left && rows[count] == rows[0] + count) {
            count++;
        }
        *ret_from = rows[0];
    }
    *ret_count = count;
    cursor->from += count;
    cursor->left -= count;
    return true;
}

size_t tries_first_row(const struct tries *tries)
{
    struct tries_cursor cursor = {.at = 0};
    size_t from = 0;
    size_t count = 0;
    bool has_run = tries_run(tries, &cursor, &from, &count);
    assert(has_run);
    (void)has_run; /* asserted */
    return from;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++) {
        hash = (hash ^ (number >> (8 * i) & 0xff)) * FNV_PRIME;
    }
    return hash;
}

uint64_t tries_hash(const struct tries *tries)
{
    struct tries_cursor cursor = {.at = 0};
    size_t from = 0;
    size_t count = 0;
    uint64_t hash = FNV_OFFSET;
    size_t end = SIZE_MAX; /* of a run that may go on behind a cut */
    while (tries_run(tries, &cursor, &from, &count)) {
        if (from != end) {
            hash = hash_number(hash_number(hash, end), from);
        }
        end = from + count;
    }
    return hash_number(hash, end);
}

void tries_accepted(struct tries *tries)
{
    ranges_accepted(&tries->ranges);
}

enum status tries_refused(struct tries *tries, size_t hint, bool *ret_is_row)
{
    size_t row = 0;
    return ranges_refused(&tries->ranges, hint, ret_is_row, &row);
}

bool tries_halve(struct tries *tries)
{
    return ranges_halve(&tries->ranges);
}
