#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/http/router.h"

/* The one table of what the api answers. openapi/penstock.yaml is compared with it by a test. */
extern const struct route_table api_routes;

#endif
