/* Versions of librdkafka: one table of what needs which. */
#include "worker/replica/kafka/library.h"

enum status library_check(int version, const struct pipe_settings *settings, struct err *err)
{
    const struct {
        bool is_wanted;
        int least;
        const char *setting;
        const char *why;
    } needs[] = {
        {settings->group_protocol == PIPE_GROUP_CONSUMER, LIBRARY_CONSUMER_GROUPS,
         "penstock_group_protocol=consumer", "the group protocol of KIP-848"},
        {settings->group_protocol == PIPE_GROUP_CLASSIC &&
             settings->assignor == PIPE_ASSIGNOR_COOPERATIVE_STICKY,
         LIBRARY_COOPERATIVE, "penstock_assignor=cooperative-sticky",
         "older ones abort or lose partitions in incremental rebalances"},
    };
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        if (needs[i].is_wanted && version < needs[i].least) {
            return err_set(
                err, ST_UNSUPPORTED,
                "%s needs librdkafka %d.%d.%d or newer (%s); this worker runs on %d.%d.%d",
                needs[i].setting, needs[i].least >> 24 & 0xff, needs[i].least >> 16 & 0xff,
                needs[i].least >> 8 & 0xff, needs[i].why, version >> 24 & 0xff,
                version >> 16 & 0xff, version >> 8 & 0xff);
        }
    }
    return ST_OK;
}
