/*
 * Does an existing table take what a pipe sends? Equal types do; so do the ones ClickHouse converts
 * from a Native block without changing a value: another time zone, LowCardinality or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/type.h"

static const struct ch_type *plain(const struct ch_type *type)
{
    return type->kind == CH_LOW_CARDINALITY && type->children_count == 1 ? type->children[0] : type;
}

static bool names_equal(const struct ch_type *a, const struct ch_type *b)
{
    if ((a->names == NULL) != (b->names == NULL)) {
        return false;
    }
    for (size_t i = 0; a->names != NULL && i < a->children_count; i++) {
        if (strcmp(a->names[i], b->names[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool types_fit(const struct ch_type *wanted, const struct ch_type *there)
{
    wanted = plain(wanted);
    there = plain(there);
    if (wanted->kind != there->kind) {
        return false;
    }
    if (wanted->kind == CH_JSON) {
        return true; /* sent as text, read as the table's own type says */
    }
    if (wanted->kind == CH_DATETIME || wanted->kind == CH_DATETIME64) {
        return wanted->scale == there->scale;
    }
    if (wanted->children_count == 0) {
        return ch_type_equals(wanted, there);
    }
    if (wanted->children_count != there->children_count || !names_equal(wanted, there)) {
        return false;
    }
    for (size_t i = 0; i < wanted->children_count; i++) {
        if (!types_fit(wanted->children[i], there->children[i])) {
            return false;
        }
    }
    return true;
}

static bool type_texts_fit(const char *wanted, const char *there)
{
    CLEANUP(ch_type_freep) struct ch_type *wanted_type = NULL;
    CLEANUP(ch_type_freep) struct ch_type *there_type = NULL;
    if (ch_type_parse_any(wanted, &wanted_type, NULL) != ST_OK ||
        ch_type_parse_any(there, &there_type, NULL) != ST_OK) {
        return strcmp(wanted, there) == 0; /* newer than our table of types */
    }
    return types_fit(wanted_type, there_type);
}

/* The table's column for one element of a Nested column, "n.a"; NULL if there is none. */
static const struct clickhouse_column *
find_element(const struct clickhouse_table *table, const char *nested, const char *element)
{
    CLEANUP(freep) char *name = NULL;
    if (asprintf(&name, "%s.%s", nested, element) < 0) {
        name = NULL;
    }
    return name == NULL ? NULL : clickhouse_table_find(table, name);
}

/* True if the pipe's column is Nested(a T, …) and the table has it as n.a Array(T), …, which is how
 * ClickHouse makes it unless flatten_nested is 0. */
static bool fits_flattened(const struct clickhouse_table *table, const struct pipe_column *wanted)
{
    CLEANUP(ch_type_freep) struct ch_type *type = NULL;
    if (ch_type_parse_any(wanted->type, &type, NULL) != ST_OK || !type->is_nested) {
        return false;
    }
    const struct ch_type *tuple = type->children[0];
    for (size_t i = 0; i < tuple->children_count; i++) {
        const struct clickhouse_column *there = find_element(table, wanted->name, tuple->names[i]);
        CLEANUP(ch_type_freep) struct ch_type *there_type = NULL;
        bool is_fit = there != NULL && clickhouse_column_is_insertable(there) &&
                      ch_type_parse_any(there->type, &there_type, NULL) == ST_OK &&
                      there_type->kind == CH_ARRAY &&
                      types_fit(tuple->children[i], there_type->children[0]);
        if (!is_fit) {
            return false;
        }
    }
    return true;
}

/* Whether there is such a column at all, as a whole or element by element. */
static bool has_column(const struct clickhouse_table *table, const struct pipe_column *wanted)
{
    return clickhouse_table_find(table, wanted->name) != NULL || fits_flattened(table, wanted);
}

static void check_column(
    const struct clickhouse_table *table, const struct pipe_column *wanted, const char *pointer,
    struct pipe_problems *problems)
{
    const struct clickhouse_column *there = clickhouse_table_find(table, wanted->name);
    if (there == NULL && fits_flattened(table, wanted)) {
        return;
    }
    if (there == NULL) {
        pipe_problems_add(problems, pointer, "the table has no column '%s'", wanted->name);
    } else if (!clickhouse_column_is_insertable(there)) {
        pipe_problems_add(
            problems, pointer, "column '%s' of the table is %s and takes no values", wanted->name,
            there->default_kind);
    } else if (!type_texts_fit(wanted->type, there->type)) {
        pipe_problems_add(
            problems, pointer, "column '%s' of the table is %s, not %s", wanted->name, there->type,
            wanted->type);
    }
}

static enum status check_columns(
    const struct clickhouse_table *table, const struct pipe_destination *destination, bool may_lack,
    struct pipe_problems *problems)
{
    size_t count_before = problems->count;
    bool had_more = problems->has_more;
    for (size_t i = 0; i < destination->columns_count; i++) {
        const struct pipe_column *wanted = &destination->columns[i];
        char pointer[64];
        (void)snprintf(pointer, sizeof(pointer), "/destination/columns/%zu", i); /* fits */
        if (!may_lack || has_column(table, wanted)) {
            check_column(table, wanted, pointer, problems);
        }
    }
    bool is_good = problems->count == count_before && problems->has_more == had_more;
    return is_good ? ST_OK : ST_INVALID;
}

enum status clickhouse_table_check(
    const struct clickhouse_table *table, const struct pipe_destination *destination,
    struct pipe_problems *problems)
{
    return check_columns(table, destination, false, problems);
}

enum status clickhouse_table_check_types(
    const struct clickhouse_table *table, const struct pipe_destination *destination,
    struct pipe_problems *problems)
{
    return check_columns(table, destination, true, problems);
}
