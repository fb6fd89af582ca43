"""Every command in every state (the contract, sections 2.4 to 2.7 and 3.2): what it answers, and the state shown right after.
States are brought about by the facts that they are derived from, as a worker would leave them."""
import pytest

from .conftest import body_for

NEW = {"username": "u", "password": "other"}

# state → what makes it, in SQL, for the pipe in {id}
LEASE = ("INSERT INTO pipe_replica (pipe_id, replica_index, owner, expires_at, state) VALUES "
         "('{id}', 0, 'o', now() + interval '{minutes} minutes', 'running')")
READY = "UPDATE pipe SET ready_at = now() WHERE id = '{id}'"
FAILED = ("UPDATE pipe SET failed_at = now(), failure_code = 'SOURCE_AUTHENTICATION', failure_message = 'x' "
          "WHERE id = '{id}'")
STOPPED = "UPDATE pipe SET desired = 'stopped' WHERE id = '{id}'"
STATES = {
    "Provisioning": [],
    "Running": [READY, LEASE.replace("{minutes}", "5")],
    "Running, host gone": [READY, LEASE.replace("{minutes}", "-5")],
    "Failed": [READY, FAILED],
    "Failed, draining": [READY, LEASE.replace("{minutes}", "5"), FAILED],
    "Stopping": [READY, LEASE.replace("{minutes}", "5"), STOPPED],
    "Stopped": [STOPPED],
    "Stopped, host gone": [READY, LEASE.replace("{minutes}", "-5"), STOPPED],
}
COMMANDS = {
    "start": ("PATCH", "/state", {"command": "start"}),
    "start by action": ("PATCH", "/state", {"action": "start"}),
    "stop": ("PATCH", "/state", {"command": "stop"}),
    "resync": ("PATCH", "/state", {"command": "resync"}),
    "name": ("PATCH", "", {"name": "other"}),
    "login": ("PATCH", "", {"source": {"kafka": {"authentication": "PLAIN", "credentials": NEW}}}),
    "nothing": ("PATCH", "", {}),
    "settings": ("PUT", "/settings", {"streaming_max_insert_wait_ms": 700}),
    "scaling": ("PATCH", "/scaling", {"replicas": 3}),
    "same scaling": ("PATCH", "/scaling", {"replicas": 1}),
    "restart": ("POST", "/restart", {}),
    "topics": ("PATCH", "/source", {"kafka": {"topics": "t2"}}),
    "source login": ("PATCH", "/source", {"kafka": {"credentials": NEW}}),
    "reset": ("POST", "/offsets/reset", {"to": "beginning", "dryRun": True}),
    "delete": ("DELETE", "", None),
}
SAME = "same"
NO_WORKER = 503  # the state allows it; there is no worker to ask Kafka

# command → (code, state after) for the states in the order of STATES
CELLS = {
    "start": [(400, SAME), (400, SAME), (400, SAME), (200, "Provisioning"), (200, "Running"), (200, "Running"),
              (200, "Provisioning"), (200, "Provisioning")],
    "stop": [(200, "Stopped"), (200, "Stopping"), (200, "Stopped"), (200, "Stopped"), (200, "Stopping"), (200, SAME),
             (200, SAME), (200, SAME)],
    "resync": [(400, SAME)] * 8,
    "name": [(200, SAME)] * 8,
    "login": [(200, SAME)] * 8,
    "nothing": [(200, SAME)] * 8,
    "settings": [(200, SAME)] * 8,
    "scaling": [(200, SAME)] * 8,
    "same scaling": [(200, SAME)] * 8,
    "restart": [(200, SAME)] * 3 + [(200, "Provisioning"), (200, "Running")] + [(400, SAME)] * 3,
    "topics": [(400, SAME)] * 3 + [(200, SAME)] + [(400, SAME)] * 2 + [(200, SAME)] * 2,  # while nobody reads
    "source login": [(200, SAME)] * 8,
    "reset": [(400, SAME)] * 3 + [(NO_WORKER, SAME)] + [(400, SAME)] * 2 + [(NO_WORKER, SAME)] * 2,
    "delete": [(200, None)] * 8,
}
CELLS["start by action"] = CELLS["start"]


RESET = ["DELETE FROM pipe_replica WHERE pipe_id = '{id}'",
         "UPDATE pipe SET desired = 'running', ready_at = NULL, failed_at = NULL, failure_code = NULL, failure_message = NULL "
         "WHERE id = '{id}'"]


def bring(database, pipe, state):
    database.query("; ".join(statement.format(id=pipe) for statement in RESET + STATES[state]))


@pytest.fixture(scope="module")
def shared(penstock):
    """A pipe for every command but delete."""
    return penstock.create_pipe(body_for("states"))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number, state", enumerate(STATES))
def test_a_command_in_a_state(penstock, database, shared, number, state, command):
    pipe = shared if command != "delete" else penstock.create_pipe(body_for("states"))
    path = f"{penstock.pipes_path}/{pipe['id']}"
    bring(database, pipe["id"], state)
    shown = state.partition(",")[0]
    assert penstock.pipe(pipe["id"])["state"] == shown
    before = penstock.pipe(pipe["id"])
    method, tail, body = COMMANDS[command]
    reply = penstock.request(method, path + tail, body)
    code, after = CELLS[command][number]
    assert reply.status == code, reply.text
    if code == 400 and command.startswith("start"):
        assert f"{pipe['id'][:8]} ClickPipe is already running" in reply.error
    if after is None:
        assert penstock.request("GET", path).status == 404
        return
    wanted = shown if after == SAME else after
    assert penstock.pipe(pipe["id"])["state"] == wanted
    if code != 200:
        assert penstock.pipe(pipe["id"]) == before
    elif command != "settings":  # which answers the settings
        assert reply.result == penstock.pipe(pipe["id"]) and reply.result["state"] == wanted


def test_a_host_that_vanishes_while_its_replica_drains(penstock, database, make):
    """Its lease runs out: nobody drains any more, so the pipe is stopped; and can be started."""
    pipe = make()["id"]
    bring(database, pipe, "Stopping")
    assert penstock.command_pipe(pipe, "stop")["state"] == "Stopping"
    database.query(f"UPDATE pipe_replica SET expires_at = now() - interval '1 second' WHERE pipe_id = '{pipe}'")
    assert penstock.pipe(pipe)["state"] == "Stopped"
    assert penstock.command_pipe(pipe, "start")["state"] == "Provisioning"


def test_the_table_is_whole():
    assert set(CELLS) == set(COMMANDS) and all(len(row) == len(STATES) for row in CELLS.values())
