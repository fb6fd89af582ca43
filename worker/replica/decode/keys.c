/* Making key tables. */
#include "worker/replica/decode/keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/plan_tree.h"

enum {
    HASH_READ_BYTES = 8,
    NEVER_IN_UTF8 = 0xff,
    LIST_INDEX_DIGITS = 6,
};

/* "0", "7", "12": an element of an array; no leading zeros. */
static uint32_t list_index(const char *name, size_t name_bytes)
{
    if (name_bytes == 0 || name_bytes > LIST_INDEX_DIGITS || (name[0] == '0' && name_bytes > 1)) {
        return KEY_NOT_LISTED;
    }
    uint32_t index = 0;
    for (size_t i = 0; i < name_bytes; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return KEY_NOT_LISTED;
        }
        index = index * 10 + (uint32_t)(name[i] - '0');
    }
    return index;
}

/* Names with characters that JSON escapes are only found by hash, after unescaping. */
static bool is_written_plainly(const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < name_bytes; i++) {
        if ((uint8_t)name[i] < 0x20 || name[i] == '"' || name[i] == '\\') {
            return false;
        }
    }
    return true;
}

static void set_pattern(struct json_key *key)
{
    key->pattern_bytes = key->name_bytes + 3;
    if (key->pattern_bytes > KEY_PATTERN_BYTES || !is_written_plainly(key->name, key->name_bytes)) {
        memset(key->pattern, NEVER_IN_UTF8, sizeof(key->pattern));
        key->pattern_mask = 1;
        return;
    }
    key->pattern[0] = '"';
    memcpy(key->pattern + 1, key->name, key->name_bytes);
    memcpy(key->pattern + 1 + key->name_bytes, "\":", 2);
    key->pattern_mask =
        key->pattern_bytes == KEY_PATTERN_BYTES ? UINT32_MAX : (1U << key->pattern_bytes) - 1;
}

enum status keys_add(
    struct key_table *table, const char *name, size_t name_bytes, struct json_key **ret_key,
    struct err *err)
{
    if (table->count == KEYS_MAX || name_bytes > UINT16_MAX) {
        return err_set(err, ST_INVALID, "too many or too long field names");
    }
    struct json_key *keys = realloc(table->keys, (table->count + 1) * sizeof(*keys));
    if (keys == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for field names");
    }
    table->keys = keys;
    struct json_key key = {
        .name_bytes = (uint32_t)name_bytes,
        .name = malloc(name_bytes + HASH_READ_BYTES),
        .list_index = list_index(name, name_bytes),
    };
    if (key.name == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for field names");
    }
    memcpy(key.name, name, name_bytes);
    memset(key.name + name_bytes, 0, HASH_READ_BYTES);
    set_pattern(&key);
    keys[table->count] = key;
    *ret_key = &keys[table->count];
    table->count++;
    return ST_OK;
}

struct json_key *keys_find(struct key_table *table, const char *name, size_t name_bytes)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct json_key *key = &table->keys[i];
        if (key->name_bytes == name_bytes && memcmp(key->name, name, name_bytes) == 0) {
            return key;
        }
    }
    return NULL;
}

enum status keys_index(struct key_table *table, uint32_t *next_id, struct err *err)
{
    assert(table->slots == NULL);
    uint32_t slots = 4;
    while (slots < table->count * 4) {
        slots *= 2;
    }
    table->slots = calloc(slots, sizeof(*table->slots));
    if (table->slots == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for field names");
    }
    table->slots_mask = slots - 1;
    table->first_id = *next_id;
    for (uint32_t i = 0; i < table->count; i++) {
        struct json_key *key = &table->keys[i];
        assert(key->name != NULL);
        key->id = (*next_id)++;
        uint32_t slot = keys_hash((const uint8_t *)key->name, key->name_bytes) & table->slots_mask;
        while (table->slots[slot] != 0) {
            slot = (slot + 1) & table->slots_mask;
        }
        table->slots[slot] = (uint16_t)(i + 1);
    }
    return ST_OK;
}

void keys_done(struct key_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        free(table->keys[i].name);
        free(table->keys[i].targets);
        plan_node_free(table->keys[i].child);
    }
    free(table->keys);
    free(table->slots);
    *table = (struct key_table){0};
}
