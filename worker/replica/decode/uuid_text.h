#ifndef WORKER_REPLICA_DECODE_UUID_TEXT_H
#define WORKER_REPLICA_DECODE_UUID_TEXT_H

/*
 * UUIDs from text, 8-4-4-4-12 or 32 hexadecimal digits, either case, to the two 64-bit words that
 * ClickHouse stores (the text's first half as one number, then the second).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "worker/replica/decode/simd.h"

enum {
    UUID_DIGITS = 32,
    UUID_DASHED_BYTES = 36,
};

struct uuid_words {
    uint64_t high;
    uint64_t low;
};

#if defined(__AVX2__)

/* Thirty-two digits to sixteen bytes. False if one is no digit. */
static inline bool uuid_digits(__m256i text, struct uuid_words *words)
{
    __m256i digit = _mm256_sub_epi8(text, _mm256_set1_epi8('0'));
    __m256i letter =
        _mm256_sub_epi8(_mm256_or_si256(text, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
    __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(5)), letter);
    if (_mm256_movemask_epi8(_mm256_or_si256(is_digit, is_letter)) != -1) {
        return false;
    }
    __m256i value =
        _mm256_blendv_epi8(_mm256_add_epi8(letter, _mm256_set1_epi8(10)), digit, is_digit);
    __m256i pairs = _mm256_maddubs_epi16(value, _mm256_set1_epi16(0x0110));
    __m256i bytes = _mm256_packus_epi16(pairs, pairs);
    words->high = __builtin_bswap64((uint64_t)_mm256_extract_epi64(bytes, 0));
    words->low = __builtin_bswap64((uint64_t)_mm256_extract_epi64(bytes, 2));
    return true;
}

static inline bool uuid_plain(const uint8_t *text, struct uuid_words *words)
{
    return uuid_digits(_mm256_loadu_si256((const __m256i *)(const void *)text), words);
}

/* The dashes are taken out in registers: what is stored in parts and loaded as a whole must wait
 * for the stores. */
static inline bool uuid_dashed(const uint8_t *text, struct uuid_words *words)
{
    const __m128i first = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, -1, -1);
    const __m128i second = _mm_setr_epi8(0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -1);
    __m128i head = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i tail = _mm_loadu_si128((const __m128i *)(const void *)(text + 19));
    uint16_t behind_head = 0;
    memcpy(&behind_head, text + 16, sizeof(behind_head));
    head = _mm_insert_epi16(_mm_shuffle_epi8(head, first), behind_head, 7);
    tail = _mm_insert_epi8(_mm_shuffle_epi8(tail, second), text[35], 15);
    return uuid_digits(_mm256_inserti128_si256(_mm256_castsi128_si256(head), tail, 1), words);
}

#else

#define UUID_EACH(byte) (0x0101010101010101ULL * (byte))

/* The high bit of each byte of x (below 0x80) that is from first to last. */
static inline uint64_t uuid_within(uint64_t x, uint8_t first, uint8_t last)
{
    uint64_t high = x | UUID_EACH(0x80);
    return (high - UUID_EACH(first)) & ~(high - UUID_EACH(last + 1ULL)) & UUID_EACH(0x80);
}

/* Eight digits to 32 bits; *is_good stays only if all are digits. */
static inline uint64_t uuid_eight(uint64_t text, bool *is_good)
{
    uint64_t digits = uuid_within(text & UUID_EACH(0x7f), '0', '9');
    uint64_t letters = uuid_within((text | UUID_EACH(0x20)) & UUID_EACH(0x7f), 'a', 'f');
    *is_good = *is_good && ((digits | letters) & ~text) == UUID_EACH(0x80);
    uint64_t value = (text & UUID_EACH(0x0f)) + (letters >> 7) * 9;
    value = (value << 4 | value >> 8) & 0x00ff00ff00ff00ffULL;
    value = (value | value >> 8) & 0x0000ffff0000ffffULL;
    return __builtin_bswap32((uint32_t)(value | value >> 16));
}

static inline bool uuid_digits(const uint64_t quarters[4], struct uuid_words *words)
{
    bool is_good = true;
    words->high = uuid_eight(quarters[0], &is_good) << 32;
    words->high |= uuid_eight(quarters[1], &is_good);
    words->low = uuid_eight(quarters[2], &is_good) << 32;
    words->low |= uuid_eight(quarters[3], &is_good);
    return is_good;
}

static inline uint64_t uuid_load(const uint8_t *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    return word;
}

static inline bool uuid_plain(const uint8_t *text, struct uuid_words *words)
{
    uint64_t quarters[4];
    memcpy(quarters, text, sizeof(quarters));
    return uuid_digits(quarters, words);
}

static inline bool uuid_dashed(const uint8_t *text, struct uuid_words *words)
{
    const uint64_t quarters[4] = {
        uuid_load(text, 8),
        uuid_load(text + 9, 4) | uuid_load(text + 14, 4) << 32,
        uuid_load(text + 19, 4) | uuid_load(text + 24, 4) << 32,
        uuid_load(text + 28, 8),
    };
    return uuid_digits(quarters, words);
}

#endif

static inline bool uuid_text_read(const uint8_t *text, size_t len, struct uuid_words *words)
{
    if (len == UUID_DASHED_BYTES) {
        int others = (text[8] ^ '-') | (text[13] ^ '-') | (text[18] ^ '-') | (text[23] ^ '-');
        return others == 0 && uuid_dashed(text, words);
    }
    return len == UUID_DIGITS && uuid_plain(text, words);
}

#endif
