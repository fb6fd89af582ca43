/* PATCH and PUT settings on the stored JSON: absent, null, and what Terraform means by absent. */
#include <stdlib.h>
#include <string.h>

#include "api/wire/pipe_patch.h"
#include "tests/unit/unit.h"

static json_t *load_quoted(const char *text)
{
    char copy[4096];
    size_t len = strlen(text);
    assert_true(len < sizeof(copy));
    for (size_t i = 0; i <= len; i++) {
        copy[i] = text[i] == '\'' ? '"' : text[i];
    }
    json_t *json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    return json;
}

static void assert_same(const json_t *json, const char *expected)
{
    json_t *wanted = load_quoted(expected);
    if (json_equal(json, wanted) == 0) {
        char *shown = json_dumps(json, JSON_COMPACT);
        fail_msg("%s is not %s", shown, expected);
    }
    json_decref(wanted);
}

static const char STORED[] =
    "{'name':'n','source':{'kafka':{'topics':'t','authentication':'PLAIN','caCertificate':'C'}},"
    "'destination':{'table':'x','columns':[{'name':'a','type':'Int8'}]},"
    "'fieldMappings':[{'sourceField':'s','destinationField':'a'}],'settings':{'k':1}}";

struct patch_case {
    const char *body;
    bool is_terraform;
    enum status expected;
    const char *pointer_name; /* member of the result to look at */
    const char *result;       /* the whole definition is compared when NULL */
    const char *secrets;      /* expected new secrets; NULL = kept */
};

static const json_t *look(const json_t *definition, const char *name)
{
    if (strcmp(name, "kafka") == 0) {
        return json_object_get(json_object_get(definition, "source"), "kafka");
    }
    return strcmp(name, "all") == 0 ? definition : json_object_get(definition, name);
}

static void patches(void **state)
{
    (void)state;
    static const struct patch_case cases[] = {
        {"{}", false, ST_OK, "all", STORED, NULL},
        {"{}", true, ST_OK, "all", STORED, NULL},
        {"{'name':null,'source':null,'destination':null,'settings':null}", false, ST_OK, "all",
         STORED, NULL},
        {"{'source':{'kafka':{'topics':'z','brokers':'b','offset':{}}}}", false, ST_OK, "all",
         STORED, NULL},
        {"{'source':{'kafka':{'caCertificate':null}}}", false, ST_OK, "kafka",
         "{'topics':'t','authentication':'PLAIN'}", NULL},
        {"{'source':{'kafka':{'authentication':'PLAIN'}}}", true, ST_OK, "kafka",
         "{'topics':'t','authentication':'PLAIN'}", NULL},
        {"{'source':{'kafka':{'authentication':'SCRAM-SHA-256','credentials':{'password':'p'}}}}",
         false, ST_OK, "kafka",
         "{'topics':'t','authentication':'SCRAM-SHA-256','caCertificate':'C'}",
         "{'kafka':{'password':'p'},'schemaRegistry':{'username':'u'}}"},
        {"{'source':{'kafka':{'authentication':'IAM_ROLE','iamRole':'r'}}}", false, ST_OK, "kafka",
         "{'topics':'t','authentication':'IAM_ROLE','caCertificate':'C','iamRole':'r'}",
         "{'schemaRegistry':{'username':'u'}}"},
        {"{'source':{'kafka':{'iamRole':'r'}}}", false, ST_OK, "kafka",
         "{'topics':'t','authentication':'PLAIN','caCertificate':'C'}", NULL},
        {"{'destination':{'table':'y','columns':[{'name':'b','type':'T'}]}}", false, ST_OK,
         "destination", "{'table':'x','columns':[{'name':'b','type':'T'}]}", NULL},
        {"{'destination':{'columns':[{'name':'b','type':'T'}]},'fieldMappings':[{'sourceField':'1',"
         "'destinationField':'b'}],'settings':{'l':2}}",
         false, ST_OK, "all",
         "{'name':'n','source':{'kafka':{'topics':'t','authentication':'PLAIN','caCertificate':'C'"
         "}},'destination':{'table':'x','columns':[{'name':'b','type':'T'}]},'fieldMappings':"
         "[{'sourceField':'1','destinationField':'b'}],'settings':{'k':1,'l':2}}",
         NULL},
        {"{'name':'x','fieldMappings':[]}", false, ST_INVALID, NULL, NULL, NULL},
        {"{'source':{'kafka':{'schemaRegistry':{'credentials':{}}}}}", false, ST_INVALID, NULL,
         NULL, NULL},
        {"{'settings':[]}", false, ST_INVALID, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body = load_quoted(cases[i].body);
        struct pipe_patch patch = {
            .definition = load_quoted(STORED),
            .secrets = load_quoted("{'kafka':{'password':'o'},'schemaRegistry':{'username':'u'}}"),
        };
        assert_int_equal(
            wire_patch_apply(body, cases[i].is_terraform, &patch, NULL), cases[i].expected);
        if (cases[i].expected == ST_OK) {
            assert_same(look(patch.definition, cases[i].pointer_name), cases[i].result);
            assert_int_equal(patch.has_new_secrets, cases[i].secrets != NULL);
        }
        if (cases[i].secrets != NULL) {
            assert_same(patch.secrets, cases[i].secrets);
        }
        wire_patch_done(&patch);
        wire_patch_done(&patch);
        json_decref(body);
    }
}

static void terraform_drops_mappings(void **state)
{
    (void)state;
    json_t *body = load_quoted("{'destination':{'columns':[{'name':'b','type':'T'}]}}");
    struct pipe_patch patch = {.definition = load_quoted(STORED)};
    assert_int_equal(wire_patch_apply(body, true, &patch, NULL), ST_OK);
    assert_null(json_object_get(patch.definition, "fieldMappings"));
    wire_patch_done(&patch);
    json_decref(body);
}

static void settings(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool is_terraform;
        enum status expected;
        const char *result;
    } cases[] = {
        {"{'l':2}", false, ST_OK, "{'k':1,'l':2}"},   {"{'l':2}", true, ST_OK, "{'l':2}"},
        {"{'k':null}", false, ST_OK, "{}"},           {"{'k':null,'z':null}", true, ST_OK, "{}"},
        {"{'k':false}", false, ST_OK, "{'k':false}"}, {"{}", true, ST_OK, "{}"},
        {"{}", false, ST_INVALID, "{'k':1}"},         {"[]", true, ST_INVALID, "{'k':1}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *definition = load_quoted(STORED);
        json_t *body = load_quoted(cases[i].body);
        assert_int_equal(
            wire_settings_put(body, cases[i].is_terraform, definition, NULL), cases[i].expected);
        assert_same(json_object_get(definition, "settings"), cases[i].result);
        json_decref(body);
        json_decref(definition);
    }
}

static void user_agents(void **state)
{
    (void)state;
    assert_true(wire_is_terraform("terraform-provider-clickhouse/3.25.3 Commit/x"));
    assert_false(wire_is_terraform("curl/8 terraform-provider-clickhouse/3"));
    assert_false(wire_is_terraform(""));
    assert_false(wire_is_terraform(NULL));
}

static void a_registrys_login_alone_keeps_the_registry(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *registry; /* NULL = none any more */
        const char *secrets;
        bool is_login;
    } cases[] = {
        {"{'kafka':{'schemaRegistry':{'credentials':{'username':'v'}}}}",
         "{'url':'https://r','authentication':'PLAIN'}", "{'schemaRegistry':{'username':'v'}}",
         true},
        {"{'kafka':{'schemaRegistry':{'credentials':null}}}",
         "{'url':'https://r','authentication':'PLAIN'}", "{}", true},
        {"{'kafka':{'credentials':{'password':'p'},'schemaRegistry':{'credentials':{'username':'v'}"
         "}}}",
         "{'url':'https://r','authentication':'PLAIN'}",
         "{'kafka':{'password':'p'},'schemaRegistry':{'username':'v'}}", true},
        {"{'kafka':{'credentials':{'password':'p'}}}",
         "{'url':'https://r','authentication':'PLAIN'}",
         "{'kafka':{'password':'p'},'schemaRegistry':{'username':'u'}}", true},
        {"{'kafka':{'schemaRegistry':{'url':'https://q','credentials':{'username':'v'}}}}",
         "{'url':'https://q'}", "{'schemaRegistry':{'username':'v'}}", false},
        {"{'kafka':{'schemaRegistry':{'url':'https://q'}}}", "{'url':'https://q'}",
         "{'schemaRegistry':{'username':'u'}}", false},
        {"{'kafka':{'schemaRegistry':null}}", NULL, "{}", false},
        {"{'kafka':{'topics':'t','schemaRegistry':{'credentials':{'username':'v'}}}}",
         "{'url':'https://r','authentication':'PLAIN'}", "{'schemaRegistry':{'username':'v'}}",
         false},
        {"{'kafka':{}}", "{'url':'https://r','authentication':'PLAIN'}",
         "{'schemaRegistry':{'username':'u'}}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body = load_quoted(cases[i].body);
        struct pipe_patch patch = {
            .definition = load_quoted("{'source':{'kafka':{'topics':'t','schemaRegistry':{'url':"
                                      "'https://r','authentication':'PLAIN'}}}}"),
            .secrets = load_quoted("{'schemaRegistry':{'username':'u'}}"),
        };
        assert_int_equal(wire_source_is_login(body), cases[i].is_login);
        assert_int_equal(wire_source_patch(body, &patch, NULL), ST_OK);
        const json_t *registry = json_object_get(look(patch.definition, "kafka"), "schemaRegistry");
        if (cases[i].registry == NULL) {
            assert_null(registry);
        } else {
            assert_same(registry, cases[i].registry);
        }
        assert_same(patch.secrets, cases[i].secrets);
        wire_patch_done(&patch);
        json_decref(body);
    }
    json_t *body = load_quoted("{'kafka':{'credentials':{}},'more':1}");
    assert_false(wire_source_is_login(body));
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_registrys_login_alone_keeps_the_registry),
        cmocka_unit_test(patches),
        cmocka_unit_test(terraform_drops_mappings),
        cmocka_unit_test(settings),
        cmocka_unit_test(user_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
