/* A small recursive-descent reader, and the calendar it takes. */
#include "common/base/zone_rule.h"

#include <string.h>

enum {
    SECONDS_PER_DAY = 86400,
    SECONDS_PER_HOUR = 3600,
    CHANGE_HOUR = 2, /* where a date names no time */
    TIME_HOURS_MAX = 167,
};

struct rule_reader {
    const char *at;
    const char *end;
};

static bool take(struct rule_reader *r, char wanted)
{
    if (r->at == r->end || *r->at != wanted) {
        return false;
    }
    r->at++;
    return true;
}

static bool take_number(struct rule_reader *r, int32_t max, int32_t *ret_number)
{
    int32_t value = 0;
    const char *from = r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && value <= max; r->at++) {
        value = value * 10 + (*r->at - '0');
    }
    *ret_number = value;
    return r->at > from && value <= max;
}

/* A zone's abbreviation: letters, or anything between < and >. */
static bool take_name(struct rule_reader *r)
{
    const char *from = r->at;
    if (take(r, '<')) {
        while (r->at < r->end && *r->at != '>') {
            r->at++;
        }
        return take(r, '>');
    }
    while (r->at < r->end && ((*r->at | 0x20) >= 'a' && (*r->at | 0x20) <= 'z')) {
        r->at++;
    }
    return r->at > from;
}

/* [+-]h[:m[:s]] in seconds. */
static bool take_span(struct rule_reader *r, int32_t *ret_seconds)
{
    bool is_negative = take(r, '-');
    if (!is_negative) {
        (void)take(r, '+'); /* it may be there */
    }
    int32_t hours = 0;
    int32_t minutes = 0;
    int32_t seconds = 0;
    if (!take_number(r, TIME_HOURS_MAX, &hours)) {
        return false;
    }
    if (take(r, ':') && !take_number(r, 59, &minutes)) {
        return false;
    }
    if (take(r, ':') && !take_number(r, 59, &seconds)) {
        return false;
    }
    int32_t total = hours * SECONDS_PER_HOUR + minutes * 60 + seconds;
    *ret_seconds = is_negative ? -total : total;
    return true;
}

static bool take_date(struct rule_reader *r, struct zone_date *date)
{
    *date = (struct zone_date){.form = 'N', .seconds = CHANGE_HOUR * SECONDS_PER_HOUR};
    if (take(r, 'M')) {
        date->form = 'M';
        bool is_fine = take_number(r, 12, &date->month) && take(r, '.') &&
                       take_number(r, 5, &date->week) && take(r, '.') &&
                       take_number(r, 6, &date->day);
        if (!is_fine || date->month == 0 || date->week == 0) {
            return false;
        }
    } else {
        date->form = take(r, 'J') ? 'J' : 'N';
        if (!take_number(r, 365, &date->day)) {
            return false;
        }
    }
    return !take(r, '/') || take_span(r, &date->seconds);
}

bool zone_rule_read(const char *text, size_t len, struct zone_rule *ret_rule)
{
    struct rule_reader r = {text, text + len};
    struct zone_rule rule = {0};
    if (!take_name(&r) || !take_span(&r, &rule.offset)) {
        return false;
    }
    rule.offset = -rule.offset; /* POSIX counts westwards */
    if (r.at < r.end) {
        rule.has_summer = true;
        rule.summer_offset = rule.offset + SECONDS_PER_HOUR;
        if (!take_name(&r)) {
            return false;
        }
        if (r.at < r.end && *r.at != ',') {
            if (!take_span(&r, &rule.summer_offset)) {
                return false;
            }
            rule.summer_offset = -rule.summer_offset;
        }
        if (!take(&r, ',') || !take_date(&r, &rule.start) || !take(&r, ',') ||
            !take_date(&r, &rule.end)) {
            return false;
        }
    }
    *ret_rule = rule;
    return r.at == r.end;
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the year's first, for years from 1970 on. */
static int64_t days_before_year(int32_t year)
{
    int64_t past = (int64_t)year - 1;
    int64_t days = past * 365 + past / 4 - past / 100 + past / 400;
    return days - 719162; /* the same for 1970 */
}

static int32_t month_days(int32_t year, int32_t month)
{
    static const int32_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return DAYS[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* The month's week-th weekday, as days since 1970. */
static int64_t weekday_of(const struct zone_date *date, int32_t year)
{
    enum {
        THURSDAY = 4 /* 1970-01-01 */
    };
    int64_t first = days_before_year(year);
    for (int32_t month = 1; month < date->month; month++) {
        first += month_days(year, month);
    }
    int32_t weekday = (int32_t)((first + THURSDAY) % 7);
    int32_t day = (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
    if (day >= month_days(year, date->month)) {
        day -= 7;
    }
    return first + day;
}

int64_t zone_rule_time(const struct zone_date *date, int32_t year, int32_t offset)
{
    int64_t days = 0;
    if (date->form == 'M') {
        days = weekday_of(date, year);
    } else {
        bool is_shifted = date->form == 'J' && (!is_leap(year) || date->day < 60);
        days = days_before_year(year) + date->day - (is_shifted ? 1 : 0);
    }
    return days * SECONDS_PER_DAY + date->seconds - offset;
}
