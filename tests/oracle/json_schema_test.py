"""The official JSON-Schema-Test-Suite (as PyPI's jsonschema carries it) against our validator."""
import json
import os
import subprocess

import pytest

from tests.harness import json_schema_suite

from .readers import encoder_path

REMOTES = "http://localhost:1234/"
NO_VALIDATOR = 3
DRAFTS = ("draft7", "draft2020-12")
TESTS_MIN = {"draft7": 1300, "draft2020-12": 1300}  # that the suite has at least

# Files of the suite that are not for us, with the reason.
NO_IDNA = "needs the tables of international domain names, which the library is built without (they would double its size)"
EXCLUDED = {"optional/format/idn-email.json": NO_IDNA, "optional/format/idn-hostname.json": NO_IDNA}


@pytest.fixture(scope="module")
def suite():
    return json_schema_suite.folder()


def one_line(value):
    return json.dumps(value, ensure_ascii=True)


def remotes(suite):
    """Lines with the schemas that tests refer to by URL."""
    lines = []
    for path in sorted((suite / "remotes").rglob("*.json")):
        name = path.relative_to(suite / "remotes").as_posix()
        if not name.startswith("draft-next/"):
            lines.append(f"R{REMOTES}{name}\t{one_line(json.loads(path.read_text(encoding='utf-8')))}")
    return lines


def cases(suite, draft):
    """(file, group) of every file of the draft, the optional ones too."""
    folder = suite / "tests" / draft
    for path in sorted(folder.rglob("*.json")):
        file = path.relative_to(folder).as_posix()
        if file in EXCLUDED or draft == "draft2020-12" and path.parent.name == "format":
            continue  # in 2020-12 a format is a remark, not a condition (Validation, section 7.2.1)
        for group in json.loads(path.read_text(encoding="utf-8")):
            yield file, group


def ask(lines):
    """One answer per S and D line."""
    program = os.path.join(os.path.dirname(encoder_path()), "penstock-validate")
    done = subprocess.run([program], input="".join(line + "\n" for line in lines), capture_output=True, text=True, check=False)
    if done.returncode == NO_VALIDATOR:
        pytest.fail("this build has no JSON Schema validator: install cargo-web and rustc-web (deploy/install-deps test) and build again")
    assert done.returncode == 0, (done.returncode, done.stderr, done.stdout[-300:])
    answers = done.stdout.splitlines()
    assert len(answers) == sum(line[0] in "SD" for line in lines)
    return answers


def differences(suite, draft):
    """(number of tests, [(file, group, test, wanted, answer)])."""
    lines, wanted = [], []
    references = remotes(suite)
    for file, group in cases(suite, draft):
        lines += references
        lines.append("S" + one_line(group["schema"]))
        wanted.append(None)
        for test in group["tests"]:
            lines.append("D" + one_line(test["data"]))
            wanted.append((file, group["description"], test["description"], test["valid"]))
    answers = ask(lines)
    found = []
    compiled = ""
    for want, answer in zip(wanted, answers):
        if want is None:
            compiled = answer
            continue
        file, group, test, valid = want
        is_right = answer == "ok" if valid else answer.startswith("rejected\t")
        if compiled != "ok" or not is_right:
            found.append((file, group, test, valid, compiled if compiled != "ok" else answer))
    return sum(want is not None for want in wanted), found


@pytest.mark.parametrize("draft", DRAFTS)
def test_official_suite(suite, draft):
    count, found = differences(suite, draft)
    print(f"\n{draft}: {count - len(found)} of {count} passed; left out: {EXCLUDED}")
    assert not found, "\n".join("%s: %s: %s: valid is %s, ours: %s" % line for line in found)
    assert count > TESTS_MIN[draft], "the suite is smaller than it should be"
