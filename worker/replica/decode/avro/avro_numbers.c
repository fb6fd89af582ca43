/*
 * Booleans, whole numbers and floats. The usual pairs are here (a number that fits goes straight
 * into its column), everything else in convert.c.
 */
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
    if (LIKELY(n->cell->kind == CH_BOOL)) {
        return LIKELY(column_add_u8(column, value)) ? at + 1 : avro_no_memory(r);
    }
    return avro_converted(r, n, at, at + 1, convert_bool(&r->convert, n->cell, column, value != 0));
}

static __attribute__((noinline)) const uint8_t *convert_whole(
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

/* Into integers of up to 64 bits. */
static const uint8_t *
run_whole(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    int64_t value = 0;
    const uint8_t *next = avro_long(r, at, &value);
    if (UNLIKELY(next == NULL)) {
        return NULL;
    }
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t limit = value < 0 ? n->cell->min_size : n->cell->max;
    bool is_whole = n->type->kind == AVRO_LONG || value == (int32_t)value;
    if (UNLIKELY(size > limit || !is_whole)) {
        return convert_whole(r, n, column, at);
    }
    return LIKELY(column_add_u64(column, (uint64_t)value)) ? next : avro_no_memory(r);
}

/* double into Float64, float into Float32: the bits. */
static const uint8_t *run_same_float(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    uint64_t bits = 0;
    memcpy(&bits, at, sizeof(bits));
    if (UNLIKELY(n->cell->width_bytes > (size_t)(r->end - at))) {
        return avro_bad(r, at, "the message ends too early");
    }
    return LIKELY(column_add_u64(column, bits)) ? at + n->cell->width_bytes : avro_no_memory(r);
}

static const uint8_t *
run_float(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    bool is_float = n->type->kind == AVRO_FLOAT;
    const uint8_t *next = avro_take(r, at, is_float ? sizeof(float) : sizeof(double));
    if (next == NULL) {
        return NULL;
    }
    double value = 0;
    if (is_float) {
        float narrow = 0;
        memcpy(&narrow, at, sizeof(narrow));
        value = (double)narrow;
    } else {
        memcpy(&value, at, sizeof(value));
    }
    return avro_converted(
        r, n, at, next, convert_double(&r->convert, n->cell, column, value, is_float));
}

static bool is_narrow_integer(enum ch_kind kind)
{
    return kind == CH_INT8 || kind == CH_INT16 || kind == CH_INT32 || kind == CH_INT64 ||
           kind == CH_UINT8 || kind == CH_UINT16 || kind == CH_UINT32 || kind == CH_UINT64;
}

bool avro_choose_number(struct avro_node *n)
{
    enum ch_kind to = n->cell->kind;
    switch (n->type->kind) {
    case AVRO_BOOLEAN:
        n->run = run_boolean;
        return true;
    case AVRO_INT:
    case AVRO_LONG:
        n->run = is_narrow_integer(to) ? run_whole : convert_whole;
        return true;
    case AVRO_FLOAT:
        n->run = to == CH_FLOAT32 ? run_same_float : run_float;
        return true;
    case AVRO_DOUBLE:
        n->run = to == CH_FLOAT64 ? run_same_float : run_float;
        return true;
    default: /* no number */
        return false;
    }
}
