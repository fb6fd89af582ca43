#ifndef WORKER_REPLICA_DECODE_DECODER_H
#define WORKER_REPLICA_DECODE_DECODER_H

/*
 * JSON records to rows of a block: one pass over the bytes, straight into the column builders.
 * A decoder holds the scratch memory and the learned key order of one thread; the plan may be
 * shared. Cell rules: docs/type-mapping.md.
 */

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/plan.h"
#include "worker/replica/decode/record.h"
#include "worker/replica/decode/reject.h"

struct decoder;

/* plan: borrowed for the decoder's life. ret_decoder: owned, decoder_free. ST_NO_MEMORY. */
enum status
decoder_new(const struct plan *plan, struct decoder **ret_decoder, struct err *err) MUST_CHECK;

void decoder_free(struct decoder *decoder);
void decoder_freep(struct decoder **decoder);

/*
 * Add the record as one row of block, which must have the plan's columns. An empty or null value
 * is rejected (DATA_PARSING_ERROR) unless the plan is raw; see decoder_add_tombstone.
 * ST_OK: the row is in the block; ST_REJECTED: the block is as before and ret_reject says why
 * (ret_reject is touched only then); ST_NO_MEMORY: the block is as before.
 */
enum status decoder_add(
    struct decoder *decoder, const struct record *record, struct block *block,
    struct reject *ret_reject, struct err *err) MUST_CHECK;

/*
 * Add a row of zero values (NULL where a column can hold it) with the virtual columns filled: what
 * penstock_tombstones=row does to a null value. ST_OK, ST_NO_MEMORY (block as before).
 */
enum status decoder_add_tombstone(
    struct decoder *decoder, const struct record *record, struct block *block,
    struct err *err) MUST_CHECK;

/* Walk as on a processor without AVX2. For tests and benches: results are the same. */
void decoder_use_baseline(struct decoder *decoder);

#endif
