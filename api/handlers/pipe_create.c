/*
 * POST clickpipes. Everything that can be wrong is found before anything is made: shape and values,
 * types; then Kafka (asked through a worker) and the ClickHouse. Then tables, and the row last.
 * Before the first statement to ClickHouse the create is announced (leftovers.h): what fails in
 * between is taken back at once, or later if the api or PostgreSQL dies. After a 5xx or without an
 * answer a client may send the same again: a row that was stored but not answered is found.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "api/handlers/create_tables.h"
#include "api/handlers/guarantee_find.h"
#include "api/handlers/handlers.h"
#include "api/handlers/pipe_user.h"
#include "api/handlers/source_check.h"
#include "api/handlers/support.h"
#include "api/handlers/take_back.h"
#include "api/wire/pipe_wire.h"

struct creation {
    json_t *definition;
    json_t *secrets; /* NULL = none */
    struct pipe_spec *spec;
    char id[UUID_TEXT_BYTES];
    char *consumer_group;
    bool is_user_refused;
};

static void creation_done(struct creation *creation)
{
    json_decref(creation->definition);
    json_decref(creation->secrets);
    pipe_spec_free(creation->spec);
    free(creation->consumer_group);
}

static enum status read_body(
    const struct request *request, struct creation *creation, struct reply *reply, struct err *err)
{
    enum status status =
        wire_pipe_split(request->json, &creation->definition, &creation->secrets, err);
    if (status != ST_OK) {
        return status;
    }
    struct pipe_problems problems = {0};
    status = pipe_spec_from_json(
        creation->definition, creation->secrets, &problems, &creation->spec, err);
    if (status == ST_OK || status == ST_INVALID) {
        support_check_supported(creation->definition, &problems);
        status = support_problems(&problems, reply, err);
    }
    pipe_problems_done(&problems);
    return status;
}

static enum status name_pipe(struct creation *creation, struct err *err)
{
    enum status status = uuid_new(creation->id);
    if (status != ST_OK) {
        return err_set(err, status, "no random bytes for an id");
    }
    const char *given = creation->spec->source.consumer_group;
    if (given != NULL) {
        creation->consumer_group = strdup(given);
    } else if (asprintf(&creation->consumer_group, "clickpipes-%s", creation->id) < 0) {
        creation->consumer_group = NULL;
    }
    if (creation->consumer_group == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the pipe");
    }
    return ST_OK;
}

/*
 * Everything that must be asked of others, all of it told at once: the source, and the tables that
 * are there already.
 */
static enum status check_others(
    const struct request *request, const struct creation *creation,
    struct support_clickhouse *clickhouse, struct reply *reply, struct err *err)
{
    const struct source_subject subject = {
        creation->definition, creation->secrets, creation->consumer_group};
    struct pipe_problems problems = {0};
    enum status status = source_check(request, &subject, &problems, err);
    const bool is_source_bad = problems.count > 0;
    if (status == ST_OK) {
        status = create_tables_check(clickhouse, &creation->spec->destination, &problems, err);
    }
    if (status == ST_OK) {
        status =
            support_problems_of(&problems, is_source_bad ? SOURCE_CHECK_WORDS : "", reply, err);
    }
    pipe_problems_done(&problems);
    if (status == ST_OK && creation->spec->validate_samples) {
        status = source_check_samples(request, &subject, err);
    }
    return status;
}

static enum status
insert_row(const struct request *request, struct creation *creation, struct err *err)
{
    struct pipe_new row = {
        .id = creation->id,
        .service_id = request->service.id,
        .name = creation->spec->name,
        .definition = creation->definition,
        .secrets = creation->secrets,
        .consumer_group = creation->consumer_group,
        .scaling = creation->spec->scaling,
        .is_wanted = !creation->spec->start_paused,
    };
    enum status status = pipe_insert(request->store, &row, err);
    if (status != ST_UNAVAILABLE) {
        return status;
    }
    if (store_reopen(request->store, NULL) != ST_OK) {
        return status; /* whether it was stored decides what take_back_next finds to do */
    }
    /* The connection broke: was the row stored before it did? */
    struct pipe_row stored = {0};
    if (pipe_get(request->store, row.service_id, row.id, &stored, NULL) == ST_OK) {
        pipe_row_done(&stored);
        return ST_OK;
    }
    return status;
}

/* The user, if the service wants one for each pipe, then the row, last of all. */
static enum status make_user_and_row(
    const struct request *request, struct creation *creation, struct support_clickhouse *clickhouse,
    struct err *err)
{
    if (!clickhouse->service.provision_users) {
        return insert_row(request, creation, err);
    }
    enum status status = pipe_user_make(
        clickhouse, creation->spec, creation->id, &creation->secrets, &creation->is_user_refused,
        err);
    return status == ST_OK ? insert_row(request, creation, err) : status;
}

/* The same create may have stored its row before, and its answer was lost or is still to come: that
 * pipe is the one. */
static enum status find_or_make_locked(
    const struct request *request, struct creation *creation, struct support_clickhouse *clickhouse,
    struct err *err)
{
    char id[UUID_TEXT_BYTES];
    const int64_t age_ms = (clock_monotonic_us() - request->arrived_us) / 1000;
    enum status status = pipe_find_unanswered(
        request->store, request->service.id, creation->definition, age_ms, id, err);
    if (status == ST_OK) {
        memcpy(creation->id, id, sizeof(id));
        return ST_OK;
    }
    return status == ST_NOT_FOUND ? make_user_and_row(request, creation, clickhouse, err) : status;
}

/* Equal creates that overlap in time, whatever their order, make one pipe. */
static enum status find_or_make_row(
    const struct request *request, struct creation *creation, struct support_clickhouse *clickhouse,
    struct err *err)
{
    /* Kept in columns of their own. */
    (void)json_object_del(creation->definition, "scaling");
    (void)json_object_del(creation->definition, "startPaused");
    const char *service_id = request->service.id;
    enum status status = pipe_create_lock(request->store, service_id, creation->definition, err);
    if (status == ST_OK) {
        status = find_or_make_locked(request, creation, clickhouse, err);
        pipe_create_unlock(request->store, service_id, creation->definition);
    }
    return status;
}

static enum status make_pipe(
    const struct request *request, struct creation *creation, struct support_clickhouse *clickhouse,
    struct err *err)
{
    const struct pipe_destination *destination = &creation->spec->destination;
    char announced_id[UUID_TEXT_BYTES];
    memcpy(announced_id, creation->id, sizeof(announced_id));
    struct leftover leftover = {
        .pipe_id = announced_id,
        .service_id = clickhouse->service.id,
        .database = destination->database,
        .table = destination->table,
        .has_user = clickhouse->service.provision_users,
    };
    enum status status = leftover_add(request->store, &leftover, err);
    if (status != ST_OK) {
        return status;
    }
    status = create_tables_ensure(clickhouse, destination, announced_id, err);
    status = status == ST_OK ? find_or_make_row(request, creation, clickhouse, err) : status;
    if (status == ST_OK) {
        guarantee_find(request, clickhouse, creation->spec, creation->id);
    }
    if (status != ST_OK || strcmp(creation->id, announced_id) != 0) {
        leftover.is_user_refused = creation->is_user_refused;
        take_back(request->store, clickhouse, &leftover);
    }
    return status;
}

static enum status check_and_make(
    const struct request *request, struct creation *creation, struct reply *reply, struct err *err)
{
    struct support_clickhouse clickhouse = {0};
    enum status status = support_clickhouse_open(request, &clickhouse, err);
    if (status != ST_OK) {
        return status;
    }
    status = check_others(request, creation, &clickhouse, reply, err);
    if (status == ST_OK) {
        status = make_pipe(request, creation, &clickhouse, err);
    }
    support_clickhouse_done(&clickhouse);
    return status;
}

static enum status
reply_created(const struct request *request, const char *id, struct reply *reply, struct err *err)
{
    static const struct pipe_event event = {
        .type = "created",
        .severity = "info",
        .message = "the pipe was created",
    };
    enum status status = pipe_add_event(request->store, id, &event, NULL);
    (void)status; /* the pipe is there; a missing line in its history is no reason to say not */
    struct pipe_row row = {0};
    status = pipe_get(request->store, request->service.id, id, &row, err);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_result(reply, wire_pipe_to_json(&row), err);
    pipe_row_done(&row);
    reply->made_pipe = status == ST_OK;
    return status;
}

enum status handle_pipe_create(const struct request *request, struct reply *reply, struct err *err)
{
    struct creation creation = {0};
    enum status status = read_body(request, &creation, reply, err);
    if (status == ST_OK) {
        status = name_pipe(&creation, err);
    }
    if (status == ST_OK) {
        status = check_and_make(request, &creation, reply, err);
    }
    if (status == ST_OK) {
        status = reply_created(request, creation.id, reply, err);
    }
    creation_done(&creation);
    return status;
}
