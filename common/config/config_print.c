/* Settings as people see them: what is in force, and the README's table. */
#include <string.h>

#include "common/config/config.h"
#include "common/config/config_row.h"

static const char *origin_text(const struct config_value *value)
{
    switch (value->origin) {
    case CONFIG_ORIGIN_DEFAULT:
        return value->is_set ? "default" : "not set";
    case CONFIG_ORIGIN_ENVIRONMENT:
        return "environment";
    case CONFIG_ORIGIN_FILE:
        return "file";
    case CONFIG_ORIGIN_SECRET_FILE:
        return "secret file";
    }
    return "";
}

enum status config_print(const struct config *config, struct buf *buf)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++) {
        const struct config_row *row = &config_rows[i];
        const struct config_value *value = &config->values[i];
        if ((row->programs & (int)config->program) == 0) {
            continue;
        }
        const char *text = value->is_set ? value->text.bytes : "";
        if (value->is_set && row->type == CONFIG_TYPE_SECRET) {
            text = "********";
        }
        enum status st = buf_add_format(buf, "%s=%s  # %s\n", row->name, text, origin_text(value));
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

/* What may be written: the words of a choice. */
static enum status choices_markdown(const struct config_row *row, struct buf *buf)
{
    enum status st = buf_add_text(buf, " `");
    for (const char *p = row->unit; st == ST_OK && *p != '\0'; p++) {
        st = *p == '|' ? buf_add_text(buf, "`, `") : buf_add(buf, p, 1);
    }
    return st == ST_OK ? buf_add_text(buf, "`.") : st;
}

static const char *programs_text(int programs)
{
    if (programs == CONFIG_PROGRAM_BOTH) {
        return "both";
    }
    return programs == CONFIG_PROGRAM_API ? "api" : "worker";
}

static enum status row_markdown(const struct config_row *row, struct buf *buf)
{
    const char *quote = row->default_value[0] == '\0' ? "" : "`";
    enum status st = buf_add_format(
        buf, "| `%s` | %s%s%s | %s | %s", row->name, quote, row->shown_default, quote,
        programs_text(row->programs), row->sentence);
    bool has_range = row->type == CONFIG_TYPE_INT || row->type == CONFIG_TYPE_NUMBER;
    if (st == ST_OK && row->type == CONFIG_TYPE_CHOICE) {
        st = choices_markdown(row, buf);
    }
    if (st == ST_OK && has_range) {
        st = buf_add_format(
            buf, " %lld–%lld %s.", (long long)row->min, (long long)row->max, row->unit);
    }
    return st == ST_OK ? buf_add_text(buf, " |\n") : st;
}

enum status config_markdown(struct buf *buf)
{
    enum status st =
        buf_add_text(buf, "| name | default | program | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; st == ST_OK && i < CONFIG_COUNT; i++) {
        st = row_markdown(&config_rows[i], buf);
    }
    return st;
}
