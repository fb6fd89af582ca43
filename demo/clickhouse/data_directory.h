#ifndef DEMO_CLICKHOUSE_DATA_DIRECTORY_H
#define DEMO_CLICKHOUSE_DATA_DIRECTORY_H

/*
 * The data directory before the engine opens it. In libchdb, database `default` is an overlay that
 * takes files of the working directory for tables. Started without an overlay it wants a `default`
 * that is there already: so one is declared on disk, in the way ClickHouse itself keeps databases
 * (metadata/<name>.sql), as an ordinary Atomic database.
 */

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* Make the directory (mode 0700) if it is not there, declare `default`, and go (chdir) to an empty
 * directory in it. The absolute path for the engine is appended to ret_path. ST_TOO_LARGE: the path
 * does not fit. ST_IO. ST_NO_MEMORY. */
enum status
data_directory_prepare(const char *directory, struct buf *ret_path, struct err *err) MUST_CHECK;

#endif
