#ifndef WORKER_REPLICA_DECODE_AVRO_AVRO_READER_H
#define WORKER_REPLICA_DECODE_AVRO_AVRO_READER_H

/*
 * Avro binary data straight into columns. Schema and plan are compiled once into steps (per schema
 * id and mapping); a message is one pass over its bytes. Format: Apache Avro 1.11 specification.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/plan.h"
#include "worker/replica/decode/reject.h"
#include "worker/replica/decode/schema.h"

struct avro_reader;

/*
 * Compile. schema: borrowed during the call; plan: for the reader's life. ret_reader: owned,
 * avro_record_reader_free.
 * ST_INVALID: the schema is not Avro, is recursive, or cannot fill a column, with names;
 * ST_NO_MEMORY.
 */
enum status avro_record_reader_new(
    const struct schema *schema, const struct plan *plan, struct avro_reader **ret_reader,
    struct err *err) MUST_CHECK;
void avro_record_reader_free(struct avro_reader *reader);

/*
 * The cells of one message's body (behind any framing); the caller fills virtual columns and
 * commits or rolls back. JSON_PADDING_BYTES behind the body must be readable.
 * ST_OK; ST_REJECTED with ret_reject (DATA_PARSING or TYPE_CONVERSION); ST_NO_MEMORY.
 */
enum status avro_record_reader_row(
    struct avro_reader *reader, const uint8_t *body, size_t len, struct block *block,
    struct reject *ret_reject) MUST_CHECK;

#endif
