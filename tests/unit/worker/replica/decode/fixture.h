#ifndef TESTS_UNIT_WORKER_REPLICA_DECODE_FIXTURE_H
#define TESTS_UNIT_WORKER_REPLICA_DECODE_FIXTURE_H

/* A plan, a decoder and a block for a list of columns; documents in, cells out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/replica/block/block.h"
#include "worker/replica/block/column.h"
#include "worker/replica/decode/decoder.h"

#include <cmocka.h>

enum {
    FIXTURE_COLUMNS_MAX = 64
};

struct fixture_column {
    const char *name;
    const char *type;
    const char *source; /* NULL = the field of the column's name */
};

struct fixture {
    struct pipe_spec spec;
    struct plan *plan;
    struct decoder *decoder;
    struct block *block;
    struct decoder_outcome outcome;
    struct reject reject; /* of the last one rejected */
};

/* settings may be NULL (defaults). columns end with a NULL name. */
void fixture_open(
    struct fixture *f, const struct fixture_column *columns, const struct pipe_settings *settings);
void fixture_close(struct fixture *f);

/* Decode a document of len bytes (or text). */
enum status fixture_add_bytes(struct fixture *f, const void *bytes, size_t len);
enum status fixture_add(struct fixture *f, const char *text);

/* Is the last row of this column a fixed-width cell of that value? */
void fixture_assert_u64(struct fixture *f, size_t column, uint64_t value);

/* Is it a string? */
void fixture_assert_text(struct fixture *f, size_t column, const char *text);

#endif
