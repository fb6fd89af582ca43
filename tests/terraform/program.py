"""The terraform program in a folder of its own, with the provider out of a filesystem mirror under an invented host
name: nothing is resolved, no registry is asked."""
import json
import os
import platform
import shutil
import subprocess

SOURCE = "provider.test/clickhouse/clickhouse"
COMMAND_S = 300
NOT_REACHED = "didn't reach the desired state"  # only a warning of the provider: apply ends with 0


class NotTheProvider(RuntimeError):
    """PENSTOCK_TF_PROVIDER_BIN names something else."""


def write_mirror(folder):
    """A filesystem mirror with the provider in it, and the settings file that names it."""
    version = os.environ["PENSTOCK_TF_PROVIDER_VERSION"]
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    mirror = os.path.join(folder, "mirror", SOURCE, version, f"linux_{machine}")
    os.makedirs(mirror)
    binary = os.path.join(mirror, f"terraform-provider-clickhouse_v{version}")
    shutil.copyfile(os.environ["PENSTOCK_TF_PROVIDER_BIN"], binary)
    os.chmod(binary, 0o755)
    with open(os.path.join(folder, "terraformrc"), "w", encoding="ascii") as file:
        file.write("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n"
                   f'    path    = "{folder}/mirror"\n    include = ["provider.test/*/*"]\n  }}\n}}\n')


def environment(folder):
    """Nothing of the caller's Terraform and ClickHouse settings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "CLICKHOUSE_"))}
    inherited.update(TF_CLI_CONFIG_FILE=os.path.join(folder, "terraformrc"), CHECKPOINT_DISABLE="1", HOME=folder,
                     TF_IN_AUTOMATION="1", TF_INPUT="0", NO_PROXY="127.0.0.1")
    return inherited


def check_provider(folder):
    """Let terraform load it and list what it has; NotTheProvider with terraform's words."""
    write_mirror(folder)
    with open(os.path.join(folder, "main.tf.json"), "w", encoding="utf-8") as file:
        json.dump({"terraform": {"required_providers": {"clickhouse": {
            "source": SOURCE, "version": os.environ["PENSTOCK_TF_PROVIDER_VERSION"]}}}}, file)
    for arguments in (("init", "-no-color"), ("providers", "schema", "-json")):
        done = subprocess.run(["terraform", *arguments], cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=COMMAND_S, check=False)
        if done.returncode != 0:
            raise NotTheProvider(f"terraform {' '.join(arguments)} fails with it: {done.stderr.strip() or done.stdout.strip()}")
    schemas = json.loads(done.stdout).get("provider_schemas", {}).get(SOURCE, {}).get("resource_schemas", {})
    if "clickhouse_clickpipe" not in schemas:
        raise NotTheProvider("it has no resource clickhouse_clickpipe")


class Terraform:
    """One configuration. `apply` writes it, applies it and asserts that the plan after it is empty."""

    def __init__(self, penstock, folder):
        self.penstock = penstock
        self.folder = folder
        self.version = os.environ["PENSTOCK_TF_PROVIDER_VERSION"]
        write_mirror(folder)
        self.secret = penstock.key_secret
        self.is_initialised = False

    def run(self, *arguments, codes=(0,)):
        """(exit code, output) of one command."""
        done = subprocess.run(["terraform", *arguments], cwd=self.folder, env=environment(self.folder),
                              stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_S, check=False)
        assert done.returncode in codes, f"terraform {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}"
        return done.returncode, done.stdout

    def write(self, pipes):
        """pipes: {name: attributes of a clickhouse_clickpipe}; service_id is added."""
        pipes = {name: {"service_id": self.penstock.service_id, **pipe} for name, pipe in pipes.items()}
        document = {
            "terraform": {"required_providers": {"clickhouse": {"source": SOURCE, "version": self.version}}},
            "provider": {"clickhouse": {"api_url": self.penstock.url, "organization_id": self.penstock.organization_id,
                                        "token_key": self.penstock.key_id, "token_secret": self.secret}}}
        if pipes:
            document["resource"] = {"clickhouse_clickpipe": pipes}
        with open(os.path.join(self.folder, "main.tf.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)
        if not self.is_initialised:
            self.run("init", "-no-color")
            self.is_initialised = True

    def apply(self, pipes):
        self.write(pipes)
        _, output = self.run("apply", "-no-color", "-auto-approve")
        assert NOT_REACHED not in output, output
        self.assert_empty_plan()
        return output

    def plan(self, codes=(0, 1, 2)):
        """(0 empty, 1 error, 2 changes; the output)."""
        return self.run("plan", "-no-color", "-detailed-exitcode", codes=codes)

    def assert_empty_plan(self):
        self.plan(codes=(0,))

    def pipe(self, name="p", key=None):
        """The attributes in the state; None if it is not there."""
        _, text = self.run("show", "-json")
        for resource in json.loads(text).get("values", {}).get("root_module", {}).get("resources", []):
            if resource["name"] == name and resource.get("index") == key:
                return resource["values"]
        return None

    def destroy(self):
        self.run("destroy", "-no-color", "-auto-approve")
        assert self.pipe() is None
