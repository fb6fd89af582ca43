/* POSIX TZ strings: what is read, when the changes come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/zone_rule.h"

#include <cmocka.h>

static void changes_come_when_the_text_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t year;
        int32_t offset;
        int64_t start; /* 0 = no summer time */
        int64_t end;
    } CASES[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", 2024, 3600, 1711846800, 1729990800},
        {"EST5EDT,M3.2.0,M11.1.0", 2024, -18000, 1710054000, 1730613600},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2024, 37800, 1728142200, 1712415600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 2024, 3600, 1729990800, 1711846800},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", 2023, 7200, 1679702400, 1698447600},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2024, -7200, 1711846800, 1729990800},
        {"AAA0BBB,J60/0,J300/0", 2024, 0, 1709251200, 1729983600},
        {"AAA0BBB,59/0,299/0", 2024, 0, 1709164800, 1729897200},
        {"JST-9", 2024, 32400, 0, 0},
        {"<+0545>-5:45", 2024, 20700, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct zone_rule rule;
        assert_true(zone_rule_read(CASES[i].text, strlen(CASES[i].text), &rule));
        assert_int_equal(rule.offset, CASES[i].offset);
        assert_int_equal(rule.has_summer, CASES[i].start != 0);
        if (rule.has_summer) {
            assert_int_equal(
                zone_rule_time(&rule.start, CASES[i].year, rule.offset), CASES[i].start);
            assert_int_equal(
                zone_rule_time(&rule.end, CASES[i].year, rule.summer_offset), CASES[i].end);
        }
    }
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "CET",
        "-1",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M0.5.0,M10.5.0",
        "<CET-1",
        "CET-1CEST,M3.5.0,M10.5.0x",
        "CET-1:60",
        "CET-200",
        "CET-1CEST,J366,J1",
        "CET-1CEST,M3.5.0/,M1.1.1"};
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct zone_rule rule;
        assert_false(zone_rule_read(TEXTS[i], strlen(TEXTS[i]), &rule));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_come_when_the_text_says),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
