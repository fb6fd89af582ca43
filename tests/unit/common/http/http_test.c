/* The HTTP client against a scripted server: what it sends, every way an answer can fail to come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/http/http.h"

#include "tests/unit/common/http/script_server.h"
#include "tests/unit/unit.h"

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct fixture {
    struct script_server *server;
    struct http_client *client;
    char url[64];
};

static void begin(struct fixture *f, const struct script_step *steps, size_t count)
{
    f->server = script_server_start(steps, count);
    (void)snprintf(
        f->url, sizeof(f->url), "http://127.0.0.1:%u/a?b", script_server_port(f->server));
    assert_int_equal(http_client_new(&f->client, NULL), ST_OK);
}

static void end(struct fixture *f)
{
    http_client_freep(&f->client);
    assert_null(f->client);
    script_server_stop(f->server);
}

static void a_request_is_sent_as_said(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{SCRIPT_ANSWER, ok_answer, 0}};
    struct fixture f;
    begin(&f, steps, ARRAY_LEN(steps));
    const struct http_piece pieces[] = {{"ab", 2}, {"", 0}, {"c\0d", 3}};
    const struct http_header headers[] = {{"X-One", "1"}, {"Content-Type", "text/plain"}};
    struct secret password = {0};
    assert_int_equal(secret_set(&password, "p:w", 3), ST_OK);
    const struct http_request request = {
        .url = f.url,
        .headers = headers,
        .headers_count = 2,
        .username = "u",
        .password = &password,
        .body = pieces,
        .body_count = 3};
    struct http_response response;
    struct err err = {0};
    assert_int_equal(http_perform(f.client, &request, &response, &err), ST_OK);
    assert_int_equal(response.failure, HTTP_FAILURE_NONE);
    assert_int_equal(response.status_code, 200);
    assert_string_equal(buf_text(&response.body), "ok");
    assert_string_equal(response.message, "");
    assert_true(response.may_have_run);
    assert_int_equal(response.sent_bytes, 5);
    assert_true(response.elapsed_us >= 0);
    const char *head = script_server_head(f.server, 0);
    assert_memory_equal(head, "POST /a?b HTTP/1.1\r\n", 20);
    assert_non_null(strstr(head, "X-One: 1\r\n"));
    assert_non_null(strstr(head, "Content-Type: text/plain\r\n"));
    assert_non_null(strstr(head, "Content-Length: 5\r\n"));
    assert_non_null(strstr(head, "Authorization: Basic dTpwOnc=\r\n"));
    assert_non_null(strstr(head, "User-Agent: penstock/"));
    assert_null(strstr(head, "Expect"));
    size_t body_bytes = 0;
    assert_memory_equal(script_server_body(f.server, 0, &body_bytes), "abc\0d", 5);
    assert_int_equal(body_bytes, 5);
    http_response_done(&response);
    http_response_done(&response);
    secret_done(&password);
    end(&f);
}

static void connections_are_kept_and_methods_chosen(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {SCRIPT_ANSWER, ok_answer, 0},
        {SCRIPT_ANSWER, ok_answer, 0},
        {SCRIPT_ANSWER, ok_answer, 0}};
    static const char *const starts[] = {"GET /a", "PUT /a", "POST /a"};
    struct fixture f;
    begin(&f, steps, ARRAY_LEN(steps));
    const struct http_request requests[] = {
        {.url = f.url},
        {.url = f.url, .method = "PUT", .has_body = true, .user_agent = "me"},
        {.url = f.url, .has_body = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct http_response response;
        assert_int_equal(http_perform(f.client, &requests[i], &response, NULL), ST_OK);
        http_response_done(&response);
        assert_memory_equal(script_server_head(f.server, i), starts[i], strlen(starts[i]));
    }
    assert_non_null(strstr(script_server_head(f.server, 1), "User-Agent: me\r\n"));
    assert_null(strstr(script_server_head(f.server, 2), "Content-Type"));
    assert_null(strstr(script_server_head(f.server, 2), "Authorization"));
    assert_int_equal(script_server_connections(f.server), 1);
    end(&f);
}

static void large_bodies_arrive_whole(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{SCRIPT_ANSWER, ok_answer, 0}};
    struct fixture f;
    begin(&f, steps, ARRAY_LEN(steps));
    enum {
        LARGE_BYTES = 5 * 1024 * 1024 + 7
    };
    char *large = malloc(LARGE_BYTES);
    assert_non_null(large);
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        large[i] = (char)(i * 31 % 251);
    }
    const struct http_piece pieces[] = {{large, 3}, {large + 3, LARGE_BYTES - 3}};
    const struct http_request request = {.url = f.url, .body = pieces, .body_count = 2};
    struct http_response response;
    assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_OK);
    size_t body_bytes = 0;
    const char *body = script_server_body(f.server, 0, &body_bytes);
    assert_int_equal(body_bytes, LARGE_BYTES);
    assert_memory_equal(body, large, LARGE_BYTES);
    assert_int_equal(response.sent_bytes, LARGE_BYTES);
    http_response_done(&response);
    free(large);
    end(&f);
}

static void answers_and_failures_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        struct script_step step;
        enum status status;
        enum http_failure failure;
        int status_code;
        const char *body;
        const char *message;
    } cases[] = {
        {{SCRIPT_ANSWER,
          "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
          0},
         ST_OK,
         HTTP_FAILURE_NONE,
         500,
         "abcd",
         ""},
        {{SCRIPT_ANSWER,
          "HTTP/1.1 301 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0},
         ST_OK,
         HTTP_FAILURE_NONE,
         301,
         "",
         ""},
        {{SCRIPT_ANSWER, "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 204 No\r\nY: 2\r\n\r\n", 0},
         ST_OK,
         HTTP_FAILURE_NONE,
         204,
         "",
         ""},
        {{SCRIPT_CLOSE, "HTTP/1.1 200 OK\r\n\r\nto the end", 0},
         ST_OK,
         HTTP_FAILURE_NONE,
         200,
         "to the end",
         ""},
        {{SCRIPT_CLOSE, "", 0}, ST_UNAVAILABLE, HTTP_FAILURE_CUT, 0, "", "connection broke with"},
        {{SCRIPT_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 0},
         ST_UNAVAILABLE,
         HTTP_FAILURE_CUT,
         0,
         "abc",
         "connection broke with"},
        {{SCRIPT_CLOSE, "SSH-2.0-x\r\n", 0},
         ST_UNAVAILABLE,
         HTTP_FAILURE_CUT,
         0,
         "",
         "connection broke with"},
        {{SCRIPT_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n12345678901234567", 0},
         ST_TOO_LARGE,
         HTTP_FAILURE_TOO_LARGE,
         0,
         NULL,
         "answer larger than allowed from"},
        {{SCRIPT_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n1234567890123456", 0},
         ST_OK,
         HTTP_FAILURE_NONE,
         200,
         "1234567890123456",
         ""},
        {{SCRIPT_STALL, "", 0}, ST_TIMEOUT, HTTP_FAILURE_TIMEOUT, 0, "", "timed out waiting for"},
        {{SCRIPT_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 0},
         ST_TIMEOUT,
         HTTP_FAILURE_TIMEOUT,
         0,
         "abc",
         "timed out waiting for"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f, &cases[i].step, 1);
        const struct http_request request = {
            .url = f.url, .has_body = true, .response_max_bytes = 16, .timeout_ms = 200};
        struct http_response response;
        struct err err = {0};
        enum status st = http_perform(f.client, &request, &response, &err);
        assert_int_equal(st, cases[i].status);
        assert_int_equal(response.failure, cases[i].failure);
        assert_int_equal(response.status_code, cases[i].status_code);
        assert_true(response.may_have_run);
        if (cases[i].body != NULL) {
            assert_string_equal(buf_text(&response.body), cases[i].body);
        }
        assert_memory_equal(response.message, cases[i].message, strlen(cases[i].message));
        if (st != ST_OK) {
            char address[32];
            (void)snprintf(address, sizeof(address), "127.0.0.1:%u", script_server_port(f.server));
            assert_string_equal(err.text, response.message);
            assert_non_null(strstr(err.text, address));
        }
        http_response_done(&response);
        end(&f);
    }
}

static void what_was_never_sent_cannot_have_run(void **state)
{
    (void)state;
    static const struct script_step deaf[] = {{SCRIPT_DEAF, "", 0}};
    struct script_server *gone = script_server_start(deaf, 0);
    unsigned free_port = script_server_port(gone);
    script_server_stop(gone);
    struct http_client *client = NULL;
    assert_int_equal(http_client_new(&client, NULL), ST_OK);
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", free_port);
    const struct http_request requests[] = {
        {.url = url, .has_body = true},
        {.url = "http://no-such-host.invalid/", .has_body = true},
    };
    static const enum http_failure failures[] = {HTTP_FAILURE_CONNECT, HTTP_FAILURE_RESOLVE};
    static const char *const messages[] = {
        "could not connect to 127.0.0.1:", "could not resolve the host of no-such-host.invalid:80"};
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct http_response response;
        struct err err = {0};
        assert_int_equal(http_perform(client, &requests[i], &response, &err), ST_UNAVAILABLE);
        assert_int_equal(response.failure, failures[i]);
        assert_false(response.may_have_run);
        assert_memory_equal(err.text, messages[i], strlen(messages[i]));
        http_response_done(&response);
    }
    http_client_free(client);
}

static void tls_with_a_plain_server_is_a_tls_failure(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{SCRIPT_DEAF, "HTTP/1.1 400 Bad\r\n\r\n", 0}};
    struct fixture f;
    begin(&f, steps, ARRAY_LEN(steps));
    char url[64];
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", script_server_port(f.server));
    const struct http_request request = {.url = url, .has_body = true};
    struct http_response response;
    assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_UNAVAILABLE);
    assert_int_equal(response.failure, HTTP_FAILURE_TLS);
    assert_false(response.may_have_run);
    http_response_done(&response);
    end(&f);
}

static void bad_requests_are_refused_before_anything_is_sent(void **state)
{
    (void)state;
    static const struct http_header broken[] = {{"X", "a\r\nY: b"}};
    static const struct {
        struct http_request request;
        const char *text;
    } cases[] = {
        {{.url = "ftp://h"}, "URL scheme 'ftp' is not http or https"},
        {{.url = "file:///etc/passwd"}, "not a URL of the form http(s)://host:port"},
        {{.url = "h:1"}, "not a URL of the form http(s)://host:port"},
        {{.url = ""}, "not a URL of the form http(s)://host:port"},
        {{.url = "http://u:geheim@h/"}, "user and password are not allowed in the URL"},
        {{.url = "http://h", .username = "a:b"},
         "a user name with a colon cannot be sent over HTTP"},
        {{.url = "http://h", .headers = broken, .headers_count = 1}, "header 'X' has a line break"},
    };
    struct http_client *client = NULL;
    assert_int_equal(http_client_new(&client, NULL), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_response response;
        struct err err = {0};
        assert_int_equal(http_perform(client, &cases[i].request, &response, &err), ST_INVALID);
        assert_string_equal(err.text, cases[i].text);
        assert_false(response.may_have_run);
        http_response_done(&response);
        assert_int_equal(http_calls_count(client), 0);
    }
    http_client_free(client);
}

static struct http_done wait_done(struct http_client *client)
{
    struct http_done done;
    while (!http_take_done(client, &done)) {
        assert_int_equal(http_poll(client, NULL, 0, 5000, NULL), ST_OK);
    }
    return done;
}

static void exchanges_run_beside_each_other(void **state)
{
    (void)state;
    static const struct script_step slow[] = {{SCRIPT_STALL, "", 0}};
    static const struct script_step fast[] = {{SCRIPT_ANSWER, ok_answer, 0}};
    struct fixture f;
    begin(&f, slow, 1);
    struct script_server *other = script_server_start(fast, 1);
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", script_server_port(other));
    char text[] = "xyz";
    const struct http_piece pieces[] = {{text, 3}};
    int first = 1;
    int second = 2;
    struct http_call *slow_call = NULL;
    struct http_call *fast_call = NULL;
    struct http_request request = {.url = f.url, .body = pieces, .body_count = 1};
    assert_int_equal(http_start(f.client, &request, &first, &slow_call, NULL), ST_OK);
    request.url = url;
    assert_int_equal(http_start(f.client, &request, &second, &fast_call, NULL), ST_OK);
    memset(url, 0, sizeof(url)); /* texts are copied */
    assert_int_equal(http_calls_count(f.client), 2);
    struct http_done done = wait_done(f.client);
    assert_ptr_equal(done.opaque, &second);
    assert_int_equal(done.response.status_code, 200);
    assert_string_equal(buf_text(&done.response.body), "ok");
    assert_string_equal(script_server_body(other, 0, NULL), "xyz");
    http_response_done(&done.response);
    assert_false(http_take_done(f.client, &done));
    assert_int_equal(http_calls_count(f.client), 1);
    http_cancel(f.client, slow_call);
    http_cancel(f.client, NULL);
    assert_int_equal(http_calls_count(f.client), 0);
    end(&f);
    script_server_stop(other);
}

static void other_descriptors_wake_the_poll(void **state)
{
    (void)state;
    static const struct script_step slow[] = {{SCRIPT_STALL, "", 0}};
    struct fixture f;
    begin(&f, slow, 1);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    const struct http_request request = {.url = f.url, .has_body = true};
    struct http_call *call = NULL;
    assert_int_equal(http_start(f.client, &request, NULL, &call, NULL), ST_OK);
    struct pollfd extra = {.fd = fds[0], .events = POLLIN};
    assert_int_equal(http_poll(f.client, &extra, 1, 0, NULL), ST_OK);
    assert_int_equal(extra.revents, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    do {
        assert_int_equal(http_poll(f.client, &extra, 1, 60000, NULL), ST_OK);
    } while (extra.revents == 0);
    assert_int_equal(extra.revents, POLLIN);
    char byte = 0;
    assert_int_equal(read(fds[0], &byte, 1), 1);
    (void)close(fds[1]); /* the writer is gone: POLLHUP without POLLIN */
    do {
        assert_int_equal(http_poll(f.client, &extra, 1, 60000, NULL), ST_OK);
    } while (extra.revents == 0);
    assert_int_equal(extra.revents, POLLHUP);
    (void)close(fds[0]); /* only read from */
    struct pollfd many[HTTP_POLL_FDS_MAX + 1] = {{.fd = -1}};
    assert_int_equal(http_poll(f.client, many, HTTP_POLL_FDS_MAX + 1, 0, NULL), ST_INVALID);
    end(&f); /* cancels what is under way */
}

static void a_closed_kept_connection_is_replaced(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {SCRIPT_CLOSE, ok_answer, 0}, {SCRIPT_ANSWER, ok_answer, 0}};
    struct fixture f;
    begin(&f, steps, ARRAY_LEN(steps));
    const struct http_piece pieces[] = {{"abc", 3}};
    const struct http_request request = {.url = f.url, .body = pieces, .body_count = 1};
    for (size_t i = 0; i < 2; i++) {
        struct http_response response;
        assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_OK);
        assert_string_equal(buf_text(&response.body), "ok");
        assert_string_equal(script_server_body(f.server, i, NULL), "abc");
        http_response_done(&response);
    }
    assert_int_equal(script_server_connections(f.server), 2);
    end(&f);
}

static void what_is_sent_once_is_not_sent_again(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        {SCRIPT_ANSWER, ok_answer, 0}, {SCRIPT_CLOSE, "", 0}, {SCRIPT_ANSWER, ok_answer, 0}};
    struct fixture f;
    begin(&f, steps, ARRAY_LEN(steps));
    const struct http_piece pieces[] = {{"abc", 3}};
    const struct http_request request = {
        .url = f.url, .body = pieces, .body_count = 1, .is_sent_once = true};
    struct http_response response;
    assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_OK);
    http_response_done(&response);
    assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_UNAVAILABLE);
    assert_int_equal(response.failure, HTTP_FAILURE_CUT);
    assert_true(response.may_have_run);
    assert_false(response.was_resent);
    http_response_done(&response);
    assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_OK);
    assert_string_equal(script_server_body(f.server, 2, NULL), "abc");
    http_response_done(&response);
    end(&f);
}

static void a_second_sending_is_told(void **state)
{
    (void)state;
    static const struct {
        struct script_step last;
        enum status status;
        enum http_failure failure;
    } cases[] = {
        {{SCRIPT_ANSWER, ok_answer, 0}, ST_OK, HTTP_FAILURE_NONE},
        {{SCRIPT_CLOSE, "", 0}, ST_UNAVAILABLE, HTTP_FAILURE_CUT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct script_step steps[] = {
            {SCRIPT_ANSWER, ok_answer, 0}, {SCRIPT_CLOSE, "", 0}, cases[i].last};
        struct fixture f;
        begin(&f, steps, ARRAY_LEN(steps));
        const struct http_piece pieces[] = {{"abc", 3}};
        const struct http_request request = {.url = f.url, .body = pieces, .body_count = 1};
        struct http_response response;
        assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_OK);
        assert_false(response.was_resent);
        http_response_done(&response);
        assert_int_equal(http_perform(f.client, &request, &response, NULL), cases[i].status);
        assert_int_equal(response.failure, cases[i].failure);
        assert_true(response.was_resent);
        assert_true(response.may_have_run);
        assert_int_equal(response.sent_bytes, 3);
        assert_string_equal(script_server_body(f.server, 1, NULL), "abc");
        assert_string_equal(script_server_body(f.server, 2, NULL), "abc");
        http_response_done(&response);
        end(&f);
    }
}

static void slow_answers_can_be_given_up(void **state)
{
    (void)state;
    static const struct script_step steps[] = {{SCRIPT_STALL, "HTTP/1.1 200 OK\r\n", 0}};
    struct fixture f;
    begin(&f, steps, ARRAY_LEN(steps));
    const struct http_request request = {
        .url = f.url, .has_body = true, .low_speed_bytes_per_s = 1000, .low_speed_s = 1};
    struct http_response response;
    assert_int_equal(http_perform(f.client, &request, &response, NULL), ST_TIMEOUT);
    assert_int_equal(response.failure, HTTP_FAILURE_TIMEOUT);
    http_response_done(&response);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_sent_as_said),
        cmocka_unit_test(connections_are_kept_and_methods_chosen),
        cmocka_unit_test(large_bodies_arrive_whole),
        cmocka_unit_test(answers_and_failures_are_told_apart),
        cmocka_unit_test(what_was_never_sent_cannot_have_run),
        cmocka_unit_test(tls_with_a_plain_server_is_a_tls_failure),
        cmocka_unit_test(bad_requests_are_refused_before_anything_is_sent),
        cmocka_unit_test(exchanges_run_beside_each_other),
        cmocka_unit_test(other_descriptors_wake_the_poll),
        cmocka_unit_test(a_closed_kept_connection_is_replaced),
        cmocka_unit_test(what_is_sent_once_is_not_sent_again),
        cmocka_unit_test(a_second_sending_is_told),
        cmocka_unit_test(slow_answers_can_be_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
