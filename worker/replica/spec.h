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

struct replica_spec {
    char *pipe_id;
    char *consumer_group;
    int64_t replica_index;
    int64_t generation;
    int64_t lease_ms;
    double memory_gb;
    struct pipe_spec *pipe;
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

/* The replica's memory. */
size_t replica_spec_memory_bytes(const struct replica_spec *spec);

#endif
