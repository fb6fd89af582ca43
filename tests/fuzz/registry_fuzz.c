/*
 * Any bytes as a schema registry's answer: every one gets a verdict, the same each time, a schema
 * only from HTTP 200 and only when jansson alone finds the same text in it; reasons are one line of
 * UTF-8. The first two bytes are the HTTP status. Then the same bytes as the registry's URL: what
 * is taken says the same when it is put together again.
 */
#include <jansson.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/model/registry_url.h"

#include "tests/fuzz/fuzz.h"
#include "worker/replica/registry/registry_read.h"

static void require_line(const char *text)
{
    while (*text != '\0') {
        size_t len = utf8_char_bytes(text);
        FUZZ_REQUIRE(len > 0 && (uint8_t)*text >= ' ', "byte %02x", (uint8_t)*text);
        text += len;
    }
}

static void
require_document(const struct http_response *response, const struct registry_document *document)
{
    json_t *answer = json_loadb(buf_text(&response->body), response->body.len_bytes, 0, NULL);
    const char *schema = json_string_value(json_object_get(answer, "schema"));
    FUZZ_REQUIRE(schema != NULL && strcmp(schema, document->text) == 0, "another text");
    FUZZ_REQUIRE(strlen(document->text) == document->text_bytes, "length");
    FUZZ_REQUIRE(
        json_array_size(json_object_get(answer, "references")) == document->links_count, "links");
    FUZZ_REQUIRE(document->id >= SCHEMA_PINNED, "id %d", (int)document->id);
    for (size_t i = 0; i < document->links_count; i++) {
        const struct registry_link *link = &document->links[i];
        FUZZ_REQUIRE(
            link->name != NULL && link->subject != NULL && link->version > 0, "link %zu", i);
    }
    json_decref(answer);
}

static void require_finding(const struct http_response *response, bool was_proven)
{
    struct registry_finding first = registry_read(response, was_proven);
    struct registry_finding second = registry_read(response, was_proven);
    FUZZ_REQUIRE(
        first.verdict == second.verdict && strcmp(first.text, second.text) == 0 &&
            first.wait_ms == second.wait_ms,
        "not the same twice");
    bool is_schema = first.verdict == REGISTRY_SCHEMA;
    FUZZ_REQUIRE(is_schema == (first.document.text != NULL), "half a document");
    FUZZ_REQUIRE(!is_schema || response->status_code == 200, "%d", response->status_code);
    FUZZ_REQUIRE(is_schema == (first.text[0] == '\0'), "reason '%s'", first.text);
    FUZZ_REQUIRE(first.wait_ms >= 0 && first.wait_ms <= REGISTRY_WAIT_MAX_MS, "wait");
    FUZZ_REQUIRE(
        first.verdict != REGISTRY_MISSING || was_proven || first.is_proven,
        "a schema is missing at what may be no registry");
    require_line(first.text);
    if (is_schema) {
        require_document(response, &first.document);
    }
    registry_document_done(&first.document);
    registry_document_done(&second.document);
}

static void join_url(const struct registry_url *url, char *ret_text, size_t len_bytes)
{
    switch (url->pin) {
    case REGISTRY_PIN_NONE:
        (void)snprintf(ret_text, len_bytes, "%s", url->root);
        break;
    case REGISTRY_PIN_ID:
        (void)snprintf(ret_text, len_bytes, "%s/schemas/ids/%d", url->root, (int)url->id);
        break;
    case REGISTRY_PIN_LATEST:
        (void)snprintf(
            ret_text, len_bytes, "%s/subjects/%s/versions/latest", url->root, url->subject);
        break;
    case REGISTRY_PIN_VERSION:
        (void)snprintf(
            ret_text, len_bytes, "%s/subjects/%s/versions/%d", url->root, url->subject,
            (int)url->version);
        break;
    }
}

static void require_url(const char *text)
{
    struct registry_url url = {.pin = REGISTRY_PIN_NONE};
    struct err err = {0};
    enum status st = registry_url_parse(text, &url, &err);
    FUZZ_REQUIRE(st == ST_OK || err.text[0] != '\0', "%d", (int)st);
    if (st != ST_OK) {
        return;
    }
    size_t root_bytes = strlen(url.root);
    FUZZ_REQUIRE(strncmp(text, url.root, root_bytes) == 0, "root %s", url.root);
    FUZZ_REQUIRE(strpbrk(url.root, "?#@ ") == NULL || strchr(url.root, '@') != NULL, "root");
    char joined[8192];
    join_url(&url, joined, sizeof(joined));
    struct registry_url again = {.pin = REGISTRY_PIN_NONE};
    if (registry_url_parse(joined, &again, &err) == ST_OK) {
        FUZZ_REQUIRE(
            url.pin == again.pin && url.id == again.id && url.version == again.version &&
                strcmp(url.root, again.root) == 0,
            "%s", joined);
        FUZZ_REQUIRE(
            (url.subject == NULL) == (again.subject == NULL) &&
                (url.subject == NULL || strcmp(url.subject, again.subject) == 0),
            "%s", joined);
        registry_url_done(&again);
    } else {
        FUZZ_REQUIRE(strlen(joined) > 4000, "%s: %s", joined, err.text);
    }
    registry_url_done(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    static const char HEADERS[] = "HTTP/1.1 503 X\r\nRetry-After: ";
    struct http_response response = {.status_code = (data[0] << 8 | data[1]) % 600};
    buf_init(&response.body, size + 1);
    buf_init(&response.headers, size + sizeof(HEADERS));
    FUZZ_REQUIRE(buf_add(&response.body, data + 2, size - 2) == ST_OK, "memory");
    if ((data[1] & 1) != 0) {
        FUZZ_REQUIRE(buf_add_text(&response.headers, HEADERS) == ST_OK, "memory");
        FUZZ_REQUIRE(buf_add(&response.headers, data + 2, size - 2) == ST_OK, "memory");
    }
    require_finding(&response, false);
    require_finding(&response, true);
    require_url(buf_text(&response.body));
    http_response_done(&response);
    return 0;
}
