/* The pool while the database is away: an error each time, and every place comes back. */
#include "api/store_pool.h"
#include "tests/unit/unit.h"

/* Nobody listens on port 1 of the loopback. */
static const char NOWHERE[] = "postgresql://u:p@127.0.0.1:1/x";

static void database_away(void **state)
{
    (void)state;
    const struct store_pool_options options = {
        .database_url = NOWHERE, .stores_max = 2, .timeout_ms = 1000};
    struct store_pool *pool = NULL;
    assert_int_equal(store_pool_new(&options, &pool, NULL), ST_OK);
    for (int i = 0; i < 5; i++) { /* more often than there are places */
        struct store *store = NULL;
        struct err err = {0};
        assert_int_equal(store_pool_take(pool, &store, &err), ST_UNAVAILABLE);
        assert_null(store);
        assert_true(err.text[0] != '\0');
    }
    store_pool_return(pool, NULL);
    store_pool_free(pool);
    store_pool_free(NULL);
}

static void malformed_url(void **state)
{
    (void)state;
    const struct store_pool_options options = {
        .database_url = "postgresql://[", .stores_max = 1, .timeout_ms = 1000};
    struct store_pool *pool = NULL;
    struct store *store = NULL;
    assert_int_equal(store_pool_new(&options, &pool, NULL), ST_OK);
    assert_int_equal(store_pool_take(pool, &store, NULL), ST_INVALID);
    store_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(database_away),
        cmocka_unit_test(malformed_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
