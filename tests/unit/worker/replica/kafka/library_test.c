/* Which library can do what, at each border. */
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/kafka/library.h"

enum {
    V_2_0_2 = 0x020002ff,
    V_2_16_0 = 0x021000ff,
};

static void each_setting_has_its_least_version(void **state)
{
    (void)state;
    static const struct {
        enum pipe_group_protocol protocol;
        enum pipe_assignor assignor;
        int version;
        const char *refusal; /* NULL = it can */
    } cases[] = {
        {PIPE_GROUP_CLASSIC, PIPE_ASSIGNOR_RANGE, V_2_0_2, NULL},
        {PIPE_GROUP_CLASSIC, PIPE_ASSIGNOR_ROUNDROBIN, V_2_0_2, NULL},
        {PIPE_GROUP_CLASSIC, PIPE_ASSIGNOR_COOPERATIVE_STICKY, V_2_0_2,
         "penstock_assignor=cooperative-sticky needs librdkafka 2.10.0 or newer (older ones abort "
         "or "
         "lose partitions in incremental rebalances); this worker runs on 2.0.2"},
        {PIPE_GROUP_CLASSIC, PIPE_ASSIGNOR_COOPERATIVE_STICKY, LIBRARY_COOPERATIVE - 1,
         "runs on 2.10.0"},
        {PIPE_GROUP_CLASSIC, PIPE_ASSIGNOR_COOPERATIVE_STICKY, LIBRARY_COOPERATIVE, NULL},
        {PIPE_GROUP_CONSUMER, PIPE_ASSIGNOR_RANGE, V_2_0_2,
         "penstock_group_protocol=consumer needs librdkafka 2.12.0 or newer"},
        {PIPE_GROUP_CONSUMER, PIPE_ASSIGNOR_RANGE, LIBRARY_CONSUMER_GROUPS, NULL},
        /* The broker assigns: no matter what the library's own assignor suffers from. */
        {PIPE_GROUP_CONSUMER, PIPE_ASSIGNOR_COOPERATIVE_STICKY, LIBRARY_COOPERATIVE,
         "penstock_group_protocol=consumer needs"},
        {PIPE_GROUP_CONSUMER, PIPE_ASSIGNOR_COOPERATIVE_STICKY, V_2_16_0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_settings settings = {
            .group_protocol = cases[i].protocol, .assignor = cases[i].assignor};
        struct err err;
        enum status st = library_check(cases[i].version, &settings, &err);
        assert_int_equal(st, cases[i].refusal == NULL ? ST_OK : ST_UNSUPPORTED);
        if (cases[i].refusal != NULL) {
            assert_non_null(strstr(err.text, cases[i].refusal));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_has_its_least_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
