/* Organizations, services with sealed passwords, API keys. */
#include <pthread.h>
#include <string.h>

#include "tests/process/store/fixture.h"

static struct service_new example(const char *id, const struct secret *password)
{
    return (struct service_new){
        .id = id,
        .organization_id = FIXTURE_ORGANIZATION,
        .name = "second",
        .url = "https://ch.example:8443",
        .username = "writer",
        .password = password,
        .ca_certificate = "-----BEGIN CERTIFICATE-----",
        .clickhouse_version = "26.7.1",
        .provision_users = true,
    };
}

static const char second_id[] = "00000000-0000-4000-8000-000000000003";

static void a_service_comes_back_as_stored(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(secret_done) struct secret password = {.bytes = NULL};
    assert_int_equal(secret_set(&password, "pass", 4), ST_OK);
    struct service_new service = example(second_id, &password);
    assert_ok(service_insert(f->a, &service, &err), &err);
    assert_status(ST_CONFLICT, service_insert(f->a, &service, &err), &err);
    CLEANUP(service_row_done) struct service_row row = {.id = NULL};
    assert_ok(service_get(f->b, FIXTURE_ORGANIZATION, second_id, &row, &err), &err);
    assert_string_equal(row.id, second_id);
    assert_string_equal(row.organization_id, FIXTURE_ORGANIZATION);
    assert_string_equal(row.name, "second");
    assert_string_equal(row.url, "https://ch.example:8443");
    assert_string_equal(row.username, "writer");
    assert_string_equal(row.ca_certificate, "-----BEGIN CERTIFICATE-----");
    assert_string_equal(row.clickhouse_version, "26.7.1");
    assert_true(row.provision_users);
    assert_null(row.password.bytes);
    assert_int_equal(strlen(row.created_at), strlen("2026-01-02T03:04:05.678Z"));
    service_row_done(&row);
    assert_ok(service_get_with_secret(f->b, FIXTURE_ORGANIZATION, second_id, &row, &err), &err);
    assert_true(secret_equals(&row.password, "pass", 4));
}

static void passwords_are_sealed_in_the_database(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM service WHERE position('s3cret'::bytea IN secrets) > 0"),
        0);
    CLEANUP(service_row_done) struct service_row row = {.id = NULL};
    assert_ok(service_get_with_secret(f->a, f->organization_id, f->service_id, &row, &err), &err);
    assert_true(secret_equals(&row.password, "s3cret \"ü\"", 11));
    /* Copied to another row, a sealed password does not open. */
    fixture_sql(
        f, "INSERT INTO service (id, organization_id, name, url, username, secrets) SELECT "
           "'00000000-0000-4000-8000-000000000003', organization_id, name, url, username, secrets "
           "FROM service");
    service_row_done(&row);
    assert_status(
        ST_INTERNAL, service_get_with_secret(f->a, f->organization_id, second_id, &row, &err),
        &err);
    assert_null(row.id);
}

static void update_replaces_and_delete_removes(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(secret_done) struct secret password = {.bytes = NULL};
    assert_int_equal(secret_set(&password, "new", 3), ST_OK);
    struct service_new service = example(FIXTURE_SERVICE, &password);
    service.ca_certificate = NULL;
    assert_ok(service_update(f->a, &service, &err), &err);
    CLEANUP(service_row_done) struct service_row row = {.id = NULL};
    assert_ok(service_get_with_secret(f->a, f->organization_id, f->service_id, &row, &err), &err);
    assert_string_equal(row.name, "second");
    assert_null(row.ca_certificate);
    assert_true(secret_equals(&row.password, "new", 3));
    struct service_new nobody = example(FIXTURE_NOBODY, &password);
    assert_status(ST_NOT_FOUND, service_update(f->a, &nobody, &err), &err);
    char pipe_id[37];
    fixture_pipe(f, 1, pipe_id);
    assert_status(ST_REJECTED, service_delete(f->a, f->organization_id, f->service_id, &err), &err);
    assert_ok(pipe_delete(f->a, f->service_id, pipe_id, &err), &err);
    assert_status(ST_NOT_FOUND, service_delete(f->a, FIXTURE_NOBODY, f->service_id, &err), &err);
    assert_ok(service_delete(f->a, f->organization_id, f->service_id, &err), &err);
    assert_status(
        ST_NOT_FOUND, service_delete(f->a, f->organization_id, f->service_id, &err), &err);
    service_row_done(&row);
    assert_status(
        ST_NOT_FOUND, service_get(f->a, f->organization_id, f->service_id, &row, &err), &err);
}

static void services_belong_to_their_organization(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(secret_done) struct secret password = {.bytes = NULL};
    assert_int_equal(secret_set(&password, "", 0), ST_OK);
    struct service_new service = example(second_id, &password);
    service.organization_id = FIXTURE_NOBODY;
    assert_status(ST_NOT_FOUND, service_insert(f->a, &service, &err), &err);
    service.organization_id = FIXTURE_ORGANIZATION;
    assert_ok(service_insert(f->a, &service, &err), &err);
    CLEANUP(service_rows_done) struct service_rows rows = {.items = NULL};
    assert_ok(service_list(f->a, FIXTURE_ORGANIZATION, &rows, &err), &err);
    assert_int_equal(rows.count, 2);
    assert_string_equal(rows.items[0].name, "warehouse");
    assert_string_equal(rows.items[1].name, "second");
    service_rows_done(&rows);
    assert_ok(service_list(f->a, FIXTURE_NOBODY, &rows, &err), &err);
    assert_int_equal(rows.count, 0);
    CLEANUP(service_row_done) struct service_row row = {.id = NULL};
    assert_status(ST_NOT_FOUND, service_get(f->a, FIXTURE_NOBODY, second_id, &row, &err), &err);
    assert_status(ST_INVALID, service_get(f->a, FIXTURE_ORGANIZATION, "no-uuid", &row, &err), &err);
}

static void without_keys_nothing_secret_is_stored(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(store_closep) struct store *store = NULL;
    assert_ok(store_open(fixture_url(), NULL, FIXTURE_TIMEOUT_MS, &store, &err), &err);
    CLEANUP(secret_done) struct secret password = {.bytes = NULL};
    assert_int_equal(secret_set(&password, "x", 1), ST_OK);
    struct service_new service = example(second_id, &password);
    assert_status(ST_INVALID, service_insert(store, &service, &err), &err);
    CLEANUP(service_row_done) struct service_row row = {.id = NULL};
    assert_status(
        ST_INTERNAL,
        service_get_with_secret(store, FIXTURE_ORGANIZATION, FIXTURE_SERVICE, &row, &err), &err);
    assert_ok(service_get(store, FIXTURE_ORGANIZATION, FIXTURE_SERVICE, &row, &err), &err);
}

static void keys_are_checked_and_revoked(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(api_key_pair_done) struct api_key_pair pair = {.id = ""};
    CLEANUP(api_key_pair_done) struct api_key_pair other = {.id = ""};
    assert_ok(api_key_create(f->a, f->organization_id, "ci", API_ROLE_READER, &pair, &err), &err);
    assert_ok(api_key_create(f->a, f->organization_id, "ops", API_ROLE_ADMIN, &other, &err), &err);
    assert_int_equal(strlen(pair.id), 20);
    assert_int_equal(pair.secret.len_bytes, 43);
    assert_string_not_equal(pair.id, other.id);
    CLEANUP(api_key_row_done) struct api_key_row row = {.id = NULL};
    assert_ok(api_key_check(f->b, pair.id, pair.secret.bytes, 43, &row, &err), &err);
    assert_string_equal(row.id, pair.id);
    assert_string_equal(row.organization_id, f->organization_id);
    assert_string_equal(row.name, "ci");
    assert_int_equal(row.role, API_ROLE_READER);
    api_key_row_done(&row);
    assert_ok(api_key_check(f->b, other.id, other.secret.bytes, 43, &row, &err), &err);
    assert_int_equal(row.role, API_ROLE_ADMIN);
    api_key_row_done(&row);
    const struct {
        const char *id;
        const char *secret;
        size_t len_bytes;
    } wrong[] = {
        {pair.id, other.secret.bytes, 43},
        {pair.id, pair.secret.bytes, 42},
        {pair.id, "", 0},
        {"unknown", pair.secret.bytes, 43},
        {"", "", 0},
        {"\xff\xfe", "x", 1},
        {"x' OR 1=1 --", "x", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        enum status st =
            api_key_check(f->b, wrong[i].id, wrong[i].secret, wrong[i].len_bytes, &row, &err);
        assert_status(ST_UNAUTHORIZED, st, &err);
        assert_string_equal(err.text, "unknown API key or wrong secret");
    }
    assert_ok(api_key_revoke(f->a, pair.id, &err), &err);
    assert_ok(api_key_revoke(f->a, pair.id, &err), &err);
    assert_status(
        ST_UNAUTHORIZED, api_key_check(f->b, pair.id, pair.secret.bytes, 43, &row, &err), &err);
    assert_status(ST_NOT_FOUND, api_key_revoke(f->a, "nobody", &err), &err);
    CLEANUP(api_key_rows_done) struct api_key_rows rows = {.items = NULL};
    assert_ok(api_key_list(f->a, &rows, &err), &err);
    assert_int_equal(rows.count, 2);
    assert_true(rows.items[0].is_revoked);
    assert_false(rows.items[1].is_revoked);
    assert_int_equal(
        fixture_int(f, "SELECT count(*) FROM api_key WHERE octet_length(secret_hash) = 32"), 2);
    assert_status(
        ST_NOT_FOUND, api_key_create(f->a, FIXTURE_NOBODY, "x", API_ROLE_ADMIN, &pair, &err), &err);
}

struct ensurer {
    struct store *store;
    struct organization_row row;
    enum status status;
};

static void *ensure(void *arg)
{
    struct ensurer *ensurer = arg;
    ensurer->status = organization_ensure(ensurer->store, "first", &ensurer->row, NULL);
    return NULL;
}

static void the_first_organization_is_made_once(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    fixture_sql(f, "TRUNCATE organization CASCADE");
    struct ensurer ensurers[2] = {{.store = f->a}, {.store = f->b}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ensure, &ensurers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(ensurers[i].status, ST_OK);
    }
    assert_string_equal(ensurers[0].row.id, ensurers[1].row.id);
    assert_string_equal(ensurers[0].row.name, "first");
    CLEANUP(organization_row_done) struct organization_row row = {.id = NULL};
    assert_ok(organization_ensure(f->a, "another name", &row, &err), &err);
    assert_string_equal(row.id, ensurers[0].row.id);
    assert_string_equal(row.name, "first");
    organization_row_done(&row);
    assert_ok(organization_get(f->a, ensurers[0].row.id, &row, &err), &err);
    organization_row_done(&row);
    assert_status(ST_NOT_FOUND, organization_get(f->a, FIXTURE_NOBODY, &row, &err), &err);
    organization_row_done(&ensurers[0].row);
    organization_row_done(&ensurers[1].row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_service_comes_back_as_stored, fixture_setup),
        cmocka_unit_test_setup(passwords_are_sealed_in_the_database, fixture_setup),
        cmocka_unit_test_setup(update_replaces_and_delete_removes, fixture_setup),
        cmocka_unit_test_setup(services_belong_to_their_organization, fixture_setup),
        cmocka_unit_test_setup(without_keys_nothing_secret_is_stored, fixture_setup),
        cmocka_unit_test_setup(keys_are_checked_and_revoked, fixture_setup),
        cmocka_unit_test_setup(the_first_organization_is_made_once, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
