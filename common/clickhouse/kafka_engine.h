#ifndef COMMON_CLICKHOUSE_KAFKA_ENGINE_H
#define COMMON_CLICKHOUSE_KAFKA_ENGINE_H

/*
 * Reading CREATE TABLE … ENGINE = Kafka(…) as ClickHouse writes and takes it: names in all three
 * quotings, literals, comments, both forms of the engine's arguments. Pure. What it reads is what a
 * user pasted: any bytes give a result or ST_INVALID.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

struct kafka_engine_setting {
    char *name;
    char *value; /* of a text its contents, of a number its digits */
};

struct kafka_engine {
    char *database; /* NULL = not said */
    char *table;
    struct pipe_column *columns; /* name and type as written */
    size_t columns_count;
    struct kafka_engine_setting *settings; /* positional arguments under their settings' names */
    size_t settings_count;
    bool has_expressions; /* DEFAULT, MATERIALIZED, ALIAS, CODEC, TTL … of columns, left out */
};

enum {
    KAFKA_ENGINE_SQL_MAX_BYTES = 256 * 1024
};

/* ret_engine: kafka_engine_done, whatever comes back. ST_INVALID says what was expected where,
 * ST_TOO_LARGE, ST_NO_MEMORY. */
enum status
kafka_engine_parse(const char *sql, struct kafka_engine *ret_engine, struct err *err) MUST_CHECK;
void kafka_engine_done(struct kafka_engine *engine);

/* The value of a setting, the last one if it is there twice; NULL if absent. Borrowed. */
const char *kafka_engine_setting(const struct kafka_engine *engine, const char *name);

#endif
