"""Questions to ClickHouse over HTTP: what is in the tables."""
import urllib.error
import urllib.request

from demo.driver.console import DemoError

TIMEOUT_S = 30


class ClickHouse:
    """One ClickHouse and one user."""

    def __init__(self, url, user, password):
        self.url = url
        self.user = user
        self.password = password

    def query(self, sql):
        """The answer as text; DemoError with the server's words."""
        headers = {"X-ClickHouse-User": self.user}
        if self.password:
            headers["X-ClickHouse-Key"] = self.password
        request = urllib.request.Request(self.url + "/", data=sql.encode(), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return answer.read().decode("utf-8", "replace").strip()
        except urllib.error.HTTPError as problem:
            said = problem.read().decode("utf-8", "replace").strip()[:400]
            raise DemoError(f"ClickHouse answered {problem.code}: {said}") from None
        except OSError as problem:
            raise DemoError(f"ClickHouse at {self.url} does not answer: {problem}") from None

    def integers(self, sql):
        """The first row as integers."""
        return [int(cell) for cell in self.query(sql).split("\n")[0].split("\t")]
