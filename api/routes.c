/*
 * Method, pattern, who may, body, handler. Rows with literal parts stand before rows with a
 * parameter in the same place (router.h). To add an endpoint: one row here, one name in
 * handlers.h, one function, one path in openapi/penstock.yaml.
 */
#include "api/routes.h"

#include "api/handlers/handlers.h"

#define ORGANIZATION "/v1/organizations/{organizationId}"
#define SERVICE ORGANIZATION "/services/{serviceId}"
#define PIPES SERVICE "/clickpipes"
#define PIPE PIPES "/{clickPipeId}"

/* clang-format off */
static const struct route ROUTES[] = {
    {HTTP_GET,    "/health/live",              ROUTE_OPEN,  ROUTE_NO_BODY,   handle_health_live},
    {HTTP_GET,    "/health/ready",             ROUTE_OPEN,  ROUTE_NO_BODY,   handle_health_ready},
    {HTTP_GET,    "/version",                  ROUTE_OPEN,  ROUTE_NO_BODY,   handle_version},
    {HTTP_GET,    "/openapi.yaml",             ROUTE_OPEN,  ROUTE_NO_BODY,   handle_openapi},
    {HTTP_GET,    "/metrics",                  ROUTE_READ,  ROUTE_NO_BODY,   handle_api_metrics},

    {HTTP_GET,    "/v1/organizations",         ROUTE_READ,  ROUTE_NO_BODY,   handle_organization_list},
    {HTTP_GET,    ORGANIZATION,                ROUTE_READ,  ROUTE_NO_BODY,   handle_organization_get},
    {HTTP_GET,    ORGANIZATION "/prometheus",  ROUTE_READ,  ROUTE_NO_BODY,   handle_prometheus_organization},
    {HTTP_GET,    ORGANIZATION "/services",    ROUTE_READ,  ROUTE_NO_BODY,   handle_service_list},
    {HTTP_POST,   ORGANIZATION "/services",    ROUTE_WRITE, ROUTE_JSON_BODY, handle_service_create},
    {HTTP_GET,    SERVICE,                     ROUTE_READ,  ROUTE_NO_BODY,   handle_service_get},
    {HTTP_PATCH,  SERVICE,                     ROUTE_WRITE, ROUTE_JSON_BODY, handle_service_patch},
    {HTTP_DELETE, SERVICE,                     ROUTE_WRITE, ROUTE_NO_BODY,   handle_service_delete},
    {HTTP_PATCH,  SERVICE "/state",            ROUTE_WRITE, ROUTE_JSON_BODY, handle_service_state},
    {HTTP_GET,    SERVICE "/prometheus",       ROUTE_READ,  ROUTE_NO_BODY,   handle_prometheus_service},
    {HTTP_GET,    SERVICE "/clickpipesReversePrivateEndpoints",
                                               ROUTE_READ,  ROUTE_NO_BODY,   handle_private_endpoint_list},

    {HTTP_GET,    PIPES,                       ROUTE_READ,  ROUTE_NO_BODY,   handle_pipe_list},
    {HTTP_POST,   PIPES,                       ROUTE_WRITE, ROUTE_JSON_BODY, handle_pipe_create},
    {HTTP_GET,    PIPES "/summary",            ROUTE_READ,  ROUTE_NO_BODY,   handle_summary_list},
    {HTTP_GET,    PIPES "/context",            ROUTE_READ,  ROUTE_NO_BODY,   handle_pipe_context},
    {HTTP_GET,    PIPE,                        ROUTE_READ,  ROUTE_NO_BODY,   handle_pipe_get},
    {HTTP_PATCH,  PIPE,                        ROUTE_WRITE, ROUTE_JSON_BODY, handle_pipe_patch},
    {HTTP_DELETE, PIPE,                        ROUTE_WRITE, ROUTE_NO_BODY,   handle_pipe_delete},
    {HTTP_PATCH,  PIPE "/state",               ROUTE_WRITE, ROUTE_JSON_BODY, handle_pipe_state},
    {HTTP_PATCH,  PIPE "/scaling",             ROUTE_WRITE, ROUTE_JSON_BODY, handle_pipe_scaling},
    {HTTP_GET,    PIPE "/settings",            ROUTE_READ,  ROUTE_NO_BODY,   handle_settings_get},
    {HTTP_PUT,    PIPE "/settings",            ROUTE_WRITE, ROUTE_JSON_BODY, handle_settings_put},
    {HTTP_GET,    PIPE "/summary",             ROUTE_READ,  ROUTE_NO_BODY,   handle_summary_get},
    {HTTP_GET,    PIPE "/errors",              ROUTE_READ,  ROUTE_NO_BODY,   handle_errors_get},
    {HTTP_GET,    PIPE "/events",              ROUTE_READ,  ROUTE_NO_BODY,   handle_events_get},
};
/* clang-format on */

const struct route_table api_routes = {ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0])};
