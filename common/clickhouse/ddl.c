/* SQL for tables, written with every name and text quoted. */
#include "common/clickhouse/ddl.h"

#include <assert.h>
#include <string.h>

#include "common/clickhouse/error_table.h"

/* Replicated variants (a database may turn MergeTree into one) have a window by default. */
#define SQL_WINDOW "\nSETTINGS non_replicated_deduplication_window = %d"

/* Backslash escapes as in ClickHouse's string literals (documentation, "Syntax", Literals). */
static enum status quote(struct buf *sql, const char *text, char mark)
{
    static const char special[] = "\\\n\r\t\b\f";
    static const char letters[] = "\\nrtbf";
    enum status st = buf_add(sql, &mark, 1);
    for (const char *p = text; st == ST_OK && *p != '\0'; p++) {
        const char *found = strchr(special, *p);
        char escaped[2] = {'\\', *p};
        if (found != NULL) {
            escaped[1] = letters[found - special];
        }
        bool needs_escape = found != NULL || *p == mark;
        st = needs_escape ? buf_add(sql, escaped, sizeof(escaped)) : buf_add(sql, p, 1);
    }
    return st == ST_OK ? buf_add(sql, &mark, 1) : st;
}

enum status clickhouse_quote_identifier(struct buf *sql, const char *name)
{
    return quote(sql, name, '`');
}

enum status clickhouse_quote_string(struct buf *sql, const char *text)
{
    return quote(sql, text, '\'');
}

enum status clickhouse_quote_table(struct buf *sql, const char *database, const char *table)
{
    enum status st = clickhouse_quote_identifier(sql, database);
    if (st == ST_OK) {
        st = buf_add_text(sql, ".");
    }
    return st == ST_OK ? clickhouse_quote_identifier(sql, table) : st;
}

static bool is_column(const struct pipe_destination *destination, const char *name)
{
    for (size_t i = 0; i < destination->columns_count; i++) {
        if (strcmp(destination->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A column's name quoted, or an expression as it is. */
static enum status
add_key(struct buf *sql, const struct pipe_destination *destination, const char *entry)
{
    return is_column(destination, entry) ? clickhouse_quote_identifier(sql, entry)
                                         : buf_add_text(sql, entry);
}

static enum status add_columns(struct buf *sql, const struct pipe_destination *destination)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < destination->columns_count; i++) {
        st = buf_add_text(sql, i == 0 ? "\n    " : ",\n    ");
        if (st == ST_OK) {
            st = clickhouse_quote_identifier(sql, destination->columns[i].name);
        }
        if (st == ST_OK) {
            st = buf_add_format(sql, " %s", destination->columns[i].type);
        }
    }
    return st;
}

static enum status add_version(struct buf *sql, const char *version_column)
{
    if (version_column == NULL) {
        return ST_OK;
    }
    enum status st = buf_add_text(sql, "(");
    if (st == ST_OK) {
        st = clickhouse_quote_identifier(sql, version_column);
    }
    return st == ST_OK ? buf_add_text(sql, ")") : st;
}

static enum status add_sums(struct buf *sql, const struct text_list *columns)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < columns->count; i++) {
        st = buf_add_text(sql, i == 0 ? "((" : ", ");
        if (st == ST_OK) {
            st = clickhouse_quote_identifier(sql, columns->items[i]);
        }
    }
    return st == ST_OK && columns->count > 0 ? buf_add_text(sql, "))") : st;
}

static enum status add_engine(struct buf *sql, const struct pipe_destination *destination)
{
    enum status st = buf_add_text(sql, table_engine_text(destination->engine));
    if (st != ST_OK) {
        return st;
    }
    switch (destination->engine) {
    case ENGINE_MERGE_TREE:
    case ENGINE_NULL:
        return ST_OK;
    case ENGINE_REPLACING_MERGE_TREE:
        return add_version(sql, destination->version_column);
    case ENGINE_SUMMING_MERGE_TREE:
        return add_sums(sql, &destination->sum_columns);
    }
    return ST_INTERNAL;
}

static enum status add_clause(
    struct buf *sql, const struct pipe_destination *destination, const char *word,
    const char *expression)
{
    if (expression == NULL) {
        return ST_OK;
    }
    enum status st = buf_add_format(sql, "\n%s ", word);
    return st == ST_OK ? add_key(sql, destination, expression) : st;
}

static enum status add_order(struct buf *sql, const struct pipe_destination *destination)
{
    if (destination->sorting_key.count == 0) {
        return buf_add_text(sql, "\nORDER BY tuple()");
    }
    enum status st = buf_add_text(sql, "\nORDER BY (");
    for (size_t i = 0; st == ST_OK && i < destination->sorting_key.count; i++) {
        st = buf_add_text(sql, i == 0 ? "" : ", ");
        if (st == ST_OK) {
            st = add_key(sql, destination, destination->sorting_key.items[i]);
        }
    }
    return st == ST_OK ? buf_add_text(sql, ")") : st;
}

/* Everything behind the engine. */
static enum status add_storage(struct buf *sql, const struct pipe_destination *destination)
{
    enum status st = add_clause(sql, destination, "PARTITION BY", destination->partition_by);
    if (st == ST_OK && destination->primary_key != NULL) {
        st = buf_add_text(sql, "\nPRIMARY KEY (");
        if (st == ST_OK) {
            st = add_key(sql, destination, destination->primary_key);
        }
        if (st == ST_OK) {
            st = buf_add_text(sql, ")");
        }
    }
    if (st == ST_OK) {
        st = add_order(sql, destination);
    }
    if (st == ST_OK) {
        st = add_clause(sql, destination, "TTL", destination->ttl);
    }
    return st == ST_OK ? buf_add_format(sql, SQL_WINDOW, CLICKHOUSE_WINDOW) : st;
}

enum status clickhouse_ddl_target(const struct pipe_destination *destination, struct buf *sql)
{
    assert(destination->columns_count > 0);
    enum status st = buf_add_text(sql, "CREATE TABLE IF NOT EXISTS ");
    if (st == ST_OK) {
        st = clickhouse_quote_table(sql, destination->database, destination->table);
    }
    if (st == ST_OK) {
        st = buf_add_text(sql, "\n(");
    }
    if (st == ST_OK) {
        st = add_columns(sql, destination);
    }
    if (st == ST_OK) {
        st = buf_add_text(sql, "\n)\nENGINE = ");
    }
    if (st == ST_OK) {
        st = add_engine(sql, destination);
    }
    return st == ST_OK && destination->engine != ENGINE_NULL ? add_storage(sql, destination) : st;
}

/* `table` with the error table's suffix, quoted with its database. */
static enum status add_error_table(struct buf *sql, const char *database, const char *table)
{
    struct buf name;
    buf_init(&name, CLICKHOUSE_SQL_MAX_BYTES);
    enum status st = buf_add_format(&name, "%s" ERROR_TABLE_SUFFIX, table);
    if (st == ST_OK) {
        st = clickhouse_quote_table(sql, database, buf_text(&name));
    }
    buf_done(&name);
    return st;
}

enum status clickhouse_ddl_error_table(const char *database, const char *table, struct buf *sql)
{
    static const struct {
        const char *name;
        const char *type;
    } columns[] = {
#define X(name, type) {#name, type},
        ERROR_TABLE_COLUMNS(X)
#undef X
    };
    enum status st = buf_add_text(sql, "CREATE TABLE IF NOT EXISTS ");
    if (st == ST_OK) {
        st = add_error_table(sql, database, table);
    }
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(columns); i++) {
        st = buf_add_format(
            sql, "%s\n    `%s` %s", i == 0 ? "\n(" : ",", columns[i].name, columns[i].type);
    }
    if (st == ST_OK) {
        st = buf_add_text(
            sql, "\n)\nENGINE = MergeTree\n"
                 "ORDER BY (error_timestamp, record_partition, record_offset)\n"
                 "TTL error_timestamp + INTERVAL 7 DAY");
    }
    return st == ST_OK ? buf_add_format(sql, SQL_WINDOW, CLICKHOUSE_WINDOW) : st;
}

/* What the comment of a table says that was made for a pipe. */
#define MARK "made for ClickPipe "

enum status clickhouse_ddl_mark(const char *pipe_id, struct buf *sql)
{
    return buf_add_format(sql, "\nCOMMENT '" MARK "%s'", pipe_id);
}

enum status clickhouse_ddl_is_marked(
    const char *database, const char *table, const char *pipe_id, struct buf *sql)
{
    enum status st = buf_add_text(sql, "SELECT count() FROM system.tables WHERE database = ");
    st = st == ST_OK ? clickhouse_quote_string(sql, database) : st;
    st = st == ST_OK ? buf_add_text(sql, " AND name = ") : st;
    st = st == ST_OK ? clickhouse_quote_string(sql, table) : st;
    return st == ST_OK ? buf_add_format(sql, " AND comment = '" MARK "%s' FORMAT TSV", pipe_id)
                       : st;
}

enum status clickhouse_ddl_drop_empty(const char *database, const char *table, struct buf *sql)
{
    enum status st = buf_add_text(sql, "DROP TABLE IF EXISTS IF EMPTY ");
    return st == ST_OK ? clickhouse_quote_table(sql, database, table) : st;
}
