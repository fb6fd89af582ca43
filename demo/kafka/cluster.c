#include "demo/kafka/cluster.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
/* Must follow rdkafka.h. */
#include <librdkafka/rdkafka_mock.h>

enum {
    FAIL_COUNT_MAX = 1000,
    LIBRARY_TEXT_BYTES = 512
};

struct cluster {
    rd_kafka_t *owner; /* the library wants a client that owns the mock; it does nothing else */
    rd_kafka_mock_cluster_t *mock;
    int broker_count;
};

static enum status cluster_open(struct cluster *cluster, int broker_count, struct err *err)
{
    char text[LIBRARY_TEXT_BYTES] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    /* Errors only: the owner has no bootstrap servers, and the library remarks on that. */
    (void)rd_kafka_conf_set(conf, "log_level", "3", text, sizeof(text)); /* constant, valid */
    cluster->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (cluster->owner == NULL) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ST_IO, "cannot start librdkafka: %s", text);
    }
    cluster->mock = rd_kafka_mock_cluster_new(cluster->owner, broker_count);
    if (cluster->mock == NULL) {
        return err_set(err, ST_IO, "cannot start a cluster of %d brokers", broker_count);
    }
    cluster->broker_count = broker_count;
    return ST_OK;
}

enum status cluster_new(int broker_count, struct cluster **ret_cluster, struct err *err)
{
    assert(ret_cluster != NULL);
    if (broker_count < 1 || broker_count > CLUSTER_BROKERS_MAX) {
        return err_set(
            err, ST_INVALID, "%d brokers: must be 1 to %d", broker_count, CLUSTER_BROKERS_MAX);
    }
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    if (cluster == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a cluster");
    }
    enum status status = cluster_open(cluster, broker_count, err);
    if (status != ST_OK) {
        cluster_free(cluster);
        return status;
    }
    *ret_cluster = cluster;
    return ST_OK;
}

void cluster_free(struct cluster *cluster)
{
    if (cluster == NULL) {
        return;
    }
    if (cluster->mock != NULL) {
        rd_kafka_mock_cluster_destroy(cluster->mock);
    }
    if (cluster->owner != NULL) {
        rd_kafka_destroy(cluster->owner);
    }
    free(cluster);
}

void cluster_freep(struct cluster **cluster)
{
    cluster_free(*cluster);
    *cluster = NULL;
}

const char *cluster_bootstrap(const struct cluster *cluster)
{
    return rd_kafka_mock_cluster_bootstraps(cluster->mock);
}

/* Kafka: letters, digits, '.', '_' and '-', but not "." or "..". */
static bool is_topic_name(const char *topic)
{
    size_t len_bytes = strlen(topic);
    size_t good_bytes =
        strspn(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return len_bytes > 0 && len_bytes <= CLUSTER_TOPIC_BYTES_MAX && good_bytes == len_bytes &&
           strcmp(topic, ".") != 0 && strcmp(topic, "..") != 0;
}

enum status cluster_create_topic(
    struct cluster *cluster, const char *topic, int partition_count, struct err *err)
{
    assert(cluster != NULL && topic != NULL);
    if (!is_topic_name(topic)) {
        return err_set(err, ST_INVALID, "'%s' is not a topic name", topic);
    }
    if (partition_count < 1 || partition_count > CLUSTER_PARTITIONS_MAX) {
        return err_set(
            err, ST_INVALID, "topic %s: %d partitions: must be 1 to %d", topic, partition_count,
            CLUSTER_PARTITIONS_MAX);
    }
    rd_kafka_resp_err_t code =
        rd_kafka_mock_topic_create(cluster->mock, topic, partition_count, cluster->broker_count);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        return err_set(err, ST_CONFLICT, "topic %s exists", topic);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(err, ST_IO, "cannot create topic %s: %s", topic, rd_kafka_err2str(code));
    }
    return ST_OK;
}

static enum status check_broker(const struct cluster *cluster, int32_t broker_id, struct err *err)
{
    if (broker_id < 1 || broker_id > cluster->broker_count) {
        return err_set(
            err, ST_NOT_FOUND, "no broker %d: there are 1 to %d", broker_id, cluster->broker_count);
    }
    return ST_OK;
}

/* What the library says to a change of a broker or partition that passed our own checks. */
static enum status library_status(rd_kafka_resp_err_t code, enum status otherwise, struct err *err)
{
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(err, otherwise, "refused: %s", rd_kafka_err2str(code));
    }
    return ST_OK;
}

enum status
cluster_set_broker_up(struct cluster *cluster, int32_t broker_id, bool is_up, struct err *err)
{
    enum status status = check_broker(cluster, broker_id, err);
    if (status != ST_OK) {
        return status;
    }
    rd_kafka_resp_err_t code = is_up ? rd_kafka_mock_broker_set_up(cluster->mock, broker_id)
                                     : rd_kafka_mock_broker_set_down(cluster->mock, broker_id);
    return library_status(code, ST_IO, err);
}

enum status
cluster_set_broker_delay(struct cluster *cluster, int32_t broker_id, int delay_ms, struct err *err)
{
    if (delay_ms < 0 || delay_ms > CLUSTER_DELAY_MS_MAX) {
        return err_set(
            err, ST_INVALID, "delay of %d ms: must be 0 to %d", delay_ms, CLUSTER_DELAY_MS_MAX);
    }
    enum status status = check_broker(cluster, broker_id, err);
    if (status != ST_OK) {
        return status;
    }
    return library_status(
        rd_kafka_mock_broker_set_rtt(cluster->mock, broker_id, delay_ms), ST_IO, err);
}

enum status cluster_set_leader(
    struct cluster *cluster, const char *topic, int32_t partition, int32_t broker_id,
    struct err *err)
{
    enum status status = check_broker(cluster, broker_id, err);
    if (status != ST_OK) {
        return status;
    }
    return library_status(
        rd_kafka_mock_partition_set_leader(cluster->mock, topic, partition, broker_id),
        ST_NOT_FOUND, err);
}

enum status cluster_fail_requests(
    struct cluster *cluster, int16_t api_key, int error_code, int count, struct err *err)
{
    assert(cluster != NULL);
    if (count < 1 || count > FAIL_COUNT_MAX) {
        return err_set(err, ST_INVALID, "count %d: must be 1 to %d", count, FAIL_COUNT_MAX);
    }
    rd_kafka_resp_err_t codes[FAIL_COUNT_MAX];
    for (int i = 0; i < count; i++) {
        codes[i] = (rd_kafka_resp_err_t)error_code;
    }
    rd_kafka_mock_push_request_errors_array(cluster->mock, api_key, (size_t)count, codes);
    return ST_OK;
}
