"""AWS for tests, without AWS: a front that gives a real Kafka the IAM login of Amazon MSK, and a
scripted STS. Both check Signature Version 4 with hmac, independently of the program under test.

    keys = {"AKID": ("secret", None)}
    with MskFront(kafka, keys) as front:            # its address: front.bootstrap, SASL_PLAINTEXT
    with Sts("AKID", "secret", role_keys) as sts:   # its URL: sts.url, for AWS_ENDPOINT_URL_STS
"""
import base64
import calendar
import contextlib
import hashlib
import hmac
import socket
import struct
import threading
import time
import urllib.parse

from tests.harness import http_front

SASL_HANDSHAKE = 17
SASL_AUTHENTICATE = 36
AUTHENTICATION_FAILED = 58
UNSUPPORTED_MECHANISM = 33


class Refused(Exception):
    """What the broker tells the client."""


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(secret, scope, date, canonical):
    """SigV4 of a canonical request; scope: (day, region, service)."""
    key = ("AWS4" + secret).encode()
    for part in (*scope, "aws4_request"):
        key = _hmac(key, part)
    told = "\n".join(["AWS4-HMAC-SHA256", date, "/".join([*scope, "aws4_request"]),
                      hashlib.sha256(canonical.encode()).hexdigest()])
    return _hmac(key, told).hex()


def check_token(token, keys, region):
    """The access key that made a token, as MSK would find it; Refused with the reason."""
    url = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    parts = urllib.parse.urlsplit(url)
    if "=" in token or (parts.scheme, parts.netloc, parts.path) != ("https", f"kafka.{region}.amazonaws.com", "/"):
        raise Refused(f"not a URL of {region}")
    pairs = [pair for pair in parts.query.split("&") if not pair.startswith(("X-Amz-Signature=", "User-Agent="))]
    told = dict(urllib.parse.parse_qsl(parts.query, strict_parsing=True))
    key_id, *scope = told["X-Amz-Credential"].split("/")
    date = told["X-Amz-Date"]
    if told["Action"] != "kafka-cluster:Connect" or told["X-Amz-SignedHeaders"] != "host":
        raise Refused("another action")
    if scope != [date[:8], region, "kafka-cluster", "aws4_request"]:
        raise Refused("another scope")
    made = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    if not made - 5 <= time.time() <= made + int(told["X-Amz-Expires"]) <= time.time() + 900:
        raise Refused("expired")
    secret, session = keys.get(key_id, (None, None))
    if secret is None or told.get("X-Amz-Security-Token") != session:
        raise Refused("Access denied")
    nothing = hashlib.sha256(b"").hexdigest()
    canonical = "\n".join(["GET", "/", "&".join(sorted(pairs)), f"host:{parts.netloc}", "", "host", nothing])
    if not hmac.compare_digest(signature(secret, scope[:3], date, canonical), told["X-Amz-Signature"]):
        raise Refused("Access denied")
    return key_id


class MskFront:
    """Listens where the broker's PROXIED listener advertises itself, does SASL/OAUTHBEARER with the
    client, then passes everything on. `keys`: {access key id: (secret key, session token or None)};
    may be changed while it runs. `logins`: the access keys that logged in, `refusals`: the reasons."""

    def __init__(self, kafka, keys, region):
        self.keys = keys
        self.region = region
        self.logins = []
        self.refusals = []
        self.tokens = []
        self.target = kafka.listeners["PROXIED"].rsplit(":", 1)
        self.bootstrap = kafka.proxied_advertises
        self._server = socket.create_server(("127.0.0.1", int(self.bootstrap.rsplit(":", 1)[1])))
        self._open = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def disconnect(self):
        """Cut every connection, as a broker does that asks for a new login."""
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, EOFError), client, \
                socket.create_connection((self.target[0], int(self.target[1]))) as broker:
            while not self._greet(client, broker):
                pass
            threading.Thread(target=_pump, args=(broker, client), daemon=True).start()
            _pump(client, broker)

    def _greet(self, client, broker):
        """One request before the login; True when the login is done."""
        request = _frame(client)
        kind, version, correlation, name_bytes = struct.unpack_from(">hhih", request)
        body = request[10 + max(name_bytes, 0):]
        if kind == SASL_HANDSHAKE:
            mechanism = body[2:].decode()
            error = 0 if mechanism == "OAUTHBEARER" else UNSUPPORTED_MECHANISM
            _answer(client, correlation, struct.pack(">hi", error, 1) + _text("OAUTHBEARER"))
            return False
        if kind != SASL_AUTHENTICATE:
            broker.sendall(struct.pack(">i", len(request)) + request)
            answer = _frame(broker)
            client.sendall(struct.pack(">i", len(answer)) + answer)
            return False
        more = struct.pack(">q", 0) if version == 1 else b""
        try:
            self._login(body[4:].decode())
        except Refused as problem:
            self.refusals.append(str(problem))
            _answer(client, correlation, struct.pack(">h", AUTHENTICATION_FAILED)
                    + _text(f"[front] {problem}") + struct.pack(">i", 0) + more)
            raise EOFError from problem
        _answer(client, correlation, struct.pack(">hhi", 0, -1, 0) + more)
        return True

    def _login(self, message):
        """The first message of RFC 7628, 3.1."""
        head, auth, *rest = message.split("\x01")
        if head != "n,," or not auth.startswith("auth=Bearer ") or rest != ["", ""]:
            raise Refused("not RFC 7628")
        token = auth[len("auth=Bearer "):]
        self.tokens.append(token)
        self.logins.append(check_token(token, self.keys, self.region))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.disconnect()
        self._thread.join()


def _text(text):
    return struct.pack(">h", len(text.encode())) + text.encode()


def _answer(client, correlation, body):
    client.sendall(struct.pack(">ii", len(body) + 4, correlation) + body)


def _exactly(peer, count):
    got = b""
    while len(got) < count:
        more = peer.recv(count - len(got))
        if not more:
            raise EOFError
        got += more
    return got


def _frame(peer):
    return _exactly(peer, struct.unpack(">i", _exactly(peer, 4))[0])


def _pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Sts(http_front.Front):
    """AssumeRole for one access key and AssumeRoleWithWebIdentity for one token. `roles`:
    {ARN: (access key id, secret key, session token)}. `asked`: the questions, in order."""

    def __init__(self, key_id, secret, roles, region, identity_token=None):
        self.callers = {key_id: (secret, None)}
        self.callers.update({role[0]: role[1:] for role in roles.values()})
        self.roles = roles
        self.region = region
        self.identity_token = identity_token
        self.asked = []
        sts = self

        class Handler(http_front.Handler):
            def do_POST(self):  # the name is http.server's
                body = self.body().decode()
                asked = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
                sts.asked.append(asked)
                try:
                    code, answer = 200, sts.answer(asked, self.headers, body)
                except Refused as problem:
                    code, answer = 403, ("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                                         f"<Message>{problem}</Message></Error></ErrorResponse>")
                self.answer(code, answer.encode())

        super().__init__(Handler)

    def answer(self, asked, headers, body):
        if asked["Version"] != "2011-06-15" or asked["RoleArn"] not in self.roles:
            raise Refused(f"not authorized to perform: sts:{asked['Action']} on resource: {asked['RoleArn']}")
        if asked["Action"] == "AssumeRole":
            self._check(headers, body)
        elif asked["Action"] != "AssumeRoleWithWebIdentity" or asked["WebIdentityToken"] != self.identity_token:
            raise Refused("not authorized to perform: " + asked["Action"])
        key_id, secret, session = self.roles[asked["RoleArn"]]
        name = asked["Action"]
        return (f"<{name}Response><{name}Result><Credentials><AccessKeyId>{key_id}</AccessKeyId>"
                f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{session}</SessionToken>"
                f"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{name}Result></{name}Response>")

    def _check(self, headers, body):
        method, _, rest = headers["Authorization"].partition(" ")
        told = dict(part.split("=", 1) for part in rest.split(", "))
        key_id, *scope = told["Credential"].split("/")
        date = headers["X-Amz-Date"]
        secret, session = self.callers.get(key_id, (None, None))
        names = told["SignedHeaders"].split(";")
        lines = [f"{name}:{headers[name]}" for name in names]
        canonical = "\n".join(["POST", "/", "", *lines, "", told["SignedHeaders"],
                               hashlib.sha256(body.encode()).hexdigest()])
        if (method != "AWS4-HMAC-SHA256" or secret is None or headers["X-Amz-Security-Token"] != session
                or scope != [date[:8], self.region, "sts", "aws4_request"] or "host" not in names
                or signature(secret, scope[:3], date, canonical) != told["Signature"]):
            raise Refused("the request signature does not match")
