/* The registry against a scripted server; time is what the test says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"

#include "tests/unit/common/http/script_server.h"
#include "tests/unit/unit.h"
#include "worker/replica/registry/registry.h"

#define ANSWER(status, headers, body)                                                              \
    {                                                                                              \
        .action = SCRIPT_CLOSE,                                                                    \
        .text = "HTTP/1.1 " status " X\r\nConnection: close\r\n" headers "\r\n" body,              \
    }
#define SCHEMA(body) ANSWER("200", "", body)
#define MISSING ANSWER("404", "", "{\"error_code\":40403,\"message\":\"Schema not found\"}")

struct bench {
    struct script_server *server;
    struct http_client *client;
    struct registry *registry;
    const struct schema_source *source;
    int64_t now_ms;
    char reason[SCHEMA_REASON_BYTES];
    const struct schema *schema;
};

static void
bench_open(struct bench *bench, const struct script_step *steps, size_t count, const char *path)
{
    *bench = (struct bench){.now_ms = 1000000};
    bench->server = script_server_start(steps, count);
    char url[256];
    (void)snprintf(
        url, sizeof(url), "http://127.0.0.1:%u%s", script_server_port(bench->server), path);
    assert_int_equal(http_client_new(&bench->client, NULL), ST_OK);
    char user[] = "key";
    struct schema_registry settings = {.url = url, .username = user};
    assert_int_equal(secret_set(&settings.password, "hush", 4), ST_OK);
    assert_int_equal(registry_new(bench->client, &settings, &bench->registry, NULL), ST_OK);
    secret_done(&settings.password);
    memset(url, 'x', sizeof(url)); /* settings were copied */
    memset(user, 'x', sizeof(user));
    bench->source = registry_source(bench->registry);
}

static void bench_close(struct bench *bench)
{
    registry_free(bench->registry);
    http_client_free(bench->client);
    script_server_stop(bench->server);
}

static enum schema_answer ask(struct bench *bench, int32_t id)
{
    bench->schema = NULL;
    bench->reason[0] = '\0';
    return bench->source->get(bench->source->ctx, id, &bench->schema, bench->reason);
}

/* Start what is due and take the answers of all that is under way, also what they lead to. */
static void run(struct bench *bench)
{
    registry_tick(bench->registry, bench->now_ms);
    while (http_calls_count(bench->client) > 0) {
        assert_int_equal(http_poll(bench->client, NULL, 0, 10000, NULL), ST_OK);
        struct http_done done;
        while (http_take_done(bench->client, &done)) {
            assert_true(registry_answer(bench->registry, &done, bench->now_ms));
            http_response_done(&done.response);
        }
        registry_tick(bench->registry, bench->now_ms);
    }
}

/* Let time pass until the registry wants to be called. */
static int64_t wait_due(struct bench *bench)
{
    int64_t before_ms = bench->now_ms;
    int64_t due_ms = registry_due_ms(bench->registry);
    assert_true(due_ms < INT64_MAX);
    bench->now_ms = due_ms > bench->now_ms ? due_ms : bench->now_ms;
    return bench->now_ms - before_ms;
}

static void assert_asked(const struct bench *bench, size_t index, const char *path)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", path);
    assert_int_equal(strncmp(script_server_head(bench->server, index), line, strlen(line)), 0);
}

static enum pipe_reason trouble(const struct bench *bench, const char *part)
{
    const char *text = "";
    enum pipe_reason reason = registry_trouble(bench->registry, &text);
    assert_non_null(strstr(text, part));
    return reason;
}

static void one_request_serves_all_who_wait(void **state)
{
    (void)state;
    static const struct script_step steps[] = {SCHEMA("{\"schema\":\"\\\"long\\\"\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "/pre/fix/");
    assert_int_equal(bench.source->has_pinned, 0);
    assert_true(registry_due_ms(bench.registry) == INT64_MAX);
    assert_int_equal(ask(&bench, 7), SCHEMA_WAIT);
    assert_int_equal(ask(&bench, 7), SCHEMA_WAIT);
    assert_true(registry_due_ms(bench.registry) <= bench.now_ms);
    run(&bench);
    assert_true(registry_version(bench.registry) > 0);
    assert_true(registry_due_ms(bench.registry) == INT64_MAX);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&bench, 7), SCHEMA_KNOWN);
        assert_int_equal(bench.schema->id, 7);
        assert_int_equal(bench.schema->kind, SCHEMA_AVRO);
        assert_string_equal(bench.schema->text, "\"long\"");
        assert_int_equal(bench.schema->text_bytes, 6);
        assert_int_equal(bench.schema->references_count, 0);
    }
    assert_asked(&bench, 0, "/pre/fix/schemas/ids/7");
    assert_non_null(
        strstr(script_server_head(bench.server, 0), "Authorization: Basic a2V5Omh1c2g=\r\n"));
    assert_int_equal(script_server_connections(bench.server), 1);
    bench_close(&bench);
}

static void an_unknown_id_has_time_to_appear(void **state)
{
    (void)state;
    static const struct script_step steps[] = {MISSING, MISSING, SCHEMA("{\"schema\":\"x\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&bench, 7), SCHEMA_WAIT);
        run(&bench);
        assert_int_equal(trouble(&bench, ""), PIPE_REASON_NONE);
        assert_true(wait_due(&bench) > 0);
    }
    run(&bench);
    assert_int_equal(ask(&bench, 7), SCHEMA_KNOWN);
    bench_close(&bench);
}

static void an_unknown_id_is_given_up_and_asked_for_again_later(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        MISSING, MISSING, MISSING, SCHEMA("{\"schema\":\"x\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    assert_int_equal(ask(&bench, 7), SCHEMA_WAIT);
    run(&bench);
    bench.now_ms += 5000;
    run(&bench);
    assert_int_equal(ask(&bench, 7), SCHEMA_UNKNOWN);
    assert_string_equal(
        bench.reason, "the schema registry has no schema id 7 (HTTP 404: Schema not found)");
    assert_true(registry_due_ms(bench.registry) == INT64_MAX);
    bench.now_ms += 9999;
    run(&bench);
    assert_int_equal(ask(&bench, 7), SCHEMA_UNKNOWN);
    bench.now_ms += 1;
    run(&bench);
    assert_int_equal(ask(&bench, 7), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, 7), SCHEMA_UNKNOWN); /* at once, this time */
    bench.now_ms += 10000;
    run(&bench);
    assert_int_equal(ask(&bench, 7), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, 7), SCHEMA_KNOWN);
    bench_close(&bench);
}

static void many_unknown_ids_do_not_cost_time_each(void **state)
{
    (void)state;
    static const struct script_step steps[] = {MISSING, MISSING, MISSING, MISSING, MISSING, MISSING,
                                               MISSING, MISSING, MISSING, MISSING, MISSING, MISSING,
                                               MISSING, MISSING, MISSING, MISSING, MISSING};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    for (int32_t id = 1; id <= 8; id++) {
        assert_int_equal(ask(&bench, id), SCHEMA_WAIT);
        run(&bench);
        bench.now_ms += 5000;
        run(&bench);
        assert_int_equal(ask(&bench, id), SCHEMA_UNKNOWN);
    }
    assert_int_equal(ask(&bench, 9), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, 9), SCHEMA_UNKNOWN);
    bench_close(&bench);
}

static void ids_that_cannot_be_are_not_asked_for(void **state)
{
    (void)state;
    static const struct script_step steps[] = {MISSING};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    assert_int_equal(ask(&bench, -2), SCHEMA_UNKNOWN);
    assert_string_equal(bench.reason, "no schema registry has ids above 2147483647");
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_UNKNOWN);
    assert_string_equal(bench.reason, "the URL of the schema registry names no schema");
    assert_true(registry_due_ms(bench.registry) == INT64_MAX);
    /* The server's thread ends with its script. */
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    run(&bench);
    bench_close(&bench);
}

static void known_schemas_serve_while_the_registry_fails(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        SCHEMA("{\"schema\":\"x\"}"),
        ANSWER("503", "", "{\"error_code\":1,\"message\":\"sick\"}"),
        {.action = SCRIPT_DEAF, .text = ""},
        ANSWER("429", "Retry-After: 60\r\n", ""),
        SCHEMA("{\"schema\":\"y\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(trouble(&bench, ""), PIPE_REASON_NONE);
    assert_int_equal(ask(&bench, 2), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(
        trouble(&bench, "asking for schema id 2: HTTP 503: sick"),
        PIPE_REASON_REGISTRY_UNREACHABLE);
    assert_int_equal(ask(&bench, 1), SCHEMA_KNOWN);
    assert_int_equal(ask(&bench, 2), SCHEMA_WAIT);
    assert_in_range(wait_due(&bench), 125, 250);
    run(&bench);
    assert_int_equal(trouble(&bench, "127.0.0.1"), PIPE_REASON_REGISTRY_UNREACHABLE);
    assert_in_range(wait_due(&bench), 250, 500);
    run(&bench);
    assert_int_equal(trouble(&bench, "HTTP 429"), PIPE_REASON_REGISTRY_UNREACHABLE);
    assert_int_equal(ask(&bench, 3), SCHEMA_WAIT); /* waits too: the server said when */
    assert_int_equal(wait_due(&bench), 60000);
    assert_int_equal(ask(&bench, 1), SCHEMA_KNOWN);
    assert_int_equal(ask(&bench, 2), SCHEMA_WAIT);
    registry_tick(bench.registry, bench.now_ms);
    bench_close(&bench); /* in the middle of requests */
}

static void a_refused_login_is_told_and_tried_again(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        ANSWER("401", "", "{\"error_code\":401,\"message\":\"Unauthorized\"}"),
        ANSWER("403", "", ""), SCHEMA("{\"schema\":\"x\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    static const char *const words[] = {"HTTP 401: the registry refuses the login", "HTTP 403"};
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    for (size_t i = 0; i < 2; i++) {
        run(&bench);
        assert_int_equal(trouble(&bench, words[i]), PIPE_REASON_REGISTRY_AUTHENTICATION);
        const char *text = "";
        (void)registry_trouble(bench.registry, &text);
        assert_null(strstr(text, "hush"));
        assert_true(wait_due(&bench) > 0);
    }
    run(&bench);
    assert_int_equal(trouble(&bench, ""), PIPE_REASON_NONE);
    assert_int_equal(ask(&bench, 1), SCHEMA_KNOWN);
    bench_close(&bench);
}

static void references_come_before_their_users_each_once(void **state)
{
    (void)state;
    /* 1 → a, b; a → c; b → c */
    static const struct script_step steps[] = {
        SCHEMA(
            "{\"schema\":\"top\",\"references\":[{\"name\":\"A\",\"subject\":\"a/x\",\"version\":"
            "1},{\"name\":\"B\",\"subject\":\"b\",\"version\":2}]}"),
        SCHEMA("{\"schema\":\"a\",\"references\":[{\"name\":\"C\",\"subject\":\"c\",\"version\":3}]"
               "}"),
        SCHEMA("{\"schema\":\"b\",\"references\":[{\"name\":\"C\",\"subject\":\"c\",\"version\":3}]"
               "}"),
        SCHEMA("{\"schema\":\"c\"}"),
        SCHEMA("{\"schema\":\"other\",\"references\":[{\"name\":\"C\","
               "\"subject\":\"c\",\"version\":3}]}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, 1), SCHEMA_KNOWN);
    static const char *const names[] = {"C", "A", "B"};
    static const char *const texts[] = {"c", "a", "b"};
    assert_int_equal(bench.schema->references_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(bench.schema->references[i].name, names[i]);
        assert_string_equal(bench.schema->references[i].text, texts[i]);
        assert_int_equal(bench.schema->references[i].text_bytes, 1);
    }
    assert_asked(&bench, 1, "/subjects/a%2Fx/versions/1");
    assert_asked(&bench, 2, "/subjects/b/versions/2");
    assert_asked(&bench, 3, "/subjects/c/versions/3");
    assert_int_equal(ask(&bench, 2), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, 2), SCHEMA_KNOWN);
    assert_int_equal(bench.schema->references_count, 1);
    assert_int_equal(script_server_connections(bench.server), 5);
    bench_close(&bench);
}

static void a_cycle_of_references_is_refused(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        SCHEMA("{\"schema\":\"top\",\"references\":[{\"name\":\"A\",\"subject\":\"a\",\"version\":"
               "1}]}"),
        SCHEMA("{\"schema\":\"a\",\"references\":[{\"name\":\"A\",\"subject\":\"a\",\"version\":1}]"
               "}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, 1), SCHEMA_UNKNOWN);
    assert_non_null(strstr(bench.reason, "lead back to itself"));
    bench_close(&bench);
}

static void a_missing_reference_is_told(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        SCHEMA("{\"schema\":\"top\",\"references\":[{\"name\":\"A\",\"subject\":\"a\",\"version\":"
               "9}]}"),
        MISSING, MISSING};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    run(&bench);
    bench.now_ms += 5000;
    run(&bench);
    assert_int_equal(ask(&bench, 1), SCHEMA_UNKNOWN);
    assert_string_equal(
        bench.reason, "it refers to A: the schema registry has no version 9 of subject a (HTTP "
                      "404: Schema not found)");
    bench_close(&bench);
}

static void references_that_go_too_deep_are_refused(void **state)
{
    (void)state;
    struct script_step steps[17];
    static char texts[17][256];
    for (int i = 0; i < 17; i++) {
        (void)snprintf(
            texts[i], sizeof(texts[i]),
            "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{\"schema\":\"s\",\"references\":[%s%d%s]}",
            i == 16 ? "" : "{\"name\":\"n\",\"subject\":\"s\",\"version\":", i == 16 ? 0 : i + 1,
            i == 16 ? "" : "}");
        if (i == 16) {
            (void)snprintf(
                texts[i], sizeof(texts[i]),
                "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{\"schema\":\"s\"}");
        }
        steps[i] = (struct script_step){.action = SCRIPT_CLOSE, .text = texts[i]};
    }
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, 1), SCHEMA_UNKNOWN);
    assert_string_equal(
        bench.reason, "schema id 1 cannot be used: its references go deeper than 16 levels");
    bench_close(&bench);
}

static void a_pinned_version_stays(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        SCHEMA("{\"id\":70,\"version\":2,\"subject\":\"s/t\",\"schema\":\"x\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "/subjects/s%2Ft/versions/2");
    assert_int_equal(bench.source->has_pinned, 1);
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_KNOWN);
    assert_int_equal(bench.schema->id, 70);
    assert_asked(&bench, 0, "/subjects/s%2Ft/versions/2");
    assert_true(registry_due_ms(bench.registry) == INT64_MAX);
    bench_close(&bench);
}

static void a_pinned_id_is_one_entry_with_the_messages_id(void **state)
{
    (void)state;
    static const struct script_step steps[] = {SCHEMA("{\"schema\":\"x\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "/schemas/ids/5");
    assert_int_equal(ask(&bench, 5), SCHEMA_WAIT);
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_WAIT);
    run(&bench);
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_KNOWN);
    const struct schema *pinned = bench.schema;
    assert_int_equal(ask(&bench, 5), SCHEMA_KNOWN);
    assert_ptr_equal(bench.schema, pinned);
    assert_int_equal(bench.schema->id, 5);
    bench_close(&bench);
}

static void a_missing_pinned_schema_blames_no_record(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        ANSWER("404", "", "{\"error_code\":40401,\"message\":\"none\"}"),
        ANSWER("404", "", "{\"error_code\":40401,\"message\":\"none\"}"),
        SCHEMA("{\"id\":70,\"schema\":\"x\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "/subjects/s");
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_WAIT);
    run(&bench);
    bench.now_ms += 5000;
    run(&bench);
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_WAIT);
    assert_int_equal(
        trouble(&bench, "no latest version of subject s"), PIPE_REASON_REGISTRY_UNREACHABLE);
    (void)wait_due(&bench);
    run(&bench);
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_KNOWN);
    assert_int_equal(trouble(&bench, ""), PIPE_REASON_NONE);
    bench_close(&bench);
}

static void the_latest_version_is_followed(void **state)
{
    (void)state;
    static const struct script_step steps[] = {
        SCHEMA("{\"id\":70,\"schema\":\"x\"}"), SCHEMA("{\"id\":70,\"schema\":\"x\"}"),
        ANSWER("503", "", ""), SCHEMA("{\"id\":71,\"schema\":\"y\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "/subjects/s");
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_WAIT);
    run(&bench);
    assert_asked(&bench, 0, "/subjects/s/versions/latest");
    assert_true(registry_due_ms(bench.registry) == INT64_MAX); /* nobody uses it */
    const struct schema *first = NULL;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_KNOWN);
        assert_int_equal(bench.schema->id, 70);
        first = bench.schema;
        uint64_t version = registry_version(bench.registry);
        assert_int_equal(wait_due(&bench), 30000);
        run(&bench);
        assert_int_equal(trouble(&bench, ""), PIPE_REASON_NONE);
        assert_true((registry_version(bench.registry) > version) == (i == 2));
    }
    assert_int_equal(ask(&bench, SCHEMA_PINNED), SCHEMA_KNOWN);
    assert_int_equal(bench.schema->id, 71);
    assert_string_equal(bench.schema->text, "y");
    assert_string_equal(first->text, "x"); /* who decodes by it goes on */
    bench_close(&bench);
}

static void answers_of_others_are_left_alone(void **state)
{
    (void)state;
    static const struct script_step steps[] = {SCHEMA("{\"schema\":\"x\"}")};
    struct bench bench;
    bench_open(&bench, steps, ARRAY_LEN(steps), "");
    int other = 0;
    struct http_done done = {.opaque = &other};
    assert_false(registry_answer(bench.registry, &done, bench.now_ms));
    assert_int_equal(ask(&bench, 1), SCHEMA_WAIT);
    registry_tick(bench.registry, bench.now_ms);
    assert_false(registry_answer(bench.registry, &done, bench.now_ms));
    run(&bench);
    assert_int_equal(ask(&bench, 1), SCHEMA_KNOWN);
    bench_close(&bench);
}

static void a_url_of_no_form_is_refused(void **state)
{
    (void)state;
    struct http_client *client = NULL;
    assert_int_equal(http_client_new(&client, NULL), ST_OK);
    char url[] = "http://h/subjects";
    struct schema_registry settings = {.url = url};
    struct registry *registry = NULL;
    struct err err = {.status = ST_OK};
    assert_int_equal(registry_new(client, &settings, &registry, &err), ST_INVALID);
    assert_null(registry);
    assert_non_null(strstr(err.text, "must be the registry's root or end in /schemas/ids/<id>"));
    registry_free(NULL);
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_serves_all_who_wait),
        cmocka_unit_test(an_unknown_id_has_time_to_appear),
        cmocka_unit_test(an_unknown_id_is_given_up_and_asked_for_again_later),
        cmocka_unit_test(many_unknown_ids_do_not_cost_time_each),
        cmocka_unit_test(ids_that_cannot_be_are_not_asked_for),
        cmocka_unit_test(known_schemas_serve_while_the_registry_fails),
        cmocka_unit_test(a_refused_login_is_told_and_tried_again),
        cmocka_unit_test(references_come_before_their_users_each_once),
        cmocka_unit_test(a_cycle_of_references_is_refused),
        cmocka_unit_test(a_missing_reference_is_told),
        cmocka_unit_test(references_that_go_too_deep_are_refused),
        cmocka_unit_test(a_pinned_version_stays),
        cmocka_unit_test(a_pinned_id_is_one_entry_with_the_messages_id),
        cmocka_unit_test(a_missing_pinned_schema_blames_no_record),
        cmocka_unit_test(the_latest_version_is_followed),
        cmocka_unit_test(answers_of_others_are_left_alone),
        cmocka_unit_test(a_url_of_no_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
