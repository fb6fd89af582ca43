/* Reasons, failures and events: cleaned, checked, kept until they are stored, bounded. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker/supervisor/fake_store.h"
#include "worker/supervisor/outbox.h"

static const struct lease lease = {.pipe_id = "p", .replica_index = 1, .generation = 7};

static int start(void **state)
{
    (void)state;
    fake_store_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_store_stop();
    return 0;
}

static enum status flush(struct outbox *outbox)
{
    return outbox_flush(outbox, NULL, "me", &lease, NULL);
}

static struct protocol_event
message_of(const char *event, const char *name, const char *text, const char *details)
{
    struct protocol_event message = {.event = ""};
    (void)snprintf(message.event, sizeof(message.event), "%s", event);
    (void)snprintf(message.name, sizeof(message.name), "%s", name);
    (void)snprintf(message.text, sizeof(message.text), "%s", text);
    (void)snprintf(message.details, sizeof(message.details), "%s", details);
    return message;
}

static void messages_become_rows_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *event, *name, *text, *details, *expected;
    } cases[] = {
        {"assigned", "info", "3 partitions", "{\"count\":3}",
         "event assigned info 3 partitions {\"count\":3}\n"},
        {"outage", "warning", "away", "", "event outage warning away none\n"},
        {"outage", "critical", "away", "[1]", "event outage critical away none\n"},
        {"outage", "loud", "away", "{broken", "event outage info away none\n"},
        {"reason", "TOO_MANY_PARTS", "252", "", "reason [TOO_MANY_PARTS] 252\n"},
        {"reason", "", "", "", "reason [] \n"},
        {"reason", "'; DROP", "x", "", "reason [INTERNAL] x\n"},
        {"failed", "TABLE_NOT_FOUND", "60", "", "failed [TABLE_NOT_FOUND] 60\n"},
        {"failed", "", "no code", "", "failed [INTERNAL] no code\n"},
        {"guarantee", "warning", "few",
         "{\"mode\":\"exactly-once-by-token\",\"inserts\":5,"
         "\"seconds\":7,\"tableUuid\":\"u\",\"tableHash\":\"h\"}",
         "guarantee me 1 warning exactly-once-by-token 5 7 few u h\n"},
        {"guarantee", "loud", "?", "{\"mode\":7,\"inserts\":\"many\"}",
         "guarantee me 1 info at-least-once 0 0 ? none none\n"},
        {"guarantee", "info", "?", "broken", "guarantee me 1 info at-least-once 0 0 ? none none\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outbox outbox;
        outbox_init(&outbox);
        assert_true(outbox_is_empty(&outbox));
        struct protocol_event message =
            message_of(cases[i].event, cases[i].name, cases[i].text, cases[i].details);
        outbox_take_message(&outbox, &message);
        assert_false(outbox_is_empty(&outbox));
        buf_reset(&fake_store.journal);
        assert_int_equal(flush(&outbox), ST_OK);
        assert_string_equal(buf_text(&fake_store.journal), cases[i].expected);
        assert_true(outbox_is_empty(&outbox));
        outbox_done(&outbox);
    }
}

static void the_last_reason_and_the_first_failure_count(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    outbox_set_reason(&outbox, "SOURCE_UNREACHABLE", "a");
    outbox_set_reason(&outbox, "DESTINATION_BUSY", "b");
    outbox_set_failure(&outbox, "TABLE_NOT_FOUND", "c");
    outbox_set_failure(&outbox, "INTERNAL", "d");
    assert_int_equal(flush(&outbox), ST_OK);
    assert_string_equal(
        buf_text(&fake_store.journal), "reason [DESTINATION_BUSY] b\nfailed [TABLE_NOT_FOUND] c\n");
    outbox_done(&outbox);
}

static void what_could_not_be_stored_waits(void **state)
{
    (void)state;
    static const struct {
        enum status answer;
        bool is_kept;
    } cases[] = {
        {ST_UNAVAILABLE, true}, {ST_TIMEOUT, true},  {ST_CONFLICT, true},
        {ST_FENCED, false},     {ST_INVALID, false}, {ST_NOT_FOUND, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct outbox outbox;
        outbox_init(&outbox);
        outbox_add_event(&outbox, "state", "info", "first", "");
        outbox_add_event(&outbox, "state", "info", "second", "");
        outbox_set_reason(&outbox, "INTERNAL", "third");
        outbox_set_failure(&outbox, "INTERNAL", "fourth");
        buf_reset(&fake_store.journal);
        fake_store.answer = cases[i].answer;
        fake_store.ok_calls_count = 1;
        assert_int_equal(flush(&outbox), cases[i].is_kept ? cases[i].answer : ST_OK);
        assert_int_equal(outbox_is_empty(&outbox), !cases[i].is_kept);
        fake_store.ok_calls_count = -1;
        assert_int_equal(flush(&outbox), ST_OK);
        assert_string_equal(
            buf_text(&fake_store.journal),
            cases[i].is_kept ? "event state info first none\nevent state info second none\n"
                               "reason [INTERNAL] third\nfailed [INTERNAL] fourth\n"
                             : "event state info first none\n");
        outbox_done(&outbox);
    }
}

static void the_oldest_event_goes_when_there_are_too_many(void **state)
{
    (void)state;
    struct outbox outbox;
    outbox_init(&outbox);
    for (int i = 0; i < OUTBOX_EVENTS_MAX + 2; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "n%d", i);
        outbox_add_event(&outbox, "state", "info", text, "");
    }
    assert_int_equal(outbox.events_count, OUTBOX_EVENTS_MAX);
    assert_int_equal(outbox.dropped_count, 2);
    assert_int_equal(flush(&outbox), ST_OK);
    assert_int_equal(strncmp(buf_text(&fake_store.journal), "event state info n2 ", 20), 0);
    outbox_done(&outbox);
    outbox_done(&outbox); /* twice is fine */
}

static void texts_are_made_clean(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
        size_t size_bytes;
    } cases[] = {
        {"plain", "plain", 32},
        {"", "", 32},
        {"žluťoučký €𝄞", "žluťoučký €𝄞", 64},
        {"a\nb\tc\x7f", "a b c ", 32},
        {"\x80 lone", "? lone", 32},
        {"\xc0\xaf long", "?? long", 32},
        {"\xed\xa0\x80 surrogate", "??? surrogate", 32},
        {"\xf5 none such", "? none such", 32},
        {"cut \xc5", "cut ", 32},
        {"cut \xe2\x82", "cut ", 32},
        {"cut \xf0\x9d\x84", "cut ", 32},
        {"room", "roo", 4},
        {"ro€", "ro", 5},
        {"ro€", "ro€", 6},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char clean[64];
        outbox_clean_text(cases[i].text, clean, cases[i].size_bytes);
        assert_string_equal(clean, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_become_rows_in_order, start, stop),
        cmocka_unit_test_setup_teardown(the_last_reason_and_the_first_failure_count, start, stop),
        cmocka_unit_test_setup_teardown(what_could_not_be_stored_waits, start, stop),
        cmocka_unit_test_setup_teardown(the_oldest_event_goes_when_there_are_too_many, start, stop),
        cmocka_unit_test(texts_are_made_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
