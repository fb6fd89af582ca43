#ifndef TESTS_PROCESS_STORE_FIXTURE_H
#define TESTS_PROCESS_STORE_FIXTURE_H

/* What the tests of common/store share: two stores and a plain connection on one real database,
 * emptied before each test, with one organization and one service. */

#include "common/pg/pg.h"
#include "common/store/leftovers.h"
#include "common/store/pipes.h"
#include "common/store/runtime.h"
#include "common/store/services.h"
#include "common/store/store.h"

#include "tests/unit/unit.h"

enum {
    FIXTURE_TIMEOUT_MS = 10000,
    FIXTURE_LEASE_S = 30,
};

struct fixture {
    struct key_ring *keys;
    struct store *a; /* two supervisors, or a supervisor and the api */
    struct store *b;
    struct pg *pg; /* for looking behind the store's back */
    char organization_id[40];
    char service_id[40];
};

#define FIXTURE_ORGANIZATION "00000000-0000-4000-8000-000000000001"
#define FIXTURE_SERVICE "00000000-0000-4000-8000-000000000002"
#define FIXTURE_NOBODY "ffffffff-ffff-4fff-bfff-ffffffffffff"
/* base64 of the bytes 0 to 31, and of 32 times the byte 1 */
#define FIXTURE_KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define FIXTURE_KEY_NEW "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

/* assert_int_equal of statuses that shows the error's text. */
#define assert_status(expected, call, err)                                                         \
    do {                                                                                           \
        enum status got_status = (call);                                                           \
        if (got_status != (expected)) {                                                            \
            print_error("%s: %s\n", status_text(got_status), (err)->text);                         \
        }                                                                                          \
        assert_int_equal(got_status, expected);                                                    \
    } while (0)
#define assert_ok(call, err) assert_status(ST_OK, call, err)

/* For cmocka: the group's and each test's. */
int fixture_group_setup(void **state);
int fixture_group_teardown(void **state);
int fixture_setup(void **state);

const char *fixture_url(void);

/* What pipe_insert needs before it. */
void fixture_announce(struct fixture *f, const char *pipe_id, const char *service_id);

/* A pipe that should run, with secrets; ret_id: 37 bytes. */
void fixture_pipe(struct fixture *f, int replicas, char ret_id[37]);

/* Run SQL behind the store's back; the number in its first cell. */
int64_t fixture_int(struct fixture *f, const char *sql);
void fixture_sql(struct fixture *f, const char *sql);

/* A claim of this owner, of any size. */
struct lease_claim fixture_any_claim(const char *owner, int max_count);

/* Claim exactly one replica for an owner on store a. */
struct lease fixture_claim(struct fixture *f, const char *owner);

#endif
