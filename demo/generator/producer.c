/* The librdkafka producer. A record is counted in its delivery report, never when it is queued, so
 * the counts are what the broker has. */

#include "demo/generator/producer.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIBRARY_TEXT_BYTES = 512,
    METADATA_TIMEOUT_MS = 10000,
    CREATE_TIMEOUT_MS = 20000,
    TOPIC_VISIBLE_TRIES = 100,
    TOPIC_VISIBLE_STEP_MS = 100
};

struct producer {
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    struct producer_counts counts;
    char last_failure[LIBRARY_TEXT_BYTES];
};

/* Its address marks a malformed record in the record's opaque. */
static const char malformed_mark = 'm';

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct producer *producer = opaque;
    (void)client; /* not needed: the opaque has all */
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        producer->counts.failed++;
        (void)snprintf(
            producer->last_failure, sizeof(producer->last_failure), "%s",
            rd_kafka_err2str(message->err));
        return;
    }
    producer->counts.acknowledged++;
    producer->counts.bytes += message->len;
    if (message->_private == &malformed_mark) {
        producer->counts.malformed++;
    }
    if (message->partition >= 0 && message->partition < PRODUCER_PARTITIONS_MAX) {
        producer->counts.by_partition[message->partition]++;
    }
}

static enum status
fill_conf(rd_kafka_conf_t *conf, const struct producer_settings *settings, struct err *err)
{
    const char *const pairs[][2] = {
        {"bootstrap.servers", settings->brokers},
        {"client.id", "penstock-demo-events"},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"compression.codec", settings->compression},
        {"linger.ms", settings->has_low_latency ? "20" : "100"},
        {"batch.num.messages", "10000"},
        {"queue.buffering.max.messages", "200000"},
        {"queue.buffering.max.kbytes", "262144"},
        {"partitioner", "murmur2_random"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char text[LIBRARY_TEXT_BYTES] = "";
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], text, sizeof(text)) !=
            RD_KAFKA_CONF_OK) {
            return err_set(err, ST_INVALID, "%s", text);
        }
    }
    return ST_OK;
}

static enum status
start_client(struct producer *producer, const struct producer_settings *settings, struct err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum status status = fill_conf(conf, settings, err);
    if (status != ST_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, producer);
    char text[LIBRARY_TEXT_BYTES] = "";
    producer->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (producer->client == NULL) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ST_INVALID, "cannot start the producer: %s", text);
    }
    return ST_OK;
}

/* Partitions of the topic, 0 if there is no such topic. All topics are listed, because asking for
 * one by name may create it with a partition count of the broker's choice. */
static enum status
find_topic(struct producer *producer, const char *topic, int *ret_partition_count, struct err *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(producer->client, 1, NULL, &metadata, METADATA_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(err, ST_UNAVAILABLE, "no broker answers: %s", rd_kafka_err2str(code));
    }
    *ret_partition_count = 0;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strcmp(metadata->topics[i].topic, topic) == 0) {
            *ret_partition_count = metadata->topics[i].partition_cnt;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return ST_OK;
}

/* The broker's answer to the request to create one topic. */
static enum status created_status(rd_kafka_event_t *event, const char *topic, struct err *err)
{
    if (event == NULL) {
        return err_set(err, ST_UNAVAILABLE, "no answer to creating topic %s", topic);
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(
            err, ST_IO, "cannot create topic %s: %s", topic, rd_kafka_event_error_string(event));
    }
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    rd_kafka_resp_err_t code =
        count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        return err_set(err, ST_IO, "cannot create topic %s: %s", topic, rd_kafka_err2str(code));
    }
    return ST_OK;
}

static enum status
create_topic(struct producer *producer, const char *topic, int partition_count, struct err *err)
{
    char text[LIBRARY_TEXT_BYTES] = "";
    /* -1: as many replicas as the broker's default says. */
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, partition_count, -1, text, sizeof(text));
    if (wanted == NULL) {
        return err_set(err, ST_INVALID, "topic %s: %s", topic, text);
    }
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(producer->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(producer->client);
    (void)rd_kafka_AdminOptions_set_operation_timeout(
        options, METADATA_TIMEOUT_MS, text, sizeof(text)); /* constant in range */
    rd_kafka_CreateTopics(producer->client, &wanted, 1, options, answers);
    rd_kafka_event_t *event = rd_kafka_queue_poll(answers, CREATE_TIMEOUT_MS);
    enum status status = created_status(event, topic, err);
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wanted);
    return status;
}

static enum status
ensure_topic(struct producer *producer, const struct producer_settings *settings, struct err *err)
{
    int found = 0;
    enum status status = find_topic(producer, settings->topic, &found, err);
    if (status == ST_OK && found == 0) {
        status = create_topic(producer, settings->topic, settings->partition_count, err);
    }
    for (int i = 0; status == ST_OK && found == 0 && i < TOPIC_VISIBLE_TRIES; i++) {
        rd_kafka_poll(producer->client, TOPIC_VISIBLE_STEP_MS);
        status = find_topic(producer, settings->topic, &found, err);
    }
    if (status == ST_OK && found == 0) {
        return err_set(err, ST_IO, "topic %s was created but is not served", settings->topic);
    }
    producer->counts.partition_count = found;
    return status;
}

static enum status
producer_open(struct producer *producer, const struct producer_settings *settings, struct err *err)
{
    enum status status = start_client(producer, settings, err);
    if (status == ST_OK) {
        status = ensure_topic(producer, settings, err);
    }
    if (status != ST_OK) {
        return status;
    }
    producer->topic = rd_kafka_topic_new(producer->client, settings->topic, NULL);
    if (producer->topic == NULL) {
        return err_set(
            err, ST_INVALID, "topic %s: %s", settings->topic,
            rd_kafka_err2str(rd_kafka_last_error()));
    }
    return ST_OK;
}

enum status producer_new(
    const struct producer_settings *settings, struct producer **ret_producer, struct err *err)
{
    assert(settings != NULL && ret_producer != NULL);
    struct producer *producer = calloc(1, sizeof(*producer));
    if (producer == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a producer");
    }
    enum status status = producer_open(producer, settings, err);
    if (status != ST_OK) {
        producer_free(producer);
        return status;
    }
    *ret_producer = producer;
    return ST_OK;
}

void producer_free(struct producer *producer)
{
    if (producer == NULL) {
        return;
    }
    if (producer->topic != NULL) {
        rd_kafka_topic_destroy(producer->topic);
    }
    if (producer->client != NULL) {
        rd_kafka_destroy(producer->client);
    }
    free(producer);
}

void producer_freep(struct producer **producer)
{
    producer_free(*producer);
    *producer = NULL;
}

/* The library takes pointers to what it copies; its types have no const. */
static void *unconst(const void *pointer)
{
    union {
        const void *from;
        void *to;
    } both = {.from = pointer};
    return both.to;
}

static rd_kafka_vu_t header(const char *name, const char *value)
{
    return (rd_kafka_vu_t){
        .vtype = RD_KAFKA_VTYPE_HEADER,
        .u.header = {.name = name, .val = value, .size = (ssize_t)strlen(value)}};
}

enum status
producer_send(struct producer *producer, const struct producer_record *record, struct err *err)
{
    assert(record->value != NULL);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = producer->topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {unconst(record->key), record->key_bytes}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {unconst(record->value), record->value_bytes}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE,
         .u.ptr = record->is_malformed ? unconst(&malformed_mark) : NULL},
        header("source", record->source),
        header("trace-id", record->trace_id),
    };
    rd_kafka_error_t *error = rd_kafka_produceva(producer->client, fields, ARRAY_LEN(fields));
    if (error == NULL) {
        return ST_OK;
    }
    enum status status =
        rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL ? ST_UNAVAILABLE : ST_IO;
    (void)err_set(err, status, "cannot produce: %s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return status;
}

void producer_poll(struct producer *producer, int timeout_ms)
{
    rd_kafka_poll(producer->client, timeout_ms);
}

enum status producer_flush(struct producer *producer, int timeout_ms, struct err *err)
{
    if (rd_kafka_flush(producer->client, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(
            err, ST_TIMEOUT, "%d records not acknowledged within %d ms",
            rd_kafka_outq_len(producer->client), timeout_ms);
    }
    return ST_OK;
}

const struct producer_counts *producer_counts(const struct producer *producer)
{
    return &producer->counts;
}

const char *producer_last_failure(const struct producer *producer)
{
    return producer->last_failure;
}
