/* New UUIDs are valid, of version 4 and different; the check takes only the 36-character form. */
#include <string.h>

#include "common/base/uuid.h"

#include "tests/unit/unit.h"

static void new_ones_are_version_4_and_differ(void **state)
{
    (void)state;
    char first[UUID_TEXT_BYTES];
    char second[UUID_TEXT_BYTES];
    assert_int_equal(uuid_new(first), ST_OK);
    assert_int_equal(uuid_new(second), ST_OK);
    assert_true(uuid_is_valid(first));
    assert_int_equal(first[14], '4');
    assert_non_null(strchr("89ab", first[19]));
    assert_string_not_equal(first, second);
}

static void only_the_long_form_is_valid(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        {"3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5f", true},
        {"3F2B8C1E-9D4A-4F6B-8E21-0A1B2C3D4E5F", true},
        {"3f2b8c1e9d4a4f6b8e210a1b2c3d4e5f", false},
        {"3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5", false},
        {"3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5f0", false},
        {"3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5g", false},
        {"3f2b8c1e_9d4a-4f6b-8e21-0a1b2c3d4e5f", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(uuid_is_valid(cases[i].text), cases[i].expected);
    }
}

static void bytes_and_text_are_the_same(void **state)
{
    (void)state;
    static const uint8_t expected[UUID_BYTES] = {0x3f, 0x2b, 0x8c, 0x1e, 0x9d, 0x4a, 0x4f, 0x6b,
                                                 0x8e, 0x21, 0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f};
    uint8_t bytes[UUID_BYTES] = {0};
    assert_int_equal(uuid_read("3F2b8c1e-9d4a-4f6b-8e21-0A1B2C3D4E5F", bytes), ST_OK);
    assert_memory_equal(bytes, expected, sizeof(expected));
    char text[UUID_TEXT_BYTES];
    uuid_write(bytes, text);
    assert_string_equal(text, "3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5f");
    assert_int_equal(uuid_read("3f2b8c1e-9d4a-4f6b-8e21-0a1b2c3d4e5", bytes), ST_INVALID);
    assert_memory_equal(bytes, expected, sizeof(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ones_are_version_4_and_differ),
        cmocka_unit_test(only_the_long_form_is_valid),
        cmocka_unit_test(bytes_and_text_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
