/*
 * The text of an intent. The checksum is a hash and not a CRC because the text is met in the wild:
 * any tool may commit metadata of its own, and a wrong guess here loses or doubles records.
 */
#include "worker/replica/ledger/intent.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"

enum {
    VERSION = 1,
    CHECK_BYTES = 8,
    HASH_BYTES = 32,       /* of SHA-256 */
    NUMBER_BYTES_MAX = 10, /* LEB128 of 64 bits */
    /* flags of the text beside those of the struct */
    WITH_TABLE = 0x80,
    /* pipe, epoch, nonce, number of ranges, six numbers, flags and a table each, checksum */
    BODY_BYTES_MAX = 16 + 10 + 8 + 10 + INTENT_RANGES_MAX * (6 * 10 + 1 + 16) + CHECK_BYTES,
};

static const char PREFIX[] = "p1:";
static const uint8_t NO_TABLE[INTENT_UUID_BYTES];

_Static_assert(
    (size_t)(BODY_BYTES_MAX + 2) / 3 * 4 + sizeof(PREFIX) < INTENT_BYTES_MAX,
    "every intent of INTENT_RANGES_MAX ranges must fit");

static bool checksum(const uint8_t *bytes, size_t len_bytes, uint8_t ret_check[CHECK_BYTES])
{
    uint8_t hash[HASH_BYTES];
    unsigned hash_bytes = 0;
    if (EVP_Digest(bytes, len_bytes, hash, &hash_bytes, EVP_sha256(), NULL) != 1) {
        return false;
    }
    memcpy(ret_check, hash, CHECK_BYTES);
    return true;
}

/* --- writing: the caller has room for BODY_BYTES_MAX --- */

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t len_bytes)
{
    memcpy(to, bytes, len_bytes);
    return to + len_bytes;
}

static uint8_t *put_number(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

/* value − base, small in either direction; any two numbers will do. */
static uint8_t *put_difference(uint8_t *to, int64_t value, int64_t base)
{
    uint64_t difference = (uint64_t)value - (uint64_t)base;
    return put_number(to, difference << 1 ^ (difference >> 63 != 0 ? UINT64_MAX : 0));
}

/* Where the next range may begin; the whole range must be valid. */
static uint64_t range_end(const struct intent_range *range)
{
    return (uint64_t)range->last + 1;
}

static bool is_range_valid(const struct intent_range *range, uint64_t end)
{
    return range->first >= 0 && (uint64_t)range->first >= end && range->last >= range->first &&
           (range->flags & ~INTENT_DIVIDED) == 0;
}

static uint8_t *
put_range(uint8_t *to, const struct intent_range *range, const struct intent_range *before)
{
    bool has_table = memcmp(range->table_uuid, before->table_uuid, INTENT_UUID_BYTES) != 0;
    to = put_number(to, (uint64_t)range->first - range_end(before));
    to = put_number(to, (uint64_t)range->last - (uint64_t)range->first);
    to = put_number(to, range->count);
    to = put_difference(to, range->first_ms, before->last_ms);
    to = put_difference(to, range->last_ms, range->first_ms);
    to = put_number(to, range->mapping_version);
    *to++ = (uint8_t)(range->flags | (has_table ? WITH_TABLE : 0));
    return has_table ? put_bytes(to, range->table_uuid, INTENT_UUID_BYTES) : to;
}

/* What the first range is measured from. */
static struct intent_range nothing(void)
{
    struct intent_range range = {.first = -1, .last = -1};
    memcpy(range.table_uuid, NO_TABLE, sizeof(NO_TABLE));
    return range;
}

static uint8_t *put_body(uint8_t *to, const struct intent *intent)
{
    to = put_bytes(to, intent->pipe_uuid, INTENT_UUID_BYTES);
    to = put_number(to, intent->epoch);
    for (unsigned i = 0; i < 8; i++) {
        *to++ = (uint8_t)(intent->nonce >> 8 * i);
    }
    to = put_number(to, intent->ranges_count);
    struct intent_range before = nothing();
    for (size_t i = 0; i < intent->ranges_count; i++) {
        to = put_range(to, &intent->ranges[i], &before);
        before = intent->ranges[i];
    }
    return to;
}

static enum status check_ranges(const struct intent *intent, struct err *err)
{
    if (intent->ranges_count > INTENT_RANGES_MAX) {
        return err_set(
            err, ST_TOO_LARGE, "%zu ranges in an intent, more than %d", intent->ranges_count,
            INTENT_RANGES_MAX);
    }
    uint64_t end = 0;
    for (size_t i = 0; i < intent->ranges_count; i++) {
        const struct intent_range *range = &intent->ranges[i];
        if (!is_range_valid(range, end)) {
            return err_set(
                err, ST_INVALID, "range %zu of an intent: offsets %lld to %lld, flags %u", i,
                (long long)range->first, (long long)range->last, range->flags);
        }
        end = range_end(range);
    }
    return ST_OK;
}

enum status intent_write(const struct intent *intent, struct buf *out, struct err *err)
{
    enum status st = check_ranges(intent, err);
    if (st != ST_OK) {
        return st;
    }
    uint8_t body[BODY_BYTES_MAX];
    uint8_t *end = put_body(body, intent);
    size_t len_bytes = (size_t)(end - body);
    assert(len_bytes + CHECK_BYTES <= sizeof(body));
    if (!checksum(body, len_bytes, end)) {
        return err_set(err, ST_INTERNAL, "SHA-256 is not available");
    }
    size_t text_bytes = (len_bytes + CHECK_BYTES + 2) / 3 * 4;
    st = buf_reserve(out, strlen(PREFIX) + text_bytes);
    if (st == ST_OK) {
        st = buf_add_text(out, PREFIX);
    }
    if (st == ST_OK) {
        st = base64_encode(out, body, len_bytes + CHECK_BYTES);
    }
    return st == ST_OK ? ST_OK : err_set(err, st, "no room for an intent of %zu bytes", text_bytes);
}

/* --- reading --- */

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool is_broken; /* a number that does not end, or not as we write it */
};

static const uint8_t *take_bytes(struct cursor *c, size_t len_bytes)
{
    if (c->is_broken || (size_t)(c->end - c->at) < len_bytes) {
        c->is_broken = true;
        return NULL;
    }
    c->at += len_bytes;
    return c->at - len_bytes;
}

static uint64_t take_number(struct cursor *c)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < NUMBER_BYTES_MAX; i++) {
        const uint8_t *byte = take_bytes(c, 1);
        if (byte == NULL) {
            return 0;
        }
        value |= (uint64_t)(*byte & 0x7f) << 7 * i;
        if ((*byte & 0x80) == 0) {
            /* the tenth byte has one bit left; a last byte of 0 is a longer form of the same */
            c->is_broken = (i == NUMBER_BYTES_MAX - 1 && *byte > 1) || (i > 0 && *byte == 0);
            return value;
        }
    }
    c->is_broken = true;
    return 0;
}

static int64_t take_difference(struct cursor *c, int64_t base)
{
    uint64_t coded = take_number(c);
    uint64_t difference = coded >> 1 ^ ((coded & 1) != 0 ? UINT64_MAX : 0);
    return (int64_t)((uint64_t)base + difference);
}

/* base + difference as an offset; breaks the cursor where there is none. */
static int64_t take_offset(struct cursor *c, uint64_t base)
{
    uint64_t difference = take_number(c);
    if (c->is_broken || base > INT64_MAX || difference > INT64_MAX - base) {
        c->is_broken = true;
        return 0;
    }
    return (int64_t)(base + difference);
}

static void
take_range(struct cursor *c, const struct intent_range *before, struct intent_range *ret_range)
{
    struct intent_range range = *before;
    range.first = take_offset(c, range_end(before));
    range.last = take_offset(c, (uint64_t)range.first);
    range.count = take_number(c);
    range.first_ms = take_difference(c, before->last_ms);
    range.last_ms = take_difference(c, range.first_ms);
    range.mapping_version = take_number(c);
    const uint8_t *flags = take_bytes(c, 1);
    unsigned bits = flags != NULL ? *flags : 0;
    range.flags = (uint8_t)(bits & INTENT_DIVIDED);
    if ((bits & ~(unsigned)(INTENT_DIVIDED | WITH_TABLE)) != 0) {
        c->is_broken = true;
    }
    if ((bits & WITH_TABLE) != 0) {
        const uint8_t *table = take_bytes(c, INTENT_UUID_BYTES);
        if (table == NULL || memcmp(table, before->table_uuid, INTENT_UUID_BYTES) == 0) {
            c->is_broken = true;
            return;
        }
        memcpy(range.table_uuid, table, INTENT_UUID_BYTES);
    }
    *ret_range = range;
}

static bool take_body(struct cursor *c, struct intent *ret_intent)
{
    struct intent intent = {.epoch = 0};
    const uint8_t *pipe = take_bytes(c, INTENT_UUID_BYTES);
    if (pipe != NULL) {
        memcpy(intent.pipe_uuid, pipe, INTENT_UUID_BYTES);
    }
    intent.epoch = take_number(c);
    const uint8_t *nonce = take_bytes(c, 8);
    for (unsigned i = 0; nonce != NULL && i < 8; i++) {
        intent.nonce |= (uint64_t)nonce[i] << 8 * i;
    }
    uint64_t count = take_number(c);
    if (c->is_broken || count > INTENT_RANGES_MAX) {
        return false;
    }
    struct intent_range before = nothing();
    for (size_t i = 0; i < count && !c->is_broken; i++) {
        take_range(c, &before, &intent.ranges[i]);
        before = intent.ranges[i];
    }
    if (c->is_broken || c->at != c->end) {
        return false;
    }
    intent.ranges_count = (size_t)count;
    *ret_intent = intent;
    return true;
}

/* True for "p<number>:" with another number than ours. */
static bool is_later_form(const char *text)
{
    size_t digits = text[0] == 'p' ? strspn(text + 1, "0123456789") : 0;
    return digits > 0 && digits < 4 && text[1 + digits] == ':' && text[1] != '0' &&
           strtoul(text + 1, NULL, 10) > VERSION;
}

static enum status refuse(struct err *err, const char *why)
{
    return err_set(err, ST_INVALID, "the offset's metadata is not of Penstock: %s", why);
}

static enum status
read_body(const uint8_t *body, size_t len_bytes, struct intent *ret_intent, struct err *err)
{
    uint8_t check[CHECK_BYTES];
    if (len_bytes < CHECK_BYTES) {
        return refuse(err, "too short");
    }
    size_t checked = len_bytes - CHECK_BYTES;
    if (!checksum(body, checked, check)) {
        return err_set(err, ST_INTERNAL, "SHA-256 is not available");
    }
    if (memcmp(check, body + checked, CHECK_BYTES) != 0) {
        return refuse(err, "its checksum is wrong");
    }
    struct cursor c = {.at = body, .end = body + checked};
    return take_body(&c, ret_intent) ? ST_OK : refuse(err, "it holds no ranges of offsets");
}

enum status intent_read(const char *text, struct intent *ret_intent, struct err *err)
{
    if (text == NULL || text[0] == '\0') {
        return err_set(err, ST_NOT_FOUND, "the offset was committed without metadata");
    }
    if (is_later_form(text)) {
        return err_set(
            err, ST_UNSUPPORTED, "the offset's metadata is of a newer Penstock (form %lu, not %d)",
            strtoul(text + 1, NULL, 10), VERSION);
    }
    size_t prefix = strlen(PREFIX);
    if (strncmp(text, PREFIX, prefix) != 0) {
        return refuse(err, "it does not begin with p1:");
    }
    size_t len = strnlen(text, INTENT_BYTES_MAX + 1);
    if (len > INTENT_BYTES_MAX) {
        return refuse(err, "too long");
    }
    CLEANUP(freep) uint8_t *body = NULL;
    size_t len_bytes = 0;
    enum status st = base64_decode(text + prefix, len - prefix, &body, &len_bytes);
    if (st == ST_NO_MEMORY) {
        return err_set(err, st, "out of memory for the offset's metadata");
    }
    return st == ST_OK ? read_body(body, len_bytes, ret_intent, err)
                       : refuse(err, "it is not base64");
}
