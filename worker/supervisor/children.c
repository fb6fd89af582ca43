/*
 * The loop's half that hears children: reads what they sent, ends those that send garbage or speak
 * another version of the protocol, reaps those that ended. What is to be started or ended otherwise
 * is reconcile.c's.
 */
#include "common/base/log.h"

#include "worker/supervisor/state.h"

static void log_end(const struct seat *seat, const struct seat_end *end)
{
    char obituary[CHILD_OBITUARY_BYTES];
    child_obituary(&end->child, obituary);
    const bool is_clean = !end->child.is_signalled && end->child.code == PROTOCOL_EXIT_DONE;
    enum log_level level = end->is_expected && is_clean ? LOG_INFO : LOG_WARN;
    if (end->has_failed || end->is_crash_loop) {
        level = LOG_ERROR;
    }
    log_event(
        level, "replica_ended", "pipe=%s replica=%d obituary=\"%s\" wait_ms=%lld%s%s%s",
        seat->lease.pipe_id, seat->lease.replica_index, obituary, (long long)end->wait_ms,
        end->is_crash_loop ? " crash_loop=1" : "", end->has_failed ? " failed=1" : "",
        end->is_over_memory ? " memory_limit=1" : "");
}

/* Our replicas, which are this very program as it is on disk or in memory, speak another version of
 * the protocol than we do: a mixed or broken installation. A start would only fail again, so this
 * host gives its leases away and takes no more. Said once. */
static void refuse_version(struct supervisor *s, const char *why)
{
    if (!s->is_foreign) {
        log_event(
            LOG_ERROR, "protocol_refused",
            "version=%d why=\"%s\" what_to_do=\"this host runs no replicas any more: install one "
            "version of penstock-worker and restart it\"",
            PROTOCOL_VERSION, why);
    }
    s->is_foreign = true;
}

static void listen(struct supervisor *s, struct seat *seat, int64_t now_ms)
{
    struct err err = {.status = ST_OK};
    if (seat->phase == ASSIGN_CHILD_KILLED) {
        return;
    }
    enum status st = seat_listen(seat, now_ms, &err);
    if (st == ST_OK) {
        return;
    }
    if (st == ST_UNSUPPORTED) {
        refuse_version(s, err.text);
        if (seat->phase == ASSIGN_CHILD_LIVE) {
            seat_drain(seat, now_ms); /* so that its end is an expected one */
        }
    } else {
        log_err(
            LOG_ERROR, "replica_refused", &err, "pipe=%s replica=%d pid=%d", seat->lease.pipe_id,
            seat->lease.replica_index, (int)seat->child.pid);
    }
    seat_kill(seat);
}

void reconcile_children(struct supervisor *s, int64_t now_ms, bool is_all)
{
    for (size_t i = 0; i < s->seats_count; i++) {
        struct seat *seat = s->seats[i];
        struct seat_end end;
        if (seat->phase == ASSIGN_CHILD_NONE || !(is_all || seat->child.has_news)) {
            continue;
        }
        seat->child.has_news = false;
        child_write(&seat->child);
        listen(s, seat, now_ms);
        if (seat_reap(seat, now_ms, &end)) {
            log_end(seat, &end);
            if (end.is_foreign) {
                refuse_version(s, "a replica does not know our version of the protocol");
            }
        }
    }
    probe_jobs_tend(&s->probes, now_ms);
}
