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

/* How many giveable replicas of the seat's pipe are here. */
static int count_of_pipe(const struct supervisor *s, const struct seat *of)
{
    int count = 0;
    for (size_t i = 0; i < s->seats_count; i++) {
        const struct seat *seat = s->seats[i];
        count += is_giveable(seat) && strcmp(seat->lease.pipe_id, of->lease.pipe_id) == 0;
    }
    return count;
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

/* Of the pipe with most replicas here, so that its replicas come to lie on several hosts; the one
 * with the highest number. NULL if none fits. */
static struct seat *choose(const struct supervisor *s, const struct capacity *room)
{
    struct seat *best = NULL;
    int best_count = 0;
    for (size_t i = 0; i < s->seats_count; i++) {
        struct seat *seat = s->seats[i];
        if (!is_giveable(seat) || seat->lease.memory_gb > room->memory_gb ||
            seat->lease.cpu_millicores > room->cpu_millicores) {
            continue;
        }
        const int count = count_of_pipe(s, seat);
        if (count > best_count ||
            (count == best_count && seat->lease.replica_index > best->lease.replica_index)) {
            best = seat;
            best_count = count;
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
    int given = given_count(s);
    while (given < surplus && given < HANDOVER_MOVES_MAX) {
        struct seat *seat = choose(s, &room);
        if (seat == NULL) {
            return;
        }
        seat->is_given = true;
        given++;
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

/* How many held replicas of the same pipe stand before this seat. */
static int place_in_pipe(const struct supervisor *s, size_t of)
{
    int place = 0;
    for (size_t i = 0; i < of; i++) {
        place += s->seats[i]->is_held &&
                 strcmp(s->seats[i]->lease.pipe_id, s->seats[of]->lease.pipe_id) == 0;
    }
    return place;
}

void handover_begin(struct supervisor *s, int64_t now_ms)
{
    assert(s->is_stopping);
    s->second_wave_at_ms = now_ms + HANDOVER_SECOND_WAVE_MS;
    if (s->workers_live < 2 || !s->database.is_up) {
        return;
    }
    for (size_t i = 0; i < s->seats_count; i++) {
        struct seat *seat = s->seats[i];
        seat->is_second_wave = seat->phase == ASSIGN_CHILD_LIVE && place_in_pipe(s, i) % 2 == 1;
    }
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
