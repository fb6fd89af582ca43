/* What is the same for all nodes: faults, the slow ends of reading, skipping. */
#include <assert.h>
#include <stdlib.h>

#include "worker/replica/decode/avro/avro_node.h"

__attribute__((cold, noinline)) const uint8_t *
avro_bad(struct avro_run *r, const uint8_t *at, const char *reason)
{
    r->fault = AVRO_BAD;
    r->fault_at = at;
    r->reason = reason;
    return NULL;
}

__attribute__((cold, noinline)) const uint8_t *
avro_unfit(struct avro_run *r, const struct avro_node *n, const uint8_t *at, const char *reason)
{
    r->fault = AVRO_UNFIT;
    r->fault_node = n;
    r->fault_at = at;
    r->reason = reason;
    return NULL;
}

__attribute__((cold, noinline)) const uint8_t *avro_no_memory(struct avro_run *r)
{
    r->fault = AVRO_NO_MEMORY;
    return NULL;
}

__attribute__((cold, noinline)) const uint8_t *
avro_bad_number(struct avro_run *r, const uint8_t *at)
{
    const uint8_t *last = at;
    while (last < r->end && *last >= 0x80) {
        last++;
    }
    return avro_bad(r, at, last >= r->end ? "the message ends too early" : "a number is too long");
}

const uint8_t *avro_converted(
    struct avro_run *r, const struct avro_node *n, const uint8_t *at, const uint8_t *next,
    enum convert_end end)
{
    switch (end) {
    case CONVERT_DONE:
        return next;
    case CONVERT_UNFIT:
        return avro_unfit(r, n, at, r->convert.reason);
    case CONVERT_NO_MEMORY:
        return avro_no_memory(r);
    }
    return NULL;
}

const uint8_t *avro_varint_long(const uint8_t *at, uint64_t *ret_value)
{
    enum {
        LONGEST_BYTES = 10
    };
    uint64_t value = 0;
    for (unsigned i = 0; i < LONGEST_BYTES; i++) {
        uint64_t bits = at[i] & 0x7fU;
        if (i == LONGEST_BYTES - 1 && at[i] > 1) {
            return NULL;
        }
        value |= bits << (7 * i);
        if (at[i] < 0x80) {
            *ret_value = value;
            return at + i + 1;
        }
    }
    return NULL;
}

const uint8_t *
avro_items(struct avro_run *r, const uint8_t *at, uint64_t least_bytes, size_t *ret_count)
{
    int64_t count = 0;
    const uint8_t *next = avro_long(r, at, &count);
    if (next == NULL) {
        return NULL;
    }
    uint64_t items = (uint64_t)count;
    if (count < 0) { /* then the block's length in bytes follows */
        int64_t bytes = 0;
        items = 0 - items;
        next = avro_long(r, next, &bytes);
        if (next == NULL) {
            return NULL;
        }
        if ((uint64_t)bytes > (uint64_t)(r->end - next)) {
            return avro_bad(r, at, "a block of a list is past the message's end");
        }
    }
    uint64_t left = (uint64_t)(r->end - next);
    if (least_bytes > 0 && items > left / least_bytes) {
        return avro_bad(r, at, "a list has more items than the message has bytes for");
    }
    if (least_bytes == 0 && items > AVRO_EMPTY_ITEMS_MAX - r->empty_items) {
        return avro_bad(r, at, "lists have more than 65536 items of no bytes");
    }
    r->empty_items += least_bytes == 0 ? (uint32_t)items : 0;
    *ret_count = items;
    return next;
}

static const uint8_t *
skip_items(struct avro_run *r, const struct avro_type *type, const uint8_t *at, size_t count)
{
    for (; count > 0 && at != NULL; count--) {
        size_t len = 0;
        if (type->kind == AVRO_MAP) {
            at = avro_length(r, at, &len);
            at = at == NULL ? NULL : at + len;
        }
        at = at == NULL ? NULL : avro_step_over(r, type->element, at);
    }
    return at;
}

static const uint8_t *skip_list(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    uint64_t least = type->element->min_bytes + (type->kind == AVRO_MAP);
    while (at != NULL) {
        size_t count = 0;
        bool has_length = (*at & 1) != 0; /* of a zigzag number: negative */
        const uint8_t *head = at;
        at = avro_items(r, at, least, &count);
        if (at == NULL || count == 0) {
            return at;
        }
        if (has_length) {
            int64_t number = 0;
            int64_t bytes = 0;
            at = avro_long(r, avro_long(r, head, &number), &bytes); /* both were read before */
            at += bytes;
        } else {
            at = skip_items(r, type, at, count);
        }
    }
    return NULL;
}

const uint8_t *avro_step_over(struct avro_run *r, const struct avro_type *type, const uint8_t *at)
{
    size_t number = 0;
    int64_t value = 0;
    if (type->is_constant) {
        return avro_take(r, at, type->min_bytes);
    }
    switch (type->kind) {
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        return avro_long(r, at, &value);
    case AVRO_BYTES:
    case AVRO_STRING:
        at = avro_length(r, at, &number);
        return at == NULL ? NULL : at + number;
    case AVRO_RECORD:
        for (size_t i = 0; i < type->count && at != NULL; i++) {
            at = avro_step_over(r, type->fields[i].type, at);
        }
        return at;
    case AVRO_ARRAY:
    case AVRO_MAP:
        return skip_list(r, type, at);
    case AVRO_UNION:
        at = avro_branch(r, type, at, &number);
        return at == NULL ? NULL : avro_step_over(r, type->branches[number], at);
    case AVRO_NULL:
    case AVRO_BOOLEAN:
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
    case AVRO_FIXED:
        break;
    }
    return avro_take(r, at, type->min_bytes);
}

const uint8_t *avro_run_skip(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    (void)column; /* nothing is written */
    return avro_step_over(r, n->type, at);
}

const uint8_t *avro_run_skip_bytes(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    (void)column; /* as above */
    return avro_take(r, at, n->skip_bytes);
}

const uint8_t *avro_run_skip_number(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    (void)n;
    (void)column; /* as above */
    int64_t value = 0;
    return avro_long(r, at, &value);
}

const uint8_t *avro_run_skip_text(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    (void)n;
    (void)column; /* as above */
    size_t len = 0;
    at = avro_length(r, at, &len);
    return at == NULL ? NULL : at + len;
}

void avro_bind_skip(const struct avro_type *type, struct avro_node *n)
{
    n->type = type;
    if (type->is_constant) {
        n->run = avro_run_skip_bytes;
        n->skip_bytes = type->min_bytes;
    } else if (type->kind == AVRO_INT || type->kind == AVRO_LONG || type->kind == AVRO_ENUM) {
        n->run = avro_run_skip_number;
    } else if (type->kind == AVRO_STRING || type->kind == AVRO_BYTES) {
        n->run = avro_run_skip_text;
    } else {
        n->run = avro_run_skip;
    }
}

void avro_node_done(struct avro_node *n)
{
    for (size_t i = 0; n->children != NULL && i < n->count; i++) {
        avro_node_done(&n->children[i]);
    }
    free(n->children);
    free(n->absent);
    free(n->values);
    free(n->symbols);
    free(n->key);
    *n = (struct avro_node){0};
}
