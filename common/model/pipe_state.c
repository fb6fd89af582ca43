/*
 * The state table of pipes and the words for states and reasons. Pure: facts in,
 * words out; the facts are read by common/store, the words are shown by the api.
 */
#include "common/model/pipe_state.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum pipe_state pipe_state_derive(const struct pipe_facts *facts)
{
    assert(facts != NULL);
    if (!facts->is_wanted) {
        return facts->has_live_replica ? PIPE_STATE_STOPPING : PIPE_STATE_STOPPED;
    }
    if (facts->has_failed) {
        return PIPE_STATE_FAILED;
    }
    /* A pipe that was consuming and waits for something stays Running: the reason says for what.
     */
    if (facts->was_ready || facts->is_consuming) {
        return PIPE_STATE_RUNNING;
    }
    return PIPE_STATE_PROVISIONING;
}

const char *pipe_state_text(enum pipe_state state)
{
    switch (state) {
    case PIPE_STATE_PROVISIONING:
        return "Provisioning";
    case PIPE_STATE_RUNNING:
        return "Running";
    case PIPE_STATE_STOPPING:
        return "Stopping";
    case PIPE_STATE_STOPPED:
        return "Stopped";
    case PIPE_STATE_FAILED:
        return "Failed";
    }
    return "Unknown";
}

const char *pipe_reason_text(enum pipe_reason reason)
{
    switch (reason) {
    case PIPE_REASON_NONE:
        return "";
#define X(name)                                                                                    \
    case PIPE_REASON_##name:                                                                       \
        return #name;
        PIPE_REASON_TABLE(X)
#undef X
    }
    return "";
}

enum pipe_reason pipe_reason_from_text(const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return PIPE_REASON_NONE;
    }
    static const struct {
        const char *text;
        enum pipe_reason reason;
    } table[] = {
#define X(name) {#name, PIPE_REASON_##name},
        PIPE_REASON_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(table[i].text, text) == 0) {
            return table[i].reason;
        }
    }
    return PIPE_REASON_INTERNAL;
}

const char *pipe_reason_hint(enum pipe_reason reason)
{
    switch (reason) {
    case PIPE_REASON_NONE:
        return "";
    case PIPE_REASON_SOURCE_UNREACHABLE:
        return "Check that the brokers are up and reachable from the worker hosts.";
    case PIPE_REASON_SOURCE_AUTHENTICATION:
        return "Check the Kafka user, password or certificate of the pipe's source.";
    case PIPE_REASON_SOURCE_AUTHORIZATION:
        return "Grant the Kafka user read access to the topics and the consumer group.";
    case PIPE_REASON_TOPIC_NOT_FOUND:
        return "Create the topic, or correct its name in the pipe's source.";
    case PIPE_REASON_REGISTRY_UNREACHABLE:
        return "Check that the schema registry is up and reachable from the worker hosts.";
    case PIPE_REASON_REGISTRY_AUTHENTICATION:
        return "Check the credentials of the schema registry.";
    case PIPE_REASON_DESTINATION_UNREACHABLE:
        return "Check that ClickHouse is up and reachable from the worker hosts.";
    case PIPE_REASON_DESTINATION_AUTHENTICATION:
        return "Check the ClickHouse user and password of the service.";
    case PIPE_REASON_DESTINATION_PERMISSION:
        return "Grant the ClickHouse user INSERT on the table and its error table.";
    case PIPE_REASON_TABLE_NOT_FOUND:
        return "Create the destination table again, or point the pipe at another one.";
    case PIPE_REASON_TABLE_MISMATCH:
        return "Make the table's columns and the pipe's field mappings agree.";
    case PIPE_REASON_TOO_MANY_PARTS:
        return "Let merges catch up: use larger batches, fewer partitions or fewer pipes.";
    case PIPE_REASON_DESTINATION_BUSY:
        return "ClickHouse is short of memory or query slots; the pipe goes on by itself.";
    case PIPE_REASON_VIEW_FAILED:
        return "Correct or drop the materialized view that the message names.";
    case PIPE_REASON_ERROR_LIMIT:
        return "Look at the rejected records, correct the mapping or the data, then start again.";
    case PIPE_REASON_CRASH_LOOP:
        return "Look at the worker's log; the replica is started again every 30 seconds.";
    case PIPE_REASON_NO_WORKER:
        return "Start penstock-worker, or give the workers more capacity.";
    case PIPE_REASON_INTERNAL:
        return "Look at the worker's log and report what it says.";
    }
    return "";
}

bool pipe_state_refuses_start(enum pipe_state state)
{
    switch (state) {
    case PIPE_STATE_PROVISIONING:
    case PIPE_STATE_RUNNING:
        return true;
    case PIPE_STATE_STOPPING:
    case PIPE_STATE_STOPPED:
    case PIPE_STATE_FAILED:
        return false;
    }
    return false;
}
