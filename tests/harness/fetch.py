"""Everything the tests download, before the first test: python3 -m tests.harness.fetch.

What is in the cache already is not fetched again. A failure does not end the rest; all are told at the end.
"""
import os
import subprocess
import sys
import time

from . import debian, fault_proxy, json_schema_suite, kafka, librdkafka, openapi_tools, paths, registry_servers, serializers


def _script(*words):
    """A script of the demo that prints where its download lies."""
    path = os.path.join(paths.ROOT, *words[0].split("/"))
    done = subprocess.run([path, *words[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout.strip())
    return done.stdout.splitlines()[-1]


def _newest_kafka():
    done = subprocess.run(
        [os.path.join(paths.ROOT, "demo", "kafka", "apache-kafka"), "fetch"], stdin=subprocess.DEVNULL,
        env={**os.environ, "PENSTOCK_KAFKA_VERSION": kafka.NEWEST_VERSION}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout.strip())
    return done.stdout.splitlines()[-1]


DOWNLOADS = {
    "the ClickHouse engine": lambda: _script("demo/clickhouse/fetch-libchdb"),
    "Apache Kafka": lambda: _script("demo/kafka/apache-kafka", "fetch"),
    "the schema registry": registry_servers.apicurio_folder,
    "the Avro and JSON serializers": serializers.folder,
    "Prometheus": lambda: debian.program("usr/bin/prometheus", "prometheus").path,
    "the OpenAPI tools": openapi_tools.python,
    "the OpenAPI linter": lambda: openapi_tools.spectral()[-1],
    "the newest Apache Kafka": _newest_kafka,
    "the newest librdkafka": librdkafka.newest_folder,
    "the fault proxy": lambda: fault_proxy.toxiproxy_program() or "no Go: the suite's own is used",
    "the JSON Schema suite": json_schema_suite.folder,
}


def main():
    """Exit status 1 and one line each for what could not be had."""
    failures = []
    for name, get in DOWNLOADS.items():
        start = time.monotonic()
        try:
            print(f"{name}: {get()} ({time.monotonic() - start:.0f} s)", flush=True)
        except (RuntimeError, OSError, subprocess.SubprocessError) as failure:
            failures.append(f"cannot get {name}: {failure}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
