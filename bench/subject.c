/* Messages in memory, and the decoder over them. */
#include "bench/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BLOCK_ROWS = 100000,
    KEEP_BYTES = 1 << 30,
    PADDING_BYTES = 256,
    FRAME_BYTES = 5,
    SCHEMA_ID = 1,
};

struct subject {
    struct plan *plan;
    struct decoder *decoder;
    struct block *block;
    struct schema schema;
    struct schema_source source;
};

_Noreturn void die(const char *reason)
{
    (void)fprintf(stderr, "penstock-bench-decode: %s\n", reason);
    exit(EXIT_FAILURE); /* ban-ok: a bench program */
}

double cpu_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) {
        die("no CPU clock");
    }
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

struct messages messages_new(enum workload_kind kind, enum emit_shape shape, size_t count)
{
    struct messages m = {.count = count};
    m.items = calloc(count, sizeof(*m.items));
    m.bytes = malloc(count * (size_t)WORKLOAD_MESSAGE_MAX_BYTES);
    if (m.items == NULL || m.bytes == NULL) {
        die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        char *to = m.bytes + m.total_bytes;
        size_t len = 0;
        if (shape == EMIT_AVRO) {
            static const char frame[FRAME_BYTES] = {0, 0, 0, 0, SCHEMA_ID};
            memcpy(to, frame, sizeof(frame));
            len = sizeof(frame);
        }
        m.items[i].start = m.total_bytes;
        m.items[i].len_bytes = len + workload_message(kind, shape, i, to + len);
        m.total_bytes += m.items[i].len_bytes;
    }
    char *bytes = realloc(m.bytes, m.total_bytes + PADDING_BYTES);
    m.bytes = bytes == NULL ? m.bytes : bytes;
    memset(m.bytes + m.total_bytes, 0, PADDING_BYTES);
    return m;
}

void messages_free(struct messages *m)
{
    free(m->bytes);
    free(m->items);
}

/* A pipe that fills the columns. */
static struct plan *
make_plan(const struct workload_column *columns, size_t count, enum pipe_format format)
{
    struct pipe_column *wanted = calloc(count, sizeof(*wanted));
    struct pipe_field_mapping *mappings = calloc(count, sizeof(*mappings));
    struct plan_column *table = calloc(count, sizeof(*table));
    if (wanted == NULL || mappings == NULL || table == NULL) {
        die("out of memory");
    }
    static char separator[] = ".";
    static char name[] = "bench";
    for (size_t i = 0; i < count; i++) {
        table[i] = (struct plan_column){.name = columns[i].name, .type = columns[i].type};
        wanted[i].name = strdup(columns[i].name);
        wanted[i].type = strdup(columns[i].type);
        mappings[i].destination_field = strdup(columns[i].name);
        mappings[i].source_field = strdup(columns[i].source);
    }
    struct pipe_spec spec = {
        .source = {.format = format},
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
        free(wanted[i].type);
        free(mappings[i].destination_field);
        free(mappings[i].source_field);
    }
    free(wanted);
    free(mappings);
    free(table);
    return plan;
}

static struct plan *
plan_for(enum workload_kind kind, enum pipe_format format, enum subject_columns which)
{
    static const struct workload_column raw[] = {{"_raw_message", "String", "_raw_message"}};
    if (which == SUBJECT_RAW) {
        return make_plan(raw, 1, format);
    }
    size_t count = 0;
    const struct workload_column *all = workload_columns(kind, &count);
    struct workload_column *chosen = calloc(count, sizeof(*chosen));
    size_t chosen_count = 0;
    if (chosen == NULL) {
        die("out of memory");
    }
    for (size_t i = 0; i < count; i += which == SUBJECT_HALF ? 2 : 1) {
        chosen[chosen_count++] = all[i];
    }
    struct plan *plan = make_plan(chosen, chosen_count, format);
    free(chosen);
    return plan;
}

static enum schema_answer
known(void *ctx, int32_t id, const struct schema **ret_schema, char *reason)
{
    (void)id;
    (void)reason;
    *ret_schema = ctx;
    return SCHEMA_KNOWN;
}

struct subject *
subject_new(enum workload_kind kind, enum emit_shape shape, enum subject_columns which)
{
    struct subject *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        die("out of memory");
    }
    bool is_avro = shape == EMIT_AVRO;
    const char *text = workload_avro_schema(kind);
    s->schema = (struct schema){
        .id = SCHEMA_ID, .kind = SCHEMA_AVRO, .text = text, .text_bytes = strlen(text)};
    s->source = (struct schema_source){.ctx = &s->schema, .get = known};
    s->plan = plan_for(kind, is_avro ? PIPE_FORMAT_AVRO_CONFLUENT : PIPE_FORMAT_JSON, which);
    size_t count = 0;
    const struct block_column *columns = plan_columns(s->plan, &count);
    struct err err = {0};
    if (decoder_new(s->plan, is_avro ? &s->source : NULL, &s->decoder, &err) != ST_OK ||
        block_new(columns, count, KEEP_BYTES, &s->block, &err) != ST_OK) {
        die(err.text);
    }
    return s;
}

void subject_free(struct subject *s)
{
    if (s == NULL) {
        return;
    }
    block_free(s->block);
    decoder_free(s->decoder);
    plan_free(s->plan);
    free(s);
}

struct block *subject_block(struct subject *s)
{
    return s->block;
}

double subject_round(struct subject *s, const struct messages *m)
{
    double start = cpu_ns();
    struct decoder_outcome outcome;
    struct err err = {0};
    block_reset(s->block);
    for (size_t i = 0; i < m->count; i++) {
        struct record record = {
            .topic = "bench",
            .topic_bytes = strlen("bench"),
            .offset = (int64_t)i,
            .value = (const uint8_t *)m->bytes + m->items[i].start,
            .value_bytes = m->items[i].len_bytes,
        };
        enum status st = decoder_add(s->decoder, &record, s->block, &outcome, &err);
        if (st != ST_OK) {
            die(st == ST_REJECTED ? outcome.reject.message : err.text);
        }
        if (block_rows(s->block) == BLOCK_ROWS) {
            block_reset(s->block);
        }
    }
    return (cpu_ns() - start) / (double)m->count;
}
