/*
 * Values into a Variant: which alternative an Avro type goes to is known when the schema is. The
 * table lists, from the best on, what suits a type; a String takes any value as its text at last.
 */
#include <string.h>

#include "worker/replica/decode/avro/avro_node.h"

enum {
    ANY_LOGICAL = -1,
    WHOLE = 1 << AVRO_INT | 1 << AVRO_LONG,
    REAL = 1 << AVRO_FLOAT | 1 << AVRO_DOUBLE,
    BINARY = 1 << AVRO_BYTES | 1 << AVRO_FIXED,
    EVERY = (1 << (AVRO_UNION + 1)) - 1,
};

struct preference {
    unsigned kinds; /* of Avro, as bits */
    int logical;
    enum ch_kind to;
};

/* clang-format off */
static const struct preference PREFERENCES[] = {
    {1 << AVRO_INT, AVRO_DATE, CH_DATE32}, {1 << AVRO_INT, AVRO_DATE, CH_DATE},
    {1 << AVRO_INT, AVRO_TIME_MS, CH_TIME64}, {1 << AVRO_INT, AVRO_TIME_MS, CH_TIME},
    {1 << AVRO_LONG, AVRO_TIME_US, CH_TIME64}, {1 << AVRO_LONG, AVRO_TIME_US, CH_TIME},
    {1 << AVRO_LONG, AVRO_INSTANT_MS, CH_DATETIME64}, {1 << AVRO_LONG, AVRO_INSTANT_MS, CH_DATETIME},
    {1 << AVRO_LONG, AVRO_INSTANT_US, CH_DATETIME64}, {1 << AVRO_LONG, AVRO_INSTANT_US, CH_DATETIME},
    {1 << AVRO_LONG, AVRO_INSTANT_NS, CH_DATETIME64}, {1 << AVRO_LONG, AVRO_INSTANT_NS, CH_DATETIME},
    {1 << AVRO_LONG, AVRO_LOCAL_MS, CH_DATETIME64}, {1 << AVRO_LONG, AVRO_LOCAL_MS, CH_DATETIME},
    {1 << AVRO_LONG, AVRO_LOCAL_US, CH_DATETIME64}, {1 << AVRO_LONG, AVRO_LOCAL_US, CH_DATETIME},
    {1 << AVRO_LONG, AVRO_LOCAL_NS, CH_DATETIME64}, {1 << AVRO_LONG, AVRO_LOCAL_NS, CH_DATETIME},
    {BINARY, AVRO_DECIMAL, CH_DECIMAL32}, {BINARY, AVRO_DECIMAL, CH_DECIMAL64},
    {BINARY, AVRO_DECIMAL, CH_DECIMAL128}, {BINARY, AVRO_DECIMAL, CH_DECIMAL256},
    {1 << AVRO_STRING | 1 << AVRO_FIXED, AVRO_UUID, CH_UUID},
    {1 << AVRO_INT, ANY_LOGICAL, CH_INT32},
    {WHOLE, ANY_LOGICAL, CH_INT64}, {WHOLE, ANY_LOGICAL, CH_INT128}, {WHOLE, ANY_LOGICAL, CH_INT256},
    {WHOLE, ANY_LOGICAL, CH_INT32}, {WHOLE, ANY_LOGICAL, CH_UINT64}, {WHOLE, ANY_LOGICAL, CH_UINT32},
    {WHOLE, ANY_LOGICAL, CH_INT16}, {WHOLE, ANY_LOGICAL, CH_UINT16}, {WHOLE, ANY_LOGICAL, CH_INT8},
    {WHOLE, ANY_LOGICAL, CH_UINT8}, {WHOLE, ANY_LOGICAL, CH_FLOAT64},
    {1 << AVRO_FLOAT, ANY_LOGICAL, CH_FLOAT32}, {REAL, ANY_LOGICAL, CH_FLOAT64},
    {REAL, ANY_LOGICAL, CH_FLOAT32},
    {1 << AVRO_BOOLEAN, ANY_LOGICAL, CH_BOOL}, {1 << AVRO_BOOLEAN, ANY_LOGICAL, CH_UINT8},
    {1 << AVRO_ENUM, ANY_LOGICAL, CH_ENUM8}, {1 << AVRO_ENUM, ANY_LOGICAL, CH_ENUM16},
    {1 << AVRO_FIXED, ANY_LOGICAL, CH_FIXED_STRING},
    {1 << AVRO_ARRAY, ANY_LOGICAL, CH_ARRAY}, {1 << AVRO_MAP, ANY_LOGICAL, CH_MAP},
    {1 << AVRO_RECORD, ANY_LOGICAL, CH_TUPLE},
    {1 << AVRO_RECORD | 1 << AVRO_MAP, ANY_LOGICAL, CH_JSON},
    {EVERY, ANY_LOGICAL, CH_STRING}, {EVERY, ANY_LOGICAL, CH_LOW_CARDINALITY},
};
/* clang-format on */

static bool suits(const struct avro_type *type, const struct cell *cell, enum ch_kind to)
{
    if (cell->kind != to) {
        return false;
    }
    return to == CH_FIXED_STRING      ? cell->width_bytes == type->size
           : to == CH_LOW_CARDINALITY ? avro_is_text(cell)
                                      : true;
}

/* The alternative of that kind, if there are several the one of the type's own scale. */
static bool find_alternative(const struct avro_node *n, enum ch_kind to, uint32_t *ret_index)
{
    unsigned scale =
        n->type->logical == AVRO_DECIMAL ? n->type->scale : avro_time_scale(n->type->logical);
    bool is_found = false;
    for (size_t i = 0; i < n->cell->children_count; i++) {
        const struct cell *cell = n->cell->children[i];
        if (suits(n->type, cell, to) && (!is_found || cell->scale == scale)) {
            *ret_index = (uint32_t)i;
            is_found = true;
        }
    }
    return is_found;
}

static bool choose(struct avro_node *n)
{
    for (size_t i = 0; i < ARRAY_LEN(PREFERENCES); i++) {
        const struct preference *p = &PREFERENCES[i];
        bool is_it = (p->kinds & 1U << n->type->kind) != 0 &&
                     (p->logical == ANY_LOGICAL || p->logical == (int)n->type->logical);
        if (is_it && find_alternative(n, p->to, &n->index)) {
            return true;
        }
    }
    return false;
}

static const uint8_t *run_alternative(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    const struct avro_node *child = n->children;
    at = child->run(r, child, column_variant(column, n->index), at);
    if (at == NULL) {
        return NULL;
    }
    return column_variant_close(column, n->index) ? at : avro_no_memory(r);
}

enum status avro_bind_variant(struct avro_maker *m, struct avro_node *n)
{
    if (!choose(n)) {
        avro_refuse(n, "no alternative of the Variant takes this type");
        return ST_OK;
    }
    n->run = run_alternative;
    enum status st = avro_add_children(m, n, 1);
    return st == ST_OK
               ? avro_bind(m, n->type, n->cell->children[n->index], n->column, &n->children[0])
               : st;
}
