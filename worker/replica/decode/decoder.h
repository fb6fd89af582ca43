#ifndef WORKER_REPLICA_DECODE_DECODER_H
#define WORKER_REPLICA_DECODE_DECODER_H

/*
 * Records to rows of a block, whatever the pipe's format: JSON, JSON with a schema of the registry,
 * Avro, or raw (only virtual columns: the value is not looked at). A decoder holds the scratch
 * memory and the compiled schemas of one thread; the plan may be shared. It does no I/O: a schema
 * that is not known yet is answered with "wait". Cell rules: docs/type-mapping.md; which schema
 * reads which message: docs/messages.md.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/plan.h"
#include "worker/replica/decode/record.h"
#include "worker/replica/decode/reject.h"
#include "worker/replica/decode/schema.h"

struct decoder;

/* What became of one record. */
struct decoder_outcome {
    size_t rows_count;    /* now in the block; more than one only with penstock_multi_record */
    int32_t schema_id;    /* used, missed or refused; 0 = none, SCHEMA_PINNED = the URL's */
    struct reject reject; /* filled with ST_REJECTED only */
};

/*
 * plan, source (NULL = the pipe has no registry): borrowed for the decoder's life. ret_decoder:
 * owned, decoder_free. ST_NO_MEMORY.
 */
enum status decoder_new(
    const struct plan *plan, const struct schema_source *source, struct decoder **ret_decoder,
    struct err *err) MUST_CHECK;

void decoder_free(struct decoder *decoder);
void decoder_freep(struct decoder **decoder);

/*
 * Add the record to block, which must have the plan's columns: all of its rows or none. An empty or
 * null value is rejected (DATA_PARSING_ERROR) unless the plan is raw; see decoder_add_tombstone.
 * ST_OK: rows_count rows are in; ST_REJECTED: none, ret_outcome->reject says why; ST_UNAVAILABLE:
 * none, the schema of ret_outcome->schema_id must be waited for; ST_NO_MEMORY: none.
 */
enum status decoder_add(
    struct decoder *decoder, const struct record *record, struct block *block,
    struct decoder_outcome *ret_outcome, struct err *err) MUST_CHECK;

/*
 * Add a row of zero values (NULL where a column can hold it) with the virtual columns and those of
 * the key filled: what penstock_tombstones=row does to a null value. Statuses of decoder_add.
 */
enum status decoder_add_tombstone(
    struct decoder *decoder, const struct record *record, struct block *block,
    struct decoder_outcome *ret_outcome, struct err *err) MUST_CHECK;

/* True once for each schema that decoded its first record. */
bool decoder_take_new_schema(struct decoder *decoder, const struct schema **ret_schema);

/* Walk as on a processor without AVX2. For tests and benches: results are the same. */
void decoder_use_baseline(struct decoder *decoder);

#endif
