#ifndef API_HANDLERS_TAKE_BACK_H
#define API_HANDLERS_TAKE_BACK_H

/* Taking back in ClickHouse what a create made without storing its pipe, and users of pipes that
 * are gone. */

#include "common/store/leftovers.h"

#include "api/handlers/support.h"

/*
 * Drop what this leftover names and nobody uses, then forget it: the user; of the two tables those
 * that were made for this very pipe, have no rows, and that no stored pipe and no create in
 * progress names. What cannot be done now stays for take_back_next. Logs that.
 */
void take_back(
    struct store *store, struct support_clickhouse *clickhouse, const struct leftover *row);

/* The same for the next leftover whose time has come. *ret_more: there was one. ST_UNAVAILABLE,
 * ST_NO_MEMORY. */
enum status take_back_next(
    struct store *store, struct http_client *client, bool *ret_more, struct err *err) MUST_CHECK;

#endif
