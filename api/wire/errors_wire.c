/*
 * Bytes of rejected records into JSON without loss: whatever a producer sent can be read back.
 */
#include "api/wire/errors_wire.h"

#include <stdbool.h>

#include "common/base/base64.h"
#include "common/base/buf.h"
#include "common/model/header_json.h"

#include "api/wire/time_wire.h"

static const char *as_text(const struct error_bytes *bytes)
{
    return bytes->bytes == NULL ? "" : (const char *)bytes->bytes;
}

/* NULL if the bytes are not UTF-8 (or out of memory: then base64 fails as well). */
static json_t *utf8(const struct error_bytes *bytes)
{
    return json_stringn(as_text(bytes), bytes->len_bytes);
}

static json_t *base64(const struct error_bytes *bytes)
{
    struct buf text;
    buf_init(&text, bytes->len_bytes / 3 * 4 + 8);
    json_t *json = NULL;
    if (base64_encode(&text, bytes->bytes, bytes->len_bytes) == ST_OK) {
        json = json_string(buf_text(&text));
    }
    buf_done(&text);
    return json;
}

static json_t *headers(const struct error_record *record)
{
    json_t *object = json_object();
    for (size_t i = 0; i < record->headers_count; i++) {
        const struct error_header *header = &record->headers[i];
        const struct header_bytes name = {header->name.bytes, header->name.len_bytes};
        const struct header_bytes value = {header->value.bytes, header->value.len_bytes};
        if (!header_json_add(object, &name, &value)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *record_to_json(const struct error_record *record)
{
    json_t *key = utf8(&record->key);
    json_t *value = utf8(&record->value);
    bool is_text = key != NULL && value != NULL;
    if (!is_text) {
        json_decref(key);
        json_decref(value);
        key = base64(&record->key);
        value = base64(&record->value);
    }
    return json_pack(
        "{s:o, s:s, s:o, s:s, s:i, s:s, s:i, s:I, s:o, s:o, s:o, s:s, s:o}", "timestamp",
        wire_time_to_json(record->timestamp_ms), "type", record->type, "message",
        json_string(record->message), "column", record->column, "schemaId", (int)record->schema_id,
        "topic", record->topic, "partition", (int)record->partition, "offset",
        (json_int_t)record->offset, "recordTimestamp",
        wire_time_to_json(record->record_timestamp_ms), "key", key, "value", value, "encoding",
        is_text ? "utf8" : "base64", "headers", headers(record));
}

json_t *wire_errors_to_json(const struct error_page *page)
{
    json_t *list = json_array();
    for (size_t i = 0; i < page->count; i++) {
        if (json_array_append_new(list, record_to_json(&page->records[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:o, s:s?}", "errors", list, "next", page->next);
}
