#ifndef COMMON_STORE_GUARANTEES_H
#define COMMON_STORE_GUARANTEES_H

/* The guarantee in force, kept with the pipe: as the api found it at create or edit, then as each
 * replica finds it when it starts. A change is an event of the pipe. */

#include "common/model/guarantee.h"
#include "common/store/runtime.h"
#include "common/store/store.h"

/* Store what the api found; an event if mode or severity are others than before (none for a pipe
 * that never had more than at-least-once and did not ask for it). ST_NOT_FOUND, ST_UNAVAILABLE. */
enum status guarantee_store(
    struct store *store, const char *pipe_id, const struct guarantee *guarantee,
    const char *severity, struct err *err) MUST_CHECK;

/* What a replica reports; texts borrowed. */
struct guarantee_report {
    struct guarantee guarantee;
    const char *severity;
    const char *table_uuid; /* of the described destination; "" = not told */
    const char *table_hash; /* of its whole description; "" = not told */
    const char
        *table_change; /* what is different from before, a sentence; NULL or "" = not known */
};

/* Store a replica's report, with a further event `table_changed` if the table is not what it was.
 * Fenced (ST_FENCED). ST_UNAVAILABLE. */
enum status guarantee_report_store(
    struct store *store, const char *owner, const struct lease *lease,
    const struct guarantee_report *report, struct err *err) MUST_CHECK;

#endif
