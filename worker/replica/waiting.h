#ifndef WORKER_REPLICA_WAITING_H
#define WORKER_REPLICA_WAITING_H

/*
 * Records that wait for their schema, as copies, in the order they came. The rest of their
 * partitions flows on; what may be committed is the ledger's business. The room is full when its
 * bytes reach the limit: then nothing more should be read; the one record that is on its way then
 * is still taken.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/decode/record.h"

enum {
    WAITING_RETRY_MS = 1000 /* how often they are tried again, answer or not */
};

/* One record; everything it points to is part of it. */
struct waiting_record {
    struct record record;
    size_t slot;
    struct waiting_record *next;
    size_t memory_bytes;
    size_t headers_count;
    struct record_header headers[];
};

struct waiting;

/* limit_bytes: memory of the records. ret_waiting: owned, waiting_free. ST_NO_MEMORY. */
enum status
waiting_new(size_t limit_bytes, struct waiting **ret_waiting, struct err *err) MUST_CHECK;
void waiting_free(struct waiting *waiting);

/* Copy the record with key, value and headers to the end. ST_NO_MEMORY. */
enum status
waiting_add(struct waiting *waiting, size_t slot, const struct record *record) MUST_CHECK;

/* Forget all records: they will be read again. */
void waiting_clear(struct waiting *waiting);

bool waiting_is_full(const struct waiting *waiting);
size_t waiting_count(const struct waiting *waiting);

/* Keys and values, as fetched; and heap memory. */
uint64_t waiting_input_bytes(const struct waiting *waiting);
size_t waiting_memory_bytes(const struct waiting *waiting);

/* Go through the records: start at the first; then each is the present one until waiting_skip
 * leaves it or waiting_remove frees it. NULL behind the last. Adding is allowed meanwhile. */
void waiting_rewind(struct waiting *waiting);
struct waiting_record *waiting_present(const struct waiting *waiting);
void waiting_skip(struct waiting *waiting);
void waiting_remove(struct waiting *waiting);

#endif
