/*
 * Assignments. Eager protocol: all partitions go, then all come. Incremental protocols (cooperative
 * assignor, KIP-848): some come or go; a member whose share stays the same notices nothing, one
 * whose share changes drains once and goes on with the rest. Both wait for somebody: a
 * revocation for the loop (drain, commit), an assignment for the helper (committed offsets, start
 * strategy), and librdkafka waits with them until rd_kafka_assign is called. Partitions are always
 * assigned with explicit offsets, so auto.offset.reset=error speaks only of offsets that are gone.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "worker/replica/kafka/handle.h"

enum {
    OFFSETS_AGAIN_MS = 1000,
    FRESH_MS = 3000,
    FORWARD_FRESH_MS = 20,
    FORWARD_EVERY_MS = 1000,
    LOOK_AGAIN_MS = 500,
};

size_t rebalance_find_slot(struct source *source, const rd_kafka_topic_t *rkt, int32_t partition)
{
    size_t count = source_slots_count(source);
    size_t last = source->last_slot;
    if (LIKELY(
            last < count && source->slots[last].rkt == rkt &&
            source->assigned->elems[last].partition == partition)) {
        return last;
    }
    const char *topic = rd_kafka_topic_name(rkt);
    for (size_t slot = 0; slot < count; slot++) {
        const rd_kafka_topic_partition_t *at = &source->assigned->elems[slot];
        if (at->partition == partition && strcmp(at->topic, topic) == 0) {
            source->slots[slot].rkt = rkt;
            source->last_slot = slot;
            return slot;
        }
    }
    return count;
}

static void rebalance_ask_offsets(struct source *source)
{
    struct helper_job *job = helper_job_new(HELPER_OFFSETS);
    if (job == NULL) {
        source->retry_offsets_ms = clock_monotonic_ms() + OFFSETS_AGAIN_MS;
        return;
    }
    job->assignment = source->assignment;
    job->partitions = rd_kafka_topic_partition_list_copy(source->coming);
    helper_post(source->helper, job);
}

static void rebalance_drop_slots(struct source *source)
{
    for (size_t slot = 0; slot < source_slots_count(source); slot++) {
        rd_kafka_queue_destroy(source->slots[slot].queue);
    }
    if (source->assigned != NULL) {
        rd_kafka_topic_partition_list_destroy(source->assigned);
        source->assigned = NULL;
    }
    free(source->slots);
    source->slots = NULL;
    source->last_slot = 0;
    source->is_paused = false;
    source->assignment++;
}

/*
 * Partition queues to the record queue. librdkafka takes the forward away when a partition's
 * fetcher stops, which happens in its own thread some time after an assignment was replaced, and
 * does not set one again where an application has set one before. So it is set again: often after
 * an assignment, now and then later. What lies in a partition's queue moves along.
 */
static void rebalance_forward(struct source *source, int64_t now_ms)
{
    for (size_t slot = 0; slot < source_slots_count(source); slot++) {
        rd_kafka_queue_forward(source->slots[slot].queue, source->record_queue);
    }
    source->next_forward_ms =
        now_ms + (now_ms < source->fresh_until_ms ? FORWARD_FRESH_MS : FORWARD_EVERY_MS);
}

static void rebalance_assign_later(struct source *source)
{
    int64_t now_ms = clock_monotonic_ms();
    source->fresh_until_ms = now_ms + FRESH_MS;
    rebalance_forward(source, now_ms);
}

static void rebalance_drop_coming(struct source *source)
{
    if (source->coming != NULL) {
        rd_kafka_topic_partition_list_destroy(source->coming);
        source->coming = NULL;
    }
    source->retry_offsets_ms = 0;
}

static bool rebalance_is_incremental(rd_kafka_t *rk)
{
    const char *protocol = rd_kafka_rebalance_protocol(rk);
    return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

/* Replace the library's assignment. NULL: nothing is assigned any more. */
static rd_kafka_resp_err_t
rebalance_assign(struct source *source, const rd_kafka_topic_partition_list_t *list)
{
    if (!source->is_incremental) {
        return rd_kafka_assign(source->rk, list);
    }
    rd_kafka_error_t *failed = list == NULL ? NULL : rd_kafka_incremental_assign(source->rk, list);
    rd_kafka_resp_err_t error =
        failed == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(failed);
    if (failed != NULL) {
        rd_kafka_error_destroy(failed);
    }
    return error;
}

/* Incremental: take these away from the library. It also is the answer it waits for after it took
 * partitions away, whichever they were. */
static void rebalance_unassign(struct source *source, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_error_t *failed = rd_kafka_incremental_unassign(source->rk, list);
    if (failed != NULL) {
        rd_kafka_error_destroy(failed); /* it has none of them: what we wanted */
    }
}

static void list_free(rd_kafka_topic_partition_list_t **list)
{
    if (*list != NULL) {
        rd_kafka_topic_partition_list_destroy(*list);
        *list = NULL;
    }
}

static void
list_add(rd_kafka_topic_partition_list_t *list, const rd_kafka_topic_partition_list_t *more)
{
    for (int i = 0; more != NULL && i < more->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &more->elems[i];
        if (rd_kafka_topic_partition_list_find(list, at->topic, at->partition) == NULL) {
            rd_kafka_topic_partition_list_add(list, at->topic, at->partition);
        }
    }
}

static void
list_remove(rd_kafka_topic_partition_list_t *list, const rd_kafka_topic_partition_list_t *less)
{
    for (int i = 0; less != NULL && i < less->cnt; i++) {
        rd_kafka_topic_partition_list_del(list, less->elems[i].topic, less->elems[i].partition);
    }
}

/* These are to be ours as soon as their offsets are known. list: taken. */
static void rebalance_begin(struct source *source, rd_kafka_topic_partition_list_t *list)
{
    rebalance_drop_coming(source);
    source->coming = list;
    source->assignment++;
    rebalance_ask_offsets(source);
}

static void rebalance_drain(struct source *source, bool is_lost)
{
    source->is_revoking = true;
    source->is_suspect = source->is_suspect || is_lost;
    source->listener.on_revoke(source->listener.ctx, is_lost);
}

/* Partitions come to those there are. Those pause for a drain, too: a slot is an index. */
static void rebalance_join(struct source *source, const rd_kafka_topic_partition_list_t *partitions)
{
    if (partitions->cnt == 0 && source->coming == NULL) {
        (void)rebalance_assign(source, partitions); /* nothing changes, but it waits for that */
    } else if (source->assigned != NULL) {
        list_free(&source->joining);
        source->joining = rd_kafka_topic_partition_list_copy(partitions);
        rebalance_drain(source, false);
    } else {
        rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_copy(partitions);
        list_add(all, source->coming);
        rebalance_begin(source, all);
    }
}

/* Partitions go from those there are. */
static void
rebalance_leave(struct source *source, const rd_kafka_topic_partition_list_t *partitions)
{
    bool is_lost = rd_kafka_assignment_lost(source->rk) != 0;
    if (source->assigned != NULL) {
        list_free(&source->leaving);
        source->leaving = rd_kafka_topic_partition_list_copy(partitions);
        if (is_lost) {
            list_free(&source->joining);
        }
        rebalance_drain(source, is_lost);
        return;
    }
    rd_kafka_topic_partition_list_t *rest =
        rd_kafka_topic_partition_list_new(partitions->cnt > 0 ? partitions->cnt : 1);
    rebalance_unassign(source, rest); /* the library has none of ours: only the answer counts */
    list_add(rest, source->coming);
    list_remove(rest, partitions);
    rebalance_drop_coming(source);
    if (rest->cnt > 0) {
        rebalance_begin(source, rest);
    } else {
        rd_kafka_topic_partition_list_destroy(rest);
    }
}

void rebalance_give_up(struct source *source)
{
    if (!source->is_incremental) {
        (void)rd_kafka_assign(source->rk, NULL); /* nothing can be done about a failure */
        return;
    }
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(1);
    rebalance_unassign(source, source->assigned == NULL ? none : source->assigned);
    rd_kafka_topic_partition_list_destroy(none);
}

static void
rebalance_close(struct source *source, const rd_kafka_topic_partition_list_t *partitions)
{
    rebalance_drop_coming(source);
    rebalance_drop_slots(source);
    if (source->is_incremental) {
        rebalance_unassign(source, partitions);
    } else {
        (void)rd_kafka_assign(source->rk, NULL); /* nothing can be done about a failure */
    }
}

void rebalance_event(
    rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *partitions,
    void *opaque)
{
    struct source *source = opaque;
    bool is_assign = error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    source->is_incremental = rebalance_is_incremental(rk);
    if (source->is_closing) {
        rebalance_close(source, partitions);
        return;
    }
    if (source->is_incremental) {
        (is_assign ? rebalance_join : rebalance_leave)(source, partitions);
    } else if (is_assign) {
        rebalance_begin(source, rd_kafka_topic_partition_list_copy(partitions));
    } else if (source->assigned == NULL) {
        rebalance_drop_coming(source);
        (void)rd_kafka_assign(rk, NULL); /* nothing can be done about a failure */
        return;
    } else {
        rebalance_drop_coming(source);
        rebalance_drain(source, rd_kafka_assignment_lost(rk) != 0);
    }
    rd_kafka_yield(rk);
}

/* What stays is assigned again, with the offsets that count after the drain. */
static void rebalance_release_parts(struct source *source)
{
    rd_kafka_topic_partition_list_t *held = rd_kafka_topic_partition_list_copy(source->assigned);
    rd_kafka_topic_partition_list_t *rest = rd_kafka_topic_partition_list_new(held->cnt);
    list_add(rest, held);
    list_remove(rest, source->leaving);
    list_add(rest, source->joining);
    list_free(&source->leaving);
    list_free(&source->joining);
    rebalance_drop_slots(source);
    rebalance_unassign(source, held);
    rd_kafka_topic_partition_list_destroy(held);
    if (rest->cnt > 0) {
        rebalance_begin(source, rest);
    } else {
        rd_kafka_topic_partition_list_destroy(rest);
    }
}

/* A list of the one partition; owned by the caller. */
static rd_kafka_topic_partition_list_t *list_of(const struct source *source, size_t slot)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    const rd_kafka_topic_partition_t *at = &source->assigned->elems[slot];
    rd_kafka_topic_partition_list_add(list, at->topic, at->partition);
    return list;
}

/* No longer held; its partition must be assigned again, which is what moves it. */
static void hold_end(struct source *source, size_t slot)
{
    if (source->slots[slot].is_held) {
        source->slots[slot].is_held = false;
        rd_kafka_topic_partition_list_t *list = list_of(source, slot);
        (void)rd_kafka_resume_partitions(source->rk, list); /* errors are per item */
        rd_kafka_topic_partition_list_destroy(list);
    }
}

void source_release(struct source *source)
{
    if (!source->is_revoking) {
        return;
    }
    source_resume(source);
    for (size_t slot = 0; slot < source_slots_count(source); slot++) {
        hold_end(source, slot);
    }
    source->is_revoking = false;
    if (source->is_incremental) {
        rebalance_release_parts(source);
        return;
    }
    rebalance_drop_slots(source);
    (void)rd_kafka_assign(source->rk, NULL); /* nothing can be done about a failure */
}

/* The offsets are known: the partitions become slots and records may come. */
static enum status rebalance_adopt(struct source *source, struct helper_job *job, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = job->partitions;
    size_t count = (size_t)list->cnt;
    struct source_start *starts = calloc(count > 0 ? count : 1, sizeof(*starts));
    struct source_slot *slots = calloc(count > 0 ? count : 1, sizeof(*slots));
    if (starts == NULL || slots == NULL) {
        free(starts);
        free(slots);
        return err_set(err, ST_NO_MEMORY, "no memory for %zu partitions", count);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t next = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
        starts[i] = (struct source_start){
            .topic = list->elems[i].topic,
            .partition = list->elems[i].partition,
            .next = next,
            .committed = job->committed[i],
            .metadata = list->elems[i].metadata,
        };
        slots[i] = (struct source_slot){
            .expected = next,
            .end = -1,
            .position = next,
            .has_commit = job->committed[i] >= 0,
        };
    }
    rebalance_drop_slots(source);
    source->assigned = rd_kafka_topic_partition_list_copy(list);
    source->slots = slots;
    for (size_t slot = 0; slot < count; slot++) {
        slots[slot].queue = rd_kafka_queue_get_partition(
            source->rk, list->elems[slot].topic, list->elems[slot].partition);
        assert(slots[slot].queue != NULL); /* the handle is a consumer */
    }
    rebalance_assign_later(source);
    enum status st = source->listener.on_assign(source->listener.ctx, starts, count, err);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        if (starts[i].next > slots[i].expected) {
            slots[i].expected = starts[i].next;
            list->elems[i].offset = starts[i].next;
        }
    }
    free(starts);
    if (st != ST_OK) {
        rebalance_drop_slots(source);
    }
    return st;
}

void rebalance_offsets_answered(struct source *source, struct helper_job *job, int64_t now_ms)
{
    if (source->coming == NULL || job->assignment != source->assignment) {
        return; /* another assignment came meanwhile */
    }
    if (job->error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        source_report_trouble(source, job->error, job->text);
        source->retry_offsets_ms = now_ms + OFFSETS_AGAIN_MS;
        return;
    }
    enum status st = rebalance_adopt(source, job, NULL);
    if (st != ST_OK) {
        source->retry_offsets_ms = now_ms + OFFSETS_AGAIN_MS;
        return;
    }
    rebalance_drop_coming(source);
    rd_kafka_resp_err_t error = rebalance_assign(source, job->partitions);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        source_report_trouble(source, error, "taking the assigned partitions");
        return;
    }
    source_report_well(source);
}

void rebalance_tick(struct source *source, int64_t now_ms)
{
    if (source->coming != NULL && source->retry_offsets_ms != 0 &&
        now_ms >= source->retry_offsets_ms) {
        source->retry_offsets_ms = 0;
        rebalance_ask_offsets(source);
    }
    if (now_ms >= source->next_forward_ms) {
        rebalance_forward(source, now_ms);
    }
    if (source->is_well && now_ms >= source->look_again_ms) {
        source->look_again_ms = now_ms + LOOK_AGAIN_MS;
        for (size_t slot = 0; slot < source_slots_count(source); slot++) {
            if (source->slots[slot].is_gone) {
                source_ask_bounds(source, slot);
            }
        }
    }
}

void source_hold(struct source *source, size_t slot, int64_t next)
{
    assert(slot < source_slots_count(source));
    struct source_slot *at = &source->slots[slot];
    at->expected = next;
    if (at->is_held || source->is_revoking) {
        return;
    }
    at->is_held = true;
    if (!source->is_paused) { /* paused as all are; source_resume leaves it so */
        rd_kafka_topic_partition_list_t *list = list_of(source, slot);
        (void)rd_kafka_pause_partitions(source->rk, list); /* errors are per item */
        rd_kafka_topic_partition_list_destroy(list);
    }
}

bool source_is_held(const struct source *source, size_t slot)
{
    return source->slots[slot].is_held;
}

void source_unhold(struct source *source, size_t slot, int64_t next)
{
    assert(slot < source_slots_count(source));
    source->slots[slot].expected = next;
    if (source->slots[slot].is_held) {
        hold_end(source, slot);
        source->has_unheld = true;
    }
}

enum status source_rewind(struct source *source, const int64_t *next, size_t count, struct err *err)
{
    assert(count == source_slots_count(source));
    if (count == 0 || source->is_revoking) {
        return ST_OK;
    }
    for (size_t slot = 0; slot < count; slot++) {
        source->assigned->elems[slot].offset =
            next[slot] >= 0 ? next[slot] : RD_KAFKA_OFFSET_BEGINNING;
        source->slots[slot].expected = next[slot];
        source->slots[slot].has_taken = false;
        source->slots[slot].position = -1;
    }
    source_resume(source);
    for (size_t slot = 0; slot < count; slot++) {
        hold_end(source, slot);
    }
    source->has_unheld = false;
    /* Assigning again is the way that is also used every day; seek and resume of 2.0.2 are not. */
    if (source->is_incremental) {
        rebalance_unassign(source, source->assigned);
    }
    rd_kafka_resp_err_t error = rebalance_assign(source, source->assigned);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(err, ST_UNAVAILABLE, "cannot rewind: %s", rd_kafka_err2str(error));
    }
    rebalance_assign_later(source);
    return ST_OK;
}

/* Go on everywhere at what is expected next; held slots stay held. */
static void rebalance_restart(struct source *source)
{
    size_t count = source_slots_count(source);
    int64_t *next = calloc(count > 0 ? count : 1, sizeof(*next));
    bool *are_held = calloc(count > 0 ? count : 1, sizeof(*are_held));
    if (next == NULL || are_held == NULL) {
        free(next);
        free(are_held);
        return; /* the partition stays silent until the next rebalance */
    }
    for (size_t slot = 0; slot < count; slot++) {
        next[slot] = source->slots[slot].expected;
        are_held[slot] = source->slots[slot].is_held;
    }
    enum status st = source_rewind(source, next, count, NULL);
    (void)st; /* the library refuses only while it is ending */
    for (size_t slot = 0; slot < count; slot++) {
        if (are_held[slot]) {
            source_hold(source, slot, next[slot]); /* an assignment ends a pause */
        }
    }
    free(next);
    free(are_held);
}

void source_unhold_done(struct source *source)
{
    if (source->has_unheld) {
        rebalance_restart(source);
    }
}

void rebalance_jump(struct source *source, struct helper_job *job)
{
    if (job->assignment != source->assignment || job->slot >= source_slots_count(source)) {
        return;
    }
    struct source_slot *slot = &source->slots[job->slot];
    slot->is_asking = false;
    if (job->error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        slot->is_gone = true; /* asked again: without an answer the partition would stay silent */
        source_report_trouble(source, job->error, job->text);
        return;
    }
    int64_t from = slot->expected;
    /* Kafka forgets a group's offsets with the topic: ours gone, and the topic was, is a new one.
     */
    bool was_gone = slot->is_gone;
    bool is_recreated = from > job->high || (was_gone && slot->has_commit && job->committed[0] < 0);
    bool is_gap = from < job->low;
    slot->is_gone = false;
    if (is_recreated || is_gap) {
        slot->has_commit = slot->has_commit && !is_recreated; /* the new topic has none yet */
        slot->expected = job->low;
        source->listener.on_jump(
            source->listener.ctx, is_recreated ? SOURCE_JUMP_RECREATED : SOURCE_JUMP_GAP, job->slot,
            from, job->low);
    }
    if (is_recreated || is_gap || was_gone) {
        rebalance_restart(source);
    }
}

void source_pause(struct source *source)
{
    if (source->is_paused || source->assigned == NULL || source->assigned->cnt == 0) {
        return;
    }
    source->is_paused = true;
    (void)rd_kafka_pause_partitions(source->rk, source->assigned); /* errors are per item */
}

void source_resume(struct source *source)
{
    /* Never resume what is not paused: 2.0.2 would rewind it. */
    if (!source->is_paused) {
        return;
    }
    source->is_paused = false;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(source->assigned);
    for (size_t slot = source_slots_count(source); slot > 0; slot--) {
        if (source->slots[slot - 1].is_held) {
            (void)rd_kafka_topic_partition_list_del_by_idx(list, (int)slot - 1); /* it is there */
        }
    }
    (void)rd_kafka_resume_partitions(source->rk, list); /* errors are per item */
    rd_kafka_topic_partition_list_destroy(list);
}
