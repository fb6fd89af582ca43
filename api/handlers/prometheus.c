/*
 * The two Prometheus paths: text, not the envelope. `filtered_metrics` is
 * accepted; the ClickPipes series are in both forms.
 */
#include "common/metrics/prometheus.h"

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
    size_t len = text.len_bytes;
    reply_set_body(reply, buf_take_text(&text), len, PROMETHEUS_CONTENT_TYPE);
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
    status = runtime_summarize(request->store, organization_id, service_id, NULL, &summaries, err);
    if (status == ST_OK) {
        struct prometheus_page page = {organization_id, services, &pipes, &summaries};
        status = write_page(&page, reply, err);
        runtime_summaries_done(&summaries);
    }
    pipe_rows_done(&pipes);
    return status;
}

enum status
handle_prometheus_organization(const struct request *request, struct reply *reply, struct err *err)
{
    struct service_rows services = {0};
    enum status status = service_list(request->store, request->key.organization_id, &services, err);
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
    return reply_page(request, &services, request->service.id, reply, err);
}
