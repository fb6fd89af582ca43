#ifndef COMMON_STORE_AUDIT_H
#define COMMON_STORE_AUDIT_H

/* Who changed what through the API: one row per changing call, written before the change and
 * completed after it. Nothing in it may be a secret; that is the caller's duty. */

#include <jansson.h>
#include <stdint.h>

#include "common/store/store.h"

enum {
    AUDIT_PAGE_LIMIT_MAX = 1000,
    AUDIT_PAGE_LIMIT_DEFAULT = 100,
};

/* All borrowed. */
struct audit_call {
    const char *organization_id;
    const char *key_id;
    const char *method;
    const char *path;
    const char *target;   /* id of what is changed; NULL = it does not exist yet */
    const json_t *before; /* NULL = it does not exist yet */
};

/* Note that a call is about to change something. ST_UNAVAILABLE, ST_NO_MEMORY. */
enum status audit_begin(
    struct store *store, const struct audit_call *call, int64_t *ret_id,
    struct err *err) MUST_CHECK;

/* The call is done. target: NULL = keep what audit_begin was given; after: NULL = it is gone. */
enum status audit_complete(
    struct store *store, int64_t id, const char *target, const json_t *after,
    struct err *err) MUST_CHECK;

/* The call was refused and has changed nothing: forget it. */
enum status audit_drop(struct store *store, int64_t id, struct err *err) MUST_CHECK;

struct audit_row {
    int64_t id;
    char *time; /* RFC 3339 */
    char *key_id;
    char *method;
    char *path;
    char *target; /* NULL = none */
    char *outcome;
    json_t *before; /* owned reference; JSON null if there was nothing */
    json_t *after;
};

struct audit_rows {
    struct audit_row *items;
    size_t count;
    int64_t next_id; /* give it as before_id for the next page; 0 = this was the last */
};
void audit_rows_done(struct audit_rows *rows);

/* Texts borrowed. */
struct audit_filter {
    const char *organization_id;
    const char *target; /* NULL = any */
    int64_t from_ms;    /* of the wall clock, inclusive; INT64_MIN = any */
    int64_t to_ms;      /* exclusive; INT64_MAX = any */
    int64_t before_id;  /* INT64_MAX = from the newest */
    int limit;          /* 1–AUDIT_PAGE_LIMIT_MAX */
};

/* One page, newest first. ret_rows: audit_rows_done. ST_UNAVAILABLE, ST_NO_MEMORY, ST_INTERNAL. */
enum status audit_list(
    struct store *store, const struct audit_filter *filter, struct audit_rows *ret_rows,
    struct err *err) MUST_CHECK;

#endif
