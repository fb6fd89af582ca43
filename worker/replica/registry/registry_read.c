/*
 * Answers of the registry. Nothing is believed: types, ranges and sizes are checked, unknown
 * members ignored (newer registries add some).
 */
#include "worker/replica/registry/registry_read.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/parse.h"
#include "common/base/utf8.h"

enum {
    WORDS_BYTES = 200, /* of the server's own message */
};

void registry_document_done(struct registry_document *document)
{
    free(document->text);
    for (size_t i = 0; i < document->links_count; i++) {
        free(document->links[i].name);
        free(document->links[i].subject);
    }
    free(document->links);
    *document = (struct registry_document){.text = NULL};
}

static void PRINTF_LIKE(3, 4) finding_set(
    struct registry_finding *finding, enum registry_verdict verdict, const char *format, ...)
{
    finding->verdict = verdict;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, arguments); /* cut is fine */
    va_end(arguments);
}

/* The server's words in one printable line. */
static void words_copy(const char *text, char ret_words[WORDS_BYTES])
{
    (void)snprintf(ret_words, WORDS_BYTES, "%.*s", WORDS_BYTES - 1, text);
    for (char *c = ret_words; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' ';
        }
    }
}

static enum status text_copy(const json_t *object, const char *name, char **ret_text)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_string(member)) {
        return ST_INVALID;
    }
    *ret_text = strdup(json_string_value(member)); /* jansson refuses NUL in texts */
    return *ret_text == NULL ? ST_NO_MEMORY : ST_OK;
}

static enum status link_read(const json_t *given, struct registry_link *link)
{
    const json_t *version = json_object_get(given, "version");
    json_int_t number = json_integer_value(version);
    if (!json_is_integer(version) || number < 1 || number > INT32_MAX) {
        return ST_INVALID;
    }
    link->version = (int32_t)number;
    enum status st = text_copy(given, "name", &link->name);
    return st == ST_OK ? text_copy(given, "subject", &link->subject) : st;
}

static enum status links_read(const json_t *answer, struct registry_document *document)
{
    const json_t *given = json_object_get(answer, "references");
    if (given == NULL || json_is_null(given) || json_array_size(given) == 0) {
        return json_is_array(given) || given == NULL || json_is_null(given) ? ST_OK : ST_INVALID;
    }
    size_t count = json_array_size(given);
    if (count > REGISTRY_LINKS_MAX) {
        return ST_TOO_LARGE;
    }
    document->links = calloc(count, sizeof(*document->links));
    if (document->links == NULL) {
        return ST_NO_MEMORY;
    }
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        document->links_count++;
        st = link_read(json_array_get(given, i), &document->links[i]);
    }
    return st;
}

/* ST_UNSUPPORTED: a type of schema that we do not know. */
static enum status kind_read(const json_t *answer, enum schema_kind *ret_kind)
{
    static const struct {
        const char *name;
        enum schema_kind kind;
    } kinds[] = {{"AVRO", SCHEMA_AVRO}, {"JSON", SCHEMA_JSON}, {"PROTOBUF", SCHEMA_PROTOBUF}};
    const json_t *given = json_object_get(answer, "schemaType");
    if (given == NULL || json_is_null(given)) {
        *ret_kind = SCHEMA_AVRO; /* so it was before there were others, and Confluent still does */
        return ST_OK;
    }
    if (!json_is_string(given)) {
        return ST_INVALID;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(json_string_value(given), kinds[i].name) == 0) {
            *ret_kind = kinds[i].kind;
            return ST_OK;
        }
    }
    return ST_UNSUPPORTED;
}

static enum status document_read(const json_t *answer, struct registry_document *document)
{
    const json_t *id = json_object_get(answer, "id");
    document->id = SCHEMA_PINNED;
    if (json_is_integer(id) && json_integer_value(id) >= 0 && json_integer_value(id) <= INT32_MAX) {
        document->id = (int32_t)json_integer_value(id);
    }
    enum status st = text_copy(answer, "schema", &document->text);
    if (st != ST_OK) {
        return st;
    }
    document->text_bytes = strlen(document->text);
    st = links_read(answer, document);
    return st == ST_OK ? kind_read(answer, &document->kind) : st;
}

static void read_schema(const struct http_response *response, struct registry_finding *finding)
{
    json_t *answer = json_loadb(
        buf_text(&response->body), response->body.len_bytes, JSON_REJECT_DUPLICATES, NULL);
    enum status st = answer == NULL ? ST_INVALID : document_read(answer, &finding->document);
    char words[WORDS_BYTES];
    const char *type = json_string_value(json_object_get(answer, "schemaType"));
    words_copy(type == NULL ? "" : type, words);
    json_decref(answer);
    if (st == ST_OK) {
        finding->verdict = REGISTRY_SCHEMA;
        finding->is_proven = true;
        return;
    }
    registry_document_done(&finding->document);
    if (st == ST_UNSUPPORTED) {
        finding_set(finding, REGISTRY_UNUSABLE, "schemas of type '%s' are not supported", words);
    } else if (st == ST_TOO_LARGE) {
        finding_set(
            finding, REGISTRY_UNUSABLE, "the schema has more than %d references",
            REGISTRY_LINKS_MAX);
    } else if (st == ST_NO_MEMORY) {
        finding_set(finding, REGISTRY_LATER, "no memory for a schema");
    } else {
        finding_set(
            finding, REGISTRY_LATER,
            "HTTP 200 without a schema: is the URL a schema registry's (Confluent API)?");
    }
}

/* True if the body is an error of the API; its code and words. */
static bool
error_read(const struct http_response *response, json_int_t *ret_code, char ret_words[WORDS_BYTES])
{
    json_t *answer = json_loadb(buf_text(&response->body), response->body.len_bytes, 0, NULL);
    const json_t *code = json_object_get(answer, "error_code");
    const char *message = json_string_value(json_object_get(answer, "message"));
    bool is_error = json_is_integer(code);
    *ret_code = json_integer_value(code);
    words_copy(message == NULL ? "" : message, ret_words);
    json_decref(answer);
    return is_error;
}

/* Seconds or nothing; the form with a date is not used by registries. */
static int64_t wait_read(const struct http_response *response)
{
    char text[32];
    int64_t seconds = 0;
    if (!http_response_header(response, "Retry-After", text, sizeof(text)) ||
        parse_i64(text, 0, INT32_MAX, &seconds) != ST_OK) {
        return 0;
    }
    return seconds > REGISTRY_WAIT_MAX_MS / 1000 ? REGISTRY_WAIT_MAX_MS : seconds * 1000;
}

static void read_redirect(const struct http_response *response, struct registry_finding *finding)
{
    char location[WORDS_BYTES];
    char words[WORDS_BYTES];
    (void)http_response_header(/* "" if there is none */
                               response, "Location", location, sizeof(location));
    words_copy(location, words);
    words[strcspn(words, "?#@")] = '\0'; /* what may hold a token */
    finding_set(
        finding, REGISTRY_LATER,
        "HTTP %d: the registry redirects to %s; redirects are not followed, since they would take "
        "the login to another place: use that URL",
        response->status_code, words[0] == '\0' ? "somewhere else" : words);
}

static void
read_error(const struct http_response *response, bool was_proven, struct registry_finding *finding)
{
    int status = response->status_code;
    char words[WORDS_BYTES];
    json_int_t code = 0;
    bool is_error = error_read(response, &code, words);
    bool is_missing = code / 100 == 404 || code / 100 == 422;
    finding->is_proven = is_error && is_missing;
    if (status == 401 || status == 403) {
        finding_set(
            finding, REGISTRY_REFUSED, "HTTP %d: the registry refuses the login%s%s", status,
            words[0] == '\0' ? "" : ": ", words);
        return;
    }
    if ((is_error && is_missing && (status == 404 || status == 422)) ||
        (status == 404 && was_proven)) {
        finding_set(
            finding, REGISTRY_MISSING, "HTTP %d%s%s", status, words[0] == '\0' ? "" : ": ", words);
        return;
    }
    finding->wait_ms = wait_read(response);
    finding_set(
        finding, REGISTRY_LATER, "HTTP %d%s%s%s", status, words[0] == '\0' ? "" : ": ", words,
        status == 404 ? ": is the URL a schema registry's (Confluent API)?" : "");
}

struct registry_finding registry_read(const struct http_response *response, bool was_proven)
{
    struct registry_finding finding = {.verdict = REGISTRY_LATER};
    int status = response->status_code;
    if (response->failure == HTTP_FAILURE_TOO_LARGE) {
        finding_set(
            &finding, REGISTRY_UNUSABLE, "the schema is larger than %d MB",
            REGISTRY_ANSWER_MAX_BYTES / 1024 / 1024);
    } else if (response->failure != HTTP_FAILURE_NONE) {
        bool has_words = response->message[0] != '\0';
        finding_set(
            &finding, REGISTRY_LATER, "%s",
            has_words ? response->message : http_failure_text(response->failure));
    } else if (status == 200) {
        read_schema(response, &finding);
    } else if (status >= 300 && status < 400) {
        read_redirect(response, &finding);
    } else {
        read_error(response, was_proven, &finding);
    }
    utf8_repair(finding.text); /* it may be cut, or of a server that speaks something else */
    assert(finding.verdict == REGISTRY_SCHEMA || finding.text[0] != '\0');
    return finding;
}
