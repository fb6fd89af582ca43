#ifndef WORKER_PROTOCOL_PROTOCOL_H
#define WORKER_PROTOCOL_PROTOCOL_H

/*
 * The whole contract between the supervisor and its children, on one page.
 *
 * Descriptor 3, parent to child: one spec frame, then permission frames for as long as the lease
 * is held. A frame is a struct protocol_frame followed by len_bytes bytes.
 * Descriptor 4, child to parent: messages of fixed size, each smaller than PIPE_BUF, so that one
 * write is whole. A message from a child is untrusted: the parent checks size, version, type and
 * generation before it believes a number. A probe writes its answer there as one frame instead
 * (an answer may be long).
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    PROTOCOL_FD_SPEC = 3,
    PROTOCOL_FD_REPORT = 4,
    PROTOCOL_VERSION = 1,
    PROTOCOL_MAGIC = 0x50535430, /* "PST0" */
    PROTOCOL_SPEC_MAX_BYTES = 8 * 1024 * 1024,
    PROTOCOL_ANSWER_MAX_BYTES = 8 * 1024 * 1024,
    PROTOCOL_PARTITIONS_PER_MESSAGE = 8,
    PROTOCOL_TOPIC_BYTES = 256, /* Kafka's limit is 249 characters */
    PROTOCOL_EVENT_TEXT_BYTES = 1024,
    PROTOCOL_EVENT_NAME_BYTES = 32,
    PROTOCOL_LATENCY_BUCKETS = 64,
    PROTOCOL_INSERT_NUMBERS = 67, /* places: common/metrics/inserts.h */
};

/* How a child ends. */
enum protocol_exit {
    PROTOCOL_EXIT_DONE = 0,    /* drained and left the group */
    PROTOCOL_EXIT_FAILED = 1,  /* may be restarted */
    PROTOCOL_EXIT_USAGE = 2,   /* wrong spec or settings: restart cannot help */
    PROTOCOL_EXIT_SERVICE = 3, /* a service it needs is missing */
    PROTOCOL_EXIT_STOP = 4,    /* needs a person; a PROTOCOL_EVENT_FAILED message said why */
    PROTOCOL_EXIT_VERSION = 5, /* the parent speaks a version of this protocol it does not know */
};

/* Descriptor 3. */
enum protocol_frame_type {
    PROTOCOL_FRAME_SPEC = 1,       /* JSON text, see protocol_spec below */
    PROTOCOL_FRAME_PERMISSION = 2, /* no body: the lease was renewed */
    PROTOCOL_FRAME_ANSWER = 3,     /* a probe's answer on descriptor 4, JSON text */
};

struct protocol_frame {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint32_t len_bytes;
    uint32_t reserved;
};

/*
 * The spec's JSON (secrets in clear; it exists only in the pipe and in the child's memory):
 * replica: {"kind":"replica","pipeId","serviceId","replicaIndex","generation","leaseMs",
 *   "consumerGroup","definition":{…},"secrets":{…},
 *   "epoch","mappingVersion","olderMappings":[{"version","mapping"}] (newest first, mappings as
 *   common/model/pipe_mapping.h has them; for ranges that were sent with them),
 *   "scaling":{"replicas","replicaCpuMillicores","replicaMemoryGb"},
 *   "clickhouse":{"url","username","password","caCertificate"}}
 * probe: {"kind":"connection"|"library","definition":{…},"secrets":{…},"deadlineMs"}
 *   → answer {"ok":true} or {"ok":false,"status":<text of enum status>,"code":<pipe reason>,
 *   "message","hint","member":absent or what of source.kafka is to blame, as "schemaRegistry/url"};
 *   with "options":{"parts":true} {"ok":true,"result":{"source","registry","destination"}}, each
 *   {"ok","message","hint"} or null
 * probe: {"kind":"topics"|"sample"|"infer"|"preview"|"replay", the same, "clickhouse":{…} where it
 *   is needed,"options":{…} (worker/probe)} → {"ok":true,"result":<REST result>}
 * probe: {"kind":"offsets", the same, "consumerGroup","reset":absent or {"to":"beginning"|"latest"|
 *   "timestamp"|"offsets","timestampMs","offsets":[{topic,partition,offset}],"apply"}}
 *   → {"ok":true,"partitions":[{topic,partition,committed,low,end,start,to}]}; to is −1 where
 *   nothing is to change; with apply the group has been set there
 */

enum protocol_message_type {
    PROTOCOL_MESSAGE_HEARTBEAT = 1,
    PROTOCOL_MESSAGE_PARTITIONS = 2,
    PROTOCOL_MESSAGE_LATENCY = 3,
    PROTOCOL_MESSAGE_EVENT = 4,
};

struct protocol_header {
    uint32_t magic;
    uint16_t version;
    uint16_t type;      /* enum protocol_message_type */
    uint32_t len_bytes; /* of the whole message */
    uint32_t reserved;
    int64_t generation;
};

enum protocol_replica_state {
    PROTOCOL_STATE_STARTING = 0,
    PROTOCOL_STATE_RUNNING =
        1, /* joined the group and consuming (or idle, or without partitions) */
    PROTOCOL_STATE_WAITING = 2, /* for Kafka or ClickHouse; the last reason event says for what */
    PROTOCOL_STATE_DRAINING = 3,
};

/* Counters since the child started; the parent adds differences. fetched_records and fetched_bytes
 * go back by what was unsettled when the group took partitions away. Sent once a second while
 * something changes, each 5 s while nothing does, and before every commit. */
/* clang-format off */
#define PROTOCOL_COUNTER_TABLE(X) \
    X(fetched_records) X(sent_records) X(rejected_records) X(skipped_records) \
    X(fetched_bytes) X(fetched_wire_bytes) X(sent_bytes) X(sent_wire_bytes) \
    X(inserts) X(insert_retries) \
    X(batches_rows) X(batches_bytes) X(batches_age) X(batches_drain) X(rebalances)
/* clang-format on */
struct protocol_counters {
#define X(name) uint64_t name;
    PROTOCOL_COUNTER_TABLE(X)
#undef X
};

struct protocol_heartbeat {
    struct protocol_header header;
    uint32_t state; /* enum protocol_replica_state */
    uint32_t partitions_count;
    uint64_t resident_bytes;
    uint64_t cpu_us;            /* user + system since start */
    uint64_t unsettled_records; /* fetched − sent − rejected − skipped, counted in messages */
    uint64_t unsettled_bytes;
    struct protocol_counters counters;
    uint64_t insert_numbers[PROTOCOL_INSERT_NUMBERS]; /* since the child started, as counters */
};

struct protocol_partition {
    char topic[PROTOCOL_TOPIC_BYTES]; /* zero-terminated */
    int32_t partition;
    int32_t reserved;
    int64_t committed; /* −1 = nothing yet */
    int64_t end;       /* high watermark (last stable offset with read_committed), −1 unknown */
    int64_t position;  /* next offset to be read, −1 unknown */
};

struct protocol_partitions {
    struct protocol_header header;
    uint32_t count; /* of valid rows */
    uint32_t reserved;
    struct protocol_partition rows[PROTOCOL_PARTITIONS_PER_MESSAGE];
};

/* Latency from the record's Kafka timestamp to its insert's answer, of the last minute. Bucket i
 * counts values up to protocol_latency_bound_ms(i). */
struct protocol_latency {
    struct protocol_header header;
    int64_t max_ms;
    uint64_t counts[PROTOCOL_LATENCY_BUCKETS];
};

/* event: "reason" (waiting for something; name is a pipe reason, "" = all well again), "failed"
 * (needs a person; the child exits with PROTOCOL_EXIT_STOP), or an event type of the api
 * (rebalanced, assigned, …) that is stored as it is. "guarantee" is kept with the pipe and an event
 * only where it changes: name is a severity, text the detail, details {"mode","inserts","seconds",
 * "tableUuid","tableHash"}. */
struct protocol_event {
    struct protocol_header header;
    char event[PROTOCOL_EVENT_NAME_BYTES];
    char name[PROTOCOL_EVENT_NAME_BYTES];    /* reason code or severity */
    char text[PROTOCOL_EVENT_TEXT_BYTES];    /* zero-terminated, cut */
    char details[PROTOCOL_EVENT_TEXT_BYTES]; /* JSON object or empty */
};

_Static_assert(sizeof(struct protocol_heartbeat) < 4096, "one write must be whole");
_Static_assert(sizeof(struct protocol_partitions) < 4096, "one write must be whole");
_Static_assert(sizeof(struct protocol_latency) < 4096, "one write must be whole");
_Static_assert(sizeof(struct protocol_event) < 4096, "one write must be whole");

/* Upper bound of a latency bucket in ms: 1, 2, 3, 4, 6, 8, 12, 16, … (two steps per doubling); the
 * last bucket has none (INT64_MAX). */
int64_t protocol_latency_bound_ms(unsigned bucket);

/* The bucket of a latency (negative counts as 0). */
unsigned protocol_latency_bucket(int64_t latency_ms);

/* Fill a header for a message of this type and size. */
void protocol_header_init(
    struct protocol_header *ret_header, enum protocol_message_type type, uint32_t len_bytes,
    int64_t generation);

/* Size of a message of this type, 0 for an unknown type. */
uint32_t protocol_message_bytes(uint16_t type);

/* The header of a frame with len_bytes following. */
void protocol_frame_init(
    struct protocol_frame *ret_frame, enum protocol_frame_type type, uint32_t len_bytes);

/* Check a received frame header. ST_INVALID for bytes that are no frame, ST_UNSUPPORTED for another
 * version of the protocol, ST_TOO_LARGE past max_bytes. For readers that must not block;
 * protocol_frame_read does it by itself. */
enum status protocol_frame_check(
    const struct protocol_frame *frame, uint32_t max_bytes, struct err *err) MUST_CHECK;

/* Write one frame whole (blocking descriptor). ST_IO, ST_TOO_LARGE. */
enum status protocol_frame_write(
    int fd, enum protocol_frame_type type, const void *bytes, uint32_t len_bytes,
    struct err *err) MUST_CHECK;

/* Read one frame whole (blocking descriptor). ret_bytes: owned, zero-terminated, free().
 * ST_NOT_FOUND at the end of the stream, ST_IO, ST_INVALID for bytes that are no frame,
 * ST_UNSUPPORTED for another version, ST_TOO_LARGE past max_bytes, ST_NO_MEMORY. */
enum status protocol_frame_read(
    int fd, uint32_t max_bytes, struct protocol_frame *ret_frame, char **ret_bytes,
    struct err *err) MUST_CHECK;

/* Check the header of a message that has begun to arrive: magic, version, type, size for the type.
 * ST_INVALID; ST_UNSUPPORTED for another version of the protocol. */
enum status protocol_header_check(const struct protocol_header *header, struct err *err) MUST_CHECK;

/* Check one received message: size, magic, version, type, generation, zero-terminated texts.
 * ST_INVALID for a broken one, ST_UNSUPPORTED for another version, ST_FENCED for another
 * generation. */
enum status protocol_message_check(
    const void *bytes, uint32_t len_bytes, int64_t generation, struct err *err) MUST_CHECK;

#endif
