#ifndef WORKER_REPLICA_DECODE_READER_H
#define WORKER_REPLICA_DECODE_READER_H

/*
 * One schema of the registry made ready for one plan: the only file that knows both the Avro room
 * and the JSON Schema room.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/avro/avro_reader.h"
#include "worker/replica/decode/plan.h"
#include "worker/replica/decode/reject.h"
#include "worker/replica/decode/schema.h"
#include "worker/replica/decode/validate/json_schema.h"

/* What a message must be written with. */
enum reader_kind {
    READER_AVRO,
    READER_JSON, /* and every document is checked against its schema */
    READER_ANY,  /* Avro or JSON, unchecked: keys */
};

/* One schema. avro or, for JSON that is checked, json; neither for JSON that is not. */
struct reader {
    const struct schema *schema; /* borrowed from the source */
    struct avro_reader *avro;    /* owned */
    struct json_schema *json;    /* owned */
    char *reason;                /* owned; why it cannot be used, NULL = it can */
    uint64_t used;               /* when last, in finds */
    bool is_told;                /* readers_take_new gave it */
};

/* schema (of the source), plan: borrowed for life. ST_OK, also for a schema that cannot be used
 * (reason); ST_NO_MEMORY. ret_reader: reader_done. */
enum status reader_init(
    struct reader *ret_reader, enum reader_kind kind, const struct schema *schema,
    const struct plan *plan) MUST_CHECK;

/* Safe twice and on a zeroed struct. */
void reader_done(struct reader *reader);

/* The cells of an Avro body with JSON_PADDING_BYTES readable behind it; statuses of
 * avro_record_reader_row. */
enum status reader_avro_row(
    const struct reader *reader, const uint8_t *body, size_t len, struct block *block,
    struct reject *ret_reject) MUST_CHECK;

/* Check a document, if it is to be checked: ST_OK, ST_REJECTED (SCHEMA_VALIDATION), ST_NO_MEMORY.
 * What is not JSON at all is ST_OK: the walk says better what is wrong with it. */
enum status reader_check(
    const struct reader *reader, const uint8_t *document, size_t len,
    struct reject *ret_reject) MUST_CHECK;

#endif
