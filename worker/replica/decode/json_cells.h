#ifndef WORKER_REPLICA_DECODE_JSON_CELLS_H
#define WORKER_REPLICA_DECODE_JSON_CELLS_H

/*
 * One JSON value into one cell, by the column's type: the usual shape of each value here, every
 * other one by the rules in fill.h (cell_scalar). Part of the walk (json_walk.h).
 */

#include "worker/replica/decode/cell.h"
#include "worker/replica/decode/fill.h"
#include "worker/replica/decode/json_skip.h"
#include "worker/replica/decode/json_walk.h"
#include "worker/replica/decode/number.h"
#include "worker/replica/decode/uuid_text.h"

#define JSON_COLD static __attribute__((noinline, cold, unused))

static const uint8_t *
json_cell(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at);

/* A value of a kind that this type does not take: say so, unless it is no value at all. */
JSON_COLD const uint8_t *cell_mismatch(struct walk *w, const uint8_t *at)
{
    if (skip_value(w, at) == NULL) {
        return NULL;
    }
    return walk_unfit(w, at, "this kind of value cannot be converted");
}

JSON_COLD const uint8_t *
cell_null(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (!walk_is_word(at, "null")) {
        return walk_bad(w, at, "a value is expected");
    }
    if (column_takes_null(column)) {
        return column_add_null(column) ? at + 4 : walk_no_memory(w);
    }
    if (cell->null_is_error) {
        return walk_unfit(w, at, "the column is not Nullable and penstock_null is error");
    }
    return column_add_default(column) ? at + 4 : walk_no_memory(w);
}

static inline bool cell_word(const uint8_t *at, unsigned *ret_len, bool *ret_value)
{
    if (walk_is_word(at, "true")) {
        *ret_len = 4;
        *ret_value = true;
        return true;
    }
    if (*at == 'f' && walk_is_word(at + 1, "alse")) {
        *ret_len = 5;
        *ret_value = false;
        return true;
    }
    return false;
}

/* Any text, number or word that has no quick way. */
JSON_COLD const uint8_t *
cell_scalar(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (*at == 'n') {
        return cell_null(w, cell, column, at);
    }
    const uint8_t *behind = NULL;
    const char *reason = NULL;
    bool value = false;
    unsigned len = 0;
    if (*at == '"') {
        struct walk_text text = {0};
        behind = walk_text(w, at, &text);
        if (behind == NULL) {
            return NULL;
        }
        reason = fill_text(cell, column, &w->day, text.at, text.len);
    } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
        struct number number;
        behind = number_read(at, w->end, &number);
        if (behind == NULL) {
            return walk_bad(w, at, "the number is malformed");
        }
        reason = fill_number(cell, column, &number);
    } else if (cell_word(at, &len, &value)) {
        behind = at + len;
        reason = fill_truth(cell, column, value);
    } else {
        return cell_mismatch(w, at);
    }
    if (LIKELY(reason == NULL)) {
        return behind;
    }
    return reason == FILL_NO_MEMORY ? walk_no_memory(w) : walk_unfit(w, at, reason);
}

/* Integers of 8 to 15 digits. */
static __attribute__((noinline)) const uint8_t *
cell_integer_long(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    const uint8_t *from = at;
    bool is_negative = *at == '-';
    at += is_negative;
    unsigned count = 0;
    unsigned more = 0;
    uint64_t value = number_digits8(at, &count);
    uint64_t low = number_digits8(at + 8, &more);
    value = value * NUMBER_POWERS[more] + low;
    uint64_t limit = is_negative ? cell->min_size : cell->max;
    bool is_usual = count == 8 && more < 8 && number_is_whole(at[8 + more]) && *at != '0' &&
                    value <= limit && column_has_room(column, sizeof(value));
    if (!is_usual) {
        return cell_scalar(w, cell, column, from);
    }
    column_put_u64(column, is_negative ? 0 - value : value);
    return at + 8 + more;
}

static const uint8_t *
cell_integer(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    const uint8_t *from = at;
    uint64_t negative = 0 - (uint64_t)(*at == '-');
    at -= (int64_t)negative; /* signed: an offset of −1, not of 2^64 − 1 */
    unsigned count = 0;
    uint64_t value = number_digits7(at, &count);
    uint64_t limit = negative ? cell->min_size : cell->max;
    if (UNLIKELY(
            count - 1 >= 7 || (*at == '0' && count > 1) || !number_is_whole(at[count]) ||
            value > limit || !column_has_room(column, sizeof(value)))) {
        return cell_integer_long(w, cell, column, from);
    }
    column_put_u64(column, (value ^ negative) - negative);
    return at + count;
}

static const uint8_t *
cell_float64(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    /* up to seven digits on each side of the point: exact in one division */
    static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    const uint8_t *from = at;
    bool is_negative = *at == '-';
    at += is_negative;
    unsigned whole = 0;
    uint64_t mantissa = number_digits7(at, &whole);
    bool is_usual = whole - 1 < 7 && (*at != '0' || whole == 1);
    at += whole;
    double value = 0;
    if (*at == '.') {
        unsigned part = 0;
        uint64_t low = number_digits7(at + 1, &part);
        is_usual = is_usual && part - 1 < 7;
        value = (double)(int64_t)(mantissa * NUMBER_POWERS[part] + low) / POWERS[part & 7];
        at += 1 + part;
    } else {
        value = (double)(int64_t)mantissa;
    }
    if (UNLIKELY(!is_usual || !number_is_whole(*at) || !column_has_room(column, sizeof(value)))) {
        return cell_scalar(w, cell, column, from);
    }
    value = is_negative ? -value : value;
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    column_put_u64(column, bits);
    return at;
}

static const uint8_t *
cell_decimal(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    struct number number;
    const uint8_t *behind = number_read(at, w->end, &number);
    int32_t shift = behind == NULL ? -1 : number.exponent + cell->scale;
    bool is_usual = behind != NULL && !number.is_long && shift >= 0 && shift <= 18 &&
                    column_has_room(column, 8) &&
                    number.mantissa < NUMBER_POWERS[cell->precision] / NUMBER_POWERS[shift];
    if (UNLIKELY(!is_usual)) {
        return cell_scalar(w, cell, column, at);
    }
    uint64_t value = number.mantissa * NUMBER_POWERS[shift];
    column_put_u64(column, number.is_negative ? 0 - value : value);
    return behind;
}

enum {
    CELL_WORD_TRUE = 0x65757274, /* "true" and "alse" as little-endian words */
    CELL_WORD_ALSE = 0x65736c61,
};

static const uint8_t *
cell_bool(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    /* without a branch on the value: it is often random */
    uint32_t word = 0;
    uint32_t rest = 0;
    memcpy(&word, at, sizeof(word));
    memcpy(&rest, at + 1, sizeof(rest));
    uint32_t is_true = word == CELL_WORD_TRUE;
    uint32_t is_false = (rest == CELL_WORD_ALSE) & (*at == 'f');
    if (UNLIKELY((is_true | is_false) == 0 || !column_has_room(column, 8))) {
        return cell_scalar(w, cell, column, at);
    }
    column_put_u64(column, is_true);
    return at + 5 - is_true;
}

/* Bytes of a length in LEB128. */
static inline unsigned cell_varint_bytes(uint64_t value)
{
    unsigned count = 1;
    for (; value >= 0x80; value >>= 7) {
        count++;
    }
    return count;
}

static __attribute__((noinline)) void
cell_close_long_string(struct column *column, unsigned guess, size_t len)
{
    uint8_t *to = column->data.at + column->data.len;
    unsigned count = cell_varint_bytes(len);
    if (count != guess) {
        memmove(to + count, to + guess, len);
        column->prefix_bytes = (uint8_t)count;
    }
    uint64_t rest = len;
    for (; rest >= 0x80; rest >>= 7) {
        *to++ = (uint8_t)(rest | 0x80);
    }
    *to = (uint8_t)rest;
    column_prefetch(column, len);
    column->data.len += count + len;
    column->strings_count++;
}

/*
 * The string's bytes stand at data.at + data.len + guess, len of them; write the length in front of
 * them. Most strings of a column have lengths of as many bytes as the last one, so nothing moves.
 */
static inline void cell_close_string(struct column *column, unsigned guess, size_t len)
{
    uint8_t *to = column->data.at + column->data.len;
    if (LIKELY(len < 0x80 && guess == 1)) {
        *to = (uint8_t)len;
        column_prefetch(column, 1);
        column->data.len += 1 + len;
        column->strings_count++;
        return;
    }
    cell_close_long_string(column, guess, len);
}

enum {
    CELL_ESCAPE_ROOM_BYTES = 256
};

/* The string goes on at `at`, behind its first len bytes: an escape, a fault, or no room. */
JSON_COLD const uint8_t *
cell_string_other(struct walk *w, struct column *column, const uint8_t *at, size_t len)
{
    struct bytes *data = &column->data;
    unsigned guess = column->prefix_bytes;
    size_t before = data->len;
    if (!bytes_room(data, guess + len)) {
        return walk_no_memory(w);
    }
    data->len += guess + len;
    at = walk_string_rest(w, at, data);
    size_t whole = data->len - before - guess;
    bool has_room = bytes_room(data, BYTES_SLACK);
    data->len = before;
    if (at == NULL || !has_room) {
        return at == NULL ? NULL : walk_no_memory(w);
    }
    cell_close_long_string(column, guess, whole);
    return at;
}

/* The same, where there is room: an escape behind the first len bytes, which are in place. */
static __attribute__((noinline)) const uint8_t *
cell_string_escaped(struct walk *w, struct column *column, const uint8_t *at, size_t len)
{
    unsigned guess = column->prefix_bytes;
    const uint8_t *last = column->data.at + column->data.capacity - 2 * (size_t)SIMD_BYTES;
    uint8_t *from = column->data.at + column->data.len + guess;
    uint8_t *to = from + len;
    at = walk_unescape(w, at, &to, last);
    if (UNLIKELY(at == NULL)) {
        return NULL;
    }
    if (UNLIKELY(*at != '"' || at >= w->end || to >= last)) {
        return cell_string_other(w, column, at, (size_t)(to - from));
    }
    cell_close_string(column, guess, (size_t)(to - from));
    return at + 1;
}

/* A string value at its opening quote, copied while it is scanned. */
static inline const uint8_t *
cell_string_text(struct walk *w, struct column *column, const uint8_t *at)
{
    unsigned guess = column->prefix_bytes;
    if (UNLIKELY(!column_has_room(column, BYTES_SLACK))) {
        return cell_string_other(w, column, at + 1, 0);
    }
    uint8_t *from = column->data.at + column->data.len + guess;
    uint8_t *to = from;
    uint8_t *last = column->data.at + column->data.capacity; /* and the slack behind */
    at++;
    uint64_t mask = simd_copy_special2(to, at);
    while (mask == 0) {
        at += 2 * (size_t)SIMD_BYTES;
        to += 2 * (size_t)SIMD_BYTES;
        if (UNLIKELY(at >= w->end || to > last)) {
            return cell_string_other(w, column, at, (size_t)(to - from));
        }
        mask = simd_copy_special2(to, at);
    }
    unsigned count = (unsigned)__builtin_ctzll(mask);
    at += count;
    size_t len = (size_t)(to - from) + count;
    if (UNLIKELY(*at != '"' || to + 2 * (size_t)SIMD_BYTES > last)) {
        return *at == '\\' && column_has_room(column, len + CELL_ESCAPE_ROOM_BYTES)
                   ? cell_string_escaped(w, column, at, len)
                   : cell_string_other(w, column, at, len);
    }
    cell_close_string(column, guess, len);
    return at + 1;
}

/* Numbers, words, arrays and objects into a text column: as they are written. */
JSON_COLD const uint8_t *
cell_raw_text(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (*at == 'n') {
        return cell_null(w, cell, column, at);
    }
    const uint8_t *behind = skip_value(w, at);
    if (behind == NULL || behind > w->end) {
        return behind == NULL ? NULL : walk_bad(w, w->end, "the document ends inside a value");
    }
    return column_add_text(column, at, (size_t)(behind - at)) ? behind : walk_no_memory(w);
}

static const uint8_t *
cell_string(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (UNLIKELY(*at != '"')) {
        return cell_raw_text(w, cell, column, at);
    }
    return cell_string_text(w, column, at);
}

JSON_COLD const uint8_t *cell_dictionary_other(
    struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (*at != '"') {
        return cell_raw_text(w, cell, column, at);
    }
    struct walk_text text = {0};
    at = walk_text(w, at, &text);
    if (at == NULL || at > w->end) {
        return at == NULL ? NULL : walk_bad(w, w->end, "the document ends inside a string");
    }
    uint32_t index = 0;
    if (!dictionary_add(&column->dictionary, text.at, text.len, &index) ||
        !column_add_index(column, index)) {
        return walk_no_memory(w);
    }
    dictionary_remember(&column->dictionary, text.at, text.len, index);
    return at;
}

/* Short texts seen before come from the dictionary's cache without hashing or comparing bytes. */
static const uint8_t *
cell_dictionary(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    uint32_t mask = simd_special(at + 1);
    unsigned len = mask == 0 ? SIMD_BYTES : simd_first(mask);
    uint32_t index = 0;
    bool is_usual = *at == '"' && len <= DICTIONARY_SHORT_BYTES && at[1 + len] == '"' &&
                    column->index_bytes == 1 && column_has_room(column, 8) &&
                    dictionary_recall(&column->dictionary, at + 1, len, &index);
    if (UNLIKELY(!is_usual)) {
        return cell_dictionary_other(w, cell, column, at);
    }
    column->data.at[column->data.len++] = (uint8_t)index;
    return at + len + 2;
}

static const uint8_t *
cell_uuid(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    struct uuid_words words;
    /* the usual shape lies between two quotes; escapes have none of its bytes */
    if (UNLIKELY(
            *at != '"' || at[1 + UUID_DASHED_BYTES] != '"' ||
            !column_has_room(column, sizeof(words)) ||
            !uuid_text_read(at + 1, UUID_DASHED_BYTES, &words))) {
        return cell_scalar(w, cell, column, at);
    }
    uint8_t *to = column->data.at + column->data.len;
    memcpy(to, &words.high, sizeof(words.high));
    memcpy(to + sizeof(words.high), &words.low, sizeof(words.low));
    column_prefetch(column, 1);
    column->data.len += sizeof(words);
    return at + UUID_DASHED_BYTES + 2;
}

/* "YYYY-MM-DDThh:mm:ss.mmmZ" or without the fraction, of the day read last. */
static const uint8_t *
cell_instant(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    int64_t ms = 0;
    const uint8_t *behind = datetime_usual(at, &w->day, &ms);
    if (UNLIKELY(behind == NULL || !column_has_room(column, sizeof(ms)))) {
        return cell_scalar(w, cell, column, at);
    }
    int64_t value = ms * cell->ms_ticks;
    if (cell->ms_ticks == 0) {
        if (cell->kind != CH_DATETIME || ms < 0 || ms / 1000 > UINT32_MAX) {
            return cell_scalar(w, cell, column, at);
        }
        value = ms / 1000;
    }
    column_put_u64(column, (uint64_t)value);
    return behind;
}

/* LowCardinality of no text: the value as of the inner type, then its place in the dictionary. */
static const uint8_t *
cell_other_key(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (UNLIKELY(*at == 'n')) {
        return cell_null(w, cell, column, at);
    }
    column->key->data.len = 0;
    at = json_cell(w, cell->children[0], column->key, at);
    if (UNLIKELY(at == NULL)) {
        return NULL;
    }
    return LIKELY(column_add_key(column)) ? at : walk_no_memory(w);
}

static const uint8_t *cell_low_cardinality(
    struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    return LIKELY(column->key == NULL) ? cell_dictionary(w, cell, column, at)
                                       : cell_other_key(w, cell, column, at);
}

#endif
