#ifndef COMMON_STORE_RUNTIME_H
#define COMMON_STORE_RUNTIME_H

/* What runs: leases of replicas, and what their heartbeats say. Written by supervisors, read by
 * the api. All comparisons of time are made by the database's clock. */

#include <jansson.h>

#include "common/model/pipe.h"
#include "common/store/store.h"

/* A replica this supervisor may run. */
struct lease {
    char pipe_id[40];
    int replica_index;
    int64_t generation;
    int64_t revision; /* of the pipe when last seen */
    bool is_wanted;   /* false: pipe stopped, failed, deleted, scaled down: drain and release */
    double memory_gb; /* what the pipe asks for per replica */
    int cpu_millicores;
};

struct leases {
    struct lease *items;
    size_t count;
};
void leases_done(struct leases *leases);

/* Say that this supervisor is alive, and what it has room for. Texts borrowed. */
struct worker_self {
    const char *owner;
    const char *host;
    const char *version;   /* of the program */
    double memory_gb_left; /* LEASE_CLAIM_ANY_SIZE = no limit */
    int cpu_millicores_left;
};
enum status
worker_hello(struct store *store, const struct worker_self *self, struct err *err) MUST_CHECK;

/* Say that it takes nothing more: it does not count as alive from now on. */
enum status worker_bye(struct store *store, const char *owner, struct err *err) MUST_CHECK;

/* Renew all leases of owner and tell which it still holds, with what is wanted of each. A lease
 * that is missing from the answer has gone to somebody else. */
enum status lease_renew_all(
    struct store *store, const char *owner, int lease_s, struct leases *ret_leases,
    struct err *err) MUST_CHECK;

/* Texts borrowed. */
#define LEASE_CLAIM_ANY_SIZE 1000000000
struct lease_claim {
    const char *owner;
    const char *host;
    int lease_s;
    int max_count;
    double memory_gb_max; /* LEASE_CLAIM_ANY_SIZE = as much as it wants */
    int cpu_millicores_max;
};

/* Claim up to max_count wanted replicas that nobody holds (FOR UPDATE SKIP LOCKED), first those of
 * the pipes of which owner holds least, so that a pipe's replicas lie on several hosts; each gets a
 * new generation. Together they ask for no more than the maxima: what does not fit is left to
 * others, and the next call may find a smaller one that does. */
enum status lease_claim(
    struct store *store, const struct lease_claim *claim, struct leases *ret_leases,
    struct err *err) MUST_CHECK;

/* What there is to share among workers; one query. ST_UNAVAILABLE. */
struct worker_load {
    int replicas_wanted;    /* over all pipes */
    int replicas_unclaimed; /* of these, held by nobody */
    int workers_live;       /* seen within the last lease_s */
};
enum status worker_load(
    struct store *store, int lease_s, struct worker_load *ret_load, struct err *err) MUST_CHECK;

/* What every live worker holds, the one with most first, then by owner: the same order for all who
 * ask. ret_shares: owned, free(). */
struct worker_share {
    bool is_self;
    bool is_settled; /* it lives for longer than a lease */
    int held;        /* wanted replicas */
    double memory_gb_left;
    int cpu_millicores_left;
};
enum status worker_shares(
    struct store *store, const char *owner, int lease_s, struct worker_share **ret_shares,
    size_t *ret_count, struct err *err) MUST_CHECK;

/* The pipes of which owner holds a replica and another live worker has one that runs: their ids,
 * as leases of which only pipe_id is set. */
enum status lease_pipes_elsewhere(
    struct store *store, const char *owner, struct leases *ret_leases, struct err *err) MUST_CHECK;

/* Give one back (child gone). Fenced by generation: no effect if somebody else holds it. */
enum status lease_release(
    struct store *store, const char *owner, const struct lease *lease, struct err *err) MUST_CHECK;

/* The complete spec JSON of protocol.h for a replica, secrets decrypted; and its revision.
 * Owned reference. ST_NOT_FOUND if the pipe is gone. */
enum status runtime_replica_spec(
    struct store *store, const struct lease *lease, int lease_s, json_t **ret_spec,
    int64_t *ret_revision, struct err *err) MUST_CHECK;

struct runtime_report {
    const char *state; /* 'starting', 'running', 'draining', 'waiting' */
    int pid;
    int64_t restarts;
    int64_t revision;
    int64_t resident_bytes;
    int cpu_millicores;
    double records_per_second;
    double bytes_per_second;
    int64_t unsettled_records;
    int64_t unsettled_bytes;
    /* differences since the last report that was stored; names as pipe's columns */
    int64_t fetched_records, sent_records, rejected_records, skipped_records;
    int64_t fetched_bytes, fetched_wire_bytes, sent_bytes, sent_wire_bytes;
    int64_t inserts, insert_retries;
    int64_t batches_rows, batches_bytes, batches_age, batches_drain, rebalances;
    int64_t latency_max_ms;
    const int64_t *latency_counts;
    size_t latency_counts_count;
    int64_t cpu_us; /* difference, as the counters */
    /* Differences too; places: common/metrics/inserts.h. NULL with count 0 = none. */
    const int64_t *insert_numbers;
    size_t insert_numbers_count;
    /* Names this report: one that is sent again under the last number changes nothing, so a report
     * whose answer got lost can be repeated. 0 = unnamed, always counts. */
    int64_t number;
};

/* Store a heartbeat, fenced by owner and generation (ST_FENCED): replica row, the pipe's counters,
 * and ready_at when the state is running for the first time. Waits for the pipe's lock. */
enum status runtime_report(
    struct store *store, const char *owner, const struct lease *lease,
    const struct runtime_report *report, struct err *err) MUST_CHECK;

/* One of many heartbeats. Borrowed. */
struct runtime_report_item {
    const struct lease *lease;
    const struct runtime_report *report;
    /* Set by runtime_report_all. ST_OK; ST_FENCED; ST_CONFLICT: somebody has the pipe's lock just
     * now, try again later. */
    enum status status;
};

/* The same for any number of different replicas in one statement, which waits for no lock. A
 * status other than ST_OK, as of store_run: nothing was stored. */
enum status runtime_report_all(
    struct store *store, const char *owner, struct runtime_report_item *items, size_t count,
    struct err *err) MUST_CHECK;

struct runtime_partition {
    const char *topic;
    int partition;
    int64_t committed;
    int64_t end_offset;
};
struct runtime_partitions_item {
    const struct lease *lease;
    const struct runtime_partition *rows;
    size_t count;
};

/* Partitions as last told. ST_FENCED; ST_INVALID if a topic is not UTF-8 text. */
enum status runtime_report_partitions(
    struct store *store, const struct lease *lease, const struct runtime_partition *rows,
    size_t count, struct err *err) MUST_CHECK;

/* The same of any number of replicas in one statement; those of a fenced one are left out.
 * ST_REJECTED if a pipe is deleted at this very moment; nothing was stored then. */
enum status runtime_report_all_partitions(
    struct store *store, const struct runtime_partitions_item *items, size_t count,
    struct err *err) MUST_CHECK;

/* The child ended: take its unsettled records back from the fetched counters (they are read
 * again). Fenced. */
enum status runtime_child_ended(
    struct store *store, const char *owner, const struct lease *lease, struct err *err) MUST_CHECK;

/* What the pipe waits for; code "" clears it. Fenced. Also kept as last error when not empty. */
enum status runtime_set_reason(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err) MUST_CHECK;

/* The pipe failed: it needs a person. All replicas become unwanted. Fenced. */
enum status runtime_set_failed(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err) MUST_CHECK;

/* Reading, for the api. */
struct runtime_counters {
    int64_t fetched_records, sent_records, rejected_records, skipped_records;
    int64_t fetched_bytes, fetched_wire_bytes, sent_bytes, sent_wire_bytes;
    int64_t inserts, insert_retries;
    int64_t batches_rows, batches_bytes, batches_age, batches_drain, rebalances;
};

struct runtime_replica_row {
    int replica_index;
    char *host;
    int pid;
    char *state;
    char *started_at;
    int64_t restarts;
    int64_t memory_bytes;
    int64_t cpu_us; /* of all processes of this replica together */
    int cpu_millicores;
    bool is_live;
};

struct runtime_partition_row {
    char *topic;
    int partition;
    int64_t committed;
    int64_t end_offset;
};

enum {
    RUNTIME_LATENCY_BUCKETS_MAX = 64,
    RUNTIME_INSERT_NUMBERS_MAX = 96,
};

struct runtime_summary {
    char *pipe_id;
    struct runtime_counters counters;
    double records_per_second;
    double bytes_per_second;
    int64_t lag_records;
    int64_t latency_counts[RUNTIME_LATENCY_BUCKETS_MAX]; /* all replicas added up */
    int64_t latency_max_ms;
    int64_t insert_numbers[RUNTIME_INSERT_NUMBERS_MAX];
    struct runtime_replica_row *replicas;
    size_t replicas_count;
    struct runtime_partition_row *partitions;
    size_t partitions_count;
};
struct runtime_summaries {
    struct runtime_summary *items;
    size_t count;
};
void runtime_summaries_done(struct runtime_summaries *summaries);

/*
 * The summary of a pipe, NULL if it is not among them. *at: where the search begins, 0 at first; it
 * goes on behind the one found, so that asking for many in the order of pipe_list is one pass.
 */
const struct runtime_summary *
runtime_summaries_find(const struct runtime_summaries *summaries, const char *pipe_id, size_t *at);

/* Which pipes. All borrowed, NULL = any. */
struct runtime_scope {
    const char *organization_id;
    const char *service_id;
    const char *pipe_id;
    bool is_brief; /* without insert_numbers, replicas and partitions: only their sums */
};

/* Pipes in the order of pipe_list. Three statements, however many pipes. */
enum status runtime_summarize(
    struct store *store, const struct runtime_scope *scope, struct runtime_summaries *ret_summaries,
    struct err *err) MUST_CHECK;

#endif
