#ifndef COMMON_STORE_HISTORY_H
#define COMMON_STORE_HISTORY_H

/* What the lists of the room share that are read newest first, in pages: events, audit entries. */

#include <stddef.h>
#include <stdint.h>

#include "common/store/store_internal.h"

/* A page's statement. owner and word: columns of the table; its rows have an id and a time. One row
 * more than the limit tells whether more follow. */
#define HISTORY_SQL(columns, table, owner, word)                                                   \
    "SELECT id, " SQL_RFC3339(                                                                     \
        "time") ", " columns " FROM " table " WHERE " owner " = $1 AND ($2::text IS NULL OR " word \
                " = $2)"                                                                           \
                " AND ($3::bigint IS NULL OR time >= to_timestamp($3::double precision / 1000))"   \
                " AND ($4::bigint IS NULL OR time < to_timestamp($4::double precision / 1000))"    \
                " AND id < $5 ORDER BY id DESC LIMIT $6"

/* Which page; texts borrowed. */
struct history_page {
    const char *owner;
    const char *word;  /* NULL = any */
    int64_t from_ms;   /* of the wall clock, inclusive; INT64_MIN = any */
    int64_t to_ms;     /* exclusive; INT64_MAX = any */
    int64_t before_id; /* INT64_MAX = from the newest */
    int limit;
};

/* A kind of row: a struct that begins with an int64_t id. */
struct history_form {
    const char *sql;
    const char *what; /* of which there may be no memory, e.g. "events" */
    size_t row_bytes;
    enum status (*read)(struct pg_cell *cell, void *ret_row, struct err *err); /* into zeros */
    void (*done)(void *row);
};

struct history_rows {
    void *items;
    size_t count;
    int64_t next_id; /* 0 = this was the last page */
};
/* Safe twice and on zeros. */
void history_rows_done(const struct history_form *form, struct history_rows *rows);

/* ret_rows: history_rows_done. Statuses of store_run and of form->read, ST_NO_MEMORY. */
enum status history_list(
    struct store *store, const struct history_form *form, const struct history_page *page,
    struct history_rows *ret_rows, struct err *err) MUST_CHECK;

#endif
