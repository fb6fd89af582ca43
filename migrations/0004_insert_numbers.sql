-- insert_numbers: durations and retries of inserts, since the pipe was created (places:
-- common/metrics/inserts.h). cpu_us: of all processes of this replica together.
ALTER TABLE pipe ADD COLUMN insert_numbers bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE pipe_replica ADD COLUMN cpu_us bigint NOT NULL DEFAULT 0;
