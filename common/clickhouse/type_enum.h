#ifndef COMMON_CLICKHOUSE_TYPE_ENUM_H
#define COMMON_CLICKHOUSE_TYPE_ENUM_H

/* Inside this room: the part of the type parser that reads Enum members. */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/clickhouse/type.h"
#include "common/clickhouse/type_lex.h"

/* Read `'name' = value, …` into type. is_any_width: Enum(…), which becomes an Enum8 where the
 * values allow it. ST_INVALID with reason and position, ST_NO_MEMORY. */
enum status type_enum_take(struct type_lex *p, struct ch_type *type, bool is_any_width) MUST_CHECK;

#endif
