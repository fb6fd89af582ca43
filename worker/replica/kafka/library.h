#ifndef WORKER_REPLICA_KAFKA_LIBRARY_H
#define WORKER_REPLICA_KAFKA_LIBRARY_H

/*
 * What the librdkafka that a process runs on can do, and what it is known to do wrong. Penstock is
 * built with one version and may run with another, so this is asked at run time. Pure.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

/* As rd_kafka_version() has them: 0xMMmmrrpp. */
enum {
    LIBRARY_SCRAM_FIXED =
        0x020601ff, /* the client's nonce is no longer sent twice (Kafka 4 refuses that) */
    LIBRARY_COOPERATIVE =
        0x020a00ff, /* incremental rebalances without aborts and lost partitions */
    LIBRARY_CONSUMER_GROUPS = 0x020c00ff, /* KIP-848, generally available */
};

/* Can a library of this version do what the settings ask for? ST_UNSUPPORTED: no; err names the
 * setting, what it needs and the version there is. */
enum status
library_check(int version, const struct pipe_settings *settings, struct err *err) MUST_CHECK;

#endif
