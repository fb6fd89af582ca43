/*
 * Method, pattern, who may, body, handler; for those with a query its names. Rows with literal
 * parts stand before rows with a parameter in the same place (router.h). To add an endpoint: one
 * row here, one name in handlers.h, one function, one path in openapi/penstock.yaml.
 */
#include "api/routes.h"

#include "api/handlers/handlers.h"

#define ORGANIZATION "/v1/organizations/{organizationId}"
#define SERVICE ORGANIZATION "/services/{serviceId}"
#define PIPES SERVICE "/clickpipes"
#define PIPE PIPES "/{clickPipeId}"

/* clang-format off */
#define R(method, pattern, access, body, name) \
    {HTTP_##method, pattern, ROUTE_##access, ROUTE_##body, handle_##name, NULL}
#define Q(pattern, name, query) \
    {HTTP_GET, pattern, ROUTE_READ, ROUTE_NO_BODY, handle_##name, query}
static const struct route ROUTES[] = {
    R(GET, "/health/live", OPEN, NO_BODY, health_live),
    R(GET, "/health/ready", OPEN, NO_BODY, health_ready),
    R(GET, "/version", OPEN, NO_BODY, version),
    R(GET, "/openapi.yaml", OPEN, NO_BODY, openapi),
    R(GET, "/metrics", READ, NO_BODY, api_metrics),
    R(GET, "/v1/organizations", READ, NO_BODY, organization_list),
    R(GET, ORGANIZATION, READ, NO_BODY, organization_get),
    Q(ORGANIZATION "/prometheus", prometheus_organization, "filtered_metrics"),
    Q(ORGANIZATION "/prometheus/discovery", prometheus_discovery, "filtered_metrics"),
    Q(ORGANIZATION "/audit", audit_get, "target from to limit cursor"),
    Q(ORGANIZATION "/services", service_list, "filter*"),
    R(POST, ORGANIZATION "/services", WRITE, JSON_BODY, service_create),
    R(GET, SERVICE, READ, NO_BODY, service_get),
    R(PATCH, SERVICE, WRITE, JSON_BODY, service_patch),
    R(DELETE, SERVICE, WRITE, NO_BODY, service_delete),
    R(PATCH, SERVICE "/state", WRITE, JSON_BODY, service_state),
    Q(SERVICE "/prometheus", prometheus_service, "filtered_metrics"),
    R(GET, SERVICE "/clickpipesReversePrivateEndpoints", READ, NO_BODY, private_endpoint_list),
    R(POST, SERVICE "/clickpipesReversePrivateEndpoints", ASK, JSON_BODY, private_endpoint_create),
    R(GET, PIPES, READ, NO_BODY, pipe_list),
    R(POST, PIPES, WRITE, JSON_BODY, pipe_create),
    R(GET, PIPES "/summary", READ, NO_BODY, summary_list),
    R(GET, PIPES "/context", READ, NO_BODY, pipe_context),
    R(POST, PIPES "/probe/topics", ASK, JSON_BODY, probe_topics),
    R(POST, PIPES "/probe/sample", ASK, JSON_BODY, probe_sample),
    R(POST, PIPES "/probe/infer", ASK, JSON_BODY, probe_infer),
    R(POST, PIPES "/probe/preview", ASK, JSON_BODY, probe_preview),
    R(POST, PIPES "/probe/connection", ASK, JSON_BODY, probe_connection),
    R(POST, PIPES "/schemaDiscovery", ASK, JSON_BODY, schema_discovery),
    R(POST, PIPES "/import/kafka-engine", ASK, JSON_BODY, import_kafka_engine),
    R(GET, PIPE, READ, NO_BODY, pipe_get),
    R(PATCH, PIPE, WRITE, JSON_BODY, pipe_patch),
    R(DELETE, PIPE, WRITE, NO_BODY, pipe_delete),
    R(PATCH, PIPE "/state", WRITE, JSON_BODY, pipe_state),
    R(PATCH, PIPE "/scaling", WRITE, JSON_BODY, pipe_scaling),
    R(GET, PIPE "/settings", READ, NO_BODY, settings_get),
    R(PUT, PIPE "/settings", WRITE, JSON_BODY, settings_put),
    R(PATCH, PIPE "/source", WRITE, JSON_BODY, source_patch),
    R(POST, PIPE "/restart", WRITE, JSON_BODY, pipe_restart),
    R(GET, PIPE "/offsets", READ, NO_BODY, offsets_get),
    R(POST, PIPE "/offsets/reset", WRITE, JSON_BODY, offsets_reset),
    R(GET, PIPE "/summary", READ, NO_BODY, summary_get),
    R(GET, PIPE "/asyncapi", READ, NO_BODY, asyncapi_get),
    Q(PIPE "/metrics", metrics_get, "from to step"),
    Q(PIPE "/errors", errors_get,
      "type from to topic partition offset_from offset_to limit cursor"),
    R(POST, PIPE "/errors/replay", WRITE, JSON_BODY, errors_replay),
    Q(PIPE "/events", events_get, "type from to limit cursor"),
};
#undef R
#undef Q
/* clang-format on */

const struct route_table api_routes = {ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0])};
