/*
 * Metadata for the partitions, watermarks for their bounds, the group's offsets from its
 * coordinator. A commit with no member id is Kafka's own way for tools (an empty group only).
 */
#include "worker/replica/kafka/offsets.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "worker/replica/kafka/client.h"
#include "worker/replica/kafka/conf.h"

enum {
    OFFSETS_PREFETCH_BYTES = 1024 * 1024, /* nothing is fetched */
    OFFSETS_LEAST_MS = 100,
};

struct kafka_offsets {
    rd_kafka_t *rk;
    const struct kafka_source *source;
    int64_t deadline_ms;
};

void kafka_offset_rows_done(struct kafka_offset_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->items[i].topic);
    }
    free(rows->items);
    *rows = (struct kafka_offset_rows){0};
}

static int time_left_ms(const struct kafka_offsets *offsets)
{
    const int64_t left_ms = offsets->deadline_ms - clock_monotonic_ms();
    return left_ms < OFFSETS_LEAST_MS ? OFFSETS_LEAST_MS : (int)left_ms;
}

static enum status fail(struct err *err, const char *what, rd_kafka_resp_err_t error)
{
    return err_set(
        err, ST_UNAVAILABLE, "%s: %s: %s", what, rd_kafka_err2name(error), rd_kafka_err2str(error));
}

static enum status
make_client(struct kafka_offsets *offsets, const struct kafka_conf *conf, struct err *err)
{
    rd_kafka_conf_t *made = NULL;
    enum status st = client_conf(conf, &made, err);
    if (st != ST_OK) {
        return st;
    }
    return client_new(made, &offsets->rk, err);
}

enum status kafka_offsets_open(
    const struct kafka_source *source, const char *group, int64_t deadline_ms,
    struct kafka_offsets **ret_offsets, struct err *err)
{
    struct kafka_offsets *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a kafka client");
    }
    made->source = source;
    made->deadline_ms = deadline_ms;
    struct kafka_conf conf = {.count = 0};
    const struct kafka_conf_consumer consumer = {
        .group_id = group, .prefetch_bytes = OFFSETS_PREFETCH_BYTES};
    enum status st = kafka_conf_connection(source, "penstock-offsets", &conf, err);
    if (st == ST_OK) {
        st = kafka_conf_add_consumer(&conf, &consumer, err);
    }
    if (st == ST_OK) {
        st = make_client(made, &conf, err);
    }
    kafka_conf_done(&conf);
    if (st != ST_OK) {
        free(made);
        return st;
    }
    *ret_offsets = made;
    return ST_OK;
}

static enum status add_topic(
    struct kafka_offsets *offsets, const char *name, struct kafka_offset_rows *rows,
    struct err *err)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(offsets->rk, name, NULL);
    if (topic == NULL) {
        return err_set(err, ST_INVALID, "topic '%s' is no valid name", name);
    }
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(offsets->rk, 0, topic, &found, time_left_ms(offsets));
    rd_kafka_topic_destroy(topic);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        error = found->topics[0].err; /* asked for one topic, told of one */
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (found != NULL) {
            rd_kafka_metadata_destroy(found);
        }
        return fail(err, name, error);
    }
    const size_t count = (size_t)found->topics[0].partition_cnt;
    struct kafka_offset_row *grown =
        realloc(rows->items, (rows->count + count + 1) * sizeof(*grown));
    enum status st = grown == NULL ? err_set(err, ST_NO_MEMORY, "no memory for partitions") : ST_OK;
    rows->items = grown == NULL ? rows->items : grown;
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        struct kafka_offset_row *row = &rows->items[rows->count++];
        *row = (struct kafka_offset_row){
            .topic = strdup(name), .partition = found->topics[0].partitions[i].id, .to = -1};
        st = row->topic == NULL ? err_set(err, ST_NO_MEMORY, "no memory for partitions") : ST_OK;
    }
    rd_kafka_metadata_destroy(found);
    return st;
}

static enum status
read_bounds(struct kafka_offsets *offsets, struct kafka_offset_rows *rows, struct err *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct kafka_offset_row *row = &rows->items[i];
        rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
            offsets->rk, row->topic, row->partition, &row->low, &row->end, time_left_ms(offsets));
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return fail(err, "the bounds of a partition", error);
        }
    }
    return ST_OK;
}

/* The rows as the library's list, each with this offset. */
static rd_kafka_topic_partition_list_t *
list_of(const struct kafka_offset_rows *rows, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        rd_kafka_topic_partition_list_add(list, rows->items[i].topic, rows->items[i].partition)
            ->offset = offset;
    }
    return list;
}

static enum status
read_committed(struct kafka_offsets *offsets, struct kafka_offset_rows *rows, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = list_of(rows, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_resp_err_t error = rd_kafka_committed(offsets->rk, list, time_left_ms(offsets));
    for (size_t i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < rows->count; i++) {
        error = list->elems[i].err;
        rows->items[i].committed = list->elems[i].offset < 0 ? -1 : list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? ST_OK : fail(err, "the group's offsets", error);
}

enum status kafka_offsets_at_time(
    struct kafka_offsets *offsets, int64_t time_ms, struct kafka_offset_rows *rows, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = list_of(rows, time_ms);
    rd_kafka_resp_err_t error =
        rd_kafka_offsets_for_times(offsets->rk, list, time_left_ms(offsets));
    for (size_t i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < rows->count; i++) {
        error = list->elems[i].err;
        rows->items[i].to = list->elems[i].offset < 0 ? rows->items[i].end : list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? ST_OK : fail(err, "the offsets of a time", error);
}

/* Where a pipe begins on partitions it has committed nothing of. */
static enum status
find_starts(struct kafka_offsets *offsets, struct kafka_offset_rows *rows, struct err *err)
{
    const enum offset_strategy strategy = offsets->source->offset_strategy;
    enum status st = ST_OK;
    if (strategy == OFFSET_FROM_TIMESTAMP) {
        st = kafka_offsets_at_time(offsets, offsets->source->offset_timestamp_ms, rows, err);
    }
    for (size_t i = 0; st == ST_OK && i < rows->count; i++) {
        struct kafka_offset_row *row = &rows->items[i];
        const int64_t begin = strategy == OFFSET_FROM_TIMESTAMP ? row->to
                              : strategy == OFFSET_FROM_LATEST  ? row->end
                                                                : row->low;
        row->start = row->committed < 0 ? begin : row->committed;
        row->to = -1;
    }
    return st;
}

enum status kafka_offsets_read(
    struct kafka_offsets *offsets, struct kafka_offset_rows *ret_rows, struct err *err)
{
    struct kafka_offset_rows made = {0};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < offsets->source->topic_list.count; i++) {
        st = add_topic(offsets, offsets->source->topic_list.items[i], &made, err);
    }
    st = st == ST_OK ? read_bounds(offsets, &made, err) : st;
    st = st == ST_OK ? read_committed(offsets, &made, err) : st;
    st = st == ST_OK ? find_starts(offsets, &made, err) : st;
    if (st != ST_OK) {
        kafka_offset_rows_done(&made);
        return st;
    }
    *ret_rows = made;
    return ST_OK;
}

enum status kafka_offsets_commit(
    struct kafka_offsets *offsets, const struct kafka_offset_rows *rows, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        const struct kafka_offset_row *row = &rows->items[i];
        if (row->to >= 0) {
            rd_kafka_topic_partition_list_add(list, row->topic, row->partition)->offset = row->to;
        }
    }
    rd_kafka_resp_err_t error =
        list->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_commit(offsets->rk, list, 0);
    for (int i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        error = list->elems[i].err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
        error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
        error == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS) {
        return err_set(err, ST_CONFLICT, "the consumer group is in use: somebody reads with it");
    }
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? ST_OK : fail(err, "committing the offsets", error);
}
