#ifndef COMMON_STORE_PIPES_H
#define COMMON_STORE_PIPES_H

/* Pipes as the control plane keeps them: definition, secrets, scaling, desired state, and the
 * facts from which the shown state is derived. */

#include <jansson.h>

#include "common/base/uuid.h"
#include "common/model/guarantee.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"
#include "common/store/store.h"

struct pipe_row {
    char *id;
    char *service_id;
    char *name;
    json_t *definition; /* owned reference; NULL in a brief list */
    bool is_exactly_once;
    char *registry_url; /* of the schema registry; NULL = none */
    char *consumer_group;
    struct pipe_scaling scaling;
    bool is_wanted;
    int64_t revision;
    char *created_at; /* RFC 3339 */
    char *updated_at;
    char *state_since;
    struct pipe_facts facts;
    char *failure_code; /* NULL = none */
    char *failure_message;
    char *reason_code;
    char *reason_message;
    char *last_error_type;
    char *last_error_message;
    char *last_error_at;
    bool has_guarantee; /* it was looked at */
    struct guarantee guarantee;
    char *certificate_warning; /* of one that ends soon or has ended; NULL = none */
    bool has_worker;           /* at least one worker was seen within its lease time */
};

void pipe_row_done(struct pipe_row *row);

struct pipe_rows {
    struct pipe_row *items;
    size_t count;
};
void pipe_rows_done(struct pipe_rows *rows);

struct pipe_new {
    const char *id;
    const char *service_id;
    const char *name;
    const json_t *definition;
    const json_t *secrets; /* NULL = none */
    const char *consumer_group;
    struct pipe_scaling scaling;
    bool is_wanted;
};

/* Insert one that leftover_add announced, as not answered yet. ST_NOT_FOUND if the service is gone,
 * ST_UNAVAILABLE: it may have been stored, or the announcement was taken away meanwhile. */
enum status
pipe_insert(struct store *store, const struct pipe_new *pipe, struct err *err) MUST_CHECK;

/* From the question below until its pipe is stored: the same create elsewhere waits. definition: as
 * stored. Ends with pipe_create_unlock or the connection. ST_NO_MEMORY, ST_UNAVAILABLE. */
enum status pipe_create_lock(
    struct store *store, const char *service_id, const json_t *definition,
    struct err *err) MUST_CHECK;
void pipe_create_unlock(struct store *store, const char *service_id, const json_t *definition);

/* The pipe that another create with this definition stored in the last minutes and that was not
 * answered when this one began, age_ms ago: ret_id. ST_NOT_FOUND: none, the usual case.
 * ST_NO_MEMORY, ST_UNAVAILABLE. */
enum status pipe_find_unanswered(
    struct store *store, const char *service_id, const json_t *definition, int64_t age_ms,
    char ret_id[UUID_TEXT_BYTES], struct err *err) MUST_CHECK;

/* The create is about to be answered. ST_NOT_FOUND, ST_UNAVAILABLE. */
enum status pipe_set_answered(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err) MUST_CHECK;

/* One pipe of a service. ST_NOT_FOUND, ST_UNAVAILABLE. ret_row: pipe_row_done. */
enum status pipe_get(
    struct store *store, const char *service_id, const char *pipe_id, struct pipe_row *ret_row,
    struct err *err) MUST_CHECK;

/* All pipes of a service (oldest first), or of an organization when service_id is NULL. One query.
 */
enum status pipe_list(
    struct store *store, const char *organization_id, const char *service_id,
    struct pipe_rows *ret_rows, struct err *err) MUST_CHECK;

/* The same without their definitions: to parse a thousand of them costs more than all the rest. */
enum status pipe_list_brief(
    struct store *store, const char *organization_id, const char *service_id,
    struct pipe_rows *ret_rows, struct err *err) MUST_CHECK;

/* The stored secrets of a pipe; *ret_secrets NULL if it has none. Owned reference. */
enum status pipe_get_secrets(
    struct store *store, const char *pipe_id, json_t **ret_secrets, struct err *err) MUST_CHECK;

/* Remove it; effective at once. ST_NOT_FOUND. */
enum status pipe_delete(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err) MUST_CHECK;

/* The same for a pipe with a ClickHouse user of its own, which is written down as a leftover until
 * it is dropped. ST_NOT_FOUND. */
enum status pipe_delete_with_user(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err) MUST_CHECK;

/* start: desired running, failure, reason and ready_at cleared. stop: desired stopped. Idempotent.
 * ST_NOT_FOUND. */
enum status pipe_start(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err) MUST_CHECK;
enum status pipe_stop(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err) MUST_CHECK;

/* Change the scaling; a change of CPU or memory also raises the revision. ST_NOT_FOUND. */
enum status pipe_scale(
    struct store *store, const char *service_id, const char *pipe_id,
    const struct pipe_scaling *scaling, struct err *err) MUST_CHECK;

/* All borrowed. type and severity: openapi/penstock.yaml. */
struct pipe_event {
    const char *type;
    const char *severity;
    const char *message;
    const json_t *details; /* NULL = none */
};

/* Append one event. ST_NOT_FOUND, ST_INVALID (a severity there is not). */
enum status pipe_add_event(
    struct store *store, const char *pipe_id, const struct pipe_event *event,
    struct err *err) MUST_CHECK;

#endif
