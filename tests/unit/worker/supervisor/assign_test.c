/* Every row of the decision table, the times in it, and the fair share of a host. */
#include <string.h>

#include "common/base/attr.h"

#include "tests/unit/unit.h"
#include "worker/supervisor/assign.h"

enum {
    NOW_MS = 100000
};

/* A replica that runs as it should. */
static const struct assign_facts well = {
    .is_held = true,
    .is_wanted = true,
    .generation = 3,
    .revision = 5,
    .child = ASSIGN_CHILD_LIVE,
    .child_generation = 3,
    .child_revision = 5,
    .heard_at_ms = NOW_MS - 1000,
};

struct decision {
    const char *name;
    bool is_lost;
    bool is_unwanted;
    bool is_stopping;
    enum assign_child child;
    int64_t child_generation;
    int64_t child_revision;
    int64_t start_at_ms;
    int64_t kill_at_ms;
    int64_t heard_at_ms;
    enum assign_action expected;
    const char *why; /* NULL = not asked */
};

static void the_table(void **state)
{
    (void)state;
#define LIVE ASSIGN_CHILD_LIVE, 3, 5
#define NONE ASSIGN_CHILD_NONE, 0, 0
#define DRAINING ASSIGN_CHILD_DRAINING, 3, 5
#define KILLED ASSIGN_CHILD_KILLED, 3, 5
    static const struct decision cases[] = {
        {"runs well", 0, 0, 0, LIVE, 0, 0, NOW_MS, ASSIGN_KEEP, NULL},
        {"claimed", 0, 0, 0, NONE, 0, 0, 0, ASSIGN_START, NULL},
        {"restart is due", 0, 0, 0, NONE, NOW_MS, 0, 0, ASSIGN_START, NULL},
        {"restart waits", 0, 0, 0, NONE, NOW_MS + 1, 0, 0, ASSIGN_KEEP, NULL},
        {"unwanted, no child", 0, 1, 0, NONE, NOW_MS + 1, 0, 0, ASSIGN_RELEASE, NULL},
        {"stopping, no child", 0, 0, 1, NONE, 0, 0, 0, ASSIGN_RELEASE, NULL},
        {"lost, no child", 1, 0, 0, NONE, 0, 0, 0, ASSIGN_FORGET, NULL},
        {"lost and unwanted, no child", 1, 1, 1, NONE, 0, 0, 0, ASSIGN_FORGET, NULL},
        {"unwanted", 0, 1, 0, LIVE, 0, 0, NOW_MS, ASSIGN_DRAIN, "unwanted"},
        {"lost", 1, 0, 0, LIVE, 0, 0, NOW_MS, ASSIGN_DRAIN, "lease_lost"},
        {"stopping", 0, 0, 1, LIVE, 0, 0, NOW_MS, ASSIGN_DRAIN, "shutdown"},
        {"new revision", 0, 0, 0, ASSIGN_CHILD_LIVE, 3, 4, 0, 0, NOW_MS, ASSIGN_DRAIN, "revision"},
        {"lost and claimed again", 0, 0, 0, ASSIGN_CHILD_LIVE, 2, 5, 0, 0, NOW_MS, ASSIGN_DRAIN,
         "generation"},
        {"quiet", 0, 0, 0, LIVE, 0, 0, NOW_MS - 59999, ASSIGN_KEEP, NULL},
        {"silent", 0, 0, 0, LIVE, 0, 0, NOW_MS - 60000, ASSIGN_KILL, "silent"},
        {"drains", 0, 1, 0, DRAINING, 0, NOW_MS + 1, 0, ASSIGN_KEEP, NULL},
        {"drained too long", 0, 1, 0, DRAINING, 0, NOW_MS, 0, ASSIGN_KILL, "unwanted"},
        {"wanted again while it drains", 0, 0, 0, DRAINING, 0, NOW_MS + 1, 0, ASSIGN_KEEP, NULL},
        {"killed", 1, 1, 1, KILLED, 0, NOW_MS - 1, 0, ASSIGN_KEEP, NULL},
    };
#undef LIVE
#undef NONE
#undef DRAINING
#undef KILLED
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct assign_facts facts = well;
        facts.is_held = !cases[i].is_lost;
        facts.is_wanted = !cases[i].is_unwanted;
        facts.is_stopping = cases[i].is_stopping;
        facts.child = cases[i].child;
        facts.child_generation = cases[i].child_generation;
        facts.child_revision = cases[i].child_revision;
        facts.start_at_ms = cases[i].start_at_ms;
        facts.kill_at_ms = cases[i].kill_at_ms;
        facts.heard_at_ms = cases[i].heard_at_ms;
        enum assign_action got = assign_next(&facts, NOW_MS);
        if (got != cases[i].expected) {
            fail_msg("%s: action %d, not %d", cases[i].name, (int)got, (int)cases[i].expected);
        }
        if (cases[i].why != NULL) {
            assert_string_equal(assign_why(&facts), cases[i].why);
        }
    }
}

static void what_is_given_drains_and_is_released(void **state)
{
    (void)state;
    struct assign_facts facts = well;
    facts.is_given = true;
    assert_int_equal(assign_next(&facts, NOW_MS), ASSIGN_DRAIN);
    assert_string_equal(assign_why(&facts), "balance");
    facts.child = ASSIGN_CHILD_NONE;
    assert_int_equal(assign_next(&facts, NOW_MS), ASSIGN_RELEASE);
    facts.is_held = false;
    assert_int_equal(assign_next(&facts, NOW_MS), ASSIGN_FORGET);
}

static void a_lost_lease_leaves_less_time_to_drain(void **state)
{
    (void)state;
    struct assign_facts facts = well;
    assert_int_equal(assign_kill_at_ms(&facts, NOW_MS), NOW_MS + 20000);
    facts.kill_at_ms = NOW_MS + 20000; /* drains since now, then the lease is lost */
    facts.is_held = false;
    assert_int_equal(assign_kill_at_ms(&facts, NOW_MS + 1000), NOW_MS + 6000);
    assert_int_equal(assign_kill_at_ms(&facts, NOW_MS + 19000), NOW_MS + 20000); /* never later */
    facts.kill_at_ms = 0;
    assert_int_equal(assign_kill_at_ms(&facts, NOW_MS), NOW_MS + 5000);
}

static void the_loop_is_woken_for_what_is_due(void **state)
{
    (void)state;
    struct assign_facts facts = well;
    facts.start_at_ms = 111;
    facts.kill_at_ms = 222;
    assert_int_equal(assign_wake_ms(&facts), NOW_MS - 1000 + ASSIGN_SILENT_MS);
    facts.child = ASSIGN_CHILD_NONE;
    assert_int_equal(assign_wake_ms(&facts), 111);
    facts.child = ASSIGN_CHILD_DRAINING;
    assert_int_equal(assign_wake_ms(&facts), 222);
    facts.child = ASSIGN_CHILD_KILLED;
    assert_true(assign_wake_ms(&facts) == INT64_MAX);
}

static void hosts_claim_a_fair_share_and_then_what_is_left(void **state)
{
    (void)state;
    static const struct {
        struct assign_load load;
        int expected;
    } cases[] = {
        {{.replicas_wanted = 0, .workers_live = 1}, 0},
        {{.replicas_wanted = 10, .workers_live = 1}, 10},
        {{.replicas_wanted = 10, .workers_live = 1, .held = 4}, 6},
        {{.replicas_wanted = 10, .workers_live = 1, .held = 10}, 0},
        {{.replicas_wanted = 10, .workers_live = 2}, 5},
        {{.replicas_wanted = 11, .workers_live = 2}, 6},
        {{.replicas_wanted = 10, .workers_live = 3, .held = 4}, 0},
        {{.replicas_wanted = 1, .workers_live = 4}, 1},
        {{.replicas_wanted = 10, .workers_live = 2, .held = 5, .leftovers = 3}, 2},
        {{.replicas_wanted = 10, .workers_live = 2, .held = 7, .leftovers = 1}, 1},
        {{.replicas_wanted = 10, .workers_live = 2, .held = 7, .leftovers = 0}, 0},
        {{.replicas_wanted = 3, .workers_live = 0}, 3}, /* our own row is not there yet */
        /* What was given away is not taken back. */
        {{.replicas_wanted = 10, .workers_live = 3, .held = 3, .is_giving = true}, 0},
        {{.replicas_wanted = 12, .workers_live = 3, .held = 3, .is_giving = true}, 1},
        {{.replicas_wanted = 9, .workers_live = 3, .held = 3, .leftovers = 2, .is_giving = true},
         0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int got = assign_claim_count(&cases[i].load);
        if (got != cases[i].expected) {
            fail_msg("case %zu: %d, not %d", i, got, cases[i].expected);
        }
    }
}

enum {
    HOSTS_MAX = 4,
    ROOM = 1000,
};

static void a_host_gives_what_it_holds_above_its_share(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        struct assign_host hosts[HOSTS_MAX]; /* is_self is set by the loop below */
        int expected[HOSTS_MAX];
    } cases[] = {
        {1, {{.held = 10, .room = ROOM}}, {0}},
        {2, {{.held = 10, .room = ROOM}, {.held = 0, .room = ROOM}}, {5, 0}},
        {2, {{.held = 3, .room = ROOM}, {.held = 2, .room = ROOM}}, {0, 0}},
        {2, {{.held = 4, .room = ROOM}, {.held = 2, .room = ROOM}}, {1, 0}},
        {3,
         {{.held = 5, .room = ROOM}, {.held = 5, .room = ROOM}, {.held = 0, .room = ROOM}},
         {1, 2, 0}},
        {3,
         {{.held = 20, .room = ROOM}, {.held = 20, .room = ROOM}, {.held = 0, .room = ROOM}},
         {6, 7, 0}},
        /* Balanced although not equal: whoever has one more keeps it. */
        {4,
         {{.held = 3, .room = ROOM},
          {.held = 3, .room = ROOM},
          {.held = 2, .room = ROOM},
          {.held = 2, .room = ROOM}},
         {0, 0, 0, 0}},
        {4,
         {{.held = 3, .room = ROOM},
          {.held = 3, .room = ROOM},
          {.held = 3, .room = ROOM},
          {.held = 1, .room = ROOM}},
         {0, 0, 1, 0}},
        /* A host without room, or that has just started, is left as it is. */
        {2, {{.held = 10, .room = ROOM}, {.held = 0, .room = 0}}, {0, 0}},
        {2, {{.held = 10, .room = 0}, {.held = 0, .room = 2}}, {2, 0}},
        {3,
         {{.held = 12, .room = ROOM}, {.held = 0, .room = 2}, {.held = 0, .room = ROOM}},
         {7, 0, 0}},
        {3, {{.held = 9, .room = ROOM}, {.held = 1, .room = 0}, {.held = 0, .room = 1}}, {1, 0, 0}},
        {0, {{.held = 0}}, {0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t self = 0; self < cases[i].count; self++) {
            struct assign_host hosts[HOSTS_MAX];
            memcpy(hosts, cases[i].hosts, sizeof(hosts));
            hosts[self].is_self = true;
            const int got = assign_surplus(hosts, cases[i].count);
            if (got != cases[i].expected[self]) {
                fail_msg("case %zu host %zu: %d, not %d", i, self, got, cases[i].expected[self]);
            }
        }
    }
    assert_int_equal(assign_surplus(NULL, 0), 0);
}

/* Whatever the hosts hold and have room for: giving and taking ends, and ends in balance. */
static void giving_ends_in_balance(void **state)
{
    (void)state;
    for (int code = 0; code < 8 * 8 * 8 * 8; code++) {
        struct assign_host hosts[HOSTS_MAX];
        for (size_t i = 0; i < HOSTS_MAX; i++) {
            hosts[i] = (struct assign_host){.held = (code >> (3 * i)) % 8, .room = ROOM};
        }
        int moved = 0;
        for (int round = 0; round < 32; round++) {
            for (size_t i = 1; i < HOSTS_MAX; i++) { /* most first */
                for (size_t k = i; k > 0 && hosts[k].held > hosts[k - 1].held; k--) {
                    const struct assign_host swap = hosts[k];
                    hosts[k] = hosts[k - 1];
                    hosts[k - 1] = swap;
                }
            }
            size_t giver = HOSTS_MAX;
            for (size_t i = 0; i < HOSTS_MAX && giver == HOSTS_MAX; i++) {
                hosts[i].is_self = true;
                giver = assign_surplus(hosts, HOSTS_MAX) > 0 ? i : HOSTS_MAX;
                hosts[i].is_self = false;
            }
            if (giver == HOSTS_MAX) {
                break;
            }
            hosts[giver].held--;
            hosts[HOSTS_MAX - 1].held++; /* who holds least takes it */
            moved++;
        }
        assert_true(hosts[0].held - hosts[HOSTS_MAX - 1].held <= 1);
        assert_true(moved <= 14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(what_is_given_drains_and_is_released),
        cmocka_unit_test(a_lost_lease_leaves_less_time_to_drain),
        cmocka_unit_test(the_loop_is_woken_for_what_is_due),
        cmocka_unit_test(hosts_claim_a_fair_share_and_then_what_is_left),
        cmocka_unit_test(a_host_gives_what_it_holds_above_its_share),
        cmocka_unit_test(giving_ends_in_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
