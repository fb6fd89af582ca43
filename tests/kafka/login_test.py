"""A replica reads with every login there is, and says what is missing when a right or a password is taken away while it
runs. (What a probe says to wrong logins is in tests/e2e/logins_test.py.)"""
import pytest

from tests.kafka.conftest import KAFKA, LIBRARY
from tests.process.replica_mock_test import documents, rows_in, wait_rows

LOGINS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN over TLS", "TLS", "MUTUAL_TLS"]
USERS = {"PLAIN": "plain", "SCRAM-SHA-256": "scramSha256", "SCRAM-SHA-512": "scramSha512"}


def pem(kafka, name):
    with open(kafka.certificates[name], encoding="ascii") as file:
        return file.read()


def login_of(kafka, login):
    """(bootstrap, source, secrets) of make_spec."""
    method, _, over = login.partition(" over ")
    source = {"caCertificate": pem(kafka, "ca")} if over or "TLS" in login else {}
    if method == "TLS":
        return "SSL://" + kafka.listeners["SSL"], source, {}
    source["authentication"] = method
    if method == "MUTUAL_TLS":
        client = {"certificate": pem(kafka, "client"), "privateKey": pem(kafka, "clientKey")}
        return kafka.listeners["MTLS"], source, {"kafka": client}
    user = kafka.users[USERS[method]]
    place = kafka.listeners["SASL_SSL"] if over else "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"]
    return place, source, {"kafka": {"username": user["username"], "password": user["password"]}}


@pytest.mark.short
@pytest.mark.parametrize("login", LOGINS)
def test_reads_with_every_login(kafka, clickhouse, replica, name, login):
    kafka.create_topic(name, 1)
    kafka.produce(name, documents(20))
    bootstrap, source, secrets = login_of(kafka, login)
    with replica(bootstrap=bootstrap, source=source, secrets=secrets) as one:
        if KAFKA.startswith("4") and LIBRARY == "system" and "SCRAM" in login:
            # What librdkafka below 2.6.1 does wrong is named, not called a wrong password only.
            one.wait(lambda r: "SOURCE_AUTHENTICATION" in r.reasons(), 30, "the refused login")
            told = [text for event, code, text, _ in one.events if code == "SOURCE_AUTHENTICATION"]
            assert "librdkafka below 2.6.1 cannot log in with SCRAM to Kafka 4.0" in told[0]
            return
        wait_rows(one, clickhouse, name, 20)
        assert one.terminate() == 0
    assert kafka.committed(f"g-{name}", name) == {0: 20}


def denied(kafka):
    user = kafka.users["denied"]
    return {"bootstrap": "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"],
            "source": {"authentication": "PLAIN"},
            "secrets": {"kafka": {"username": user["username"], "password": user["password"]}}}


@pytest.mark.short
def test_the_right_to_read_a_topic_is_taken_from_a_running_pipe(kafka, clickhouse, replica, name):
    """DESCRIBE stays, so only a fetch shows it; without any new record it must stay shown, and end by itself."""
    kafka.create_topic(name, 2)
    kafka.produce(name, documents(20))
    user = kafka.users["denied"]["username"]
    for operation in ("READ", "DESCRIBE"):
        kafka.allow("topic", name, user, operation)
    with replica(**denied(kafka)) as one:
        wait_rows(one, clickhouse, name, 20)
        for again in range(2):
            before = len(one.reasons())
            kafka.disallow("topic", name, user, "READ")
            one.wait(lambda r, n=before: "SOURCE_AUTHORIZATION" in r.reasons()[n:], 30, "the right is missing")
            (told,) = {text for _, code, text, _ in one.events if code == "SOURCE_AUTHORIZATION"}
            assert name in told and "TOPIC_AUTHORIZATION_FAILED" in told and "the ACL operation READ" in told, told
            kafka.produce(name, documents(10, 20 + 10 * again))
            heartbeats = one.heartbeats
            one.wait(lambda r, n=heartbeats: r.heartbeats > n + 4, 30, "some time")
            assert one.reasons()[-1] == "SOURCE_AUTHORIZATION", one.reasons()
            assert rows_in(clickhouse, name) == 20 + 10 * again
            kafka.allow("topic", name, user, "READ")
            one.wait(lambda r: r.reasons()[-1] == "", 30, "all well")
            wait_rows(one, clickhouse, name, 30 + 10 * again)
        assert one.terminate() == 0
    assert rows_in(clickhouse, name) == 40


def test_the_right_to_the_group_is_taken_from_a_running_pipe(kafka, clickhouse, replica, name):
    kafka.create_topic(name, 1)
    kafka.produce(name, documents(20))
    user, group = kafka.users["denied"]["username"], f"g-{name}"
    kafka.allow("group", group, user, "READ")
    with replica(**denied(kafka)) as one:
        wait_rows(one, clickhouse, name, 20)
        kafka.allow("group", group, "somebody", "READ")  # an ACL stays, so the group is not open to all
        kafka.disallow("group", group, user, "READ")
        kafka.produce(name, documents(10, 20))
        one.wait(lambda r: r.reasons() and r.reasons()[-1] == "SOURCE_AUTHORIZATION", 60, "the right is missing")
        told = [text for _, code, text, _ in one.events if code == "SOURCE_AUTHORIZATION"]
        assert f"READ on the group '{group}'" in told[-1], told
        kafka.allow("group", group, user, "READ")
        one.wait(lambda r: r.reasons()[-1] == "", 60, "all well")
        one.wait(lambda _: kafka.committed(group, name) == {0: 30}, 60, "all is committed")
        assert one.terminate() == 0
    ids = clickhouse.value(f"SELECT count(DISTINCT id) FROM {name}")
    assert ids == "30"


def test_a_password_is_rotated_at_the_broker(kafka, clickhouse, replica, name):
    """Mode 12: what is connected stays connected; the next login is refused and says so; the new password goes on."""
    kafka.create_topic(name, 1)
    old = {"username": f"u-{name}", "password": "first-secret"}
    new = {**old, "password": "second-secret"}
    kafka.set_scram_password(old["username"], old["password"])
    options = {"bootstrap": "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"],
               "source": {"authentication": "SCRAM-SHA-256"}}
    if KAFKA.startswith("4") and LIBRARY == "system":
        pytest.skip("this library has no SCRAM that Kafka 4 takes")
    with replica(secrets={"kafka": old}, **options) as one:
        kafka.produce(name, documents(10))
        wait_rows(one, clickhouse, name, 10)
        kafka.set_scram_password(new["username"], new["password"])
        kafka.produce(name, documents(10, 10))
        wait_rows(one, clickhouse, name, 20)
        kafka.kill9()
        kafka.restart()
        one.wait(lambda r: "SOURCE_AUTHENTICATION" in r.reasons(), 60, "the refused login")
        one.wait(lambda r: "failed" in r.event_names(), 60, "Failed: it needs a person")
        one.wait_end(60)
    assert "secret" not in str(one.events)
    kafka.produce(name, documents(10, 20))
    with replica(secrets={"kafka": new}, **options) as one:
        wait_rows(one, clickhouse, name, 30)
        one.wait(lambda _: kafka.committed(f"g-{name}", name) == {0: 30}, 30, "all is committed")
        assert one.terminate() == 0
    assert clickhouse.value(f"SELECT count(), count(DISTINCT id) FROM {name}") == "30\t30"
