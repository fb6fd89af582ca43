/* The kind "replay": options in, pages until there are no more or time is up, counts out. */
#include "worker/probe/replay/replay.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "worker/probe/question.h"
#include "worker/probe/replay/cursor.h"

enum {
    PAGE_SPARE_MS = 5000, /* left when the last page begins */
    KEEP_BYTES = 8 * 1024 * 1024,
};

/* The options as a filter. */
struct replay_ask {
    struct replay_filter filter;
    struct replay_key *offsets; /* owned; topics borrowed from the question */
    struct replay_cursor cursor;
    bool is_dry;
};

static int64_t time_option(const struct question *question, const char *name, int64_t fallback)
{
    const json_t *value = question_option(question, name);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static enum status
read_offsets(const struct question *question, struct replay_ask *ask, struct err *err)
{
    const json_t *list = question_option(question, "offsets");
    if (list == NULL) {
        return ST_OK;
    }
    size_t count = json_array_size(list);
    ask->offsets = calloc(count + 1, sizeof(*ask->offsets));
    if (ask->offsets == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu offsets", count);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *topic = json_string_value(json_object_get(item, "topic"));
        ask->offsets[i] = (struct replay_key){
            .topic = topic == NULL ? "" : topic,
            .partition = (int32_t)json_integer_value(json_object_get(item, "partition")),
            .offset = json_integer_value(json_object_get(item, "offset")),
        };
    }
    ask->filter.offsets = ask->offsets;
    ask->filter.offsets_count = count;
    return ST_OK;
}

static enum status
read_ask(const struct question *question, struct replay_ask *ask, struct err *err)
{
    replay_filter_init(&ask->filter);
    ask->filter.database = question->pipe->destination.database;
    ask->filter.table = question->pipe->destination.table;
    ask->filter.pipe_id = json_string_value(question_option(question, "pipeId"));
    ask->filter.type = json_string_value(question_option(question, "type"));
    ask->filter.from_ms = time_option(question, "fromMs", INT64_MIN);
    ask->filter.to_ms = time_option(question, "toMs", INT64_MAX);
    ask->is_dry = json_is_true(question_option(question, "dryRun"));
    if (ask->filter.pipe_id == NULL || !question->has_clickhouse) {
        return err_set(err, ST_INVALID, "a replay needs a pipe and its ClickHouse");
    }
    const char *cursor = json_string_value(question_option(question, "cursor"));
    enum status st = read_offsets(question, ask, err);
    if (st == ST_OK && cursor != NULL) {
        st = replay_cursor_parse(cursor, &ask->cursor, err);
    }
    return st;
}

static void run_done(struct replay_run *run)
{
    decoder_free(run->decoder);
    lookup_done(&run->lookup);
    block_free(run->block);
    block_free(run->part);
    free(run->fits);
    free(run->keys);
    target_done(&run->target);
}

static enum status run_open(
    struct replay_run *run, const struct question *question, const struct replay_ask *ask,
    struct err *err)
{
    *run = (struct replay_run){.is_dry = ask->is_dry};
    const struct target_params params = {
        .endpoint = &question->endpoint,
        .pipe = question->pipe,
        .filter = &ask->filter,
        .deadline_ms = question->deadline_ms,
    };
    enum status st = target_open(&params, &run->target, err);
    if (st != ST_OK) {
        return st;
    }
    size_t count = 0;
    const struct block_column *columns = plan_columns(run->target.plan, &count);
    st = lookup_open(&question->pipe->source, question->deadline_ms, &run->lookup, err);
    if (st == ST_OK) {
        st = decoder_new(run->target.plan, lookup_source(&run->lookup), &run->decoder, err);
    }
    if (st == ST_OK) {
        st = block_new(columns, count, KEEP_BYTES, &run->block, err);
    }
    if (st == ST_OK) {
        st = block_new(columns, count, KEEP_BYTES, &run->part, err);
    }
    run->fits = calloc(REPLAY_PAGE_RECORDS, sizeof(*run->fits));
    run->keys = calloc(REPLAY_PAGE_RECORDS, sizeof(*run->keys));
    if (st == ST_OK && (run->fits == NULL || run->keys == NULL)) {
        st = err_set(err, ST_NO_MEMORY, "no memory for a page of records");
    }
    return st;
}

/* Records of the page that the target holds already are marked and skipped. */
static enum status
skip_present(struct replay_run *run, const struct replay_pages *page, bool *skip, struct err *err)
{
    if (run->target.coordinates.offset == NULL) {
        return ST_OK;
    }
    enum status st = replay_find(run, page->keys, page->count, skip, err);
    size_t count = 0;
    for (size_t i = 0; st == ST_OK && i < page->count; i++) {
        if (skip[i]) {
            run->keys[count++] = page->keys[i];
        }
    }
    if (st != ST_OK || count == 0 || run->is_dry) {
        return st;
    }
    st = replay_mark_found(run, run->keys, count, err);
    if (st == ST_OK) {
        run->counts.replayed += (int64_t)count;
        run->counts.already += (int64_t)count;
    }
    return st;
}

static enum status do_page(struct replay_run *run, const struct replay_pages *page, struct err *err)
{
    CLEANUP(freep) bool *skip = calloc(page->count + 1, sizeof(*skip));
    if (skip == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a page of records");
    }
    enum status st = skip_present(run, page, skip, err);
    if (st == ST_OK) {
        st = replay_pages_decode(run, page, skip, &run->counts.failing, err);
    }
    return st == ST_OK && !run->is_dry ? replay_store(run, err) : st;
}

/* The page behind the cursor. *ret_has_more false: it was the last. */
static enum status
next_page(struct replay_run *run, struct replay_cursor *cursor, bool *ret_has_more, struct err *err)
{
    const struct replay_page wanted = {
        .after = cursor->topic == NULL ? NULL : &cursor->key,
        .rows_max = REPLAY_PAGE_RECORDS,
        .bytes_max = REPLAY_PAGE_BYTES,
    };
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    struct replay_pages page = {.count = 0};
    enum status st = replay_pages_read(
        run, replay_page_sql(run->target.filter, &wanted, &sql), &sql, &page, err);
    *ret_has_more = st == ST_OK && page.count > 0;
    if (*ret_has_more) {
        st = do_page(run, &page, err);
    }
    if (*ret_has_more && st == ST_OK) {
        st = replay_cursor_set(cursor, &page.keys[page.count - 1], err);
    }
    replay_pages_done(&page);
    return st;
}

/* ret_has_more: time was up before the last page. */
static enum status
run_all(struct replay_run *run, struct replay_cursor *cursor, bool *ret_has_more, struct err *err)
{
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    enum status st = replay_resolve(run, err);
    if (st == ST_OK) {
        const struct replay_key *after = cursor->topic == NULL ? NULL : &cursor->key;
        st = target_number(
            &run->target, replay_count_sql(run->target.filter, after, &sql), &sql,
            &run->counts.matched, err);
    }
    *ret_has_more = true;
    while (st == ST_OK && *ret_has_more &&
           clock_monotonic_ms() + PAGE_SPARE_MS < run->target.deadline_ms) {
        st = next_page(run, cursor, ret_has_more, err);
    }
    return st;
}

static json_t *
result_of(const struct replay_counts *counts, const struct replay_cursor *cursor, bool has_more)
{
    CLEANUP(freep)
    char *next = has_more && cursor->topic != NULL ? replay_cursor_text(cursor) : NULL;
    return json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:s?}", "matched", (json_int_t)counts->matched, "replayed",
        (json_int_t)counts->replayed, "stillFailing", (json_int_t)counts->failing, "alreadyStored",
        (json_int_t)counts->already, "uncertain", (json_int_t)counts->uncertain, "next", next);
}

enum status
probe_replay(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    struct replay_ask ask = {.is_dry = false};
    struct replay_run run = {.is_dry = false};
    bool has_more = false;
    failure->reason = PIPE_REASON_INTERNAL;
    enum status st = read_ask(question, &ask, &failure->err);
    if (st == ST_OK) {
        st = run_open(&run, question, &ask, &failure->err);
    }
    if (st == ST_OK) {
        st = run_all(&run, &ask.cursor, &has_more, &failure->err);
        failure->reason = run.lookup.reason;
    }
    if (st == ST_OK) {
        *ret_result = result_of(&run.counts, &ask.cursor, has_more);
    }
    run_done(&run);
    replay_cursor_done(&ask.cursor);
    free(ask.offsets);
    return st;
}
