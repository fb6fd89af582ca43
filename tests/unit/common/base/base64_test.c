/* Base64: the vectors of RFC 4648 §10, all bytes, and everything that must be refused. */
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"

#include "tests/unit/unit.h"

static void the_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *plain;
        const char *encoded;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(base64_encode(&out, cases[i].plain, strlen(cases[i].plain)), ST_OK);
        assert_string_equal(buf_text(&out), cases[i].encoded);
        buf_done(&out);
        uint8_t *bytes = NULL;
        size_t len_bytes = 99;
        assert_int_equal(
            base64_decode(cases[i].encoded, strlen(cases[i].encoded), &bytes, &len_bytes), ST_OK);
        assert_int_equal(len_bytes, strlen(cases[i].plain));
        assert_string_equal((const char *)bytes, cases[i].plain);
        free(bytes);
    }
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t all[256];
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i;
    }
    struct buf out;
    buf_init(&out, 344);
    assert_int_equal(base64_encode(&out, all, sizeof(all)), ST_OK);
    uint8_t *bytes = NULL;
    size_t len_bytes = 0;
    assert_int_equal(base64_decode(buf_text(&out), out.len_bytes, &bytes, &len_bytes), ST_OK);
    assert_int_equal(len_bytes, sizeof(all));
    assert_memory_equal(bytes, all, sizeof(all));
    free(bytes);
    buf_reset(&out);
    assert_int_equal(base64_encode(&out, all, sizeof(all)), ST_OK);
    assert_int_equal(base64_encode(&out, all, 1), ST_TOO_LARGE);
    buf_done(&out);
}

static void what_we_would_not_write_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",    "Zg",       "Zg=",  "Zg===", "=Zg=",   "Z===", "Zh==",
        "Zm9=", "Zg==Zg==", "Zm 9", "Zm-_",  "Zm9v\n", "====", "Zm=v",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint8_t *bytes = NULL;
        size_t len_bytes = 7;
        assert_int_equal(base64_decode(bad[i], strlen(bad[i]), &bytes, &len_bytes), ST_INVALID);
        assert_null(bytes);
        assert_int_equal(len_bytes, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_we_would_not_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
