/* Requests of a replay, one at a time. */
#include "worker/probe/replay/target.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/parse.h"
#include "common/clickhouse/describe.h"
#include "common/http/http.h"

#include "worker/replica/decode/virtual.h"
#include "worker/replica/destination.h"

enum {
    CONNECT_MS = 5000,
    ANSWER_MAX_BYTES = 192 * 1024 * 1024, /* a page and one record as large as Kafka allows */
    LEAST_MS = 100,
    REPLICATED_WINDOW = 1000, /* replicated_deduplication_window before 25.x; 10000 since */
    REPLICATED_AGE_S = 1800,  /* half of replicated_deduplication_window_seconds since 25.x */
    FOREVER_S = 1000000000,
};

static int64_t left_ms(const struct target *target)
{
    int64_t left = target->deadline_ms - clock_monotonic_ms();
    return left > LEAST_MS ? left : LEAST_MS;
}

static enum status
perform(struct target *target, const char *sql, struct http_response *response, struct err *err)
{
    const struct clickhouse_query query = {
        .sql = sql,
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = left_ms(target),
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    struct clickhouse_request request = {.url = NULL};
    enum status st = clickhouse_query_request(target->endpoint, &query, &request, err);
    if (st != ST_OK) {
        *response = (struct http_response){.failure = HTTP_FAILURE_LOCAL};
        return st;
    }
    st = http_perform(target->client, &request.http, response, err);
    clickhouse_request_done(&request);
    if (st == ST_OK) {
        struct clickhouse_answer answer;
        clickhouse_answer_classify(response, &answer);
        st = clickhouse_answer_status(&answer, err);
    }
    return st;
}

enum status target_ask(
    struct target *target, enum status written, struct buf *sql, struct buf *ret_body,
    struct err *err)
{
    if (written != ST_OK) {
        buf_done(sql);
        return err_set(err, written, "no room for a statement of the replay");
    }
    struct http_response response;
    enum status st = perform(target, buf_text(sql), &response, err);
    buf_done(sql);
    if (st == ST_OK && ret_body != NULL) {
        *ret_body = response.body;
        buf_init(&response.body, 0);
    }
    http_response_done(&response);
    return st;
}

enum status target_number(
    struct target *target, enum status written, struct buf *sql, int64_t *ret_number,
    struct err *err)
{
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, 0);
    enum status st = target_ask(target, written, sql, &body, err);
    if (st != ST_OK) {
        return st;
    }
    char text[32] = "";
    size_t len = body.len_bytes < sizeof(text) ? body.len_bytes : sizeof(text) - 1;
    memcpy(text, buf_text(&body), len);
    text[strcspn(text, "\n")] = '\0';
    uint64_t number = 0;
    if (parse_u64(text, INT64_MAX, &number) != ST_OK) {
        return err_set(err, ST_INTERNAL, "ClickHouse answered '%s' instead of a number", text);
    }
    *ret_number = (int64_t)number;
    return ST_OK;
}

static void
verdict_of(const struct clickhouse_answer *answer, enum target_end *ret_end, struct err *err)
{
    switch (answer->verdict) {
    case CLICKHOUSE_OK:
        *ret_end = TARGET_STORED;
        return;
    case CLICKHOUSE_REJECTED:
        *ret_end = TARGET_REJECTED;
        break;
    case CLICKHOUSE_RETRY:
    case CLICKHOUSE_STOP:
        /* A view that failed has seen rows that the table may hold. */
        *ret_end = answer->is_definite && answer->reason != PIPE_REASON_VIEW_FAILED
                       ? TARGET_FAILED
                       : TARGET_UNKNOWN;
        break;
    }
    (void)err_set(err, ST_STOP, "%s", answer->message); /* the end says what to do */
}

static enum target_end
send_insert(struct target *target, const struct clickhouse_insert *insert, struct err *err)
{
    struct clickhouse_request request = {.url = NULL};
    if (clickhouse_insert_request(target->endpoint, insert, &request, err) != ST_OK) {
        return TARGET_FAILED;
    }
    struct http_response response;
    enum status st = http_perform(target->client, &request.http, &response, err);
    clickhouse_request_done(&request);
    struct clickhouse_answer answer;
    clickhouse_answer_classify(&response, &answer);
    enum target_end end = TARGET_UNKNOWN;
    verdict_of(&answer, &end, err);
    if (st != ST_OK && end == TARGET_STORED) {
        end = TARGET_UNKNOWN; /* no answer is no success */
    }
    http_response_done(&response);
    return end;
}

enum target_end
target_insert(struct target *target, struct block *block, const char *token, struct err *err)
{
    /* As the replica's sink: a table altered meanwhile must not cast our columns in silence. */
    const struct clickhouse_setting settings[] = {
        {.name = "input_format_native_allow_types_conversion", .value = "0"},
        {.name = "input_format_null_as_default", .value = target->nulls_are_defaults ? "1" : "0"},
        {.name = "input_format_defaults_for_omitted_fields", .value = "1"},
        {.name = "input_format_skip_unknown_fields", .value = "1"},
    };
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    if (block_encode(block, &pieces, &count, err) != ST_OK) {
        return TARGET_FAILED;
    }
    CLEANUP(freep) struct http_piece *body = calloc(count + 1, sizeof(*body));
    if (body == NULL) {
        (void)err_set(err, ST_NO_MEMORY, "no memory for an insert"); /* the end says it */
        return TARGET_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        body[i] = (struct http_piece){.bytes = pieces[i].bytes, .len_bytes = pieces[i].len_bytes};
    }
    const struct clickhouse_insert insert = {
        .database = target->filter->database,
        .table = target->filter->table,
        .columns = target->columns,
        .columns_count = block_columns_count(block),
        .compression = PIPE_COMPRESSION_NONE,
        .query_id = token,
        .token = token,
        .settings = settings,
        .settings_count = ARRAY_LEN(settings),
        .body = body,
        .body_count = count,
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = left_ms(target),
    };
    return send_insert(target, &insert, err);
}

uint64_t target_blocks(struct target *target)
{
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    int64_t blocks = 0;
    enum status st =
        target_number(target, replay_blocks_sql(target->filter, &sql), &sql, &blocks, NULL);
    return st == ST_OK ? (uint64_t)blocks : TARGET_BLOCKS_UNKNOWN;
}

/* How many tokens the table remembers: MergeTree only by a setting, Replicated by default. */
static void read_window(struct target *target, const struct clickhouse_table *table)
{
    static const char SETTING[] = "non_replicated_deduplication_window = ";
    target->window_age_s = FOREVER_S;
    if (strncmp(table->engine, "Replicated", 10) == 0 || strncmp(table->engine, "Shared", 6) == 0) {
        target->window_inserts = REPLICATED_WINDOW;
        target->window_age_s = REPLICATED_AGE_S;
        return;
    }
    const char *at = strstr(table->engine_full, SETTING);
    if (at != NULL) {
        target->window_inserts = strtoll(at + sizeof(SETTING) - 1, NULL, 10);
    }
}

static enum status
read_plan(struct target *target, const struct clickhouse_table *table, struct err *err)
{
    enum status st = destination_plan(target->pipe, table, &target->plan, err);
    if (st != ST_OK) {
        return st;
    }
    size_t count = 0;
    const struct block_column *planned = plan_columns(target->plan, &count);
    target->columns = calloc(count + 1, sizeof(char *));
    if (target->columns == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu columns", count);
    }
    for (size_t i = 0; i < count; i++) {
        target->columns[i] = planned[i].name;
    }
    target->nulls_are_defaults = block_nulls_are_defaults(
        planned, count, target->pipe->settings.null_mode == PIPE_NULL_ZERO);
    return ST_OK;
}

/* The field a column reads, as the plan has it. */
static const char *source_of(const struct pipe_spec *pipe, const char *column)
{
    for (size_t i = 0; i < pipe->mappings_count; i++) {
        if (strcmp(pipe->mappings[i].destination_field, column) == 0) {
            return pipe->mappings[i].source_field;
        }
    }
    return column;
}

/* Columns that say where a row came from. */
static void read_coordinates(struct target *target)
{
    struct replay_coordinates found = {.topic = NULL};
    size_t count = 0;
    const struct block_column *columns = plan_columns(target->plan, &count);
    for (size_t i = 0; i < count; i++) {
        enum virtual_kind kind = VIRTUAL_KEY;
        if (!virtual_find(source_of(target->pipe, columns[i].name), &kind)) {
            continue;
        }
        found.topic = kind == VIRTUAL_TOPIC ? columns[i].name : found.topic;
        found.partition = kind == VIRTUAL_PARTITION ? columns[i].name : found.partition;
        found.offset = kind == VIRTUAL_OFFSET ? columns[i].name : found.offset;
    }
    bool tells_topic = found.topic != NULL || target->pipe->source.topic_list.count == 1;
    if (tells_topic && found.partition != NULL && found.offset != NULL) {
        target->coordinates = found;
    }
}

static enum status open_table(struct target *target, struct err *err)
{
    const struct clickhouse_table_name name = {target->filter->database, target->filter->table};
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *table = NULL;
    enum status st = clickhouse_describe(target->client, target->endpoint, &name, &table, err);
    if (st != ST_OK) {
        return st;
    }
    read_window(target, table);
    st = read_plan(target, table, err);
    if (st == ST_OK) {
        read_coordinates(target);
    }
    return st;
}

enum status
target_open(const struct target_params *params, struct target *ret_target, struct err *err)
{
    *ret_target = (struct target){
        .endpoint = params->endpoint,
        .pipe = params->pipe,
        .filter = params->filter,
        .deadline_ms = params->deadline_ms,
    };
    enum status st = http_client_new(&ret_target->client, err);
    if (st == ST_OK) {
        st = open_table(ret_target, err);
    }
    if (st == ST_OK) {
        struct buf sql;
        buf_init(&sql, REPLAY_SQL_MAX_BYTES);
        st = target_ask(
            ret_target, replay_ddl(params->filter->database, params->filter->table, &sql), &sql,
            NULL, err);
    }
    if (st != ST_OK) {
        target_done(ret_target);
    }
    return st;
}

void target_done(struct target *target)
{
    plan_freep(&target->plan);
    free(target->columns);
    target->columns = NULL;
    http_client_free(target->client);
    target->client = NULL;
}
