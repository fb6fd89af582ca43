/* A replica's seat: lease, child, reports. */
#include "worker/supervisor/seat.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/uuid.h"

enum {
    SEAT_OBITUARY_BYTES = CHILD_OBITUARY_BYTES + 128,
    MESSAGES_ROUND_MAX = 1024, /* per call, so that one child cannot keep the loop */
    /* Per tick: the positions of all partitions that are shown, and as much again. */
    MESSAGES_TICK_MAX = 2 * REPORT_PARTITIONS_MAX / PROTOCOL_PARTITIONS_PER_MESSAGE,
    /* A child's events become rows that stay: so many at once, and one more per time. */
    EVENTS_BURST = 64,
    EVENTS_EVERY_MS = 5000,
};

enum status seat_new(const struct lease *lease, struct seat **ret_seat, struct err *err)
{
    struct seat *seat = calloc(1, sizeof(*seat));
    if (seat == NULL) {
        return err_set(
            err, ST_NO_MEMORY, "replica %d of pipe %s", lease->replica_index, lease->pipe_id);
    }
    seat->lease = *lease;
    seat->is_held = true;
    uint64_t seed = 0;
    if (random_bytes(&seed, sizeof(seed)) != ST_OK) {
        free(seat);
        return err_set(err, ST_IO, "the kernel gives no random bytes");
    }
    restart_init(&seat->restart, seed);
    child_init(&seat->child);
    limits_group_init(&seat->limits);
    seat->events_left = EVENTS_BURST;
    report_init(&seat->report, (int64_t)(seed >> 1));
    outbox_init(&seat->outbox);
    *ret_seat = seat;
    return ST_OK;
}

void seat_free(struct seat *seat)
{
    if (seat == NULL) {
        return;
    }
    (void)limits_group_end(&seat->limits); /* usually gone with the child */
    child_done(&seat->child);
    report_done(&seat->report);
    outbox_done(&seat->outbox);
    secret_done(&seat->spec);
    free(seat);
}

struct assign_facts seat_facts(const struct seat *seat, bool is_stopping)
{
    return (struct assign_facts){
        .is_held = seat->is_held,
        .is_wanted = seat->lease.is_wanted,
        .is_stopping = is_stopping && !seat->is_second_wave,
        .is_given = seat->is_given,
        .generation = seat->lease.generation,
        .revision = seat->lease.revision,
        .child = seat->phase,
        .child_generation = seat->child_generation,
        .child_revision = seat->child_revision,
        .start_at_ms = seat->start_at_ms,
        .kill_at_ms = seat->kill_at_ms,
        .heard_at_ms = seat->heard_at_ms,
    };
}

enum status seat_set_spec(struct seat *seat, const char *text, int64_t revision, struct err *err)
{
    struct secret spec = {0};
    enum status st = secret_set(&spec, text, strlen(text));
    if (st != ST_OK) {
        return err_set(err, st, "spec of %zu bytes", strlen(text));
    }
    secret_done(&seat->spec);
    seat->spec = spec;
    seat->spec_revision = revision;
    return ST_OK;
}

void seat_postpone(struct seat *seat, int64_t now_ms, int64_t wait_ms)
{
    seat->start_at_ms = now_ms + wait_ms;
}

/* Say once to whom it concerns that the pipe's limits are not hard here. */
static void tell_weak_limits(struct seat *seat, const struct limits *limits)
{
    if (seat->has_told_limits || !limits_are_weak(limits)) {
        return;
    }
    seat->has_told_limits = true;
    outbox_add_event(
        &seat->outbox, "limits", "warning",
        "this host cannot make control groups: memory is bounded by the size of the data segment, "
        "CPU by priority only",
        "");
}

static enum status
spawn(struct seat *seat, const struct child_plan *plan, struct limits *limits, struct err *err)
{
    enum status st = limits_group_make(
        limits, seat->lease.memory_gb, seat->lease.cpu_millicores, &seat->limits, err);
    if (st != ST_OK) {
        return st;
    }
    st = child_spawn(plan, &seat->child, err);
    limits_group_started(&seat->limits);
    if (st != ST_OK) {
        (void)limits_group_end(&seat->limits); /* nobody was in it */
    }
    return st;
}

enum status
seat_start(struct seat *seat, const struct seat_launch *launch, int64_t now_ms, struct err *err)
{
    assert(seat->phase == ASSIGN_CHILD_NONE && seat->spec.bytes != NULL);
    char name[] = "penstock-worker";
    char option[] = "--replica";
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", seat->lease.replica_index); /* fits */
    char *const arguments[] = {name, option, seat->lease.pipe_id, number, NULL};
    const struct child_plan plan = {
        .program = launch->program,
        .arguments = arguments,
        .environment = launch->environment,
        .spec = seat->spec.bytes,
        .spec_bytes = seat->spec.len_bytes,
        .limits = &seat->limits,
        .in_max_bytes = CHILD_MESSAGES_MAX_BYTES,
    };
    child_done(&seat->child); /* the messages of the last one are taken */
    child_init(&seat->child);
    enum status st = spawn(seat, &plan, launch->limits, err);
    if (st != ST_OK) {
        seat_postpone(seat, now_ms, restart_ended(&seat->restart, now_ms));
        return st;
    }
    seat->phase = ASSIGN_CHILD_LIVE;
    seat->child_generation = seat->lease.generation;
    seat->child_revision = seat->spec_revision;
    seat->has_own_reason = false;
    seat->has_been_well = false;
    seat->has_own_failure = false;
    seat->heard_count = 0;
    seat->heard_at_ms = now_ms;
    seat->kill_at_ms = 0;
    restart_started(&seat->restart, now_ms);
    report_child_started(&seat->report, now_ms);
    tell_weak_limits(seat, launch->limits);
    return ST_OK;
}

void seat_drain(struct seat *seat, int64_t now_ms)
{
    assert(seat->phase == ASSIGN_CHILD_LIVE);
    const struct assign_facts facts = seat_facts(seat, false);
    seat->kill_at_ms = assign_kill_at_ms(&facts, now_ms);
    seat->phase = ASSIGN_CHILD_DRAINING;
    seat->report.has_changes = true;
    child_terminate(&seat->child);
}

void seat_kill(struct seat *seat)
{
    seat->phase = ASSIGN_CHILD_KILLED;
    child_kill(&seat->child);
}

void seat_take_lease(struct seat *seat, const struct lease *lease)
{
    if (seat->lease.generation != lease->generation) {
        report_lease_changed(&seat->report);
    }
    seat->lease = *lease;
    seat->is_held = true;
}

void seat_lose(struct seat *seat, int64_t now_ms)
{
    seat->is_held = false;
    if (seat->phase == ASSIGN_CHILD_DRAINING) {
        const struct assign_facts facts = seat_facts(seat, false);
        seat->kill_at_ms = assign_kill_at_ms(&facts, now_ms);
    }
}

/* A child that runs well ends the reason an earlier one left behind, unless it says one itself or
 * this is a crash loop, where a short good life proves nothing. */
static void note_state(struct seat *seat, const struct protocol_heartbeat *heartbeat)
{
    if (heartbeat->state != PROTOCOL_STATE_RUNNING || seat->has_been_well) {
        return;
    }
    seat->has_been_well = true;
    if (!seat->has_own_reason && !seat->restart.is_throttled) {
        outbox_set_reason(&seat->outbox, "", "");
    }
}

/* Reasons and failures replace one another and cost nothing; events are counted. */
static bool may_report(struct seat *seat, const struct protocol_event *event)
{
    if (strcmp(event->event, "reason") == 0 || strcmp(event->event, "failed") == 0) {
        return true;
    }
    if (seat->events_left == 0) {
        seat->outbox.dropped_count++;
        return false;
    }
    seat->events_left--;
    return true;
}

static void take_message(struct seat *seat, const union child_message *message, int64_t now_ms)
{
    seat->heard_at_ms = now_ms;
    switch ((enum protocol_message_type)message->header.type) {
    case PROTOCOL_MESSAGE_HEARTBEAT:
        report_take_heartbeat(&seat->report, &message->heartbeat, now_ms);
        note_state(seat, &message->heartbeat);
        return;
    case PROTOCOL_MESSAGE_PARTITIONS:
        /* What does not fit is not shown; the replica itself is not concerned. */
        (void)!report_take_partitions(&seat->report, &message->partitions);
        return;
    case PROTOCOL_MESSAGE_LATENCY:
        report_take_latency(&seat->report, &message->latency);
        return;
    case PROTOCOL_MESSAGE_EVENT:
        if (!may_report(seat, &message->event)) {
            return;
        }
        seat->has_own_reason = seat->has_own_reason || strcmp(message->event.event, "reason") == 0;
        seat->has_own_failure =
            seat->has_own_failure || strcmp(message->event.event, "failed") == 0;
        outbox_take_message(&seat->outbox, &message->event);
        return;
    }
}

enum status seat_listen(struct seat *seat, int64_t now_ms, struct err *err)
{
    enum status st = child_read(&seat->child, err);
    if (st != ST_OK) {
        return st;
    }
    for (int i = 0; i < MESSAGES_ROUND_MAX && !seat_is_muted(seat); i++) {
        union child_message message;
        bool has = false;
        st = child_take_message(&seat->child, seat->child_generation, &has, &message, err);
        if (st == ST_FENCED) {
            seat->strays_count++;
            continue;
        }
        if (st != ST_OK || !has) {
            return st;
        }
        seat->heard_count++;
        take_message(seat, &message, now_ms);
    }
    return ST_OK;
}

bool seat_is_muted(const struct seat *seat)
{
    return seat->heard_count >= MESSAGES_TICK_MAX;
}

void seat_tick(struct seat *seat, int64_t now_ms)
{
    seat->heard_count = 0;
    if (seat->events_left < EVENTS_BURST && now_ms >= seat->events_at_ms) {
        seat->events_left++;
        seat->events_at_ms = now_ms + EVENTS_EVERY_MS;
    }
}

/* What was in the pipe when the child died: a few rounds at most, since the pipe is bounded. */
static void listen_to_the_end(struct seat *seat, int64_t now_ms)
{
    for (int round = 0; round < 64; round++) {
        seat->heard_count = 0;
        size_t before_bytes = seat->child.in.len_bytes;
        if (seat_listen(seat, now_ms, NULL) != ST_OK) {
            return;
        }
        if (seat->child.from_fd < 0 || seat->child.in.len_bytes == before_bytes) {
            return;
        }
    }
}

/* The failure a bad end stands for, NULL if the child may be started again or said it itself (which
 * may have reached the database while it drained). */
static const char *failure_of(const struct seat *seat, const struct child_end *end)
{
    if (end->is_signalled) {
        return NULL;
    }
    if (end->code == PROTOCOL_EXIT_USAGE) {
        return "the replica does not understand its spec";
    }
    if (end->code == PROTOCOL_EXIT_STOP && !seat->has_own_failure) {
        return "the replica stopped without saying why";
    }
    return NULL;
}

/* How it ended, and that it was for its memory limit. */
static void seat_obituary(
    const struct seat *seat, const struct seat_end *end, char ret_text[SEAT_OBITUARY_BYTES])
{
    char obituary[CHILD_OBITUARY_BYTES];
    child_obituary(&end->child, obituary);
    if (end->is_over_memory || end->is_near_memory) {
        (void)snprintf(
            ret_text, SEAT_OBITUARY_BYTES, "%s: it %s its memory limit of %g GB", obituary,
            end->is_over_memory ? "needed more than" : "had come near", seat->lease.memory_gb);
    } else {
        (void)snprintf(ret_text, SEAT_OBITUARY_BYTES, "%s", obituary); /* fits */
    }
}

/* Without a control group nobody tells why an allocation failed: the last heartbeat must do. */
static bool is_near_memory(const struct seat *seat)
{
    const uint64_t bound_bytes = (uint64_t)(seat->lease.memory_gb * 1024.0 * 1024.0 * 1024.0);
    return seat->limits.data_bytes > 0 && seat->report.last.resident_bytes >= bound_bytes / 4 * 3;
}

static void tell_over_memory(struct seat *seat)
{
    char text[SEAT_OBITUARY_BYTES];
    char details[SEAT_OBITUARY_BYTES];
    (void)snprintf(
        text, sizeof(text),
        "replica %d needed more than its memory limit of %g GB and was killed; raise "
        "replicaMemoryGb, or replicas",
        seat->lease.replica_index, seat->lease.memory_gb); /* fits */
    (void)snprintf(
        details, sizeof(details), "{\"replica\":%d,\"replicaMemoryGb\":%g}",
        seat->lease.replica_index, seat->lease.memory_gb); /* fits */
    outbox_add_event(&seat->outbox, "limits", "critical", text, details);
}

static void plan_restart(struct seat *seat, int64_t now_ms, struct seat_end *end)
{
    char obituary[SEAT_OBITUARY_BYTES];
    seat_obituary(seat, end, obituary);
    const char *failure = failure_of(seat, &end->child);
    if (failure != NULL) {
        char text[SEAT_OBITUARY_BYTES + 128];
        (void)snprintf(text, sizeof(text), "%s: %s", failure, obituary); /* fits */
        outbox_set_failure(&seat->outbox, "INTERNAL", text);
    }
    end->is_foreign = !end->child.is_signalled && end->child.code == PROTOCOL_EXIT_VERSION;
    end->has_failed = seat->has_own_failure || seat->outbox.failure.is_pending;
    end->wait_ms = restart_ended(&seat->restart, now_ms);
    end->is_crash_loop = seat->restart.is_throttled;
    if (end->has_failed || end->is_foreign) {
        return;
    }
    seat->restarts_count++;
    char text[SEAT_OBITUARY_BYTES + 128];
    (void)snprintf(
        text, sizeof(text), "replica %d: %s; started again in %lld ms", seat->lease.replica_index,
        obituary, (long long)end->wait_ms); /* fits */
    const bool is_clean = !end->child.is_signalled && end->child.code == PROTOCOL_EXIT_DONE;
    outbox_add_event(&seat->outbox, "restarted", is_clean ? "info" : "warning", text, "");
    if (end->is_crash_loop) {
        (void)snprintf(
            text, sizeof(text), "replica %d ended %d times within %d s, last: %s",
            seat->lease.replica_index, RESTART_DEATHS_MAX, RESTART_WINDOW_MS / 1000,
            obituary); /* fits */
        outbox_set_reason(&seat->outbox, "CRASH_LOOP", text);
    }
}

bool seat_reap(struct seat *seat, int64_t now_ms, struct seat_end *ret_end)
{
    struct seat_end end = {.is_expected = seat->phase == ASSIGN_CHILD_DRAINING};
    const bool was_asked = seat->kill_at_ms != 0; /* also when it had to be killed in the end */
    if (!child_reap(&seat->child, &end.child)) {
        return false;
    }
    listen_to_the_end(seat, now_ms);
    seat->phase = ASSIGN_CHILD_NONE;
    seat->kill_at_ms = 0;
    end.is_near_memory = !was_asked && is_near_memory(seat);
    end.is_over_memory = limits_group_end(&seat->limits);
    if (end.is_over_memory) {
        tell_over_memory(seat);
    }
    report_child_ended(&seat->report);
    if (was_asked) {
        end.has_failed = seat->outbox.failure.is_pending;
    } else {
        plan_restart(seat, now_ms, &end);
    }
    seat_postpone(seat, now_ms, end.wait_ms);
    *ret_end = end;
    return true;
}

void seat_tend(struct seat *seat, int64_t now_ms)
{
    if (seat->phase == ASSIGN_CHILD_LIVE && restart_is_recovered(&seat->restart, now_ms) &&
        !seat->has_own_reason) {
        outbox_set_reason(&seat->outbox, "", "");
    }
}

bool seat_is_started(const struct seat *seat)
{
    return seat->report.has_heartbeat && seat->report.last.state != PROTOCOL_STATE_STARTING;
}

struct report_process seat_process(const struct seat *seat, const char *owner)
{
    return (struct report_process){
        .owner = owner,
        .lease = &seat->lease,
        .pid = (int)seat->child.pid,
        .is_draining = seat->phase == ASSIGN_CHILD_DRAINING,
        .restarts_count = seat->restarts_count,
        .revision = seat->child_revision,
    };
}

enum status seat_flush(
    struct seat *seat, struct store *store, const char *owner, int64_t now_ms, struct err *err)
{
    if (!seat->is_held) {
        return ST_OK;
    }
    enum status st = ST_OK;
    if (report_is_due(&seat->report, now_ms)) {
        const struct report_process process = seat_process(seat, owner);
        st = report_flush(&seat->report, &process, store, err);
    }
    if (st == ST_OK) {
        st = outbox_flush(&seat->outbox, store, owner, &seat->lease, err);
    }
    return st == ST_FENCED || st == ST_NOT_FOUND || st == ST_CONFLICT ? ST_OK : st;
}
