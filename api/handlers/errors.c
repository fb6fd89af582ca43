/*
 * GET P/errors: pages of the pipe's rejected records, read from the error table in ClickHouse.
 */
#include "common/clickhouse/error_table.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/errors_wire.h"

static const char *const TYPES[] = {
#define X(type) #type,
    ERROR_TABLE_TYPES(X)
#undef X
};

static enum status
read_filter(const struct request *request, struct error_filter *filter, struct err *err)
{
    static const int64_t PARTITIONS[2] = {0, INT32_MAX};
    static const int64_t OFFSETS[2] = {0, INT64_MAX};
    static const int64_t LIMITS[2] = {1, ERROR_PAGE_LIMIT_MAX};
    filter->type = request_query(request, "type");
    filter->topic = request_query(request, "topic");
    filter->cursor = request_query(request, "cursor");
    int64_t limit = ERROR_PAGE_LIMIT_DEFAULT;
    enum status status =
        support_check_word("query parameter type", filter->type, TYPES, ARRAY_LEN(TYPES), err);
    if (status == ST_OK) {
        status = support_query_time(request, "from", &filter->from_ms, err);
    }
    status = status == ST_OK ? support_query_time(request, "to", &filter->to_ms, err) : status;
    if (status == ST_OK) {
        status = request_query_i64(request, "partition", PARTITIONS, &filter->partition, err);
    }
    if (status == ST_OK) {
        status = request_query_i64(request, "offset_from", OFFSETS, &filter->offset_from, err);
    }
    if (status == ST_OK) {
        status = request_query_i64(request, "offset_to", OFFSETS, &filter->offset_to, err);
    }
    if (status == ST_OK) {
        status = request_query_i64(request, "limit", LIMITS, &limit, err);
    }
    filter->limit = (int)limit;
    return status;
}

static enum status read_page(
    const struct request *request, const struct error_filter *filter, struct reply *reply,
    struct err *err)
{
    struct support_clickhouse clickhouse = {0};
    enum status status = support_clickhouse_open(request, &clickhouse, err);
    if (status != ST_OK) {
        return status;
    }
    struct error_page page = {0};
    status = error_page_read(clickhouse.client, &clickhouse.endpoint, filter, &page, err);
    support_clickhouse_done(&clickhouse);
    if (status != ST_OK) {
        /* A cursor that is none is the client's; a ClickHouse that is away is worth another try. */
        return status;
    }
    status = reply_set_result(reply, wire_errors_to_json(&page), err);
    error_page_done(&page);
    return status;
}

enum status handle_errors_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    const json_t *destination = json_object_get(row.definition, "destination");
    const char *database = json_string_value(json_object_get(destination, "database"));
    struct error_filter filter;
    error_filter_init(&filter);
    filter.database = database == NULL ? "default" : database;
    filter.table = json_string_value(json_object_get(destination, "table"));
    filter.pipe_id = row.id;
    status = read_filter(request, &filter, err);
    if (status == ST_OK) {
        status = read_page(request, &filter, reply, err);
    }
    pipe_row_done(&row);
    return status;
}
