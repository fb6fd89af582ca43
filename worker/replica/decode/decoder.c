/*
 * One record to its rows: which schema reads it, the cells of the value and of the key, the
 * virtual columns, the verdict. What a pipe does not use costs its records nothing: plain JSON
 * takes the short way through decoder_add.
 */
#include "worker/replica/decode/decoder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"
#include "worker/replica/decode/document.h"
#include "worker/replica/decode/frame.h"
#include "worker/replica/decode/json_walk.h"
#include "worker/replica/decode/plan_tree.h"
#include "worker/replica/decode/readers.h"
#include "worker/replica/decode/split.h"

enum {
    MESSAGE_ROWS_MAX_BYTES = 64 * 1024 * 1024, /* all rows of one message, encoded */
};

struct decoder {
    const struct plan *plan;
    const struct schema_source *source; /* NULL = no registry */
    bool is_plain;                      /* JSON without schema, one document, no key fields */
    struct document *document;          /* owned; NULL if the plan reads no value */
    struct document *key_document;      /* owned; NULL if it reads no key */
    struct readers *readers;            /* owned; NULL if no value needs a schema */
    struct readers *key_readers;        /* owned; likewise for keys */
    struct record_header *headers;      /* owned, RECORD_HEADERS_MAX; NULL if none are needed */
    struct bytes copy;                  /* an Avro body with padding behind it */
    bool is_direct;                     /* framed Avro, no key fields: one record, one row */
    const struct reader *usual; /* of the last record; NULL = the next one goes the long way */
    uint8_t usual_head[FRAME_HEAD_BYTES]; /* the frame of its records */
};

/* A part of a record on its way: its bytes and what reads them. */
struct part {
    struct frame frame;
    struct reader *reader; /* NULL = JSON without a schema */
};

/* A document of a value. */
struct piece {
    struct frame bytes;
    const char *word; /* what it is called */
    size_t number;    /* from 1; 0 = the whole value */
};

struct input {
    const struct record *record;
    struct part value;
    struct part key;
};

static bool is_json(const struct plan *plan)
{
    return plan->format == PIPE_FORMAT_JSON;
}

static enum status new_readers(struct decoder *d, struct err *err)
{
    enum status st = ST_OK;
    if (d->source != NULL && d->plan->root != NULL) {
        st = readers_new(
            d->source, d->plan, is_json(d->plan) ? READER_JSON : READER_AVRO, &d->readers, err);
    }
    if (st == ST_OK && d->source != NULL && d->plan->key != NULL) {
        st = readers_new(d->source, d->plan->key, READER_ANY, &d->key_readers, err);
    }
    return st;
}

static enum status init(struct decoder *d, struct err *err)
{
    const struct plan *plan = d->plan;
    enum status st = ST_OK;
    if (plan->root != NULL) {
        st = document_new(plan, &d->document, err);
    }
    if (st == ST_OK && plan->key != NULL) {
        st = document_new(plan->key, &d->key_document, err);
    }
    if (st == ST_OK) {
        st = new_readers(d, err);
    }
    if (st != ST_OK || !plan_needs_headers(plan)) {
        return st;
    }
    d->headers = calloc(RECORD_HEADERS_MAX, sizeof(*d->headers));
    return d->headers == NULL ? err_set(err, ST_NO_MEMORY, "out of memory for a decoder") : ST_OK;
}

enum status decoder_new(
    const struct plan *plan, const struct schema_source *source, struct decoder **ret_decoder,
    struct err *err)
{
    assert(plan != NULL);
    CLEANUP(decoder_freep) struct decoder *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a decoder");
    }
    d->plan = plan;
    d->source = source;
    d->is_plain = plan->root != NULL && plan->key == NULL && source == NULL && is_json(plan) &&
                  plan->multi_record == PIPE_MULTI_RECORD_OFF;
    d->is_direct = plan->root != NULL && plan->key == NULL && source != NULL &&
                   plan->format == PIPE_FORMAT_AVRO_CONFLUENT &&
                   plan->multi_record == PIPE_MULTI_RECORD_OFF;
    enum status st = init(d, err);
    if (st != ST_OK) {
        return st;
    }
    *ret_decoder = d;
    d = NULL;
    return ST_OK;
}

void decoder_free(struct decoder *d)
{
    if (d == NULL) {
        return;
    }
    document_free(d->document);
    document_free(d->key_document);
    readers_free(d->readers);
    readers_free(d->key_readers);
    bytes_done(&d->copy);
    free(d->headers);
    free(d);
}

void decoder_freep(struct decoder **d)
{
    decoder_free(*d);
    *d = NULL;
}

/* The virtual columns of the open row. */
static bool write_virtuals(struct decoder *d, const struct record *record, struct block *block)
{
    struct virtual_headers headers = {.items = d->headers};
    if (d->headers != NULL && record->read_headers != NULL) {
        headers.count = record->read_headers(record, d->headers, RECORD_HEADERS_MAX);
        headers.count = headers.count > RECORD_HEADERS_MAX ? RECORD_HEADERS_MAX : headers.count;
    }
    for (size_t i = 0; i < d->plan->virtuals_count; i++) {
        const struct plan_virtual *item = &d->plan->virtuals[i];
        if (!virtual_write(item->kind, record, &headers, block_column(block, item->column))) {
            return false;
        }
    }
    return true;
}

/* Close the open row: with its virtual columns if st is ST_OK, else by dropping it. */
static enum status end_row(
    struct decoder *d, const struct record *record, size_t input_bytes, struct block *block,
    enum status st)
{
    if (LIKELY(st == ST_OK) && UNLIKELY(!write_virtuals(d, record, block))) {
        st = ST_NO_MEMORY;
    }
    if (UNLIKELY(st != ST_OK)) {
        block_row_rollback(block);
        return st;
    }
    block_row_commit(block, input_bytes);
    return ST_OK;
}

/* An Avro body; behind it the reader needs padding. */
static enum status read_avro(
    struct decoder *d, const struct reader *reader, const struct frame *frame, struct block *block,
    struct reject *reject)
{
    const uint8_t *body = frame->body;
    document_prefetch(body + frame->body_bytes, frame->body_bytes);
    if (document_must_copy(body + frame->body_bytes)) {
        d->copy.len = 0;
        if (!bytes_add(&d->copy, body, frame->body_bytes) ||
            !bytes_add_zeros(&d->copy, JSON_PADDING_BYTES)) {
            return ST_NO_MEMORY;
        }
        body = d->copy.at;
    }
    return reader_avro_row(reader, body, frame->body_bytes, block, reject);
}

static enum status read_document(
    struct document *document, const struct reader *reader, const struct frame *piece,
    struct block *block, struct reject *reject)
{
    if (piece->body_bytes == 0) {
        reject_set(reject, REJECT_DATA_PARSING, NULL, "the value is empty");
        return ST_REJECTED;
    }
    if (reader != NULL) {
        enum status st = reader_check(reader, piece->body, piece->body_bytes, reject);
        if (st != ST_OK) {
            return st;
        }
    }
    return document_row(document, piece->body, piece->body_bytes, block, reject);
}

/* The columns that read the key. A null key has no fields. */
static enum status
read_key(struct decoder *d, const struct input *in, struct block *block, struct reject *reject)
{
    const struct plan *plan = d->plan->key;
    if (plan == NULL) {
        return ST_OK;
    }
    if (in->record->key == NULL) {
        for (size_t i = 0; i < plan->fields_count; i++) {
            if (!column_add_absent(block_column(block, plan->fields[i].column))) {
                return ST_NO_MEMORY;
            }
        }
        return ST_OK;
    }
    const struct frame *frame = &in->key.frame;
    bool is_avro = in->key.reader != NULL && in->key.reader->avro != NULL;
    enum status st = is_avro ? read_avro(d, in->key.reader, frame, block, reject)
                             : read_document(d->key_document, in->key.reader, frame, block, reject);
    if (st == ST_REJECTED) {
        reject_prefix(reject, "key: ");
    }
    return st;
}

/* The columns that read the value: none in a raw pipe. */
static enum status read_value(
    struct decoder *d, const struct reader *reader, const struct frame *body, struct block *block,
    struct reject *reject)
{
    if (d->document == NULL) {
        return ST_OK;
    }
    if (reader != NULL && reader->avro != NULL) {
        return read_avro(d, reader, body, block, reject);
    }
    return read_document(d->document, reader, body, block, reject);
}

/* A row from one document. */
static enum status add_row(
    struct decoder *d, const struct input *in, const struct piece *piece, struct block *block,
    struct reject *reject)
{
    const struct frame *body = &piece->bytes;
    enum status st = read_value(d, in->value.reader, body, block, reject);
    if (st == ST_REJECTED && piece->number > 0) {
        reject_prefix(reject, "%s %zu: ", piece->word, piece->number);
    }
    st = st == ST_OK ? read_key(d, in, block, reject) : st;
    return end_row(d, in->record, body->body_bytes, block, st);
}

/* All rows of a message that holds several documents; the caller drops them if one fails. */
static enum status
add_rows(struct decoder *d, const struct input *in, struct block *block, struct reject *reject)
{
    bool is_lines = d->plan->multi_record == PIPE_MULTI_RECORD_LINES;
    const char *word = is_lines ? "line" : "element";
    const struct frame *whole = &in->value.frame;
    size_t most_bytes = block_encoded_bytes(block) + MESSAGE_ROWS_MAX_BYTES;
    struct split split;
    split_begin(&split, is_lines ? SPLIT_LINES : SPLIT_ARRAY, whole->body, whole->body_bytes);
    for (;;) {
        struct frame bytes = {.body = NULL};
        const char *reason = "";
        switch (split_next(&split, &bytes.body, &bytes.body_bytes, &reason)) {
        case SPLIT_OVER:
            return ST_OK;
        case SPLIT_BAD:
            reject_set(
                reject, REJECT_DATA_PARSING, NULL, "malformed JSON at byte %zu: %s",
                (size_t)(bytes.body - whole->body), reason);
            return ST_REJECTED;
        case SPLIT_PIECE:
            break;
        }
        struct piece piece = {.bytes = bytes, .word = word, .number = split.number};
        enum status st = add_row(d, in, &piece, block, reject);
        if (st != ST_OK) {
            return st;
        }
        if (block_encoded_bytes(block) > most_bytes) {
            reject_set(
                reject, REJECT_RECORD_TOO_LARGE, NULL,
                "the rows of the message take more than %d MB, found at %s %zu",
                MESSAGE_ROWS_MAX_BYTES / 1024 / 1024, word, split.number);
            return ST_REJECTED;
        }
    }
}

static enum status refuse_schema(struct reject *reject, const char *reason)
{
    reject_set(reject, REJECT_SOURCE_SCHEMA, NULL, "%s", reason);
    return ST_REJECTED;
}

/* The reader of a part that is read with a schema: the id before its body wins over the URL's. */
static enum status
find_reader(struct readers *readers, struct part *part, struct decoder_outcome *outcome)
{
    int32_t id = SCHEMA_PINNED;
    if (part->frame.is_framed) {
        if (part->frame.id > INT32_MAX) {
            reject_set(
                &outcome->reject, REJECT_SOURCE_SCHEMA, NULL, "%u cannot be a schema id",
                (unsigned)part->frame.id);
            return ST_REJECTED;
        }
        id = (int32_t)part->frame.id;
    }
    outcome->schema_id = id;
    struct readers_found found = {.reject = &outcome->reject};
    enum status st = readers_find(readers, id, &found);
    if (found.reader != NULL) {
        outcome->schema_id = found.reader->schema->id;
    }
    part->reader = found.reader;
    return st;
}

static enum status
find_value_reader(struct decoder *d, struct input *in, struct decoder_outcome *outcome)
{
    const struct record *record = in->record;
    in->value.frame = (struct frame){.body = record->value, .body_bytes = record->value_bytes};
    if (d->document == NULL) {
        return ST_OK;
    }
    if (record->value == NULL || record->value_bytes == 0) {
        reject_set(&outcome->reject, REJECT_DATA_PARSING, NULL, "the value is empty");
        return ST_REJECTED;
    }
    if (d->readers == NULL) {
        return is_json(d->plan)
                   ? ST_OK
                   : refuse_schema(&outcome->reject, "the pipe has no schema registry");
    }
    if (d->plan->format != PIPE_FORMAT_AVRO) {
        in->value.frame = frame_read(record->value, record->value_bytes);
    }
    if (!in->value.frame.is_framed && !d->source->has_pinned) {
        return refuse_schema(
            &outcome->reject,
            d->plan->format == PIPE_FORMAT_AVRO
                ? "format Avro reads messages without a schema id, and the registry URL names no "
                  "schema"
                : "the message has no schema id before its body, and the registry URL names no "
                  "schema");
    }
    return find_reader(d->readers, &in->value, outcome);
}

/* A framed key is read with its schema, any other one as JSON. */
static enum status
find_key_reader(struct decoder *d, struct input *in, struct decoder_outcome *outcome)
{
    const struct record *record = in->record;
    if (d->plan->key == NULL || record->key == NULL) {
        return ST_OK;
    }
    in->key.frame = (struct frame){.body = record->key, .body_bytes = record->key_bytes};
    if (d->key_readers == NULL) {
        return ST_OK;
    }
    in->key.frame = frame_read(record->key, record->key_bytes);
    if (!in->key.frame.is_framed) {
        return ST_OK;
    }
    int32_t value_id = outcome->schema_id;
    enum status st = find_reader(d->key_readers, &in->key, outcome);
    if (st == ST_OK) {
        outcome->schema_id = value_id;
    } else if (st == ST_REJECTED) {
        reject_prefix(&outcome->reject, "key: ");
    }
    return st;
}

static enum status end_message(
    size_t rows_before, const struct block *block, struct decoder_outcome *outcome, enum status st,
    struct err *err)
{
    outcome->rows_count = block_rows(block) - rows_before;
    if (st == ST_REJECTED) {
        outcome->reject.schema_id = outcome->schema_id > 0 ? outcome->schema_id : 0;
    }
    return st == ST_NO_MEMORY ? err_set(err, st, "out of memory for a row") : st;
}

/* What the next record is read with if it has the same frame. The readers keep it as long as they
 * are not asked for another one, which only add_message does. */
static void learn_usual(struct decoder *d, const struct record *record, const struct part *value)
{
    bool is_usual = d->is_direct && value->frame.is_framed && value->reader != NULL &&
                    value->reader->avro != NULL;
    d->usual = is_usual ? value->reader : NULL;
    if (is_usual) {
        memcpy(d->usual_head, record->value, sizeof(d->usual_head));
    }
}

static inline bool is_usual_record(const struct decoder *d, const struct record *record)
{
    return d->usual != NULL && record->value_bytes >= FRAME_HEAD_BYTES &&
           memcmp(record->value, d->usual_head, sizeof(d->usual_head)) == 0;
}

/* A record with the schema of the one before. */
static enum status add_usual(
    struct decoder *d, const struct record *record, struct block *block,
    struct decoder_outcome *outcome)
{
    struct frame frame = {
        .body = record->value + FRAME_HEAD_BYTES,
        .body_bytes = record->value_bytes - FRAME_HEAD_BYTES,
    };
    outcome->schema_id = d->usual->schema->id;
    enum status st = read_avro(d, d->usual, &frame, block, &outcome->reject);
    st = end_row(d, record, frame.body_bytes, block, st);
    outcome->rows_count = st == ST_OK ? 1 : 0;
    if (UNLIKELY(st == ST_REJECTED)) {
        outcome->reject.schema_id = outcome->schema_id > 0 ? outcome->schema_id : 0;
    }
    return st;
}

/* Kept out of decoder_add, whose short way needs none of its stack. */
static __attribute__((noinline)) enum status add_message(
    struct decoder *d, const struct record *record, struct block *block,
    struct decoder_outcome *outcome, struct err *err)
{
    struct input in = {.record = record};
    size_t before = block_rows(block);
    enum status st = find_value_reader(d, &in, outcome);
    learn_usual(d, record, &in.value);
    st = st == ST_OK ? find_key_reader(d, &in, outcome) : st;
    if (st == ST_OK && d->document != NULL && d->plan->multi_record != PIPE_MULTI_RECORD_OFF) {
        block_hold(block);
        st = add_rows(d, &in, block, &outcome->reject);
        block_hold_end(block, st == ST_OK);
    } else if (st == ST_OK) {
        struct piece whole = {.bytes = in.value.frame};
        st = add_row(d, &in, &whole, block, &outcome->reject);
    }
    return end_message(before, block, outcome, st, err);
}

enum status decoder_add(
    struct decoder *d, const struct record *record, struct block *block,
    struct decoder_outcome *ret_outcome, struct err *err)
{
    assert(block_columns_count(block) == d->plan->columns_count);
    ret_outcome->rows_count = 0;
    ret_outcome->schema_id = 0;
    enum status st = ST_OK;
    if (LIKELY(d->is_plain && record->value_bytes > 0)) {
        st = document_row(
            d->document, record->value, record->value_bytes, block, &ret_outcome->reject);
        st = end_row(d, record, record->value_bytes, block, st);
        ret_outcome->rows_count = st == ST_OK ? 1 : 0;
    } else if (is_usual_record(d, record)) {
        st = add_usual(d, record, block, ret_outcome);
    } else {
        return add_message(d, record, block, ret_outcome, err);
    }
    return LIKELY(st != ST_NO_MEMORY) ? st : err_set(err, st, "out of memory for a row");
}

enum status decoder_add_tombstone(
    struct decoder *d, const struct record *record, struct block *block,
    struct decoder_outcome *ret_outcome, struct err *err)
{
    struct input in = {.record = record};
    size_t before = block_rows(block);
    ret_outcome->schema_id = 0;
    enum status st = find_key_reader(d, &in, ret_outcome);
    if (st != ST_OK) {
        return end_message(before, block, ret_outcome, st, err);
    }
    for (size_t i = 0; i < d->plan->fields_count && st == ST_OK; i++) {
        struct column *column = block_column(block, d->plan->fields[i].column);
        st = column_add_absent(column) ? ST_OK : ST_NO_MEMORY;
    }
    st = st == ST_OK ? read_key(d, &in, block, &ret_outcome->reject) : st;
    st = end_row(d, record, record->key_bytes, block, st);
    return end_message(before, block, ret_outcome, st, err);
}

bool decoder_take_new_schema(struct decoder *d, const struct schema **ret_schema)
{
    return (d->readers != NULL && readers_take_new(d->readers, ret_schema)) ||
           (d->key_readers != NULL && readers_take_new(d->key_readers, ret_schema));
}

void decoder_use_baseline(struct decoder *d)
{
    if (d->document != NULL) {
        document_use_baseline(d->document);
    }
    if (d->key_document != NULL) {
        document_use_baseline(d->key_document);
    }
}
