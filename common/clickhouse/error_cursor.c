/* "v1 timestamp partition offset tie given topic", base64 with '-', '_' and no padding. */
#include "common/clickhouse/error_cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/buf.h"
#include "common/base/parse.h"

enum {
    CURSOR_TEXT_MAX_BYTES = 2048,
    CURSOR_NUMBERS = 5,
    CURSOR_GIVEN_MAX = 100000000,
    NUMBER_TEXT_BYTES = 24,
};

void error_cursor_done(struct error_cursor *cursor)
{
    free(cursor->topic);
    cursor->topic = NULL;
}

static enum status cursor_fill(const char *text, struct error_cursor *cursor)
{
    char numbers[CURSOR_NUMBERS][NUMBER_TEXT_BYTES];
    if (strncmp(text, "v1 ", 3) != 0) {
        return ST_INVALID;
    }
    text += 3;
    for (size_t i = 0; i < CURSOR_NUMBERS; i++) {
        size_t len_bytes = strcspn(text, " ");
        if (len_bytes >= NUMBER_TEXT_BYTES || text[len_bytes] != ' ') {
            return ST_INVALID;
        }
        memcpy(numbers[i], text, len_bytes);
        numbers[i][len_bytes] = '\0';
        text += len_bytes + 1;
    }
    if (parse_i64(numbers[0], 0, UINT32_MAX, &cursor->timestamp_s) != ST_OK ||
        parse_i64(numbers[1], INT32_MIN, INT32_MAX, &cursor->partition) != ST_OK ||
        parse_i64(numbers[2], INT64_MIN, INT64_MAX, &cursor->offset) != ST_OK ||
        parse_u64(numbers[3], UINT64_MAX, &cursor->tie) != ST_OK ||
        parse_i64(numbers[4], 1, CURSOR_GIVEN_MAX, &cursor->given) != ST_OK) {
        return ST_INVALID;
    }
    cursor->topic = strdup(text);
    return cursor->topic != NULL ? ST_OK : ST_NO_MEMORY;
}

enum status error_cursor_parse(const char *text, struct error_cursor *ret_cursor, struct err *err)
{
    char standard[CURSOR_TEXT_MAX_BYTES + 4];
    size_t len_bytes = strlen(text);
    if (len_bytes > CURSOR_TEXT_MAX_BYTES) {
        return err_set(err, ST_INVALID, "cursor is longer than %d bytes", CURSOR_TEXT_MAX_BYTES);
    }
    for (size_t i = 0; i < len_bytes; i++) {
        char c = text[i];
        standard[i] = c;
        if (c == '-' || c == '_') {
            standard[i] = c == '-' ? '+' : '/';
        } else if (c == '+' || c == '/' || c == '=') {
            return err_set(err, ST_INVALID, "not a cursor of an earlier page");
        }
    }
    while (len_bytes % 4 != 0) {
        standard[len_bytes++] = '=';
    }
    CLEANUP(freep) uint8_t *bytes = NULL;
    size_t decoded_bytes = 0;
    enum status st = base64_decode(standard, len_bytes, &bytes, &decoded_bytes);
    struct error_cursor cursor = {0};
    if (st == ST_OK && strlen((const char *)bytes) != decoded_bytes) {
        st = ST_INVALID;
    }
    if (st == ST_OK) {
        st = cursor_fill((const char *)bytes, &cursor);
    }
    if (st != ST_OK) {
        return err_set(err, st, "not a cursor of an earlier page");
    }
    *ret_cursor = cursor;
    return ST_OK;
}

enum status error_cursor_text(const struct error_cursor *cursor, char **ret_text, struct err *err)
{
    struct buf plain;
    struct buf encoded;
    buf_init(&plain, CURSOR_TEXT_MAX_BYTES);
    buf_init(&encoded, (size_t)CURSOR_TEXT_MAX_BYTES * 2);
    enum status st = buf_add_format(
        &plain, "v1 %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64 " %s",
        cursor->timestamp_s, cursor->partition, cursor->offset, cursor->tie, cursor->given,
        cursor->topic);
    if (st == ST_OK) {
        st = base64_encode(&encoded, plain.bytes, plain.len_bytes);
    }
    buf_done(&plain);
    if (st != ST_OK) {
        buf_done(&encoded);
        return err_set(err, st, "no room for a cursor");
    }
    char *text = buf_take_text(&encoded);
    text[strcspn(text, "=")] = '\0';
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '+' || *p == '/') {
            *p = *p == '+' ? '-' : '_';
        }
    }
    *ret_text = text;
    return ST_OK;
}
