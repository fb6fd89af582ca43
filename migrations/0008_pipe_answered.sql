-- Whether the client of the create was answered. A create that comes again after its answer was lost
-- (a 5xx, a broken connection, a killed api) takes the row that is there: one pipe, not two.
ALTER TABLE pipe ADD COLUMN is_answered boolean NOT NULL DEFAULT true;
CREATE INDEX pipe_unanswered ON pipe (service_id) WHERE NOT is_answered;
