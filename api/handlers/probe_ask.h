#ifndef API_HANDLERS_PROBE_ASK_H
#define API_HANDLERS_PROBE_ASK_H

/*
 * A question to a worker's probe (worker/protocol/protocol.h), from body to result: only a worker
 * talks to Kafka. Nothing of a probe joins a consumer group or commits.
 */

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

#include "api/http/reply.h"
#include "api/http/request.h"

/* A question. Members are owned references; probe_question_done. */
struct probe_question {
    const char *kind; /* static */
    json_t *definition;
    json_t *secrets; /* NULL = none */
    json_t *options;
    bool has_clickhouse;   /* the service's address and password go along */
    const char *lock_name; /* borrowed; NULL = may run as often as asked */
    int deadline_ms;
};
void probe_question_done(struct probe_question *question);

/*
 * Ask and wait. ret_result: owned reference, NULL for a kind without one. ST_UNAVAILABLE without a
 * worker; ST_REJECTED with the reason's code, Kafka's or ClickHouse's words and a hint;
 * ST_CONFLICT, ST_INTERNAL, statuses of the store.
 */
enum status probe_question_ask(
    const struct request *request, const struct probe_question *question, json_t **ret_result,
    struct err *err) MUST_CHECK;

/* An option of a body: its name, form and range. */
enum probe_option_form {
    PROBE_OPTION_TEXT,
    PROBE_OPTION_NUMBER,
    PROBE_OPTION_BOOL,
    PROBE_OPTION_TIME,    /* RFC 3339; becomes <name>Ms, milliseconds since 1970 */
    PROBE_OPTION_OFFSETS, /* [{topic, partition, offset}], min to max of them */
};
struct probe_option {
    const char *name;
    enum probe_option_form form;
    json_int_t min;
    json_int_t max;
};

/* Copy the body's options. Unknown members are ignored, wrong values are added to problems.
 * ret_options: owned reference. ST_NO_MEMORY. */
enum status probe_options_read(
    const json_t *body, const struct probe_option *options, size_t count,
    struct pipe_problems *problems, json_t **ret_options, struct err *err) MUST_CHECK;

/* Each member of the body that is none of the options is a problem: for bodies where one that is
 * misspelt would do more than was meant. */
void probe_options_only(
    const json_t *body, const struct probe_option *options, size_t count,
    struct pipe_problems *problems);

#endif
