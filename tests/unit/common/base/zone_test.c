/* TZif files made here: lists, rules, gaps, times shown twice, broken files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/zone.h"

#include <cmocka.h>

enum {
    SPRING = 1711846800, /* 2024-03-31 01:00 UTC */
    AUTUMN = 1729990800, /* 2024-10-27 01:00 UTC */
};

struct change {
    int64_t at;
    uint8_t type;
};

struct file {
    const struct change *changes;
    size_t count;
    const int32_t *offsets;
    size_t offsets_count;
    const char *rule;
    uint32_t leap_count;
};

static void add_number(struct buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;) {
        uint8_t byte = 0;
        if (i < sizeof(value)) {
            byte = (uint8_t)(value >> (i * 8));
        }
        assert_int_equal(buf_add(out, &byte, 1), ST_OK);
    }
}

static void add_head(struct buf *out, const struct file *file)
{
    assert_int_equal(buf_add(out, "TZif2", 5), ST_OK);
    for (size_t i = 0; i < 15; i++) {
        add_number(out, 0, 1);
    }
    add_number(out, 0, 8);
    add_number(out, file->leap_count, 4);
    add_number(out, file->count, 4);
    add_number(out, file->offsets_count, 4);
    add_number(out, 4, 4); /* abbreviations */
}

/* A file whose first part is empty but for one type. */
static void make(const struct file *file, struct buf *out)
{
    static const int32_t ZERO[] = {0};
    const struct file first = {.offsets = ZERO, .offsets_count = 1};
    buf_init(out, 65536);
    add_head(out, &first);
    add_number(out, 0, 6);
    add_number(out, 0, 4);
    add_head(out, file);
    for (size_t i = 0; i < file->count; i++) {
        add_number(out, (uint64_t)file->changes[i].at, 8);
    }
    for (size_t i = 0; i < file->count; i++) {
        add_number(out, file->changes[i].type, 1);
    }
    for (size_t i = 0; i < file->offsets_count; i++) {
        add_number(out, (uint32_t)file->offsets[i], 4);
        add_number(out, 0, 2);
    }
    add_number(out, 0, 4);
    add_number(out, 0, (size_t)file->leap_count * 12);
    assert_int_equal(buf_add_format(out, "\n%s\n", file->rule), ST_OK);
}

static struct zone *zone_of(const struct file *file)
{
    struct buf bytes;
    make(file, &bytes);
    struct zone *zone = NULL;
    struct err err = {0};
    if (zone_parse((const uint8_t *)bytes.bytes, bytes.len_bytes, &zone, &err) != ST_OK) {
        fail_msg("%s", err.text);
    }
    buf_done(&bytes);
    return zone;
}

static const struct change SUMMERS[] = {{SPRING, 1}, {AUTUMN, 0}};
static const int32_t BERLIN[] = {3600, 7200};

static void assert_utc(const struct zone *zone, int64_t local, int64_t wanted)
{
    int64_t utc = 0;
    assert_true(zone_to_utc(zone, local, &utc));
    assert_int_equal(utc, wanted);
}

static void listed_changes_gap_and_twice(void **state)
{
    (void)state;
    const struct file file = {SUMMERS, 2, BERLIN, 2, "CET-1CEST,M3.5.0,M10.5.0/3", 0};
    struct zone *zone = zone_of(&file);
    int64_t utc = 0;
    assert_utc(zone, SPRING + 3599, SPRING - 1);
    assert_false(zone_to_utc(zone, SPRING + 3600, &utc));
    assert_false(zone_to_utc(zone, SPRING + 7199, &utc));
    assert_utc(zone, SPRING + 7200, SPRING);
    assert_utc(zone, AUTUMN + 3600, AUTUMN - 3600); /* shown twice: the first */
    assert_utc(zone, AUTUMN + 7199, AUTUMN - 1);
    assert_utc(zone, AUTUMN + 7200, AUTUMN + 3600);
    assert_utc(zone, 0, -3600); /* before all changes */
    zone_free(zone);
}

static void the_rule_goes_on(void **state)
{
    (void)state;
    const struct file file = {SUMMERS, 2, BERLIN, 2, "CET-1CEST,M3.5.0,M10.5.0/3", 0};
    struct zone *zone = zone_of(&file);
    assert_utc(zone, 5695963200, 5695956000);   /* 2150-07-01 12:00 */
    assert_utc(zone, 5709182400, 5709178800);   /* 2150-12-01 12:00 */
    assert_utc(zone, 10413795599, 10413791999); /* 2299-12-31 23:59:59 */
    zone_free(zone);
    const struct file fixed = {NULL, 0, BERLIN, 1, "CET-1", 0};
    zone = zone_of(&fixed);
    assert_utc(zone, 5695963200, 5695959600);
    zone_free(zone);
}

static void odd_changes_are_left_out(void **state)
{
    (void)state;
    static const struct change CHANGES[] = {{-86400, 1}};
    static const int32_t OFFSETS[] = {-216, 0}; /* local mean time */
    const struct file file = {CHANGES, 1, OFFSETS, 2, "GMT0", 0};
    struct zone *zone = zone_of(&file);
    int64_t utc = 0;
    assert_false(zone_to_utc(zone, -86400 + 3600, &utc));
    assert_utc(zone, 3600, 3600);
    assert_utc(zone, -3 * 86400, -3 * 86400 + 216);
    zone_free(zone);
}

static void assert_refused(const struct file *file, size_t cut)
{
    struct buf bytes;
    make(file, &bytes);
    struct zone *zone = NULL;
    struct err err = {0};
    assert_int_equal(
        zone_parse((const uint8_t *)bytes.bytes, bytes.len_bytes - cut, &zone, &err), ST_INVALID);
    assert_null(zone);
    buf_done(&bytes);
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    static const struct change BACKWARDS[] = {{AUTUMN, 1}, {SPRING, 0}};
    static const struct change NO_TYPE[] = {{SPRING, 2}};
    static const int32_t WILD[] = {100000};
    const struct file good = {SUMMERS, 2, BERLIN, 2, "CET-1", 0};
    for (size_t cut = 1; cut < 150; cut++) {
        assert_refused(&good, cut);
    }
    assert_refused(&(const struct file){BACKWARDS, 2, BERLIN, 2, "CET-1", 0}, 0);
    assert_refused(&(const struct file){NO_TYPE, 1, BERLIN, 2, "CET-1", 0}, 0);
    assert_refused(&(const struct file){NULL, 0, WILD, 1, "CET-1", 0}, 0);
    assert_refused(&(const struct file){NULL, 0, BERLIN, 0, "CET-1", 0}, 0);
    assert_refused(&(const struct file){NULL, 0, BERLIN, 1, "nonsense", 0}, 0);
    assert_refused(&(const struct file){NULL, 0, BERLIN, 1, "CET-1", 1}, 0);
}

static void names_stay_inside(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "",
        "../../etc/passwd",
        "/etc/passwd",
        "Nowhere/Town",
        "Europe",
        "a b",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct zone *zone = NULL;
        struct err err = {0};
        assert_int_equal(zone_load(NAMES[i], &zone, &err), ST_UNSUPPORTED);
        assert_null(zone);
        assert_non_null(strstr(err.text, "time zone"));
    }
}

static void the_system_has_zones(void **state)
{
    (void)state;
    struct zone *zone = NULL;
    struct err err = {0};
    if (zone_load("Asia/Tokyo", &zone, &err) != ST_OK) {
        fail_msg("%s", err.text);
    }
    assert_utc(zone, 1704164645, 1704164645 - 32400);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_changes_gap_and_twice),
        cmocka_unit_test(the_rule_goes_on),
        cmocka_unit_test(odd_changes_are_left_out),
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(names_stay_inside),
        cmocka_unit_test(the_system_has_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
