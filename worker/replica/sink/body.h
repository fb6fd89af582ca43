#ifndef WORKER_REPLICA_SINK_BODY_H
#define WORKER_REPLICA_SINK_BODY_H

/*
 * The bytes of one insert: a block in Native format, compressed or as pieces of the block's own
 * memory. Kept until the answer is good, so that a retry sends the same bytes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/http/http.h"
#include "common/model/pipe.h"

#include "worker/replica/block/block.h"
#include "worker/replica/block/compress.h"

struct body {
    enum pipe_compression compression;
    struct compressor *compressor; /* owned */
    bool is_made;
    struct buf compressed;
    struct http_piece whole;   /* of compressed */
    struct http_piece *pieces; /* owned; without compression */
    size_t pieces_count;
    size_t encoded_bytes; /* before compression */
};

/* max_bytes: of the compressed body. ret_body: body_done, also after a failure. ST_NO_MEMORY. */
enum status body_init(
    struct body *ret_body, enum pipe_compression compression, size_t max_bytes,
    struct err *err) MUST_CHECK;
void body_done(struct body *body);

/* Encode and compress. block: without compression borrowed until body_forget, and unchanged.
 * Statuses of block_encode and compressor_run. */
enum status body_make(struct body *body, struct block *block, struct err *err) MUST_CHECK;

/* Forget the bytes; a large buffer is given back. */
void body_forget(struct body *body);

/* For the request; borrowed until body_forget. */
const struct http_piece *body_pieces(struct body *body, size_t *ret_count);

/* Bytes on the wire, and heap memory of the buffer. */
size_t body_wire_bytes(const struct body *body);
size_t body_memory_bytes(const struct body *body);

#endif
