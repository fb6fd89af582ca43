#ifndef COMMON_CLICKHOUSE_PREFLIGHT_TEXT_H
#define COMMON_CLICKHOUSE_PREFLIGHT_TEXT_H

/* Reading of what ClickHouse writes about its tables: settings in engine_full, the target in a
 * view's CREATE statement. Inside of preflight. */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

/* A whole number among the SETTINGS of an engine ("MergeTree ORDER BY id SETTINGS a = 1, b = 2").
 * Texts and names in quotes are skipped. False if it is not there or no number. */
bool preflight_setting(const char *engine_full, const char *name, int64_t *ret_value);

/* Where a materialized view writes: the name behind TO. ret_database is NULL where the statement
 * names a table alone. Both owned, free(). ST_NOT_FOUND: the view has a table of its own (an inner
 * one) or is refreshed by time and not by inserts; ST_INVALID: no such statement; ST_NO_MEMORY. */
enum status
preflight_view_target(const char *create_query, char **ret_database, char **ret_table) MUST_CHECK;

/* True if a view is filled by a clock (REFRESH) and not by inserts. */
bool preflight_view_is_refreshed(const char *create_query);

/* True if one of the names of an expression ("id, _topic, `a b`") is this one. */
bool preflight_names(const char *expression, const char *name);

#endif
