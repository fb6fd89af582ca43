#ifndef COMMON_STORE_RUNTIME_INTERNAL_H
#define COMMON_STORE_RUNTIME_INTERNAL_H

/* Inside of the room: the pipe's counters that a report only adds to (from fetched_records and
 * fetched_bytes unsettled ones are also taken back). */

/* clang-format off */
#define RUNTIME_COUNTER_TABLE(X) \
    X(sent_records) X(rejected_records) X(skipped_records) X(fetched_wire_bytes) X(sent_bytes) \
    X(sent_wire_bytes) X(inserts) X(insert_retries) X(batches_rows) X(batches_bytes) \
    X(batches_age) X(batches_drain) X(rebalances)
/* clang-format on */

#endif
