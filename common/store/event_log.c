/*
 * A flag per event rather than a position: numbers of events are given before they are committed,
 * so one with a lower number may show later.
 */
#include "common/store/event_log.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/store/store_internal.h"

static const char NEXT_SQL[] =
    "SELECT p.id, p.service_id, s.organization_id, "
    "COALESCE(p.definition::json #>> '{destination,database}', 'default'), "
    "e.id, " SQL_RFC3339(
        "e.time") ", e.type, e.severity, e.message, e.details "
                  "FROM pipe_event e JOIN pipe p ON p.id = e.pipe_id JOIN service s ON s.id = "
                  "p.service_id "
                  "WHERE NOT e.is_mirrored AND e.time > now() - interval '7 days' AND e.pipe_id = "
                  "(SELECT x.pipe_id FROM pipe_event x JOIN pipe y ON y.id = x.pipe_id WHERE NOT "
                  "x.is_mirrored "
                  "AND x.time > now() - interval '7 days' AND y.log_retry_at <= now() ORDER BY "
                  "x.id LIMIT 1) "
                  "ORDER BY e.id LIMIT $1";

void event_log_batch_done(struct event_log_batch *batch)
{
    struct event_rows rows = {batch->items, batch->count, 0};
    event_rows_done(&rows);
    free(batch->pipe_id);
    free(batch->service_id);
    free(batch->organization_id);
    free(batch->database);
    *batch = (struct event_log_batch){.pipe_id = NULL};
}

enum status event_log_claim(struct store *store, bool *ret_has, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store, "SELECT pg_try_advisory_lock(hashtext('penstock_event_log'), 1)", &args, &rows, err);
    if (st == ST_OK) {
        struct pg_cell cell = pg_row(rows, 0);
        *ret_has = pg_next_bool(&cell);
    }
    return st;
}

void event_log_release(struct store *store)
{
    struct pg_args args;
    pg_args_init(&args);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store, "SELECT pg_advisory_unlock(hashtext('penstock_event_log'), 1)", &args, &rows, NULL);
    (void)st; /* a connection that broke holds nothing */
}

static enum status read_event(struct pg_cell *cell, struct event_log_batch *batch, struct err *err)
{
    struct event_row *row = &batch->items[batch->count++];
    row->id = pg_next_int(cell);
    row->time = pg_next_copy(cell);
    row->type = pg_next_copy(cell);
    row->severity = pg_next_copy(cell);
    row->message = pg_next_copy(cell);
    if (cell->is_out_of_memory) {
        return err_set(err, ST_NO_MEMORY, "no memory for an event");
    }
    return store_parse_json(pg_next_text(cell), "an event's details", &row->details, err);
}

static enum status
read_batch(const struct pg_rows *rows, struct event_log_batch *batch, struct err *err)
{
    const int count = pg_rows_count(rows);
    batch->items = calloc((size_t)count + 1, sizeof(*batch->items));
    enum status st =
        batch->items != NULL ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for %d events", count);
    for (int i = 0; st == ST_OK && i < count; i++) {
        struct pg_cell cell = pg_row(rows, i);
        char *places[4];
        for (size_t j = 0; j < ARRAY_LEN(places); j++) {
            places[j] = pg_next_copy(&cell);
        }
        if (i == 0) {
            batch->pipe_id = places[0];
            batch->service_id = places[1];
            batch->organization_id = places[2];
            batch->database = places[3];
        }
        for (size_t j = 0; i > 0 && j < ARRAY_LEN(places); j++) {
            free(places[j]); /* the same in every row */
        }
        st = read_event(&cell, batch, err);
    }
    return st;
}

enum status event_log_next(struct store *store, struct event_log_batch *ret_batch, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_int(&args, EVENT_LOG_BATCH_MAX);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    struct event_log_batch made = {.pipe_id = NULL};
    enum status st = store_run(store, NEXT_SQL, &args, &rows, err);
    st = st == ST_OK ? read_batch(rows, &made, err) : st;
    if (st != ST_OK) {
        event_log_batch_done(&made);
        return st;
    }
    *ret_batch = made;
    return ST_OK;
}

enum status
event_log_copied(struct store *store, const struct event_log_batch *batch, struct err *err)
{
    CLEANUP(buf_done) struct buf ids;
    buf_init(&ids, (size_t)EVENT_LOG_BATCH_MAX * 24);
    enum status st = buf_add_text(&ids, "{");
    for (size_t i = 0; st == ST_OK && i < batch->count; i++) {
        st = buf_add_format(&ids, "%s%lld", i == 0 ? "" : ",", (long long)batch->items[i].id);
    }
    st = st == ST_OK ? buf_add_text(&ids, "}") : st;
    if (st != ST_OK) {
        return err_set(err, st, "numbers of events");
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, buf_text(&ids));
    return store_run(
        store, "UPDATE pipe_event SET is_mirrored = true WHERE id = ANY ($1::bigint[])", &args,
        NULL, err);
}

enum status event_log_postpone(
    struct store *store, const struct event_log_batch *batch, int64_t seconds, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, batch->pipe_id);
    pg_add_int(&args, seconds);
    return store_run(
        store,
        "UPDATE pipe SET log_retry_at = now() + $2::bigint * interval '1 second' WHERE id = $1",
        &args, NULL, err);
}
