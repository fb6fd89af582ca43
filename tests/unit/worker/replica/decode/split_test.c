/* Where a message of several documents is cut. Pieces are written with '|' between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/decode/split.h"

#include <cmocka.h>

struct split_case {
    const char *text;
    const char *pieces;
    const char *reason; /* NULL = good */
};

static void run_case(enum split_mode mode, const struct split_case *c)
{
    char found[256] = "";
    size_t used = 0;
    size_t len = strlen(c->text);
    uint8_t *copy = malloc(len == 0 ? 1 : len); /* a sanitizer sees every byte read too many */
    assert_non_null(copy);
    memcpy(copy, c->text, len);
    struct split split;
    split_begin(&split, mode, copy, len);
    const uint8_t *piece = NULL;
    size_t piece_len = 0;
    const char *reason = NULL;
    enum split_step step = SPLIT_PIECE;
    while ((step = split_next(&split, &piece, &piece_len, &reason)) == SPLIT_PIECE) {
        assert_true(piece_len > 0 && used + piece_len + 2 < sizeof(found));
        memcpy(found + used, piece, piece_len);
        used += piece_len;
        found[used++] = '|';
    }
    print_message("%s\n", c->text);
    assert_int_equal(step, c->reason == NULL ? SPLIT_OVER : SPLIT_BAD);
    assert_string_equal(found, c->pieces);
    if (c->reason != NULL) {
        assert_string_equal(reason, c->reason);
        assert_true(piece >= copy && piece <= copy + len);
    }
    free(copy);
}

static void lines_are_cut_at_line_breaks(void **state)
{
    (void)state;
    static const struct split_case CASES[] = {
        {"{\"a\":1}", "{\"a\":1}|", NULL},
        {"{}\n{}", "{}|{}|", NULL},
        {"{}\r\n \n\t{} \n\n", "{}|{}|", NULL},
        {"", "", NULL},
        {"\n \r\n", "", NULL},
        {"\xef\xbb\xbf{}\nx y", "{}|x y|", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        run_case(SPLIT_LINES, &CASES[i]);
    }
}

static void arrays_are_cut_between_elements(void **state)
{
    (void)state;
    static const struct split_case CASES[] = {
        {"[{\"a\":1}]", "{\"a\":1}|", NULL},
        {" [ {} , {\"a\":[1,2]} ] ", "{}|{\"a\":[1,2]}|", NULL},
        {"[{\"a\":\"]},\\\"[\"},{}]", "{\"a\":\"]},\\\"[\"}|{}|", NULL},
        {"[]", "", NULL},
        {" [ ] \n", "", NULL},
        {"{\"a\":1}", "{\"a\":1}|", NULL},
        {"[1,x]", "1|x|", NULL},
        {"\xef\xbb\xbf[{}]", "{}|", NULL},
        {"", "", "an array or an object is expected"},
        {"  ", "", "an array or an object is expected"},
        {"[] x", "", "bytes follow the array"},
        {"[{}] x", "{}|", "bytes follow the array"},
        {"[{}", "{}|", "the message ends inside the array"},
        {"[", "", "an object is expected"},
        {"[{},]", "{}|", "an object is expected"},
        {"[,{}]", "", "an object is expected"},
        {"[{}}", "{}|", "',' or ']' is expected"},
        {"[{\"a", "{\"a|", "the message ends inside the array"},
        {"[\"\\", "\"\\|", "the message ends inside the array"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        run_case(SPLIT_ARRAY, &CASES[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_cut_at_line_breaks),
        cmocka_unit_test(arrays_are_cut_between_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
