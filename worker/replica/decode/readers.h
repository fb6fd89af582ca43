#ifndef WORKER_REPLICA_DECODE_READERS_H
#define WORKER_REPLICA_DECODE_READERS_H

/*
 * Schemas of the registry made ready for one plan, each compiled once and kept, up to
 * READERS_MAX; beyond, the one unused for longest is given up. A schema that cannot be used is
 * kept too, with the reason.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/decode/plan.h"
#include "worker/replica/decode/reader.h"
#include "worker/replica/decode/reject.h"
#include "worker/replica/decode/schema.h"

enum {
    READERS_MAX = 256
};

struct readers;

/* source, plan: borrowed for life. ret_readers: owned, readers_free. ST_NO_MEMORY. */
enum status readers_new(
    const struct schema_source *source, const struct plan *plan, enum reader_kind kind,
    struct readers **ret_readers, struct err *err) MUST_CHECK;
void readers_free(struct readers *readers);

/* What readers_find says beside its status. */
struct readers_found {
    struct reader *reader; /* ST_OK; until the next find */
    struct reject *reject; /* given by the caller, filled with ST_REJECTED */
};

/*
 * The reader for a message of this schema id, or SCHEMA_PINNED. ST_OK; ST_UNAVAILABLE: the source
 * has to ask the registry; ST_REJECTED (SOURCE_SCHEMA); ST_NO_MEMORY.
 */
enum status
readers_find(struct readers *readers, int32_t id, struct readers_found *found) MUST_CHECK;

/* True once for each schema that was found usable. */
bool readers_take_new(struct readers *readers, const struct schema **ret_schema);

#endif
