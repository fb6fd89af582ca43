#ifndef COMMON_CLICKHOUSE_TYPE_CUSTOM_H
#define COMMON_CLICKHOUSE_TYPE_CUSTOM_H

/* Types that are other types under a name: SimpleAggregateFunction, Point and its kin. For
 * type_parse.c alone. */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/clickhouse/type.h"
#include "common/clickhouse/type_lex.h"

typedef enum status type_parser(struct type_lex *p, struct ch_type **ret_type);

bool type_custom_is(const char *name);

/* Behind such a name: take its arguments, if it has any, by means of parse, and make type (empty)
 * what it stands for. ST_INVALID, ST_UNSUPPORTED, ST_NO_MEMORY. */
enum status type_custom_take(
    struct type_lex *p, const char *name, type_parser *parse, struct ch_type *type) MUST_CHECK;

#endif
