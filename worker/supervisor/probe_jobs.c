/* Probe children: claim, run, answer. */
#include "worker/supervisor/probe_jobs.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/store/probes.h"

void probe_jobs_init(struct probe_jobs *probes)
{
    *probes = (struct probe_jobs){0};
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        child_init(&probes->jobs[i].child);
    }
}

/* Free a slot whose child is reaped or was never started. */
static void drop_job(struct probe_job *job)
{
    assert(!child_is_present(&job->child));
    child_done(&job->child);
    free(job->answer);
    *job = (struct probe_job){0};
    child_init(&job->child);
}

void probe_jobs_done(struct probe_jobs *probes)
{
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        child_kill(&probes->jobs[i].child);
        child_done(&probes->jobs[i].child); /* whoever adopts our children reaps it */
        drop_job(&probes->jobs[i]);
    }
}

/* The question has its answer, or nobody waits for one any more. */
static void finish_job(struct probe_job *job)
{
    job->is_stored = true;
    free(job->answer);
    job->answer = NULL;
    if (!child_is_present(&job->child)) {
        drop_job(job);
    }
}

/* The answer for a question that no child answered. Stays NULL without memory: the asker then waits
 * until its own deadline. */
static void
answer_failure(struct probe_job *job, enum status status, const char *code, const char *message)
{
    json_t *answer = json_pack(
        "{s:b,s:s,s:s,s:s}", "ok", 0, "status", status_text(status), "code", code, "message",
        message);
    job->answer = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (job->answer == NULL) {
        finish_job(job);
    }
}

static int deadline_of(const json_t *request)
{
    json_int_t asked_ms = json_integer_value(json_object_get(request, "deadlineMs"));
    if (asked_ms <= 0) {
        return PROBE_DEADLINE_DEFAULT_MS;
    }
    return asked_ms > PROBE_DEADLINE_MAX_MS ? PROBE_DEADLINE_MAX_MS : (int)asked_ms;
}

static enum status
start_job(struct probe_job *job, const json_t *request, char *const *environment, struct err *err)
{
    job->deadline_ms = deadline_of(request);
    job->kill_at_ms = clock_monotonic_ms() + job->deadline_ms;
    char *spec = json_dumps(request, JSON_COMPACT);
    if (spec == NULL) {
        return err_set(err, ST_NO_MEMORY, "probe %s", job->id);
    }
    char program[] = "penstock-worker";
    char option[] = "--probe";
    char *const arguments[] = {program, option, NULL};
    const struct child_plan plan = {
        .arguments = arguments,
        .environment = environment,
        .spec = spec,
        .spec_bytes = strlen(spec),
        .in_max_bytes = PROTOCOL_ANSWER_MAX_BYTES + sizeof(struct protocol_frame),
    };
    enum status st = child_spawn(&plan, &job->child, err);
    secret_wipe(spec, plan.spec_bytes);
    free(spec);
    return st;
}

enum status probe_jobs_claim(
    struct probe_jobs *probes, struct store *store, const char *owner, char *const *environment,
    struct err *err)
{
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        struct probe_job *job = &probes->jobs[i];
        if (job->is_used) {
            continue;
        }
        bool has = false;
        json_t *request = NULL;
        char id[37];
        enum status st = probe_claim(store, owner, &has, id, &request, err);
        if (st != ST_OK || !has) {
            return st;
        }
        job->is_used = true;
        memcpy(job->id, id, sizeof(id));
        struct err why = {.status = ST_OK};
        st = start_job(job, request, environment, &why);
        json_decref(request);
        if (st != ST_OK) {
            answer_failure(job, st, "INTERNAL", why.text);
        }
    }
    return ST_OK;
}

/* The first whole answer counts; anything that is no JSON object is none. */
static void take_answer(struct probe_job *job)
{
    CLEANUP(freep) char *text = NULL;
    bool has = false;
    struct err err = {.status = ST_OK};
    enum status st = child_take_answer(&job->child, &has, &text, &err);
    if (st == ST_OK && !has) {
        return;
    }
    json_t *answer = has ? json_loads(text, 0, NULL) : NULL;
    if (json_is_object(answer)) {
        job->answer = text;
        text = NULL; /* now the job's */
    } else {
        answer_failure(
            job, ST_INTERNAL, "INTERNAL", st == ST_OK ? "the probe's answer is no JSON" : err.text);
    }
    json_decref(answer);
}

static void answer_without_child(struct probe_job *job, const struct child_end *end)
{
    char message[CHILD_OBITUARY_BYTES + 64];
    if (job->is_late) {
        (void)snprintf(
            message, sizeof(message), "no answer within %d ms", job->deadline_ms); /* fits */
        answer_failure(job, ST_TIMEOUT, "SOURCE_UNREACHABLE", message);
        return;
    }
    char obituary[CHILD_OBITUARY_BYTES];
    child_obituary(end, obituary);
    (void)snprintf(
        message, sizeof(message), "the probe ended without an answer: %s", obituary); /* fits */
    answer_failure(job, ST_INTERNAL, "INTERNAL", message);
}

static void tend_job(struct probe_job *job, int64_t now_ms)
{
    child_write(&job->child);
    struct child_end end;
    const bool has_ended = child_reap(&job->child, &end);
    enum status st = child_read(&job->child, NULL);
    if (job->is_stored && has_ended) {
        drop_job(job);
        return;
    }
    if (!job->is_stored && job->answer == NULL && st == ST_OK) {
        take_answer(job);
    }
    if (has_ended && !job->is_stored && job->answer == NULL) {
        answer_without_child(job, &end);
    }
    if (!job->is_late && child_is_present(&job->child) && now_ms >= job->kill_at_ms) {
        job->is_late = true;
        child_kill(&job->child);
    }
}

void probe_jobs_tend(struct probe_jobs *probes, int64_t now_ms)
{
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        if (probes->jobs[i].is_used) {
            tend_job(&probes->jobs[i], now_ms);
        }
    }
}

bool probe_jobs_has_answer(const struct probe_jobs *probes)
{
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        if (probes->jobs[i].answer != NULL) {
            return true;
        }
    }
    return false;
}

enum status
probe_jobs_flush(struct probe_jobs *probes, struct store *store, int64_t now_ms, struct err *err)
{
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        struct probe_job *job = &probes->jobs[i];
        if (job->answer == NULL) {
            continue;
        }
        enum status st = probe_answer(store, job->id, job->answer, err);
        if (status_may_retry(st) && now_ms < job->kill_at_ms + PROBE_KEEP_ANSWER_MS) {
            return st;
        }
        finish_job(job);
    }
    return ST_OK;
}

int64_t probe_jobs_wake_ms(const struct probe_jobs *probes)
{
    int64_t wake_ms = INT64_MAX;
    for (size_t i = 0; i < PROBE_JOBS_MAX; i++) {
        const struct probe_job *job = &probes->jobs[i];
        if (child_is_present(&job->child) && !job->is_late && job->kill_at_ms < wake_ms) {
            wake_ms = job->kill_at_ms;
        }
    }
    return wake_ms;
}
