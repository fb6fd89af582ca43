/*
 * Building and reading one request: path normalisation, query parameters, the JSON body.
 * Knows no route and no socket.
 */
#include "api/http/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/parse.h"

void request_done(struct request *request)
{
    free(request->path);
    request->path = NULL;
    for (size_t i = 0; i < request->query_count; i++) {
        free(request->query[i].name);
        free(request->query[i].value);
    }
    request->query_count = 0;
    for (size_t i = 0; i < request->params_count; i++) {
        free(request->params[i].value);
    }
    request->params_count = 0;
    if (request->authorization != NULL) {
        secret_wipe(request->authorization, strlen(request->authorization));
    }
    free(request->authorization);
    request->authorization = NULL;
    free(request->user_agent);
    request->user_agent = NULL;
    free(request->accept);
    request->accept = NULL;
    free(request->host);
    request->host = NULL;
    free(request->content_encoding);
    request->content_encoding = NULL;
    json_decref(request->json);
    request->json = NULL;
    api_key_row_done(&request->key);
    service_row_done(&request->service);
}

enum status request_set_path(struct request *request, const char *raw_path)
{
    assert(request->path == NULL);
    size_t len = strlen(raw_path);
    char *path = malloc(len + 2);
    if (path == NULL) {
        return ST_NO_MEMORY;
    }
    size_t out = 0;
    path[out++] = '/';
    for (size_t i = 0; i < len; i++) {
        if (raw_path[i] != '/' || path[out - 1] != '/') {
            path[out++] = raw_path[i];
        }
    }
    if (out > 1 && path[out - 1] == '/') {
        out--;
    }
    path[out] = '\0';
    request->path = path;
    return ST_OK;
}

/* The first of a list, without the blanks around it. */
static size_t first_of_list(const char **at)
{
    static const char BLANKS[] = " \t";
    *at += strspn(*at, BLANKS);
    size_t len = strcspn(*at, ",");
    while (len > 0 && strchr(BLANKS, (*at)[len - 1]) != NULL) {
        len--;
    }
    return len;
}

enum status request_set_forwarded(struct request *request, const char *scheme, const char *host)
{
    static const char SECURE[] = "https";
    size_t len = scheme == NULL ? 0 : first_of_list(&scheme);
    if (len > 0) {
        request->is_secure = len == sizeof(SECURE) - 1 && strncasecmp(scheme, SECURE, len) == 0;
    }
    len = host == NULL ? 0 : first_of_list(&host);
    if (len == 0) {
        return ST_OK;
    }
    char *copy = strndup(host, len);
    if (copy == NULL) {
        return ST_NO_MEMORY;
    }
    free(request->host);
    request->host = copy;
    return ST_OK;
}

enum status request_add_query(struct request *request, const char *name, const char *value)
{
    if (request->query_count == REQUEST_QUERY_MAX) {
        return ST_INVALID;
    }
    struct request_pair *pair = &request->query[request->query_count++]; /* request_done frees it */
    pair->name = strdup(name);
    pair->value = strdup(value == NULL ? "" : value);
    return pair->name == NULL || pair->value == NULL ? ST_NO_MEMORY : ST_OK;
}

const char *request_find_param(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->params_count; i++) {
        if (strcmp(request->params[i].name, name) == 0) {
            return request->params[i].value;
        }
    }
    return NULL;
}

const char *request_param(const struct request *request, const char *name)
{
    const char *value = request_find_param(request, name);
    assert(value != NULL && "the route has no such parameter");
    return value == NULL ? "" : value;
}

const char *request_query(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++) {
        const struct request_pair *pair = &request->query[i];
        if (pair->name != NULL && pair->value != NULL && strcmp(pair->name, name) == 0) {
            return pair->value[0] == '\0' ? NULL : pair->value;
        }
    }
    return NULL;
}

enum status request_query_i64(
    const struct request *request, const char *name, const int64_t range[2], int64_t *ret_value,
    struct err *err)
{
    const char *text = request_query(request, name);
    if (text == NULL) {
        return ST_OK;
    }
    enum status status = parse_i64(text, range[0], range[1], ret_value);
    if (status != ST_OK) {
        return err_set(
            err, ST_INVALID, "query parameter %s: not a number between %lld and %lld", name,
            (long long)range[0], (long long)range[1]);
    }
    return ST_OK;
}

/* jansson's own text quotes the bytes near the error, which may be a password: drop that part. */
static enum status json_problem(const json_error_t *problem, struct err *err)
{
    char reason[sizeof(problem->text)];
    memcpy(reason, problem->text, sizeof(reason));
    reason[sizeof(reason) - 1] = '\0';
    char *near = strstr(reason, " near ");
    if (near != NULL) {
        *near = '\0';
    }
    return err_set(
        err, ST_INVALID, "malformed JSON at line %d, column %d, position %d: %s", problem->line,
        problem->column, problem->position, reason);
}

enum status request_parse_json(struct request *request, struct err *err)
{
    assert(request->json == NULL);
    if (request->body_len_bytes == 0) {
        request->json = json_object();
        return request->json == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the body") : ST_OK;
    }
    const char *encoding = request->content_encoding;
    if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
        return err_set(
            err, ST_INVALID, "Content-Encoding '%.32s' is not understood: send the JSON as it is",
            encoding);
    }
    json_error_t problem;
    json_t *json = json_loadb(
        (const char *)request->body, request->body_len_bytes,
        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (json == NULL) {
        if (json_error_code(&problem) == json_error_out_of_memory) {
            return err_set(err, ST_NO_MEMORY, "no memory for the body");
        }
        return json_problem(&problem, err);
    }
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(err, ST_INVALID, "the body must be a JSON object");
    }
    request->json = json;
    return ST_OK;
}

enum http_method http_method_from_text(const char *text)
{
    if (strcmp(text, "HEAD") == 0) {
        return HTTP_GET;
    }
    for (enum http_method method = HTTP_GET; method < HTTP_OTHER; method++) {
        if (strcmp(text, http_method_text(method)) == 0) {
            return method;
        }
    }
    return HTTP_OTHER;
}

const char *http_method_text(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "GET";
    case HTTP_POST:
        return "POST";
    case HTTP_PUT:
        return "PUT";
    case HTTP_PATCH:
        return "PATCH";
    case HTTP_DELETE:
        return "DELETE";
    case HTTP_OTHER:
        break;
    }
    return "OTHER";
}
