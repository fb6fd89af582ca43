"""Penstock's REST API, as any client would call it."""
import base64
import json
import urllib.error
import urllib.request

from demo.driver.console import DemoError

TIMEOUT_S = 30


class ApiError(DemoError):
    """An answer that is not 200: `status` and what the api said."""

    def __init__(self, method, path, status, said):
        super().__init__(f"{method} {path} was answered {status}: {said}")
        self.status = status


class Rest:
    """One key's view of one organization."""

    def __init__(self, url, key):
        self.url = url + "/v1"
        self.organization = f"/organizations/{key['organizationId']}"
        token = base64.b64encode(f"{key['keyId']}:{key['keySecret']}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        """One request below the organization; the envelope's `result`."""
        request = urllib.request.Request(
            self.url + self.organization + path, method=method, headers=self.headers,
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer).get("result")
        except urllib.error.HTTPError as problem:
            raise ApiError(method, path, problem.code, _said(problem)) from None
        except (OSError, ValueError) as problem:
            raise DemoError(f"{method} {path}: no answer from penstock-api: {problem}") from None

    def create_service(self, name, clickhouse):
        """Register a ClickHouse; its id."""
        return self.call("POST", "/services", {"name": name, "endpoint": {
            "url": clickhouse.url, "username": clickhouse.user, "password": clickhouse.password}})["id"]

    def create_pipe(self, service, body):
        """Create a pipe; its id."""
        return self.call("POST", f"/services/{service}/clickpipes", body)["id"]

    def pipe(self, service, pipe):
        """The pipe as the contract shows it."""
        return self.call("GET", f"/services/{service}/clickpipes/{pipe}")

    def stop_pipe(self, service, pipe):
        """Its offsets stay; "start" goes on where it stopped."""
        self.call("PATCH", f"/services/{service}/clickpipes/{pipe}/state", {"command": "stop"})

    def summary(self, service, pipe):
        """State with reason, counters, rates, lag."""
        return self.call("GET", f"/services/{service}/clickpipes/{pipe}/summary")


def _said(problem):
    """The error text of an answer, shortened."""
    text = problem.read().decode("utf-8", "replace")
    try:
        answer = json.loads(text)
        return str(answer.get("error", text))[:600]
    except (ValueError, AttributeError):
        return text[:600]
