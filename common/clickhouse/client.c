/* Requests to ClickHouse's HTTP interface (port 8123), and the synchronous way to send them. */
#include "common/clickhouse/client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/url.h"

enum {
    CLIENT_URL_MAX_BYTES = 1024 * 1024, /* http_max_uri_size of the server */
};

enum status clickhouse_url_check(const char *url, struct err *err)
{
    const char *rest = NULL;
    if (strncmp(url, "http://", 7) == 0) {
        rest = url + 7;
    } else if (strncmp(url, "https://", 8) == 0) {
        rest = url + 8;
    } else {
        return err_set(err, ST_INVALID, "the URL does not begin with http:// or https://");
    }
    size_t authority = strcspn(rest, "/?#");
    if (authority == 0 || rest[0] == ':') {
        return err_set(err, ST_INVALID, "the URL has no host");
    }
    if (memchr(rest, '@', authority) != NULL) {
        return err_set(err, ST_INVALID, "user and password do not belong into the URL");
    }
    if (strpbrk(rest, "?#") != NULL) {
        return err_set(err, ST_INVALID, "the URL has a query or fragment");
    }
    for (const char *p = rest; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f) {
            return err_set(err, ST_INVALID, "the URL has a blank or control character");
        }
    }
    return ST_OK;
}

void clickhouse_request_done(struct clickhouse_request *request)
{
    free(request->url);
    request->url = NULL;
}

static void
client_set_endpoint(struct clickhouse_request *request, const struct clickhouse_endpoint *endpoint)
{
    request->http.username = endpoint->username;
    request->http.password = endpoint->password;
    request->http.ca_pem = endpoint->ca_certificate;
    request->http.headers = request->headers;
}

static void
client_add_header(struct clickhouse_request *request, const char *name, const char *value)
{
    assert(request->http.headers_count < ARRAY_LEN(request->headers));
    request->headers[request->http.headers_count++] =
        (struct http_header){.name = name, .value = value};
}

static enum status
client_add_settings(struct buf *url, const struct clickhouse_setting *settings, size_t count)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        st = url_add_parameter(url, settings[i].name, settings[i].value);
    }
    return st;
}

static enum status client_url_error(enum status st, const struct buf *url, struct err *err)
{
    if (st == ST_TOO_LARGE) {
        return err_set(
            err, st, "the URL would pass %zu bytes, the server's http_max_uri_size",
            url->max_bytes);
    }
    return err_set(err, st, "no memory for a URL");
}

enum status clickhouse_query_request(
    const struct clickhouse_endpoint *endpoint, const struct clickhouse_query *query,
    struct clickhouse_request *ret_request, struct err *err)
{
    enum status st = clickhouse_url_check(endpoint->url, err);
    if (st != ST_OK) {
        return st;
    }
    struct buf url;
    buf_init(&url, CLIENT_URL_MAX_BYTES);
    st = url_begin(&url, endpoint->url);
    if (st == ST_OK && query->database != NULL) {
        st = url_add_parameter(&url, "database", query->database);
    }
    if (st == ST_OK && query->query_id != NULL) {
        st = url_add_parameter(&url, "query_id", query->query_id);
    }
    if (st == ST_OK) {
        st = client_add_settings(&url, query->settings, query->settings_count);
    }
    bool has_data = query->data_count > 0;
    if (st == ST_OK && has_data) {
        st = url_add_parameter(&url, "async_insert", "0");
    }
    if (st == ST_OK && has_data) {
        st = url_add_parameter(&url, "query", query->sql);
    }
    if (st != ST_OK) {
        buf_done(&url);
        return client_url_error(st, &url, err);
    }
    *ret_request = (struct clickhouse_request){.url = buf_take_text(&url)};
    ret_request->http.method = "POST";
    ret_request->http.url = ret_request->url;
    ret_request->http.connect_timeout_ms = query->connect_timeout_ms;
    ret_request->http.timeout_ms = query->timeout_ms;
    ret_request->http.response_max_bytes = query->answer_max_bytes;
    ret_request->http.has_body = true;
    ret_request->sql = (struct http_piece){.bytes = query->sql, .len_bytes = strlen(query->sql)};
    ret_request->http.body = has_data ? query->data : &ret_request->sql;
    ret_request->http.body_count = has_data ? query->data_count : 1;
    client_set_endpoint(ret_request, endpoint);
    return ST_OK;
}

static enum status client_insert_sql(const struct clickhouse_insert *insert, struct buf *sql)
{
    enum status st = buf_add_text(sql, "INSERT INTO ");
    if (st == ST_OK) {
        st = clickhouse_quote_table(sql, insert->database, insert->table);
    }
    for (size_t i = 0; st == ST_OK && i < insert->columns_count; i++) {
        st = buf_add_text(sql, i == 0 ? " (" : ", ");
        if (st == ST_OK) {
            st = clickhouse_quote_identifier(sql, insert->columns[i]);
        }
    }
    if (st == ST_OK) {
        st = buf_add_format(
            sql, "%s FORMAT %s", insert->columns_count > 0 ? ")" : "",
            insert->format != NULL ? insert->format : "Native");
    }
    return st;
}

static enum status client_insert_url(
    const struct clickhouse_endpoint *endpoint, const struct clickhouse_insert *insert,
    const char *sql, struct buf *url)
{
    enum status st = url_begin(url, endpoint->url);
    if (st == ST_OK) {
        st = url_add_parameter(url, "async_insert", "0");
    }
    if (st == ST_OK && insert->query_id != NULL) {
        st = url_add_parameter(url, "query_id", insert->query_id);
    }
    if (st == ST_OK && insert->token != NULL) {
        st = url_add_parameter(url, "insert_deduplication_token", insert->token);
    }
    if (st == ST_OK && insert->timeout_ms > 0) {
        char seconds[32];
        (void)snprintf(/* fits */
                       seconds, sizeof(seconds), "%lld",
                       (long long)((insert->timeout_ms + 999) / 1000));
        st = url_add_parameter(url, "max_execution_time", seconds);
    }
    if (st == ST_OK) {
        st = client_add_settings(url, insert->settings, insert->settings_count);
    }
    if (st == ST_OK) {
        st = url_add_parameter(url, "query", sql);
    }
    return st;
}

enum status clickhouse_insert_request(
    const struct clickhouse_endpoint *endpoint, const struct clickhouse_insert *insert,
    struct clickhouse_request *ret_request, struct err *err)
{
    enum status st = clickhouse_url_check(endpoint->url, err);
    if (st != ST_OK) {
        return st;
    }
    struct buf sql;
    struct buf url;
    buf_init(&sql, CLIENT_URL_MAX_BYTES);
    buf_init(&url, CLIENT_URL_MAX_BYTES);
    st = client_insert_sql(insert, &sql);
    if (st == ST_OK) {
        st = client_insert_url(endpoint, insert, buf_text(&sql), &url);
    }
    buf_done(&sql);
    if (st != ST_OK) {
        buf_done(&url);
        return client_url_error(st, &url, err);
    }
    *ret_request = (struct clickhouse_request){.url = buf_take_text(&url)};
    ret_request->http.method = "POST";
    ret_request->http.url = ret_request->url;
    ret_request->http.body = insert->body;
    ret_request->http.body_count = insert->body_count;
    ret_request->http.has_body = true;
    ret_request->http.connect_timeout_ms = insert->connect_timeout_ms;
    ret_request->http.timeout_ms = insert->timeout_ms;
    client_set_endpoint(ret_request, endpoint);
    if (insert->compression != PIPE_COMPRESSION_NONE) {
        /* The setting's words are the header's. */
        client_add_header(
            ret_request, "Content-Encoding", pipe_compression_text(insert->compression));
    }
    return ST_OK;
}

enum status clickhouse_query(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct clickhouse_query *query, struct clickhouse_result *ret_result, struct err *err)
{
    *ret_result = (struct clickhouse_result){
        .answer = {
            .verdict = CLICKHOUSE_RETRY, .reason = PIPE_REASON_INTERNAL, .is_definite = true}};
    struct clickhouse_request request = {.url = NULL};
    enum status st = clickhouse_query_request(endpoint, query, &request, err);
    if (st != ST_OK) {
        return st;
    }
    struct http_response response;
    st = http_perform(client, &request.http, &response, err);
    clickhouse_request_done(&request);
    clickhouse_answer_classify(&response, &ret_result->answer);
    if (st == ST_OK) {
        st = clickhouse_answer_status(&ret_result->answer, err);
    }
    if (st == ST_OK) {
        /* an empty buffer has no memory to hand over yet */
        st = buf_reserve(&response.body, 0);
        ret_result->text = buf_take_text(&response.body);
    }
    http_response_done(&response);
    return st;
}

enum status clickhouse_execute(
    struct http_client *client, const struct clickhouse_endpoint *endpoint, const char *sql,
    char **ret_text, struct err *err)
{
    const struct clickhouse_query query = {.sql = sql};
    struct clickhouse_result result;
    enum status st = clickhouse_query(client, endpoint, &query, &result, err);
    if (st == ST_OK && ret_text != NULL) {
        *ret_text = result.text;
        return ST_OK;
    }
    free(result.text);
    return st;
}
