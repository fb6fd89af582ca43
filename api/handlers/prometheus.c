/*
 * The Prometheus paths: text, not the envelope, and the list of what there is to scrape.
 * `filtered_metrics` is accepted; the ClickPipes series are in both forms.
 */
#include "common/metrics/prometheus.h"

#include <string.h>

#include "common/store/runtime.h"

#include "api/handlers/handlers.h"
#include "api/wire/prometheus_wire.h"

enum {
    PAGE_MAX_BYTES = 64 * 1024 * 1024
};

static enum status
write_page(const struct prometheus_page *page, struct reply *reply, struct err *err)
{
    struct buf text;
    buf_init(&text, PAGE_MAX_BYTES);
    enum status status = wire_prometheus_write(page, &text);
    if (status != ST_OK) {
        buf_done(&text);
        return err_set(err, status, "the metrics do not fit");
    }
    reply_set_text(reply, &text, PROMETHEUS_CONTENT_TYPE);
    return ST_OK;
}

/* services: those to show. service_id: of one of them, NULL = all of the organization. */
static enum status reply_page(
    const struct request *request, const struct service_rows *services, const char *service_id,
    struct reply *reply, struct err *err)
{
    const char *organization_id = request->key.organization_id;
    struct pipe_rows pipes = {0};
    enum status status = pipe_list(request->store, organization_id, service_id, &pipes, err);
    if (status != ST_OK) {
        return status;
    }
    struct runtime_summaries summaries = {0};
    const struct runtime_scope scope = {
        .organization_id = organization_id, .service_id = service_id};
    status = runtime_summarize(request->store, &scope, &summaries, err);
    if (status == ST_OK) {
        struct prometheus_page page = {organization_id, services, &pipes, &summaries};
        status = write_page(&page, reply, err);
        runtime_summaries_done(&summaries);
    }
    pipe_rows_done(&pipes);
    return status;
}

/* filtered_metrics is a boolean or absent. */
static enum status check_filtered(const struct request *request, struct err *err)
{
    const char *text = request_query(request, "filtered_metrics");
    if (text == NULL || strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        return ST_OK;
    }
    return err_set(err, ST_INVALID, "query parameter filtered_metrics: must be true or false");
}

enum status
handle_prometheus_organization(const struct request *request, struct reply *reply, struct err *err)
{
    struct service_rows services = {0};
    enum status status = check_filtered(request, err);
    if (status == ST_OK) {
        status = service_list(request->store, request->key.organization_id, &services, err);
    }
    if (status != ST_OK) {
        return status;
    }
    status = reply_page(request, &services, NULL, reply, err);
    service_rows_done(&services);
    return status;
}

enum status
handle_prometheus_service(const struct request *request, struct reply *reply, struct err *err)
{
    struct service_row service = request->service; /* borrowed, shown as a list of one */
    struct service_rows services = {&service, 1};
    enum status status = check_filtered(request, err);
    return status != ST_OK ? status
                           : reply_page(request, &services, request->service.id, reply, err);
}

/* One service's target: the address that this request was sent to, the path in a label. */
static json_t *target_of(const struct request *request, const struct service_row *service)
{
    const char *filtered = request_query(request, "filtered_metrics");
    json_t *path = json_sprintf(
        "/v1/organizations/%s/services/%s/prometheus", request->key.organization_id, service->id);
    return json_pack(
        "{s:[s], s:{s:o, s:s, s:s, s:s, s:s, s:s}}", "targets", request->host, "labels",
        "__metrics_path__", path, "__scheme__", request->is_secure ? "https" : "http",
        "__param_filtered_metrics", filtered == NULL ? "true" : filtered, "clickhouse_org",
        request->key.organization_id, "clickhouse_service", service->id, "clickhouse_service_name",
        service->name);
}

/* GET …/prometheus/discovery: a list for Prometheus' http_sd_configs, one target per service. */
enum status
handle_prometheus_discovery(const struct request *request, struct reply *reply, struct err *err)
{
    static const char HOST_CHARS[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
    const char *host = request->host == NULL ? "" : request->host;
    if (host[0] == '\0' || host[strspn(host, HOST_CHARS)] != '\0') {
        return err_set(err, ST_INVALID, "targets need a Host header of the form host:port");
    }
    struct service_rows services = {0};
    enum status status = check_filtered(request, err);
    if (status == ST_OK) {
        status = service_list(request->store, request->key.organization_id, &services, err);
    }
    if (status != ST_OK) {
        return status;
    }
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < services.count; i++) {
        if (json_array_append_new(list, target_of(request, &services.items[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    service_rows_done(&services);
    return reply_set_json_body(reply, list, err);
}
