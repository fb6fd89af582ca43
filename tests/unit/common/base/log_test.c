/* One event is one line, in both formats, and levels filter. Read back through a file on fd 2. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"

#include "tests/unit/unit.h"

static char captured[20000];

/* Run `speak` with stderr going to a temporary file and read it back. */
static void capture(void (*speak)(void))
{
    FILE *file = tmpfile();
    assert_non_null(file);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    speak();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(close(saved), 0);
    rewind(file);
    size_t got = fread(captured, 1, sizeof(captured) - 1, file);
    captured[got] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void speak_fields(void)
{
    struct err err = {0};
    (void)err_set(&err, ST_TIMEOUT, "no \"answer\"\nin time");
    log_event(LOG_INFO, "pipe_started", "pipe=%s name=\"two words\"", "p1");
    log_event(LOG_DEBUG, "unheard", "x=1");
    log_err(LOG_ERROR, "insert_failed", &err, "pipe=p1");
}

static void text_lines(void **state)
{
    (void)state;
    log_init("test", LOG_INFO, LOG_FORMAT_TEXT);
    capture(speak_fields);
    assert_non_null(strstr(captured, " pipe_started pipe=p1 name=\"two words\"\n"));
    assert_non_null(strstr(captured, "status=timeout error=\"no \\\"answer\\\" in time\"\n"));
    assert_null(strstr(captured, "unheard"));
}

static void json_lines(void **state)
{
    (void)state;
    log_init("test", LOG_INFO, LOG_FORMAT_JSON);
    capture(speak_fields);
    assert_non_null(
        strstr(captured, "\"event\":\"pipe_started\",\"pipe\":\"p1\",\"name\":\"two words\"}\n"));
    assert_non_null(strstr(captured, "\"error\":\"no \\\"answer\\\" in time\"}\n"));
}

static void speak_quotes(void)
{
    log_event(LOG_INFO, "asked", "text=\"a \"b\" and c\" code=%d last=\"x\"", 7);
}

static void quotes_inside_a_value_do_not_end_it(void **state)
{
    (void)state;
    log_init("test", LOG_INFO, LOG_FORMAT_JSON);
    capture(speak_quotes);
    assert_non_null(
        strstr(captured, "\"text\":\"a \\\"b\\\" and c\",\"code\":\"7\",\"last\":\"x\"}\n"));
}

static void speak_long(void)
{
    char big[9000];
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    log_event(LOG_WARN, "long", "x=%s", big);
}

static void a_long_event_stays_one_line(void **state)
{
    (void)state;
    log_init("test", LOG_DEBUG, LOG_FORMAT_TEXT);
    capture(speak_long);
    char *end = strchr(captured, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    log_init("test", LOG_DEBUG, LOG_FORMAT_JSON);
    capture(speak_long);
    end = strchr(captured, '\n');
    assert_non_null(end);
    assert_memory_equal(end - 4, "aa\"}\n", 5);
}

static void levels_by_name(void **state)
{
    (void)state;
    enum log_level level = LOG_ERROR;
    assert_int_equal(log_level_parse("debug", &level), ST_OK);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse("loud", &level), ST_INVALID);
    assert_int_equal(level, LOG_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(quotes_inside_a_value_do_not_end_it),
        cmocka_unit_test(a_long_event_stays_one_line),
        cmocka_unit_test(levels_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
