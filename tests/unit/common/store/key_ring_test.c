/* Sealed credentials: open only where they belong, unchanged, with a key of the ring. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/store/key_ring.h"

#include "tests/unit/unit.h"

/* base64 of the bytes 0 to 31, and of 32 times the byte 1 */
static const char key_a[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
static const char key_b[] = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

static const struct key_ring_place place = {.purpose = "pipe", .row_id = "11-aa"};

static struct key_ring *ring(const char *text)
{
    struct err err = {.text = ""};
    struct key_ring *keys = NULL;
    assert_int_equal(key_ring_parse(text, &keys, &err), ST_OK);
    return keys;
}

static struct key_ring *ring_of_two(const char *newest, const char *oldest)
{
    char text[256];
    (void)snprintf(text, sizeof(text), "# keys\n %s \r\n\n%s", newest, oldest);
    return ring(text);
}

static void seal(
    const struct key_ring *keys, const char *bytes, size_t len_bytes,
    struct key_ring_sealed *ret_sealed)
{
    struct err err = {.text = ""};
    CLEANUP(secret_done) struct secret text = {.bytes = NULL};
    assert_int_equal(secret_set(&text, bytes, len_bytes), ST_OK);
    assert_int_equal(key_ring_seal(keys, &place, &text, ret_sealed, &err), ST_OK);
}

static void what_was_sealed_opens(void **state)
{
    (void)state;
    CLEANUP(key_ring_freep) struct key_ring *keys = ring(key_a);
    static const struct {
        const char *bytes;
        size_t len_bytes;
    } cases[] = {{"", 0}, {"x", 1}, {"a\0b", 3}, {"sixteen bytes 16", 16}, {"{\"a\":\"ü\"}", 10}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {.text = ""};
        struct key_ring_sealed sealed = {.bytes = NULL};
        seal(keys, cases[i].bytes, cases[i].len_bytes, &sealed);
        assert_int_equal(sealed.len_bytes, cases[i].len_bytes + KEY_RING_OVERHEAD_BYTES);
        CLEANUP(secret_done) struct secret opened = {.bytes = NULL};
        assert_int_equal(key_ring_open(keys, &place, &sealed, &opened, &err), ST_OK);
        assert_true(secret_equals(&opened, cases[i].bytes, cases[i].len_bytes));
        key_ring_sealed_done(&sealed);
    }
}

static void two_seals_of_one_text_differ(void **state)
{
    (void)state;
    CLEANUP(key_ring_freep) struct key_ring *keys = ring(key_a);
    struct key_ring_sealed first = {.bytes = NULL};
    struct key_ring_sealed second = {.bytes = NULL};
    seal(keys, "same", 4, &first);
    seal(keys, "same", 4, &second);
    assert_memory_not_equal(first.bytes + 9, second.bytes + 9, 12);
    assert_memory_not_equal(first.bytes + 21, second.bytes + 21, 4);
    key_ring_sealed_done(&first);
    key_ring_sealed_done(&second);
}

static void every_changed_byte_is_noticed(void **state)
{
    (void)state;
    CLEANUP(key_ring_freep) struct key_ring *keys = ring(key_a);
    struct key_ring_sealed sealed = {.bytes = NULL};
    seal(keys, "secret", 6, &sealed);
    for (size_t i = 0; i < sealed.len_bytes; i++) {
        struct secret opened = {.bytes = NULL};
        sealed.bytes[i] ^= 1;
        assert_int_equal(key_ring_open(keys, &place, &sealed, &opened, NULL), ST_INTERNAL);
        assert_null(opened.bytes);
        sealed.bytes[i] ^= 1;
    }
    for (size_t cut = 0; cut < sealed.len_bytes; cut++) {
        const struct key_ring_sealed part = {.bytes = sealed.bytes, .len_bytes = cut};
        struct secret opened = {.bytes = NULL};
        assert_int_equal(key_ring_open(keys, &place, &part, &opened, NULL), ST_INTERNAL);
    }
    key_ring_sealed_done(&sealed);
}

static void a_value_opens_only_in_its_place(void **state)
{
    (void)state;
    CLEANUP(key_ring_freep) struct key_ring *keys = ring(key_a);
    struct key_ring_sealed sealed = {.bytes = NULL};
    seal(keys, "secret", 6, &sealed);
    static const struct {
        struct key_ring_place place;
        enum status status;
    } cases[] = {
        {{"pipe", "11-aa"}, ST_OK},        {{"pipe", "11-AA"}, ST_OK},
        {{"pipe", "11-ab"}, ST_INTERNAL},  {{"service", "11-aa"}, ST_INTERNAL},
        {{"pipe:1", "1-aa"}, ST_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(secret_done) struct secret opened = {.bytes = NULL};
        assert_int_equal(
            key_ring_open(keys, &cases[i].place, &sealed, &opened, NULL), cases[i].status);
    }
    key_ring_sealed_done(&sealed);
}

static void older_keys_open_and_the_newest_seals(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(key_ring_freep) struct key_ring *old = ring(key_a);
    CLEANUP(key_ring_freep) struct key_ring *both = ring_of_two(key_b, key_a);
    CLEANUP(key_ring_freep) struct key_ring *fresh = ring(key_b);
    struct key_ring_sealed by_old = {.bytes = NULL};
    struct key_ring_sealed by_both = {.bytes = NULL};
    seal(old, "secret", 6, &by_old);
    seal(both, "secret", 6, &by_both);
    assert_true(key_ring_is_newest(old, &by_old));
    assert_false(key_ring_is_newest(both, &by_old));
    assert_true(key_ring_is_newest(both, &by_both));
    by_both.len_bytes = KEY_RING_OVERHEAD_BYTES - 1;
    assert_false(key_ring_is_newest(both, &by_both));
    by_both.len_bytes = by_old.len_bytes;
    CLEANUP(secret_done) struct secret opened = {.bytes = NULL};
    assert_int_equal(key_ring_open(both, &place, &by_old, &opened, &err), ST_OK);
    secret_done(&opened);
    assert_int_equal(key_ring_open(fresh, &place, &by_both, &opened, &err), ST_OK);
    secret_done(&opened);
    assert_int_equal(key_ring_open(fresh, &place, &by_old, &opened, &err), ST_INTERNAL);
    assert_non_null(strstr(err.text, "pipe 11-aa were stored with a key that"));
    key_ring_sealed_done(&by_old);
    key_ring_sealed_done(&by_both);
}

static void without_a_ring_nothing_is_sealed_or_opened(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct secret text = {.bytes = NULL};
    struct key_ring_sealed sealed = {.bytes = NULL};
    assert_int_equal(secret_set(&text, "x", 1), ST_OK);
    assert_int_equal(key_ring_seal(NULL, &place, &text, &sealed, &err), ST_INVALID);
    assert_null(sealed.bytes);
    uint8_t bytes[KEY_RING_OVERHEAD_BYTES] = {1};
    const struct key_ring_sealed stored = {.bytes = bytes, .len_bytes = sizeof(bytes)};
    struct secret opened = {.bytes = NULL};
    assert_int_equal(key_ring_open(NULL, &place, &stored, &opened, &err), ST_INTERNAL);
    secret_done(&text);
}

static void bad_keys_are_named_by_number_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "no secret key given"},
        {"\n# only a comment\n , ", "no secret key given"},
        {"c2hvcnQ=", "key 1 is not base64 of 32 bytes"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "key 1"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=x", "key 1"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh!=", "key 1"},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "key 1"},
        {"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\nhunter2", "key 2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {.text = ""};
        struct key_ring *keys = NULL;
        assert_int_equal(key_ring_parse(cases[i].text, &keys, &err), ST_INVALID);
        assert_null(keys);
        if (strstr(err.text, cases[i].words) == NULL || strstr(err.text, "hunter2") != NULL) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
    }
    char many[(KEY_RING_KEYS_MAX + 1) * 45 + 1] = "";
    for (int i = 0; i < KEY_RING_KEYS_MAX; i++) {
        memcpy(many + i * 45, key_b, 44);
        many[i * 45 + 44] = ',';
    }
    struct key_ring *keys = ring(many);
    key_ring_free(keys);
    memcpy(many + KEY_RING_KEYS_MAX * 45, key_b, 44);
    struct err err = {.text = ""};
    assert_int_equal(key_ring_parse(many, &keys, &err), ST_INVALID);
    assert_string_equal(err.text, "more than 32 keys");
}

static void keys_come_from_a_file(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
    assert_int_equal(key_ring_load("/nonexistent/keys", &keys, &err), ST_NOT_FOUND);
    assert_int_equal(key_ring_load("/", &keys, &err), ST_IO);
    assert_int_equal(key_ring_load("/dev/zero", &keys, &err), ST_INVALID);
    char path[] = "/tmp/penstock-key-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, key_a, 44), 44);
    assert_int_equal(key_ring_load(path, &keys, &err), ST_OK);
    key_ring_freep(&keys);
    assert_int_equal(write(fd, "\nbad\n", 5), 5);
    assert_int_equal(key_ring_load(path, &keys, &err), ST_INVALID);
    assert_non_null(strstr(err.text, path));
    assert_null(keys);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

static void the_settings_name_one_source(void **state)
{
    (void)state;
    const struct {
        const char *settings[2];
        enum status status;
        const char *words;
    } cases[] = {
        {{"PENSTOCK_SECRET_KEY=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}, ST_OK, ""},
        {{"PENSTOCK_SECRET_KEY=x", "PENSTOCK_SECRET_KEY_FILE=/x"}, ST_INVALID, "both set"},
        {{NULL}, ST_INVALID, "PENSTOCK_SECRET_KEY_FILE is not set"},
        {{"PENSTOCK_SECRET_KEY_FILE=/nonexistent"},
         ST_INVALID,
         "PENSTOCK_SECRET_KEY_FILE: cannot open /nonexistent"},
        {{"PENSTOCK_SECRET_KEY=x"}, ST_INVALID, "PENSTOCK_SECRET_KEY: key 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {.text = ""};
        CLEANUP(config_freep) struct config *config = NULL;
        CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
        char *environment[3] = {NULL};
        for (int k = 0; k < 2 && cases[i].settings[k] != NULL; k++) {
            environment[k] = strdup(cases[i].settings[k]);
        }
        assert_int_equal(
            config_load(CONFIG_PROGRAM_WORKER, NULL, environment, &config, &err), ST_OK);
        free(environment[0]);
        free(environment[1]);
        assert_int_equal(key_ring_configured(config, &keys, &err), cases[i].status);
        assert_non_null(strstr(err.text, cases[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(two_seals_of_one_text_differ),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(a_value_opens_only_in_its_place),
        cmocka_unit_test(older_keys_open_and_the_newest_seals),
        cmocka_unit_test(without_a_ring_nothing_is_sealed_or_opened),
        cmocka_unit_test(bad_keys_are_named_by_number_only),
        cmocka_unit_test(keys_come_from_a_file),
        cmocka_unit_test(the_settings_name_one_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
