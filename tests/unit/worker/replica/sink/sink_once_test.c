/* Exactly-once inserts: what is sent again, what is looked up, what is stored how often. */
#include "tests/unit/worker/replica/sink/sink_model.h"

static void the_range_names_the_insert(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10, false);
    store(&fixture);
    assert_string_equal(server.token, "tok");
    assert_string_equal(server.query_id, "penstock-tok");
    assert_non_null(strstr(server.url, "max_execution_time=120"));
    assert_non_null(strstr(server.url, "min_insert_block_size_rows=1000000000"));
    assert_non_null(strstr(server.url, "insert_deduplicate=1"));
    serve(&fixture);
    assert_int_equal(sink_state(fixture.sink), SINK_STORED);
    assert_int_equal(server.kills_count, 0); /* nothing was unclear */
    fixture_done(&fixture);
}

static void a_lost_answer_ends_the_twin_and_repeats_the_token(void **state)
{
    (void)state;
    static const struct {
        int code; /* 0 = the connection breaks */
        bool is_stored;
    } cases[] = {{0, true},   {0, false},   {159, true},  {209, true}, {210, true},
                 {319, true}, {216, false}, {425, false}, {9999, true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        print_message("code %d, stored %d\n", cases[i].code, cases[i].is_stored);
        fixture_init(&fixture, 10, false);
        store(&fixture);
        if (cases[i].is_stored) {
            server_store(2);
        }
        if (cases[i].code == 0) {
            answer(&fixture, 0, "", 0);
        } else {
            refuse(&fixture, cases[i].code, "x");
        }
        assert_int_equal(server.kind, KIND_NONE);
        tick(&fixture);
        assert_int_equal(sink_state(fixture.sink), SINK_CHECKING);
        assert_int_equal(server.kind, KIND_KILL);
        assert_non_null(strstr(server.sql, "query_id = 'penstock-tok'"));
        assert_non_null(strstr(server.sql, "startsWith(query_id, concat('penstock-tok', '.'))"));
        assert_non_null(strstr(server.sql, " SYNC"));
        answer(&fixture, 200, "", 0);
        assert_string_equal(server.token, "tok");
        assert_string_equal(server.query_id, "penstock-tok");
        serve(&fixture);
        assert_int_equal(sink_state(fixture.sink), SINK_STORED);
        assert_int_equal(server.offsets_count, 0);
        assert_stored_once(10, 0);
        assert_int_equal(sink_totals(fixture.sink)->unknown, 1);
        fixture_done(&fixture);
    }
}

static void a_clear_answer_is_not_looked_up(void **state)
{
    (void)state;
    static const int codes[] = {202, 252, 497, 164, 516};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct fixture fixture;
        fixture_init(&fixture, 10, true);
        store(&fixture);
        refuse(&fixture, codes[i], "no");
        tick(&fixture);
        assert_int_equal(server.kind, KIND_ROWS);
        serve(&fixture);
        assert_int_equal(server.kills_count + server.offsets_count, 0);
        assert_stored_once(10, 0);
        fixture_done(&fixture);
    }
}

static void what_ends_between_two_parts_is_looked_up_by_check_only(void **state)
{
    (void)state;
    for (int is_by_check = 0; is_by_check < 2; is_by_check++) {
        struct fixture fixture;
        fixture_init(&fixture, 10, is_by_check != 0);
        store(&fixture);
        server_store(0);
        refuse(&fixture, 243, "No space.");
        assert_in_range(sink_due_ms(fixture.sink), 10000, 10500);
        tick(&fixture);
        serve(&fixture);
        assert_int_equal(sink_state(fixture.sink), SINK_STORED);
        assert_int_equal(server.offsets_count, is_by_check * 2); /* before and after */
        assert_stored_once(10, 0);
        fixture_done(&fixture);
    }
}

static void a_replay_by_check_stores_what_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int parity; /* stored before: −1 nothing, 0 and 1 one partition, 2 all */
        size_t inserts;
    } cases[] = {{"nothing", -1, 1}, {"even", 0, 1}, {"odd", 1, 1}, {"all", 2, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        print_message("%s\n", cases[i].name);
        fixture_init(&fixture, 100, true);
        store(&fixture);
        if (cases[i].parity >= 0) {
            server_store((unsigned)cases[i].parity);
        }
        sink_drop(fixture.sink);
        live(&fixture);
        server.inserts_count = 0;
        fixture.batch.range.is_replay = true;
        store(&fixture);
        assert_int_equal(server.kind, KIND_KILL);
        answer(&fixture, 200, "", 0);
        assert_int_equal(server.kind, KIND_OFFSETS);
        assert_non_null(strstr(
            server.sql, "FROM `d`.`t` WHERE `_topic` = 'it\\'s' AND `_p` = 3 AND `_o` BETWEEN 1000 "
                        "AND 1099 GROUP BY"));
        serve(&fixture);
        assert_int_equal(sink_state(fixture.sink), SINK_STORED);
        assert_int_equal(server.inserts_count, cases[i].inserts);
        assert_stored_once(100, 0);
        fixture_done(&fixture);
    }
}

/* A killed server: partition 0 has the token and not the rows. */
static void a_token_without_its_rows_is_found_out(void **state)
{
    (void)state;
    for (int stored = 0; stored < 2; stored++) {
        struct fixture fixture;
        fixture_init(&fixture, 100, true);
        server.has_window = true;
        store(&fixture);
        server_store(stored == 0 ? 0 : 2);
        for (uint64_t id = 0; id < 100; id += 2) {
            server.stored[id] = 0;
        }
        answer(&fixture, 0, "", 0);
        tick(&fixture);
        serve(&fixture);
        assert_int_equal(sink_state(fixture.sink), SINK_STORED);
        assert_stored_once(100, 0);
        fixture_done(&fixture);
    }
}

static void a_table_that_never_shows_its_rows_ends_the_questions(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10, true);
    store(&fixture);
    answer(&fixture, 0, "", 0);
    tick(&fixture);
    for (size_t i = 0; server.kind != KIND_NONE; i++) {
        assert_true(i < 20);
        answer(&fixture, 200, "", 0); /* no offsets, ever */
    }
    assert_int_equal(sink_state(fixture.sink), SINK_STORED);
    assert_int_equal(server.inserts_count, 1 + 3);
    assert_string_equal(server.token + strlen(server.token) - 3, ".x2");
    fixture_done(&fixture);
}

static void at_least_once_takes_a_new_token_after_a_broken_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    char token[TEXT_BYTES];
    fixture_init(&fixture, 10, false);
    fixture.batch.range.token[0] = '\0';
    store(&fixture);
    memcpy(token, server.token, sizeof(token));
    refuse(&fixture, 159, "Timeout.");
    tick(&fixture);
    assert_string_equal(server.token, token); /* the server lives */
    answer(&fixture, 0, "", 0);
    tick(&fixture);
    assert_string_not_equal(server.token, token);
    serve(&fixture);
    assert_stored_once(10, 0);
    fixture_done(&fixture);
}

static void a_question_that_fails_is_asked_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10, true);
    fixture.batch.range.is_replay = true;
    server.stored[4] = 1;
    store(&fixture);
    answer(&fixture, 0, "", 0);
    assert_int_equal(reason(&fixture), PIPE_REASON_DESTINATION_UNREACHABLE);
    tick(&fixture);
    assert_int_equal(server.kind, KIND_KILL);
    answer(&fixture, 200, "", 0);
    refuse(&fixture, 497, "Not enough privileges.");
    assert_int_equal(reason(&fixture), PIPE_REASON_DESTINATION_PERMISSION);
    tick(&fixture);
    assert_int_equal(server.kind, KIND_KILL);
    answer(&fixture, 200, "", 0);
    answer(&fixture, 200, "short", 5); /* no list of offsets */
    assert_int_equal(reason(&fixture), PIPE_REASON_INTERNAL);
    assert_int_equal(server.inserts_count, 0);
    tick(&fixture);
    serve(&fixture);
    assert_int_equal(reason(&fixture), PIPE_REASON_NONE);
    assert_stored_once(10, 0);
    fixture_done(&fixture);
}

/* Lives that end after each of the first inserts; rows and rejects are stored once. */
static void refused_rows_survive_every_crash(void **state)
{
    (void)state;
    for (int is_by_check = 0; is_by_check < 2; is_by_check++) {
        for (size_t steps = 0; steps < 12; steps++) {
            struct fixture fixture;
            fixture_init(&fixture, 16, is_by_check != 0);
            server.bad = 7;
            store(&fixture);
            for (size_t i = 0; i < steps && server.kind == KIND_ROWS; i++) {
                if (server_refuses()) {
                    refuse(&fixture, 469, "Constraint c is violated.");
                } else {
                    server_store(2);
                    answer(&fixture, 200, "", 0);
                }
            }
            live(&fixture);
            server.kind = KIND_NONE;
            fixture.batch.range.is_replay = true;
            store(&fixture);
            serve(&fixture);
            size_t count = 0;
            assert_int_equal(sink_state(fixture.sink), SINK_REFUSED);
            const struct sink_refusal *refused = sink_refused(fixture.sink, &count);
            assert_int_equal(count, 1);
            assert_int_equal(refused[0].row, 7);
            struct record record = {.topic = "t", .topic_bytes = 1, .offset = FIRST_OFFSET + 7};
            struct reject reject;
            reject_set(&reject, REJECT_INSERT, NULL, "bad");
            struct reject_row row = {.record = &record, .reject = &reject, .now_ms = 0};
            assert_int_equal(reject_block_add(fixture.batch.rejects, &row, NULL), ST_OK);
            server.errors = (unsigned)(steps % 2) * (unsigned)is_by_check; /* stored already? */
            sink_refused_done(fixture.sink, 0);
            serve(&fixture);
            assert_int_equal(sink_state(fixture.sink), SINK_STORED);
            assert_int_equal(server.errors, 1);
            assert_stored_once(16, 7);
            fixture_done(&fixture);
        }
    }
}

static void too_many_partitions_are_given_to_the_loop(void **state)
{
    (void)state;
    static const char WORDS[] = "Too many partitions for single INSERT block (more than 100).";
    struct fixture fixture;
    fixture_init(&fixture, 10, false);
    store(&fixture);
    refuse(&fixture, 252, WORDS);
    assert_int_equal(sink_state(fixture.sink), SINK_DIVIDE);
    assert_int_equal(sink_due_ms(fixture.sink), INT64_MAX);
    sink_drop(fixture.sink);
    assert_int_equal(sink_state(fixture.sink), SINK_IDLE);
    /* Several rows of one record cannot become two ranges. */
    for (size_t row = 0; row < 10; row++) {
        fixture.batch.rows[row].offset = FIRST_OFFSET;
    }
    store(&fixture);
    refuse(&fixture, 252, WORDS);
    assert_int_equal(sink_state(fixture.sink), SINK_SENDING);
    assert_int_equal(server.ids_count, 5);
    assert_string_not_equal(server.token, "tok");
    serve(&fixture);
    assert_stored_once(10, 0);
    fixture_done(&fixture);
}

static void fail_for_memory(struct fixture *fixture)
{
    for (int i = 0; i < 4; i++) {
        while (server.kind == KIND_KILL || server.kind == KIND_OFFSETS) {
            if (server.kind == KIND_KILL) {
                answer(fixture, 200, "", 0);
            } else {
                answer_offsets(fixture);
            }
        }
        refuse(fixture, 241, "Memory limit (for query) exceeded.");
        tick(fixture);
    }
}

static void memory_divides_where_nothing_is_repeated(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 2000, false);
    fixture.params.is_insert_atomic = true;
    live(&fixture);
    store(&fixture);
    fail_for_memory(&fixture);
    assert_int_equal(sink_state(fixture.sink), SINK_DIVIDE);
    assert_int_equal(sink_totals(fixture.sink)->memory_refusals, 4);
    fixture_done(&fixture);

    fixture_init(&fixture, 2000, false); /* a part may be stored: the same bytes for ever */
    store(&fixture);
    server_store(0);
    fail_for_memory(&fixture);
    fail_for_memory(&fixture);
    assert_int_equal(server.ids_count, 2000);
    assert_string_equal(server.token, "tok");
    serve(&fixture);
    assert_stored_once(2000, 0);
    fixture_done(&fixture);

    fixture_init(&fixture, 2000, true); /* looked up before each try, then divided */
    store(&fixture);
    fail_for_memory(&fixture);
    serve(&fixture);
    assert_int_equal(sink_state(fixture.sink), SINK_DIVIDE);
    fixture_done(&fixture);

    fixture_init(&fixture, 2000, false); /* at-least-once: in halves */
    fixture.batch.range.token[0] = '\0';
    store(&fixture);
    fail_for_memory(&fixture);
    assert_int_equal(server.ids_count, 1000);
    serve(&fixture);
    assert_int_equal(server.inserts_count, 6);
    assert_stored_once(2000, 0);
    fixture_done(&fixture);

    fixture_init(&fixture, 1000, false); /* small ones stay whole */
    fixture.batch.range.token[0] = '\0';
    store(&fixture);
    fail_for_memory(&fixture);
    assert_int_equal(server.ids_count, 1000);
    fixture_done(&fixture);
}

static void a_table_made_again_is_another_one(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10, false);
    store(&fixture);
    refuse(&fixture, 60, "Table d.t does not exist.");
    assert_int_equal(sink_state(fixture.sink), SINK_MISMATCH);
    assert_int_equal(reason(&fixture), PIPE_REASON_TABLE_NOT_FOUND);
    fixture_done(&fixture);
}

static void a_failed_view_repeats_no_row_of_the_table(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10, true);
    store(&fixture);
    server_store(2);
    refuse(&fixture, 395, "throwIf: while pushing to view d.mv (1).");
    assert_int_equal(reason(&fixture), PIPE_REASON_VIEW_FAILED);
    assert_in_range(sink_due_ms(fixture.sink), 15000, 15500);
    tick(&fixture);
    serve(&fixture);
    assert_int_equal(sink_state(fixture.sink), SINK_STORED);
    assert_int_equal(reason(&fixture), PIPE_REASON_VIEW_FAILED); /* it lacks the rows: a person */
    assert_stored_once(10, 0);
    sink_release(fixture.sink);
    batch_reset(&fixture.batch, 2);
    fixture_done(&fixture);
}

static void at_least_once_asks_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10, true);
    fixture.batch.range.token[0] = '\0';
    fixture.batch.range.is_replay = true;
    store(&fixture);
    answer(&fixture, 0, "", 0);
    tick(&fixture);
    assert_int_equal(server.kind, KIND_ROWS);
    assert_null(strstr(server.url, "min_insert_block_size_rows"));
    serve(&fixture);
    assert_int_equal(server.kills_count + server.offsets_count, 0);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_range_names_the_insert),
        cmocka_unit_test(a_lost_answer_ends_the_twin_and_repeats_the_token),
        cmocka_unit_test(a_clear_answer_is_not_looked_up),
        cmocka_unit_test(what_ends_between_two_parts_is_looked_up_by_check_only),
        cmocka_unit_test(a_replay_by_check_stores_what_is_missing),
        cmocka_unit_test(a_token_without_its_rows_is_found_out),
        cmocka_unit_test(a_table_that_never_shows_its_rows_ends_the_questions),
        cmocka_unit_test(at_least_once_takes_a_new_token_after_a_broken_connection),
        cmocka_unit_test(a_question_that_fails_is_asked_again),
        cmocka_unit_test(refused_rows_survive_every_crash),
        cmocka_unit_test(too_many_partitions_are_given_to_the_loop),
        cmocka_unit_test(memory_divides_where_nothing_is_repeated),
        cmocka_unit_test(a_table_made_again_is_another_one),
        cmocka_unit_test(a_failed_view_repeats_no_row_of_the_table),
        cmocka_unit_test(at_least_once_asks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
