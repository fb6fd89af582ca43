/* The validator's door: messages, hostile schemas and documents, what is never fetched. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/decode/validate/json_schema.h"

enum {
    MESSAGE_BYTES = 256,
    LEVELS = 1000,
};

static struct json_schema *compiled(const char *text)
{
    struct schema schema = {.kind = SCHEMA_JSON, .text = text, .text_bytes = strlen(text)};
    struct json_schema *made = NULL;
    struct err err = {0};
    enum status st = json_schema_new(&schema, &made, &err);
    if (st != ST_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    return made;
}

static void assert_refused(const char *text, const char *reason)
{
    struct schema schema = {.kind = SCHEMA_JSON, .text = text, .text_bytes = strlen(text)};
    struct json_schema *made = NULL;
    struct err err = {0};
    assert_int_equal(json_schema_new(&schema, &made, &err), ST_INVALID);
    assert_null(made);
    if (strstr(err.text, reason) == NULL) {
        fail_msg("\"%s\" says nothing of \"%s\"", err.text, reason);
    }
}

/* Check a document; the message (of static memory, "" if none). */
static enum status
check(const struct json_schema *schema, const char *document, const char **ret_message)
{
    static char message[MESSAGE_BYTES];
    size_t len = strlen(document);
    /* exactly as long as the document, so that a sanitizer sees every byte read too many */
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, document, len);
    message[0] = '\0';
    enum status st = json_schema_check(schema, copy, len, message, sizeof(message));
    free(copy);
    *ret_message = message;
    return st;
}

static void messages_name_keyword_path_and_reason(void **state)
{
    (void)state;
    struct json_schema *schema =
        compiled("{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"integer\"}}}},"
                 "\"required\":[\"z\"]}");
    const char *message = NULL;
    assert_int_equal(check(schema, "{\"a\":{\"b\":1},\"z\":0}", &message), ST_OK);
    assert_int_equal(check(schema, "{\"a\":{\"b\":\"x\"},\"z\":0}", &message), ST_REJECTED);
    assert_string_equal(message, "type at /a/b: the value is not of type \"integer\"");
    assert_int_equal(check(schema, "{}", &message), ST_REJECTED);
    assert_string_equal(message, "required at the document: \"z\" is a required property");
    assert_int_equal(check(schema, "\xef\xbb\xbf{\"z\":0}", &message), ST_OK);
    json_schema_free(schema);
}

static void what_is_not_json_is_told_apart(void **state)
{
    (void)state;
    struct json_schema *schema = compiled("true");
    static const char *const BROKEN[] = {"", "{", "{} {}", "NaN", "\"\\ud800\"", "\"\xff\""};
    const char *message = NULL;
    for (size_t i = 0; i < ARRAY_LEN(BROKEN); i++) {
        assert_int_equal(check(schema, BROKEN[i], &message), ST_INVALID);
        assert_true(message[0] != '\0');
    }
    char deep[2 * (LEVELS + 1) + 1];
    memset(deep, '[', LEVELS);
    memset(deep + LEVELS, ']', LEVELS);
    deep[2 * (size_t)LEVELS] = '\0';
    assert_int_equal(check(schema, deep, &message), ST_OK);
    memset(deep, '[', LEVELS + 1);
    memset(deep + LEVELS + 1, ']', LEVELS + 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(check(schema, deep, &message), ST_INVALID);
    json_schema_free(schema);
}

/* A large value is not shown, a large schema cut, and the message ends where its memory does. */
static void messages_are_cut(void **state)
{
    (void)state;
    enum {
        LARGE_BYTES = 100000
    };
    char *document = malloc(LARGE_BYTES + 3);
    assert_non_null(document);
    memset(document, 'y', LARGE_BYTES + 2);
    document[0] = document[LARGE_BYTES + 1] = '"';
    document[LARGE_BYTES + 2] = '\0';
    struct json_schema *schema = compiled("{\"enum\":[\"h\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"]}");
    const char *message = NULL;
    assert_int_equal(check(schema, document, &message), ST_REJECTED);
    assert_null(strstr(message, "yy"));
    for (size_t room = 1; room < 64; room++) {
        char *small = malloc(room);
        assert_non_null(small);
        assert_int_equal(
            json_schema_check(schema, (const uint8_t *)"1", 1, small, room), ST_REJECTED);
        assert_true(strlen(small) < room);
        free(small);
    }
    json_schema_free(schema);
    free(document);
}

static void schemas_that_cannot_be_used_are_refused(void **state)
{
    (void)state;
    assert_refused("5", "an object or a boolean");
    assert_refused("{", "not JSON");
    assert_refused("{\"type\":7}", "/type");
    assert_refused("{\"pattern\":\"(\"}", "/pattern");
    assert_refused("{\"pattern\":\"((a{100}){100}){100}\"}", "/pattern");
    assert_refused("{\"$schema\":\"http://example.com/mine\"}", "http://example.com/mine");
    assert_refused("{\"$ref\":\"http://example.com/x.json\"}", "not among the schema's references");
    assert_refused("{\"$ref\":\"file:///etc/hostname\"}", "not among the schema's references");
}

/* Schemas that go round in circles and patterns that would take for ever come to an end. */
static void hostile_schemas_end(void **state)
{
    (void)state;
    static const char *const CIRCLES[] = {
        "{\"$ref\":\"#\"}", "{\"allOf\":[{\"$ref\":\"#\"}]}", "{\"not\":{\"$ref\":\"#\"}}",
        ("{\"definitions\":{\"a\":{\"$ref\":\"#/definitions/b\"},\"b\":{\"$ref\":\"#/definitions/"
         "a\"}},\"$ref\":\"#/definitions/a\"}"),
        ("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$dynamicAnchor\":\"x\","
         "\"$dynamicRef\":\"#x\"}")};
    const char *message = NULL;
    for (size_t i = 0; i < ARRAY_LEN(CIRCLES); i++) {
        struct json_schema *schema = compiled(CIRCLES[i]);
        enum status st = check(schema, "{\"a\":[1]}", &message);
        assert_true(st == ST_OK || st == ST_REJECTED);
        json_schema_free(schema);
    }
    struct json_schema *schema = compiled("{\"pattern\":\"^(?=(a+)+$)b|^(a*)*\\\\1$\"}");
    char text[4003];
    memset(text, 'a', sizeof(text));
    text[0] = text[sizeof(text) - 2] = '"';
    text[sizeof(text) - 3] = '!';
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(check(schema, text, &message), ST_REJECTED);
    json_schema_free(schema);
}

static void references_of_the_registry_are_found(void **state)
{
    (void)state;
    static const char INNER[] = "{\"type\":\"integer\"}";
    static const char MIDDLE[] = "{\"properties\":{\"n\":{\"$ref\":\"number.json\"}}}";
    static const char NAMED[] = "{\"$id\":\"http://example.com/s/text\",\"type\":\"string\"}";
    const struct schema_reference references[] = {
        {"number.json", INNER, sizeof(INNER) - 1},
        {"middle.json", MIDDLE, sizeof(MIDDLE) - 1},
        {"anything", NAMED, sizeof(NAMED) - 1},
    };
    static const char *const TEXTS[] = {
        ("{\"properties\":{\"m\":{\"$ref\":\"middle.json\"},"
         "\"t\":{\"$ref\":\"http://example.com/s/text\"}}}"),
        ("{\"$id\":\"http://example.com/deep/main.json\",\"properties\":{\"m\":{\"$ref\":"
         "\"middle.json#\"},\"t\":{\"$ref\":\"/s/text\"}}}"),
    };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct schema schema = {
            .kind = SCHEMA_JSON,
            .text = TEXTS[i],
            .text_bytes = strlen(TEXTS[i]),
            .references = references,
            .references_count = ARRAY_LEN(references),
        };
        struct json_schema *made = NULL;
        struct err err = {0};
        if (json_schema_new(&schema, &made, &err) != ST_OK) {
            fail_msg("%s", err.text);
        }
        const char *message = NULL;
        assert_int_equal(check(made, "{\"m\":{\"n\":1},\"t\":\"x\"}", &message), ST_OK);
        assert_int_equal(check(made, "{\"m\":{\"n\":\"1\"},\"t\":\"x\"}", &message), ST_REJECTED);
        assert_non_null(strstr(message, "/m/n"));
        assert_int_equal(check(made, "{\"t\":1}", &message), ST_REJECTED);
        json_schema_free(made);
    }
}

/* Without $schema it is draft-07: `items` as an array, formats are conditions. */
static void the_draft_is_the_schemas_own_or_07(void **state)
{
    (void)state;
    static const char *const DOCUMENT = "[1,\"not a date\"]";
    const char *message = NULL;
    struct json_schema *schema = compiled("{\"items\":[{},{\"format\":\"date\"}]}");
    assert_int_equal(check(schema, DOCUMENT, &message), ST_REJECTED);
    json_schema_free(schema);
    schema = compiled("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                      "\"prefixItems\":[{\"type\":\"integer\"},{\"format\":\"date\"}]}");
    assert_int_equal(check(schema, DOCUMENT, &message), ST_OK);
    assert_int_equal(check(schema, "[\"x\"]", &message), ST_REJECTED);
    json_schema_free(schema);
    json_schema_free(NULL);
}

/* A build without cargo says what to install instead. */
static void without_a_validator_it_says_so(void **state)
{
    (void)state;
    struct schema schema = {.kind = SCHEMA_JSON, .text = "true", .text_bytes = 4};
    struct json_schema *made = NULL;
    struct err err = {0};
    assert_int_equal(json_schema_new(&schema, &made, &err), ST_UNSUPPORTED);
    assert_non_null(strstr(err.text, "cargo-web"));
}

int main(void)
{
    const struct CMUnitTest missing[] = {cmocka_unit_test(without_a_validator_it_says_so)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_name_keyword_path_and_reason),
        cmocka_unit_test(what_is_not_json_is_told_apart),
        cmocka_unit_test(messages_are_cut),
        cmocka_unit_test(schemas_that_cannot_be_used_are_refused),
        cmocka_unit_test(hostile_schemas_end),
        cmocka_unit_test(references_of_the_registry_are_found),
        cmocka_unit_test(the_draft_is_the_schemas_own_or_07),
    };
    return json_schema_is_available() ? cmocka_run_group_tests(tests, NULL, NULL)
                                      : cmocka_run_group_tests(missing, NULL, NULL);
}
