/*
 * penstock-bench-consume: the floor of the replica's cost. Reads a whole topic with librdkafka's
 * callback queue and the settings of the replica, does nothing with the records, and prints how
 * much CPU the process used per message.
 */
#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct progress {
    long long wanted;
    long long count;
    unsigned long long bytes;
    rd_kafka_t *rk;
};

static void on_message(rd_kafka_message_t *message, void *opaque)
{
    struct progress *p = opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        p->count++;
        p->bytes += message->len;
        if (p->count >= p->wanted) {
            rd_kafka_yield(p->rk);
        }
    }
}

static double cpu_s(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used); /* cannot fail for RUSAGE_SELF */
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static rd_kafka_t *consumer_new(const char *brokers)
{
    char reason[256];
    char group[64];
    (void)snprintf(group, sizeof(group), "bench-consume-%lld", (long long)time(NULL)); /* fits */
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
            (void)fprintf(stderr, "penstock-bench-consume: %s\n", reason);
            return NULL;
        }
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    if (rk == NULL) {
        (void)fprintf(stderr, "penstock-bench-consume: %s\n", reason);
        return NULL;
    }
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: penstock-bench-consume BROKERS TOPIC COUNT\n");
        return 2;
    }
    /* What the replica does: keep fetch buffers instead of returning them to the kernel. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    struct progress p = {.wanted = strtoll(argv[3], NULL, 10)};
    p.rk = consumer_new(argv[1]);
    if (p.rk == NULL) {
        return 1;
    }
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[2], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(p.rk, topics);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)fprintf(stderr, "penstock-bench-consume: %s\n", rd_kafka_err2str(err));
        return 1;
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(p.rk);
    time_t deadline = time(NULL) + 120;
    while (p.count < p.wanted && time(NULL) < deadline) {
        (void)rd_kafka_consume_callback_queue(queue, 100, on_message, &p);
    }
    double used_s = cpu_s();
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used); /* cannot fail for RUSAGE_SELF */
    printf(
        "{\"count\":%lld,\"bytes\":%llu,\"cpuSeconds\":%.6f,\"nsPerMessage\":%.1f,"
        "\"peakRssKb\":%ld}\n",
        p.count, p.bytes, used_s, used_s * 1e9 / (double)(p.count > 0 ? p.count : 1),
        used.ru_maxrss);
    (void)fflush(stdout); /* a lost line shows as a failed run */
    (void)rd_kafka_consumer_close(p.rk);
    _Exit(p.count >= p.wanted ? 0 : 1);
}
