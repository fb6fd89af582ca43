"""Administration that python3-confluent-kafka of Debian is too old for: by the newest one, in a process of its own.

Each call takes the bootstrap of a listener that needs no login.
"""
import json
import subprocess

from . import serializers

RUN_S = 60

PROGRAM = """
import json, sys
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient
asked = json.load(sys.stdin)
admin = AdminClient({"bootstrap.servers": asked["bootstrap"]})

def topic_id(topic):
    return str(admin.describe_topics(TopicCollection([topic]))[topic].result(30).topic_id)

def group(group):
    found = admin.describe_consumer_groups([group])[group].result(30)
    members = [
        {"id": member.member_id, "instance": member.group_instance_id,
         "partitions": sorted([at.topic, at.partition] for at in member.assignment.topic_partitions)}
        for member in found.members]
    return {"state": found.state.name, "type": found.type.name, "assignor": found.partition_assignor,
            "members": members}

print(json.dumps({"topic_id": topic_id, "group": group}[asked["call"]](**asked["arguments"])))
"""


def _call(bootstrap, call, **arguments):
    done = subprocess.run(
        [serializers.python(), "-c", PROGRAM], timeout=RUN_S, check=False, capture_output=True, text=True,
        input=json.dumps({"bootstrap": bootstrap, "call": call, "arguments": arguments}))
    if done.returncode != 0:
        raise RuntimeError(f"{call} {arguments.keys()}: {done.stderr[-800:]}")
    return json.loads(done.stdout)


def topic_id(bootstrap, topic):
    """The topic's id (KIP-516): another one after the topic was made again."""
    return _call(bootstrap, "topic_id", topic=topic)


def group(bootstrap, name):
    """{"state", "type", "assignor", "members": [{"id", "instance", "partitions"}]} of a consumer group."""
    return _call(bootstrap, "group", group=name)
