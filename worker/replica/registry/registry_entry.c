/* One schema and its references. */
#include "worker/replica/registry/registry_entry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RETRY_FIRST_MS = 250,
    RETRY_MAX_MS = 15000,
};

struct registry_entry *
registry_entry_new(enum registry_key key, int32_t id, const char *subject, int32_t version)
{
    struct registry_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct registry_entry){
        .key = key,
        .id = id,
        .version = version,
        .state = REGISTRY_WANTED,
    };
    backoff_init(&entry->backoff, RETRY_FIRST_MS, RETRY_MAX_MS, (uint64_t)(uintptr_t)entry);
    if (subject != NULL) {
        entry->subject = strdup(subject);
        if (entry->subject == NULL) {
            free(entry);
            return NULL;
        }
    }
    return entry;
}

void registry_entry_free(struct registry_entry *entry)
{
    if (entry == NULL) {
        return;
    }
    assert(entry->call == NULL);
    free(entry->subject);
    registry_document_done(&entry->document);
    free(entry->targets);
    free((void *)(uintptr_t)entry->schema.references); /* const for the decoders only */
    free(entry);
}

enum status registry_entry_path(const struct registry_entry *entry, struct buf *path)
{
    switch (entry->key) {
    case REGISTRY_BY_ID:
        return buf_add_format(path, "/schemas/ids/%d", (int)entry->id);
    case REGISTRY_BY_VERSION:
        return buf_add_format(
            path, "/subjects/%s/versions/%d", entry->subject, (int)entry->version);
    case REGISTRY_BY_LATEST:
        return buf_add_format(path, "/subjects/%s/versions/latest", entry->subject);
    }
    return ST_INTERNAL;
}

void registry_entry_name(const struct registry_entry *entry, char *ret_text, size_t len_bytes)
{
    switch (entry->key) {
    case REGISTRY_BY_ID:
        (void)snprintf(ret_text, len_bytes, "schema id %d", (int)entry->id); /* cut is fine */
        break;
    case REGISTRY_BY_VERSION:
        (void)snprintf(/* cut is fine */
                       ret_text, len_bytes, "version %d of subject %s", (int)entry->version,
                       entry->subject);
        break;
    case REGISTRY_BY_LATEST:
        (void)snprintf(/* cut is fine */
                       ret_text, len_bytes, "latest version of subject %s", entry->subject);
        break;
    }
}

bool registry_document_equals(const struct registry_document *a, const struct registry_document *b)
{
    if (a->kind != b->kind || a->id != b->id || a->text_bytes != b->text_bytes ||
        memcmp(a->text, b->text, a->text_bytes) != 0 || a->links_count != b->links_count) {
        return false;
    }
    for (size_t i = 0; i < a->links_count; i++) {
        if (a->links[i].version != b->links[i].version ||
            strcmp(a->links[i].subject, b->links[i].subject) != 0 ||
            strcmp(a->links[i].name, b->links[i].name) != 0) {
            return false;
        }
    }
    return true;
}

/* The references found so far, each before its users. */
struct closure {
    struct schema_reference *references; /* room for REGISTRY_CLOSURE_MAX */
    size_t count;
};

static bool closure_has(const struct closure *closure, const char *name, const char *text)
{
    for (size_t i = 0; i < closure->count; i++) {
        const struct schema_reference *reference = &closure->references[i];
        if (reference->text == text && strcmp(reference->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Add the references of an entry, those they need first. The depth is bounded because known
 * targets have depths that were checked. False if there are too many. */
static bool closure_add(
    struct closure *closure, const struct registry_entry *entry) // NOLINT(misc-no-recursion)
{
    for (size_t i = 0; i < entry->document.links_count; i++) {
        const struct registry_entry *target = entry->targets[i];
        const char *name = entry->document.links[i].name;
        if (closure_has(closure, name, target->document.text)) {
            continue;
        }
        if (!closure_add(closure, target) || closure->count == REGISTRY_CLOSURE_MAX) {
            return false;
        }
        closure->references[closure->count++] = (struct schema_reference){
            .name = name,
            .text = target->document.text,
            .text_bytes = target->document.text_bytes,
        };
    }
    return true;
}

static enum status entry_refuse(struct registry_entry *entry, const char *reason)
{
    (void)snprintf(entry->text, sizeof(entry->text), "%s", reason); /* fits */
    return ST_REJECTED;
}

enum status registry_entry_resolve(struct registry_entry *entry)
{
    assert(entry->state == REGISTRY_FETCHED);
    int depth = 1;
    for (size_t i = 0; i < entry->document.links_count; i++) {
        assert(entry->targets[i]->state == REGISTRY_KNOWN);
        if (entry->targets[i]->depth >= depth) {
            depth = entry->targets[i]->depth + 1;
        }
    }
    if (depth > REGISTRY_DEPTH_MAX) {
        return entry_refuse(entry, "its references go deeper than 16 levels");
    }
    struct closure closure = {.count = 0};
    if (entry->document.links_count > 0) {
        closure.references = calloc(REGISTRY_CLOSURE_MAX, sizeof(*closure.references));
        if (closure.references == NULL) {
            return ST_NO_MEMORY;
        }
    }
    if (!closure_add(&closure, entry)) {
        free(closure.references);
        return entry_refuse(entry, "it has more than 1024 references, those of references too");
    }
    if (closure.count > 0) {
        struct schema_reference *fitting =
            realloc(closure.references, closure.count * sizeof(*closure.references));
        closure.references = fitting == NULL ? closure.references : fitting;
    }
    entry->depth = depth;
    entry->schema = (struct schema){
        .id = entry->key == REGISTRY_BY_ID ? entry->id : entry->document.id,
        .kind = entry->document.kind,
        .text = entry->document.text,
        .text_bytes = entry->document.text_bytes,
        .references = closure.references,
        .references_count = closure.count,
    };
    entry->state = REGISTRY_KNOWN;
    return ST_OK;
}
