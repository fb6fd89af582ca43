/* RFC 3339 in and out. */
#include <string.h>

#include "api/wire/time_wire.h"
#include "tests/unit/unit.h"

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-01-02T03:04:05Z", 1767323045000},
        {"2026-01-02t03:04:05.6789z", 1767323045678},
        {"2026-01-02 04:34:05.6+01:30", 1767323045600},
        {"2026-01-01T23:04:05-04:00", 1767323045000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59Z", 253402300799000},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t ms = -77;
        assert_int_equal(wire_time_parse(good[i].text, &ms), ST_OK);
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04Z",
        "2026-02-30T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01T00:00:00Z ",
        " 2026-01-01T00:00:00Z",
        "now",
        "1767323045",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms = -77;
        assert_int_equal(wire_time_parse(bad[i], &ms), ST_INVALID);
        assert_int_equal(ms, -77);
    }
}

static void writing(void **state)
{
    (void)state;
    json_t *json = wire_time_to_json(1767323045678);
    assert_string_equal(json_string_value(json), "2026-01-02T03:04:05.678Z");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
