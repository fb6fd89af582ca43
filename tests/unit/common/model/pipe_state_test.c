/* The state a pipe shows for every combination of facts, and the words for states and reasons. */
#include <string.h>

#include "common/model/pipe_state.h"

#include "tests/unit/unit.h"

static void state_follows_from_facts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct pipe_facts facts;
        enum pipe_state expected;
    } cases[] = {
        {"created", {.is_wanted = true}, PIPE_STATE_PROVISIONING},
        {"claimed", {.is_wanted = true, .has_live_replica = true}, PIPE_STATE_PROVISIONING},
        {"consuming",
         {.is_wanted = true, .has_live_replica = true, .is_consuming = true},
         PIPE_STATE_RUNNING},
        {"waiting after it ran",
         {.is_wanted = true, .has_live_replica = true, .was_ready = true},
         PIPE_STATE_RUNNING},
        {"no worker after it ran", {.is_wanted = true, .was_ready = true}, PIPE_STATE_RUNNING},
        {"failed before it ran", {.is_wanted = true, .has_failed = true}, PIPE_STATE_FAILED},
        {"failed while a replica drains",
         {.is_wanted = true,
          .has_failed = true,
          .was_ready = true,
          .has_live_replica = true,
          .is_consuming = true},
         PIPE_STATE_FAILED},
        {"stopped, still draining",
         {.has_live_replica = true, .is_consuming = true, .was_ready = true},
         PIPE_STATE_STOPPING},
        {"stopped", {.was_ready = true}, PIPE_STATE_STOPPED},
        {"stopped after a failure", {.has_failed = true}, PIPE_STATE_STOPPED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum pipe_state got = pipe_state_derive(&cases[i].facts);
        if (got != cases[i].expected) {
            fail_msg("%s: %s", cases[i].name, pipe_state_text(got));
        }
    }
}

static void states_have_the_names_of_the_contract(void **state)
{
    (void)state;
    static const char *const names[] = {"Provisioning", "Running", "Stopping", "Stopped", "Failed"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        assert_string_equal(pipe_state_text((enum pipe_state)i), names[i]);
    }
}

static void start_is_refused_while_started(void **state)
{
    (void)state;
    assert_true(pipe_state_refuses_start(PIPE_STATE_RUNNING));
    assert_true(pipe_state_refuses_start(PIPE_STATE_PROVISIONING));
    assert_false(pipe_state_refuses_start(PIPE_STATE_STOPPING));
    assert_false(pipe_state_refuses_start(PIPE_STATE_STOPPED));
    assert_false(pipe_state_refuses_start(PIPE_STATE_FAILED));
}

static void every_reason_has_a_name_and_a_hint(void **state)
{
    (void)state;
#define X(name) PIPE_REASON_##name,
    static const enum pipe_reason reasons[] = {PIPE_REASON_TABLE(X)};
#undef X
    assert_int_equal(ARRAY_LEN(reasons), 18);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        const char *text = pipe_reason_text(reasons[i]);
        assert_true(text[0] != '\0');
        assert_int_equal(pipe_reason_from_text(text), reasons[i]);
        const char *hint = pipe_reason_hint(reasons[i]);
        assert_true(strlen(hint) > 20 && hint[strlen(hint) - 1] == '.');
    }
    assert_string_equal(pipe_reason_text(PIPE_REASON_TOO_MANY_PARTS), "TOO_MANY_PARTS");
}

static void no_reason_and_unknown_reasons(void **state)
{
    (void)state;
    assert_string_equal(pipe_reason_text(PIPE_REASON_NONE), "");
    assert_string_equal(pipe_reason_hint(PIPE_REASON_NONE), "");
    assert_int_equal(pipe_reason_from_text(""), PIPE_REASON_NONE);
    assert_int_equal(pipe_reason_from_text(NULL), PIPE_REASON_NONE);
    assert_int_equal(pipe_reason_from_text("source_unreachable"), PIPE_REASON_INTERNAL);
    assert_int_equal(pipe_reason_from_text("SOMETHING_NEW"), PIPE_REASON_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_follows_from_facts),
        cmocka_unit_test(states_have_the_names_of_the_contract),
        cmocka_unit_test(start_is_refused_while_started),
        cmocka_unit_test(every_reason_has_a_name_and_a_hint),
        cmocka_unit_test(no_reason_and_unknown_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
