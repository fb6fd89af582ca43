/* Samples: one per pipe and moment, percentiles from the histograms, the old ones forgotten. */
#include "common/store/metric_samples.h"

#include "tests/process/store/fixture.h"

static void a_sample_is_taken_once_per_moment(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 2, id);
    fixture_sql(f, "UPDATE pipe SET fetched_records = 7, sent_records = 5");
    fixture_sql(
        f, "INSERT INTO pipe_replica (pipe_id, replica_index, owner, expires_at, memory_bytes, "
           "cpu_millicores, latency_counts) SELECT id, n, 'o', now() + interval '1 hour', 100, 20, "
           "CASE n WHEN 0 THEN '{0,98}'::bigint[] ELSE '{0,0,0,0,1,1}' END FROM pipe, "
           "generate_series(0, 1) AS n");
    fixture_sql(
        f, "INSERT INTO pipe_partition SELECT id, 't', n, n * 5 - 1, 10 FROM pipe, "
           "generate_series(0, 1) AS n");
    fixture_sql(
        f, "INSERT INTO metric_sample SELECT id, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM pipe");
    assert_ok(metric_samples_take(f->a, &err), &err);
    assert_ok(
        metric_samples_take(f->b, &err), &err); /* may be the next moment's, if it has just begun */
    assert_int_equal(
        fixture_int(
            f,
            "SELECT (count(*) BETWEEN 1 AND 2 AND bool_and(fetched_records = 7 AND sent_records = "
            "5 "
            "AND lag = 16 AND latency_p50_ms = 2 AND latency_p99_ms = 6 AND memory_bytes = 200 AND "
            "cpu_millicores = 40 AND at % 15 = 0 AND at > extract(epoch FROM now()) - 60))::int "
            "FROM metric_sample"),
        1);
    struct metric_samples samples;
    const struct metric_range range = {0, INT64_MAX, 1000000000000};
    assert_ok(metric_samples_list(f->a, id, &range, &samples, &err), &err);
    assert_int_equal(samples.count, 1);
    assert_int_equal(samples.items[0].values[SAMPLE_lag], 16);
    metric_samples_done(&samples);
}

static void a_stopped_pipe_is_not_sampled(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    fixture_sql(f, "UPDATE pipe SET desired = 'stopped'");
    assert_ok(metric_samples_take(f->a, &err), &err);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM metric_sample"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_sample_is_taken_once_per_moment, fixture_setup),
        cmocka_unit_test_setup(a_stopped_pipe_is_not_sampled, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
