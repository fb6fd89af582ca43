/* Services: what a body may say, and that the password stays inside. */
#include <stdlib.h>
#include <string.h>

#include "api/wire/service_wire.h"
#include "tests/unit/unit.h"

static json_t *load_quoted(const char *text)
{
    char copy[1024];
    size_t len = strlen(text);
    assert_true(len < sizeof(copy));
    for (size_t i = 0; i <= len; i++) {
        copy[i] = text[i] == '\'' ? '"' : text[i];
    }
    json_t *json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    return json;
}

static void bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool is_new;
        size_t problems_count;
        const char *first; /* start of the first problem */
    } cases[] = {
        {"{'name':'n','endpoint':{'url':'http://h:8123'}}", true, 0, ""},
        {"{'name':'n','endpoint':{'url':'https://h','username':'u','password':'p','caCertificate':"
         "null},'provisionUsers':true}",
         true, 0, ""},
        {"{}", false, 0, ""},
        {"{'name':null,'endpoint':null}", false, 1, "/endpoint: must be an object"},
        {"{}", true, 2, "/name: required"},
        {"{'name':'','endpoint':{'url':'http://h'}}", true, 1, "/name: must have 1 to 255"},
        {"{'name':1,'endpoint':[]}", true, 2, "/name: must be a string"},
        {"{'name':'n','endpoint':{'url':'ftp://h'}}", true, 1, "/endpoint/url: "},
        {"{'name':'n','endpoint':{'url':'http://u:p@h'}}", true, 1, "/endpoint/url: "},
        {"{'name':'n','endpoint':{'url':1,'username':2,'password':3,'caCertificate':4},"
         "'provisionUsers':5}",
         true, 5, "/endpoint/url: must be a string"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body = load_quoted(cases[i].body);
        struct service_row row = {0};
        struct pipe_problems problems = {0};
        enum status status = wire_service_read(body, cases[i].is_new, &row, &problems);
        assert_int_equal(status, cases[i].problems_count == 0 ? ST_OK : ST_INVALID);
        assert_int_equal(problems.count, cases[i].problems_count);
        if (problems.count > 0) {
            assert_int_equal(strncmp(problems.items[0], cases[i].first, strlen(cases[i].first)), 0);
        }
        pipe_problems_done(&problems);
        service_row_done(&row);
        json_decref(body);
    }
}

static void defaults_and_changes(void **state)
{
    (void)state;
    json_t *body = load_quoted(
        "{'name':'n','endpoint':{'url':'http://h','password':'p','caCertificate':'C'}}");
    struct service_row row = {0};
    struct pipe_problems problems = {0};
    assert_int_equal(wire_service_read(body, true, &row, &problems), ST_OK);
    assert_string_equal(row.username, "default");
    json_decref(body);
    body = load_quoted("{'endpoint':{'username':'u'}}");
    assert_int_equal(wire_service_read(body, false, &row, &problems), ST_OK);
    json_decref(body);
    assert_string_equal(row.username, "u");
    assert_string_equal(row.name, "n");
    assert_string_equal(row.url, "http://h");
    assert_true(secret_equals(&row.password, "p", 1));
    assert_non_null(row.ca_certificate);
    body = load_quoted("{'endpoint':{'caCertificate':null,'password':''}}");
    assert_int_equal(wire_service_read(body, false, &row, &problems), ST_OK);
    json_decref(body);
    assert_null(row.ca_certificate);
    assert_true(secret_equals(&row.password, "", 0));
    assert_string_equal(row.username, "u");
    service_row_done(&row);
    pipe_problems_done(&problems);
}

static void the_password_stays_inside(void **state)
{
    (void)state;
    char text[] = "x";
    struct service_row row = {
        .id = text,
        .name = text,
        .url = text,
        .username = text,
        .clickhouse_version = text,
        .created_at = text};
    assert_int_equal(secret_set(&row.password, "hunter2", 7), ST_OK);
    json_t *json = wire_service_to_json(&row);
    char *shown = json_dumps(json, 0);
    assert_null(strstr(shown, "hunter2"));
    assert_null(strstr(shown, "password"));
    assert_string_equal(json_string_value(json_object_get(json, "state")), "running");
    free(shown);
    json_decref(json);
    secret_done(&row.password);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(defaults_and_changes),
        cmocka_unit_test(the_password_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
