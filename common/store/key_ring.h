#ifndef COMMON_STORE_KEY_RING_H
#define COMMON_STORE_KEY_RING_H

/*
 * Inside of the room: sealing and opening of stored credentials. A sealed value is
 *   1 byte   format, 1
 *   8 bytes  id of the key: the start of SHA-256 of its bytes
 *   12 bytes nonce, random
 *   n bytes  AES-256-GCM ciphertext
 *   16 bytes tag
 * "<purpose>:<row id>" is authenticated with it, so that a value copied to another row or column
 * does not open. Source of nonce and tag sizes: NIST SP 800-38D §5.2.1.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/secret.h"
#include "common/store/store.h"

enum {
    KEY_RING_KEYS_MAX = 32,
    KEY_RING_OVERHEAD_BYTES = 1 + 8 + 12 + 16,
    KEY_RING_TEXT_MAX_BYTES = 16 * 1024 * 1024,
};

/* What a sealed value belongs to. */
struct key_ring_place {
    const char *purpose; /* "service", "pipe", "probe" */
    const char *row_id;
};

/* Bytes as they are stored. */
struct key_ring_sealed {
    uint8_t *bytes; /* owned; NULL = nothing stored */
    size_t len_bytes;
};

/* Free the bytes. Safe twice. */
void key_ring_sealed_done(struct key_ring_sealed *sealed);

/* Seal with the newest key. ret_sealed: key_ring_sealed_done. ST_INVALID if keys is NULL (no key is
 * configured), ST_TOO_LARGE, ST_NO_MEMORY, ST_INTERNAL. */
enum status key_ring_seal(
    const struct key_ring *keys, const struct key_ring_place *place, const struct secret *text,
    struct key_ring_sealed *ret_sealed, struct err *err) MUST_CHECK;

/* Open with the key it names. ST_INTERNAL if there is no such key or the value was changed or
 * belongs elsewhere; ST_NO_MEMORY. ret_text: secret_done. */
enum status key_ring_open(
    const struct key_ring *keys, const struct key_ring_place *place,
    const struct key_ring_sealed *sealed, struct secret *ret_text, struct err *err) MUST_CHECK;

/* True if it names the newest key. */
bool key_ring_is_newest(const struct key_ring *keys, const struct key_ring_sealed *sealed);

#endif
