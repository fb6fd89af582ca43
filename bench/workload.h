#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

/*
 * The two messages that every bench measures with. small: a flat object of 8 fields, about 173
 * bytes. large: 30 top-level fields with two nested objects (one two levels deep), two arrays,
 * UTF-8 text and escapes in every tenth message, about 1,077 bytes, 37 columns. Made from the
 * sequence number alone, so every program sees the same bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include "bench/emit.h"

enum workload_kind {
    WORKLOAD_SMALL,
    WORKLOAD_LARGE,
};

enum {
    WORKLOAD_MESSAGE_MAX_BYTES = 8192
};

struct workload_column {
    const char *name;
    const char *type;   /* ClickHouse */
    const char *source; /* path in the message */
};

/* Write message number `sequence` without a zero byte; returns its length. out:
 * WORKLOAD_MESSAGE_MAX_BYTES. */
size_t
workload_message(enum workload_kind kind, enum emit_shape shape, uint64_t sequence, char *out);

/* The Avro schema of its EMIT_AVRO bodies. Static memory. */
const char *workload_avro_schema(enum workload_kind kind);

/* The columns it goes to. Static memory. */
const struct workload_column *workload_columns(enum workload_kind kind, size_t *ret_count);

#endif
