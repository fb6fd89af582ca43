/*
 * A zone becomes one list of changes: those of the file, then those its rule makes until
 * ZONE_YEAR_MAX. Between two changes the offset is constant, so a wall clock's time is tried
 * against the few stretches that lie near it.
 */
#include "common/base/zone.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/zone_rule.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

enum {
    FILE_MAX_BYTES = 1 << 17,
    HEAD_BYTES = 44,
    TYPE_BYTES = 6,
    OFFSET_MAX = 26 * 3600, /* RFC 8536 allows 25:59:59 */
    CHANGES_PER_YEAR = 2,
    RULE_YEARS_MAX = 400,
    SECONDS_PER_DAY = 86400,
    QUARTER_SECONDS = 900,
    HOUR_SECONDS = 3600,
};

struct zone_change {
    int64_t at;     /* UTC */
    int32_t offset; /* from then on, seconds east */
};

struct zone {
    int32_t first_offset;        /* before all changes */
    struct zone_change *changes; /* owned, in order */
    size_t count;
};

/* The part of a file with 64-bit times. */
struct tzif {
    const uint8_t *times;
    const uint8_t *indexes;
    const uint8_t *types;
    const char *rule;
    size_t rule_bytes;
    uint32_t time_count;
    uint32_t type_count;
};

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t read_i64(const uint8_t *at)
{
    return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

/* Bytes of a data block whose header is at `head`; its counts are small enough not to overflow. */
static bool block_bytes(const uint8_t *head, size_t time_bytes, size_t *ret_bytes)
{
    enum {
        COUNT_MAX = FILE_MAX_BYTES
    };
    size_t counts[6]; /* isut, isstd, leap, time, type, char */
    for (size_t i = 0; i < 6; i++) {
        counts[i] = read_u32(head + 20 + i * 4);
        if (counts[i] > COUNT_MAX) {
            return false;
        }
    }
    *ret_bytes = counts[0] + counts[1] + counts[2] * (time_bytes + 4) +
                 counts[3] * (time_bytes + 1) + counts[4] * TYPE_BYTES + counts[5];
    return counts[4] > 0;
}

static bool is_head(const uint8_t *at, const uint8_t *end)
{
    return end - at >= HEAD_BYTES && memcmp(at, "TZif", 4) == 0 && at[4] >= '2';
}

/* Find the parts of a file. */
static bool split_file(const uint8_t *at, const uint8_t *end, struct tzif *t)
{
    size_t bytes = 0;
    if (!is_head(at, end) || !block_bytes(at, 4, &bytes) ||
        (size_t)(end - at - HEAD_BYTES) < bytes) {
        return false;
    }
    at += HEAD_BYTES + bytes;
    if (!is_head(at, end) || !block_bytes(at, 8, &bytes) ||
        (size_t)(end - at - HEAD_BYTES) < bytes) {
        return false;
    }
    bool has_leap_seconds = read_u32(at + 28) != 0;
    t->time_count = read_u32(at + 32);
    t->type_count = read_u32(at + 36);
    t->times = at + HEAD_BYTES;
    t->indexes = t->times + (size_t)t->time_count * 8;
    t->types = t->indexes + t->time_count;
    at += HEAD_BYTES + bytes;
    if (has_leap_seconds || at == end || *at != '\n') {
        return false;
    }
    const uint8_t *line_end = memchr(at + 1, '\n', (size_t)(end - at - 1));
    t->rule = (const char *)at + 1;
    t->rule_bytes = line_end == NULL ? 0 : (size_t)(line_end - at - 1);
    return line_end != NULL;
}

static bool offset_of(const struct tzif *t, uint8_t index, int32_t *ret_offset)
{
    if (index >= t->type_count) {
        return false;
    }
    *ret_offset = (int32_t)read_u32(t->types + (size_t)index * TYPE_BYTES);
    return *ret_offset > -OFFSET_MAX && *ret_offset < OFFSET_MAX;
}

static bool add_listed(struct zone *zone, const struct tzif *t)
{
    for (uint32_t i = 0; i < t->time_count; i++) {
        struct zone_change change = {.at = read_i64(t->times + (size_t)i * 8)};
        bool is_later = i == 0 || change.at > zone->changes[i - 1].at;
        if (!is_later || !offset_of(t, t->indexes[i], &change.offset)) {
            return false;
        }
        zone->changes[zone->count++] = change;
    }
    return true;
}

/* The changes a rule makes, behind the listed ones. */
static void add_ruled(struct zone *zone, const struct zone_rule *rule)
{
    for (int32_t year = ZONE_YEAR_MAX - RULE_YEARS_MAX + 1; year <= ZONE_YEAR_MAX; year++) {
        if (year < 1970) {
            continue;
        }
        struct zone_change changes[CHANGES_PER_YEAR] = {
            {zone_rule_time(&rule->start, year, rule->offset), rule->summer_offset},
            {zone_rule_time(&rule->end, year, rule->summer_offset), rule->offset}};
        size_t first = changes[0].at <= changes[1].at ? 0 : 1;
        for (size_t i = 0; i < CHANGES_PER_YEAR; i++) {
            const struct zone_change *change = &changes[(first + i) % CHANGES_PER_YEAR];
            if (zone->count == 0 || change->at > zone->changes[zone->count - 1].at) {
                zone->changes[zone->count++] = *change;
            }
        }
    }
}

static bool fill_zone(struct zone *zone, const struct tzif *t)
{
    if (!offset_of(t, 0, &zone->first_offset) || !add_listed(zone, t)) {
        return false;
    }
    struct zone_rule rule = {0};
    if (t->rule_bytes > 0 && !zone_rule_read(t->rule, t->rule_bytes, &rule)) {
        return false;
    }
    if (rule.has_summer) {
        add_ruled(zone, &rule);
    }
    return true;
}

enum status zone_parse(const uint8_t *bytes, size_t len, struct zone **ret_zone, struct err *err)
{
    struct tzif t = {0};
    if (!split_file(bytes, bytes + len, &t)) {
        return err_set(err, ST_INVALID, "the file is no TZif file of version 2 or later");
    }
    CLEANUP(zone_freep) struct zone *zone = calloc(1, sizeof(*zone));
    if (zone != NULL) {
        zone->changes = calloc(
            (size_t)t.time_count + (size_t)CHANGES_PER_YEAR * RULE_YEARS_MAX,
            sizeof(*zone->changes));
    }
    if (zone == NULL || zone->changes == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a time zone");
    }
    if (!fill_zone(zone, &t)) {
        return err_set(err, ST_INVALID, "the file's data are not those of a time zone");
    }
    *ret_zone = zone;
    zone = NULL;
    return ST_OK;
}

/* A name that stays inside the directory. */
static bool is_name(const char *name)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t len = strnlen(name, ZONE_NAME_MAX_BYTES + 1);
    return len > 0 && len <= ZONE_NAME_MAX_BYTES && *name != '/' &&
           strspn(name, ALLOWED) == len; /* no dots */
}

/* At most max bytes of the file; -1 = it cannot be read. */
static ssize_t read_file(const char *path, uint8_t *to, size_t max)
{
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t total = 0;
    while (total < max) {
        ssize_t count = read(fd, to + total, max - total);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 ? -1 : (ssize_t)total;
        }
        total += (size_t)count;
    }
    return (ssize_t)total;
}

enum status zone_load(const char *name, struct zone **ret_zone, struct err *err)
{
    assert(name != NULL && ret_zone != NULL);
    if (!is_name(name)) {
        return err_set(err, ST_UNSUPPORTED, "time zone '%.64s' does not exist", name);
    }
    char path[sizeof(ZONE_DIRECTORY) + 1 + ZONE_NAME_MAX_BYTES];
    memcpy(path, ZONE_DIRECTORY "/", sizeof(ZONE_DIRECTORY));
    memcpy(path + sizeof(ZONE_DIRECTORY), name, strlen(name) + 1);
    CLEANUP(freep) uint8_t *bytes = malloc(FILE_MAX_BYTES);
    if (bytes == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a time zone");
    }
    ssize_t len = read_file(path, bytes, FILE_MAX_BYTES);
    if (len < 0) {
        return err_set(
            err, ST_UNSUPPORTED,
            "time zone '%s' cannot be loaded: no file %s (is the package tzdata installed?)", name,
            path);
    }
    enum status st = zone_parse(bytes, (size_t)len, ret_zone, err);
    if (st == ST_OK || st == ST_NO_MEMORY) {
        return st;
    }
    (void)err_wrap(err, "time zone '%s' cannot be loaded from %s", name, path);
    err->status = ST_UNSUPPORTED;
    return ST_UNSUPPORTED;
}

void zone_free(struct zone *zone)
{
    if (zone != NULL) {
        free(zone->changes);
        free(zone);
    }
}

void zone_freep(struct zone **zone)
{
    zone_free(*zone);
    *zone = NULL;
}

/* Changes at or before that time. */
static size_t changes_until(const struct zone *zone, int64_t utc)
{
    size_t low = 0;
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at <= utc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int64_t day_of(int64_t local)
{
    return local / SECONDS_PER_DAY - (local % SECONDS_PER_DAY < 0 ? 1 : 0);
}

/* ClickHouse keeps one change a day in quarters of an hour (its DateLUTImpl), so on the day of any
 * other one it reads other times than the clocks showed. */
static bool is_odd_day(const struct zone *zone, size_t i, int64_t local)
{
    const struct zone_change *change = &zone->changes[i];
    int32_t before = i == 0 ? zone->first_offset : zone->changes[i - 1].offset;
    int64_t from = day_of(change->at + before);
    int64_t to = day_of(change->at + change->offset);
    bool is_odd = before % QUARTER_SECONDS != 0 || change->offset % QUARTER_SECONDS != 0 ||
                  change->at % QUARTER_SECONDS != 0 ||
                  (from != to && (before - change->offset) % HOUR_SECONDS != 0);
    return is_odd && (day_of(local) == from || day_of(local) == to);
}

bool zone_to_utc(const struct zone *zone, int64_t local, int64_t *ret_utc)
{
    size_t first = changes_until(zone, local - OFFSET_MAX);
    size_t last = changes_until(zone, local + OFFSET_MAX);
    for (size_t i = first; i < last; i++) {
        if (is_odd_day(zone, i, local)) {
            return false;
        }
    }
    /* stretch i lies between change i - 1 and change i */
    for (size_t i = first; i <= last; i++) {
        int32_t offset = i == 0 ? zone->first_offset : zone->changes[i - 1].offset;
        int64_t utc = local - offset;
        bool is_begun = i == 0 || utc >= zone->changes[i - 1].at;
        bool is_over = i < zone->count && utc >= zone->changes[i].at;
        if (is_begun && !is_over) {
            *ret_utc = utc;
            return true;
        }
    }
    return false;
}
