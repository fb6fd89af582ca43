#ifndef WORKER_REPLICA_LEDGER_TOKEN_H
#define WORKER_REPLICA_LEDGER_TOKEN_H

/*
 * The insert_deduplication_token of a range and the query ids of its inserts. Every try of one
 * insert has the same token, and no other insert has: it holds everything that tells one range
 * from another, the times of its records too, so that a topic made again under its old name, with
 * the same offsets, does not vanish silently. Pure: no clock, no Kafka, no I/O.
 *
 * A token reads "<pipe>-<epoch>-<partition>-<first>-<last>-<hash>": the hash is 32 hexadecimal
 * digits of the SHA-256 of all fields, the rest is for people who look into system.query_log. The
 * insert of a part of the rows has "-r<first row>-<rows>" behind it, of the rejected records "-e"
 * before that. The query id is "penstock-" and the token.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/ledger/intent.h"

enum {
    TOKEN_BYTES = 192, /* with the zero byte; at most 143 for a range; the sink adds suffixes */
    TOKEN_QUERY_ID_BYTES = TOKEN_BYTES + 9
};

/* Whose range it is. */
struct token_scope {
    const char *pipe_id; /* UUID as text */
    const char *topic;
    int32_t partition;
    uint64_t epoch;
    uint64_t nonce;
};

/* The token of a range. ST_INVALID: the pipe id is too long; ST_INTERNAL: no SHA-256. ret_token is
 * "" then. */
enum status token_make(
    const struct token_scope *scope, const struct intent_range *range, char ret_token[TOKEN_BYTES],
    struct err *err) MUST_CHECK;

/* The query id of the insert with this token: the same for every try, so that ClickHouse refuses a
 * twin that still runs (code 216) and KILL QUERY finds it. */
void token_query_id(const char *token, char ret_query_id[TOKEN_QUERY_ID_BYTES]);

#endif
