#ifndef WORKER_REPLICA_REGISTRY_REGISTRY_H
#define WORKER_REPLICA_REGISTRY_REGISTRY_H

/*
 * The schema registry (Confluent API) of one pipe: schemas by id and the one its URL names, asked
 * for without blocking, cached for the life of the process ("unknown" only briefly), one request
 * per id however many messages wait. A machine like the sink: the loop gives it answers and time.
 *
 * URL forms: https://host[/prefix], …/schemas/ids/N, …/subjects/S[/versions/V]; S is followed to
 * its latest version until a message is decoded by it, then asked again now and then.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/http/http.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/replica/decode/schema.h"

struct registry;

/*
 * client: borrowed; settings: the pipe's registry, copied. ret_registry: owned, registry_free.
 * ST_INVALID: the URL is none of the forms, with the reason; ST_NO_MEMORY.
 */
enum status registry_new(
    struct http_client *client, const struct schema_registry *settings,
    struct registry **ret_registry, struct err *err) MUST_CHECK;
void registry_free(struct registry *registry);

/* For the decoders. Asking for an unknown id starts the request. Borrowed from the registry. */
const struct schema_source *registry_source(struct registry *registry);

/* True if an answer is one of this registry's; then it was taken (http_done.opaque is ours). */
bool registry_answer(struct registry *registry, const struct http_done *done, int64_t now_ms);

/* Start requests that are due; registry_due_ms: when to call again (INT64_MAX = never). */
void registry_tick(struct registry *registry, int64_t now_ms);
int64_t registry_due_ms(const struct registry *registry);

/* Grows with every id that became known or unknown: what waited may be tried again. */
uint64_t registry_version(const struct registry *registry);

/*
 * What the registry suffers from: PIPE_REASON_NONE, REGISTRY_UNREACHABLE (5xx, 408, 429, network:
 * tried again with backoff) or REGISTRY_AUTHENTICATION (401, 403: the pipe stops). ret_text: with
 * HTTP status and what to do, borrowed until the next call.
 */
enum pipe_reason registry_trouble(const struct registry *registry, const char **ret_text);

#endif
