/* A comma is needed unless the last byte opens something: a finished value never ends with one. */
#include "common/base/json_text.h"

#include <stdio.h>
#include <string.h>

enum {
    NUMBER_BYTES = 32
};

/* Whole numbers up to here are written without an exponent; a double holds them exactly. */
static const double WHOLE_MAX = 1e15;

void json_text_init(struct json_text *json, size_t max_bytes)
{
    buf_init(&json->out, max_bytes);
    json->status = ST_OK;
}

void json_text_done(struct json_text *json)
{
    buf_done(&json->out);
}

static void add(struct json_text *json, const char *bytes, size_t len_bytes)
{
    if (json->status == ST_OK) {
        json->status = buf_add(&json->out, bytes, len_bytes);
    }
}

/* What comes before a value: the comma and the name. */
static void begin(struct json_text *json, const char *name)
{
    const struct buf *out = &json->out;
    const uint8_t last = out->len_bytes == 0 ? '[' : out->bytes[out->len_bytes - 1];
    if (last != '{' && last != '[') {
        add(json, ",", 1);
    }
    if (name != NULL) {
        add(json, "\"", 1);
        add(json, name, strlen(name));
        add(json, "\":", 2);
    }
}

void json_text_object(struct json_text *json, const char *name)
{
    begin(json, name);
    add(json, "{", 1);
}

void json_text_end_object(struct json_text *json)
{
    add(json, "}", 1);
}

void json_text_array(struct json_text *json, const char *name)
{
    begin(json, name);
    add(json, "[", 1);
}

void json_text_end_array(struct json_text *json)
{
    add(json, "]", 1);
}

/* RFC 8259, section 7: the quote, the backslash and everything below a blank. */
static void add_escaped(struct json_text *json, uint8_t byte)
{
    static const char SHORT[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof(SHORT); i += 2) {
        if ((uint8_t)SHORT[i + 1] == byte) {
            add(json, (const char[]){'\\', SHORT[i]}, 2);
            return;
        }
    }
    char text[8];
    int len = snprintf(text, sizeof(text), "\\u%04x", byte); /* always six bytes */
    add(json, text, (size_t)len);
}

static bool needs_escape(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

void json_text_string(struct json_text *json, const char *name, const char *value)
{
    if (value == NULL) {
        json_text_null(json, name);
        return;
    }
    begin(json, name);
    add(json, "\"", 1);
    const char *from = value;
    const char *at = value;
    for (; *at != '\0'; at++) {
        if (needs_escape((uint8_t)*at)) {
            add(json, from, (size_t)(at - from));
            add_escaped(json, (uint8_t)*at);
            from = at + 1;
        }
    }
    add(json, from, (size_t)(at - from));
    add(json, "\"", 1);
}

/* By hand: a list of a thousand pipes has thirty thousand of them, and printf takes its time. */
void json_text_integer(struct json_text *json, const char *name, int64_t value)
{
    char text[NUMBER_BYTES];
    char *at = text + sizeof(text);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--at = '-';
    }
    json_text_raw(json, name, at, (size_t)(text + sizeof(text) - at));
}

void json_text_number(struct json_text *json, const char *name, double value)
{
    if (-WHOLE_MAX < value && value < WHOLE_MAX) {
        const int64_t whole = (int64_t)value; /* towards zero */
        if (!((double)whole < value) && !((double)whole > value)) {
            json_text_integer(json, name, whole);
            return;
        }
    }
    char text[NUMBER_BYTES];
    int len = snprintf(text, sizeof(text), "%.15g", value); /* at most 22 bytes */
    json_text_raw(json, name, text, (size_t)len);
}

void json_text_null(struct json_text *json, const char *name)
{
    json_text_raw(json, name, "null", 4);
}

void json_text_raw(struct json_text *json, const char *name, const char *value, size_t len_bytes)
{
    begin(json, name);
    add(json, value, len_bytes);
}
