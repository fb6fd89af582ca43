#ifndef WORKER_REPLICA_DECODE_JSON_SKIP_H
#define WORKER_REPLICA_DECODE_JSON_SKIP_H

/* Values nobody reads: stepped over, but checked like all others. Part of the walk (json_walk.h).
 */

#include "worker/replica/decode/json_walk.h"
#include "worker/replica/decode/number.h"

/* At an escape, or what has no place in a string. */
static const uint8_t *skip_special(struct walk *w, const uint8_t *at)
{
    if (at >= w->end) {
        return at;
    }
    if (*at != '\\') {
        return walk_bad(w, at, "a control character stands in a string");
    }
    uint8_t unused[4];
    uint8_t *to = unused;
    return walk_escape(w, at, &to);
}

static inline const uint8_t *skip_string(struct walk *w, const uint8_t *at)
{
    at++;
    while (LIKELY(at < w->end)) {
        uint32_t mask = simd_special(at);
        if (mask == 0) {
            at += SIMD_BYTES;
            continue;
        }
        at += simd_first(mask);
        if (LIKELY(*at == '"')) {
            return at + 1;
        }
        at = skip_special(w, at);
        if (at == NULL) {
            return NULL;
        }
    }
    return walk_bad(w, w->end, "the document ends inside a string");
}

static inline const uint8_t *skip_scalar(struct walk *w, const uint8_t *at)
{
    switch (*at) {
    case '"':
        return skip_string(w, at);
    case 't':
        if (walk_is_word(at, "true")) {
            return at + 4;
        }
        break;
    case 'f':
        if (walk_is_word(at + 1, "alse")) {
            return at + 5;
        }
        break;
    case 'n':
        if (walk_is_word(at, "null")) {
            return at + 4;
        }
        break;
    default: {
        struct number number;
        const uint8_t *behind = number_read(at, w->end, &number);
        if (behind != NULL) {
            return behind;
        }
    }
    }
    return walk_bad(w, at, "a value is expected");
}

/* A key and its colon, at the opening quote. */
static inline const uint8_t *skip_key(struct walk *w, const uint8_t *at)
{
    if (*at != '"') {
        return walk_bad(w, at, "a key in quotes is expected");
    }
    at = skip_string(w, at);
    if (at == NULL) {
        return NULL;
    }
    at = walk_blanks(w, at);
    if (*at != ':') {
        return walk_bad(w, at, "':' is expected");
    }
    return walk_blanks(w, at + 1);
}

struct skip_stack {
    uint64_t objects[JSON_DEPTH_MAX / 64 + 1]; /* bit per level: object, else array */
    uint32_t depth;
};

static inline bool skip_in_object(const struct skip_stack *stack)
{
    return (stack->objects[stack->depth / 64] >> (stack->depth % 64) & 1) != 0;
}

/* A container's first step: behind the bracket, at the first value or the closing bracket. */
static inline const uint8_t *skip_open(struct walk *w, const uint8_t *at, struct skip_stack *stack)
{
    if (w->depth + stack->depth >= JSON_DEPTH_MAX) {
        return walk_bad(w, at, "more than 1000 levels");
    }
    stack->depth++;
    uint64_t bit = 1ULL << (stack->depth % 64);
    uint64_t *word = &stack->objects[stack->depth / 64];
    *word = *at == '{' ? *word | bit : *word & ~bit;
    return walk_blanks(w, at + 1);
}

/* Behind a value: to the next one, closing what closes. Sets *is_over behind the outermost. */
static inline const uint8_t *
skip_behind(struct walk *w, const uint8_t *at, struct skip_stack *stack, bool *is_over)
{
    while (stack->depth > 0) {
        at = walk_blanks(w, at);
        if (at >= w->end) {
            return walk_bad(w, w->end, "the document ends inside an object or array");
        }
        bool in_object = skip_in_object(stack);
        if (*at == ',') {
            at = walk_blanks(w, at + 1);
            return in_object ? skip_key(w, at) : at;
        }
        if (*at != (in_object ? '}' : ']')) {
            return walk_bad(w, at, in_object ? "',' or '}' is expected" : "',' or ']' is expected");
        }
        at++;
        stack->depth--;
    }
    *is_over = true;
    return at;
}

/* A scalar, or the opening of a container; *is_open: the next value follows at once. */
static inline const uint8_t *
skip_begin(struct walk *w, const uint8_t *at, struct skip_stack *stack, bool *is_open)
{
    *is_open = false;
    if (*at != '{' && *at != '[') {
        return skip_scalar(w, at);
    }
    uint8_t closing = *at == '{' ? '}' : ']';
    at = skip_open(w, at, stack);
    if (at == NULL || *at == closing) {
        return at;
    }
    *is_open = true;
    at = closing == '}' ? skip_key(w, at) : at;
    return at == NULL || at < w->end
               ? at
               : walk_bad(w, w->end, "the document ends inside an object or array");
}

/* Any value at `at`; returns the place behind it. */
static inline const uint8_t *skip_value(struct walk *w, const uint8_t *at)
{
    if (LIKELY(*at != '{' && *at != '[')) {
        return skip_scalar(w, at);
    }
    struct skip_stack stack;
    stack.depth = 0;
    stack.objects[0] = 0;
    bool is_over = false;
    while (at != NULL && !is_over) {
        bool is_open = false;
        at = skip_begin(w, at, &stack, &is_open);
        if (at != NULL && !is_open) {
            at = skip_behind(w, at, &stack, &is_over);
        }
    }
    return at;
}

#endif
