#ifndef COMMON_BASE_JSON_TEXT_H
#define COMMON_BASE_JSON_TEXT_H

/*
 * JSON written straight into a buffer, in one pass, for answers with thousands of objects, where a
 * tree of values costs many times the text. Commas and escapes are made here, nowhere else.
 *
 *     json_text_object(&json, NULL);
 *     json_text_integer(&json, "rows", 3);
 *     json_text_end_object(&json);
 *
 * name: of the member, plain ASCII without quotes or backslashes; NULL in an array or at the top.
 * The first failure is kept and everything after it does nothing, so only the end is checked.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"

struct json_text {
    struct buf out;     /* json_text_done, or buf_take_text when status is ST_OK */
    enum status status; /* of everything written so far: ST_OK, or as buf_reserve */
};

/* Nothing written yet; at most max_bytes will be. */
void json_text_init(struct json_text *json, size_t max_bytes);
void json_text_done(struct json_text *json);

void json_text_object(struct json_text *json, const char *name);
void json_text_end_object(struct json_text *json);
void json_text_array(struct json_text *json, const char *name);
void json_text_end_array(struct json_text *json);

/* value: UTF-8; NULL is written as null. */
void json_text_string(struct json_text *json, const char *name, const char *value);
void json_text_integer(struct json_text *json, const char *name, int64_t value);
/* A finite number: 15 digits, without a point when it is whole. */
void json_text_number(struct json_text *json, const char *name, double value);
void json_text_null(struct json_text *json, const char *name);

/* value: the text of one JSON value, copied as it is. */
void json_text_raw(struct json_text *json, const char *name, const char *value, size_t len_bytes);

#endif
