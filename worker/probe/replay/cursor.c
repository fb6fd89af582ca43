/* Base64 of a JSON array: topic, partition, offset, hash (as text: it has 64 bits). */
#include "worker/probe/replay/cursor.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/buf.h"
#include "common/base/parse.h"

enum {
    CURSOR_MAX_BYTES = 4096
};

void replay_cursor_done(struct replay_cursor *cursor)
{
    free(cursor->topic);
    *cursor = (struct replay_cursor){.topic = NULL};
}

enum status
replay_cursor_set(struct replay_cursor *cursor, const struct replay_key *key, struct err *err)
{
    char *topic = strdup(key->topic);
    if (topic == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a cursor");
    }
    free(cursor->topic);
    cursor->topic = topic;
    cursor->key = *key;
    cursor->key.topic = topic;
    return ST_OK;
}

static enum status read_array(const json_t *array, struct replay_cursor *cursor, struct err *err)
{
    const char *topic = json_string_value(json_array_get(array, 0));
    const char *hash = json_string_value(json_array_get(array, 3));
    const json_t *partition = json_array_get(array, 1);
    const json_t *offset = json_array_get(array, 2);
    struct replay_key key = {.topic = topic};
    if (topic == NULL || hash == NULL || !json_is_integer(partition) || !json_is_integer(offset) ||
        parse_u64(hash, UINT64_MAX, &key.hash) != ST_OK) {
        return err_set(err, ST_INVALID, "cursor: not one of an earlier answer");
    }
    key.partition = (int32_t)json_integer_value(partition);
    key.offset = json_integer_value(offset);
    return replay_cursor_set(cursor, &key, err);
}

enum status replay_cursor_parse(const char *text, struct replay_cursor *ret_cursor, struct err *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    *ret_cursor = (struct replay_cursor){.topic = NULL};
    if (base64_decode(text, strlen(text), &bytes, &len) != ST_OK) {
        return err_set(err, ST_INVALID, "cursor: not one of an earlier answer");
    }
    json_t *array = json_loadb((const char *)bytes, len, 0, NULL);
    free(bytes);
    enum status st = read_array(array, ret_cursor, err);
    json_decref(array);
    return st;
}

char *replay_cursor_text(const struct replay_cursor *cursor)
{
    char hash[24];
    (void)snprintf(hash, sizeof(hash), "%" PRIu64, cursor->key.hash); /* fits */
    json_t *array = json_pack(
        "[s,i,I,s]", cursor->topic, (int)cursor->key.partition, (json_int_t)cursor->key.offset,
        hash);
    char *json = array == NULL ? NULL : json_dumps(array, JSON_COMPACT);
    json_decref(array);
    struct buf text;
    buf_init(&text, CURSOR_MAX_BYTES);
    char *taken = NULL;
    if (json != NULL && base64_encode(&text, json, strlen(json)) == ST_OK) {
        taken = buf_take_text(&text);
    }
    buf_done(&text);
    free(json);
    return taken;
}
