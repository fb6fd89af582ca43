"""Run test programs against a private PostgreSQL: python3 -m tests.process.with_postgres PROGRAM…

Each program gets a database of its own in PENSTOCK_TEST_DATABASE_URL. Exit code 1 if one fails.
"""
import os
import subprocess
import sys

from tests.harness.postgres import PrivatePostgres


def main(programs):
    failed = []
    with PrivatePostgres() as database:
        for number, program in enumerate(programs):
            url = database.create_database(f"test_{number}")
            done = subprocess.run(
                [program], check=False, env=dict(os.environ, PENSTOCK_TEST_DATABASE_URL=url),
                stdin=subprocess.DEVNULL)
            if done.returncode != 0:
                failed.append(f"{os.path.basename(program)}: exit code {done.returncode}")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
