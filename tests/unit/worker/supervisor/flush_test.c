/* One statement for the reports of all seats that are due: what each of them gets back of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "tests/unit/unit.h"
#include "tests/unit/worker/supervisor/fake_store.h"
#include "worker/supervisor/flush.h"

enum {
    SEATS = 3
};

static struct seat *seats[SEATS];

static int start(void **state)
{
    (void)state;
    fake_store_start();
    clock_fake_start(1000000);
    for (int i = 0; i < SEATS; i++) {
        const struct lease lease = {.pipe_id = "p", .replica_index = i, .generation = 7};
        assert_int_equal(seat_new(&lease, &seats[i], NULL), ST_OK);
        seats[i]->is_held = true;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (int i = 0; i < SEATS; i++) {
        seat_free(seats[i]);
    }
    clock_fake_stop();
    fake_store_stop();
    return 0;
}

static void beat(int index, uint64_t sent)
{
    const struct protocol_heartbeat heartbeat = {
        .state = PROTOCOL_STATE_RUNNING,
        .counters = {.fetched_records = sent, .sent_records = sent},
    };
    report_take_heartbeat(&seats[index]->report, &heartbeat, clock_monotonic_ms());
}

static void move(int index, int64_t committed)
{
    struct protocol_partitions message = {.count = 1};
    message.rows[0] = (struct protocol_partition){.topic = "t", .committed = committed, .end = 9};
    assert_int_equal(report_take_partitions(&seats[index]->report, &message), ST_OK);
}

static enum status flush(enum flush_what what)
{
    const struct flush_seats all = {.items = seats, .count = SEATS, .owner = "me"};
    return flush_seats(what, &all, NULL, clock_monotonic_ms(), NULL);
}

static void assert_journal(const char *expected)
{
    assert_string_equal(buf_text(&fake_store.journal), expected);
    buf_reset(&fake_store.journal);
}

static void one_statement_takes_those_that_are_due(void **state)
{
    (void)state;
    beat(0, 5);
    beat(2, 7);
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    assert_int_equal(fake_store.statements_count, 1);
    assert_journal("report me p/0 g7 running pid=0\nreport me p/2 g7 running pid=0\n");
    assert_int_equal(fake_store.totals.sent_records, 12);
    /* Nothing has changed since: no statement at all. */
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    assert_int_equal(fake_store.statements_count, 1);
}

static void a_seat_that_is_not_held_tells_nothing(void **state)
{
    (void)state;
    beat(0, 5);
    beat(1, 5);
    seats[0]->is_held = false;
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    assert_journal("report me p/1 g7 running pid=0\n");
}

/* Somebody holds the pipe of the first, the second is stored, the third's lease has gone. */
static void each_gets_its_own_answer(void **state)
{
    (void)state;
    for (int i = 0; i < SEATS; i++) {
        beat(i, 10);
    }
    fake_store.item_answers[0] = ST_CONFLICT;
    fake_store.item_answers[2] = ST_FENCED;
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    assert_journal("report me p/1 g7 running pid=0\n");
    const int64_t now_ms = clock_monotonic_ms();
    assert_true(report_is_due(&seats[0]->report, now_ms));
    assert_false(report_is_due(&seats[1]->report, now_ms));
    assert_false(report_is_due(&seats[2]->report, now_ms));
    fake_store.item_answers[0] = ST_OK;
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    assert_journal("report me p/0 g7 running pid=0\n");
    assert_int_equal(fake_store.totals.sent_records, 20);
}

static void a_statement_that_fails_loses_nothing(void **state)
{
    (void)state;
    beat(0, 1);
    beat(1, 2);
    fake_store.answer = ST_UNAVAILABLE;
    fake_store.ok_calls_count = 0;
    assert_int_equal(flush(FLUSH_REPORTS), ST_UNAVAILABLE);
    beat(1, 4);
    fake_store.ok_calls_count = -1;
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK); /* what was on its way */
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK); /* what came since */
    assert_int_equal(fake_store.totals.sent_records, 5);
}

static void an_idle_seat_is_due_after_a_while(void **state)
{
    (void)state;
    beat(0, 1);
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    clock_fake_advance_ms(REPORT_IDLE_MS - 1);
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    assert_int_equal(fake_store.statements_count, 1);
    clock_fake_advance_ms(1);
    assert_int_equal(flush(FLUSH_REPORTS), ST_OK);
    assert_int_equal(fake_store.statements_count, 2);
}

static void partitions_that_moved_go_in_one_statement(void **state)
{
    (void)state;
    move(0, 3);
    move(2, 4);
    fake_store.answer = ST_UNAVAILABLE;
    fake_store.ok_calls_count = 0;
    assert_int_equal(flush(FLUSH_PARTITIONS), ST_UNAVAILABLE);
    assert_journal("");
    fake_store.ok_calls_count = -1;
    fake_store.statements_count = 0;
    assert_int_equal(flush(FLUSH_PARTITIONS), ST_OK);
    assert_journal("partition t/0 3 of 9\npartition t/0 4 of 9\n");
    assert_int_equal(fake_store.statements_count, 1);
    assert_int_equal(flush(FLUSH_PARTITIONS), ST_OK);
    assert_int_equal(fake_store.statements_count, 1);
}

/* More than one statement takes are several. */
static void a_large_host_needs_several_statements(void **state)
{
    (void)state;
    enum {
        MANY = FLUSH_SEATS_MAX + 1
    };
    struct seat **many = calloc(MANY, sizeof(struct seat *));
    assert_non_null(many);
    for (int64_t i = 0; i < MANY; i++) {
        many[i] = calloc(1, sizeof(struct seat));
        assert_non_null(many[i]);
        report_init(&many[i]->report, i * 1000);
        many[i]->is_held = true;
        many[i]->report.has_changes = true;
    }
    const struct flush_seats all = {.items = many, .count = MANY, .owner = "me"};
    assert_int_equal(flush_seats(FLUSH_REPORTS, &all, NULL, 0, NULL), ST_OK);
    assert_int_equal(fake_store.statements_count, 2);
    assert_int_equal(fake_store.reports_count, MANY);
    for (int i = 0; i < MANY; i++) {
        report_done(&many[i]->report);
        free(many[i]);
    }
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
        T(one_statement_takes_those_that_are_due),
        T(a_seat_that_is_not_held_tells_nothing),
        T(each_gets_its_own_answer),
        T(a_statement_that_fails_loses_nothing),
        T(an_idle_seat_is_due_after_a_while),
        T(partitions_that_moved_go_in_one_statement),
        T(a_large_host_needs_several_statements),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
