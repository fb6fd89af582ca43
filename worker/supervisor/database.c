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

static enum status connect_once(struct database *database, struct err *err)
{
    if (database->store == NULL) {
        enum status st =
            store_open(database->url, database->keys, database->timeout_ms, &database->store, err);
        if (st != ST_OK) {
            return st;
        }
    } else if (!store_is_open(database->store)) {
        enum status st = store_reopen(database->store, err);
        if (st != ST_OK) {
            return st;
        }
    }
    enum status st = store_check_schema(database->store, err);
    if (st == ST_OK) {
        st = store_listen(database->store, "penstock_pipe", err);
    }
    if (st == ST_OK) {
        st = store_listen(database->store, "penstock_probe", err);
    }
    return st;
}

enum status
database_tend(struct database *database, int64_t now_ms, bool *ret_is_new, struct err *err)
{
    *ret_is_new = false;
    if (database->is_up || now_ms < database->retry_at_ms) {
        return ST_OK;
    }
    enum status st = connect_once(database, err);
    if (st != ST_OK) {
        database_suspend(database, now_ms);
        return st;
    }
    database->is_up = true;
    database->complained_at_ms = -1;
    backoff_reset(&database->backoff);
    *ret_is_new = true;
    return ST_OK;
}

void database_suspend(struct database *database, int64_t now_ms)
{
    database->is_up = false;
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
