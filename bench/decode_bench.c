/*
 * JSON to columns against simdjson's DOM parse of the same bytes, interleaved: a round decodes all
 * messages, then parses all; figures are medians over the rounds of thread CPU time per message.
 *
 *     penstock-bench-decode [--json] [--rounds N] [--messages N] [--workload small|large]
 * [--decode-only]
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/parse.h"

#include "bench/simdjson_shim.h"
#include "bench/workload.h"
#include "worker/replica/block/block.h"
#include "worker/replica/decode/decoder.h"

enum {
    SMALL_MESSAGES = 200000,
    LARGE_MESSAGES = 40000,
    BLOCK_ROWS = 100000,
    ROUNDS_DEFAULT = 7,
    ROUNDS_MAX = 200,
    MESSAGES_MAX = 2000000,
    KEEP_BYTES = 1 << 30,
};

struct message {
    size_t start;
    size_t len_bytes;
};

/* All messages of one workload, one behind the other as in a fetched batch. */
struct messages {
    char *bytes; /* owned */
    struct message *items;
    size_t count;
    size_t total_bytes;
};

struct figures {
    const char *name;
    double message_bytes;
    double decode_ns;
    double simdjson_ns;
    double ratio;
};

struct options {
    bool is_json;
    bool is_decode_only;
    const char *only;
    size_t rounds;
    size_t messages; /* 0 = the default of the workload */
};

static _Noreturn void die(const char *reason)
{
    (void)fprintf(stderr, "penstock-bench-decode: %s\n", reason);
    exit(EXIT_FAILURE); /* ban-ok: a program of one file */
}

static double cpu_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) {
        die("no CPU clock");
    }
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return values[count / 2];
}

static struct messages make_messages(enum workload_kind kind, size_t count)
{
    struct messages m = {.count = count};
    m.items = calloc(count, sizeof(*m.items));
    m.bytes = malloc(count * (size_t)WORKLOAD_MESSAGE_MAX_BYTES);
    if (m.items == NULL || m.bytes == NULL) {
        die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        m.items[i].start = m.total_bytes;
        m.items[i].len_bytes = workload_message(kind, EMIT_JSON, i, m.bytes + m.total_bytes);
        m.total_bytes += m.items[i].len_bytes;
    }
    char *bytes = realloc(m.bytes, m.total_bytes + SIMDJSON_SHIM_PADDING_BYTES);
    m.bytes = bytes == NULL ? m.bytes : bytes;
    memset(m.bytes + m.total_bytes, 0, SIMDJSON_SHIM_PADDING_BYTES);
    return m;
}

/* The plan of a pipe that fills the workload's columns. */
static struct plan *make_plan(enum workload_kind kind)
{
    size_t count = 0;
    const struct workload_column *columns = workload_columns(kind, &count);
    struct pipe_column *wanted = calloc(count, sizeof(*wanted));
    struct pipe_field_mapping *mappings = calloc(count, sizeof(*mappings));
    struct plan_column *table = calloc(count, sizeof(*table));
    if (wanted == NULL || mappings == NULL || table == NULL) {
        die("out of memory");
    }
    static char separator[] = ".";
    static char name[] = "bench";
    for (size_t i = 0; i < count; i++) {
        table[i] = (struct plan_column){columns[i].name, columns[i].type};
        wanted[i].name = strdup(columns[i].name);
        mappings[i].destination_field = strdup(columns[i].name);
        mappings[i].source_field = strdup(columns[i].source);
    }
    struct pipe_spec spec = {
        .destination = {.database = name, .table = name, .columns = wanted, .columns_count = count},
        .mappings = mappings,
        .mappings_count = count,
        .settings = {.path_separator = separator},
    };
    struct plan *plan = NULL;
    struct err err = {0};
    if (plan_new(&spec, table, count, &plan, &err) != ST_OK) {
        die(err.text);
    }
    for (size_t i = 0; i < count; i++) {
        free(wanted[i].name);
        free(mappings[i].destination_field);
        free(mappings[i].source_field);
    }
    free(wanted);
    free(mappings);
    free(table);
    return plan;
}

static double decode_round(const struct messages *m, struct decoder *decoder, struct block *block)
{
    double start = cpu_ns();
    struct decoder_outcome outcome;
    struct err err = {0};
    block_reset(block);
    for (size_t i = 0; i < m->count; i++) {
        struct record record = {
            .topic = "bench",
            .topic_bytes = strlen("bench"),
            .offset = (int64_t)i,
            .value = (const uint8_t *)m->bytes + m->items[i].start,
            .value_bytes = m->items[i].len_bytes,
        };
        enum status st = decoder_add(decoder, &record, block, &outcome, &err);
        if (st != ST_OK) {
            die(st == ST_REJECTED ? outcome.reject.message : err.text);
        }
        if (block_rows(block) == BLOCK_ROWS) {
            block_reset(block);
        }
    }
    return (cpu_ns() - start) / (double)m->count;
}

static double simdjson_round(const struct messages *m, struct simdjson_shim *shim)
{
    double start = cpu_ns();
    for (size_t i = 0; i < m->count; i++) {
        if (!simdjson_shim_parse(shim, m->bytes + m->items[i].start, m->items[i].len_bytes)) {
            die("simdjson refuses a message");
        }
    }
    return (cpu_ns() - start) / (double)m->count;
}

static struct figures measure(const struct options *o, enum workload_kind kind, const char *name)
{
    struct messages m = make_messages(
        kind, o->messages > 0          ? o->messages
              : kind == WORKLOAD_SMALL ? SMALL_MESSAGES
                                       : LARGE_MESSAGES);
    struct plan *plan = make_plan(kind);
    struct err err = {0};
    struct decoder *decoder = NULL;
    struct block *block = NULL;
    size_t count = 0;
    const struct block_column *columns = plan_columns(plan, &count);
    struct simdjson_shim *shim = simdjson_shim_new();
    if (shim == NULL || decoder_new(plan, NULL, &decoder, &err) != ST_OK ||
        block_new(columns, count, KEEP_BYTES, &block, &err) != ST_OK) {
        die(shim == NULL ? "out of memory" : err.text);
    }
    double decode[ROUNDS_MAX];
    double simdjson[ROUNDS_MAX];
    double ratio[ROUNDS_MAX];
    (void)decode_round(&m, decoder, block); /* memory is touched before it counts */
    (void)simdjson_round(&m, shim);
    for (size_t i = 0; i < o->rounds; i++) {
        decode[i] = decode_round(&m, decoder, block);
        simdjson[i] = o->is_decode_only ? 1 : simdjson_round(&m, shim);
        ratio[i] = decode[i] / simdjson[i];
    }
    struct figures f = {
        .name = name,
        .message_bytes = (double)m.total_bytes / (double)m.count,
        .decode_ns = median(decode, o->rounds),
        .simdjson_ns = median(simdjson, o->rounds),
        .ratio = median(ratio, o->rounds),
    };
    simdjson_shim_free(shim);
    block_free(block);
    decoder_free(decoder);
    plan_free(plan);
    free(m.bytes);
    free(m.items);
    return f;
}

static void print_figures(const struct options *o, const struct figures *figures, size_t count)
{
    if (o->is_json) {
        (void)printf("{\"kernel\":\"%s\"", simdjson_shim_kernel());
    }
    for (size_t i = 0; i < count; i++) {
        const struct figures *f = &figures[i];
        (void)printf(
            o->is_json ? ",\"%s\":{\"messageBytes\":%.0f,\"decodeNs\":%.1f,\"simdjsonNs\":%.1f,"
                         "\"ratio\":%.3f}"
                       : "%-6s %5.0f bytes: decode %6.1f ns, simdjson DOM %6.1f ns, ratio %.3f\n",
            f->name, f->message_bytes, f->decode_ns, f->simdjson_ns, f->ratio);
    }
    if (o->is_json) {
        (void)printf("}\n");
    }
}

static struct options read_options(int argc, char **argv)
{
    struct options o = {.rounds = ROUNDS_DEFAULT};
    for (int i = 1; i < argc; i++) {
        uint64_t rounds = 0;
        uint64_t messages = 0;
        if (strcmp(argv[i], "--json") == 0) {
            o.is_json = true;
        } else if (strcmp(argv[i], "--decode-only") == 0) {
            o.is_decode_only = true;
        } else if (strcmp(argv[i], "--workload") == 0 && i + 1 < argc) {
            o.only = argv[++i];
        } else if (
            strcmp(argv[i], "--rounds") == 0 && i + 1 < argc &&
            parse_u64(argv[++i], ROUNDS_MAX, &rounds) == ST_OK && rounds > 0) {
            o.rounds = (size_t)rounds;
        } else if (
            strcmp(argv[i], "--messages") == 0 && i + 1 < argc &&
            parse_u64(argv[++i], MESSAGES_MAX, &messages) == ST_OK) {
            o.messages = (size_t)messages;
        } else {
            die("usage: [--json] [--rounds N] [--messages N] [--workload small|large] "
                "[--decode-only]");
        }
    }
    return o;
}

int main(int argc, char **argv)
{
    struct options o = read_options(argc, argv);
    static const char *const NAMES[] = {"small", "large"};
    struct figures figures[ARRAY_LEN(NAMES)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (o.only == NULL || strcmp(o.only, NAMES[i]) == 0) {
            figures[count++] = measure(&o, (enum workload_kind)i, NAMES[i]);
        }
    }
    print_figures(&o, figures, count);
    return EXIT_SUCCESS;
}
