/*
 * A replica and a probe that do what the pipe's definition says under "script", linked into
 * penstock-worker in place of the real ones: the supervisor's process tests need children that
 * crash, hang, lie and drain slowly on demand, without Kafka and ClickHouse. Speaks the whole
 * protocol; everything else in the program is the real thing.
 *
 * script: exit (status to end with), signal (to die by), afterMs (when), ignoreTerm, drainMs,
 * waiting (state), failed and reason (codes to report), garbage, batch (records per heartbeat),
 * allocateMb (memory to use), spin (use all the CPU there is), flood (messages without end),
 * version (of the protocol to speak).
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/clock.h"

#include "worker/probe/probe.h"
#include "worker/protocol/protocol.h"
#include "worker/replica/replica.h"

enum {
    BEAT_MS = 200
};

struct scripted {
    json_t *spec;
    const json_t *script;
    int64_t generation;
    int64_t lease_ms;
    int64_t started_ms;
    int64_t permitted_ms;
    int64_t drain_at_ms; /* 0 = not asked */
    struct protocol_counters counters;
};

static int64_t number(const struct scripted *r, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(r->script, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void send_message(const void *bytes, size_t len_bytes)
{
    if (write(PROTOCOL_FD_REPORT, bytes, len_bytes) != (ssize_t)len_bytes) {
        _exit(PROTOCOL_EXIT_FAILED);
    }
}

static void send_event(const struct scripted *r, const char *event, const char *name)
{
    struct protocol_event message = {.text = "as the script says"};
    protocol_header_init(&message.header, PROTOCOL_MESSAGE_EVENT, sizeof(message), r->generation);
    (void)snprintf(message.event, sizeof(message.event), "%s", event); /* short words */
    (void)snprintf(message.name, sizeof(message.name), "%s", name);
    send_message(&message, sizeof(message));
}

static void send_heartbeat(struct scripted *r)
{
    const uint64_t batch = (uint64_t)number(r, "batch", 0);
    if (r->drain_at_ms == 0 && !json_is_true(json_object_get(r->script, "flood"))) {
        r->counters.fetched_records += batch;
        r->counters.fetched_bytes += batch * 100;
    }
    /* One batch is always on its way, until it drains. */
    const uint64_t unsettled = r->drain_at_ms == 0 ? batch : 0;
    r->counters.sent_records = r->counters.fetched_records - unsettled;
    r->counters.inserts = batch == 0 ? 0 : r->counters.sent_records / batch;
    struct protocol_heartbeat message = {
        .state = r->drain_at_ms != 0                                   ? PROTOCOL_STATE_DRAINING
                 : json_is_true(json_object_get(r->script, "waiting")) ? PROTOCOL_STATE_WAITING
                                                                       : PROTOCOL_STATE_RUNNING,
        .resident_bytes = 10 * 1024 * 1024,
        .cpu_us = (uint64_t)(clock_monotonic_ms() - r->started_ms) * 100, /* a tenth of a CPU */
        .unsettled_records = unsettled,
        .unsettled_bytes = unsettled * 100,
        .counters = r->counters,
    };
    protocol_header_init(
        &message.header, PROTOCOL_MESSAGE_HEARTBEAT, sizeof(message), r->generation);
    message.header.version = (uint16_t)number(r, "version", PROTOCOL_VERSION);
    send_message(&message, sizeof(message));
}

static void send_details(const struct scripted *r)
{
    struct protocol_partitions partitions = {.count = 1};
    protocol_header_init(
        &partitions.header, PROTOCOL_MESSAGE_PARTITIONS, sizeof(partitions), r->generation);
    (void)snprintf(
        partitions.rows[0].topic, sizeof(partitions.rows[0].topic), "scripted"); /* fits */
    partitions.rows[0].partition =
        (int32_t)json_integer_value(json_object_get(r->spec, "replicaIndex"));
    partitions.rows[0].committed = 42;
    partitions.rows[0].end = 50;
    send_message(&partitions, sizeof(partitions));
    struct protocol_latency latency = {.max_ms = 77};
    protocol_header_init(&latency.header, PROTOCOL_MESSAGE_LATENCY, sizeof(latency), r->generation);
    latency.counts[protocol_latency_bucket(70)] = 9;
    send_message(&latency, sizeof(latency));
}

static void read_permission(struct scripted *r)
{
    struct protocol_frame frame;
    char *bytes = NULL;
    if (protocol_frame_read(PROTOCOL_FD_SPEC, 0, &frame, &bytes, NULL) != ST_OK) {
        _exit(PROTOCOL_EXIT_FAILED);
    }
    free(bytes);
    r->permitted_ms = clock_monotonic_ms();
}

/* What happens once, afterMs after the start. */
static void act(const struct scripted *r)
{
    const char *reason = json_string_value(json_object_get(r->script, "reason"));
    const char *failed = json_string_value(json_object_get(r->script, "failed"));
    if (reason != NULL) {
        send_event(r, "reason", reason);
    }
    if (json_is_true(json_object_get(r->script, "garbage"))) {
        char garbage[100];
        memset(garbage, 'g', sizeof(garbage));
        send_message(garbage, sizeof(garbage));
    }
    if (failed != NULL) {
        send_event(r, "failed", failed);
        _exit(PROTOCOL_EXIT_STOP);
    }
    const size_t allocate_bytes = (size_t)number(r, "allocateMb", 0) * 1024 * 1024;
    if (allocate_bytes > 0) {
        volatile char *memory = malloc(allocate_bytes);
        if (memory == NULL) {
            _exit(PROTOCOL_EXIT_FAILED);
        }
        for (size_t i = 0; i < allocate_bytes; i += 4096) {
            memory[i] = 1; /* kept to the end */
        }
    }
    if (number(r, "signal", 0) != 0) {
        (void)raise((int)number(r, "signal", 0));
    }
    if (number(r, "exit", -1) >= 0) {
        _exit((int)number(r, "exit", -1));
    }
}

static void spin(int64_t until_ms)
{
    while (clock_monotonic_ms() < until_ms) {
    }
}

static int run_script(struct scripted *r, int signals_fd)
{
    const int64_t act_at_ms = r->started_ms + number(r, "afterMs", 0);
    bool has_acted = false;
    send_event(r, "assigned", "info");
    send_details(r);
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = PROTOCOL_FD_SPEC, .events = POLLIN}, {.fd = signals_fd, .events = POLLIN}};
        const bool is_busy = json_is_true(json_object_get(r->script, "spin"));
        if (is_busy) {
            spin(clock_monotonic_ms() + BEAT_MS);
        }
        const bool is_flood = json_is_true(json_object_get(r->script, "flood"));
        (void)poll(
            fds, 2, is_busy || is_flood ? 0 : BEAT_MS); /* whatever it says is looked at below */
        const int64_t now_ms = clock_monotonic_ms();
        if (fds[0].revents != 0) {
            read_permission(r);
        }
        if (is_flood) {
            for (int i = 0; i < 1000; i++) {
                send_heartbeat(r);
                send_event(r, "assigned", "info");
            }
        }
        if (!has_acted && now_ms >= act_at_ms) {
            has_acted = true;
            act(r);
        }
        const bool is_asked = fds[1].revents != 0 || now_ms - r->permitted_ms > r->lease_ms;
        if (is_asked && r->drain_at_ms == 0) {
            r->drain_at_ms = now_ms + number(r, "drainMs", 0);
        }
        send_heartbeat(r);
        const bool is_deaf = json_is_true(json_object_get(r->script, "ignoreTerm"));
        if (r->drain_at_ms != 0 && now_ms >= r->drain_at_ms && !is_deaf) {
            return PROTOCOL_EXIT_DONE;
        }
    }
}

static json_t *read_spec(void)
{
    struct protocol_frame frame;
    char *bytes = NULL;
    if (protocol_frame_read(PROTOCOL_FD_SPEC, PROTOCOL_SPEC_MAX_BYTES, &frame, &bytes, NULL) !=
        ST_OK) {
        return NULL;
    }
    json_t *spec = json_loads(bytes, 0, NULL);
    free(bytes);
    return spec;
}

int replica_main(void)
{
    sigset_t term;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &term, NULL) != 0) {
        return PROTOCOL_EXIT_FAILED;
    }
    int signals_fd = signalfd(-1, &term, SFD_CLOEXEC);
    struct scripted r = {.spec = read_spec()};
    if (signals_fd < 0 || r.spec == NULL) {
        return PROTOCOL_EXIT_USAGE;
    }
    r.script = json_object_get(json_object_get(r.spec, "definition"), "script");
    r.generation = json_integer_value(json_object_get(r.spec, "generation"));
    r.lease_ms = json_integer_value(json_object_get(r.spec, "leaseMs"));
    r.started_ms = clock_monotonic_ms();
    r.permitted_ms = r.started_ms;
    int code = run_script(&r, signals_fd);
    json_decref(r.spec);
    return code;
}

/* Answers with the question's own text; definition.script.exit and .hang are the bad ways. */
int probe_main(void)
{
    json_t *question = read_spec();
    const json_t *script = json_object_get(json_object_get(question, "definition"), "script");
    if (json_is_true(json_object_get(script, "hang"))) {
        for (;;) {
            (void)pause();
        }
    }
    if (json_is_integer(json_object_get(script, "exit"))) {
        const int code = (int)json_integer_value(json_object_get(script, "exit"));
        json_decref(question);
        return code;
    }
    json_t *answer = json_pack("{s:b,s:O}", "ok", 1, "asked", question);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    json_decref(question);
    if (text == NULL) {
        return PROTOCOL_EXIT_FAILED;
    }
    enum status st = protocol_frame_write(
        PROTOCOL_FD_REPORT, PROTOCOL_FRAME_ANSWER, text, (uint32_t)strlen(text), NULL);
    free(text);
    return st == ST_OK ? PROTOCOL_EXIT_DONE : PROTOCOL_EXIT_FAILED;
}
