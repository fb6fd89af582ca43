/* Three statements: who is next, what was found, who must be told. */
#include "common/store/certificates.h"

#include <stdlib.h>

#include "common/model/certificate.h"
#include "common/store/store_internal.h"

/* A pipe whose certificates are to be read. */
struct unread {
    char *pipe_id;
    int64_t revision;
    json_t *definition;
    json_t *secrets; /* NULL = none */
};

static void unread_done(struct unread *unread)
{
    free(unread->pipe_id);
    json_decref(unread->definition);
    json_decref(unread->secrets);
}

static enum status read_unread(
    const struct store *store, struct pg_cell cell, struct unread *ret_unread, struct err *err)
{
    ret_unread->pipe_id = pg_next_copy(&cell);
    if (ret_unread->pipe_id == NULL) {
        return err_set(err, ST_NO_MEMORY, "pipe");
    }
    ret_unread->revision = pg_next_int(&cell);
    enum status st =
        store_parse_json(pg_next_text(&cell), "stored definitions", &ret_unread->definition, err);
    const struct key_ring_place place = {.purpose = "pipe", .row_id = ret_unread->pipe_id};
    if (st != ST_OK) {
        return st;
    }
    /* Secrets that no key opens are told where they are needed; what is left is read. */
    st = store_open_json(store, &place, &cell, &ret_unread->secrets, err);
    return st == ST_NO_MEMORY ? st : ST_OK;
}

static enum status store_found(struct store *store, const struct unread *unread, struct err *err)
{
    struct certificate_soonest soonest;
    certificate_soonest(unread->definition, unread->secrets, &soonest);
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, unread->pipe_id);
    pg_add_int(&args, unread->revision);
    pg_add_text(&args, soonest.name);
    pg_add_int(&args, soonest.end_s);
    return store_run(
        store,
        "UPDATE pipe SET certificate_revision = $2, certificate_name = $3, certificate_told = CASE "
        "WHEN certificate_name = $3 AND certificate_ends_at = to_timestamp($4::bigint) THEN "
        "certificate_told ELSE 0 END, certificate_ends_at = CASE WHEN $3 IS NOT NULL THEN "
        "to_timestamp($4::bigint) END WHERE id = $1 AND certificate_revision IS DISTINCT FROM $2",
        &args, NULL, err);
}

enum status certificates_read_next(struct store *store, bool *ret_more, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        "SELECT id, revision, definition, secrets FROM pipe WHERE certificate_revision IS DISTINCT "
        "FROM revision LIMIT 1",
        &args, &rows, err);
    *ret_more = st == ST_OK && pg_rows_count(rows) > 0;
    if (!*ret_more) {
        return st;
    }
    CLEANUP(unread_done) struct unread unread = {.pipe_id = NULL};
    st = read_unread(store, pg_row(rows, 0), &unread, err);
    return st == ST_OK ? store_found(store, &unread, err) : st;
}

enum status certificates_tell(struct store *store, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    return store_run(
        store,
        "WITH due AS (SELECT id, level FROM (SELECT id, certificate_told, CASE WHEN "
        "certificate_ends_at <= now() THEN 2 ELSE 1 END AS level FROM pipe WHERE certificate_told "
        "< 2 AND certificate_ends_at < now() + " SQL_CERTIFICATE_SOON
        ") p WHERE certificate_told < level), "
        "told AS (UPDATE pipe p SET certificate_told = level FROM due WHERE p.id = due.id "
        "RETURNING p.id, level, " SQL_CERTIFICATE_WORDS " AS words, certificate_ends_at) "
        "INSERT INTO pipe_event (pipe_id, type, severity, message, details) SELECT id, "
        "'credentials', CASE WHEN level = 2 THEN 'critical' ELSE 'warning' END, words, "
        "json_build_object('expiresAt', " SQL_RFC3339("certificate_ends_at") ") FROM told",
        &args, NULL, err);
}
