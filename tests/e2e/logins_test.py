"""Every login of a broker, right and wrong: what a probe says, what a pipe does when a right is missing,
and what happens to a running pipe whose credentials change."""
import confluent_kafka
import pytest

from tests.e2e.destination_test import PLAIN, counters_agree, record, wait_reason
from tests.e2e.orders import create_pipe, stored, wait_settled
from tests.harness import net
from tests.harness.aws import MskFront, Sts
from tests.harness.certificates import self_signed
from tests.harness.penstock import Penstock
from tests.harness.replica import make_spec
from tests.process.replica_test import probe

REGION = "eu-central-1"
KEY = ("AKIDPENSTOCK", "hunter2-aws-secret")
ROLE = "arn:aws:iam::123456789012:role/reader"
HOP = "arn:aws:iam::123456789012:role/pod"
ROLES = {ROLE: ("ASIAROLE", "hunter2-role-secret", "hunter2/session+token=="),
         HOP: ("ASIAPOD", "hunter2-pod-secret", "hunter2/pod+token==")}
TOPIC = "logins"


@pytest.fixture(scope="module", name="sts")
def fixture_sts():
    with Sts(*KEY, ROLES, REGION, "hunter2.web.identity") as server:
        yield server


@pytest.fixture(scope="module", name="penstock")
def fixture_penstock(database, clickhouse, sts):
    aws = {"AWS_ACCESS_KEY_ID": KEY[0], "AWS_SECRET_ACCESS_KEY": KEY[1], "AWS_REGION": REGION,
           "AWS_ENDPOINT_URL_STS": sts.url}
    with Penstock(database.url, workers=1, env={"PENSTOCK_LEASE_S": 4, **aws}) as programs:
        programs.create_service(clickhouse.url)
        yield programs
        told = programs.log("api") + programs.log("worker-0")
        assert "hunter2" not in told and "-secret" not in told


@pytest.fixture(scope="module", name="front")
def fixture_front(kafka):
    keys = {KEY[0]: (KEY[1], None), ROLES[ROLE][0]: ROLES[ROLE][1:]}
    with MskFront(kafka, keys, REGION) as front:
        yield front


@pytest.fixture(scope="module", autouse=True)
def topic(kafka):
    kafka.create_topic(TOPIC, 1)


def pem(kafka, name):
    with open(kafka.certificates[name], encoding="ascii") as file:
        return file.read()


def ask(clickhouse, brokers, source, credentials=None):
    """(code, message) of a probe of this source; ("", "") if all is well."""
    secrets = {"kafka": credentials} if credentials else {}
    spec = make_spec(brokers, TOPIC, clickhouse, "t", PLAIN, source=source, secrets=secrets)
    answer, _ = probe(spec["definition"], spec["secrets"])
    assert "hunter2" not in str(answer) and "-secret" not in str(answer)
    return ("", "") if answer["ok"] else (answer["code"], answer["message"])


def test_user_and_password(kafka, clickhouse):
    ca = {"caCertificate": pem(kafka, "ca")}
    clear = "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"]
    for method, user in (("PLAIN", "plain"), ("SCRAM-SHA-256", "scramSha256"), ("SCRAM-SHA-512", "scramSha512")):
        source = {"authentication": method}
        right = {"username": kafka.users[user]["username"], "password": kafka.users[user]["password"]}
        assert ask(clickhouse, clear, source, right) == ("", "")
        # Without a scheme a user and a password mean SASL_SSL.
        assert ask(clickhouse, kafka.listeners["SASL_SSL"], {**source, **ca}, right) == ("", "")
        for wrong in ({**right, "password": "wrong"}, {**right, "username": "nobody"}):
            code, message = ask(clickhouse, clear, source, wrong)
            assert code == "SOURCE_AUTHENTICATION", message
            assert "_AUTHENTICATION" in message and "user name and the password" in message
            assert ("2.6.1" in message) == (method != "PLAIN" and confluent_kafka.libversion()[1] < 0x020601ff)


def test_certificates(kafka, clickhouse, tmp_path):
    ca, stranger = pem(kafka, "ca"), pem(kafka, "stranger")
    plain = {"authentication": "PLAIN"}
    user = {"username": kafka.users["plain"]["username"], "password": kafka.users["plain"]["password"]}
    for wrong in ({}, {"caCertificate": stranger}):
        code, message = ask(clickhouse, kafka.listeners["SASL_SSL"], {**plain, **wrong}, user)
        assert code == "SOURCE_UNREACHABLE" and "CA certificate" in message, message
        assert "the broker's certificate is refused: " in message, message
    own = self_signed(tmp_path, "20200101000000Z", "20210203040506Z")
    for wrong in ({"caCertificate": own[0]}, {"authentication": "MUTUAL_TLS", "caCertificate": ca}):
        keys = {"certificate": own[0], "privateKey": own[1]} if "authentication" in wrong else user
        name = "client's" if "authentication" in wrong else "CA"
        code, message = ask(clickhouse, kafka.listeners["MTLS" if "authentication" in wrong else "SASL_SSL"],
                            {**plain, **wrong}, keys)
        assert f"the {name} certificate expired on 2021-02-03T04:05:06Z" in message, message
    assert ask(clickhouse, "SSL://" + kafka.listeners["SSL"], {"caCertificate": ca}) == ("", "")
    mutual = {"authentication": "MUTUAL_TLS", "caCertificate": ca}
    client = {"certificate": pem(kafka, "client"), "privateKey": pem(kafka, "clientKey")}
    assert ask(clickhouse, kafka.listeners["MTLS"], mutual, client) == ("", "")
    unknown = {"certificate": stranger, "privateKey": pem(kafka, "strangerKey")}
    code, message = ask(clickhouse, kafka.listeners["MTLS"], mutual, unknown)
    assert code == "SOURCE_UNREACHABLE" and "client's certificate" in message, message
    code, message = ask(clickhouse, "SSL://" + kafka.listeners["MTLS"], {"caCertificate": ca})
    assert code == "SOURCE_UNREACHABLE" and "asks for a client certificate" in message, message
    code, message = ask(clickhouse, kafka.listeners["MTLS"], mutual, {**client, "privateKey": unknown["privateKey"]})
    assert code and "key" in message.lower(), message


def test_event_hubs(kafka, clickhouse):
    hub = {"type": "azureeventhub", "authentication": "PLAIN"}
    clear = "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"]
    right = kafka.users["eventHubs"]
    assert right["username"] == "$ConnectionString"
    assert ask(clickhouse, clear, hub, {"connectionString": right["password"]}) == ("", "")
    wrong = right["password"].replace("SharedAccessKey=", "SharedAccessKey=x")
    code, message = ask(clickhouse, clear, hub, {"connectionString": wrong})
    assert code == "SOURCE_AUTHENTICATION" and "Listen claim" in message, message


def test_iam_user(kafka, clickhouse, front, monkeypatch):
    iam = {"type": "msk", "authentication": "IAM_USER"}
    right = {"accessKeyId": KEY[0], "secretKey": KEY[1]}
    brokers = "SASL_PLAINTEXT://" + front.bootstrap
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    code, message = ask(clickhouse, brokers, iam, right)
    assert code == "SOURCE_AUTHENTICATION" and "set AWS_REGION" in message, message
    monkeypatch.setenv("AWS_REGION", REGION)
    assert ask(clickhouse, brokers, iam, right) == ("", "")
    assert set(front.logins) == {KEY[0]} and not front.refusals
    for wrong in ({**right, "secretKey": "wrong"}, {**right, "accessKeyId": "AKIDNOBODY"}):
        code, message = ask(clickhouse, brokers, iam, wrong)
        assert code == "SOURCE_AUTHENTICATION", message
        assert "Access denied" in message and "kafka-cluster:Connect" in message, message
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    code, message = ask(clickhouse, brokers, iam, right)
    assert code == "SOURCE_AUTHENTICATION" and "not a URL of" in message, message
    # A broker that takes OAUTHBEARER but no IAM: its own validator reads the token and refuses it.
    code, message = ask(clickhouse, "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"], iam, right)
    assert code == "SOURCE_AUTHENTICATION", message


def test_iam_role(clickhouse, front, sts, monkeypatch, tmp_path):
    iam = {"type": "msk", "authentication": "IAM_ROLE", "iamRole": ROLE}
    brokers = "SASL_PLAINTEXT://" + front.bootstrap
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN",
                 "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
    code, message = ask(clickhouse, brokers, iam)
    assert code == "SOURCE_AUTHENTICATION" and "AWS_ACCESS_KEY_ID" in message, message

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY[1])
    assert ask(clickhouse, brokers, iam) == ("", "")
    assert front.logins[-1] == ROLES[ROLE][0] and sts.asked[-1]["Action"] == "AssumeRole"
    assert sts.asked[-1]["RoleArn"] == ROLE and sts.asked[-1]["RoleSessionName"] == "penstock"
    code, message = ask(clickhouse, brokers, {**iam, "iamRole": ROLE + "-other"})
    assert code == "SOURCE_AUTHENTICATION", message
    assert "AccessDenied" in message and ROLE + "-other" in message, message
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "signature does not match" in ask(clickhouse, brokers, iam)[1]
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    file = tmp_path / "token"
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    assert str(file) in ask(clickhouse, brokers, iam)[1]
    file.write_text("hunter2.web.identity\n", encoding="ascii")
    for own, steps in ((ROLE, ["AssumeRoleWithWebIdentity"]), (HOP, ["AssumeRoleWithWebIdentity", "AssumeRole"])):
        monkeypatch.setenv("AWS_ROLE_ARN", own)
        sts.asked.clear()
        assert ask(clickhouse, brokers, iam) == ("", "")
        assert [question["Action"] for question in sts.asked] == steps
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{net.free_port()}")
    code, message = ask(clickhouse, brokers, iam)
    assert code == "SOURCE_AUTHENTICATION" and "STS does not answer" in message, message


def test_rights_that_are_missing(kafka, penstock, clickhouse, name):
    """No DESCRIBE, no right on the group, no READ on the topic: refused at create. No READ on the group: only its members
    are told, so the pipe waits and says so, and goes on when it is there."""
    user = kafka.users["denied"]
    group = f"{name}-readers"
    source = {"brokers": "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"], "authentication": "PLAIN",
              "consumerGroup": group,
              "credentials": {"username": user["username"], "password": user["password"]}}
    kafka.create_topic(name, 1)
    kafka.produce(name, [record(n) for n in range(10)])
    kafka.allow("topic", name, "somebody", "READ")
    kafka.allow("group", group, "somebody", "READ")
    body = {"kafka": source, "columns": PLAIN}
    for kind, what, refusal in (
            ("topic", name, f"TOPIC_AUTHORIZATION_FAILED: topic '{name}'"),
            ("group", group, f"GROUP_AUTHORIZATION_FAILED: consumer group '{group}'"),
            ("topic", name, f"TOPIC_AUTHORIZATION_FAILED: reading topic '{name}'")):
        with pytest.raises(Exception, match=f"/source/kafka: SOURCE_AUTHORIZATION: {refusal}"):
            create_pipe(penstock, kafka, name, **body)
        kafka.allow(kind, what, user["username"], "READ" if "reading" in refusal else "DESCRIBE")
    pipe_id = create_pipe(penstock, kafka, name, **body)
    reason = wait_reason(penstock, pipe_id, "SOURCE_AUTHORIZATION")
    assert f"READ on the group '{group}'" in reason["message"], reason
    kafka.allow("group", group, user["username"], "READ")
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == 10 and s["reason"] is None, what="the records")
    penstock.delete_pipe(pipe_id)


def test_credentials_change_under_a_running_pipe(kafka, penstock, clickhouse, front, name):
    """From a password to SCRAM to an IAM key to a role: every record once, and the other pipe stays up."""
    clear = "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"]
    users = {kind: {"username": user["username"], "password": user["password"]}
             for kind, user in kafka.users.items()}
    kafka.create_topic(name, 1)
    other = create_pipe(penstock, kafka, name, table=f"{name}_other", columns=PLAIN)
    steps = [
        (clear, "kafka", [("PLAIN", {"credentials": users["plain"]}),
                          ("SCRAM-SHA-256", {"credentials": users["scramSha256"]}),
                          ("SCRAM-SHA-512", {"credentials": users["scramSha512"]})]),
        ("SASL_PLAINTEXT://" + front.bootstrap, "msk", [
            ("IAM_USER", {"credentials": {"accessKeyId": KEY[0], "secretKey": KEY[1]}}),
            ("IAM_USER", {"credentials": {"accessKeyId": "AKIDROTATED", "secretKey": "hunter2-new"}}),
            ("IAM_ROLE", {"iamRole": ROLE, "credentials": None})]),
    ]
    before = penstock.wait_summary(other, lambda s: s["replicas"] and s["replicas"][0]["startedAt"], what="the other pipe's replica")["replicas"]
    front.keys["AKIDROTATED"] = ("hunter2-new", None)
    total = 0
    for brokers, kind, logins in steps:
        table = f"{name}_{kind}"
        pipe_id, first = None, total
        for method, login in logins:
            source = {"authentication": method, **login}
            kafka.produce(name, [record(n) for n in range(total, total + 10)])
            total += 10
            if pipe_id is None:
                pipe_id = create_pipe(penstock, kafka, name, table=table, columns=PLAIN,
                                      kafka={"type": kind, "brokers": brokers, **source})
            else:
                penstock.result("PATCH", f"{penstock.pipes_path}/{pipe_id}", {"source": {"kafka": source}})
            penstock.wait_summary(
                pipe_id, lambda s, wanted=total: s["records"]["sent"] == wanted, what=f"{method}: {total} records")
        assert first < total
        wait_settled(kafka, penstock, clickhouse, pipe_id, name)
        assert stored(clickhouse, table)[0] == {(0, at): 1 for at in range(total)}
        counters_agree(penstock, pipe_id, total)
        assert "hunter2" not in str(penstock.pipe(pipe_id))
        penstock.delete_pipe(pipe_id)
    assert {KEY[0], "AKIDROTATED", ROLES[ROLE][0]} <= set(front.logins)
    after = penstock.wait_summary(other, lambda s: s["records"]["sent"] == total, what="the other pipe")["replicas"]
    assert [replica["startedAt"] for replica in after] == [replica["startedAt"] for replica in before]
    penstock.delete_pipe(other)
