/* Per slot the ranges of its intent, in order; those that have a batch come first. */
#include "worker/replica/ledger/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum range_state {
    RANGE_NEW,
    RANGE_ASKED,
    RANGE_TOLD,
};

struct range_note {
    uint64_t batch; /* 0 = to be read */
    enum range_state state;
    bool is_replay;
};

struct slot {
    struct intent intent;
    struct range_note notes[INTENT_RANGES_MAX]; /* of intent.ranges */
    size_t read_count;                          /* the first ones, which have a batch */
};

struct pending {
    uint8_t pipe_uuid[INTENT_UUID_BYTES];
    uint64_t epoch;
    struct slot *slots; /* owned */
    size_t count;
};

enum status pending_new(
    const uint8_t pipe_uuid[INTENT_UUID_BYTES], uint64_t epoch, struct pending **ret_pending,
    struct err *err)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    if (pending == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for pending ranges");
    }
    memcpy(pending->pipe_uuid, pipe_uuid, sizeof(pending->pipe_uuid));
    pending->epoch = epoch;
    *ret_pending = pending;
    return ST_OK;
}

void pending_free(struct pending *pending)
{
    if (pending != NULL) {
        free(pending->slots);
        free(pending);
    }
}

void pending_freep(struct pending **pending)
{
    pending_free(*pending);
    *pending = NULL;
}

static struct slot *at_slot(const struct pending *pending, size_t slot)
{
    assert(slot < pending->count);
    return &pending->slots[slot];
}

static void slot_start(const struct pending *pending, struct slot *slot, uint64_t nonce)
{
    memset(slot, 0, sizeof(*slot));
    memcpy(slot->intent.pipe_uuid, pending->pipe_uuid, sizeof(pending->pipe_uuid));
    slot->intent.epoch = pending->epoch;
    slot->intent.nonce = nonce;
}

/* What the text is to us; *ret_intent is what it says if it is ours. ST_OK unless it could not be
 * looked at. */
static enum status found_of(
    const struct pending *pending, const char *text, struct intent *ret_intent,
    enum pending_found *ret_found, struct err *err)
{
    enum status st = intent_read(text, ret_intent, err);
    switch (st) {
    case ST_OK:
        if (memcmp(ret_intent->pipe_uuid, pending->pipe_uuid, INTENT_UUID_BYTES) != 0) {
            *ret_found = PENDING_FOREIGN;
        } else {
            *ret_found = ret_intent->epoch == pending->epoch ? PENDING_OURS : PENDING_EPOCH;
        }
        return ST_OK;
    case ST_NOT_FOUND:
        *ret_found = PENDING_NONE;
        return ST_OK;
    case ST_INVALID:
        *ret_found = PENDING_FOREIGN;
        return ST_OK;
    case ST_UNSUPPORTED:
        *ret_found = PENDING_TOO_YOUNG;
        return ST_OK;
    default:
        return st;
    }
}

static enum status slot_read(
    const struct pending *pending, const struct pending_start *start, struct slot *slot,
    enum pending_found *ret_found, struct err *err)
{
    struct intent intent;
    slot_start(pending, slot, start->nonce);
    enum status st = found_of(pending, start->metadata, &intent, ret_found, err);
    if (st != ST_OK || *ret_found != PENDING_OURS) {
        return st;
    }
    slot->intent = intent;
    for (size_t i = 0; i < intent.ranges_count; i++) {
        slot->notes[i] = (struct range_note){.state = RANGE_TOLD, .is_replay = true};
    }
    return ST_OK;
}

enum status pending_assign(
    struct pending *pending, const struct pending_start *starts, size_t count,
    enum pending_found *ret_found, struct err *err)
{
    struct slot *slots = count == 0 ? NULL : calloc(count, sizeof(*slots));
    if (count > 0 && slots == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the ranges of %zu partitions", count);
    }
    for (size_t i = 0; i < count; i++) {
        enum status st = slot_read(pending, &starts[i], &slots[i], &ret_found[i], err);
        if (st != ST_OK) {
            free(slots);
            return st;
        }
    }
    free(pending->slots);
    pending->slots = slots;
    pending->count = count;
    return ST_OK;
}

size_t pending_slots_count(const struct pending *pending)
{
    return pending->count;
}

uint64_t pending_epoch(const struct pending *pending)
{
    return pending->epoch;
}

uint64_t pending_nonce(const struct pending *pending, size_t slot)
{
    return at_slot(pending, slot)->intent.nonce;
}

size_t pending_count(const struct pending *pending, size_t slot)
{
    return at_slot(pending, slot)->intent.ranges_count;
}

int64_t pending_first(const struct pending *pending, size_t slot)
{
    const struct slot *at = at_slot(pending, slot);
    return at->intent.ranges_count > 0 ? at->intent.ranges[0].first : -1;
}

static void slot_remove(struct slot *slot, size_t i)
{
    struct intent *intent = &slot->intent;
    assert(i < intent->ranges_count);
    size_t behind = intent->ranges_count - i - 1;
    memmove(intent->ranges + i, intent->ranges + i + 1, behind * sizeof(intent->ranges[0]));
    memmove(slot->notes + i, slot->notes + i + 1, behind * sizeof(slot->notes[0]));
    intent->ranges_count--;
    slot->read_count -= i < slot->read_count ? 1 : 0;
}

/* ranges_count if no range has this batch. */
static size_t slot_find(const struct slot *slot, uint64_t batch)
{
    for (size_t i = 0; i < slot->read_count; i++) {
        if (slot->notes[i].batch == batch) {
            return i;
        }
    }
    return slot->intent.ranges_count;
}

size_t pending_drop_tables(
    struct pending *pending, size_t slot, const uint8_t table_uuid[INTENT_UUID_BYTES])
{
    struct slot *at = at_slot(pending, slot);
    size_t dropped = 0;
    assert(at->read_count == 0);
    for (size_t i = at->intent.ranges_count; i > 0; i--) {
        if (memcmp(at->intent.ranges[i - 1].table_uuid, table_uuid, INTENT_UUID_BYTES) != 0) {
            slot_remove(at, i - 1);
            dropped++;
        }
    }
    return dropped;
}

uint64_t pending_oldest_mapping(const struct pending *pending, uint64_t above)
{
    uint64_t oldest = 0;
    for (size_t slot = 0; slot < pending->count; slot++) {
        const struct intent *intent = &pending->slots[slot].intent;
        for (size_t i = 0; i < intent->ranges_count; i++) {
            uint64_t version = intent->ranges[i].mapping_version;
            if (version > above && (oldest == 0 || version < oldest)) {
                oldest = version;
            }
        }
    }
    return oldest;
}

size_t pending_change_mapping(struct pending *pending, uint64_t from, uint64_t to)
{
    size_t changed = 0;
    for (size_t slot = 0; slot < pending->count; slot++) {
        struct intent *intent = &pending->slots[slot].intent;
        for (size_t i = 0; i < intent->ranges_count; i++) {
            if (intent->ranges[i].mapping_version == from) {
                intent->ranges[i].mapping_version = to;
                changed++;
            }
        }
    }
    return changed;
}

const struct intent_range *pending_next(const struct pending *pending, size_t slot)
{
    const struct slot *at = at_slot(pending, slot);
    return at->read_count < at->intent.ranges_count ? &at->intent.ranges[at->read_count] : NULL;
}

void pending_read(struct pending *pending, size_t slot, uint64_t batch)
{
    struct slot *at = at_slot(pending, slot);
    assert(at->read_count < at->intent.ranges_count && batch > 0);
    at->notes[at->read_count++].batch = batch;
}

void pending_skip(struct pending *pending, size_t slot)
{
    struct slot *at = at_slot(pending, slot);
    slot_remove(at, at->read_count);
}

bool pending_has_room(const struct pending *pending, size_t slot)
{
    return at_slot(pending, slot)->intent.ranges_count < INTENT_RANGES_MAX;
}

void pending_add(
    struct pending *pending, size_t slot, const struct intent_range *range, uint64_t batch)
{
    struct slot *at = at_slot(pending, slot);
    struct intent *intent = &at->intent;
    assert(intent->ranges_count < INTENT_RANGES_MAX && batch > 0);
    assert(at->read_count == intent->ranges_count && range->first <= range->last);
    assert(
        intent->ranges_count == 0 || intent->ranges[intent->ranges_count - 1].last < range->first);
    at->notes[intent->ranges_count] = (struct range_note){.batch = batch, .state = RANGE_NEW};
    intent->ranges[intent->ranges_count++] = *range;
    at->read_count++;
}

const struct intent_range *pending_of(const struct pending *pending, size_t slot, uint64_t batch)
{
    const struct slot *at = at_slot(pending, slot);
    size_t i = slot_find(at, batch);
    return i < at->intent.ranges_count ? &at->intent.ranges[i] : NULL;
}

bool pending_is_told(
    const struct pending *pending, size_t slot, uint64_t batch, bool *ret_is_replay)
{
    const struct slot *at = at_slot(pending, slot);
    size_t i = slot_find(at, batch);
    if (i == at->intent.ranges_count || at->notes[i].state != RANGE_TOLD) {
        return false;
    }
    *ret_is_replay = at->notes[i].is_replay;
    return true;
}

bool pending_has_news(const struct pending *pending, size_t slot)
{
    const struct slot *at = at_slot(pending, slot);
    for (size_t i = 0; i < at->intent.ranges_count; i++) {
        if (at->notes[i].state != RANGE_TOLD) {
            return true;
        }
    }
    return false;
}

enum status
pending_write(const struct pending *pending, size_t slot, struct buf *out, struct err *err)
{
    return intent_write(&at_slot(pending, slot)->intent, out, err);
}

void pending_ask(struct pending *pending, size_t slot)
{
    struct slot *at = at_slot(pending, slot);
    for (size_t i = 0; i < at->intent.ranges_count; i++) {
        if (at->notes[i].state == RANGE_NEW) {
            at->notes[i].state = RANGE_ASKED;
        }
    }
}

void pending_tell(struct pending *pending, size_t slot)
{
    struct slot *at = at_slot(pending, slot);
    for (size_t i = 0; i < at->intent.ranges_count; i++) {
        if (at->notes[i].state == RANGE_ASKED) {
            at->notes[i].state = RANGE_TOLD;
        }
    }
}

void pending_settle(struct pending *pending, size_t slot, uint64_t batch)
{
    struct slot *at = at_slot(pending, slot);
    size_t i = slot_find(at, batch);
    if (i < at->intent.ranges_count) {
        slot_remove(at, i);
    }
}

/* True if the broker may have this range, or must have it before its records are read. */
static bool is_kept(const struct slot *slot, size_t i)
{
    return slot->notes[i].state == RANGE_TOLD ||
           (slot->intent.ranges[i].flags & INTENT_DIVIDED) != 0;
}

static void slot_forget(struct slot *slot)
{
    for (size_t i = slot->intent.ranges_count; i > 0; i--) {
        struct range_note *note = &slot->notes[i - 1];
        if (!is_kept(slot, i - 1)) {
            slot_remove(slot, i - 1);
            continue;
        }
        note->is_replay = note->is_replay || note->state == RANGE_TOLD;
        note->batch = 0;
    }
    slot->read_count = 0;
}

void pending_forget(struct pending *pending)
{
    for (size_t slot = 0; slot < pending->count; slot++) {
        slot_forget(&pending->slots[slot]);
    }
}

bool pending_divide(struct pending *pending, size_t slot, uint64_t batch, int64_t at, int64_t ms)
{
    struct slot *of = at_slot(pending, slot);
    struct intent *intent = &of->intent;
    size_t i = slot_find(of, batch);
    if (i == intent->ranges_count || intent->ranges_count == INTENT_RANGES_MAX ||
        at <= intent->ranges[i].first || at > intent->ranges[i].last) {
        return false;
    }
    const struct intent_range whole = intent->ranges[i];
    intent->ranges[i].flags |= INTENT_DIVIDED; /* it stays in its place */
    slot_forget(of);
    i = 0;
    while (intent->ranges[i].first != whole.first) {
        i++;
    }
    size_t behind = intent->ranges_count - i;
    memmove(intent->ranges + i + 1, intent->ranges + i, behind * sizeof(intent->ranges[0]));
    memmove(of->notes + i + 1, of->notes + i, behind * sizeof(of->notes[0]));
    intent->ranges_count++;
    intent->ranges[i].last = at - 1;
    intent->ranges[i].last_ms = ms;
    intent->ranges[i + 1].first = at;
    intent->ranges[i + 1].first_ms = ms;
    for (size_t half = i; half <= i + 1; half++) {
        int64_t offsets = intent->ranges[half].last - intent->ranges[half].first + 1;
        /* How many records lie in each half is not known; where the log has no holes: all. */
        if ((uint64_t)offsets < intent->ranges[half].count) {
            intent->ranges[half].count = (uint64_t)offsets;
        }
        of->notes[half] = (struct range_note){.state = RANGE_NEW};
    }
    return true;
}

void pending_reset(struct pending *pending, size_t slot, uint64_t nonce)
{
    slot_start(pending, at_slot(pending, slot), nonce);
}
