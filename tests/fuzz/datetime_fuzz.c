/*
 * Date-times two ways. A text made from the input's fields in one of the documented shapes is
 * worth what timegm says, or there is no such day or time. And any bytes: what is taken, written
 * in full, is taken again with the same value; the remembered day changes nothing; the quick
 * reader agrees with the general one.
 */
#include <string.h>
#include <time.h>

#include "tests/fuzz/fuzz.h"
#include "worker/replica/decode/datetime.h"

enum {
    TEXT_MAX_BYTES = 120,
    PADDING_BYTES = 64,
    FIELDS_BYTES = 14,
};

static void copy_padded(char *to, const void *text, size_t len)
{
    memset(to, 0, TEXT_MAX_BYTES + PADDING_BYTES);
    memcpy(to, text, len);
}

/* "…" at its quote: the quick reader, when it takes the text, is right. */
static void require_usual(const char *text, size_t len, const struct datetime_cache *cache)
{
    char quoted[TEXT_MAX_BYTES + PADDING_BYTES];
    struct datetime slow = {0};
    struct datetime_cache empty = {0};
    int64_t ms = 0;
    copy_padded(quoted, "\"", 1);
    memcpy(quoted + 1, text, len);
    quoted[len + 1] = '"';
    const uint8_t *end = datetime_usual((const uint8_t *)quoted, cache, &ms);
    if (end == NULL || end != (const uint8_t *)quoted + len + 2) {
        return;
    }
    FUZZ_REQUIRE(datetime_read((const uint8_t *)text, len, &empty, &slow) == NULL, "%s", text);
    FUZZ_REQUIRE(
        slow.has_zone && slow.seconds * 1000 + slow.nanos / 1000000 == ms, "%s: %lld", text,
        (long long)ms);
}

static void require_same(const char *text, const struct datetime *a, const struct datetime *b)
{
    FUZZ_REQUIRE(
        a->seconds == b->seconds && a->nanos == b->nanos && a->days == b->days &&
            a->has_zone == b->has_zone && a->has_time == b->has_time,
        "%s: %lld.%09u, then %lld.%09u", text, (long long)a->seconds, a->nanos,
        (long long)b->seconds, b->nanos);
}

/* What was taken, in full, is the same instant. */
static void require_round_trip(const char *text, const struct datetime *found)
{
    time_t seconds = (time_t)found->seconds;
    struct tm tm;
    FUZZ_REQUIRE(gmtime_r(&seconds, &tm) != NULL, "%s", text);
    if (tm.tm_year + 1900 < 0 || tm.tm_year + 1900 > 9999) {
        return;
    }
    char written[TEXT_MAX_BYTES + PADDING_BYTES] = "";
    int len = snprintf(
        written, sizeof(written), "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", tm.tm_year + 1900,
        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, found->nanos);
    struct datetime again = {0};
    struct datetime_cache cache = {0};
    const char *reason = datetime_read((const uint8_t *)written, (size_t)len, &cache, &again);
    FUZZ_REQUIRE(reason == NULL, "%s from %s: %s", written, text, reason);
    FUZZ_REQUIRE(
        again.seconds == found->seconds && again.nanos == found->nanos, "%s from %s", written,
        text);
}

static void any_bytes(const uint8_t *data, size_t size)
{
    static struct datetime_cache kept; /* of the last text that was taken */
    char text[TEXT_MAX_BYTES + PADDING_BYTES];
    struct datetime fresh = {0};
    struct datetime cached = {0};
    struct datetime_cache empty = {0};
    copy_padded(text, data, size);
    const char *reason = datetime_read((const uint8_t *)text, size, &empty, &fresh);
    const char *other = datetime_read((const uint8_t *)text, size, &kept, &cached);
    FUZZ_REQUIRE((reason == NULL) == (other == NULL), "%s: %s, then %s", text, reason, other);
    if (reason == NULL) {
        require_same(text, &fresh, &cached);
        require_round_trip(text, &fresh);
        other = datetime_read((const uint8_t *)text, size, &kept, &cached);
        FUZZ_REQUIRE(other == NULL, "%s", other);
        require_same(text, &fresh, &cached);
    }
    if (size < TEXT_MAX_BYTES - 2) {
        require_usual(text, size, &kept);
    }
}

/* Fields of the input, some of them out of range. */
struct fields {
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    unsigned nanos;
    int zone_minutes;
    unsigned shape;
};

static struct fields take_fields(const uint8_t *d)
{
    return (struct fields){
        .year = (d[0] << 8 | d[1]) % 10000,
        .month = d[2] % 15,
        .day = d[3] % 34,
        .hour = d[4] % 26,
        .minute = d[5] % 62,
        .second = d[6] % 62,
        .nanos = ((unsigned)d[7] << 24 | (unsigned)d[8] << 16 | (unsigned)d[9] << 8 | d[10]) %
                 1000000000,
        .zone_minutes = (d[11] << 8 | d[12]) % (2 * 14 * 60 + 1) - 14 * 60,
        .shape = d[13],
    };
}

/* timegm carries overflow over: what comes back changed did not exist. */
static bool exists(const struct fields *f, int64_t *ret_seconds)
{
    struct tm tm = {
        .tm_year = f->year - 1900,
        .tm_mon = f->month - 1,
        .tm_mday = f->day,
        .tm_hour = f->hour,
        .tm_min = f->minute,
        .tm_sec = f->second,
    };
    struct tm wanted = tm;
    *ret_seconds = timegm(&tm);
    return tm.tm_year == wanted.tm_year && tm.tm_mon == wanted.tm_mon &&
           tm.tm_mday == wanted.tm_mday && tm.tm_hour == wanted.tm_hour &&
           tm.tm_min == wanted.tm_min && tm.tm_sec == wanted.tm_sec;
}

static void from_fields(const struct fields *f)
{
    static struct datetime_cache cache;
    char text[TEXT_MAX_BYTES + PADDING_BYTES] = "";
    char zone[16] = "";
    char fraction[16] = "";
    int offset = f->zone_minutes < 0 ? -f->zone_minutes : f->zone_minutes;
    bool has_zone = (f->shape & 1) != 0;
    bool is_utc = (f->shape & 2) != 0;
    bool has_fraction = (f->shape & 32) != 0;
    if (has_zone && is_utc) {
        zone[0] = 'Z';
    } else if (has_zone) {
        (void)snprintf(
            zone, sizeof(zone), "%c%02d%s%02d", f->zone_minutes < 0 ? '-' : '+', offset / 60,
            (f->shape & 4) != 0 ? ":" : "", offset % 60);
    }
    if (has_fraction) {
        (void)snprintf(fraction, sizeof(fraction), ".%09u", f->nanos);
    }
    char dash = (f->shape & 16) != 0 ? '-' : '/';
    int len = snprintf(
        text, sizeof(text), "%04d%c%02d%c%02d%c%02d:%02d:%02d%s%s", f->year, dash, f->month, dash,
        f->day, (f->shape & 8) != 0 ? 'T' : ' ', f->hour, f->minute, f->second, fraction, zone);
    int64_t wanted = 0;
    bool is_real = exists(f, &wanted);
    wanted -= has_zone && !is_utc ? (int64_t)f->zone_minutes * 60 : 0;
    struct datetime found = {0};
    const char *reason = datetime_read((const uint8_t *)text, (size_t)len, &cache, &found);
    FUZZ_REQUIRE(is_real == (reason == NULL), "%s: %s", text, reason == NULL ? "taken" : reason);
    if (is_real) {
        FUZZ_REQUIRE(
            found.seconds == wanted && found.nanos == (has_fraction ? f->nanos : 0) &&
                found.has_zone == has_zone && found.has_time,
            "%s: %lld, ours %lld", text, (long long)wanted, (long long)found.seconds);
        require_usual(text, (size_t)len, &cache);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == FIELDS_BYTES) {
        struct fields fields = take_fields(data);
        from_fields(&fields);
    }
    if (size > 0 && size <= TEXT_MAX_BYTES) {
        any_bytes(data, size);
    }
    return 0;
}
