/* Cursors of a replay come back as they went out, and nothing else is taken. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/probe/replay/cursor.h"

static void a_cursor_comes_back(void **state)
{
    (void)state;
    const struct replay_key key = {
        .topic = "t\"\xc3\xa4", .partition = 7, .offset = INT64_MAX, .hash = UINT64_MAX};
    struct replay_cursor cursor = {.topic = NULL};
    struct replay_cursor back = {.topic = NULL};
    struct err err = {.status = ST_OK};
    assert_int_equal(replay_cursor_set(&cursor, &key, &err), ST_OK);
    assert_int_equal(replay_cursor_set(&cursor, &key, &err), ST_OK);
    char *text = replay_cursor_text(&cursor);
    assert_int_equal(replay_cursor_parse(text, &back, &err), ST_OK);
    assert_string_equal(back.key.topic, key.topic);
    assert_int_equal(back.key.partition, 7);
    assert_true(back.key.offset == INT64_MAX && back.key.hash == UINT64_MAX);
    replay_cursor_done(&cursor);
    replay_cursor_done(&back);
    replay_cursor_done(&back);
    free(text);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    /* empty, no base64, [], ["t",0,0], ["t",0,0,"x"], ["t","0",0,"1"] */
    static const char *const CASES[] = {
        "", "?", "W10=", "WyJ0IiwwLDBd", "WyJ0IiwwLDAsIngiXQ==", "WyJ0IiwiMCIsMCwiMSJd"};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct replay_cursor cursor = {.topic = NULL};
        struct err err = {.status = ST_OK};
        assert_int_equal(replay_cursor_parse(CASES[i], &cursor, &err), ST_INVALID);
        replay_cursor_done(&cursor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_comes_back),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
