/* Many reports, few statements. */
#include "worker/supervisor/flush.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/clock.h"

/* What one flush works with. */
struct flush {
    struct store *store;
    const char *owner;
    int64_t now_ms;
    struct seat *seats[FLUSH_SEATS_MAX]; /* those of the present statement */
    size_t count;
    struct runtime_report_item reports[FLUSH_SEATS_MAX];
    struct runtime_partitions_item partitions[FLUSH_SEATS_MAX];
    struct runtime_partition *rows[FLUSH_SEATS_MAX]; /* owned, of the partitions */
};

/* The next seats from *at on for which is_due says so. */
static void gather(
    struct flush *flush, struct seat *const *seats, size_t count, size_t *at,
    bool (*is_due)(const struct seat *, int64_t))
{
    flush->count = 0;
    for (; *at < count && flush->count < FLUSH_SEATS_MAX; (*at)++) {
        if (seats[*at]->is_held && is_due(seats[*at], flush->now_ms)) {
            flush->seats[flush->count++] = seats[*at];
        }
    }
}

static bool is_report_due(const struct seat *seat, int64_t now_ms)
{
    return report_is_due(&seat->report, now_ms);
}

static bool is_partition_due(const struct seat *seat, int64_t now_ms)
{
    (void)now_ms;
    return seat->report.has_partitions_pending;
}

static enum status store_reports(struct flush *flush, struct err *err)
{
    for (size_t i = 0; i < flush->count; i++) {
        struct seat *seat = flush->seats[i];
        const struct report_process process = seat_process(seat, flush->owner);
        flush->reports[i] = (struct runtime_report_item){
            .lease = &seat->lease, .report = report_next(&seat->report, &process)};
    }
    enum status st =
        runtime_report_all(flush->store, flush->owner, flush->reports, flush->count, err);
    const int64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; st == ST_OK && i < flush->count; i++) {
        report_answered(&flush->seats[i]->report, flush->reports[i].status, now_ms);
    }
    return st;
}

static void free_partitions(struct flush *flush, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(flush->rows[i]);
    }
}

static enum status store_partitions(struct flush *flush, struct err *err)
{
    for (size_t i = 0; i < flush->count; i++) {
        size_t count = 0;
        enum status st = report_partitions(&flush->seats[i]->report, &flush->rows[i], &count, err);
        if (st != ST_OK) {
            free_partitions(flush, i);
            return st;
        }
        flush->partitions[i] = (struct runtime_partitions_item){
            .lease = &flush->seats[i]->lease, .rows = flush->rows[i], .count = count};
    }
    enum status st =
        runtime_report_all_partitions(flush->store, flush->partitions, flush->count, err);
    free_partitions(flush, flush->count);
    for (size_t i = 0; st == ST_OK && i < flush->count; i++) {
        report_partitions_answered(&flush->seats[i]->report, st);
    }
    return st;
}

static enum status flush_all(
    struct flush *flush, struct seat *const *seats, size_t count,
    bool (*is_due)(const struct seat *, int64_t),
    enum status (*store_some)(struct flush *, struct err *), struct err *err)
{
    enum status st = ST_OK;
    for (size_t at = 0; at < count;) {
        gather(flush, seats, count, &at, is_due);
        if (flush->count == 0) {
            break;
        }
        st = store_some(flush, err);
        if (st != ST_OK) {
            break;
        }
    }
    return st;
}

enum status flush_seats(
    enum flush_what what, const struct flush_seats *seats, struct store *store, int64_t now_ms,
    struct err *err)
{
    struct flush *flush = calloc(1, sizeof(*flush));
    if (flush == NULL) {
        return err_set(err, ST_NO_MEMORY, "reports of %zu replicas", seats->count);
    }
    flush->store = store;
    flush->owner = seats->owner;
    flush->now_ms = now_ms;
    enum status st =
        what == FLUSH_REPORTS
            ? flush_all(flush, seats->items, seats->count, is_report_due, store_reports, err)
            : flush_all(flush, seats->items, seats->count, is_partition_due, store_partitions, err);
    free(flush);
    return st;
}
