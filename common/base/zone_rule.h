#ifndef COMMON_BASE_ZONE_RULE_H
#define COMMON_BASE_ZONE_RULE_H

/* The POSIX TZ string behind a TZif file's data: how clocks go on after the last listed change
 * (RFC 8536 section 3.3.1 and POSIX "TZ"). For zone.c alone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone_date {
    char form; /* 'M' month.week.day, 'J' day 1 … 365 without 29 February, 'N' day 0 … 365 */
    int32_t month;   /* M: 1 … 12 */
    int32_t week;    /* M: 1 … 5, 5 = last */
    int32_t day;     /* M: 0 … 6, 0 = Sunday; else the day of the year */
    int32_t seconds; /* after midnight, -167 h … 167 h */
};

struct zone_rule {
    int32_t offset; /* of standard time, seconds east of Greenwich */
    bool has_summer;
    int32_t summer_offset;
    struct zone_date start; /* of summer time, in standard time */
    struct zone_date end;   /* in summer time */
};

/* Read text of len bytes. False if it is none. */
bool zone_rule_read(const char *text, size_t len, struct zone_rule *ret_rule);

/* Seconds since 1970 UTC at which a date of the rule comes in that year, by a clock of offset. */
int64_t zone_rule_time(const struct zone_date *date, int32_t year, int32_t offset);

#endif
