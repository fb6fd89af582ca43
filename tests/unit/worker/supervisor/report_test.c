/* Heartbeats become differences that are stored once, whatever happens in between. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

#include "tests/unit/unit.h"
#include "tests/unit/worker/supervisor/fake_store.h"
#include "worker/supervisor/report.h"

static const struct lease lease = {.pipe_id = "p", .replica_index = 1, .generation = 7};

static int start(void **state)
{
    (void)state;
    fake_store_start();
    clock_fake_start(1000000);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    clock_fake_stop();
    fake_store_stop();
    return 0;
}

/* A heartbeat that fetched so many records, all but unsettled of them sent. */
static struct protocol_heartbeat beat(uint64_t fetched, uint64_t unsettled)
{
    return (struct protocol_heartbeat){
        .state = PROTOCOL_STATE_RUNNING,
        .unsettled_records = unsettled,
        .unsettled_bytes = unsettled * 10,
        .counters =
            {.fetched_records = fetched,
             .fetched_bytes = fetched * 10,
             .sent_records = fetched - unsettled},
    };
}

static void take(struct report *report, uint64_t fetched, uint64_t unsettled)
{
    struct protocol_heartbeat heartbeat = beat(fetched, unsettled);
    report_take_heartbeat(report, &heartbeat, clock_monotonic_ms());
}

static enum status flush(struct report *report, int pid)
{
    const struct report_process process = {
        .owner = "me", .lease = &lease, .pid = pid, .revision = 3, .restarts_count = 2};
    return report_flush(report, &process, NULL, NULL);
}

static void differences_add_up_to_the_counters(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    assert_true(report_is_due(&report, clock_monotonic_ms()));
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_string_equal(buf_text(&fake_store.journal), "report me p/1 g7 starting pid=11\n");
    take(&report, 100, 10);
    take(&report, 150, 0);
    assert_int_equal(flush(&report, 11), ST_OK);
    take(&report, 155, 5);
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_int_equal(fake_store.totals.fetched_records, 155);
    assert_int_equal(fake_store.totals.sent_records, 150);
    assert_int_equal(fake_store.totals.unsettled_records, 5);
    assert_int_equal(fake_store.totals.restarts, 2);
    assert_int_equal(fake_store.totals.revision, 3);
    report_done(&report);
}

/* CPU and the numbers of inserts travel as the counters do: once, over the death of a child. */
static void inserts_and_cpu_add_up(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    int64_t cpu_us = 0;
    int64_t inserts = 0;
    for (int child = 1; child <= 2; child++) {
        report_child_started(&report, clock_monotonic_ms());
        for (uint64_t i = 1; i <= 3; i++) {
            struct protocol_heartbeat heartbeat = beat(i, 0);
            heartbeat.cpu_us = i * 100;
            heartbeat.insert_numbers[PROTOCOL_INSERT_NUMBERS - 1] = i * 2;
            report_take_heartbeat(&report, &heartbeat, clock_monotonic_ms());
            struct runtime_report row;
            const struct report_process process = {.owner = "me", .lease = &lease, .pid = child};
            report_fill(&report, &process, &row);
            cpu_us += row.cpu_us;
            assert_int_equal(row.insert_numbers_count, PROTOCOL_INSERT_NUMBERS);
            inserts += row.insert_numbers[PROTOCOL_INSERT_NUMBERS - 1];
            assert_int_equal(flush(&report, child), ST_OK);
        }
        report_child_ended(&report);
    }
    assert_int_equal(cpu_us, 600);
    assert_int_equal(inserts, 12);
    report_done(&report);
}

static void nothing_is_lost_or_doubled_while_the_database_is_away(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 100, 0);
    assert_int_equal(flush(&report, 11), ST_OK);
    fake_store.answer = ST_UNAVAILABLE;
    fake_store.ok_calls_count = 0;
    for (uint64_t i = 1; i <= 5; i++) {
        take(&report, 100 + i * 10, 0);
        assert_int_equal(flush(&report, 11), ST_UNAVAILABLE);
        assert_true(report_is_due(&report, clock_monotonic_ms()));
    }
    fake_store.ok_calls_count = -1;
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_int_equal(fake_store.totals.fetched_records, 150);
    assert_int_equal(fake_store.totals.sent_records, 150);
    report_done(&report);
}

/* What PostgreSQL has in the end: the sum of differences, less what it takes back by itself when it
 * sees another pid (what the row of the dead process said was unsettled). */
static int64_t settled(int64_t row_unsettled_of_dead)
{
    return fake_store.totals.fetched_records - row_unsettled_of_dead;
}

static void a_dead_child_gives_back_what_it_had_not_settled(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 100, 30);
    assert_int_equal(flush(&report, 11), ST_OK); /* the row says 30 */
    take(&report, 120, 50);                      /* 50 in truth when it dies */
    report_child_ended(&report);
    assert_int_equal(flush(&report, 0), ST_OK);
    assert_int_equal(fake_store.totals.sent_records, 70);
    assert_int_equal(settled(30), 70);
    assert_int_equal(fake_store.totals.unsettled_records, 0);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 50, 0); /* reads those 50 again */
    assert_int_equal(flush(&report, 12), ST_OK);
    assert_int_equal(settled(30), 120);
    assert_int_equal(fake_store.totals.sent_records, 120);
    report_done(&report);
}

static void two_deaths_without_a_database_are_counted_right(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 10, 4);
    assert_int_equal(flush(&report, 11), ST_OK); /* the row says 4 */
    take(&report, 20, 6);
    report_child_ended(&report);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 9, 3);
    report_child_ended(&report);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 3, 1);
    assert_int_equal(flush(&report, 13), ST_OK);
    assert_int_equal(fake_store.totals.sent_records, 14 + 6 + 2);
    assert_int_equal(settled(4) - fake_store.totals.unsettled_records, 14 + 6 + 2);
    report_done(&report);
}

static void a_lost_answer_does_not_count_twice(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, INT64_MAX - 1);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 100, 40);
    fake_store.is_answer_lost = true; /* stored, but the supervisor does not hear of it */
    assert_int_equal(flush(&report, 11), ST_UNAVAILABLE);
    take(&report, 130, 50);
    assert_int_equal(flush(&report, 11), ST_UNAVAILABLE);
    report_child_ended(&report); /* the row says 40, in truth it were 50 */
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 50, 0);
    fake_store.is_answer_lost = false;
    assert_int_equal(flush(&report, 12), ST_OK);
    assert_int_equal(fake_store.totals.sent_records, 130);
    assert_int_equal(settled(40), 130);
    assert_int_equal(fake_store.reports_count, 2); /* the repeated one and what came since */
    assert_int_equal(fake_store.totals.number, 1);
    report_done(&report);
}

static void a_report_that_is_refused_for_good_is_dropped(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 10, 0);
    fake_store.answer = ST_INVALID;
    fake_store.ok_calls_count = 0;
    assert_int_equal(flush(&report, 11), ST_INVALID);
    fake_store.answer = ST_CONFLICT; /* a lock: nothing is lost */
    take(&report, 17, 0);
    assert_int_equal(flush(&report, 11), ST_CONFLICT);
    fake_store.ok_calls_count = -1;
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_int_equal(fake_store.totals.fetched_records, 7);
    report_done(&report);
}

static void a_fenced_report_is_dropped(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 10, 0);
    fake_store.answer = ST_FENCED;
    fake_store.ok_calls_count = 0;
    assert_int_equal(flush(&report, 11), ST_FENCED);
    fake_store.ok_calls_count = -1;
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_int_equal(fake_store.totals.fetched_records, 0);
    report_done(&report);
}

/* Somebody else had the replica for a while and took back what was unsettled; our old child drains.
 */
static void a_new_lease_begins_anew(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 100, 40);
    assert_int_equal(flush(&report, 11), ST_OK); /* the row says 40 */
    take(&report, 150, 20);
    fake_store.answer = ST_UNAVAILABLE;
    fake_store.ok_calls_count = 0;
    assert_int_equal(flush(&report, 11), ST_UNAVAILABLE); /* nobody knows whether it arrived */
    take(&report, 170, 10);
    report_lease_changed(&report);
    fake_store.ok_calls_count = -1;
    assert_int_equal(flush(&report, 11), ST_OK);
    take(&report, 200, 0); /* the old child drains, counts and ends */
    report_child_ended(&report);
    assert_int_equal(flush(&report, 0), ST_OK);
    assert_int_equal(fake_store.totals.fetched_records, 100);
    assert_int_equal(fake_store.totals.sent_records, 60);
    assert_int_equal(fake_store.totals.unsettled_records, 0);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 30, 10);
    assert_int_equal(flush(&report, 12), ST_OK);
    assert_int_equal(fake_store.totals.fetched_records, 130);
    assert_int_equal(fake_store.totals.sent_records, 80);
    report_done(&report);
}

static void counters_that_lie_are_not_believed(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 100, 0);
    take(&report, 50, 0); /* taken back, see protocol.h */
    take(&report, UINT64_MAX, 0);
    take(&report, 60, UINT64_MAX);
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_int_equal(fake_store.totals.fetched_records, 50);
    assert_int_equal(fake_store.totals.unsettled_records, 0);
    report_done(&report);
}

static void rates_come_from_successive_heartbeats(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    report_child_started(&report, clock_monotonic_ms());
    for (uint64_t i = 1; i <= 12; i++) {
        clock_fake_advance_ms(1000);
        struct protocol_heartbeat heartbeat = beat(i * 200, 0);
        heartbeat.cpu_us = i * 250000;
        report_take_heartbeat(&report, &heartbeat, clock_monotonic_ms());
        assert_int_equal(report.cpu_millicores, 250);
        assert_int_equal((int)report.records_per_second, 200);
        assert_int_equal((int)report.bytes_per_second, 2000);
    }
    /* It stands still: after a window the rate is zero. */
    for (int i = 0; i < 11; i++) {
        clock_fake_advance_ms(1000);
        struct protocol_heartbeat heartbeat = beat(12 * 200, 0);
        heartbeat.cpu_us = 12 * 250000;
        report_take_heartbeat(&report, &heartbeat, clock_monotonic_ms());
    }
    assert_int_equal((int)report.records_per_second, 0);
    assert_int_equal(report.cpu_millicores, 0);
    report_done(&report);
}

static void an_idle_replica_is_reported_seldom(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    assert_false(report_is_due(&report, clock_monotonic_ms())); /* nobody there */
    report_child_started(&report, clock_monotonic_ms());
    take(&report, 100, 0);
    assert_int_equal(flush(&report, 11), ST_OK);
    assert_false(report_is_due(&report, clock_monotonic_ms()));
    take(&report, 100, 0);
    assert_false(report_is_due(&report, clock_monotonic_ms()));
    clock_fake_advance_ms(REPORT_IDLE_MS - 1);
    assert_false(report_is_due(&report, clock_monotonic_ms()));
    clock_fake_advance_ms(1);
    assert_true(report_is_due(&report, clock_monotonic_ms()));
    take(&report, 101, 0);
    assert_true(report_is_due(&report, clock_monotonic_ms()));
    report_done(&report);
}

static void states_have_the_words_of_the_table(void **state)
{
    (void)state;
    static const char *const words[] = {"starting", "running", "waiting", "draining"};
    for (uint32_t i = 0; i < ARRAY_LEN(words); i++) {
        struct report report;
        report_init(&report, 1000);
        struct protocol_heartbeat heartbeat = {.state = i};
        report_take_heartbeat(&report, &heartbeat, clock_monotonic_ms());
        struct report_process process = {.pid = 1};
        struct runtime_report row;
        report_fill(&report, &process, &row);
        assert_string_equal(row.state, words[i]);
        process.is_draining = true;
        report_fill(&report, &process, &row);
        assert_string_equal(row.state, "draining");
        report_done(&report);
    }
}

static struct protocol_partitions
partitions_of(const char *topic, int32_t first, uint32_t count, int64_t committed)
{
    struct protocol_partitions message = {.count = count};
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(message.rows[i].topic, sizeof(message.rows[i].topic), "%s", topic);
        message.rows[i].partition = first + (int32_t)i;
        message.rows[i].committed = committed;
        message.rows[i].end = 100;
    }
    return message;
}

static void partitions_are_stored_when_they_change(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    struct protocol_partitions message = partitions_of("t", 0, 2, 5);
    assert_int_equal(report_take_partitions(&report, &message), ST_OK);
    fake_store.answer = ST_UNAVAILABLE;
    fake_store.ok_calls_count = 1; /* the report is stored, the partitions are not */
    assert_int_equal(flush(&report, 1), ST_UNAVAILABLE);
    fake_store.ok_calls_count = -1;
    buf_reset(&fake_store.journal);
    assert_int_equal(flush(&report, 1), ST_OK);
    assert_non_null(
        strstr(buf_text(&fake_store.journal), "partition t/0 5 of 100\npartition t/1 5 of 100\n"));
    assert_int_equal(report_take_partitions(&report, &message), ST_OK); /* the same again */
    assert_false(report.has_partitions_pending);
    message.rows[1].committed = 6;
    assert_int_equal(report_take_partitions(&report, &message), ST_OK);
    buf_reset(&fake_store.journal);
    assert_int_equal(flush(&report, 1), ST_OK);
    assert_null(strstr(buf_text(&fake_store.journal), "t/0"));
    assert_non_null(strstr(buf_text(&fake_store.journal), "partition t/1 6 of 100\n"));
    report_done(&report);
}

static void partitions_are_bounded(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    for (int32_t i = 0; i < REPORT_PARTITIONS_MAX; i += 8) {
        struct protocol_partitions message = partitions_of("t", i, 8, 0);
        assert_int_equal(report_take_partitions(&report, &message), ST_OK);
    }
    struct protocol_partitions more = partitions_of("u", 0, 1, 0);
    assert_int_equal(report_take_partitions(&report, &more), ST_TOO_LARGE);
    struct protocol_partitions known = partitions_of("t", 8, 1, 9);
    assert_int_equal(report_take_partitions(&report, &known), ST_OK);
    assert_int_equal(report.partitions_count, REPORT_PARTITIONS_MAX);
    report_done(&report);
    report_done(&report); /* twice is fine */
}

static void latencies_are_passed_on(void **state)
{
    (void)state;
    struct report report;
    report_init(&report, 1000);
    struct protocol_latency latency = {.max_ms = 70};
    latency.counts[3] = 5;
    latency.counts[4] = UINT64_MAX;
    report_take_latency(&report, &latency);
    assert_int_equal(flush(&report, 1), ST_OK);
    assert_int_equal(fake_store.totals.latency_max_ms, 70);
    assert_int_equal(fake_store.latency_counts[3], 5);
    assert_int_equal(fake_store.latency_counts[4], 0);
    latency.max_ms = -1;
    report_take_latency(&report, &latency);
    assert_int_equal(report.latency_max_ms, 0);
    report_done(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
        T(differences_add_up_to_the_counters),
        T(nothing_is_lost_or_doubled_while_the_database_is_away),
        T(a_dead_child_gives_back_what_it_had_not_settled),
        T(two_deaths_without_a_database_are_counted_right),
        T(a_lost_answer_does_not_count_twice),
        T(a_report_that_is_refused_for_good_is_dropped),
        T(a_fenced_report_is_dropped),
        T(a_new_lease_begins_anew),
        T(counters_that_lie_are_not_believed),
        T(rates_come_from_successive_heartbeats),
        T(inserts_and_cpu_add_up),
        T(an_idle_replica_is_reported_seldom),
        T(states_have_the_words_of_the_table),
        T(partitions_are_stored_when_they_change),
        T(partitions_are_bounded),
        T(latencies_are_passed_on),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
