/* Fields to bytes: JSON by RFC 8259, Avro by the specification's binary encoding (1.11). */
#include "bench/emit.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    TEXT_MAX_BYTES = 1024,
    WORK_BYTES = 8192,
};

void emit_init(struct emit *e, enum emit_shape shape, uint64_t seed, char *out, size_t capacity)
{
    *e =
        (struct emit){.shape = shape, .seed = seed, .start = out, .at = out, .end = out + capacity};
}

size_t emit_len(const struct emit *e)
{
    return (size_t)(e->at - e->start);
}

static void put(struct emit *e, const void *bytes, size_t len)
{
    assert((size_t)(e->end - e->at) >= len);
    memcpy(e->at, bytes, len);
    e->at += len;
}

static void print(struct emit *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(struct emit *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int added = vsnprintf(e->at, (size_t)(e->end - e->at), format, args);
    va_end(args);
    assert(added >= 0 && added < e->end - e->at);
    e->at += added;
}

static bool is_avro(const struct emit *e)
{
    return e->shape == EMIT_AVRO;
}

/* Zigzag and base 128, low groups first. */
static void put_long(struct emit *e, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    while (rest >= 0x80) {
        uint8_t byte = (uint8_t)(rest | 0x80);
        put(e, &byte, 1);
        rest >>= 7;
    }
    uint8_t last = (uint8_t)rest;
    put(e, &last, 1);
}

static void new_line(struct emit *e)
{
    if (e->shape == EMIT_JSON_PRETTY) {
        print(e, "\n%*s", (int)(2 * e->depth), "");
    }
}

/* The member's name, or what divides items. NULL: emit_nullable has written it. */
static void member(struct emit *e, const char *name)
{
    if (is_avro(e) || e->depth == 0 || name == NULL) {
        return;
    }
    struct emit_level *level = &e->levels[e->depth - 1];
    assert(level->count < EMIT_MEMBERS_MAX);
    if (level->count > 0) {
        print(e, ",");
    }
    new_line(e);
    level->members[level->count++] = e->at;
    if (!level->is_array) {
        print(e, e->shape == EMIT_JSON_PRETTY ? "\"%s\": " : "\"%s\":", name);
    }
}

static struct emit_level *open_level(struct emit *e, bool is_array)
{
    assert(e->depth < EMIT_DEPTH_MAX);
    e->levels[e->depth] = (struct emit_level){.is_array = is_array};
    return &e->levels[e->depth++];
}

void emit_object(struct emit *e, const char *name)
{
    member(e, name);
    if (!is_avro(e)) {
        print(e, "{");
    }
    (void)open_level(e, false);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U; /* D. Knuth, MMIX */
    return *seed >> 33;
}

/* The members, which stand in order from the first one's place to the end, in another order. */
static void shuffle(struct emit *e, const struct emit_level *level)
{
    char copy[WORK_BYTES];
    size_t order[EMIT_MEMBERS_MAX];
    size_t count = level->count;
    size_t len = (size_t)(e->at - level->members[0]);
    assert(len <= sizeof(copy));
    memcpy(copy, level->members[0], len);
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (size_t i = count; i > 1; i--) {
        size_t other = next_random(&e->seed) % i;
        size_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    char *to = level->members[0];
    for (size_t i = 0; i < count; i++) {
        size_t which = order[i];
        size_t from = (size_t)(level->members[which] - level->members[0]);
        size_t behind =
            which + 1 < count ? (size_t)(level->members[which + 1] - level->members[0]) - 1 : len;
        memcpy(to, copy + from, behind - from);
        to += behind - from;
        if (i + 1 < count) {
            *to++ = ',';
        }
    }
    assert(to == e->at);
}

void emit_object_end(struct emit *e)
{
    const struct emit_level *level = &e->levels[e->depth - 1];
    if (e->shape == EMIT_JSON_SHUFFLED && level->count > 1) {
        shuffle(e, level);
    }
    e->depth--;
    new_line(e);
    if (!is_avro(e)) {
        print(e, "}");
    }
}

void emit_array(struct emit *e, const char *name, size_t count)
{
    member(e, name);
    if (is_avro(e)) {
        put_long(e, (int64_t)count); /* one block; the empty one follows at the end */
    } else {
        print(e, "[");
    }
    (void)open_level(e, true);
}

void emit_array_end(struct emit *e)
{
    e->depth--;
    new_line(e);
    if (is_avro(e)) {
        put_long(e, 0);
    } else {
        print(e, "]");
    }
}

void emit_integer(struct emit *e, const char *name, int64_t value)
{
    member(e, name);
    if (is_avro(e)) {
        put_long(e, value);
        return;
    }
    print(e, "%" PRId64, value);
}

void emit_double(struct emit *e, const char *name, unsigned whole, unsigned part, unsigned digits)
{
    member(e, name);
    if (!is_avro(e)) {
        print(e, "%u.%0*u", whole, (int)digits, part);
        return;
    }
    double power = 1;
    for (unsigned i = 0; i < digits; i++) {
        power *= 10;
    }
    double value = (whole * power + part) / power;
    put(e, &value, sizeof(value)); /* little-endian, as this machine is */
}

void emit_bool(struct emit *e, const char *name, bool value)
{
    member(e, name);
    if (is_avro(e)) {
        uint8_t byte = value;
        put(e, &byte, 1);
        return;
    }
    print(e, "%s", value ? "true" : "false");
}

void emit_instant(struct emit *e, const char *name, int64_t ms)
{
    member(e, name);
    if (is_avro(e)) {
        put_long(e, ms);
        return;
    }
    time_t seconds = ms / 1000;
    struct tm utc;
    (void)gmtime_r(&seconds, &utc); /* years of this century fit */
    char text[32];
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    assert(len > 0);
    print(e, "\"%s.%03dZ\"", text, (int)(ms % 1000));
}

static void put_text(struct emit *e, const char *text, size_t len)
{
    if (is_avro(e)) {
        put_long(e, (int64_t)len);
        put(e, text, len);
        return;
    }
    print(e, "\"");
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            print(e, "\\n");
        } else if (text[i] == '"') {
            print(e, "\\\"");
        } else {
            put(e, &text[i], 1);
        }
    }
    print(e, e->shape == EMIT_JSON_ESCAPES ? "\\n\\\"\\u00e9\"" : "\"");
}

void emit_text(struct emit *e, const char *name, const char *format, ...)
{
    member(e, name);
    char text[TEXT_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(len >= 0 && len < TEXT_MAX_BYTES);
    put_text(e, text, (size_t)len);
}

void emit_uuid(struct emit *e, const char *name, uint64_t high, uint64_t low)
{
    member(e, name);
    char text[40];
    int len = snprintf(
        text, sizeof(text), "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64,
        high >> 32, (high >> 16) & 0xffff, high & 0xfff, low >> 52, low & 0xffffffffffff);
    assert(len == 36);
    if (is_avro(e)) {
        put_text(e, text, (size_t)len);
        return;
    }
    print(e, "\"%s\"", text);
}

void emit_symbol(struct emit *e, const char *name, const char *symbol, unsigned index)
{
    member(e, name);
    if (is_avro(e)) {
        put_long(e, index);
        return;
    }
    print(e, "\"%s\"", symbol);
}

void emit_nullable(struct emit *e, const char *name, bool is_null)
{
    member(e, name);
    if (is_avro(e)) {
        put_long(e, is_null ? 0 : 1); /* ["null", T] */
    } else if (is_null) {
        print(e, "null");
    }
}
