-- Who changed what through the API. A row is written before the change and completed after it, so
-- that no change goes without one; outcome 'unknown' is a call whose end was not recorded (5xx, or
-- the api died). before, after: the pipe or the service as REST shows it, so without secrets.
CREATE TABLE audit_entry (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organization ON DELETE CASCADE,
    time            timestamptz NOT NULL DEFAULT now(),
    key_id          text NOT NULL,
    method          text NOT NULL,
    path            text NOT NULL,
    target          text,
    outcome         text NOT NULL DEFAULT 'unknown' CHECK (outcome IN ('unknown', 'done')),
    before          text,
    after           text
);
CREATE INDEX audit_entry_organization ON audit_entry (organization_id, id DESC);
