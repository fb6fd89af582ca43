#ifndef WORKER_REPLICA_KAFKA_CHECK_HANDLE_H
#define WORKER_REPLICA_KAFKA_CHECK_HANDLE_H

/* A short-lived client that looks at a source, shared by check.c and browse.c. Only files of this
 * folder include it. */

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/replica/kafka/trouble.h"

struct check {
    rd_kafka_t *rk;
    const struct kafka_source *source;
    const char *group; /* NULL = none */
    int64_t deadline_ms;
    struct trouble_login login;
    /* From the error callback, which rd_kafka_poll calls in this thread. */
    rd_kafka_resp_err_t error; /* the worst so far */
    char text[512];
    int64_t down_since_ms; /* 0 = not */
};

/* Make the client of check->source. Statuses of kafka_conf_connection. The handle stays: the
 * process ends soon, and rd_kafka_destroy may wait for a broker. */
enum status check_open(struct check *check, struct err *err) MUST_CHECK;

/* Metadata of a topic, or of all when name is NULL. ret_found: rd_kafka_metadata_destroy. Statuses
 * of kafka_check. */
enum status check_metadata(
    struct check *check, const char *name, const struct rd_kafka_metadata **ret_found,
    enum pipe_reason *ret_reason, struct err *err) MUST_CHECK;

/* Fill reason and err with what an error means for a pipe; returns its status. */
enum status check_fail(
    const struct check *check, rd_kafka_resp_err_t error, const char *text,
    enum pipe_reason *ret_reason, struct err *err);

#endif
