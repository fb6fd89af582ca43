/* Either one compressed buffer or a list of pieces, never both. */
#include "worker/replica/sink/body.h"

#include <stdlib.h>

enum {
    BODY_KEEP_BYTES = 64 * 1024 * 1024,
};

enum status body_init(
    struct body *ret_body, enum pipe_compression compression, size_t max_bytes, struct err *err)
{
    *ret_body = (struct body){.compression = compression};
    buf_init(&ret_body->compressed, max_bytes);
    return compressor_new(compression, &ret_body->compressor, err);
}

void body_done(struct body *body)
{
    body_forget(body);
    buf_done(&body->compressed);
    compressor_freep(&body->compressor);
}

void body_forget(struct body *body)
{
    body->is_made = false;
    free(body->pieces);
    body->pieces = NULL;
    body->pieces_count = 0;
    if (body->compressed.capacity_bytes > BODY_KEEP_BYTES) {
        buf_done(&body->compressed);
    } else {
        buf_reset(&body->compressed);
    }
}

static enum status
body_list(struct body *body, const struct block_piece *pieces, size_t count, struct err *err)
{
    body->pieces = calloc(count + 1, sizeof(body->pieces[0]));
    if (body->pieces == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a body of %zu pieces", count);
    }
    for (size_t i = 0; i < count; i++) {
        body->pieces[i] =
            (struct http_piece){.bytes = pieces[i].bytes, .len_bytes = pieces[i].len_bytes};
    }
    body->pieces_count = count;
    return ST_OK;
}

enum status body_make(struct body *body, struct block *block, struct err *err)
{
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    enum status st = block_encode(block, &pieces, &count, err);
    if (st != ST_OK) {
        return st;
    }
    body->encoded_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        body->encoded_bytes += pieces[i].len_bytes;
    }
    st = body->compression == PIPE_COMPRESSION_NONE
             ? body_list(body, pieces, count, err)
             : compressor_run(body->compressor, pieces, count, &body->compressed, err);
    body->is_made = st == ST_OK;
    return st;
}

const struct http_piece *body_pieces(struct body *body, size_t *ret_count)
{
    if (body->pieces != NULL) {
        *ret_count = body->pieces_count;
        return body->pieces;
    }
    body->whole = (struct http_piece){
        .bytes = body->compressed.bytes, .len_bytes = body->compressed.len_bytes};
    *ret_count = 1;
    return &body->whole;
}

size_t body_wire_bytes(const struct body *body)
{
    return body->pieces != NULL ? body->encoded_bytes : body->compressed.len_bytes;
}

size_t body_memory_bytes(const struct body *body)
{
    return body->compressed.capacity_bytes;
}
