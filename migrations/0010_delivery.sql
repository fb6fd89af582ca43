-- What exactly-once needs besides the consumer group's offsets.

-- epoch: raised by whatever makes the whole pipe read elsewhere on purpose (a reset of all offsets,
-- another consumer group, other brokers): ranges that were sent in an earlier epoch are forgotten.
-- mapping_version: raised by every change of what decides what a record becomes.
ALTER TABLE pipe ADD COLUMN epoch bigint NOT NULL DEFAULT 1;
ALTER TABLE pipe ADD COLUMN mapping_version bigint NOT NULL DEFAULT 1;

-- The mappings before the present one (common/model/pipe_mapping.h), for ranges that were sent with
-- them and not confirmed.
CREATE TABLE pipe_mapping (
    pipe_id     uuid NOT NULL REFERENCES pipe ON DELETE CASCADE,
    version     bigint NOT NULL,
    mapping     text NOT NULL,
    replaced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pipe_id, version)
);

-- The guarantee in force as the last replica that started found it; before that, as the api did.
ALTER TABLE pipe ADD COLUMN guarantee_mode text;
ALTER TABLE pipe ADD COLUMN guarantee_detail text;
ALTER TABLE pipe ADD COLUMN guarantee_inserts bigint;
ALTER TABLE pipe ADD COLUMN guarantee_seconds bigint;
