#ifndef WORKER_REPLICA_LEDGER_KEPT_H
#define WORKER_REPLICA_LEDGER_KEPT_H

/*
 * Offsets up to which this process has stored a partition, remembered over a rebalance. A broker
 * may refuse the commit of a member that is about to rejoin; if the same partition comes back, what
 * is stored already need not be read again. Forgotten when the membership itself was lost: then
 * somebody else may have rewound the group.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

struct kept_item {
    char *topic; /* owned */
    int32_t partition;
    int64_t offset;
};

struct kept {
    struct kept_item *items; /* owned */
    size_t count;
};

/* Forget all. Safe twice and on a zeroed struct. */
void kept_reset(struct kept *kept);

/* Remember. ST_NO_MEMORY: not remembered. */
enum status
kept_add(struct kept *kept, const char *topic, int32_t partition, int64_t offset) MUST_CHECK;

/* Where to go on: the later one of `committed` and what is remembered. −1 (no commit) stays −1:
 * such a group has forgotten the topic, or the topic is another one. */
int64_t
kept_later(const struct kept *kept, const char *topic, int32_t partition, int64_t committed);

#endif
