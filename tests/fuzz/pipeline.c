/* The decode and block rooms for fuzz targets. */
#include "tests/fuzz/pipeline.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

bool pipeline_open(
    struct pipeline *p, const struct pipeline_column *columns, size_t count,
    const struct pipe_settings *settings, bool is_baseline)
{
    static char separator[] = ".";
    static char name[] = "t";
    struct plan_column table[PIPELINE_COLUMNS_MAX];
    FUZZ_REQUIRE(count <= PIPELINE_COLUMNS_MAX, "%zu", count);
    *p = (struct pipeline){0};
    for (size_t i = 0; i < count; i++) {
        table[i] = (struct plan_column){
            .name = columns[i].name, .type = columns[i].type, .has_default = true};
        p->wanted[i] = (struct pipe_column){(char *)(uintptr_t)columns[i].name, name};
        if (columns[i].source != NULL) {
            p->mappings[p->spec.mappings_count++] = (struct pipe_field_mapping){
                (char *)(uintptr_t)columns[i].source, (char *)(uintptr_t)columns[i].name};
        }
    }
    p->spec.settings = settings == NULL ? (struct pipe_settings){0} : *settings;
    p->spec.settings.path_separator = separator;
    p->spec.destination.database = name;
    p->spec.destination.table = name;
    p->spec.destination.columns = p->wanted;
    p->spec.destination.columns_count = count;
    p->spec.mappings = p->mappings;
    struct err err = {0};
    enum status st = plan_new(&p->spec, table, count, &p->plan, &err);
    if (st == ST_UNSUPPORTED) {
        return false;
    }
    FUZZ_REQUIRE(st == ST_OK, "%s", err.text);
    st = decoder_new(p->plan, NULL, &p->decoder, &err);
    FUZZ_REQUIRE(st == ST_OK, "%s", err.text);
    if (is_baseline) {
        decoder_use_baseline(p->decoder);
    }
    size_t made = 0;
    const struct block_column *list = plan_columns(p->plan, &made);
    st = block_new(list, made, 1 << 16, &p->block, &err);
    FUZZ_REQUIRE(st == ST_OK, "%s", err.text);
    return true;
}

void pipeline_close(struct pipeline *p)
{
    block_free(p->block);
    decoder_free(p->decoder);
    plan_free(p->plan);
    *p = (struct pipeline){0};
}

enum status pipeline_add(struct pipeline *p, const uint8_t *document, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    FUZZ_REQUIRE(copy != NULL, "memory");
    if (len > 0) {
        memcpy(copy, document, len);
    }
    struct record record = {
        .topic = "t",
        .topic_bytes = 1,
        .value = copy,
        .value_bytes = len,
    };
    struct err err = {0};
    struct decoder_outcome outcome = {0};
    enum status st = decoder_add(p->decoder, &record, p->block, &outcome, &err);
    if (st == ST_REJECTED) {
        p->reject = outcome.reject;
    }
    free(copy);
    FUZZ_REQUIRE(st == ST_OK || st == ST_REJECTED, "%d %s", (int)st, err.text);
    return st;
}

void pipeline_encode(struct block *block, struct buf *out)
{
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    buf_reset(out);
    FUZZ_REQUIRE(block_encode(block, &pieces, &count, NULL) == ST_OK, "encode");
    for (size_t i = 0; i < count; i++) {
        FUZZ_REQUIRE(buf_add(out, pieces[i].bytes, pieces[i].len_bytes) == ST_OK, "memory");
    }
}
