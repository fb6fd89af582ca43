/*
 * Exactly-once: a range is told to the group before it is inserted, and that it is stored with the
 * next commit, or with one of its own when no other comes. One commit is under way at a time and
 * carries all partitions that have news. The broker refuses the commit of a member that has lost
 * its partitions; a refused range is never inserted, whoever has the partition reads its records.
 *
 * A range that was told some time ago is told again before it is inserted: a process that stood
 * still, or was cut off from Kafka, learns so whether it is a member yet, before it writes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/ledger/token.h"
#include "worker/replica/run.h"

enum {
    REFUSED_WAIT_MS = 1000,
    PROOF_MS = 4000, /* of membership; session.timeout.ms is 6000 (conf.c) */
};

_Static_assert((int)BATCH_TOKEN_BYTES >= (int)TOKEN_QUERY_ID_BYTES, "a query id fits");

void announce_reset(struct run *run)
{
    struct run_exact *exact = &run->exact;
    exact->asked_count = 0;
    exact->told_count = 0;
    exact->again_ms = 0;
    exact->proven_ms = 0;
}

void announce_told(struct run *run, size_t slot)
{
    struct run_exact *exact = &run->exact;
    pending_tell(exact->pending, slot);
    exact->told_count++;
    if (exact->asked_ms > exact->stood_still_ms) {
        exact->proven_ms = run->now_ms;
    }
}

void announce_refused(struct run *run)
{
    run->exact.again_ms = run->now_ms + REFUSED_WAIT_MS;
    run->exact.proven_ms = 0;
}

bool announce_is_proven(const struct run *run)
{
    const struct run_exact *exact = &run->exact;
    return exact->proven_ms > exact->stood_still_ms && run->now_ms - exact->proven_ms <= PROOF_MS;
}

/* A batch without a range is of a topic that is gone: nobody can read it again, and nobody but this
 * process inserts it. */
static bool may_insert(const struct run *run, const struct batch *batch, bool *ret_is_replay)
{
    *ret_is_replay = false;
    return pending_of(run->exact.pending, batch->lane, batch->id) == NULL ||
           pending_is_told(run->exact.pending, batch->lane, batch->id, ret_is_replay);
}

/* Something could be inserted, were it known that the partitions are still ours. */
static bool lacks_proof(const struct run *run)
{
    if (announce_is_proven(run)) {
        return false;
    }
    if (run->sending != NULL) {
        return sink_state(run->sink) == SINK_WAITING;
    }
    bool is_replay = false;
    const struct batch *batch = lanes_first(&run->lanes);
    while (batch != NULL && !may_insert(run, batch, &is_replay)) {
        batch = batch->next;
    }
    return batch != NULL;
}

static bool has_news(const struct run *run)
{
    for (size_t slot = 0; slot < pending_slots_count(run->exact.pending); slot++) {
        if (pending_has_news(run->exact.pending, slot)) {
            return true;
        }
    }
    return false;
}

/* First offset that is not known to be stored; −1 = not known, nothing to commit. */
static int64_t first_unstored(const struct run *run, size_t slot)
{
    int64_t offset = ledger_restart(run->ledger, slot);
    if (offset >= 0) {
        return offset;
    }
    return pending_first(run->exact.pending, slot);
}

/* The commit's items, with their metadata as offsets into text until it no longer moves. */
struct announcement {
    struct source_commit *commits;
    size_t *texts; /* where in text each one's metadata begins */
    size_t count;
    struct buf text;
};

static enum status
announcement_add(struct announcement *announcement, const struct run *run, size_t slot)
{
    int64_t offset = first_unstored(run, slot);
    if (offset < 0) {
        return ST_OK;
    }
    size_t at = announcement->text.len_bytes;
    enum status st = pending_write(run->exact.pending, slot, &announcement->text, NULL);
    if (st == ST_OK) {
        st = buf_add(&announcement->text, "", 1);
    }
    if (st == ST_OK) {
        announcement->texts[announcement->count] = at;
        announcement->commits[announcement->count++] =
            (struct source_commit){.slot = slot, .offset = offset};
    }
    return st;
}

/* All slots with news; every slot if any commit will do, as long as the broker takes it. */
static enum status
announcement_fill(struct announcement *announcement, const struct run *run, bool is_proof)
{
    const struct pending *pending = run->exact.pending;
    size_t slots = pending_slots_count(pending);
    buf_init(&announcement->text, (slots + 1) * (INTENT_BYTES_MAX + 1));
    announcement->commits = calloc(slots + 1, sizeof(announcement->commits[0]));
    announcement->texts = calloc(slots + 1, sizeof(announcement->texts[0]));
    if (announcement->commits == NULL || announcement->texts == NULL) {
        return ST_NO_MEMORY;
    }
    enum status st = ST_OK;
    for (size_t slot = 0; st == ST_OK && slot < slots; slot++) {
        if (is_proof || pending_has_news(pending, slot) || ledger_has_commit(run->ledger, slot)) {
            st = announcement_add(announcement, run, slot);
        }
    }
    for (size_t i = 0; i < announcement->count; i++) {
        announcement->commits[i].metadata =
            (const char *)announcement->text.bytes + announcement->texts[i];
    }
    return st;
}

static void announcement_done(struct announcement *announcement)
{
    free(announcement->commits);
    free(announcement->texts);
    buf_done(&announcement->text);
}

static enum status announce_commit(struct run *run, bool is_proof)
{
    struct announcement announcement = {.count = 0};
    enum status st = announcement_fill(&announcement, run, is_proof);
    if (st == ST_OK && announcement.count > 0) {
        status_heartbeat(run);
        st = source_commit(run->source, announcement.commits, announcement.count, NULL);
    }
    if (st == ST_OK) {
        for (size_t i = 0; i < announcement.count; i++) {
            pending_ask(run->exact.pending, announcement.commits[i].slot);
        }
        run->exact.asked_count = announcement.count;
        run->exact.told_count = 0;
        run->exact.asked_ms = run->now_ms;
        run->is_commit_due = false; /* what the broker does not take is still news */
    }
    announcement_done(&announcement);
    return st;
}

void announce_step(struct run *run)
{
    struct run_exact *exact = &run->exact;
    if (source_is_committing(run->source)) {
        return;
    }
    if (exact->told_count < exact->asked_count) {
        run->is_commit_due = true;
        if (exact->again_ms <= run->now_ms) {
            exact->again_ms = run->now_ms + REFUSED_WAIT_MS;
        }
    }
    exact->asked_count = 0;
    exact->told_count = 0;
    if (run->now_ms < exact->again_ms) {
        return;
    }
    bool is_proof = lacks_proof(run);
    bool is_due = run->is_commit_due && run->now_ms >= run->next_commit_ms;
    if ((is_proof || is_due || has_news(run)) && announce_commit(run, is_proof) != ST_OK) {
        exact->again_ms = run->now_ms + REFUSED_WAIT_MS;
    }
}

int64_t announce_due_ms(const struct run *run)
{
    if (!run->exact.is_on || run->source == NULL || source_is_committing(run->source)) {
        return INT64_MAX;
    }
    if (run->exact.again_ms > run->now_ms) {
        return run->exact.again_ms;
    }
    return run->is_commit_due ? run->next_commit_ms : INT64_MAX;
}

/* Token and query id, from the range as the group has it. */
static bool name_batch(const struct run *run, struct batch *batch, bool is_replay)
{
    struct source_partition at;
    source_partition(run->source, batch->lane, &at);
    const struct pending *pending = run->exact.pending;
    const struct intent_range *range = pending_of(pending, batch->lane, batch->id);
    struct batch_range *named = &batch->range;
    size_t topic_bytes = strlen(at.topic);
    assert(topic_bytes < sizeof(named->topic));
    memcpy(named->topic, at.topic, topic_bytes + 1);
    named->partition = at.partition;
    named->is_replay = is_replay;
    if (range == NULL) {
        return true;
    }
    struct token_scope scope = {
        .pipe_id = run->spec.pipe_id,
        .topic = at.topic,
        .partition = at.partition,
        .epoch = pending_epoch(pending),
        .nonce = pending_nonce(pending, batch->lane),
    };
    named->first = range->first;
    named->last = range->last;
    named->first_ms = range->first_ms;
    named->last_ms = range->last_ms;
    if (token_make(&scope, range, named->token, NULL) != ST_OK) {
        return false;
    }
    token_query_id(named->token, named->query_id);
    return true;
}

struct batch *announce_first(struct run *run)
{
    bool is_replay = false;
    struct batch *batch = lanes_first(&run->lanes);
    while (batch != NULL && !may_insert(run, batch, &is_replay)) {
        batch = batch->next;
    }
    if (batch == NULL || !announce_is_proven(run) || !name_batch(run, batch, is_replay)) {
        return NULL;
    }
    return batch;
}
