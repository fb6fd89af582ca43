/* Unknown keys by the bytes of their pattern. */
#include "worker/replica/decode/strangers.h"

#include <string.h>

/* Bytes of `"name":` at `at`; 0 if it is longer than a pattern, escaped, or the colon stands off.
 */
static uint32_t pattern_length(const uint8_t *at)
{
    for (uint32_t i = 1; i + 1 < KEY_PATTERN_BYTES; i++) {
        if (at[i] == '"') {
            return at[i + 1] == ':' ? i + 2 : 0;
        }
        if (at[i] == '\\' || at[i] < 0x20) {
            return 0;
        }
    }
    return 0;
}

static bool is_same(const struct json_key *key, const uint8_t *at, uint32_t len)
{
    return key->pattern_bytes == len && memcmp(key->pattern, at, len) == 0;
}

const struct json_key *
strangers_meet(struct strangers *s, const struct key_table *table, const uint8_t *at)
{
    uint32_t len = pattern_length(at);
    if (len == 0) {
        return NULL;
    }
    uint32_t slot = keys_hash(at + 1, len - 3) + table->first_id;
    for (;; slot++) {
        uint16_t number = s->slots[slot % STRANGERS_SLOTS];
        if (number == 0) {
            break;
        }
        if (s->tables[number - 1] == table && is_same(&s->keys[number - 1], at, len)) {
            return &s->keys[number - 1];
        }
    }
    if (s->count == STRANGERS_MAX) {
        return NULL;
    }
    struct json_key *key = &s->keys[s->count];
    *key = (struct json_key){
        .pattern_bytes = len,
        .pattern_mask = len == KEY_PATTERN_BYTES ? UINT32_MAX : (1U << len) - 1,
        .id = s->first_id + s->count,
    };
    memcpy(key->pattern, at, len);
    s->tables[s->count] = table;
    s->count++;
    s->slots[slot % STRANGERS_SLOTS] = (uint16_t)s->count;
    return key;
}
