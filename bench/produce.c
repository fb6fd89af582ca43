/*
 * penstock-bench-produce: fills a topic with one of the bench workloads, or prints its columns as
 * JSON for the pipe that will read it.
 */
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workload.h"

enum {
    FRAME_BYTES = 5
};

struct arguments {
    enum workload_kind kind;
    enum emit_shape shape;
    long schema_id;
    long long count;
    long long first;
    const char *brokers;
    const char *topic;
    int partitions;
    int prints_columns;
};

static void usage(FILE *to)
{
    (void)fputs(
        "penstock-bench-produce --workload small|large --brokers LIST --topic NAME --partitions N\n"
        "                       --count N [--first N] [--format json|avro] [--schema-id N]\n"
        "penstock-bench-produce --workload small|large --columns\n",
        to);
}

static int arguments_read(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"workload", required_argument, NULL, 'w'},
        {"brokers", required_argument, NULL, 'b'},
        {"topic", required_argument, NULL, 't'},
        {"count", required_argument, NULL, 'n'},
        {"first", required_argument, NULL, 'f'},
        {"format", required_argument, NULL, 'F'},
        {"schema-id", required_argument, NULL, 's'},
        {"columns", no_argument, NULL, 'c'},
        {"partitions", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'w':
            a->kind = strcmp(optarg, "large") == 0 ? WORKLOAD_LARGE : WORKLOAD_SMALL;
            break;
        case 'F':
            a->shape = strcmp(optarg, "avro") == 0 ? EMIT_AVRO : EMIT_JSON;
            break;
        case 's':
            a->schema_id = strtol(optarg, NULL, 10);
            break;
        case 'b':
            a->brokers = optarg;
            break;
        case 't':
            a->topic = optarg;
            break;
        case 'n':
            a->count = strtoll(optarg, NULL, 10);
            break;
        case 'f':
            a->first = strtoll(optarg, NULL, 10);
            break;
        case 'p':
            a->partitions = (int)strtol(optarg, NULL, 10);
            break;
        case 'c':
            a->prints_columns = 1;
            break;
        case 'h':
            usage(stdout);
            exit(0); /* ban-ok: a program of one file */
        default:
            usage(stderr);
            return -1;
        }
    }
    return 0;
}

static void print_columns(enum workload_kind kind)
{
    size_t count = 0;
    const struct workload_column *columns = workload_columns(kind, &count);
    printf("{\"columns\":[");
    for (size_t i = 0; i < count; i++) {
        printf(
            "%s{\"name\":\"%s\",\"type\":\"%s\"}", i == 0 ? "" : ",", columns[i].name,
            columns[i].type);
    }
    printf("],\"fieldMappings\":[");
    for (size_t i = 0; i < count; i++) {
        printf(
            "%s{\"sourceField\":\"%s\",\"destinationField\":\"%s\"}", i == 0 ? "" : ",",
            columns[i].source, columns[i].name);
    }
    printf("],\"avroSchema\":\"");
    for (const char *at = workload_avro_schema(kind); *at != '\0'; at++) {
        printf(*at == '"' ? "\\%c" : "%c", *at);
    }
    printf("\"}\n");
}

/* Confluent framing: a zero byte and the schema's id, big-endian. */
static size_t frame(long schema_id, char *out)
{
    out[0] = 0;
    for (int i = 0; i < 4; i++) {
        out[1 + i] = (char)(schema_id >> (24 - 8 * i));
    }
    return FRAME_BYTES;
}

static long long failures;

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        failures++;
    }
}

static rd_kafka_t *producer_new(const char *brokers)
{
    char reason[256];
    static const char *const settings[][2] = {
        {"linger.ms", "20"},
        {"batch.num.messages", "10000"},
        {"batch.size", "1000000"},
        {"queue.buffering.max.messages", "500000"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int bad = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof(reason)) !=
              RD_KAFKA_CONF_OK;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        bad |= rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason)) !=
               RD_KAFKA_CONF_OK;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *rk = bad ? NULL : rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (rk == NULL) {
        (void)fprintf(stderr, "penstock-bench-produce: %s\n", reason);
    }
    return rk;
}

static int produce(const struct arguments *a)
{
    rd_kafka_t *rk = producer_new(a->brokers);
    if (rk == NULL) {
        return 1;
    }
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, a->topic, NULL);
    char message[FRAME_BYTES + WORKLOAD_MESSAGE_MAX_BYTES];
    unsigned long long bytes = 0;
    for (long long i = a->first; i < a->first + a->count; i++) {
        size_t len_bytes = a->shape == EMIT_AVRO ? frame(a->schema_id, message) : 0;
        len_bytes += workload_message(a->kind, a->shape, (uint64_t)i, message + len_bytes);
        bytes += len_bytes;
        while (rd_kafka_produce(
                   topic, (int32_t)(i % a->partitions), RD_KAFKA_MSG_F_COPY, message, len_bytes,
                   NULL, 0, NULL) != 0) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
                (void)fprintf(
                    stderr, "penstock-bench-produce: %s\n",
                    rd_kafka_err2str(rd_kafka_last_error()));
                return 1;
            }
            rd_kafka_poll(rk, 50);
        }
        if (i % 1000 == 0) {
            rd_kafka_poll(rk, 0);
        }
    }
    rd_kafka_resp_err_t err = rd_kafka_flush(rk, 120000);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR || failures != 0) {
        (void)fprintf(
            stderr, "penstock-bench-produce: %lld not delivered, flush %s\n", failures,
            rd_kafka_err2str(err));
        return 1;
    }
    printf("{\"count\":%lld,\"bytes\":%llu}\n", a->count, bytes);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {.partitions = 1};
    if (arguments_read(argc, argv, &a) != 0) {
        return 2;
    }
    if (a.prints_columns) {
        print_columns(a.kind);
        return 0;
    }
    if (a.brokers == NULL || a.topic == NULL || a.count <= 0 || a.partitions < 1) {
        usage(stderr);
        return 2;
    }
    return produce(&a);
}
