/*
 * Intents without an end: a run was killed, or an insert's answer was lost. Each is settled by the
 * first of these that applies, and by none it stays open and its records are left alone:
 *   the target tells where rows came from   ask it
 *   the target remembers tokens             the same records with the same token once more
 */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/clickhouse/rows.h"

#include "worker/probe/replay/replay.h"

enum {
    RUNNING_LOOK_MS = 250,
    RUNNING_MAX_MS = 10000, /* how long an insert of a killed run may still take */
};

struct open_token {
    char *token; /* owned */
    int64_t records;
    int64_t age_s;
    uint64_t blocks;
};

/* Wait until the server no longer runs the token's insert: its client is gone, it is not. */
static enum status wait_for_end(struct replay_run *run, const char *token, struct err *err)
{
    int64_t end_ms = clock_monotonic_ms() + RUNNING_MAX_MS;
    for (;;) {
        struct buf sql;
        buf_init(&sql, REPLAY_SQL_MAX_BYTES);
        int64_t running = 0;
        enum status st =
            target_number(&run->target, replay_running_sql(token, &sql), &sql, &running, err);
        if (st != ST_OK || running == 0) {
            return st;
        }
        if (clock_monotonic_ms() >= end_ms) {
            return err_set(
                err, ST_CONFLICT, "an insert of an earlier replay still runs; try again later");
        }
        (void)poll(NULL, 0, RUNNING_LOOK_MS); /* ClickHouse tells only who asks */
    }
}

static enum status
end_token(struct replay_run *run, const char *token, const char *state, struct err *err)
{
    const struct replay_marks marks = {.token = token, .state = state};
    return replay_mark(run, &marks, err);
}

/* The target says which of the token's records it holds. */
static enum status resolve_by_asking(
    struct replay_run *run, const char *token, const struct replay_pages *page, struct err *err)
{
    CLEANUP(freep) bool *is_present = calloc(page->count, sizeof(*is_present));
    if (is_present == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu records", page->count);
    }
    enum status st = replay_find(run, page->keys, page->count, is_present, err);
    if (st != ST_OK) {
        return st;
    }
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        if (is_present[i]) {
            run->keys[count++] = page->keys[i];
        }
    }
    if (count == page->count) {
        return end_token(run, token, REPLAY_DONE, err);
    }
    /* Those that are there stay marked under a token of their own; the rest is free again. */
    st = count > 0 ? replay_mark_found(run, run->keys, count, err) : ST_OK;
    return st == ST_OK ? end_token(run, token, REPLAY_VOID, err) : st;
}

/* True if the table certainly still remembers the token, should it ever have seen it. */
static bool remembers(struct replay_run *run, const struct open_token *open)
{
    uint64_t now = target_blocks(&run->target);
    return run->target.window_inserts > 0 && open->age_s < run->target.window_age_s &&
           open->blocks != TARGET_BLOCKS_UNKNOWN && now != TARGET_BLOCKS_UNKNOWN &&
           now >= open->blocks && now - open->blocks < (uint64_t)run->target.window_inserts;
}

/* The same records with the same token: stored now, or dropped because they are there. */
static enum status resolve_by_token(
    struct replay_run *run, const char *token, const struct replay_pages *page, bool *ret_is_done,
    struct err *err)
{
    int64_t failing = 0;
    enum status st = replay_pages_decode(run, page, NULL, &failing, err);
    if (st != ST_OK || failing > 0) {
        return st; /* no longer the same rows: what an insert would mean is unclear */
    }
    switch (target_insert(&run->target, run->block, token, err)) {
    case TARGET_STORED:
        *ret_is_done = true;
        return end_token(run, token, REPLAY_DONE, err);
    case TARGET_REJECTED:
        *ret_is_done = true;
        return end_token(run, token, REPLAY_VOID, err);
    case TARGET_FAILED:
    case TARGET_UNKNOWN:
        return ST_STOP;
    }
    return ST_INTERNAL; /* uncovered: the enum has no other value */
}

static enum status
resolve_one(struct replay_run *run, const struct open_token *open, struct err *err)
{
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    struct replay_pages page = {.count = 0};
    bool is_done = false;
    enum status st = wait_for_end(run, open->token, err);
    if (st == ST_OK) {
        st = replay_pages_read(
            run, replay_token_sql(run->target.filter, open->token, &sql), &sql, &page, err);
    }
    bool is_usable = st == ST_OK && page.count > 0 && page.count <= REPLAY_PAGE_RECORDS;
    if (is_usable && run->target.coordinates.offset != NULL) {
        st = resolve_by_asking(run, open->token, &page, err);
        is_done = true;
    } else if (is_usable && (int64_t)page.count == open->records && remembers(run, open)) {
        st = resolve_by_token(run, open->token, &page, &is_done, err);
    }
    run->counts.uncertain += is_done ? 0 : open->records;
    replay_pages_done(&page);
    buf_done(&sql);
    return st;
}

static enum status read_open(const json_t *row, struct open_token *ret_open, struct err *err)
{
    enum status st = rows_text(row, "token", &ret_open->token, err);
    if (st == ST_OK) {
        st = rows_i64(row, "records", &ret_open->records, err);
    }
    if (st == ST_OK) {
        st = rows_i64(row, "age", &ret_open->age_s, err);
    }
    const char *text = json_string_value(json_object_get(row, "blocks"));
    ret_open->blocks = text == NULL ? TARGET_BLOCKS_UNKNOWN : strtoull(text, NULL, 10);
    return st;
}

enum status replay_resolve(struct replay_run *run, struct err *err)
{
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, 0);
    enum status st =
        target_ask(&run->target, replay_open_sql(run->target.filter, &sql), &sql, &body, err);
    const char *at = buf_text(&body);
    while (st == ST_OK) {
        json_t *row = NULL;
        struct open_token open = {.token = NULL};
        st = rows_next(&at, &row, err);
        if (st == ST_OK) {
            st = read_open(row, &open, err);
        }
        if (st == ST_OK && run->is_dry) {
            run->counts.uncertain += open.records;
        } else if (st == ST_OK) {
            st = resolve_one(run, &open, err);
        }
        free(open.token);
        json_decref(row);
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}
