/*
 * The decoders against libraries that read the same bytes, and against themselves with other shapes
 * of the same messages. Everything is interleaved: a round runs each way once over all messages;
 * figures are medians over the rounds of thread CPU time per message, ratios of each round.
 *
 *     penstock-bench-decode [--json] [--rounds N] [--messages N] [--workload small|large]
 *                           [--only NAME,NAME…]
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/parse.h"

#include "bench/avro_generic.h"
#include "bench/simdjson_shim.h"
#include "bench/subject.h"

enum {
    SMALL_MESSAGES = 100000,
    LARGE_MESSAGES = 20000,
    ROUNDS_DEFAULT = 7,
    ROUNDS_MAX = 200,
    MESSAGES_MAX = 2000000,
    BLOCK_ROWS = 100000,
    FRAME_BYTES = 5,
};

/* clang-format off */
/* X(enum constant, name, shape of the messages, columns): the ways that are ours. */
#define WAY_TABLE(X) \
    X(WAY_JSON,     "json",     EMIT_JSON,          SUBJECT_ALL) \
    X(WAY_SHUFFLED, "shuffled", EMIT_JSON_SHUFFLED, SUBJECT_ALL) \
    X(WAY_PRETTY,   "pretty",   EMIT_JSON_PRETTY,   SUBJECT_ALL) \
    X(WAY_ESCAPES,  "escapes",  EMIT_JSON_ESCAPES,  SUBJECT_ALL) \
    X(WAY_HALF,     "half",     EMIT_JSON,          SUBJECT_HALF) \
    X(WAY_RAW,      "raw",      EMIT_JSON,          SUBJECT_RAW) \
    X(WAY_AVRO,     "avro",     EMIT_AVRO,          SUBJECT_ALL)
/* clang-format on */

enum way {
#define X(way, name, shape, columns) way,
    WAY_TABLE(X)
#undef X
    WAY_SIMDJSON,
    WAY_AVRO_GENERIC,
    WAYS,
};

static const char *const way_names[WAYS] = {
#define X(way, name, shape, columns) [way] = name,
    WAY_TABLE(X)
#undef X
        [WAY_SIMDJSON] = "simdjson",
    [WAY_AVRO_GENERIC] = "avro-c",
};

struct options {
    bool is_json;
    const char *workload; /* NULL = both */
    const char *only;     /* one way, NULL = all */
    size_t rounds;
    size_t messages; /* 0 = the default of the workload */
};

struct bench {
    struct messages messages[WAY_AVRO + 1];
    struct subject *subjects[WAY_AVRO + 1];
    struct simdjson_shim *simdjson;
    struct avro_generic *generic;
    double ns[WAYS][ROUNDS_MAX];
    double ratios[ROUNDS_MAX];
};

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

static double median(const double *values, size_t count)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), compare_doubles);
    return sorted[count / 2];
}

static double simdjson_round(struct bench *b)
{
    const struct messages *m = &b->messages[WAY_JSON];
    double start = cpu_ns();
    for (size_t i = 0; i < m->count; i++) {
        if (!simdjson_shim_parse(
                b->simdjson, m->bytes + m->items[i].start, m->items[i].len_bytes)) {
            die("simdjson refuses a message");
        }
    }
    return (cpu_ns() - start) / (double)m->count;
}

static double generic_round(struct bench *b)
{
    const struct messages *m = &b->messages[WAY_AVRO];
    struct block *block = subject_block(b->subjects[WAY_AVRO]);
    block_reset(block);
    double start = cpu_ns();
    for (size_t i = 0; i < m->count; i++) {
        if (!avro_generic_add(
                b->generic, m->bytes + m->items[i].start + FRAME_BYTES,
                m->items[i].len_bytes - FRAME_BYTES, block)) {
            die("avro-c refuses a message");
        }
        if (block_rows(block) == BLOCK_ROWS) {
            block_reset(block);
        }
    }
    return (cpu_ns() - start) / (double)m->count;
}

static double run_way(struct bench *b, enum way way)
{
    if (way == WAY_SIMDJSON) {
        return simdjson_round(b);
    }
    return way == WAY_AVRO_GENERIC ? generic_round(b)
                                   : subject_round(b->subjects[way], &b->messages[way]);
}

/* In the list of names, or there is none. */
static bool is_wanted(const struct options *o, enum way way)
{
    if (o->only == NULL) {
        return true;
    }
    size_t len = strlen(way_names[way]);
    for (const char *at = o->only; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, way_names[way], len) == 0 && (at[len] == ',' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static double ratio(struct bench *b, enum way way, enum way base, size_t rounds)
{
    for (size_t i = 0; i < rounds; i++) {
        b->ratios[i] = b->ns[way][i] / b->ns[base][i];
    }
    return median(b->ratios, rounds);
}

static void print_json(struct bench *b, const char *name, size_t rounds)
{
    const struct messages *m = &b->messages[WAY_JSON];
    (void)printf(
        ",\"%s\":{\"messageBytes\":%.0f,\"decodeNs\":%.1f,\"simdjsonNs\":%.1f,\"avroNs\":%.1f,"
        "\"avroGenericNs\":%.1f,\"simdjsonRatio\":%.3f,\"avroRatio\":%.3f,\"shuffledRatio\":%.3f,"
        "\"prettyRatio\":%.3f,\"escapesRatio\":%.3f,\"halfRatio\":%.3f,\"rawRatio\":%.3f}",
        name, (double)m->total_bytes / (double)m->count, median(b->ns[WAY_JSON], rounds),
        median(b->ns[WAY_SIMDJSON], rounds), median(b->ns[WAY_AVRO], rounds),
        median(b->ns[WAY_AVRO_GENERIC], rounds), ratio(b, WAY_JSON, WAY_SIMDJSON, rounds),
        ratio(b, WAY_AVRO, WAY_AVRO_GENERIC, rounds), ratio(b, WAY_SHUFFLED, WAY_JSON, rounds),
        ratio(b, WAY_PRETTY, WAY_JSON, rounds), ratio(b, WAY_ESCAPES, WAY_JSON, rounds),
        ratio(b, WAY_HALF, WAY_JSON, rounds), ratio(b, WAY_RAW, WAY_JSON, rounds));
}

static void print_text(struct bench *b, const struct options *o, const char *name)
{
    for (enum way way = 0; way < WAYS; way++) {
        if (is_wanted(o, way)) {
            (void)printf("%-6s %-9s %7.1f ns", name, way_names[way], median(b->ns[way], o->rounds));
            if (way != WAY_JSON && is_wanted(o, WAY_JSON)) {
                (void)printf(", %.3f of json", ratio(b, way, WAY_JSON, o->rounds));
            }
            (void)printf("\n");
        }
    }
}

/* Also what the libraries read. */
static bool is_needed(const struct options *o, enum way way)
{
    return is_wanted(o, way) || (way == WAY_JSON && is_wanted(o, WAY_SIMDJSON)) ||
           (way == WAY_AVRO && is_wanted(o, WAY_AVRO_GENERIC));
}

static void
bench_init(struct bench *b, const struct options *o, enum workload_kind kind, size_t count)
{
#define X(way, name, shape, columns)                                                               \
    if (is_needed(o, way)) {                                                                       \
        b->messages[way] = messages_new(kind, shape, count);                                       \
        b->subjects[way] = subject_new(kind, shape, columns);                                      \
    }
    WAY_TABLE(X)
#undef X
    b->simdjson = simdjson_shim_new();
    b->generic = avro_generic_new(kind);
    if (b->simdjson == NULL || b->generic == NULL) {
        die("simdjson or avro-c does not start");
    }
}

static void bench_done(struct bench *b)
{
    for (enum way way = 0; way <= WAY_AVRO; way++) {
        messages_free(&b->messages[way]);
        subject_free(b->subjects[way]);
        b->messages[way] = (struct messages){.count = 0};
        b->subjects[way] = NULL;
    }
    simdjson_shim_free(b->simdjson);
    avro_generic_free(b->generic);
}

static void measure(const struct options *o, enum workload_kind kind, const char *name)
{
    static struct bench b;
    size_t usual = kind == WORKLOAD_SMALL ? SMALL_MESSAGES : LARGE_MESSAGES;
    bench_init(&b, o, kind, o->messages > 0 ? o->messages : usual);
    for (size_t i = 0; i <= o->rounds; i++) { /* the first touches memory and does not count */
        for (enum way way = 0; way < WAYS; way++) {
            if (is_wanted(o, way)) {
                b.ns[way][i == 0 ? 0 : i - 1] = run_way(&b, way);
            }
        }
    }
    if (o->is_json) {
        print_json(&b, name, o->rounds);
    } else {
        print_text(&b, o, name);
    }
    bench_done(&b);
}

static bool read_count(const char *text, uint64_t max, size_t *ret_count)
{
    uint64_t value = 0;
    if (parse_u64(text, max, &value) != ST_OK || value == 0) {
        return false;
    }
    *ret_count = (size_t)value;
    return true;
}

static struct options read_options(int argc, char **argv)
{
    struct options o = {.rounds = ROUNDS_DEFAULT};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool is_fine = true;
        if (strcmp(argv[i], "--json") == 0) {
            o.is_json = true;
            continue;
        }
        if (strcmp(argv[i], "--workload") == 0) {
            o.workload = value;
        } else if (strcmp(argv[i], "--only") == 0) {
            o.only = value;
        } else if (strcmp(argv[i], "--rounds") == 0) {
            is_fine = read_count(value, ROUNDS_MAX - 1, &o.rounds);
        } else {
            is_fine =
                strcmp(argv[i], "--messages") == 0 && read_count(value, MESSAGES_MAX, &o.messages);
        }
        if (!is_fine) {
            die("usage: [--json] [--rounds N] [--messages N] [--workload small|large] "
                "[--only NAME,NAME...]");
        }
        i++;
    }
    return o;
}

int main(int argc, char **argv)
{
    struct options o = read_options(argc, argv);
    static const char *const NAMES[] = {"small", "large"};
    if (o.is_json) {
        (void)printf("{\"kernel\":\"%s\"", simdjson_shim_kernel());
    }
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (o.workload == NULL || strcmp(o.workload, NAMES[i]) == 0) {
            measure(&o, (enum workload_kind)i, NAMES[i]);
        }
    }
    if (o.is_json) {
        (void)printf("}\n");
    }
    return EXIT_SUCCESS;
}
