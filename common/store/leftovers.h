#ifndef COMMON_STORE_LEFTOVERS_H
#define COMMON_STORE_LEFTOVERS_H

/*
 * What a create or a delete may have left in ClickHouse: written down before it is made, so that it
 * is found when the api or PostgreSQL dies in between. A row is a create's ticket as well:
 * pipe_insert takes it, and who lost it stores no pipe.
 */

#include <stdbool.h>

#include "common/store/store.h"

enum {
    LEFTOVER_CREATE_S = 600, /* a create that takes longer is undone and not stored */
    LEFTOVER_AGAIN_S = 60,
    LEFTOVER_REFUSED_S = 600,
};

/* All borrowed, or owned by leftover_done. */
struct leftover {
    char *pipe_id; /* NULL = none */
    char *service_id;
    char *organization_id; /* leftover_next fills it */
    char *database;        /* NULL = only the user */
    char *table;
    bool has_user;
    bool is_user_refused; /* ClickHouse refused to make it; not stored */
};
void leftover_done(struct leftover *row);

/* Announce a create. Waits while leftover_hold keeps the same table. ST_NOT_FOUND if the service is
 * gone, ST_UNAVAILABLE. */
enum status
leftover_add(struct store *store, const struct leftover *row, struct err *err) MUST_CHECK;

/* Who else needs what is to be taken back. */
struct leftover_users {
    bool is_pipe_there;  /* the create was stored after all: nothing of it may go */
    bool is_table_used;  /* by a pipe of any service */
    bool is_table_asked; /* by a create that has not ended */
};

/* In a transaction of the caller: until its end no other create of this table begins. What is asked
 * is true until then as well. ST_UNAVAILABLE. */
enum status leftover_hold(
    struct store *store, const struct leftover *row, struct leftover_users *ret_users,
    struct err *err) MUST_CHECK;

/* Nothing is left. ST_UNAVAILABLE. */
enum status leftover_remove(struct store *store, const char *pipe_id, struct err *err) MUST_CHECK;

/* Try again in that many seconds; its create stores no pipe any more. ST_UNAVAILABLE. */
enum status leftover_postpone(
    struct store *store, const char *pipe_id, int64_t seconds, struct err *err) MUST_CHECK;

/* The next whose time has come; pipe_id NULL if there is none. ret_row: leftover_done.
 * ST_UNAVAILABLE, ST_NO_MEMORY. */
enum status
leftover_next(struct store *store, struct leftover *ret_row, struct err *err) MUST_CHECK;

#endif
