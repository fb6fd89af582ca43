#ifndef WORKER_REPLICA_DECODE_AVRO_AVRO_NODE_H
#define WORKER_REPLICA_DECODE_AVRO_AVRO_NODE_H

/*
 * The inside of an Avro reader: a schema and a plan compiled into a tree of nodes, each with the
 * function that reads its value. A node is run at a place in the message, with the column it is to
 * append to, and returns the place behind what it read.
 *
 * Reading past the end: what a step reads before it knows its length (a varint, a number of fixed
 * width, a text's first bytes) is less than JSON_PADDING_BYTES, which the caller guarantees. So one
 * look at the end per value is enough; what was read too far is rolled back with the row.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/column.h"
#include "worker/replica/decode/avro/avro_schema.h"
#include "worker/replica/decode/cell.h"
#include "worker/replica/decode/convert.h"

enum avro_fault {
    AVRO_OK,
    AVRO_BAD,   /* the bytes are not Avro of this schema */
    AVRO_UNFIT, /* a value does not fit its column */
    AVRO_NO_MEMORY,
};

enum {
    /* Values of no bytes (null, an empty record) that lists of one message may hold: their count
     * costs a message nothing, so it needs a limit of its own. */
    AVRO_EMPTY_ITEMS_MAX = 65536,
    AVRO_NODES_MAX = 200000,
    AVRO_JSON_MAX_BYTES = 64 << 20, /* of one cell: field names are in no message */
};

#define AVRO_NO_COLUMN UINT32_MAX
#define AVRO_NO_VALUE INT32_MIN

struct avro_node;

/* One message on its way. */
struct avro_run {
    const uint8_t *start;
    const uint8_t *end;
    struct column *const *columns;
    uint32_t empty_items;
    struct convert convert;
    struct ch_type *text_type; /* owned; String: a value's text on its way into JSON */
    struct cell *text_cell;    /* owned */
    struct column *text;       /* owned */
    struct bytes json;         /* a value as JSON text */
    const struct avro_node *json_node;
    enum avro_fault fault;
    const struct avro_node *fault_node; /* AVRO_UNFIT */
    const uint8_t *fault_at;
    const char *reason; /* static text */
};

typedef const uint8_t *
avro_step(struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at);

/* What avro_quick.c does itself. */
enum avro_quick {
    AVRO_QUICK_NONE,
    AVRO_QUICK_STRING,  /* string or bytes into String */
    AVRO_QUICK_KEY,     /* the same into LowCardinality */
    AVRO_QUICK_SYMBOL,  /* enum into LowCardinality; uses symbols */
    AVRO_QUICK_WHOLE,   /* int or long; uses low, high, factor */
    AVRO_QUICK_FLOAT,   /* of the column's width */
    AVRO_QUICK_BOOLEAN, /* into Bool */
};

struct avro_node {
    avro_step *run;
    enum avro_quick quick; /* then run is avro_run_quick … */
    avro_step *slow;       /* … and this reads what is not usual */
    uint32_t column;       /* of the block: where the value goes, directly or inside it */
    uint32_t index;        /* of an array's element, a tuple's element */
    bool is_inside;        /* children append to this node's column, not to columns of the block */
    uint8_t scale;         /* times: ticks of 10^-scale s */
    int64_t factor;        /* times: ticks of the column per tick; 0 = not a whole number */
    int64_t low;           /* whole numbers, times: what the quick way takes */
    int64_t high;
    uint64_t skip_bytes;
    const struct avro_type *type; /* what is read */
    const struct cell *cell;      /* values: what is written */
    const char *reason;           /* refused: why */
    struct avro_node *children;   /* owned array */
    size_t count;
    uint32_t *absent; /* owned; tuple: elements that the record does not have */
    size_t absent_count;
    int32_t *values; /* owned; enum: the column's number of each symbol, AVRO_NO_VALUE = none */
    struct dictionary_recent *symbols; /* owned; enum: each one as a dictionary's cache knows it */
    char *key;                         /* owned; of a map's entry */
    size_t key_bytes;
};

void avro_node_done(struct avro_node *n);

/* A text into LowCardinality of String. False: no memory. */
bool avro_put_key(struct column *column, const uint8_t *text, size_t len) MUST_CHECK;

/* A value of a kind that avro_quick.c knows. */
avro_step avro_run_quick;

/* Make n one of these. */
static inline void avro_set_quick(struct avro_node *n, enum avro_quick quick, avro_step *slow)
{
    n->run = avro_run_quick;
    n->quick = quick;
    n->slow = slow;
}

/* Faults; each returns NULL. */
const uint8_t *avro_bad(struct avro_run *r, const uint8_t *at, const char *reason);
const uint8_t *
avro_unfit(struct avro_run *r, const struct avro_node *n, const uint8_t *at, const char *reason);
const uint8_t *avro_no_memory(struct avro_run *r);

/* Why the varint at `at` is none. */
const uint8_t *avro_bad_number(struct avro_run *r, const uint8_t *at);

/* The end of a convert_* call for the value at `at`: next, or NULL with the fault. */
const uint8_t *avro_converted(
    struct avro_run *r, const struct avro_node *n, const uint8_t *at, const uint8_t *next,
    enum convert_end end);

/* A varint of nine or ten bytes. NULL: longer, or more than 64 bits. */
const uint8_t *avro_varint_long(const uint8_t *at, uint64_t *ret_value);

/* A varint of two bytes and more. */
static inline const uint8_t *avro_varint_more(const uint8_t *at, uint64_t *ret_value)
{
    uint64_t word = 0;
    memcpy(&word, at, sizeof(word));
    uint64_t stops = ~word & 0x8080808080808080ULL;
    if (UNLIKELY(stops == 0)) {
        uint64_t value = 0; /* of its own: the usual one stays in a register */
        const uint8_t *next = avro_varint_long(at, &value);
        *ret_value = value;
        return next;
    }
    unsigned bits = (unsigned)__builtin_ctzll(stops) + 1;
    word &= 0x7f7f7f7f7f7f7f7fULL & (UINT64_MAX >> (64 - bits));
    /* seven bits of each byte together, by pairs */
    word = (word & 0x007f007f007f007fULL) | ((word & 0x7f007f007f007f00ULL) >> 1);
    word = (word & 0x00003fff00003fffULL) | ((word & 0x3fff00003fff0000ULL) >> 2);
    word = (word & 0x000000000fffffffULL) | ((word & 0x0fffffff00000000ULL) >> 4);
    *ret_value = word;
    return at + bits / 8;
}

/* A long: zigzag varint. NULL with the fault set. */
static inline const uint8_t *avro_long(struct avro_run *r, const uint8_t *at, int64_t *ret_value)
{
    uint64_t raw = *at;
    const uint8_t *next = at + 1;
    if (raw >= 0x80) {
        next = avro_varint_more(at, &raw);
    }
    if (UNLIKELY(next == NULL || next > r->end)) {
        return avro_bad_number(r, at);
    }
    *ret_value = (int64_t)(raw >> 1 ^ (0 - (raw & 1)));
    return next;
}

/* An int: a long of 32 bits. */
static inline const uint8_t *avro_int(struct avro_run *r, const uint8_t *at, int64_t *ret_value)
{
    const uint8_t *next = avro_long(r, at, ret_value);
    if (UNLIKELY(next != NULL && *ret_value != (int32_t)*ret_value)) {
        return avro_bad(r, at, "an int has more than 32 bits");
    }
    return next;
}

/* The length before a string or bytes: the place of the first byte; all are in the message. */
static inline const uint8_t *avro_length(struct avro_run *r, const uint8_t *at, size_t *ret_len)
{
    int64_t len = 0;
    const uint8_t *next = avro_long(r, at, &len);
    if (UNLIKELY(next == NULL || (uint64_t)len > (uint64_t)(r->end - next))) {
        return next == NULL ? NULL : avro_bad(r, at, "a length is past the message's end");
    }
    *ret_len = (size_t)len;
    return next;
}

static inline const uint8_t *avro_take(struct avro_run *r, const uint8_t *at, size_t len)
{
    if (UNLIKELY(len > (size_t)(r->end - at))) {
        return avro_bad(r, at, "the message ends too early");
    }
    return at + len;
}

/* A float (is_float: 4 bytes) or a double (8), little-endian as this machine is. */
static inline const uint8_t *
avro_float(struct avro_run *r, bool is_float, const uint8_t *at, double *ret_value)
{
    float narrow = 0;
    const uint8_t *next = avro_take(r, at, is_float ? sizeof(narrow) : sizeof(*ret_value));
    if (next == NULL) {
        return NULL;
    }
    if (is_float) {
        memcpy(&narrow, at, sizeof(narrow));
        *ret_value = (double)narrow;
    } else {
        memcpy(ret_value, at, sizeof(*ret_value));
    }
    return next;
}

/* A union's branch. */
static inline const uint8_t *
avro_branch(struct avro_run *r, const struct avro_type *type, const uint8_t *at, size_t *ret_index)
{
    int64_t index = 0;
    const uint8_t *next = avro_long(r, at, &index);
    if (UNLIKELY(next == NULL || (uint64_t)index >= type->count)) {
        return next == NULL ? NULL : avro_bad(r, at, "a union has no such branch");
    }
    *ret_index = (size_t)index;
    return next;
}

/* An enum's symbol. */
static inline const uint8_t *
avro_symbol(struct avro_run *r, const struct avro_type *type, const uint8_t *at, size_t *ret_index)
{
    int64_t index = 0;
    const uint8_t *next = avro_int(r, at, &index);
    if (UNLIKELY(next == NULL || (uint64_t)index >= type->count)) {
        return next == NULL ? NULL : avro_bad(r, at, "an enum has no such symbol");
    }
    *ret_index = (size_t)index;
    return next;
}

/*
 * The head of the next block of an array or map whose items have at least least_bytes: *ret_count
 * items follow, 0 = it is over. NULL: fault (also for counts that the message cannot hold).
 */
const uint8_t *
avro_items(struct avro_run *r, const uint8_t *at, uint64_t least_bytes, size_t *ret_count);

/* Go over one value of that type. */
const uint8_t *avro_step_over(struct avro_run *r, const struct avro_type *type, const uint8_t *at);

/* Append one value to r->json as JSON text. */
const uint8_t *avro_json(struct avro_run *r, const struct avro_type *type, const uint8_t *at);

/* What the columns of this node's subtree get when there is no value. */
avro_step avro_run_absent;

/* Skipping, as nodes. */
avro_step avro_run_skip_bytes;
avro_step avro_run_skip_number;
avro_step avro_run_skip_text;
avro_step avro_run_skip;

/* Choose n->run for a value of n->type into n->cell. False: this kind cannot go there. */
bool avro_choose_number(struct avro_node *n);
bool avro_choose_time(struct avro_node *n);
bool avro_choose_text(struct avro_node *n);

/* String or LowCardinality of it. */
bool avro_is_text(const struct cell *cell);

/* string and bytes by convert.c; string into UUID. */
avro_step avro_run_text;
avro_step avro_run_uuid_baseline;
avro_step avro_run_uuid_avx2;

/* The unscaled number of a decimal, a uuid in 16 bytes, a duration: also for JSON texts. */
enum convert_end avro_put_decimal(
    struct avro_run *r, const struct avro_type *type, const struct cell *cell,
    struct column *column, struct avro_text bytes);
enum {
    AVRO_DURATION_TEXT_BYTES = 96,
    AVRO_UUID_TEXT_BYTES = 36,
};
size_t avro_duration_text(const uint8_t *at, char *out);
void avro_uuid_text(const uint8_t *at, char *out);

/* Containers; their children are made by avro_bind. */
avro_step avro_run_null;
avro_step avro_run_optional;
avro_step avro_run_union;
avro_step avro_run_array;
avro_step avro_run_map;
avro_step avro_run_tuple;
avro_step avro_run_json;
avro_step avro_run_document;
avro_step avro_run_refused;

/* Ways to values inside others. */
avro_step avro_run_fields;
avro_step avro_run_field;
avro_step avro_run_many;
avro_step avro_run_branches;
avro_step avro_run_element;

/* What makes nodes; counts them. */
struct avro_maker {
    struct err *err;
    const char *separator;
    size_t nodes_count;
};

/* A node for values of type into cell, for column. A pair that cannot be becomes a node that
 * refuses its values. n: zeroed, avro_node_done in any case. ST_INVALID (too large), ST_NO_MEMORY.
 */
enum status avro_bind(
    struct avro_maker *m, const struct avro_type *type, const struct cell *cell, uint32_t column,
    struct avro_node *n) MUST_CHECK;

/* The same for a Variant's cell, for anything but null and unions. */
enum status avro_bind_variant(struct avro_maker *m, struct avro_node *n) MUST_CHECK;

/* A node that refuses its values. reason: static text. */
void avro_refuse(struct avro_node *n, const char *reason);

/* Digits after the point of such a time, 0 for all other types. */
uint8_t avro_time_scale(enum avro_logical logical);

/* Children of n, zeroed. ST_INVALID, ST_NO_MEMORY. */
enum status avro_add_children(struct avro_maker *m, struct avro_node *n, size_t count) MUST_CHECK;

/* A node that goes over a value of that type; joined with the node before when both are of fixed
 * length: then false, n is not needed. */
void avro_bind_skip(const struct avro_type *type, struct avro_node *n);

/* A column and what is left of its path. */
struct avro_use {
    const char *rest; /* NULL = this value itself */
    uint32_t column;
    const struct cell *cell;
};

/* The node that fills the columns of uses from a value of type. is_inside: as in the node. */
enum status avro_follow(
    struct avro_maker *m, const struct avro_type *type, const struct avro_use *uses, size_t count,
    bool is_inside, struct avro_node *n) MUST_CHECK;

#endif
