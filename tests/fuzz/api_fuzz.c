/*
 * A request as a client may send it: "PATH\nBODY". The router's answer is one of three and its
 * parameters stand in the path where the pattern has them. A body is an object or refused with a
 * reason. What is kept of a pipe holds no credentials and is kept whole when it is sent again; a
 * patch changes nothing the second time; the model judges it without crashing.
 */
#include <string.h>

#include "api/routes.h"
#include "api/wire/pipe_patch.h"
#include "api/wire/pipe_wire.h"
#include "tests/fuzz/fuzz.h"

enum {
    BODY_MAX_BYTES = 16384
};

static const enum http_method METHODS[] = {HTTP_GET,   HTTP_POST,   HTTP_PUT,
                                           HTTP_PATCH, HTTP_DELETE, HTTP_OTHER};

/* The pattern with the parameters in it is the path. */
static void require_pattern(const struct request *request)
{
    char built[2 * BODY_MAX_BYTES];
    size_t len = 0;
    size_t next = 0;
    for (const char *at = request->route->pattern; *at != '\0';) {
        if (*at != '{') {
            built[len++] = *at++;
            continue;
        }
        FUZZ_REQUIRE(next < request->params_count, "%s", request->path);
        const char *value = request->params[next++].value;
        FUZZ_REQUIRE(*value != '\0' && strchr(value, '/') == NULL, "%s", request->path);
        len += (size_t)snprintf(built + len, sizeof(built) - len, "%s", value);
        at = strchr(at, '}') + 1;
    }
    built[len] = '\0';
    FUZZ_REQUIRE(strcmp(built, request->path) == 0, "%s is not %s", built, request->path);
}

static void route(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
        struct request request = {.method = METHODS[i]};
        struct reply reply = {0};
        struct err err = {0};
        FUZZ_REQUIRE(request_set_path(&request, path) == ST_OK, "memory");
        enum status st = router_match(&api_routes, &request, &reply, &err);
        FUZZ_REQUIRE(
            st == ST_OK || st == ST_NOT_FOUND || (st == ST_METHOD && reply.allow[0] != '\0'), "%s",
            path);
        if (st == ST_OK) {
            require_pattern(&request);
        }
        reply_done(&reply);
        request_done(&request);
    }
}

/* No member of that name anywhere. */
static bool has_key(const json_t *json, const char *name)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t i = 0;
    bool found = false;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        found = found || strcmp(key, name) == 0 || has_key(value, name);
    }
    json_array_foreach(json, i, value)
    {
        found = found || has_key(value, name);
    }
    return found;
}

static void require_kept(json_t *body)
{
    json_t *definition = NULL;
    json_t *secrets = NULL;
    json_t *again = NULL;
    json_t *none = NULL;
    struct err err = {0};
    FUZZ_REQUIRE(wire_pipe_split(body, &definition, &secrets, &err) == ST_OK, "%s", err.text);
    const json_t *kafka = json_object_get(json_object_get(definition, "source"), "kafka");
    FUZZ_REQUIRE(
        json_object_get(kafka, "credentials") == NULL &&
            json_object_get(json_object_get(kafka, "schemaRegistry"), "credentials") == NULL,
        "credentials are kept in the definition");
    FUZZ_REQUIRE(wire_pipe_split(definition, &again, &none, &err) == ST_OK, "%s", err.text);
    FUZZ_REQUIRE(json_equal(definition, again) && none == NULL, "kept twice is not kept once");
    struct pipe_problems problems = {0};
    struct pipe_spec *spec = NULL;
    enum status st = pipe_spec_from_json(definition, secrets, &problems, &spec, &err);
    FUZZ_REQUIRE(st == ST_OK || (st == ST_INVALID && problems.count > 0), "%d", (int)st);
    pipe_spec_free(spec);
    pipe_problems_done(&problems);
    json_decref(definition);
    json_decref(secrets);
    json_decref(again);
}

static const char STORED[] =
    "{\"name\":\"n\",\"source\":{\"kafka\":{\"topics\":\"t\",\"authentication\":\"PLAIN\"}},"
    "\"destination\":{\"table\":\"x\",\"columns\":[{\"name\":\"a\",\"type\":\"Int8\"}]},"
    "\"fieldMappings\":[{\"sourceField\":\"s\",\"destinationField\":\"a\"}],"
    "\"settings\":{\"kafka_read_committed\":true}}";

static void require_patch(json_t *body, bool is_terraform)
{
    struct pipe_patch patch = {.definition = json_loads(STORED, 0, NULL)};
    struct err err = {0};
    enum status st = wire_patch_apply(body, is_terraform, &patch, &err);
    FUZZ_REQUIRE(st == ST_OK || (st == ST_INVALID && err.text[0] != '\0'), "%d", (int)st);
    if (st == ST_OK) {
        json_t *once = json_deep_copy(patch.definition);
        FUZZ_REQUIRE(
            !has_key(json_object_get(once, "source"), "password") ||
                has_key(json_object_get(body, "source"), "password"),
            "a password from nowhere");
        st = wire_patch_apply(body, is_terraform, &patch, &err);
        FUZZ_REQUIRE(st == ST_OK && json_equal(once, patch.definition), "%s", err.text);
        json_decref(once);
    }
    wire_patch_done(&patch);
}

static void require_settings(json_t *body, bool is_terraform)
{
    json_t *definition = json_loads(STORED, 0, NULL);
    struct err err = {0};
    enum status st = wire_settings_put(body, is_terraform, definition, &err);
    FUZZ_REQUIRE(st == ST_OK || (st == ST_INVALID && err.text[0] != '\0'), "%d", (int)st);
    json_decref(definition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text != NULL, "memory");
    memcpy(text, data, size);
    text[size] = '\0';
    char *line = size <= BODY_MAX_BYTES ? strchr(text, '\n') : NULL;
    if (line == NULL) {
        free(text);
        return 0;
    }
    *line = '\0';
    route(text);
    size_t head = (size_t)(line - text) + 1;
    struct request request = {.body = (uint8_t *)line + 1, .body_len_bytes = size - head};
    struct err err = {0};
    enum status st = request_parse_json(&request, &err);
    FUZZ_REQUIRE(st == ST_OK || (st == ST_INVALID && err.text[0] != '\0'), "%d", (int)st);
    FUZZ_REQUIRE(st != ST_OK || json_is_object(request.json), "no object");
    if (st == ST_OK) {
        require_kept(request.json);
        require_patch(request.json, false);
        require_patch(request.json, true);
        require_settings(request.json, false);
        require_settings(request.json, true);
    }
    request_done(&request);
    free(text);
    return 0;
}
