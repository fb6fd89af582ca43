/* The door: compile once, then a row per message, or why there is none. */
#include "worker/replica/decode/avro/avro_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/avro/avro_node.h"

struct avro_reader {
    struct avro_schema *schema;
    const struct block_column *columns; /* borrowed from the plan */
    int32_t schema_id;
    struct avro_node root;
    struct avro_run run;
};

/* Where paths can begin. */
static bool is_document(const struct avro_type *root)
{
    if (root->kind != AVRO_UNION) {
        return root->kind == AVRO_RECORD || root->kind == AVRO_MAP;
    }
    for (size_t i = 0; i < root->count; i++) {
        if (is_document(root->branches[i])) {
            return true;
        }
    }
    return false;
}

static enum status compile(struct avro_reader *reader, const struct plan *plan, struct err *err)
{
    const struct avro_type *root = avro_schema_root(reader->schema);
    if (!is_document(root)) {
        char text[256];
        avro_type_text(root, text, sizeof(text));
        return err_set(
            err, ST_INVALID, "the schema is of type %s; a record (or map) has fields for columns",
            text);
    }
    size_t count = 0;
    const struct plan_field *fields = plan_fields(plan, &count);
    struct avro_maker maker = {.err = err, .separator = plan_separator(plan)};
    if (count == 0) {
        avro_bind_skip(root, &reader->root);
        return ST_OK;
    }
    struct avro_use *uses = calloc(count, sizeof(*uses));
    if (uses == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for an Avro reader");
    }
    for (size_t i = 0; i < count; i++) {
        uses[i] = (struct avro_use){fields[i].path, fields[i].column, fields[i].cell};
    }
    enum status st = avro_follow(&maker, root, uses, count, false, &reader->root);
    free(uses);
    return st;
}

/* What texts on their way into JSON need. */
static enum status init_text(struct avro_run *r, struct err *err)
{
    static const struct pipe_settings DEFAULTS = {0};
    uint32_t next_id = 0;
    enum status st = ch_type_parse("String", &r->text_type, err);
    st = st == ST_OK ? cell_new(r->text_type, &DEFAULTS, &next_id, &r->text_cell, err) : st;
    return st == ST_OK ? column_new(r->text_type, &r->text, err) : st;
}

enum status avro_record_reader_new(
    const struct schema *schema, const struct plan *plan, struct avro_reader **ret_reader,
    struct err *err)
{
    assert(schema != NULL && plan != NULL);
    struct avro_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for an Avro reader");
    }
    size_t count = 0;
    reader->columns = plan_columns(plan, &count);
    reader->schema_id = schema->id > 0 ? schema->id : 0;
    enum status st = avro_schema_new(schema, &reader->schema, err);
    st = st == ST_OK ? compile(reader, plan, err) : st;
    st = st == ST_OK ? init_text(&reader->run, err) : st;
    if (st != ST_OK) {
        avro_record_reader_free(reader);
        return st;
    }
    *ret_reader = reader;
    return ST_OK;
}

void avro_record_reader_free(struct avro_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    avro_node_done(&reader->root);
    avro_schema_free(reader->schema);
    convert_done(&reader->run.convert);
    column_free(reader->run.text);
    cell_free(reader->run.text_cell);
    ch_type_free(reader->run.text_type);
    bytes_done(&reader->run.json);
    free(reader);
}

static enum status describe(const struct avro_reader *reader, struct reject *reject)
{
    const struct avro_run *r = &reader->run;
    size_t place = (size_t)(r->fault_at - r->start);
    if (r->fault == AVRO_BAD) {
        reject_set(
            reject, REJECT_DATA_PARSING, NULL, "malformed Avro at byte %zu: %s", place, r->reason);
    } else {
        char from[256];
        avro_type_text(r->fault_node->type, from, sizeof(from));
        const struct block_column *column = &reader->columns[r->fault_node->column];
        CLEANUP(freep) char *to = ch_type_text(column->type);
        reject_shorten(to);
        reject_set(
            reject, REJECT_TYPE_CONVERSION, column->name,
            "column %s: Avro %s at byte %zu does not fit %s: %s", column->name, from, place,
            to == NULL ? ch_kind_name(column->type->kind) : to, r->reason);
    }
    reject->schema_id = reader->schema_id;
    return ST_REJECTED;
}

enum status avro_record_reader_row(
    struct avro_reader *reader, const uint8_t *body, size_t len, struct block *block,
    struct reject *ret_reject)
{
    struct avro_run *r = &reader->run;
    r->start = body;
    r->end = body + len;
    r->columns = block_columns(block);
    r->empty_items = 0;
    struct column *first = r->columns[reader->root.column];
    const uint8_t *at = reader->root.run(r, &reader->root, first, body);
    if (LIKELY(at == r->end)) {
        return ST_OK;
    }
    if (at != NULL) {
        (void)avro_bad(r, at, "bytes are left behind the value");
    }
    column_truncate(r->text, 0);
    return r->fault == AVRO_NO_MEMORY ? ST_NO_MEMORY : describe(reader, ret_reject);
}
