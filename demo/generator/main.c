/*
 * penstock-demo-events: realistic JSON orders into a Kafka topic, a small share of them malformed,
 * at a given rate. For `make demo` and for tests; the same seed gives the same records.
 */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/parse.h"

#include "demo/generator/run.h"
#include "demo/support/child.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_BROKER = 3
};

enum option_id {
    OPTION_BROKERS = 256,
    OPTION_TOPIC,
    OPTION_PARTITIONS,
    OPTION_CREATE_ONLY,
    OPTION_COUNT,
    OPTION_FIRST,
    OPTION_RATE,
    OPTION_MALFORMED,
    OPTION_SEED,
    OPTION_STATS_FILE,
    OPTION_COMPRESSION,
    OPTION_DIE_WITH_PARENT,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option known_options[] = {
    {"brokers", required_argument, NULL, OPTION_BROKERS},
    {"topic", required_argument, NULL, OPTION_TOPIC},
    {"partitions", required_argument, NULL, OPTION_PARTITIONS},
    {"create-only", no_argument, NULL, OPTION_CREATE_ONLY},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"first", required_argument, NULL, OPTION_FIRST},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"malformed-percent", required_argument, NULL, OPTION_MALFORMED},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"stats-file", required_argument, NULL, OPTION_STATS_FILE},
    {"compression", required_argument, NULL, OPTION_COMPRESSION},
    {"die-with-parent", no_argument, NULL, OPTION_DIE_WITH_PARENT},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "penstock-demo-events: realistic JSON orders into a Kafka topic\n"
    "\n"
    "  --brokers HOST:PORT[,...]  required\n"
    "  --topic NAME               required\n"
    "  --partitions N             create the topic with N partitions if it is missing (6)\n"
    "  --create-only              end when the topic is there; produce nothing\n"
    "  --count N                  so many records; 0 = endless (0)\n"
    "  --rate R                   records per second; 0 = flat out (0)\n"
    "  --malformed-percent P      mean share of malformed records, 0 to 50; it goes slowly up and\n"
    "                             down between a fifth and nine fifths of P (1)\n"
    "  --seed S                   the same seed gives the same records, times aside (1)\n"
    "  --first N                  record number to begin with (0)\n"
    "  --stats-file FILE          JSON, replaced every 200 ms: produced (acknowledged records,\n"
    "                             malformed ones included), bytes, malformed, failed, elapsedMs,\n"
    "                             done, partitions\n"
    "  --compression NAME         none, gzip, snappy, lz4, zstd (lz4)\n"
    "  --die-with-parent          end when the process that started this one ends\n"
    "  --help, --version\n"
    "\n"
    "acks=all; ends on SIGTERM or SIGINT after a flush. Exit: 0 all acknowledged, 1 failed,\n"
    "2 usage, 3 no broker answers.\n";

static int usage(const char *name, const char *value)
{
    (void)fprintf(stderr, "penstock-demo-events: --%s %s: not valid; see --help\n", name, value);
    return EXIT_USAGE;
}

static enum status read_number(enum option_id id, struct run_settings *settings, const char *text)
{
    uint64_t number = 0;
    enum status status =
        parse_u64(text, id == OPTION_PARTITIONS ? PRODUCER_PARTITIONS_MAX : INT64_MAX, &number);
    if (status != ST_OK) {
        return status;
    }
    if (id == OPTION_PARTITIONS) {
        settings->producer.partition_count = (int)number;
        return number > 0 ? ST_OK : ST_INVALID;
    }
    uint64_t *target = id == OPTION_COUNT  ? &settings->count
                       : id == OPTION_RATE ? &settings->rate_per_s
                       : id == OPTION_SEED ? &settings->seed
                                           : &settings->first_index;
    *target = number;
    return ST_OK;
}

static enum status read_percent(struct run_settings *settings, const char *text)
{
    double percent = 0;
    enum status status = parse_double(text, &percent);
    if (status != ST_OK || percent < 0 || percent > 50) {
        return ST_INVALID;
    }
    settings->malformed_percent = percent;
    return ST_OK;
}

/* Fill settings; -1 to go on, else the exit code. */
static int
read_options(int argc, char **argv, struct run_settings *settings, bool *ret_dies_with_parent)
{
    int id = 0;
    int index = 0;
    enum status status = ST_OK;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread yet */
    while ((id = getopt_long(argc, argv, "", known_options, &index)) != -1) {
        switch (id) {
        case OPTION_BROKERS:
            settings->producer.brokers = optarg;
            break;
        case OPTION_TOPIC:
            settings->producer.topic = optarg;
            break;
        case OPTION_STATS_FILE:
            settings->stats_file = optarg;
            break;
        case OPTION_COMPRESSION:
            settings->producer.compression = optarg;
            break;
        case OPTION_MALFORMED:
            status = read_percent(settings, optarg);
            break;
        case OPTION_CREATE_ONLY:
            settings->is_create_only = true;
            break;
        case OPTION_DIE_WITH_PARENT:
            *ret_dies_with_parent = true;
            break;
        case OPTION_HELP:
            (void)fputs(help, stdout);
            return EXIT_DONE;
        case OPTION_VERSION:
            (void)printf("penstock-demo-events %s\n", PENSTOCK_VERSION);
            return EXIT_DONE;
        case '?':
            return EXIT_USAGE;
        default:
            status = read_number((enum option_id)id, settings, optarg);
        }
        if (status != ST_OK) {
            return usage(known_options[index].name, optarg);
        }
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct run_settings settings = {
        .producer = {.partition_count = 6, .compression = "lz4"},
        .seed = 1,
        .malformed_percent = 1,
    };
    bool dies_with_parent = false;
    int code = read_options(argc, argv, &settings, &dies_with_parent);
    if (code >= 0) {
        return code;
    }
    if (settings.producer.brokers == NULL || settings.producer.topic == NULL || optind < argc) {
        return usage("brokers and --topic", "are required, and no other arguments");
    }
    settings.producer.has_low_latency = settings.rate_per_s > 0;
    struct err err = {0};
    CLEANUP(closep) int signal_fd = -1;
    enum status status = dies_with_parent ? child_die_with_parent(&err) : ST_OK;
    if (status == ST_OK) {
        status = child_signals_open(&signal_fd, &err);
    }
    if (status == ST_OK) {
        status = run_generator(&settings, signal_fd, &err);
    }
    if (status == ST_OK) {
        return EXIT_DONE;
    }
    (void)fprintf(stderr, "penstock-demo-events: %s\n", err.text);
    return status == ST_UNAVAILABLE ? EXIT_NO_BROKER
           : status == ST_INVALID   ? EXIT_USAGE
                                    : EXIT_FAILED;
}
