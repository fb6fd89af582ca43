#ifndef API_HANDLERS_HANDLERS_H
#define API_HANDLERS_HANDLERS_H

/*
 * Every handler of the route table. Each reads the request (ids checked, organization and service
 * known to be the key's, body an object), borrows request->store, and sets the reply. 404 means
 * that a pipe is definitely gone; a database that is away is ST_UNAVAILABLE, never 404.
 */

#include "api/http/reply.h"
#include "api/http/request.h"

/* clang-format off */
#define HANDLERS(X) \
    X(health_live) X(health_ready) X(version) X(openapi) X(api_metrics) \
    X(organization_list) X(organization_get) X(audit_get) \
    X(service_create) X(service_list) X(service_get) X(service_patch) X(service_delete) \
    X(service_state) \
    X(private_endpoint_list) X(private_endpoint_create) \
    X(pipe_create) X(pipe_list) X(pipe_get) X(pipe_patch) X(pipe_delete) X(pipe_state) \
    X(pipe_scaling) X(source_patch) X(pipe_restart) X(offsets_get) X(offsets_reset) \
    X(import_kafka_engine) X(asyncapi_get) X(pipe_context) X(settings_get) X(settings_put) \
    X(summary_get) X(summary_list) X(errors_get) X(errors_replay) X(events_get) X(metrics_get) \
    X(probe_topics) X(probe_sample) X(probe_infer) X(probe_preview) X(probe_connection) \
    X(schema_discovery) \
    X(prometheus_organization) X(prometheus_service) X(prometheus_discovery)
/* clang-format on */

#define X(name)                                                                                    \
    enum status handle_##name(const struct request *request, struct reply *reply, struct err *err) \
        MUST_CHECK;
HANDLERS(X)
#undef X

#endif
