"""What we export is read by a real Prometheus: promtool's checks, the alert rules, the dashboard's queries."""
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request

import pytest

from tests.harness import debian, net, paths, proc
from tests.harness.penstock import Penstock

ALERTS = os.path.join(paths.ROOT, "deploy", "prometheus", "alerts.yml")
EXAMPLE = os.path.join(paths.ROOT, "deploy", "prometheus", "prometheus.yml")
DASHBOARD = os.path.join(paths.ROOT, "deploy", "grafana", "penstock.json")


@pytest.fixture(scope="module")
def promtool():
    return debian.program("usr/bin/promtool", "prometheus")


@pytest.fixture(scope="module")
def pipe(penstock, database):
    """A pipe with facts in every family."""
    from .conftest import body_for  # pylint: disable=import-outside-toplevel
    made = penstock.create_pipe(body_for("scraped", name="scraped"))["id"]
    database.query("UPDATE pipe SET failed_at = now(), failure_code = 'INTERNAL', fetched_records = 10, "
                   f"insert_numbers = '{{1500,0,12,0,0,0,0,0,0,0,1}}' WHERE id = '{made}'")
    database.query("INSERT INTO pipe_replica (pipe_id, replica_index, owner, host, expires_at, state, pid, cpu_us, "
                   f"latency_counts) VALUES ('{made}', 0, 'o', 'h', now() + interval '1 hour', 'running', 1, 2500000, "
                   "ARRAY[0, 5]::bigint[])")
    database.query(f"INSERT INTO pipe_partition VALUES ('{made}', 't1', 0, 5, 9)")
    return made


@pytest.mark.usefixtures("pipe")
def test_promtool_check_metrics(penstock, promtool):
    """Our own names are clean; Cloud's are Cloud's: about those it may only complain of their spelling."""
    for path in (f"{penstock.organization_path}/prometheus", "/metrics"):
        text = penstock.request("GET", path).text
        done = subprocess.run([promtool.path, "check", "metrics"], input=text, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in done.stdout.splitlines():
            assert re.match(r'(ClickPipes|ClickHouse)_\w+ (metric names should be written in \'snake_case\'|'
                            r'counter metrics should have "_total" suffix|non-counter|use base unit)', line), line


def test_promtool_check_rules_and_example(promtool, tmp_path):
    done = subprocess.run([promtool.path, "check", "rules", ALERTS], text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0 and "8 rules found" in done.stdout, done.stdout
    for source in (ALERTS, EXAMPLE):
        (tmp_path / os.path.basename(source)).write_bytes(open(source, "rb").read())
    (tmp_path / "key_secret").write_text("x")
    done = subprocess.run([promtool.path, "check", "config", str(tmp_path / "prometheus.yml")], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10) as response:
            return response.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def prometheus(penstock, tmp_path_factory):
    """A real one that scrapes us with the example's configuration; call it with a path to ask."""
    folder = tmp_path_factory.mktemp("prometheus")
    key = penstock.create_key("reader", "prometheus")
    example = open(EXAMPLE, encoding="utf-8").read()
    for old, new in (("ORGANIZATION_ID", penstock.organization_id), ("KEY_ID", key[0]), ("15s", "1s"),
                     ("127.0.0.1:8088", f"127.0.0.1:{penstock.port}"), ("alerts.yml", ALERTS)):
        assert old in example
        example = example.replace(old, new)
    (folder / "prometheus.yml").write_text(example)
    (folder / "key_secret").write_text(key[1])
    server = debian.program("usr/bin/prometheus", "prometheus")
    port = net.free_port()
    process = proc.Process("prometheus", [
        server.path, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", f"--web.console.libraries={folder}"], str(folder / "log"))

    def ask(path, **query):
        url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["data"]

    with process.start():
        process.wait_ready(lambda: is_ready(port), 60)
        yield ask


def test_prometheus_scrapes_us(pipe, prometheus):
    def up():
        rows = prometheus("query", query='up{job!="penstock-worker"}')["result"]  # no worker runs here
        return [(row["metric"]["job"], row["value"][1]) for row in sorted(rows, key=lambda row: row["metric"]["job"])] == [
            ("penstock-api", "1"), ("penstock-pipes", "1")]

    net.wait_until(up, 30, "both targets of the api up")
    found = net.wait_until(lambda: prometheus("query", query=f'ClickPipes_Info{{clickpipe_id="{pipe}"}}')["result"], 30,
                           "the pipe's series")
    assert found[0]["metric"]["clickpipe_state"] == "Failed" and found[0]["metric"]["clickpipe_name"] == "scraped"
    for name, value in (("penstock_replica_cpu_seconds_total", "2.5"), ("penstock_insert_duration_seconds_sum", "1.5"),
                        ("penstock_pipe_lag_records", "4"), ("ClickPipes_FetchedEvents_Total", "10")):
        rows = prometheus("query", query=f'{name}{{clickpipe_id="{pipe}"}}')["result"]
        assert [row["value"][1] for row in rows] == [value], name


def test_an_alert_is_raised(pipe, prometheus):
    def pending():
        return [alert for alert in prometheus("alerts")["alerts"] if alert["labels"].get("clickpipe_id") == pipe
                and alert["labels"]["alertname"] == "PenstockPipeFailed"]

    rules = prometheus("rules")["groups"][0]["rules"]
    assert len(rules) == 8 and len({rule["name"] for rule in rules}) == 8
    assert "scraped" in net.wait_until(pending, 90, "the alert")[0]["annotations"]["summary"]


@pytest.mark.usefixtures("pipe")
def test_the_dashboards_queries_are_understood(penstock, prometheus):
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    texts = penstock.request("GET", f"{penstock.organization_path}/prometheus").text + penstock.request("GET", "/metrics").text
    exported = set(re.findall(r"^# TYPE (\S+)", texts, re.M))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) >= 14
    with open(ALERTS, encoding="utf-8") as file:
        named = set(re.findall(r"(?:ClickPipes|ClickHouse|penstock)_\w+", " ".join(queries) + file.read()))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in named} <= exported
    for query in queries:
        query = query.replace("$__rate_interval", "1m").replace("$pipe", ".*")
        assert prometheus("query", query=query)["resultType"] == "vector", query


def test_the_example_names_a_reader():
    assert "--role reader" in open(EXAMPLE, encoding="utf-8").read()


def test_discovery(penstock):
    """What http_sd_configs takes: a bare list of targets, each of which can be scraped with its labels."""
    reply = penstock.request("GET", f"{penstock.organization_path}/prometheus/discovery")
    assert reply.status == 200 and reply.headers["content-type"].startswith("application/json")
    targets = {target["labels"]["clickhouse_service"]: target for target in reply.json}
    assert set(targets) == {service["id"] for service in penstock.result("GET", f"{penstock.organization_path}/services")}
    target = targets[penstock.service_id]
    labels = target["labels"]
    assert target["targets"] == [f"127.0.0.1:{penstock.port}"] and labels["__scheme__"] == "http"
    assert labels["clickhouse_org"] == penstock.organization_id and labels["__param_filtered_metrics"] == "true"
    assert penstock.request("GET", labels["__metrics_path__"]).status == 200
    other = penstock.request("GET", f"{penstock.organization_path}/prometheus/discovery?filtered_metrics=false")
    assert other.json[0]["labels"]["__param_filtered_metrics"] == "false"
    refused = penstock.request("GET", f"{penstock.organization_path}/prometheus/discovery", headers={"Host": "a b\xff"})
    assert refused.status == 400


def test_discovery_behind_a_proxy(penstock, database):
    """What a proxy says of the address counts only for an api that is told to trust it."""
    told = {"X-Forwarded-Proto": "HTTPS", "X-Forwarded-Host": "pipes.example.org:8443, inner"}

    def found(api, headers):
        target = api.request("GET", f"{api.organization_path}/prometheus/discovery", headers=headers).json[0]
        return target["labels"]["__scheme__"], target["targets"]

    own = ("http", [f"127.0.0.1:{penstock.port}"])
    assert found(penstock, told) == own
    with Penstock(database.url, env={"PENSTOCK_TRUST_PROXY": 1}) as trusting:
        assert found(trusting, told) == ("https", ["pipes.example.org:8443"])
        assert found(trusting, {}) == ("http", [f"127.0.0.1:{trusting.port}"])
        assert found(trusting, {"X-Forwarded-Proto": "http"}) == ("http", [f"127.0.0.1:{trusting.port}"])
        reply = trusting.request("GET", f"{trusting.organization_path}/prometheus/discovery",
                                 headers={"X-Forwarded-Host": "a b"})
        assert reply.status == 400
