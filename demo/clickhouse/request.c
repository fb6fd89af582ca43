/* Order of things as on the real server: who asks, database, settings, statement, data. */
#include "demo/clickhouse/request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/base/uuid.h"

#include "demo/clickhouse/arguments.h"
#include "demo/clickhouse/decode.h"
#include "demo/clickhouse/format_type.h"
#include "demo/clickhouse/split.h"

enum {
    SUMMARY_BYTES = 512,
};

enum request_state {
    REQUEST_COLLECTING, /* it may still become an INSERT with data */
    REQUEST_STATEMENT,  /* the whole text is one statement */
    REQUEST_INSERTING,  /* the engine has the INSERT, what comes is data */
};

struct request {
    const struct request_server *server;
    const struct request_head *head;
    struct arguments arguments;
    enum request_state state;
    struct fault fault; /* once set, the rest of the body is dropped */
    struct session *session;
    struct decoder *decoder;
    struct insert *insert;
    struct buf text; /* URL's query and what of the body is query text */
    struct buf body; /* of the reply to a failed request */
    uint8_t *packed; /* gzip of the reply's body */
    struct answer answer;
    int64_t started_us;
    char query_id[REQUEST_NAME_BYTES];
    char format[REQUEST_NAME_BYTES];
    char summary[SUMMARY_BYTES];
};

/* A status that came without words of its own becomes a fault; an earlier fault stays. */
static void fail(struct request *r, enum status st)
{
    switch (st) {
    case ST_OK:
        return;
    case ST_TOO_LARGE:
        fault_set(
            &r->fault, FAULT_QUERY_IS_TOO_LARGE, "QUERY_IS_TOO_LARGE",
            "the query text is larger than %d bytes", REQUEST_TEXT_MAX_BYTES);
        return;
    case ST_NO_MEMORY:
        fault_set(&r->fault, FAULT_MEMORY_LIMIT_EXCEEDED, "MEMORY_LIMIT_EXCEEDED", "no memory");
        return;
    case ST_INVALID:
    case ST_UNAUTHORIZED:
    case ST_FORBIDDEN:
    case ST_NOT_FOUND:
    case ST_METHOD:
    case ST_CONFLICT:
    case ST_RATE_LIMITED:
    case ST_INTERNAL:
    case ST_IO:
    case ST_UNSUPPORTED:
    case ST_UNAVAILABLE:
    case ST_TIMEOUT:
    case ST_REJECTED:
    case ST_STOP:
    case ST_FENCED:
    case ST_CANCELLED:
    case ST_NO_WORKER:
        break;
    }
    fault_set(
        &r->fault, FAULT_UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", "the engine is not there (%s)",
        status_text(st));
}

static enum status authenticate(struct request *r)
{
    char user[AUTH_USER_BYTES];
    struct auth_claim claim = {
        .authorization = r->head->authorization,
        .header_user = r->head->user,
        .header_key = r->head->key,
        .url_user = r->arguments.user,
        .url_password = r->arguments.password,
    };
    if (auth_check(&r->server->auth, &claim, user)) {
        return ST_OK;
    }
    fault_set(
        &r->fault, FAULT_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED",
        "%s: Authentication failed: password is incorrect, or there is no user with such name",
        user);
    return ST_REJECTED;
}

static enum status use_database(struct request *r)
{
    const char *name = r->arguments.database;
    if (name == NULL || name[0] == 0) {
        return ST_OK;
    }
    struct buf sql;
    buf_init(&sql, REQUEST_TEXT_MAX_BYTES);
    enum status st = buf_add_text(&sql, "USE ");
    st = st == ST_OK ? arguments_add_quoted(&sql, '`', name, strlen(name)) : st;
    st = st == ST_OK ? session_run_text(r->session, buf_text(&sql), &r->fault) : st;
    buf_done(&sql);
    return st;
}

static enum status apply_settings(struct request *r)
{
    if (r->arguments.set_statement.len_bytes > 0) {
        enum status st =
            session_run_text(r->session, buf_text(&r->arguments.set_statement), &r->fault);
        if (st != ST_OK) {
            return st;
        }
    }
    if (!r->head->is_read_only) {
        return ST_OK;
    }
    struct fault refused = {0};
    enum status st = session_run_text(r->session, "SET readonly = 2", &refused);
    bool is_stricter_already = st != ST_OK; /* the URL said readonly=1: nothing more to forbid */
    (void)is_stricter_already;
    fault_done(&refused);
    return ST_OK;
}

static enum status sink(void *context, const uint8_t *bytes, size_t len_bytes);

static enum status open_decoder(struct request *r)
{
    enum decode_encoding encoding = DECODE_PLAIN;
    if (decode_encoding_parse(r->head->content_encoding, &encoding) != ST_OK) {
        fault_set(
            &r->fault, FAULT_UNKNOWN_COMPRESSION_METHOD, "UNKNOWN_COMPRESSION_METHOD",
            "Unknown compression method: %s", r->head->content_encoding);
        return ST_REJECTED;
    }
    const char *type = r->head->content_type;
    if (type != NULL && strncasecmp(type, "multipart/form-data", 19) == 0) {
        fault_set(
            &r->fault, FAULT_NOT_IMPLEMENTED, "NOT_IMPLEMENTED",
            "the development server does not know multipart bodies");
        return ST_REJECTED;
    }
    return decoder_new(encoding, r->arguments.has_blocks, sink, r, &r->decoder);
}

/* INSERT text[0, head_len), its late SETTINGS, then the data that has arrived with it. */
static enum status
begin_insert(struct request *r, const struct split *split, const char *format, size_t format_len)
{
    const char *text = buf_text(&r->text);
    struct buf head;
    buf_init(&head, 2 * (size_t)REQUEST_TEXT_MAX_BYTES);
    enum status st = buf_add(&head, text, split->head_len);
    st = st == ST_OK ? buf_add_text(&head, " ") : st;
    st = st == ST_OK ? buf_add(&head, text + split->settings_at, split->settings_len) : st;
    /* The engine appends " FORMAT x": behind a comment only a new line makes it count. */
    st = st == ST_OK ? buf_add_text(&head, "\n") : st;
    struct session_statement statement = {
        .sql = buf_text(&head),
        .sql_len = head.len_bytes,
        .format = format,
        .format_len = format_len,
        .parameters = &r->arguments.parameters,
    };
    st = st == ST_OK ? session_insert(r->session, &statement, &r->insert, &r->fault) : st;
    buf_done(&head);
    if (st == ST_OK) {
        r->state = REQUEST_INSERTING;
        size_t left = r->text.len_bytes - split->data_at;
        const uint8_t *data = r->text.bytes + split->data_at;
        st = left > 0 ? insert_append(r->insert, data, left, &r->fault) : ST_OK;
    }
    buf_done(&r->text);
    return st;
}

/* Look what the text so far is. `is_final` for the end of the URL's query if the format of an
 * INSERT is named elsewhere, and for the end of the body. */
static enum status advance(struct request *r, bool is_final)
{
    struct split split;
    split_request(buf_text(&r->text), r->text.len_bytes, is_final, &split);
    switch (split.kind) {
    case SPLIT_MORE:
        return ST_OK;
    case SPLIT_STATEMENT:
        r->state = REQUEST_STATEMENT;
        return ST_OK;
    case SPLIT_INSERT:
        break;
    }
    if (split.format_len > 0) {
        return begin_insert(r, &split, buf_text(&r->text) + split.format_at, split.format_len);
    }
    const char *format = r->arguments.default_format;
    if (format == NULL) {
        r->state = REQUEST_STATEMENT; /* the engine says what is missing */
        return ST_OK;
    }
    return begin_insert(r, &split, format, strlen(format));
}

static enum status add_text(struct request *r, const uint8_t *bytes, size_t len_bytes)
{
    enum status st = buf_add(&r->text, bytes, len_bytes);
    return st == ST_OK && r->state == REQUEST_COLLECTING ? advance(r, false) : st;
}

/* Decoded bytes of the body. */
static enum status sink(void *context, const uint8_t *bytes, size_t len_bytes)
{
    struct request *r = context;
    if (r->state == REQUEST_INSERTING) {
        return insert_append(r->insert, bytes, len_bytes, &r->fault);
    }
    return add_text(r, bytes, len_bytes);
}

/* The query of the URL comes first, a line end between it and the body. */
static enum status take_url_query(struct request *r)
{
    const struct request_argument *query = r->arguments.query;
    if (query == NULL || query->value_len == 0) {
        return ST_OK;
    }
    enum status st = buf_add(&r->text, query->value, query->value_len);
    st = st == ST_OK ? buf_add_text(&r->text, "\n") : st;
    if (st != ST_OK) {
        return st;
    }
    if (r->arguments.default_format == NULL) {
        return advance(r, false);
    }
    struct split split;
    split_request(buf_text(&r->text), r->text.len_bytes, true, &split);
    return advance(r, split.kind == SPLIT_INSERT && split.format_len == 0);
}

static enum status begin(struct request *r)
{
    enum status st = arguments_read(&r->arguments, r->head, &r->fault);
    const char *id = r->arguments.query_id;
    if (id == NULL || id[0] == 0) {
        char fresh[UUID_TEXT_BYTES];
        id = uuid_new(fresh) == ST_OK ? fresh : "";
        (void)snprintf(r->query_id, sizeof(r->query_id), "%s", id);
    } else {
        (void)snprintf(r->query_id, sizeof(r->query_id), "%s", id);
    }
    st = st == ST_OK ? authenticate(r) : st;
    st = st == ST_OK ? open_decoder(r) : st;
    st = st == ST_OK ? session_open(r->server->engine, &r->session) : st;
    st = st == ST_OK ? use_database(r) : st;
    st = st == ST_OK ? apply_settings(r) : st;
    return st == ST_OK ? take_url_query(r) : st;
}

enum status request_new(
    const struct request_server *server, const struct request_head *head,
    struct request **ret_request)
{
    assert(server != NULL && head != NULL && ret_request != NULL);
    struct request *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return ST_NO_MEMORY;
    }
    r->server = server;
    r->head = head;
    r->started_us = clock_monotonic_us();
    arguments_init(&r->arguments);
    buf_init(&r->text, REQUEST_TEXT_MAX_BYTES);
    buf_init(&r->body, REQUEST_TEXT_MAX_BYTES);
    fail(r, begin(r));
    *ret_request = r;
    return ST_OK;
}

void request_feed(struct request *r, const uint8_t *bytes, size_t len_bytes)
{
    if (!fault_is_set(&r->fault)) {
        fail(r, decoder_feed(r->decoder, bytes, len_bytes, &r->fault));
    }
}

static enum status run_statement(struct request *r)
{
    struct session_statement statement = {
        .sql = buf_text(&r->text),
        .sql_len = r->text.len_bytes,
        .format =
            r->arguments.default_format == NULL ? "TabSeparated" : r->arguments.default_format,
        .parameters = &r->arguments.parameters,
    };
    statement.format_len = strlen(statement.format);
    if (strspn(statement.sql, " \t\r\n\f\v") == statement.sql_len) {
        fault_set(&r->fault, FAULT_SYNTAX_ERROR, "SYNTAX_ERROR", "Empty query");
        return ST_REJECTED;
    }
    if (session_count_statements(r->session, statement.sql, statement.sql_len) > 1) {
        fault_set(
            &r->fault, FAULT_SYNTAX_ERROR, "SYNTAX_ERROR",
            "Syntax error (Multi-statements are not allowed)");
        return ST_REJECTED;
    }
    size_t at = 0;
    size_t len = 0;
    if (split_output_format(statement.sql, statement.sql_len, &at, &len)) {
        len = len < sizeof(r->format) ? len : sizeof(r->format) - 1;
        memcpy(r->format, statement.sql + at, len);
    } else {
        (void)snprintf(r->format, sizeof(r->format), "%s", statement.format);
    }
    return session_run(r->session, &statement, &r->answer, &r->fault);
}

static enum status end(struct request *r)
{
    enum status st = decoder_finish(r->decoder, &r->fault);
    if (st == ST_OK && r->state == REQUEST_COLLECTING) {
        st = advance(r, true);
    }
    if (st != ST_OK) {
        return st;
    }
    return r->state == REQUEST_INSERTING ? insert_finish(r->insert, &r->answer, &r->fault)
                                         : run_statement(r);
}

/* Give back what the engine holds; the answer's bytes stay. */
static void release(struct request *r)
{
    insert_free(r->insert);
    r->insert = NULL;
    session_free(r->session);
    r->session = NULL;
    decoder_free(r->decoder);
    r->decoder = NULL;
    buf_done(&r->text);
}

static void write_summary(struct request *r)
{
    const struct answer *a = &r->answer;
    int64_t elapsed_us = clock_monotonic_us() - r->started_us;
    (void)snprintf(
        r->summary, sizeof(r->summary),
        "{\"read_rows\":\"%" PRIu64 "\",\"read_bytes\":\"%" PRIu64 "\",\"written_rows\":\"%" PRIu64
        "\",\"written_bytes\":\"%" PRIu64
        "\",\"total_rows_to_read\":\"0\",\"result_rows\":\"%" PRIu64
        "\",\"result_bytes\":\"%" PRIu64 "\",\"elapsed_ns\":\"%" PRId64
        "\",\"memory_usage\":\"0\"}",
        a->rows_read, a->bytes_read, a->rows_written, a->bytes_written,
        a->rows_written > 0 ? a->rows_written : a->result_rows, a->result_bytes, elapsed_us * 1000);
}

static void reply_fault(struct request *r, struct request_reply *reply)
{
    const char *text =
        r->fault.text == NULL ? "Code: 241. DB::Exception: no memory" : r->fault.text;
    bool has_version = strstr(text, "(version ") != NULL;
    enum status st = buf_add_format(
        &r->body, has_version ? "%s\n" : "%s (version %s)\n", text,
        engine_version(r->server->engine));
    reply->http_status = fault_http_status(r->fault.code);
    reply->exception_code = r->fault.code;
    reply->body = st == ST_OK ? r->body.bytes : (const uint8_t *)"";
    reply->body_bytes = st == ST_OK ? r->body.len_bytes : 0;
    reply->content_type = "text/plain; charset=UTF-8";
    reply->format = "";
}

static bool wants_gzip(const struct request *r)
{
    const char *accepted = r->head->accept_encoding;
    return r->arguments.wants_compression && accepted != NULL && strstr(accepted, "gzip") != NULL;
}

void request_finish(struct request *r, struct request_reply *ret_reply)
{
    if (!fault_is_set(&r->fault)) {
        fail(r, end(r));
    }
    release(r);
    write_summary(r);
    struct request_reply reply = {
        .http_status = 200,
        .body = r->answer.bytes,
        .body_bytes = r->answer.len_bytes,
        .content_type = format_content_type(r->format[0] == 0 ? "TSV" : r->format),
        .format = r->format,
        .query_id = r->query_id,
        .summary = r->summary,
    };
    if (fault_is_set(&r->fault)) {
        reply_fault(r, &reply);
    }
    if (reply.body_bytes > 0 && wants_gzip(r)) {
        reply.is_gzip = decode_gzip_encode(
                            reply.body, reply.body_bytes, &r->packed, &reply.body_bytes) == ST_OK;
        reply.body = reply.is_gzip ? r->packed : reply.body;
    }
    *ret_reply = reply;
}

void request_free(struct request *r)
{
    if (r == NULL) {
        return;
    }
    release(r);
    answer_done(&r->answer);
    arguments_done(&r->arguments);
    fault_done(&r->fault);
    buf_done(&r->body);
    free(r->packed);
    free(r);
}
