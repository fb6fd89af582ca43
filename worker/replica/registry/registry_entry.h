#ifndef WORKER_REPLICA_REGISTRY_REGISTRY_ENTRY_H
#define WORKER_REPLICA_REGISTRY_REGISTRY_ENTRY_H

/*
 * One schema on its way from the registry to the decoders: what to ask for, what came, the entries
 * its references point to, and the schema made of all that. Inside this room.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/backoff.h"
#include "common/base/buf.h"
#include "common/http/http.h"
#include "common/model/pipe_state.h"

#include "worker/replica/decode/schema.h"
#include "worker/replica/registry/registry_read.h"

enum {
    REGISTRY_DEPTH_MAX = 16,     /* references of references of … */
    REGISTRY_CLOSURE_MAX = 1024, /* references of one schema, those of references too */
};

enum registry_key {
    REGISTRY_BY_ID,
    REGISTRY_BY_VERSION, /* of a subject: the pinned one, and every reference */
    REGISTRY_BY_LATEST,  /* the newest version of the pinned subject */
};

enum registry_state {
    REGISTRY_WANTED,  /* to be asked for at due_ms */
    REGISTRY_ASKING,  /* the request is out */
    REGISTRY_FETCHED, /* its references are still on their way */
    REGISTRY_KNOWN,
    REGISTRY_UNKNOWN, /* until due_ms; then a decoder's question makes it WANTED again */
};

struct registry_entry {
    enum registry_key key;
    int32_t id;      /* REGISTRY_BY_ID */
    char *subject;   /* owned, percent-encoded; NULL by id */
    int32_t version; /* REGISTRY_BY_VERSION */

    enum registry_state state;
    int64_t due_ms;
    bool is_missing;          /* the last answer was "no such schema" */
    int64_t missing_since_ms; /* the first of those answers in a row */
    bool was_unknown;         /* it had its time for the registration race */
    struct backoff backoff;
    struct http_call *call;         /* REGISTRY_ASKING; the client's */
    enum pipe_reason trouble;       /* of the last try; NONE if there was none */
    char text[REGISTRY_TEXT_BYTES]; /* why: of the trouble, or of REGISTRY_UNKNOWN */

    struct registry_document document; /* from REGISTRY_FETCHED on */
    struct registry_entry **targets;   /* owned list, one for each link; entries are the cache's */
    int depth;                         /* REGISTRY_KNOWN: 1 without references */
    struct schema schema;              /* REGISTRY_KNOWN; borrows from the documents */
};

/* An entry that is due at once. subject: copied, NULL by id. NULL without memory. */
struct registry_entry *
registry_entry_new(enum registry_key key, int32_t id, const char *subject, int32_t version);
void registry_entry_free(struct registry_entry *entry);

/* Write what to ask for, behind the registry's root: "/schemas/ids/7". Statuses as buf_add. */
enum status registry_entry_path(const struct registry_entry *entry, struct buf *path) MUST_CHECK;

/* "schema id 7", "version 2 of subject s" for messages. */
void registry_entry_name(const struct registry_entry *entry, char *ret_text, size_t len_bytes);

/* True if both are the same schema with the same references. */
bool registry_document_equals(const struct registry_document *a, const struct registry_document *b);

/*
 * Make the schema of a fetched entry whose targets are all known. ST_REJECTED: its references go
 * too deep or are too many, entry->text says so; ST_NO_MEMORY.
 */
enum status registry_entry_resolve(struct registry_entry *entry) MUST_CHECK;

#endif
