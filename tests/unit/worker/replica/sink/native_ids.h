#ifndef TESTS_UNIT_NATIVE_IDS_H
#define TESTS_UNIT_NATIVE_IDS_H

/* Reads what the sink sends: a Native block of one UInt64 column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static inline uint64_t native_varint(const uint8_t *body, size_t *at)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte = 0;
    do {
        byte = body[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

/* The column's values into ret_ids (room for max); returns their number. Fails the test if the body
 * is anything else. */
static inline size_t
native_ids(const uint8_t *body, size_t body_bytes, uint64_t *ret_ids, size_t max)
{
    size_t at = 0;
    assert_int_equal(native_varint(body, &at), 1);
    const size_t rows = native_varint(body, &at);
    at += native_varint(body, &at); /* name */
    at += native_varint(body, &at); /* type */
    assert_int_equal(body_bytes - at, rows * sizeof(*ret_ids));
    assert_true(rows <= max);
    memcpy(ret_ids, body + at, rows * sizeof(*ret_ids));
    return rows;
}

#endif
