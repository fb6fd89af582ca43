#ifndef COMMON_CLICKHOUSE_TYPE_H
#define COMMON_CLICKHOUSE_TYPE_H

/*
 * ClickHouse types: text to tree and back. Spacing and the usual aliases are understood; the
 * canonical text is what `SHOW CREATE TABLE` prints. All types that exist are known by name; the
 * table in type_def.h says which of them Penstock writes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/clickhouse/type_def.h"

enum ch_kind {
#define X(kind, name, arguments, width, flags) kind,
    CH_TYPE_TABLE(X)
#undef X
};

enum ch_arguments {
    CH_ARGS_NONE,       /* no parentheses */
    CH_ARGS_LENGTH,     /* (N) */
    CH_ARGS_ZONE,       /* () or ('Zone') */
    CH_ARGS_SCALE_ZONE, /* (), (p) or (p, 'Zone') */
    CH_ARGS_DECIMAL,    /* (S) */
    CH_ARGS_ENUM,       /* ('name' = value, …) */
    CH_ARGS_TYPE,       /* (T) */
    CH_ARGS_MAP,        /* (K, V) */
    CH_ARGS_ELEMENTS,   /* (T, …) or (name T, …) */
    CH_ARGS_NESTED,     /* (name T, …): becomes an Array of a Tuple, see is_nested */
    CH_ARGS_VARIANT,    /* (T, …), sorted */
    CH_ARGS_ANY,        /* anything, kept as text */
};

enum ch_flag {
    CH_CAN_WRITE = 1,          /* column builders exist */
    CH_IN_NULLABLE = 2,        /* Nullable(T) is allowed */
    CH_IN_LOW_CARDINALITY = 4, /* LowCardinality(T) is allowed by ClickHouse */
};

struct ch_enum_member {
    char *name; /* owned; may hold any byte, so: */
    size_t name_bytes;
    int16_t value;
};

/* One node. All pointers are owned. Read-only for everybody but type.c. */
struct ch_type {
    enum ch_kind kind;
    uint32_t width_bytes;           /* of one cell in Native; 0 = variable or composite */
    uint8_t precision;              /* Decimal: P (as written, or the widest of Decimal32 …) */
    uint8_t scale;                  /* Decimal: S; DateTime64, Time64: digits after the point */
    char *timezone;                 /* DateTime, DateTime64; NULL = not given */
    struct ch_enum_member *members; /* Enum, sorted by value */
    size_t members_count;
    struct ch_type **children; /* Nullable, LowCardinality, Array: 1; Map: key, value; Tuple: n;
                                  Variant: n, by canonical text, as ClickHouse numbers them */
    char **names;              /* Tuple: element names; NULL if unnamed */
    bool is_nested;            /* Array of a named Tuple that was written as Nested(…) */
    size_t children_count;
    char *custom_text; /* what ClickHouse calls this structure: Point, SimpleAggregateFunction(…);
                          NULL = it has no other name */
    char *arguments_text; /* CH_ARGS_ANY: what stood between the parentheses, NULL = nothing */
};

enum {
    CH_TYPE_DEPTH_MAX = 32,              /* nesting of parentheses */
    CH_ALTERNATIVES_MAX = 255,           /* of a Variant: a byte tells which, 255 is NULL */
    CH_TYPE_TEXT_MAX_BYTES = 65536,      /* Enum16 may be long */
    CH_FIXED_STRING_MAX_BYTES = 1 << 20, /* limit of our own, ClickHouse allows 16 MB */
};

/*
 * Read a type. ret_type: owned, ch_type_free.
 * ST_INVALID: not a type, with reason and position; ST_UNSUPPORTED: a type ClickHouse has and
 * Penstock does not write ("type X is not supported yet", or why); ST_NO_MEMORY.
 */
enum status ch_type_parse(const char *text, struct ch_type **ret_type, struct err *err) MUST_CHECK;

/* Like ch_type_parse, but types that Penstock does not write are no error. */
enum status
ch_type_parse_any(const char *text, struct ch_type **ret_type, struct err *err) MUST_CHECK;

/*
 * Can values of JSON documents fill this type? Of a Variant the alternative is chosen by the kind
 * of the value alone, so it may hold one integer type, one float or Decimal, one date or date-time,
 * one text, Bool, UUID, …, each at most once, and no Array, Map or Tuple.
 * ST_UNSUPPORTED with the reason.
 */
enum status ch_type_check_json(const struct ch_type *type, struct err *err) MUST_CHECK;

/* Append the canonical text, e.g. "Decimal(18, 4)". ST_TOO_LARGE, ST_NO_MEMORY of the buffer. */
enum status ch_type_write(const struct ch_type *type, struct buf *out) MUST_CHECK;

/* Canonical text, owned by the caller (free()); NULL if out of memory. */
char *ch_type_text(const struct ch_type *type);

/* Same kind and arguments, all the way down. */
bool ch_type_equals(const struct ch_type *a, const struct ch_type *b);

/* True for the names of UTC itself: no zone has to be loaded for them. */
bool ch_zone_is_utc(const char *name);

/* Can all zones in the type be loaded (common/base/zone.h)? ST_UNSUPPORTED, ST_NO_MEMORY. */
enum status ch_type_check_zones(const struct ch_type *type, struct err *err) MUST_CHECK;

/* Name of the kind as in the table. Static memory. */
const char *ch_kind_name(enum ch_kind kind);

/* Int8 … UInt256. */
bool ch_kind_is_integer(enum ch_kind kind);

/* Floats and Decimals. */
bool ch_kind_is_fraction(enum ch_kind kind);

/* Flags of the kind (enum ch_flag). */
unsigned ch_kind_flags(enum ch_kind kind);

/* Whether the kind is anywhere in the tree. */
bool ch_type_contains(const struct ch_type *type, enum ch_kind kind);

/* Free the tree. NULL is fine. */
void ch_type_free(struct ch_type *type);
void ch_type_freep(struct ch_type **type);

#endif
