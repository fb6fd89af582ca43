/* Reports to the supervisor: each second while something changes, and before every commit. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/uuid.h"

#include "worker/replica/run.h"

enum {
    REPORT_EVERY_MS = 1000,
};

static enum protocol_replica_state status_state(const struct run *run)
{
    if (run->drain == RUN_DRAIN_STOP) {
        return PROTOCOL_STATE_DRAINING;
    }
    if (!health_is_well(run)) {
        return PROTOCOL_STATE_WAITING;
    }
    return run->has_source_been_well ? PROTOCOL_STATE_RUNNING : PROTOCOL_STATE_STARTING;
}

static uint64_t batch_bytes(const struct batch *batch)
{
    return batch == NULL ? 0 : batch->input_bytes;
}

/* The counters that others keep, brought up to date. */
static struct reporter_facts status_facts(struct run *run, struct sink_totals *ret_totals)
{
    struct protocol_counters *counters = &run->counters;
    struct sink_totals *totals = ret_totals;
    *totals = run->past_totals;
    if (run->sink != NULL) {
        sink_totals_add(totals, sink_totals(run->sink));
    }
    counters->fetched_records = run->intake.fetched_records;
    counters->fetched_bytes = run->intake.fetched_bytes;
    counters->fetched_wire_bytes = run->intake.fetched_bytes;
    counters->sent_bytes = totals->encoded_bytes;
    counters->sent_wire_bytes = totals->wire_bytes;
    counters->inserts = totals->inserts;
    counters->insert_retries = totals->retries;
    uint64_t open_records = 0;
    uint64_t open_bytes = 0;
    lanes_input(&run->lanes, &open_records, &open_bytes);
    return (struct reporter_facts){
        .state = status_state(run),
        .partitions_count = ledger_slots_count(run->ledger),
        .unsettled_records = counters->fetched_records - counters->sent_records -
                             counters->rejected_records - counters->skipped_records,
        .unsettled_bytes =
            open_bytes + batch_bytes(run->sending) + run->intake.owed_bytes +
            (run->waiting == NULL || run->exact.is_on ? 0 /* not taken yet */
                                                      : waiting_input_bytes(run->waiting)),
        .counters = counters,
        .insert_numbers = totals->insert_numbers,
    };
}

void status_heartbeat(struct run *run)
{
    struct sink_totals totals;
    const struct reporter_facts facts = status_facts(run, &totals);
    reporter_heartbeat(&run->reporter, &facts, run->now_ms);
}

static void status_regular_heartbeat(struct run *run)
{
    struct sink_totals totals;
    const struct reporter_facts facts = status_facts(run, &totals);
    reporter_regular_heartbeat(&run->reporter, &facts, run->now_ms);
}

/* Transaction markers take offsets: where nothing is unsettled the library's position, which steps
 * over them, is what may be committed. */
static void status_step_over(struct run *run, size_t slot)
{
    struct source_partition at;
    source_partition(run->source, slot, &at);
    if (run->exact.is_on) {
        exact_look(run, slot, at.position);
    }
    if (run->drain == RUN_DRAIN_NONE && !run->intake.has_failed &&
        ledger_step_over(run->ledger, slot, at.position)) {
        run->is_commit_due = true;
    }
}

static void status_partition(const struct run *run, size_t slot, struct protocol_partition *ret_row)
{
    struct source_partition at;
    source_partition(run->source, slot, &at);
    memset(ret_row, 0, sizeof(*ret_row));
    (void)snprintf(
        ret_row->topic, sizeof(ret_row->topic), "%s", at.topic); /* Kafka's limit is 249 */
    ret_row->partition = at.partition;
    ret_row->committed = ledger_committed(run->ledger, slot);
    ret_row->end = at.end;
    ret_row->position = ledger_next(run->ledger, slot);
}

/* All of them, if one has changed. */
static void status_partitions(struct run *run)
{
    if (run->source == NULL) {
        return;
    }
    source_refresh_positions(run->source);
    struct protocol_partition row;
    uint64_t digest = 0;
    for (size_t slot = 0; slot < ledger_slots_count(run->ledger); slot++) {
        status_step_over(run, slot);
        status_partition(run, slot, &row);
        digest = reporter_digest(digest, &row);
    }
    if (reporter_knows_partitions(&run->reporter, digest)) {
        return;
    }
    const uint64_t dropped_count = run->reporter.dropped_count;
    struct reporter_chunk chunk;
    memset(&chunk, 0, sizeof(chunk));
    for (size_t slot = 0; slot < ledger_slots_count(run->ledger); slot++) {
        status_partition(run, slot, &row);
        reporter_add_partition(&run->reporter, &chunk, &row);
    }
    reporter_flush_partitions(&run->reporter, &chunk);
    reporter_note_partitions(&run->reporter, digest, dropped_count);
}

void status_step(struct run *run)
{
    if (run->now_ms < run->next_report_ms) {
        return;
    }
    run->next_report_ms = run->now_ms + REPORT_EVERY_MS;
    status_regular_heartbeat(run);
    status_partitions(run);
    latency_advance(&run->latency, run->now_ms);
    reporter_latency(&run->reporter, &run->latency);
}

static void status_tell(struct run *run, const char *name, const char *text, size_t partitions)
{
    char details[PROTOCOL_EVENT_TEXT_BYTES];
    (void)snprintf(
        details, sizeof(details), "{\"replica\":%lld,\"partitions\":%zu}",
        (long long)run->spec.replica_index, partitions); /* fits */
    struct reporter_event event = {.event = name, .name = "info", .text = text, .details = details};
    reporter_event(&run->reporter, &event);
    log_event(
        LOG_INFO, name, "pipe=%s replica=%lld partitions=%zu", run->spec.pipe_id,
        (long long)run->spec.replica_index, partitions);
    run->next_report_ms = run->now_ms;
}

void status_assigned(struct run *run, size_t partitions_count)
{
    status_tell(run, "assigned", "the group assigned partitions to this replica", partitions_count);
}

void status_revoked(struct run *run, bool is_lost)
{
    status_tell(
        run, "rebalanced",
        is_lost ? "the group took this replica's partitions away after a silence"
                : "the group shares its partitions anew",
        ledger_slots_count(run->ledger));
}

void status_strangers(struct run *run, const struct source_start *first, size_t count)
{
    char details[PROTOCOL_EVENT_TEXT_BYTES];
    (void)snprintf(
        details, sizeof(details),
        "{\"replica\":%lld,\"partitions\":%zu,\"topic\":\"%s\",\"partition\":%d,\"offset\":%lld}",
        (long long)run->spec.replica_index, count, first->topic, (int)first->partition,
        (long long)first->committed); /* fits; topic names need no escapes */
    struct reporter_event event = {
        .event = "offsets_reset",
        .name = "warning",
        .text = "the group's offsets were set by another tool, or before exactly-once was switched "
                "on: reading goes on there, and what is read again is stored again",
        .details = details,
    };
    reporter_event(&run->reporter, &event);
    log_event(
        LOG_WARN, "offsets_reset", "pipe=%s partitions=%zu topic=%s partition=%d offset=%lld",
        run->spec.pipe_id, count, first->topic, (int)first->partition, (long long)first->committed);
}

void status_guarantee(struct run *run)
{
    const struct destination *destination = &run->destination;
    const struct guarantee *guarantee = &destination->guarantee;
    const char *mode = guarantee_mode_text(guarantee->mode);
    char uuid[UUID_TEXT_BYTES];
    uuid_write(destination->table_uuid, uuid);
    char hash[24];
    (void)snprintf(
        hash, sizeof(hash), "%016llx", (unsigned long long)destination->fingerprint); /* fits */
    json_t *told = json_pack(
        "{s:s, s:I, s:I, s:s, s:s, s:s}", "mode", mode, "inserts", (json_int_t)guarantee->inserts,
        "seconds", (json_int_t)guarantee->seconds, "tableUuid", uuid, "tableHash", hash,
        "tableChange", destination->change);
    char details[PROTOCOL_EVENT_TEXT_BYTES] = "";
    const size_t len_bytes = json_dumpb(told, details, sizeof(details) - 1, JSON_COMPACT);
    details[len_bytes < sizeof(details) ? len_bytes : 0] = '\0'; /* it is a few hundred bytes */
    json_decref(told);
    struct reporter_event event = {
        .event = "guarantee",
        .name = guarantee_severity(guarantee, destination->asked.is_exactly_once),
        .text = guarantee->detail,
        .details = details,
    };
    reporter_event(&run->reporter, &event);
    log_event(
        LOG_INFO, "guarantee", "pipe=%s mode=%s inserts=%lld seconds=%lld severity=%s",
        run->spec.pipe_id, mode, (long long)guarantee->inserts, (long long)guarantee->seconds,
        event.name);
}

void status_schema(struct run *run, const struct schema *schema)
{
    static const char *const KINDS[] = {
        [SCHEMA_AVRO] = "AVRO", [SCHEMA_JSON] = "JSON", [SCHEMA_PROTOBUF] = "PROTOBUF"};
    char details[PROTOCOL_EVENT_TEXT_BYTES];
    (void)snprintf(
        details, sizeof(details), "{\"replica\":%lld,\"schemaId\":%d,\"kind\":\"%s\"}",
        (long long)run->spec.replica_index, (int)schema->id, KINDS[schema->kind]); /* fits */
    struct reporter_event event = {
        .event = "schema",
        .name = "info",
        .text = "records of a schema that was not used before are read",
        .details = details,
    };
    reporter_event(&run->reporter, &event);
    log_event(
        LOG_INFO, "schema", "pipe=%s id=%d kind=%s", run->spec.pipe_id, (int)schema->id,
        KINDS[schema->kind]);
}

void status_missing(
    struct run *run, size_t slot, const struct intent_range *range, uint64_t missing)
{
    struct source_partition at;
    source_partition(run->source, slot, &at);
    char details[PROTOCOL_EVENT_TEXT_BYTES];
    /* Topic names have no character that JSON would escape. */
    (void)snprintf(
        details, sizeof(details),
        "{\"topic\":\"%s\",\"partition\":%d,\"from\":%lld,\"to\":%lld,\"count\":%llu}", at.topic,
        (int)at.partition, (long long)range->first, (long long)range->last + 1,
        (unsigned long long)missing);
    struct reporter_event event = {
        .event = "offset_gap",
        .name = "warning",
        .text =
            "records that were sent before, without it being known whether they are stored, are "
            "in Kafka no more (compaction or retention): what is left of them is sent again",
        .details = details,
    };
    reporter_event(&run->reporter, &event);
    log_event(
        LOG_WARN, "range_shrunk", "topic=%s partition=%d first=%lld last=%lld missing=%llu",
        at.topic, (int)at.partition, (long long)range->first, (long long)range->last,
        (unsigned long long)missing);
}

void status_jump(struct run *run, enum source_jump jump, size_t slot, int64_t from, int64_t to)
{
    struct source_partition at;
    source_partition(run->source, slot, &at);
    char details[PROTOCOL_EVENT_TEXT_BYTES];
    /* Topic names have no character that JSON would escape. */
    (void)snprintf(
        details, sizeof(details),
        "{\"topic\":\"%s\",\"partition\":%d,\"from\":%lld,\"to\":%lld,\"count\":%lld}", at.topic,
        (int)at.partition, (long long)from, (long long)to,
        (long long)(jump == SOURCE_JUMP_GAP ? to - from : 0));
    struct reporter_event event = {
        .event = jump == SOURCE_JUMP_GAP ? "offset_gap" : "topic_recreated",
        .name = jump == SOURCE_JUMP_GAP ? "critical" : "warning",
        .text = jump == SOURCE_JUMP_GAP
                    ? "records were deleted by Kafka's retention before they were read"
                    : "the topic was made again; reading goes on at its start",
        .details = details,
    };
    reporter_event(&run->reporter, &event);
    log_event(
        LOG_WARN, event.event, "topic=%s partition=%d from=%lld to=%lld", at.topic,
        (int)at.partition, (long long)from, (long long)to);
}
