/* Small hand-written recognizers; none of them guesses beyond its grammar. */
#include "worker/probe/infer/text_kind.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/parse.h"
#include "common/base/uuid.h"

enum {
    NUMBER_MAX_BYTES = 40,
    UUID_TEXT_LEN = 36,
    DATE_BYTES = 10,
    YEAR_DATE_FIRST = 1970, /* of Date */
    YEAR_DATE_LAST = 2148,
    YEAR_TIME_FIRST = 1900, /* of DateTime64(9) */
    YEAR_TIME_LAST = 2261,
};

static bool digits(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return true;
}

static int number(const char *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static enum text_kind whole_kind(const char *text)
{
    bool is_negative = text[0] == '-';
    const char *start = text + (is_negative ? 1 : 0);
    uint64_t value = 0;
    if ((start[0] == '0' && (start[1] != '\0' || is_negative)) ||
        parse_u64(start, UINT64_MAX, &value) != ST_OK) {
        return TEXT_PLAIN;
    }
    if (is_negative) {
        return value <= (uint64_t)INT64_MAX + 1 ? TEXT_INTEGER : TEXT_PLAIN;
    }
    return value <= INT64_MAX ? TEXT_INTEGER : TEXT_NATURAL;
}

/* "", or e, an optional sign, digits. */
static bool is_exponent(const char *at)
{
    if (*at != 'e' && *at != 'E') {
        return *at == '\0';
    }
    at++;
    at += *at == '+' || *at == '-' ? 1 : 0;
    size_t count = strspn(at, "0123456789");
    return count > 0 && at[count] == '\0';
}

/* JSON's own grammar of numbers. */
static enum text_kind number_kind(const char *text)
{
    const char *at = text + (text[0] == '-' ? 1 : 0);
    size_t whole = strspn(at, "0123456789");
    if (whole == 0 || (at[0] == '0' && whole > 1)) {
        return TEXT_PLAIN;
    }
    at += whole;
    if (*at == '\0') {
        return whole_kind(text);
    }
    if (*at == '.') {
        size_t fraction = strspn(at + 1, "0123456789");
        if (fraction == 0) {
            return TEXT_PLAIN;
        }
        at += 1 + fraction;
    }
    return is_exponent(at) ? TEXT_REAL : TEXT_PLAIN;
}

static bool is_date(const char *text, int year_first, int year_last)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!digits(text, 4) || text[4] != '-' || !digits(text + 5, 2) || text[7] != '-' ||
        !digits(text + 8, 2)) {
        return false;
    }
    int year = number(text, 4);
    int month = number(text + 5, 2);
    int day = number(text + 8, 2);
    if (year < year_first || year > year_last || month < 1 || month > 12) {
        return false;
    }
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int last = DAYS[month - 1] + (month == 2 && is_leap ? 1 : 0);
    return day >= 1 && day <= last;
}

/* "", "Z", "+HH:MM", "+HHMM", "+HH". */
static bool is_zone(const char *text)
{
    if (text[0] == '\0' || strcmp(text, "Z") == 0) {
        return true;
    }
    size_t len = strlen(text);
    if ((text[0] != '+' && text[0] != '-') || len < 3 || !digits(text + 1, 2)) {
        return false;
    }
    bool is_colon = len == 6 && text[3] == ':' && digits(text + 4, 2);
    return len == 3 || is_colon || (len == 5 && digits(text + 3, 2));
}

static bool is_time(const char *text, size_t len)
{
    if (len < 5 || !digits(text, 2) || text[2] != ':' || !digits(text + 3, 2) ||
        number(text, 2) > 23 || number(text + 3, 2) > 59) {
        return false;
    }
    const char *at = text + 5;
    if (*at == ':') {
        if (len < 8 || !digits(at + 1, 2) || number(at + 1, 2) > 59) {
            return false;
        }
        at += 3;
        if (*at == '.') {
            size_t fraction = strspn(at + 1, "0123456789");
            if (fraction == 0 || fraction > 9) {
                return false;
            }
            at += 1 + fraction;
        }
    }
    return is_zone(at);
}

enum text_kind text_kind_of(const char *text, size_t len)
{
    if (len == 0 || len > NUMBER_MAX_BYTES || strlen(text) != len) {
        return TEXT_PLAIN;
    }
    if (len == UUID_TEXT_LEN && uuid_is_valid(text)) {
        return TEXT_UUID;
    }
    if (len == DATE_BYTES && is_date(text, YEAR_DATE_FIRST, YEAR_DATE_LAST)) {
        return TEXT_DATE;
    }
    if (len > DATE_BYTES + 1 && (text[DATE_BYTES] == 'T' || text[DATE_BYTES] == ' ') &&
        is_date(text, YEAR_TIME_FIRST, YEAR_TIME_LAST) &&
        is_time(text + DATE_BYTES + 1, len - DATE_BYTES - 1)) {
        return TEXT_DATETIME;
    }
    return number_kind(text);
}
