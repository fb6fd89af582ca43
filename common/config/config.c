/*
 * Reading settings: the table's rows one after the other, each looked up in the environment, then
 * in the file, then taken from its default.
 */
#include "common/config/config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/parse.h"
#include "common/config/config_file.h"
#include "common/config/config_row.h"

enum {
    CONFIG_NAME_BYTES = 64,
    CONFIG_HOST_BYTES = 256,
};

const struct config_row config_rows[CONFIG_COUNT] = {
#define X(id, kind, value, shown, low, high, unit_text, who, text)                                 \
    [CONFIG_##id] = {                                                                              \
        .name = "PENSTOCK_" #id,                                                                   \
        .type = CONFIG_TYPE_##kind,                                                                \
        .default_value = value,                                                                    \
        .shown_default = shown,                                                                    \
        .min = low,                                                                                \
        .max = high,                                                                               \
        .unit = unit_text,                                                                         \
        .programs = CONFIG_PROGRAM_##who,                                                          \
        .sentence = text},
    CONFIG_TABLE(X)
#undef X
};

/* Names that .demo/env holds for clients; the programs need not warn of them. */
static const char *const client_names[] = {
    "PENSTOCK_URL",    "PENSTOCK_ORGANIZATION_ID", "PENSTOCK_SERVICE_ID",
    "PENSTOCK_KEY_ID", "PENSTOCK_KEY_SECRET",      "PENSTOCK_PIPE_ID",
};

/* Where a value was found. */
struct found {
    const char *value; /* borrowed, NULL = nowhere */
    enum config_origin origin;
    bool is_path; /* value names a file that holds the real one */
};

static bool name_is(const char *entry, const char *name)
{
    size_t len_bytes = strlen(name);
    return strncmp(entry, name, len_bytes) == 0 && entry[len_bytes] == '=';
}

static const char *environment_get(char *const *environment, const char *name)
{
    for (size_t i = 0; name[0] != '\0' && environment[i] != NULL; i++) {
        if (name_is(environment[i], name) && environment[i][strlen(name) + 1] != '\0') {
            return environment[i] + strlen(name) + 1;
        }
    }
    return NULL;
}

static bool is_row_name(const char *name)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if (strcmp(config_rows[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* NAME_FILE, or "" where that is a setting of its own. */
static void file_name_of(const struct config_row *row, char ret_name[CONFIG_NAME_BYTES])
{
    int written = snprintf(ret_name, CONFIG_NAME_BYTES, "%s_FILE", row->name);
    assert(written > 0 && written < CONFIG_NAME_BYTES);
    if (is_row_name(ret_name)) {
        ret_name[0] = '\0';
    }
}

static bool is_known_name(const char *name)
{
    if (is_row_name(name)) {
        return true;
    }
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        char file_name[CONFIG_NAME_BYTES];
        file_name_of(&config_rows[i], file_name);
        if (file_name[0] != '\0' && strcmp(file_name, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(client_names); i++) {
        if (strcmp(client_names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Both spellings of one setting at one level. */
struct level {
    const char *plain;   /* value of NAME */
    const char *by_file; /* value of NAME_FILE */
    enum config_origin origin;
};

static enum status level_find(
    const struct config_row *row, const struct level *level, struct found *ret_found,
    struct err *err)
{
    if (level->plain != NULL && level->by_file != NULL) {
        return err_set(err, ST_INVALID, "%s and %s_FILE are both set", row->name, row->name);
    }
    if (level->plain != NULL) {
        *ret_found = (struct found){.value = level->plain, .origin = level->origin};
    } else if (level->by_file != NULL) {
        *ret_found = (struct found){
            .value = level->by_file, .origin = CONFIG_ORIGIN_SECRET_FILE, .is_path = true};
    }
    return ST_OK;
}

static enum status find_value(
    const struct config_row *row, char *const *environment, const struct config_file *file,
    struct found *ret_found, struct err *err)
{
    char file_name[CONFIG_NAME_BYTES];
    file_name_of(row, file_name); /* "" is found nowhere */
    const struct level levels[] = {
        {.plain = environment_get(environment, row->name),
         .by_file = environment_get(environment, file_name),
         .origin = CONFIG_ORIGIN_ENVIRONMENT},
        {.plain = config_file_get(file, row->name),
         .by_file = config_file_get(file, file_name),
         .origin = CONFIG_ORIGIN_FILE},
    };
    struct found found = {.value = NULL};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && found.value == NULL && i < ARRAY_LEN(levels); i++) {
        st = level_find(row, &levels[i], &found, err);
    }
    if (st == ST_OK) {
        *ret_found = found;
    }
    return st;
}

/* Is word one of the words of choices ("a|b|c")? */
static bool is_choice(const char *choices, const char *word)
{
    size_t len_bytes = strlen(word);
    if (len_bytes == 0 || strchr(word, '|') != NULL) {
        return false;
    }
    for (const char *at = choices; at != NULL;) {
        size_t choice_bytes = strcspn(at, "|");
        if (choice_bytes == len_bytes && strncmp(at, word, len_bytes) == 0) {
            return true;
        }
        at = at[choice_bytes] == '\0' ? NULL : at + choice_bytes + 1;
    }
    return false;
}

/* "PENSTOCK_X: 'v' is not …", without the value of a secret. */
static enum status
value_refuse(const struct config_row *row, const struct config_value *value, struct err *err)
{
    const char *text = value->text.bytes;
    switch (row->type) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_NUMBER:
        return err_set(
            err, ST_INVALID, "%s: '%s' is not a %s from %lld to %lld%s%s", row->name, text,
            row->type == CONFIG_TYPE_INT ? "whole number" : "number", (long long)row->min,
            (long long)row->max, row->unit[0] == '\0' ? "" : " ", row->unit);
    case CONFIG_TYPE_BOOL:
        return err_set(err, ST_INVALID, "%s: '%s' is neither 1 nor 0", row->name, text);
    case CONFIG_TYPE_CHOICE:
        return err_set(err, ST_INVALID, "%s: '%s' is not one of %s", row->name, text, row->unit);
    case CONFIG_TYPE_TEXT:
    case CONFIG_TYPE_PATH:
    case CONFIG_TYPE_SECRET:
        break;
    }
    return err_set(
        err, ST_INVALID, "%s: the value is not plain text (control or zero bytes)", row->name);
}

static bool has_control_bytes(const struct config_row *row, const struct secret *text)
{
    for (size_t i = 0; i < text->len_bytes; i++) {
        unsigned char c = (unsigned char)text->bytes[i];
        bool is_line_end = c == '\n' || c == '\r' || c == '\t';
        if (c == 0 ||
            ((c < 0x20 || c == 0x7f) && !(is_line_end && row->type == CONFIG_TYPE_SECRET))) {
            return true;
        }
    }
    return false;
}

/* Turn value->text into the row's type. */
static enum status
value_parse(const struct config_row *row, struct config_value *value, struct err *err)
{
    const char *text = value->text.bytes;
    bool is_good = !has_control_bytes(row, &value->text);
    switch (row->type) {
    case CONFIG_TYPE_INT:
        is_good = is_good && parse_i64(text, row->min, row->max, &value->integer) == ST_OK;
        break;
    case CONFIG_TYPE_NUMBER:
        is_good = is_good && parse_double(text, &value->number) == ST_OK &&
                  value->number >= (double)row->min && value->number <= (double)row->max;
        break;
    case CONFIG_TYPE_BOOL:
        is_good = is_good && parse_bool(text, &value->is_true) == ST_OK;
        break;
    case CONFIG_TYPE_CHOICE:
        is_good = is_good && is_choice(row->unit, text);
        break;
    case CONFIG_TYPE_TEXT:
    case CONFIG_TYPE_PATH:
    case CONFIG_TYPE_SECRET:
        break;
    }
    if (!is_good) {
        return value_refuse(row, value, err);
    }
    value->is_set = true;
    return ST_OK;
}

/* The default; the host name stands for HOST_ID. */
static enum status
default_take(const struct config_row *row, struct config_value *value, struct err *err)
{
    const char *text = row->default_value;
    char host[CONFIG_HOST_BYTES] = "";
    if (row == &config_rows[CONFIG_HOST_ID] && gethostname(host, sizeof(host) - 1) == 0) {
        text = host;
    }
    if (text[0] == '\0') {
        return ST_OK;
    }
    if (secret_set(&value->text, text, strlen(text)) != ST_OK) {
        return err_set(err, ST_NO_MEMORY, "%s", row->name);
    }
    return value_parse(row, value, err);
}

static enum status row_load(
    const struct config_row *row, char *const *environment, const struct config_file *file,
    struct config_value *value, struct err *err)
{
    struct found found = {.value = NULL};
    enum status st = find_value(row, environment, file, &found, err);
    if (st != ST_OK) {
        return st;
    }
    if (found.value == NULL) {
        return default_take(row, value, err);
    }
    value->origin = found.origin;
    if (found.is_path) {
        st = config_file_read_value(found.value, &value->text, err);
        if (st != ST_OK) {
            (void)err_wrap(err, "%s_FILE", row->name); /* st is what counts */
            return st;
        }
    } else if (secret_set(&value->text, found.value, strlen(found.value)) != ST_OK) {
        return err_set(err, ST_NO_MEMORY, "%s", row->name);
    }
    return value_parse(row, value, err);
}

static void warn_add(struct config *config, const char *format, ...) PRINTF_LIKE(2, 3);
static void warn_add(struct config *config, const char *format, ...)
{
    if (config->warnings_count == CONFIG_WARNINGS_MAX) {
        return;
    }
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int written = vasprintf(&text, format, args);
    va_end(args);
    if (written >= 0) {
        config->warnings[config->warnings_count++] = text;
    }
}

static void environment_check_names(struct config *config, char *const *environment)
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        const char *equals = strchr(environment[i], '=');
        if (strncmp(environment[i], "PENSTOCK_", 9) != 0 || equals == NULL) {
            continue;
        }
        size_t len_bytes = (size_t)(equals - environment[i]);
        char name[CONFIG_NAME_BYTES] = "";
        if (len_bytes < sizeof(name)) {
            memcpy(name, environment[i], len_bytes);
        }
        if (!is_known_name(name)) {
            warn_add(config, "%.*s is no setting of penstock", (int)len_bytes, environment[i]);
        }
    }
}

static enum status file_check_names(const struct config_file *file, struct err *err)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct config_file_line *line = &file->lines[i];
        if (strncmp(line->name, "PENSTOCK_", 9) == 0 && !is_known_name(line->name)) {
            return err_set(
                err, ST_INVALID, "%s line %zu: %s is no setting of penstock", file->path,
                line->number, line->name);
        }
    }
    return ST_OK;
}

enum status config_load(
    enum config_program program, const char *file_path, char *const *environment,
    struct config **ret_config, struct err *err)
{
    assert(environment != NULL);
    CLEANUP(config_freep) struct config *config = calloc(1, sizeof(*config));
    if (config == NULL) {
        return err_set(err, ST_NO_MEMORY, "settings");
    }
    config->program = program;
    CLEANUP(config_file_done) struct config_file file = {.path = file_path};
    if (file_path != NULL) {
        enum status st = config_file_load(file_path, &file, err);
        if (st == ST_OK) {
            st = file_check_names(&file, err);
        }
        if (st != ST_OK) {
            return st;
        }
    }
    environment_check_names(config, environment);
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        if ((config_rows[i].programs & (int)program) == 0) {
            continue;
        }
        enum status st = row_load(&config_rows[i], environment, &file, &config->values[i], err);
        if (st != ST_OK) {
            return st;
        }
    }
    *ret_config = config;
    config = NULL;
    return ST_OK;
}

void config_free(struct config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        secret_done(&config->values[i].text);
    }
    for (size_t i = 0; i < config->warnings_count; i++) {
        free(config->warnings[i]);
    }
    free(config);
}

void config_freep(struct config **config)
{
    config_free(*config);
    *config = NULL;
}

const char *config_name(enum config_id id)
{
    return config_rows[id].name;
}

static const struct config_value *value_of(const struct config *config, enum config_id id)
{
    assert((config_rows[id].programs & (int)config->program) != 0);
    return &config->values[id];
}

bool config_is_set(const struct config *config, enum config_id id)
{
    return value_of(config, id)->is_set;
}

enum status config_require(const struct config *config, enum config_id id, struct err *err)
{
    if (config_is_set(config, id)) {
        return ST_OK;
    }
    return err_set(err, ST_INVALID, "%s is not set", config_rows[id].name);
}

const char *config_text(const struct config *config, enum config_id id)
{
    assert(
        config_rows[id].type == CONFIG_TYPE_TEXT || config_rows[id].type == CONFIG_TYPE_PATH ||
        config_rows[id].type == CONFIG_TYPE_CHOICE);
    const struct config_value *value = value_of(config, id);
    return value->is_set ? value->text.bytes : "";
}

const struct secret *config_secret(const struct config *config, enum config_id id)
{
    assert(config_rows[id].type == CONFIG_TYPE_SECRET);
    return &value_of(config, id)->text;
}

int64_t config_int(const struct config *config, enum config_id id)
{
    assert(config_rows[id].type == CONFIG_TYPE_INT);
    return value_of(config, id)->integer;
}

double config_number(const struct config *config, enum config_id id)
{
    assert(config_rows[id].type == CONFIG_TYPE_NUMBER);
    return value_of(config, id)->number;
}

bool config_bool(const struct config *config, enum config_id id)
{
    assert(config_rows[id].type == CONFIG_TYPE_BOOL);
    return value_of(config, id)->is_true;
}

enum log_level config_log_level(const struct config *config)
{
    enum log_level level = LOG_INFO;
    enum status st = log_level_parse(config_text(config, CONFIG_LOG_LEVEL), &level);
    assert(st == ST_OK); /* the table's words are the log's words */
    return level;
}

enum log_format config_log_format(const struct config *config, bool is_terminal)
{
    if (!config_is_set(config, CONFIG_LOG_FORMAT)) {
        return is_terminal ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    }
    bool is_json = strcmp(config_text(config, CONFIG_LOG_FORMAT), "json") == 0;
    return is_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
}

size_t config_warnings_count(const struct config *config)
{
    return config->warnings_count;
}

const char *config_warning(const struct config *config, size_t index)
{
    assert(index < config->warnings_count);
    return config->warnings[index];
}
