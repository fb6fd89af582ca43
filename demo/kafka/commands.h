#ifndef DEMO_KAFKA_COMMANDS_H
#define DEMO_KAFKA_COMMANDS_H

/* The lines a starter writes to a running penstock-dev-kafka, and `name:partitions` of its command
 * line. One line, one answer: "ok", or "error: " and the reason. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include "demo/kafka/cluster.h"

enum {
    COMMANDS_LINE_BYTES_MAX = 1024
};

/* The commands in words for --help; static memory. */
extern const char commands_help[];

/* Run one line (without its end; changed while parsed). ST_INVALID for an unknown command, a wrong
 * number of words or a bad number; else what the cluster says. */
enum status commands_run(struct cluster *cluster, char *line, struct err *err) MUST_CHECK;

/* Create the topic of a `name:partitions` argument. Statuses as cluster_create_topic. */
enum status
commands_topic_argument(struct cluster *cluster, const char *argument, struct err *err) MUST_CHECK;

#endif
