/* Connect, connect again, listen. */
#include "worker/supervisor/database.h"

#include <string.h>

void database_init(
    struct database *database, const char *url, const struct key_ring *keys, int timeout_ms)
{
    *database = (struct database){
        .url = url, .keys = keys, .timeout_ms = timeout_ms, .complained_at_ms = -1};
    backoff_init(&database->backoff, DATABASE_RETRY_FIRST_MS, DATABASE_RETRY_MAX_MS, 0);
}

void database_done(struct database *database)
{
    store_close(database->store);
    database->store = NULL;
    database->is_up = false;
}

/* One step of what makes a connection usable; each may take as long as PostgreSQL is given. */
static enum status connect_step(struct database *database, struct err *err)
{
    switch (database->step) {
    case 0:
        if (database->store == NULL) {
            return store_open(
                database->url, database->keys, database->timeout_ms, &database->store, err);
        }
        return store_is_open(database->store) ? ST_OK : store_reopen(database->store, err);
    case 1:
        return store_check_schema(database->store, err);
    case 2:
        return store_listen(database->store, "penstock_pipe", err);
    default:
        return store_listen(database->store, "penstock_probe", err);
    }
}

enum status
database_tend(struct database *database, int64_t now_ms, bool *ret_is_new, struct err *err)
{
    *ret_is_new = false;
    if (database->is_up || now_ms < database->retry_at_ms) {
        return ST_OK;
    }
    enum status st = connect_step(database, err);
    if (st != ST_OK) {
        database_suspend(database, now_ms);
        return st;
    }
    database->step++;
    if (database->step < DATABASE_STEPS) {
        return ST_OK;
    }
    database->step = 0;
    database->is_up = true;
    database->complained_at_ms = -1;
    backoff_reset(&database->backoff);
    *ret_is_new = true;
    return ST_OK;
}

void database_suspend(struct database *database, int64_t now_ms)
{
    database->is_up = false;
    database->step = 0;
    database->retry_at_ms = now_ms + backoff_next_ms(&database->backoff);
}

bool database_should_complain(struct database *database, int64_t now_ms)
{
    if (database->complained_at_ms >= 0 &&
        now_ms - database->complained_at_ms < DATABASE_COMPLAIN_MS) {
        return false;
    }
    database->complained_at_ms = now_ms;
    return true;
}

int database_socket(const struct database *database)
{
    return database->is_up ? store_socket(database->store) : -1;
}

enum status
database_take_news(struct database *database, struct database_news *ret_news, struct err *err)
{
    struct database_news news = {0};
    while (database->is_up) {
        bool has = false;
        struct store_notice notice;
        enum status st = store_next_notice(database->store, &has, &notice, err);
        if (st != ST_OK) {
            return st;
        }
        if (!has) {
            break;
        }
        news.has_pipe = news.has_pipe || strcmp(notice.channel, "penstock_pipe") == 0;
        news.has_probe = news.has_probe || strcmp(notice.channel, "penstock_probe") == 0;
    }
    *ret_news = news;
    return ST_OK;
}
