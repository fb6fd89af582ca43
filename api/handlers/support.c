/*
 * Shared steps of handlers.
 */
#include "api/handlers/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/clickhouse/type.h"

#include "api/wire/pipe_wire.h"
#include "api/wire/time_wire.h"

enum {
    WORDS_MAX_BYTES = 4096
};

enum status support_pipe(const struct request *request, struct pipe_row *ret_row, struct err *err)
{
    const char *id = request_param(request, "clickPipeId");
    enum status status = pipe_get(request->store, request->service.id, id, ret_row, err);
    return status == ST_NOT_FOUND ? err_set(err, status, "%s", id) : status;
}

enum status support_reply_pipe(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_result(reply, wire_pipe_to_json(&row), err);
    pipe_row_done(&row);
    return status;
}

enum status support_check_idle(const struct pipe_row *row, struct err *err)
{
    const enum pipe_state state = pipe_state_derive(&row->facts);
    const bool is_over = state == PIPE_STATE_STOPPED || state == PIPE_STATE_FAILED;
    if (is_over && !row->facts.has_live_replica) {
        return ST_OK;
    }
    return err_set(
        err, ST_REJECTED, "the pipe is %s: it must be stopped for this", pipe_state_text(state));
}

enum status
support_problems(const struct pipe_problems *problems, struct reply *reply, struct err *err)
{
    return support_problems_of(problems, "", reply, err);
}

enum status support_problems_of(
    const struct pipe_problems *problems, const char *words, struct reply *reply, struct err *err)
{
    if (problems->count == 0 && !problems->has_more) {
        return ST_OK;
    }
    char *all = pipe_problems_text(problems);
    free(reply->error_text);
    reply->error_text = NULL;
    if (all == NULL || asprintf(&reply->error_text, "%s%s", words, all) < 0) {
        reply->error_text = NULL; /* what asprintf leaves there is not defined */
    }
    free(all);
    if (reply->error_text == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the answer");
    }
    return err_set(err, ST_INVALID, "%s", reply->error_text);
}

enum status support_clickhouse_open(
    const struct request *request, struct support_clickhouse *ret_clickhouse, struct err *err)
{
    struct support_clickhouse made = {0};
    enum status status = service_get_with_secret(
        request->store, request->key.organization_id, request->service.id, &made.service, err);
    if (status == ST_OK) {
        status = http_client_new(&made.client, err);
    }
    if (status != ST_OK) {
        support_clickhouse_done(&made);
        return status;
    }
    *ret_clickhouse = made;
    support_clickhouse_address(ret_clickhouse);
    return ST_OK;
}

void support_clickhouse_address(struct support_clickhouse *clickhouse)
{
    clickhouse->endpoint = (struct clickhouse_endpoint){
        .url = clickhouse->service.url,
        .username = clickhouse->service.username,
        .password = &clickhouse->service.password,
        .ca_certificate = clickhouse->service.ca_certificate,
    };
}

void support_clickhouse_done(struct support_clickhouse *clickhouse)
{
    http_client_free(clickhouse->client);
    clickhouse->client = NULL;
    service_row_done(&clickhouse->service);
}

enum status support_clickhouse_status(enum status status, struct err *err)
{
    switch (status) {
    case ST_UNAVAILABLE:
    case ST_TIMEOUT:
    case ST_STOP:
    case ST_REJECTED:
    case ST_INVALID:
    case ST_NOT_FOUND:
    case ST_TOO_LARGE:
        (void)err_wrap(err, "ClickHouse"); /* the status below is the one to return */
        return ST_REJECTED;
    case ST_OK:
    case ST_UNAUTHORIZED:
    case ST_FORBIDDEN:
    case ST_METHOD:
    case ST_CONFLICT:
    case ST_RATE_LIMITED:
    case ST_INTERNAL:
    case ST_NO_MEMORY:
    case ST_IO:
    case ST_UNSUPPORTED:
    case ST_FENCED:
    case ST_CANCELLED:
    case ST_NO_WORKER:
        break;
    }
    return status;
}

enum status support_query_time(
    const struct request *request, const char *name, int64_t *ret_ms, struct err *err)
{
    const char *text = request_query(request, name);
    if (text == NULL || wire_time_parse(text, ret_ms) == ST_OK) {
        return ST_OK;
    }
    return err_set(
        err, ST_INVALID, "query parameter %s: not a time as in 2026-01-02T03:04:05Z", name);
}

/* What the type alone says, and for JSON records whether their values can fill it. */
static enum status check_type(const char *text, bool is_json, struct err *err)
{
    CLEANUP(ch_type_freep) struct ch_type *type = NULL;
    enum status st = ch_type_parse(text, &type, err);
    st = st == ST_OK ? ch_type_check_zones(type, err) : st;
    return st == ST_OK && is_json ? ch_type_check_json(type, err) : st;
}

static bool is_json_format(const json_t *definition)
{
    const json_t *kafka = json_object_get(json_object_get(definition, "source"), "kafka");
    const char *text = json_string_value(json_object_get(kafka, "format"));
    return text != NULL && strcmp(text, pipe_format_text(PIPE_FORMAT_JSON)) == 0;
}

static void check_types(const json_t *definition, struct pipe_problems *problems)
{
    bool is_json = is_json_format(definition);
    const json_t *columns = json_object_get(json_object_get(definition, "destination"), "columns");
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(columns, i), "type"));
        if (text == NULL || text[0] == '\0') {
            continue; /* told by the model */
        }
        struct err reason = {.status = ST_OK};
        if (check_type(text, is_json, &reason) != ST_OK) {
            char pointer[64];
            (void)snprintf(pointer, sizeof(pointer), "/destination/columns/%zu/type", i);
            pipe_problems_add(problems, pointer, "%s", reason.text);
        }
    }
}

enum status support_check_word(
    const char *what, const char *word, const char *const *list, size_t count, struct err *err)
{
    if (word == NULL) {
        return ST_OK;
    }
    CLEANUP(buf_done) struct buf known;
    buf_init(&known, WORDS_MAX_BYTES);
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        if (strcmp(list[i], word) == 0) {
            return ST_OK;
        }
        status = buf_add_format(&known, "%s%s", i == 0 ? "" : ", ", list[i]);
    }
    if (status != ST_OK) {
        return err_set(err, status, "no memory for a list of words");
    }
    return err_set(err, ST_INVALID, "%s: must be one of %s", what, buf_text(&known));
}

void support_check_member(
    const json_t *body, const char *pointer, const char *const *list, size_t count,
    struct pipe_problems *problems)
{
    struct err err = {.status = ST_OK};
    const char *word = json_string_value(json_object_get(body, pointer + 1));
    if (support_check_word("x", word, list, count, &err) != ST_OK) {
        pipe_problems_add(problems, pointer, "%s", err.text + sizeof("x: ") - 1);
    }
}

json_int_t support_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

enum status support_query_page(
    const struct request *request, int64_t limit_default, int64_t limit_max,
    struct support_page *ret_page, struct err *err)
{
    static const int64_t IDS[2] = {1, INT64_MAX};
    const int64_t limits[2] = {1, limit_max};
    int64_t limit = limit_default;
    *ret_page =
        (struct support_page){.from_ms = INT64_MIN, .to_ms = INT64_MAX, .before_id = INT64_MAX};
    enum status status = support_query_time(request, "from", &ret_page->from_ms, err);
    status = status == ST_OK ? support_query_time(request, "to", &ret_page->to_ms, err) : status;
    if (status == ST_OK) {
        status = request_query_i64(request, "limit", limits, &limit, err);
    }
    if (status == ST_OK) {
        status = request_query_i64(request, "cursor", IDS, &ret_page->before_id, err);
    }
    ret_page->limit = (int)limit;
    return status;
}

json_t *support_page_to_json(const char *name, json_t *list, int64_t next_id)
{
    char next[24];
    (void)snprintf(next, sizeof(next), "%lld", (long long)next_id); /* at most 20 characters */
    return json_pack("{s:o, s:s?}", name, list, "next", next_id == 0 ? NULL : next);
}

void support_check_supported(const json_t *definition, struct pipe_problems *problems)
{
    check_types(definition, problems);
}
