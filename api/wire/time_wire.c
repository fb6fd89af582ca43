/*
 * RFC 3339 §5.6, without leap seconds (ClickHouse and PostgreSQL have none).
 */
#include "api/wire/time_wire.h"

#include <ctype.h>
#include <string.h>

#include "common/base/clock.h"

struct fields {
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
};

/* digits exactly, then (if not '\0') the separator. */
static enum status take_digits(const char **cursor, int digits, char separator, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*cursor)[i])) {
            return ST_INVALID;
        }
        value = value * 10 + ((*cursor)[i] - '0');
    }
    *cursor += digits;
    if (separator != '\0') {
        if (**cursor != separator) {
            return ST_INVALID;
        }
        (*cursor)++;
    }
    *ret_value = value;
    return ST_OK;
}

static int month_days(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : DAYS[month - 1];
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, days_from_civil). */
static int64_t days_since_1970(const struct fields *f)
{
    int64_t year = f->month <= 2 ? f->year - 1 : f->year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (f->month + (f->month > 2 ? -3 : 9)) + 2) / 5 + f->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static enum status take_date_time(const char **cursor, struct fields *ret_fields)
{
    enum status status = take_digits(cursor, 4, '-', &ret_fields->year);
    status = status == ST_OK ? take_digits(cursor, 2, '-', &ret_fields->month) : status;
    status = status == ST_OK ? take_digits(cursor, 2, '\0', &ret_fields->day) : status;
    if (status != ST_OK || strchr("Tt ", **cursor) == NULL || **cursor == '\0') {
        return ST_INVALID;
    }
    (*cursor)++;
    status = take_digits(cursor, 2, ':', &ret_fields->hour);
    status = status == ST_OK ? take_digits(cursor, 2, ':', &ret_fields->minute) : status;
    status = status == ST_OK ? take_digits(cursor, 2, '\0', &ret_fields->second) : status;
    if (status != ST_OK) {
        return status;
    }
    const struct fields *f = ret_fields;
    bool is_real = f->month >= 1 && f->month <= 12 && f->day >= 1 &&
                   f->day <= month_days(f->year, f->month) && f->hour < 24 && f->minute < 60 &&
                   f->second < 60;
    return is_real ? ST_OK : ST_INVALID;
}

static enum status take_fraction(const char **cursor, int *ret_ms)
{
    *ret_ms = 0;
    if (**cursor != '.') {
        return ST_OK;
    }
    (*cursor)++;
    if (!isdigit((unsigned char)**cursor)) {
        return ST_INVALID;
    }
    for (int scale = 100; isdigit((unsigned char)**cursor); scale /= 10, (*cursor)++) {
        *ret_ms += (**cursor - '0') * scale;
    }
    return ST_OK;
}

static enum status take_zone(const char **cursor, int *ret_minutes)
{
    char sign = **cursor;
    (*cursor) += sign != '\0';
    if (sign == 'Z' || sign == 'z') {
        *ret_minutes = 0;
        return ST_OK;
    }
    int hour = 0;
    int minute = 0;
    if ((sign != '+' && sign != '-') || take_digits(cursor, 2, ':', &hour) != ST_OK ||
        take_digits(cursor, 2, '\0', &minute) != ST_OK || hour > 23 || minute > 59) {
        return ST_INVALID;
    }
    *ret_minutes = (hour * 60 + minute) * (sign == '-' ? -1 : 1);
    return ST_OK;
}

enum status wire_time_parse(const char *text, int64_t *ret_ms)
{
    struct fields fields = {0};
    int ms = 0;
    int zone_minutes = 0;
    enum status status = take_date_time(&text, &fields);
    status = status == ST_OK ? take_fraction(&text, &ms) : status;
    status = status == ST_OK ? take_zone(&text, &zone_minutes) : status;
    if (status != ST_OK || *text != '\0') {
        return ST_INVALID;
    }
    int64_t minutes =
        days_since_1970(&fields) * 1440 + (int64_t)fields.hour * 60 + fields.minute - zone_minutes;
    *ret_ms = (minutes * 60 + fields.second) * 1000 + ms;
    return ST_OK;
}

json_t *wire_time_to_json(int64_t wall_ms)
{
    char text[CLOCK_RFC3339_BYTES];
    clock_rfc3339(wall_ms, text);
    return json_string(text);
}
