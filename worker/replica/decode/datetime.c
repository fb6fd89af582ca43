/* Date-time texts: one fast shape (ISO 8601 in full), then the general reader. */
#include "worker/replica/decode/datetime.h"

#include <string.h>

enum {
    SECONDS_PER_DAY = 86400,
    NANO_DIGITS = 9,
    OFFSET_HOURS_MAX = 14, /* Line Islands, the largest there is */
    ISO_DATE_BYTES = 10,
    ISO_TIME_BYTES = 8,
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Days since 1970-01-01 of a date that exists. */
static int32_t days_of(int32_t year, uint32_t month, uint32_t day)
{
    /* H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil */
    year -= month <= 2 ? 1 : 0;
    int32_t era = (year >= 0 ? year : year - 399) / 400;
    uint32_t year_of_era = (uint32_t)(year - era * 400);
    uint32_t day_of_year = (153 * (month + (month > 2 ? (uint32_t)-3 : 9)) + 2) / 5 + day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int32_t)day_of_era - 719468;
}

bool datetime_from_days(int64_t days, struct datetime_day *ret_day)
{
    enum {
        DAYS_MIN = -719528, /* 0000-01-01 */
        DAYS_MAX = 2932896, /* 9999-12-31 */
    };
    if (days < DAYS_MIN || days > DAYS_MAX) {
        return false;
    }
    /* the same source, civil_from_days; an era more keeps everything positive */
    uint32_t shifted = (uint32_t)(days + 719468 + 146097);
    uint32_t era = shifted / 146097;
    uint32_t day_of_era = shifted % 146097;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted_month = (5 * day_of_year + 2) / 153;
    ret_day->day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    ret_day->month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    ret_day->year = (int32_t)(year_of_era + era * 400) - 400 + (ret_day->month <= 2 ? 1 : 0);
    return true;
}

static bool is_real_day(uint32_t year, uint32_t month, uint32_t day)
{
    static const uint8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= DAYS[month - 1] + (month == 2 && is_leap ? 1U : 0U);
}

static bool is_digit(const struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* At most max digits; returns how many. */
static unsigned take_digits(struct reader *r, unsigned max, uint64_t *ret_value)
{
    unsigned count = 0;
    uint64_t value = 0;
    for (; count < max && is_digit(r); count++, r->at++) {
        value = value * 10 + (uint64_t)(*r->at - '0');
    }
    *ret_value = value;
    return count;
}

static bool take(struct reader *r, char wanted)
{
    if (r->at == r->end || *r->at != (uint8_t)wanted) {
        return false;
    }
    r->at++;
    return true;
}

static unsigned digits_ahead(const struct reader *r)
{
    struct reader ahead = *r;
    uint64_t value = 0;
    return take_digits(&ahead, 32, &value);
}

static const char *set_date(uint64_t year, uint64_t month, uint64_t day, struct datetime *d)
{
    if (!is_real_day((uint32_t)year, (uint32_t)month, (uint32_t)day)) {
        return "there is no such day";
    }
    d->days = days_of((int32_t)year, (uint32_t)month, (uint32_t)day);
    return NULL;
}

/* YYYY-M-D with '-' or '/'. */
static const char *read_divided_date(struct reader *r, struct datetime *d)
{
    uint64_t year = 0;
    uint64_t month = 0;
    uint64_t day = 0;
    (void)take_digits(r, 4, &year); /* four were seen */
    char divider = take(r, '-') ? '-' : '/';
    if (divider == '/' && !take(r, '/')) {
        return "it is no date or date-time";
    }
    if (take_digits(r, 2, &month) == 0 || !take(r, divider) || take_digits(r, 2, &day) == 0 ||
        is_digit(r)) {
        return "it is no date or date-time";
    }
    return set_date(year, month, day, d);
}

static const char *read_fraction(struct reader *r, struct datetime *d)
{
    uint64_t value = 0;
    unsigned count = take_digits(r, NANO_DIGITS, &value);
    uint64_t more = 0;
    while (take_digits(r, NANO_DIGITS, &more) > 0) { /* finer than a nanosecond: left out */
    }
    d->nanos = (uint32_t)(value * NUMBER_POWERS[NANO_DIGITS - count]);
    return NULL;
}

static const char *set_time(uint64_t hour, uint64_t minute, uint64_t second, struct datetime *d)
{
    if (hour > 23 || minute > 59 || second > 59) {
        return "there is no such time of day";
    }
    d->seconds = (int64_t)d->days * SECONDS_PER_DAY + (int64_t)(hour * 3600 + minute * 60 + second);
    d->has_time = true;
    return NULL;
}

/* h[:m[:s[.f]]], each of one or two digits. */
static const char *read_time(struct reader *r, struct datetime *d)
{
    uint64_t part[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        if (take_digits(r, 2, &part[i]) == 0) {
            return "it is no date or date-time";
        }
        if (i < 2 && !take(r, ':')) {
            break;
        }
    }
    const char *reason = set_time(part[0], part[1], part[2], d);
    if (reason != NULL) {
        return reason;
    }
    return take(r, '.') ? read_fraction(r, d) : NULL;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) != len || memcmp(r->at, word, len) != 0) {
        return false;
    }
    r->at = r->end;
    return true;
}

/* Z, UTC, GMT, +hh, +hhmm, +hh:mm; the text's end. */
static const char *read_zone(struct reader *r, struct datetime *d)
{
    while (take(r, ' ')) {
    }
    if (take_word(r, "Z") || take_word(r, "UTC") || take_word(r, "GMT")) {
        d->has_zone = true;
        return NULL;
    }
    bool is_west = take(r, '-');
    if (!is_west && !take(r, '+')) {
        return "it is no date or date-time";
    }
    uint64_t hours = 0;
    uint64_t minutes = 0;
    if (take_digits(r, 2, &hours) != 2) {
        return "it is no date or date-time";
    }
    bool has_colon = take(r, ':');
    unsigned count = take_digits(r, 2, &minutes);
    if (r->at != r->end || count == 1 || (has_colon && count == 0)) {
        return "it is no date or date-time";
    }
    if (hours > OFFSET_HOURS_MAX || minutes > 59) {
        return "there is no such zone offset";
    }
    int64_t offset = (int64_t)(hours * 3600 + minutes * 60);
    d->seconds += is_west ? offset : -offset;
    d->has_zone = true;
    return NULL;
}

/* YYYYMMDD[hhmmss], unix seconds (9 or 10 digits, with a fraction) or milliseconds (13). */
static const char *read_digits_only(struct reader *r, unsigned count, struct datetime *d)
{
    enum {
        DATE_DIGITS = 8,
        DATE_TIME_DIGITS = 14,
        MS_DIGITS = 13,
    };
    uint64_t value = 0;
    (void)take_digits(r, count, &value); /* they were counted */
    if (count == DATE_DIGITS) {
        const char *reason = set_date(value / 10000, value / 100 % 100, value % 100, d);
        return reason != NULL ? reason : set_time(0, 0, 0, d);
    }
    if (count == DATE_TIME_DIGITS) {
        uint64_t date = value / 1000000;
        const char *reason = set_date(date / 10000, date / 100 % 100, date % 100, d);
        return reason != NULL ? reason
                              : set_time(value / 10000 % 100, value / 100 % 100, value % 100, d);
    }
    d->has_zone = true;
    d->has_time = true;
    if (count == MS_DIGITS) {
        d->seconds = (int64_t)(value / 1000);
        d->nanos = (uint32_t)(value % 1000) * 1000000;
    } else if (count == 9 || count == 10) {
        d->seconds = (int64_t)value;
        if (take(r, '.')) {
            (void)read_fraction(r, d); /* any digits do */
        }
    } else {
        return "it is no date or date-time";
    }
    d->days = (int32_t)(d->seconds / SECONDS_PER_DAY);
    return r->at == r->end ? NULL : "it is no date or date-time";
}

static const char *read_rest(struct reader *r, struct datetime *d)
{
    if (r->at == r->end) {
        d->seconds = (int64_t)d->days * SECONDS_PER_DAY;
        return NULL;
    }
    if (!take(r, 'T') && !take(r, ' ')) {
        return "it is no date or date-time";
    }
    const char *reason = read_time(r, d);
    if (reason != NULL || r->at == r->end) {
        return reason;
    }
    return read_zone(r, d);
}

static const char *read_any(struct reader *r, struct datetime *d)
{
    unsigned digits = digits_ahead(r);
    if (digits == 4) {
        const char *reason = read_divided_date(r, d);
        return reason != NULL ? reason : read_rest(r, d);
    }
    const char *reason = read_digits_only(r, digits, d);
    if (reason != NULL || r->at == r->end) {
        d->has_time = d->has_time && digits != 8;
        return reason;
    }
    return "it is no date or date-time";
}

/* "hh:mm:ss" at `at`: false if it is not of that shape. */
static bool iso_time(const uint8_t *at, struct datetime *d)
{
    uint64_t text;
    memcpy(&text, at, sizeof(text));
    text ^= 0x30303a30303a3030ULL; /* digits become 0-9, colons 0 */
    if ((((text + 0x76767f76767f7676ULL) | text) & 0x8080808080808080ULL) != 0) {
        return false;
    }
    uint64_t pairs = text * 10 + (text >> 8);
    return set_time(pairs & 0xff, pairs >> 24 & 0xff, pairs >> 48 & 0xff, d) == NULL;
}

/* The date of a text that has the cached one in front. An empty cache has no date: a day's digits
 * are never zero bytes, those of a text may be. */
static bool is_cached_day(const uint8_t *text, const struct datetime_cache *cache)
{
    uint64_t head;
    uint16_t tail;
    memcpy(&head, text, sizeof(head));
    memcpy(&tail, text + sizeof(head), sizeof(tail));
    return head == cache->head && tail == cache->tail && tail != 0;
}

/* Days that every type can hold; others are read anew each time. */
static void remember_day(const uint8_t *text, int32_t days, struct datetime_cache *cache)
{
    enum {
        DAYS_MIN = -25567, /* 1900-01-01 */
        DAYS_MAX = 120529, /* 2299-12-31 */
    };
    if (days >= DAYS_MIN && days <= DAYS_MAX) {
        memcpy(&cache->head, text, sizeof(cache->head));
        memcpy(&cache->tail, text + sizeof(cache->head), sizeof(cache->tail));
        cache->days = days;
    }
}

const char *datetime_read(
    const uint8_t *text, size_t len, struct datetime_cache *cache, struct datetime *ret_datetime)
{
    *ret_datetime = (struct datetime){0};
    struct reader r = {text, text + len};
    if (len < ISO_DATE_BYTES) {
        return read_any(&r, ret_datetime);
    }
    if (!is_cached_day(text, cache)) {
        if (digits_ahead(&r) != 4) {
            return read_any(&r, ret_datetime);
        }
        const char *reason = read_divided_date(&r, ret_datetime);
        if (reason != NULL) {
            return reason;
        }
        if (r.at != text + ISO_DATE_BYTES) {
            return read_rest(&r, ret_datetime);
        }
        remember_day(text, ret_datetime->days, cache);
    } else {
        ret_datetime->days = cache->days;
    }
    r.at = text + ISO_DATE_BYTES;
    bool has_full_time =
        len >= ISO_DATE_BYTES + 1 + ISO_TIME_BYTES && (*r.at == 'T' || *r.at == ' ');
    if (!has_full_time || !iso_time(r.at + 1, ret_datetime)) {
        return read_rest(&r, ret_datetime);
    }
    r.at += 1 + ISO_TIME_BYTES;
    if (take(&r, '.')) {
        (void)read_fraction(&r, ret_datetime); /* any digits do */
    }
    if (r.end - r.at == 1 && *r.at == 'Z') {
        ret_datetime->has_zone = true;
        return NULL;
    }
    return r.at == r.end ? NULL : read_zone(&r, ret_datetime);
}
