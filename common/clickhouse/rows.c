/* JSONEachRow: one object per line. */
#include "common/clickhouse/rows.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/parse.h"

enum status rows_next(const char **at, json_t **ret_row, struct err *err)
{
    const char *line = *at + strspn(*at, "\r\n");
    size_t len_bytes = strcspn(line, "\n");
    if (len_bytes == 0) {
        *at = line;
        return ST_NOT_FOUND;
    }
    json_error_t reason;
    json_t *row = json_loadb(line, len_bytes, 0, &reason);
    if (!json_is_object(row)) {
        json_decref(row);
        return err_set(err, ST_INVALID, "ClickHouse's answer is not JSONEachRow: %s", reason.text);
    }
    *at = line + len_bytes;
    *ret_row = row;
    return ST_OK;
}

enum status rows_text(const json_t *row, const char *name, char **ret_text, struct err *err)
{
    const char *text = json_string_value(json_object_get(row, name));
    if (text == NULL) {
        return err_set(err, ST_INVALID, "ClickHouse's answer has no text '%s'", name);
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for '%s'", name);
    }
    free(*ret_text);
    *ret_text = copy;
    return ST_OK;
}

enum status rows_i64(const json_t *row, const char *name, int64_t *ret_value, struct err *err)
{
    const json_t *value = json_object_get(row, name);
    if (json_is_integer(value)) {
        *ret_value = json_integer_value(value);
        return ST_OK;
    }
    const char *text = json_string_value(value);
    if (text == NULL || parse_i64(text, INT64_MIN, INT64_MAX, ret_value) != ST_OK) {
        return err_set(err, ST_INVALID, "ClickHouse's answer has no number '%s'", name);
    }
    return ST_OK;
}
