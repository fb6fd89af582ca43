#ifndef WORKER_REPLICA_DECODE_JSON_WALK_H
#define WORKER_REPLICA_DECODE_JSON_WALK_H

/*
 * State of one walk over one JSON document, and the smallest steps: blanks, literals, failing.
 *
 * The functions of a walk take the place `at` and return the place behind what they took, or NULL
 * when they failed; then the walk knows why. That one pointer instead of a status and an output
 * keeps the walk in registers, and is why these rooms differ from the rest of the code.
 *
 * Reading past the end: a step may read up to JSON_PADDING_BYTES behind the document, which the
 * caller makes readable; whatever is there, nothing behind the end is ever accepted, because the
 * place is compared with the end at every member, element and run, and when the walk is over.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/block/column.h"
#include "worker/replica/decode/datetime.h"
#include "worker/replica/decode/plan_tree.h"
#include "worker/replica/decode/simd.h"

enum {
    JSON_PADDING_BYTES = 128,
    JSON_DEPTH_MAX = 1000,
};

enum walk_fault {
    WALK_PARSE,     /* not JSON */
    WALK_CELL,      /* JSON, but the value does not fit the column */
    WALK_DUPLICATE, /* a mapped key twice */
    WALK_RIVAL,     /* a literal key came after its path: walk again with new ranks */
    WALK_NO_MEMORY,
};

#define WALK_NO_COLUMN UINT32_MAX
#define WALK_NO_RANK UINT32_MAX

struct walk {
    const struct plan *plan;       /* borrowed */
    struct column *const *columns; /* of the block being filled, borrowed */
    const uint8_t *start;          /* the document, borrowed */
    const uint8_t *end;
    uint64_t *seen;                /* bits of columns filled and of keys with a child met */
    const struct json_key **next;  /* by key id: the key that came after it last time */
    const struct json_key **first; /* by first id of a table: the key that came first */
    uint32_t *ranks;      /* by column: rank of the literal key that wins here; WALK_NO_RANK */
    bool has_ranks;       /* some rank is set */
    uint64_t *written;    /* bits of columns written by literal keys */
    struct bytes scratch; /* unescaped texts */
    struct datetime_cache day;
    uint32_t depth; /* of containers open around the current place */
    enum walk_fault fault;
    uint32_t fault_column; /* WALK_NO_COLUMN while unknown */
    const char *reason;    /* static text */
    const uint8_t *fault_at;
};

/* Fail: not JSON at `at`. */
const uint8_t *walk_bad(struct walk *w, const uint8_t *at, const char *reason);

/* Fail: the value that starts at `at` does not fit. */
const uint8_t *walk_unfit(struct walk *w, const uint8_t *at, const char *reason);

/* Fail: the heap is empty. */
const uint8_t *walk_no_memory(struct walk *w);

/* Fail: a key that matters stands twice in one object. */
const uint8_t *walk_duplicate(struct walk *w, const uint8_t *at);

/* One escape sequence at its backslash: append its UTF-8 (at most 4 bytes) at `to`, advance *to.
 * Returns the place behind it. */
const uint8_t *walk_escape(struct walk *w, const uint8_t *at, uint8_t **to);

/*
 * Append the rest of a string value, from `at` (a backslash or control character, or more text) on,
 * to bytes whose `len` counts what is in already. Returns the place behind the closing quote.
 */
const uint8_t *walk_string_rest(struct walk *w, const uint8_t *at, struct bytes *to);

static inline const uint8_t *walk_blanks_rest(const struct walk *w, const uint8_t *at)
{
    if (at[0] == ' ' && at[1] > ' ') {
        return at + 1;
    }
    while (at < w->end) {
        uint32_t mask = simd_not_blank(at);
        if (mask != 0) {
            return at + simd_first(mask);
        }
        at += SIMD_BYTES;
    }
    return at;
}

/* Behind the blanks, if any. */
static inline const uint8_t *walk_blanks(const struct walk *w, const uint8_t *at)
{
    return LIKELY(*at > ' ') ? at : walk_blanks_rest(w, at);
}

static inline bool walk_is_word(const uint8_t *at, const char word[4])
{
    return memcmp(at, word, 4) == 0;
}

/* A text inside a document or, unescaped, in the scratch. */
struct walk_text {
    const uint8_t *at;
    size_t len;
};

/* A string at its opening quote, as a text that lives until the next one. */
static inline const uint8_t *walk_text(struct walk *w, const uint8_t *at, struct walk_text *text)
{
    const uint8_t *from = ++at;
    for (;;) {
        uint32_t mask = simd_special(at);
        if (LIKELY(mask != 0)) {
            at += simd_first(mask);
            break;
        }
        at += SIMD_BYTES;
        if (UNLIKELY(at > w->end)) {
            return walk_bad(w, w->end, "the document ends inside a string");
        }
    }
    if (LIKELY(*at == '"')) {
        *text = (struct walk_text){from, (size_t)(at - from)};
        return at + 1;
    }
    w->scratch.len = 0;
    if (at > w->end || !bytes_add(&w->scratch, from, (size_t)(at - from))) {
        return at > w->end ? walk_bad(w, w->end, "the document ends inside a string")
                           : walk_no_memory(w);
    }
    at = walk_string_rest(w, at, &w->scratch);
    *text = (struct walk_text){w->scratch.at, w->scratch.len};
    return at;
}

#endif
