#ifndef WORKER_REPLICA_LEDGER_INTENT_H
#define WORKER_REPLICA_LEDGER_INTENT_H

/*
 * What is sent to ClickHouse and not confirmed yet, per partition, as the text that is committed
 * beside the group's offset in exactly-once mode (the offset's metadata). It is written before the
 * insert and read at every assignment: whoever has the partition then repeats exactly these ranges.
 * Pure: no clock, no Kafka, no I/O.
 *
 * The text is "p1:" and base64 of: the pipe's UUID (16 bytes), the epoch, the nonce (8 bytes, low
 * byte first), the number of ranges, per range the records skipped since the range before, the
 * length, the count, the two times, the mapping version, one byte of flags and, where it is another
 * than of the range before, the table's UUID (16 bytes); then the first 8 bytes of the SHA-256 of
 * all that. Numbers are LEB128, the signed differences of times zigzag (as Protocol Buffers and
 * Avro write them). One intent has one text. A text of a later form of Penstock begins with another
 * number than 1.
 *
 * Thirty ranges of any values fit into INTENT_BYTES_MAX; usual ones take some 25 bytes each.
 * Brokers take 4,096 (offset.metadata.max.bytes).
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

enum {
    INTENT_RANGES_MAX = 30,
    INTENT_BYTES_MAX = 3900,
    INTENT_UUID_BYTES = 16
};

/* Flags of a range. */
enum {
    INTENT_DIVIDED = 1 /* it replaces, with its neighbour, a range that ClickHouse refused whole */
};

/* Records of one partition that go into one insert. */
struct intent_range {
    int64_t first; /* offsets, both included; first >= 0 */
    int64_t last;
    uint64_t count;           /* Kafka records in it; fewer than offsets where the log has holes */
    int64_t first_ms;         /* timestamps of the first and the last record; −1 = none */
    int64_t last_ms;          /* may be earlier than first_ms */
    uint64_t mapping_version; /* what the records were decoded with */
    uint8_t table_uuid[INTENT_UUID_BYTES]; /* zeros: the table has none */
    uint8_t flags;
};

struct intent {
    uint8_t pipe_uuid[INTENT_UUID_BYTES]; /* another pipe may have used the group before */
    uint64_t epoch; /* of the pipe: raised by whatever rewinds it on purpose */
    uint64_t nonce; /* random; new whenever the metadata found was not this epoch's */
    struct intent_range ranges[INTENT_RANGES_MAX]; /* upwards, none overlaps another */
    size_t ranges_count;
};

/* Append the text. ST_TOO_LARGE: more than INTENT_RANGES_MAX ranges, or more than out takes;
 * ST_INVALID: a range that ends before it begins, is negative, out of order, or has flags that are
 * not defined; ST_NO_MEMORY; ST_INTERNAL: no SHA-256. out is unchanged then. */
enum status intent_write(const struct intent *intent, struct buf *out, struct err *err) MUST_CHECK;

/* Read a text; ret_intent is untouched unless ST_OK. ST_NOT_FOUND: text is NULL or empty, nothing
 * was ever committed with it. ST_UNSUPPORTED: written by a Penstock with a later form. ST_INVALID:
 * of something else, or damaged (a changed, missing or additional byte anywhere). ST_NO_MEMORY,
 * ST_INTERNAL as intent_write. */
enum status intent_read(const char *text, struct intent *ret_intent, struct err *err) MUST_CHECK;

#endif
