"""GET P/metrics: what was sampled, in steps; counters as increases, the rest as the highest value."""
import datetime

import pytest


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat().replace("+00:00", "Z")


BASE = 1_700_000_000 // 60 * 60


@pytest.fixture
def sampled(penstock, database, make):
    pipe = make()["id"]
    # every 15 s: 10 more fetched, 9 sent; lag and the like go up and down
    database.query(
        "INSERT INTO metric_sample SELECT "
        f"'{pipe}', {BASE} + n * 15, n * 10, n * 9, n, n * 100, n * 50, n % 4, n % 4 * 10, n % 4 * 20, 1000 + n % 4, n % 4 "
        "FROM generate_series(0, 40) AS n")
    return f"{penstock.pipes_path}/{pipe}/metrics"


def ask(penstock, path, first, last, step=None):
    query = f"?from={iso(first)}&to={iso(last)}" + (f"&step={step}" if step else "")
    return penstock.result("GET", path + query)


def test_series_in_the_samples_own_step(penstock, sampled):
    answer = ask(penstock, sampled, BASE, BASE + 60)
    assert answer["step"] == 15 and len(answer["series"]) == 10
    assert answer["series"]["fetchedRecords"] == [[BASE + 15, 10], [BASE + 30, 10], [BASE + 45, 10]]
    assert answer["series"]["lag"] == [[BASE, 0], [BASE + 15, 1], [BASE + 30, 2], [BASE + 45, 3]]
    in_seconds = f"?from={BASE}&to={iso(BASE + 60)}"
    assert penstock.result("GET", sampled + in_seconds) == answer
    assert answer["series"]["latencyP99Ms"][-1] == [BASE + 45, 60] and answer["series"]["memoryBytes"][0] == [BASE, 1000]


def test_wider_steps(penstock, sampled):
    answer = ask(penstock, sampled, BASE, BASE + 600, 60)
    assert answer["step"] == 60
    assert answer["series"]["sentRecords"] == [[BASE + 60 * n, 36] for n in range(1, 10)]
    assert {value for _, value in answer["series"]["cpuMillicores"]} == {3}


def test_defaults_bounds_and_bad_ranges(penstock, sampled):
    answer = penstock.result("GET", sampled)  # the last hour, which has none
    assert answer["step"] == 15 and answer["series"]["lag"] == [] and answer["series"]["sentBytes"] == []
    assert ask(penstock, sampled, BASE, BASE + 7 * 86400)["step"] == 2520
    for query in ("step=1", "step=86401", "step=x", "from=x", "to=99999999999999999999", f"from={iso(BASE)}&to={iso(BASE - 1)}",
                  f"from={iso(BASE)}&to={iso(BASE + 604800)}&step=15", "from=1970-01-01T00:00:00Z&step=15"):
        assert penstock.request("GET", f"{sampled}?{query}").status == 400, query
