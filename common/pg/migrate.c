/* The migration runner. The only SQL outside common/store and migrations/. */
#include "common/pg/migrate.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

enum {
    /* Any constant number that nobody else locks by in this database. */
    MIGRATE_LOCK = 1347375187, /* "PNST" read as a number */
    /* A large table may be rewritten, and another program's migration awaited. */
    MIGRATE_TIMEOUT_MS = 15 * 60 * 1000,
};

enum status migrate_checksum(const char *sql, char ret_checksum[MIGRATE_CHECKSUM_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len_bytes = 0;
    if (EVP_Digest(sql, strlen(sql), digest, &len_bytes, EVP_sha256(), NULL) != 1) {
        return ST_INTERNAL;
    }
    assert(len_bytes * 2 + 1 == MIGRATE_CHECKSUM_BYTES);
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < len_bytes; i++) {
        ret_checksum[(size_t)2 * i] = digits[digest[i] >> 4];
        ret_checksum[(size_t)2 * i + 1] = digits[digest[i] & 0x0f];
    }
    ret_checksum[2 * (size_t)len_bytes] = '\0';
    return ST_OK;
}

static enum status has_table(struct pg *pg, bool *ret_has, struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st =
        pg_run(pg, "SELECT to_regclass('schema_migration') IS NOT NULL", NULL, &rows, err);
    if (st == ST_OK) {
        struct pg_cell cell = pg_row(rows, 0);
        *ret_has = pg_next_bool(&cell);
    }
    return st;
}

/* One applied migration against the program's own. */
static enum status
row_check(struct pg_cell *cell, const struct migration *table, size_t count, struct err *err)
{
    int64_t number = pg_next_int(cell);
    const char *name = pg_next_text(cell);
    const char *checksum = pg_next_text(cell);
    if (number < 1 || (uint64_t)number > count) {
        return err_set(
            err, ST_CONFLICT,
            "the database is newer than this program: it has had migration %lld (%s), the program "
            "knows %zu",
            (long long)number, name, count);
    }
    char own[MIGRATE_CHECKSUM_BYTES];
    enum status st = migrate_checksum(table[number - 1].sql, own);
    if (st != ST_OK) {
        return err_set(err, st, "checksum of migration %s", table[number - 1].name);
    }
    if (strcmp(own, checksum) != 0) {
        return err_set(
            err, ST_CONFLICT,
            "migration %s was changed after it was applied to this database (applied %.12s, now "
            "%.12s)",
            table[number - 1].name, checksum, own);
    }
    return ST_OK;
}

/* Compare what was applied; *ret_applied_count: the migrations 1 to that number are there. */
static enum status applied_check(
    struct pg *pg, const struct migration *table, size_t count, size_t *ret_applied_count,
    struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = pg_run(
        pg, "SELECT number, name, checksum FROM schema_migration ORDER BY number DESC", NULL, &rows,
        err);
    for (int i = 0; st == ST_OK && i < pg_rows_count(rows); i++) {
        struct pg_cell cell = pg_row(rows, i);
        st = row_check(&cell, table, count, err);
    }
    if (st == ST_OK) {
        *ret_applied_count = (size_t)pg_rows_count(rows);
    }
    return st;
}

static enum status apply_one(struct pg *pg, const struct migration *migration, struct err *err)
{
    char checksum[MIGRATE_CHECKSUM_BYTES];
    enum status st = migrate_checksum(migration->sql, checksum);
    if (st != ST_OK) {
        return err_set(err, st, "checksum of migration %s", migration->name);
    }
    st = pg_begin(pg, err);
    if (st == ST_OK) {
        st = pg_run_script(pg, migration->sql, err);
    }
    if (st == ST_OK) {
        struct pg_args args;
        pg_args_init(&args);
        pg_add_int(&args, migration->number);
        pg_add_text(&args, migration->name);
        pg_add_text(&args, checksum);
        st = pg_run(
            pg, "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)", &args,
            NULL, err);
    }
    if (st == ST_OK) {
        st = pg_commit(pg, err);
    }
    if (st != ST_OK) {
        pg_rollback(pg);
        (void)err_wrap(err, "migration %s", migration->name); /* st is what counts */
    }
    return st;
}

static enum status apply_locked(
    struct pg *pg, const struct migration *table, size_t count, int *ret_applied_count,
    struct err *err)
{
    enum status st = pg_run(
        pg,
        "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY, name text NOT "
        "NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
        NULL, NULL, err);
    size_t had_count = 0;
    if (st == ST_OK) {
        st = applied_check(pg, table, count, &had_count, err);
    }
    for (size_t i = had_count; st == ST_OK && i < count; i++) {
        assert(table[i].number == (int)i + 1);
        st = apply_one(pg, &table[i], err);
    }
    if (st == ST_OK) {
        *ret_applied_count = (int)(count - had_count);
    }
    return st;
}

enum status migrate_apply(
    struct pg *pg, const struct migration *table, size_t count, int *ret_applied_count,
    struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_int(&args, MIGRATE_LOCK);
    enum status st = pg_set_timeout(pg, MIGRATE_TIMEOUT_MS, err);
    if (st == ST_OK) {
        st = pg_run(pg, "SELECT pg_advisory_lock($1)", &args, NULL, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = apply_locked(pg, table, count, ret_applied_count, err);
    enum status unlocked = pg_run(pg, "SELECT pg_advisory_unlock($1)", &args, NULL, NULL);
    (void)unlocked; /* a lost connection has lost its lock too */
    return st;
}

enum status
migrate_check(struct pg *pg, const struct migration *table, size_t count, struct err *err)
{
    bool has = false;
    size_t had_count = 0;
    enum status st = has_table(pg, &has, err);
    if (st == ST_OK && has) {
        st = applied_check(pg, table, count, &had_count, err);
    }
    if (st == ST_OK && had_count < count) {
        return err_set(
            err, ST_UNAVAILABLE,
            "the database lacks %zu of %zu migrations: start penstock-api or run penstock-api "
            "migrate",
            count - had_count, count);
    }
    return st;
}
