/* What a schema is made ready for, and what is said when it cannot be. */
#include "worker/replica/decode/reader.h"

#include <stdlib.h>
#include <string.h>

static bool takes_kind(enum reader_kind reader, enum schema_kind kind)
{
    switch (reader) {
    case READER_AVRO:
        return kind == SCHEMA_AVRO;
    case READER_JSON:
        return kind == SCHEMA_JSON;
    case READER_ANY:
        return kind == SCHEMA_AVRO || kind == SCHEMA_JSON;
    }
    return false; /* uncovered: the enum has no other value */
}

enum status reader_init(
    struct reader *ret_reader, enum reader_kind kind, const struct schema *schema,
    const struct plan *plan)
{
    struct reader reader = {.schema = schema};
    struct err err = {.text = ""};
    enum status st = ST_OK;
    if (!takes_kind(kind, schema->kind)) {
        st = err_set(
            &err, ST_INVALID, "it is %s, the pipe needs %s", schema_kind_text(schema->kind),
            kind == READER_AVRO   ? "Avro"
            : kind == READER_JSON ? "JSON"
                                  : "Avro or JSON");
    } else if (schema->kind == SCHEMA_AVRO) {
        st = avro_record_reader_new(schema, plan, &reader.avro, &err);
    } else if (kind == READER_JSON) {
        st = json_schema_new(schema, &reader.json, &err);
    }
    if (st == ST_NO_MEMORY) {
        return st;
    }
    if (st != ST_OK) {
        reader.reason = strdup(err.text);
        if (reader.reason == NULL) {
            return ST_NO_MEMORY;
        }
    }
    *ret_reader = reader;
    return ST_OK;
}

void reader_done(struct reader *reader)
{
    avro_record_reader_free(reader->avro);
    json_schema_free(reader->json);
    free(reader->reason);
    *reader = (struct reader){.schema = NULL};
}

enum status reader_avro_row(
    const struct reader *reader, const uint8_t *body, size_t len, struct block *block,
    struct reject *ret_reject)
{
    return avro_record_reader_row(reader->avro, body, len, block, ret_reject);
}

enum status reader_check(
    const struct reader *reader, const uint8_t *document, size_t len, struct reject *ret_reject)
{
    if (reader->json == NULL) {
        return ST_OK;
    }
    char message[REJECT_MESSAGE_BYTES];
    enum status st = json_schema_check(reader->json, document, len, message, sizeof(message));
    if (st == ST_REJECTED) {
        reject_set(ret_reject, REJECT_SCHEMA_VALIDATION, NULL, "%s", message);
    }
    return st == ST_INVALID ? ST_OK : st;
}
