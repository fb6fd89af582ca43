/* What the supervisor is told, and what it is spared: nothing new is not told again. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/metrics/inserts.h"

#include "tests/unit/unit.h"
#include "worker/replica/reporter.h"

enum {
    GENERATION = 7,
    MESSAGE_MAX_BYTES = 4096,
};

struct fixture {
    int read_fd;
    int write_fd;
    struct reporter reporter;
    struct protocol_counters counters;
    uint64_t insert_numbers[INSERT_NUMBERS];
};

static int start(void **state)
{
    static struct fixture fixture;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    fixture = (struct fixture){.read_fd = fds[0], .write_fd = fds[1]};
    reporter_init(&fixture.reporter, fixture.write_fd, GENERATION);
    *state = &fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *f = *state;
    closep(&f->read_fd);
    closep(&f->write_fd);
    return 0;
}

/* The next message, which must be a sound one of this type; false if there is none. */
static bool
next_message(struct fixture *f, enum protocol_message_type type, void *ret_bytes, size_t len_bytes)
{
    ssize_t got = read(f->read_fd, ret_bytes, len_bytes);
    if (got < 0) {
        return false;
    }
    assert_int_equal(got, len_bytes);
    assert_int_equal(
        protocol_message_check(ret_bytes, (uint32_t)len_bytes, GENERATION, NULL), ST_OK);
    struct protocol_header header;
    memcpy(&header, ret_bytes, sizeof(header));
    assert_int_equal(header.type, type);
    return true;
}

/* How many heartbeats were told. */
static int heartbeats(struct fixture *f)
{
    struct protocol_heartbeat message;
    int count = 0;
    while (next_message(f, PROTOCOL_MESSAGE_HEARTBEAT, &message, sizeof(message))) {
        count++;
    }
    return count;
}

static struct reporter_facts facts_of(const struct fixture *f)
{
    return (struct reporter_facts){
        .state = PROTOCOL_STATE_RUNNING,
        .partitions_count = 2,
        .unsettled_records = 3,
        .unsettled_bytes = 30,
        .counters = &f->counters,
        .insert_numbers = f->insert_numbers,
    };
}

static void a_heartbeat_says_all(void **state)
{
    struct fixture *f = *state;
    f->counters.fetched_records = 10;
    f->insert_numbers[INSERT_NUMBERS - 1] = 4;
    const struct reporter_facts facts = facts_of(f);
    reporter_heartbeat(&f->reporter, &facts, 1000);
    struct protocol_heartbeat message;
    assert_true(next_message(f, PROTOCOL_MESSAGE_HEARTBEAT, &message, sizeof(message)));
    assert_int_equal(message.state, PROTOCOL_STATE_RUNNING);
    assert_int_equal(message.partitions_count, 2);
    assert_int_equal(message.unsettled_records, 3);
    assert_int_equal(message.unsettled_bytes, 30);
    assert_int_equal(message.counters.fetched_records, 10);
    assert_int_equal(message.insert_numbers[INSERT_NUMBERS - 1], 4);
    assert_true(message.resident_bytes > 0);
}

/* Each step at its time: whether something changed before, and whether a heartbeat is told. */
static void an_idle_replica_falls_silent(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t now_ms;
        bool is_news;
        int told_count;
    } steps[] = {
        {1000, true, 1},                     /* the first */
        {2000, false, 1},                    /* rates fall to zero for a while */
        {5999, false, 1},  {6000, false, 0}, /* five seconds after the last news */
        {10998, false, 0},                   /* less than five after the last one told */
        {10999, false, 1}, {11999, false, 0}, {12999, true, 1}, /* news at once */
        {13999, false, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        f->counters.sent_records += steps[i].is_news;
        const struct reporter_facts facts = facts_of(f);
        reporter_regular_heartbeat(&f->reporter, &facts, steps[i].now_ms);
        assert_int_equal(heartbeats(f), steps[i].told_count);
    }
    /* Before a commit it is told whatever was told before. */
    const struct reporter_facts facts = facts_of(f);
    reporter_heartbeat(&f->reporter, &facts, 60000);
    reporter_heartbeat(&f->reporter, &facts, 60000);
    assert_int_equal(heartbeats(f), 2);
}

static void fill_pipe(const struct fixture *f)
{
    const char bytes[MESSAGE_MAX_BYTES] = "";
    while (write(f->write_fd, bytes, sizeof(bytes)) > 0) {
    }
}

static void empty_pipe(const struct fixture *f)
{
    char bytes[MESSAGE_MAX_BYTES];
    while (read(f->read_fd, bytes, sizeof(bytes)) > 0) {
    }
}

static void what_was_dropped_is_still_news(void **state)
{
    struct fixture *f = *state;
    const struct reporter_facts facts = facts_of(f);
    fill_pipe(f);
    reporter_regular_heartbeat(&f->reporter, &facts, 1000);
    assert_int_equal(f->reporter.dropped_count, 1);
    empty_pipe(f);
    reporter_regular_heartbeat(&f->reporter, &facts, 7000);
    assert_int_equal(heartbeats(f), 1);
}

static struct protocol_partition row_of(const char *topic, int32_t partition, int64_t committed)
{
    struct protocol_partition row;
    memset(&row, 0, sizeof(row));
    memcpy(row.topic, topic, strlen(topic));
    row.partition = partition;
    row.committed = committed;
    return row;
}

static void partitions_come_in_chunks(void **state)
{
    struct fixture *f = *state;
    struct reporter_chunk chunk;
    memset(&chunk, 0, sizeof(chunk));
    for (int32_t i = 0; i < PROTOCOL_PARTITIONS_PER_MESSAGE + 1; i++) {
        const struct protocol_partition row = row_of("t", i, i + 10);
        reporter_add_partition(&f->reporter, &chunk, &row);
    }
    reporter_flush_partitions(&f->reporter, &chunk);
    reporter_flush_partitions(&f->reporter, &chunk); /* nothing is left */
    struct protocol_partitions message;
    assert_true(next_message(f, PROTOCOL_MESSAGE_PARTITIONS, &message, sizeof(message)));
    assert_int_equal(message.count, PROTOCOL_PARTITIONS_PER_MESSAGE);
    assert_true(next_message(f, PROTOCOL_MESSAGE_PARTITIONS, &message, sizeof(message)));
    assert_int_equal(message.count, 1);
    assert_int_equal(message.rows[0].partition, PROTOCOL_PARTITIONS_PER_MESSAGE);
    assert_int_equal(message.rows[0].committed, PROTOCOL_PARTITIONS_PER_MESSAGE + 10);
    assert_false(next_message(f, PROTOCOL_MESSAGE_PARTITIONS, &message, sizeof(message)));
}

static void a_digest_tells_rows_apart(void **state)
{
    struct fixture *f = *state;
    const struct protocol_partition a = row_of("t", 0, 5);
    const struct protocol_partition moved = row_of("t", 0, 6);
    const struct protocol_partition other = row_of("t", 1, 5);
    const uint64_t first = reporter_digest(0, &a);
    assert_true(first == reporter_digest(0, &a));
    assert_true(first != reporter_digest(0, &moved));
    assert_true(first != reporter_digest(0, &other));
    assert_true(reporter_digest(first, &other) != reporter_digest(reporter_digest(0, &other), &a));
    assert_false(reporter_knows_partitions(&f->reporter, first));
    reporter_note_partitions(&f->reporter, first, f->reporter.dropped_count);
    assert_true(reporter_knows_partitions(&f->reporter, first));
    /* One of its messages did not get through. */
    reporter_note_partitions(&f->reporter, first, f->reporter.dropped_count + 1);
    assert_false(reporter_knows_partitions(&f->reporter, first));
}

static void a_latency_is_told_when_it_changes(void **state)
{
    struct fixture *f = *state;
    struct latency latency;
    struct protocol_latency message;
    latency_init(&latency, 0);
    latency_add(&latency, 3, 2);
    reporter_latency(&f->reporter, &latency);
    assert_true(next_message(f, PROTOCOL_MESSAGE_LATENCY, &message, sizeof(message)));
    assert_int_equal(message.max_ms, 3);
    reporter_latency(&f->reporter, &latency);
    assert_false(next_message(f, PROTOCOL_MESSAGE_LATENCY, &message, sizeof(message)));
    latency_add(&latency, 3, 1);
    fill_pipe(f);
    reporter_latency(&f->reporter, &latency); /* dropped */
    empty_pipe(f);
    reporter_latency(&f->reporter, &latency);
    assert_true(next_message(f, PROTOCOL_MESSAGE_LATENCY, &message, sizeof(message)));
}

static void texts_of_an_event_are_cut(void **state)
{
    struct fixture *f = *state;
    char text[PROTOCOL_EVENT_TEXT_BYTES + 10];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    const struct reporter_event event = {
        .event = "reason", .name = "TABLE_NOT_FOUND", .text = text, .details = "{}"};
    reporter_event(&f->reporter, &event);
    struct protocol_event message;
    assert_true(next_message(f, PROTOCOL_MESSAGE_EVENT, &message, sizeof(message)));
    assert_string_equal(message.event, "reason");
    assert_string_equal(message.name, "TABLE_NOT_FOUND");
    assert_int_equal(strlen(message.text), PROTOCOL_EVENT_TEXT_BYTES - 1);
    assert_string_equal(message.details, "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
        T(a_heartbeat_says_all),           T(an_idle_replica_falls_silent),
        T(what_was_dropped_is_still_news), T(partitions_come_in_chunks),
        T(a_digest_tells_rows_apart),      T(a_latency_is_told_when_it_changes),
        T(texts_of_an_event_are_cut),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
