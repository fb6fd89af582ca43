/* A consumer with the settings of worker/replica/kafka/conf.c. */
#include "bench/topic.h"

#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum {
    READ_S = 120,
    POLL_MS = 100,
};

struct topic_reader {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    long long wanted;
    long long count;
    void (*take)(void *ctx, const uint8_t *value, size_t len);
    void *ctx;
};

static rd_kafka_t *consumer_new(const char *program, const char *brokers)
{
    char reason[256];
    char group[64];
    (void)snprintf(
        group, sizeof(group), "bench-%s-%lld", program, (long long)time(NULL)); /* fits */
    const char *const settings[][2] = {
        {"bootstrap.servers", brokers},
        {"group.id", group},
        {"auto.offset.reset", "earliest"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"partition.assignment.strategy", "range,roundrobin"},
        {"fetch.wait.max.ms", "50"},
        {"queued.min.messages", "10000000"},
        {"queued.max.messages.kbytes", "262144"},
        {"check.crcs", "true"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason)) !=
            RD_KAFKA_CONF_OK) {
            (void)fprintf(stderr, "%s: %s\n", program, reason);
            return NULL;
        }
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    if (rk == NULL) {
        (void)fprintf(stderr, "%s: %s\n", program, reason);
    }
    return rk;
}

struct topic_reader *topic_open(const char *program, const char *brokers, const char *topic)
{
    /* What the replica does: keep fetch buffers instead of returning them to the kernel. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    static struct topic_reader reader;
    reader.rk = consumer_new(program, brokers);
    if (reader.rk == NULL) {
        return NULL;
    }
    rd_kafka_poll_set_consumer(reader.rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(reader.rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)fprintf(stderr, "%s: %s\n", program, rd_kafka_err2str(err));
        return NULL;
    }
    reader.queue = rd_kafka_queue_get_consumer(reader.rk);
    return &reader;
}

static void on_message(rd_kafka_message_t *message, void *opaque)
{
    struct topic_reader *reader = opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    reader->count++;
    if (reader->take != NULL) {
        reader->take(reader->ctx, message->payload, message->len);
    }
    if (reader->count >= reader->wanted) {
        rd_kafka_yield(reader->rk);
    }
}

long long topic_read(
    struct topic_reader *reader, long long wanted,
    void (*take)(void *ctx, const uint8_t *value, size_t len), void *ctx)
{
    reader->wanted = wanted;
    reader->take = take;
    reader->ctx = ctx;
    time_t deadline = time(NULL) + READ_S;
    while (reader->count < wanted && time(NULL) < deadline) {
        (void)rd_kafka_consume_callback_queue(reader->queue, POLL_MS, on_message, reader);
    }
    return reader->count;
}

void topic_close(struct topic_reader *reader)
{
    (void)rd_kafka_consumer_close(reader->rk);
}

double process_cpu_s(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used); /* cannot fail for RUSAGE_SELF */
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

long process_peak_kb(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used); /* cannot fail for RUSAGE_SELF */
    return used.ru_maxrss;
}
