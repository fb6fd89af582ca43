-- What graphs show of the past: one row per pipe and 15 seconds, kept for a week. at: Unix time, a
-- multiple of 15. The counters are the pipe's own, the rest is of that moment.
CREATE TABLE metric_sample (
    pipe_id         uuid NOT NULL REFERENCES pipe ON DELETE CASCADE,
    at              bigint NOT NULL,
    fetched_records bigint NOT NULL,
    sent_records    bigint NOT NULL,
    rejected_records bigint NOT NULL,
    fetched_bytes   bigint NOT NULL,
    sent_bytes      bigint NOT NULL,
    lag             bigint NOT NULL,
    latency_p50_ms  bigint NOT NULL,
    latency_p99_ms  bigint NOT NULL,
    memory_bytes    bigint NOT NULL,
    cpu_millicores  bigint NOT NULL,
    PRIMARY KEY (pipe_id, at)
);
CREATE INDEX metric_sample_at ON metric_sample (at);
