/*
 * POST S/clickpipes/import/kafka-engine: a CREATE TABLE … ENGINE = Kafka as the body of a create.
 * Nothing is made.
 */
#include "common/clickhouse/kafka_engine.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/import_wire.h"

enum status
handle_import_kafka_engine(const struct request *request, struct reply *reply, struct err *err)
{
    const char *sql = json_string_value(json_object_get(request->json, "sql"));
    if (sql == NULL) {
        return err_set(
            err, ST_INVALID, "/sql: required, a CREATE TABLE … ENGINE = Kafka statement");
    }
    struct kafka_engine engine;
    enum status status = kafka_engine_parse(sql, &engine, err);
    if (status == ST_OK) {
        status = wire_import_check(&engine, err);
    }
    if (status == ST_OK) {
        status = reply_set_result(reply, wire_import_to_json(&engine), err);
    }
    kafka_engine_done(&engine);
    return status;
}
