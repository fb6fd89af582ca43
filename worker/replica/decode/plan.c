/*
 * From a pipe's definition and a table's columns to a plan. Everything that can be wrong is found
 * here, once, so that the decoder need not look.
 */
#include "worker/replica/decode/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/plan_tree.h"
#include "worker/replica/decode/validate/json_schema.h"

enum {
    COLUMNS_MAX = 4096
};

struct plan_table {
    const struct plan_column *columns;
    size_t count;
};

static const struct plan_column *
find_column(const struct plan_column *columns, size_t columns_count, const char *name)
{
    for (size_t i = 0; i < columns_count; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            return &columns[i];
        }
    }
    return NULL;
}

/* The field a column reads: its mapping's, else the one of its own name. */
static const char *source_of(const struct pipe_spec *spec, const char *column)
{
    for (size_t i = 0; i < spec->mappings_count; i++) {
        if (strcmp(spec->mappings[i].destination_field, column) == 0) {
            return spec->mappings[i].source_field;
        }
    }
    return column;
}

static enum status
add_virtual(struct plan *plan, size_t index, enum virtual_kind kind, struct err *err)
{
    enum status st = virtual_check(kind, plan->columns[index].type, err);
    if (st != ST_OK) {
        (void)err_wrap(err, "column %s", plan->columns[index].name);
        return st;
    }
    struct plan_virtual item = {.column = (uint32_t)index, .kind = kind};
    plan->virtuals[plan->virtuals_count++] = item;
    return ST_OK;
}

static enum status add_field(
    struct plan *plan, size_t index, const char *path, const struct pipe_settings *settings,
    struct err *err)
{
    enum status st =
        cell_new(plan->columns[index].type, settings, &plan->keys_count, &plan->cells[index], err);
    if (st != ST_OK) {
        (void)err_wrap(err, "column %s", plan->columns[index].name);
        return st;
    }
    if (plan->root == NULL) {
        plan->root = calloc(1, sizeof(*plan->root));
        if (plan->root == NULL) {
            return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
        }
    }
    struct plan_field *field = &plan->fields[plan->fields_count++];
    *field = (struct plan_field){
        .column = (uint32_t)index, .path = strdup(path), .cell = plan->cells[index]};
    if (field->path == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    struct plan_source source = {
        .path = path,
        .separator = plan->separator,
        .target = {.column = (uint32_t)index, .cell = plan->cells[index]},
    };
    return plan_add_path(plan->root, &source, err);
}

static enum status
init_lists(struct plan *plan, size_t columns_count, const char *separator, struct err *err)
{
    plan->cells = calloc(columns_count, sizeof(struct cell *));
    plan->fields = calloc(columns_count, sizeof(*plan->fields));
    plan->separator = strdup(separator == NULL ? "." : separator);
    if (plan->cells == NULL || plan->fields == NULL || plan->separator == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    return ST_OK;
}

/* The plan of the key's fields, made when the first column reads one. */
static enum status
key_plan(struct plan *plan, size_t columns_count, struct plan **ret_key, struct err *err)
{
    if (plan->key == NULL) {
        plan->key = calloc(1, sizeof(*plan->key));
        if (plan->key == NULL) {
            return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
        }
        plan->key->is_key = true;
        plan->key->columns = plan->columns;
        plan->key->columns_count = columns_count;
        enum status st = init_lists(plan->key, columns_count, plan->separator, err);
        if (st != ST_OK) {
            return st;
        }
    }
    *ret_key = plan->key;
    return ST_OK;
}

/* What follows "_key" and the separator; NULL if the path does not begin so. */
static const char *key_path(const struct plan *plan, const char *path)
{
    static const char NAME[] = "_key";
    size_t separator_len = strlen(plan->separator);
    if (separator_len == 0 || strncmp(path, NAME, strlen(NAME)) != 0) {
        return NULL;
    }
    path += strlen(NAME);
    return strncmp(path, plan->separator, separator_len) == 0 && path[separator_len] != '\0'
               ? path + separator_len
               : NULL;
}

static enum status add_column(
    struct plan *plan, const struct pipe_spec *spec, const struct plan_column *column,
    const char *source, struct err *err)
{
    const char *name = column->name;
    size_t index = plan->columns_count;
    struct ch_type *type = NULL;
    enum status st = ch_type_parse(column->type, &type, err);
    if (st == ST_OK && spec->source.format == PIPE_FORMAT_JSON) {
        st = ch_type_check_json(type, err);
    }
    if (st != ST_OK) {
        ch_type_free(type);
        (void)err_wrap(err, "column %s", name);
        return st;
    }
    plan->columns[index].type = type;
    plan->columns[index].name = strdup(name);
    plan->columns_count++;
    if (plan->columns[index].name == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    enum virtual_kind kind = VIRTUAL_KEY;
    if (virtual_find(source, &kind)) {
        return add_virtual(plan, index, kind, err);
    }
    plan->columns[index].has_default =
        column->has_default && spec->settings.defaults == PIPE_DEFAULTS_SERVER;
    const char *path = key_path(plan, source);
    if (path == NULL) {
        return add_field(plan, index, source, &spec->settings, err);
    }
    struct plan *key = NULL;
    st = key_plan(plan, plan->columns_capacity, &key, err);
    return st == ST_OK ? add_field(key, index, path, &spec->settings, err) : st;
}

static enum status make_wanted(struct plan *plan, struct err *err)
{
    plan->bits_count = (uint32_t)plan->columns_count;
    if (plan->root != NULL) {
        enum status st = plan_index_node(plan, plan->root, err);
        if (st != ST_OK) {
            return st;
        }
    }
    plan->words_count = (plan->bits_count + 63) / 64;
    plan->wanted = calloc(plan->words_count + 1, sizeof(*plan->wanted));
    if (plan->wanted == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    for (size_t i = 0; i < plan->columns_count; i++) {
        if (plan->cells[i] != NULL) {
            plan->wanted[i / 64] |= 1ULL << (i % 64);
        }
    }
    return ST_OK;
}

static enum status check_settings(const struct pipe_spec *spec, struct err *err)
{
    if (spec->source.format == PIPE_FORMAT_PROTOBUF) {
        return err_set(
            err, ST_UNSUPPORTED, "format %s is not supported yet",
            pipe_format_text(spec->source.format));
    }
    if (spec->source.format == PIPE_FORMAT_JSON && spec->source.registry != NULL &&
        !json_schema_is_available()) {
        return err_set(
            err, ST_UNSUPPORTED,
            "a schema registry with JSONEachRow needs the JSON Schema validator, which this build "
            "lacks: build Penstock again with cargo and rustc 1.88 or newer (deploy/install-deps "
            "schema), or leave the registry out");
    }
    if (spec->settings.multi_record != PIPE_MULTI_RECORD_OFF &&
        spec->source.format != PIPE_FORMAT_JSON) {
        return err_set(
            err, ST_UNSUPPORTED, "penstock_multi_record needs format JSONEachRow, not %s",
            pipe_format_text(spec->source.format));
    }
    return ST_OK;
}

/* The pipe column's type if it is Nested(…); owned, NULL if it is not. */
static struct ch_type *nested_type(const struct pipe_column *column)
{
    struct ch_type *type = NULL;
    if (ch_type_parse(column->type, &type, NULL) == ST_OK && type->is_nested) {
        return type;
    }
    ch_type_free(type);
    return NULL;
}

/* Columns of the block for the pipe's columns, at most. */
static size_t count_columns(const struct pipe_destination *to)
{
    size_t count = to->columns_count;
    for (size_t i = 0; i < to->columns_count; i++) {
        CLEANUP(ch_type_freep) struct ch_type *type = nested_type(&to->columns[i]);
        count += type == NULL ? 0 : type->children[0]->children_count;
    }
    return count;
}

/* A text of three parts, owned; NULL: no memory. */
static char *join(const char *left, const char *middle, const char *right)
{
    char *text = NULL;
    return asprintf(&text, "%s%s%s", left, middle, right) < 0 ? NULL : text;
}

/* A pipe column n Nested(a …, b …) whose table has it as the columns n.a, n.b (flatten_nested=1,
 * ClickHouse's default). Each reads its member of the objects of the array n. */
static enum status add_nested(
    struct plan *plan, const struct pipe_spec *spec, const struct pipe_column *wanted,
    const struct plan_table *table, struct err *err)
{
    CLEANUP(ch_type_freep) struct ch_type *type = nested_type(wanted);
    if (type == NULL) {
        return err_set(
            err, ST_INVALID, "table %s.%s has no column %s", spec->destination.database,
            spec->destination.table, wanted->name);
    }
    const struct ch_type *tuple = type->children[0];
    const char *divider = *plan->separator == '\0' ? "." : plan->separator;
    for (size_t i = 0; i < tuple->children_count; i++) {
        CLEANUP(freep) char *name = join(wanted->name, ".", tuple->names[i]);
        CLEANUP(freep)
        char *source = join(source_of(spec, wanted->name), divider, tuple->names[i]);
        if (name == NULL || source == NULL) {
            return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
        }
        const struct plan_column *column = find_column(table->columns, table->count, name);
        if (column == NULL) {
            return err_set(
                err, ST_INVALID, "table %s.%s has neither a column %s nor %s",
                spec->destination.database, spec->destination.table, wanted->name, name);
        }
        enum status st = add_column(plan, spec, column, source, err);
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

static enum status init(
    struct plan *plan, const struct pipe_spec *spec, const struct plan_column *table_columns,
    size_t table_count, struct err *err)
{
    const struct pipe_destination *to = &spec->destination;
    const struct plan_table table = {table_columns, table_count};
    plan->columns_capacity = count_columns(to);
    plan->columns = calloc(plan->columns_capacity, sizeof(*plan->columns));
    plan->virtuals = calloc(plan->columns_capacity, sizeof(*plan->virtuals));
    plan->format = spec->source.format;
    plan->multi_record = spec->settings.multi_record;
    if (plan->columns == NULL || plan->virtuals == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    enum status st = init_lists(plan, plan->columns_capacity, spec->settings.path_separator, err);
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < to->columns_count; i++) {
        const char *name = to->columns[i].name;
        const struct plan_column *column = find_column(table_columns, table_count, name);
        st = column == NULL ? add_nested(plan, spec, &to->columns[i], &table, err)
                            : add_column(plan, spec, column, source_of(spec, name), err);
        if (st != ST_OK) {
            return st;
        }
    }
    st = make_wanted(plan, err);
    return st == ST_OK && plan->key != NULL ? make_wanted(plan->key, err) : st;
}

enum status plan_new(
    const struct pipe_spec *spec, const struct plan_column *table_columns, size_t columns_count,
    struct plan **ret_plan, struct err *err)
{
    assert(spec != NULL && ret_plan != NULL);
    if (spec->destination.columns_count == 0 || spec->destination.columns_count > COLUMNS_MAX) {
        return err_set(
            err, ST_INVALID, "a pipe has %zu columns; 1 to %d are possible",
            spec->destination.columns_count, COLUMNS_MAX);
    }
    enum status st = check_settings(spec, err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    st = init(plan, spec, table_columns, columns_count, err);
    if (st != ST_OK) {
        return st;
    }
    *ret_plan = plan;
    plan = NULL;
    return ST_OK;
}

void plan_free(struct plan *plan)
{
    if (plan == NULL) {
        return;
    }
    plan_node_free(plan->root);
    for (size_t i = 0; plan->cells != NULL && i < plan->columns_count; i++) {
        cell_free(plan->cells[i]);
    }
    for (size_t i = 0; !plan->is_key && i < plan->columns_count; i++) {
        /* the plan made them; block_column lends them to others as const */
        free((void *)(uintptr_t)plan->columns[i].name);
        ch_type_free((struct ch_type *)(uintptr_t)plan->columns[i].type);
    }
    if (!plan->is_key) {
        free(plan->columns);
    }
    plan_free(plan->key);
    free(plan->cells);
    free(plan->virtuals);
    for (size_t i = 0; i < plan->fields_count; i++) {
        free((void *)(uintptr_t)plan->fields[i].path); /* lent to others as const */
    }
    free(plan->fields);
    free(plan->separator);
    free(plan->wanted);
    free(plan);
}

void plan_freep(struct plan **plan)
{
    plan_free(*plan);
    *plan = NULL;
}

const struct block_column *plan_columns(const struct plan *plan, size_t *ret_count)
{
    *ret_count = plan->columns_count;
    return plan->columns;
}

const struct plan_field *plan_fields(const struct plan *plan, size_t *ret_count)
{
    *ret_count = plan->fields_count;
    return plan->fields;
}

const char *plan_separator(const struct plan *plan)
{
    return plan->separator;
}

bool plan_needs_headers(const struct plan *plan)
{
    for (size_t i = 0; i < plan->virtuals_count; i++) {
        if (virtual_needs_headers(plan->virtuals[i].kind)) {
            return true;
        }
    }
    return false;
}

bool plan_is_raw(const struct plan *plan)
{
    return plan->root == NULL;
}
