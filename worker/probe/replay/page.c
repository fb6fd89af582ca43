/* A page of the error table: its records' keys, and its records as rows of a block. */
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/replay_rows.h"

#include "worker/probe/replay/replay.h"

void replay_pages_done(struct replay_pages *page)
{
    buf_done(&page->body);
    for (size_t i = 0; i < page->topics_count; i++) {
        free(page->topics[i]);
    }
    free(page->topics);
    free(page->keys);
    *page = (struct replay_pages){.count = 0};
}

/* The topic's text, the last one again where it is the same. NULL: no memory. */
static const char *page_topic(struct replay_pages *page, const struct replay_bytes *topic)
{
    if (page->topics_count > 0) {
        const char *last = page->topics[page->topics_count - 1];
        if (strlen(last) == topic->len_bytes && memcmp(last, topic->bytes, topic->len_bytes) == 0) {
            return last;
        }
    }
    char **more = reallocarray(page->topics, page->topics_count + 1, sizeof(char *));
    if (more == NULL) {
        return NULL;
    }
    page->topics = more;
    char *text = strndup((const char *)topic->bytes, topic->len_bytes);
    if (text != NULL) {
        page->topics[page->topics_count++] = text;
    }
    return text;
}

static enum status
page_add(struct replay_pages *page, const struct replay_row *row, struct err *err)
{
    const char *topic = page_topic(page, &row->topic);
    struct replay_key *more = reallocarray(page->keys, page->count + 1, sizeof(*more));
    if (more == NULL || topic == NULL) {
        page->keys = more == NULL ? page->keys : more;
        return err_set(err, ST_NO_MEMORY, "no memory for a page of %zu records", page->count);
    }
    page->keys = more;
    page->keys[page->count++] = (struct replay_key){
        .topic = topic, .partition = row->partition, .offset = row->offset, .hash = row->hash};
    return ST_OK;
}

static struct replay_reader reader_of(const struct replay_pages *page)
{
    const uint8_t *bytes = (const uint8_t *)buf_text(&page->body);
    return (struct replay_reader){.at = bytes, .end = bytes + page->body.len_bytes};
}

static enum status read_keys(struct replay_pages *page, struct err *err)
{
    CLEANUP(freep) struct replay_row *row = malloc(sizeof(*row));
    if (row == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a record");
    }
    struct replay_reader reader = reader_of(page);
    enum status st = replay_rows_next(&reader, row, err);
    while (st == ST_OK) {
        st = page_add(page, row, err);
        if (st == ST_OK) {
            st = replay_rows_next(&reader, row, err);
        }
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status replay_pages_read(
    struct replay_run *run, enum status written, struct buf *sql, struct replay_pages *ret_page,
    struct err *err)
{
    *ret_page = (struct replay_pages){.count = 0};
    buf_init(&ret_page->body, 0);
    enum status st = target_ask(&run->target, written, sql, &ret_page->body, err);
    return st == ST_OK ? read_keys(ret_page, err) : st;
}

/* ---- records to rows ---- */

static size_t
row_headers(const struct record *record, struct record_header *ret_headers, size_t headers_max)
{
    const struct replay_row *row = record->source;
    size_t count = row->headers_count < headers_max ? row->headers_count : headers_max;
    for (size_t i = 0; i < count; i++) {
        ret_headers[i] = (struct record_header){
            .name = (const char *)row->names[i].bytes,
            .name_bytes = row->names[i].len_bytes,
            .value = row->values[i].bytes,
            .value_bytes = row->values[i].len_bytes,
        };
    }
    return row->headers_count;
}

static enum status decode_row(
    struct replay_run *run, const struct replay_row *row, const struct replay_key *key,
    struct err *err)
{
    const struct record record = {
        .topic = key->topic,
        .topic_bytes = strlen(key->topic),
        .partition = row->partition,
        .offset = row->offset,
        .timestamp_ms = row->timestamp_ms,
        .key = row->key.len_bytes > 0 ? row->key.bytes : NULL,
        .key_bytes = row->key.len_bytes,
        .value = row->value.len_bytes > 0 ? row->value.bytes : NULL,
        .value_bytes = row->value.len_bytes,
        .read_headers = row_headers,
        .source = row,
    };
    bool is_tombstone = record.value == NULL && !plan_is_raw(run->target.plan) &&
                        run->target.pipe->settings.tombstones == PIPE_TOMBSTONES_ROW;
    struct decoder_outcome outcome;
    const struct lookup_record what = {run->decoder, &record, run->block, is_tombstone};
    return lookup_decode(&run->lookup, &what, &outcome, err);
}

enum status replay_pages_decode(
    struct replay_run *run, const struct replay_pages *page, const bool *skip, int64_t *ret_failing,
    struct err *err)
{
    block_reset(run->block);
    run->fits_count = 0;
    struct replay_reader reader = reader_of(page);
    CLEANUP(freep) struct replay_row *row = malloc(sizeof(*row));
    if (row == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a record");
    }
    for (size_t i = 0; i < page->count; i++) {
        enum status st = replay_rows_next(&reader, row, err);
        if (st != ST_OK) {
            return st;
        }
        if (skip != NULL && skip[i]) {
            continue;
        }
        size_t from = block_rows(run->block);
        st = decode_row(run, row, &page->keys[i], err);
        if (st == ST_REJECTED) {
            (*ret_failing)++;
            continue;
        }
        if (st != ST_OK) {
            return st;
        }
        run->fits[run->fits_count++] = (struct replay_fit){
            .key = page->keys[i],
            .row_from = from,
            .rows_count = block_rows(run->block) - from,
        };
    }
    return ST_OK;
}
