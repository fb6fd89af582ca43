/*
 * The loop's half that makes running equal to desired. One round: renew the leases, claim what is
 * free, then do for every seat what assign.c says. A statement that fails in a way that may pass
 * ends the database's part of the round; children go on.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/store/metric_samples.h"

#include "worker/supervisor/handover.h"
#include "worker/supervisor/state.h"

/* A statement failed: the log hears of it once in a while, and a database that may come back gets
 * some rest. One that refuses a statement for good goes on serving the others. */
void reconcile_note_failure(struct supervisor *s, const struct err *err, const char *what)
{
    const int64_t now_ms = clock_monotonic_ms();
    if (status_may_retry(err->status)) {
        database_suspend(&s->database, now_ms);
    }
    if (database_should_complain(&s->database, now_ms)) {
        log_err(LOG_WARN, "database_failed", err, "during=%s", what);
    }
}

static void permit(struct supervisor *s)
{
    for (size_t i = 0; i < s->seats_count; i++) {
        child_permit(&s->seats[i]->child);
    }
}

void reconcile_tick(struct supervisor *s, int64_t now_ms)
{
    for (size_t i = 0; i < s->seats_count; i++) {
        seat_tick(s->seats[i], now_ms);
    }
}

int64_t reconcile_renew_every_ms(const struct supervisor *s)
{
    const int64_t share_ms = (int64_t)s->options->lease_s * 1000 / SUPERVISOR_LEASE_SHARE;
    return share_ms > SUPERVISOR_TICK_MS ? share_ms : SUPERVISOR_TICK_MS;
}

/* The order of seats, and of the leases that PostgreSQL tells: by pipe id (a UUID's order is its
 * text's), then replica. */
static int compare_leases(const void *left, const void *right)
{
    const struct lease *a = left;
    const struct lease *b = right;
    const int by_pipe = strcmp(a->pipe_id, b->pipe_id);
    return by_pipe != 0
               ? by_pipe
               : (a->replica_index > b->replica_index) - (a->replica_index < b->replica_index);
}

/* Where the seat of this lease is or would be. */
static size_t find_place(const struct supervisor *s, const struct lease *lease, bool *ret_is_there)
{
    size_t low = 0;
    size_t high = s->seats_count;
    *ret_is_there = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_leases(&s->seats[middle]->lease, lease);
        if (order == 0) {
            *ret_is_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A seat for a lease that is ours; an old child may still drain in it. */
static enum status take_lease(struct supervisor *s, const struct lease *lease, struct err *err)
{
    bool is_there = false;
    const size_t at = find_place(s, lease, &is_there);
    if (is_there) {
        seat_take_lease(s->seats[at], lease);
        return ST_OK;
    }
    if (s->seats_count == SUPERVISOR_SEATS_MAX) {
        return err_set(err, ST_TOO_LARGE, "%d replicas, no room for more", SUPERVISOR_SEATS_MAX);
    }
    struct seat *seat = NULL;
    enum status st = seat_new(lease, &seat, err);
    if (st == ST_OK) {
        // NOLINTNEXTLINE(bugprone-sizeof-expression): the pointers are moved
        memmove(&s->seats[at + 1], &s->seats[at], (s->seats_count - at) * sizeof(s->seats[0]));
        s->seats[at] = seat;
        s->seats_count++;
    }
    return st;
}

static bool holds(const struct leases *leases, const struct lease *lease)
{
    const struct lease *found =
        bsearch(lease, leases->items, leases->count, sizeof(*leases->items), compare_leases);
    return found != NULL && found->generation == lease->generation;
}

/* may_add: take leases that have no seat yet; not while somebody walks over the seats. */
static enum status renew(struct supervisor *s, int64_t now_ms, bool may_add, struct err *err)
{
    struct leases leases = {0};
    enum status st =
        lease_renew_all(s->database.store, s->owner, s->options->lease_s, &leases, err);
    if (st != ST_OK) {
        return st;
    }
    s->renew_at_ms = now_ms + reconcile_renew_every_ms(s);
    for (size_t i = 0; i < s->seats_count; i++) {
        struct seat *seat = s->seats[i];
        if (seat->is_held && !holds(&leases, &seat->lease)) {
            log_event(
                LOG_WARN, "lease_lost", "pipe=%s replica=%d generation=%lld", seat->lease.pipe_id,
                seat->lease.replica_index, (long long)seat->lease.generation);
            seat_lose(seat, now_ms);
        }
    }
    for (size_t i = 0; i < leases.count && st == ST_OK; i++) {
        bool is_there = may_add;
        if (!may_add) {
            (void)find_place(s, &leases.items[i], &is_there);
        }
        if (is_there) {
            st = take_lease(s, &leases.items[i], err);
        }
    }
    leases_done(&leases);
    return st;
}

void reconcile_begin_part(struct supervisor *s)
{
    s->part_ends_ms = clock_monotonic_ms() + s->options->database_timeout_ms;
}

bool reconcile_has_time(struct supervisor *s)
{
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms >= s->permit_at_ms) {
        permit(s);
        s->permit_at_ms = now_ms + reconcile_renew_every_ms(s);
    }
    struct err err = {.status = ST_OK};
    if (s->database.is_up && now_ms >= s->renew_at_ms && renew(s, now_ms, false, &err) != ST_OK) {
        reconcile_note_failure(s, &err, "renewal");
    }
    return clock_monotonic_ms() < s->part_ends_ms;
}

struct capacity reconcile_capacity_used(const struct supervisor *s)
{
    struct capacity used = {0};
    for (size_t i = 0; i < s->seats_count; i++) {
        used.memory_gb += s->seats[i]->lease.memory_gb;
        used.cpu_millicores += s->seats[i]->lease.cpu_millicores;
    }
    return used;
}

static int held_count(const struct supervisor *s)
{
    int count = 0;
    for (size_t i = 0; i < s->seats_count; i++) {
        count += s->seats[i]->is_held && s->seats[i]->lease.is_wanted && !s->seats[i]->is_given;
    }
    return count;
}

/* Claim as many as the host has room for. */
static enum status claim_some(struct supervisor *s, int want_count, int *ret_count, struct err *err)
{
    const struct capacity used = reconcile_capacity_used(s);
    const struct capacity left = capacity_left(&s->options->capacity, &used);
    const struct lease_claim claim = {
        .owner = s->owner,
        .host = s->options->host_id,
        .lease_s = s->options->lease_s,
        .max_count = want_count,
        .memory_gb_max = left.memory_gb,
        .cpu_millicores_max = left.cpu_millicores,
    };
    struct leases leases = {0};
    enum status st = lease_claim(s->database.store, &claim, &leases, err);
    for (size_t i = 0; st == ST_OK && i < leases.count; i++) {
        const struct lease *lease = &leases.items[i];
        log_event(
            LOG_INFO, "lease_claimed", "pipe=%s replica=%d generation=%lld", lease->pipe_id,
            lease->replica_index, (long long)lease->generation);
        st = take_lease(s, lease, err);
    }
    *ret_count = (int)leases.count;
    leases_done(&leases);
    return st;
}

/* Replicas that this host should take and cannot: somebody should give it or others more room. */
static void note_shortage(struct supervisor *s, int missing_count)
{
    const int64_t now_ms = clock_monotonic_ms();
    if (now_ms < s->shortage_quiet_until_ms) {
        return;
    }
    s->shortage_quiet_until_ms = now_ms + SUPERVISOR_SHORTAGE_MS;
    const struct capacity used = reconcile_capacity_used(s);
    log_event(
        LOG_WARN, "capacity_short",
        "replicas_missing=%d memory_gb_used=%.1f memory_gb=%.1f cpu_millicores_used=%d "
        "cpu_millicores=%d",
        missing_count, used.memory_gb, s->options->capacity.memory_gb, used.cpu_millicores,
        s->options->capacity.cpu_millicores);
}

static enum status claim(struct supervisor *s, bool is_poll, struct err *err)
{
    struct worker_load load;
    enum status st = worker_load(s->database.store, s->options->lease_s, &load, err);
    if (st != ST_OK) {
        return st;
    }
    (void)reconcile_has_time(s); /* what was counted is claimed in any case */
    /* What was free at two polls in a row is left over: the others had their chance. */
    const int still_free = s->leftovers_before < load.replicas_unclaimed ? s->leftovers_before
                                                                         : load.replicas_unclaimed;
    if (is_poll) {
        s->leftovers_before = load.replicas_unclaimed;
    }
    s->workers_live = load.workers_live;
    if (load.replicas_unclaimed - still_free <= 0 && is_poll) {
        st = handover_balance(s, err);
    }
    if (load.replicas_unclaimed == 0 || st != ST_OK) {
        return st;
    }
    const struct assign_load facts = {
        .replicas_wanted = load.replicas_wanted,
        .workers_live = load.workers_live,
        .held = held_count(s),
        .leftovers = is_poll ? still_free : 0,
        .is_giving = clock_monotonic_ms() < s->giving_until_ms,
    };
    int want_count = assign_claim_count(&facts);
    int got_count = 1;
    bool has_time = true; /* for once at least */
    while (want_count > 0 && got_count > 0 && st == ST_OK && has_time) {
        st = claim_some(s, want_count, &got_count, err);
        want_count -= got_count;
        has_time = reconcile_has_time(s);
    }
    /* At a poll only: right after a notice another host may just have been quicker. */
    if (st == ST_OK && want_count > 0 && got_count == 0 && is_poll && facts.leftovers > 0) {
        note_shortage(s, want_count);
    }
    return st;
}

static enum status read_spec(struct supervisor *s, struct seat *seat, struct err *err)
{
    json_t *spec = NULL;
    int64_t revision = 0;
    enum status st = runtime_replica_spec(
        s->database.store, &seat->lease, s->options->lease_s, &spec, &revision, err);
    if (st != ST_OK) {
        return st;
    }
    char *text = json_dumps(spec, JSON_COMPACT);
    json_decref(spec);
    if (text == NULL) {
        return err_set(err, ST_NO_MEMORY, "spec of pipe %s", seat->lease.pipe_id);
    }
    st = seat_set_spec(seat, text, revision, err);
    secret_wipe(text, strlen(text));
    free(text);
    return st;
}

/* A spec that cannot be read, and not for want of the database. */
static void refuse_spec(struct seat *seat, const struct err *err, int64_t now_ms)
{
    log_err(
        LOG_ERROR, "spec_unreadable", err, "pipe=%s replica=%d", seat->lease.pipe_id,
        seat->lease.replica_index);
    outbox_set_reason(&seat->outbox, "INTERNAL", err->text);
    seat_postpone(seat, now_ms, SUPERVISOR_SPEC_RETRY_MS);
}

static void count_starting(struct supervisor *s, int64_t now_ms)
{
    s->spawning_count = 0;
    s->starting_count = 0;
    for (size_t i = 0; i < s->seats_count; i++) {
        const struct seat *seat = s->seats[i];
        if (seat->phase == ASSIGN_CHILD_LIVE && !seat_is_started(seat) &&
            now_ms - seat->child.started_ms < SUPERVISOR_STARTING_MS) {
            s->spawning_count += !seat->report.has_heartbeat;
            s->starting_count++;
        }
    }
}

static bool may_start(const struct supervisor *s)
{
    return s->spawning_count < SUPERVISOR_SPAWNING_PER_CORE * s->cores &&
           s->starting_count < SUPERVISOR_STARTING_MAX;
}

static void start(struct supervisor *s, struct seat *seat, int64_t now_ms)
{
    if (seat->outbox.failure.is_pending) {
        return; /* PostgreSQL must hear of it first: then the pipe is not wanted any more */
    }
    if (!may_start(s)) {
        return; /* those that are heard make room */
    }
    struct err err = {.status = ST_OK};
    enum status st = ST_UNAVAILABLE;
    if (s->is_foreign) {
        return; /* its lease is about to be released */
    }
    if (s->database.is_up && reconcile_has_time(s)) {
        st = read_spec(s, seat, &err);
        if (status_may_retry(st)) {
            reconcile_note_failure(s, &err, "spec");
        }
    }
    if (st == ST_NOT_FOUND) {
        seat_lose(seat, now_ms); /* deleted */
        return;
    }
    if (st != ST_OK && !status_may_retry(st)) {
        refuse_spec(seat, &err, now_ms);
        return;
    }
    if (seat->spec.bytes == NULL) {
        return; /* never read yet: wait for PostgreSQL */
    }
    const struct seat_launch launch = {
        .environment = s->options->environment, .limits = &s->limits};
    st = seat_start(seat, &launch, now_ms, &err);
    if (st != ST_OK) {
        log_err(
            LOG_ERROR, "replica_not_started", &err, "pipe=%s replica=%d", seat->lease.pipe_id,
            seat->lease.replica_index);
        return;
    }
    s->spawning_count++;
    s->starting_count++;
    log_event(
        LOG_INFO, "replica_started", "pipe=%s replica=%d pid=%d generation=%lld revision=%lld",
        seat->lease.pipe_id, seat->lease.replica_index, (int)seat->child.pid,
        (long long)seat->lease.generation, (long long)seat->child_revision);
}

/* True if the lease is given back, or cannot be any more. */
static bool release(struct supervisor *s, struct seat *seat, int64_t now_ms)
{
    if (!s->database.is_up) {
        seat->is_given = s->is_foreign; /* nobody else can take it now: it runs on here */
        return false;
    }
    if (!reconcile_has_time(s)) {
        return false;
    }
    struct err err = {.status = ST_OK};
    enum status st = seat_flush(seat, s->database.store, s->owner, now_ms, &err);
    if (st == ST_OK) {
        st = lease_release(s->database.store, s->owner, &seat->lease, &err);
    }
    if (status_may_retry(st)) {
        reconcile_note_failure(s, &err, "release");
        return false;
    }
    if (seat->is_given) {
        s->giving_until_ms = now_ms + HANDOVER_GIVING_MS;
    }
    log_event(
        LOG_INFO, "lease_released", "pipe=%s replica=%d generation=%lld", seat->lease.pipe_id,
        seat->lease.replica_index, (long long)seat->lease.generation);
    return true;
}

/* Do what is to be done with one seat. True if the seat is over; it stays where it is, since a
 * renewal may come in between. */
static bool apply(struct supervisor *s, struct seat *seat, int64_t now_ms)
{
    const struct assign_facts facts = seat_facts(seat, s->is_stopping);
    switch (assign_next(&facts, now_ms)) {
    case ASSIGN_KEEP:
        return false;
    case ASSIGN_START:
        start(s, seat, now_ms);
        return false;
    case ASSIGN_DRAIN:
        log_event(
            LOG_INFO, "replica_draining", "pipe=%s replica=%d pid=%d why=%s", seat->lease.pipe_id,
            seat->lease.replica_index, (int)seat->child.pid, assign_why(&facts));
        seat_drain(seat, now_ms);
        return false;
    case ASSIGN_KILL:
        log_event(
            LOG_WARN, "replica_killed", "pipe=%s replica=%d pid=%d why=%s", seat->lease.pipe_id,
            seat->lease.replica_index, (int)seat->child.pid, assign_why(&facts));
        seat_kill(seat);
        return false;
    case ASSIGN_RELEASE:
        return release(s, seat, now_ms);
    case ASSIGN_FORGET:
        return true;
    }
    return false;
}

void reconcile_apply(struct supervisor *s, int64_t now_ms)
{
    reconcile_begin_part(s);
    handover_tend(s, now_ms);
    count_starting(s, now_ms);
    for (size_t i = 0; s->is_foreign && i < s->seats_count; i++) {
        s->seats[i]->is_given = s->seats[i]->phase == ASSIGN_CHILD_NONE || s->seats[i]->is_given;
    }
    for (size_t i = 0; i < s->seats_count; i++) {
        seat_tend(s->seats[i], now_ms);
        s->seats[i]->is_over = apply(s, s->seats[i], now_ms);
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->seats_count; i++) {
        struct seat *seat = s->seats[i];
        if (seat->is_over) {
            seat_free(seat);
        } else {
            s->seats[kept++] = seat;
        }
    }
    s->seats_count = kept;
}

/* Graphs are no reason to treat PostgreSQL as away, unless it is. */
static enum status take_samples(struct supervisor *s, struct err *err)
{
    struct err why = {.status = ST_OK};
    enum status st = metric_samples_take(s->database.store, &why);
    if (st == ST_UNAVAILABLE) {
        return err_set(err, st, "%s", why.text);
    }
    if (st != ST_OK) {
        log_err(LOG_WARN, "samples_not_taken", &why, "owner=%s", s->owner);
    }
    return ST_OK;
}

static enum status hello(struct supervisor *s, struct err *err)
{
    const struct capacity used = reconcile_capacity_used(s);
    const struct capacity left = capacity_left(&s->options->capacity, &used);
    const struct worker_self self = {
        .owner = s->owner,
        .host = s->options->host_id,
        .version = s->options->version,
        .memory_gb_left = left.memory_gb,
        .cpu_millicores_left = left.cpu_millicores,
    };
    return worker_hello(s->database.store, &self, err);
}

/* One thing to ask PostgreSQL beside the renewal. */
static enum status
take_step(struct supervisor *s, enum supervisor_step step, int64_t now_ms, struct err *err)
{
    switch (step) {
    case STEP_HELLO:
        return hello(s, err);
    case STEP_CLAIM: {
        const bool is_poll = s->is_claim_poll;
        s->is_claim_poll = false;
        return claim(s, is_poll, err);
    }
    case STEP_PROBES:
        return probe_jobs_claim(
            &s->probes, s->database.store, s->owner, s->options->environment, err);
    case STEP_SAMPLES:
        s->sample_at_ms = now_ms + (int64_t)SAMPLE_EVERY_S * 1000 / 3;
        return take_samples(s, err);
    case STEP_COUNT:
        break;
    }
    return ST_OK;
}

static void note_due_steps(struct supervisor *s, int64_t now_ms, bool is_poll)
{
    s->is_due[STEP_HELLO] = s->is_due[STEP_HELLO] || is_poll;
    s->is_due[STEP_CLAIM] = s->is_due[STEP_CLAIM] || is_poll || s->has_pipe_news;
    s->is_claim_poll = s->is_claim_poll || is_poll;
    s->is_due[STEP_PROBES] = s->is_due[STEP_PROBES] || is_poll || s->has_probe_news;
    s->is_due[STEP_SAMPLES] = is_poll && now_ms >= s->sample_at_ms;
}

/* The renewal first; of the other things as many as there is time for, but at least one,
 * in turn: however slow PostgreSQL is, no lease runs out and nothing waits for ever. */
static enum status talk(struct supervisor *s, int64_t now_ms, bool is_poll, struct err *err)
{
    enum status st = ST_OK;
    if (is_poll || s->has_pipe_news || now_ms >= s->renew_at_ms) {
        st = renew(s, now_ms, true, err);
        if (st != ST_OK) {
            return st;
        }
    }
    if (s->is_stopping || s->is_foreign) {
        return handover_stop(s, now_ms, err);
    }
    note_due_steps(s, now_ms, is_poll);
    const int first = s->step_next;
    for (int i = 0; i < STEP_COUNT && st == ST_OK; i++) {
        const enum supervisor_step step = (enum supervisor_step)((first + i) % STEP_COUNT);
        if (!s->is_due[step]) {
            continue;
        }
        s->is_due[step] = false;
        st = take_step(s, step, now_ms, err);
        if (!reconcile_has_time(s)) {
            s->step_next = ((int)step + 1) % STEP_COUNT;
            return st;
        }
    }
    s->step_next = STEP_HELLO;
    return st;
}

void reconcile_talk(struct supervisor *s, int64_t now_ms, bool is_poll)
{
    reconcile_begin_part(s);
    if (s->database.is_up) {
        struct err err = {.status = ST_OK};
        if (talk(s, now_ms, is_poll, &err) != ST_OK) {
            reconcile_note_failure(s, &err, "renewal");
        }
    }
    s->has_pipe_news = false;
    s->has_probe_news = false;
}

int64_t reconcile_wake_ms(const struct supervisor *s, int64_t now_ms)
{
    int64_t wake_ms = probe_jobs_wake_ms(&s->probes);
    for (size_t i = 0; i < s->seats_count; i++) {
        const struct assign_facts facts = seat_facts(s->seats[i], s->is_stopping);
        int64_t at_ms = assign_wake_ms(&facts);
        /* What is due and could not be done (no PostgreSQL, no spec) waits for the next tick. */
        wake_ms = at_ms > now_ms && at_ms < wake_ms ? at_ms : wake_ms;
    }
    return wake_ms;
}
