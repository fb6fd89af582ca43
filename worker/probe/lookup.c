/* Turning the registry's machine by hand. */
#include "worker/probe/lookup.h"

#include "common/base/clock.h"

enum status lookup_open(
    const struct kafka_source *source, int64_t deadline_ms, struct lookup *ret_lookup,
    struct err *err)
{
    *ret_lookup = (struct lookup){.deadline_ms = deadline_ms, .reason = PIPE_REASON_INTERNAL};
    if (source->registry == NULL) {
        return ST_OK;
    }
    enum status st = http_client_new(&ret_lookup->client, err);
    return st == ST_OK
               ? registry_new(ret_lookup->client, source->registry, &ret_lookup->registry, err)
               : st;
}

void lookup_done(struct lookup *lookup)
{
    registry_free(lookup->registry);
    lookup->registry = NULL;
    http_client_free(lookup->client);
    lookup->client = NULL;
}

const struct schema_source *lookup_source(const struct lookup *lookup)
{
    return lookup->registry == NULL ? NULL : registry_source(lookup->registry);
}

static enum status judge(struct lookup *lookup, struct err *err)
{
    const char *text = "";
    enum pipe_reason reason = registry_trouble(lookup->registry, &text);
    if (reason == PIPE_REASON_NONE) {
        return ST_OK;
    }
    lookup->reason = reason;
    return err_set(
        err, reason == PIPE_REASON_REGISTRY_AUTHENTICATION ? ST_UNAUTHORIZED : ST_UNAVAILABLE, "%s",
        text);
}

enum status lookup_wait(struct lookup *lookup, struct err *err)
{
    int64_t now_ms = clock_monotonic_ms();
    if (lookup->registry == NULL || now_ms >= lookup->deadline_ms) {
        lookup->reason = PIPE_REASON_REGISTRY_UNREACHABLE;
        return err_set(err, ST_TIMEOUT, "the schema registry did not answer in time");
    }
    registry_tick(lookup->registry, now_ms);
    int64_t due_ms = registry_due_ms(lookup->registry);
    due_ms = due_ms < lookup->deadline_ms ? due_ms : lookup->deadline_ms;
    enum status st = http_poll(lookup->client, NULL, 0, due_ms > now_ms ? due_ms - now_ms : 0, err);
    struct http_done done;
    while (st == ST_OK && http_take_done(lookup->client, &done)) {
        (void)registry_answer(/* the client has no others */
                              lookup->registry, &done, clock_monotonic_ms());
        http_response_done(&done.response);
    }
    return st == ST_OK ? judge(lookup, err) : st;
}

enum status lookup_decode(
    struct lookup *lookup, const struct lookup_record *what, struct decoder_outcome *ret_outcome,
    struct err *err)
{
    for (;;) {
        enum status st =
            what->is_tombstone
                ? decoder_add_tombstone(what->decoder, what->record, what->block, ret_outcome, err)
                : decoder_add(what->decoder, what->record, what->block, ret_outcome, err);
        if (st != ST_UNAVAILABLE) {
            return st;
        }
        st = lookup_wait(lookup, err);
        if (st != ST_OK) {
            return st;
        }
    }
}

enum status
lookup_find(struct lookup *lookup, int32_t id, const struct schema **ret_schema, struct err *err)
{
    const struct schema_source *source = lookup_source(lookup);
    char reason[SCHEMA_REASON_BYTES] = "";
    for (;;) {
        switch (source->get(source->ctx, id, ret_schema, reason)) {
        case SCHEMA_KNOWN:
            return ST_OK;
        case SCHEMA_UNKNOWN:
            return err_set(err, ST_NOT_FOUND, "schema %d: %s", (int)id, reason);
        case SCHEMA_WAIT:
            break;
        }
        enum status st = lookup_wait(lookup, err);
        if (st != ST_OK) {
            return st;
        }
    }
}
