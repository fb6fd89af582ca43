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

/* A million random steps against the definition itself: the set of settled offsets. */
static void settled_prefix_has_no_gap(void **state)
{
    (void)state;
    enum {
        OFFSETS = 4000
    };
    static uint64_t batch_of[OFFSETS];
    uint64_t random = 88172645463325252U;
    CLEANUP(ledger_freep) struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(&ledger, NULL), ST_OK);
    struct ledger_start start = {.next = 0, .committed = -1};
    assert_int_equal(ledger_assign(ledger, &start, 1, NULL), ST_OK);
    bool is_settled[OFFSETS + 1] = {false};
    uint64_t oldest = 1;
    uint64_t newest = 1;
    int64_t taken = 0;
    while (taken < OFFSETS) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if (random % 7 == 0 && newest - oldest + 1 < LEDGER_BATCHES_MAX) {
            newest++;
        } else if (random % 11 == 0 && oldest < newest && !is_settled[oldest]) {
            /* The second oldest first, now and then. */
            uint64_t batch = random % 3 == 0 && oldest + 1 < newest && !is_settled[oldest + 1]
                                 ? oldest + 1
                                 : oldest;
            ledger_settle(ledger, batch);
            is_settled[batch] = true;
            while (oldest < newest && is_settled[oldest]) {
                oldest++;
            }
        } else {
            batch_of[taken] = newest;
            ledger_take(ledger, 0, taken, newest);
            taken++;
        }
        int64_t prefix = 0;
        while (prefix < taken && is_settled[batch_of[prefix]]) {
            prefix++;
        }
        assert_int_equal(ledger_settled(ledger, 0), prefix == 0 ? -1 : prefix);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_hold),
        cmocka_unit_test(settled_prefix_has_no_gap),
        cmocka_unit_test(assignment_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
