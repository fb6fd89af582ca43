/*
 * HTTP Basic decoding, and the question to the store. Secrets live in struct secret and in wiped
 * buffers only.
 */
#include "api/http/auth.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/base64.h"

void auth_pair_done(struct auth_pair *pair)
{
    secret_done(&pair->secret);
    secret_wipe(pair->id, sizeof(pair->id));
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
    uint8_t *plain = NULL;
    size_t plain_len = 0;
    enum status status = base64_decode(text, strlen(text), &plain, &plain_len);
    if (status == ST_OK) {
        status = pair_split(plain, plain_len, ret_pair);
        secret_wipe(plain, plain_len);
        free(plain);
    }
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
    struct auth_pair pair = {0};
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
