/* Leases: never two holders of one replica, whoever races; expiry, fences, what is wanted. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/process/store/fixture.h"

enum {
    RACERS = 4,
    PIPES = 6,
    REPLICAS = 5,
    SEATS = PIPES * REPLICAS,
    ROUNDS = 40,
};

struct race {
    char pipe_ids[PIPES][37];
    atomic_int holders[SEATS]; /* how many threads believe to hold it */
    atomic_int claims_count;
    atomic_int doubles_count;
};

struct racer {
    struct race *race;
    struct store *store;
    char owner[16];
    enum status status;
    struct err err;
};

static int seat_of(const struct race *race, const struct lease *lease)
{
    for (int i = 0; i < PIPES; i++) {
        if (strcmp(race->pipe_ids[i], lease->pipe_id) == 0) {
            return i * REPLICAS + lease->replica_index;
        }
    }
    return -1;
}

/* Claim a few, believe in it, give them back; again and again. */
static enum status racer_round(struct racer *racer)
{
    struct leases leases = {.items = NULL};
    const struct lease_claim claim = fixture_any_claim(racer->owner, 3);
    enum status st = lease_claim(racer->store, &claim, &leases, &racer->err);
    for (size_t i = 0; st == ST_OK && i < leases.count; i++) {
        int seat = seat_of(racer->race, &leases.items[i]);
        if (seat < 0 || atomic_fetch_add(&racer->race->holders[seat], 1) != 0) {
            atomic_fetch_add(&racer->race->doubles_count, 1);
        }
        atomic_fetch_add(&racer->race->claims_count, 1);
    }
    for (size_t i = 0; st == ST_OK && i < leases.count; i++) {
        atomic_fetch_sub(&racer->race->holders[seat_of(racer->race, &leases.items[i])], 1);
        st = lease_release(racer->store, racer->owner, &leases.items[i], &racer->err);
    }
    leases_done(&leases);
    return st;
}

static void *racer_run(void *arg)
{
    struct racer *racer = arg;
    for (int i = 0; i < ROUNDS && racer->status == ST_OK; i++) {
        racer->status = racer_round(racer);
    }
    return NULL;
}

static void no_replica_is_ever_held_twice(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    struct race race = {.claims_count = 0};
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    for (int i = 0; i < PIPES; i++) {
        fixture_pipe(f, REPLICAS, race.pipe_ids[i]);
    }
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.race = &race, .status = ST_OK};
        (void)snprintf(racers[i].owner, sizeof(racers[i].owner), "owner-%d", i);
        assert_ok(
            store_open(fixture_url(), f->keys, FIXTURE_TIMEOUT_MS, &racers[i].store, &err), &err);
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, racer_run, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(racers[i].status, &racers[i].err);
        store_close(racers[i].store);
    }
    assert_int_equal(atomic_load(&race.doubles_count), 0);
    /* They did compete, every row was made once, and each claim raised one generation. */
    assert_true(atomic_load(&race.claims_count) > SEATS);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_replica"), SEATS);
    assert_int_equal(
        fixture_int(f, "SELECT sum(generation) FROM pipe_replica"),
        atomic_load(&race.claims_count));
}

struct taker {
    pthread_barrier_t *start;
    struct store *store;
    const char *owner;
    struct leases leases;
    enum status status;
    struct err err;
};

static void *take_all(void *arg)
{
    struct taker *taker = arg;
    (void)pthread_barrier_wait(taker->start); /* one of them is told apart; nobody needs that */
    const struct lease_claim claim = fixture_any_claim(taker->owner, 1000);
    taker->status = lease_claim(taker->store, &claim, &taker->leases, &taker->err);
    return NULL;
}

/* Two supervisors claim all they can at the same moment; how many they got together. */
static size_t take_together(struct fixture *f)
{
    pthread_barrier_t start;
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    struct taker takers[2] = {
        {.start = &start, .store = f->a, .owner = "one"},
        {.start = &start, .store = f->b, .owner = "two"}};
    pthread_t threads[2];
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(takers[i].status, &takers[i].err);
        count += takers[i].leases.count;
        leases_done(&takers[i].leases);
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
    return count;
}

static void dead_replicas_are_shared_out_once(void **state)
{
    struct fixture *f = *state;
    char id[37];
    for (int i = 0; i < 8; i++) {
        fixture_pipe(f, REPLICAS, id);
    }
    for (int round = 0; round < 20; round++) {
        /* What one skipped because the other was about to take it, the other has. */
        assert_int_equal(take_together(f), 8 * REPLICAS);
        assert_int_equal(
            fixture_int(f, "SELECT min(generation) * 1000 + max(generation) FROM pipe_replica"),
            (round + 1) * 1001);
        fixture_sql(f, "UPDATE pipe_replica SET expires_at = now() - interval '1 s'");
    }
}

static void new_replicas_are_shared_out_once(void **state)
{
    struct fixture *f = *state;
    char id[37];
    for (int i = 0; i < 8; i++) {
        fixture_pipe(f, REPLICAS, id);
    }
    for (int round = 0; round < 40; round++) {
        assert_int_equal(take_together(f), 8 * REPLICAS);
        assert_int_equal(fixture_int(f, "SELECT sum(generation) FROM pipe_replica"), 8 * REPLICAS);
        fixture_sql(f, "DELETE FROM pipe_replica");
    }
}

static void only_wanted_replicas_are_claimed(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 2, id);
    static const struct {
        const char *sql;
        size_t count;
    } cases[] = {
        {"UPDATE pipe SET desired = 'stopped'", 0},
        {"UPDATE pipe SET desired = 'running', failed_at = now()", 0},
        {"UPDATE pipe SET failed_at = NULL", 2},
        {"UPDATE pipe_replica SET expires_at = now() + interval '1 s'", 0},
        {"UPDATE pipe_replica SET expires_at = now() - interval '1 ms'", 2},
        {"UPDATE pipe SET replicas = 3", 1},
        {"UPDATE pipe_replica SET owner = NULL; UPDATE pipe SET replicas = 1", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture_sql(f, cases[i].sql);
        struct leases leases = {.items = NULL};
        const struct lease_claim claim = fixture_any_claim("one", 10);
        assert_ok(lease_claim(f->a, &claim, &leases, &err), &err);
        assert_int_equal(leases.count, cases[i].count);
        leases_done(&leases);
    }
}

static void a_claim_tells_what_the_supervisor_needs(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    fixture_sql(f, "UPDATE pipe SET revision = 7");
    struct lease lease = fixture_claim(f, "one");
    assert_string_equal(lease.pipe_id, id);
    assert_int_equal(lease.replica_index, 0);
    assert_int_equal(lease.generation, 1);
    assert_int_equal(lease.revision, 7);
    assert_true(lease.is_wanted);
    assert_int_equal(lease.cpu_millicores, 250);
    assert_true(lease.memory_gb > 0.49 && lease.memory_gb < 0.51);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_replica WHERE owner = 'one' AND host = 'host' AND state "
               "= 'starting' AND expires_at BETWEEN now() + interval '25 s' AND now() + interval "
               "'30 s'"),
        1);
    struct leases none = {.items = NULL};
    const struct lease_claim claim = fixture_any_claim("one", 0);
    assert_ok(lease_claim(f->a, &claim, &none, &err), &err);
    assert_int_equal(none.count, 0);
}

static void every_pipe_gets_its_first_replica_first(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    for (int i = 0; i < 3; i++) {
        fixture_pipe(f, 3, id);
    }
    struct leases leases = {.items = NULL};
    const struct lease_claim claim = fixture_any_claim("one", 3);
    assert_ok(lease_claim(f->a, &claim, &leases, &err), &err);
    assert_int_equal(leases.count, 3);
    for (size_t i = 0; i < leases.count; i++) {
        assert_int_equal(leases.items[i].replica_index, 0);
    }
    leases_done(&leases);
}

static void what_does_not_fit_is_left_to_others(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease_claim claim = {
        .owner = "one",
        .host = "host",
        .lease_s = FIXTURE_LEASE_S,
        .max_count = 5,
        .memory_gb_max = 0.49,
        .cpu_millicores_max = 250,
    };
    static const struct {
        double memory_gb_max;
        int cpu_millicores_max;
        size_t count;
    } cases[] = {{0.49, 250, 0}, {0.5, 249, 0}, {0.5, 250, 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        claim.memory_gb_max = cases[i].memory_gb_max;
        claim.cpu_millicores_max = cases[i].cpu_millicores_max;
        struct leases leases = {.items = NULL};
        assert_ok(lease_claim(f->a, &claim, &leases, &err), &err);
        assert_int_equal(leases.count, cases[i].count);
        leases_done(&leases);
    }
    struct worker_load load;
    assert_ok(
        worker_hello(
            f->a, &(struct worker_self){.owner = "one", .host = "host", .version = "1"}, &err),
        &err);
    fixture_pipe(f, 4, id);
    assert_ok(worker_load(f->a, FIXTURE_LEASE_S, &load, &err), &err);
    assert_int_equal(load.replicas_wanted, 5);
    assert_int_equal(load.replicas_unclaimed, 4);
    assert_int_equal(load.workers_live, 1);
}

/* Several at once are as many as fit together; a smaller one behind a larger one comes next time.
 */
static void what_is_claimed_together_fits_together(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    for (int i = 0; i < 3; i++) {
        fixture_pipe(f, 2, id);
    }
    fixture_sql(f, "UPDATE pipe SET memory_gb = 2");
    fixture_pipe(f, 1, id); /* 0.5 GB and 250 millicores, the last in turn */
    static const struct {
        double memory_gb_max;
        int cpu_millicores_max;
        int max_count;
        size_t count;
    } cases[] = {
        {3.9, 10000, 10, 1}, /* one of 2 GB */
        {0.5, 10000, 10, 1}, /* the small one */
        {100, 749, 10, 2},   /* CPU decides */
        {100, 10000, 1, 1},  /* no more than asked for */
        {4, 500, 10, 2},     /* exactly */
        {100, 10000, 10, 0}, /* nothing is left */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct lease_claim claim = {
            .owner = "one",
            .host = "host",
            .lease_s = FIXTURE_LEASE_S,
            .max_count = cases[i].max_count,
            .memory_gb_max = cases[i].memory_gb_max,
            .cpu_millicores_max = cases[i].cpu_millicores_max,
        };
        struct leases leases = {.items = NULL};
        assert_ok(lease_claim(f->a, &claim, &leases, &err), &err);
        assert_int_equal(leases.count, cases[i].count);
        leases_done(&leases);
    }
}

/* The one lease that a renewal tells of; SQL changes something before. */
static void a_renewal_tells_what_is_wanted(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    (void)fixture_claim(f, "one");
    static const struct {
        const char *sql;
        bool is_wanted;
        int64_t revision;
    } cases[] = {
        {"SELECT 1", true, 1},
        {"UPDATE pipe SET revision = 5", true, 5},
        {"UPDATE pipe SET desired = 'stopped'", false, 5},
        {"UPDATE pipe SET desired = 'running', failed_at = now()", false, 5},
        {"UPDATE pipe SET failed_at = NULL", true, 5},
        {"UPDATE pipe_replica SET replica_index = 1", false, 5},
        {"UPDATE pipe SET replicas = 2", true, 5},
        /* Run out, but nobody took it: still ours. */
        {"UPDATE pipe_replica SET expires_at = now() - interval '1 h'", true, 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture_sql(f, cases[i].sql);
        struct leases leases = {.items = NULL};
        assert_ok(lease_renew_all(f->a, "one", FIXTURE_LEASE_S, &leases, &err), &err);
        assert_int_equal(leases.count, 1);
        assert_int_equal(leases.items[0].is_wanted, cases[i].is_wanted);
        assert_int_equal(leases.items[0].revision, cases[i].revision);
        assert_int_equal(leases.items[0].generation, 1);
        leases_done(&leases);
        assert_int_equal(
            fixture_int(
                f, "SELECT count(*) FROM pipe_replica WHERE expires_at > now() + interval '25 s'"),
            1);
    }
}

static void lost_leases_are_missing_from_a_renewal(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char kept[37];
    char taken[37];
    char deleted[37];
    fixture_pipe(f, 1, kept);
    fixture_pipe(f, 1, taken);
    fixture_pipe(f, 1, deleted);
    for (int i = 0; i < 3; i++) {
        (void)fixture_claim(f, "one");
    }
    assert_ok(pipe_delete(f->a, f->service_id, deleted, &err), &err);
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, taken);
    assert_ok(
        pg_run(
            f->pg, "UPDATE pipe_replica SET expires_at = now() - interval '1 s' WHERE pipe_id = $1",
            &args, NULL, &err),
        &err);
    struct leases leases = {.items = NULL};
    const struct lease_claim claim = fixture_any_claim("two", 10);
    assert_ok(lease_claim(f->b, &claim, &leases, &err), &err);
    assert_int_equal(leases.count, 1);
    assert_string_equal(leases.items[0].pipe_id, taken);
    assert_int_equal(leases.items[0].generation, 2);
    leases_done(&leases);
    assert_ok(lease_renew_all(f->a, "one", FIXTURE_LEASE_S, &leases, &err), &err);
    assert_int_equal(leases.count, 1);
    assert_string_equal(leases.items[0].pipe_id, kept);
    leases_done(&leases);
    assert_ok(lease_renew_all(f->a, "nobody", FIXTURE_LEASE_S, &leases, &err), &err);
    assert_int_equal(leases.count, 0);
    leases_done(&leases);
}

static void a_release_is_fenced(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease old = fixture_claim(f, "one");
    fixture_sql(f, "UPDATE pipe_replica SET expires_at = now() - interval '1 s'");
    struct lease lease = fixture_claim(f, "two");
    assert_ok(lease_release(f->a, "one", &old, &err), &err);
    assert_ok(lease_release(f->a, "one", &lease, &err), &err);
    assert_ok(lease_release(f->a, "two", &old, &err), &err);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_replica WHERE owner = 'two'"), 1);
    /* A replica that is still wanted is announced to the others. */
    assert_ok(store_listen(f->b, "penstock_pipe", &err), &err);
    assert_ok(lease_release(f->a, "two", &lease, &err), &err);
    assert_int_equal(
        fixture_int(f, "SELECT count(*) FROM pipe_replica WHERE owner IS NULL AND state = 'idle'"),
        1);
    bool has = false;
    struct store_notice notice;
    assert_ok(store_ping(f->b, &err), &err);
    assert_ok(store_next_notice(f->b, &has, &notice, &err), &err);
    assert_true(has);
    assert_string_equal(notice.payload, id);
    assert_ok(store_unlisten(f->b, "penstock_pipe", &err), &err);
    assert_int_equal(fixture_claim(f, "three").generation, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_replica_is_ever_held_twice, fixture_setup),
        cmocka_unit_test_setup(dead_replicas_are_shared_out_once, fixture_setup),
        cmocka_unit_test_setup(new_replicas_are_shared_out_once, fixture_setup),
        cmocka_unit_test_setup(only_wanted_replicas_are_claimed, fixture_setup),
        cmocka_unit_test_setup(a_claim_tells_what_the_supervisor_needs, fixture_setup),
        cmocka_unit_test_setup(every_pipe_gets_its_first_replica_first, fixture_setup),
        cmocka_unit_test_setup(what_does_not_fit_is_left_to_others, fixture_setup),
        cmocka_unit_test_setup(what_is_claimed_together_fits_together, fixture_setup),
        cmocka_unit_test_setup(a_renewal_tells_what_is_wanted, fixture_setup),
        cmocka_unit_test_setup(lost_leases_are_missing_from_a_renewal, fixture_setup),
        cmocka_unit_test_setup(a_release_is_fenced, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
