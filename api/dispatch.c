/*
 * Every check that is the same for all handlers, in the order of dispatch.h.
 */
#include "api/dispatch.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/store/pipes.h"

#include "api/audit.h"
#include "api/http/auth.h"
#include "api/http/rate_limit.h"
#include "api/http/router.h"
#include "api/http/stats.h"
#include "api/store_pool.h"

enum {
    SHOWN_ID_CHARS = 100
};

static const char PROTECTED[] = "/v1";

/* Paths below /v1 ask who it is before anything else. */
static bool is_protected(const char *path)
{
    return strncmp(path, PROTECTED, sizeof(PROTECTED) - 1) == 0 &&
           (path[sizeof(PROTECTED) - 1] == '/' || path[sizeof(PROTECTED) - 1] == '\0');
}

/* One request more of a key that is who it says: nobody can use up another's requests. */
static enum status check_rate(const struct request *request, struct reply *reply, struct err *err)
{
    reply->rate =
        rate_limit_take(request->context->rate_limit, request->key.id, clock_monotonic_us());
    if (reply->rate.is_allowed) {
        return ST_OK;
    }
    return err_set(
        err, ST_RATE_LIMITED, "this key may make %lld requests at once; try again in %.1f s",
        (long long)reply->rate.limit, (double)reply->rate.reset_us / 1e6);
}

static enum status authenticate(struct request *request, struct reply *reply, struct err *err)
{
    struct auth_pair pair;
    /* A malformed header is told without asking the database. */
    enum status status = auth_decode_basic(request->authorization, &pair, err);
    if (status != ST_OK) {
        return status;
    }
    auth_pair_done(&pair);
    status = store_pool_take(request->context->stores, &request->store, err);
    if (status != ST_OK) {
        return status;
    }
    status = auth_check(request->store, request->authorization, &request->key, err);
    return status == ST_OK ? check_rate(request, reply, err) : status;
}

static enum status check_role(const struct request *request, struct err *err)
{
    bool needs_admin = request->route->access == ROUTE_WRITE || request->route->access == ROUTE_ASK;
    if (needs_admin && request->key.role != API_ROLE_ADMIN) {
        return err_set(err, ST_FORBIDDEN, "this key may only read");
    }
    return ST_OK;
}

/* Well-formed ids, in the words of the contract. */
static enum status check_ids(const struct request *request, struct err *err)
{
    static const struct {
        const char *name;
        const char *shown;
    } IDS[] = {
        {"organizationId", "organization"},
        {"serviceId", "service"},
        {"clickPipeId", "ClickPipe"},
    };
    for (size_t i = 0; i < request->params_count; i++) {
        for (size_t j = 0; j < ARRAY_LEN(IDS); j++) {
            const struct request_param *param = &request->params[i];
            if (strcmp(param->name, IDS[j].name) == 0 && !uuid_is_valid(param->value)) {
                return err_set(
                    err, ST_INVALID, "Invalid %s id <string:%.*s>", IDS[j].shown, SHOWN_ID_CHARS,
                    param->value);
            }
        }
    }
    return ST_OK;
}

/* The path's organization must be the key's, its service must be the organization's. */
static enum status check_scope(struct request *request, struct err *err)
{
    const char *organization = request_find_param(request, "organizationId");
    if (organization != NULL && strcasecmp(organization, request->key.organization_id) != 0) {
        return err_set(err, ST_FORBIDDEN, "no access to organization %s", organization);
    }
    const char *service = request_find_param(request, "serviceId");
    if (service == NULL) {
        return ST_OK;
    }
    enum status status =
        service_get(request->store, request->key.organization_id, service, &request->service, err);
    if (status == ST_NOT_FOUND) {
        return err_set(err, ST_FORBIDDEN, "no access to service %s", service);
    }
    return status;
}

static enum status check_body(struct request *request, struct err *err)
{
    if (request->is_body_too_large) {
        return err_set(err, ST_TOO_LARGE, "the body is larger than PENSTOCK_MAX_BODY_BYTES");
    }
    if (request->is_body_one_too_many) {
        return err_set(err, ST_UNAVAILABLE, "too many large bodies at once; try again");
    }
    return request->route->body == ROUTE_JSON_BODY ? request_parse_json(request, err) : ST_OK;
}

/* Everything between the route and its body, for routes that are not open. */
static enum status check_access(struct request *request, struct reply *reply, struct err *err)
{
    enum status status = ST_OK;
    if (request->key.id == NULL) {
        status = authenticate(request, reply, err); /* protected, but not below /v1 */
    }
    if (status == ST_OK) {
        status = check_role(request, err);
    }
    if (status == ST_OK) {
        status = check_ids(request, err);
    }
    return status == ST_OK ? check_scope(request, err) : status;
}

/* The last that is done for a create: from here on it is a 200, whatever PostgreSQL says. */
static void set_answered(const struct request *request, const struct reply *reply)
{
    const char *id = json_string_value(json_object_get(reply->result, "id"));
    enum status status = pipe_set_answered(request->store, request->service.id, id, NULL);
    (void)status; /* then the same create, sent again soon, gets this pipe */
}

static enum status run(struct request *request, struct reply *reply, struct err *err)
{
    enum status status = is_protected(request->path) ? authenticate(request, reply, err) : ST_OK;
    if (status == ST_OK) {
        status = router_match(request->context->routes, request, reply, err);
    }
    if (status == ST_OK && request->route->access != ROUTE_OPEN) {
        status = check_access(request, reply, err);
    }
    if (status == ST_OK && request->route->access != ROUTE_OPEN) {
        status = router_check_query(request, err);
    }
    if (status == ST_OK) {
        status = check_body(request, err);
    }
    struct audit_note note = {0};
    if (status == ST_OK) {
        status = audit_note_begin(request, &note, err);
    }
    if (status != ST_OK) {
        return status;
    }
    status = request->route->handler(request, reply, err);
    audit_note_end(request, reply, status, &note);
    if (status == ST_OK && reply->made_pipe) {
        set_answered(request, reply);
    }
    return status;
}

enum status dispatch(void *context, struct request *request, struct reply *reply, struct err *err)
{
    int64_t started_us = clock_monotonic_us();
    request->context = context;
    request->arrived_us = started_us;
    enum status status = run(request, reply, err);
    store_pool_return(request->context->stores, request->store);
    request->store = NULL;
    enum status rendered = reply_render(reply, request->id, status, err);
    request_stats_add(
        request->context->stats, request->route, reply->http_code,
        clock_monotonic_us() - started_us);
    return status != ST_OK ? status : rendered;
}
