#ifndef WORKER_REPLICA_KAFKA_AWS_ROLE_H
#define WORKER_REPLICA_KAFKA_AWS_ROLE_H

/*
 * Credentials of an IAM role by AWS's Security Token Service (STS, API version 2011-06-15). Who
 * asks is told by the environment, under the names that AWS's own tools use: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN: AssumeRole, signed with that key;
 * AWS_WEB_IDENTITY_TOKEN_FILE: AssumeRoleWithWebIdentity of AWS_ROLE_ARN with the token in that
 * file, and from there AssumeRole (without AWS_ROLE_ARN: of the pipe's role at once).
 * AWS_ENDPOINT_URL_STS is another STS. The metadata services of EC2 and ECS are not asked.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/kafka/sigv4.h"

/* Texts of the environment, borrowed; NULL = not set. */
struct aws_ambient {
    const char *access_key_id;
    const char *secret_key;
    const char *session_token;
    const char *web_identity_file;
    const char *role_arn;
    const char *sts_url;
    const char *region;
};

/* Owned; secret. */
struct aws_role {
    char *access_key_id;
    char *secret_key;
    char *session_token;
};

/* What this process's environment says. */
void aws_ambient_read(struct aws_ambient *ret_ambient);

/*
 * Assume a role: blocks for up to 20 s for each of at most two questions. region: of the STS.
 * at_ms: wall clock. ret_role: aws_role_done. ST_UNAUTHORIZED when the environment has no
 * credentials or STS refuses (err has its code and sentence), ST_UNAVAILABLE when there is no
 * answer, ST_INVALID for a token file that cannot be read, ST_NO_MEMORY.
 */
enum status aws_role_assume(
    const struct aws_ambient *ambient, const char *region, const char *role_arn, int64_t at_ms,
    struct aws_role *ret_role, struct err *err) MUST_CHECK;

/* Wipe and free. Safe twice and on a zeroed struct. */
void aws_role_done(struct aws_role *role);

/* The role's credentials, borrowed. */
struct sigv4_credentials aws_role_credentials(const struct aws_role *role);

#endif
