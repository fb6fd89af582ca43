#ifndef WORKER_REPLICA_KAFKA_SIGV4_H
#define WORKER_REPLICA_KAFKA_SIGV4_H

/*
 * AWS Signature Version 4, as "Signature Version 4 signing process" of AWS's General Reference
 * describes it: HMAC-SHA256 over a canonical request. Pure: no clock, no network, no log. Its tests
 * are AWS's own published examples.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    SIGV4_HEX_BYTES = 65,   /* a SHA-256 in hex, with its zero byte */
    SIGV4_DATE_BYTES = 17,  /* 20150830T123600Z, likewise */
    SIGV4_SCOPE_BYTES = 128 /* 20150830/us-east-1/iam/aws4_request, likewise */
};

/* Borrowed texts. */
struct sigv4_credentials {
    const char *access_key_id;
    const char *secret_key;
    const char *session_token; /* NULL or "" = a long-lived key */
};

struct sigv4_scope {
    const char *region;  /* borrowed */
    const char *service; /* borrowed */
    int64_t at_ms;       /* wall clock, 1970 … 9999 */
};

/* All texts borrowed and in canonical form: what is encoded is encoded, what is sorted is sorted.
 */
struct sigv4_request {
    const char *method;
    const char *path;
    const char *query;        /* "" = none */
    const char *headers;      /* "host:h\nx-amz-date:d\n": lower-case names, one line each */
    const char *header_names; /* "host;x-amz-date" */
    const char *payload_hash; /* sigv4_hash of the body, or a word that the service takes for it */
};

/* The time as SigV4 writes it, in UTC. */
void sigv4_date(int64_t at_ms, char ret_date[SIGV4_DATE_BYTES]);

/* "<day>/<region>/<service>/aws4_request". ST_INVALID when it is too long. */
enum status sigv4_scope_text(
    const struct sigv4_scope *scope, char ret_text[SIGV4_SCOPE_BYTES], struct err *err) MUST_CHECK;

/* SHA-256 of a body, in hex. ST_INTERNAL if the library refuses. */
enum status sigv4_hash(
    const void *bytes, size_t len_bytes, char ret_hex[SIGV4_HEX_BYTES], struct err *err) MUST_CHECK;

/* The signature of a request. ST_INVALID for a scope that is too long, ST_NO_MEMORY, ST_INTERNAL if
 * the library refuses. */
enum status sigv4_sign(
    const struct sigv4_request *request, const struct sigv4_scope *scope, const char *secret_key,
    char ret_signature[SIGV4_HEX_BYTES], struct err *err) MUST_CHECK;

#endif
