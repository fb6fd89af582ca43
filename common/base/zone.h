#ifndef COMMON_BASE_ZONE_H
#define COMMON_BASE_ZONE_H

/*
 * Time zones of the system's tz database (/usr/share/zoneinfo), read as files: nothing of the C
 * library's own zone is looked at or changed. Format: RFC 8536 (TZif).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct zone;

enum {
    ZONE_NAME_MAX_BYTES = 64,
    ZONE_YEAR_MAX = 2300, /* rules are followed up to the end of this year */
};

/* Read a zone by its name ("Europe/Berlin"). ret_zone: owned, zone_free. ST_UNSUPPORTED (no
 * such zone, no tz database, or its file is none; err says which), ST_NO_MEMORY. */
enum status zone_load(const char *name, struct zone **ret_zone, struct err *err) MUST_CHECK;

/* The same from a file's bytes. ST_INVALID, ST_NO_MEMORY. */
enum status
zone_parse(const uint8_t *bytes, size_t len, struct zone **ret_zone, struct err *err) MUST_CHECK;

void zone_free(struct zone *zone);
void zone_freep(struct zone **zone);

/*
 * Seconds since 1970 UTC of a wall clock's time (as if it were UTC). A time that the clock shows
 * twice is the first one. False if the clock never shows it, and on days of changes that readers of
 * such times do not agree about: not by quarters of an hour, or by half an hour over midnight (all
 * known ones before 1985).
 */
bool zone_to_utc(const struct zone *zone, int64_t local, int64_t *ret_utc);

#endif
