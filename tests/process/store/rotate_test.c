/* Key rotation: everything opens before, during and after it; the old key may then go. */
#include <string.h>

#include "tests/process/store/fixture.h"

static void open_with(struct key_ring **ret_keys, struct store **ret_store, const char *keys)
{
    struct err err = {.text = ""};
    assert_ok(key_ring_parse(keys, ret_keys, &err), &err);
    assert_ok(store_open(fixture_url(), *ret_keys, FIXTURE_TIMEOUT_MS, ret_store, &err), &err);
}

static void stored_credentials_move_to_the_newest_key(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char first[37];
    char second[37];
    fixture_pipe(f, 1, first);
    fixture_pipe(f, 1, second);
    CLEANUP(key_ring_freep) struct key_ring *both_keys = NULL;
    CLEANUP(key_ring_freep) struct key_ring *new_keys = NULL;
    CLEANUP(store_closep) struct store *both = NULL;
    CLEANUP(store_closep) struct store *fresh = NULL;
    open_with(&both_keys, &both, FIXTURE_KEY_NEW "\n" FIXTURE_KEY "\n");
    open_with(&new_keys, &fresh, FIXTURE_KEY_NEW);
    json_t *secrets = NULL;
    assert_ok(pipe_get_secrets(both, first, &secrets, &err), &err);
    json_decref(secrets);
    assert_status(ST_INTERNAL, pipe_get_secrets(fresh, first, &secrets, &err), &err);
    assert_non_null(strstr(err.text, "does not hold"));
    int seen_count = 0;
    int sealed_count = 0;
    assert_ok(store_rotate_secrets(both, &seen_count, &sealed_count, &err), &err);
    assert_int_equal(seen_count, 3);
    assert_int_equal(sealed_count, 3);
    assert_ok(store_rotate_secrets(both, &seen_count, &sealed_count, &err), &err);
    assert_int_equal(seen_count, 3);
    assert_int_equal(sealed_count, 0);
    assert_ok(pipe_get_secrets(fresh, second, &secrets, &err), &err);
    json_decref(secrets);
    CLEANUP(service_row_done) struct service_row row = {.id = NULL};
    assert_ok(service_get_with_secret(fresh, f->organization_id, f->service_id, &row, &err), &err);
    assert_true(secret_equals(&row.password, "s3cret \"ü\"", 11));
    assert_status(ST_INTERNAL, pipe_get_secrets(f->a, first, &secrets, &err), &err);
}

static void what_no_key_opens_is_named(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(key_ring_freep) struct key_ring *new_keys = NULL;
    CLEANUP(store_closep) struct store *fresh = NULL;
    open_with(&new_keys, &fresh, FIXTURE_KEY_NEW);
    int seen_count = -1;
    int sealed_count = -1;
    assert_status(ST_INTERNAL, store_rotate_secrets(fresh, &seen_count, &sealed_count, &err), &err);
    assert_non_null(strstr(err.text, f->service_id));
    assert_int_equal(seen_count, -1);
    CLEANUP(store_closep) struct store *keyless = NULL;
    assert_ok(store_open(fixture_url(), NULL, FIXTURE_TIMEOUT_MS, &keyless, &err), &err);
    assert_status(
        ST_INVALID, store_rotate_secrets(keyless, &seen_count, &sealed_count, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stored_credentials_move_to_the_newest_key, fixture_setup),
        cmocka_unit_test_setup(what_no_key_opens_is_named, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
