/* What a scraper gets, and what nobody gets. Connections are real, on loopback. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/supervisor/metrics_server.h"

static int pages_count;

static enum status page(void *context, struct buf *out)
{
    pages_count++;
    return buf_add_text(out, context);
}

static void requests_are_judged_by_their_first_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum metrics_answer expected;
    } cases[] = {
        {"", METRICS_ANSWER_WAIT},
        {"GET /metrics HTTP/1.1", METRICS_ANSWER_WAIT},
        {"GET /metrics HTTP/1.1\r\n", METRICS_ANSWER_WAIT},
        {"GET /metrics HTTP/1.1\r\n\r\n", METRICS_ANSWER_PAGE},
        {"GET /metrics HTTP/1.0\r\nHost: a\r\n\r\n", METRICS_ANSWER_PAGE},
        {"GET /metrics?x=1 HTTP/1.1\r\nAccept: */*\r\n\r\n", METRICS_ANSWER_PAGE},
        {"GET / HTTP/1.1\r\n\r\n", METRICS_ANSWER_NOT_FOUND},
        {"GET /metricsx HTTP/1.1\r\n\r\n", METRICS_ANSWER_NOT_FOUND},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", METRICS_ANSWER_NOT_FOUND},
        {"GET http://a/metrics HTTP/1.1\r\n\r\n", METRICS_ANSWER_NOT_FOUND},
        {"POST /metrics HTTP/1.1\r\n\r\n", METRICS_ANSWER_METHOD},
        {"get /metrics HTTP/1.1\r\n\r\n", METRICS_ANSWER_METHOD},
        {"GET /metrics\r\n\r\n", METRICS_ANSWER_BAD},
        {"GET /metrics HTTP/2.0\r\n\r\n", METRICS_ANSWER_BAD},
        {"GET  \r\n\r\n", METRICS_ANSWER_BAD},
        {" GET /metrics HTTP/1.1\r\n\r\n", METRICS_ANSWER_BAD},
        {"\r\n\r\n", METRICS_ANSWER_BAD},
        {"\x16\x03\x01\x02\r\n\r\n", METRICS_ANSWER_BAD},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const enum metrics_answer got = metrics_request_judge(cases[i].text, strlen(cases[i].text));
        if (got != cases[i].expected) {
            fail_msg("case %zu: answer %d, not %d", i, (int)got, (int)cases[i].expected);
        }
    }
    char large[METRICS_REQUEST_MAX_BYTES];
    memset(large, 'a', sizeof(large));
    assert_int_equal(metrics_request_judge(large, sizeof(large) - 1), METRICS_ANSWER_WAIT);
    assert_int_equal(metrics_request_judge(large, sizeof(large)), METRICS_ANSWER_TOO_LARGE);
}

static void start(struct metrics_server *server, char *text)
{
    struct err err = {.status = ST_OK};
    pages_count = 0;
    assert_int_equal(metrics_server_open(server, "127.0.0.1:0", page, text, &err), ST_OK);
}

static int connect_to(const struct metrics_server *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const char *port = strrchr(server->listener.address, ':') + 1;
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
    };
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Let the server work until the client's stream ends or the test's patience does. */
static size_t
hear(struct metrics_server *server, int fd, int64_t now_ms, char *ret_text, size_t size_bytes)
{
    size_t got_bytes = 0;
    for (int i = 0; i < 2000; i++) {
        metrics_server_tend(server, now_ms);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, 1) == 0) {
            continue;
        }
        ssize_t got = recv(fd, ret_text + got_bytes, size_bytes - 1 - got_bytes, 0);
        if (got <= 0) {
            break;
        }
        got_bytes += (size_t)got;
    }
    ret_text[got_bytes] = '\0';
    return got_bytes;
}

static void a_scraper_gets_the_page(void **state)
{
    (void)state;
    static struct metrics_server server; /* large */
    char body[] = "a 1\n";
    char text[1024];
    start(&server, body);
    int fd = connect_to(&server);
    say(fd, "GET /metrics HT");
    metrics_server_tend(&server, 1000);
    say(fd, "TP/1.1\r\nHost: a\r\n\r\n");
    hear(&server, fd, 1000, text, sizeof(text));
    assert_string_equal(
        text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
              "Content-Length: 4\r\nConnection: close\r\n\r\na 1\n");
    assert_int_equal(close(fd), 0);
    /* A page serves for a second, so that nobody can keep the supervisor busy with it. */
    for (int i = 0; i < 20; i++) {
        fd = connect_to(&server);
        say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
        assert_true(hear(&server, fd, 1999, text, sizeof(text)) > 100);
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(pages_count, 1);
    fd = connect_to(&server);
    say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
    assert_true(hear(&server, fd, 2000, text, sizeof(text)) > 100);
    assert_int_equal(close(fd), 0);
    assert_int_equal(pages_count, 2);
    metrics_server_done(&server);
    metrics_server_done(&server);
}

static void others_get_an_error(void **state)
{
    (void)state;
    static struct metrics_server server; /* large */
    char body[] = "";
    char text[1024];
    start(&server, body);
    static const struct {
        const char *request;
        const char *answer;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
        {"DELETE /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "},
        {"what\r\n\r\n", "HTTP/1.1 400 "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = connect_to(&server);
        say(fd, cases[i].request);
        hear(&server, fd, 1000, text, sizeof(text));
        assert_memory_equal(text, cases[i].answer, strlen(cases[i].answer));
        assert_int_equal(close(fd), 0);
    }
    char large[METRICS_REQUEST_MAX_BYTES + 1];
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    int fd = connect_to(&server);
    say(fd, large);
    hear(&server, fd, 1000, text, sizeof(text));
    assert_memory_equal(text, "HTTP/1.1 431 ", 13);
    assert_int_equal(close(fd), 0);
    assert_int_equal(pages_count, 0);
    metrics_server_done(&server);
}

static void who_says_nothing_is_cut_off(void **state)
{
    (void)state;
    static struct metrics_server server; /* large */
    char body[] = "a 1\n";
    char text[1024];
    short events = 0;
    start(&server, body);
    int idle[METRICS_PEERS_MAX];
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        idle[i] = connect_to(&server);
    }
    for (int i = 0; i < 2000 && metrics_server_fd(&server, METRICS_PEERS_MAX, &events) >= 0; i++) {
        metrics_server_tend(&server, 1000);
    }
    assert_int_equal(metrics_server_fd(&server, METRICS_PEERS_MAX, &events), -1); /* full */
    int fd = connect_to(&server); /* waits in the kernel's queue */
    say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
    metrics_server_tend(&server, 1000 + METRICS_DEADLINE_MS - 1);
    assert_int_equal(metrics_server_fd(&server, METRICS_PEERS_MAX, &events), -1);
    assert_true(hear(&server, fd, 1000 + METRICS_DEADLINE_MS, text, sizeof(text)) > 100);
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        assert_int_equal(recv(idle[i], text, sizeof(text), 0), 0); /* closed */
        assert_int_equal(close(idle[i]), 0);
    }
    assert_int_equal(close(fd), 0);
    metrics_server_done(&server);
}

static void a_reader_that_stops_reading_is_cut_off(void **state)
{
    (void)state;
    static struct metrics_server server;        /* large */
    const size_t large_bytes = 6 * 1024 * 1024; /* more than sockets hold */
    char *large = malloc(large_bytes + 1);
    assert_non_null(large);
    memset(large, 'x', large_bytes);
    large[large_bytes] = '\0';
    start(&server, large);
    int fd = connect_to(&server);
    say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
    short events = 0;
    for (int i = 0; i < 2000 && server.peers[0].sent_bytes == 0; i++) {
        metrics_server_tend(&server, 1000);
    }
    assert_int_equal(metrics_server_fd(&server, 0, &events), server.peers[0].fd);
    assert_int_equal(events, POLLOUT);
    metrics_server_tend(&server, 1000 + METRICS_DEADLINE_MS);
    assert_int_equal(server.peers[0].fd, -1);
    assert_int_equal(close(fd), 0);
    metrics_server_done(&server);
    free(large);
}

static void without_an_address_nothing_is_served(void **state)
{
    (void)state;
    static struct metrics_server server; /* large */
    struct err err = {.status = ST_OK};
    short events = 0;
    assert_int_equal(metrics_server_open(&server, "", page, NULL, &err), ST_OK);
    for (size_t i = 0; i <= METRICS_PEERS_MAX; i++) {
        assert_int_equal(metrics_server_fd(&server, i, &events), -1);
    }
    metrics_server_tend(&server, 1000);
    metrics_server_done(&server);
    assert_int_equal(metrics_server_open(&server, "nowhere", page, NULL, &err), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_judged_by_their_first_line),
        cmocka_unit_test(a_scraper_gets_the_page),
        cmocka_unit_test(others_get_an_error),
        cmocka_unit_test(who_says_nothing_is_cut_off),
        cmocka_unit_test(a_reader_that_stops_reading_is_cut_off),
        cmocka_unit_test(without_an_address_nothing_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
