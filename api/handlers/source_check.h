#ifndef API_HANDLERS_SOURCE_CHECK_H
#define API_HANDLERS_SOURCE_CHECK_H

/*
 * Can a pipe's source be read? Brokers, topics, consumer group and schema registry, asked through a
 * worker; and would its newest records fit? Without a worker there is nobody to ask: then nothing
 * is found wrong, and the pipe waits.
 */

#include "common/model/pipe.h"

#include "api/http/request.h"

/* A pipe as it would be; all borrowed. */
struct source_subject {
    json_t *definition;
    json_t *secrets;            /* NULL = none */
    const char *consumer_group; /* of the pipe, given or made */
};

/* What the errors of all this begin with. */
#define SOURCE_CHECK_WORDS "failed source validation: "

/* Add everything that does not work, with pointers. ST_OK whether or not something was found;
 * ST_UNAVAILABLE, ST_TIMEOUT (a worker took the question and is silent), ST_NO_MEMORY. */
enum status source_check(
    const struct request *request, const struct source_subject *subject,
    struct pipe_problems *problems, struct err *err) MUST_CHECK;

/* Can the worker's Kafka library do what the settings ask for? Talks to no broker. Adds what it
 * cannot do; statuses of source_check. */
enum status source_check_library(
    const struct request *request, const struct source_subject *subject,
    struct pipe_problems *problems, struct err *err) MUST_CHECK;

/* Decode the newest records as the pipe would (the table may still be to be made). ST_REJECTED with
 * the first that would be rejected; statuses of probe_question_ask. */
enum status source_check_samples(
    const struct request *request, const struct source_subject *subject,
    struct err *err) MUST_CHECK;

#endif
