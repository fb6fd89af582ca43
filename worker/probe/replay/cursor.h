#ifndef WORKER_PROBE_REPLAY_CURSOR_H
#define WORKER_PROBE_REPLAY_CURSOR_H

/* The last record a replay looked at, as text for the next call. Opaque to clients. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/clickhouse/replay_sql.h"

struct replay_cursor {
    struct replay_key key; /* topic points to the member below */
    char *topic;           /* owned; NULL = none */
};
void replay_cursor_done(struct replay_cursor *cursor);

/* Remember a key; its topic is copied. ST_NO_MEMORY. */
enum status replay_cursor_set(
    struct replay_cursor *cursor, const struct replay_key *key, struct err *err) MUST_CHECK;

/* ret_cursor: replay_cursor_done. ST_INVALID for a text that replay_cursor_text did not write. */
enum status
replay_cursor_parse(const char *text, struct replay_cursor *ret_cursor, struct err *err) MUST_CHECK;

/* Owned, free(); NULL without memory. */
char *replay_cursor_text(const struct replay_cursor *cursor);

#endif
