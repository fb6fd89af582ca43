-- Jobs that must not run twice at once (a pipe's replay): the lock is held until the job is answered,
-- or until its child has certainly ended.
ALTER TABLE probe_job ADD COLUMN lock_name text;
ALTER TABLE probe_job ADD COLUMN locked_until timestamptz;
CREATE UNIQUE INDEX probe_job_lock ON probe_job (lock_name) WHERE lock_name IS NOT NULL;
