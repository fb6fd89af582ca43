/* The hash goes over fields of fixed size and texts with their zero byte: no two scopes collide. */
#include "worker/replica/ledger/token.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "common/base/uuid.h"

enum {
    HASH_BYTES = 32, /* of SHA-256 */
    HASH_SHOWN_BYTES = 16,
    FIELDS_MAX_BYTES = 1024, /* topics have at most 249 characters */
    LONGEST_PART_BYTES = 2 + 2 * 20 + 3,
};

/* pipe, epoch, partition, two offsets, hash, five dashes */
_Static_assert(
    UUID_TEXT_BYTES + 20 + 11 + 2 * 19 + 2 * HASH_SHOWN_BYTES + 5 + LONGEST_PART_BYTES <=
        TOKEN_BYTES,
    "a token of any part must fit");

struct fields {
    uint8_t bytes[FIELDS_MAX_BYTES];
    size_t len_bytes;
};

static void add_bytes(struct fields *fields, const void *bytes, size_t len_bytes)
{
    assert(sizeof(fields->bytes) - fields->len_bytes >= len_bytes);
    memcpy(fields->bytes + fields->len_bytes, bytes, len_bytes);
    fields->len_bytes += len_bytes;
}

/* The same bytes on every machine: a pipe may move between them. */
static void add_number(struct fields *fields, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    add_bytes(fields, bytes, sizeof(bytes));
}

static void
add_fields(struct fields *fields, const struct token_scope *scope, const struct intent_range *range)
{
    add_bytes(fields, scope->pipe_id, strlen(scope->pipe_id) + 1);
    add_bytes(fields, scope->topic, strlen(scope->topic) + 1);
    add_number(fields, (uint64_t)scope->partition);
    add_number(fields, scope->epoch);
    add_number(fields, scope->nonce);
    add_bytes(fields, range->table_uuid, sizeof(range->table_uuid));
    add_number(fields, (uint64_t)range->first);
    add_number(fields, (uint64_t)range->last);
    add_number(fields, (uint64_t)range->first_ms);
    add_number(fields, (uint64_t)range->last_ms);
}

static void hex(const uint8_t hash[HASH_BYTES], char ret_text[2 * HASH_SHOWN_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HASH_SHOWN_BYTES; i++) {
        ret_text[2 * i] = digits[hash[i] >> 4];
        ret_text[2 * i + 1] = digits[hash[i] & 15];
    }
    ret_text[2 * (size_t)HASH_SHOWN_BYTES] = '\0';
}

enum status token_make(
    const struct token_scope *scope, const struct intent_range *range, char ret_token[TOKEN_BYTES],
    struct err *err)
{
    ret_token[0] = '\0';
    if (strlen(scope->pipe_id) >= UUID_TEXT_BYTES || strlen(scope->topic) > FIELDS_MAX_BYTES / 2) {
        return err_set(
            err, ST_INVALID, "no token for pipe %s, topic %.300s: too long", scope->pipe_id,
            scope->topic);
    }
    struct fields fields = {.len_bytes = 0};
    add_fields(&fields, scope, range);
    uint8_t hash[HASH_BYTES];
    unsigned hash_bytes = 0;
    if (EVP_Digest(fields.bytes, fields.len_bytes, hash, &hash_bytes, EVP_sha256(), NULL) != 1) {
        return err_set(err, ST_INTERNAL, "SHA-256 is not available");
    }
    char text[2 * HASH_SHOWN_BYTES + 1];
    hex(hash, text);
    (void)snprintf(/* it fits, see above */
                   ret_token, TOKEN_BYTES, "%s-%llu-%d-%lld-%lld-%s", scope->pipe_id,
                   (unsigned long long)scope->epoch, (int)scope->partition, (long long)range->first,
                   (long long)range->last, text);
    return ST_OK;
}

void token_query_id(const char *token, char ret_query_id[TOKEN_QUERY_ID_BYTES])
{
    int len = snprintf(ret_query_id, TOKEN_QUERY_ID_BYTES, "penstock-%s", token);
    assert(len > 0 && len < TOKEN_QUERY_ID_BYTES);
    (void)len;
}
