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

static inline uint64_t uuid_load(const uint8_t *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    return word;
}

#if defined(__AVX2__)

/* Thirty-two digits to sixteen bytes. False if one is no digit. */
static inline bool uuid_digits(const uint64_t quarters[4], struct uuid_words *words)
{
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)quarters);
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

#else

static inline bool uuid_digits(const uint64_t quarters[4], struct uuid_words *words)
{
    uint8_t text[UUID_DIGITS];
    memcpy(text, quarters, sizeof(text));
    uint64_t halves[2] = {0};
    unsigned bad = 0;
    for (unsigned i = 0; i < UUID_DIGITS; i++) {
        unsigned digit = text[i] - (unsigned)'0';
        unsigned letter = (text[i] | 0x20U) - 'a';
        unsigned value = digit <= 9 ? digit : letter + 10;
        bad |= (unsigned)(digit > 9 && letter > 5);
        halves[i / 16] = halves[i / 16] << 4 | (value & 0xf);
    }
    words->high = halves[0];
    words->low = halves[1];
    return bad == 0;
}

#endif

static inline bool uuid_text_read(const uint8_t *text, size_t len, struct uuid_words *words)
{
    uint64_t quarters[4];
    if (len == UUID_DIGITS) {
        memcpy(quarters, text, sizeof(quarters));
        return uuid_digits(quarters, words);
    }
    if (len != UUID_DASHED_BYTES || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
        text[23] != '-') {
        return false;
    }
    quarters[0] = uuid_load(text, 8);
    quarters[1] = uuid_load(text + 9, 4) | uuid_load(text + 14, 4) << 32;
    quarters[2] = uuid_load(text + 19, 4) | uuid_load(text + 24, 4) << 32;
    quarters[3] = uuid_load(text + 28, 8);
    return uuid_digits(quarters, words);
}

#endif
