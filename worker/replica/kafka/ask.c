/* Blocking calls of the Kafka library, collected where blocking is allowed. */
#include "worker/replica/kafka/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "worker/replica/kafka/client.h"
#include "worker/replica/kafka/trouble.h"

enum {
    KICK_TIMEOUT_MS = 500,
    READ_RECORD_MS = 10000,   /* for one record that should be there */
    READ_FORWARD_MAX = 10000, /* records passed over rather than seeking */
    READ_POLL_MS = 200,
    READABLE_MS = 1500, /* a topic that is still refused is not told twice: silence says so */
    NONE_OLD = -1,
};

enum status ask_init(struct ask *ask, const struct helper_params *params, struct err *err)
{
    *ask = (struct ask){
        .rk = params->rk, .strategy = params->strategy, .timestamp_ms = params->timestamp_ms};
    enum status st = client_conf(params->conf, &ask->reader_conf, err);
    if (st != ST_OK) {
        return st;
    }
    (void)rd_kafka_conf_set(ask->reader_conf, "enable.partition.eof", "true", NULL, 0); /* known */
    ask->topics = calloc(params->topics->count + 1, sizeof(rd_kafka_topic_t *));
    ask->leaders = rd_kafka_topic_partition_list_new(8);
    ask->partitions_counts = calloc(params->topics->count + 1, sizeof(int32_t));
    if (ask->topics == NULL || ask->leaders == NULL || ask->partitions_counts == NULL) {
        ask_done(ask);
        return err_set(err, ST_NO_MEMORY, "no memory for %zu topics", params->topics->count);
    }
    for (size_t i = 0; i < params->topics->count; i++) {
        ask->topics[i] = rd_kafka_topic_new(ask->rk, params->topics->items[i], NULL);
        if (ask->topics[i] == NULL) {
            enum status failed = err_set(
                err, ST_INVALID, "topic '%s': %s", params->topics->items[i],
                rd_kafka_err2str(rd_kafka_last_error()));
            ask_done(ask);
            return failed;
        }
        ask->topics_count++;
    }
    return ST_OK;
}

void ask_done(struct ask *ask)
{
    for (size_t i = 0; ask->topics != NULL && i < ask->topics_count; i++) {
        rd_kafka_topic_destroy(ask->topics[i]);
    }
    free(ask->topics);
    free(ask->partitions_counts);
    if (ask->leaders != NULL) {
        rd_kafka_topic_partition_list_destroy(ask->leaders);
    }
    if (ask->reader_conf != NULL) {
        rd_kafka_conf_destroy(ask->reader_conf);
    }
    *ask = (struct ask){.rk = NULL};
}

static void job_fail(struct helper_job *job, rd_kafka_resp_err_t error, const char *what)
{
    job->error = error;
    (void)snprintf(
        job->text, sizeof(job->text), "%s: %s", what, rd_kafka_err2str(error)); /* cut is fine */
}

/* Look at a topic, and remember what of it is old. */
static rd_kafka_resp_err_t ask_topic(struct ask *ask, size_t i)
{
    const struct rd_kafka_metadata *found = NULL;
    int32_t *count = &ask->partitions_counts[i];
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(ask->rk, 0, ask->topics[i], &found, ASK_TIMEOUT_MS);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && found->topic_cnt > 0) {
        error = found->topics[0].err;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR && *count == 0) {
            *count = found->topics[0].partition_cnt;
        }
        if (trouble_reason(error) == PIPE_REASON_TOPIC_NOT_FOUND) {
            *count = NONE_OLD;
        }
    }
    if (found != NULL) {
        rd_kafka_metadata_destroy(found);
    }
    return error;
}

static enum status ask_open_reader(struct ask *ask)
{
    if (ask->reader != NULL) {
        return ST_OK;
    }
    enum status st = client_new(rd_kafka_conf_dup(ask->reader_conf), &ask->reader, NULL);
    if (st != ST_OK) {
        return st;
    }
    (void)rd_kafka_poll_set_consumer(ask->reader); /* a consumer was just made */
    return ST_OK;
}

/* Take out of the list what can be read from: a fetch at the end of the log is answered by "end of
 * partition". That is the only question to which the right to read is needed and nothing else. */
static void ask_readable(struct ask *ask, rd_kafka_topic_partition_list_t *refused)
{
    if (ask_open_reader(ask) != ST_OK) {
        return;
    }
    for (int i = 0; i < refused->cnt; i++) {
        refused->elems[i].offset = RD_KAFKA_OFFSET_END;
    }
    (void)rd_kafka_assign(ask->reader, refused); /* a failure shows as no answer */
    int64_t deadline_ms = clock_monotonic_ms() + READABLE_MS;
    bool is_told = false;
    while (!is_told && refused->cnt > 0 && clock_monotonic_ms() < deadline_ms) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(ask->reader, READ_POLL_MS);
        if (message == NULL) {
            continue;
        }
        if ((message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
             message->err == RD_KAFKA_RESP_ERR_NO_ERROR) &&
            message->rkt != NULL) {
            rd_kafka_topic_partition_list_del(
                refused, rd_kafka_topic_name(message->rkt), message->partition);
        }
        is_told = trouble_reason(message->err) == PIPE_REASON_SOURCE_AUTHORIZATION;
        rd_kafka_message_destroy(message);
    }
    (void)rd_kafka_assign(ask->reader, NULL); /* stop fetching until the next question */
}

void ask_topics(struct ask *ask, struct helper_job *job)
{
    for (size_t i = 0; i < ask->topics_count; i++) {
        rd_kafka_resp_err_t error = ask_topic(ask, i);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            char what[300];
            (void)snprintf(what, sizeof(what), "topic '%s'", rd_kafka_topic_name(ask->topics[i]));
            job_fail(job, error, what);
            return;
        }
    }
    if (job->partitions != NULL) {
        ask_readable(ask, job->partitions);
    }
}

/* Partitions that were made after we began are read whole: "latest" means when the pipe began. */
static bool ask_is_new(struct ask *ask, const rd_kafka_topic_partition_t *partition)
{
    for (size_t i = 0; i < ask->topics_count; i++) {
        if (strcmp(rd_kafka_topic_name(ask->topics[i]), partition->topic) == 0) {
            if (ask->partitions_counts[i] == 0) {
                (void)ask_topic(ask, i); /* unknown: it is taken for old */
            }
            int32_t count = ask->partitions_counts[i];
            return count == NONE_OLD || (count > 0 && partition->partition >= count);
        }
    }
    return false;
}

/* The offset that the pipe's start strategy means on a partition without a committed one. */
static rd_kafka_resp_err_t ask_start(struct ask *ask, rd_kafka_topic_partition_t *partition)
{
    int64_t low = -1;
    int64_t high = -1;
    if (ask->strategy == OFFSET_FROM_LATEST && ask_is_new(ask, partition)) {
        rd_kafka_resp_err_t failed = rd_kafka_query_watermark_offsets(
            ask->rk, partition->topic, partition->partition, &low, &high, ASK_TIMEOUT_MS);
        partition->offset = low;
        return failed;
    }
    switch (ask->strategy) {
    case OFFSET_FROM_BEGINNING:
        partition->offset = RD_KAFKA_OFFSET_BEGINNING;
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    case OFFSET_FROM_TIMESTAMP: {
        rd_kafka_topic_partition_list_t *times = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(times, partition->topic, partition->partition)->offset =
            ask->timestamp_ms;
        rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(ask->rk, times, ASK_TIMEOUT_MS);
        int64_t offset = times->elems[0].offset;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            error = times->elems[0].err;
        }
        rd_kafka_topic_partition_list_destroy(times);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return error;
        }
        if (offset >= 0) {
            partition->offset = offset;
            return RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        break; /* nothing that young yet: from the end */
    }
    case OFFSET_FROM_LATEST:
        break;
    }
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
        ask->rk, partition->topic, partition->partition, &low, &high, ASK_TIMEOUT_MS);
    partition->offset = high;
    return error;
}

/* The library gives the metadata of a committed offset without a zero byte behind it. */
static void end_metadata(rd_kafka_t *rk, rd_kafka_topic_partition_t *partition)
{
    if (partition->metadata != NULL) {
        char *text = rd_kafka_mem_malloc(rk, partition->metadata_size + 1);
        memcpy(text, partition->metadata, partition->metadata_size);
        text[partition->metadata_size] = '\0';
        rd_kafka_mem_free(rk, partition->metadata);
        partition->metadata = text;
    }
}

void ask_committed(struct ask *ask, struct helper_job *job)
{
    rd_kafka_topic_partition_list_t *list = job->partitions;
    job->committed = calloc((size_t)(list->cnt > 0 ? list->cnt : 1), sizeof(int64_t));
    if (job->committed == NULL) {
        job_fail(job, RD_KAFKA_RESP_ERR__FAIL, "no memory for offsets");
        return;
    }
    rd_kafka_resp_err_t error = rd_kafka_committed(ask->rk, list, ASK_TIMEOUT_MS);
    for (int i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        error = list->elems[i].err;
        job->committed[i] = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        job_fail(job, error, "reading committed offsets");
    }
}

void ask_offsets(struct ask *ask, struct helper_job *job)
{
    rd_kafka_topic_partition_list_t *list = job->partitions;
    for (int i = 0; i < list->cnt; i++) {
        (void)ask_is_new(ask, &list->elems[i]); /* notes what is old the first time */
    }
    ask_committed(ask, job);
    for (int i = 0; job->error == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        rd_kafka_topic_partition_t *partition = &list->elems[i];
        end_metadata(ask->rk, partition);
        if (job->committed[i] >= 0) {
            continue;
        }
        rd_kafka_resp_err_t error = ask_start(ask, partition);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            job_fail(job, error, "looking up the offset to start from");
        }
    }
    ask->leaders_at_ms = 0; /* the next kick looks at the new partitions */
}

void ask_bounds(struct ask *ask, struct helper_job *job)
{
    const rd_kafka_topic_partition_t *partition = &job->partitions->elems[0];
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
        ask->rk, partition->topic, partition->partition, &job->low, &job->high, ASK_TIMEOUT_MS);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        job_fail(job, error, "looking up the first offset");
        return;
    }
    job->committed = calloc(1, sizeof(int64_t));
    error = job->committed == NULL ? RD_KAFKA_RESP_ERR__FAIL
                                   : rd_kafka_committed(ask->rk, job->partitions, ASK_TIMEOUT_MS);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        error = partition->err;
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        job_fail(job, error, "reading the committed offset");
        return;
    }
    job->committed[0] = partition->offset >= 0 ? partition->offset : -1;
}

static bool leaders_has(const int32_t *leaders, size_t count, int32_t leader)
{
    for (size_t i = 0; i < count; i++) {
        if (leaders[i] == leader) {
            return true;
        }
    }
    return false;
}

static void ask_leaders(struct ask *ask)
{
    int32_t leaders[256];
    size_t count = 0;
    rd_kafka_topic_partition_list_destroy(ask->leaders);
    ask->leaders = rd_kafka_topic_partition_list_new(8);
    for (size_t i = 0; i < ask->topics_count; i++) {
        const struct rd_kafka_metadata *found = NULL;
        if (rd_kafka_metadata(ask->rk, 0, ask->topics[i], &found, KICK_TIMEOUT_MS) !=
                RD_KAFKA_RESP_ERR_NO_ERROR ||
            found->topic_cnt == 0) {
            continue;
        }
        for (int p = 0; p < found->topics[0].partition_cnt; p++) {
            int32_t leader = found->topics[0].partitions[p].leader;
            if (leader >= 0 && count < ARRAY_LEN(leaders) && !leaders_has(leaders, count, leader)) {
                leaders[count++] = leader;
                rd_kafka_topic_partition_list_add(
                    ask->leaders, found->topics[0].topic, found->topics[0].partitions[p].id);
            }
        }
        rd_kafka_metadata_destroy(found);
    }
}

void ask_kick(struct ask *ask, int64_t now_ms, int64_t fresh_ms)
{
    if (ask->leaders_at_ms == 0 || now_ms - ask->leaders_at_ms > fresh_ms) {
        ask_leaders(ask);
        ask->leaders_at_ms = now_ms;
    }
    for (int i = 0; i < ask->leaders->cnt; i++) {
        int64_t low = 0;
        int64_t high = 0;
        (void)rd_kafka_query_watermark_offsets(
            ask->rk, ask->leaders->elems[i].topic, ask->leaders->elems[i].partition, &low, &high,
            KICK_TIMEOUT_MS); /* the request is what counts, not its answer */
    }
}

/* Let the reader go on at this record. */
static rd_kafka_resp_err_t reader_seek(struct ask *ask, const rd_kafka_topic_partition_t *wanted)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, wanted->topic, wanted->partition)->offset =
        wanted->offset;
    rd_kafka_resp_err_t error = rd_kafka_assign(ask->reader, list);
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

/* The record at this offset, NULL if the log has none there (any more). */
static rd_kafka_message_t *
reader_next(struct ask *ask, const rd_kafka_topic_partition_t *wanted, int64_t *ret_position)
{
    int64_t deadline_ms = clock_monotonic_ms() + READ_RECORD_MS;
    while (clock_monotonic_ms() < deadline_ms) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(ask->reader, READ_POLL_MS);
        if (message == NULL) {
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *ret_position = message->offset + 1;
            if (message->offset == wanted->offset) {
                return message;
            }
        }
        bool is_gone =
            message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
            (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset > wanted->offset);
        rd_kafka_message_destroy(message);
        if (is_gone) {
            return NULL;
        }
    }
    return NULL;
}

void ask_records(struct ask *ask, struct helper_job *job)
{
    rd_kafka_topic_partition_list_t *list = job->partitions;
    job->messages = calloc((size_t)list->cnt, sizeof(rd_kafka_message_t *));
    if (job->messages == NULL || ask_open_reader(ask) != ST_OK) {
        job_fail(job, RD_KAFKA_RESP_ERR__FAIL, "cannot read records again");
        return;
    }
    int64_t position = -1;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *wanted = &list->elems[i];
        bool is_near = i > 0 && position >= 0 &&
                       wanted->partition == list->elems[i - 1].partition &&
                       strcmp(wanted->topic, list->elems[i - 1].topic) == 0 &&
                       wanted->offset >= position && wanted->offset - position < READ_FORWARD_MAX;
        if (!is_near) {
            position = -1;
            if (reader_seek(ask, wanted) != RD_KAFKA_RESP_ERR_NO_ERROR) {
                continue;
            }
        }
        job->messages[i] = reader_next(ask, wanted, &position);
    }
    (void)rd_kafka_assign(ask->reader, NULL); /* stop fetching until the next question */
}
