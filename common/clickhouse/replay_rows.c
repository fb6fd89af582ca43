/* RowBinary: fixed numbers as they lie in memory, texts and arrays behind a LEB128 length. */
#include "common/clickhouse/replay_rows.h"

#include <string.h>

static bool take(struct replay_reader *reader, void *ret_bytes, size_t len)
{
    if ((size_t)(reader->end - reader->at) < len) {
        return false;
    }
    memcpy(ret_bytes, reader->at, len);
    reader->at += len;
    return true;
}

static bool take_length(struct replay_reader *reader, uint64_t *ret_length)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t byte = 0;
        if (!take(reader, &byte, 1)) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret_length = value;
            return true;
        }
    }
    return false;
}

static bool take_text(struct replay_reader *reader, struct replay_bytes *ret_text)
{
    uint64_t length = 0;
    if (!take_length(reader, &length) || (uint64_t)(reader->end - reader->at) < length) {
        return false;
    }
    *ret_text = (struct replay_bytes){.bytes = reader->at, .len_bytes = (size_t)length};
    reader->at += length;
    return true;
}

/* An array of texts; those that do not fit are read and dropped. */
static bool take_texts(struct replay_reader *reader, struct replay_bytes *items, size_t *ret_count)
{
    uint64_t count = 0;
    if (!take_length(reader, &count)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct replay_bytes dropped;
        if (!take_text(reader, i < REPLAY_HEADERS_MAX ? &items[i] : &dropped)) {
            return false;
        }
    }
    *ret_count = count < REPLAY_HEADERS_MAX ? (size_t)count : REPLAY_HEADERS_MAX;
    return true;
}

enum status
replay_rows_next(struct replay_reader *reader, struct replay_row *ret_row, struct err *err)
{
    if (reader->at == reader->end) {
        return ST_NOT_FOUND;
    }
    size_t values_count = 0;
    bool is_whole = take_text(reader, &ret_row->topic) &&
                    take(reader, &ret_row->partition, sizeof(ret_row->partition)) &&
                    take(reader, &ret_row->offset, sizeof(ret_row->offset)) &&
                    take(reader, &ret_row->hash, sizeof(ret_row->hash)) &&
                    take(reader, &ret_row->timestamp_ms, sizeof(ret_row->timestamp_ms)) &&
                    take_text(reader, &ret_row->key) && take_text(reader, &ret_row->value) &&
                    take_texts(reader, ret_row->names, &ret_row->headers_count) &&
                    take_texts(reader, ret_row->values, &values_count);
    if (!is_whole || values_count != ret_row->headers_count) {
        return err_set(err, ST_INVALID, "ClickHouse's answer is no whole record");
    }
    return ST_OK;
}
