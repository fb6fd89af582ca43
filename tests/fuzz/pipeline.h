#ifndef TESTS_FUZZ_PIPELINE_H
#define TESTS_FUZZ_PIPELINE_H

/* Plan, decoder and block for a list of columns: documents in, Native bytes out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/decoder.h"

struct pipeline_column {
    const char *name;
    const char *type;
    const char *source; /* NULL = the field of the column's name */
};

enum {
    PIPELINE_COLUMNS_MAX = 16
};

struct pipeline {
    struct pipe_column wanted[PIPELINE_COLUMNS_MAX];
    struct pipe_field_mapping mappings[PIPELINE_COLUMNS_MAX];
    struct pipe_spec spec;
    struct plan *plan;
    struct decoder *decoder;
    struct block *block;
    struct reject reject;
};

/* settings may be NULL. False: a type is not supported (yet). Anything else ends the program. */
bool pipeline_open(
    struct pipeline *p, const struct pipeline_column *columns, size_t count,
    const struct pipe_settings *settings, bool is_baseline);
void pipeline_close(struct pipeline *p);

/* Decode a document from memory that ends where it ends. Not ST_NO_MEMORY. */
enum status pipeline_add(struct pipeline *p, const uint8_t *document, size_t len);

/* The block's bytes, into out (emptied before). */
void pipeline_encode(struct block *block, struct buf *out);

#endif
