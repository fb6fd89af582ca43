/* The rare steps of a walk: failing, escapes. */
#include "worker/replica/decode/json_walk.h"

#include <assert.h>

enum {
    HIGH_SURROGATE = 0xd800,
    LOW_SURROGATE = 0xdc00,
    SURROGATES_END = 0xe000,
    UNIT_BYTES = 6, /* \uXXXX */
};

const uint8_t *walk_bad(struct walk *w, const uint8_t *at, const char *reason)
{
    w->fault = WALK_PARSE;
    w->reason = reason;
    w->fault_at = at;
    return NULL;
}

const uint8_t *walk_unfit(struct walk *w, const uint8_t *at, const char *reason)
{
    w->fault = WALK_CELL;
    w->reason = reason;
    w->fault_at = at;
    return NULL;
}

const uint8_t *walk_no_memory(struct walk *w)
{
    w->fault = WALK_NO_MEMORY;
    w->reason = "out of memory";
    return NULL;
}

const uint8_t *walk_duplicate(struct walk *w, const uint8_t *at)
{
    w->fault = WALK_DUPLICATE;
    w->reason = "the key stands twice in one object";
    w->fault_at = at;
    return NULL;
}

/* RFC 8259 section 7, but \u. */
const uint8_t WALK_ESCAPES[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

const uint8_t WALK_HEX[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

const uint8_t *walk_blanks_long(struct walk *w, const uint8_t *at, uint32_t level)
{
    const uint8_t *from = at;
    while (at < w->end) {
        uint32_t mask = simd_not_blank(at);
        if (mask == 0) {
            at += SIMD_BYTES;
            continue;
        }
        at += simd_first(mask);
        if (at - from < SIMD_BYTES - 1) {
            w->indents[level % WALK_INDENTS] = (uint32_t)(at - from);
        }
        return at;
    }
    return at;
}

static uint8_t *put_character(uint8_t *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (uint8_t)code;
    } else if (code < 0x800) {
        *to++ = (uint8_t)(0xc0 | code >> 6);
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (uint8_t)(0xe0 | code >> 12);
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        *to++ = (uint8_t)(0xf0 | code >> 18);
        *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return to;
}

/* \uXXXX or a pair of them. */
static const uint8_t *unicode_escape(struct walk *w, const uint8_t *at, uint8_t **to)
{
    uint32_t code = 0;
    if (!walk_unit(at + 2, &code)) {
        return walk_bad(w, at, "an escape \\u needs four hexadecimal digits");
    }
    if (code < HIGH_SURROGATE || code >= SURROGATES_END) {
        *to = put_character(*to, code);
        return at + UNIT_BYTES;
    }
    uint32_t low = 0;
    bool has_pair = code < LOW_SURROGATE && at[UNIT_BYTES] == '\\' && at[UNIT_BYTES + 1] == 'u' &&
                    walk_unit(at + UNIT_BYTES + 2, &low) && low >= LOW_SURROGATE &&
                    low < SURROGATES_END;
    if (!has_pair) {
        return walk_bad(w, at, "a surrogate stands alone");
    }
    *to = put_character(*to, 0x10000 + ((code - HIGH_SURROGATE) << 10) + (low - LOW_SURROGATE));
    return at + 2 * (size_t)UNIT_BYTES;
}

const uint8_t *walk_escape(struct walk *w, const uint8_t *at, uint8_t **to)
{
    assert(*at == '\\');
    if (at[1] == 'u') {
        return unicode_escape(w, at, to);
    }
    uint8_t plain = WALK_ESCAPES[at[1]];
    if (plain == 0) {
        return walk_bad(w, at, "there is no such escape sequence");
    }
    *(*to)++ = plain;
    return at + 2;
}

const uint8_t *walk_string_rest(struct walk *w, const uint8_t *at, struct bytes *to)
{
    for (;;) {
        if (at >= w->end) {
            return walk_bad(w, w->end, "the document ends inside a string");
        }
        if (!bytes_room(to, SIMD_BYTES)) {
            return walk_no_memory(w);
        }
        uint8_t *place = to->at + to->len;
        uint32_t mask = simd_copy_special(place, at);
        unsigned count = mask == 0 ? SIMD_BYTES : simd_first(mask);
        to->len += count;
        at += count;
        if (mask == 0) {
            continue;
        }
        if (*at == '"') {
            return at + 1;
        }
        if (*at != '\\') {
            return walk_bad(w, at, "a control character stands in a string");
        }
        place += count;
        at = walk_escape(w, at, &place);
        if (at == NULL) {
            return NULL;
        }
        to->len = (size_t)(place - to->at);
    }
}
