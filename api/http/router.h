#ifndef API_HTTP_ROUTER_H
#define API_HTTP_ROUTER_H

/*
 * Finding the handler of a request in one declared table. A row is a method, a pattern with
 * {parameters}, who may call it, whether it takes a JSON body, and the handler. Rows with literal
 * parts stand before rows with a parameter in the same place: the first pattern that matches wins,
 * and if none of its rows has the method, the answer is 405.
 */

#include "api/http/reply.h"
#include "api/http/request.h"

enum route_access {
    ROUTE_OPEN,  /* no authentication */
    ROUTE_READ,  /* any key */
    ROUTE_WRITE, /* an admin's key; leaves an audit entry */
    ROUTE_ASK,   /* an admin's key; a POST that changes nothing */
};

enum route_body {
    ROUTE_NO_BODY,
    ROUTE_JSON_BODY,
};

/* Fills reply and returns ST_OK, or fills err. It never sees a socket and picks no HTTP code. */
typedef enum status
route_handler(const struct request *request, struct reply *reply, struct err *err);

struct route {
    enum http_method method;
    const char *pattern;
    enum route_access access;
    enum route_body body;
    route_handler *handler;
    const char *query; /* names of its query parameters, blanks between; "*" behind one that may be
                        * given more than once; NULL = none */
};

struct route_table {
    const struct route *routes; /* borrowed for ever */
    size_t count;
};

/*
 * Find the route of request->path and method; fill request->route and request->params (owned by
 * the request). ST_NOT_FOUND for an unknown path, ST_METHOD (and reply->allow) for a known path
 * without the method, ST_NO_MEMORY.
 */
enum status router_match(
    const struct route_table *table, struct request *request, struct reply *reply,
    struct err *err) MUST_CHECK;

/*
 * Check the query of a matched request against its route: a name it does not have, or one twice, is
 * more likely a typing error than a wish. ST_INVALID says which names there are.
 */
enum status router_check_query(const struct request *request, struct err *err) MUST_CHECK;

#endif
