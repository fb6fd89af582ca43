/*
 * Pipe settings: one table of what exists, and a list of names
 * that belong to sources Penstock does not have. Values are never coerced: "5000" is no number.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/pipe.h"
#include "common/model/pipe_json.h"
#include "common/model/pipe_text.h"

enum setting_kind {
    SETTING_INT,
    SETTING_BOOL,
    SETTING_CHOICE,
    SETTING_TEXT,
};

enum {
    SETTING_TEXT_MAX_BYTES = 16,
    SETTING_BATCH_MAX_BYTES = 1 << 30,
    SETTING_TIMEOUT_MAX_S = 30 * 24 * 3600,
    SETTING_MILLION = 1000000,
};

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset; /* of the member in struct pipe_settings */
    int64_t min;
    int64_t max;
    const struct pipe_choices *choices;
};

/* clang-format off */
#define MEMBER(member) .offset = offsetof(struct pipe_settings, member)
#define INT(member, low, high) SETTING_INT, MEMBER(member), .min = (low), .max = (high)
#define BOOL(member) SETTING_BOOL, MEMBER(member)
#define CHOICE(member, texts) SETTING_CHOICE, MEMBER(member), .choices = &(texts)
#define TEXT SETTING_TEXT, .offset = 0 /* there is one: the separator */

static const struct setting settings_table[] = {
    {"streaming_max_insert_wait_ms",   INT(insert_wait_ms, 500, 60000)},
    {"kafka_read_committed",           BOOL(read_committed)},
    {"penstock_overflow",              CHOICE(overflow, pipe_choices_overflow)},
    {"penstock_defaults",              CHOICE(defaults, pipe_choices_defaults)},
    {"penstock_null",                  CHOICE(null_mode, pipe_choices_null)},
    {"penstock_error_mode",            CHOICE(error_mode, pipe_choices_error_mode)},
    {"penstock_error_limit",           INT(error_limit, 0, SETTING_MILLION)},
    {"penstock_multi_record",          CHOICE(multi_record, pipe_choices_multi_record)},
    {"penstock_path_separator",        TEXT},
    {"penstock_tombstones",            CHOICE(tombstones, pipe_choices_tombstones)},
    {"penstock_timestamp_unit",        CHOICE(timestamp_unit, pipe_choices_timestamp_unit)},
    {"penstock_compression",           CHOICE(compression, pipe_choices_compression)},
    {"penstock_batch_rows",            INT(batch_rows, 1, SETTING_MILLION)},
    {"penstock_batch_bytes",           INT(batch_bytes, 0, SETTING_BATCH_MAX_BYTES)},
    {"penstock_source_timeout_s",      INT(source_timeout_s, 1, SETTING_TIMEOUT_MAX_S)},
    {"penstock_destination_timeout_s", INT(destination_timeout_s, 1, SETTING_TIMEOUT_MAX_S)},
    {"penstock_group_protocol",        CHOICE(group_protocol, pipe_choices_group_protocol)},
    {"penstock_assignor",              CHOICE(assignor, pipe_choices_assignor)},
    {"penstock_static_membership",     BOOL(static_membership)},
};
/* clang-format on */

/* Cloud's settings of other kinds of pipes. */
static const char *const settings_of_object_storage[] = {
    "clickhouse_max_threads",
    "clickhouse_max_insert_threads",
    "clickhouse_min_insert_block_size_bytes",
    "clickhouse_max_download_threads",
    "clickhouse_parallel_distributed_insert_select",
    "clickhouse_parallel_view_processing",
    "object_storage_concurrency",
    "object_storage_polling_interval_ms",
    "object_storage_max_insert_bytes",
    "object_storage_max_file_count",
    "object_storage_use_cluster_function",
};

static const struct pipe_settings settings_defaults = {
    .insert_wait_ms = 5000,
    .batch_rows = 100000,
    .source_timeout_s = 900,
    .destination_timeout_s = 3600,
};
static const char settings_default_separator[] = ".";

static const struct setting *setting_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(settings_table); i++) {
        if (strcmp(settings_table[i].name, name) == 0) {
            return &settings_table[i];
        }
    }
    return NULL;
}

static void setting_refuse(struct pipe_reader *reader, const char *name, const char *pointer)
{
    for (size_t i = 0; i < ARRAY_LEN(settings_of_object_storage); i++) {
        if (strcmp(settings_of_object_storage[i], name) == 0) {
            /* the words Cloud uses */
            pipe_problems_add(
                reader->problems, pointer,
                "Setting '%s' is only supported for object storage ClickPipes", name);
            return;
        }
    }
    pipe_problems_add(reader->problems, pointer, "unknown setting '%.100s'", name);
}

static void setting_read_int(
    struct pipe_reader *reader, const struct setting *setting, const struct pipe_node *node,
    int64_t *ret_value)
{
    if (!json_is_integer(node->json)) {
        pipe_problems_add(reader->problems, node->pointer, "must be an integer");
        return;
    }
    int64_t value = json_integer_value(node->json);
    if (value < setting->min || value > setting->max) {
        pipe_problems_add(
            reader->problems, node->pointer, "must be between %lld and %lld",
            (long long)setting->min, (long long)setting->max);
        return;
    }
    *ret_value = value;
}

static void setting_read_text(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key, char **ret_text)
{
    struct pipe_node node = pipe_json_member(parent, key);
    const char *value = json_string_value(node.json);
    if (value != NULL && strcmp(value, "<nil>") == 0) {
        /* Terraform's text for a null member */
        pipe_problems_add(reader->problems, node.pointer, "must not be null");
        return;
    }
    if (json_string_length(node.json) > SETTING_TEXT_MAX_BYTES) {
        pipe_problems_add(
            reader->problems, node.pointer, "longer than %d bytes", SETTING_TEXT_MAX_BYTES);
        return;
    }
    (void)pipe_json_text(reader, parent, key, PIPE_REQUIRED, ret_text); /* problems are in reader */
}

static void setting_read(
    struct pipe_reader *reader, const struct setting *setting, const struct pipe_node *parent,
    struct pipe_settings *settings, char **ret_separator)
{
    char *target = (char *)settings + setting->offset;
    struct pipe_node node = pipe_json_member(parent, setting->name);
    unsigned index = 0;
    int64_t number = INT64_MIN;
    switch (setting->kind) {
    case SETTING_INT:
        setting_read_int(reader, setting, &node, &number);
        if (number != INT64_MIN) {
            memcpy(target, &number, sizeof(number));
        }
        return;
    case SETTING_BOOL:
        (void)pipe_json_bool(/* problems are in reader */
                             reader, parent, setting->name, PIPE_REQUIRED, (bool *)target);
        return;
    case SETTING_CHOICE:
        if (pipe_json_choice(reader, parent, setting->name, setting->choices, &index)) {
            memcpy(target, &index, sizeof(index));
        }
        return;
    case SETTING_TEXT:
        setting_read_text(reader, parent, setting->name, ret_separator);
        return;
    }
}

_Static_assert(sizeof(enum pipe_overflow) == sizeof(unsigned), "choices are stored as unsigned");

enum status pipe_settings_from_json(
    const json_t *settings, const char *pointer, struct pipe_problems *problems,
    struct pipe_settings *ret_settings)
{
    size_t count_before = problems->count;
    bool had_more = problems->has_more;
    struct pipe_settings wanted = settings_defaults;
    char *separator = strdup(settings_default_separator);
    if (separator == NULL) {
        return ST_NO_MEMORY;
    }
    struct pipe_reader reader = {.problems = problems};
    struct pipe_node node = pipe_node_root(settings, pointer);
    if (node.json != NULL && !json_is_object(node.json)) {
        pipe_problems_add(problems, pointer, "must be an object");
    }
    for (void *at = json_object_iter(node.json); at != NULL;
         at = json_object_iter_next(node.json, at)) {
        const char *name = json_object_iter_key(at);
        const struct setting *setting = setting_find(name);
        struct pipe_node member = pipe_json_member(&node, name);
        if (setting == NULL) {
            setting_refuse(&reader, name, member.pointer);
        } else if (member.json != NULL) {
            setting_read(&reader, setting, &node, &wanted, &separator);
        }
    }
    bool is_good = problems->count == count_before && problems->has_more == had_more;
    if (!is_good || reader.is_out_of_memory) {
        free(separator);
        return reader.is_out_of_memory ? ST_NO_MEMORY : ST_INVALID;
    }
    *ret_settings = wanted;
    ret_settings->path_separator = separator;
    return ST_OK;
}

void pipe_settings_done(struct pipe_settings *settings)
{
    free(settings->path_separator);
    settings->path_separator = NULL;
}
