/* The text formats; each row stands for every format whose name starts so, the first hit counts. */
#include "demo/clickhouse/format_type.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "common/base/attr.h"

static const struct {
    const char *prefix;
    const char *content_type;
} rows[] = {
    {"JSONEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONStringsEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONCompactStringsEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONLines", "application/x-ndjson; charset=UTF-8"},
    {"NDJSON", "application/x-ndjson; charset=UTF-8"},
    {"JSON", "application/json; charset=UTF-8"},
    {"TabSeparated", "text/tab-separated-values; charset=UTF-8"},
    {"TSV", "text/tab-separated-values; charset=UTF-8"},
    {"Raw", "text/tab-separated-values; charset=UTF-8"},
    {"CSV", "text/csv; charset=UTF-8; header=absent"},
    {"XML", "application/xml; charset=UTF-8"},
    {"Markdown", "text/markdown; charset=UTF-8"},
    {"Pretty", "text/plain; charset=UTF-8"},
    {"Vertical", "text/plain; charset=UTF-8"},
    {"Values", "text/plain; charset=UTF-8"},
    {"LineAsString", "text/plain; charset=UTF-8"},
};

const char *format_content_type(const char *format)
{
    assert(format != NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strncasecmp(format, rows[i].prefix, strlen(rows[i].prefix)) == 0) {
            return rows[i].content_type;
        }
    }
    return "application/octet-stream";
}
