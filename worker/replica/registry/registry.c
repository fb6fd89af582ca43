/*
 * The machine: what decoders ask for becomes entries, entries become requests, answers become
 * schemas once everything they refer to is there. An entry that fails is tried again by itself with
 * a growing wait; what is known is never touched by that.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"

#include "worker/replica/registry/registry_machine.h"

enum {
    CALLS_MAX = 4, /* requests at once */
    CONNECT_MS = 5000,
    ANSWER_MS = 15000,
};

static bool text_dup(const char *text, char **ret_copy)
{
    *ret_copy = text == NULL ? NULL : strdup(text);
    return text == NULL || *ret_copy != NULL;
}

/* Questions */

static enum schema_answer registry_tell(
    struct registry *registry, struct registry_entry *entry, const struct schema **ret_schema,
    char *reason)
{
    if (entry == NULL) {
        return SCHEMA_WAIT; /* no memory: asked again with the next change */
    }
    if (entry->state == REGISTRY_KNOWN) {
        *ret_schema = &entry->schema;
        return SCHEMA_KNOWN;
    }
    if (entry->state == REGISTRY_UNKNOWN && registry->now_ms >= entry->due_ms) {
        (void)registry_cache_want(&registry->cache, entry); /* no memory: with the next question */
        return SCHEMA_WAIT;
    }
    if (entry->state == REGISTRY_UNKNOWN) {
        (void)snprintf(/* cut is fine */
                       reason, SCHEMA_REASON_BYTES, "%.*s", SCHEMA_REASON_BYTES - 1, entry->text);
        utf8_repair(reason);
        return SCHEMA_UNKNOWN;
    }
    return SCHEMA_WAIT;
}

static struct registry_entry *registry_add_pinned(struct registry *registry)
{
    const struct registry_url *url = &registry->url;
    if (url->pin == REGISTRY_PIN_ID) {
        struct registry_entry *entry = registry_cache_by_id(&registry->cache, url->id);
        return entry != NULL
                   ? entry
                   : registry_cache_add(&registry->cache, REGISTRY_BY_ID, url->id, NULL, 0);
    }
    if (url->pin == REGISTRY_PIN_VERSION) {
        struct registry_entry *entry =
            registry_cache_by_version(&registry->cache, url->subject, url->version);
        return entry != NULL ? entry
                             : registry_cache_add(
                                   &registry->cache, REGISTRY_BY_VERSION, SCHEMA_PINNED,
                                   url->subject, url->version);
    }
    return registry_cache_add(&registry->cache, REGISTRY_BY_LATEST, SCHEMA_PINNED, url->subject, 0);
}

static enum schema_answer
registry_get_pinned(struct registry *registry, const struct schema **ret_schema, char *reason)
{
    if (registry->url.pin == REGISTRY_PIN_NONE) {
        (void)snprintf(
            reason, SCHEMA_REASON_BYTES, "the URL of the schema registry names no schema");
        return SCHEMA_UNKNOWN;
    }
    if (registry->pinned != NULL) {
        registry->was_pinned_used = true;
        *ret_schema = &registry->pinned->schema;
        return SCHEMA_KNOWN;
    }
    if (registry->pinning == NULL) {
        registry->pinning = registry_add_pinned(registry);
    }
    enum schema_answer answer = registry_tell(registry, registry->pinning, ret_schema, reason);
    if (answer == SCHEMA_KNOWN) {
        registry->pinned = registry->pinning; /* it was there already, asked for by id */
        registry->pinning = NULL;
    }
    return answer;
}

static enum schema_answer
registry_get(void *ctx, int32_t id, const struct schema **ret_schema, char *reason)
{
    struct registry *registry = ctx;
    if (registry->last != NULL && registry->last->id == id) {
        *ret_schema = &registry->last->schema;
        return SCHEMA_KNOWN;
    }
    if (id == SCHEMA_PINNED) {
        return registry_get_pinned(registry, ret_schema, reason);
    }
    if (id < 0) {
        (void)snprintf(
            reason, SCHEMA_REASON_BYTES, "no schema registry has ids above %d", INT32_MAX);
        return SCHEMA_UNKNOWN;
    }
    struct registry_entry *entry = registry_cache_by_id(&registry->cache, id);
    if (entry == NULL) {
        entry = registry_cache_add(&registry->cache, REGISTRY_BY_ID, id, NULL, 0);
    }
    enum schema_answer answer = registry_tell(registry, entry, ret_schema, reason);
    if (answer == SCHEMA_KNOWN) {
        registry->last = entry;
    }
    return answer;
}

/* Life */

enum status registry_new(
    struct http_client *client, const struct schema_registry *settings,
    struct registry **ret_registry, struct err *err)
{
    assert(client != NULL && settings->url != NULL);
    struct registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the schema registry");
    }
    registry->client = client;
    registry_cache_init(&registry->cache);
    enum status st = registry_url_parse(settings->url, &registry->url, err);
    if (st == ST_OK && (!text_dup(settings->ca_certificate, &registry->ca_certificate) ||
                        !text_dup(settings->username, &registry->username))) {
        st = err_set(err, ST_NO_MEMORY, "no memory for the schema registry");
    }
    if (st == ST_OK && settings->password.bytes != NULL) {
        st =
            secret_set(&registry->password, settings->password.bytes, settings->password.len_bytes);
    }
    if (st != ST_OK) {
        registry_free(registry);
        return st;
    }
    registry->source = (struct schema_source){
        .ctx = registry,
        .get = registry_get,
        .has_pinned = registry->url.pin != REGISTRY_PIN_NONE,
    };
    *ret_registry = registry;
    return ST_OK;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (size_t i = 0; i < registry->cache.active_count; i++) {
        http_cancel(registry->client, registry->cache.active[i]->call);
        registry->cache.active[i]->call = NULL;
    }
    registry_cache_done(&registry->cache);
    registry_url_done(&registry->url);
    free(registry->ca_certificate);
    free(registry->username);
    secret_done(&registry->password);
    free(registry);
}

const struct schema_source *registry_source(struct registry *registry)
{
    return &registry->source;
}

uint64_t registry_version(const struct registry *registry)
{
    return registry->version;
}

/* Requests */

static struct registry_entry *registry_entry_of(const struct registry *registry, const void *opaque)
{
    for (size_t i = 0; i < registry->cache.active_count; i++) {
        if (registry->cache.active[i] == opaque) {
            return registry->cache.active[i];
        }
    }
    return NULL;
}

bool registry_answer(struct registry *registry, const struct http_done *done, int64_t now_ms)
{
    struct registry_entry *entry = registry_entry_of(registry, done->opaque);
    if (entry == NULL) {
        return false;
    }
    assert(entry->state == REGISTRY_ASKING && registry->calls_count > 0);
    registry->now_ms = now_ms;
    entry->call = NULL;
    registry->calls_count--;
    struct registry_finding finding = registry_read(&done->response, registry->is_proven);
    registry->is_proven = registry->is_proven || finding.is_proven;
    registry_take(registry, entry, &finding);
    registry_document_done(&finding.document);
    registry_settle(registry);
    return true;
}

enum status registry_request_init(
    const struct registry *registry, const char *path, struct registry_request *ret_request,
    struct err *err)
{
    static const struct http_header accept = {
        .name = "Accept",
        .value = "application/vnd.schemaregistry.v1+json, application/json",
    };
    buf_init(&ret_request->url, REGISTRY_URL_MAX_BYTES);
    enum status st = buf_add_text(&ret_request->url, registry->url.root);
    if (st == ST_OK) {
        st = buf_add_text(&ret_request->url, path);
    }
    if (st != ST_OK) {
        return err_set(err, st, "no room for a URL of the schema registry");
    }
    ret_request->http = (struct http_request){
        .url = buf_text(&ret_request->url),
        .headers = &accept,
        .headers_count = 1,
        .username = registry->username,
        .password = &registry->password,
        .ca_pem = registry->ca_certificate,
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = ANSWER_MS,
        .response_max_bytes = REGISTRY_ANSWER_MAX_BYTES,
    };
    return ST_OK;
}

void registry_request_done(struct registry_request *request)
{
    buf_done(&request->url);
}

static enum status
registry_start(struct registry *registry, struct registry_entry *entry, struct err *err)
{
    struct buf path;
    struct registry_request request;
    buf_init(&path, REGISTRY_URL_MAX_BYTES);
    enum status st = registry_entry_path(entry, &path);
    if (st != ST_OK) {
        buf_done(&path);
        return err_set(err, st, "no room for a path of the schema registry");
    }
    st = registry_request_init(registry, buf_text(&path), &request, err);
    if (st == ST_OK) {
        st = http_start(registry->client, &request.http, entry, &entry->call, err);
    }
    registry_request_done(&request);
    buf_done(&path);
    return st;
}

static void registry_ask(struct registry *registry, struct registry_entry *entry)
{
    struct err err = {.status = ST_OK};
    if (registry_start(registry, entry, &err) == ST_OK) {
        entry->state = REGISTRY_ASKING;
        registry->calls_count++;
        return;
    }
    struct registry_finding finding = {.verdict = REGISTRY_LATER};
    (void)snprintf(finding.text, sizeof(finding.text), "%.*s", REGISTRY_TEXT_BYTES - 1, err.text);
    registry_take(registry, entry, &finding);
}

static bool is_refresh_wanted(const struct registry *registry)
{
    return registry->url.pin == REGISTRY_PIN_LATEST && registry->pinned != NULL &&
           registry->pinning == NULL && registry->was_pinned_used;
}

void registry_tick(struct registry *registry, int64_t now_ms)
{
    registry->now_ms = now_ms;
    if (is_refresh_wanted(registry) && now_ms >= registry->latest_due_ms) {
        registry->pinning = registry_add_pinned(registry);
    }
    if (now_ms < registry->paused_ms) {
        return;
    }
    bool has_tried = false;
    for (size_t i = 0; i < registry->cache.active_count; i++) {
        struct registry_entry *entry = registry->cache.active[i];
        if (entry->state == REGISTRY_WANTED && entry->due_ms <= now_ms &&
            registry->calls_count < CALLS_MAX) {
            registry_ask(registry, entry);
            has_tried = true;
        }
    }
    if (has_tried) {
        registry_settle(registry); /* a request that could not begin may end a refresh */
    }
}

int64_t registry_due_ms(const struct registry *registry)
{
    int64_t due_ms = is_refresh_wanted(registry) ? registry->latest_due_ms : INT64_MAX;
    for (size_t i = 0; registry->calls_count < CALLS_MAX && i < registry->cache.active_count; i++) {
        const struct registry_entry *entry = registry->cache.active[i];
        if (entry->state == REGISTRY_WANTED && entry->due_ms < due_ms) {
            due_ms = entry->due_ms;
        }
    }
    return due_ms < registry->paused_ms ? registry->paused_ms : due_ms;
}

enum pipe_reason registry_trouble(const struct registry *registry, const char **ret_text)
{
    const struct registry_entry *worst = NULL;
    for (size_t i = 0; i < registry->cache.active_count; i++) {
        const struct registry_entry *entry = registry->cache.active[i];
        if (entry->trouble == PIPE_REASON_REGISTRY_AUTHENTICATION ||
            (worst == NULL && entry->trouble != PIPE_REASON_NONE)) {
            worst = entry;
        }
    }
    if (worst == NULL) {
        return PIPE_REASON_NONE;
    }
    *ret_text = worst->text;
    return worst->trouble;
}
