#ifndef COMMON_METRICS_METRICS_DEF_H
#define COMMON_METRICS_METRICS_DEF_H

/*
 * Every metric of Penstock, one row each: ClickHouse Cloud's names (ClickPipes_…, ClickHouse_…) and
 * our own (penstock_…). Those of pipes stand before API_REQUEST_SECONDS, those that a worker serves
 * itself after BUILD_INFO. X(ID, "name", type, "help")
 */

/* clang-format off */
#define METRICS_TABLE(X) \
    X(CLICKHOUSE_SERVICE_INFO, "ClickHouse_ServiceInfo", GAUGE, \
      "Constant 1; version and state of the service's ClickHouse in the labels.") \
    X(CLICKPIPES_INFO, "ClickPipes_Info", GAUGE, "Constant 1; the pipe's state in a label.") \
    X(CLICKPIPES_FETCHED_EVENTS, "ClickPipes_FetchedEvents_Total", COUNTER, \
      "Records read from the source.") \
    X(CLICKPIPES_SENT_EVENTS, "ClickPipes_SentEvents_Total", COUNTER, \
      "Records sent to ClickHouse.") \
    X(CLICKPIPES_FETCHED_BYTES, "ClickPipes_FetchedBytes_Total", COUNTER, \
      "Uncompressed bytes read from the source.") \
    X(CLICKPIPES_FETCHED_BYTES_COMPRESSED, "ClickPipes_FetchedBytesCompressed_Total", COUNTER, \
      "Bytes read from the source over the wire.") \
    X(CLICKPIPES_SENT_BYTES, "ClickPipes_SentBytes_Total", COUNTER, \
      "Uncompressed bytes sent to ClickHouse.") \
    X(CLICKPIPES_SENT_BYTES_COMPRESSED, "ClickPipes_SentBytesCompressed_Total", COUNTER, \
      "Compressed bytes sent to ClickHouse.") \
    X(CLICKPIPES_ERRORS, "ClickPipes_Errors_Total", COUNTER, "Records that were rejected.") \
    X(CLICKPIPES_LATENCY, "ClickPipes_Latency", GAUGE, \
      "Median of the last minutes, in ms, between a record's timestamp and its insert.") \
    X(CLICKPIPES_CPU_USAGE, "ClickPipes_Replica_CPUUsage", GAUGE, \
      "Mean CPU of the pipe's live replicas in millicores.") \
    X(CLICKPIPES_CPU_LIMIT, "ClickPipes_Replica_CPULimit", GAUGE, \
      "CPU limit of one replica in millicores.") \
    X(CLICKPIPES_MEMORY_USAGE, "ClickPipes_Replica_MemoryUsage", GAUGE, \
      "Mean memory of the pipe's live replicas in bytes.") \
    X(CLICKPIPES_MEMORY_LIMIT, "ClickPipes_Replica_MemoryLimit", GAUGE, \
      "Memory limit of one replica in bytes.") \
    X(PIPE_LAG_RECORDS, "penstock_pipe_lag_records", GAUGE, \
      "Records between the committed offset and the end of a partition.") \
    X(PIPE_LATENCY_SECONDS, "penstock_pipe_latency_seconds", HISTOGRAM, \
      "Seconds between a record's timestamp and its insert, since the pipe was created.") \
    X(INSERT_SECONDS, "penstock_insert_duration_seconds", HISTOGRAM, \
      "Seconds from sending an insert to ClickHouse's answer.") \
    X(INSERT_RETRIES, "penstock_insert_retries_total", COUNTER, \
      "Inserts that were tried again, by ClickHouse's error number.") \
    X(BATCHES, "penstock_batches_total", COUNTER, "Batches by the reason they were sealed.") \
    X(REBALANCES, "penstock_rebalances_total", COUNTER, "Rebalances of the consumer group.") \
    X(REPLICA_RESTARTS, "penstock_replica_restarts_total", COUNTER, "Restarts of a replica.") \
    X(REPLICA_RESIDENT_BYTES, "penstock_replica_resident_bytes", GAUGE, \
      "Resident memory of a replica.") \
    X(REPLICA_CPU_SECONDS, "penstock_replica_cpu_seconds_total", COUNTER, \
      "CPU time of a replica's processes.") \
    X(API_REQUEST_SECONDS, "penstock_api_request_duration_seconds", HISTOGRAM, \
      "Time to answer a request.") \
    X(BUILD_INFO, "penstock_build_info", GAUGE, "Constant 1; the version in a label.") \
    X(WORKER_REPLICAS, "penstock_worker_replicas", GAUGE, "Replicas this host holds.") \
    X(WORKER_DATABASE_UP, "penstock_worker_database_up", GAUGE, \
      "1 while this host reaches PostgreSQL.") \
    X(REPLICA_RUNNING, "penstock_replica_running", GAUGE, \
      "1 while the replica consumes, 0 while it starts, waits or drains.") \
    X(REPLICA_FETCHED_RECORDS, "penstock_replica_fetched_records_total", COUNTER, \
      "Records read since the replica started.") \
    X(REPLICA_SENT_RECORDS, "penstock_replica_sent_records_total", COUNTER, \
      "Records stored since the replica started.") \
    X(REPLICA_REJECTED_RECORDS, "penstock_replica_rejected_records_total", COUNTER, \
      "Records rejected since the replica started.") \
    X(REPLICA_FETCHED_BYTES, "penstock_replica_fetched_bytes_total", COUNTER, \
      "Uncompressed bytes read since the replica started.") \
    X(REPLICA_SENT_BYTES, "penstock_replica_sent_bytes_total", COUNTER, \
      "Uncompressed bytes sent since the replica started.") \
    X(REPLICA_UNSETTLED_RECORDS, "penstock_replica_unsettled_records", GAUGE, \
      "Records read and neither stored nor rejected yet.") \
    X(REPLICA_LAG_RECORDS, "penstock_replica_lag_records", GAUGE, \
      "Records between the committed offset and the end of a partition the replica reads.")
/* clang-format on */

#endif
