/* The registry asked once, for a person who waits: no second tries. */
#include "worker/replica/registry/registry_check.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "common/base/clock.h"

#include "worker/replica/registry/registry_machine.h"

static const char MEMBER_URL[] = "schemaRegistry/url";
static const char MEMBER_LOGIN[] = "schemaRegistry/credentials";
static const char MEMBER_FORMAT[] = "format";

/* What is to blame, beside the status. */
struct blame {
    enum pipe_reason reason;
    const char *member;
};

static struct blame blame_of(enum pipe_reason reason, const char *member)
{
    return (struct blame){.reason = reason, .member = member};
}

static enum status check_kind(
    const struct schema *schema, enum pipe_format format, struct blame *blame, struct err *err)
{
    enum schema_kind wanted = format == PIPE_FORMAT_JSON ? SCHEMA_JSON : SCHEMA_AVRO;
    if (schema->kind == wanted) {
        return ST_OK;
    }
    *blame = blame_of(PIPE_REASON_REGISTRY_UNREACHABLE, MEMBER_FORMAT);
    return err_set(
        err, ST_INVALID, "the schema that the registry's URL names is %s, and format %s needs %s",
        schema_kind_text(schema->kind), pipe_format_text(format), schema_kind_text(wanted));
}

/* Let requests proceed; ST_TIMEOUT at the deadline. */
static enum status check_wait(struct registry *registry, int64_t deadline_ms, struct err *err)
{
    int64_t now_ms = clock_monotonic_ms();
    registry_tick(registry, now_ms);
    if (now_ms >= deadline_ms) {
        return err_set(err, ST_TIMEOUT, "%s does not answer in time", registry->url.root);
    }
    int64_t due_ms = registry_due_ms(registry);
    due_ms = due_ms < deadline_ms ? due_ms : deadline_ms;
    enum status st =
        http_poll(registry->client, NULL, 0, due_ms > now_ms ? due_ms - now_ms : 0, err);
    struct http_done done;
    while (st == ST_OK && http_take_done(registry->client, &done)) {
        (void)registry_answer(/* the client has no others */
                              registry, &done, clock_monotonic_ms());
        http_response_done(&done.response);
    }
    return st;
}

/* What the registry suffers from, as a status; ST_OK for nothing. */
static enum status
check_trouble(const struct registry *registry, struct blame *blame, struct err *err)
{
    const char *text = "";
    enum pipe_reason reason = registry_trouble(registry, &text);
    if (reason == PIPE_REASON_REGISTRY_AUTHENTICATION) {
        *blame = blame_of(reason, MEMBER_LOGIN);
        return err_set(err, ST_UNAUTHORIZED, "%s", text);
    }
    *blame = blame_of(PIPE_REASON_REGISTRY_UNREACHABLE, MEMBER_URL);
    if (registry->pinning != NULL && registry->pinning->is_missing) {
        return err_set(err, ST_NOT_FOUND, "%s", registry->pinning->text);
    }
    return reason == PIPE_REASON_NONE ? ST_OK : err_set(err, ST_UNAVAILABLE, "%s", text);
}

static enum status check_pinned(
    struct registry *registry, enum pipe_format format, int64_t deadline_ms, struct blame *blame,
    struct err *err)
{
    const struct schema_source *source = registry_source(registry);
    const struct schema *schema = NULL;
    char reason[SCHEMA_REASON_BYTES] = "";
    enum status st = ST_OK;
    enum schema_answer answer = source->get(source->ctx, SCHEMA_PINNED, &schema, reason);
    while (st == ST_OK && answer == SCHEMA_WAIT) {
        st = check_wait(registry, deadline_ms, err);
        if (st == ST_OK) {
            st = check_trouble(registry, blame, err);
        }
        answer = source->get(source->ctx, SCHEMA_PINNED, &schema, reason);
    }
    if (st != ST_OK) {
        return st;
    }
    return answer == SCHEMA_KNOWN ? check_kind(schema, format, blame, err)
                                  : err_set(err, ST_INVALID, "%s", reason);
}

/* Ask by hand; the response is always filled. */
static enum status root_get(
    const struct registry *registry, const char *path, int64_t deadline_ms,
    struct http_response *ret_response, struct err *err)
{
    struct registry_request request;
    enum status st = registry_request_init(registry, path, &request, err);
    if (st == ST_OK) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        request.http.timeout_ms = left_ms > 1 ? left_ms : 1;
        st = http_perform(registry->client, &request.http, ret_response, err);
    }
    registry_request_done(&request);
    return st == ST_NO_MEMORY ? st : ST_OK; /* other failures are in the response */
}

/* True if the list of subjects can be read, which is enough of a registry. A list too long to be
 * read is one, too. */
static bool root_has_subjects(const struct registry *registry, int64_t deadline_ms)
{
    struct http_response response = {.status_code = 0};
    bool has = false;
    if (root_get(registry, "/subjects", deadline_ms, &response, NULL) == ST_OK) {
        json_t *list = json_loadb(buf_text(&response.body), response.body.len_bytes, 0, NULL);
        has = response.status_code == 200 &&
              (json_is_array(list) || response.failure == HTTP_FAILURE_TOO_LARGE);
        json_decref(list);
    }
    http_response_done(&response);
    return has;
}

/* The registry alone: any answer that only a registry gives. A login may be refused the schema that
 * is asked for here and be good enough for others, so 403 alone says nothing. */
static enum status check_root(
    const struct registry *registry, int64_t deadline_ms, struct blame *blame, struct err *err)
{
    struct http_response response = {.status_code = 0};
    enum status st = root_get(registry, "/schemas/ids/1", deadline_ms, &response, err);
    if (st != ST_OK) {
        http_response_done(&response);
        return st;
    }
    struct registry_finding finding = registry_read(&response, false);
    bool may_be_one = response.status_code == 403 || response.status_code == 404;
    http_response_done(&response);
    registry_document_done(&finding.document);
    bool is_well = finding.verdict == REGISTRY_SCHEMA || finding.verdict == REGISTRY_MISSING ||
                   finding.verdict == REGISTRY_UNUSABLE;
    if (is_well || (may_be_one && root_has_subjects(registry, deadline_ms))) {
        return ST_OK;
    }
    if (finding.verdict == REGISTRY_REFUSED) {
        *blame = blame_of(PIPE_REASON_REGISTRY_AUTHENTICATION, MEMBER_LOGIN);
        return err_set(err, ST_UNAUTHORIZED, "%s: %s", registry->url.root, finding.text);
    }
    return err_set(err, ST_UNAVAILABLE, "%s: %s", registry->url.root, finding.text);
}

enum status registry_check(
    const struct kafka_source *source, int64_t deadline_ms, enum pipe_reason *ret_reason,
    const char **ret_member, struct err *err)
{
    assert(source->registry != NULL);
    CLEANUP(http_client_freep) struct http_client *client = NULL;
    struct registry *registry = NULL;
    struct blame blame = blame_of(PIPE_REASON_REGISTRY_UNREACHABLE, MEMBER_URL);
    enum status st = http_client_new(&client, err);
    if (st == ST_OK) {
        st = registry_new(client, source->registry, &registry, err);
    }
    if (st == ST_OK && registry_source(registry)->has_pinned) {
        st = check_pinned(registry, source->format, deadline_ms, &blame, err);
    } else if (st == ST_OK) {
        st = check_root(registry, deadline_ms, &blame, err);
    }
    registry_free(registry);
    if (st != ST_OK) {
        *ret_reason = blame.reason;
        *ret_member = blame.member;
    }
    return st;
}
