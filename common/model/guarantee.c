/* Texts of the promise, and the columns that allow to check a repeated insert. */
#include "common/model/guarantee.h"

#include <stdio.h>
#include <string.h>

static const char *const MODES[] = {
#define X(name, text) [name] = text,
    GUARANTEE_MODE_TABLE(X)
#undef X
};

const char *guarantee_mode_text(enum guarantee_mode mode)
{
    return MODES[mode];
}

enum guarantee_mode guarantee_mode_from_text(const char *text)
{
    for (unsigned i = 0; text != NULL && i < ARRAY_LEN(MODES); i++) {
        if (strcmp(MODES[i], text) == 0) {
            return (enum guarantee_mode)i;
        }
    }
    return GUARANTEE_AT_LEAST_ONCE;
}

const char *guarantee_severity(const struct guarantee *guarantee, bool is_exactly_once)
{
    if (is_exactly_once && guarantee->mode == GUARANTEE_AT_LEAST_ONCE) {
        return "critical";
    }
    return is_exactly_once && guarantee->is_weak ? "warning" : "info";
}

void guarantee_not_asked(struct guarantee *ret_guarantee)
{
    *ret_guarantee = (struct guarantee){.mode = GUARANTEE_AT_LEAST_ONCE};
    (void)
        snprintf(/* it fits */
                 ret_guarantee->detail, sizeof(ret_guarantee->detail),
                 "offsets are committed only after ClickHouse has stored the rows; an insert whose "
                 "answer "
                 "was lost is sent again and may be stored twice (the pipe's exactlyOnce is off)");
}

void guarantee_write(struct json_text *json, const char *name, const struct guarantee *guarantee)
{
    json_text_object(json, name);
    json_text_string(json, "mode", guarantee_mode_text(guarantee->mode));
    json_text_string(json, "detail", guarantee->detail);
    if (guarantee->mode == GUARANTEE_AT_LEAST_ONCE) {
        json_text_null(json, "protects");
    } else {
        json_text_object(json, "protects");
        if (guarantee->inserts == GUARANTEE_UNLIMITED) {
            json_text_null(json, "inserts");
        } else {
            json_text_integer(json, "inserts", guarantee->inserts);
        }
        json_text_integer(json, "seconds", guarantee->seconds);
        json_text_end_object(json);
    }
    json_text_end_object(json);
}

/* What the column reads: its mapping's field, else the one of its own name. */
static const char *source_of(const struct pipe_spec *pipe, const char *column)
{
    for (size_t i = 0; i < pipe->mappings_count; i++) {
        if (strcmp(pipe->mappings[i].destination_field, column) == 0) {
            return pipe->mappings[i].source_field;
        }
    }
    return column;
}

static const char *column_of(const struct pipe_spec *pipe, const char *source)
{
    for (size_t i = 0; i < pipe->destination.columns_count; i++) {
        const char *name = pipe->destination.columns[i].name;
        if (strcmp(source_of(pipe, name), source) == 0) {
            return name;
        }
    }
    return NULL;
}

bool guarantee_columns(const struct pipe_spec *pipe, struct guarantee_columns *ret_columns)
{
    const struct guarantee_columns found = {
        .topic = column_of(pipe, "_topic"),
        .partition = column_of(pipe, "_partition"),
        .offset = column_of(pipe, "_offset"),
    };
    const bool has_all = found.topic != NULL && found.partition != NULL && found.offset != NULL;
    *ret_columns = has_all ? found : (struct guarantee_columns){.topic = NULL};
    return has_all;
}
