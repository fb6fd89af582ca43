#ifndef API_DISPATCH_H
#define API_DISPATCH_H

/*
 * The way of one request through the api: authentication, route, role, ids, organization, service,
 * body, handler, envelope. The order is part of the contract: nobody without a key learns which
 * paths exist; 405 comes before anything about the object; an unknown organization or service is
 * 403, so that a typo cannot make a client forget its pipes.
 */

#include "api/context.h"
#include "api/http/reply.h"
#include "api/http/request.h"

/* server_options.handle; context is a struct api_context. Always leaves a rendered reply (or no
 * body at all when memory is gone). Returns the status it answered with, err for the log. */
enum status dispatch(void *context, struct request *request, struct reply *reply, struct err *err);

#endif
