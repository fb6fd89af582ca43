"""The demo from the first line to the last."""
import os
import signal
import sys
import time

from demo.driver import console, install, parts, pipe, progress
from demo.driver.clickhouse import ClickHouse
from demo.driver.console import AlreadyRunning, DemoError, Interrupted, plain, step
from demo.driver.rest import Rest
from demo.driver.settings import DEMOS_MAX, HELP, Settings
from demo.driver.stack import Stack, write_private

INTERRUPTED = 130
RUNNING_S = 60


def _interrupt(*unused):
    raise Interrupted()


def _listen(handler):
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, handler)


def names_of_run(settings):
    """(topic, table): plain names in embedded parts, names of their own in the user's parts."""
    suffix = time.strftime("_%Y%m%d_%H%M%S", time.gmtime())
    topic = "demo_orders" + (suffix if settings.kafka_brokers else "")
    table = "demo_orders" + (suffix if settings.clickhouse_url else "")
    return topic, table


def wait_running(watch):
    """Wait until the pipe runs; DemoError with its reason if it fails."""
    deadline = time.monotonic() + RUNNING_S
    while True:
        watch.stack.check()
        state = watch.rest.pipe(watch.ids["service"], watch.ids["pipe"])["state"]
        if state == "Running":
            return
        if state == "Failed" or time.monotonic() > deadline:
            reason = watch.summary().get("reason") or {}
            why = f"{reason.get('code')}: {reason.get('message')}" if reason else "no reason given"
            raise DemoError(
                f"the pipe is {state} instead of Running: {why}",
                watch.stack.settings.log("penstock-worker"))
        time.sleep(0.1)


def start_generator(stack, brokers, topic):
    """Begin to produce; returns (child, stats file)."""
    settings = stack.settings
    stats_file = os.path.join(stack.run_folder, "produced.json")
    rate = f"{settings.rate:,} per second" if settings.rate else "flat out"
    step(f"producing {settings.events:,} orders, {rate}, about {settings.malformed_percent:g} % malformed")
    child = stack.start(
        "penstock-demo-events",
        [settings.program("penstock-demo-events"), "--brokers", brokers, "--topic", topic,
         "--partitions", str(settings.partitions), "--count", str(settings.events), "--rate",
         str(settings.rate), "--malformed-percent", f"{settings.malformed_percent:g}", "--seed",
         str(settings.seed), "--stats-file", stats_file])
    return child, stats_file


def create_topic(stack, brokers, topic):
    """Make the topic where the broker does not have it yet: a generator with nothing to produce."""
    install.run_logged(
        [stack.settings.program("penstock-demo-events"), "--brokers", brokers, "--topic", topic,
         "--partitions", str(stack.settings.partitions), "--create-only"],
        stack.settings.log("penstock-demo-events"), f"creating topic {topic} at {brokers}")


def write_env(settings, values):
    """.demo/env: NAME='value' lines that a shell can source."""
    lines = ["{}='{}'\n".format(name, value.replace("'", "'\\''")) for name, value in values.items()]
    write_private(settings.env_file, "".join(lines))


def start_everything(stack):
    """All parts, a service and a pipe; returns (watch, brokers, topic)."""
    settings = stack.settings
    topic, table = names_of_run(settings)
    database_url = parts.start_postgres(stack)
    clickhouse_url = parts.start_clickhouse(stack)
    clickhouse = ClickHouse(clickhouse_url, settings.clickhouse_user, settings.clickhouse_password)
    version = clickhouse.query("SELECT version()")
    brokers = parts.start_kafka(stack, topic)
    create_topic(stack, brokers, topic)
    env = parts.penstock_env(stack, database_url)
    api_url = parts.start_api(stack, env)
    key = parts.bootstrap(stack, env)
    parts.start_worker(stack, env)
    rest = Rest(api_url, key)
    step(f"POST /services: ClickHouse {version}")
    service = rest.create_service("demo", clickhouse)
    step(f"POST /clickpipes: Kafka {topic} -> ClickHouse default.{table} ({len(pipe.COLUMNS)} columns)")
    made = rest.create_pipe(service, pipe.create_body(brokers, topic, table))
    ids = {"service": service, "pipe": made, "table": table, "stats_file": None}
    watch = progress.Watch(stack, rest, clickhouse, ids)
    stack.before_stop = lambda: leave(watch, topic)
    wait_running(watch)
    write_env(settings, env_values(settings, watch, key, {
        "PENSTOCK_DATABASE_URL": database_url, "KAFKA_BROKERS": brokers,
        "CLICKHOUSE_URL": clickhouse_url, "DEMO_TOPIC": topic}))
    step(f"the pipe is Running; ids and key are in {console.short(settings.env_file)}")
    return watch, brokers, topic


def leave(watch, topic):
    """Stop the pipe where it would outlive the demo, and say what stays in the user's own parts."""
    settings = watch.stack.settings
    left = []
    if settings.database_url is not None:
        try:
            watch.rest.stop_pipe(watch.ids["service"], watch.ids["pipe"])
            left.append(f"the stopped pipe {watch.ids['pipe']}")
        except DemoError as problem:
            step(f"the pipe {watch.ids['pipe']} could not be stopped: {problem}")
    if settings.clickhouse_url is not None:
        left.append(f"the tables {watch.ids['table']} and {watch.error_table}")
    if settings.kafka_brokers is not None:
        left.append(f"the topic {topic}")
    if left:
        step(f"yours to keep or remove: {', '.join(left)}")


def env_values(settings, watch, key, addresses):
    """What .demo/env says."""
    embedded = [name for name, own in (
        ("KAFKA_BROKERS", settings.kafka_brokers), ("CLICKHOUSE_URL", settings.clickhouse_url),
        ("DATABASE_URL", settings.database_url)) if own is None]
    values = {
        "PENSTOCK_URL": watch.rest.url, "PENSTOCK_ORGANIZATION_ID": key["organizationId"],
        "PENSTOCK_SERVICE_ID": watch.ids["service"], "PENSTOCK_PIPE_ID": watch.ids["pipe"],
        "PENSTOCK_KEY_ID": key["keyId"], "PENSTOCK_KEY_SECRET": key["keySecret"], **addresses,
        "DEMO_TABLE": watch.ids["table"], "DEMO_EMBEDDED": " ".join(embedded)}
    if settings.clickhouse_url is not None:
        values["CLICKHOUSE_USER"] = settings.clickhouse_user
        values["CLICKHOUSE_PASSWORD"] = settings.clickhouse_password
    return values


def things_to_try(watch):
    """Five commands with this run's ids and ports."""
    settings = watch.stack.settings
    clickpipe = (f"{watch.rest.url}{watch.rest.organization}/services/{watch.ids['service']}"
                 f"/clickpipes/{watch.ids['pipe']}")
    user = '-u "$PENSTOCK_KEY_ID:$PENSTOCK_KEY_SECRET"'
    login = "" if settings.clickhouse_url is None else ' -u "$CLICKHOUSE_USER:$CLICKHOUSE_PASSWORD"'
    plain()
    plain("Five things to try, in another terminal, after")
    plain(f"  . {console.short(settings.env_file)}")
    plain()
    for title, command in (
        ("the pipe", f"curl -s {user} {clickpipe}"),
        ("its summary", f"curl -s {user} {clickpipe}/summary"),
        ("its errors", f"curl -s {user} '{clickpipe}/errors?limit=3'"),
        ("stop it", f"curl -s {user} -X PATCH -H 'Content-Type: application/json' "
                    f"-d '{{\"command\":\"stop\"}}' {clickpipe}/state"),
        ("query the table", f"curl -s{login} {watch.clickhouse.url} --data-binary "
                            f"'SELECT status, count(), sum(amount) FROM {watch.ids['table']} "
                            "GROUP BY status ORDER BY status FORMAT PrettyCompact'"),
    ):
        plain(f"# {title}")
        plain(command)
    plain()


def keep_running(stack):
    """Until Ctrl-C. A part that ends meanwhile (killed to see what happens) is said, once."""
    step("everything keeps running; Ctrl-C ends it")
    while True:
        for child in list(stack.children):
            if not child.is_alive():
                step(f"{stack.died(child)} (log {child.log})")
                stack.forget(child)
        time.sleep(0.5)


def demonstrate(stack):
    """Everything between the first step and Ctrl-C; the exit code."""
    settings = stack.settings
    install.packages(settings)
    install.build(settings)
    watch, brokers, topic = start_everything(stack)
    generator, watch.ids["stats_file"] = start_generator(stack, brokers, topic)
    progress.follow(watch, generator)
    code = 0 if progress.compare(watch) else 1
    if settings.exits or code != 0:
        return code
    things_to_try(watch)
    try:
        keep_running(stack)
    except Interrupted:
        return 0


def report(failure):
    """Say in one line why it ended; the exit code."""
    console.clear_live()
    where = f" (see {console.short(failure.log)})" if failure.log else ""
    print(f"FAILED: {failure}{where}", file=sys.stderr, flush=True)
    return failure.code


def acquire():
    """The stack of a folder that no other demo uses: .demo, or .demo-2 while that one runs."""
    number = 1
    while True:
        stack = Stack(Settings(number))
        try:
            stack.acquire()
            return stack
        except AlreadyRunning as other:
            number += 1
            if stack.settings.is_folder_given or number > DEMOS_MAX:
                raise
            step(f"{other}. This one goes to .demo-{number}")


def down():
    """End every demo of this checkout, or that of DEMO_FOLDER. Returns whether there was any."""
    count = 1 if Settings().is_folder_given else DEMOS_MAX
    return any([Stack(Settings(number)).down() for number in range(1, count + 1)])


def run():
    """One demo with its end; the exit code."""
    stack = acquire()
    settings = stack.settings
    try:
        code = demonstrate(stack)
    except DemoError as failure:
        code = report(failure)
    except OSError as problem:
        code = report(DemoError(str(problem)))
    except Interrupted:
        console.clear_live()
        code = INTERRUPTED
    finally:
        _listen(lambda *unused: stack.kill())
        stack.stop()
    step(f"ended; logs are in {console.short(os.path.join(settings.folder, 'logs'))}")
    return code


def main():
    """Run the command line; the exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        print(HELP)
        return 0
    if arguments not in ([], ["--down"]):
        print("demo: unknown argument; see --help", file=sys.stderr)
        return 2
    _listen(_interrupt)
    try:
        if arguments == ["--down"]:
            step("ended" if down() else "nothing was running")
            return 0
        return run()
    except DemoError as failure:
        return report(failure)
    except OSError as problem:
        return report(DemoError(str(problem)))
    except Interrupted:
        return INTERRUPTED
