"""make chaos: kill everything that moves records, again and again, and account for every record.

    ROUNDS=200 SEED=7 MODE=exactly make chaos

Each round strikes the pipe of each mode once: a replica, a supervisor, the api, the broker, ClickHouse or
PostgreSQL is killed or frozen at a random instant, or a replica, a server or a connection at a named step.
Then everything runs again, what was produced is confirmed, and every (topic, partition, offset) is compared
with the table and the error table. Exit code 1: something was lost, doubled or stuck; evidence is kept.
Ctrl-C or SIGTERM ends the run after its present round, with the summary.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import threading
import time

from tests.harness import paths

from . import schedule
from .harness import RATE, Chaos, ChaosFailure

MODES = {"exactly": [schedule.EXACTLY], "at-least": [schedule.AT_LEAST], "check": [schedule.CHECK],
         "both": list(schedule.MODES), "all": list(schedule.ALL_MODES)}


def main():
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one, printed")
    parser.add_argument("--mode", choices=MODES, default="both")
    parser.add_argument("--rate", type=int, default=RATE, help="records a second")
    parser.add_argument("--keep", action="store_true", help="keep journal and logs of a run without a failure")
    arguments = parser.parse_args()
    seed = arguments.seed or random.SystemRandom().randrange(1, 1 << 30)
    folder = os.path.join(paths.build_dir(), "chaos", f"{arguments.mode}-{seed}-{os.getpid()}")
    say(f"mode {arguments.mode}, {arguments.rounds} rounds, seed {seed}, evidence in {folder}")
    try:
        run(arguments, seed, folder)
    except ChaosFailure as failure:
        say(f"FAILED\n{failure}")
        return 1
    if not arguments.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def run(arguments, seed, folder):
    modes = MODES[arguments.mode]
    plan = schedule.Schedule(modes, seed)
    start_s = time.monotonic()
    asked_to_end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *unused: asked_to_end.set())
    with Chaos(modes, seed, folder, arguments.rate) as chaos:
        say("everything runs, records flow")
        while chaos.rounds < arguments.rounds and not asked_to_end.is_set():
            say(chaos.round(plan.round()))
        say(f"{chaos.rounds} rounds in {time.monotonic() - start_s:.0f} s\n" + chaos.finish())


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
