/* Strict number parsing. */
#include "common/base/parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum status parse_u64(const char *text, uint64_t max, uint64_t *ret_value)
{
    if (!is_digit(text[0])) {
        return ST_INVALID;
    }
    uint64_t value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (!is_digit(*p)) {
            return ST_INVALID;
        }
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return ST_INVALID;
        }
        value = value * 10 + digit;
    }
    if (value > max) {
        return ST_INVALID;
    }
    *ret_value = value;
    return ST_OK;
}

enum status parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    bool is_negative = text[0] == '-';
    uint64_t magnitude = 0;
    uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (parse_u64(text + (is_negative ? 1 : 0), limit, &magnitude) != ST_OK) {
        return ST_INVALID;
    }
    int64_t value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < min || value > max) {
        return ST_INVALID;
    }
    *ret_value = value;
    return ST_OK;
}

enum status parse_double(const char *text, double *ret_value)
{
    if (!is_digit(text[0]) && !(text[0] == '-' && is_digit(text[1]))) {
        return ST_INVALID;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (!is_digit(*p) && *p != '.' && *p != 'e' && *p != 'E' && *p != '+' && *p != '-') {
            return ST_INVALID;
        }
    }
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno == ERANGE || !isfinite(value)) {
        return ST_INVALID;
    }
    *ret_value = value;
    return ST_OK;
}

enum status parse_bool(const char *text, bool *ret_value)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret_value = i % 2 == 1;
            return ST_OK;
        }
    }
    return ST_INVALID;
}
