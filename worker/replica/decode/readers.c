/* Compiled schemas by identity: a source gives the same schema at the same address. */
#include "worker/replica/decode/readers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct readers {
    const struct schema_source *source;
    const struct plan *plan;
    enum reader_kind kind;
    struct reader items[READERS_MAX];
    size_t count;
    uint64_t finds;
    int32_t last_id; /* of last; never SCHEMA_PINNED, which may come to mean another schema */
    struct reader *last;
    bool has_new;
};

enum status readers_new(
    const struct schema_source *source, const struct plan *plan, enum reader_kind kind,
    struct readers **ret_readers, struct err *err)
{
    assert(source != NULL && plan != NULL);
    struct readers *readers = calloc(1, sizeof(*readers));
    if (readers == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a decoder's schemas");
    }
    readers->source = source;
    readers->plan = plan;
    readers->kind = kind;
    *ret_readers = readers;
    return ST_OK;
}

void readers_free(struct readers *readers)
{
    if (readers == NULL) {
        return;
    }
    for (size_t i = 0; i < readers->count; i++) {
        reader_done(&readers->items[i]);
    }
    free(readers);
}

static struct reader *find_kept(struct readers *readers, const struct schema *schema)
{
    for (size_t i = 0; i < readers->count; i++) {
        if (readers->items[i].schema == schema) {
            return &readers->items[i];
        }
    }
    return NULL;
}

/* A place for one more: a new one, or that of the one unused for longest. */
static struct reader *make_room(struct readers *readers)
{
    if (readers->count < READERS_MAX) {
        return &readers->items[readers->count++];
    }
    struct reader *oldest = &readers->items[0];
    for (size_t i = 1; i < readers->count; i++) {
        oldest = readers->items[i].used < oldest->used ? &readers->items[i] : oldest;
    }
    reader_done(oldest);
    return oldest;
}

static const char *name_of(int32_t id, char *ret_text, size_t text_bytes)
{
    if (id == SCHEMA_PINNED) {
        return "the schema that the registry URL names";
    }
    (void)snprintf(ret_text, text_bytes, "schema %d", (int)id); /* fits */
    return ret_text;
}

static enum status refuse(int32_t id, const char *reason, struct readers_found *found)
{
    char name[32];
    reject_set(
        found->reject, REJECT_SOURCE_SCHEMA, NULL, "%s cannot be used: %s",
        name_of(id, name, sizeof(name)), reason);
    return ST_REJECTED;
}

static enum status
hand_out(struct readers *readers, int32_t id, struct reader *reader, struct readers_found *found)
{
    reader->used = ++readers->finds;
    readers->last = reader;
    readers->last_id = id;
    found->reader = reader;
    return reader->reason == NULL ? ST_OK : refuse(id, reader->reason, found);
}

enum status readers_find(struct readers *readers, int32_t id, struct readers_found *found)
{
    found->reader = NULL;
    if (readers->last != NULL && readers->last_id == id && id != SCHEMA_PINNED) {
        return hand_out(readers, id, readers->last, found);
    }
    char reason[SCHEMA_REASON_BYTES] = "";
    const struct schema *schema = NULL;
    switch (readers->source->get(readers->source->ctx, id, &schema, reason)) {
    case SCHEMA_KNOWN:
        break;
    case SCHEMA_WAIT:
        return ST_UNAVAILABLE;
    case SCHEMA_UNKNOWN:
        return refuse(id, reason, found);
    }
    struct reader *reader = find_kept(readers, schema);
    if (reader != NULL) {
        return hand_out(readers, id, reader, found);
    }
    struct reader made;
    enum status st = reader_init(&made, readers->kind, schema, readers->plan);
    if (st != ST_OK) {
        return st;
    }
    reader = make_room(readers);
    *reader = made;
    readers->has_new = true;
    return hand_out(readers, id, reader, found);
}

bool readers_take_new(struct readers *readers, const struct schema **ret_schema)
{
    for (size_t i = 0; readers->has_new && i < readers->count; i++) {
        struct reader *reader = &readers->items[i];
        if (!reader->is_told && reader->reason == NULL) {
            reader->is_told = true;
            *ret_schema = reader->schema;
            return true;
        }
    }
    readers->has_new = false;
    return false;
}
