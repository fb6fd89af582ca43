#ifndef WORKER_REPLICA_DECODE_UTF8_H
#define WORKER_REPLICA_DECODE_UTF8_H

/*
 * Is a document UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF)? ASCII
 * passes 32 bytes at a time. SIMD_BYTES behind the text must be readable.
 */

#include <stdbool.h>

#include "common/base/attr.h"

#include "worker/replica/decode/simd.h"

/* May the second byte follow the first? Not in overlong forms, surrogates, above U+10FFFF. */
static inline bool utf8_is_second(uint8_t first, uint8_t second)
{
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

/* One character that is not ASCII; its length, 0 if it is broken. The text's rest is len bytes. */
static inline size_t utf8_character(const uint8_t *at, size_t len)
{
    static const uint8_t FIRST_MIN[] = {0, 0, 0xc2, 0xe0, 0xf0};
    uint8_t first = at[0];
    size_t count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < FIRST_MIN[count] || first > 0xf4 || count > len) {
        return 0;
    }
    if (!utf8_is_second(first, at[1])) {
        return 0;
    }
    for (size_t i = 2; i < count; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return count;
}

/* Place of the first broken character, len if there is none. */
static inline size_t utf8_check_plain(const uint8_t *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint32_t mask = simd_not_ascii(text + at);
        if (mask == 0) {
            at += SIMD_BYTES;
            continue;
        }
        at += simd_first(mask);
        while (at < len && text[at] >= 0x80) {
            size_t count = utf8_character(text + at, len - at);
            if (count == 0) {
                return at;
            }
            at += count;
        }
    }
    return len;
}

#if defined(__AVX2__)

/*
 * J. Keiser, D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2020): what
 * nibbles of two neighbours say about errors, in three tables. Names are the paper's.
 */
enum {
    UTF8_TOO_SHORT = 1 << 0,
    UTF8_TOO_LONG = 1 << 1,
    UTF8_OVERLONG_3 = 1 << 2,
    UTF8_TOO_LARGE = 1 << 3,
    UTF8_SURROGATE = 1 << 4,
    UTF8_OVERLONG_2 = 1 << 5,
    UTF8_TOO_LARGE_1000 = 1 << 6,
    UTF8_OVERLONG_4 = 1 << 6,
    UTF8_TWO_CONTS = 1 << 7,
    UTF8_CARRY = UTF8_TOO_SHORT | UTF8_TOO_LONG | UTF8_TWO_CONTS,
    UTF8_LARGE = UTF8_CARRY | UTF8_TOO_LARGE | UTF8_TOO_LARGE_1000,
    UTF8_SECOND = UTF8_TOO_LONG | UTF8_OVERLONG_2 | UTF8_TWO_CONTS,
};

static const uint8_t UTF8_BYTE_1_HIGH[16] = {
    UTF8_TOO_LONG,
    UTF8_TOO_LONG,
    UTF8_TOO_LONG,
    UTF8_TOO_LONG,
    UTF8_TOO_LONG,
    UTF8_TOO_LONG,
    UTF8_TOO_LONG,
    UTF8_TOO_LONG,
    UTF8_TWO_CONTS,
    UTF8_TWO_CONTS,
    UTF8_TWO_CONTS,
    UTF8_TWO_CONTS,
    UTF8_TOO_SHORT | UTF8_OVERLONG_2,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT | UTF8_OVERLONG_3 | UTF8_SURROGATE,
    UTF8_TOO_SHORT | UTF8_TOO_LARGE | UTF8_TOO_LARGE_1000 | UTF8_OVERLONG_4,
};
static const uint8_t UTF8_BYTE_1_LOW[16] = {
    UTF8_CARRY | UTF8_OVERLONG_3 | UTF8_OVERLONG_2 | UTF8_OVERLONG_4,
    UTF8_CARRY | UTF8_OVERLONG_2,
    UTF8_CARRY,
    UTF8_CARRY,
    UTF8_CARRY | UTF8_TOO_LARGE,
    UTF8_LARGE,
    UTF8_LARGE,
    UTF8_LARGE,
    UTF8_LARGE,
    UTF8_LARGE,
    UTF8_LARGE,
    UTF8_LARGE,
    UTF8_LARGE,
    UTF8_LARGE | UTF8_SURROGATE,
    UTF8_LARGE,
    UTF8_LARGE,
};
static const uint8_t UTF8_BYTE_2_HIGH[16] = {
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_SECOND | UTF8_OVERLONG_3 | UTF8_TOO_LARGE_1000 | UTF8_OVERLONG_4,
    UTF8_SECOND | UTF8_OVERLONG_3 | UTF8_TOO_LARGE,
    UTF8_SECOND | UTF8_SURROGATE | UTF8_TOO_LARGE,
    UTF8_SECOND | UTF8_SURROGATE | UTF8_TOO_LARGE,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
    UTF8_TOO_SHORT,
};

static inline __m256i utf8_table(const uint8_t table[16], __m256i nibbles)
{
    __m128i half = _mm_loadu_si128((const __m128i *)(const void *)table);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(half), nibbles);
}

static inline __m256i utf8_errors(__m256i bytes, __m256i before)
{
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    __m256i middle = _mm256_permute2x128_si256(before, bytes, 0x21);
    __m256i prev1 = _mm256_alignr_epi8(bytes, middle, 15);
    __m256i prev2 = _mm256_alignr_epi8(bytes, middle, 14);
    __m256i prev3 = _mm256_alignr_epi8(bytes, middle, 13);
    __m256i high1 = _mm256_and_si256(_mm256_srli_epi16(prev1, 4), nibble);
    __m256i high2 = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    __m256i special = _mm256_and_si256(
        _mm256_and_si256(
            utf8_table(UTF8_BYTE_1_HIGH, high1),
            utf8_table(UTF8_BYTE_1_LOW, _mm256_and_si256(prev1, nibble))),
        utf8_table(UTF8_BYTE_2_HIGH, high2));
    __m256i third = _mm256_subs_epu8(prev2, _mm256_set1_epi8(0xe0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(prev3, _mm256_set1_epi8(0xf0 - 0x80));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must, special);
}

/* The last, partial block with zeros behind the text, which show a character cut off. */
static inline __m256i utf8_last(const uint8_t *at, size_t len)
{
    static const uint8_t KEEP[2 * SIMD_BYTES] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    return _mm256_and_si256(simd_load(at), simd_load(KEEP + SIMD_BYTES - len));
}

enum {
    UTF8_STRIDE_BLOCKS = 64
};

/* Bit i: block i of at most 64 is not pure ASCII. */
static inline uint64_t utf8_blocks(const uint8_t *text, size_t blocks)
{
    uint64_t found = 0;
    for (size_t i = 0; i < blocks; i++) {
        found |= (uint64_t)(simd_not_ascii(text + i * SIMD_BYTES) != 0) << i;
    }
    return found;
}

/*
 * Most text is ASCII with some other characters here and there: note which blocks have them, then
 * check those and the ones behind them, where a character may go on.
 */
static inline bool utf8_is_valid(const uint8_t *text, size_t len)
{
    size_t blocks = len / SIMD_BYTES;
    size_t rest = len % SIMD_BYTES;
    __m256i errors = _mm256_setzero_si256();
    __m256i zero = _mm256_setzero_si256();
    uint64_t carry = 0; /* the block before has other characters */
    for (size_t at = 0; at < blocks; at += UTF8_STRIDE_BLOCKS) {
        size_t count = blocks - at < UTF8_STRIDE_BLOCKS ? blocks - at : UTF8_STRIDE_BLOCKS;
        uint64_t found = utf8_blocks(text + at * SIMD_BYTES, count);
        uint64_t check = (found | found << 1 | carry) & (UINT64_MAX >> (64 - count));
        carry = found >> (count - 1) & 1;
        for (; check != 0; check &= check - 1) {
            size_t block = at + (size_t)__builtin_ctzll(check);
            const uint8_t *bytes = text + block * SIMD_BYTES;
            __m256i before = block == 0 ? zero : simd_load(bytes - SIMD_BYTES);
            errors = _mm256_or_si256(errors, utf8_errors(simd_load(bytes), before));
        }
    }
    __m256i last = utf8_last(text + blocks * SIMD_BYTES, rest);
    if (carry != 0 || _mm256_movemask_epi8(last) != 0) {
        __m256i before = blocks == 0 ? zero : simd_load(text + (blocks - 1) * SIMD_BYTES);
        errors = _mm256_or_si256(errors, utf8_errors(last, before));
    }
    return _mm256_testz_si256(errors, errors) != 0;
}

#else

static inline bool utf8_is_valid(const uint8_t *text, size_t len)
{
    return utf8_check_plain(text, len) == len;
}

#endif

#endif
