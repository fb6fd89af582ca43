#ifndef COMMON_CLICKHOUSE_ERROR_TABLE_H
#define COMMON_CLICKHOUSE_ERROR_TABLE_H

/*
 * The table of rejected records beside each destination: its columns (docs/errors.md), and pages
 * of it for GET …/errors, newest first. Bytes come back exactly as stored.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/clickhouse/client.h"

/* X(name, type), in the table's order. The replica's inserts use the same list. */
/* clang-format off */
#define ERROR_TABLE_COLUMNS(X) \
    X(error_timestamp, "DateTime") \
    X(error_type, "LowCardinality(String)") \
    X(error_msg, "String") \
    X(record_key, "String") \
    X(record_value, "String") \
    X(record_timestamp, "DateTime64(3)") \
    X(record_partition, "Int32") \
    X(record_offset, "Int64") \
    X(record_topic, "LowCardinality(String)") \
    X(record_headers, "Map(String, String)") \
    X(schema_id, "Int32") \
    X(pipe_id, "String") \
    X(column_name, "String")
/* clang-format on */

/* X(error_type): why a record was rejected; the replica's words (worker/replica/decode/reject.h).
 */
/* clang-format off */
#define ERROR_TABLE_TYPES(X) \
    X(DATA_PARSING_ERROR) X(TYPE_CONVERSION_ERROR) X(SOURCE_SCHEMA_ERROR) \
    X(SCHEMA_VALIDATION_ERROR) X(RECORD_TOO_LARGE) X(INSERT_REJECTED)
/* clang-format on */

#define ERROR_TABLE_SUFFIX "_clickpipes_error"

/* "<table>_clickpipes_error", owned, free(); NULL if out of memory. */
char *error_table_name(const char *table);

enum {
    ERROR_PAGE_LIMIT_MAX = 1000,
    ERROR_PAGE_LIMIT_DEFAULT = 100,
    ERROR_PAGE_BUDGET_BYTES = 8 * 1024 * 1024, /* keys and values of a page; one record always */
};

struct error_bytes {
    uint8_t *bytes; /* owned, zero-terminated */
    size_t len_bytes;
};

struct error_header {
    struct error_bytes name;
    struct error_bytes value;
};

struct error_record {
    int64_t timestamp_ms; /* since 1970 UTC */
    char *type;
    char *message;
    char *column; /* "" = none */
    char *topic;
    int32_t schema_id;
    int32_t partition;
    int64_t offset;
    int64_t record_timestamp_ms;
    struct error_bytes key;
    struct error_bytes value;
    struct error_header *headers;
    size_t headers_count;
};

struct error_page {
    struct error_record *records;
    size_t count;
    char *next; /* cursor of the following page, NULL at the end */
};
void error_page_done(struct error_page *page);

/* What to show. Start from error_filter_init; all texts borrowed. */
struct error_filter {
    const char *database;
    const char *table; /* the destination's, without the suffix */
    const char *pipe_id;
    const char *type;    /* NULL = any */
    const char *topic;   /* NULL = any */
    int64_t from_ms;     /* of error_timestamp, inclusive; INT64_MIN = any */
    int64_t to_ms;       /* exclusive; INT64_MAX = any */
    int64_t partition;   /* −1 = any */
    int64_t offset_from; /* inclusive; −1 = any */
    int64_t offset_to;   /* inclusive; −1 = any */
    int limit;           /* 1–ERROR_PAGE_LIMIT_MAX */
    const char *cursor;  /* NULL or "" = first page */
};
void error_filter_init(struct error_filter *ret_filter);

/* Append the question to sql. ST_INVALID for a bad limit or cursor; statuses of buf_add. */
enum status
error_page_sql(const struct error_filter *filter, struct buf *sql, struct err *err) MUST_CHECK;

/* Read its answer. ret_page: error_page_done. ST_INVALID for another form, ST_NO_MEMORY. */
enum status error_page_parse(
    const struct error_filter *filter, const char *text, struct error_page *ret_page,
    struct err *err) MUST_CHECK;

/* Ask and read. A table that does not exist is an empty page. Statuses of clickhouse_query and of
 * both above. */
enum status error_page_read(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct error_filter *filter, struct error_page *ret_page, struct err *err) MUST_CHECK;

#endif
