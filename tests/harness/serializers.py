"""Official serializers for golden messages: confluent-kafka and fastavro in a virtual environment.

The environment is made once from PyPI (8 s, 93 MB) and kept in the cache beside Kafka's jars. `fastavro()`
loads that library into the running tests; `confluent(...)` runs confluent-kafka's own serializers in a
process of the environment, because the system's confluent_kafka is another version.
"""
import base64
import importlib
import io
import json
import os
import subprocess
import sys

from .registry_servers import fetch_once, run_checked

PACKAGES = ["confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.0", "fastavro==1.13.1"]
RUN_S = 60

# Reads {url, auth, ca, topic, kind, schema, values, references} and prints the messages in base64.
PROGRAM = """
import base64, json, sys
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
asked = json.load(sys.stdin)
conf = {"url": asked["url"]}
if asked["auth"]:
    conf["basic.auth.user.info"] = asked["auth"]
if asked["ca"]:
    conf["ssl.ca.location"] = asked["ca"]
client = SchemaRegistryClient(conf)
references = [SchemaReference(*reference) for reference in asked["references"]]
if asked["kind"] == "AVRO":
    schema = Schema(asked["schema"], "AVRO", references)
    serializer = AvroSerializer(client, schema)
else:
    schema = Schema(asked["schema"], "JSON", references)
    serializer = JSONSerializer(schema, client)
context = SerializationContext(asked["topic"], MessageField.VALUE)
print(json.dumps([base64.b64encode(serializer(value, context)).decode() for value in asked["values"]]))
"""


def _make(folder):
    run_checked([sys.executable, "-m", "venv", "--copies", folder], "making a virtual environment")
    run_checked(
        [os.path.join(folder, "bin", "python3"), "-m", "pip", "install", "-q", "--only-binary", ":all:",
         "--disable-pip-version-check", *PACKAGES],
        "fetching the serializers from PyPI (is the network up?)")


def folder():
    """The virtual environment."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return fetch_once(f"serializers-2.16.0-python{version}", _make)


def python():
    """Its interpreter."""
    return os.path.join(folder(), "bin", "python3")


def fastavro():
    """The module fastavro."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    place = os.path.join(folder(), "lib", version, "site-packages")
    if place not in sys.path:
        sys.path.append(place)  # last: the system's own confluent_kafka stays the one in use
    return importlib.import_module("fastavro")


def avro_body(schema, value, named=()):
    """The Avro binary of a value, without framing. named: schemas it refers to, in order."""
    module = fastavro()
    known = {}
    for other in named:
        module.parse_schema(other, named_schemas=known)
    parsed = module.parse_schema(schema, named_schemas=known)
    out = io.BytesIO()
    module.schemaless_writer(out, parsed, value)
    return out.getvalue()


def confluent(registry, topic, schema, values, kind="AVRO", references=()):
    """Messages as confluent-kafka's serializer makes them; it registers the schema as <topic>-value."""
    text = schema if isinstance(schema, str) else json.dumps(schema)
    user = next(iter(registry.users.items())) if registry.users else None
    asked = {
        "url": registry.url, "auth": ":".join(user) if user else None,
        "ca": registry.certificates.ca if registry.certificates else None,
        "topic": topic, "kind": kind, "schema": text, "values": values,
        "references": [list(reference) for reference in references]}
    done = subprocess.run(
        [python(), "-c", PROGRAM], input=json.dumps(asked), capture_output=True, text=True, check=False,
        timeout=RUN_S)
    if done.returncode != 0:
        raise RuntimeError(f"confluent-kafka's serializer: {done.stderr[-1500:]}")
    return [base64.b64decode(message) for message in json.loads(done.stdout)]
