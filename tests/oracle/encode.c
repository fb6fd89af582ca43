/*
 * penstock-encode: the decode and block rooms alone, as a filter for tests. Reads one JSON document
 * per line from stdin, writes one Native block to --output and one line per rejected document to
 * stdout: line number from 0, type, column, message, separated by tabs.
 *
 * With --avro the records are Avro of the schema in that file: each behind its length in four
 * bytes, little-endian.
 *
 *     penstock-encode --output FILE [--avro SCHEMA] [--overflow W] [--null W] [--unit W] [--map
 * FIELD=COLUMN]
 *                     [--compress lz4|zstd|none] NAME TYPE [NAME TYPE]...
 *
 * A type followed by " DEFAULT" and anything has a default: then it is as with
 * penstock_defaults=server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/block.h"
#include "worker/replica/block/compress.h"
#include "worker/replica/decode/avro/avro_reader.h"
#include "worker/replica/decode/decoder.h"

enum {
    OPTIONS_MAX = 64,
    PADDING_BYTES = 128, /* the reader looks ahead */
    SCHEMA_MAX_BYTES = 1 << 20,
    USAGE_CODE = 2,
};

struct options {
    const char *output;
    const char *avro; /* a schema's file; NULL = JSON lines */
    enum pipe_compression compression;
    struct pipe_field_mapping mappings[OPTIONS_MAX];
    struct plan_column *columns; /* owned; texts are of argv */
    size_t columns_count;
    struct pipe_spec spec;
};

static int usage(const char *reason)
{
    (void)fprintf(stderr, "penstock-encode: %s\n", reason);
    return USAGE_CODE;
}

static int failed(const struct err *err)
{
    (void)fprintf(stderr, "penstock-encode: %s\n", err->text);
    return EXIT_FAILURE;
}

static bool one_of(const char *word, const char *const *words, size_t count, int *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret_index = (int)i;
            return true;
        }
    }
    return false;
}

#define X(name, text) text,
static const char *const OVERFLOWS[] = {PIPE_OVERFLOW_TABLE(X)};
static const char *const NULLS[] = {PIPE_NULL_TABLE(X)};
static const char *const UNITS[] = {PIPE_TIMESTAMP_UNIT_TABLE(X)};
static const char *const COMPRESSIONS[] = {PIPE_COMPRESSION_TABLE(X)};
#undef X

static bool set_mapping(struct options *o, char *value)
{
    char *divider = strchr(value, '=');
    if (divider == NULL || o->spec.mappings_count == OPTIONS_MAX) {
        return false;
    }
    *divider = '\0';
    o->mappings[o->spec.mappings_count++] =
        (struct pipe_field_mapping){.source_field = value, .destination_field = divider + 1};
    return true;
}

static bool set_option(struct options *o, const char *name, char *value)
{
    struct pipe_settings *settings = &o->spec.settings;
    int index = 0;
    if (strcmp(name, "--output") == 0) {
        o->output = value;
        return true;
    }
    if (strcmp(name, "--avro") == 0) {
        o->avro = value;
        o->spec.source.format = PIPE_FORMAT_AVRO;
        return true;
    }
    if (strcmp(name, "--map") == 0) {
        return set_mapping(o, value);
    }
    if (strcmp(name, "--overflow") == 0 && one_of(value, OVERFLOWS, ARRAY_LEN(OVERFLOWS), &index)) {
        settings->overflow = (enum pipe_overflow)index;
        return true;
    }
    if (strcmp(name, "--null") == 0 && one_of(value, NULLS, ARRAY_LEN(NULLS), &index)) {
        settings->null_mode = (enum pipe_null)index;
        return true;
    }
    if (strcmp(name, "--unit") == 0 && one_of(value, UNITS, ARRAY_LEN(UNITS), &index)) {
        settings->timestamp_unit = (enum pipe_timestamp_unit)index;
        return true;
    }
    if (strcmp(name, "--compress") == 0 &&
        one_of(value, COMPRESSIONS, ARRAY_LEN(COMPRESSIONS), &index)) {
        o->compression = (enum pipe_compression)index;
        return true;
    }
    return false;
}

/* Write the block's bytes, compressed or not. */
static int write_block(const struct options *o, struct block *block, struct err *err)
{
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    struct compressor *compressor = NULL;
    struct buf out;
    buf_init(&out, SIZE_MAX / 4);
    enum status st = block_encode(block, &pieces, &count, err);
    st = st == ST_OK ? compressor_new(o->compression, &compressor, err) : st;
    st = st == ST_OK ? compressor_run(compressor, pieces, count, &out, err) : st;
    FILE *file = st == ST_OK ? fopen(o->output, "wbe") : NULL;
    bool is_written = file != NULL && fwrite(out.bytes, 1, out.len_bytes, file) == out.len_bytes;
    is_written = file != NULL && fclose(file) == 0 && is_written;
    compressor_free(compressor);
    buf_done(&out);
    if (st != ST_OK) {
        return failed(err);
    }
    return is_written ? EXIT_SUCCESS : usage("cannot write the output");
}

static void print_reject(const struct reject *reject, int64_t number)
{
    (void)printf(
        "%lld\t%s\t%s\t%s\n", (long long)number, reject_type_text(reject->type), reject->column,
        reject->message);
}

static enum status add_line(
    struct decoder *decoder, struct block *block, const char *line, size_t len, int64_t number,
    struct err *err)
{
    struct record record = {
        .topic = "topic",
        .topic_bytes = strlen("topic"),
        .offset = number,
        .value = (const uint8_t *)line,
        .value_bytes = len,
    };
    struct decoder_outcome outcome;
    enum status st = decoder_add(decoder, &record, block, &outcome, err);
    if (st == ST_REJECTED) {
        print_reject(&outcome.reject, number);
        return ST_OK;
    }
    return st;
}

/* One record of len bytes from stdin. */
static enum status add_avro(
    struct avro_reader *reader, struct block *block, uint32_t len, int64_t number, struct err *err)
{
    CLEANUP(freep) uint8_t *body = calloc(1, (size_t)len + PADDING_BYTES);
    if (body == NULL || fread(body, 1, len, stdin) != len) {
        return err_set(err, ST_INVALID, "record %lld is cut", (long long)number);
    }
    struct reject reject;
    enum status st = avro_record_reader_row(reader, body, len, block, &reject);
    if (st == ST_REJECTED) {
        block_row_rollback(block);
        print_reject(&reject, number);
        return ST_OK;
    }
    block_row_commit(block, len);
    return st;
}

static int run_avro(const struct options *o, struct plan *plan)
{
    static char text[SCHEMA_MAX_BYTES];
    FILE *file = fopen(o->avro, "rbe");
    size_t text_bytes = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
    if (file == NULL || fclose(file) != 0) {
        return usage("cannot read the schema");
    }
    struct schema schema = {.id = SCHEMA_PINNED, .text = text, .text_bytes = text_bytes};
    struct err err = {0};
    struct avro_reader *reader = NULL;
    CLEANUP(block_freep) struct block *block = NULL;
    size_t count = 0;
    const struct block_column *columns = plan_columns(plan, &count);
    enum status st = avro_record_reader_new(&schema, plan, &reader, &err);
    st = st == ST_OK ? block_new(columns, count, 0, &block, &err) : st;
    uint32_t len = 0;
    for (int64_t number = 0; st == ST_OK && fread(&len, sizeof(len), 1, stdin) == 1; number++) {
        st = add_avro(reader, block, len, number, &err);
    }
    avro_record_reader_free(reader);
    return st == ST_OK ? write_block(o, block, &err) : failed(&err);
}

static int run(const struct options *o, struct plan *plan)
{
    struct err err = {0};
    CLEANUP(decoder_freep) struct decoder *decoder = NULL;
    CLEANUP(block_freep) struct block *block = NULL;
    size_t count = 0;
    const struct block_column *columns = plan_columns(plan, &count);
    enum status st = decoder_new(plan, NULL, &decoder, &err);
    st = st == ST_OK ? block_new(columns, count, 0, &block, &err) : st;
    char *line = NULL;
    size_t capacity = 0;
    int64_t number = 0;
    for (; st == ST_OK; number++) {
        ssize_t len = getline(&line, &capacity, stdin);
        if (len < 0) {
            break;
        }
        len -= line[len - 1] == '\n' ? 1 : 0;
        st = add_line(decoder, block, line, (size_t)len, number, &err);
    }
    free(line);
    return st == ST_OK ? write_block(o, block, &err) : failed(&err);
}

static int run_options(struct options *o, char **texts, size_t count)
{
    struct pipe_column *wanted = calloc(count, sizeof(*wanted));
    o->columns = calloc(count, sizeof(*o->columns));
    if (wanted == NULL || o->columns == NULL) {
        free(wanted);
        return usage("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        o->columns[i] = (struct plan_column){texts[2 * i], texts[2 * i + 1], false};
        char *expression = strstr(texts[2 * i + 1], " DEFAULT");
        if (expression != NULL) {
            *expression = '\0';
            o->columns[i].has_default = true;
            o->spec.settings.defaults = PIPE_DEFAULTS_SERVER;
        }
        wanted[i] = (struct pipe_column){texts[2 * i], texts[2 * i + 1]};
    }
    static char database[] = "d";
    static char table[] = "t";
    static char separator[] = ".";
    o->spec.destination.database = database;
    o->spec.destination.table = table;
    o->spec.destination.columns = wanted;
    o->spec.destination.columns_count = count;
    o->spec.mappings = o->mappings;
    o->spec.settings.path_separator = separator;
    struct err err = {0};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    enum status st = plan_new(&o->spec, o->columns, count, &plan, &err);
    int code = st != ST_OK ? failed(&err) : o->avro != NULL ? run_avro(o, plan) : run(o, plan);
    free(wanted);
    free(o->columns);
    return code;
}

int main(int argc, char **argv)
{
    struct options o = {.compression = PIPE_COMPRESSION_NONE};
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (!set_option(&o, argv[at], argv[at + 1])) {
            return usage("unknown option or value");
        }
    }
    if (o.output == NULL || at == argc || (argc - at) % 2 != 0) {
        return usage("usage: --output FILE [options] NAME TYPE ...");
    }
    return run_options(&o, argv + at, (size_t)(argc - at) / 2);
}
