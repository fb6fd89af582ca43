/* Keys once each, in order of coming; the cache of short ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/dictionary.h"

#include <cmocka.h>

static void dictionary_gives_each_key_one_index(void **state)
{
    (void)state;
    for (int nullable = 0; nullable < 2; nullable++) {
        struct dictionary d;
        assert_true(dictionary_init(&d, 0, nullable == 1));
        uint32_t first = dictionary_empty_index(&d) + 1;
        for (uint32_t round = 0; round < 2; round++) {
            for (uint32_t i = 0; i < 1000; i++) {
                char key[48];
                int len = snprintf(key, sizeof(key), "%0*u", (int)(i % 40) + 1, i);
                uint32_t index = 0;
                assert_true(dictionary_add(&d, (uint8_t *)key, (size_t)len, &index));
                assert_int_equal(index, first + i);
            }
        }
        assert_int_equal(d.keys_count, first + 1000);
        uint32_t index = 9;
        assert_true(dictionary_add(&d, (const uint8_t *)"", 0, &index));
        assert_int_equal(index, dictionary_empty_index(&d));
        assert_true(dictionary_reset(&d, nullable == 1 ? 0 : 1 << 20));
        assert_int_equal(d.keys_count, first);
        dictionary_done(&d);
    }
}

static void dictionary_recalls_short_keys(void **state)
{
    (void)state;
    struct dictionary d;
    assert_true(dictionary_init(&d, 0, false));
    static const char TEXT[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq";
    uint32_t index = 0;
    for (size_t len = 0; len <= DICTIONARY_SHORT_BYTES; len++) {
        assert_false(dictionary_recall(&d, (const uint8_t *)TEXT, len, &index));
        dictionary_remember(&d, (const uint8_t *)TEXT, len, 7);
        assert_true(dictionary_recall(&d, (const uint8_t *)TEXT, len, &index));
        assert_int_equal(index, 7);
        assert_false(dictionary_recall(&d, (const uint8_t *)TEXT + 1, len + (len == 0), &index));
    }
    dictionary_done(&d);
}

static void dictionary_holds_keys_of_one_width(void **state)
{
    (void)state;
    struct dictionary d;
    assert_true(dictionary_init(&d, 4, true));
    static const uint8_t ZEROS[8] = {0};
    assert_int_equal(d.keys.len, sizeof(ZEROS)); /* of NULL and of the zero value */
    assert_memory_equal(d.keys.at, ZEROS, sizeof(ZEROS));
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t value = 0; value < 300; value++) {
            uint32_t index = 0;
            assert_true(dictionary_add(&d, (const uint8_t *)&value, sizeof(value), &index));
            assert_int_equal(index, value + 1);
        }
    }
    assert_int_equal(d.keys.len, 301 * sizeof(uint32_t));
    dictionary_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dictionary_gives_each_key_one_index),
        cmocka_unit_test(dictionary_recalls_short_keys),
        cmocka_unit_test(dictionary_holds_keys_of_one_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
