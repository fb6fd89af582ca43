/*
 * Any bytes as CREATE TABLE … ENGINE = Kafka: what parses is written again from its parts, in one
 * plain form, and that parses to the same parts. As a pipe it has the engine's topics and columns
 * and an answer of the model; what the engine would not take is refused with a reason.
 */
#include <string.h>

#include "common/base/buf.h"
#include "common/clickhouse/ddl.h"
#include "common/clickhouse/kafka_engine.h"

#include "api/wire/import_wire.h"
#include "api/wire/pipe_wire.h"
#include "tests/fuzz/fuzz.h"

enum {
    WRITTEN_MAX_BYTES = 4 * KAFKA_ENGINE_SQL_MAX_BYTES
};

static void add(struct buf *sql, const char *text)
{
    FUZZ_REQUIRE(buf_add_text(sql, text) == ST_OK, "memory");
}

static void add_name(struct buf *sql, const char *name)
{
    FUZZ_REQUIRE(clickhouse_quote_identifier(sql, name) == ST_OK, "memory");
}

static void write_engine(const struct kafka_engine *engine, struct buf *sql)
{
    add(sql, "CREATE TABLE ");
    if (engine->database != NULL) {
        add_name(sql, engine->database);
        add(sql, ".");
    }
    add_name(sql, engine->table);
    add(sql, " (");
    for (size_t i = 0; i < engine->columns_count; i++) {
        add(sql, i == 0 ? "" : ", ");
        add_name(sql, engine->columns[i].name);
        add(sql, " ");
        add(sql, engine->columns[i].type);
    }
    add(sql, ") ENGINE = Kafka");
    for (size_t i = 0; i < engine->settings_count; i++) {
        add(sql, i == 0 ? " SETTINGS " : ", ");
        add(sql, engine->settings[i].name);
        add(sql, " = ");
        FUZZ_REQUIRE(clickhouse_quote_string(sql, engine->settings[i].value) == ST_OK, "memory");
    }
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
require_same(const struct kafka_engine *engine, const struct kafka_engine *again, const char *sql)
{
    FUZZ_REQUIRE(is_same(engine->database, again->database), "database: %s", sql);
    FUZZ_REQUIRE(is_same(engine->table, again->table), "table: %s", sql);
    FUZZ_REQUIRE(engine->columns_count == again->columns_count, "columns: %s", sql);
    for (size_t i = 0; i < engine->columns_count; i++) {
        FUZZ_REQUIRE(is_same(engine->columns[i].name, again->columns[i].name), "%zu: %s", i, sql);
        FUZZ_REQUIRE(is_same(engine->columns[i].type, again->columns[i].type), "%zu: %s", i, sql);
    }
    FUZZ_REQUIRE(engine->settings_count == again->settings_count, "settings: %s", sql);
    for (size_t i = 0; i < engine->settings_count; i++) {
        FUZZ_REQUIRE(is_same(engine->settings[i].name, again->settings[i].name), "%zu: %s", i, sql);
        FUZZ_REQUIRE(
            is_same(engine->settings[i].value, again->settings[i].value), "%zu: %s", i, sql);
    }
    FUZZ_REQUIRE(!again->has_expressions, "%s", sql);
}

static void require_written(const struct kafka_engine *engine)
{
    struct buf sql;
    buf_init(&sql, WRITTEN_MAX_BYTES);
    write_engine(engine, &sql);
    if (sql.len_bytes < KAFKA_ENGINE_SQL_MAX_BYTES) {
        struct kafka_engine again;
        struct err err = {0};
        enum status st = kafka_engine_parse(buf_text(&sql), &again, &err);
        FUZZ_REQUIRE(st == ST_OK, "%s: %s", err.text, buf_text(&sql));
        require_same(engine, &again, buf_text(&sql));
        kafka_engine_done(&again);
    }
    buf_done(&sql);
}

/* The model's answer to what was made of it. */
static void require_judged(json_t *pipe)
{
    json_t *definition = NULL;
    json_t *secrets = NULL;
    struct err err = {0};
    FUZZ_REQUIRE(wire_pipe_split(pipe, &definition, &secrets, &err) == ST_OK, "%s", err.text);
    struct pipe_problems problems = {0};
    struct pipe_spec *spec = NULL;
    enum status st = pipe_spec_from_json(definition, secrets, &problems, &spec, &err);
    FUZZ_REQUIRE(st == ST_OK || (st == ST_INVALID && problems.count > 0), "%d", (int)st);
    pipe_spec_free(spec);
    pipe_problems_done(&problems);
    json_decref(definition);
    json_decref(secrets);
}

static void require_pipe(const struct kafka_engine *engine)
{
    struct err err = {0};
    enum status st = wire_import_check(engine, &err);
    FUZZ_REQUIRE(st == ST_OK || (st == ST_INVALID && err.text[0] != '\0'), "%d", (int)st);
    json_t *json = st == ST_OK ? wire_import_to_json(engine) : NULL;
    json_t *pipe = json_object_get(json, "pipe");
    FUZZ_REQUIRE(st != ST_OK || pipe != NULL, "memory");
    if (pipe != NULL) {
        const char *topics = kafka_engine_setting(engine, "kafka_topic_list");
        const json_t *kafka = json_object_get(json_object_get(pipe, "source"), "kafka");
        const json_t *columns = json_object_get(json_object_get(pipe, "destination"), "columns");
        const char *shown = json_string_value(json_object_get(kafka, "topics"));
        FUZZ_REQUIRE(is_same(shown, topics == NULL ? "" : topics), "topics");
        FUZZ_REQUIRE(json_array_size(columns) == engine->columns_count, "columns");
        require_judged(pipe);
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text != NULL, "memory");
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    struct kafka_engine engine;
    struct err err = {0};
    enum status st = kafka_engine_parse(text, &engine, &err);
    FUZZ_REQUIRE(st == ST_OK || (st == ST_INVALID && err.text[0] != '\0'), "%d", (int)st);
    if (st == ST_OK) {
        require_written(&engine);
        require_pipe(&engine);
    }
    kafka_engine_done(&engine);
    free(text);
    return 0;
}
