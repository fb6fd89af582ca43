#ifndef WORKER_REPLICA_BLOCK_COMPRESS_H
#define WORKER_REPLICA_BLOCK_COMPRESS_H

/*
 * The body of an insert: pieces of an encoded block through LZ4 (frame format) or zstd (level 1),
 * for the request header `Content-Encoding`. Pieces are compressed a part at a time while they are
 * in the core's cache.
 */

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

#include "worker/replica/block/block.h"

struct compressor;

/* ret_compressor: owned, compressor_free. ST_NO_MEMORY. */
enum status compressor_new(
    enum pipe_compression method, struct compressor **ret_compressor, struct err *err) MUST_CHECK;

void compressor_free(struct compressor *compressor);
void compressor_freep(struct compressor **compressor);

/*
 * Append the pieces, compressed as one frame, to out. On failure out is as before.
 * ST_TOO_LARGE (out's maximum), ST_NO_MEMORY, ST_INTERNAL (the library's own error).
 */
enum status compressor_run(
    struct compressor *compressor, const struct block_piece *pieces, size_t pieces_count,
    struct buf *out, struct err *err) MUST_CHECK;

#endif
