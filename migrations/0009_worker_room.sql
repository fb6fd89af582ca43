-- How much a worker could still take (1e9 = no limit), so that the others give it a share of theirs
-- only as far as it has room.
ALTER TABLE worker ADD COLUMN memory_gb_left double precision NOT NULL DEFAULT 0,
                   ADD COLUMN cpu_millicores_left integer NOT NULL DEFAULT 0;
