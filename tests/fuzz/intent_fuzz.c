/*
 * Any text as an offset's metadata: what is read is written again as the same text, so nothing is
 * guessed and nothing is lost. The same bytes behind a right prefix and checksum, which a fuzzer
 * does not find; one changed character of such a text is refused.
 */
#include <openssl/evp.h>
#include <string.h>

#include "common/base/base64.h"

#include "tests/fuzz/fuzz.h"
#include "worker/replica/ledger/intent.h"

enum {
    TEXT_MAX_BYTES = 8192,
    CHECK_BYTES = 8
};

static enum status read_text(const char *text, struct intent *ret_intent)
{
    struct err err = {0};
    enum status st = intent_read(text, ret_intent, &err);
    FUZZ_REQUIRE(
        st == ST_OK || st == ST_NOT_FOUND || st == ST_INVALID || st == ST_UNSUPPORTED, "%d",
        (int)st);
    FUZZ_REQUIRE((st == ST_NOT_FOUND) == (text[0] == '\0'), "%d for '%s'", (int)st, text);
    FUZZ_REQUIRE((st == ST_OK) == (err.text[0] == '\0'), "reason '%s'", err.text);
    return st;
}

static void require_same_again(const char *text)
{
    struct intent intent;
    if (read_text(text, &intent) != ST_OK) {
        return;
    }
    struct buf again;
    buf_init(&again, INTENT_BYTES_MAX);
    struct err err = {0};
    FUZZ_REQUIRE(intent_write(&intent, &again, &err) == ST_OK, "%s", err.text);
    FUZZ_REQUIRE(strcmp(buf_text(&again), text) == 0, "'%s' is now '%s'", text, buf_text(&again));
    buf_done(&again);
}

static void require_damage_is_seen(char *text, size_t at)
{
    static struct intent intent;
    char before = text[at];
    text[at] = before == 'A' ? 'B' : 'A';
    FUZZ_REQUIRE(read_text(text, &intent) != ST_OK, "character %zu of %s", at, text);
    text[at] = before;
}

static void read_with_checksum(const uint8_t *data, size_t size)
{
    uint8_t body[TEXT_MAX_BYTES + CHECK_BYTES];
    uint8_t hash[EVP_MAX_MD_SIZE];
    FUZZ_REQUIRE(EVP_Digest(data, size, hash, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
    memcpy(body, data, size);
    memcpy(body + size, hash, CHECK_BYTES);
    struct buf text;
    buf_init(&text, (size_t)2 * TEXT_MAX_BYTES);
    FUZZ_REQUIRE(buf_add_text(&text, "p1:") == ST_OK, "memory");
    FUZZ_REQUIRE(base64_encode(&text, body, size + CHECK_BYTES) == ST_OK, "memory");
    require_same_again(buf_text(&text));
    char *owned = buf_take_text(&text);
    require_damage_is_seen(owned, size % strlen(owned));
    free(owned);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_MAX_BYTES) {
        return 0;
    }
    char *text = strndup((const char *)data, size);
    FUZZ_REQUIRE(text != NULL, "memory");
    require_same_again(text);
    free(text);
    read_with_checksum(data, size);
    return 0;
}
