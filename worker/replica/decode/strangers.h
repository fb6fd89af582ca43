#ifndef WORKER_REPLICA_DECODE_STRANGERS_H
#define WORKER_REPLICA_DECODE_STRANGERS_H

/*
 * Keys of documents that no plan cares for, remembered as they come: producers write them in the
 * same places of every message, so they are expected like the plan's own keys instead of being
 * looked up and not found. Bounded; what does not fit is looked up as before.
 */

#include <stdint.h>

#include "worker/replica/decode/keys.h"

enum {
    STRANGERS_MAX = 256,
    STRANGERS_SLOTS = 1024, /* a power of two */
};

struct strangers {
    struct json_key keys[STRANGERS_MAX];           /* without cell, target and child */
    const struct key_table *tables[STRANGERS_MAX]; /* the level each stands in */
    uint16_t slots[STRANGERS_SLOTS];               /* number + 1, 0 = free */
    uint32_t count;
    uint32_t first_id; /* of keys[0] */
};

/*
 * The stranger that stands at `at` (its opening quote; KEY_PATTERN_BYTES readable) in a level with
 * that table; made if there is room. NULL: not written plainly, too long, or no room.
 */
const struct json_key *
strangers_meet(struct strangers *strangers, const struct key_table *table, const uint8_t *at);

#endif
