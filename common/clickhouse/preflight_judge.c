/*
 * From tables to a promise. Rules and their sources: docs/delivery-guarantees.md.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/preflight.h"
#include "common/clickhouse/preflight_text.h"

enum {
    ENTRIES_PER_PARTITION = 2,     /* of the window, for each insert (26.5; 26.7 takes one) */
    PARTITIONS_MAX = 100,          /* max_partitions_per_insert_block: no insert reaches more */
    SPARE_INSERTS = 10,            /* of every writer, between an insert and its repetition */
    GROUP_SECONDS = 7 * 24 * 3600, /* Kafka forgets an empty group's offsets and their metadata:
                                    * offsets.retention.minutes, 10080 */
    VIEWS_SHOWN_MAX = 3,
    NAME_BYTES = 200,
};

/* What a table does with a token. */
enum memory {
    MEMORY_NONE,       /* no window, or an engine that has none */
    MEMORY_WINDOW,     /* MergeTree with a window: so many inserts, however old */
    MEMORY_REPLICATED, /* so many inserts, so many seconds */
};

struct holding {
    enum memory memory;
    bool is_tree; /* a window can be set */
    bool is_replicated;
    int64_t window;
    int64_t partitions; /* per insert */
    int64_t inserts;
    int64_t seconds;
};

static bool ends_with(const char *text, const char *end)
{
    const size_t text_bytes = strlen(text);
    const size_t end_bytes = strlen(end);
    return text_bytes >= end_bytes && strcmp(text + text_bytes - end_bytes, end) == 0;
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int64_t setting_of(const struct preflight_table *table, const char *name, int64_t otherwise)
{
    int64_t value = otherwise;
    return preflight_setting(table->engine_full, name, &value) ? value : otherwise;
}

static int64_t partitions_of(const struct preflight_table *table)
{
    if (table->partition_key[0] == '\0') {
        return 1;
    }
    const bool is_known = table->partitions > 0 && table->partitions < PARTITIONS_MAX;
    return is_known ? table->partitions : PARTITIONS_MAX;
}

static bool is_replicated(const struct preflight_table *table)
{
    return ends_with(table->engine, "MergeTree") &&
           (begins_with(table->engine, "Replicated") || begins_with(table->engine, "Shared"));
}

/* What is counted on for a table that was found. */
static struct holding
holding_of(const struct preflight_table *table, const struct preflight_server *server)
{
    struct holding holding = {
        .is_tree = ends_with(table->engine, "MergeTree"), .partitions = partitions_of(table)};
    holding.is_replicated = is_replicated(table);
    if (!holding.is_tree) {
        return holding;
    }
    holding.seconds = GROUP_SECONDS;
    if (holding.is_replicated) {
        holding.window =
            setting_of(table, "replicated_deduplication_window", server->replicated_window);
        const int64_t seconds = setting_of(
            table, "replicated_deduplication_window_seconds", server->replicated_seconds);
        holding.seconds = seconds < GROUP_SECONDS ? seconds : GROUP_SECONDS;
    } else {
        holding.window = setting_of(table, "non_replicated_deduplication_window", server->window);
    }
    holding.inserts = holding.window / (ENTRIES_PER_PARTITION * holding.partitions);
    if (holding.inserts > 0 && holding.seconds > 0) {
        holding.memory = holding.is_replicated ? MEMORY_REPLICATED : MEMORY_WINDOW;
    }
    return holding;
}

/* ---- words ---- */

static void say(struct guarantee *guarantee, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct guarantee *guarantee, const char *format, ...)
{
    static const char CUT[] = "...";
    const size_t used = strlen(guarantee->detail);
    const size_t room = sizeof(guarantee->detail) - used;
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(guarantee->detail + used, room, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room) {
        memcpy(guarantee->detail + sizeof(guarantee->detail) - sizeof(CUT), CUT, sizeof(CUT));
    }
}

/* `database`.`table`, cut where a name is longer than anybody reads. */
static const char *shown(const struct preflight_table *table, char space[NAME_BYTES])
{
    struct buf name;
    buf_init(&name, CLICKHOUSE_SQL_MAX_BYTES);
    enum status st = clickhouse_quote_table(&name, table->database, table->name);
    (void)snprintf(space, NAME_BYTES, "%s", st == ST_OK ? buf_text(&name) : table->name);
    buf_done(&name);
    return space;
}

/* The window that a table of so many partitions per insert should have. */
static int64_t window_for(int64_t partitions, int replicas)
{
    int64_t needed = ENTRIES_PER_PARTITION * partitions * replicas * SPARE_INSERTS;
    int64_t rounded = (needed + CLICKHOUSE_WINDOW - 1) / CLICKHOUSE_WINDOW * CLICKHOUSE_WINDOW;
    return rounded < CLICKHOUSE_WINDOW ? CLICKHOUSE_WINDOW : rounded;
}

static bool is_enough(const struct holding *holding, int replicas)
{
    return holding->inserts >= (int64_t)replicas * SPARE_INSERTS;
}

static void say_alter(
    struct guarantee *guarantee, const struct preflight_table *table, const struct holding *holding,
    int replicas)
{
    char name[NAME_BYTES];
    const long long window = (long long)window_for(holding->partitions, replicas);
    if (holding->is_replicated) {
        say(guarantee,
            "ALTER TABLE %s MODIFY SETTING replicated_deduplication_window = %lld, "
            "replicated_deduplication_window_seconds = %d",
            shown(table, name), window, GROUP_SECONDS);
    } else {
        say(guarantee, "ALTER TABLE %s MODIFY SETTING non_replicated_deduplication_window = %lld",
            shown(table, name), window);
    }
}

/* ---- rules ---- */

/* The destination's table; of a view that is named as destination, the one it writes. */
static const struct preflight_table *base_of(const struct preflight *preflight)
{
    const struct preflight_table *table = &preflight->tables[0];
    for (int i = 0; i < PREFLIGHT_TABLES_MAX && table->target != SIZE_MAX; i++) {
        table = &preflight->tables[table->target];
    }
    return table;
}

/* Engines that store each row that was inserted, at once, as it was, and show it: what is not there
 * was not stored. (Copies of a replicated table may lag behind.) */
static bool is_plain(const struct preflight_table *table)
{
    static const char *const PLAIN[] = {"MergeTree", "Log", "TinyLog", "StripeLog", "Memory"};
    for (size_t i = 0; i < ARRAY_LEN(PLAIN); i++) {
        if (strcmp(table->engine, PLAIN[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Those that merge rows of one key must have topic, partition and offset in it. A record of several
 * rows may be stored in part where they go to several table partitions. */
bool preflight_is_checkable(const struct preflight *preflight)
{
    const struct preflight_pipe *pipe = &preflight->pipe;
    const struct preflight_table *table = base_of(preflight);
    if (!pipe->has_offsets || !table->is_found ||
        (pipe->is_multi_record && table->partition_key[0] != '\0')) {
        return false;
    }
    return is_plain(table) || (ends_with(table->engine, "MergeTree") && !is_replicated(table) &&
                               preflight_names(table->sorting_key, pipe->columns.topic) &&
                               preflight_names(table->sorting_key, pipe->columns.partition) &&
                               preflight_names(table->sorting_key, pipe->columns.offset));
}

/* The table is one that a view of the chain writes rows to. */
static bool is_view_target(const struct preflight_table *table, const struct preflight_table *base)
{
    return table->is_fed && table->is_found && table != base && table->target == SIZE_MAX &&
           strcmp(table->engine, "Null") != 0;
}

/* The promise is no better than what this table holds. */
static void lower(struct guarantee *guarantee, const struct holding *holding)
{
    if (holding->inserts < guarantee->inserts) {
        guarantee->inserts = holding->inserts;
    }
    if (holding->seconds < guarantee->seconds) {
        guarantee->seconds = holding->seconds;
    }
}

static void say_weak(
    struct guarantee *guarantee, const struct preflight_table *table, const struct holding *holding,
    int replicas)
{
    char name[NAME_BYTES];
    say(guarantee, "; a repeated insert is stored twice in %s, which a view fills (%s)",
        shown(table, name), table->engine);
    if (holding->is_tree) {
        say(guarantee, ": ");
        say_alter(guarantee, table, holding, replicas);
    }
}

/* Tables that views fill and that would take a repeated insert twice; and the least that any of the
 * others holds. */
static void judge_views(
    const struct preflight *preflight, const struct preflight_table *base, int replicas,
    struct guarantee *guarantee)
{
    size_t weak_count = 0;
    for (size_t i = 1; i < preflight->count; i++) {
        const struct preflight_table *table = &preflight->tables[i];
        if (!is_view_target(table, base)) {
            continue;
        }
        const struct holding holding = holding_of(table, &preflight->server);
        if (holding.memory != MEMORY_NONE) {
            lower(guarantee, &holding);
        } else if (weak_count++ < VIEWS_SHOWN_MAX) {
            say_weak(guarantee, table, &holding, replicas);
        }
    }
    guarantee->is_weak = guarantee->is_weak || weak_count > 0;
    if (weak_count > VIEWS_SHOWN_MAX) {
        say(guarantee, "; and %zu more tables that views fill", weak_count - VIEWS_SHOWN_MAX);
    }
    if (preflight->unseen > 0 || preflight->has_more) {
        say(guarantee, "; some views or their tables could not be looked at");
    }
}

static void judge_token(
    const struct preflight *preflight, const struct preflight_table *base,
    const struct holding *holding, struct guarantee *guarantee)
{
    const struct preflight_pipe *pipe = &preflight->pipe;
    char name[NAME_BYTES];
    guarantee->mode = GUARANTEE_BY_TOKEN;
    guarantee->inserts = holding->inserts;
    guarantee->seconds = holding->seconds;
    say(guarantee,
        "every insert carries a token, and %s remembers those of the last %lld inserts of %s%lld "
        "table partition%s each (%s = %lld)",
        shown(base, name), (long long)holding->inserts, holding->partitions == 1 ? "" : "up to ",
        (long long)holding->partitions, holding->partitions == 1 ? "" : "s",
        holding->is_replicated ? "replicated_deduplication_window"
                               : "non_replicated_deduplication_window",
        (long long)holding->window);
    if (holding->is_replicated) {
        say(guarantee, " of the last %lld s", (long long)holding->seconds);
    }
    if (!pipe->has_offsets) {
        say(guarantee,
            "; with _topic, _partition and _offset in columns of their own a crash of ClickHouse "
            "itself in the middle of an insert would be covered, too");
    }
    if (!is_enough(holding, pipe->replicas)) {
        guarantee->is_weak = true;
        say(guarantee, "; that is few: ");
        say_alter(guarantee, base, holding, pipe->replicas);
    } else if (holding->seconds < GROUP_SECONDS) {
        say(guarantee, "; for longer outages: ");
        say_alter(guarantee, base, holding, pipe->replicas);
    }
}

/* The destination stores nothing itself: what its views fill decides. True if all of that remembers
 * tokens, and there is something. */
static bool judge_null(
    const struct preflight *preflight, const struct preflight_table *base,
    struct guarantee *guarantee)
{
    size_t strong_count = 0;
    size_t weak_count = preflight->unseen + preflight->has_more;
    for (size_t i = 1; i < preflight->count; i++) {
        const struct preflight_table *table = &preflight->tables[i];
        if (is_view_target(table, base)) {
            const bool is_weak = holding_of(table, &preflight->server).memory == MEMORY_NONE;
            weak_count += is_weak;
            strong_count += !is_weak;
        }
    }
    if (strong_count == 0 || weak_count > 0) {
        return false;
    }
    char name[NAME_BYTES];
    guarantee->mode = GUARANTEE_BY_TOKEN;
    guarantee->inserts = INT64_MAX; /* judge_views finds the least */
    guarantee->seconds = GROUP_SECONDS;
    say(guarantee,
        "every insert carries a token; %s (Null) keeps no rows, and all tables that its views fill "
        "remember tokens",
        shown(base, name));
    return true;
}

static void judge_check(
    const struct preflight_table *base, const struct holding *holding,
    const struct preflight_pipe *pipe, struct guarantee *guarantee)
{
    char name[NAME_BYTES];
    guarantee->mode = GUARANTEE_BY_CHECK;
    guarantee->inserts = GUARANTEE_UNLIMITED;
    guarantee->seconds = GROUP_SECONDS;
    say(guarantee,
        "%s (%s) remembers no inserts: before one is repeated, the table is asked which offsets it "
        "holds (columns %.60s, %.60s, %.60s)",
        shown(base, name), base->engine, pipe->columns.topic, pipe->columns.partition,
        pipe->columns.offset);
    if (holding->is_tree) {
        say(guarantee, "; to do without asking: ");
        say_alter(guarantee, base, holding, pipe->replicas);
    }
}

static void judge_nothing(
    const struct preflight *preflight, const struct preflight_table *base,
    const struct holding *holding, struct guarantee *guarantee)
{
    const struct preflight_pipe *pipe = &preflight->pipe;
    char name[NAME_BYTES];
    guarantee->mode = GUARANTEE_AT_LEAST_ONCE;
    guarantee->is_weak = true;
    say(guarantee,
        "exactlyOnce is on, but %s (%s) %s: an insert whose answer was lost is sent again and may "
        "be stored twice",
        shown(base, name), base->engine,
        preflight->server.is_refusing ? "is written without deduplication (the user's "
                                        "insert_deduplicate or deduplicate_insert is off)"
                                      : "remembers no inserts");
    if (preflight->server.is_refusing) {
        return;
    }
    if (holding->is_tree) {
        say(guarantee, "; ");
        say_alter(guarantee, base, holding, pipe->replicas);
    }
    const char *separator = holding->is_tree ? ", or" : ";";
    if (preflight_is_checkable(preflight)) {
        say(guarantee, "%s grant SELECT on it", separator);
    } else if (base->is_found && is_plain(base) && !pipe->has_offsets) {
        say(guarantee, "%s map _topic, _partition and _offset to columns", separator);
    } else if (!holding->is_tree) {
        say(guarantee, "; write into a table of the MergeTree family with a deduplication window");
    }
}

struct preflight_pipe preflight_pipe_of(const struct pipe_spec *pipe, int replicas)
{
    struct preflight_pipe asked = {
        .is_exactly_once = pipe->source.exactly_once,
        .is_multi_record = pipe->settings.multi_record != PIPE_MULTI_RECORD_OFF,
        .replicas = replicas < 1 ? 1 : replicas,
    };
    asked.has_offsets = guarantee_columns(pipe, &asked.columns);
    return asked;
}

/* No view writes anything with the destination's rows. */
static bool is_alone(const struct preflight *preflight, const struct preflight_table *base)
{
    for (size_t i = 0; i < preflight->count; i++) {
        if (is_view_target(&preflight->tables[i], base)) {
            return false;
        }
    }
    return preflight->unseen == 0 && !preflight->has_more;
}

static void judge_mode(
    const struct preflight *preflight, const struct preflight_table *base,
    struct guarantee *guarantee)
{
    const struct preflight_pipe *pipe = &preflight->pipe;
    const bool is_refusing = preflight->server.is_refusing;
    const bool is_null = base->is_found && strcmp(base->engine, "Null") == 0;
    struct holding holding = {.memory = MEMORY_NONE};
    if (base->is_found) {
        holding = holding_of(base, &preflight->server);
    }
    if (holding.memory != MEMORY_NONE && !is_refusing) {
        judge_token(preflight, base, &holding, guarantee);
    } else if (is_null && !is_refusing && judge_null(preflight, base, guarantee)) {
        assert(guarantee->mode == GUARANTEE_BY_TOKEN);
    } else if (preflight_is_checkable(preflight) && preflight->may_read) {
        judge_check(base, &holding, pipe, guarantee);
    } else {
        judge_nothing(preflight, base, &holding, guarantee);
    }
}

void preflight_judge(const struct preflight *preflight, struct guarantee *ret_guarantee)
{
    if (!preflight->pipe.is_exactly_once) {
        guarantee_not_asked(ret_guarantee);
        return;
    }
    assert(preflight->count > 0 && preflight->tables[0].is_found && preflight->pipe.replicas > 0);
    struct guarantee guarantee = {.mode = GUARANTEE_AT_LEAST_ONCE};
    const struct preflight_table *base = base_of(preflight);
    const bool alone = is_alone(preflight, base);
    judge_mode(preflight, base, &guarantee);
    if (guarantee.mode != GUARANTEE_BY_CHECK) { /* there only what is missing is inserted */
        judge_views(preflight, base, preflight->pipe.replicas, &guarantee);
    }
    /* What a failed view lacks comes with the same token again, not with a look at the table. */
    guarantee.can_check = guarantee.mode == GUARANTEE_BY_CHECK ||
                          (guarantee.mode == GUARANTEE_BY_TOKEN && alone && preflight->may_read);
    guarantee.is_atomic = alone && base->is_found && base->partition_key[0] == '\0';
    *ret_guarantee = guarantee;
}
