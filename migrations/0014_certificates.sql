-- The certificate of a pipe that ends first, read again when the pipe's revision is another. certificate_told: 1 = an
-- event said that it ends within thirty days, 2 = that it has ended.
ALTER TABLE pipe ADD COLUMN certificate_revision bigint;
ALTER TABLE pipe ADD COLUMN certificate_name text;
ALTER TABLE pipe ADD COLUMN certificate_ends_at timestamptz;
ALTER TABLE pipe ADD COLUMN certificate_told integer NOT NULL DEFAULT 0;
CREATE INDEX pipe_certificate_unread ON pipe (id) WHERE certificate_revision IS DISTINCT FROM revision;
CREATE INDEX pipe_certificate_ends ON pipe (certificate_ends_at) WHERE certificate_told < 2;
