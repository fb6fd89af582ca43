/* Booleans, whole numbers and floats. The usual pairs are quick (avro_quick.c), everything else is
 * done by convert.c. */
#include <string.h>

#include "worker/replica/decode/avro/avro_node.h"

static const uint8_t *
run_boolean(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    uint8_t value = *at;
    if (UNLIKELY(at >= r->end || value > 1)) {
        return avro_bad(
            r, at, at >= r->end ? "the message ends too early" : "a boolean is neither 0 nor 1");
    }
    return avro_converted(r, n, at, at + 1, convert_bool(&r->convert, n->cell, column, value != 0));
}

static const uint8_t *convert_whole(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    int64_t value = 0;
    const uint8_t *next =
        n->type->kind == AVRO_INT ? avro_int(r, at, &value) : avro_long(r, at, &value);
    if (next == NULL) {
        return NULL;
    }
    return avro_converted(r, n, at, next, convert_integer(&r->convert, n->cell, column, value));
}

static const uint8_t *
run_float(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    bool is_float = n->type->kind == AVRO_FLOAT;
    double value = 0;
    const uint8_t *next = avro_float(r, is_float, at, &value);
    if (next == NULL) {
        return NULL;
    }
    return avro_converted(
        r, n, at, next, convert_double(&r->convert, n->cell, column, value, is_float));
}

static bool is_narrow_integer(enum ch_kind kind)
{
    return kind == CH_INT8 || kind == CH_INT16 || kind == CH_INT32 || kind == CH_INT64 ||
           kind == CH_UINT8 || kind == CH_UINT16 || kind == CH_UINT32 || kind == CH_UINT64;
}

/* Into integers of up to 64 bits: what fits the column, and an int's 32 bits. */
static void choose_whole(struct avro_node *n)
{
    const struct cell *cell = n->cell;
    avro_set_quick(n, AVRO_QUICK_WHOLE, convert_whole);
    n->factor = 1;
    n->low = cell->min_size > INT64_MAX ? INT64_MIN : -(int64_t)cell->min_size;
    n->high = cell->max > INT64_MAX ? INT64_MAX : (int64_t)cell->max;
    if (n->type->kind == AVRO_INT) {
        n->low = n->low < INT32_MIN ? INT32_MIN : n->low;
        n->high = n->high > INT32_MAX ? INT32_MAX : n->high;
    }
}

static void choose_float(struct avro_node *n, enum ch_kind same)
{
    n->run = run_float;
    if (n->cell->kind == same) {
        avro_set_quick(n, AVRO_QUICK_FLOAT, run_float);
    }
}

bool avro_choose_number(struct avro_node *n)
{
    switch (n->type->kind) {
    case AVRO_BOOLEAN:
        n->run = run_boolean;
        if (n->cell->kind == CH_BOOL) {
            avro_set_quick(n, AVRO_QUICK_BOOLEAN, run_boolean);
        }
        return true;
    case AVRO_INT:
    case AVRO_LONG:
        n->run = convert_whole;
        if (is_narrow_integer(n->cell->kind)) {
            choose_whole(n);
        }
        return true;
    case AVRO_FLOAT:
        choose_float(n, CH_FLOAT32);
        return true;
    case AVRO_DOUBLE:
        choose_float(n, CH_FLOAT64);
        return true;
    default: /* no number */
        return false;
    }
}
