/* Five bytes or nothing: what counts as framed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

#include "worker/replica/decode/frame.h"

#include <cmocka.h>

static void frame_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t bytes[8];
        size_t len;
        bool is_framed;
        uint32_t id;
        size_t body_bytes;
    } cases[] = {
        {"nothing", {0}, 0, false, 0, 0},
        {"four bytes", {0, 0, 0, 1}, 4, false, 0, 4},
        {"no body", {0, 0, 0, 0, 1}, 5, true, 1, 0},
        {"a body", {0, 1, 2, 3, 4, '{', '}'}, 7, true, 0x01020304, 2},
        {"JSON", {'{', '}', ' ', ' ', ' ', ' '}, 6, false, 0, 6},
        {"the largest id", {0, 0xff, 0xff, 0xff, 0xff, 1}, 6, true, UINT32_MAX, 1},
        {"another magic byte", {1, 0, 0, 0, 1, 1}, 6, false, 0, 6},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].name);
        struct frame frame = frame_read(cases[i].bytes, cases[i].len);
        assert_int_equal(frame.is_framed, cases[i].is_framed);
        assert_int_equal(frame.id, cases[i].id);
        assert_int_equal(frame.body_bytes, cases[i].body_bytes);
        assert_ptr_equal(frame.body, cases[i].bytes + cases[i].len - cases[i].body_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(frame_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
