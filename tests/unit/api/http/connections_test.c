/* Who gives way when connections run out, on socket pairs: what is ended reads an end of file. */
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/connections.h"
#include "tests/unit/unit.h"

enum {
    MAX = 3,
    PLACES = MAX + CONNECTIONS_MORE,
    CLIENTS = 8,
};

struct client {
    int ends[2]; /* ours, the server's */
    struct connection *connection;
};

static void open_client(struct connections *all, struct client *client, int64_t now_us)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client->ends), 0);
    client->connection = connection_open(all, client->ends[1], now_us);
}

static void close_client(struct connections *all, struct client *client)
{
    connection_close(all, client->connection);
    (void)close(client->ends[0]);
    (void)close(client->ends[1]);
}

static bool is_ended(const struct client *client)
{
    char byte = 0;
    return recv(client->ends[0], &byte, 1, MSG_DONTWAIT) == 0;
}

static void the_longest_waiting_gives_way(void **state)
{
    (void)state;
    struct connections *all = connections_new(MAX);
    struct client clients[CLIENTS];
    for (size_t i = 0; i < 3; i++) {
        open_client(all, &clients[i], (int64_t)i);
        assert_false(is_ended(&clients[0]));
    }
    connection_work(all, clients[0].connection); /* not to be touched */
    open_client(all, &clients[3], 3);
    assert_true(is_ended(&clients[1]));
    assert_false(is_ended(&clients[0]) || is_ended(&clients[2]) || is_ended(&clients[3]));
    assert_int_equal(connections_ended(all), 1);

    /* Its answer is sent: it waits again, but not as long as another. */
    connection_wait(all, clients[0].connection, 10);
    close_client(all, &clients[1]);
    open_client(all, &clients[4], 11);
    assert_true(is_ended(&clients[2]));
    close_client(all, &clients[2]);
    open_client(all, &clients[5], 12);
    assert_true(is_ended(&clients[3]));
    assert_false(is_ended(&clients[0]));
    close_client(all, &clients[3]);
    open_client(all, &clients[6], 13);
    assert_true(is_ended(&clients[0]));
    assert_int_equal(connections_ended(all), 4);
    static const size_t left[] = {0, 4, 5, 6};
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        close_client(all, &clients[left[i]]);
    }
    connections_free(all);
}

static void those_at_work_stay(void **state)
{
    (void)state;
    struct connections *all = connections_new(MAX);
    struct connection *made[PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        made[i] = connection_open(all, -1, 0);
        assert_non_null(made[i]);
        connection_work(all, made[i]);
    }
    assert_null(connection_open(all, -1, 1)); /* the library does not accept so many */
    connection_work(all, NULL);
    connection_wait(all, NULL, 1);
    connection_close(all, NULL);
    for (size_t i = 0; i < PLACES; i++) {
        connection_close(all, made[i]);
    }
    assert_int_equal(connections_ended(all), 0);
    connections_free(all);
    connections_free(NULL);
}

/* It had to give way just when its request was whole: no place is lost or counted twice. */
static void ended_at_the_door_of_work(void **state)
{
    (void)state;
    struct connections *all = connections_new(MAX);
    struct client clients[CLIENTS];
    for (size_t round = 0; round < 10; round++) {
        for (size_t i = 0; i <= MAX; i++) {
            open_client(all, &clients[i], (int64_t)i);
            assert_non_null(clients[i].connection);
        }
        assert_true(is_ended(&clients[0]));
        connection_work(all, clients[0].connection);
        connection_wait(all, clients[0].connection, 9);
        for (size_t i = 0; i <= MAX; i++) {
            assert_int_equal(is_ended(&clients[i]), i == 0);
            close_client(all, &clients[i]);
        }
        assert_int_equal(connections_ended(all), round + 1);
    }
    connections_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_waiting_gives_way),
        cmocka_unit_test(those_at_work_stay),
        cmocka_unit_test(ended_at_the_door_of_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
