/* What the source tells: records, partitions that come and go, commits, jumps, health. */
#include <stdlib.h>

#include "common/base/log.h"

#include "worker/replica/run.h"

static bool on_record(void *ctx, size_t slot, const struct record *record)
{
    struct run *run = ctx;
    return intake_take(&run->intake, slot, record);
}

static bool on_record_exact(void *ctx, size_t slot, const struct record *record)
{
    return exact_take(ctx, slot, record);
}

/* Where this process knows the partitions to be stored further than the group does. */
static void take_kept(struct run *run, struct source_start *starts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (starts[i].committed >= 0) {
            starts[i].next =
                kept_later(&run->kept, starts[i].topic, starts[i].partition, starts[i].committed);
        }
    }
}

static enum status
assign_ledger(struct run *run, const struct source_start *starts, size_t count, struct err *err)
{
    struct ledger_start *first = calloc(count > 0 ? count : 1, sizeof(*first));
    if (first == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu partitions", count);
    }
    for (size_t i = 0; i < count; i++) {
        first[i] = (struct ledger_start){.next = starts[i].next, .committed = starts[i].committed};
    }
    enum status st = ledger_assign(run->ledger, first, count, err);
    free(first);
    return st;
}

static enum status on_assign(void *ctx, struct source_start *starts, size_t count, struct err *err)
{
    struct run *run = ctx;
    take_kept(run, starts, count);
    enum status st = assign_ledger(run, starts, count, err);
    if (st == ST_OK && run->exact.is_on) {
        st = exact_assign(run, starts, count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < count; i++) {
        /* A start that the strategy chose (not the very beginning) is committed at once, so that a
         * restart before the first insert does not choose again and step over what came meanwhile,
         * also into a partition that was empty; one we know better, too. */
        if (starts[i].next >= 0 && starts[i].next != starts[i].committed) {
            ledger_move(run->ledger, i, starts[i].next);
            run->is_commit_due = true;
        }
    }
    run->counters.rebalances++;
    status_assigned(run, count);
    return ST_OK;
}

static void on_revoke(void *ctx, bool is_lost)
{
    struct run *run = ctx;
    run->is_lost = is_lost;
    status_revoked(run, is_lost);
    if (run->drain == RUN_DRAIN_NONE) {
        drain_begin(run, RUN_DRAIN_REVOKE, PROTOCOL_EXIT_DONE);
    }
}

static void on_committed(void *ctx, size_t slot, int64_t offset)
{
    struct run *run = ctx;
    ledger_confirm(run->ledger, slot, offset);
    if (run->exact.is_on) {
        announce_told(run, slot);
    }
}

static void on_commit_refused(void *ctx, const char *text)
{
    struct run *run = ctx;
    run->is_refused = true;
    if (run->exact.is_on) {
        announce_refused(run);
    }
    log_event(LOG_WARN, "commit_refused", "pipe=%s error=%s", run->spec.pipe_id, text);
}

static void on_jump(void *ctx, enum source_jump jump, size_t slot, int64_t from, int64_t to)
{
    struct run *run = ctx;
    status_jump(run, jump, slot, from, to);
    if (run->exact.is_on) {
        exact_jump(run, jump, slot, to);
        return;
    }
    ledger_move(run->ledger, slot, to);
    run->is_commit_due = true;
}

static void on_health(void *ctx, enum pipe_reason reason, const char *text)
{
    health_source(ctx, reason, text);
}

static void on_fatal(void *ctx, bool is_fenced, const char *text)
{
    struct run *run = ctx;
    run->is_lost = true; /* no commit is taken from us any more */
    if (is_fenced) {
        log_event(LOG_WARN, "fenced", "pipe=%s text=\"%s\"", run->spec.pipe_id, text);
        drain_begin(run, RUN_DRAIN_STOP, PROTOCOL_EXIT_FAILED);
    } else {
        health_fail(run, PIPE_REASON_INTERNAL, text);
    }
}

struct source_listener listener_of(struct run *run)
{
    return (struct source_listener){
        .ctx = run,
        .on_record = run->exact.is_on ? on_record_exact : on_record,
        .on_assign = on_assign,
        .on_revoke = on_revoke,
        .on_committed = on_committed,
        .on_commit_refused = on_commit_refused,
        .on_jump = on_jump,
        .on_fatal = on_fatal,
        .on_health = on_health,
    };
}
