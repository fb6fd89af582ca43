/* School arithmetic on four words. */
#include "worker/replica/decode/wide.h"

#include <assert.h>
#include <string.h>

#include "worker/replica/decode/number.h"

enum {
    WORD_BITS = 64,
    WORD_DIGITS = 19, /* 10^19 is the largest power of ten in a word */
};

bool wide_multiply_add(struct wide *w, uint64_t factor, uint64_t addend)
{
    uint64_t carry = addend;
    for (unsigned i = 0; i < WIDE_WORDS; i++) {
        uint128 product = (uint128)w->words[i] * factor + carry; /* at most 2^128 - 1 */
        w->words[i] = (uint64_t)product;
        carry = (uint64_t)(product >> WORD_BITS);
    }
    return carry == 0;
}

bool wide_scale(struct wide *w, uint64_t exponent)
{
    static const struct wide ZERO;
    bool is_exact = true;
    if (wide_equals(w, &ZERO)) {
        return true;
    }
    if (exponent >= WIDE_BITS) { /* 10^256 is a multiple of 2^256 */
        *w = ZERO;
        return false;
    }
    while (exponent > 0) {
        unsigned step = exponent > WORD_DIGITS ? WORD_DIGITS : (unsigned)exponent;
        is_exact = wide_multiply_add(w, NUMBER_POWERS[step], 0) && is_exact;
        exponent -= step;
    }
    return is_exact;
}

void wide_negate(struct wide *w)
{
    uint64_t carry = 1;
    for (unsigned i = 0; i < WIDE_WORDS; i++) {
        uint64_t sum = ~w->words[i] + carry;
        carry = carry == 1 && sum == 0 ? 1 : 0;
        w->words[i] = sum;
    }
}

unsigned wide_bits(const struct wide *w)
{
    for (unsigned i = WIDE_WORDS; i-- > 0;) {
        if (w->words[i] != 0) {
            return (i + 1) * WORD_BITS - (unsigned)__builtin_clzll(w->words[i]);
        }
    }
    return 0;
}

struct wide wide_power_of_two(unsigned n)
{
    assert(n < WIDE_BITS);
    struct wide w = {{0}};
    w.words[n / WORD_BITS] = 1ULL << (n % WORD_BITS);
    return w;
}

struct wide wide_ones(unsigned n)
{
    assert(n <= WIDE_BITS);
    struct wide w = {{0}};
    for (unsigned i = 0; i < WIDE_WORDS && n > 0; i++) {
        unsigned bits = n > WORD_BITS ? WORD_BITS : n;
        w.words[i] = bits == WORD_BITS ? UINT64_MAX : (1ULL << bits) - 1;
        n -= bits;
    }
    return w;
}

bool wide_equals(const struct wide *a, const struct wide *b)
{
    return memcmp(a->words, b->words, sizeof(a->words)) == 0;
}
