-- The control plane's tables. Forward only; the checksum of this file is kept in the database.

CREATE TABLE organization (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- A key is shown once; only the SHA-256 of its (random, 256-bit) secret is kept.
CREATE TABLE api_key (
    id              text PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organization ON DELETE CASCADE,
    name            text NOT NULL,
    role            text NOT NULL CHECK (role IN ('admin', 'reader')),
    secret_hash     bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz
);

-- A service is a ClickHouse endpoint. secrets: AES-256-GCM of {"password": …}.
CREATE TABLE service (
    id                 uuid PRIMARY KEY,
    organization_id    uuid NOT NULL REFERENCES organization ON DELETE CASCADE,
    name               text NOT NULL,
    url                text NOT NULL,
    username           text NOT NULL,
    secrets            bytea,
    ca_certificate     text,
    clickhouse_version text NOT NULL DEFAULT '',
    provision_users    boolean NOT NULL DEFAULT false,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now()
);

-- definition: the create body without secrets, kept as text so that every byte comes back.
-- secrets: AES-256-GCM of {"kafka": …, "schemaRegistry": …}.
-- revision: grows with every change that a running replica must be restarted for.
CREATE TABLE pipe (
    id                  uuid PRIMARY KEY,
    service_id          uuid NOT NULL REFERENCES service,
    name                text NOT NULL,
    definition          text NOT NULL,
    consumer_group      text NOT NULL,
    secrets             bytea,
    replicas            integer NOT NULL CHECK (replicas BETWEEN 1 AND 40),
    cpu_millicores      integer NOT NULL CHECK (cpu_millicores BETWEEN 125 AND 2000),
    memory_gb           double precision NOT NULL CHECK (memory_gb BETWEEN 0.5 AND 8),
    desired             text NOT NULL DEFAULT 'running' CHECK (desired IN ('running', 'stopped')),
    revision            bigint NOT NULL DEFAULT 1,
    state_since         timestamptz NOT NULL DEFAULT now(),
    ready_at            timestamptz,
    failure_code        text,
    failure_message     text,
    failed_at           timestamptz,
    reason_code         text,
    reason_message      text,
    last_error_type     text,
    last_error_message  text,
    last_error_at       timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    -- Counters since the pipe was created; replicas report differences.
    fetched_records     bigint NOT NULL DEFAULT 0,
    sent_records        bigint NOT NULL DEFAULT 0,
    rejected_records    bigint NOT NULL DEFAULT 0,
    skipped_records     bigint NOT NULL DEFAULT 0,
    fetched_bytes       bigint NOT NULL DEFAULT 0,
    fetched_wire_bytes  bigint NOT NULL DEFAULT 0,
    sent_bytes          bigint NOT NULL DEFAULT 0,
    sent_wire_bytes     bigint NOT NULL DEFAULT 0,
    inserts             bigint NOT NULL DEFAULT 0,
    insert_retries      bigint NOT NULL DEFAULT 0,
    batches_rows        bigint NOT NULL DEFAULT 0,
    batches_bytes       bigint NOT NULL DEFAULT 0,
    batches_age         bigint NOT NULL DEFAULT 0,
    batches_drain       bigint NOT NULL DEFAULT 0,
    rebalances          bigint NOT NULL DEFAULT 0
);
CREATE INDEX pipe_service ON pipe (service_id);

-- One row per replica that has ever been claimed. The lease is owner + generation + expires_at;
-- generation grows with every claim and fences whoever held it before.
CREATE TABLE pipe_replica (
    pipe_id            uuid NOT NULL REFERENCES pipe ON DELETE CASCADE,
    replica_index      integer NOT NULL,
    generation         bigint NOT NULL DEFAULT 0,
    owner              text,
    host               text NOT NULL DEFAULT '',
    expires_at         timestamptz,
    revision           bigint NOT NULL DEFAULT 0,
    state              text NOT NULL DEFAULT 'idle'
                       CHECK (state IN ('idle', 'starting', 'running', 'draining', 'waiting')),
    pid                integer,
    started_at         timestamptz,
    restarts           bigint NOT NULL DEFAULT 0,
    memory_bytes       bigint NOT NULL DEFAULT 0,
    cpu_millicores     integer NOT NULL DEFAULT 0,
    records_per_second double precision NOT NULL DEFAULT 0,
    bytes_per_second   double precision NOT NULL DEFAULT 0,
    -- Fetched but not settled by the present process: taken back when it ends, since those records
    -- are read again.
    unsettled_records  bigint NOT NULL DEFAULT 0,
    unsettled_bytes    bigint NOT NULL DEFAULT 0,
    -- Counts per latency bucket (worker/protocol) of the last minutes.
    latency_counts     bigint[] NOT NULL DEFAULT '{}',
    latency_max_ms     bigint NOT NULL DEFAULT 0,
    reported_at        timestamptz,
    PRIMARY KEY (pipe_id, replica_index)
);
CREATE INDEX pipe_replica_owner ON pipe_replica (owner);

-- The consumer group's offsets, mirrored for status; Kafka holds the truth.
CREATE TABLE pipe_partition (
    pipe_id    uuid NOT NULL REFERENCES pipe ON DELETE CASCADE,
    topic      text NOT NULL,
    partition  integer NOT NULL,
    committed  bigint NOT NULL,
    end_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pipe_id, topic, partition)
);

CREATE TABLE pipe_event (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipe_id  uuid NOT NULL REFERENCES pipe ON DELETE CASCADE,
    time     timestamptz NOT NULL DEFAULT now(),
    type     text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    message  text NOT NULL,
    details  text NOT NULL DEFAULT '{}'
);
CREATE INDEX pipe_event_pipe ON pipe_event (pipe_id, id DESC);

-- Supervisors that are alive.
CREATE TABLE worker (
    owner      text PRIMARY KEY,
    host       text NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);

-- Questions of the api that only a worker can answer. request: AES-256-GCM of the probe's spec.
CREATE TABLE probe_job (
    id         uuid PRIMARY KEY,
    request    bytea NOT NULL,
    owner      text,
    answer     text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

-- Whoever listens hears of every change of desired state at once; the slow poll is the net below.
CREATE FUNCTION penstock_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_ARGV[0], COALESCE(NEW.id, OLD.id)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER pipe_inserted_or_deleted AFTER INSERT OR DELETE ON pipe
    FOR EACH ROW EXECUTE FUNCTION penstock_notify('penstock_pipe');
CREATE TRIGGER pipe_changed AFTER UPDATE ON pipe FOR EACH ROW
    WHEN (OLD.desired IS DISTINCT FROM NEW.desired OR OLD.revision IS DISTINCT FROM NEW.revision
          OR OLD.replicas IS DISTINCT FROM NEW.replicas
          OR OLD.failed_at IS DISTINCT FROM NEW.failed_at)
    EXECUTE FUNCTION penstock_notify('penstock_pipe');
CREATE TRIGGER probe_asked AFTER INSERT ON probe_job
    FOR EACH ROW EXECUTE FUNCTION penstock_notify('penstock_probe');
CREATE TRIGGER probe_answered AFTER UPDATE ON probe_job FOR EACH ROW
    WHEN (OLD.answer IS DISTINCT FROM NEW.answer)
    EXECUTE FUNCTION penstock_notify('penstock_probe_done');
