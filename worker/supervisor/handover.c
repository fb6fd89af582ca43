/* Which replicas go to other hosts, and when. */
#include "worker/supervisor/handover.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

#include "worker/supervisor/state.h"

/* A seat whose child could be given away. */
static bool is_giveable(const struct seat *seat)
{
    return seat->is_held && seat->lease.is_wanted && !seat->is_given &&
           (seat->phase == ASSIGN_CHILD_LIVE || seat->phase == ASSIGN_CHILD_NONE);
}

/* The seats for which is_one says so, by pipe and number as all of them are. Owned, free(); NULL if
 * out of memory. */
static struct seat **
seats_by_pipe(const struct supervisor *s, bool (*is_one)(const struct seat *), size_t *ret_count)
{
    struct seat **seats = calloc(s->seats_count + 1, sizeof(struct seat *));
    size_t count = 0;
    for (size_t i = 0; seats != NULL && i < s->seats_count; i++) {
        if (is_one(s->seats[i])) {
            seats[count++] = s->seats[i];
        }
    }
    *ret_count = count;
    return seats;
}

/* How many seats from this one on are of one pipe. */
static size_t run_of(struct seat *const *seats, size_t count, size_t from)
{
    size_t end = from + 1;
    while (end < count && strcmp(seats[end]->lease.pipe_id, seats[from]->lease.pipe_id) == 0) {
        end++;
    }
    return end - from;
}

/* What the smallest replica here asks for. */
static struct capacity smallest(const struct supervisor *s)
{
    struct capacity size = {.memory_gb = CAPACITY_UNLIMITED, .cpu_millicores = INT_MAX};
    for (size_t i = 0; i < s->seats_count; i++) {
        const struct lease *lease = &s->seats[i]->lease;
        size.memory_gb = lease->memory_gb < size.memory_gb ? lease->memory_gb : size.memory_gb;
        size.cpu_millicores = lease->cpu_millicores < size.cpu_millicores ? lease->cpu_millicores
                                                                          : size.cpu_millicores;
    }
    return size;
}

/* How many replicas of this size a host could take. */
static int room_of(const struct worker_share *share, const struct capacity *size)
{
    if (!share->is_settled) {
        return 0;
    }
    double by_memory = size->memory_gb > 0 ? share->memory_gb_left / size->memory_gb : 0;
    by_memory = by_memory > SUPERVISOR_SEATS_MAX ? SUPERVISOR_SEATS_MAX : by_memory;
    int by_cpu =
        size->cpu_millicores > 0 ? share->cpu_millicores_left / size->cpu_millicores : INT_MAX;
    return (int)by_memory < by_cpu ? (int)by_memory : by_cpu;
}

/* The largest room of a host that holds less than this one. */
static struct capacity largest_room(const struct worker_share *shares, size_t count)
{
    struct capacity room = {0};
    int held = 0;
    for (size_t i = 0; i < count; i++) {
        held = shares[i].is_self ? shares[i].held : held;
    }
    for (size_t i = 0; i < count; i++) {
        if (shares[i].held < held && shares[i].is_settled &&
            shares[i].memory_gb_left > room.memory_gb) {
            room.memory_gb = shares[i].memory_gb_left;
            room.cpu_millicores = shares[i].cpu_millicores_left;
        }
    }
    return room;
}

static bool does_fit(const struct seat *seat, const struct capacity *room)
{
    return seat->lease.memory_gb <= room->memory_gb &&
           seat->lease.cpu_millicores <= room->cpu_millicores;
}

/* Of the pipe with most replicas here, so that its replicas come to lie on several hosts; the one
 * with the highest number. NULL if none fits. seats: by pipe. */
static struct seat *choose(struct seat *const *seats, size_t count, const struct capacity *room)
{
    struct seat *best = NULL;
    size_t best_run = 0;
    for (size_t at = 0; at < count;) {
        const size_t run = run_of(seats, count, at);
        struct seat *last = seats[at + run - 1];
        at += run;
        if (does_fit(last, room) &&
            (best == NULL || run > best_run ||
             (run == best_run && last->lease.replica_index > best->lease.replica_index))) {
            best = last;
            best_run = run;
        }
    }
    return best;
}

static int given_count(const struct supervisor *s)
{
    int count = 0;
    for (size_t i = 0; i < s->seats_count; i++) {
        count += s->seats[i]->is_given;
    }
    return count;
}

static void give(struct supervisor *s, const struct worker_share *shares, size_t count, int surplus)
{
    const struct capacity room = largest_room(shares, count);
    for (int given = given_count(s); given < surplus && given < HANDOVER_MOVES_MAX; given++) {
        size_t seats_count = 0;
        struct seat **seats = seats_by_pipe(s, is_giveable, &seats_count);
        struct seat *seat = seats == NULL ? NULL : choose(seats, seats_count, &room);
        free(seats);
        if (seat == NULL) {
            return; /* without memory: the next poll tries again */
        }
        seat->is_given = true;
        log_event(
            LOG_INFO, "replica_given", "pipe=%s replica=%d surplus=%d", seat->lease.pipe_id,
            seat->lease.replica_index, surplus);
    }
}

enum status handover_balance(struct supervisor *s, struct err *err)
{
    if (s->workers_live < 2 || s->seats_count == 0) {
        return ST_OK;
    }
    struct worker_share *shares = NULL;
    size_t count = 0;
    enum status st =
        worker_shares(s->database.store, s->owner, s->options->lease_s, &shares, &count, err);
    if (st != ST_OK) {
        return st;
    }
    struct assign_host *hosts = calloc(count + 1, sizeof(*hosts));
    if (hosts == NULL) {
        free(shares);
        return err_set(err, ST_NO_MEMORY, "%zu workers", count);
    }
    const struct capacity size = smallest(s);
    for (size_t i = 0; i < count; i++) {
        hosts[i].is_self = shares[i].is_self;
        hosts[i].held = shares[i].held;
        hosts[i].room = room_of(&shares[i], &size);
    }
    give(s, shares, count, assign_surplus(hosts, count));
    free(hosts);
    free(shares);
    return ST_OK;
}

static bool is_held(const struct seat *seat)
{
    return seat->is_held;
}

void handover_begin(struct supervisor *s, int64_t now_ms)
{
    assert(s->is_stopping);
    s->second_wave_at_ms = now_ms + HANDOVER_SECOND_WAVE_MS;
    if (s->workers_live < 2 || !s->database.is_up) {
        return;
    }
    size_t count = 0;
    struct seat **seats = seats_by_pipe(s, is_held, &count);
    size_t place = 0;
    for (size_t i = 0; seats != NULL && i < count; i++) { /* without memory all go at once */
        place = i > 0 && strcmp(seats[i]->lease.pipe_id, seats[i - 1]->lease.pipe_id) == 0
                    ? place + 1
                    : 0;
        seats[i]->is_second_wave = seats[i]->phase == ASSIGN_CHILD_LIVE && place % 2 == 1;
    }
    free(seats);
}

static void let_go(struct supervisor *s, const char *pipe_id)
{
    for (size_t i = 0; i < s->seats_count; i++) {
        struct seat *seat = s->seats[i];
        if (pipe_id == NULL || strcmp(seat->lease.pipe_id, pipe_id) == 0) {
            seat->is_second_wave = false;
        }
    }
}

enum status handover_stop(struct supervisor *s, int64_t now_ms, struct err *err)
{
    if (!s->has_said_bye) {
        enum status st = worker_bye(s->database.store, s->owner, err);
        if (st != ST_OK) {
            return st;
        }
        s->has_said_bye = true;
    }
    if (now_ms >= s->second_wave_at_ms) {
        return ST_OK; /* nobody waits any more */
    }
    struct worker_load load;
    enum status st = worker_load(s->database.store, s->options->lease_s, &load, err);
    if (st != ST_OK) {
        return st;
    }
    if (load.workers_live == 0) { /* this one has said bye */
        let_go(s, NULL);
        return ST_OK;
    }
    struct leases pipes = {.items = NULL};
    st = lease_pipes_elsewhere(s->database.store, s->owner, &pipes, err);
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < pipes.count; i++) {
        let_go(s, pipes.items[i].pipe_id);
    }
    leases_done(&pipes);
    return ST_OK;
}

void handover_tend(struct supervisor *s, int64_t now_ms)
{
    if (s->is_stopping && (now_ms >= s->second_wave_at_ms || !s->database.is_up)) {
        let_go(s, NULL);
    }
}
