/*
 * Any bytes as ClickHouse's answer: every one gets a verdict, the same each time, "ok" only with
 * 200, with a message that is one line of UTF-8. A table's description is read whole or refused
 * with a reason. The first two bytes are the HTTP status.
 */
#include <string.h>

#include "common/base/utf8.h"
#include "common/clickhouse/answer.h"
#include "common/clickhouse/describe.h"

#include "tests/fuzz/fuzz.h"

static void require_line(const char *text)
{
    while (*text != '\0') {
        size_t len = utf8_char_bytes(text);
        FUZZ_REQUIRE(len > 0 && (uint8_t)*text >= ' ', "byte %02x", (uint8_t)*text);
        text += len;
    }
}

static void require_verdict(const struct http_response *response)
{
    struct clickhouse_answer first = {0};
    struct clickhouse_answer second = {0};
    clickhouse_answer_classify(response, &first);
    clickhouse_answer_classify(response, &second);
    FUZZ_REQUIRE(
        first.verdict == second.verdict && first.code == second.code &&
            strcmp(first.message, second.message) == 0,
        "not the same twice");
    bool is_ok = first.verdict == CLICKHOUSE_OK;
    FUZZ_REQUIRE(!is_ok || response->status_code / 100 == 2, "%d", response->status_code);
    bool has_reason = first.reason != PIPE_REASON_NONE;
    FUZZ_REQUIRE(!is_ok || !has_reason, "reason %d", (int)first.reason);
    FUZZ_REQUIRE(is_ok || has_reason || first.verdict == CLICKHOUSE_REJECTED, "no reason");
    FUZZ_REQUIRE(is_ok || first.message[0] != '\0', "no message");
    FUZZ_REQUIRE(!is_ok || first.code == 0, "ok with code %d", first.code);
    require_line(first.message);
    require_line(first.name);
    struct err err = {0};
    FUZZ_REQUIRE((clickhouse_answer_status(&first, &err) == ST_OK) == is_ok, "status");
    FUZZ_REQUIRE(clickhouse_code_from_text(buf_text(&response->body)) >= 0, "negative code");
}

static void require_table(const char *text)
{
    struct clickhouse_table *table = NULL;
    struct err err = {0};
    enum status st = clickhouse_describe_parse(text, &table, &err);
    FUZZ_REQUIRE(st == ST_OK || err.text[0] != '\0', "%d", (int)st);
    if (st == ST_OK) {
        for (size_t i = 0; i < table->columns_count; i++) {
            const struct clickhouse_column *column = &table->columns[i];
            FUZZ_REQUIRE(column->name != NULL && column->type != NULL, "column %zu", i);
            FUZZ_REQUIRE(clickhouse_table_find(table, column->name) != NULL, "%s", column->name);
        }
    }
    clickhouse_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    static const char HEADERS[] = "HTTP/1.1 200 OK\r\nX-ClickHouse-Exception-Code: ";
    struct http_response response = {.status_code = (data[0] << 8 | data[1]) % 600};
    response.status_code = data[0] == 0 ? 200 : response.status_code;
    buf_init(&response.body, size + 1);
    buf_init(&response.headers, size + sizeof(HEADERS));
    FUZZ_REQUIRE(buf_add(&response.body, data + 2, size - 2) == ST_OK, "memory");
    if ((data[1] & 1) != 0) {
        FUZZ_REQUIRE(buf_add_text(&response.headers, HEADERS) == ST_OK, "memory");
        FUZZ_REQUIRE(buf_add(&response.headers, data + 2, size - 2) == ST_OK, "memory");
    }
    require_verdict(&response);
    require_table(buf_text(&response.body));
    http_response_done(&response);
    return 0;
}
