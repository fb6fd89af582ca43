#ifndef DEMO_CLICKHOUSE_CHDB_H
#define DEMO_CLICKHOUSE_CHDB_H

/*
 * The engine: libchdb, loaded from a path at run time (566 MB, so building must not need it; it has
 * no header, the prototypes are declared in chdb.c). One engine per process, one session per HTTP
 * request. A failed statement is ST_REJECTED with the engine's own words in a struct fault.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "demo/clickhouse/fault.h"

struct chdb_api;
struct engine;
struct session;
struct insert;

struct engine_options {
    const char *library;     /* path of libchdb.so */
    const char *directory;   /* data; made if it is not there */
    const char *config_file; /* ClickHouse's XML, may be NULL */
};

/* Load the library and open the data. Call before any thread is started and with signals blocked:
 * the engine's threads inherit the mask. The working directory becomes an empty one below the data:
 * the engine would take files of the working directory for tables. Options are borrowed during the
 * call. Owned by the caller (engine_close). ST_NOT_FOUND: no such library. ST_IO: the data cannot
 * be opened (another process has it?). ST_NO_MEMORY. */
enum status engine_open(
    const struct engine_options *options, struct engine **ret_engine, struct err *err) MUST_CHECK;

/* Flush and close; no session may be open. NULL is fine. */
void engine_close(struct engine *e);

/* ClickHouse's version and time zone. Borrowed until engine_close. */
const char *engine_version(const struct engine *e);
const char *engine_timezone(const struct engine *e);

/* A session of its own settings and current database (`default`). Owned by the caller. Safe from
 * several threads. ST_UNAVAILABLE: the engine gives none. ST_NO_MEMORY. */
enum status session_open(struct engine *e, struct session **ret_session) MUST_CHECK;

/* NULL is fine. */
void session_free(struct session *s);

enum {
    SESSION_PARAMETERS_MAX = 64
};

/* Values for {name:Type} in a statement, as escaped text (the engine's form). All borrowed. */
struct session_parameters {
    const char *names[SESSION_PARAMETERS_MAX];
    size_t name_lens[SESSION_PARAMETERS_MAX];
    const char *values[SESSION_PARAMETERS_MAX];
    size_t value_lens[SESSION_PARAMETERS_MAX];
    size_t count;
};

struct session_statement {
    const char *sql;
    size_t sql_len;
    const char
        *format; /* of the answer, unless the statement names one; for an insert: of the data */
    size_t format_len;
    const struct session_parameters *parameters; /* NULL: none */
};

struct answer {
    const struct chdb_api *api;
    void *result;         /* the engine's, NULL if there is none */
    const uint8_t *bytes; /* borrowed until answer_done */
    size_t len_bytes;
    uint64_t rows_read;
    uint64_t bytes_read;
    uint64_t result_rows;
    uint64_t result_bytes;
    uint64_t rows_written;
    uint64_t bytes_written;
};

/* Run a statement without data (also INSERT SELECT). ret_answer: owned, answer_done. ST_REJECTED.
 */
enum status session_run(
    struct session *s, const struct session_statement *statement, struct answer *ret_answer,
    struct fault *fault) MUST_CHECK;

/* Run a text for its effect. ST_REJECTED. */
enum status session_run_text(struct session *s, const char *sql, struct fault *fault) MUST_CHECK;

/* How many statements a text holds, as the engine's parser counts; 0 if it does not parse. */
uint32_t session_count_statements(struct session *s, const char *sql, size_t sql_len);

/* Begin an INSERT; sql has no FORMAT and no data. Until insert_free the session takes no other
 * statement. ST_REJECTED. */
enum status session_insert(
    struct session *s, const struct session_statement *statement, struct insert **ret_insert,
    struct fault *fault) MUST_CHECK;

/* Give data in pieces of any size; blocks while the engine is behind. ST_REJECTED. */
enum status insert_append(
    struct insert *i, const uint8_t *bytes, size_t len_bytes, struct fault *fault) MUST_CHECK;

/* End of data: commit. ret_answer as session_run. ST_REJECTED: nothing of it is stored. */
enum status
insert_finish(struct insert *i, struct answer *ret_answer, struct fault *fault) MUST_CHECK;

/* Cancels what is not finished. NULL is fine. */
void insert_free(struct insert *i);

/* Free the engine's memory. Safe on a zeroed struct and twice. Any thread. */
void answer_done(struct answer *a);

#endif
