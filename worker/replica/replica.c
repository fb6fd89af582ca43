/*
 * The replica process: set up, one loop over http_poll, end. One thread of our own here; the Kafka
 * library has its own, and helper.c one more. Nothing blocks in the loop but the poll.
 */
#include "worker/replica/replica.h"

#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/clickhouse/error_table.h"

#include "worker/replica/kafka/check.h"
#include "worker/replica/kafka/conf.h"
#include "worker/replica/run.h"
#include "worker/replica/watchdog.h"

enum {
    LOOP_LIMIT_S = 60, /* the loop comes round in a second at most; a busy machine needs longer */
    END_LIMIT_S = 10,  /* without a drain before it */
    SPEC_WAIT_MS = 30000,
    STOOD_STILL_MS = 3000, /* the loop comes round in a fraction of it */
    POLL_MAX_MS = 1000,    /* also how soon a silent supervisor is noticed */
    PREFETCH_MIN_BYTES = 8 * 1024 * 1024,
    PREFETCH_MAX_BYTES = 16 * 1024 * 1024,
    PREFETCH_SHARE = 32, /* of the replica's memory; at 64 more stalls, at 16 only more memory */
    BATCH_SHARE = 4,     /* a quarter of the replica's memory */
    BLOCKS_PERCENT = 60, /* of the replica's memory: batches and compressed body together */
    KEEP_FREE_BYTES = 512 * 1024 * 1024,
    MMAP_FROM_BYTES = 32 * 1024 * 1024,
};

/* Measured: fetch buffers that go back to the kernel and are faulted in again are half
 * of the cost of reading large messages. */
static void replica_tune_heap(void)
{
    /* There is one thread yet, and a refusal costs speed only. */
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES); // NOLINT(concurrency-mt-unsafe)
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_FREE_BYTES); // NOLINT(concurrency-mt-unsafe)
}

static size_t replica_prefetch_bytes(size_t memory_bytes)
{
    size_t wanted = memory_bytes / PREFETCH_SHARE;
    if (wanted < PREFETCH_MIN_BYTES) {
        return PREFETCH_MIN_BYTES;
    }
    return wanted > PREFETCH_MAX_BYTES ? PREFETCH_MAX_BYTES : wanted;
}

static void replica_set_limits(struct run *run)
{
    const struct pipe_settings *settings = &run->spec.pipe->settings;
    size_t quarter_bytes = run->memory_bytes / BATCH_SHARE;
    size_t batch_bytes = quarter_bytes;
    if (settings->batch_bytes > 0 && (uint64_t)settings->batch_bytes < quarter_bytes) {
        batch_bytes = (size_t)settings->batch_bytes;
    }
    run->intake.limits = (struct batch_limits){
        .rows = (size_t)settings->batch_rows,
        .bytes = batch_bytes,
        .age_ms = settings->insert_wait_ms,
    };
    pace_init(&run->pace, &run->intake.limits);
    run->intake.settings = settings;
    run->intake.record_max_bytes = intake_record_max_bytes(run->memory_bytes);
    run->blocks_budget_bytes = run->memory_bytes / 100 * BLOCKS_PERCENT;
}

static enum status replica_read_spec(struct run *run, struct err *err)
{
    char *text = NULL;
    size_t len_bytes = 0;
    enum status st = control_read_spec(&run->control, SPEC_WAIT_MS, &text, err);
    if (st != ST_OK) {
        return st;
    }
    st = replica_spec_parse(text, &run->spec, err);
    while (text[len_bytes] != '\0') {
        len_bytes++;
    }
    secret_wipe(text, len_bytes);
    free(text);
    return st;
}

static enum status replica_init(struct run *run, struct err *err)
{
    run->memory_bytes = replica_spec_memory_bytes(&run->spec);
    (void)snprintf(
        run->query_prefix, sizeof(run->query_prefix), "penstock-%s-%lld-%lld", run->spec.pipe_id,
        (long long)run->spec.replica_index, (long long)run->spec.generation); /* for logs only */
    reporter_init(&run->reporter, PROTOCOL_FD_REPORT, run->spec.generation);
    replica_set_limits(run);
    latency_init(&run->latency, run->now_ms);
    run->error_table = error_table_name(run->spec.pipe->destination.table);
    if (run->error_table == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a table name");
    }
    enum status st = http_client_new(&run->http, err);
    if (st == ST_OK) {
        st = ledger_new(&run->ledger, err);
    }
    if (st != ST_OK) {
        return st;
    }
    run->intake.ledger = run->ledger;
    st = exact_open(run, err);
    if (st == ST_OK) {
        st = schemas_open(run, err);
    }
    if (st == ST_INVALID) {
        health_fail(run, PIPE_REASON_INTERNAL, err->text);
        return ST_OK; /* the loop ends at once, having said why */
    }
    if (st != ST_OK) {
        return st;
    }
    struct clickhouse_endpoint endpoint = replica_spec_endpoint(&run->spec);
    destination_init(&run->destination, run->http, &endpoint, run->spec.pipe, run->spec.replicas);
    destination_ask(&run->destination, run->now_ms);
    return ST_OK;
}

static enum status replica_open_source(struct run *run, struct err *err)
{
    const struct pipe_spec *pipe = run->spec.pipe;
    char client_id[80];
    (void)snprintf(
        client_id, sizeof(client_id), "penstock-%.36s-%lld", run->spec.pipe_id,
        (long long)run->spec.replica_index); /* the same after a restart, wherever it runs */
    struct kafka_conf conf = {.count = 0};
    enum status st = kafka_check_library(&pipe->settings, err);
    if (st != ST_OK) {
        return st;
    }
    st = kafka_conf_connection(&pipe->source, client_id, &conf, err);
    if (st != ST_OK) {
        return st;
    }
    struct kafka_conf_consumer consumer = {
        .group_id = run->spec.consumer_group,
        .prefetch_bytes = replica_prefetch_bytes(run->memory_bytes),
        .is_read_committed = pipe->settings.read_committed,
        .protocol = pipe->settings.group_protocol,
        .assignor = pipe->settings.assignor,
        .instance_id = pipe->settings.static_membership ? client_id : NULL,
    };
    st = kafka_conf_add_consumer(&conf, &consumer, err);
    if (st == ST_OK) {
        struct source_params params = {
            .conf = &conf,
            .topics = &pipe->source.topic_list,
            .strategy = pipe->source.offset_strategy,
            .timestamp_ms = pipe->source.offset_timestamp_ms,
            .listener = listener_of(run),
        };
        st = source_open(&params, &run->source, err);
    }
    kafka_conf_done(&conf);
    return st;
}

/* The destination has told its columns. */
static void replica_adopt_plan(struct run *run)
{
    struct err err;
    enum status st = flow_adopt_plan(run, &err);
    if (st == ST_OK && run->destination.pipe == run->spec.pipe) { /* not of an older mapping */
        status_guarantee(run);
    }
    if (st == ST_OK && run->source == NULL) {
        st = replica_open_source(run, &err);
        if (st != ST_OK) {
            health_fail(run, PIPE_REASON_INTERNAL, err.text);
            return;
        }
        log_event(
            LOG_INFO, "replica_started", "pipe=%s replica=%lld generation=%lld", run->spec.pipe_id,
            (long long)run->spec.replica_index, (long long)run->spec.generation);
        return;
    }
    if (st != ST_OK) {
        log_err(LOG_ERROR, "plan_failed", &err, "pipe=%s", run->spec.pipe_id);
        run->exit_code = PROTOCOL_EXIT_FAILED;
        run->is_over = true;
    }
}

static int64_t min_ms(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t replica_timeout_ms(const struct run *run)
{
    if (run->has_more || (run->is_retrying && run->plan != NULL && seal_has_room(run))) {
        return 0;
    }
    int64_t due_ms = min_ms(run->now_ms + POLL_MAX_MS, run->next_report_ms);
    due_ms = min_ms(due_ms, destination_due_ms(&run->destination));
    if (run->wants_kick_again) {
        due_ms = min_ms(due_ms, run->now_ms + SOURCE_KICK_MS);
    }
    if (run->sink != NULL && (!run->exact.is_on || announce_is_proven(run))) {
        due_ms = min_ms(due_ms, sink_due_ms(run->sink));
    }
    due_ms = min_ms(due_ms, schemas_due_ms(run));
    if (run->plan != NULL) {
        due_ms = min_ms(due_ms, seal_due_ms(run));
        due_ms = min_ms(due_ms, announce_due_ms(run));
    }
    return due_ms > run->now_ms ? due_ms - run->now_ms : 0;
}

static void replica_wait(struct run *run)
{
    struct pollfd fds[3] = {
        {.fd = run->control.signal_fd, .events = POLLIN},
        {.fd = run->control.is_closed ? -1 : run->control.spec_fd, .events = POLLIN},
        {.fd = run->source == NULL ? -1 : source_event_fd(run->source), .events = POLLIN},
    };
    struct err err;
    enum status st = http_poll(run->http, fds, ARRAY_LEN(fds), replica_timeout_ms(run), &err);
    int64_t before_ms = run->now_ms;
    run->now_ms = clock_monotonic_ms();
    if (run->now_ms - before_ms > STOOD_STILL_MS) {
        run->exact.stood_still_ms = run->now_ms;
    }
    if (st != ST_OK) {
        log_err(LOG_ERROR, "poll_failed", &err, "pipe=%s", run->spec.pipe_id);
        run->exit_code = PROTOCOL_EXIT_FAILED;
        run->is_over = true;
    }
}

static void replica_take_answers(struct run *run)
{
    struct http_done done;
    while (http_take_done(run->http, &done)) {
        if (done.opaque == &run->destination) {
            destination_answer(&run->destination, &done, run->now_ms);
        } else if (done.opaque == run->sink) {
            sink_answer(run->sink, &done, run->now_ms);
        } else if (run->registry != NULL) {
            bool is_its = registry_answer(run->registry, &done, run->now_ms);
            (void)is_its; /* an answer for a sink that is gone belongs to nobody */
        }
        http_response_done(&done.response);
    }
}

static void replica_take_control(struct run *run)
{
    if (control_take_signal(&run->control)) {
        drain_begin(run, RUN_DRAIN_STOP, PROTOCOL_EXIT_DONE);
    }
    control_take(&run->control, run->now_ms);
    bool is_silent = run->now_ms - run->control.heard_ms > run->spec.lease_ms;
    if (run->drain != RUN_DRAIN_STOP && (run->control.is_closed || is_silent)) {
        log_event(
            LOG_WARN, "permission_lost", "pipe=%s silent_ms=%lld", run->spec.pipe_id,
            (long long)(run->now_ms - run->control.heard_ms));
        drain_begin(run, RUN_DRAIN_STOP, PROTOCOL_EXIT_DONE);
    }
}

static void replica_loop(struct run *run)
{
    while (!run->is_over) {
        replica_wait(run);
        watchdog_feed(run->now_ms, LOOP_LIMIT_S, PROTOCOL_EXIT_FAILED);
        replica_take_control(run);
        replica_take_answers(run);
        destination_tick(&run->destination, run->now_ms);
        if (run->destination.state == DESTINATION_READY) {
            replica_adopt_plan(run);
        }
        flow_step(run);
        health_step(run);
        status_step(run);
        drain_step(run);
    }
}

static void replica_end(struct run *run)
{
    watchdog_end(END_LIMIT_S, run->exit_code);
    if (!source_close(run->source)) {
        log_event(
            LOG_WARN, "group_not_left", "pipe=%s replica=%lld", run->spec.pipe_id,
            (long long)run->spec.replica_index);
    }
    status_heartbeat(run);
    log_event(
        LOG_INFO, "replica_ended", "pipe=%s replica=%lld code=%d", run->spec.pipe_id,
        (long long)run->spec.replica_index, run->exit_code);
    flow_done(run);
    exact_done(run);
    schemas_done(run);
    destination_done(&run->destination);
    http_client_freep(&run->http);
    replica_spec_done(&run->spec);
    control_close(&run->control);
}

int replica_main(void)
{
    /* Static: it is large, and the Kafka library's threads may call into it until _exit. */
    static struct run run;
    struct err err;
    replica_tune_heap();
    run.now_ms = clock_monotonic_ms();
    enum status st = control_open(&run.control, PROTOCOL_FD_SPEC, &err);
    if (st == ST_OK) {
        st = watchdog_open(&err);
    }
    if (st == ST_OK) {
        st = replica_read_spec(&run, &err);
    }
    if (st == ST_OK) {
        st = replica_init(&run, &err);
    }
    if (st != ST_OK) {
        log_err(LOG_ERROR, "replica_not_started", &err, "replica=new");
        if (st == ST_UNSUPPORTED) {
            return PROTOCOL_EXIT_VERSION;
        }
        return st == ST_INVALID ? PROTOCOL_EXIT_USAGE : PROTOCOL_EXIT_FAILED;
    }
    replica_loop(&run);
    replica_end(&run);
    return run.exit_code;
}
