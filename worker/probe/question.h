#ifndef WORKER_PROBE_QUESTION_H
#define WORKER_PROBE_QUESTION_H

/*
 * A probe's question (protocol.h says its JSON) as a struct: what to look at, with which secrets,
 * until when. And the form of its answers.
 */

#include <jansson.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/clickhouse/client.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

struct question {
    json_t *json; /* owned; "options" are read by each kind itself */
    const char *kind;
    struct pipe_spec *pipe;
    bool has_clickhouse;
    struct clickhouse_endpoint endpoint; /* borrows json and password */
    struct secret password;
    int64_t deadline_ms; /* monotonic: the answer must be written before */
};

/* Read. ret_question: question_done, whatever comes back. ST_INVALID with the reason, ST_NO_MEMORY.
 */
enum status
question_parse(const char *text, struct question *ret_question, struct err *err) MUST_CHECK;

/* Wipe and free. Safe twice and on a zeroed struct. */
void question_done(struct question *question);

/* A member of "options"; NULL if absent or null. Borrowed. */
const json_t *question_option(const struct question *question, const char *name);

/* A whole number of the options within min … max; fallback where there is none. */
int64_t question_number(
    const struct question *question, const char *name, const int64_t range[2], int64_t fallback);

/* What a kind does: *ret_result is an owned reference. On failure the reason is what a pipe would
 * show (PIPE_REASON_INTERNAL for none), err the sentence. */
struct probe_failure {
    enum pipe_reason reason;
    const char *member; /* of source.kafka, to blame; NULL = none in particular. Static */
    struct err err;
};
typedef enum status
probe_kind(const struct question *question, json_t **ret_result, struct probe_failure *failure);

probe_kind probe_connection;
probe_kind probe_topics;
probe_kind probe_sample;
probe_kind probe_infer;
probe_kind probe_preview;
probe_kind probe_replay;

#endif
