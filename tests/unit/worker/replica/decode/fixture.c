/* The decode room between hand-written pipes and readable cells. */
#include "tests/unit/worker/replica/decode/fixture.h"

#include <stdlib.h>
#include <string.h>

void fixture_open(
    struct fixture *f, const struct fixture_column *columns, const struct pipe_settings *settings)
{
    static char separator[] = ".";
    static char name[] = "t";
    struct plan_column table[FIXTURE_COLUMNS_MAX];
    struct pipe_column wanted[FIXTURE_COLUMNS_MAX];
    struct pipe_field_mapping mappings[FIXTURE_COLUMNS_MAX];
    *f = (struct fixture){0};
    size_t count = 0;
    size_t mappings_count = 0;
    for (; columns[count].name != NULL; count++) {
        const struct fixture_column *c = &columns[count];
        table[count] = (struct plan_column){.name = c->name, .type = c->type};
        wanted[count] = (struct pipe_column){(char *)(uintptr_t)c->name, name};
        if (c->source != NULL) {
            mappings[mappings_count++] = (struct pipe_field_mapping){
                (char *)(uintptr_t)c->source, (char *)(uintptr_t)c->name};
        }
    }
    f->spec.settings = settings == NULL ? (struct pipe_settings){0} : *settings;
    f->spec.settings.path_separator = separator;
    f->spec.destination.database = name;
    f->spec.destination.table = name;
    f->spec.destination.columns = wanted;
    f->spec.destination.columns_count = count;
    f->spec.mappings = mappings;
    f->spec.mappings_count = mappings_count;
    struct err err = {0};
    enum status st = plan_new(&f->spec, table, count, &f->plan, &err);
    if (st != ST_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(decoder_new(f->plan, NULL, &f->decoder, &err), ST_OK);
    size_t made = 0;
    const struct block_column *made_columns = plan_columns(f->plan, &made);
    assert_int_equal(block_new(made_columns, made, 1 << 20, &f->block, &err), ST_OK);
}

void fixture_close(struct fixture *f)
{
    block_free(f->block);
    decoder_free(f->decoder);
    plan_free(f->plan);
}

enum status fixture_add_bytes(struct fixture *f, const void *bytes, size_t len)
{
    /* exactly as long as the document, so that a sanitizer sees every byte read too many */
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    struct record record = {
        .topic = "t",
        .topic_bytes = 1,
        .partition = 3,
        .offset = 42,
        .timestamp_ms = 1700000000123,
        .value = copy,
        .value_bytes = len,
    };
    struct err err = {0};
    enum status st = decoder_add(f->decoder, &record, f->block, &f->outcome, &err);
    if (st == ST_REJECTED) {
        f->reject = f->outcome.reject;
    }
    free(copy);
    return st;
}

enum status fixture_add(struct fixture *f, const char *text)
{
    return fixture_add_bytes(f, text, strlen(text));
}

void fixture_assert_u64(struct fixture *f, size_t column, uint64_t value)
{
    const struct column *c = block_column(f->block, column);
    uint64_t found = 0;
    assert_true(c->data.len >= c->width_bytes && c->width_bytes > 0);
    memcpy(&found, c->data.at + c->data.len - c->width_bytes, c->width_bytes);
    uint64_t mask = UINT64_MAX >> (64 - c->width_bytes * 8);
    assert_int_equal(found, value & mask);
}

void fixture_assert_text(struct fixture *f, size_t column, const char *text)
{
    const struct column *c = block_column(f->block, column);
    size_t len = strlen(text);
    assert_true(c->data.len > len);
    assert_memory_equal(c->data.at + c->data.len - len, text, len);
    if (len < 0x80) {
        assert_int_equal(c->data.at[c->data.len - len - 1], len);
    }
}
