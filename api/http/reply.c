/*
 * The envelope of every answer. The only place that turns a status and its err into the bytes
 * a client sees.
 */
#include "api/http/reply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char JSON_TYPE[] = "application/json; charset=utf-8";

void reply_done(struct reply *reply)
{
    json_decref(reply->result);
    reply->result = NULL;
    free(reply->result_text);
    reply->result_text = NULL;
    reply->result_len_bytes = 0;
    free(reply->body);
    reply->body = NULL;
    reply->body_len_bytes = 0;
    free(reply->error_text);
    reply->error_text = NULL;
}

enum status reply_set_result(struct reply *reply, json_t *result, struct err *err)
{
    if (result == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the answer");
    }
    json_decref(reply->result);
    reply->result = result;
    return ST_OK;
}

enum status reply_set_result_text(struct reply *reply, struct json_text *json, struct err *err)
{
    if (json->status != ST_OK) {
        json_text_done(json);
        return err_set(err, json->status, "no memory for the answer");
    }
    free(reply->result_text);
    reply->result_len_bytes = json->out.len_bytes;
    reply->result_text = buf_take_text(&json->out);
    return ST_OK;
}

void reply_set_body(struct reply *reply, char *body, size_t len_bytes, const char *content_type)
{
    assert(body != NULL);
    free(reply->body);
    reply->body = body;
    reply->body_len_bytes = len_bytes;
    reply->content_type = content_type;
}

void reply_set_text(struct reply *reply, struct buf *text, const char *content_type)
{
    const size_t len_bytes = text->len_bytes;
    reply_set_body(reply, buf_take_text(text), len_bytes, content_type);
}

static char *dump(const json_t *json)
{
    return json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
}

enum status reply_set_json_body(struct reply *reply, json_t *json, struct err *err)
{
    char *text = dump(json);
    json_decref(json);
    if (text == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the answer");
    }
    reply_set_body(reply, text, strlen(text), JSON_TYPE);
    return ST_OK;
}

const char *reply_code_text(enum status status)
{
    switch (status_http_code(status)) {
    case 200:
        return "OK";
    case 400:
        return "BAD_REQUEST";
    case 401:
        return "UNAUTHORIZED";
    case 403:
        return "FORBIDDEN";
    case 404:
        return "NOT_FOUND";
    case 405:
        return "METHOD_NOT_ALLOWED";
    case 409:
        return "CONFLICT";
    case 413:
        return "PAYLOAD_TOO_LARGE";
    case 429:
        return "TOO_MANY_REQUESTS";
    case 503:
        return "SERVICE_UNAVAILABLE";
    case 504:
        return "GATEWAY_TIMEOUT";
    default:
        return "INTERNAL_ERROR";
    }
}

/* What the client may read about it. */
static const char *public_text(const struct reply *reply, enum status status, const struct err *err)
{
    int code = status_http_code(status);
    if (code < 500) {
        return reply->error_text != NULL ? reply->error_text : err->text;
    }
    if (status == ST_NO_WORKER) {
        return err->text;
    }
    if (code == 503) {
        return "a service Penstock needs cannot be reached, nothing was changed";
    }
    if (code == 504) {
        return "a service Penstock needs did not answer in time";
    }
    return "internal error, see the log of penstock-api for this requestId";
}

/* Bytes that are not UTF-8 (from a decoded path, from a server's answer) become '?', since JSON
 * cannot carry them. */
static json_t *error_json(const char *code, const char *text)
{
    json_t *json = json_sprintf("%s: %s", code, text);
    if (json != NULL) {
        return json;
    }
    char *clean = strdup(text);
    if (clean == NULL) {
        return NULL;
    }
    for (char *at = clean; *at != '\0'; at++) {
        *at = (unsigned char)*at < 0x80 ? *at : '?';
    }
    json = json_sprintf("%s: %s", code, clean);
    free(clean);
    return json;
}

static json_t *envelope(
    const struct reply *reply, const char *request_id, enum status status, const struct err *err)
{
    int code = status_http_code(status);
    if (status != ST_OK) {
        return json_pack(
            "{s:i, s:s, s:o}", "status", code, "requestId", request_id, "error",
            error_json(reply_code_text(status), public_text(reply, status, err)));
    }
    return json_pack(
        "{s:i, s:s, s:O*}", "status", code, "requestId", request_id, "result", reply->result);
}

/* The envelope around a result that is text already. */
static enum status render_text(struct reply *reply, const char *request_id)
{
    struct json_text json;
    json_text_init(&json, SIZE_MAX / 2);
    json_text_object(&json, NULL);
    json_text_integer(&json, "status", status_http_code(ST_OK));
    json_text_string(&json, "requestId", request_id);
    json_text_raw(&json, "result", reply->result_text, reply->result_len_bytes);
    json_text_end_object(&json);
    if (json.status != ST_OK) {
        json_text_done(&json);
        return json.status;
    }
    reply_set_text(reply, &json.out, JSON_TYPE);
    return ST_OK;
}

enum status
reply_render(struct reply *reply, const char *request_id, enum status status, const struct err *err)
{
    if (status == ST_OK && reply->body != NULL) {
        if (reply->http_code == 0) {
            reply->http_code = 200;
        }
        return ST_OK;
    }
    enum status rendered =
        status == ST_OK && reply->result_text != NULL
            ? render_text(reply, request_id)
            : reply_set_json_body(reply, envelope(reply, request_id, status, err), NULL);
    reply->http_code = rendered == ST_OK ? status_http_code(status) : 500;
    return rendered;
}
