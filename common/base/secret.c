/* Secrets: wiped on release, compared in constant time. */
#include "common/base/secret.h"

#include <stdlib.h>
#include <string.h>

void secret_wipe(void *memory, size_t len_bytes)
{
    if (memory != NULL) {
        explicit_bzero(memory, len_bytes);
    }
}

enum status secret_set(struct secret *ret_secret, const char *bytes, size_t len_bytes)
{
    char *copy = malloc(len_bytes + 1);
    if (copy == NULL) {
        return ST_NO_MEMORY;
    }
    if (len_bytes > 0) {
        memcpy(copy, bytes, len_bytes);
    }
    copy[len_bytes] = '\0';
    ret_secret->bytes = copy;
    ret_secret->len_bytes = len_bytes;
    return ST_OK;
}

void secret_done(struct secret *secret)
{
    if (secret->bytes != NULL) {
        secret_wipe(secret->bytes, secret->len_bytes);
        free(secret->bytes);
    }
    secret->bytes = NULL;
    secret->len_bytes = 0;
}

bool secret_equals(const struct secret *secret, const char *bytes, size_t len_bytes)
{
    if (secret->bytes == NULL || secret->len_bytes != len_bytes) {
        return false;
    }
    unsigned difference = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        difference |= (unsigned)((unsigned char)secret->bytes[i] ^ (unsigned char)bytes[i]);
    }
    return difference == 0;
}
