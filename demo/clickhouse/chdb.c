/*
 * What the engine needs to behave, each found by trying: its signal handlers off before anything
 * else (a crash would hang the process for ever); stdin from nowhere (it reads waiting bytes as
 * inserted data); an empty working directory; `default` as a real database (data_directory.h).
 */
#include "demo/clickhouse/chdb.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

#include "demo/clickhouse/chdb_api.h"
#include "demo/clickhouse/data_directory.h"

enum {
    ARGUMENTS_MAX = 8,
    ARGUMENT_MAX_BYTES = 8192,
    WORD_BYTES = 64, /* version, time zone */
};

struct engine {
    struct chdb_api api;
    struct buf path_argument; /* --path=<absolute> */
    /* Stays open so that the engine does: it ends with its last connection. Also makes `default`
     * again after somebody dropped it, for without it no session can be opened. */
    void **keeper;
    pthread_mutex_t keeper_lock;
    char version[WORD_BYTES];
    char timezone[WORD_BYTES];
};

struct session {
    struct engine *engine;
    void **connection;
};

struct insert {
    struct session *session; /* borrowed */
    void *stream;
    bool is_finished;
};

const char *engine_version(const struct engine *e)
{
    return e->version;
}

const char *engine_timezone(const struct engine *e)
{
    return e->timezone;
}

/* The engine takes char **; it only reads. */
static void **connect_engine(const struct engine *e, const char *const *more, size_t more_count)
{
    /* As a server behaves, unlike chdb: "1" alone is no query. */
    const char *const arguments[] = {
        "penstock", buf_text(&e->path_argument), "--implicit_select=0",
        "--allow_introspection_functions=0"};
    char *argv[ARGUMENTS_MAX];
    size_t argc = 0;
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
        memcpy(&argv[argc++], &arguments[i], sizeof(argv[0]));
    }
    for (size_t i = 0; i < more_count; i++) {
        memcpy(&argv[argc++], &more[i], sizeof(argv[0]));
    }
    assert(argc <= ARGUMENTS_MAX);
    void **connection = e->api.connect((int)argc, argv);
    return connection != NULL && *connection != NULL ? connection : NULL;
}

static enum status
read_word(struct engine *e, const char *sql, char ret_word[WORD_BYTES], struct err *err)
{
    struct session *s = NULL;
    enum status st = session_open(e, &s);
    if (st != ST_OK) {
        return err_set(err, ST_IO, "the engine gives no session");
    }
    struct session_statement statement = {.sql = sql, .sql_len = strlen(sql), .format = "TSVRaw"};
    statement.format_len = strlen(statement.format);
    struct answer answer = {0};
    struct fault fault = {0};
    st = session_run(s, &statement, &answer, &fault);
    if (st != ST_OK || answer.len_bytes == 0 || answer.len_bytes > WORD_BYTES) {
        st = err_set(
            err, ST_IO, "the engine does not answer %s: %s", sql,
            fault.text == NULL ? "unexpected answer" : fault.text);
    } else {
        memcpy(ret_word, answer.bytes, answer.len_bytes);
        ret_word[answer.len_bytes - 1] = 0; /* the line end */
    }
    answer_done(&answer);
    fault_done(&fault);
    session_free(s);
    return st;
}

static enum status start(struct engine *e, const struct engine_options *options, struct err *err)
{
    struct buf config;
    buf_init(&config, ARGUMENT_MAX_BYTES);
    const char *more[3] = {"--default_database=", "--database=default"};
    size_t more_count = 2;
    if (options->config_file != NULL) {
        enum status st = buf_add_format(&config, "--config-file=%s", options->config_file);
        if (st != ST_OK) {
            return err_set(err, st, "the path of the config file is too long");
        }
        more[more_count++] = buf_text(&config);
    }
    e->keeper = connect_engine(e, more, more_count);
    buf_done(&config);
    if (e->keeper == NULL) {
        return err_set(
            err, ST_IO, "the engine cannot open %s (is another server running on it?)",
            options->directory);
    }
    enum status st = read_word(e, "SELECT version()", e->version, err);
    return st == ST_OK ? read_word(e, "SELECT timezone()", e->timezone, err) : st;
}

enum status
engine_open(const struct engine_options *options, struct engine **ret_engine, struct err *err)
{
    assert(options != NULL && ret_engine != NULL);
    struct engine *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the engine");
    }
    int code = pthread_mutex_init(&e->keeper_lock, NULL);
    assert(code == 0); /* cannot fail for a default mutex on Linux */
    (void)code;
    enum status st = chdb_api_load(options->library, &e->api, err);
    buf_init(&e->path_argument, ARGUMENT_MAX_BYTES);
    if (st == ST_OK) {
        e->api.set_signal_handlers_enabled(0);
        st = buf_add_text(&e->path_argument, "--path=");
    }
    st = st == ST_OK ? data_directory_prepare(options->directory, &e->path_argument, err) : st;
    st = st == ST_OK ? start(e, options, err) : st;
    if (st != ST_OK) {
        engine_close(e);
        return st;
    }
    *ret_engine = e;
    return ST_OK;
}

void engine_close(struct engine *e)
{
    if (e == NULL) {
        return;
    }
    if (e->keeper != NULL) {
        e->api.close_conn(e->keeper);
    }
    buf_done(&e->path_argument);
    (void)pthread_mutex_destroy(&e->keeper_lock); /* nobody holds it: no session is open */
    free(e);
}

/* The server's database `default` cannot be missing; a client may have dropped it. */
static void make_default_again(struct engine *e)
{
    static const char sql[] = "CREATE DATABASE IF NOT EXISTS default ENGINE = Atomic";
    (void)pthread_mutex_lock(&e->keeper_lock); /* cannot fail for a default mutex */
    void *result = e->api.query_with_params_n(
        *e->keeper, sql, sizeof(sql) - 1, "TSV", 3, NULL, NULL, NULL, NULL, 0);
    e->api.destroy_query_result(result);
    (void)pthread_mutex_unlock(&e->keeper_lock);
}

enum status session_open(struct engine *e, struct session **ret_session)
{
    struct session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ST_NO_MEMORY;
    }
    s->engine = e;
    s->connection = connect_engine(e, NULL, 0);
    if (s->connection == NULL) {
        make_default_again(e);
        s->connection = connect_engine(e, NULL, 0);
    }
    if (s->connection == NULL) {
        free(s);
        return ST_UNAVAILABLE;
    }
    *ret_session = s;
    return ST_OK;
}

void session_free(struct session *s)
{
    if (s == NULL) {
        return;
    }
    s->engine->api.close_conn(s->connection);
    free(s);
}

void answer_done(struct answer *a)
{
    if (a->result != NULL) {
        a->api->destroy_query_result(a->result);
    }
    *a = (struct answer){0};
}

static enum status take_answer(
    const struct chdb_api *api, void *result, struct answer *ret_answer, struct fault *fault)
{
    if (result == NULL) {
        fault_set(
            fault, FAULT_UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", "the engine gives no answer");
        return ST_REJECTED;
    }
    const char *error = api->result_error(result);
    if (error != NULL && error[0] != 0) {
        fault_set_engine(fault, error);
        api->destroy_query_result(result);
        return ST_REJECTED;
    }
    ret_answer->api = api;
    ret_answer->result = result;
    ret_answer->bytes = (const uint8_t *)api->result_buffer(result);
    ret_answer->len_bytes = ret_answer->bytes == NULL ? 0 : api->result_length(result);
    ret_answer->rows_read = api->result_storage_rows_read(result);
    ret_answer->bytes_read = api->result_storage_bytes_read(result);
    ret_answer->result_rows = api->result_rows_read(result);
    ret_answer->result_bytes = api->result_bytes_read(result);
    ret_answer->rows_written = api->result_rows_written(result);
    ret_answer->bytes_written = api->result_bytes_written(result);
    return ST_OK;
}

enum status session_run(
    struct session *s, const struct session_statement *statement, struct answer *ret_answer,
    struct fault *fault)
{
    assert(s != NULL && statement->sql != NULL && ret_answer != NULL);
    const struct chdb_api *api = &s->engine->api;
    const struct session_parameters none = {.count = 0};
    const struct session_parameters *p =
        statement->parameters == NULL ? &none : statement->parameters;
    void *result = api->query_with_params_n(
        *s->connection, statement->sql, statement->sql_len, statement->format,
        statement->format_len, p->names, p->name_lens, p->values, p->value_lens, p->count);
    return take_answer(api, result, ret_answer, fault);
}

enum status session_run_text(struct session *s, const char *sql, struct fault *fault)
{
    struct session_statement statement = {
        .sql = sql, .sql_len = strlen(sql), .format = "TSV", .format_len = 3};
    struct answer answer = {0};
    enum status st = session_run(s, &statement, &answer, fault);
    answer_done(&answer);
    return st;
}

uint32_t session_count_statements(struct session *s, const char *sql, size_t sql_len)
{
    struct chdb_analysis analysis = {.struct_bytes = sizeof(analysis)};
    int failed = s->engine->api.classify_query_n(*s->connection, sql, sql_len, NULL, 0, &analysis);
    return failed != 0 ? 0 : analysis.statement_count;
}

enum status session_insert(
    struct session *s, const struct session_statement *statement, struct insert **ret_insert,
    struct fault *fault)
{
    assert(s != NULL && statement->format != NULL && ret_insert != NULL);
    const struct chdb_api *api = &s->engine->api;
    struct insert *i = calloc(1, sizeof(*i));
    if (i == NULL) {
        fault_set(fault, FAULT_MEMORY_LIMIT_EXCEEDED, "MEMORY_LIMIT_EXCEEDED", "no memory");
        return ST_REJECTED;
    }
    const struct session_parameters none = {.count = 0};
    const struct session_parameters *p =
        statement->parameters == NULL ? &none : statement->parameters;
    i->session = s;
    i->stream = api->stream_insert_with_params_n(
        *s->connection, statement->sql, statement->sql_len, statement->format,
        statement->format_len, p->names, p->name_lens, p->values, p->value_lens, p->count);
    const char *error = api->stream_insert_error(i->stream);
    if (error != NULL && error[0] != 0) {
        fault_set_engine(fault, error);
        i->is_finished = true; /* it never began: there is nothing to cancel */
        insert_free(i);
        return ST_REJECTED;
    }
    *ret_insert = i;
    return ST_OK;
}

enum status
insert_append(struct insert *i, const uint8_t *bytes, size_t len_bytes, struct fault *fault)
{
    const struct chdb_api *api = &i->session->engine->api;
    if (api->stream_append(i->stream, bytes, len_bytes) == 0) {
        return ST_OK;
    }
    const char *error = api->stream_insert_error(i->stream);
    fault_set_engine(fault, error == NULL ? "the engine takes no more data" : error);
    return ST_REJECTED;
}

enum status insert_finish(struct insert *i, struct answer *ret_answer, struct fault *fault)
{
    assert(!i->is_finished);
    const struct chdb_api *api = &i->session->engine->api;
    i->is_finished = true;
    return take_answer(api, api->stream_done(i->stream), ret_answer, fault);
}

void insert_free(struct insert *i)
{
    if (i == NULL) {
        return;
    }
    const struct chdb_api *api = &i->session->engine->api;
    if (!i->is_finished) {
        api->stream_cancel_insert(i->stream);
    }
    api->destroy_insert_stream(i->stream);
    free(i);
}
