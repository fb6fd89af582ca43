/*
 * Any bytes as a number: we take exactly the grammar, as text and as JSON; floats are strtod's and
 * strtof's to the last bit; the wide reading is the digits counted by hand.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "worker/replica/decode/number.h"

enum {
    TEXT_MAX_BYTES = 1000,
    PADDING_BYTES = 64,
    EXPONENT_MAX = 100000, /* beyond, the exponent itself is not compared */
    DIGITS_MAX = 80,       /* of a mantissa; more than 256 bits hold */
    LIMBS = 10,            /* of 32 bits, for that many digits */
};

/* A whole number by schoolbook arithmetic. */
struct plain {
    uint32_t limbs[LIMBS]; /* lowest first */
};

static void plain_add_digit(struct plain *p, unsigned digit)
{
    uint64_t carry = digit;
    for (size_t i = 0; i < LIMBS; i++) {
        carry += (uint64_t)p->limbs[i] * 10;
        p->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static bool is_past_256_bits(const struct plain *p)
{
    return p->limbs[LIMBS - 1] != 0 || p->limbs[LIMBS - 2] != 0;
}

/* A number's text by the grammar, and what it is worth. */
struct reading {
    bool is_text; /* sign, digits with at most one point, exponent */
    bool is_json; /* RFC 8259 */
    size_t end;   /* of the JSON number */
    struct plain mantissa;
    unsigned digits; /* from the first to the last that is not zero */
    int64_t exponent;
    bool is_huge;
};

struct scan {
    const char *text;
    size_t at;
};

static unsigned digits_from(struct scan *s, struct reading *r, int64_t *zeros, int64_t *places)
{
    unsigned count = 0;
    for (; s->text[s->at] >= '0' && s->text[s->at] <= '9'; s->at++, count++) {
        unsigned digit = (unsigned)(s->text[s->at] - '0');
        *places += 1;
        if (digit == 0) {
            *zeros += r->digits > 0 ? 1 : 0;
            continue;
        }
        for (; *zeros >= 0; (*zeros)--) {
            r->digits++;
            if (r->digits <= DIGITS_MAX) {
                plain_add_digit(&r->mantissa, *zeros == 0 ? digit : 0);
            }
        }
        *zeros = 0;
    }
    return count;
}

static struct reading read_by_hand(const char *text, size_t len)
{
    struct reading r = {0};
    struct scan s = {text, 0};
    int64_t zeros = 0;
    int64_t whole_places = 0;
    int64_t after_point = 0;
    bool has_plus = text[0] == '+';
    s.at += has_plus || text[0] == '-' ? 1 : 0;
    bool has_zero = text[s.at] == '0';
    unsigned whole = digits_from(&s, &r, &zeros, &whole_places);
    unsigned part = 0;
    bool has_point = text[s.at] == '.';
    size_t end = s.at;
    if (has_point) {
        s.at++;
        part = digits_from(&s, &r, &zeros, &after_point);
    }
    bool is_json = !has_plus && whole > 0 && !(has_zero && whole > 1) && (!has_point || part > 0);
    bool is_text = whole + part > 0;
    int64_t exponent = 0;
    end = s.at;
    if ((text[s.at] | 0x20) == 'e' && is_text) {
        s.at++;
        bool is_negative = text[s.at] == '-';
        s.at += is_negative || text[s.at] == '+' ? 1 : 0;
        size_t first = s.at;
        for (; text[s.at] >= '0' && text[s.at] <= '9'; s.at++) {
            exponent = exponent <= EXPONENT_MAX ? exponent * 10 + (text[s.at] - '0') : exponent;
        }
        r.is_huge = exponent > EXPONENT_MAX;
        exponent = is_negative ? -exponent : exponent;
        is_json = is_json && s.at > first;
        is_text = is_text && s.at > first;
        end = s.at;
    }
    r.is_text = is_text && end == len;
    r.is_json = is_json;
    r.end = end;
    r.exponent = r.digits == 0 ? 0 : exponent - after_point + zeros;
    return r;
}

static void require_floats(const char *text, const struct number *n)
{
    double wanted = strtod(text, NULL);
    double found = number_float64(n);
    FUZZ_REQUIRE(
        memcmp(&wanted, &found, sizeof(wanted)) == 0, "%s: %a, ours %a", text, wanted, found);
    float narrow = strtof(text, NULL);
    float ours = number_float32(n);
    FUZZ_REQUIRE(
        memcmp(&narrow, &ours, sizeof(narrow)) == 0, "%s: %a, ours %a", text, (double)narrow,
        (double)ours);
}

static void require_wide(const char *text, const struct number *n, const struct reading *r)
{
    struct number_wide wide = {0};
    number_wide(n, DIGITS_MAX, &wide);
    bool is_cut = r->digits > DIGITS_MAX;
    FUZZ_REQUIRE(wide.is_cut == is_cut, "%s: %u digits", text, r->digits);
    if (!is_cut) {
        FUZZ_REQUIRE(
            memcmp(&wide.mantissa, r->mantissa.limbs, sizeof(wide.mantissa)) == 0, "%s", text);
        FUZZ_REQUIRE(wide.digits == r->digits, "%s: %u, ours %u", text, r->digits, wide.digits);
        FUZZ_REQUIRE(wide.is_too_long == is_past_256_bits(&r->mantissa), "%s", text);
        FUZZ_REQUIRE(
            r->is_huge || wide.exponent == r->exponent, "%s: %lld, ours %lld", text,
            (long long)r->exponent, (long long)wide.exponent);
    }
    if (!n->is_long && !r->is_huge) {
        /* the quick form is worth the same */
        uint64_t mantissa = n->mantissa;
        int64_t exponent = n->exponent;
        while (mantissa != 0 && mantissa % 10 == 0) {
            mantissa /= 10;
            exponent++;
        }
        FUZZ_REQUIRE(memcmp(&mantissa, r->mantissa.limbs, sizeof(mantissa)) == 0, "%s", text);
        FUZZ_REQUIRE(mantissa == 0 || exponent == r->exponent, "%s", text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_MAX_BYTES + PADDING_BYTES];
    if (size == 0 || size > TEXT_MAX_BYTES || memchr(data, 0, size) != NULL) {
        return 0;
    }
    memset(text, 0, sizeof(text));
    memcpy(text, data, size);
    const uint8_t *at = (const uint8_t *)text;
    struct reading r = read_by_hand(text, size);
    struct number n = {0};
    bool is_text = number_read_text(at, size, &n);
    FUZZ_REQUIRE(is_text == r.is_text, "%s", text);
    if (is_text) {
        require_floats(text, &n);
        require_wide(text, &n, &r);
    }
    if (*at == '-' || (*at >= '0' && *at <= '9')) {
        const uint8_t *end = number_read(at, at + size, &n);
        FUZZ_REQUIRE((end != NULL) == r.is_json, "%s", text);
        if (end != NULL) {
            FUZZ_REQUIRE(end == at + r.end && n.end == end, "%s: ends at %zu", text, r.end);
            text[r.end] = '\0';
            require_floats(text, &n);
            require_wide(text, &n, &r);
        }
    }
    return 0;
}
