/* Basic credentials out of a header: whole or not at all. */
#include <string.h>

#include "api/http/auth.h"
#include "tests/unit/unit.h"

static void headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum status expected;
        const char *id;
        const char *secret;
    } cases[] = {
        {"Basic a2V5OnNlY3JldA==", ST_OK, "key", "secret"},
        {"basic a2V5OnNlY3JldA==", ST_OK, "key", "secret"},
        {"Basic a2V5OnNlY3JldA", ST_UNAUTHORIZED, NULL, NULL}, /* no padding */
        {"BASIC   a2V5OnNlY3JldA==", ST_OK, "key", "secret"},
        {"Basic a2V5OmE6Yg==", ST_OK, "key", "a:b"},
        {"Basic a2V5Og==", ST_OK, "key", ""},
        {"Basic a2V5OsO8", ST_OK, "key", "ü"},
        {NULL, ST_UNAUTHORIZED, NULL, NULL},
        {"", ST_UNAUTHORIZED, NULL, NULL},
        {"Basic", ST_UNAUTHORIZED, NULL, NULL},
        {"Basic ", ST_UNAUTHORIZED, NULL, NULL},
        {"Bearer a2V5OnNlY3JldA==", ST_UNAUTHORIZED, NULL, NULL},
        {"Basic a2V5", ST_UNAUTHORIZED, NULL, NULL},             /* no colon */
        {"Basic OnNlY3JldA==", ST_UNAUTHORIZED, NULL, NULL},     /* no id */
        {"Basic a2V5OnNl!3JldA==", ST_UNAUTHORIZED, NULL, NULL}, /* not base64 */
        {"Basic a2V5OnNlY3JldA===", ST_UNAUTHORIZED, NULL, NULL},
        {"Basic a2V5OnNlY3JldA==x", ST_UNAUTHORIZED, NULL, NULL},
        {"Basic a2V5OgBzZWNyZXQ=", ST_UNAUTHORIZED, NULL, NULL}, /* a zero byte */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct auth_pair pair;
        struct err err = {0};
        assert_int_equal(auth_decode_basic(cases[i].header, &pair, &err), cases[i].expected);
        if (cases[i].expected == ST_OK) {
            assert_string_equal(pair.id, cases[i].id);
            assert_true(secret_equals(&pair.secret, cases[i].secret, strlen(cases[i].secret)));
            auth_pair_done(&pair);
            auth_pair_done(&pair);
        } else {
            assert_true(err.text[0] != '\0');
        }
    }
}

static void limits(void **state)
{
    (void)state;
    char header[AUTH_HEADER_MAX_BYTES + 8];
    memset(header, 'Q', sizeof(header)); /* "AAA…" without a colon */
    memcpy(header, "Basic ", 6);
    header[sizeof(header) - 1] = '\0';
    struct auth_pair pair;
    assert_int_equal(auth_decode_basic(header, &pair, NULL), ST_UNAUTHORIZED);
    /* An id one byte too long for its place, then a colon: "A" × 128 ":" */
    char text[6 + (AUTH_KEY_ID_BYTES + 1) * 4 / 3 + 4];
    memset(text, 0, sizeof(text));
    memcpy(text, "Basic ", 6);
    for (size_t i = 6; i < 6 + 168; i += 4) {
        memcpy(text + i, "QUFB", 4);
    }
    memcpy(text + 6 + 168, "QUE6", 4); /* 42 × 3 + 2 = 128 letters and the colon */
    assert_int_equal(auth_decode_basic(text, &pair, NULL), ST_UNAUTHORIZED);
    memcpy(text + 6 + 168, "QTp4", 4); /* 127 letters, a colon, "x" */
    assert_int_equal(auth_decode_basic(text, &pair, NULL), ST_OK);
    assert_int_equal(strlen(pair.id), 127);
    auth_pair_done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
