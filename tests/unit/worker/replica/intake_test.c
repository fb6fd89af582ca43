/*
 * The way of one record into the batch: rows, rejects, tombstones and limits, with what is counted
 * for each, against a real plan, decoder and ledger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/plan.h"
#include "worker/replica/intake.h"

#include <cmocka.h>

static char column_name[] = "id";
static char column_type[] = "UInt64";
static char separator[] = ".";
static char table_name[] = "t";

struct fixture {
    struct pipe_column column;
    struct pipe_spec spec;
    struct plan *plan;
    struct decoder *decoder;
    struct ledger *ledger;
    struct batch batch;
    struct intake intake;
    int64_t next_offset;
};

static void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->column = (struct pipe_column){.name = column_name, .type = column_type};
    fixture->spec.destination.table = table_name;
    fixture->spec.destination.columns = &fixture->column;
    fixture->spec.destination.columns_count = 1;
    fixture->spec.settings.path_separator = separator;
    const struct plan_column real = {.name = "id", .type = "UInt64"};
    assert_int_equal(plan_new(&fixture->spec, &real, 1, &fixture->plan, NULL), ST_OK);
    assert_int_equal(decoder_new(fixture->plan, NULL, &fixture->decoder, NULL), ST_OK);
    assert_int_equal(ledger_new(&fixture->ledger, NULL), ST_OK);
    const struct ledger_start start = {.next = 0, .committed = -1};
    assert_int_equal(ledger_assign(fixture->ledger, &start, 1, NULL), ST_OK);
    size_t count = 0;
    const struct block_column *columns = plan_columns(fixture->plan, &count);
    const struct batch_params params = {
        .columns = columns, .columns_count = count, .pipe_id = "pipe", .keep_bytes = 1 << 20};
    assert_int_equal(batch_init(&fixture->batch, &params, NULL), ST_OK);
    batch_reset(&fixture->batch, 1);
    fixture->intake = (struct intake){
        .settings = &fixture->spec.settings,
        .ledger = fixture->ledger,
        .decoder = fixture->decoder,
        .batch = &fixture->batch,
        .limits = {.rows = 100, .bytes = 1 << 20, .age_ms = 1000},
        .record_max_bytes = 1000,
    };
    intake_begin_round(&fixture->intake, 50);
}

static void fixture_done(struct fixture *fixture)
{
    batch_done(&fixture->batch);
    decoder_free(fixture->decoder);
    plan_free(fixture->plan);
    ledger_free(fixture->ledger);
}

static bool fixture_take(struct fixture *fixture, const char *value)
{
    struct record record = {
        .topic = "t",
        .topic_bytes = 1,
        .offset = fixture->next_offset++,
        .timestamp_ms = -1,
        .value = (const uint8_t *)value,
        .value_bytes = value == NULL ? 0 : strlen(value),
    };
    return intake_take(&fixture->intake, 0, &record);
}

static void each_record_is_counted_once(void **state)
{
    (void)state;
    static char large[2000];
    memset(large, 'x', sizeof(large) - 1);
    static const struct {
        const char *name;
        const char *value; /* NULL = tombstone */
        enum pipe_tombstones tombstones;
        size_t rows;
        uint64_t rejected;
        uint64_t skipped;
    } cases[] = {
        {"row", "{\"id\":1}", PIPE_TOMBSTONES_SKIP, 1, 0, 0},
        {"not JSON", "x", PIPE_TOMBSTONES_SKIP, 0, 1, 0},
        {"does not fit", "{\"id\":-1}", PIPE_TOMBSTONES_SKIP, 0, 1, 0},
        {"too large", large, PIPE_TOMBSTONES_SKIP, 0, 1, 0},
        {"tombstone skipped", NULL, PIPE_TOMBSTONES_SKIP, 0, 0, 1},
        {"tombstone as a row", NULL, PIPE_TOMBSTONES_ROW, 1, 0, 0},
        {"tombstone as an error", NULL, PIPE_TOMBSTONES_ERROR, 0, 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.spec.settings.tombstones = cases[i].tombstones;
        print_message("%s\n", cases[i].name);
        assert_true(fixture_take(&fixture, cases[i].value));
        assert_int_equal(block_rows(fixture.batch.block), cases[i].rows);
        assert_int_equal(fixture.batch.rejected_count, cases[i].rejected);
        assert_int_equal(block_rows(reject_block_rows(fixture.batch.rejects)), cases[i].rejected);
        assert_int_equal(fixture.batch.skipped_count, cases[i].skipped);
        assert_int_equal(fixture.batch.messages_count, 1);
        assert_int_equal(fixture.batch.first_ms, 50);
        assert_int_equal(fixture.intake.fetched_records, 1);
        assert_int_equal(ledger_next(fixture.ledger, 0), 1);
        fixture_done(&fixture);
    }
}

static void a_full_batch_says_enough(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    for (int i = 0; i < 99; i++) {
        assert_true(fixture_take(&fixture, i % 3 == 0 ? "bad" : "{\"id\":1}"));
    }
    assert_false(fixture_take(&fixture, "{\"id\":1}"));
    assert_int_equal(batch_full(&fixture.batch, &fixture.intake.limits), BATCH_ROWS);
    fixture_done(&fixture);
}

static void a_record_taken_before_is_passed_over(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    assert_true(fixture_take(&fixture, "{\"id\":1}"));
    fixture.next_offset = 0;
    assert_true(fixture_take(&fixture, "{\"id\":1}"));
    assert_int_equal(block_rows(fixture.batch.block), 1);
    assert_int_equal(fixture.intake.fetched_records, 1);
    fixture_done(&fixture);
}

static void dropped_records_are_counted_when_they_come_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    for (int i = 0; i < 3; i++) {
        assert_true(fixture_take(&fixture, "{\"id\":1}"));
    }
    uint64_t bytes = fixture.intake.fetched_bytes;
    intake_owe(&fixture.intake, fixture.batch.messages_count, fixture.batch.input_bytes);
    ledger_forget(fixture.ledger);
    batch_reset(&fixture.batch, 2);
    fixture.next_offset = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(fixture_take(&fixture, "{\"id\":1}"));
    }
    assert_int_equal(fixture.intake.fetched_records, 3);
    assert_int_equal(fixture.intake.fetched_bytes, bytes);
    assert_true(fixture_take(&fixture, "{\"id\":1}"));
    assert_int_equal(fixture.intake.fetched_records, 4);
    fixture_done(&fixture);
}

static void rejected_records_stop_a_pipe_that_wants_it(void **state)
{
    (void)state;
    static const struct {
        enum pipe_error_mode mode;
        int64_t limit;
        int good_until; /* rejected records that are still fine */
    } cases[] = {
        {PIPE_ERROR_STOP, 0, 0}, {PIPE_ERROR_CONTINUE, 5, 5}, {PIPE_ERROR_CONTINUE, 0, 60}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.spec.settings.error_mode = cases[i].mode;
        fixture.spec.settings.error_limit = cases[i].limit;
        assert_true(fixture_take(&fixture, "{\"id\":1}"));
        for (int r = 0; r < cases[i].good_until; r++) {
            assert_true(fixture_take(&fixture, "bad"));
        }
        assert_false(fixture.intake.has_failed);
        if (cases[i].good_until < 60) {
            assert_false(fixture_take(&fixture, "bad"));
            assert_true(fixture.intake.is_over_limit);
            assert_non_null(strstr(fixture.intake.failure, "topic t, partition 0, offset"));
        }
        fixture_done(&fixture);
    }
}

static void the_limit_of_a_message_follows_the_memory(void **state)
{
    (void)state;
    const size_t megabyte = (size_t)1024 * 1024;
    assert_int_equal(intake_record_max_bytes(512 * megabyte), 16 * megabyte);
    assert_int_equal(intake_record_max_bytes(1024 * megabyte), 16 * megabyte);
    assert_int_equal(intake_record_max_bytes(1025 * megabyte), 32 * megabyte);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_is_counted_once),
        cmocka_unit_test(a_full_batch_says_enough),
        cmocka_unit_test(a_record_taken_before_is_passed_over),
        cmocka_unit_test(dropped_records_are_counted_when_they_come_again),
        cmocka_unit_test(rejected_records_stop_a_pipe_that_wants_it),
        cmocka_unit_test(the_limit_of_a_message_follows_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
