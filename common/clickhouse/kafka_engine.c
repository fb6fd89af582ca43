/*
 * A small recursive-descent reader. Types are taken as slices of the text: whether they are good is
 * the type parser's question, asked when the pipe is made.
 */
#include "common/clickhouse/kafka_engine.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    SHOWN_CHARS = 24,
    POSITIONAL_MAX = 7,
};

struct reader {
    const char *sql; /* the whole, for positions */
    const char *at;
    struct err *err;
};

static enum status expected(const struct reader *reader, const char *what)
{
    return err_set(
        reader->err, ST_INVALID, "/sql: expected %s at position %zu, before '%.*s'", what,
        (size_t)(reader->at - reader->sql), SHOWN_CHARS, reader->at);
}

static void skip_blanks(struct reader *reader)
{
    for (;;) {
        while (isspace((unsigned char)*reader->at)) {
            reader->at++;
        }
        if (strncmp(reader->at, "--", 2) == 0) {
            reader->at += strcspn(reader->at, "\n");
        } else if (strncmp(reader->at, "/*", 2) == 0) {
            const char *end = strstr(reader->at + 2, "*/");
            reader->at = end == NULL ? reader->at + strlen(reader->at) : end + 2;
        } else {
            return;
        }
    }
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Take this keyword if it comes next. */
static bool take_word(struct reader *reader, const char *word)
{
    skip_blanks(reader);
    size_t len = strlen(word);
    if (strncasecmp(reader->at, word, len) != 0 || is_word_char(reader->at[len])) {
        return false;
    }
    reader->at += len;
    return true;
}

static bool take_char(struct reader *reader, char c)
{
    skip_blanks(reader);
    if (*reader->at != c) {
        return false;
    }
    reader->at++;
    return true;
}

static char unescape(char c)
{
    static const char letters[] = "nrtbf0";
    static const char bytes[] = "\n\r\t\b\f";
    const char *found = strchr(letters, c);
    return found == NULL || c == '\0' ? c : c == '0' ? '?' : bytes[found - letters];
}

/* Past the quoted text that begins here; its contents into ret_text if that is not NULL. */
static enum status take_quoted(struct reader *reader, char **ret_text)
{
    const char mark = *reader->at;
    const char *from = reader->at + 1;
    char *text = malloc(strlen(from) + 1);
    if (text == NULL) {
        return err_set(reader->err, ST_NO_MEMORY, "no memory for a text");
    }
    size_t len = 0;
    const char *at = from;
    while (*at != '\0' && (*at != mark || at[1] == mark)) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
            text[len++] = unescape(*at++);
        } else {
            at += *at == mark ? 1 : 0; /* doubled */
            text[len++] = *at++;
        }
    }
    text[len] = '\0';
    if (*at != mark) {
        free(text);
        return expected(reader, "the end of a quoted text");
    }
    reader->at = at + 1;
    if (ret_text == NULL) {
        free(text);
    } else {
        *ret_text = text;
    }
    return ST_OK;
}

static enum status take_name(struct reader *reader, char **ret_name)
{
    skip_blanks(reader);
    if (*reader->at == '`' || *reader->at == '"') {
        return take_quoted(reader, ret_name);
    }
    size_t len = 0;
    while (is_word_char(reader->at[len])) {
        len++;
    }
    if (len == 0) {
        return expected(reader, "a name");
    }
    *ret_name = strndup(reader->at, len);
    reader->at += len;
    return *ret_name == NULL ? err_set(reader->err, ST_NO_MEMORY, "no memory for a name") : ST_OK;
}

/* A text, or a number or word as it is written. */
static enum status take_value(struct reader *reader, char **ret_value)
{
    skip_blanks(reader);
    if (*reader->at == '\'') {
        return take_quoted(reader, ret_value);
    }
    size_t len = 0;
    while (is_word_char(reader->at[len]) || strchr("+-.", reader->at[len]) != NULL) {
        if (reader->at[len] == '\0') {
            break;
        }
        len++;
    }
    if (len == 0) {
        return expected(reader, "a value");
    }
    *ret_value = strndup(reader->at, len);
    reader->at += len;
    return *ret_value == NULL ? err_set(reader->err, ST_NO_MEMORY, "no memory for a value") : ST_OK;
}

/* True if a keyword that ends a column's type comes next. */
static bool at_end_of_type(const struct reader *reader)
{
    static const char *const words[] = {"DEFAULT", "MATERIALIZED", "ALIAS",   "EPHEMERAL",
                                        "CODEC",   "TTL",          "COMMENT", "STATISTICS",
                                        "PRIMARY", "SETTINGS",     "COLLATE"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct reader ahead = *reader;
        if (take_word(&ahead, words[i])) {
            return true;
        }
    }
    return false;
}

/* Past one quoted text, word or other character. */
static enum status skip_one(struct reader *reader)
{
    const char c = *reader->at;
    if (c == '\'' || c == '`' || c == '"') {
        return take_quoted(reader, NULL);
    }
    do {
        reader->at++;
    } while (is_word_char(c) && is_word_char(*reader->at));
    return ST_OK;
}

/* Past everything up to a comma or closing bracket of this level, or a keyword that ends a type.
 * ret_is_word: it was a keyword. */
static enum status skip_slice(struct reader *reader, bool stops_at_words, bool *ret_is_word)
{
    int depth = 0;
    *ret_is_word = false;
    enum status st = ST_OK;
    while (st == ST_OK) {
        skip_blanks(reader);
        const char c = *reader->at;
        if (c == '\0') {
            return expected(reader, "')'");
        }
        if (depth == 0 && (c == ',' || c == ')')) {
            return ST_OK;
        }
        if (depth == 0 && stops_at_words && at_end_of_type(reader)) {
            *ret_is_word = true;
            return ST_OK;
        }
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        st = skip_one(reader);
    }
    return st;
}

static enum status add_column(struct reader *reader, struct kafka_engine *engine)
{
    struct pipe_column *grown =
        reallocarray(engine->columns, engine->columns_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return err_set(reader->err, ST_NO_MEMORY, "no memory for a column");
    }
    engine->columns = grown;
    struct pipe_column *column = &grown[engine->columns_count++];
    *column = (struct pipe_column){.name = NULL};
    enum status st = take_name(reader, &column->name);
    if (st != ST_OK) {
        return st;
    }
    skip_blanks(reader);
    const char *from = reader->at;
    bool is_word = false;
    st = skip_slice(reader, true, &is_word);
    size_t len = (size_t)(reader->at - from);
    while (len > 0 && isspace((unsigned char)from[len - 1])) {
        len--;
    }
    if (st == ST_OK && len == 0) {
        return expected(reader, "the type of a column");
    }
    if (st == ST_OK) {
        column->type = strndup(from, len);
        st = column->type == NULL ? err_set(reader->err, ST_NO_MEMORY, "no memory for a type")
                                  : ST_OK;
    }
    if (st == ST_OK && is_word) {
        engine->has_expressions = true;
        st = skip_slice(reader, false, &is_word);
    }
    return st;
}

/* Whether an index, a constraint or a projection stands here: "INDEX x …" is no column; "index
 * UInt8" is one. Reads nothing away. */
static bool is_no_column(const struct reader *reader)
{
    static const char *const others[] = {"INDEX", "CONSTRAINT", "PROJECTION"};
    bool is_other = false;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct reader ahead = *reader;
        char *name = NULL;
        if (take_word(&ahead, others[i]) && take_name(&ahead, &name) == ST_OK) {
            struct reader type = ahead;
            is_other = take_word(&type, "CHECK") || take_word(&type, "ASSUME") ||
                       take_char(&type, '(') || is_word_char(*type.at);
        }
        free(name);
    }
    return is_other;
}

static enum status take_columns(struct reader *reader, struct kafka_engine *engine)
{
    if (!take_char(reader, '(')) {
        return expected(reader, "'(' and the columns");
    }
    enum status st = ST_OK;
    do {
        const bool is_other = is_no_column(reader);
        bool is_word = false;
        engine->has_expressions = engine->has_expressions || is_other;
        st = is_other ? skip_slice(reader, false, &is_word) : add_column(reader, engine);
    } while (st == ST_OK && take_char(reader, ','));
    if (st == ST_OK && engine->columns_count == 0) {
        return expected(reader, "a column");
    }
    return st != ST_OK || take_char(reader, ')') ? st : expected(reader, "',' or ')'");
}

static enum status
add_setting(struct reader *reader, struct kafka_engine *engine, char *name, char *value)
{
    struct kafka_engine_setting *grown =
        reallocarray(engine->settings, engine->settings_count + 1, sizeof(*grown));
    if (grown == NULL || name == NULL) {
        free(name);
        free(value);
        engine->settings = grown == NULL ? engine->settings : grown;
        return err_set(reader->err, ST_NO_MEMORY, "no memory for a setting");
    }
    engine->settings = grown;
    grown[engine->settings_count++] = (struct kafka_engine_setting){name, value};
    return ST_OK;
}

static enum status take_arguments(struct reader *reader, struct kafka_engine *engine)
{
    static const char *const names[POSITIONAL_MAX] = {
        "kafka_broker_list",   "kafka_topic_list", "kafka_group_name",    "kafka_format",
        "kafka_row_delimiter", "kafka_schema",     "kafka_num_consumers",
    };
    if (!take_char(reader, '(') || take_char(reader, ')')) {
        return ST_OK;
    }
    size_t index = 0;
    enum status st = ST_OK;
    do {
        char *value = NULL;
        st = take_value(reader, &value);
        if (st == ST_OK && index >= POSITIONAL_MAX) {
            free(value);
            return expected(reader, "at most seven arguments of the engine");
        }
        if (st == ST_OK) {
            st = add_setting(reader, engine, strdup(names[index++]), value);
        }
    } while (st == ST_OK && take_char(reader, ','));
    return st != ST_OK || take_char(reader, ')') ? st : expected(reader, "',' or ')'");
}

static enum status take_settings(struct reader *reader, struct kafka_engine *engine)
{
    enum status st = ST_OK;
    do {
        char *name = NULL;
        char *value = NULL;
        st = take_name(reader, &name);
        if (st == ST_OK && !take_char(reader, '=')) {
            st = expected(reader, "'=' after a setting's name");
        }
        st = st == ST_OK ? take_value(reader, &value) : st;
        if (st != ST_OK) {
            free(name);
            return st;
        }
        st = add_setting(reader, engine, name, value);
    } while (st == ST_OK && take_char(reader, ','));
    return st;
}

static enum status take_head(struct reader *reader, struct kafka_engine *engine)
{
    if (!take_word(reader, "CREATE") && !take_word(reader, "ATTACH")) {
        return expected(reader, "CREATE TABLE");
    }
    (void)(take_word(reader, "OR") && take_word(reader, "REPLACE")); /* the same table */
    if (!take_word(reader, "TABLE")) {
        return expected(reader, "TABLE");
    }
    (void)(take_word(reader, "IF") && take_word(reader, "NOT") && take_word(reader, "EXISTS"));
    enum status st = take_name(reader, &engine->table);
    if (st == ST_OK && take_char(reader, '.')) {
        engine->database = engine->table;
        engine->table = NULL;
        st = take_name(reader, &engine->table);
    }
    char *word = NULL;
    if (st == ST_OK && take_word(reader, "UUID")) {
        st = take_value(reader, &word);
    }
    free(word);
    word = NULL;
    if (st == ST_OK && take_word(reader, "ON") && take_word(reader, "CLUSTER")) {
        skip_blanks(reader);
        st = *reader->at == '\'' ? take_value(reader, &word) : take_name(reader, &word);
    }
    free(word);
    return st;
}

static enum status take_tail(struct reader *reader, struct kafka_engine *engine)
{
    if (!take_word(reader, "ENGINE")) {
        return expected(reader, "ENGINE = Kafka");
    }
    (void)take_char(reader, '='); /* may be left out */
    if (!take_word(reader, "Kafka") && !take_word(reader, "Kafka2")) {
        return expected(reader, "Kafka: other engines cannot be imported");
    }
    enum status st = take_arguments(reader, engine);
    char *comment = NULL;
    if (st == ST_OK && take_word(reader, "COMMENT")) {
        st = take_value(reader, &comment);
    }
    if (st == ST_OK && take_word(reader, "SETTINGS")) {
        st = take_settings(reader, engine);
    }
    free(comment);
    comment = NULL;
    if (st == ST_OK && take_word(reader, "COMMENT")) {
        st = take_value(reader, &comment);
    }
    free(comment);
    (void)take_char(reader, ';'); /* may be left out */
    skip_blanks(reader);
    return st != ST_OK || *reader->at == '\0' ? st : expected(reader, "the end of the statement");
}

enum status kafka_engine_parse(const char *sql, struct kafka_engine *ret_engine, struct err *err)
{
    *ret_engine = (struct kafka_engine){.table = NULL};
    if (strlen(sql) > KAFKA_ENGINE_SQL_MAX_BYTES) {
        return err_set(err, ST_TOO_LARGE, "/sql: longer than 256 kB");
    }
    struct reader reader = {.sql = sql, .at = sql, .err = err};
    enum status st = take_head(&reader, ret_engine);
    st = st == ST_OK ? take_columns(&reader, ret_engine) : st;
    return st == ST_OK ? take_tail(&reader, ret_engine) : st;
}

void kafka_engine_done(struct kafka_engine *engine)
{
    for (size_t i = 0; i < engine->columns_count; i++) {
        free(engine->columns[i].name);
        free(engine->columns[i].type);
    }
    for (size_t i = 0; i < engine->settings_count; i++) {
        free(engine->settings[i].name);
        free(engine->settings[i].value);
    }
    free(engine->columns);
    free(engine->settings);
    free(engine->database);
    free(engine->table);
    *engine = (struct kafka_engine){.table = NULL};
}

const char *kafka_engine_setting(const struct kafka_engine *engine, const char *name)
{
    for (size_t i = engine->settings_count; i > 0; i--) {
        if (strcmp(engine->settings[i - 1].name, name) == 0) {
            return engine->settings[i - 1].value;
        }
    }
    return NULL;
}
