"""Whatever a body holds, the answer is 200 or 400, says no secret, and what was created reads back the same."""
import copy
import random

import pytest

from .conftest import TERRAFORM, body_for

JUNK = [
    None, True, False, 0, -1, 1.5, 1e308, 2 ** 63 - 1, "", "x", "\u0000", "a\u0000b", "ü🚰" * 50, "x" * 70000, [], {},
    [None], [[]], [{}], {"a": 1}, "Nullable(", "Array(" * 40, "'", "`", "; DROP TABLE x", "\\", "-- ", "Enum8('a'=1)",
    "2021-01-01T00:00", "http://x:1", "t1,t2", {"name": "a", "type": "String"}, "()", ")",
]
NAMES = ["unknown", "credentials", "columns", "iamRole", "exactlyOnce", "startPaused", "ttl"]


def places(node, path=()):
    """Paths of all members and items."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield path + (key,)
        yield from places(value, path + (key,))


def mutate(chance, body):
    """A copy with one to six changes: a member gone, doubled, added, or of another kind."""
    body = copy.deepcopy(body)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        paths = list(places(body))
        if not paths:
            break
        path = chance.choice(paths)
        parent = body
        for key in path[:-1]:
            parent = parent[key]
        dice = chance.random()
        if dice < 0.15:
            del parent[path[-1]]
        elif dice < 0.25 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[path[-1]]))
        elif dice < 0.30 and isinstance(parent, dict):
            parent[chance.choice(NAMES)] = copy.deepcopy(chance.choice(JUNK))
        else:
            parent[path[-1]] = copy.deepcopy(chance.choice(JUNK))
    return body


def whole_body(table):
    """A create body with every member."""
    return body_for(
        table, [("a", "UInt64"), ("b", "Array(Nullable(String))"), ("c", "Decimal(18,3)")], name="n",
        kafka={"offset": {"strategy": "from_timestamp", "timestamp": "2021-01-01T00:00"}, "consumerGroup": "g",
               "caCertificate": "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n", "exactlyOnce": True,
               "reversePrivateEndpointIds": []},
        destination={"tableDefinition": {
            "engine": {"type": "ReplacingMergeTree", "versionColumnId": "a"}, "sortingKey": ["a"],
            "partitionBy": "a % 4", "primaryKey": "a"}},
        fieldMappings=[{"sourceField": "x", "destinationField": "a"}],
        settings={"streaming_max_insert_wait_ms": 5000, "kafka_read_committed": True, "penstock_overflow": "wrap"},
        scaling={"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5})


@pytest.mark.parametrize("seed", range(3))
def test_any_body(penstock, clickhouse, table, seed):
    chance = random.Random(seed)
    pipe = penstock.create_pipe(whole_body(table))["id"]
    path = f"{penstock.pipes_path}/{pipe}"
    seen = set()

    def send(method, where, body):
        headers = chance.choice([{}, TERRAFORM])
        reply = penstock.request(method, where, body, headers=headers)
        assert reply.status in (200, 400), (method, where, body, reply.text)
        assert "hunter2" not in reply.text, (method, where, body, reply.text)
        seen.add((method, reply.status))
        return reply

    for number in range(20):
        reply = send("POST", penstock.pipes_path, mutate(chance, whole_body(f"{table}_{number}")))
        if reply.status == 200:
            assert penstock.pipe(reply.result["id"]) == reply.result
            penstock.delete_pipe(reply.result["id"])
        send("PATCH", path, mutate(chance, whole_body(table)))
        send("PUT", f"{path}/settings", mutate(chance, whole_body(table)["settings"]))
        send("PATCH", f"{path}/scaling", mutate(chance, whole_body(table)["scaling"]))
        send("PATCH", f"{path}/state", mutate(chance, {"command": "stop"}))
        send("POST", f"{penstock.organization_path}/services", mutate(chance, {
            "name": "x", "endpoint": {"url": clickhouse.url, "username": "default", "password": ""}}))
    assert {("POST", 200), ("POST", 400), ("PATCH", 200), ("PATCH", 400), ("PUT", 400)} <= seen
    assert penstock.pipe(pipe)["id"] == pipe
