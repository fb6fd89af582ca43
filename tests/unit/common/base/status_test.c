/* Every status has a word, an HTTP code and a rule for retrying. */
#include <string.h>

#include "common/base/status.h"

#include "tests/unit/unit.h"

static void every_status_has_a_word_and_an_http_code(void **state)
{
    (void)state;
    for (int i = ST_OK; i <= ST_CANCELLED; i++) {
        enum status status = (enum status)i;
        assert_true(strlen(status_text(status)) > 1);
        assert_in_range(status_http_code(status), 200, 599);
    }
}

static void only_what_passes_by_itself_may_be_retried(void **state)
{
    (void)state;
    static const struct {
        enum status status;
        int http_code;
        bool may_retry;
    } cases[] = {
        {ST_OK, 200, false},          {ST_INVALID, 400, false},    {ST_UNAUTHORIZED, 401, false},
        {ST_FORBIDDEN, 403, false},   {ST_NOT_FOUND, 404, false},  {ST_METHOD, 405, false},
        {ST_TOO_LARGE, 413, false},   {ST_UNAVAILABLE, 503, true}, {ST_TIMEOUT, 504, true},
        {ST_RATE_LIMITED, 429, true}, {ST_INTERNAL, 500, false},   {ST_FENCED, 409, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(status_http_code(cases[i].status), cases[i].http_code);
        assert_int_equal(status_may_retry(cases[i].status), cases[i].may_retry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_word_and_an_http_code),
        cmocka_unit_test(only_what_passes_by_itself_may_be_retried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
