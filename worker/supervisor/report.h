#ifndef WORKER_SUPERVISOR_REPORT_H
#define WORKER_SUPERVISOR_REPORT_H

/*
 * From a child's heartbeats to the rows of PostgreSQL. A child counts from its own start; what is
 * stored are differences, kept here until PostgreSQL took them, over the deaths of children and the
 * absence of the database. Records that a dead child had fetched but not settled are read again, so
 * they are taken back from what was fetched. CPU and rates come from successive heartbeats.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/runtime.h"

#include "worker/protocol/protocol.h"

enum {
    REPORT_PARTITIONS_MAX = 4096, /* per replica; more are not shown */
    REPORT_RATE_WINDOW_MS = 5000,
    REPORT_IDLE_MS = 5000, /* a replica whose counters stand is reported this often */
};

/* Differences that are not stored yet. */
struct report_counters {
#define X(name) int64_t name;
    PROTOCOL_COUNTER_TABLE(X)
#undef X
    int64_t cpu_us;
    int64_t insert_numbers[PROTOCOL_INSERT_NUMBERS];
};

struct report_partition {
    char topic[PROTOCOL_TOPIC_BYTES];
    int partition;
    int64_t committed;
    int64_t end_offset;
    bool is_pending;
};

/* A report on its way: it is repeated as it was until PostgreSQL said that it has it, since an
 * answer that got lost does not tell. */
struct report_attempt {
    bool is_open;
    struct runtime_report row; /* points to counts below */
    int64_t latency_counts[PROTOCOL_LATENCY_BUCKETS];
    int64_t insert_numbers[PROTOCOL_INSERT_NUMBERS];
};

/* A point in time and what had been counted then. */
struct report_sample {
    int64_t at_ms;
    uint64_t cpu_us;
    uint64_t records;
    uint64_t bytes;
};

struct report {
    bool has_heartbeat; /* of the present child */
    bool
        is_stranger; /* the present child belongs to an earlier lease: what it counts is not told */
    struct protocol_heartbeat last;
    struct report_sample window_start;
    int cpu_millicores;
    double records_per_second;
    double bytes_per_second;
    struct report_counters pending; /* beside those of the attempt */
    struct report_attempt attempt;
    int64_t last_number;
    bool has_changes; /* counters, state or process differ from what is stored */
    int64_t stored_ms;
    /* What the row in PostgreSQL says is unsettled, or will say once the attempt has arrived: the
     * store takes it back by itself when a report comes from another process. */
    int64_t row_unsettled_records;
    int64_t row_unsettled_bytes;
    int64_t latency_counts[PROTOCOL_LATENCY_BUCKETS];
    int64_t latency_max_ms;
    struct report_partition *partitions; /* owned */
    size_t partitions_count;
    size_t partitions_capacity;
    bool has_partitions_pending;
};

/* first_number: of this report's numbers, which must differ from those of other supervisors and
 * earlier leases: random. */
void report_init(struct report *report, int64_t first_number);
void report_done(struct report *report);

/* A child was started at now_ms (monotonic). Its counters begin at zero. */
void report_child_started(struct report *report, int64_t now_ms);

/* The replica is held under a new lease. What an earlier one had not stored is dropped: whoever had
 * the replica in between has taken back what was unsettled, and whether an attempt had arrived is
 * not known any more. The same holds for what the earlier lease's child still says. */
void report_lease_changed(struct report *report);

/* Take a checked message. */
void report_take_heartbeat(
    struct report *report, const struct protocol_heartbeat *heartbeat, int64_t now_ms);
void report_take_latency(struct report *report, const struct protocol_latency *latency);

/* ST_NO_MEMORY, ST_TOO_LARGE past REPORT_PARTITIONS_MAX; the known ones are taken all the same. */
enum status
report_take_partitions(struct report *report, const struct protocol_partitions *message) MUST_CHECK;

/* The child is gone: take back what it had not settled, as far as the store will not do it when it
 * sees the next pid. */
void report_child_ended(struct report *report);

/* What the row should say besides: the process as the supervisor knows it. */
struct report_process {
    const char *owner;         /* the lease's, borrowed */
    const struct lease *lease; /* borrowed */
    int pid;                   /* 0 = none */
    bool is_draining;
    int64_t restarts_count;
    int64_t revision;
};

/* The row to store, with the pending differences in it. Points into report. */
void report_fill(
    const struct report *report, const struct report_process *process,
    struct runtime_report *ret_row);

/* True if it should be stored now. */
bool report_is_due(const struct report *report, int64_t now_ms);

/* The row to store next: the one that PostgreSQL has not confirmed yet, as it was, else the present
 * one with the pending differences in it. Points into report, until report_answered. */
const struct runtime_report *
report_next(struct report *report, const struct report_process *process);

/* What became of it. ST_CONFLICT and statuses that may pass: it stays the next one. ST_FENCED: the
 * lease has gone to somebody else, nothing of this can be stored any more. Others: PostgreSQL has
 * it, or refuses it for good. */
void report_answered(struct report *report, enum status st, int64_t now_ms);

/* The partitions to store. ret_rows: owned, free(); the texts in it point into report.
 * ST_NO_MEMORY. */
enum status report_partitions(
    const struct report *report, struct runtime_partition **ret_rows, size_t *ret_count,
    struct err *err) MUST_CHECK;

/* What became of all of them. */
void report_partitions_answered(struct report *report, enum status st);

/* Store row and partitions, and forget the differences once PostgreSQL took them. After a failure
 * the same report is sent first, then what came since. ST_FENCED: the
 * lease has gone to somebody else, nothing of this can be stored any more (it is dropped).
 * ST_CONFLICT and statuses that may pass: nothing is lost, try again later. Others: PostgreSQL
 * refuses this report for good, it is dropped. */
enum status report_flush(
    struct report *report, const struct report_process *process, struct store *store,
    struct err *err) MUST_CHECK;

#endif
