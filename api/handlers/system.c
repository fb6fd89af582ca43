/*
 * What has no organization: health, version, the description of the API, the api's own metrics.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/metrics/prometheus.h"

#include "api/context.h"
#include "api/handlers/handlers.h"
#include "api/http/stats.h"
#include "api/store_pool.h"

/* openapi/penstock.yaml, put into the program by the assembler (portable over gcc and clang, and
 * nothing has to be generated). The path is set by CMakeLists.txt. */
__asm__(".pushsection .rodata\n"
        "openapi_text:\n"
        ".incbin \"" PENSTOCK_OPENAPI_FILE "\"\n"
        "0:\n"
        ".byte 0\n"
        ".balign 8\n"
        "openapi_len_bytes:\n"
        ".quad 0b - openapi_text\n"
        ".popsection\n");
extern const char openapi_text[];
extern const uint64_t openapi_len_bytes;

enum {
    METRICS_MAX_BYTES = 4 * 1024 * 1024
};

enum status handle_health_live(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    return reply_set_json_body(reply, json_pack("{s:s}", "status", "ok"), err);
}

enum status handle_health_ready(const struct request *request, struct reply *reply, struct err *err)
{
    struct store *store = NULL;
    enum status status = store_pool_take(request->context->stores, &store, err);
    if (status == ST_OK) {
        status = store_ping(store, err);
    }
    store_pool_return(request->context->stores, store);
    if (status != ST_OK) {
        return err_set(err, ST_UNAVAILABLE, "the database cannot be reached");
    }
    return reply_set_json_body(
        reply, json_pack("{s:s, s:{s:s}}", "status", "ok", "checks", "database", "ok"), err);
}

enum status handle_version(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    return reply_set_json_body(
        reply, json_pack("{s:s, s:s}", "name", "penstock", "version", PENSTOCK_VERSION), err);
}

enum status handle_openapi(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    size_t len = (size_t)openapi_len_bytes;
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the API's description");
    }
    memcpy(copy, openapi_text, len);
    copy[len] = '\0';
    reply_set_body(reply, copy, len, "application/yaml; charset=utf-8");
    return ST_OK;
}

enum status handle_api_metrics(const struct request *request, struct reply *reply, struct err *err)
{
    struct buf text;
    buf_init(&text, METRICS_MAX_BYTES);
    const struct prometheus_label version = {"version", PENSTOCK_VERSION};
    const struct prometheus_labels labels = {&version, 1};
    enum status status = prometheus_family(&text, METRIC_BUILD_INFO);
    if (status == ST_OK) {
        status = prometheus_sample_i64(&text, METRIC_BUILD_INFO, &labels, 1);
    }
    if (status == ST_OK) {
        status = request_stats_write(request->context->stats, &text);
    }
    if (status != ST_OK) {
        buf_done(&text);
        return err_set(err, status, "the metrics do not fit");
    }
    reply_set_text(reply, &text, PROMETHEUS_CONTENT_TYPE);
    return ST_OK;
}
