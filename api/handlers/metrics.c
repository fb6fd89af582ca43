/*
 * GET P/metrics: series for graphs out of the samples the workers take.
 */
#include <string.h>

#include "common/base/clock.h"
#include "common/store/metric_samples.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"

enum {
    RANGE_DEFAULT_S = 3600,
    POINTS_DEFAULT = 240,
    POINTS_MAX = 11000,
    STEP_MAX_S = 24 * 3600,
};

/* A time in Unix seconds, as the series have them, or RFC 3339; *ret_ms keeps its value when
 * absent.
 */
static enum status
read_time(const struct request *request, const char *name, int64_t *ret_ms, struct err *err)
{
    static const int64_t SECONDS[2] = {0, 253402300799}; /* the year 9999 ends */
    const char *text = request_query(request, name);
    if (text == NULL || text[strspn(text, "0123456789")] != '\0') {
        return support_query_time(request, name, ret_ms, err);
    }
    int64_t seconds = 0;
    enum status status = request_query_i64(request, name, SECONDS, &seconds, err);
    if (status == ST_OK) {
        *ret_ms = seconds * 1000;
    }
    return status;
}

static enum status
read_range(const struct request *request, struct metric_range *ret_range, struct err *err)
{
    static const int64_t STEPS[2] = {SAMPLE_EVERY_S, STEP_MAX_S};
    int64_t to_ms = clock_wall_ms();
    enum status status = read_time(request, "to", &to_ms, err);
    int64_t from_ms = to_ms - (int64_t)RANGE_DEFAULT_S * 1000;
    status = status == ST_OK ? read_time(request, "from", &from_ms, err) : status;
    if (status != ST_OK) {
        return status;
    }
    int64_t step_s = (to_ms - from_ms) / 1000 / POINTS_DEFAULT / SAMPLE_EVERY_S * SAMPLE_EVERY_S;
    step_s = step_s < SAMPLE_EVERY_S ? SAMPLE_EVERY_S : step_s > STEP_MAX_S ? STEP_MAX_S : step_s;
    status = request_query_i64(request, "step", STEPS, &step_s, err);
    if (status != ST_OK) {
        return status;
    }
    *ret_range = (struct metric_range){from_ms / 1000, to_ms / 1000, step_s};
    if (from_ms > to_ms || (ret_range->to - ret_range->from) / step_s > POINTS_MAX) {
        return err_set(
            err, ST_INVALID,
            "query parameters from, to, step: from must not be after to, and at "
            "most %d steps lie between",
            POINTS_MAX);
    }
    return ST_OK;
}

/* [[time, value], …] of one series. A counter's first step only says where it began. */
static json_t *series_of(const struct metric_samples *samples, size_t series, bool is_counter)
{
    json_t *list = json_array();
    for (size_t i = is_counter ? 1 : 0; i < samples->count; i++) {
        const struct metric_sample *now = &samples->items[i];
        int64_t value = now->values[series];
        if (is_counter) {
            value -= now[-1].values[series];
            value = value < 0 ? 0 : value; /* what a dead replica had fetched is taken back */
        }
        json_t *point = json_pack("[I, I]", (json_int_t)now->at, (json_int_t)value);
        if (json_array_append_new(list, point) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *samples_to_json(const struct metric_samples *samples, int64_t step_s)
{
    json_t *all = json_object();
    bool is_ok = all != NULL;
#define X(name, column, is_counter)                                                                \
    is_ok = is_ok &&                                                                               \
            json_object_set_new(all, #name, series_of(samples, SAMPLE_##column, is_counter)) == 0;
    SAMPLE_TABLE(X)
#undef X
    if (!is_ok) {
        json_decref(all);
        return NULL;
    }
    return json_pack("{s:I, s:o}", "step", (json_int_t)step_s, "series", all);
}

enum status handle_metrics_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    struct metric_range range;
    struct metric_samples samples = {0};
    status = read_range(request, &range, err);
    if (status == ST_OK) {
        status = metric_samples_list(request->store, row.id, &range, &samples, err);
    }
    pipe_row_done(&row);
    if (status == ST_OK) {
        status = reply_set_result(reply, samples_to_json(&samples, range.step_s), err);
    }
    metric_samples_done(&samples);
    return status;
}
