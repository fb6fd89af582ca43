/*
 * The registry with a heap that refuses the n-th allocation, for every n: it is said, or the schema
 * comes a try later, whole. Answers are put in by hand, as registry.c puts in those of the network.
 */
#include <string.h>

#include "common/base/attr.h"

#include "tests/unit/unit.h"
#include "tests/unit/worker/replica/decode/failing_heap.h"
#include "worker/replica/registry/registry_machine.h"

enum {
    ROUNDS_MAX = 50,
};

static const struct {
    const char *path;
    const char *body;
} ANSWERS[] = {
    {"/schemas/ids/7",
     "{\"schema\":\"top\",\"references\":[{\"name\":\"A\",\"subject\":\"a/x\",\"version\":1},"
     "{\"name\":\"B\",\"subject\":\"b\",\"version\":2}]}"},
    {"/subjects/a%2Fx/versions/1",
     "{\"schema\":\"a\",\"references\":[{\"name\":\"B\",\"subject\":\"b\",\"version\":2}]}"},
    {"/subjects/b/versions/2", "{\"schema\":\"b\"}"},
};

/* The answer to what an entry asks for; false if there is no memory to ask. */
static bool answer(const struct registry_entry *entry, struct registry_finding *ret_finding)
{
    struct buf path;
    buf_init(&path, 1024);
    struct http_response response = {.status_code = 200};
    buf_init(&response.body, 4096);
    buf_init(&response.headers, 16);
    enum status st = registry_entry_path(entry, &path);
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(ANSWERS); i++) {
        if (strcmp(ANSWERS[i].path, buf_text(&path)) == 0) {
            st = buf_add_text(&response.body, ANSWERS[i].body);
        }
    }
    if (st == ST_OK) {
        *ret_finding = registry_read(&response, true);
    }
    http_response_done(&response);
    buf_done(&path);
    return st == ST_OK;
}

/* Answer everything that is wanted. */
static void pump(struct registry *registry)
{
    for (size_t i = 0; i < registry->cache.active_count; i++) {
        struct registry_entry *entry = registry->cache.active[i];
        struct registry_finding finding = {.verdict = REGISTRY_LATER};
        if (entry->state == REGISTRY_WANTED && answer(entry, &finding)) {
            registry_take(registry, entry, &finding);
            registry_document_done(&finding.document);
        }
    }
    registry_settle(registry);
}

static const struct schema *fetch(struct registry *registry)
{
    const struct schema_source *source = registry_source(registry);
    const struct schema *schema = NULL;
    char reason[SCHEMA_REASON_BYTES];
    for (int round = 0; round < ROUNDS_MAX; round++) {
        enum schema_answer got = source->get(source->ctx, 7, &schema, reason);
        assert_int_not_equal(got, SCHEMA_UNKNOWN);
        if (got == SCHEMA_KNOWN) {
            return schema;
        }
        pump(registry);
    }
    return NULL;
}

static void a_refused_allocation_costs_a_try_at_most(void **state)
{
    (void)state;
    struct http_client *client = NULL;
    assert_int_equal(http_client_new(&client, NULL), ST_OK);
    char url[] = "https://r/subjects/s";
    char user[] = "key";
    char pem[] = "-----BEGIN ";
    struct schema_registry settings = {.url = url, .username = user, .ca_certificate = pem};
    assert_int_equal(secret_set(&settings.password, "hush", 4), ST_OK);
    bool was_refused = true;
    size_t n = 0;
    for (n = 1; was_refused; n++) {
        struct registry *registry = NULL;
        failing_heap_arm(n);
        enum status st = registry_new(client, &settings, &registry, NULL);
        const struct schema *schema = st == ST_OK ? fetch(registry) : NULL;
        was_refused = failing_heap_disarm();
        if (st != ST_OK) {
            assert_int_equal(st, ST_NO_MEMORY);
            assert_null(registry);
            continue;
        }
        assert_non_null(schema);
        assert_string_equal(schema->text, "top");
        assert_int_equal(schema->references_count, 2);
        assert_string_equal(schema->references[0].name, "B");
        assert_string_equal(schema->references[1].name, "A");
        registry_free(registry);
    }
    assert_true(n > 25); /* it did allocate */
    secret_done(&settings.password);
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_allocation_costs_a_try_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
