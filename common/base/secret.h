#ifndef COMMON_BASE_SECRET_H
#define COMMON_BASE_SECRET_H

/*
 * A password, key or token. The type is the promise: nothing prints a struct secret, its memory
 * is wiped when it goes, and comparing takes the same time wherever the difference is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

struct secret {
    char *bytes; /* owned, zero-terminated; NULL = not set */
    size_t len_bytes;
};

/* Copy bytes into a secret, which must be empty or done. ST_NO_MEMORY. */
enum status secret_set(struct secret *ret_secret, const char *bytes, size_t len_bytes) MUST_CHECK;

/* Wipe and free. Safe twice and on a zeroed struct. */
void secret_done(struct secret *secret);

/* Equal in constant time for equal lengths. */
bool secret_equals(const struct secret *secret, const char *bytes, size_t len_bytes);

/* Overwrite memory in a way the compiler keeps. */
void secret_wipe(void *memory, size_t len_bytes);

#endif
