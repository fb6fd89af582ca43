/* The ledger's promises: nothing unsettled is ever committed, and no gap is stepped over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "worker/replica/ledger/ledger.h"

#include <cmocka.h>

enum action_kind {
    TAKE,
    SETTLE,
    FORGET,
    MOVE,
    CONFIRM,
    HOLD,
    FILL,
    END
};

struct action {
    enum action_kind kind;
    size_t slot;
    int64_t offset;
    uint64_t batch;
};

struct expected {
    int64_t next;
    int64_t settled;
    int64_t restart;
    bool has_commit;
};

struct sequence {
    const char *name;
    struct ledger_start starts[2];
    struct action actions[16];
    struct expected expected[2];
};

static const struct sequence sequences[] = {
    {"a record that waits is not passed",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1}, {HOLD, 0, 6, 0}, {TAKE, 0, 7, 1}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{8, 6, 6, true}, {0, -1, 0, false}}},
    {"nor is the first one",
     {{-1, -1}, {0, -1}},
     {{HOLD, 0, 4, 0}, {TAKE, 0, 7, 1}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{8, 4, 4, true}, {0, -1, 0, false}}},
    {"a filled hole settles with its batch",
     {{5, 5}, {0, -1}},
     {{HOLD, 0, 5, 0},
      {HOLD, 0, 6, 0},
      {TAKE, 0, 7, 1},
      {FILL, 0, 5, 2},
      {SETTLE, 0, 0, 1},
      {SETTLE, 0, 0, 2},
      {END, 0, 0, 0}},
     {{8, 6, 6, true}, {0, -1, 0, false}}},
    {"the last hole opens everything behind it",
     {{5, 5}, {0, -1}},
     {{HOLD, 0, 5, 0},
      {TAKE, 0, 9, 1},
      {SETTLE, 0, 0, 1},
      {FILL, 0, 5, 2},
      {SETTLE, 0, 0, 2},
      {END, 0, 0, 0}},
     {{10, 10, 10, true}, {0, -1, 0, false}}},
    {"a filled hole does not pass an unsettled range",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1},
      {HOLD, 0, 6, 0},
      {TAKE, 0, 7, 1},
      {FILL, 0, 6, 2},
      {SETTLE, 0, 0, 2},
      {END, 0, 0, 0}},
     {{8, -1, 5, false}, {0, -1, 0, false}}},
    {"a hole alone",
     {{5, 5}, {0, -1}},
     {{HOLD, 0, 5, 0}, {FILL, 0, 5, 1}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{6, 6, 6, true}, {0, -1, 0, false}}},
    {"forgetting goes back to the first hole",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1},
      {HOLD, 0, 6, 0},
      {TAKE, 0, 7, 1},
      {SETTLE, 0, 0, 1},
      {FORGET, 0, 0, 0},
      {TAKE, 0, 6, 2},
      {SETTLE, 0, 0, 2},
      {END, 0, 0, 0}},
     {{7, 7, 7, true}, {0, -1, 0, false}}},
    {"moving forgets holes, and filling one then does nothing",
     {{5, 5}, {0, -1}},
     {{HOLD, 0, 5, 0}, {MOVE, 0, 50, 0}, {FILL, 0, 5, 1}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{50, 50, 50, true}, {0, -1, 0, false}}},
    {"nothing taken, nothing to commit",
     {{5, 5}, {-1, -1}},
     {{END, 0, 0, 0}},
     {{5, -1, 5, false}, {-1, -1, -1, false}}},
    {"taken is not settled",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1}, {END, 0, 0, 0}},
     {{6, -1, 5, false}, {0, -1, 0, false}}},
    {"settled batch may be committed",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1}, {TAKE, 0, 6, 1}, {TAKE, 1, 0, 1}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{7, 7, 7, true}, {1, 1, 1, true}}},
    {"holes lie inside a range",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 9, 1}, {TAKE, 0, 20, 1}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{21, 21, 21, true}, {0, -1, 0, false}}},
    {"a later batch settled first waits for the earlier one",
     {{0, -1}, {0, -1}},
     {{TAKE, 0, 0, 1}, {TAKE, 0, 1, 2}, {SETTLE, 0, 0, 2}, {END, 0, 0, 0}},
     {{2, -1, 0, false}, {0, -1, 0, false}}},
    {"and comes with it",
     {{0, -1}, {0, -1}},
     {{TAKE, 0, 0, 1}, {TAKE, 0, 1, 2}, {SETTLE, 0, 0, 2}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{2, 2, 2, true}, {0, -1, 0, false}}},
    {"partitions do not wait for each other",
     {{0, -1}, {0, -1}},
     {{TAKE, 0, 0, 1}, {TAKE, 1, 0, 2}, {SETTLE, 0, 0, 2}, {END, 0, 0, 0}},
     {{1, -1, 0, false}, {1, 1, 1, true}}},
    {"unknown start is the first record",
     {{-1, -1}, {0, -1}},
     {{TAKE, 0, 40, 1}, {TAKE, 0, 41, 1}, {FORGET, 0, 0, 0}, {END, 0, 0, 0}},
     {{40, -1, 40, false}, {0, -1, 0, false}}},
    {"forget goes back to what is settled",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1},
      {SETTLE, 0, 0, 1},
      {TAKE, 0, 6, 2},
      {TAKE, 1, 3, 2},
      {FORGET, 0, 0, 0},
      {END, 0, 0, 0}},
     {{6, 6, 6, true}, {0, -1, 0, false}}},
    {"a forgotten batch settles nothing",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1}, {FORGET, 0, 0, 0}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{5, -1, 5, false}, {0, -1, 0, false}}},
    {"confirmed is not committed twice",
     {{5, 5}, {0, -1}},
     {{TAKE, 0, 5, 1}, {SETTLE, 0, 0, 1}, {CONFIRM, 0, 6, 0}, {END, 0, 0, 0}},
     {{6, 6, 6, false}, {0, -1, 0, false}}},
    {"moved back: a topic made again",
     {{500, 500}, {0, -1}},
     {{TAKE, 0, 500, 1}, {MOVE, 0, 0, 0}, {SETTLE, 0, 0, 1}, {TAKE, 0, 0, 2}, {END, 0, 0, 0}},
     {{1, 0, 0, true}, {0, -1, 0, false}}},
    {"moved on: records gone before they were read",
     {{5, 5}, {0, -1}},
     {{MOVE, 0, 90, 0}, {TAKE, 0, 90, 1}, {SETTLE, 0, 0, 1}, {END, 0, 0, 0}},
     {{91, 91, 91, true}, {0, -1, 0, false}}},
};

static void sequence_run(struct ledger *ledger, const struct sequence *sequence)
{
    for (const struct action *a = sequence->actions; a->kind != END; a++) {
        switch (a->kind) {
        case TAKE:
            assert_true(ledger_is_new(ledger, a->slot, a->offset));
            ledger_take(ledger, a->slot, a->offset, a->batch);
            assert_false(ledger_is_new(ledger, a->slot, a->offset));
            break;
        case SETTLE:
            ledger_settle(ledger, a->batch);
            break;
        case FORGET:
            ledger_forget(ledger);
            break;
        case MOVE:
            ledger_move(ledger, a->slot, a->offset);
            break;
        case CONFIRM:
            ledger_confirm(ledger, a->slot, a->offset);
            break;
        case HOLD:
            assert_int_equal(ledger_hold(ledger, a->slot, a->offset), ST_OK);
            assert_false(ledger_is_new(ledger, a->slot, a->offset));
            assert_false(ledger_step_over(ledger, a->slot, 1000));
            break;
        case FILL:
            ledger_fill(ledger, a->slot, a->offset, a->batch);
            break;
        case END:
            break;
        }
    }
}

static void sequences_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
        const struct sequence *sequence = &sequences[i];
        CLEANUP(ledger_freep) struct ledger *ledger = NULL;
        assert_int_equal(ledger_new(&ledger, NULL), ST_OK);
        assert_int_equal(ledger_assign(ledger, sequence->starts, 2, NULL), ST_OK);
        assert_int_equal(ledger_slots_count(ledger), 2);
        sequence_run(ledger, sequence);
        for (size_t slot = 0; slot < 2; slot++) {
            const struct expected *expected = &sequence->expected[slot];
            print_message("%s, slot %zu\n", sequence->name, slot);
            assert_int_equal(ledger_next(ledger, slot), expected->next);
            assert_int_equal(ledger_settled(ledger, slot), expected->settled);
            assert_int_equal(ledger_restart(ledger, slot), expected->restart);
            assert_int_equal(ledger_has_commit(ledger, slot), expected->has_commit);
        }
    }
}

/* Random steps against the definition itself: a commit covers the offsets of settled batches from
 * the first one on, and stops before the first offset of an unsettled one. */
enum {
    OFFSETS = 4000
};

struct model {
    uint64_t batch_of[OFFSETS];
    bool is_settled[OFFSETS + 1]; /* by batch */
    uint64_t oldest;              /* unsettled */
    uint64_t newest;
    int64_t taken;
    uint64_t random;
};

static uint64_t model_random(struct model *model)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return model->random;
}

/* Settle the oldest batch, or the second oldest first, now and then. */
static void model_settle(struct model *model, struct ledger *ledger)
{
    uint64_t batch = model->oldest;
    if (model_random(model) % 3 == 0 && batch + 1 < model->newest &&
        !model->is_settled[batch + 1]) {
        batch++;
    }
    ledger_settle(ledger, batch);
    model->is_settled[batch] = true;
    while (model->oldest < model->newest && model->is_settled[model->oldest]) {
        model->oldest++;
    }
}

static void model_step(struct model *model, struct ledger *ledger)
{
    if (model_random(model) % 7 == 0 && model->newest - model->oldest + 1 < LEDGER_BATCHES_MAX) {
        model->newest++;
    } else if (model_random(model) % 11 == 0 && model->oldest < model->newest) {
        model_settle(model, ledger);
    } else {
        model->batch_of[model->taken] = model->newest;
        ledger_take(ledger, 0, model->taken, model->newest);
        model->taken++;
    }
}

static int64_t model_prefix(const struct model *model)
{
    int64_t prefix = 0;
    while (prefix < model->taken && model->is_settled[model->batch_of[prefix]]) {
        prefix++;
    }
    return prefix;
}

static void settled_prefix_has_no_gap(void **state)
{
    (void)state;
    static struct model model = {.oldest = 1, .newest = 1, .random = 88172645463325252U};
    CLEANUP(ledger_freep) struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(&ledger, NULL), ST_OK);
    struct ledger_start start = {.next = 0, .committed = -1};
    assert_int_equal(ledger_assign(ledger, &start, 1, NULL), ST_OK);
    while (model.taken < OFFSETS) {
        model_step(&model, ledger);
        int64_t prefix = model_prefix(&model);
        assert_int_equal(ledger_settled(ledger, 0), prefix == 0 ? -1 : prefix);
    }
    assert_true(model.oldest > 100);
}

static void idle_partitions_step_over_markers(void **state)
{
    (void)state;
    CLEANUP(ledger_freep) struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(&ledger, NULL), ST_OK);
    struct ledger_start start = {.next = 5, .committed = 5};
    assert_int_equal(ledger_assign(ledger, &start, 1, NULL), ST_OK);
    assert_false(ledger_step_over(ledger, 0, 9)); /* nothing is settled yet */
    ledger_take(ledger, 0, 5, 1);
    assert_false(ledger_step_over(ledger, 0, 9)); /* something is unsettled */
    ledger_settle(ledger, 1);
    assert_false(ledger_step_over(ledger, 0, -1)); /* unknown */
    assert_false(ledger_step_over(ledger, 0, 6));  /* nothing new */
    assert_true(ledger_step_over(ledger, 0, 9));
    assert_int_equal(ledger_settled(ledger, 0), 9);
    assert_true(ledger_has_commit(ledger, 0));
    assert_int_equal(ledger_committed(ledger, 0), 5);
}

static void assignment_is_limited(void **state)
{
    (void)state;
    CLEANUP(ledger_freep) struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(&ledger, NULL), ST_OK);
    struct ledger_start start = {.next = 1, .committed = -1};
    struct err err;
    assert_int_equal(
        ledger_assign(ledger, &start, (size_t)LEDGER_SLOTS_MAX + 1, &err), ST_TOO_LARGE);
    assert_int_equal(ledger_assign(ledger, &start, 1, &err), ST_OK);
    assert_int_equal(ledger_assign(ledger, NULL, 0, &err), ST_OK);
    assert_int_equal(ledger_slots_count(ledger), 0);
    ledger_free(NULL);
}

static void the_newest_range_is_dropped_alone(void **state)
{
    (void)state;
    struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(&ledger, NULL), ST_OK);
    const struct ledger_start start = {.next = 10, .committed = 10};
    assert_int_equal(ledger_assign(ledger, &start, 1, NULL), ST_OK);
    ledger_drop(ledger, 0, 1); /* nothing there */
    ledger_take(ledger, 0, 10, 1);
    ledger_take(ledger, 0, 14, 2);
    ledger_take(ledger, 0, 15, 2);
    ledger_drop(ledger, 0, 1); /* not the newest */
    assert_int_equal(ledger_next(ledger, 0), 16);
    ledger_drop(ledger, 0, 2);
    assert_int_equal(ledger_next(ledger, 0), 11);
    ledger_drop(ledger, 0, 1);
    assert_int_equal(ledger_next(ledger, 0), 10);
    ledger_take(ledger, 0, 10, 3);
    ledger_settle(ledger, 3);
    ledger_take(ledger, 0, 20, 4);
    ledger_drop(ledger, 0, 4);
    assert_int_equal(ledger_next(ledger, 0), 11);
    assert_int_equal(ledger_settled(ledger, 0), 11);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_hold),
        cmocka_unit_test(settled_prefix_has_no_gap),
        cmocka_unit_test(idle_partitions_step_over_markers),
        cmocka_unit_test(assignment_is_limited),
        cmocka_unit_test(the_newest_range_is_dropped_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
