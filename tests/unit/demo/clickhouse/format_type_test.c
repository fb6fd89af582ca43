/* Content-Type of an answer by its format. */
#include "common/base/attr.h"

#include "demo/clickhouse/format_type.h"
#include "tests/unit/unit.h"

static void type_follows_from_the_format(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"JSON", "application/json; charset=UTF-8"},
        {"jsoncompact", "application/json; charset=UTF-8"},
        {"JSONEachRow", "application/x-ndjson; charset=UTF-8"},
        {"JSONCompactEachRowWithNames", "application/x-ndjson; charset=UTF-8"},
        {"TabSeparated", "text/tab-separated-values; charset=UTF-8"},
        {"TSVWithNamesAndTypes", "text/tab-separated-values; charset=UTF-8"},
        {"CSV", "text/csv; charset=UTF-8; header=absent"},
        {"PrettyCompact", "text/plain; charset=UTF-8"},
        {"Native", "application/octet-stream"},
        {"RowBinary", "application/octet-stream"},
        {"Nosuch", "application/octet-stream"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(format_content_type(cases[i][0]), cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_follows_from_the_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
