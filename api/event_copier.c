/*
 * Pipe after pipe. An edge: it logs what does not work.
 */
#include "api/event_copier.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/clickhouse/client.h"
#include "common/clickhouse/ddl.h"
#include "common/clickhouse/log_table.h"
#include "common/http/http.h"
#include "common/store/event_log.h"
#include "common/store/services.h"

enum {
    AWAY_S = 60,
    REFUSED_S = 600,
};

/* Run what a writer wrote. */
static enum status
run(struct http_client *client, const struct clickhouse_endpoint *endpoint, enum status written,
    const struct buf *sql, struct err *err)
{
    if (written != ST_OK) {
        return err_set(err, written, "the statement is too long");
    }
    return clickhouse_execute(client, endpoint, buf_text(sql), NULL, err);
}

static enum status write_rows(const struct event_log_batch *batch, struct buf *sql)
{
    enum status st = log_table_insert(batch->database, sql);
    for (size_t i = 0; st == ST_OK && i < batch->count; i++) {
        const struct event_row *event = &batch->items[i];
        CLEANUP(freep) char *details = json_dumps(event->details, JSON_COMPACT);
        const struct log_table_row row = {
            .time = event->time,
            .severity = event->severity,
            .type = event->type,
            .message = event->message,
            .details = details == NULL ? "{}" : details,
            .pipe_id = batch->pipe_id,
            .event_id = event->id,
        };
        st = log_table_add_row(&row, i == 0, sql);
    }
    return st;
}

static enum status send_batch(
    struct http_client *client, struct store *store, const struct event_log_batch *batch,
    struct err *err)
{
    struct service_row service = {0};
    enum status st =
        service_get_with_secret(store, batch->organization_id, batch->service_id, &service, err);
    if (st != ST_OK) {
        return st;
    }
    const struct clickhouse_endpoint endpoint = {
        .url = service.url,
        .username = service.username,
        .password = &service.password,
        .ca_certificate = service.ca_certificate,
    };
    struct buf create;
    struct buf insert;
    buf_init(&create, CLICKHOUSE_SQL_MAX_BYTES);
    buf_init(&insert, CLICKHOUSE_SQL_MAX_BYTES);
    st = run(client, &endpoint, log_table_create(batch->database, &create), &create, err);
    if (st == ST_OK) {
        st = run(client, &endpoint, write_rows(batch, &insert), &insert, err);
    }
    buf_done(&create);
    buf_done(&insert);
    service_row_done(&service);
    return st;
}

enum status
event_copier_next(struct store *store, struct http_client *client, bool *ret_more, struct err *err)
{
    CLEANUP(event_log_batch_done) struct event_log_batch batch = {.pipe_id = NULL};
    enum status st = event_log_next(store, &batch, err);
    *ret_more = st == ST_OK && batch.count > 0;
    if (!*ret_more) {
        return st;
    }
    struct err reason = {.status = ST_OK};
    enum status sent = send_batch(client, store, &batch, &reason);
    if (sent == ST_OK) {
        return event_log_copied(store, &batch, err);
    }
    if (sent == ST_CANCELLED) {
        return err_set(err, sent, "%s", reason.text); /* they are copied by who comes next */
    }
    log_err(LOG_INFO, "events_not_copied", &reason, "pipe=%s", batch.pipe_id);
    const bool is_away = sent == ST_UNAVAILABLE || sent == ST_TIMEOUT;
    return event_log_postpone(store, &batch, is_away ? AWAY_S : REFUSED_S, err);
}
