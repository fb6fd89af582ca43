#ifndef WORKER_REPLICA_RUN_H
#define WORKER_REPLICA_RUN_H

/*
 * Inside of the replica process: everything its loop steers, in one struct. replica.c sets it up
 * and waits for events; listener.c hears the source; flow.c moves batches from there to settlement,
 * seal.c says when they are closed; exact.c, mapping.c, park.c and announce.c are what exactly-once
 * adds; drain.c ends things; schemas.c gives the registry its time; health.c says what the replica
 * waits for; status.c writes reports. Only these files include it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/http/http.h"

#include "worker/replica/batch.h"
#include "worker/replica/control.h"
#include "worker/replica/decode/decoder.h"
#include "worker/replica/decode/plan.h"
#include "worker/replica/destination.h"
#include "worker/replica/intake.h"
#include "worker/replica/kafka/source.h"
#include "worker/replica/lanes.h"
#include "worker/replica/latency.h"
#include "worker/replica/ledger/kept.h"
#include "worker/replica/ledger/ledger.h"
#include "worker/replica/ledger/pending.h"
#include "worker/replica/pace.h"
#include "worker/replica/registry/registry.h"
#include "worker/replica/reporter.h"
#include "worker/replica/sink/sink.h"
#include "worker/replica/spec.h"
#include "worker/replica/waiting.h"

enum {
    RUN_TEXT_BYTES = 1024,
    RUN_QUERY_PREFIX_BYTES = 96,
    RUN_SCHEMAS_MAX = 64,
};

enum run_drain {
    RUN_DRAIN_NONE,
    RUN_DRAIN_REVOKE, /* the group takes our partitions */
    RUN_DRAIN_STOP,   /* the process ends */
};

/* Something that a pipe waits for, and since when. */
struct run_trouble {
    enum pipe_reason reason; /* NONE = well */
    int64_t since_ms;
    char text[RUN_TEXT_BYTES];
};

/* Exactly-once; all zero otherwise. Times are of the loop, in ms. */
struct run_exact {
    bool is_on;
    struct pending *pending;               /* owned */
    uint8_t table_uuid[INTENT_UUID_BYTES]; /* of the target, as the present plan knows it */
    uint64_t mapping_version;              /* of the present plan */
    uint64_t asked_mapping;                /* of the plan that the destination is asked for */
    int64_t again_ms;                      /* no commit before this: the last one was refused */
    int64_t asked_ms;                      /* when the commit under way was sent */
    int64_t proven_ms;      /* when the broker last took a commit of ours; 0 = never */
    int64_t stood_still_ms; /* when the process last came back from a long silence */
    size_t parked_count;    /* lanes */
    size_t asked_count;     /* slots in the commit under way, or in the last one */
    size_t told_count;      /* of these, taken by the broker */
};

struct run {
    struct replica_spec spec;
    struct reporter reporter;
    struct control control;
    struct http_client *http;
    char *error_table;
    char query_prefix[RUN_QUERY_PREFIX_BYTES];
    size_t memory_bytes;
    size_t blocks_budget_bytes; /* for both batches and the compressed body */
    int64_t now_ms;

    /* The target as it is. Made by flow_adopt_plan, in this order. */
    struct destination destination;
    struct plan *plan;
    struct decoder *decoder;
    struct sink *sink;
    struct lanes lanes;    /* without lanes until there is a plan */
    struct batch *sending; /* NULL = the sink is idle */
    struct run_exact exact;

    struct source *source; /* NULL until there is a plan */
    struct ledger *ledger;
    struct kept kept; /* over a rebalance */
    struct intake intake;
    struct pace pace;        /* of the intake's limits */
    bool has_more;           /* the source's queue may hold records that no event announces */
    bool wants_kick_again;   /* source_kick asked to be called soon */
    int64_t closed_since_ms; /* when the intake closed; 0 = it is open */
    bool is_reading_refused; /* the source was asked for the records of refused rows */
    size_t refused_at;       /* the refusal that comes next, while they are taken */

    /* Schemas of the registry; NULL and zero if the pipe has none. */
    struct registry *registry;
    struct waiting *waiting;
    uint64_t tried_version; /* of the registry, when the waiting records were tried last */
    int64_t next_try_ms;
    bool is_retrying;                              /* in the middle of them: nothing else is read */
    const struct schema *schemas[RUN_SCHEMAS_MAX]; /* the last ones told by an event */
    size_t schemas_told;

    /* Commits. */
    bool is_commit_due;
    int64_t next_commit_ms;

    /* Ending. */
    enum run_drain drain;
    int64_t drain_deadline_ms;
    bool is_refused; /* the broker took no commit since the drain began */
    bool is_lost;    /* the partitions are somebody else's already */
    bool is_over;
    int exit_code; /* enum protocol_exit */

    /* Health. */
    struct run_trouble source_trouble;
    struct run_trouble registry_trouble; /* while a record waits for it */
    struct run_trouble mismatch; /* the table's columns did not fit; until a batch is stored */
    uint32_t mismatches_count;   /* in a row */
    bool has_source_been_well;
    enum pipe_reason shown_reason;
    char shown_text[RUN_TEXT_BYTES];
    int64_t shown_ms;

    /* Reports. */
    struct latency latency;
    struct protocol_counters counters;
    struct sink_totals past_totals; /* of sinks that are gone */
    int64_t next_report_ms;
};

/* flow.c */
/* Use the destination's new plan: fresh decoder, sink and batches; unsettled records are read
 * again. */
enum status flow_adopt_plan(struct run *run, struct err *err) MUST_CHECK;
/* Move everything that can move. */
void flow_step(struct run *run);
/* Drop open and sent batches; what they held will be read again. */
void flow_forget(struct run *run);
/* Free what flow_adopt_plan made. */
void flow_done(struct run *run);
/* Nothing that was taken and that this process must store is unsettled; and the commits, too. */
bool flow_is_stored(const struct run *run);
bool flow_is_settled(const struct run *run);
/* Read every partition again from where it is stored. Ends the process if that fails. */
void flow_rewind(struct run *run);

/* listener.c: the callbacks of the source. */
struct source_listener listener_of(struct run *run);

/* seal.c */
/* Close what is due, and queue it. */
void seal_step(struct run *run);
/* True if batches and memory have room for more records. */
bool seal_has_room(const struct run *run);
/* When seal_step will have something to close; INT64_MAX = not by time. */
int64_t seal_due_ms(const struct run *run);

/* exact.c: exactly-once */
/* The rooms of this mode, if the pipe wants it. ST_INVALID: the pipe's id is no UUID. */
enum status exact_open(struct run *run, struct err *err) MUST_CHECK;
void exact_done(struct run *run);
/* New partitions: what their metadata says. */
enum status exact_assign(
    struct run *run, const struct source_start *starts, size_t count, struct err *err) MUST_CHECK;
/* Take one record into its partition's batch. False = enough for now. */
bool exact_take(struct run *run, size_t slot, const struct record *record);
/* Try the records that wait for their schema. True when all were looked at. */
bool exact_retry(struct run *run);
/* Close the open batch of a partition whose boundaries are free. */
void exact_seal(struct run *run, size_t slot, enum batch_seal seal);
/* The sink has stored the batch. */
void exact_stored(struct run *run, const struct batch *batch);
/* The library has nothing left of this slot below `position`: a stored range that ends before it
 * has come to its end. */
void exact_look(struct run *run, size_t slot, int64_t position);
/* A partition goes on elsewhere. */
void exact_jump(struct run *run, enum source_jump jump, size_t slot, int64_t to);
/* The target has another UUID than before: ranges of the old table are over. */
void exact_adopt_table(struct run *run);
/* ClickHouse refuses the batch at the sink as too large: two ranges instead of it. */
void exact_divide(struct run *run);

/* park.c: exactly-once: put off stored ranges that do not fit into the memory of all batches. */
void park_step(struct run *run, size_t memory_bytes);

/* mapping.c: exactly-once: ranges of older mappings */
/* False while records of such a range, or free ones (stored NULL), must wait for another plan. */
bool mapping_fits(const struct run *run, const struct intent_range *stored);
void mapping_assign(struct run *run);
/* Ask for the plan that is needed next. */
void mapping_step(struct run *run);
/* The plan that was asked for is in use. */
void mapping_adopted(struct run *run);

/* announce.c: exactly-once: tell the group before, and after */
/* Commit new ranges and what is stored, if there is anything and no commit is under way. */
void announce_step(struct run *run);
void announce_told(struct run *run, size_t slot);
void announce_refused(struct run *run);
/* No commit of ours counts any more: the assignment is another one. */
void announce_reset(struct run *run);
/* The oldest batch that may be inserted now, named; NULL = none. */
struct batch *announce_first(struct run *run);
/* False while nobody knows whether the partitions are still ours: nothing may be sent. */
bool announce_is_proven(const struct run *run);
int64_t announce_due_ms(const struct run *run);

/* settle.c */
/* The sink has stored its batch: count, tell the ledger, report, commit. */
void settle_batch(struct run *run);
void settle_commit(struct run *run);
/* Rows that ClickHouse alone refuses: get their records and put them into the reject block. */
void settle_refused(struct run *run);

/* schemas.c */
/* The registry and the waiting room, if the pipe has one. ST_INVALID: its URL cannot be used. */
enum status schemas_open(struct run *run, struct err *err) MUST_CHECK;
void schemas_done(struct run *run);
/* For the decoder; NULL = no registry. */
const struct schema_source *schemas_source(struct run *run);
/* Let time pass, and try the waiting records when something may have changed for them. */
void schemas_step(struct run *run);
int64_t schemas_due_ms(const struct run *run);
size_t schemas_waiting_count(const struct run *run);
/* True if nothing may be read: the waiting room is full, or its records go first. */
bool schemas_are_behind(const struct run *run);
/* Drop the waiting records: they will be read again. */
void schemas_forget(struct run *run);
/* What the registry suffers from, into run->registry_trouble. */
void schemas_look(struct run *run);

/* drain.c */
/* Begin to end (RUN_DRAIN_STOP) or to give up the partitions (RUN_DRAIN_REVOKE). */
void drain_begin(struct run *run, enum run_drain drain, int exit_code);
void drain_step(struct run *run);

/* health.c */
void health_source(struct run *run, enum pipe_reason reason, const char *text);
/* Tell the supervisor when the reason changes; end when waiting has no more sense. */
void health_step(struct run *run);
bool health_is_well(const struct run *run);
/* A failure that needs a person: say so and end. */
void health_fail(struct run *run, enum pipe_reason reason, const char *text);

/* status.c */
void status_heartbeat(struct run *run);
void status_step(struct run *run);
/* Events: partitions came, partitions go, a partition's offsets jumped. */
void status_assigned(struct run *run, size_t partitions_count);
void status_revoked(struct run *run, bool is_lost);
/* Exactly-once: committed offsets without our mark; `first` is one of them. */
void status_strangers(struct run *run, const struct source_start *first, size_t count);
/* Which guarantee the destination gives, and whether its table is the one it was. */
void status_guarantee(struct run *run);
/* A schema was used for the first time. */
void status_schema(struct run *run, const struct schema *schema);
/* Exactly-once: of a range that was stored with the group, `missing` records are in Kafka no more.
 */
void status_missing(
    struct run *run, size_t slot, const struct intent_range *range, uint64_t missing);
void status_jump(struct run *run, enum source_jump jump, size_t slot, int64_t from, int64_t to);

#endif
