/*
 * Intent, insert, done. A refused insert is halved until single records fail; every part has a
 * token and an intent of its own, and the token of a refused one is void.
 */
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/rows.h"

#include "worker/probe/replay/replay.h"

enum {
    RANGES_MAX = 64 /* halving a page needs 14 */
};

struct range {
    size_t from; /* of the fits */
    size_t count;
};

/* A fresh token, also the insert's query id. ST_IO. */
static enum status token_new(char ret_token[REPLAY_TOKEN_BYTES], struct err *err)
{
    char id[UUID_TEXT_BYTES];
    if (uuid_new(id) != ST_OK) {
        return err_set(err, ST_IO, "no random bytes for a token");
    }
    (void)snprintf(ret_token, REPLAY_TOKEN_BYTES, "penstock-replay-%s", id); /* fits */
    return ST_OK;
}

enum status replay_mark(struct replay_run *run, const struct replay_marks *marks, struct err *err)
{
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    return target_ask(
        &run->target, replay_mark_sql(run->target.filter, marks, &sql), &sql, NULL, err);
}

static enum status
mark_token(struct replay_run *run, const char *token, const char *state, struct err *err)
{
    const struct replay_marks marks = {.token = token, .state = state};
    return replay_mark(run, &marks, err);
}

static enum status mark_intent(
    struct replay_run *run, const char *token, const struct replay_key *keys, size_t count,
    struct err *err)
{
    const struct replay_marks marks = {
        .token = token,
        .state = REPLAY_INTENT,
        .keys = keys,
        .keys_count = count,
        .blocks = target_blocks(&run->target),
    };
    return replay_mark(run, &marks, err);
}

enum status replay_mark_found(
    struct replay_run *run, const struct replay_key *keys, size_t count, struct err *err)
{
    char token[REPLAY_TOKEN_BYTES];
    enum status st = token_new(token, err);
    /* Done first: were the intent alone left behind, it would be settled as an open one. */
    if (st == ST_OK) {
        st = mark_token(run, token, REPLAY_DONE, err);
    }
    return st == ST_OK ? mark_intent(run, token, keys, count, err) : st;
}

/* ---- what the target holds ---- */

static void
note_present(const json_t *row, const struct replay_key *keys, size_t count, bool *is_present)
{
    const char *topic = json_string_value(json_object_get(row, "replay_topic"));
    int64_t partition = 0;
    int64_t offset = 0;
    if (topic == NULL || rows_i64(row, "replay_part", &partition, NULL) != ST_OK ||
        rows_i64(row, "replay_off", &offset, NULL) != ST_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (keys[i].offset == offset && keys[i].partition == partition &&
            strcmp(keys[i].topic, topic) == 0) {
            is_present[i] = true;
        }
    }
}

enum status replay_find(
    struct replay_run *run, const struct replay_key *keys, size_t count, bool *is_present,
    struct err *err)
{
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, 0);
    const struct replay_coordinates *columns = &run->target.coordinates;
    enum status st = target_ask(
        &run->target, replay_present_sql(run->target.filter, columns, keys, count, &sql), &sql,
        &body, err);
    const char *at = buf_text(&body);
    while (st == ST_OK) {
        json_t *row = NULL;
        st = rows_next(&at, &row, err);
        if (st == ST_OK) {
            note_present(row, keys, count, is_present);
        }
        json_decref(row);
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

/* ---- storing ---- */

/* The rows of a range: the whole block, or copied into the part. */
static enum status range_block(
    struct replay_run *run, const struct range *range, struct block **ret_block, struct err *err)
{
    if (range->count == run->fits_count) {
        *ret_block = run->block;
        return ST_OK;
    }
    const struct replay_fit *first = &run->fits[range->from];
    const struct replay_fit *last = &run->fits[range->from + range->count - 1];
    block_reset(run->part);
    *ret_block = run->part;
    return block_copy_rows(
        run->part, run->block, first->row_from, last->row_from + last->rows_count - first->row_from,
        err);
}

/* One insert with its marks. */
static enum status send_range(
    struct replay_run *run, const struct range *range, enum target_end *ret_end, struct err *err)
{
    char token[REPLAY_TOKEN_BYTES];
    struct block *block = NULL;
    enum status st = token_new(token, err);
    if (st == ST_OK) {
        st = range_block(run, range, &block, err);
    }
    for (size_t i = 0; i < range->count; i++) {
        run->keys[i] = run->fits[range->from + i].key;
    }
    if (st == ST_OK) {
        st = mark_intent(run, token, run->keys, range->count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    *ret_end = target_insert(&run->target, block, token, err);
    switch (*ret_end) {
    case TARGET_STORED:
        return mark_token(run, token, REPLAY_DONE, err);
    case TARGET_REJECTED:
        return mark_token(run, token, REPLAY_VOID, err);
    case TARGET_FAILED:
        (void)mark_token(run, token, REPLAY_VOID, NULL); /* else settled by the next run */
        return ST_STOP;
    case TARGET_UNKNOWN:
        (void)err_wrap(err, "it is not known whether an insert was stored; replay again");
        return ST_STOP;
    }
    return ST_INTERNAL; /* uncovered: the enum has no other value */
}

static void halve(struct range *ranges, size_t *count)
{
    assert(*count < RANGES_MAX);
    struct range range = ranges[*count - 1];
    size_t half = range.count / 2;
    ranges[*count - 1] = (struct range){.from = range.from + half, .count = range.count - half};
    ranges[(*count)++] = (struct range){.from = range.from, .count = half};
}

enum status replay_store(struct replay_run *run, struct err *err)
{
    struct range ranges[RANGES_MAX] = {{.from = 0, .count = run->fits_count}};
    size_t count = run->fits_count > 0 ? 1 : 0;
    while (count > 0) {
        const struct range *range = &ranges[count - 1];
        enum target_end end = TARGET_UNKNOWN;
        enum status st = send_range(run, range, &end, err);
        if (st != ST_OK) {
            return st;
        }
        if (end == TARGET_REJECTED && range->count > 1) {
            halve(ranges, &count);
            continue;
        }
        run->counts.replayed += end == TARGET_STORED ? (int64_t)range->count : 0;
        run->counts.failing += end == TARGET_REJECTED ? 1 : 0;
        count--;
    }
    return ST_OK;
}
