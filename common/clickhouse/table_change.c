/* Column by column, by name. */
#include "common/clickhouse/table_change.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"

enum {
    SPARE_BYTES = 32 /* for "; and 4096 more" */
};

struct sentence {
    char *text; /* of TABLE_CHANGE_BYTES */
    size_t len_bytes;
    int left_out;
};

PRINTF_LIKE(2, 3) static void add(struct sentence *sentence, const char *format, ...)
{
    char part[TABLE_CHANGE_BYTES];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(part, sizeof(part), format, args);
    va_end(args);
    const char *separator = sentence->len_bytes == 0 ? "" : "; ";
    const size_t needed_bytes = strlen(separator) + (size_t)(len < 0 ? 0 : len);
    if (sentence->left_out > 0 ||
        sentence->len_bytes + needed_bytes + SPARE_BYTES > TABLE_CHANGE_BYTES) {
        sentence->left_out++;
        return;
    }
    const size_t separator_bytes = strlen(separator);
    memcpy(sentence->text + sentence->len_bytes, separator, separator_bytes);
    memcpy(sentence->text + sentence->len_bytes + separator_bytes, part, strlen(part) + 1);
    sentence->len_bytes += needed_bytes;
}

static void add_column(
    struct sentence *sentence, const struct clickhouse_column *now,
    const struct clickhouse_column *was)
{
    if (was == NULL) {
        add(sentence, "column %s (%s) is new", now->name, now->type);
    } else if (strcmp(now->type, was->type) != 0) {
        add(sentence, "column %s is %s, was %s", now->name, now->type, was->type);
    } else if (strcmp(now->default_kind, was->default_kind) != 0) {
        add(sentence, "column %s has %s%s, had %s%s", now->name, now->default_kind,
            now->default_kind[0] == '\0' ? "no default" : "", was->default_kind,
            was->default_kind[0] == '\0' ? "no default" : "");
    }
}

void clickhouse_table_change(
    const struct clickhouse_table *before, const struct clickhouse_table *after,
    char ret_text[TABLE_CHANGE_BYTES])
{
    struct sentence sentence = {.text = ret_text};
    ret_text[0] = '\0';
    for (size_t i = 0; i < before->columns_count; i++) {
        if (clickhouse_table_find(after, before->columns[i].name) == NULL) {
            add(&sentence, "column %s is gone", before->columns[i].name);
        }
    }
    for (size_t i = 0; i < after->columns_count; i++) {
        const struct clickhouse_column *now = &after->columns[i];
        add_column(&sentence, now, clickhouse_table_find(before, now->name));
    }
    if (strcmp(before->engine_full, after->engine_full) != 0) {
        add(&sentence, "engine or settings are others");
    }
    if (sentence.left_out > 0) {
        (void)snprintf(/* there is room for it */
                       ret_text + sentence.len_bytes, SPARE_BYTES, "%s%d more",
                       sentence.len_bytes == 0 ? "" : "; and ", sentence.left_out);
    }
}
