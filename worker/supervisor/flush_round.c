/*
 * The last part of a round: what the replicas and the probes have to say goes to PostgreSQL, in as
 * many statements as there is time for.
 */
#include "worker/supervisor/flush.h"
#include "worker/supervisor/state.h"

/* What replicas have to tell besides, each by itself: as many as there is time for, from where the
 * last round ended. has_reports: their reports, too, of which one was refused for good; which one
 * is seen when each goes by itself, and it does not stop the others. */
static enum status
flush_each(struct supervisor *s, bool has_reports, int64_t now_ms, struct err *err)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < s->seats_count && st == ST_OK && reconcile_has_time(s); i++) {
        s->flush_next = (s->flush_next + 1) % s->seats_count;
        struct seat *seat = s->seats[s->flush_next];
        if (has_reports || !outbox_is_empty(&seat->outbox)) {
            st = seat_flush(seat, s->database.store, s->owner, now_ms, err);
        }
        if (st != ST_OK && !status_may_retry(st)) {
            reconcile_note_failure(s, err, "report");
            st = ST_OK;
        }
    }
    return st;
}

/* What cannot wait for a tick: a failure, which ends the pipe's other replicas. */
static enum status flush_urgent(struct supervisor *s, int64_t now_ms, struct err *err)
{
    enum status st = ST_OK;
    for (size_t i = 0; i < s->seats_count && st == ST_OK && reconcile_has_time(s); i++) {
        if (s->seats[i]->outbox.failure.is_pending) {
            st = seat_flush(s->seats[i], s->database.store, s->owner, now_ms, err);
        }
    }
    return st;
}

static enum status flush_tick(struct supervisor *s, int64_t now_ms, struct err *err)
{
    const struct flush_seats seats = {
        .items = s->seats, .count = s->seats_count, .owner = s->owner};
    enum status st = flush_seats(FLUSH_REPORTS, &seats, s->database.store, now_ms, err);
    (void)reconcile_has_time(s); /* both are said in every round */
    if (st == ST_OK) {
        st = flush_seats(FLUSH_PARTITIONS, &seats, s->database.store, now_ms, err);
    }
    return status_may_retry(st) ? st : flush_each(s, st != ST_OK, now_ms, err);
}

void reconcile_flush(struct supervisor *s, int64_t now_ms, bool is_tick)
{
    struct err err = {.status = ST_OK};
    reconcile_begin_part(s);
    if (s->database.is_up) {
        enum status st = flush_urgent(s, now_ms, &err);
        if (st == ST_OK && is_tick) {
            st = flush_tick(s, now_ms, &err);
        }
        if (st != ST_OK) {
            reconcile_note_failure(s, &err, "report");
        }
    }
    if (s->database.is_up && probe_jobs_has_answer(&s->probes) &&
        probe_jobs_flush(&s->probes, s->database.store, now_ms, &err) != ST_OK) {
        reconcile_note_failure(s, &err, "answer");
    }
}
