-- Events that are still to be copied into the clickpipes_log table beside the pipe's destination. What
-- happened before this migration is not.
ALTER TABLE pipe_event ADD COLUMN is_mirrored boolean NOT NULL DEFAULT true;
ALTER TABLE pipe_event ALTER COLUMN is_mirrored SET DEFAULT false;
CREATE INDEX pipe_event_to_mirror ON pipe_event (id) WHERE NOT is_mirrored;

-- When the next copy is tried for this pipe, after one that did not work.
ALTER TABLE pipe ADD COLUMN log_retry_at timestamptz NOT NULL DEFAULT '-infinity';

-- When a create was answered: the same create, begun before that, means the same pipe.
ALTER TABLE pipe ADD COLUMN answered_at timestamptz;
