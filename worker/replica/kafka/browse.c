/*
 * Records are read with the library's simple consumer: partitions are started at an offset and
 * forwarded to one queue, no group is involved.
 */
#include "worker/replica/kafka/browse.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "worker/replica/kafka/check_handle.h"
#include "worker/replica/kafka/message.h"

enum {
    READ_POLL_MS = 100,
    ASK_MS = 3000,
    PARTITIONS_MAX = 256, /* of a topic that are looked at */
};

struct browse {
    struct check check;
};

/* A partition that is being read. */
struct lane {
    int32_t partition;
    int64_t left; /* records still wanted */
    int64_t end;  /* behind the last record when reading began */
    bool is_done;
};

struct reading {
    struct browse *browse;
    const struct browse_from *from;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    struct lane lanes[PARTITIONS_MAX];
    size_t lanes_count;
};

enum status browse_open(
    const struct kafka_source *source, int64_t deadline_ms, struct browse **ret_browse,
    struct err *err)
{
    struct browse *browse = calloc(1, sizeof(*browse));
    if (browse == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a kafka client");
    }
    browse->check = (struct check){.source = source, .deadline_ms = deadline_ms};
    enum status st = check_open(&browse->check, err);
    if (st != ST_OK) {
        free(browse);
        return st;
    }
    *ret_browse = browse;
    return ST_OK;
}

enum status browse_topics(
    struct browse *browse, browse_topic *take, void *ctx, enum pipe_reason *ret_reason,
    struct err *err)
{
    const struct rd_kafka_metadata *found = NULL;
    enum status st = check_metadata(&browse->check, NULL, &found, ret_reason, err);
    if (st != ST_OK) {
        return st;
    }
    for (int i = 0; st == ST_OK && i < found->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *topic = &found->topics[i];
        if (topic->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
            !take(ctx, topic->topic, topic->partition_cnt)) {
            *ret_reason = PIPE_REASON_INTERNAL;
            st = err_set(err, ST_NO_MEMORY, "no memory for %d topics", found->topic_cnt);
        }
    }
    rd_kafka_metadata_destroy(found);
    return st;
}

/* The offset of the first record of that time or later; −1 = none. */
static int64_t offset_of_time(struct reading *reading, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reading->from->topic, partition)->offset =
        reading->from->timestamp_ms;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(reading->browse->check.rk, list, ASK_MS);
    int64_t offset = error == RD_KAFKA_RESP_ERR_NO_ERROR ? list->elems[0].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

static int64_t first_offset(struct reading *reading, int32_t partition, int64_t low, int64_t high)
{
    int64_t offset = low;
    switch (reading->from->place) {
    case BROWSE_NEWEST:
        offset = high - reading->from->limit;
        break;
    case BROWSE_OLDEST:
        break;
    case BROWSE_OFFSET:
        offset = reading->from->offset;
        break;
    case BROWSE_TIMESTAMP:
        offset = offset_of_time(reading, partition);
        offset = offset < 0 ? high : offset;
        break;
    }
    return offset < low ? low : offset;
}

/* Begin to read a partition that has something to read. */
static rd_kafka_resp_err_t start_lane(struct reading *reading, int32_t partition)
{
    int64_t low = 0;
    int64_t high = 0;
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
        reading->browse->check.rk, reading->from->topic, partition, &low, &high, ASK_MS);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return error;
    }
    int64_t offset = first_offset(reading, partition, low, high);
    if (offset >= high || reading->lanes_count == PARTITIONS_MAX) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    if (rd_kafka_consume_start_queue(reading->topic, partition, offset, reading->queue) != 0) {
        return rd_kafka_last_error();
    }
    reading->lanes[reading->lanes_count++] =
        (struct lane){.partition = partition, .left = reading->from->limit, .end = high};
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static struct lane *lane_of(struct reading *reading, int32_t partition)
{
    for (size_t i = 0; i < reading->lanes_count; i++) {
        if (reading->lanes[i].partition == partition) {
            return &reading->lanes[i];
        }
    }
    return NULL;
}

static bool is_over(const struct reading *reading)
{
    for (size_t i = 0; i < reading->lanes_count; i++) {
        if (!reading->lanes[i].is_done) {
            return false;
        }
    }
    return true;
}

/* False: enough. */
static bool
take_message(struct lane *lane, const rd_kafka_message_t *message, browse_record *take, void *ctx)
{
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        lane->is_done = true; /* its end, or nothing that a sample needs to know */
        return true;
    }
    if (lane->is_done) {
        return true;
    }
    struct record record;
    message_record(&record, message);
    bool wants_more = take(ctx, &record);
    lane->left--;
    lane->is_done = lane->left <= 0 || message->offset + 1 >= lane->end;
    return wants_more;
}

static void read_lanes(struct reading *reading, browse_record *take, void *ctx)
{
    bool wants_more = true;
    while (wants_more && !is_over(reading) &&
           clock_monotonic_ms() < reading->browse->check.deadline_ms) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(reading->queue, READ_POLL_MS);
        if (message == NULL) {
            continue;
        }
        struct lane *lane = lane_of(reading, message->partition);
        if (lane != NULL) {
            wants_more = take_message(lane, message, take, ctx);
        }
        rd_kafka_message_destroy(message);
    }
}

static rd_kafka_resp_err_t
start_lanes(struct reading *reading, const struct rd_kafka_metadata *found)
{
    const struct rd_kafka_metadata_topic *topic = &found->topics[0];
    int32_t only = reading->from->partition;
    if (only >= topic->partition_cnt) {
        return RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    }
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < topic->partition_cnt; i++) {
        if (only < 0 || topic->partitions[i].id == only) {
            error = start_lane(reading, topic->partitions[i].id);
        }
    }
    return error;
}

enum status browse_records(
    struct browse *browse, const struct browse_from *from, browse_record *take, void *ctx,
    enum pipe_reason *ret_reason, struct err *err)
{
    const struct rd_kafka_metadata *found = NULL;
    enum status st = check_metadata(&browse->check, from->topic, &found, ret_reason, err);
    if (st != ST_OK) {
        return st;
    }
    struct reading *reading = calloc(1, sizeof(*reading));
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    if (reading == NULL || conf == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory to read records"); /* the process ends */
    }
    (void)rd_kafka_topic_conf_set(conf, "auto.offset.reset", "error", NULL, 0); /* is known */
    reading->browse = browse;
    reading->from = from;
    reading->topic = rd_kafka_topic_new(browse->check.rk, from->topic, conf);
    reading->queue = rd_kafka_queue_new(browse->check.rk);
    rd_kafka_resp_err_t error = start_lanes(reading, found);
    rd_kafka_metadata_destroy(found);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        read_lanes(reading, take, ctx);
        free(reading); /* topic and queue stay as the client does: the process ends soon */
        return ST_OK;
    }
    free(reading);
    if (error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
        *ret_reason = PIPE_REASON_INTERNAL;
        return err_set(
            err, ST_NOT_FOUND, "/partition: topic '%s' has no partition %d", from->topic,
            (int)from->partition);
    }
    return check_fail(&browse->check, error, NULL, ret_reason, err);
}
