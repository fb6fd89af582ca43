/* Reading pipes, with the facts from which the shown state is derived. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/pipes.h"
#include "common/store/store_internal.h"

/* One statement for one pipe, a service's or an organization's: the filter comes behind. */
/* clang-format off */
#define PIPE_SELECT \
    "SELECT p.id, p.service_id, p.name, p.definition, p.consumer_group, p.replicas, " \
    "p.cpu_millicores, p.memory_gb, p.desired = 'running', p.revision, " \
    SQL_RFC3339("p.created_at") ", " SQL_RFC3339("p.updated_at") ", " \
    SQL_RFC3339("p.state_since") ", p.failed_at IS NOT NULL, p.ready_at IS NOT NULL, " \
    "COALESCE(l.is_live, false), COALESCE(l.is_consuming, false), p.failure_code, " \
    "p.failure_message, p.reason_code, p.reason_message, p.last_error_type, " \
    "p.last_error_message, " SQL_RFC3339("p.last_error_at") ", p.guarantee_mode, " \
    "p.guarantee_detail, COALESCE(p.guarantee_inserts, 0), COALESCE(p.guarantee_seconds, 0), " \
    "CASE WHEN p.certificate_ends_at < now() + " SQL_CERTIFICATE_SOON " THEN " \
    SQL_CERTIFICATE_WORDS " END, " \
    SQL_HAS_WORKER " " \
    "FROM pipe p JOIN service s ON s.id = p.service_id " \
    "LEFT JOIN (SELECT pipe_id, true AS is_live, " \
    "bool_or(state IN ('running', 'waiting')) AS is_consuming " \
    "FROM pipe_replica r WHERE " SQL_IS_LIVE("r") " GROUP BY pipe_id) l ON l.pipe_id = p.id "
/* clang-format on */

void pipe_row_done(struct pipe_row *row)
{
    free(row->id);
    free(row->service_id);
    free(row->name);
    json_decref(row->definition);
    free(row->registry_url);
    free(row->consumer_group);
    free(row->created_at);
    free(row->updated_at);
    free(row->state_since);
    free(row->failure_code);
    free(row->failure_message);
    free(row->reason_code);
    free(row->reason_message);
    free(row->last_error_type);
    free(row->last_error_message);
    free(row->last_error_at);
    free(row->certificate_warning);
    *row = (struct pipe_row){.id = NULL};
}

void pipe_rows_done(struct pipe_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        pipe_row_done(&rows->items[i]);
    }
    free(rows->items);
    *rows = (struct pipe_rows){.items = NULL};
}

static void read_guarantee(struct pg_cell *cell, struct pipe_row *row)
{
    const char *mode = pg_next_text(cell);
    const char *detail = pg_next_text(cell);
    row->has_guarantee = mode != NULL;
    row->guarantee.mode = guarantee_mode_from_text(mode);
    row->guarantee.inserts = pg_next_int(cell);
    row->guarantee.seconds = pg_next_int(cell);
    (void)snprintf(/* it came from such a text */
                   row->guarantee.detail, sizeof(row->guarantee.detail), "%s",
                   detail == NULL ? "" : detail);
}

/* True if some member of this name may have a value that begins so: whether it is the one that is
 * meant only a parser knows. */
static bool has_member(const char *definition, const char *quoted_name, char first)
{
    static const char BLANKS[] = " \t\r\n";
    const char *at = definition;
    while ((at = strstr(at, quoted_name)) != NULL) {
        at += strlen(quoted_name);
        const char *colon = at + strspn(at, BLANKS);
        if (*colon == ':' && colon[1 + strspn(colon + 1, BLANKS)] == first) {
            return true;
        }
    }
    return false;
}

/* What the definition says, as a tree or only in part. */
static enum status
read_definition(const char *text, bool is_brief, struct pipe_row *row, struct err *err)
{
    if (is_brief && !has_member(text, "\"exactlyOnce\"", 't') &&
        !has_member(text, "\"schemaRegistry\"", '{')) {
        return ST_OK;
    }
    json_t *definition = NULL;
    enum status st = store_parse_json(text, "stored definitions", &definition, err);
    if (st != ST_OK) {
        return st;
    }
    const json_t *kafka = json_object_get(json_object_get(definition, "source"), "kafka");
    const json_t *url = json_object_get(json_object_get(kafka, "schemaRegistry"), "url");
    row->is_exactly_once = json_is_true(json_object_get(kafka, "exactlyOnce"));
    if (json_is_string(url)) {
        row->registry_url = strdup(json_string_value(url));
        st = row->registry_url == NULL ? err_set(err, ST_NO_MEMORY, "pipe") : ST_OK;
    }
    if (is_brief) {
        json_decref(definition);
    } else {
        row->definition = definition;
    }
    return st;
}

/* Read one row of PIPE_SELECT. */
static enum status
pipe_read(struct pg_cell cell, bool is_brief, struct pipe_row *ret_row, struct err *err)
{
    struct pipe_row row = {.id = pg_next_copy(&cell)};
    row.service_id = pg_next_copy(&cell);
    row.name = pg_next_copy(&cell);
    const char *definition = pg_next_text(&cell);
    row.consumer_group = pg_next_copy(&cell);
    row.scaling.replicas = (int)pg_next_int(&cell);
    row.scaling.cpu_millicores = (int)pg_next_int(&cell);
    row.scaling.memory_gb = pg_next_double(&cell);
    row.is_wanted = pg_next_bool(&cell);
    row.revision = pg_next_int(&cell);
    row.created_at = pg_next_copy(&cell);
    row.updated_at = pg_next_copy(&cell);
    row.state_since = pg_next_copy(&cell);
    row.facts.is_wanted = row.is_wanted;
    row.facts.has_failed = pg_next_bool(&cell);
    row.facts.was_ready = pg_next_bool(&cell);
    row.facts.has_live_replica = pg_next_bool(&cell);
    row.facts.is_consuming = pg_next_bool(&cell);
    row.failure_code = pg_next_copy(&cell);
    row.failure_message = pg_next_copy(&cell);
    row.reason_code = pg_next_copy(&cell);
    row.reason_message = pg_next_copy(&cell);
    row.last_error_type = pg_next_copy(&cell);
    row.last_error_message = pg_next_copy(&cell);
    row.last_error_at = pg_next_copy(&cell);
    read_guarantee(&cell, &row);
    row.certificate_warning = pg_next_copy(&cell);
    row.has_worker = pg_next_bool(&cell);
    enum status st = cell.is_out_of_memory ? err_set(err, ST_NO_MEMORY, "pipe")
                                           : read_definition(definition, is_brief, &row, err);
    if (st != ST_OK) {
        pipe_row_done(&row);
        return st;
    }
    *ret_row = row;
    return ST_OK;
}

enum status pipe_get(
    struct store *store, const char *service_id, const char *pipe_id, struct pipe_row *ret_row,
    struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_text(&args, service_id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st =
        store_run(store, PIPE_SELECT "WHERE p.id = $1 AND p.service_id = $2", &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    if (pg_rows_count(rows) == 0) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id);
    }
    return pipe_read(pg_row(rows, 0), false, ret_row, err);
}

static enum status list_read(
    struct store *store, const char *organization_id, const char *service_id, bool is_brief,
    struct pipe_rows *ret_rows, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, organization_id);
    pg_add_text(&args, service_id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        PIPE_SELECT "WHERE ($1::uuid IS NULL OR s.organization_id = $1) AND ($2::uuid IS NULL OR "
                    "p.service_id = $2) ORDER BY p.created_at, p.id",
        &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    size_t count = (size_t)pg_rows_count(rows);
    struct pipe_rows list = {.items = calloc(count + 1, sizeof(*list.items))};
    if (list.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "list of pipes");
    }
    for (; st == ST_OK && list.count < count; list.count++) {
        st = pipe_read(pg_row(rows, (int)list.count), is_brief, &list.items[list.count], err);
    }
    if (st != ST_OK) {
        pipe_rows_done(&list);
        return st;
    }
    *ret_rows = list;
    return ST_OK;
}

enum status pipe_list(
    struct store *store, const char *organization_id, const char *service_id,
    struct pipe_rows *ret_rows, struct err *err)
{
    return list_read(store, organization_id, service_id, false, ret_rows, err);
}

enum status pipe_list_brief(
    struct store *store, const char *organization_id, const char *service_id,
    struct pipe_rows *ret_rows, struct err *err)
{
    return list_read(store, organization_id, service_id, true, ret_rows, err);
}

enum status
pipe_get_secrets(struct store *store, const char *pipe_id, json_t **ret_secrets, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, "SELECT secrets FROM pipe WHERE id = $1", &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    if (pg_rows_count(rows) == 0) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id);
    }
    struct key_ring_place place = {.purpose = "pipe", .row_id = pipe_id};
    struct pg_cell cell = pg_row(rows, 0);
    return store_open_json(store, &place, &cell, ret_secrets, err);
}
