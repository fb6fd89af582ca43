#ifndef COMMON_MODEL_GUARANTEE_H
#define COMMON_MODEL_GUARANTEE_H

/*
 * What a pipe promises about its rows, as it is really in force: the mode, for how many inserts and
 * how long an outage it holds, and why. Decided by common/clickhouse/preflight.h, by the api at
 * create and by every replica when it starts; kept with the pipe; shown in the summary.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/json_text.h"
#include "common/model/pipe.h"

/* X(enum constant, text on the wire) */
/* clang-format off */
#define GUARANTEE_MODE_TABLE(X) \
    X(GUARANTEE_AT_LEAST_ONCE, "at-least-once") \
    X(GUARANTEE_BY_TOKEN, "exactly-once-by-token") \
    X(GUARANTEE_BY_CHECK, "exactly-once-by-check")
/* clang-format on */

enum guarantee_mode {
#define X(name, text) name,
    GUARANTEE_MODE_TABLE(X)
#undef X
};

enum {
    GUARANTEE_DETAIL_BYTES = 1000, /* fits into an event of the replica (worker/protocol) */
    GUARANTEE_UNLIMITED = -1
};

struct guarantee {
    enum guarantee_mode mode;
    int64_t inserts; /* a repeated insert is recognized among the last so many into the table;
                      * GUARANTEE_UNLIMITED = however many there were */
    int64_t seconds; /* and after an outage of at most so long; both 0 in at-least-once */
    bool is_weak;    /* something should be done: a warning */
    bool can_check;  /* the table can be asked which offsets it holds, in any mode but
                      * at-least-once */
    bool is_atomic;  /* an insert of one block is stored whole or not at all: the table has no
                      * partitions and no view reads from it */
    char detail[GUARANTEE_DETAIL_BYTES]; /* sentences for a person; cut with "..." if longer */
};

/* Text of a mode. Static memory. */
const char *guarantee_mode_text(enum guarantee_mode mode);

/* The mode of a text; GUARANTEE_AT_LEAST_ONCE for anything else, NULL included: the weakest promise
 * is never wrong. */
enum guarantee_mode guarantee_mode_from_text(const char *text);

/* How bad a guarantee is, as the severity of its event: critical where a pipe that asks for
 * exactly-once does not get it, warning where something should be done, else info. */
const char *guarantee_severity(const struct guarantee *guarantee, bool is_exactly_once);

/* Of a pipe that does not ask for exactly-once, whatever its table could do. */
void guarantee_not_asked(struct guarantee *ret_guarantee);

/* {"mode","detail","protects":{"inserts","seconds"} or null}, inserts null where unlimited, as the
 * member `name`. */
void guarantee_write(struct json_text *json, const char *name, const struct guarantee *guarantee);

/* The destination columns that say where a row came from. Borrowed from the pipe. */
struct guarantee_columns {
    const char *topic;
    const char *partition;
    const char *offset;
};

/* True if the pipe stores topic, partition and offset of every record, each in a column of its own;
 * ret_columns is all NULL otherwise. */
bool guarantee_columns(const struct pipe_spec *pipe, struct guarantee_columns *ret_columns);

#endif
