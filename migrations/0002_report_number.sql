-- The number of the last report that was added to the counters. A supervisor whose connection broke
-- while PostgreSQL answered sends the same report again under the same number: it counts once.
ALTER TABLE pipe_replica ADD COLUMN report_number bigint NOT NULL DEFAULT 0;
