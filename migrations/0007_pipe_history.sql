-- Changes of a pipe's state are part of its history, whoever makes them: the api (start, stop), a
-- supervisor (running, failed). The states are those of common/model/pipe_state.c, as far as the row
-- alone tells them: a pipe that is to stop is Stopped here while its replicas still drain.

CREATE FUNCTION pipe_state_of(p pipe) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p.desired = 'stopped' THEN 'Stopped' WHEN p.failed_at IS NOT NULL THEN 'Failed'
           WHEN p.ready_at IS NOT NULL THEN 'Running' ELSE 'Provisioning' END
$$;

CREATE FUNCTION record_pipe_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was text := pipe_state_of(OLD);
    is_now text := pipe_state_of(NEW);
    why text := CASE WHEN is_now = 'Failed' THEN concat_ws(': ', NEW.failure_code, NEW.failure_message)
                WHEN is_now = 'Stopped' THEN 'a stop was asked for'
                WHEN is_now = 'Provisioning' THEN 'a start was asked for' ELSE 'a replica consumes' END;
BEGIN
    IF was <> is_now THEN
        INSERT INTO pipe_event (pipe_id, type, severity, message, details) VALUES (NEW.id, 'state',
            CASE WHEN is_now = 'Failed' THEN 'critical' ELSE 'info' END, was || ' to ' || is_now || ': ' || why,
            json_build_object('from', was, 'to', is_now, 'code', CASE WHEN is_now = 'Failed' THEN NEW.failure_code END));
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER pipe_state_changed AFTER UPDATE OF desired, failed_at, ready_at ON pipe FOR EACH ROW
    WHEN (OLD.desired <> NEW.desired OR (OLD.failed_at IS NULL) <> (NEW.failed_at IS NULL) OR
          (OLD.ready_at IS NULL) <> (NEW.ready_at IS NULL))
    EXECUTE FUNCTION record_pipe_state();

-- What a pipe waited for, once it is over: an event with from, to and what.
ALTER TABLE pipe ADD COLUMN reason_since timestamptz;

CREATE FUNCTION record_pipe_outage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.reason_code IS NOT NULL THEN
        INSERT INTO pipe_event (pipe_id, type, severity, message, details) VALUES (NEW.id, 'outage', 'warning',
            concat_ws(': ', OLD.reason_code, OLD.reason_message),
            json_build_object('from', to_char(OLD.reason_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'to', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'what', OLD.reason_code));
    END IF;
    NEW.reason_since := CASE WHEN NEW.reason_code IS NOT NULL THEN now() END;
    RETURN NEW;
END
$$;

CREATE TRIGGER pipe_reason_changed BEFORE UPDATE OF reason_code ON pipe FOR EACH ROW
    WHEN (OLD.reason_code IS DISTINCT FROM NEW.reason_code)
    EXECUTE FUNCTION record_pipe_outage();
