#ifndef WORKER_REPLICA_PACE_H
#define WORKER_REPLICA_PACE_H

/*
 * How large batches may be, in the light of what ClickHouse said of the last ones. "Too many
 * parts": fewer and larger ones, so rows and age grow, twofold with each refusal; a retry storm
 * makes no small parts. "Memory limit exceeded", or too many table partitions in one insert: later
 * batches are smaller. Both go back step by step while inserts pass. Pure: no clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/replica/batch.h"

enum {
    PACE_GROW_MAX = 5,        /* at most 32 times the rows and the age … */
    PACE_ROWS_MAX = 1000000,  /* … and so many rows: one block of the server has 1,048,449 … */
    PACE_AGE_MAX_MS = 60000,  /* … and this old, unless the pipe's own wait is longer */
    PACE_SHRINK_MAX = 6,      /* at least one 64th of rows and bytes … */
    PACE_ROWS_MIN = 1000,     /* … and so many rows, unless the pipe's own limit is lower */
    PACE_MEMORY_REFUSALS = 2, /* how many make batches half as large */
    PACE_RELAX_MS = 30000,    /* without refusals, with inserts: one step back */
    PACE_CAP_MS = 300000,     /* until a cap of rows is twice as high */
};

/* What the sink counted since it was made. */
struct pace_totals {
    uint64_t inserts;
    uint64_t parts_refusals;
    uint64_t memory_refusals;
};

struct pace {
    struct batch_limits base; /* of the pipe's settings */
    struct pace_totals seen;
    unsigned grow_steps;
    unsigned shrink_steps;
    size_t rows_max; /* 0 = as the base has it */
    int64_t capped_ms;
    uint64_t memory_refusals;
    int64_t changed_ms; /* the last step, either way */
    bool has_stored;    /* since then */
};

void pace_init(struct pace *ret_pace, const struct batch_limits *base);

/* Look at the sink's totals (lower than before: it is a new sink). True if the limits have changed.
 * now_ms: monotonic. */
bool pace_see(struct pace *pace, const struct pace_totals *totals, int64_t now_ms);

/* No later batch shall have more rows than this. rows: 1 or more. */
void pace_cap_rows(struct pace *pace, size_t rows, int64_t now_ms);

/* The limits of open batches now. */
struct batch_limits pace_limits(const struct pace *pace);

#endif
