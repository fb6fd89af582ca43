/*
 * Lists and objects that are empty, and everything that is neither, are written as JSON: that is
 * YAML's flow style.
 */
#include "api/wire/yaml_wire.h"

#include <stdlib.h>

enum {
    DEPTH_MAX = 100 /* our own documents are a dozen levels deep */
};

static bool is_block(const json_t *json)
{
    return json_object_size(json) > 0 || json_array_size(json) > 0;
}

static enum status write_flow(const json_t *json, struct buf *out)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    enum status st = text == NULL ? ST_NO_MEMORY : buf_add_text(out, text);
    free(text);
    return st;
}

static enum status write_name(const char *name, struct buf *out)
{
    json_t *text = json_string(name);
    enum status st = text == NULL ? ST_NO_MEMORY : write_flow(text, out);
    json_decref(text);
    return st == ST_OK ? buf_add_text(out, ":") : st;
}

static enum status write_block(const json_t *json, int depth, struct buf *out);

/* What stands behind "name:" or "-". */
static enum status write_value(const json_t *json, int depth, struct buf *out)
{
    if (is_block(json)) {
        return write_block(json, depth, out);
    }
    enum status st = buf_add_text(out, " ");
    return st == ST_OK ? write_flow(json, out) : st;
}

static enum status begin_line(int depth, struct buf *out)
{
    return buf_add_format(out, "\n%*s", 2 * depth, "");
}

/* Line by line, each begun with its line feed. NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX */
static enum status write_block(const json_t *json, int depth, struct buf *out)
{
    enum status st = depth < DEPTH_MAX ? ST_OK : ST_TOO_LARGE;
    const char *name = NULL;
    json_t *value = NULL;
    size_t i = 0;
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        st = st == ST_OK ? begin_line(depth, out) : st;
        st = st == ST_OK ? write_name(name, out) : st;
        st = st == ST_OK ? write_value(value, depth + 1, out) : st;
    }
    json_array_foreach(json, i, value)
    {
        st = st == ST_OK ? begin_line(depth, out) : st;
        st = st == ST_OK ? buf_add_text(out, "-") : st;
        st = st == ST_OK ? write_value(value, depth + 1, out) : st;
    }
    return st;
}

enum status wire_yaml_write(const json_t *json, struct buf *out)
{
    enum status st = buf_add_text(out, "---");
    st = st == ST_OK ? write_value(json, 0, out) : st;
    return st == ST_OK ? buf_add_text(out, "\n") : st;
}
