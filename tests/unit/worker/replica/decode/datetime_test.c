/* Date-time texts: both ways of reading, and the calendar against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/replica/decode/datetime.h"

#include <cmocka.h>

static void datetime_reads_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        uint32_t nanos;
        bool has_zone;
    } CASES[] = {
        {"2024-01-02T03:04:05Z", 1704164645, 0, true},
        {"2024-01-02 03:04:05", 1704164645, 0, false},
        {"2024-01-02T03:04:05.678Z", 1704164645, 678000000, true},
        {"2024-01-02T03:04:05.1234567891Z", 1704164645, 123456789, true},
        {"2024-01-02T03:04:05+02:00", 1704157445, 0, true},
        {"2024-01-02T03:04:05.5-0030", 1704166445, 500000000, true},
        {"2024-01-02 03:04", 1704164640, 0, false},
        {"2024/1/2 3:4:5 UTC", 1704164645, 0, true},
        {"2024-01-02", 1704153600, 0, false},
        {"20240102", 1704153600, 0, false},
        {"20240102030405", 1704164645, 0, false},
        {"1704164645", 1704164645, 0, true},
        {"1704164645.25", 1704164645, 250000000, true},
        {"1704164645678", 1704164645, 678000000, true},
        {"1969-12-31T23:59:59Z", -1, 0, true},
    };
    struct datetime_cache cache = {0};
    for (int round = 0; round < 2; round++) { /* with and without the day in the cache */
        for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
            uint8_t text[64] = {0};
            size_t len = strlen(CASES[i].text);
            memcpy(text, CASES[i].text, len);
            struct datetime d;
            assert_null(datetime_read(text, len, &cache, &d));
            assert_int_equal(d.seconds, CASES[i].seconds);
            assert_int_equal(d.nanos, CASES[i].nanos);
            assert_int_equal(d.has_zone, CASES[i].has_zone);
        }
    }
}

static void datetime_refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "x",
        "2024",
        "2024-01",
        "2024-13-01",
        "2024-02-30",
        "2023-02-29",
        "2024-00-10",
        "2024-01-00",
        "1900-02-29",
        "2024-01-02T",
        "2024-01-02T24:00:00",
        "2024-01-02T23:60:00",
        "2024-01-02T23:59:60",
        "2024-01-02T03:04:05x",
        "2024-01-02T03:04:05+",
        "2024-01-02T03:04:05+1",
        "2024-01-02T03:04:05+15:00",
        "2024-01-02T03:04:05+02:",
        "2024-01-02T03:04:05Z ",
        "2024-01-02Z",
        "2024-01-02T03:04:05ZZ",
        "2024-1-2T",
        "12345",
        "123456789012",
        "2024-01-02T03:04:05,5Z",
        "2024-01-02t03:04:05Z",
        "2024-01-02 03:04:05 PM"};
    struct datetime_cache cache = {0};
    struct datetime d;
    assert_null(datetime_read((const uint8_t *)"2024-01-02\0\0\0\0\0\0", 10, &cache, &d));
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        uint8_t text[64] = {0};
        memcpy(text, TEXTS[i], strlen(TEXTS[i]));
        if (datetime_read(text, strlen(TEXTS[i]), &cache, &d) == NULL) {
            fail_msg("taken: '%s'", TEXTS[i]);
        }
    }
}

static void datetime_quick_way_is_the_same(void **state)
{
    (void)state;
    struct datetime_cache cache = {0};
    for (int64_t seconds = -2208988800; seconds < 10413792000; seconds += 86400 * 11 + 3671) {
        time_t moment = (time_t)seconds;
        struct tm parts;
        assert_non_null(gmtime_r(&moment, &parts));
        uint8_t text[128] = {0};
        int len = snprintf(
            (char *)text, sizeof(text), "\"%04d-%02d-%02d%c%02d:%02d:%02d%sZ\"",
            parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, seconds % 2 == 0 ? 'T' : ' ',
            parts.tm_hour, parts.tm_min, parts.tm_sec, seconds % 3 == 0 ? ".042" : "");
        struct datetime d;
        int64_t ms = 0;
        assert_null(datetime_usual(text, &cache, &ms));
        assert_null(datetime_read(text + 1, (size_t)len - 2, &cache, &d));
        assert_int_equal(d.seconds, seconds);
        assert_ptr_equal(datetime_usual(text, &cache, &ms), text + len);
        assert_int_equal(ms, seconds * 1000 + d.nanos / 1000000);
    }
}

/* An empty cache holds no day, not even that of ten zero bytes. */
static void datetime_empty_cache_is_empty(void **state)
{
    (void)state;
    struct datetime_cache cache = {0};
    struct datetime d;
    int64_t ms = 0;
    uint8_t text[64] = {0};
    assert_non_null(datetime_read(text, 10, &cache, &d));
    text[0] = '"';
    memcpy(text + 11, "T03:04:05Z\"", 11);
    assert_null(datetime_usual(text, &cache, &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datetime_reads_shapes),
        cmocka_unit_test(datetime_refuses_what_is_none),
        cmocka_unit_test(datetime_quick_way_is_the_same),
        cmocka_unit_test(datetime_empty_cache_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
