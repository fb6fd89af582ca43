/*
 * The supervisor's loop. It waits for signals, notices of PostgreSQL, children and time in one
 * poll(), and after each does one round: permissions, database, children, decisions, reports. The
 * order matters twice: permissions go first, so that no wait for PostgreSQL can hold them up longer
 * than one timeout; children are heard before decisions, so that these know who has ended.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/uuid.h"

#include "worker/supervisor/handover.h"
#include "worker/supervisor/metrics_page.h"
#include "worker/supervisor/signals.h"
#include "worker/supervisor/state.h"

static void poll_add(struct poll_set *set, int fd, short events, struct child *replica)
{
    if (fd >= 0 && set->count < POLL_MAX) {
        set->fds[set->count] = (struct pollfd){.fd = fd, .events = events};
        set->children[set->count++] = replica;
    }
}

static void poll_add_child(struct poll_set *set, const struct child *child, struct child *replica)
{
    poll_add(set, child->from_fd, POLLIN, replica);
    if (child_has_unsent(child)) {
        poll_add(set, child->to_fd, POLLOUT, replica);
    }
}

static void poll_fill(struct supervisor *s, int signals_fd, bool has_replicas)
{
    struct poll_set *set = &s->poll_set;
    set->count = 0;
    poll_add(set, signals_fd, POLLIN, NULL);
    poll_add(set, database_socket(&s->database), POLLIN, NULL);
    for (size_t i = 0; i <= METRICS_PEERS_MAX; i++) {
        short events = 0;
        const int fd = metrics_server_fd(&s->metrics, i, &events);
        poll_add(set, fd, events, NULL);
    }
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        poll_add_child(set, &s->probes.jobs[i].child, NULL);
    }
    for (size_t i = 0; has_replicas && i < s->seats_count; i++) {
        struct child *child = &s->seats[i]->child;
        if (!seat_is_muted(s->seats[i])) { /* what it writes waits for the tick */
            poll_add_child(set, child, child);
        }
    }
}

/* True if a replica has news. */
static bool note_news(const struct poll_set *set)
{
    bool has_news = false;
    for (nfds_t i = 0; i < set->count; i++) {
        if (set->fds[i].revents != 0 && set->children[i] != NULL) {
            set->children[i]->has_news = true;
            has_news = true;
        }
    }
    return has_news;
}

static enum status
wait_until(struct poll_set *set, int64_t until_ms, int *ret_ready_count, struct err *err)
{
    int64_t wait_ms = until_ms - clock_monotonic_ms();
    wait_ms = wait_ms < 0 ? 0 : wait_ms;
    wait_ms = wait_ms > SUPERVISOR_TICK_MS ? SUPERVISOR_TICK_MS : wait_ms;
    *ret_ready_count = poll(set->fds, set->count, (int)wait_ms);
    if (*ret_ready_count < 0 && errno != EINTR) {
        return err_errno(err, ST_IO, errno, "cannot wait for %d descriptors", (int)set->count);
    }
    return ST_OK;
}

/*
 * Wait for anything to happen, at most until wake_ms. Replicas send at moments of their own, and a
 * round costs by the seat: so that the cost of a thousand is not the square of that of one, they
 * are heard together, some time after they were heard last.
 */
static enum status
wait_for_news(struct supervisor *s, int signals_fd, int64_t wake_ms, struct err *err)
{
    int ready_count = 0;
    if (clock_monotonic_ms() < s->hear_at_ms) {
        poll_fill(s, signals_fd, false);
        enum status st = wait_until(
            &s->poll_set, s->hear_at_ms < wake_ms ? s->hear_at_ms : wake_ms, &ready_count, err);
        if (st != ST_OK || ready_count != 0 || clock_monotonic_ms() >= wake_ms) {
            return st;
        }
    }
    poll_fill(s, signals_fd, true);
    enum status st = wait_until(&s->poll_set, wake_ms, &ready_count, err);
    if (st == ST_OK && ready_count > 0 && note_news(&s->poll_set)) {
        s->hear_at_ms = clock_monotonic_ms() + SUPERVISOR_QUIET_MS +
                        (int64_t)s->seats_count / SUPERVISOR_SEATS_PER_MS;
    }
    return st;
}

/* First signal: drain. Second: kill. */
static void stop(struct supervisor *s)
{
    if (!s->is_stopping) {
        log_event(LOG_INFO, "supervisor_stopping", "replicas=%zu", s->seats_count);
        s->is_stopping = true;
        handover_begin(s, clock_monotonic_ms());
        s->tick_at_ms = 0; /* the others should know at once */
        return;
    }
    log_event(LOG_WARN, "supervisor_killing", "replicas=%zu", s->seats_count);
    for (size_t i = 0; i < s->seats_count; i++) {
        s->seats[i]->is_second_wave = false;
        if (s->seats[i]->phase == ASSIGN_CHILD_LIVE) {
            seat_drain(s->seats[i], clock_monotonic_ms()); /* so that its end is an expected one */
        }
        if (s->seats[i]->phase == ASSIGN_CHILD_DRAINING) {
            seat_kill(s->seats[i]);
        }
    }
}

static enum status take_signals(struct supervisor *s, int fd, struct err *err)
{
    struct signals_seen seen;
    enum status st = signals_take(fd, &seen, err);
    if (st != ST_OK) {
        return st;
    }
    for (int i = 0; i < seen.terminate_count; i++) {
        stop(s);
    }
    s->has_ended_child = s->has_ended_child || seen.has_child;
    if (seen.has_reload && s->options->reload != NULL) {
        s->options->reload(s->options->reload_context);
        log_event(LOG_INFO, "settings_reloaded", "what=log_level");
    }
    return ST_OK;
}

/* Connect if need be, and hear what is new. *ret_is_new: connected just now. ST_INVALID: the
 * database URL can never work. */
static enum status tend_database(struct supervisor *s, bool *ret_is_new, struct err *err)
{
    struct database *database = &s->database;
    struct err why = {.status = ST_OK};
    int64_t now_ms = clock_monotonic_ms();
    enum status st = ST_OK;
    do {
        st = database_tend(database, now_ms, ret_is_new, &why);
        (void)reconcile_has_time(s); /* children need their permission between the steps, too */
    } while (st == ST_OK && database->step > 0);
    if (st == ST_INVALID && database->store == NULL) {
        return err_set(err, st, "%s", why.text);
    }
    struct database_news news = {0};
    if (st == ST_OK) {
        st = database_take_news(database, &news, &why);
        if (st != ST_OK) {
            database_suspend(database, clock_monotonic_ms());
        }
    }
    if (st != ST_OK && database_should_complain(database, now_ms)) {
        log_err(LOG_WARN, "database_away", &why, "replicas=%zu", s->seats_count);
    }
    if (st == ST_OK && *ret_is_new) {
        log_event(LOG_INFO, "database_connected", "owner=%s", s->owner);
    }
    s->has_pipe_news = s->has_pipe_news || news.has_pipe;
    s->has_probe_news = s->has_probe_news || news.has_probe;
    return ST_OK;
}

/* One round. */
static enum status round_once(struct supervisor *s, struct err *err)
{
    const int64_t now_ms = clock_monotonic_ms();
    const bool is_tick = now_ms >= s->tick_at_ms;
    bool is_poll = now_ms >= s->poll_at_ms;
    (void)reconcile_has_time(s); /* permissions first */
    if (is_tick) {
        reconcile_tick(s, now_ms);
        s->tick_at_ms = now_ms + SUPERVISOR_TICK_MS;
    }
    bool is_new = false;
    enum status st = tend_database(s, &is_new, err);
    if (st != ST_OK) {
        return st;
    }
    is_poll = is_poll || is_new;
    if (is_poll) {
        s->poll_at_ms = now_ms + SUPERVISOR_POLL_MS;
    }
    reconcile_children(s, now_ms, is_tick || s->has_ended_child);
    s->has_ended_child = false;
    if (is_tick || is_poll || s->has_pipe_news || s->has_probe_news) {
        reconcile_talk(s, now_ms, is_poll);
    }
    reconcile_apply(s, clock_monotonic_ms());
    reconcile_flush(s, clock_monotonic_ms(), is_tick);
    metrics_server_tend(&s->metrics, clock_monotonic_ms());
    return ST_OK;
}

/* True while a process of ours runs. */
static bool has_children(const struct supervisor *s)
{
    for (size_t i = 0; i < s->seats_count; i++) {
        if (child_is_present(&s->seats[i]->child)) {
            return true;
        }
    }
    return false;
}

static bool is_over(const struct supervisor *s)
{
    /* Leases that cannot be given back for want of PostgreSQL run out by themselves. */
    return s->is_stopping && !has_children(s) && (s->seats_count == 0 || !s->database.is_up);
}

static enum status loop(struct supervisor *s, int signals_fd, struct err *err)
{
    for (;;) {
        enum status st = take_signals(s, signals_fd, err);
        if (st == ST_OK) {
            st = round_once(s, err);
        }
        if (st != ST_OK || is_over(s)) {
            return st;
        }
        const int64_t now_ms = clock_monotonic_ms();
        int64_t wake_ms = reconcile_wake_ms(s, now_ms);
        wake_ms = s->tick_at_ms < wake_ms ? s->tick_at_ms : wake_ms;
        wake_ms = s->permit_at_ms < wake_ms ? s->permit_at_ms : wake_ms;
        st = wait_for_news(s, signals_fd, wake_ms, err);
        if (st != ST_OK) {
            return st;
        }
    }
}

static void say_bye(struct supervisor *s)
{
    struct err err = {.status = ST_OK};
    if (s->database.is_up && !s->has_said_bye &&
        worker_bye(s->database.store, s->owner, &err) != ST_OK) {
        log_err(LOG_WARN, "database_failed", &err, "during=bye");
    }
}

static void supervisor_free(struct supervisor *s)
{
    for (size_t i = 0; i < s->seats_count; i++) {
        seat_free(s->seats[i]);
    }
    metrics_server_done(&s->metrics);
    probe_jobs_done(&s->probes);
    database_done(&s->database);
    free(s);
}

static enum status
supervisor_new(const struct supervisor_options *options, struct supervisor **ret_s, struct err *err)
{
    char start_id[UUID_TEXT_BYTES];
    if (uuid_new(start_id) != ST_OK) {
        return err_set(err, ST_IO, "the kernel gives no random bytes");
    }
    struct supervisor *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ST_NO_MEMORY, "supervisor");
    }
    s->options = options;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    s->cores = cores > 0 ? (int)cores : 1;
    s->metrics.listener.fd = -1;
    int len = snprintf(s->owner, sizeof(s->owner), "%s/%s", options->host_id, start_id);
    if (len < 0 || (size_t)len >= sizeof(s->owner)) {
        free(s);
        return err_set(err, ST_INVALID, "host id of %zu bytes", strlen(options->host_id));
    }
    database_init(&s->database, options->database_url, options->keys, options->database_timeout_ms);
    probe_jobs_init(&s->probes);
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        s->metrics.peers[i].fd = -1;
    }
    *ret_s = s;
    return ST_OK;
}

/* What this host can enforce; weak means are said once. */
static void find_limits(struct supervisor *s)
{
    limits_init_here(&s->limits, &s->options->limits);
    const bool is_weak = limits_are_weak(&s->limits);
    log_event(
        is_weak ? LOG_WARN : LOG_INFO, is_weak ? "limits_weak" : "limits", "memory=%s cpu=%s%s",
        limits_memory_text(&s->limits), limits_cpu_text(&s->limits),
        is_weak ? " why=\"no control group can be made here\"" : "");
}

/* Two descriptors for each replica: as many as this process may have, where the usual soft limit of
 * 1,024 would end at 500 replicas. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* without it child_spawn says what is missing */
    }
}

static enum status write_page(void *context, struct buf *out)
{
    const struct supervisor *s = context;
    return metrics_page_write(s, out);
}

static enum status serve_metrics(struct supervisor *s, struct err *err)
{
    enum status st =
        metrics_server_open(&s->metrics, s->options->metrics_listen, write_page, s, err);
    if (st == ST_OK && s->metrics.listener.fd >= 0) {
        log_event(LOG_INFO, "metrics_served", "address=%s", s->metrics.listener.address);
    }
    return st;
}

enum status supervisor_run(const struct supervisor_options *options, struct err *err)
{
    raise_descriptor_limit();
    CLEANUP(closep) int signals_fd = -1;
    enum status st = signals_open(&signals_fd, err);
    if (st != ST_OK) {
        return st;
    }
    struct supervisor *s = NULL;
    st = supervisor_new(options, &s, err);
    if (st != ST_OK) {
        return st;
    }
    assert(s != NULL);
    log_event(
        LOG_INFO, "supervisor_started", "owner=%s lease_s=%d memory_gb=%.1f cpu_millicores=%d",
        s->owner, options->lease_s, options->capacity.memory_gb, options->capacity.cpu_millicores);
    find_limits(s);
    st = serve_metrics(s, err);
    if (st == ST_OK) {
        st = loop(s, signals_fd, err);
    }
    say_bye(s);
    log_event(LOG_INFO, "supervisor_ended", "owner=%s", s->owner);
    supervisor_free(s);
    return st;
}
