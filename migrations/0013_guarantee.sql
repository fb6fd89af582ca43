-- guarantee_severity: 'warning' or 'critical' where something should be done about it. table_hash: of the
-- destination's description as the last replica that started read it; another one is an event.
ALTER TABLE pipe ADD COLUMN guarantee_severity text;
ALTER TABLE pipe ADD COLUMN table_uuid text;
ALTER TABLE pipe ADD COLUMN table_hash text;
