/* Key ring: reading keys, AES-256-GCM by OpenSSL's EVP. */
#include "common/store/key_ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/uuid.h"
#include "common/config/config.h"

enum {
    FORMAT = 1,
    KEY_BYTES = 32,
    KEY_TEXT_BYTES = 44, /* base64 of 32 bytes, with its one '=' */
    ID_BYTES = 8,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    HEAD_BYTES = 1 + ID_BYTES + NONCE_BYTES,
    FILE_MAX_BYTES = 16 * 1024,
    AAD_MAX_BYTES = 256,
};

_Static_assert(HEAD_BYTES + TAG_BYTES == KEY_RING_OVERHEAD_BYTES, "sealed layout");

struct key {
    uint8_t bytes[KEY_BYTES];
    uint8_t id[ID_BYTES];
};

struct key_ring {
    struct key keys[KEY_RING_KEYS_MAX]; /* newest first */
    size_t count;
};

static void cipher_freep(EVP_CIPHER_CTX **cipher)
{
    EVP_CIPHER_CTX_free(*cipher);
    *cipher = NULL;
}

/* Exactly 44 characters of standard base64 that make 32 bytes. */
static enum status key_decode(const char *text, size_t len_bytes, struct key *ret_key)
{
    /* EVP_DecodeBlock skips blanks and takes "=" anywhere near the end; the lengths are strict
     * here. */
    if (len_bytes != KEY_TEXT_BYTES || text[KEY_TEXT_BYTES - 1] != '=' ||
        text[KEY_TEXT_BYTES - 2] == '=') {
        return ST_INVALID;
    }
    uint8_t decoded[KEY_BYTES + 4];
    struct key key;
    int got = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)len_bytes);
    unsigned digest_bytes = 0;
    uint8_t digest[EVP_MAX_MD_SIZE];
    enum status st = got == KEY_BYTES + 1 ? ST_OK : ST_INVALID;
    if (st == ST_OK) {
        memcpy(key.bytes, decoded, sizeof(key.bytes));
        if (EVP_Digest(key.bytes, KEY_BYTES, digest, &digest_bytes, EVP_sha256(), NULL) != 1) {
            st = ST_INVALID;
        }
    }
    if (st == ST_OK) {
        memcpy(key.id, digest, sizeof(key.id));
        *ret_key = key;
        secret_wipe(&key, sizeof(key));
    }
    secret_wipe(decoded, sizeof(decoded));
    return st;
}

static enum status
ring_add(struct key_ring *ring, const char *text, size_t len_bytes, size_t line, struct err *err)
{
    if (ring->count == KEY_RING_KEYS_MAX) {
        return err_set(err, ST_INVALID, "more than %d keys", KEY_RING_KEYS_MAX);
    }
    if (key_decode(text, len_bytes, &ring->keys[ring->count]) != ST_OK) {
        return err_set(err, ST_INVALID, "key %zu is not base64 of 32 bytes", line);
    }
    ring->count++;
    return ST_OK;
}

/* Take the next piece of text up to a line end or comma, without blanks around it. */
static const char *piece_take(const char **at, size_t *ret_len_bytes)
{
    const char *piece = *at;
    size_t len_bytes = strcspn(piece, "\n,");
    *at = piece + len_bytes + (piece[len_bytes] == '\0' ? 0 : 1);
    while (len_bytes > 0 && strchr(" \t\r", piece[0]) != NULL) {
        piece++;
        len_bytes--;
    }
    while (len_bytes > 0 && strchr(" \t\r", piece[len_bytes - 1]) != NULL) {
        len_bytes--;
    }
    *ret_len_bytes = len_bytes;
    return piece;
}

enum status key_ring_parse(const char *text, struct key_ring **ret_keys, struct err *err)
{
    CLEANUP(key_ring_freep) struct key_ring *ring = calloc(1, sizeof(*ring));
    if (ring == NULL) {
        return err_set(err, ST_NO_MEMORY, "secret keys");
    }
    const char *at = text;
    for (size_t number = 1; *at != '\0'; number++) {
        size_t len_bytes = 0;
        const char *piece = piece_take(&at, &len_bytes);
        bool is_key = len_bytes > 0 && piece[0] != '#';
        enum status st = is_key ? ring_add(ring, piece, len_bytes, number, err) : ST_OK;
        if (st != ST_OK) {
            return st;
        }
    }
    if (ring->count == 0) {
        return err_set(err, ST_INVALID, "no secret key given");
    }
    *ret_keys = ring;
    ring = NULL;
    return ST_OK;
}

static enum status file_read(const char *path, char *bytes, size_t size_bytes, struct err *err)
{
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return err_errno(
            err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, errno, "cannot open %s", path);
    }
    size_t len_bytes = 0;
    for (;;) {
        ssize_t got = read(fd, bytes + len_bytes, size_bytes - 1 - len_bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, ST_IO, errno, "cannot read %s", path);
        }
        if (got == 0) {
            break;
        }
        len_bytes += (size_t)got;
        if (len_bytes == size_bytes - 1) {
            return err_set(err, ST_INVALID, "%s is too large for a key file", path);
        }
    }
    bytes[len_bytes] = '\0';
    return ST_OK;
}

enum status key_ring_load(const char *path, struct key_ring **ret_keys, struct err *err)
{
    char *text = calloc(1, FILE_MAX_BYTES);
    if (text == NULL) {
        return err_set(err, ST_NO_MEMORY, "%s", path);
    }
    enum status st = file_read(path, text, FILE_MAX_BYTES, err);
    if (st == ST_OK) {
        st = key_ring_parse(text, ret_keys, err);
        if (st != ST_OK) {
            (void)err_wrap(err, "%s", path); /* st is what counts */
        }
    }
    secret_wipe(text, FILE_MAX_BYTES);
    free(text);
    return st;
}

/* Whatever is wrong with a key file, at the door it is a setting that cannot be used. */
static enum status setting_refused(struct err *err)
{
    if (err != NULL) {
        err->status = ST_INVALID;
    }
    return ST_INVALID;
}

enum status
key_ring_configured(const struct config *config, struct key_ring **ret_keys, struct err *err)
{
    bool has_file = config_is_set(config, CONFIG_SECRET_KEY_FILE);
    bool has_text = config_is_set(config, CONFIG_SECRET_KEY);
    if (has_file && has_text) {
        return err_set(
            err, ST_INVALID, "PENSTOCK_SECRET_KEY_FILE and PENSTOCK_SECRET_KEY are both set");
    }
    if (has_file) {
        enum status st = key_ring_load(config_text(config, CONFIG_SECRET_KEY_FILE), ret_keys, err);
        if (st == ST_OK || st == ST_NO_MEMORY) {
            return st;
        }
        (void)err_wrap(err, "PENSTOCK_SECRET_KEY_FILE"); /* the answer is below */
        return setting_refused(err);
    }
    if (!has_text) {
        return err_set(err, ST_INVALID, "PENSTOCK_SECRET_KEY_FILE is not set");
    }
    enum status st = key_ring_parse(config_secret(config, CONFIG_SECRET_KEY)->bytes, ret_keys, err);
    if (st != ST_OK) {
        (void)err_wrap(err, "PENSTOCK_SECRET_KEY"); /* st is what counts */
    }
    return st;
}

void key_ring_free(struct key_ring *keys)
{
    if (keys != NULL) {
        secret_wipe(keys, sizeof(*keys));
        free(keys);
    }
}

void key_ring_freep(struct key_ring **keys)
{
    key_ring_free(*keys);
    *keys = NULL;
}

void key_ring_sealed_done(struct key_ring_sealed *sealed)
{
    free(sealed->bytes);
    *sealed = (struct key_ring_sealed){.bytes = NULL};
}

static const struct key *key_find(const struct key_ring *ring, const uint8_t *id)
{
    for (size_t i = 0; i < ring->count; i++) {
        if (memcmp(ring->keys[i].id, id, ID_BYTES) == 0) {
            return &ring->keys[i];
        }
    }
    return NULL;
}

static size_t aad_write(const struct key_ring_place *place, uint8_t ret_aad[AAD_MAX_BYTES])
{
    size_t purpose_bytes = strlen(place->purpose);
    size_t id_bytes = strlen(place->row_id);
    assert(purpose_bytes + 1 + id_bytes <= AAD_MAX_BYTES); /* literals and UUIDs */
    memcpy(ret_aad, place->purpose, purpose_bytes);
    ret_aad[purpose_bytes] = ':';
    for (size_t i = 0; i < id_bytes; i++) {
        /* A UUID may be written in either case and is the same row. */
        char c = place->row_id[i];
        ret_aad[purpose_bytes + 1 + i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return purpose_bytes + 1 + id_bytes;
}

/* Head (with nonce) is in sealed already; write ciphertext and tag behind it. */
static bool value_encrypt(
    const struct key *key, const struct key_ring_place *place, const struct secret *text,
    uint8_t *sealed)
{
    CLEANUP(cipher_freep) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    uint8_t aad[AAD_MAX_BYTES];
    int aad_bytes = (int)aad_write(place, aad);
    uint8_t *to = sealed + HEAD_BYTES;
    const unsigned char *from = (const unsigned char *)text->bytes;
    int len = (int)text->len_bytes;
    int got = 0;
    return cipher != NULL &&
           EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, sealed + 1 + ID_BYTES) ==
               1 &&
           EVP_EncryptUpdate(cipher, NULL, &got, aad, aad_bytes) == 1 &&
           EVP_EncryptUpdate(cipher, to, &got, from, len) == 1 && got == len &&
           EVP_EncryptFinal_ex(cipher, to + len, &got) == 1 && got == 0 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, to + len) == 1;
}

enum status key_ring_seal(
    const struct key_ring *keys, const struct key_ring_place *place, const struct secret *text,
    struct key_ring_sealed *ret_sealed, struct err *err)
{
    assert(text->bytes != NULL);
    if (keys == NULL) {
        return err_set(
            err, ST_INVALID,
            "credentials cannot be stored: PENSTOCK_SECRET_KEY_FILE is not configured");
    }
    if (text->len_bytes > KEY_RING_TEXT_MAX_BYTES) {
        return err_set(
            err, ST_TOO_LARGE, "credentials of %zu bytes, the limit is %d", text->len_bytes,
            KEY_RING_TEXT_MAX_BYTES);
    }
    size_t len_bytes = text->len_bytes + KEY_RING_OVERHEAD_BYTES;
    uint8_t *sealed = calloc(1, len_bytes);
    if (sealed == NULL) {
        return err_set(err, ST_NO_MEMORY, "sealing credentials");
    }
    sealed[0] = FORMAT;
    memcpy(sealed + 1, keys->keys[0].id, ID_BYTES);
    enum status st = random_bytes(sealed + 1 + ID_BYTES, NONCE_BYTES);
    if (st != ST_OK || !value_encrypt(&keys->keys[0], place, text, sealed)) {
        free(sealed);
        return err_set(err, ST_INTERNAL, "credentials of %s cannot be sealed", place->purpose);
    }
    *ret_sealed = (struct key_ring_sealed){.bytes = sealed, .len_bytes = len_bytes};
    return ST_OK;
}

static bool value_decrypt(
    const struct key *key, const struct key_ring_place *place, const uint8_t *sealed,
    struct secret *text)
{
    CLEANUP(cipher_freep) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    uint8_t aad[AAD_MAX_BYTES];
    int aad_bytes = (int)aad_write(place, aad);
    uint8_t tag[TAG_BYTES];
    int len = (int)text->len_bytes;
    unsigned char *to = (unsigned char *)text->bytes;
    int got = 0;
    memcpy(tag, sealed + HEAD_BYTES + len, TAG_BYTES);
    return cipher != NULL &&
           EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, sealed + 1 + ID_BYTES) ==
               1 &&
           EVP_DecryptUpdate(cipher, NULL, &got, aad, aad_bytes) == 1 &&
           EVP_DecryptUpdate(cipher, to, &got, sealed + HEAD_BYTES, len) == 1 && got == len &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
           EVP_DecryptFinal_ex(cipher, to + len, &got) == 1;
}

enum status key_ring_open(
    const struct key_ring *keys, const struct key_ring_place *place,
    const struct key_ring_sealed *sealed, struct secret *ret_text, struct err *err)
{
    if (keys == NULL) {
        return err_set(
            err, ST_INTERNAL,
            "credentials cannot be read: PENSTOCK_SECRET_KEY_FILE is not configured");
    }
    if (sealed->len_bytes < KEY_RING_OVERHEAD_BYTES || sealed->bytes[0] != FORMAT ||
        sealed->len_bytes - KEY_RING_OVERHEAD_BYTES > KEY_RING_TEXT_MAX_BYTES) {
        return err_set(
            err, ST_INTERNAL, "stored credentials of %s %s are damaged", place->purpose,
            place->row_id);
    }
    const struct key *key = key_find(keys, sealed->bytes + 1);
    if (key == NULL) {
        return err_set(
            err, ST_INTERNAL,
            "the credentials of %s %s were stored with a key that PENSTOCK_SECRET_KEY_FILE does "
            "not hold",
            place->purpose, place->row_id);
    }
    struct secret text = {.len_bytes = sealed->len_bytes - KEY_RING_OVERHEAD_BYTES};
    text.bytes = calloc(1, text.len_bytes + 1);
    if (text.bytes == NULL) {
        return err_set(err, ST_NO_MEMORY, "opening credentials");
    }
    if (!value_decrypt(key, place, sealed->bytes, &text)) {
        secret_done(&text);
        return err_set(
            err, ST_INTERNAL, "stored credentials of %s %s are damaged", place->purpose,
            place->row_id);
    }
    *ret_text = text;
    return ST_OK;
}

bool key_ring_is_newest(const struct key_ring *keys, const struct key_ring_sealed *sealed)
{
    return sealed->len_bytes >= KEY_RING_OVERHEAD_BYTES &&
           memcmp(sealed->bytes + 1, keys->keys[0].id, ID_BYTES) == 0;
}
