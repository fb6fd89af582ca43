#ifndef BENCH_EMIT_H
#define BENCH_EMIT_H

/*
 * One message, field by field, as JSON text of some shape or as an Avro body. The fields are told
 * once, in schema order, whatever they become, so all programs and formats measure the same values.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum emit_shape {
    EMIT_JSON,          /* minified, keys in order */
    EMIT_JSON_SHUFFLED, /* keys of every object in another order in every message */
    EMIT_JSON_PRETTY,   /* a line for each member */
    EMIT_JSON_ESCAPES,  /* \n, \" and \u00e9 behind every text */
    EMIT_AVRO,          /* binary body, no framing */
};

enum {
    EMIT_MEMBERS_MAX = 64,
    EMIT_DEPTH_MAX = 8,
};

struct emit_level {
    char *members[EMIT_MEMBERS_MAX]; /* start of each, for shuffling */
    size_t count;
    bool is_array;
};

struct emit {
    enum emit_shape shape;
    uint64_t seed; /* of the shuffling */
    char *start;
    char *at;
    char *end;
    struct emit_level levels[EMIT_DEPTH_MAX];
    size_t depth;
};

/* Into out, `capacity` bytes; a message that does not fit is a fault of the program (assert). */
void emit_init(struct emit *e, enum emit_shape shape, uint64_t seed, char *out, size_t capacity);
size_t emit_len(const struct emit *e);

/* name: of the member; "" inside arrays; NULL behind emit_nullable. */
void emit_object(struct emit *e, const char *name);
void emit_object_end(struct emit *e);
void emit_array(struct emit *e, const char *name, size_t count);
void emit_array_end(struct emit *e);
void emit_integer(struct emit *e, const char *name, int64_t value);
/* whole + part / 10^digits */
void emit_double(struct emit *e, const char *name, unsigned whole, unsigned part, unsigned digits);
void emit_bool(struct emit *e, const char *name, bool value);
/* Milliseconds since 1970. */
void emit_instant(struct emit *e, const char *name, int64_t ms);
void emit_uuid(struct emit *e, const char *name, uint64_t high, uint64_t low);
/* A text that is one of an Avro enum's symbols. */
void emit_symbol(struct emit *e, const char *name, const char *symbol, unsigned index);
void emit_text(struct emit *e, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A field that may be null: say so, then, if it is not, emit the value. */
void emit_nullable(struct emit *e, const char *name, bool is_null);

#endif
