#ifndef API_HANDLERS_SUPPORT_H
#define API_HANDLERS_SUPPORT_H

/* What several handlers need. */

#include "common/clickhouse/client.h"
#include "common/http/http.h"
#include "common/model/pipe.h"
#include "common/store/pipes.h"

#include "api/http/reply.h"
#include "api/http/request.h"

/* The pipe of the path. ret_row: pipe_row_done. ST_NOT_FOUND with the bare id as text, as Cloud's
 * clients know it; ST_UNAVAILABLE. */
enum status
support_pipe(const struct request *request, struct pipe_row *ret_row, struct err *err) MUST_CHECK;

/* Answer with the pipe of the path as it is stored now. Statuses of support_pipe. */
enum status
support_reply_pipe(const struct request *request, struct reply *reply, struct err *err) MUST_CHECK;

/* ST_OK if nobody reads for this pipe: it is stopped or failed, and no replica drains any more.
 * ST_REJECTED says what to do. */
enum status support_check_idle(const struct pipe_row *row, struct err *err) MUST_CHECK;

/* ST_INVALID with all problems as the reply's error, in one line; ST_OK if there are none. */
enum status support_problems(
    const struct pipe_problems *problems, struct reply *reply, struct err *err) MUST_CHECK;

/* The same with words before them. */
enum status support_problems_of(
    const struct pipe_problems *problems, const char *words, struct reply *reply,
    struct err *err) MUST_CHECK;

/* A ClickHouse to talk to: the service of the path with its password, and a client. */
struct support_clickhouse {
    struct service_row service;
    struct http_client *client;
    struct clickhouse_endpoint endpoint; /* borrows service */
};

/* ret_clickhouse: support_clickhouse_done. Statuses of service_get_with_secret, ST_NO_MEMORY. */
enum status support_clickhouse_open(
    const struct request *request, struct support_clickhouse *ret_clickhouse,
    struct err *err) MUST_CHECK;
/* Fill in the endpoint from the service. */
void support_clickhouse_address(struct support_clickhouse *clickhouse);
void support_clickhouse_done(struct support_clickhouse *clickhouse);

/* What a client is told when ClickHouse refused, or could not be reached, while it waits: always
 * the request's fault (400) unless it was ours. err keeps ClickHouse's words. */
enum status support_clickhouse_status(enum status status, struct err *err);

/* Query parameter with an RFC 3339 time; *ret_ms keeps its value when absent. ST_INVALID. */
enum status support_query_time(
    const struct request *request, const char *name, int64_t *ret_ms, struct err *err) MUST_CHECK;

/* ST_OK if the word is NULL or one of the list; ST_INVALID says which there are. what: of the error
 * text, e.g. "query parameter type". */
enum status support_check_word(
    const char *what, const char *word, const char *const *list, size_t count,
    struct err *err) MUST_CHECK;

/* The same of a body's member; what is wrong goes to problems. pointer: "/" and the member's name.
 */
void support_check_member(
    const json_t *body, const char *pointer, const char *const *list, size_t count,
    struct pipe_problems *problems);

/* A whole number of an answer; 0 when it is none. */
json_int_t support_number(const json_t *object, const char *name);

/* A page of what is listed newest first: query parameters from, to, limit, cursor. */
struct support_page {
    int64_t from_ms;   /* INT64_MIN = any */
    int64_t to_ms;     /* INT64_MAX = any */
    int64_t before_id; /* INT64_MAX = from the newest */
    int limit;
};

/* ST_INVALID names the parameter. */
enum status support_query_page(
    const struct request *request, int64_t limit_default, int64_t limit_max,
    struct support_page *ret_page, struct err *err) MUST_CHECK;

/* {name: list, "next": cursor or null}; list is taken. NULL if out of memory. */
json_t *support_page_to_json(const char *name, json_t *list, int64_t next_id);

/* What is a right definition but cannot be carried out: a column type that cannot be written, an
 * authentication no replica knows. Adds to problems. Works on the JSON, so that this is told even
 * when something else is wrong too. */
void support_check_supported(const json_t *definition, struct pipe_problems *problems);

#endif
