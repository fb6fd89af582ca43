/* What a registry's answers mean, those of other servers too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"

#include "tests/unit/unit.h"
#include "worker/replica/registry/registry_read.h"

static struct http_response response_of(int status, const char *headers, const char *body)
{
    struct http_response response = {.failure = HTTP_FAILURE_NONE, .status_code = status};
    buf_init(&response.headers, 4096);
    buf_init(&response.body, 1024 * 1024);
    assert_int_equal(buf_add_text(&response.headers, headers), ST_OK);
    assert_int_equal(buf_add_text(&response.body, body), ST_OK);
    return response;
}

static struct registry_finding read_it(int status, const char *headers, const char *body, bool was)
{
    struct http_response response = response_of(status, headers, body);
    struct registry_finding finding = registry_read(&response, was);
    http_response_done(&response);
    return finding;
}

static void schemas_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum schema_kind kind;
        int32_t id;
        const char *text;
        size_t links_count;
    } cases[] = {
        {"{\"schema\":\"\\\"string\\\"\"}", SCHEMA_AVRO, SCHEMA_PINNED, "\"string\"", 0},
        {"{\"schema\":\"x\",\"schemaType\":null,\"references\":null}", SCHEMA_AVRO, SCHEMA_PINNED,
         "x", 0},
        {"{\"schema\":\"x\",\"schemaType\":\"AVRO\",\"references\":[],\"more\":{\"a\":1}}",
         SCHEMA_AVRO, SCHEMA_PINNED, "x", 0},
        {"{\"subject\":\"s\",\"version\":3,\"id\":77,\"schema\":\"{}\",\"schemaType\":\"JSON\"}",
         SCHEMA_JSON, 77, "{}", 0},
        {"{\"schema\":\"syntax\",\"schemaType\":\"PROTOBUF\",\"references\":[{\"name\":\"a.proto\","
         "\"subject\":\"a/b\",\"version\":2}]}",
         SCHEMA_PROTOBUF, SCHEMA_PINNED, "syntax", 1},
        {"{\"schema\":\"x\",\"id\":-1}", SCHEMA_AVRO, SCHEMA_PINNED, "x", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct registry_finding finding = read_it(200, "", cases[i].body, false);
        assert_int_equal(finding.verdict, REGISTRY_SCHEMA);
        assert_true(finding.is_proven);
        assert_int_equal(finding.document.kind, cases[i].kind);
        assert_int_equal(finding.document.id, cases[i].id);
        assert_string_equal(finding.document.text, cases[i].text);
        assert_int_equal(finding.document.text_bytes, strlen(cases[i].text));
        assert_int_equal(finding.document.links_count, cases[i].links_count);
        if (cases[i].links_count > 0) {
            assert_string_equal(finding.document.links[0].name, "a.proto");
            assert_string_equal(finding.document.links[0].subject, "a/b");
            assert_int_equal(finding.document.links[0].version, 2);
        }
        registry_document_done(&finding.document);
        registry_document_done(&finding.document);
    }
}

static void other_answers_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers;
        const char *body;
        bool was_proven;
        enum registry_verdict verdict;
        bool is_proven;
        int64_t wait_ms;
        const char *text;
    } cases[] = {
        {404, "", "{\"error_code\":40403,\"message\":\"Schema not found\"}", false,
         REGISTRY_MISSING, true, 0, "HTTP 404: Schema not found"},
        {404, "", "{\"error_code\":40401,\"message\":\"a\\nb\"}", false, REGISTRY_MISSING, true, 0,
         "HTTP 404: a b"},
        {422, "", "{\"error_code\":42202}", false, REGISTRY_MISSING, true, 0, "HTTP 422"},
        {404, "", "{\"error_code\":404,\"message\":\"HTTP 404 Not Found\"}", false, REGISTRY_LATER,
         false, 0, "HTTP 404: HTTP 404 Not Found: is the URL a schema registry's (Confluent API)?"},
        {404, "", "<html>", false, REGISTRY_LATER, false, 0,
         "HTTP 404: is the URL a schema registry's (Confluent API)?"},
        {404, "", "<html>", true, REGISTRY_MISSING, false, 0, "HTTP 404"},
        {401, "", "", true, REGISTRY_REFUSED, false, 0, "HTTP 401: the registry refuses the login"},
        {403, "", "{\"error_code\":40301,\"message\":\"no\"}", true, REGISTRY_REFUSED, false, 0,
         "HTTP 403: the registry refuses the login: no"},
        {429, "HTTP/1.1 429 X\r\nRetry-After: 7\r\n", "", true, REGISTRY_LATER, false, 7000,
         "HTTP 429"},
        {503, "Retry-After: 86400\r\n", "", true, REGISTRY_LATER, false, REGISTRY_WAIT_MAX_MS,
         "HTTP 503"},
        {503, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", "", true, REGISTRY_LATER, false, 0,
         "HTTP 503"},
        {408, "", "", true, REGISTRY_LATER, false, 0, "HTTP 408"},
        {400, "", "{}", true, REGISTRY_LATER, false, 0, "HTTP 400"},
        {500, "", "{\"error_code\":50001,\"message\":\"store\"}", true, REGISTRY_LATER, false, 0,
         "HTTP 500: store"},
        {301, "Location: https://u:p@b/x?token=1\r\n", "", true, REGISTRY_LATER, false, 0,
         "HTTP 301: the registry redirects to https://u:p; redirects are not followed, since they "
         "would take the login to another place: use that URL"},
        {200, "", "<html>", true, REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "", "{\"schema\":1}", true, REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "", "{\"schema\":\"a\",\"schema\":\"b\"}", true, REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "", "{\"schema\":\"a\",\"schemaType\":3}", true, REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "", "{\"schema\":\"a\",\"references\":{}}", true, REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "", "{\"schema\":\"a\",\"references\":[{\"name\":\"n\",\"subject\":\"s\"}]}", true,
         REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "",
         "{\"schema\":\"a\",\"references\":[{\"name\":\"n\",\"subject\":\"s\",\"version\":"
         "0}]}",
         true, REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "", "{\"schema\":\"a\\u0000b\"}", true, REGISTRY_LATER, false, 0,
         "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?"},
        {200, "", "{\"schema\":\"a\",\"schemaType\":\"XSD\"}", true, REGISTRY_UNUSABLE, false, 0,
         "schemas of type 'XSD' are not supported"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct registry_finding finding =
            read_it(cases[i].status, cases[i].headers, cases[i].body, cases[i].was_proven);
        assert_string_equal(finding.text, cases[i].text);
        assert_int_equal(finding.verdict, cases[i].verdict);
        assert_int_equal(finding.is_proven, cases[i].is_proven);
        assert_int_equal(finding.wait_ms, cases[i].wait_ms);
        assert_null(finding.document.text);
    }
}

static void failures_of_the_network_are_for_later(void **state)
{
    (void)state;
    struct http_response response = {
        .failure = HTTP_FAILURE_CONNECT, .message = "connect h:1: refused"};
    struct registry_finding finding = registry_read(&response, true);
    assert_int_equal(finding.verdict, REGISTRY_LATER);
    assert_string_equal(finding.text, "connect h:1: refused");
    response = (struct http_response){.failure = HTTP_FAILURE_LOCAL};
    finding = registry_read(&response, true);
    assert_int_equal(finding.verdict, REGISTRY_LATER);
    assert_string_equal(finding.text, "local");
    response = (struct http_response){.failure = HTTP_FAILURE_TOO_LARGE};
    finding = registry_read(&response, true);
    assert_int_equal(finding.verdict, REGISTRY_UNUSABLE);
    assert_string_equal(finding.text, "the schema is larger than 4 MB");
}

static void references_have_a_limit(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct buf body;
        buf_init(&body, 1024 * 1024);
        assert_int_equal(buf_add_text(&body, "{\"schema\":\"x\",\"references\":["), ST_OK);
        for (int i = 0; i < REGISTRY_LINKS_MAX + extra; i++) {
            assert_int_equal(
                buf_add_format(
                    &body, "%s{\"name\":\"n%d\",\"subject\":\"s\",\"version\":1}",
                    i == 0 ? "" : ",", i),
                ST_OK);
        }
        assert_int_equal(buf_add_text(&body, "]}"), ST_OK);
        struct registry_finding finding = read_it(200, "", buf_text(&body), true);
        assert_int_equal(finding.verdict, extra == 0 ? REGISTRY_SCHEMA : REGISTRY_UNUSABLE);
        registry_document_done(&finding.document);
        buf_done(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_read),
        cmocka_unit_test(other_answers_are_told_apart),
        cmocka_unit_test(failures_of_the_network_are_for_later),
        cmocka_unit_test(references_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
