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
#include "worker/replica/decode/strangers.h"

enum {
    JSON_PADDING_BYTES = 128,
    JSON_DEPTH_MAX = 1000,
    WALK_TEXT_ROOM_BYTES = 512,
    WALK_INDENTS = 8, /* levels whose indent is remembered; deeper ones share */
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
    struct strangers *strangers;   /* unknown keys, with the ids behind the plan's */
    uint32_t *ranks;      /* by column: rank of the literal key that wins here; WALK_NO_RANK */
    bool has_ranks;       /* some rank is set */
    uint64_t *written;    /* bits of columns written by literal keys */
    struct bytes scratch; /* unescaped texts */
    struct datetime_cache day;
    uint32_t depth;                 /* of containers open around the current place */
    uint32_t indents[WALK_INDENTS]; /* blanks in front of the last member of a level, below 31 */
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

/* What stands for the character behind a backslash; 0 = none, or more than one byte. */
extern const uint8_t WALK_ESCAPES[256];

/* Values of hexadecimal digits plus one; 0 = no digit. */
extern const uint8_t WALK_HEX[256];

/* Four hexadecimal digits; false if they are none. */
static inline bool walk_unit(const uint8_t *at, uint32_t *ret_unit)
{
    uint32_t a = WALK_HEX[at[0]];
    uint32_t b = WALK_HEX[at[1]];
    uint32_t c = WALK_HEX[at[2]];
    uint32_t d = WALK_HEX[at[3]];
    *ret_unit = (a << 12) + (b << 8) + (c << 4) + d - 0x1111;
    return a != 0 && b != 0 && c != 0 && d != 0;
}

/* One escape sequence at its backslash: append its UTF-8 (at most 4 bytes) at `to`, advance *to.
 * Returns the place behind it. */
const uint8_t *walk_escape(struct walk *w, const uint8_t *at, uint8_t **to);

/*
 * Append the rest of a string value, from `at` (a backslash or control character, or more text) on,
 * to bytes whose `len` counts what is in already. Returns the place behind the closing quote.
 */
const uint8_t *walk_string_rest(struct walk *w, const uint8_t *at, struct bytes *to);

/* Behind a run of blanks of any length, which is learned for the level. */
const uint8_t *walk_blanks_long(struct walk *w, const uint8_t *at, uint32_t level);

/*
 * Pretty-printed documents have the same run of blanks in front of every member of a level: the
 * length it had last time is checked, not found, so that nothing waits for it.
 */
static inline const uint8_t *walk_blanks_rest(struct walk *w, const uint8_t *at, uint32_t level)
{
    if (at[0] == ' ' && at[1] > ' ') {
        return at + 1;
    }
    uint32_t mask = simd_not_blank(at);
    uint32_t guess = w->indents[level % WALK_INDENTS];
    if (LIKELY((mask & ((2U << guess) - 1)) == 1U << guess)) {
        return at + guess;
    }
    return walk_blanks_long(w, at, level);
}

/* Behind the blanks, if any. */
static inline const uint8_t *walk_blanks(struct walk *w, const uint8_t *at)
{
    return LIKELY(*at > ' ') ? at : walk_blanks_rest(w, at, w->depth);
}

/* The same behind a member: what comes after a run there closes the level. */
static inline const uint8_t *walk_blanks_end(struct walk *w, const uint8_t *at)
{
    return LIKELY(*at > ' ') ? at : walk_blanks_rest(w, at, w->depth - 1);
}

static inline bool walk_is_word(const uint8_t *at, const char word[4])
{
    return memcmp(at, word, 4) == 0;
}

/*
 * Go on at a backslash: unescape and copy to *to up to the closing quote, what is no text, the
 * document's end, or the last place that *to may have; returns that place, at which a string may
 * simply be continued. NULL: a broken escape. Writes up to 64 bytes behind *to.
 */
static inline const uint8_t * // NOLINTNEXTLINE(readability-function-cognitive-complexity): one loop
walk_unescape(struct walk *w, const uint8_t *at, uint8_t **to, const uint8_t *last)
{
    uint8_t *place = *to;
    while (*at == '\\' && at < w->end && place < last) {
        uint8_t plain = WALK_ESCAPES[at[1]];
        uint32_t unit = 0;
        if (LIKELY(plain != 0)) {
            *place++ = plain;
            at += 2;
        } else if (at[1] == 'u' && walk_unit(at + 2, &unit) && unit - 0x80 < 0x800 - 0x80) {
            *place++ = (uint8_t)(0xc0 | unit >> 6);
            *place++ = (uint8_t)(0x80 | (unit & 0x3f));
            at += 6;
        } else {
            at = walk_escape(w, at, &place);
            if (at == NULL) {
                return NULL;
            }
        }
        if (*at == '\\' || *at == '"') {
            continue; /* escapes come in runs */
        }
        uint32_t mask = simd_copy_special(place, at);
        while (mask == 0 && at < w->end && place < last) {
            at += SIMD_BYTES;
            place += SIMD_BYTES;
            mask = simd_copy_special(place, at);
        }
        unsigned count = mask == 0 ? 0 : simd_first(mask);
        at += count;
        place += count;
    }
    *to = place;
    return at;
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
    if (at > w->end || !bytes_add(&w->scratch, from, (size_t)(at - from)) ||
        !bytes_room(&w->scratch, WALK_TEXT_ROOM_BYTES)) {
        return at > w->end ? walk_bad(w, w->end, "the document ends inside a string")
                           : walk_no_memory(w);
    }
    uint8_t *to = w->scratch.at + w->scratch.len;
    at = walk_unescape(w, at, &to, w->scratch.at + w->scratch.capacity - 2 * (size_t)SIMD_BYTES);
    if (at == NULL) {
        return NULL;
    }
    w->scratch.len = (size_t)(to - w->scratch.at);
    at = walk_string_rest(w, at, &w->scratch);
    *text = (struct walk_text){w->scratch.at, w->scratch.len};
    return at;
}

#endif
