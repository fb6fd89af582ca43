/*
 * HTTP Basic decoding, and the question to the store. Secrets live in struct secret and in wiped
 * buffers only.
 */
#include "api/http/auth.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

void auth_pair_done(struct auth_pair *pair)
{
    secret_done(&pair->secret);
    secret_wipe(pair->id, sizeof(pair->id));
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    if (c == '/' || c == '_') {
        return 63;
    }
    return -1;
}

/* Decode base64 (RFC 4648, either alphabet, padding optional) into plain, which has room for
 * three quarters of the text. */
static enum status base64_decode(const char *text, uint8_t *plain, size_t *ret_len_bytes)
{
    uint32_t bits = 0;
    unsigned bits_count = 0;
    size_t len = 0;
    while (*text != '\0' && *text != '=') {
        int value = base64_value(*text);
        if (value < 0) {
            return ST_INVALID;
        }
        bits = (bits << 6) | (uint32_t)value;
        bits_count += 6;
        if (bits_count >= 8) {
            bits_count -= 8;
            plain[len++] = (uint8_t)(bits >> bits_count);
        }
        text++;
    }
    if (strspn(text, "=") != strlen(text) || strlen(text) > 2) {
        return ST_INVALID;
    }
    *ret_len_bytes = len;
    return ST_OK;
}

static enum status pair_split(const uint8_t *plain, size_t len_bytes, struct auth_pair *ret_pair)
{
    const uint8_t *colon = memchr(plain, ':', len_bytes);
    if (colon == NULL || memchr(plain, '\0', len_bytes) != NULL) {
        return ST_UNAUTHORIZED;
    }
    size_t id_len = (size_t)(colon - plain);
    if (id_len == 0 || id_len >= sizeof(ret_pair->id)) {
        return ST_UNAUTHORIZED;
    }
    memset(ret_pair, 0, sizeof(*ret_pair));
    enum status status =
        secret_set(&ret_pair->secret, (const char *)colon + 1, len_bytes - id_len - 1);
    if (status != ST_OK) {
        return status;
    }
    memcpy(ret_pair->id, plain, id_len);
    return ST_OK;
}

enum status auth_decode_basic(const char *header, struct auth_pair *ret_pair, struct err *err)
{
    static const char SCHEME[] = "Basic ";
    if (header == NULL) {
        return err_set(err, ST_UNAUTHORIZED, "send the key's id and secret as HTTP Basic");
    }
    size_t len = strlen(header);
    if (strncasecmp(header, SCHEME, sizeof(SCHEME) - 1) != 0 || len > AUTH_HEADER_MAX_BYTES) {
        return err_set(err, ST_UNAUTHORIZED, "only HTTP Basic authentication is known");
    }
    const char *text = header + sizeof(SCHEME) - 1;
    text += strspn(text, " ");
    uint8_t plain[AUTH_HEADER_MAX_BYTES];
    size_t plain_len = 0;
    enum status status = base64_decode(text, plain, &plain_len);
    if (status == ST_OK) {
        status = pair_split(plain, plain_len, ret_pair);
    }
    secret_wipe(plain, sizeof(plain));
    if (status == ST_NO_MEMORY) {
        return err_set(err, status, "no memory for the credentials");
    }
    if (status != ST_OK) {
        return err_set(err, ST_UNAUTHORIZED, "malformed Basic credentials");
    }
    return ST_OK;
}

enum status
auth_check(struct store *store, const char *header, struct api_key_row *ret_key, struct err *err)
{
    assert(store != NULL);
    struct auth_pair pair;
    enum status status = auth_decode_basic(header, &pair, err);
    if (status != ST_OK) {
        return status;
    }
    status = api_key_check(
        store, pair.id, pair.secret.bytes == NULL ? "" : pair.secret.bytes, pair.secret.len_bytes,
        ret_key, err);
    auth_pair_done(&pair);
    if (status == ST_UNAUTHORIZED) {
        return err_set(err, ST_UNAUTHORIZED, "unknown key or wrong secret");
    }
    return status;
}
