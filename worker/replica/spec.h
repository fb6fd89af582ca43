#ifndef WORKER_REPLICA_SPEC_H
#define WORKER_REPLICA_SPEC_H

/*
 * The spec frame of descriptor 3 as a struct (protocol.h says its JSON). It holds secrets and goes
 * with replica_spec_done.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/clickhouse/client.h"
#include "common/model/pipe.h"

enum {
    REPLICA_SPEC_OLDER_MAX = 32 /* far above what the store sends */
};

/* The pipe as it was with an older mapping: decode with it what was sent with it. Everything that
 * is not part of the mapping (common/model/pipe_mapping.h) is as in the present pipe. */
struct replica_mapping {
    uint64_t version;
    struct pipe_spec *pipe; /* owned */
};

struct replica_spec {
    char *pipe_id;
    char *consumer_group;
    int64_t replica_index;
    int64_t generation;
    int64_t lease_ms;
    double memory_gb;
    int replicas; /* of the pipe, at least 1 */
    struct pipe_spec *pipe;
    uint64_t epoch;           /* from 1; raised when the pipe is to read elsewhere on purpose */
    uint64_t mapping_version; /* of `pipe`, from 1 */
    struct replica_mapping *older; /* owned; newest first. A version that is missing is too old, or
                                    * does not go with the present definition */
    size_t older_count;
    char *clickhouse_url;
    char *clickhouse_username; /* NULL = none */
    struct secret clickhouse_password;
    char *clickhouse_ca_certificate; /* NULL = the system's */
};

/* Read the JSON text. ret_spec: replica_spec_done. ST_INVALID with the reason, ST_NO_MEMORY. */
enum status
replica_spec_parse(const char *text, struct replica_spec *ret_spec, struct err *err) MUST_CHECK;

/* Wipe and free. Safe twice and on a zeroed struct. */
void replica_spec_done(struct replica_spec *spec);

/* The ClickHouse of the spec; borrowed from it. */
struct clickhouse_endpoint replica_spec_endpoint(const struct replica_spec *spec);

/* The pipe with the mapping of this version; NULL if the spec does not have it. Borrowed. */
const struct pipe_spec *
replica_spec_mapping(const struct replica_spec *spec, uint64_t mapping_version);

/* The replica's memory. */
size_t replica_spec_memory_bytes(const struct replica_spec *spec);

#endif
