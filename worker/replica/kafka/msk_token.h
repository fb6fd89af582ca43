#ifndef WORKER_REPLICA_KAFKA_MSK_TOKEN_H
#define WORKER_REPLICA_KAFKA_MSK_TOKEN_H

/*
 * The OAUTHBEARER token of Amazon MSK's IAM login: a URL that asks for kafka-cluster:Connect,
 * signed in its query for 15 minutes, in base64url without padding. The form is that of AWS's
 * published signers (aws-msk-iam-sasl-signer-go, -python, -js), which its test compares with. Pure.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#include "worker/replica/kafka/sigv4.h"

enum {
    MSK_TOKEN_LIFE_S = 900,
    MSK_TOKEN_MAX_BYTES = 32 * 1024,
};

/*
 * region: borrowed, of the broker. at_ms: wall clock. ret_token: secret, owned by the caller: wipe
 * it, then free(). ret_expires_ms: wall clock. ST_INVALID for a region that is too long,
 * ST_TOO_LARGE for credentials beyond MSK_TOKEN_MAX_BYTES, ST_NO_MEMORY, ST_INTERNAL.
 */
enum status msk_token(
    const struct sigv4_credentials *credentials, const char *region, int64_t at_ms,
    char **ret_token, int64_t *ret_expires_ms, struct err *err) MUST_CHECK;

#endif
