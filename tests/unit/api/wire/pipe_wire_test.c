/* A create body split into definition and secrets, and read back by the contract's rules. */
#include <stdlib.h>
#include <string.h>

#include "api/wire/pipe_wire.h"
#include "tests/unit/unit.h"

static json_t *load(const char *text)
{
    json_error_t problem;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &problem);
    if (json == NULL) {
        fail_msg("%s in %s", problem.text, text);
    }
    return json;
}

/* Single quotes stand for double ones, to keep the tables readable. */
static json_t *load_quoted(const char *text)
{
    char copy[4096];
    size_t len = strlen(text);
    assert_true(len < sizeof(copy));
    for (size_t i = 0; i <= len; i++) {
        copy[i] = text[i] == '\'' ? '"' : text[i];
    }
    return load(copy);
}

static void assert_json(const json_t *json, const char *expected)
{
    json_t *wanted = load_quoted(expected);
    char *shown = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    char *wanted_text = json_dumps(wanted, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(shown, wanted_text); /* order of members counts */
    json_decref(wanted);
    free(shown);
    free(wanted_text);
}

static void splitting(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *definition;
        const char *secrets; /* NULL = none */
    } cases[] = {
        {"{}", "{}", NULL},
        {"{'name':'n','unknown':1,'settings':{'b':1,'a':null}}", "{'name':'n','settings':{'b':1}}",
         NULL},
        {"{'source':{'kafka':{'topics':'t','credentials':{'password':'p'},'x':1,"
         "'caCertificate':'','consumerGroup':null,'offset':{'strategy':'s','timestamp':null}}}}",
         "{'source':{'kafka':{'topics':'t','offset':{'strategy':'s'}}}}",
         "{'kafka':{'password':'p'}}"},
        {"{'source':{'kafka':{'credentials':null,'schemaRegistry':{'url':'u','credentials':"
         "{'username':'a'}}}}}",
         "{'source':{'kafka':{'schemaRegistry':{'url':'u'}}}}",
         "{'schemaRegistry':{'username':'a'}}"},
        {"{'destination':{'table':'t','managedTable':false,'tableDefinition':{'engine':{}}}}",
         "{'destination':{'table':'t','managedTable':false,'database':'default'}}", NULL},
        {"{'destination':{'database':'d','tableDefinition':{'partitionBy':'','sortingKey':[]},"
         "'columns':[{'type':'T','name':'n','z':1},2]}}",
         "{'destination':{'database':'d','tableDefinition':{'sortingKey':[]},"
         "'columns':[{'type':'T','name':'n'},2]}}",
         NULL},
        /* Wrong forms are kept for the model to judge. */
        {"{'source':[1],'destination':'x','fieldMappings':{},'settings':3}",
         "{'source':[1],'destination':'x','fieldMappings':{},'settings':3}", NULL},
        {"{'source':{'kafka':{'credentials':'text'}}}", "{'source':{'kafka':{}}}",
         "{'kafka':'text'}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body = load_quoted(cases[i].body);
        json_t *definition = NULL;
        json_t *secrets = NULL;
        assert_int_equal(wire_pipe_split(body, &definition, &secrets, NULL), ST_OK);
        assert_json(definition, cases[i].definition);
        if (cases[i].secrets == NULL) {
            assert_null(secrets);
        } else {
            assert_json(secrets, cases[i].secrets);
        }
        json_decref(body);
        json_decref(definition);
        json_decref(secrets);
    }
}

static json_t *read_back(const char *definition, double memory_gb)
{
    char id[] = "id";
    char service[] = "sid";
    char name[] = "new name";
    char group[] = "clickpipes-id";
    char time[] = "2026-01-01T00:00:00Z";
    struct pipe_row row = {
        .id = id,
        .service_id = service,
        .name = name,
        .definition = load_quoted(definition),
        .consumer_group = group,
        .scaling = {2, 250, memory_gb},
        .created_at = time,
        .updated_at = time,
    };
    json_t *json = wire_pipe_to_json(&row);
    json_decref(row.definition);
    assert_non_null(json);
    return json;
}

static void reading_back(void **state)
{
    (void)state;
    json_t *pipe = read_back(
        "{'name':'old','source':{'kafka':{'type':'kafka','authentication':'PLAIN','iamRole':'r',"
        "'reversePrivateEndpointIds':[],'exactlyOnce':false},'validateSamples':true},"
        "'destination':{'database':'d','roles':['r'],'tableDefinition':{'sortingKey':[]}},"
        "'fieldMappings':[],'settings':{}}",
        1);
    assert_json(
        pipe,
        "{'id':'id','serviceId':'sid','name':'new name','state':'Stopped','scaling':{'replicas':2,"
        "'replicaCpuMillicores':250,'replicaMemoryGb':1},'source':{'kafka':{'type':'kafka',"
        "'authentication':'PLAIN','exactlyOnce':false,'consumerGroup':'clickpipes-id'}},"
        "'destination':{'database':'d','tableDefinition':{'sortingKey':[]}},"
        "'createdAt':'2026-01-01T00:00:00Z','updatedAt':'2026-01-01T00:00:00Z'}");
    json_decref(pipe);
}

static void roles_of_iam_settings_and_fractions(void **state)
{
    (void)state;
    json_t *pipe = read_back(
        "{'source':{'kafka':{'authentication':'IAM_ROLE','iamRole':'r','consumerGroup':'mine'}},"
        "'settings':{'b':false,'a':0}}",
        0.5);
    const json_t *kafka = json_object_get(json_object_get(pipe, "source"), "kafka");
    assert_json(
        kafka, "{'authentication':'IAM_ROLE','iamRole':'r','consumerGroup':'clickpipes-id'}");
    assert_json(json_object_get(pipe, "settings"), "{'b':false,'a':0}");
    const json_t *scaling = json_object_get(pipe, "scaling");
    assert_true(json_is_real(json_object_get(scaling, "replicaMemoryGb")));
    json_decref(pipe);
}

static void settings(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{}", "{'kafka_read_committed':false}"},
        {"{'settings':{'x':1}}", "{'x':1,'kafka_read_committed':false}"},
        {"{'settings':{'kafka_read_committed':true}}", "{'kafka_read_committed':true}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *definition = load_quoted(cases[i][0]);
        json_t *shown = wire_settings_to_json(definition);
        assert_json(shown, cases[i][1]);
        json_decref(shown);
        json_decref(definition);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting),
        cmocka_unit_test(reading_back),
        cmocka_unit_test(roles_of_iam_settings_and_fractions),
        cmocka_unit_test(settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
