/*
 * Records whose schema is not there yet: they wait, others flow past them, and nothing that waits
 * is committed. The value is plain bytes; the key is framed, read by a scripted registry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"
#include "worker/replica/decode/plan.h"
#include "worker/replica/intake.h"

#include <cmocka.h>

static char key_field[] = "_key.id";
static char id_name[] = "id";
static char id_type[] = "UInt64";
static char separator[] = ".";
static char table_name[] = "t";

static const char ANY_SCHEMA[] = "{\"type\":\"object\"}";

enum {
    IDS = 10
};

struct registry_script {
    enum schema_answer answers[IDS];
    struct schema schemas[IDS];
    size_t asked[IDS];
};

static enum schema_answer
script_get(void *ctx, int32_t id, const struct schema **ret_schema, char *reason)
{
    struct registry_script *script = ctx;
    assert_true(id >= 0 && id < IDS);
    script->asked[id]++;
    if (script->answers[id] == SCHEMA_UNKNOWN) {
        (void)snprintf(reason, SCHEMA_REASON_BYTES, "HTTP 404"); /* fits */
    }
    *ret_schema = &script->schemas[id];
    return script->answers[id];
}

struct fixture {
    struct pipe_column column;
    struct pipe_field_mapping mapping;
    struct pipe_spec spec;
    struct registry_script script;
    struct schema_source source;
    struct plan *plan;
    struct decoder *decoder;
    struct ledger *ledger;
    struct waiting *waiting;
    struct batch batch;
    struct intake intake;
    int64_t next_offset;
};

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    for (int32_t id = 0; id < IDS; id++) {
        f->script.schemas[id] = (struct schema){
            .id = id, .kind = SCHEMA_JSON, .text = ANY_SCHEMA, .text_bytes = strlen(ANY_SCHEMA)};
        f->script.answers[id] = SCHEMA_KNOWN;
    }
    f->source = (struct schema_source){.ctx = &f->script, .get = script_get};
    f->column = (struct pipe_column){.name = id_name, .type = id_type};
    f->mapping =
        (struct pipe_field_mapping){.source_field = key_field, .destination_field = id_name};
    f->spec.destination.table = table_name;
    f->spec.destination.columns = &f->column;
    f->spec.destination.columns_count = 1;
    f->spec.mappings = &f->mapping;
    f->spec.mappings_count = 1;
    f->spec.settings.path_separator = separator;
    const struct plan_column real = {.name = "id", .type = "UInt64"};
    assert_int_equal(plan_new(&f->spec, &real, 1, &f->plan, NULL), ST_OK);
    assert_int_equal(decoder_new(f->plan, &f->source, &f->decoder, NULL), ST_OK);
    assert_int_equal(ledger_new(&f->ledger, NULL), ST_OK);
    const struct ledger_start start = {.next = 0, .committed = -1};
    assert_int_equal(ledger_assign(f->ledger, &start, 1, NULL), ST_OK);
    assert_int_equal(waiting_new(1000, &f->waiting, NULL), ST_OK);
    size_t count = 0;
    const struct block_column *columns = plan_columns(f->plan, &count);
    const struct batch_params params = {
        .columns = columns, .columns_count = count, .pipe_id = "pipe", .keep_bytes = 1 << 20};
    assert_int_equal(batch_init(&f->batch, &params, NULL), ST_OK);
    batch_reset(&f->batch, 1);
    f->intake = (struct intake){
        .settings = &f->spec.settings,
        .ledger = f->ledger,
        .waiting = f->waiting,
        .decoder = f->decoder,
        .is_raw = plan_is_raw(f->plan),
        .batch = &f->batch,
        .limits = {.rows = 4, .bytes = 1 << 20, .age_ms = 1000},
        .record_max_bytes = 1000,
    };
    intake_begin_round(&f->intake, 50);
}

static void fixture_done(struct fixture *f)
{
    batch_done(&f->batch);
    decoder_free(f->decoder);
    plan_free(f->plan);
    ledger_free(f->ledger);
    waiting_free(f->waiting);
}

/* A record whose key is {"id":<offset>} written with this schema. */
static bool take(struct fixture *f, uint8_t id)
{
    char key[64] = {0, 0, 0, 0, (char)id};
    int len = snprintf(key + 5, sizeof(key) - 5, "{\"id\":%d}", (int)f->next_offset); /* fits */
    struct record record = {
        .topic = "t",
        .topic_bytes = 1,
        .offset = f->next_offset++,
        .timestamp_ms = -1,
        .key = (const uint8_t *)key,
        .key_bytes = (size_t)len + 5,
    };
    return intake_take(&f->intake, 0, &record);
}

static void assert_rows(struct fixture *f, const uint64_t *ids, size_t count)
{
    const struct column *column = block_column(f->batch.block, 0);
    assert_int_equal(block_rows(f->batch.block), count);
    for (size_t i = 0; i < count; i++) {
        uint64_t id = 0;
        memcpy(&id, column->data.at + i * 8, 8);
        assert_int_equal(id, ids[i]);
        assert_int_equal(f->batch.rows[i].offset, (int64_t)ids[i]);
    }
}

static void others_flow_past_a_waiting_record(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.script.answers[5] = SCHEMA_WAIT;
    assert_true(take(&f, 1));
    assert_true(take(&f, 5));
    assert_true(take(&f, 5));
    assert_true(take(&f, 1));
    assert_rows(&f, (const uint64_t[]){0, 3}, 2);
    assert_int_equal(waiting_count(f.waiting), 2);
    assert_int_equal(f.intake.fetched_records, 4);
    assert_int_equal(f.batch.messages_count, 2);
    ledger_settle(f.ledger, 1);
    assert_int_equal(ledger_settled(f.ledger, 0), 1);
    batch_reset(&f.batch, 2);
    /* still not there */
    waiting_rewind(f.waiting);
    assert_true(intake_retry(&f.intake));
    assert_int_equal(waiting_count(f.waiting), 2);
    f.script.answers[5] = SCHEMA_KNOWN;
    waiting_rewind(f.waiting);
    assert_true(intake_retry(&f.intake));
    assert_rows(&f, (const uint64_t[]){1, 2}, 2);
    assert_int_equal(waiting_count(f.waiting), 0);
    assert_int_equal(f.intake.fetched_records, 4);
    assert_int_equal(f.batch.messages_count, 2);
    assert_int_equal(ledger_settled(f.ledger, 0), 1);
    ledger_settle(f.ledger, 2);
    assert_int_equal(ledger_settled(f.ledger, 0), 4);
    const struct schema *schema = NULL;
    assert_true(decoder_take_new_schema(f.decoder, &schema));
    assert_int_equal(schema->id, 1);
    assert_true(decoder_take_new_schema(f.decoder, &schema));
    assert_int_equal(schema->id, 5);
    assert_false(decoder_take_new_schema(f.decoder, &schema));
    fixture_done(&f);
}

static void a_full_batch_interrupts_the_retry(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.script.answers[5] = SCHEMA_WAIT;
    for (int i = 0; i < 6; i++) {
        (void)take(&f, 5);
    }
    f.script.answers[5] = SCHEMA_KNOWN;
    waiting_rewind(f.waiting);
    assert_false(intake_retry(&f.intake));
    assert_rows(&f, (const uint64_t[]){0, 1, 2, 3}, 4);
    batch_reset(&f.batch, 2);
    assert_true(intake_retry(&f.intake));
    assert_rows(&f, (const uint64_t[]){4, 5}, 2);
    ledger_settle(f.ledger, 2);
    assert_int_equal(ledger_settled(f.ledger, 0), 0);
    ledger_settle(f.ledger, 1);
    assert_int_equal(ledger_settled(f.ledger, 0), 6);
    fixture_done(&f);
}

static void unknown_ids_are_rejected(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.script.answers[7] = SCHEMA_WAIT;
    assert_true(take(&f, 7));
    f.script.answers[7] = SCHEMA_UNKNOWN;
    waiting_rewind(f.waiting);
    assert_true(intake_retry(&f.intake));
    assert_int_equal(waiting_count(f.waiting), 0);
    assert_int_equal(f.batch.rejected_count, 1);
    assert_true(take(&f, 7));
    assert_int_equal(f.batch.rejected_count, 2);
    assert_int_equal(block_rows(reject_block_rows(f.batch.rejects)), 2);
    ledger_settle(f.ledger, 1);
    assert_int_equal(ledger_settled(f.ledger, 0), 2);
    fixture_done(&f);
}

static void the_intake_closes_when_the_room_is_full(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.script.answers[5] = SCHEMA_WAIT;
    bool is_open = true;
    size_t taken = 0;
    for (; is_open; taken++) {
        assert_true(taken < 100);
        is_open = take(&f, 5);
    }
    assert_true(waiting_is_full(f.waiting));
    assert_int_equal(waiting_count(f.waiting), taken);
    assert_false(f.intake.has_failed);
    assert_false(take(&f, 1)); /* taken all the same */
    assert_int_equal(block_rows(f.batch.block), 1);
    fixture_done(&f);
}

static void an_id_is_asked_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.intake.limits.rows = 100;
    for (int i = 0; i < 50; i++) {
        assert_true(take(&f, 1));
    }
    assert_int_equal(f.script.asked[1], 1);
    fixture_done(&f);
}

static void a_schema_of_another_kind_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.script.schemas[2].kind = SCHEMA_PROTOBUF;
    assert_true(take(&f, 2));
    assert_int_equal(f.batch.rejected_count, 1);
    assert_int_equal(waiting_count(f.waiting), 0);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_flow_past_a_waiting_record),
        cmocka_unit_test(a_full_batch_interrupts_the_retry),
        cmocka_unit_test(unknown_ids_are_rejected),
        cmocka_unit_test(the_intake_closes_when_the_room_is_full),
        cmocka_unit_test(an_id_is_asked_once),
        cmocka_unit_test(a_schema_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
