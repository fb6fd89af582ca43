/* The HTTP edge over real loopback sockets: methods, bodies and their limit, headers, drain. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/listen.h"
#include "common/base/parse.h"

#include "api/http/server.h"
#include "tests/unit/unit.h"

enum {
    BODY_LIMIT = 100,
    ANSWER_BYTES = 4096,
};

/* What the handler waits for, to hold a request while the server is told to drain. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* One post for each request that has reached the handler. */
static sem_t entered;

/* Says what it was asked. */
static enum status
handle(void *context, struct request *request, struct reply *reply, struct err *err)
{
    (void)context;
    (void)err;
    (void)sem_post(&entered);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    char *text = NULL;
    int len = asprintf(
        &text, "%s %s %s %zu %s %s", http_method_text(request->method), request->path,
        request_query(request, "q") == NULL ? "-" : request_query(request, "q"),
        request->body_len_bytes, request->is_body_too_large ? "large" : "fits",
        request->user_agent == NULL ? "-" : request->user_agent);
    assert_true(len > 0);
    reply_set_body(reply, text, (size_t)len, "text/plain");
    reply->http_code = strcmp(request->path, "/401") == 0 ? 401 : 200;
    if (strcmp(request->path, "/429") == 0) {
        reply->http_code = 429;
        reply->rate = (struct rate_answer){
            .is_counted = true, .limit = 10, .remaining = 0, .reset_us = 2500001};
    }
    return ST_OK;
}

struct fixture {
    struct listener listener;
    struct server *server;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (fixture == NULL || sem_init(&entered, 0, 0) != 0) {
        return -1;
    }
    fixture->listener.fd = -1;
    if (listen_open("127.0.0.1:0", &fixture->listener, NULL) != ST_OK) {
        return -1;
    }
    const struct server_options options = {
        .listen_fd = fixture->listener.fd,
        .connections_max = 4,
        .max_body_bytes = BODY_LIMIT,
        .handle = handle,
    };
    *state = fixture;
    return server_open(&options, &fixture->server, NULL) == ST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    server_close(fixture->server);
    listen_close(&fixture->listener);
    free(fixture);
    return 0;
}

static int dial(const struct fixture *fixture)
{
    int64_t port = 0;
    assert_int_equal(
        parse_i64(strrchr(fixture->listener.address, ':') + 1, 1, 65535, &port), ST_OK);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Everything until the server closes ("Connection: close" is asked for). */
static void receive(int fd, char answer[ANSWER_BYTES])
{
    size_t len = 0;
    ssize_t got = 0;
    while (len < ANSWER_BYTES - 1 &&
           (got = recv(fd, answer + len, ANSWER_BYTES - 1 - len, 0)) > 0) {
        len += (size_t)got;
    }
    answer[len] = '\0';
    (void)close(fd);
}

static void ask(const struct fixture *fixture, const char *request, char answer[ANSWER_BYTES])
{
    int fd = dial(fixture);
    assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
    receive(fd, answer);
}

static void requests(void **state)
{
    char long_body[400];
    (void)snprintf(
        long_body, sizeof(long_body),
        "PUT /long HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 101\r\n\r\n%0101d",
        7);
    char whole_body[400];
    (void)snprintf(
        whole_body, sizeof(whole_body),
        "PUT /whole HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 100\r\n\r\n%0100d",
        7);
    const struct {
        const char *request;
        const char *in_answer;
    } cases[] = {
        {"GET //a//b/?q=x%20y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         "\r\n\r\nGET /a/b x y 0 fits -"},
        {"DELETE /%C3%BC HTTP/1.1\r\nHost: h\r\nUser-Agent: me\r\nConnection: close\r\n\r\n",
         "\r\n\r\nDELETE /\xc3\xbc - 0 fits me"},
        {"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         "\r\n\r\nPOST / - 5 fits -"},
        {whole_body, "\r\n\r\nPUT /whole - 100 fits -"},
        {long_body, "\r\n\r\nPUT /long - 0 large -"},
        {"BREW /pot HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "\r\n\r\nOTHER /pot"},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "\r\nX-Request-Id: "},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         "\r\nCache-Control: no-store\r\n"},
        {"GET /401 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         "\r\nWWW-Authenticate: Basic realm=\"penstock\""},
        {"GET /429 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         "\r\nX-RateLimit-Limit: 10\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 2.501\r\n"
         "Retry-After: 3\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char answer[ANSWER_BYTES];
        ask(*state, cases[i].request, answer);
        if (strstr(answer, cases[i].in_answer) == NULL) {
            fail_msg("no '%s' in '%s'", cases[i].in_answer, answer);
        }
    }
}

static void head_has_no_body(void **state)
{
    char answer[ANSWER_BYTES];
    ask(*state, "HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer);
    assert_non_null(strstr(answer, "Content-Length: 17\r\n"));
    assert_null(strstr(answer, "GET /x"));
}

/* Five times as many as there may be, each with half a request: one with a whole request is
 * answered at once, and again; those that waited longest had to go. */
static void slow_clients_give_way(void **state)
{
    static const char *const halves[] = {
        "", "G", "GET / HTTP/1.1\r\nHo",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"};
    int slow[20];
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        const char *half = halves[i % ARRAY_LEN(halves)];
        slow[i] = dial(*state);
        assert_int_equal(send(slow[i], half, strlen(half), 0), (ssize_t)strlen(half));
    }
    for (size_t i = 0; i < 5; i++) {
        char answer[ANSWER_BYTES];
        ask(*state, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer);
        assert_non_null(strstr(answer, "200 OK"));
    }
    char byte = 0;
    assert_true(recv(slow[0], &byte, 1, 0) <= 0);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        (void)close(slow[i]);
    }
}

static void *drain(void *argument)
{
    server_drain(argument, 10000);
    return NULL;
}

/* A request that is being answered when the drain begins is answered; the drain waits for it. */
static void drain_waits_for_the_running(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";
    (void)pthread_mutex_lock(&gate);
    int fd = dial(fixture);
    assert_int_equal(send(fd, request, sizeof(request) - 1, 0), (ssize_t)sizeof(request) - 1);
    /* A connection nobody has accepted yet would be left to whoever listens next. */
    assert_int_equal(sem_wait(&entered), 0);
    pthread_t drainer;
    assert_int_equal(pthread_create(&drainer, NULL, drain, fixture->server), 0);
    (void)pthread_mutex_unlock(&gate);
    char answer[ANSWER_BYTES] = "";
    size_t len = 0;
    while (strstr(answer, "GET /slow") == NULL) {
        ssize_t got = recv(fd, answer + len, ANSWER_BYTES - 1 - len, 0);
        assert_true(got > 0);
        len += (size_t)got;
        answer[len] = '\0';
    }
    (void)close(fd);
    assert_int_equal(pthread_join(drainer, NULL), 0);
}

static void a_certificate_that_is_none(void **state)
{
    struct fixture *fixture = *state;
    const struct server_options options = {
        .listen_fd = fixture->listener.fd,
        .cert_pem = "x",
        .key_pem = "y",
        .connections_max = 1,
        .max_body_bytes = 1,
        .handle = handle,
    };
    struct server *server = NULL;
    struct err err = {0};
    assert_int_equal(server_open(&options, &server, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "certificate"));
    assert_null(server);
    /* The socket is still good. */
    char answer[ANSWER_BYTES];
    ask(fixture, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", answer);
    assert_non_null(strstr(answer, "200 OK"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(head_has_no_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_clients_give_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drain_waits_for_the_running, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_that_is_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
