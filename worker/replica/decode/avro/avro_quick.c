/*
 * The usual values of the usual records in one place, so that a record's fields and an array's
 * elements are read in one loop with a switch in it instead of a call per value. What does not fit
 * here (a number out of range, a text of another length class) goes to the node's slow step.
 */
#include <assert.h>
#include <string.h>

#include "worker/replica/decode/avro/avro_node.h"

enum {
    SHORT_BYTES = 32,
    CHUNK_BYTES = 64,           /* = BYTES_SLACK, and less than the padding behind a message */
    QUICK_LENGTH_MAX = 1 << 14, /* lengths of one or two bytes in the column */
};

/* Behind at there are JSON_PADDING_BYTES, behind a column's room BYTES_SLACK: whole chunks are
 * copied. */
static inline void copy_text(uint8_t *to, const uint8_t *text, size_t len)
{
    memcpy(to, text, SHORT_BYTES);
    if (LIKELY(len <= SHORT_BYTES)) {
        return;
    }
    for (size_t done = SHORT_BYTES; done < len; done += CHUNK_BYTES) {
        memcpy(to + done, text + done, CHUNK_BYTES);
    }
}

/* string and bytes into String. */
static inline const uint8_t *
quick_string(struct avro_run *r, struct column *column, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *text = avro_length(r, at, &len);
    if (UNLIKELY(text == NULL)) {
        return NULL;
    }
    if (UNLIKELY(len >= QUICK_LENGTH_MAX || !column_has_room(column, len + 2))) {
        return column_add_text(column, text, len) ? text + len : avro_no_memory(r);
    }
    uint8_t *to = column->data.at + column->data.len;
    column_prefetch(column, len);
    bool is_wide = len >= 0x80;
    to[0] = (uint8_t)(len | (is_wide ? 0x80U : 0U));
    to[1] = (uint8_t)(len >> 7); /* of a short length: the text's place */
    copy_text(to + 1 + is_wide, text, len);
    column->data.len += 1 + is_wide + len;
    column->strings_count++;
    return text + len;
}

/* The same into LowCardinality of it. */
static inline const uint8_t *quick_key(struct avro_run *r, struct column *column, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *text = avro_length(r, at, &len);
    uint32_t index = 0;
    if (UNLIKELY(text == NULL)) {
        return NULL;
    }
    bool is_known =
        len <= DICTIONARY_SHORT_BYTES && dictionary_recall(&column->dictionary, text, len, &index);
    bool is_in =
        LIKELY(is_known) ? column_add_index(column, index) : avro_put_key(column, text, len);
    return LIKELY(is_in) ? text + len : avro_no_memory(r);
}

static inline const uint8_t *quick_symbol(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t symbol = 0;
    const uint8_t *next = avro_symbol(r, n->type, at, &symbol);
    uint32_t index = 0;
    if (UNLIKELY(next == NULL)) {
        return NULL;
    }
    if (UNLIKELY(!dictionary_recall_words(&column->dictionary, &n->symbols[symbol], &index))) {
        return n->slow(r, n, column, at);
    }
    return LIKELY(column_add_index(column, index)) ? next : avro_no_memory(r);
}

/* int and long into whole numbers and ticks: those in the node's range, times its factor. */
static inline const uint8_t *
quick_whole(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    int64_t value = 0;
    const uint8_t *next = avro_long(r, at, &value);
    if (UNLIKELY(next == NULL)) {
        return NULL;
    }
    if (UNLIKELY(value < n->low || value > n->high)) {
        return n->slow(r, n, column, at);
    }
    uint64_t ticks = (uint64_t)(value * n->factor);
    return LIKELY(column_add_u64(column, ticks)) ? next : avro_no_memory(r);
}

/* double into Float64, float into Float32: the bits. */
static inline const uint8_t *
quick_float(struct avro_run *r, struct column *column, const uint8_t *at)
{
    uint64_t bits = 0;
    memcpy(&bits, at, sizeof(bits));
    if (UNLIKELY(column->width_bytes > (size_t)(r->end - at))) {
        return avro_bad(r, at, "the message ends too early");
    }
    return LIKELY(column_add_u64(column, bits)) ? at + column->width_bytes : avro_no_memory(r);
}

/* boolean into Bool. */
static inline const uint8_t *quick_boolean(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    uint8_t value = *at;
    if (UNLIKELY(at >= r->end || value > 1)) {
        return n->slow(r, n, column, at); /* which says what is wrong */
    }
    return LIKELY(column_add_u64(column, value)) ? at + 1 : avro_no_memory(r);
}

static inline const uint8_t *
quick(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    switch (n->quick) {
    case AVRO_QUICK_STRING:
        return quick_string(r, column, at);
    case AVRO_QUICK_KEY:
        return quick_key(r, column, at);
    case AVRO_QUICK_SYMBOL:
        return quick_symbol(r, n, column, at);
    case AVRO_QUICK_WHOLE:
        return quick_whole(r, n, column, at);
    case AVRO_QUICK_FLOAT:
        return quick_float(r, column, at);
    case AVRO_QUICK_BOOLEAN:
        return quick_boolean(r, n, column, at);
    case AVRO_QUICK_NONE:
        break;
    }
    return n->run(r, n, column, at);
}

const uint8_t *avro_run_quick(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    assert(n->quick != AVRO_QUICK_NONE);
    return quick(r, n, column, at);
}

/* A union of two with a null: children are what its branches are. */
const uint8_t *avro_run_optional(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    uint8_t branch = *at;
    if (UNLIKELY(at >= r->end || (branch & ~2) != 0)) {
        return avro_run_union(r, n, column, at);
    }
    return quick(r, &n->children[branch >> 1], column, at + 1);
}

/* The fields of a record, each to the block's columns. */
const uint8_t *avro_run_fields(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    (void)column; /* each child has its own */
    const struct avro_node *child = n->children;
    for (const struct avro_node *end = child + n->count; child < end; child++) {
        at = quick(r, child, r->columns[child->column], at);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
    }
    return at;
}

/* The usual head of a block of an array: up to 63 items, no length in bytes. */
static inline const uint8_t *
quick_items(struct avro_run *r, const uint8_t *at, uint64_t least_bytes, size_t *ret_count)
{
    size_t head = *at;
    size_t count = head >> 1;
    bool is_usual = (head & 0x81) == 0 && at < r->end && least_bytes > 0 && least_bytes <= 16 &&
                    count * least_bytes < (size_t)(r->end - at);
    if (UNLIKELY(!is_usual)) {
        return avro_items(r, at, least_bytes, ret_count);
    }
    *ret_count = count;
    return at + 1;
}

const uint8_t *avro_run_array(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    struct column *items = column->children[0];
    const struct avro_node *child = n->children;
    uint64_t least_bytes = n->type->element->min_bytes;
    for (;;) {
        size_t count = 0;
        at = quick_items(r, at, least_bytes, &count);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
        if (count == 0) {
            break;
        }
        for (; count > 0; count--) {
            at = quick(r, child, items, at);
            if (UNLIKELY(at == NULL)) {
                return NULL;
            }
        }
    }
    uint64_t end = items->kind == CH_STRING ? items->strings_count : column_items(items);
    return LIKELY(column_add_offset(column, end)) ? at : avro_no_memory(r);
}
