#ifndef COMMON_CLICKHOUSE_TABLE_CHANGE_H
#define COMMON_CLICKHOUSE_TABLE_CHANGE_H

/* What is different between two descriptions of a table, for people. Pure. */

#include "common/clickhouse/describe.h"

enum {
    TABLE_CHANGE_BYTES = 320
};

/* E.g. "column note is Nullable(String), was String; column extra (String) is new". After the first
 * few columns only their number is told. "" if nothing is different but the count of rows. */
void clickhouse_table_change(
    const struct clickhouse_table *before, const struct clickhouse_table *after,
    char ret_text[TABLE_CHANGE_BYTES]);

#endif
