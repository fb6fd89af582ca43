#ifndef WORKER_REPLICA_KAFKA_AWS_LOGIN_H
#define WORKER_REPLICA_KAFKA_AWS_LOGIN_H

/*
 * What a pipe says about its IAM login, as one text: the library hands its token callback a text
 * (sasl.oauthbearer.config) and nothing else of ours. Pure.
 */

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

struct aws_login {
    const char *region;        /* "" = the environment's */
    const char *access_key_id; /* "" = a role */
    const char *secret_key;
    const char *role_arn; /* "" = no role */
};

enum {
    AWS_LOGIN_MAX_BYTES = 8 * 1024,
    AWS_REGION_BYTES = 64,
};

/* Append the text. ST_INVALID for a member with a control character, ST_TOO_LARGE, ST_NO_MEMORY. */
enum status
aws_login_write(const struct aws_login *login, struct buf *text, struct err *err) MUST_CHECK;

/* Cut a text of aws_login_write into its members, which point into it. ST_INVALID for another. */
enum status aws_login_read(char *text, struct aws_login *ret_login) MUST_CHECK;

/*
 * The region in the host name of the first broker that tells one, as MSK builds them
 * (b-1.name.x1.c2.kafka.<region>.amazonaws.com, boot-x.c1.kafka-serverless.<region>.amazonaws.com,
 * and both with .cn behind); "" if none does.
 */
void aws_login_region(const char *brokers, char ret_region[AWS_REGION_BYTES]);

#endif
