/* Requests to ClickHouse, byte for byte, and the synchronous call against a scripted server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/client.h"

#include "tests/unit/common/http/script_server.h"
#include "tests/unit/unit.h"

static void a_query_alone_is_the_body(void **state)
{
    (void)state;
    struct secret password = {0};
    const struct clickhouse_endpoint endpoint = {
        .url = "http://h:8123", .username = "u", .password = &password, .ca_certificate = "pem"};
    const struct clickhouse_setting settings[] = {
        {"max_threads", "2"}, {"param_x", "a b&c=\xc3\xa4"}};
    const struct clickhouse_query query = {
        .sql = "SELECT 1",
        .database = "my db",
        .query_id = "q/1",
        .settings = settings,
        .settings_count = 2,
        .timeout_ms = 5,
        .connect_timeout_ms = 6,
        .answer_max_bytes = 7};
    struct clickhouse_request request;
    assert_int_equal(clickhouse_query_request(&endpoint, &query, &request, NULL), ST_OK);
    assert_string_equal(
        request.http.url, "http://h:8123/?database=my%20db&query_id=q%2F1&max_threads=2"
                          "&param_x=a%20b%26c%3D%C3%A4");
    assert_string_equal(request.http.method, "POST");
    assert_int_equal(request.http.body_count, 1);
    assert_memory_equal(request.http.body[0].bytes, "SELECT 1", 8);
    assert_int_equal(request.http.body[0].len_bytes, 8);
    assert_string_equal(request.http.username, "u");
    assert_ptr_equal(request.http.password, &password);
    assert_string_equal(request.http.ca_pem, "pem");
    assert_int_equal(request.http.timeout_ms, 5);
    assert_int_equal(request.http.connect_timeout_ms, 6);
    assert_int_equal(request.http.response_max_bytes, 7);
    assert_int_equal(request.http.headers_count, 0);
    clickhouse_request_done(&request);
    clickhouse_request_done(&request);
}

static void data_moves_the_query_into_the_url(void **state)
{
    (void)state;
    const struct clickhouse_endpoint endpoint = {.url = "https://h/ch/"};
    const struct http_piece data[] = {{"1\n", 2}};
    const struct clickhouse_query query = {
        .sql = "INSERT INTO t FORMAT TSV", .data = data, .data_count = 1};
    struct clickhouse_request request;
    assert_int_equal(clickhouse_query_request(&endpoint, &query, &request, NULL), ST_OK);
    assert_string_equal(
        request.http.url, "https://h/ch/?async_insert=0&query=INSERT%20INTO%20t%20FORMAT%20TSV");
    assert_ptr_equal(request.http.body, data);
    clickhouse_request_done(&request);
}

static void inserts_are_written_out(void **state)
{
    (void)state;
    const struct clickhouse_endpoint endpoint = {.url = "http://h:1/"};
    static const char *const columns[] = {"a", "b`c"};
    const struct http_piece body[] = {{"x", 1}, {"y", 1}};
    static const struct {
        enum pipe_compression compression;
        const char *encoding;
    } cases[] = {
        {PIPE_COMPRESSION_LZ4, "lz4"},
        {PIPE_COMPRESSION_ZSTD, "zstd"},
        {PIPE_COMPRESSION_NONE, NULL}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct clickhouse_insert insert = {
            .database = "d",
            .table = "t",
            .columns = columns,
            .columns_count = 2,
            .compression = cases[i].compression,
            .query_id = "q",
            .token = "k:1",
            .body = body,
            .body_count = 2,
            .timeout_ms = 1500};
        struct clickhouse_request request;
        assert_int_equal(clickhouse_insert_request(&endpoint, &insert, &request, NULL), ST_OK);
        assert_string_equal(
            request.http.url,
            "http://h:1/?async_insert=0&query_id=q&insert_deduplication_token=k%3A1"
            "&max_execution_time=2&query=INSERT%20INTO%20%60d%60.%60t%60%20%28%60a%60%2C%20"
            "%60b%5C%60c%60%29%20FORMAT%20Native");
        assert_ptr_equal(request.http.body, body);
        assert_int_equal(request.http.body_count, 2);
        assert_int_equal(request.http.headers_count, cases[i].encoding == NULL ? 0 : 1);
        if (cases[i].encoding != NULL) {
            assert_string_equal(request.http.headers[0].name, "Content-Encoding");
            assert_string_equal(request.http.headers[0].value, cases[i].encoding);
        }
        clickhouse_request_done(&request);
    }
    const struct clickhouse_insert plain = {
        .database = "d", .table = "t", .format = "RowBinary", .compression = PIPE_COMPRESSION_NONE};
    struct clickhouse_request request;
    assert_int_equal(clickhouse_insert_request(&endpoint, &plain, &request, NULL), ST_OK);
    assert_string_equal(
        request.http.url, "http://h:1/?async_insert=0&query=INSERT%20INTO%20%60d%60.%60t%60"
                          "%20FORMAT%20RowBinary");
    assert_true(request.http.has_body);
    clickhouse_request_done(&request);
}

static void a_url_past_the_servers_limit_is_refused(void **state)
{
    (void)state;
    const struct clickhouse_endpoint endpoint = {.url = "http://h"};
    enum {
        LONG_BYTES = 400 * 1024
    };
    char *name = malloc(LONG_BYTES + 1);
    assert_non_null(name);
    memset(name, '/', LONG_BYTES); /* three bytes each when encoded */
    name[LONG_BYTES] = '\0';
    const struct clickhouse_insert insert = {.database = name, .table = "t"};
    struct clickhouse_request request;
    struct err err = {0};
    assert_int_equal(clickhouse_insert_request(&endpoint, &insert, &request, &err), ST_TOO_LARGE);
    assert_string_equal(
        err.text, "the URL would pass 1048576 bytes, the server's http_max_uri_size");
    free(name);
}

static void only_plain_urls_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *text; /* NULL = good */
    } cases[] = {
        {"http://h", NULL},
        {"https://h:8443/path/", NULL},
        {"http://[::1]:8123", NULL},
        {"h:8123", "the URL does not begin with http:// or https://"},
        {"tcp://h:9000", "the URL does not begin with http:// or https://"},
        {"HTTP://h", "the URL does not begin with http:// or https://"},
        {"http://", "the URL has no host"},
        {"http:///x", "the URL has no host"},
        {"http://:8123", "the URL has no host"},
        {"http://u:p@h", "user and password do not belong into the URL"},
        {"http://h/a@b", NULL},
        {"http://h?user=x", "the URL has a query or fragment"},
        {"http://h/#x", "the URL has a query or fragment"},
        {"http://h/ x", "the URL has a blank or control character"},
        {"http://h\n", "the URL has a blank or control character"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        enum status st = clickhouse_url_check(cases[i].url, &err);
        assert_int_equal(st, cases[i].text == NULL ? ST_OK : ST_INVALID);
        assert_string_equal(err.text, cases[i].text == NULL ? "" : cases[i].text);
        const struct clickhouse_endpoint endpoint = {.url = cases[i].url};
        const struct clickhouse_query query = {.sql = "x"};
        struct clickhouse_request request;
        assert_int_equal(clickhouse_query_request(&endpoint, &query, &request, NULL), st);
        if (st == ST_OK) {
            clickhouse_request_done(&request);
        }
    }
}

static void a_query_comes_back_as_text_or_status(void **state)
{
    (void)state;
    static const struct {
        struct script_step step;
        enum status status;
        const char *text; /* the answer, or the error */
    } cases[] = {
        {{SCRIPT_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1\n", 0}, ST_OK, "1\n"},
        {{SCRIPT_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0}, ST_OK, ""},
        {{SCRIPT_ANSWER,
          "HTTP/1.1 404 No\r\nX-ClickHouse-Exception-Code: 60\r\nContent-Length: 45\r\n\r\n"
          "Code: 60. DB::Exception: No. (UNKNOWN_TABLE)\n",
          0},
         ST_STOP,
         "code 60 UNKNOWN_TABLE: No. (UNKNOWN_TABLE)"},
        {{SCRIPT_ANSWER,
          "HTTP/1.1 400 No\r\nX-ClickHouse-Exception-Code: 27\r\nContent-Length: 0\r\n\r\n", 0},
         ST_REJECTED,
         "code 27 CANNOT_PARSE_INPUT_ASSERTION_FAILED: "},
        {{SCRIPT_ANSWER, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 0},
         ST_UNAVAILABLE,
         "HTTP status 503 without a ClickHouse error"},
        {{SCRIPT_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789", 0},
         ST_TOO_LARGE,
         NULL},
        {{SCRIPT_STALL, "", 0}, ST_TIMEOUT, NULL},
        {{SCRIPT_CLOSE, "", 0}, ST_UNAVAILABLE, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct script_server *server = script_server_start(&cases[i].step, 1);
        struct http_client *client = NULL;
        assert_int_equal(http_client_new(&client, NULL), ST_OK);
        char url[64];
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", script_server_port(server));
        const struct clickhouse_endpoint endpoint = {.url = url};
        const struct clickhouse_query query = {
            .sql = "SELECT 1",
            .timeout_ms = 200,
            .answer_max_bytes = strstr(cases[i].step.text, "123456789") != NULL ? 8 : 0};
        struct clickhouse_result result;
        struct err err = {0};
        enum status st = clickhouse_query(client, &endpoint, &query, &result, &err);
        assert_int_equal(st, cases[i].status);
        assert_int_equal(result.answer.verdict == CLICKHOUSE_OK, st == ST_OK);
        assert_int_equal(result.text == NULL, st != ST_OK);
        if (cases[i].text != NULL) {
            assert_string_equal(st == ST_OK ? result.text : err.text, cases[i].text);
        }
        assert_string_equal(script_server_body(server, 0, NULL), "SELECT 1");
        free(result.text);
        http_client_free(client);
        script_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_alone_is_the_body),
        cmocka_unit_test(data_moves_the_query_into_the_url),
        cmocka_unit_test(inserts_are_written_out),
        cmocka_unit_test(a_url_past_the_servers_limit_is_refused),
        cmocka_unit_test(only_plain_urls_are_taken),
        cmocka_unit_test(a_query_comes_back_as_text_or_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
