#ifndef COMMON_STORE_PROBES_H
#define COMMON_STORE_PROBES_H

/* Questions that only a worker can answer (Kafka): the api asks, a supervisor claims the job, runs
 * `penstock-worker --probe` and stores the answer. Requests hold secrets and are stored encrypted;
 * they are deleted with their answer's reading. */

#include <jansson.h>

#include "common/store/store.h"

/* True if a worker was seen within 15 s: somebody would answer. */
enum status probe_has_worker(struct store *store, bool *ret_has, struct err *err) MUST_CHECK;

/* Ask. request: the probe spec of worker/protocol/protocol.h. ret_id: 37 bytes. */
enum status probe_ask(
    struct store *store, const json_t *request, int deadline_ms, char ret_id[37],
    struct err *err) MUST_CHECK;

/*
 * The same for a job that must not run twice at once: none with this lock name may be unanswered.
 * The lock outlives the asker: it goes with the answer, or when the job's child has certainly
 * ended. ST_CONFLICT while another holds it.
 */
enum status probe_ask_alone(
    struct store *store, const json_t *request, int deadline_ms, const char *lock_name,
    char ret_id[37], struct err *err) MUST_CHECK;

/* Wait (LISTEN penstock_probe_done on this store, plus a slow poll) for the answer, at most
 * deadline_ms, then remove the job (one that holds a lock and was claimed stays until it ends).
 * Owned reference. ST_TIMEOUT if nobody answered in time. */
enum status probe_wait(
    struct store *store, const char *id, int deadline_ms, json_t **ret_answer,
    struct err *err) MUST_CHECK;

/* Claim one waiting job, if any. ret_request: owned reference. *ret_has false if none. */
enum status probe_claim(
    struct store *store, const char *owner, bool *ret_has, char ret_id[37], json_t **ret_request,
    struct err *err) MUST_CHECK;
enum status probe_answer(
    struct store *store, const char *id, const char *answer_json, struct err *err) MUST_CHECK;

#endif
