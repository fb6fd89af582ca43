#ifndef DEMO_CLICKHOUSE_CHDB_API_H
#define DEMO_CLICKHOUSE_CHDB_API_H

/*
 * The functions of libchdb 26.7 that are used, by name. The npm package has no C header; these are
 * the prototypes of chdb's programs/local/chdb.h with its handle types as plain pointers. All texts
 * are pointer and length.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* X(result, name without chdb_, arguments) */
/* clang-format off */
#define CHDB_API(X) \
    X(void, set_signal_handlers_enabled, (int is_enabled)) \
    X(void **, connect, (int argc, char **argv)) \
    X(void, close_conn, (void **connection)) \
    X(int, classify_query_n, (void *connection, const char *sql, size_t sql_len, \
        const char *database, size_t database_len, void *ret_analysis)) \
    X(void *, query_with_params_n, (void *connection, const char *sql, size_t sql_len, \
        const char *format, size_t format_len, const char *const *names, const size_t *name_lens, \
        const char *const *values, const size_t *value_lens, size_t count)) \
    X(void *, stream_insert_with_params_n, (void *connection, const char *sql, size_t sql_len, \
        const char *format, size_t format_len, const char *const *names, const size_t *name_lens, \
        const char *const *values, const size_t *value_lens, size_t count)) \
    X(const char *, stream_insert_error, (void *stream)) \
    X(int, stream_append, (void *stream, const void *bytes, size_t len)) \
    X(void *, stream_done, (void *stream)) \
    X(void, stream_cancel_insert, (void *stream)) \
    X(void, destroy_insert_stream, (void *stream)) \
    X(void, destroy_query_result, (void *result)) \
    X(char *, result_buffer, (void *result)) \
    X(size_t, result_length, (void *result)) \
    X(const char *, result_error, (void *result)) \
    X(uint64_t, result_rows_read, (void *result)) \
    X(uint64_t, result_bytes_read, (void *result)) \
    X(uint64_t, result_storage_rows_read, (void *result)) \
    X(uint64_t, result_storage_bytes_read, (void *result)) \
    X(uint64_t, result_rows_written, (void *result)) \
    X(uint64_t, result_bytes_written, (void *result))
/* clang-format on */

struct chdb_api {
#define X(result, name, arguments) result(*name) arguments;
    CHDB_API(X)
#undef X
};

/* What classify_query_n writes. */
struct chdb_analysis {
    uint32_t struct_bytes; /* set before the call */
    uint32_t statement_count;
    uint32_t flags;
    uint32_t query_class;
};

/* Load the library and find every function. It stays loaded until the process ends: its threads do.
 * ST_NOT_FOUND: it cannot be loaded, or is another version that lacks a function. */
enum status chdb_api_load(const char *path, struct chdb_api *ret_api, struct err *err) MUST_CHECK;

#endif
