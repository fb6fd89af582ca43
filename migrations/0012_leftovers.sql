-- What a create or a delete may have left in ClickHouse. A row is written before the first statement
-- there and goes with the insert of the pipe, or when all is taken back. database_name and
-- table_name: the tables of a create; null when only the user is to be dropped.
CREATE TABLE leftover (
    pipe_id       uuid PRIMARY KEY,
    service_id    uuid NOT NULL REFERENCES service ON DELETE CASCADE,
    database_name text,
    table_name    text,
    has_user      boolean NOT NULL,
    is_open       boolean NOT NULL, -- the create may still store its pipe
    retry_at      timestamptz NOT NULL
);
CREATE INDEX leftover_retry_at ON leftover (retry_at);
