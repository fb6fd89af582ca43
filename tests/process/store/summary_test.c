/* The summaries of the api: counters, replicas, partitions, lag, latency; a constant number of
 * queries. */
#include <stdio.h>
#include <string.h>

#include "tests/process/store/fixture.h"

/* A running replica with two records unsettled and one bucket of latency. */
static void report(struct fixture *f, const struct lease *lease, int64_t bucket_count)
{
    struct err err = {.text = ""};
    const int64_t counts[] = {0, bucket_count};
    const int64_t one = 1;
    const struct runtime_report report = {
        .state = "running",
        .pid = 100 + lease->replica_index,
        .resident_bytes = 1 << 20,
        .cpu_millicores = 30,
        .records_per_second = 10.5,
        .bytes_per_second = 100,
        .fetched_records = 12,
        .sent_records = 10,
        .unsettled_records = 2,
        .latency_max_ms = bucket_count,
        .latency_counts = counts,
        .latency_counts_count = 2,
        .insert_numbers = &one,
        .insert_numbers_count = 1,
    };
    assert_ok(runtime_report(f->a, "one", lease, &report, &err), &err);
}

static void assert_sums_of_two_live_replicas(const struct runtime_summaries *all, const char *id)
{
    assert_int_equal(all->count, 1);
    const struct runtime_summary *summary = &all->items[0];
    assert_string_equal(summary->pipe_id, id);
    assert_int_equal(summary->counters.fetched_records, 36);
    assert_int_equal(summary->counters.sent_records, 30);
    assert_int_equal(summary->counters.rebalances, 0);
    assert_true(summary->records_per_second > 20.9 && summary->records_per_second < 21.1);
    assert_int_equal(summary->lag_records, 12 + 2 + 2);
    assert_int_equal(summary->latency_counts[0], 0);
    assert_int_equal(summary->latency_counts[1], 1 + 2);
    assert_int_equal(summary->latency_counts[2], 0);
    assert_int_equal(summary->latency_max_ms, 2);
}

static void a_summary_adds_up_live_replicas(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 3, id);
    for (int i = 0; i < 3; i++) {
        struct lease lease = fixture_claim(f, "one");
        report(f, &lease, i + 1);
        const struct runtime_partition row = {
            .topic = "t", .partition = i, .committed = i == 0 ? -1 : 10, .end_offset = 12};
        assert_ok(runtime_report_partitions(f->a, &lease, &row, 1, &err), &err);
    }
    fixture_sql(
        f, "UPDATE pipe_replica SET expires_at = now() - interval '1 s' WHERE replica_index = 2");
    CLEANUP(runtime_summaries_done) struct runtime_summaries all = {.items = NULL};
    struct runtime_scope scope = {FIXTURE_ORGANIZATION, FIXTURE_SERVICE, id, .is_brief = false};
    assert_ok(runtime_summarize(f->b, &scope, &all, &err), &err);
    assert_sums_of_two_live_replicas(&all, id);
    const struct runtime_summary *summary = &all.items[0];
    assert_int_equal(summary->insert_numbers[0], 3);
    assert_int_equal(summary->replicas_count, 3);
    const struct runtime_replica_row *replica = &summary->replicas[1];
    assert_int_equal(replica->replica_index, 1);
    assert_string_equal(replica->host, "host");
    assert_int_equal(replica->pid, 101);
    assert_string_equal(replica->state, "running");
    assert_non_null(replica->started_at);
    assert_int_equal(replica->memory_bytes, 1 << 20);
    assert_int_equal(replica->cpu_millicores, 30);
    assert_true(replica->is_live);
    assert_false(summary->replicas[2].is_live);
    assert_int_equal(summary->partitions_count, 3);
    assert_string_equal(summary->partitions[2].topic, "t");
    assert_int_equal(summary->partitions[2].partition, 2);
    assert_int_equal(summary->partitions[2].committed, 10);
    assert_int_equal(summary->partitions[2].end_offset, 12);

    CLEANUP(runtime_summaries_done) struct runtime_summaries brief = {.items = NULL};
    scope.is_brief = true;
    assert_ok(runtime_summarize(f->b, &scope, &brief, &err), &err);
    assert_sums_of_two_live_replicas(&brief, id);
    assert_int_equal(brief.items[0].insert_numbers[0], 0);
    assert_int_equal(brief.items[0].replicas_count, 0);
    assert_int_equal(brief.items[0].partitions_count, 0);
}

static void summaries_are_found_in_any_order(void **state)
{
    (void)state;
    char texts[3][2] = {"a", "b", "c"};
    struct runtime_summary items[3] = {
        {.pipe_id = texts[0]}, {.pipe_id = texts[1]}, {.pipe_id = texts[2]}};
    const struct runtime_summaries all = {items, ARRAY_LEN(items)};
    static const struct {
        const char *id;
        int found; /* -1 = not there */
    } cases[] = {{"a", 0}, {"b", 1}, {"x", -1}, {"c", 2}, {"y", -1}, {"a", 0}, {"c", 2}, {"b", 1}};
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct runtime_summary *found = runtime_summaries_find(&all, cases[i].id, &at);
        assert_ptr_equal(found, cases[i].found < 0 ? NULL : &items[cases[i].found]);
    }
    const struct runtime_summaries none = {NULL, 0};
    at = 0;
    assert_null(runtime_summaries_find(&none, "a", &at));
}

static void replicas_that_were_scaled_away_are_not_shown(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 3, id);
    for (int i = 0; i < 3; i++) {
        struct lease lease = fixture_claim(f, "one");
        report(f, &lease, 0);
    }
    fixture_sql(
        f, "UPDATE pipe SET replicas = 1; UPDATE pipe_replica SET expires_at = now() - interval '1 "
           "s' WHERE replica_index = 1");
    CLEANUP(runtime_summaries_done) struct runtime_summaries all = {.items = NULL};
    const struct runtime_scope scope = {.pipe_id = id};
    assert_ok(runtime_summarize(f->b, &scope, &all, &err), &err);
    /* Index 2 still drains. */
    assert_int_equal(all.items[0].replicas_count, 2);
    assert_int_equal(all.items[0].replicas[0].replica_index, 0);
    assert_int_equal(all.items[0].replicas[1].replica_index, 2);
}

static void scopes_are_kept_apart(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char first[37];
    char second[37];
    fixture_pipe(f, 1, first);
    fixture_pipe(f, 1, second);
    const struct {
        struct runtime_scope scope;
        size_t count;
    } cases[] = {
        {{FIXTURE_ORGANIZATION, NULL, NULL, false}, 2},
        {{FIXTURE_ORGANIZATION, FIXTURE_SERVICE, NULL, true}, 2},
        {{FIXTURE_ORGANIZATION, FIXTURE_SERVICE, second, false}, 1},
        {{FIXTURE_ORGANIZATION, FIXTURE_NOBODY, NULL, true}, 0},
        {{FIXTURE_NOBODY, NULL, NULL, false}, 0},
        {{FIXTURE_NOBODY, FIXTURE_SERVICE, first, true}, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct runtime_summaries all = {.items = NULL};
        enum status st = runtime_summarize(f->a, &cases[i].scope, &all, &err);
        assert_ok(st, &err);
        assert_int_equal(all.count, cases[i].count);
        if (cases[i].count == 1) {
            assert_string_equal(all.items[0].pipe_id, second);
            assert_null(all.items[0].replicas);
            assert_int_equal(all.items[0].partitions_count, 0);
        }
        runtime_summaries_done(&all);
    }
}

static void each_pipe_gets_its_own_rows(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    enum {
        PIPES = 12
    };
    char ids[PIPES][37];
    for (int i = 0; i < PIPES; i++) {
        fixture_pipe(f, i % 3 + 1, ids[i]);
    }
    struct leases leases = {.items = NULL};
    const struct lease_claim claim = fixture_any_claim("one", 100);
    assert_ok(lease_claim(f->a, &claim, &leases, &err), &err);
    for (size_t i = 0; i < leases.count; i++) {
        char topic[64];
        (void)snprintf(topic, sizeof(topic), "of %s", leases.items[i].pipe_id);
        const struct runtime_partition row = {
            .topic = topic, .partition = leases.items[i].replica_index, .end_offset = 1};
        assert_ok(runtime_report_partitions(f->a, &leases.items[i], &row, 1, &err), &err);
    }
    leases_done(&leases);
    CLEANUP(runtime_summaries_done) struct runtime_summaries all = {.items = NULL};
    const struct runtime_scope scope = {.organization_id = FIXTURE_ORGANIZATION};
    assert_ok(runtime_summarize(f->a, &scope, &all, &err), &err);
    assert_int_equal(all.count, PIPES);
    for (int i = 0; i < PIPES; i++) {
        const struct runtime_summary *summary = &all.items[i];
        assert_string_equal(summary->pipe_id, ids[i]);
        assert_int_equal(summary->replicas_count, i % 3 + 1);
        assert_int_equal(summary->partitions_count, i % 3 + 1);
        assert_int_equal(summary->lag_records, i % 3 + 1);
        for (size_t k = 0; k < summary->partitions_count; k++) {
            assert_string_equal(summary->partitions[k].topic + 3, ids[i]);
            assert_int_equal(summary->replicas[k].replica_index, (int)k);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summaries_are_found_in_any_order),
        cmocka_unit_test_setup(a_summary_adds_up_live_replicas, fixture_setup),
        cmocka_unit_test_setup(replicas_that_were_scaled_away_are_not_shown, fixture_setup),
        cmocka_unit_test_setup(scopes_are_kept_apart, fixture_setup),
        cmocka_unit_test_setup(each_pipe_gets_its_own_rows, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
