/* Which types the values of JSON documents can fill. */
#include <assert.h>
#include <stdlib.h>

#include "common/clickhouse/type.h"

/* Alternatives that no JSON value can be told apart for. */
enum alternative_class {
    CLASS_OTHER, /* of its own kind: only the same type would be a rival, and that is no second */
    CLASS_INTEGER,
    CLASS_FRACTION,
    CLASS_INSTANT,
    CLASS_TEXT,
    CLASS_ENUM,
    CLASS_TIME,
    CLASS_COUNT,
};

static const char *const CLASS_NAMES[] = {
    [CLASS_OTHER] = "",
    [CLASS_INTEGER] = "integer type",
    [CLASS_FRACTION] = "float or Decimal type",
    [CLASS_INSTANT] = "date or date-time type",
    [CLASS_TEXT] = "text type",
    [CLASS_ENUM] = "Enum",
    [CLASS_TIME] = "time type",
};

bool ch_kind_is_integer(enum ch_kind kind)
{
    switch (kind) {
    case CH_INT8:
    case CH_INT16:
    case CH_INT32:
    case CH_INT64:
    case CH_INT128:
    case CH_INT256:
    case CH_UINT8:
    case CH_UINT16:
    case CH_UINT32:
    case CH_UINT64:
    case CH_UINT128:
    case CH_UINT256:
        return true;
    default: /* all others */
        return false;
    }
}

bool ch_kind_is_fraction(enum ch_kind kind)
{
    switch (kind) {
    case CH_FLOAT32:
    case CH_FLOAT64:
    case CH_BFLOAT16:
    case CH_DECIMAL32:
    case CH_DECIMAL64:
    case CH_DECIMAL128:
    case CH_DECIMAL256:
        return true;
    default: /* all others */
        return false;
    }
}

static enum alternative_class class_of(const struct ch_type *type)
{
    if (ch_kind_is_integer(type->kind)) {
        return CLASS_INTEGER;
    }
    if (ch_kind_is_fraction(type->kind)) {
        return CLASS_FRACTION;
    }
    switch (type->kind) {
    case CH_DATE:
    case CH_DATE32:
    case CH_DATETIME:
    case CH_DATETIME64:
        return CLASS_INSTANT;
    case CH_STRING:
    case CH_FIXED_STRING:
        return CLASS_TEXT;
    case CH_ENUM8:
    case CH_ENUM16:
        return CLASS_ENUM;
    case CH_TIME:
    case CH_TIME64:
        return CLASS_TIME;
    case CH_LOW_CARDINALITY:
        return class_of(type->children[0]);
    default: /* Bool, UUID, IPv4, IPv6; containers are refused before */
        return CLASS_OTHER;
    }
}

static bool is_container(const struct ch_type *type)
{
    return type->kind == CH_ARRAY || type->kind == CH_MAP || type->kind == CH_TUPLE ||
           type->kind == CH_JSON;
}

static enum status check_variant(const struct ch_type *type, struct err *err)
{
    const struct ch_type *first[CLASS_COUNT] = {NULL};
    for (size_t i = 0; i < type->children_count; i++) {
        const struct ch_type *child = type->children[i];
        CLEANUP(freep) char *text = ch_type_text(child);
        if (is_container(child)) {
            return err_set(
                err, ST_UNSUPPORTED, "a Variant filled from JSON takes single values only, not %s",
                text == NULL ? ch_kind_name(child->kind) : text);
        }
        enum alternative_class class = class_of(child);
        if (class != CLASS_OTHER && first[class] != NULL) {
            CLEANUP(freep) char *other = ch_type_text(first[class]);
            return err_set(
                err, ST_UNSUPPORTED,
                "a Variant filled from JSON may hold only one %s, not both %s and %s",
                CLASS_NAMES[class], other == NULL ? ch_kind_name(first[class]->kind) : other,
                text == NULL ? ch_kind_name(child->kind) : text);
        }
        first[class] = child;
    }
    return ST_OK;
}

enum status ch_type_check_json(const struct ch_type *type, struct err *err)
{
    assert(type != NULL);
    enum status st = type->kind == CH_VARIANT ? check_variant(type, err) : ST_OK;
    for (size_t i = 0; i < type->children_count && st == ST_OK; i++) {
        st = ch_type_check_json(type->children[i], err);
    }
    return st;
}
