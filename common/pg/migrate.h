#ifndef COMMON_PG_MIGRATE_H
#define COMMON_PG_MIGRATE_H

/*
 * Numbered migrations, forward only. The files of migrations/ are built into the program (cmake/
 * EmbedMigrations.cmake); what a database has had is kept in its table schema_migration, with the
 * SHA-256 of each file, so that a file changed later or a database of a newer program is noticed
 * before anything is touched. Applying raises the connection's timeout: do not use it for more.
 */

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/pg/pg.h"

enum {
    MIGRATE_CHECKSUM_BYTES = 65 /* SHA-256 as hexadecimal text */
};

struct migration {
    int number;       /* from 1, without gaps */
    const char *name; /* the file's name, "0001_init.sql" */
    const char *sql;
};

/* The migrations built into this program, by number. */
extern const struct migration migrate_table[];
extern const size_t migrate_table_count;

/*
 * Apply what the database has not had yet, each in a transaction of its own, under an advisory lock
 * (a second program waits and then finds nothing to do). *ret_applied_count: how many were new.
 * ST_CONFLICT if an applied migration was changed since or the database has had one that this
 * program does not know, ST_UNAVAILABLE, ST_INTERNAL with the server's words if a migration fails
 * (those before it stay).
 */
enum status migrate_apply(
    struct pg *pg, const struct migration *table, size_t count, int *ret_applied_count,
    struct err *err) MUST_CHECK;

/* Change nothing; ST_CONFLICT as above, ST_UNAVAILABLE also if migrations are still to be applied.
 */
enum status migrate_check(
    struct pg *pg, const struct migration *table, size_t count, struct err *err) MUST_CHECK;

/* SHA-256 of a text. ST_INTERNAL if the crypto library refuses. */
enum status migrate_checksum(const char *sql, char ret_checksum[MIGRATE_CHECKSUM_BYTES]) MUST_CHECK;

#endif
