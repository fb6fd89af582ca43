"""docker-compose.yml and deploy/Containerfile, as far as they can be judged without a container engine.

They name settings, files, packages and services that live elsewhere: here each name is looked up
where it comes from. Where a compose client is installed, it reads the file too.
"""
import os
import re
import shutil
import stat
import subprocess

import pytest
import yaml

from tests.harness import paths

PROGRAMS = {"api": "API", "worker": "WORKER"}
ONE_SHOT = {"secrets"}
SETTING = re.compile(r"^\s*X\((\w+),\s*(\w+),(.*?)(API|WORKER|BOTH),", re.M | re.S)


def text(name):
    with open(os.path.join(paths.ROOT, name), encoding="utf-8") as file:
        return file.read()


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(text("docker-compose.yml"))


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


def settings():
    """Every setting of the programs: name → which program has it."""
    rows = SETTING.findall(text("common/config/config_def.h"))
    found = {"PENSTOCK_" + name: programs for name, _, _, programs in rows}
    assert found["PENSTOCK_DATABASE_URL"] == "BOTH" and found["PENSTOCK_LISTEN"] == "API"
    return found


def mounts(service):
    """Where volumes are mounted in a container: path → volume."""
    return {entry.split(":")[1]: entry.split(":")[0] for entry in service.get("volumes", [])}


# docker-compose.yml


def test_every_part_is_there(services):
    assert set(services) == {"secrets", "api", "worker", "postgres", "clickhouse", "kafka"}
    for name, image in (("postgres", "postgres:15"), ("clickhouse", "clickhouse/clickhouse-server:"),
                        ("kafka", "apache/kafka:")):
        assert image in services[name]["image"]


def test_programs_get_only_settings_they_have(services):
    known = settings()
    for name, program in PROGRAMS.items():
        given = services[name]["environment"]
        assert "PENSTOCK_DATABASE_URL_FILE" in given and "PENSTOCK_SECRET_KEY_FILE" in given
        for variable in given:
            setting = variable if variable in known else variable.removesuffix("_FILE")
            assert setting in known, f"{name}: {variable} is no setting"
            assert known[setting] in (program, "BOTH"), f"{name}: {variable} is for the other program"


def test_plain_http_is_allowed_only_where_it_stays_on_this_machine(services):
    assert services["api"]["environment"]["PENSTOCK_ALLOW_PLAIN_HTTP"] == "1"
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} publishes {port}"


def test_services_say_how_they_are(services):
    for name, service in services.items():
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped")
        assert ("healthcheck" in service) == (name not in ONE_SHOT)
        if "healthcheck" in service:
            check = service["healthcheck"]
            assert check["test"][0] == "CMD" and {"interval", "timeout", "retries"} <= set(check)


def test_dependencies_exist_and_are_waited_for(services):
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert needed in services and how["condition"] == wanted
    assert set(services["worker"]["depends_on"]) == {"secrets", "postgres", "api"}


def test_volumes_are_declared_and_used(compose, services):
    used = {volume for service in services.values() for volume in mounts(service).values()}
    assert used == set(compose["volumes"])


def test_files_of_secrets_are_the_ones_made(services, tmp_path):
    """make-secrets is run; every path a service reads below /secrets must then exist."""
    owner = f"{os.getuid()}:{os.getgid()}"
    script = os.path.join(paths.ROOT, "deploy", "make-secrets")
    subprocess.run([script, tmp_path, owner], check=True)
    for name in services.keys() - ONE_SHOT:
        volume = mounts(services[name]).get("/secrets")
        for file in re.findall(r"/secrets/([\w.-]+)", yaml.dump(services[name])):
            folder = tmp_path / volume.removesuffix("-secrets")
            assert (folder / file).is_file(), f"{name} reads {file} of {volume}"
    made = {volume: path for path, volume in mounts(services["secrets"]).items()}
    assert made == {f"{part}-secrets": f"/secrets/{part}" for part in ("penstock", "postgres", "clickhouse")}
    assert services["secrets"]["command"][:2] == ["make-secrets", "/secrets"]


def test_secrets_are_made_once_and_private(services, tmp_path):
    owner = f"{os.getuid()}:{os.getgid()}"
    script = os.path.join(paths.ROOT, "deploy", "make-secrets")

    def make():
        subprocess.run([script, tmp_path, owner], check=True)
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    first = make()
    assert len(first) == 4 and make() == first
    for path in first:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    url = first[tmp_path / "penstock" / "database-url"].decode()
    password = first[tmp_path / "postgres" / "password"].decode()
    given = services["postgres"]["environment"]
    assert url == (f"postgresql://{given['POSTGRES_USER']}:{password}"
                   f"@postgres:5432/{given['POSTGRES_DB']}")
    assert len(password) == 48 and password != first[tmp_path / "clickhouse" / "password"].decode()
    key = subprocess.run(["base64", "-d"], input=first[tmp_path / "penstock" / "secret.key"],
                         stdout=subprocess.PIPE, check=True).stdout
    assert len(key) == 32


def test_kafka_listeners_agree(services):
    given = services["kafka"]["environment"]

    def names(variable):
        return {entry.partition(":")[0] for entry in given[variable].split(",")}

    assert names("KAFKA_LISTENERS") == names("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP")
    assert names("KAFKA_ADVERTISED_LISTENERS") == names("KAFKA_LISTENERS") - {given["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert given["KAFKA_INTER_BROKER_LISTENER_NAME"] in names("KAFKA_ADVERTISED_LISTENERS")
    assert len(given["CLUSTER_ID"]) == 22
    assert mounts(services["kafka"]).keys() == {given["KAFKA_LOG_DIRS"]}


def test_compose_client_reads_it():
    clients = [["docker", "compose"], ["docker-compose"]]
    works = [client for client in clients if shutil.which(client[0]) and
             subprocess.run(client + ["version"], capture_output=True, check=False).returncode == 0]
    if not works:
        pytest.skip("no compose client here")
    done = subprocess.run(works[0] + ["-f", os.path.join(paths.ROOT, "docker-compose.yml"), "config"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# deploy/Containerfile


def instructions():
    """The Containerfile's instructions: (word, rest), continuation lines joined."""
    lines = [line for line in text("deploy/Containerfile").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def test_copied_files_exist_and_are_not_ignored():
    kept = {line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")}
    stages = {rest.split()[-1] for word, rest in instructions() if word == "FROM" and " AS " in rest}
    for word, rest in instructions():
        if word != "COPY":
            continue
        parts = rest.split()
        if parts[0].startswith("--from="):
            assert parts[0].removeprefix("--from=") in stages
            continue
        for source in parts[:-1]:
            assert os.path.exists(os.path.join(paths.ROOT, source)), source
            assert source.split("/")[0] in kept, f"{source} is ignored by .dockerignore"


def test_every_folder_of_the_build_is_copied():
    copied = {rest.split()[0] for word, rest in instructions() if word == "COPY"}
    cmake = text("CMakeLists.txt")
    wanted = {folder.split("/")[0] for folder in re.findall(r"penstock_layer\(\w+ ([\w/]+)", cmake)}
    wanted |= {name for name in re.findall(r"\$\{CMAKE_SOURCE_DIR\}/([\w.-]+)", cmake)
               if os.path.exists(os.path.join(paths.ROOT, name)) and name != "compile_commands.json"}
    assert wanted and wanted <= copied


def test_runtime_has_the_library_of_every_development_package():
    """A -dev package depends on the library of exactly its own version: that is what the programs need."""
    packages = re.search(r'^build="([^"]*)"', text("deploy/install-deps"), re.M).group(1).split()
    development = [name for name in packages if name.startswith("lib") and name != "libc6-dev"]
    runtime = set(" ".join(rest for word, rest in instructions()[-20:] if word == "RUN").split())
    assert development
    for package in development:
        asked = subprocess.run(["dpkg-query", "-W", "-f", "${Depends}", package],
                               capture_output=True, text=True, check=False)
        assert asked.returncode == 0, f"{package} is not installed: deploy/install-deps build"
        libraries = set(re.findall(r"(lib[\w.+-]+)(?::\w+)? \(=", asked.stdout))
        libraries = {name for name in libraries if not name.endswith("-dev")}
        assert libraries & runtime, f"{package} needs one of {sorted(libraries)} at run time"


def test_image_holds_what_compose_runs(services):
    installed = {os.path.basename(part) for word, rest in instructions() if word == "COPY"
                 for part in rest.split() if part.startswith(("/build/", "/usr/local/bin/make"))}
    packages = " ".join(rest for word, rest in instructions() if word == "RUN").split()
    for name in ("secrets", "api", "worker"):
        assert services[name]["command"][0] in installed
        check = services[name].get("healthcheck", {"test": ["CMD", "penstock-api"]})["test"][1]
        assert check in installed or check in packages
    user = [rest for word, rest in instructions() if word == "USER"]
    assert user == ["10001:10001"] and services["secrets"]["command"][2] == user[0]
