/*
 * Per partition a short queue of ranges, oldest first. A batch's range keeps only its end: the
 * ranges of one partition follow each other, so the end of the settled prefix is all that a commit
 * needs. Offsets that do not exist (compaction, transaction markers) lie inside ranges.
 */
#include "worker/replica/ledger/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOLES_FIRST = 16
};

struct range {
    uint64_t batch;
    int64_t end; /* one past its last record */
    bool is_settled;
};

/* A record that waits, or waited and is in a batch now. */
struct hole {
    int64_t offset;
    uint64_t batch; /* 0 = it still waits */
};

struct partition {
    int64_t start;     /* first offset of the assignment, −1 unknown */
    int64_t next;      /* next offset expected */
    int64_t settled;   /* end of the settled prefix but for holes, −1 = nothing yet */
    int64_t committed; /* confirmed by the broker */
    struct range ranges[LEDGER_BATCHES_MAX];
    size_t ranges_count;
    struct hole *holes; /* owned; by offset, all unsettled */
    size_t holes_count;
    size_t holes_capacity;
};

struct ledger {
    struct partition *partitions; /* owned */
    size_t count;
};

enum status ledger_new(struct ledger **ret_ledger, struct err *err)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));
    if (ledger == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a ledger");
    }
    *ret_ledger = ledger;
    return ST_OK;
}

static void forget_partitions(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        free(ledger->partitions[i].holes);
    }
    free(ledger->partitions);
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    forget_partitions(ledger);
    free(ledger);
}

void ledger_freep(struct ledger **ledger)
{
    ledger_free(*ledger);
    *ledger = NULL;
}

enum status ledger_assign(
    struct ledger *ledger, const struct ledger_start *starts, size_t count, struct err *err)
{
    if (count > LEDGER_SLOTS_MAX) {
        return err_set(
            err, ST_TOO_LARGE, "%zu partitions in one replica, limit %d", count, LEDGER_SLOTS_MAX);
    }
    struct partition *partitions = NULL;
    if (count > 0) {
        partitions = calloc(count, sizeof(*partitions));
        if (partitions == NULL) {
            return err_set(err, ST_NO_MEMORY, "no memory for %zu partitions", count);
        }
    }
    for (size_t i = 0; i < count; i++) {
        partitions[i].start = starts[i].next;
        partitions[i].next = starts[i].next;
        partitions[i].settled = -1;
        partitions[i].committed = starts[i].committed;
    }
    forget_partitions(ledger);
    ledger->partitions = partitions;
    ledger->count = count;
    return ST_OK;
}

size_t ledger_slots_count(const struct ledger *ledger)
{
    return ledger->count;
}

static struct partition *ledger_at(const struct ledger *ledger, size_t slot)
{
    assert(slot < ledger->count);
    return &ledger->partitions[slot];
}

/* The settled prefix ends at the first record that still waits. */
static int64_t partition_settled(const struct partition *partition)
{
    if (partition->holes_count > 0 && partition->holes[0].offset < partition->settled) {
        return partition->holes[0].offset;
    }
    return partition->settled;
}

int64_t ledger_next(const struct ledger *ledger, size_t slot)
{
    return ledger_at(ledger, slot)->next;
}

bool ledger_is_new(const struct ledger *ledger, size_t slot, int64_t offset)
{
    return offset >= ledger_at(ledger, slot)->next;
}

void ledger_take(struct ledger *ledger, size_t slot, int64_t offset, uint64_t batch)
{
    struct partition *partition = ledger_at(ledger, slot);
    assert(offset >= partition->next && batch > 0);
    if (partition->start < 0) {
        partition->start = offset;
    }
    partition->next = offset + 1;
    if (partition->ranges_count > 0) {
        struct range *last = &partition->ranges[partition->ranges_count - 1];
        assert(last->batch <= batch);
        if (last->batch == batch) {
            last->end = offset + 1;
            return;
        }
    }
    assert(partition->ranges_count < LEDGER_BATCHES_MAX);
    partition->ranges[partition->ranges_count++] =
        (struct range){.batch = batch, .end = offset + 1};
}

enum status ledger_hold(struct ledger *ledger, size_t slot, int64_t offset)
{
    struct partition *partition = ledger_at(ledger, slot);
    assert(offset >= partition->next);
    if (partition->holes_count == partition->holes_capacity) {
        size_t wanted =
            partition->holes_capacity == 0 ? HOLES_FIRST : partition->holes_capacity * 2;
        struct hole *holes = reallocarray(partition->holes, wanted, sizeof(*holes));
        if (holes == NULL) {
            return ST_NO_MEMORY;
        }
        partition->holes = holes;
        partition->holes_capacity = wanted;
    }
    partition->holes[partition->holes_count++] = (struct hole){.offset = offset};
    if (partition->start < 0) {
        partition->start = offset;
    }
    partition->next = offset + 1;
    return ST_OK;
}

void ledger_fill(struct ledger *ledger, size_t slot, int64_t offset, uint64_t batch)
{
    struct partition *partition = ledger_at(ledger, slot);
    size_t from = 0;
    size_t to = partition->holes_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (partition->holes[middle].offset < offset) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    if (from < partition->holes_count && partition->holes[from].offset == offset) {
        assert(batch > 0 && partition->holes[from].batch == 0);
        partition->holes[from].batch = batch;
    }
}

/* The holes that this batch filled are settled. */
static void partition_close_holes(struct partition *partition, uint64_t batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < partition->holes_count; i++) {
        if (partition->holes[i].batch != batch) {
            partition->holes[kept++] = partition->holes[i];
        }
    }
    if (kept < partition->holes_count && partition->ranges_count == 0) {
        partition->settled = partition->next; /* nothing but holes is unsettled */
    }
    partition->holes_count = kept;
}

/* Drop the settled ranges at the front; what is left begins with an unsettled one. */
static void partition_advance(struct partition *partition)
{
    size_t done = 0;
    while (done < partition->ranges_count && partition->ranges[done].is_settled) {
        partition->settled = partition->ranges[done].end;
        done++;
    }
    if (done == 0) {
        return;
    }
    partition->ranges_count -= done;
    memmove(
        partition->ranges, partition->ranges + done,
        partition->ranges_count * sizeof(partition->ranges[0]));
}

void ledger_settle(struct ledger *ledger, uint64_t batch)
{
    for (size_t i = 0; i < ledger->count; i++) {
        struct partition *partition = &ledger->partitions[i];
        for (size_t r = 0; r < partition->ranges_count; r++) {
            if (partition->ranges[r].batch == batch) {
                partition->ranges[r].is_settled = true;
                partition_advance(partition);
                break;
            }
        }
        partition_close_holes(partition, batch);
    }
}

void ledger_forget(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        struct partition *partition = &ledger->partitions[i];
        partition->settled = partition_settled(partition);
        partition->ranges_count = 0;
        partition->holes_count = 0;
        partition->next = partition->settled >= 0 ? partition->settled : partition->start;
    }
}

void ledger_drop(struct ledger *ledger, size_t slot, uint64_t batch)
{
    struct partition *partition = ledger_at(ledger, slot);
    size_t count = partition->ranges_count;
    if (count == 0 || partition->ranges[count - 1].batch != batch) {
        return;
    }
    partition->ranges_count--;
    if (count > 1) {
        partition->next = partition->ranges[count - 2].end;
    } else {
        partition->next = partition->settled >= 0 ? partition->settled : partition->start;
    }
}

bool ledger_step_over(struct ledger *ledger, size_t slot, int64_t position)
{
    struct partition *partition = ledger_at(ledger, slot);
    if (partition->ranges_count > 0 || partition->holes_count > 0 || partition->settled < 0 ||
        position <= partition->next) {
        return false;
    }
    partition->next = position;
    partition->settled = position;
    return true;
}

void ledger_move(struct ledger *ledger, size_t slot, int64_t next)
{
    struct partition *partition = ledger_at(ledger, slot);
    partition->ranges_count = 0;
    partition->holes_count = 0;
    partition->start = next;
    partition->next = next;
    partition->settled = next;
    partition->committed = -1;
}

int64_t ledger_settled(const struct ledger *ledger, size_t slot)
{
    return partition_settled(ledger_at(ledger, slot));
}

int64_t ledger_committed(const struct ledger *ledger, size_t slot)
{
    return ledger_at(ledger, slot)->committed;
}

void ledger_confirm(struct ledger *ledger, size_t slot, int64_t offset)
{
    ledger_at(ledger, slot)->committed = offset;
}

bool ledger_has_commit(const struct ledger *ledger, size_t slot)
{
    const struct partition *partition = ledger_at(ledger, slot);
    int64_t settled = partition_settled(partition);
    return settled >= 0 && settled != partition->committed;
}

int64_t ledger_restart(const struct ledger *ledger, size_t slot)
{
    const struct partition *partition = ledger_at(ledger, slot);
    int64_t settled = partition_settled(partition);
    return settled >= 0 ? settled : partition->start;
}
