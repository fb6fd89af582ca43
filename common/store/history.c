/* Pages of rows whose kind is told by a form. */
#include "common/store/history.h"

#include <stdlib.h>
#include <string.h>

static void *row_at(const struct history_form *form, const struct history_rows *rows, size_t index)
{
    return (char *)rows->items + index * form->row_bytes;
}

void history_rows_done(const struct history_form *form, struct history_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        form->done(row_at(form, rows, i));
    }
    free(rows->items);
    *rows = (struct history_rows){.items = NULL};
}

static enum status read_rows(
    const struct history_form *form, const struct pg_rows *found, int limit,
    struct history_rows *ret_rows, struct err *err)
{
    const int count = pg_rows_count(found) < limit ? pg_rows_count(found) : limit;
    struct history_rows made = {calloc((size_t)count + 1, form->row_bytes), 0, 0};
    enum status status =
        made.items != NULL ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for %s", form->what);
    for (int i = 0; status == ST_OK && i < count; i++) {
        struct pg_cell cell = pg_row(found, i);
        status = form->read(&cell, row_at(form, &made, made.count++), err);
        if (status == ST_OK && cell.is_out_of_memory) {
            status = err_set(err, ST_NO_MEMORY, "no memory for %s", form->what);
        }
    }
    if (status != ST_OK) {
        history_rows_done(form, &made);
        return status;
    }
    if (pg_rows_count(found) > limit) {
        memcpy(&made.next_id, row_at(form, &made, made.count - 1), sizeof(made.next_id));
    }
    *ret_rows = made;
    return ST_OK;
}

enum status history_list(
    struct store *store, const struct history_form *form, const struct history_page *page,
    struct history_rows *ret_rows, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, page->owner);
    pg_add_text(&args, page->word);
    store_add_time(&args, page->from_ms, INT64_MIN);
    store_add_time(&args, page->to_ms, INT64_MAX);
    pg_add_int(&args, page->before_id);
    pg_add_int(&args, page->limit + 1);
    CLEANUP(pg_rows_freep) struct pg_rows *found = NULL;
    enum status status = store_run(store, form->sql, &args, &found, err);
    return status == ST_OK ? read_rows(form, found, page->limit, ret_rows, err) : status;
}
