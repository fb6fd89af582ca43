/* One user, three ways to say who one is, never two at once. */
#include <string.h>

#include "demo/clickhouse/auth.h"
#include "tests/unit/unit.h"

static void only_the_user_with_the_password_passes(void **state)
{
    (void)state;
    static const struct {
        struct auth_claim claim;
        bool is_allowed;
        const char *user;
    } cases[] = {
        {{.header_user = "u", .header_key = "p:w"}, true, "u"},
        {{.header_user = "u", .header_key = "p:"}, false, "u"},
        {{.header_user = "u"}, false, "u"},
        {{.header_user = "v", .header_key = "p:w"}, false, "v"},
        {{.header_key = "p:w"}, false, ""},
        {{.header_user = "", .header_key = "p:w"}, false, ""},
        {{.url_user = "u", .url_password = "p:w"}, true, "u"},
        {{.url_user = "u", .url_password = "P:w"}, false, "u"},
        {{.url_password = "p:w"}, false, "default"},
        {{.authorization = "Basic dTpwOnc="}, true, "u"}, /* u:p:w */
        {{.authorization = "basic dTpwOnc"}, true, "u"},
        {{.authorization = "Basic dTpwOg=="}, false, "u"}, /* u:p: */
        {{.authorization = "Basic dQ=="}, false, "u"},
        {{.authorization = "Basic ***"}, false, ""},
        {{.authorization = "Basic dTpwOnc=x"}, false, ""},
        {{.authorization = "Bearer dTpwOnc="}, false, ""},
        {{.authorization = "Basic dTpwOnc=", .url_user = "u"}, false, ""},
        {{.header_user = "u", .header_key = "p:w", .url_user = "u"}, false, ""},
        {{.header_user = NULL}, false, "default"},
    };
    struct auth auth = {.user = "u"};
    assert_int_equal(secret_set(&auth.password, "p:w", 3), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char user[AUTH_USER_BYTES];
        print_message("case %zu\n", i);
        assert_int_equal(auth_check(&auth, &cases[i].claim, user), cases[i].is_allowed);
        assert_string_equal(user, cases[i].user);
    }
    secret_done(&auth.password);
}

static void default_user_needs_nothing(void **state)
{
    (void)state;
    struct auth auth = {.user = "default"};
    char user[AUTH_USER_BYTES];
    struct auth_claim nobody = {.header_user = NULL};
    struct auth_claim named = {.url_user = "default", .url_password = ""};
    struct auth_claim guessed = {.url_user = "default", .url_password = "x"};
    struct auth_claim other = {.url_user = "admin"};
    assert_true(auth_check(&auth, &nobody, user));
    assert_true(auth_check(&auth, &named, user));
    assert_false(auth_check(&auth, &guessed, user));
    assert_false(auth_check(&auth, &other, user));
}

static void long_names_are_cut(void **state)
{
    (void)state;
    char name[1000];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    struct auth auth = {.user = "default"};
    struct auth_claim claim = {.url_user = name};
    char user[AUTH_USER_BYTES];
    assert_false(auth_check(&auth, &claim, user));
    assert_int_equal(strlen(user), AUTH_USER_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_user_with_the_password_passes),
        cmocka_unit_test(default_user_needs_nothing),
        cmocka_unit_test(long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
