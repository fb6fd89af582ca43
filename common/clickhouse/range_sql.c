/* Statements written piece by piece; answers in RowBinary, whose numbers are little-endian. */
#include "common/clickhouse/range_sql.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"

enum {
    ROW_BYTES = 16, /* of a stored offset: Int64 and UInt64 */
};

enum status clickhouse_kill_sql(const char *query_id, struct buf *sql)
{
    assert(query_id[0] != '\0');
    enum status st = buf_add_text(sql, "KILL QUERY WHERE user = currentUser() AND (query_id = ");
    st = st == ST_OK ? clickhouse_quote_string(sql, query_id) : st;
    st = st == ST_OK ? buf_add_text(sql, " OR startsWith(query_id, concat(") : st;
    st = st == ST_OK ? clickhouse_quote_string(sql, query_id) : st;
    return st == ST_OK ? buf_add_text(sql, ", '" CLICKHOUSE_PART_SEPARATOR "'))) SYNC") : st;
}

static enum status
range_equals(struct buf *sql, const char *word, const char *column, const char *text)
{
    enum status st = buf_add_text(sql, word);
    st = st == ST_OK ? clickhouse_quote_identifier(sql, column) : st;
    st = st == ST_OK ? buf_add_text(sql, " = ") : st;
    return st == ST_OK ? clickhouse_quote_string(sql, text) : st;
}

/* " FROM table WHERE …" */
static enum status range_from(struct buf *sql, const struct clickhouse_range *range)
{
    assert(range->last >= range->first);
    enum status st = buf_add_text(sql, " FROM ");
    st = st == ST_OK ? clickhouse_quote_table(sql, range->database, range->table) : st;
    st = st == ST_OK ? range_equals(sql, " WHERE ", range->topic_column, range->topic) : st;
    if (st == ST_OK && range->pipe_id_column != NULL) {
        st = range_equals(sql, " AND ", range->pipe_id_column, range->pipe_id);
    }
    st = st == ST_OK ? buf_add_text(sql, " AND ") : st;
    st = st == ST_OK ? clickhouse_quote_identifier(sql, range->partition_column) : st;
    st = st == ST_OK ? buf_add_format(sql, " = %" PRId32 " AND ", range->partition) : st;
    st = st == ST_OK ? clickhouse_quote_identifier(sql, range->offset_column) : st;
    return st == ST_OK
               ? buf_add_format(sql, " BETWEEN %" PRId64 " AND %" PRId64, range->first, range->last)
               : st;
}

enum status clickhouse_range_offsets_sql(const struct clickhouse_range *range, struct buf *sql)
{
    enum status st = buf_add_text(sql, "SELECT toInt64(");
    st = st == ST_OK ? clickhouse_quote_identifier(sql, range->offset_column) : st;
    st = st == ST_OK ? buf_add_text(sql, ") AS o, count() AS n") : st;
    st = st == ST_OK ? range_from(sql, range) : st;
    return st == ST_OK ? buf_add_text(sql, " GROUP BY o ORDER BY o FORMAT RowBinary") : st;
}

enum status clickhouse_range_offsets_parse(
    const struct buf *answer, struct clickhouse_stored_offset **ret_offsets, size_t *ret_count,
    struct err *err)
{
    if (answer->len_bytes % ROW_BYTES != 0) {
        return err_set(
            err, ST_INVALID,
            "the answer to a question for offsets has %zu bytes, no multiple of %d",
            answer->len_bytes, (int)ROW_BYTES);
    }
    size_t count = answer->len_bytes / ROW_BYTES;
    *ret_offsets = NULL;
    *ret_count = count;
    if (count == 0) {
        return ST_OK;
    }
    struct clickhouse_stored_offset *offsets = calloc(count, sizeof(*offsets));
    if (offsets == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu stored offsets", count);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(&offsets[i].offset, answer->bytes + i * ROW_BYTES, 8);
        memcpy(&offsets[i].rows, answer->bytes + i * ROW_BYTES + 8, 8);
    }
    *ret_offsets = offsets;
    return ST_OK;
}
