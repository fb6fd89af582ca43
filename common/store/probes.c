/* Probe jobs: asked by the api, claimed and answered by a supervisor, fetched once. */
#include "common/store/probes.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/uuid.h"
#include "common/store/store_internal.h"

enum {
    /* How long a lost notification can delay an answer. */
    PROBE_POLL_MS = 500,
    PROBE_LOCK_SPARE_MS = 10000, /* for a kill that comes late, and clocks that tick unequally */
};

enum status probe_has_worker(struct store *store, bool *ret_has, struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, "SELECT " SQL_HAS_WORKER, NULL, &rows, err);
    if (st == ST_OK) {
        struct pg_cell cell = pg_row(rows, 0);
        *ret_has = pg_next_bool(&cell);
    }
    return st;
}

/* lock_name: NULL = none. */
static enum status job_insert(
    struct store *store, const json_t *request, int deadline_ms, const char *lock_name,
    char ret_id[37], struct err *err)
{
    char id[UUID_TEXT_BYTES];
    enum status st = uuid_new(id);
    if (st != ST_OK) {
        return err_set(err, st, "no random bytes");
    }
    struct key_ring_place place = {.purpose = "probe", .row_id = id};
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed sealed = {.bytes = NULL};
    st = store_seal_json(store, &place, request, &sealed, err);
    if (st != ST_OK) {
        return st;
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    pg_add_bytes(&args, sealed.bytes, sealed.len_bytes);
    pg_add_int(&args, deadline_ms);
    pg_add_text(&args, lock_name);
    pg_add_int(&args, PROBE_LOCK_SPARE_MS);
    /* Jobs whose asker died before reading are removed on the way. A job is claimed before its
     * deadline and its child killed one deadline after that: so long a lock holds. */
    st = store_run(
        store,
        "WITH gone AS (DELETE FROM probe_job WHERE expires_at < now() - interval '1 minute' AND "
        "(locked_until IS NULL OR locked_until < now())) "
        "INSERT INTO probe_job (id, request, expires_at, lock_name, locked_until) VALUES ($1, $2, "
        "now() + $3::bigint * interval '1 millisecond', $4, CASE WHEN $4::text IS NOT NULL THEN "
        "now() + (2 * $3::bigint + $5::bigint) * interval '1 millisecond' END)",
        &args, NULL, err);
    if (st == ST_OK) {
        memcpy(ret_id, id, sizeof(id));
    }
    return st;
}

enum status probe_ask(
    struct store *store, const json_t *request, int deadline_ms, char ret_id[37], struct err *err)
{
    return job_insert(store, request, deadline_ms, NULL, ret_id, err);
}

enum status probe_ask_alone(
    struct store *store, const json_t *request, int deadline_ms, const char *lock_name,
    char ret_id[37], struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, lock_name);
    int64_t count = 0;
    enum status st = store_change(
        store,
        "UPDATE probe_job SET lock_name = NULL WHERE lock_name = $1 AND (answer IS NOT NULL OR "
        "locked_until < now())",
        &args, &count, err);
    return st == ST_OK ? job_insert(store, request, deadline_ms, lock_name, ret_id, err) : st;
}

/* Remove the job, if it is answered or if is_forced. *ret_answer NULL while there is no answer. */
static enum status
job_take(struct store *store, const char *id, bool is_forced, json_t **ret_answer, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    pg_add_bool(&args, is_forced);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        "DELETE FROM probe_job WHERE id = $1 AND (answer IS NOT NULL OR ($2 AND (lock_name IS NULL "
        "OR owner IS NULL))) RETURNING answer",
        &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    const char *answer = NULL;
    if (pg_rows_count(rows) == 1) {
        struct pg_cell cell = pg_row(rows, 0);
        answer = pg_next_text(&cell);
    }
    if (answer == NULL) {
        *ret_answer = NULL;
        return ST_OK;
    }
    return store_parse_json(answer, "answers of probes", ret_answer, err);
}

/* Wait for a notification or the slow poll's time, then forget what came: the job is looked at. */
static enum status notice_wait(struct store *store, int64_t deadline_ms, struct err *err)
{
    bool has = true;
    bool had = false;
    struct store_notice notice;
    enum status st = ST_OK;
    while (st == ST_OK && has) {
        st = store_next_notice(store, &has, &notice, err);
        had = had || (st == ST_OK && has);
    }
    int64_t left_ms = deadline_ms - clock_monotonic_ms();
    if (st != ST_OK || had || left_ms <= 0) {
        return st;
    }
    struct pollfd fd = {.fd = store_socket(store), .events = POLLIN};
    int ready = poll(&fd, 1, left_ms > PROBE_POLL_MS ? PROBE_POLL_MS : (int)left_ms);
    if (ready < 0 && errno != EINTR) {
        return err_errno(err, ST_IO, errno, "waiting for a probe's answer");
    }
    return ST_OK;
}

static enum status answer_wait(
    struct store *store, const char *id, int64_t deadline_ms, json_t **ret_answer, struct err *err)
{
    json_t *answer = NULL;
    enum status st = job_take(store, id, false, &answer, err);
    while (st == ST_OK && answer == NULL && clock_monotonic_ms() < deadline_ms) {
        st = notice_wait(store, deadline_ms, err);
        if (st == ST_OK) {
            st = job_take(store, id, false, &answer, err);
        }
    }
    if (st == ST_OK && answer == NULL) {
        st = job_take(store, id, true, &answer, err);
    }
    if (st == ST_OK && answer == NULL) {
        return err_set(err, ST_TIMEOUT, "no worker answered in time");
    }
    if (st == ST_OK) {
        *ret_answer = answer;
    }
    return st;
}

enum status probe_wait(
    struct store *store, const char *id, int deadline_ms, json_t **ret_answer, struct err *err)
{
    int64_t end_ms = clock_monotonic_ms() + deadline_ms;
    enum status st = store_listen(store, "penstock_probe_done", err);
    if (st != ST_OK) {
        return st;
    }
    st = answer_wait(store, id, end_ms, ret_answer, err);
    /* An idle connection that listens and never reads would hold back the server's queue. */
    enum status unlistened = store_unlisten(store, "penstock_probe_done", NULL);
    (void)unlistened; /* a broken connection listens to nothing */
    return st;
}

enum status probe_claim(
    struct store *store, const char *owner, bool *ret_has, char ret_id[37], json_t **ret_request,
    struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, owner);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        "WITH free AS MATERIALIZED (SELECT id FROM probe_job WHERE owner IS NULL AND answer IS "
        "NULL "
        "AND expires_at > now() ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) "
        "UPDATE probe_job j SET owner = $1 FROM free WHERE j.id = free.id RETURNING j.id, "
        "j.request",
        &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    if (pg_rows_count(rows) == 0) {
        *ret_has = false;
        return ST_OK;
    }
    struct pg_cell cell = pg_row(rows, 0);
    const char *id = pg_next_text(&cell);
    struct key_ring_place place = {.purpose = "probe", .row_id = id};
    json_t *request = NULL;
    st = store_open_json(store, &place, &cell, &request, err);
    if (st != ST_OK) {
        return st;
    }
    memcpy(ret_id, id, UUID_TEXT_BYTES);
    *ret_request = request;
    *ret_has = true;
    return ST_OK;
}

enum status
probe_answer(struct store *store, const char *id, const char *answer_json, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    pg_add_text(&args, answer_json);
    int64_t count = 0;
    enum status st =
        store_change(store, "UPDATE probe_job SET answer = $2 WHERE id = $1", &args, &count, err);
    if (st == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "nobody waits for probe %s any more", id);
    }
    return st;
}
