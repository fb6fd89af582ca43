#ifndef API_CLI_RUN_H
#define API_CLI_RUN_H

/* What the commands of penstock-api do. */

#include "common/base/buf.h"
#include "common/config/config.h"

#include "api/cli.h"

/*
 * Run the command to its end. output: gets what belongs on stdout (JSON lines); CLI_SERVE leaves it
 * alone and returns only when the api ends. ST_INVALID for settings that are missing or wrong,
 * ST_UNAVAILABLE and ST_TIMEOUT for a database that is away, ST_NOT_FOUND for an unknown key,
 * ST_CONFLICT for a database of a newer program, ST_INTERNAL, ST_NO_MEMORY.
 */
enum status cli_run(
    const struct cli *cli, const struct config *config, struct buf *output,
    struct err *err) MUST_CHECK;

/* --check-config: what `serve` needs, beyond values that can be read. ST_INVALID, ST_NO_MEMORY. */
enum status cli_check(const struct config *config, struct err *err) MUST_CHECK;

#endif
