/* Probe jobs: asked, claimed once, answered, fetched once, forgotten in time. */
#include <pthread.h>

#include "common/base/clock.h"
#include "common/store/probes.h"

#include "tests/process/store/fixture.h"

static void ask(struct fixture *f, int deadline_ms, char ret_id[37])
{
    struct err err = {.text = ""};
    json_t *request = json_pack("{s:s, s:s}", "kind", "connection", "password", "hunter2");
    assert_ok(probe_ask(f->a, request, deadline_ms, ret_id, &err), &err);
    json_decref(request);
}

struct answerer {
    struct store *store;
    enum status status;
    struct err err;
};

/* What a supervisor does: hear, claim, answer. */
static void *answer_one(void *arg)
{
    struct answerer *answerer = arg;
    bool has = false;
    char id[37];
    json_t *request = NULL;
    while (!has && answerer->status == ST_OK) {
        answerer->status = probe_claim(answerer->store, "one", &has, id, &request, &answerer->err);
    }
    if (answerer->status == ST_OK) {
        json_decref(request);
        answerer->status = probe_answer(answerer->store, id, "{\"ok\":true}", &answerer->err);
    }
    return NULL;
}

static void an_answer_comes_while_waiting(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    ask(f, 10000, id);
    struct answerer answerer = {.store = f->b, .status = ST_OK};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_one, &answerer), 0);
    json_t *answer = NULL;
    assert_ok(probe_wait(f->a, id, 10000, &answer, &err), &err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(answerer.status, &answerer.err);
    assert_true(json_is_true(json_object_get(answer, "ok")));
    json_decref(answer);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM probe_job"), 0);
    assert_status(ST_NOT_FOUND, probe_answer(f->b, id, "{}", &err), &err);
}

static void a_job_is_claimed_once_and_opened(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    char got[37];
    bool has = true;
    json_t *request = NULL;
    assert_ok(probe_claim(f->b, "one", &has, got, &request, &err), &err);
    assert_false(has);
    ask(f, 10000, id);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM probe_job WHERE position('hunter2'::bytea IN request) > 0"),
        0);
    assert_ok(probe_claim(f->b, "one", &has, got, &request, &err), &err);
    assert_true(has);
    assert_string_equal(got, id);
    assert_string_equal(json_string_value(json_object_get(request, "password")), "hunter2");
    json_decref(request);
    assert_ok(probe_claim(f->a, "two", &has, got, &request, &err), &err);
    assert_false(has);
}

static void nobody_answers_in_time(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    ask(f, 200, id);
    int64_t start_ms = clock_monotonic_ms();
    json_t *answer = NULL;
    assert_status(ST_TIMEOUT, probe_wait(f->a, id, 200, &answer, &err), &err);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    assert_true(took_ms >= 200 && took_ms < 3000);
    assert_null(answer);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM probe_job"), 0);
}

static void late_jobs_are_not_claimed_and_swept(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    char got[37];
    bool has = true;
    json_t *request = NULL;
    ask(f, 10000, id);
    fixture_sql(f, "UPDATE probe_job SET expires_at = now() - interval '2 minutes'");
    assert_ok(probe_claim(f->b, "one", &has, got, &request, &err), &err);
    assert_false(has);
    ask(f, 10000, id);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM probe_job"), 1);
}

static void an_answer_that_is_no_json_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    ask(f, 10000, id);
    assert_ok(probe_answer(f->b, id, "{\"ok\":", &err), &err);
    json_t *answer = NULL;
    assert_status(ST_INTERNAL, probe_wait(f->a, id, 1000, &answer, &err), &err);
    assert_null(answer);
}

static void a_worker_is_there_for_fifteen_seconds(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    bool has = true;
    assert_ok(probe_has_worker(f->a, &has, &err), &err);
    assert_false(has);
    assert_ok(
        worker_hello(
            f->b, &(struct worker_self){.owner = "one", .host = "host", .version = "1"}, &err),
        &err);
    assert_ok(probe_has_worker(f->a, &has, &err), &err);
    assert_true(has);
    fixture_sql(f, "UPDATE worker SET seen_at = now() - interval '16 s'");
    assert_ok(probe_has_worker(f->a, &has, &err), &err);
    assert_false(has);
    assert_string_equal(err.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_comes_while_waiting, fixture_setup),
        cmocka_unit_test_setup(a_job_is_claimed_once_and_opened, fixture_setup),
        cmocka_unit_test_setup(nobody_answers_in_time, fixture_setup),
        cmocka_unit_test_setup(late_jobs_are_not_claimed_and_swept, fixture_setup),
        cmocka_unit_test_setup(an_answer_that_is_no_json_is_an_error, fixture_setup),
        cmocka_unit_test_setup(a_worker_is_there_for_fifteen_seconds, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
