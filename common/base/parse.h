#ifndef COMMON_BASE_PARSE_H
#define COMMON_BASE_PARSE_H

/*
 * Numbers from text, whole or not at all: no sign games, no leading blanks, no trailing bytes, no
 * silent overflow. All return ST_INVALID and leave the output untouched when the text is not such
 * a number.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

/* Decimal, min..max inclusive. */
enum status parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value) MUST_CHECK;
enum status parse_u64(const char *text, uint64_t max, uint64_t *ret_value) MUST_CHECK;

/* A finite decimal number. */
enum status parse_double(const char *text, double *ret_value) MUST_CHECK;

/* 1/0, true/false, yes/no, on/off (any case). */
enum status parse_bool(const char *text, bool *ret_value) MUST_CHECK;

#endif
