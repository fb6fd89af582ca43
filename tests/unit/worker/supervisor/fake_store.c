/* See fake_store.h. */
#include "tests/unit/worker/supervisor/fake_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/guarantees.h"
#include "common/store/pipes.h"

struct fake_store fake_store;

void fake_store_start(void)
{
    fake_store = (struct fake_store){.ok_calls_count = -1};
    buf_init(&fake_store.journal, 1024 * 1024);
}

void fake_store_stop(void)
{
    buf_done(&fake_store.journal);
}

static enum status next_answer(struct err *err)
{
    if (fake_store.ok_calls_count < 0) {
        return ST_OK;
    }
    if (fake_store.ok_calls_count > 0) {
        fake_store.ok_calls_count--;
        return ST_OK;
    }
    return err_set(err, fake_store.answer, "as the test says");
}

static void note(enum status st)
{
    assert(st == ST_OK); /* the journal is large enough */
}

enum status runtime_report(
    struct store *store, const char *owner, const struct lease *lease,
    const struct runtime_report *report, struct err *err)
{
    (void)store;
    enum status st = next_answer(err);
    if (st != ST_OK) {
        return st;
    }
    if (report->number == fake_store.totals.number) {
        return fake_store.is_answer_lost ? err_set(err, ST_UNAVAILABLE, "lost") : ST_OK;
    }
    struct runtime_report sum = *report;
    sum.fetched_records += fake_store.totals.fetched_records;
    sum.sent_records += fake_store.totals.sent_records;
    sum.fetched_bytes += fake_store.totals.fetched_bytes;
    fake_store.totals = sum;
    fake_store.reports_count++;
    memcpy(
        fake_store.latency_counts, report->latency_counts,
        report->latency_counts_count * sizeof(int64_t));
    note(buf_add_format(
        &fake_store.journal, "report %s %s/%d g%lld %s pid=%d\n", owner, lease->pipe_id,
        lease->replica_index, (long long)lease->generation, report->state, report->pid));
    return fake_store.is_answer_lost ? err_set(err, ST_UNAVAILABLE, "lost") : ST_OK;
}

enum status runtime_report_all(
    struct store *store, const char *owner, struct runtime_report_item *items, size_t count,
    struct err *err)
{
    fake_store.statements_count++;
    enum status st = next_answer(err);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        const size_t index = (size_t)items[i].lease->replica_index;
        items[i].status =
            index < ARRAY_LEN(fake_store.item_answers) ? fake_store.item_answers[index] : ST_OK;
        if (items[i].status == ST_OK) {
            st = runtime_report(store, owner, items[i].lease, items[i].report, err);
        }
    }
    return st;
}

enum status runtime_report_all_partitions(
    struct store *store, const struct runtime_partitions_item *items, size_t count, struct err *err)
{
    fake_store.statements_count++;
    enum status st = next_answer(err);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        st = runtime_report_partitions(store, items[i].lease, items[i].rows, items[i].count, err);
    }
    return st;
}

enum status runtime_report_partitions(
    struct store *store, const struct lease *lease, const struct runtime_partition *rows,
    size_t count, struct err *err)
{
    (void)store;
    (void)lease;
    enum status st = next_answer(err);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        note(buf_add_format(
            &fake_store.journal, "partition %s/%d %lld of %lld\n", rows[i].topic, rows[i].partition,
            (long long)rows[i].committed, (long long)rows[i].end_offset));
    }
    return st;
}

enum status runtime_set_reason(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err)
{
    (void)store;
    (void)owner;
    (void)lease;
    enum status st = next_answer(err);
    if (st == ST_OK) {
        note(buf_add_format(&fake_store.journal, "reason [%s] %s\n", code, message));
    }
    return st;
}

enum status runtime_set_failed(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err)
{
    (void)store;
    (void)owner;
    (void)lease;
    enum status st = next_answer(err);
    if (st == ST_OK) {
        note(buf_add_format(&fake_store.journal, "failed [%s] %s\n", code, message));
    }
    return st;
}

enum status guarantee_report_store(
    struct store *store, const char *owner, const struct lease *lease,
    const struct guarantee_report *report, struct err *err)
{
    (void)store;
    enum status st = next_answer(err);
    if (st == ST_OK) {
        note(buf_add_format(
            &fake_store.journal, "guarantee %s %d %s %s %lld %lld %s %s %s\n", owner,
            lease->replica_index, report->severity, guarantee_mode_text(report->guarantee.mode),
            (long long)report->guarantee.inserts, (long long)report->guarantee.seconds,
            report->guarantee.detail, report->table_uuid == NULL ? "none" : report->table_uuid,
            report->table_hash == NULL ? "none" : report->table_hash));
    }
    return st;
}

enum status pipe_add_event(
    struct store *store, const char *pipe_id, const struct pipe_event *event, struct err *err)
{
    (void)store;
    (void)pipe_id;
    enum status st = next_answer(err);
    if (st == ST_OK) {
        char *text = event->details == NULL ? NULL : json_dumps(event->details, JSON_COMPACT);
        note(buf_add_format(
            &fake_store.journal, "event %s %s %s %s\n", event->type, event->severity,
            event->message, text == NULL ? "none" : text));
        free(text);
    }
    return st;
}
