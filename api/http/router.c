/*
 * Pattern matching for the route table. Linear: the table is short and each comparison ends at the
 * first different part.
 */
#include "api/http/router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_NAME_CHARS = 100
};

/* One part of a path or pattern, without its slash. */
struct part {
    const char *text;
    size_t len_bytes;
};

/* The part after *cursor (which stands on a slash or at the end); false at the end. */
static bool next_part(const char **cursor, struct part *ret_part)
{
    if (**cursor != '/' || (*cursor)[1] == '\0') {
        return false;
    }
    ret_part->text = *cursor + 1;
    ret_part->len_bytes = strcspn(ret_part->text, "/");
    *cursor = ret_part->text + ret_part->len_bytes;
    return true;
}

static bool is_param(const struct part *part)
{
    return part->text[0] == '{';
}

static bool pattern_matches(const char *pattern, const char *path)
{
    struct part wanted = {NULL, 0};
    struct part given = {NULL, 0};
    while (next_part(&pattern, &wanted)) {
        if (!next_part(&path, &given)) {
            return false;
        }
        bool is_same = wanted.len_bytes == given.len_bytes &&
                       memcmp(wanted.text, given.text, given.len_bytes) == 0;
        if (!is_param(&wanted) && !is_same) {
            return false;
        }
    }
    return !next_part(&path, &given);
}

/* Names of the parameters of the contract, so that a param can borrow a zero-terminated name. */
static const char *const PARAM_NAMES[] = {
    "organizationId",
    "serviceId",
    "clickPipeId",
};

static const char *param_name(const struct part *part)
{
    for (size_t i = 0; i < ARRAY_LEN(PARAM_NAMES); i++) {
        size_t len = strlen(PARAM_NAMES[i]);
        if (part->len_bytes == len + 2 && memcmp(part->text + 1, PARAM_NAMES[i], len) == 0) {
            return PARAM_NAMES[i];
        }
    }
    assert(false && "PARAM_NAMES does not list a pattern's parameter");
    return "";
}

static enum status take_params(struct request *request, const char *pattern)
{
    const char *path = request->path;
    struct part wanted = {NULL, 0};
    struct part given = {NULL, 0};
    while (next_part(&pattern, &wanted) && next_part(&path, &given)) {
        if (!is_param(&wanted)) {
            continue;
        }
        assert(request->params_count < REQUEST_PARAMS_MAX);
        char *value = strndup(given.text, given.len_bytes);
        if (value == NULL) {
            return ST_NO_MEMORY;
        }
        request->params[request->params_count++] =
            (struct request_param){param_name(&wanted), value};
    }
    return ST_OK;
}

static void allow_add(struct reply *reply, const char *method)
{
    size_t used = strlen(reply->allow);
    if (used + strlen(method) + 3 > sizeof(reply->allow)) {
        return;
    }
    if (used > 0) {
        memcpy(reply->allow + used, ", ", 3);
        used += 2;
    }
    memcpy(reply->allow + used, method, strlen(method) + 1);
}

static void allow_method(struct reply *reply, enum http_method method)
{
    allow_add(reply, http_method_text(method));
    if (method == HTTP_GET) {
        allow_add(reply, "HEAD");
    }
}

enum status router_match(
    const struct route_table *table, struct request *request, struct reply *reply, struct err *err)
{
    const char *pattern = NULL;
    for (size_t i = 0; i < table->count && request->route == NULL; i++) {
        const struct route *route = &table->routes[i];
        if (pattern == NULL && pattern_matches(route->pattern, request->path)) {
            pattern = route->pattern;
        }
        if (pattern == NULL || strcmp(pattern, route->pattern) != 0) {
            continue;
        }
        if (route->method == request->method) {
            request->route = route;
        } else {
            allow_method(reply, route->method);
        }
    }
    if (pattern == NULL) {
        return err_set(err, ST_NOT_FOUND, "no such path");
    }
    if (request->route == NULL) {
        return err_set(err, ST_METHOD, "this path takes %s", reply->allow);
    }
    reply->allow[0] = '\0';
    enum status status = take_params(request, pattern);
    if (status != ST_OK) {
        return err_set(err, status, "no memory for the path");
    }
    return ST_OK;
}

/* The name in a route's list; *ret_may_repeat: given with a star. */
static bool is_listed(const char *list, const char *name, bool *ret_may_repeat)
{
    const size_t len = strlen(name);
    for (const char *at = list; *at != '\0';) {
        const size_t word = strcspn(at, " ");
        const bool has_star = word > 0 && at[word - 1] == '*';
        if (word - (has_star ? 1 : 0) == len && memcmp(at, name, len) == 0) {
            *ret_may_repeat = has_star;
            return true;
        }
        at += word + strspn(at + word, " ");
    }
    return false;
}

enum status router_check_query(const struct request *request, struct err *err)
{
    const char *list = request->route->query == NULL ? "" : request->route->query;
    for (size_t i = 0; i < request->query_count; i++) {
        const char *name = request->query[i].name;
        bool may_repeat = false;
        if (!is_listed(list, name, &may_repeat)) {
            return err_set(
                err, ST_INVALID, "query parameter %.*s: this path takes %s", SHOWN_NAME_CHARS, name,
                list[0] == '\0' ? "none" : list);
        }
        for (size_t j = 0; j < i && !may_repeat; j++) {
            if (strcmp(request->query[j].name, name) == 0) {
                return err_set(err, ST_INVALID, "query parameter %s: given twice", name);
            }
        }
    }
    return ST_OK;
}
