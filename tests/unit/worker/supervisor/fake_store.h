#ifndef TESTS_UNIT_WORKER_SUPERVISOR_FAKE_STORE_H
#define TESTS_UNIT_WORKER_SUPERVISOR_FAKE_STORE_H

/* The functions of common/store that reports and outboxes call, in place of the real ones at link
 * time: they write down what they were given and answer what the test says. */

#include "common/base/buf.h"
#include "common/store/runtime.h"

struct fake_store {
    enum status answer;          /* of every call */
    int ok_calls_count;          /* this many calls answer ST_OK before answer counts; −1 = all */
    struct buf journal;          /* one line per call that was stored */
    bool is_answer_lost;         /* of reports: they are stored and answer ST_UNAVAILABLE */
    int reports_count;           /* stored ones */
    int statements_count;        /* for many replicas at once, whatever came of them */
    enum status item_answers[4]; /* of those, by the replica's number */
    struct runtime_report totals; /* differences added up, the rest is the last one's */
    int64_t latency_counts[RUNTIME_LATENCY_BUCKETS_MAX];
};

extern struct fake_store fake_store;

void fake_store_start(void);
void fake_store_stop(void);

#endif
