#ifndef COMMON_STORE_RUNTIME_INTERNAL_H
#define COMMON_STORE_RUNTIME_INTERNAL_H

/* Inside of the room: the pipe's counters that a report only adds to, with the number of each one's
 * argument in runtime_report's statement ($17 and $18 are fetched_records and fetched_bytes, from
 * which unsettled ones are also taken back). */

/* clang-format off */
#define RUNTIME_COUNTER_TABLE(X) \
    X(sent_records, 19) X(rejected_records, 20) X(skipped_records, 21) X(fetched_wire_bytes, 22) \
    X(sent_bytes, 23) X(sent_wire_bytes, 24) X(inserts, 25) X(insert_retries, 26) \
    X(batches_rows, 27) X(batches_bytes, 28) X(batches_age, 29) X(batches_drain, 30) \
    X(rebalances, 31)
/* clang-format on */

#endif
