/* Headers of a record as an object, repeated names and bytes that are no text included. */
#include <string.h>

#include "common/model/header_json.h"

#include "tests/unit/unit.h"

struct header {
    const char *name;
    const char *value;
};

static struct header_bytes bytes_of(const char *text)
{
    return (struct header_bytes){text, text == NULL ? 0 : strlen(text)};
}

static void shapes(void **state)
{
    (void)state;
    static const struct {
        struct header headers[4];
        size_t count;
        const char *shown;
    } cases[] = {
        {{{NULL, NULL}}, 0, "{}"},
        {{{"a", "1"}, {"b", "2"}}, 2, "{\"a\":\"1\",\"b\":\"2\"}"},
        {{{"a", "1"}, {"b", "2"}, {"a", "3"}}, 3, "{\"a\":[\"1\",\"3\"],\"b\":\"2\"}"},
        {{{"a", "1"}, {"a", "1"}, {"a", ""}, {"a", "\xff"}},
         4,
         "{\"a\":[\"1\",\"1\",\"\",\"base64:/w==\"]}"},
        {{{NULL, NULL}, {"\xff", "x"}}, 2, "{\"\":\"\",\"base64:/w==\":\"x\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *object = json_object();
        for (size_t j = 0; j < cases[i].count; j++) {
            const struct header_bytes name = bytes_of(cases[i].headers[j].name);
            const struct header_bytes value = bytes_of(cases[i].headers[j].value);
            assert_true(header_json_add(object, &name, &value));
        }
        json_t *wanted = json_loads(cases[i].shown, 0, NULL);
        assert_non_null(wanted);
        assert_true(json_equal(object, wanted));
        json_decref(wanted);
        json_decref(object);
    }
}

static void no_object(void **state)
{
    (void)state;
    const struct header_bytes name = bytes_of("a");
    assert_false(header_json_add(NULL, &name, &name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(no_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
