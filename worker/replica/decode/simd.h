#ifndef WORKER_REPLICA_DECODE_SIMD_H
#define WORKER_REPLICA_DECODE_SIMD_H

/*
 * Thirty-two bytes at a time: AVX2 where the file is compiled for it, else SSE2 (every x86-64),
 * else plain C. Masks have bit i for byte i. All loads and stores are unaligned and whole: callers
 * guarantee readable and writable memory (JSON_PADDING_BYTES, BYTES_SLACK).
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    SIMD_BYTES = 32
};

#if defined(__AVX2__)

static inline uint32_t simd_special_of(__m256i bytes)
{
    const __m256i quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
    const __m256i slash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
    const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, slash), low));
}

static inline __m256i simd_load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/* Bytes that are equal in a and b. */
static inline uint32_t simd_equal(const uint8_t *a, const uint8_t *b)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(simd_load(a), simd_load(b)));
}

/* Bytes that end or break a JSON string: quote, backslash, control characters. */
static inline uint32_t simd_special(const uint8_t *at)
{
    return simd_special_of(simd_load(at));
}

/* The same, and copy the 32 bytes. */
static inline uint32_t simd_copy_special(uint8_t *to, const uint8_t *at)
{
    __m256i bytes = simd_load(at);
    _mm256_storeu_si256((__m256i *)(void *)to, bytes);
    return simd_special_of(bytes);
}

/* Bytes that are none of JSON's four blanks (RFC 8259 section 2). */
static inline uint32_t simd_not_blank(const uint8_t *at)
{
    __m256i bytes = simd_load(at);
    __m256i space = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' '));
    __m256i tab = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\t'));
    __m256i feed = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\n'));
    __m256i back = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\r'));
    __m256i blank = _mm256_or_si256(_mm256_or_si256(space, tab), _mm256_or_si256(feed, back));
    return ~(uint32_t)_mm256_movemask_epi8(blank);
}

/* Bytes with the high bit: not ASCII. */
static inline uint32_t simd_not_ascii(const uint8_t *at)
{
    return (uint32_t)_mm256_movemask_epi8(simd_load(at));
}

#elif defined(__SSE2__)

static inline __m128i simd_load_half(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline uint32_t simd_special_half(__m128i bytes)
{
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), low));
}

static inline uint32_t simd_equal(const uint8_t *a, const uint8_t *b)
{
    __m128i low = _mm_cmpeq_epi8(simd_load_half(a), simd_load_half(b));
    __m128i high = _mm_cmpeq_epi8(simd_load_half(a + 16), simd_load_half(b + 16));
    return (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
}

static inline uint32_t simd_special(const uint8_t *at)
{
    return simd_special_half(simd_load_half(at)) | simd_special_half(simd_load_half(at + 16)) << 16;
}

static inline uint32_t simd_copy_special(uint8_t *to, const uint8_t *at)
{
    __m128i low = simd_load_half(at);
    __m128i high = simd_load_half(at + 16);
    _mm_storeu_si128((__m128i *)(void *)to, low);
    _mm_storeu_si128((__m128i *)(void *)(to + 16), high);
    return simd_special_half(low) | simd_special_half(high) << 16;
}

static inline uint32_t simd_blank_half(__m128i bytes)
{
    __m128i space = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
    __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    __m128i feed = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
    __m128i back = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'));
    __m128i blank = _mm_or_si128(_mm_or_si128(space, tab), _mm_or_si128(feed, back));
    return (uint32_t)_mm_movemask_epi8(blank);
}

static inline uint32_t simd_not_blank(const uint8_t *at)
{
    return ~(simd_blank_half(simd_load_half(at)) | simd_blank_half(simd_load_half(at + 16)) << 16);
}

static inline uint32_t simd_not_ascii(const uint8_t *at)
{
    return (uint32_t)_mm_movemask_epi8(simd_load_half(at)) |
           (uint32_t)_mm_movemask_epi8(simd_load_half(at + 16)) << 16;
}

#else

static inline uint32_t simd_equal(const uint8_t *a, const uint8_t *b)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < SIMD_BYTES; i++) {
        mask |= (uint32_t)(a[i] == b[i]) << i;
    }
    return mask;
}

static inline uint32_t simd_special(const uint8_t *at)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < SIMD_BYTES; i++) {
        mask |= (uint32_t)(at[i] == '"' || at[i] == '\\' || at[i] < 0x20) << i;
    }
    return mask;
}

static inline uint32_t simd_copy_special(uint8_t *to, const uint8_t *at)
{
    memcpy(to, at, SIMD_BYTES);
    return simd_special(at);
}

static inline uint32_t simd_not_blank(const uint8_t *at)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < SIMD_BYTES; i++) {
        mask |= (uint32_t)(at[i] != ' ' && at[i] != '\t' && at[i] != '\n' && at[i] != '\r') << i;
    }
    return mask;
}

static inline uint32_t simd_not_ascii(const uint8_t *at)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < SIMD_BYTES; i++) {
        mask |= (uint32_t)(at[i] >> 7) << i;
    }
    return mask;
}

#endif

/* Two steps at once: 64 bytes, 64 bits. */
static inline uint64_t simd_copy_special2(uint8_t *to, const uint8_t *at)
{
    uint64_t low = simd_copy_special(to, at);
    return low | (uint64_t)simd_copy_special(to + SIMD_BYTES, at + SIMD_BYTES) << SIMD_BYTES;
}

/* Place of the lowest bit; mask must not be 0. */
static inline unsigned simd_first(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

#endif
