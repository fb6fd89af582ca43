"""Loaded by schemathesis (contract/schemathesis): what it generates is pointed at servers that are there.

Brokers and ClickHouse addresses that it makes up lead nowhere, and each would cost seconds of waiting: a text in their
place becomes the address of the test's own, or one that is refused at once. Ids that it makes up become those of what exists, except ids of what an
earlier request made, and every second time of what one deleted. Now and then a create gets a body that is right in every respect, so
that there is something to read, change, delete and ask for again after that; so do probes. Deletes get what was made so."""
import itertools
import json
import os
import re

import schemathesis

WORLD = json.loads(os.environ["PENSTOCK_SCHEMATHESIS"])  # brokers, topic, clickhouse; organization, service, pipe
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
GOOD_EVERY = 4   # of probes; of creates as many as ASK_EVERY says
ASK_EVERY = 20   # of creates, which take half a second each when Kafka is asked about topic and group
UNUSABLE = "h:port"  # refused by its form
PROBES = {"probeTopics", "probeSample", "probeInfer", "probePreview", "probeConnection", "schemaDiscovery"}

numbers = itertools.count(1)
made = {"pipeCreate": [], "serviceCreate": []}  # to be deleted
alive = {WORLD["pipe"], WORLD["service"], WORLD["organization"]}
gone = set()
REAL = {"organizationId": WORLD["organization"], "serviceId": WORLD["service"], "clickPipeId": WORLD["pipe"]}


def operation_of(case):
    return case.operation.definition.raw.get("operationId")


def good_pipe():
    return {"name": "made", "startPaused": True,
            "source": {"kafka": {"type": "kafka", "format": "JSONEachRow", "brokers": WORLD["brokers"], "topics": WORLD["topic"]}},
            "destination": {"database": "default", "table": f"made_{os.getpid()}_{next(numbers)}", "managedTable": True,
                            "tableDefinition": {"engine": {"type": "MergeTree"}}, "columns": [{"name": "id", "type": "UInt64"}]}}


def point(value, brokers):
    """Texts called brokers, topics and url name what is there."""
    if isinstance(value, list):
        return [point(item, brokers) for item in value]
    if not isinstance(value, dict):
        return value
    moved = {name: point(item, brokers) for name, item in value.items()}
    for name, address in (("brokers", brokers), ("topics", WORLD["topic"]), ("topic", WORLD["topic"]), ("url", WORLD["clickhouse"])):
        if isinstance(moved.get(name), str) and moved[name]:
            moved[name] = address
    return moved


@schemathesis.hook
def before_call(context, case, kwargs):
    del context, kwargs
    operation, ids = operation_of(case), case.path_parameters or {}
    if isinstance(case.body, dict):
        is_positive = case.meta is None or case.meta.generation.mode.is_positive
        if operation == "pipeCreate" and is_positive and next(numbers) % ASK_EVERY == 0:
            case.body = good_pipe()
        elif operation == "serviceCreate" and is_positive and next(numbers) % GOOD_EVERY == 0:
            case.body = {"name": "made", "endpoint": {"url": WORLD["clickhouse"]}}
        else:
            is_asked = operation != "pipeCreate" or next(numbers) % ASK_EVERY == 0
            case.body = point(case.body, "PLAINTEXT://" + WORLD["brokers"] if is_asked else UNUSABLE)
        if operation in PROBES and is_positive and next(numbers) % GOOD_EVERY == 0:
            case.body.update({name: good_pipe()[name] for name in ("source", "destination") if name in case.body})
    for name, real in REAL.items():
        given = str(ids.get(name, ""))
        if UUID.fullmatch(given) and given not in alive and (given not in gone or next(numbers) % 2):
            ids[name] = real
    if operation == "pipeDelete" and ids.get("clickPipeId") == WORLD["pipe"] and made["pipeCreate"]:
        ids["clickPipeId"] = made["pipeCreate"].pop()
    if operation == "serviceDelete" and ids.get("serviceId") == WORLD["service"] and made["serviceCreate"]:
        ids["serviceId"] = made["serviceCreate"].pop()


@schemathesis.hook
def after_call(context, case, response):
    del context
    operation = operation_of(case)
    if response.status_code != 200 or case.method not in ("POST", "DELETE"):
        return
    if operation in made:
        made[operation].append(response.json()["result"]["id"])
        alive.add(made[operation][-1])
    elif operation in ("pipeDelete", "serviceDelete"):
        name = "clickPipeId" if operation == "pipeDelete" else "serviceId"
        alive.discard(case.path_parameters[name])
        gone.add(case.path_parameters[name])
