/*
 * A list of copies, each one piece of memory: the struct, its headers, then all bytes.
 */
#include "worker/replica/waiting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct waiting {
    struct waiting_record *first;
    struct waiting_record **last_link; /* where the next one is put */
    struct waiting_record **present;   /* the link to the present one */
    size_t count;
    size_t limit_bytes;
    size_t memory_bytes;
    uint64_t input_bytes;
};

enum status waiting_new(size_t limit_bytes, struct waiting **ret_waiting, struct err *err)
{
    struct waiting *waiting = calloc(1, sizeof(*waiting));
    if (waiting == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for waiting records");
    }
    waiting->limit_bytes = limit_bytes;
    waiting->last_link = &waiting->first;
    waiting->present = &waiting->first;
    *ret_waiting = waiting;
    return ST_OK;
}

void waiting_free(struct waiting *waiting)
{
    if (waiting == NULL) {
        return;
    }
    waiting_clear(waiting);
    free(waiting);
}

static size_t read_kept_headers(
    const struct record *record, struct record_header *ret_headers, size_t headers_max)
{
    const struct waiting_record *kept = record->source;
    size_t count = kept->headers_count < headers_max ? kept->headers_count : headers_max;
    memcpy(ret_headers, kept->headers, count * sizeof(ret_headers[0]));
    return kept->headers_count;
}

/* Copy len bytes to *at and step over them; NULL stays NULL. */
static void *put(uint8_t **at, const void *bytes, size_t len)
{
    if (bytes == NULL) {
        return NULL;
    }
    void *copy = *at;
    memcpy(copy, bytes, len);
    *at += len;
    return copy;
}

static size_t
record_bytes(const struct record *record, const struct record_header *headers, size_t count)
{
    size_t bytes = record->topic_bytes + 1 + record->key_bytes + record->value_bytes;
    for (size_t i = 0; i < count; i++) {
        bytes += headers[i].name_bytes + headers[i].value_bytes;
    }
    return bytes;
}

static void copy_record(
    struct waiting_record *kept, const struct record *record, const struct record_header *headers)
{
    uint8_t *at = (uint8_t *)&kept->headers[kept->headers_count];
    kept->record = *record;
    kept->record.value = put(&at, record->value, record->value_bytes);
    kept->record.key = put(&at, record->key, record->key_bytes);
    kept->record.topic = put(&at, record->topic, record->topic_bytes);
    *at++ = '\0';
    for (size_t i = 0; i < kept->headers_count; i++) {
        kept->headers[i] = headers[i];
        kept->headers[i].name = put(&at, headers[i].name, headers[i].name_bytes);
        kept->headers[i].value = put(&at, headers[i].value, headers[i].value_bytes);
    }
    kept->record.read_headers = kept->headers_count > 0 ? read_kept_headers : NULL;
    kept->record.source = kept;
}

enum status waiting_add(struct waiting *waiting, size_t slot, const struct record *record)
{
    struct record_header *headers = NULL;
    size_t count = 0;
    if (record->read_headers != NULL) {
        headers = calloc(RECORD_HEADERS_MAX, sizeof(*headers));
        if (headers == NULL) {
            return ST_NO_MEMORY;
        }
        count = record->read_headers(record, headers, RECORD_HEADERS_MAX);
        count = count < RECORD_HEADERS_MAX ? count : RECORD_HEADERS_MAX;
    }
    size_t memory_bytes = sizeof(struct waiting_record) + count * sizeof(*headers) +
                          record_bytes(record, headers, count);
    struct waiting_record *kept = calloc(1, memory_bytes);
    if (kept == NULL) {
        free(headers);
        return ST_NO_MEMORY;
    }
    kept->slot = slot;
    kept->memory_bytes = memory_bytes;
    kept->headers_count = count;
    copy_record(kept, record, headers);
    free(headers);
    *waiting->last_link = kept;
    waiting->last_link = &kept->next;
    waiting->count++;
    waiting->memory_bytes += memory_bytes;
    waiting->input_bytes += record->key_bytes + record->value_bytes;
    return ST_OK;
}

void waiting_clear(struct waiting *waiting)
{
    waiting_rewind(waiting);
    while (waiting_present(waiting) != NULL) {
        waiting_remove(waiting);
    }
}

bool waiting_is_full(const struct waiting *waiting)
{
    return waiting->memory_bytes >= waiting->limit_bytes;
}

size_t waiting_count(const struct waiting *waiting)
{
    return waiting->count;
}

uint64_t waiting_input_bytes(const struct waiting *waiting)
{
    return waiting->input_bytes;
}

size_t waiting_memory_bytes(const struct waiting *waiting)
{
    return waiting->memory_bytes;
}

void waiting_rewind(struct waiting *waiting)
{
    waiting->present = &waiting->first;
}

struct waiting_record *waiting_present(const struct waiting *waiting)
{
    return *waiting->present;
}

void waiting_skip(struct waiting *waiting)
{
    assert(*waiting->present != NULL);
    waiting->present = &(*waiting->present)->next;
}

void waiting_remove(struct waiting *waiting)
{
    struct waiting_record *gone = *waiting->present;
    assert(gone != NULL && waiting->count > 0);
    *waiting->present = gone->next;
    if (waiting->last_link == &gone->next) {
        waiting->last_link = waiting->present;
    }
    waiting->count--;
    waiting->memory_bytes -= gone->memory_bytes;
    waiting->input_bytes -= gone->record.key_bytes + gone->record.value_bytes;
    free(gone);
}
