/* Headers as JSON, without losing one. */
#include "common/model/header_json.h"

#include "common/base/base64.h"
#include "common/base/buf.h"

/* NULL if out of memory. */
static json_t *text_of(const struct header_bytes *what)
{
    json_t *text = json_stringn(what->len_bytes == 0 ? "" : what->bytes, what->len_bytes);
    if (text != NULL) {
        return text;
    }
    CLEANUP(buf_done) struct buf coded;
    buf_init(&coded, what->len_bytes / 3 * 4 + 8);
    return base64_encode(&coded, what->bytes, what->len_bytes) == ST_OK
               ? json_sprintf("base64:%s", buf_text(&coded))
               : NULL;
}

/* Take value under this name, beside what is there. */
static int put(json_t *object, const char *name, json_t *value)
{
    json_t *known = json_object_get(object, name);
    if (known == NULL) {
        return json_object_set_new(object, name, value);
    }
    if (json_is_array(known)) {
        return json_array_append_new(known, value);
    }
    return json_object_set_new(object, name, json_pack("[O, o]", known, value));
}

bool header_json_add(
    json_t *object, const struct header_bytes *name, const struct header_bytes *value)
{
    json_t *key = text_of(name);
    json_t *text = text_of(value);
    if (key == NULL || text == NULL) {
        json_decref(key);
        json_decref(text);
        return false;
    }
    const bool is_ok = put(object, json_string_value(key), text) == 0;
    json_decref(key);
    return is_ok;
}
