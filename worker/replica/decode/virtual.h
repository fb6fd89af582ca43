#ifndef WORKER_REPLICA_DECODE_VIRTUAL_H
#define WORKER_REPLICA_DECODE_VIRTUAL_H

/*
 * Virtual columns: parts of the Kafka record itself as cells. The eight names of ClickPipes and the
 * aliases of ClickHouse's Kafka engine. The destination's type decides the form.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/clickhouse/type.h"

#include "worker/replica/block/column.h"
#include "worker/replica/decode/record.h"

/* clang-format off */
#define VIRTUAL_TABLE(X) \
    X(VIRTUAL_KEY,           "_key") \
    X(VIRTUAL_TIMESTAMP,     "_timestamp") \
    X(VIRTUAL_TIMESTAMP_MS,  "_timestamp_ms") \
    X(VIRTUAL_PARTITION,     "_partition") \
    X(VIRTUAL_OFFSET,        "_offset") \
    X(VIRTUAL_TOPIC,         "_topic") \
    X(VIRTUAL_HEADER_KEYS,   "_header_keys") \
    X(VIRTUAL_HEADER_VALUES, "_header_values") \
    X(VIRTUAL_HEADER_NAME,   "_headers.name")  /* the Kafka engine's _header_keys */ \
    X(VIRTUAL_HEADER_VALUE,  "_headers.value") \
    X(VIRTUAL_RAW_MESSAGE,   "_raw_message")
/* clang-format on */

enum virtual_kind {
#define X(kind, name) kind,
    VIRTUAL_TABLE(X)
#undef X
};

/* True if the name is a virtual column's. */
bool virtual_find(const char *name, enum virtual_kind *ret_kind);

/* True if a cell of it needs the record's headers. */
bool virtual_needs_headers(enum virtual_kind kind);

/* Can this virtual column be written as this type? ST_OK or ST_INVALID with the reason. */
enum status
virtual_check(enum virtual_kind kind, const struct ch_type *type, struct err *err) MUST_CHECK;

/* What the cells of one record share. */
struct virtual_headers {
    const struct record_header *items;
    size_t count;
};

/* Append the cell. headers may be NULL if no column needs them. False: no memory. */
bool virtual_write(
    enum virtual_kind kind, const struct record *record, const struct virtual_headers *headers,
    struct column *column) MUST_CHECK;

#endif
