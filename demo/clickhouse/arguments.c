/* What the HTTP interface knows itself is the table; ClickHouse's src/Server/HTTPHandler.cpp has
 * the same names. */
#include "demo/clickhouse/arguments.h"

#include <assert.h>
#include <string.h>

enum {
    SET_MAX_BYTES = 1024 * 1024,
};

enum argument_kind {
    ARGUMENT_SETTING,
    ARGUMENT_IGNORED, /* about things this server always does, or never */
    ARGUMENT_REFUSED,
    ARGUMENT_QUERY,
    ARGUMENT_DATABASE,
    ARGUMENT_DEFAULT_FORMAT,
    ARGUMENT_QUERY_ID,
    ARGUMENT_USER,
    ARGUMENT_PASSWORD,
    ARGUMENT_DECOMPRESS,
};

static const struct {
    const char *name;
    enum argument_kind kind;
} known[] = {
    {"query", ARGUMENT_QUERY},
    {"database", ARGUMENT_DATABASE},
    {"default_format", ARGUMENT_DEFAULT_FORMAT},
    {"query_id", ARGUMENT_QUERY_ID},
    {"user", ARGUMENT_USER},
    {"password", ARGUMENT_PASSWORD},
    {"decompress", ARGUMENT_DECOMPRESS},
    {"quota_key", ARGUMENT_IGNORED},
    {"wait_end_of_query", ARGUMENT_IGNORED}, /* every answer waits for its end */
    {"buffer_size", ARGUMENT_IGNORED},
    {"stacktrace", ARGUMENT_IGNORED},
    {"client_protocol_version", ARGUMENT_IGNORED},
    {"session_timeout", ARGUMENT_IGNORED},
    {"session_check", ARGUMENT_IGNORED},
    {"close_session", ARGUMENT_IGNORED},
    {"session_id", ARGUMENT_REFUSED},
    {"compress", ARGUMENT_REFUSED}, /* needs CityHash128 */
    {"role", ARGUMENT_REFUSED},
};

void arguments_init(struct arguments *a)
{
    *a = (struct arguments){.query = NULL};
    buf_init(&a->set_statement, SET_MAX_BYTES);
}

void arguments_done(struct arguments *a)
{
    buf_done(&a->set_statement);
}

static bool has_name(const struct request_argument *argument, const char *name)
{
    return argument->name_len == strlen(name) &&
           memcmp(argument->name, name, argument->name_len) == 0;
}

static enum argument_kind kind_of(const struct request_argument *argument)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (has_name(argument, known[i].name)) {
            return known[i].kind;
        }
    }
    return ARGUMENT_SETTING;
}

static bool is_true(const char *value)
{
    return strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
}

enum status arguments_add_quoted(struct buf *b, char quote, const char *text, size_t len_bytes)
{
    enum status st = buf_add(b, &quote, 1);
    for (size_t i = 0; st == ST_OK && i < len_bytes; i++) {
        if (text[i] == quote || text[i] == '\\') {
            st = buf_add_text(b, "\\");
        }
        st = st == ST_OK ? buf_add(b, text + i, 1) : st;
    }
    return st == ST_OK ? buf_add(b, &quote, 1) : st;
}

static bool is_setting_name(const char *name, size_t len_bytes)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    if (len_bytes == 0 || strchr(letters, name[0]) == NULL) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        bool is_digit = name[i] >= '0' && name[i] <= '9';
        if (name[i] == 0 || (!is_digit && name[i] != '.' && strchr(letters, name[i]) == NULL)) {
            return false;
        }
    }
    return true;
}

static enum status
add_setting(struct arguments *a, const struct request_argument *argument, struct fault *fault)
{
    if (!is_setting_name(argument->name, argument->name_len)) {
        fault_set(
            fault, 115, "UNKNOWN_SETTING", "Unknown setting '%.*s'", (int)argument->name_len,
            argument->name);
        return ST_REJECTED;
    }
    if (has_name(argument, "enable_http_compression")) {
        a->wants_compression = is_true(argument->value);
    }
    struct buf *b = &a->set_statement;
    enum status st = buf_add_text(b, b->len_bytes == 0 ? "SET " : ", ");
    st = st == ST_OK ? buf_add(b, argument->name, argument->name_len) : st;
    st = st == ST_OK ? buf_add_text(b, " = ") : st;
    return st == ST_OK ? arguments_add_quoted(b, '\'', argument->value, argument->value_len) : st;
}

static enum status
add_parameter(struct arguments *a, const struct request_argument *argument, struct fault *fault)
{
    static const char prefix[] = "param_";
    struct session_parameters *p = &a->parameters;
    if (p->count == SESSION_PARAMETERS_MAX) {
        fault_set(
            fault, FAULT_BAD_ARGUMENTS, "BAD_ARGUMENTS", "more than %d query parameters",
            SESSION_PARAMETERS_MAX);
        return ST_REJECTED;
    }
    p->names[p->count] = argument->name + sizeof(prefix) - 1;
    p->name_lens[p->count] = argument->name_len - (sizeof(prefix) - 1);
    p->values[p->count] = argument->value;
    p->value_lens[p->count] = argument->value_len;
    p->count++;
    return ST_OK;
}

static enum status
read_one(struct arguments *a, const struct request_argument *argument, struct fault *fault)
{
    if (argument->name_len > 6 && memcmp(argument->name, "param_", 6) == 0) {
        return add_parameter(a, argument, fault);
    }
    switch (kind_of(argument)) {
    case ARGUMENT_SETTING:
        return add_setting(a, argument, fault);
    case ARGUMENT_IGNORED:
        break;
    case ARGUMENT_REFUSED:
        if (argument->value_len == 0 || strcmp(argument->value, "0") == 0) {
            break;
        }
        fault_set(
            fault, FAULT_NOT_IMPLEMENTED, "NOT_IMPLEMENTED",
            "the development server does not know %.*s=", (int)argument->name_len, argument->name);
        return ST_REJECTED;
    case ARGUMENT_QUERY:
        a->query = argument;
        break;
    case ARGUMENT_DATABASE:
        a->database = argument->value;
        break;
    case ARGUMENT_DEFAULT_FORMAT:
        a->default_format = argument->value;
        break;
    case ARGUMENT_QUERY_ID:
        a->query_id = argument->value;
        break;
    case ARGUMENT_USER:
        a->user = argument->value;
        break;
    case ARGUMENT_PASSWORD:
        a->password = argument->value;
        break;
    case ARGUMENT_DECOMPRESS:
        a->has_blocks = is_true(argument->value);
        break;
    }
    return ST_OK;
}

enum status
arguments_read(struct arguments *a, const struct request_head *head, struct fault *fault)
{
    assert(a != NULL && head != NULL);
    a->database = head->database;
    a->default_format = head->format;
    for (size_t i = 0; i < head->argument_count; i++) {
        const struct request_argument *argument = &head->arguments[i];
        assert(argument->value != NULL);
        enum status st = read_one(a, argument, fault);
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}
