/*
 * destination: the table, its definition if Penstock makes it, and the columns of the pipe. Types
 * are texts here; whether they exist is checked where the type parser is. SQL expressions are the
 * user's own; only their brackets and quotes are checked, so that one expression stays one.
 */
#include "common/model/pipe_destination.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS_MAX = 4096,
    EXPRESSION_DEPTH_MAX = 64,
};

bool pipe_destination_has_column(const struct pipe_destination *destination, const char *name)
{
    for (size_t i = 0; i < destination->columns_count; i++) {
        assert(destination->columns[i].name != NULL);
        if (strcmp(destination->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void pipe_destination_check_column(
    struct pipe_reader *reader, const char *pointer, const struct pipe_destination *destination,
    const char *name)
{
    if (destination->columns_count > 0 && !pipe_destination_has_column(destination, name)) {
        pipe_problems_add(reader->problems, pointer, "'%s' is not a column", name);
    }
}

/* ---- expressions ---- */

/* Behind a quoted part that begins at text; NULL if it does not end. */
static const char *skip_quoted(const char *text)
{
    char quote = *text++;
    while (*text != '\0' && *text != quote) {
        text += *text == '\\' && text[1] != '\0' ? 2 : 1;
    }
    return *text == quote ? text + 1 : NULL;
}

struct brackets {
    char closing[EXPRESSION_DEPTH_MAX]; /* what each open one waits for */
    size_t depth;
};

/* What is wrong with a bracket, NULL if nothing or if it is none. */
static const char *bracket_problem(struct brackets *brackets, char c)
{
    if (c == '(' || c == '[' || c == '{') {
        if (brackets->depth == EXPRESSION_DEPTH_MAX) {
            return "is nested too deeply";
        }
        brackets->closing[brackets->depth++] = c == '(' ? ')' : (char)(c + 2);
    } else if (c == ')' || c == ']' || c == '}') {
        if (brackets->depth == 0 || brackets->closing[--brackets->depth] != c) {
            return "has a closing bracket too many";
        }
    }
    return NULL;
}

/* What must not stand here, NULL if it may. */
static const char *forbidden_problem(const char *text, bool is_comma_allowed)
{
    if (*text == ';') {
        return "must not contain ';'";
    }
    if (*text == ',' && !is_comma_allowed) {
        return "must be one column or expression, without a comma";
    }
    if (strncmp(text, "--", 2) == 0 || strncmp(text, "/*", 2) == 0) {
        return "must not contain a comment";
    }
    return NULL;
}

/* What is wrong with an expression, NULL if nothing. */
static const char *expression_problem(const char *text, bool is_list_allowed)
{
    struct brackets brackets = {.depth = 0};
    while (text != NULL && *text != '\0') {
        if (*text == '\'' || *text == '"' || *text == '`') {
            text = skip_quoted(text);
            continue;
        }
        const char *problem = bracket_problem(&brackets, *text);
        if (problem == NULL) {
            problem = forbidden_problem(text, is_list_allowed || brackets.depth > 0);
        }
        if (problem != NULL) {
            return problem;
        }
        text++;
    }
    if (text == NULL) {
        return "has a quote that does not end";
    }
    return brackets.depth > 0 ? "has a bracket that does not end" : NULL;
}

static void destination_read_expression(
    struct pipe_reader *reader, const struct pipe_node *definition, const char *key,
    char **ret_text)
{
    if (!pipe_json_text_or_none(reader, definition, key, ret_text)) {
        return;
    }
    const char *problem = expression_problem(*ret_text, true);
    if (problem != NULL) {
        struct pipe_node node = pipe_json_member(definition, key);
        pipe_problems_add(reader->problems, node.pointer, "%s", problem);
    }
}

/* ---- columns ---- */

static void destination_read_columns(
    struct pipe_reader *reader, const struct pipe_node *destination,
    struct pipe_destination *ret_destination)
{
    struct pipe_node array;
    if (!pipe_json_array(reader, destination, "columns", PIPE_REQUIRED, &array)) {
        return;
    }
    size_t count = json_array_size(array.json);
    if (count > COLUMNS_MAX) {
        pipe_problems_add(
            reader->problems, array.pointer, "%zu columns, at most %d", count, COLUMNS_MAX);
        return;
    }
    ret_destination->columns = calloc(count, sizeof(*ret_destination->columns));
    if (ret_destination->columns == NULL) {
        reader->is_out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct pipe_node item = pipe_json_item(&array, i);
        struct pipe_column column = {0};
        if (!json_is_object(item.json)) {
            pipe_problems_add(reader->problems, item.pointer, "must be an object");
            continue;
        }
        bool has_name = pipe_json_text(reader, &item, "name", PIPE_REQUIRED, &column.name);
        (void)pipe_json_text(/* problems are in reader */
                             reader, &item, "type", PIPE_REQUIRED, &column.type);
        if (has_name && pipe_destination_has_column(ret_destination, column.name)) {
            struct pipe_node node = pipe_json_member(&item, "name");
            pipe_problems_add(
                reader->problems, node.pointer, "column '%s' is named twice", column.name);
        }
        if (column.name == NULL || column.type == NULL) {
            free(column.name);
            free(column.type);
            continue;
        }
        ret_destination->columns[ret_destination->columns_count++] = column;
    }
}

/* ---- engine and keys ---- */

static void destination_read_engine(
    struct pipe_reader *reader, const struct pipe_node *definition,
    struct pipe_destination *ret_destination)
{
    struct pipe_node engine;
    if (!pipe_json_object(reader, definition, "engine", PIPE_REQUIRED, &engine)) {
        return;
    }
    unsigned type = ENGINE_MERGE_TREE;
    struct pipe_node node = pipe_json_member(&engine, "type");
    if (node.json == NULL) {
        pipe_problems_add(reader->problems, node.pointer, "is required");
    }
    if (!pipe_json_choice(reader, &engine, "type", &pipe_choices_engine, &type)) {
        return;
    }
    ret_destination->engine = (enum table_engine)type;
    node = pipe_json_member(&engine, "versionColumnId");
    if (pipe_json_text_or_none(
            reader, &engine, "versionColumnId", &ret_destination->version_column)) {
        if (ret_destination->engine == ENGINE_REPLACING_MERGE_TREE) {
            pipe_destination_check_column(
                reader, node.pointer, ret_destination, ret_destination->version_column);
        } else {
            pipe_problems_add(
                reader->problems, node.pointer, "is only possible with ReplacingMergeTree");
        }
    }
    (void)pipe_json_text_list(/* problems are in reader */
                              reader, &engine, "columnIds", &ret_destination->sum_columns);
    node = pipe_json_member(&engine, "columnIds");
    if (ret_destination->engine != ENGINE_SUMMING_MERGE_TREE) {
        if (ret_destination->sum_columns.count > 0) {
            pipe_problems_add(
                reader->problems, node.pointer, "is only possible with SummingMergeTree");
        }
        return;
    }
    for (size_t i = 0; i < ret_destination->sum_columns.count; i++) {
        struct pipe_node item = pipe_json_item(&node, i);
        pipe_destination_check_column(
            reader, item.pointer, ret_destination, ret_destination->sum_columns.items[i]);
    }
}

static bool is_nullable_column(const struct pipe_destination *destination, const char *name)
{
    for (size_t i = 0; i < destination->columns_count; i++) {
        const struct pipe_column *column = &destination->columns[i];
        if (strcmp(column->name, name) == 0) {
            return strncmp(column->type, "Nullable", strlen("Nullable")) == 0;
        }
    }
    return false;
}

static void destination_read_sorting_key(
    struct pipe_reader *reader, const struct pipe_node *definition,
    struct pipe_destination *ret_destination)
{
    struct pipe_node node = pipe_json_member(definition, "sortingKey");
    (void)pipe_json_text_list(/* problems are in reader */
                              reader, definition, "sortingKey", &ret_destination->sorting_key);
    const struct text_list *keys = &ret_destination->sorting_key;
    for (size_t i = 0; i < keys->count; i++) {
        struct pipe_node item = pipe_json_item(&node, i);
        if (pipe_destination_has_column(ret_destination, keys->items[i])) {
            if (is_nullable_column(ret_destination, keys->items[i])) {
                pipe_problems_add(
                    reader->problems, item.pointer, "column '%s' is Nullable", keys->items[i]);
            }
            continue;
        }
        const char *problem = expression_problem(keys->items[i], false);
        if (problem != NULL) {
            pipe_problems_add(reader->problems, item.pointer, "%s", problem);
        }
    }
    bool is_empty =
        node.json == NULL || (json_is_array(node.json) && json_array_size(node.json) == 0);
    if (ret_destination->engine == ENGINE_REPLACING_MERGE_TREE && is_empty) {
        pipe_problems_add(reader->problems, node.pointer, "is required with ReplacingMergeTree");
    }
}

static void destination_read_definition(
    struct pipe_reader *reader, const struct pipe_node *destination,
    struct pipe_destination *ret_destination)
{
    struct pipe_node definition = pipe_json_member(destination, "tableDefinition");
    if (!ret_destination->is_managed) {
        if (definition.json != NULL) {
            pipe_problems_add(
                reader->problems, definition.pointer, "is only possible with managedTable true");
        }
        return;
    }
    if (!pipe_json_object(reader, destination, "tableDefinition", PIPE_REQUIRED, &definition)) {
        return;
    }
    destination_read_engine(reader, &definition, ret_destination);
    destination_read_sorting_key(reader, &definition, ret_destination);
    destination_read_expression(reader, &definition, "partitionBy", &ret_destination->partition_by);
    destination_read_expression(reader, &definition, "primaryKey", &ret_destination->primary_key);
    destination_read_expression(reader, &definition, "ttl", &ret_destination->ttl);
    bool has_storage = ret_destination->sorting_key.count > 0 ||
                       ret_destination->partition_by != NULL ||
                       ret_destination->primary_key != NULL || ret_destination->ttl != NULL;
    if (ret_destination->engine == ENGINE_NULL && has_storage) {
        pipe_problems_add(
            reader->problems, definition.pointer,
            "engine Null has no sortingKey, partitionBy, primaryKey or ttl");
    }
}

static void destination_read_roles(
    struct pipe_reader *reader, const struct pipe_node *destination, struct text_list *ret_roles)
{
    struct pipe_node node = pipe_json_member(destination, "roles");
    (void)pipe_json_text_list(reader, destination, "roles", ret_roles); /* problems in reader */
    for (size_t i = 0; i < ret_roles->count; i++) {
        if (strcmp(ret_roles->items[i], "clickpipes") == 0 ||
            strcmp(ret_roles->items[i], "clickpipes_system") == 0) {
            struct pipe_node item = pipe_json_item(&node, i);
            pipe_problems_add(
                reader->problems, item.pointer, "role '%s' is reserved", ret_roles->items[i]);
        }
    }
}

void pipe_destination_read(
    struct pipe_reader *reader, const struct pipe_node *definition,
    struct pipe_destination *ret_destination)
{
    struct pipe_node destination;
    if (!pipe_json_object(reader, definition, "destination", PIPE_REQUIRED, &destination)) {
        return;
    }
    struct pipe_node database = pipe_json_member(&destination, "database");
    if (database.json != NULL) {
        (void)pipe_json_text(/* problems are in reader */
                             reader, &destination, "database", PIPE_REQUIRED,
                             &ret_destination->database);
    } else {
        ret_destination->database = strdup("default");
        reader->is_out_of_memory = reader->is_out_of_memory || ret_destination->database == NULL;
    }
    (void)pipe_json_text(reader, &destination, "table", PIPE_REQUIRED, &ret_destination->table);
    destination_read_columns(reader, &destination, ret_destination);
    if (pipe_json_bool(
            reader, &destination, "managedTable", PIPE_REQUIRED, &ret_destination->is_managed)) {
        destination_read_definition(reader, &destination, ret_destination);
    }
    destination_read_roles(reader, &destination, &ret_destination->roles);
}

void pipe_destination_done(struct pipe_destination *destination)
{
    free(destination->database);
    free(destination->table);
    free(destination->version_column);
    text_list_done(&destination->sum_columns);
    text_list_done(&destination->sorting_key);
    free(destination->partition_by);
    free(destination->primary_key);
    free(destination->ttl);
    for (size_t i = 0; i < destination->columns_count; i++) {
        free(destination->columns[i].name);
        free(destination->columns[i].type);
    }
    free(destination->columns);
    text_list_done(&destination->roles);
    *destination = (struct pipe_destination){0};
}
