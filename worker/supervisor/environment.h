#ifndef WORKER_SUPERVISOR_ENVIRONMENT_H
#define WORKER_SUPERVISOR_ENVIRONMENT_H

/*
 * The environment of a child: the supervisor's, without its own settings (the database and its
 * password, the keys of stored credentials) and without libpq's. What a child needs of them it
 * gets in its spec. Log level and format are passed on, wherever they came from.
 */

#include "common/base/attr.h"
#include "common/base/err.h"

struct environment {
    char **items; /* owned, NULL at the end */
};

/* level, format: words of PENSTOCK_LOG_LEVEL and PENSTOCK_LOG_FORMAT. source: NAME=value texts,
 * NULL at the end (borrowed for the call). ST_NO_MEMORY. */
enum status environment_init(
    struct environment *ret_environment, char *const *source, const char *level, const char *format,
    struct err *err) MUST_CHECK;
void environment_done(struct environment *environment);

#endif
