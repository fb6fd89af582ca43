/* avro-c's generic values to column builders. */
#include "bench/avro_generic.h"

#include <avro.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"

enum {
    PATH_MAX_LEVELS = 4,
    COLUMNS_MAX = 64,
};

struct path {
    size_t indexes[PATH_MAX_LEVELS];
    size_t count;
};

struct avro_generic {
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
    avro_reader_t reader;
    struct path paths[COLUMNS_MAX];
    size_t columns_count;
};

/* "a.b" as field indexes of the record and the records in it. */
static bool find_path(avro_value_t at, const char *text, struct path *ret_path)
{
    char copy[128];
    if (strlen(text) >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, strlen(text) + 1);
    char *rest = NULL;
    ret_path->count = 0;
    for (char *name = strtok_r(copy, ".", &rest); name != NULL; name = strtok_r(NULL, ".", &rest)) {
        size_t index = 0;
        avro_value_t field;
        if (ret_path->count == PATH_MAX_LEVELS ||
            avro_value_get_by_name(&at, name, &field, &index) != 0) {
            return false;
        }
        ret_path->indexes[ret_path->count++] = index;
        at = field;
    }
    return ret_path->count > 0;
}

struct avro_generic *avro_generic_new(enum workload_kind kind)
{
    struct avro_generic *g = calloc(1, sizeof(*g));
    const char *text = workload_avro_schema(kind);
    if (g == NULL || avro_schema_from_json_length(text, strlen(text), &g->schema) != 0) {
        free(g);
        return NULL;
    }
    g->class = avro_generic_class_from_schema(g->schema);
    g->reader = avro_reader_memory("", 0);
    if (g->class == NULL || g->reader == NULL || avro_generic_value_new(g->class, &g->value) != 0) {
        free(g);
        return NULL;
    }
    const struct workload_column *columns = workload_columns(kind, &g->columns_count);
    for (size_t i = 0; i < g->columns_count; i++) {
        if (!find_path(g->value, columns[i].source, &g->paths[i])) {
            avro_generic_free(g);
            return NULL;
        }
    }
    return g;
}

void avro_generic_free(struct avro_generic *g)
{
    if (g == NULL) {
        return;
    }
    avro_value_decref(&g->value);
    avro_value_iface_decref(g->class);
    avro_reader_free(g->reader);
    avro_schema_decref(g->schema);
    free(g);
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static bool add_uuid(struct column *column, const char *text, size_t len)
{
    uint64_t words[2] = {0, 0};
    size_t digits = 0;
    for (size_t i = 0; i < len && digits < 32; i++) {
        if (text[i] != '-') {
            words[digits / 16] = words[digits / 16] << 4 | (uint64_t)hex_digit(text[i]);
            digits++;
        }
    }
    return digits == 32 && column_add_two(column, words[0], words[1]);
}

static bool add_text(struct column *column, avro_value_t *value)
{
    const char *text = NULL;
    size_t size = 0; /* with the zero behind it */
    if (avro_value_get_string(value, &text, &size) != 0) {
        return false;
    }
    return column->kind == CH_UUID ? add_uuid(column, text, size - 1)
                                   : column_add_text(column, text, size - 1);
}

static bool add_value(struct column *column, avro_value_t *value);

static bool add_array(struct column *column, avro_value_t *value)
{
    size_t count = 0;
    if (avro_value_get_size(value, &count) != 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        if (avro_value_get_by_index(value, i, &item, NULL) != 0 ||
            !add_value(column->children[0], &item)) {
            return false;
        }
    }
    return column_add_offset(column, column_items(column->children[0]));
}

static bool add_branch(struct column *column, avro_value_t *value)
{
    avro_value_t branch;
    if (avro_value_get_current_branch(value, &branch) != 0) {
        return false;
    }
    return avro_value_get_type(&branch) == AVRO_NULL ? column_add_null(column)
                                                     : add_value(column, &branch);
}

static bool add_value(struct column *column, avro_value_t *value)
{
    int64_t whole = 0;
    double number = 0;
    int truth = 0;
    switch (avro_value_get_type(value)) {
    case AVRO_INT64:
        return avro_value_get_long(value, &whole) == 0 && column_add_u64(column, (uint64_t)whole);
    case AVRO_DOUBLE: {
        uint64_t bits = 0;
        bool is_read = avro_value_get_double(value, &number) == 0;
        memcpy(&bits, &number, sizeof(bits));
        return is_read && column_add_u64(column, bits);
    }
    case AVRO_BOOLEAN:
        return avro_value_get_boolean(value, &truth) == 0 && column_add_u8(column, truth != 0);
    case AVRO_STRING:
        return add_text(column, value);
    case AVRO_ENUM: {
        int index = 0;
        if (avro_value_get_enum(value, &index) != 0) {
            return false;
        }
        const char *symbol = avro_schema_enum_get(avro_value_get_schema(value), index);
        return column_add_text(column, symbol, strlen(symbol));
    }
    case AVRO_UNION:
        return add_branch(column, value);
    case AVRO_ARRAY:
        return add_array(column, value);
    default:
        return false; /* the workloads have no others */
    }
}

bool avro_generic_add(
    struct avro_generic *g, const char *body, size_t len_bytes, struct block *block)
{
    avro_reader_memory_set_source(g->reader, body, (int64_t)len_bytes);
    if (avro_value_read(g->reader, &g->value) != 0) {
        return false;
    }
    for (size_t i = 0; i < g->columns_count; i++) {
        avro_value_t at = g->value;
        for (size_t level = 0; level < g->paths[i].count; level++) {
            avro_value_t field;
            if (avro_value_get_by_index(&at, g->paths[i].indexes[level], &field, NULL) != 0) {
                return false;
            }
            at = field;
        }
        if (!add_value(block_column(block, i), &at)) {
            return false;
        }
    }
    block_row_commit(block, len_bytes);
    return true;
}
