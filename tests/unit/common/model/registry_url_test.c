/* Which registry and which schema a URL means. */
#include <string.h>

#include "common/model/registry_url.h"

#include "tests/unit/unit.h"

static void forms_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum registry_pin pin;
        const char *root;
        int32_t number;
        const char *subject;
    } cases[] = {
        {"https://h", REGISTRY_PIN_NONE, "https://h", 0, NULL},
        {"http://h:8081///", REGISTRY_PIN_NONE, "http://h:8081", 0, NULL},
        {"https://[::1]:8081", REGISTRY_PIN_NONE, "https://[::1]:8081", 0, NULL},
        {"https://h/apis/ccompat/v7/", REGISTRY_PIN_NONE, "https://h/apis/ccompat/v7", 0, NULL},
        {"https://h/contexts/:.a:", REGISTRY_PIN_NONE, "https://h/contexts/:.a:", 0, NULL},
        {"https://h/schemas", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/schemas/x", REGISTRY_PIN_NONE, "https://h/schemas/x", 0, NULL},
        {"https://h/schemas/ids/1000", REGISTRY_PIN_ID, "https://h", 1000, NULL},
        {"https://h/p/schemas/ids/2147483647/", REGISTRY_PIN_ID, "https://h/p", INT32_MAX, NULL},
        {"https://h/schemas/ids/2147483648", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/schemas/ids/x", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/schemas/ids", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/schemas/ids/1/schema", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/subjects/orders-value", REGISTRY_PIN_LATEST, "https://h", 0, "orders-value"},
        {"https://h/p/q/subjects/a%2Fb%20c//", REGISTRY_PIN_LATEST, "https://h/p/q", 0,
         "a%2Fb%20c"},
        {"https://h/subjects/s/versions/latest/", REGISTRY_PIN_LATEST, "https://h", 0, "s"},
        {"https://h/subjects/s/versions/3", REGISTRY_PIN_VERSION, "https://h", 3, "s"},
        {"https://h/subjects/subjects/versions/2", REGISTRY_PIN_VERSION, "https://h", 2,
         "subjects"},
        {"https://h/subjects/versions", REGISTRY_PIN_LATEST, "https://h", 0, "versions"},
        {"https://h/subjects/s/versions/0", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/subjects/s/versions/newest", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/subjects/s/versions", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/subjects", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/subjects//versions/1", REGISTRY_PIN_NONE, NULL, 0, NULL},
        {"https://h/subjects/s/versions/1/schema", REGISTRY_PIN_NONE, NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct registry_url url = {.pin = REGISTRY_PIN_NONE};
        struct err err = {.status = ST_OK};
        enum status st = registry_url_parse(cases[i].text, &url, &err);
        if (cases[i].root == NULL) {
            assert_int_equal(st, ST_INVALID);
            assert_null(url.root);
            assert_true(err.text[0] != '\0');
            continue;
        }
        assert_int_equal(st, ST_OK);
        assert_int_equal(url.pin, cases[i].pin);
        assert_string_equal(url.root, cases[i].root);
        assert_int_equal(url.pin == REGISTRY_PIN_ID ? url.id : url.version, cases[i].number);
        if (cases[i].subject == NULL) {
            assert_null(url.subject);
        } else {
            assert_string_equal(url.subject, cases[i].subject);
        }
        registry_url_done(&url);
        registry_url_done(&url);
    }
}

static void what_is_no_url_of_a_registry_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "must begin with https:// or http://"},
        {"ftp://h", "must begin with https:// or http://"},
        {"HTTPS//h", "must begin with https:// or http://"},
        {"https://", "names no host"},
        {"https:///subjects/s", "names no host"},
        {"https://u:p@h", "must not hold a login: give it as credentials of the registry"},
        {"https://h/subjects/s?version=1", "must not have a query or a fragment"},
        {"https://h#x", "must not have a query or a fragment"},
        {"https://h/subjects/a b", "holds a character that must be percent-encoded"},
        {"https://h/\r\nX: y", "holds a character that must be percent-encoded"},
        {"https://h/a\x7f", "holds a character that must be percent-encoded"},
        {"https://h/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3",
         "has more than 32 parts"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct registry_url url;
        struct err err = {.status = ST_OK};
        assert_int_equal(registry_url_parse(cases[i].text, &url, &err), ST_INVALID);
        assert_string_equal(err.text, cases[i].reason);
    }
    char longest[4097] = "https://";
    memset(longest + 8, 'h', sizeof(longest) - 9);
    longest[4095] = '\0';
    struct registry_url url;
    assert_int_equal(registry_url_parse(longest, &url, NULL), ST_OK);
    registry_url_done(&url);
    longest[4095] = 'h';
    longest[4096] = '\0';
    assert_int_equal(registry_url_parse(longest, &url, NULL), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_told_apart),
        cmocka_unit_test(what_is_no_url_of_a_registry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
