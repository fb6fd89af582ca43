/*
 * penstock-dev-kafka: a Kafka for development and tests in one small process, librdkafka's mock
 * cluster. Plaintext on 127.0.0.1 only, nothing kept on disk; what it cannot do (transactions,
 * offsets by time, SASL, TLS, more than 5 MiB per partition) needs the real one: apache-kafka here.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/parse.h"

#include "demo/kafka/cluster.h"
#include "demo/kafka/commands.h"
#include "demo/support/atomic_file.h"
#include "demo/support/child.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    TOPICS_MAX = 64
};

struct options {
    const char *port_file;
    const char *topics[TOPICS_MAX];
    int topic_count;
    int broker_count;
    bool takes_commands;
    bool dies_with_parent;
};

/* Standard input, collected until a line is whole. */
struct input {
    char bytes[COMMANDS_LINE_BYTES_MAX];
    size_t len_bytes;
    bool is_open;
};

static void print_help(FILE *out)
{
    (void)fprintf(
        out,
        "penstock-dev-kafka: a Kafka cluster in memory, for development and tests\n"
        "\n"
        "  --port-file FILE         write the bootstrap addresses (127.0.0.1:port[,...]) there "
        "when\n"
        "                           the cluster is ready; without it they go to standard output\n"
        "  --topic NAME:PARTITIONS  create a topic; may be given %d times. Other topics appear "
        "with\n"
        "                           4 partitions when a client asks for them\n"
        "  --brokers N              1 to %d, default 1\n"
        "  --commands               read commands from standard input, one per line; each is\n"
        "                           answered by \"ok\" or \"error: reason\" on standard output\n"
        "  --die-with-parent        end when the process that started this one ends\n"
        "  --help, --version\n"
        "\n"
        "Commands:\n%s"
        "\n"
        "Ends on SIGTERM or SIGINT. Exit: 0 done, 1 failed, 2 usage.\n",
        TOPICS_MAX, CLUSTER_BROKERS_MAX, commands_help);
}

static int usage(const char *message)
{
    (void)fprintf(stderr, "penstock-dev-kafka: %s; see --help\n", message);
    return EXIT_USAGE;
}

/* Fill options; -1 to go on, else the exit code. */
static int read_options(int argc, char **argv, struct options *options)
{
    enum {
        OPTION_PORT_FILE = 256,
        OPTION_TOPIC,
        OPTION_BROKERS,
        OPTION_COMMANDS,
        OPTION_DIE_WITH_PARENT,
        OPTION_HELP,
        OPTION_VERSION
    };
    static const struct option known[] = {
        {"port-file", required_argument, NULL, OPTION_PORT_FILE},
        {"topic", required_argument, NULL, OPTION_TOPIC},
        {"brokers", required_argument, NULL, OPTION_BROKERS},
        {"commands", no_argument, NULL, OPTION_COMMANDS},
        {"die-with-parent", no_argument, NULL, OPTION_DIE_WITH_PARENT},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
    };
    int option = 0;
    int64_t number = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread yet */
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case OPTION_PORT_FILE:
            options->port_file = optarg;
            break;
        case OPTION_TOPIC:
            if (options->topic_count == TOPICS_MAX) {
                return usage("too many topics");
            }
            options->topics[options->topic_count++] = optarg;
            break;
        case OPTION_BROKERS:
            if (parse_i64(optarg, 1, CLUSTER_BROKERS_MAX, &number) != ST_OK) {
                return usage("--brokers is not a number in range");
            }
            options->broker_count = (int)number;
            break;
        case OPTION_COMMANDS:
            options->takes_commands = true;
            break;
        case OPTION_DIE_WITH_PARENT:
            options->dies_with_parent = true;
            break;
        case OPTION_HELP:
            print_help(stdout);
            return EXIT_DONE;
        case OPTION_VERSION:
            (void)printf("penstock-dev-kafka %s\n", PENSTOCK_VERSION);
            return EXIT_DONE;
        default:
            return usage("bad option");
        }
    }
    return optind < argc ? usage("unexpected argument") : -1;
}

/* Run every whole line in the input and answer it. */
static void run_lines(struct cluster *cluster, struct input *input)
{
    char *end = NULL;
    while ((end = memchr(input->bytes, '\n', input->len_bytes)) != NULL) {
        *end = '\0';
        struct err err = {0};
        if (commands_run(cluster, input->bytes, &err) == ST_OK) {
            (void)printf("ok\n");
        } else {
            (void)printf("error: %s\n", err.text);
        }
        (void)fflush(stdout);
        size_t used_bytes = (size_t)(end - input->bytes) + 1;
        input->len_bytes -= used_bytes;
        memmove(input->bytes, end + 1, input->len_bytes);
    }
}

/* Read what standard input has; its end only ends the commands. */
static void read_input(struct cluster *cluster, struct input *input)
{
    ssize_t got = read(
        STDIN_FILENO, input->bytes + input->len_bytes, sizeof(input->bytes) - input->len_bytes);
    if (got < 0 && errno == EINTR) {
        return;
    }
    if (got <= 0) {
        input->is_open = false;
        return;
    }
    input->len_bytes += (size_t)got;
    run_lines(cluster, input);
    if (input->len_bytes == sizeof(input->bytes)) {
        (void)printf("error: line longer than %d bytes\n", COMMANDS_LINE_BYTES_MAX);
        (void)fflush(stdout);
        input->len_bytes = 0;
    }
}

/* Serve until a signal comes. The cluster itself runs in threads of the library. */
static enum status
serve(struct cluster *cluster, int signal_fd, bool takes_commands, struct err *err)
{
    struct input input = {.is_open = takes_commands};
    for (;;) {
        struct pollfd fds[] = {
            {.fd = signal_fd, .events = POLLIN},
            {.fd = input.is_open ? STDIN_FILENO : -1, .events = POLLIN},
        };
        if (poll(fds, ARRAY_LEN(fds), -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            return err_errno(err, ST_IO, errno, "cannot wait for events");
        }
        if (fds[0].revents != 0) {
            return ST_OK;
        }
        if (fds[1].revents != 0) {
            read_input(cluster, &input);
        }
    }
}

static enum status announce(const struct cluster *cluster, const char *port_file, struct err *err)
{
    const char *bootstrap = cluster_bootstrap(cluster);
    if (port_file == NULL) {
        (void)printf("%s\n", bootstrap);
        (void)fflush(stdout);
        return ST_OK;
    }
    char text[CLUSTER_BROKERS_MAX * 24 + 2];
    int len = snprintf(text, sizeof(text), "%s\n", bootstrap);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        return err_set(err, ST_TOO_LARGE, "bootstrap addresses too long: %s", bootstrap);
    }
    return atomic_file_write(port_file, text, err);
}

static enum status run(const struct options *options, struct err *err)
{
    CLEANUP(closep) int signal_fd = -1;
    CLEANUP(cluster_freep) struct cluster *cluster = NULL;
    enum status status = ST_OK;
    if (options->dies_with_parent) {
        status = child_die_with_parent(err);
    }
    if (status == ST_OK) {
        status = child_signals_open(&signal_fd, err);
    }
    if (status == ST_OK) {
        status = cluster_new(options->broker_count, &cluster, err);
    }
    for (int i = 0; i < options->topic_count && status == ST_OK; i++) {
        status = commands_topic_argument(cluster, options->topics[i], err);
    }
    if (status == ST_OK) {
        status = announce(cluster, options->port_file, err);
    }
    if (status == ST_OK) {
        status = serve(cluster, signal_fd, options->takes_commands, err);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.broker_count = 1};
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    struct err err = {0};
    enum status status = run(&options, &err);
    if (status != ST_OK) {
        (void)fprintf(stderr, "penstock-dev-kafka: %s\n", err.text);
    }
    if (status == ST_INVALID || status == ST_CONFLICT) {
        return EXIT_USAGE;
    }
    return status == ST_OK ? EXIT_DONE : EXIT_FAILED;
}
