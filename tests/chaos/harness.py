"""Rounds of faults under load, each followed by a reconciliation of everything produced so far."""
import collections
import json
import os
import time

from tests.harness import net

from . import schedule
from .account import Account, Mismatch
from .faults import FaultError, Strike
from .feed import Feed
from .history import histories
from .stack import PARTITIONS, PROMISES, TOPICS, Stack

RATE = 700  # records a second, three times that with the bursts
ROUND_S = 300  # a fault and what it takes to make it good
SETTLE_S = 300  # until what was produced by then is confirmed
# A replica that the harness killed five times within a minute is in a crash loop: it waits 30 s and must then
# live for 60 s before the reason is taken back (worker/supervisor/restart.h).
REST_S = 180
POLL_S = 0.01
CRASH_WORDS = ("SIGABRT", "signal=6", "Assertion", "SIGSEGV", "signal=11", "AddressSanitizer")


class ChaosFailure(AssertionError):
    """What was found, with what is needed to look into it."""


class Chaos:
    """The stack under load, with one pipe for each mode.

        with Chaos(modes, seed, folder) as chaos:
            for faults in …:
                print(chaos.round(faults))
            print(chaos.finish())
    """

    def __init__(self, modes, seed, folder, rate=RATE, say=print):
        self.modes = tuple(modes)
        self.seed = seed
        self.folder = folder
        self.rate = rate
        self.say = say
        self.stack = Stack(folder)
        self.feed = None
        self.accounts = {}
        self.rounds = 0
        self.struck = {mode: collections.Counter() for mode in self.modes}

    def __enter__(self):
        self.stack.__enter__()
        try:
            for mode in self.modes:
                self.stack.create_pipe(mode)
            self.feed = Feed(self.stack.kafka, TOPICS, PARTITIONS, self.rate, self.seed).start()
            for mode, pipe in self.stack.pipes.items():
                self.stack.wait_flowing(pipe)
                self.accounts[mode] = Account(
                    self.stack.clickhouse, self.feed, pipe.table, mode == schedule.AT_LEAST)
        except BaseException:
            self.stack.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        self.stack.__exit__()

    # One round

    def round(self, faults):
        """Strike, make good, settle, reconcile. Returns one line; ChaosFailure if anything is wrong."""
        self.rounds += 1
        start_s = time.monotonic()
        self.stack.journal.add("round", number=self.rounds)
        strikes = [Strike(self.stack, fault) for fault in faults]
        try:
            self._strike(strikes)
            fault_s = time.monotonic() - start_s
            self._settle(self.feed.marks())
            self._deliver_late(strikes)
            marks = self.feed.marks()
            self._settle(marks)
            results = self.reconcile(marks)
            for pipe in self.stack.pipes.values():
                if self.drift(pipe) != 0:
                    raise Mismatch(f"{pipe.table}: counters are off by {self.drift(pipe)}; {self._summary(pipe)}", [])
        except Mismatch as problem:
            raise self._failure(faults, str(problem), problem.places) from problem
        except Exception as problem:  # whatever it is, the evidence is kept
            raise self._failure(faults, f"{type(problem).__name__}: {problem}", []) from problem
        finally:
            for strike in strikes:
                strike.cancel()
        for fault in faults:
            self.struck[fault.mode][kind_of(fault.card)] += 1
        return (f"round {self.rounds}: {'; '.join(self.words(fault) for fault in faults)}: "
                f"{fault_s:.1f} + {time.monotonic() - start_s - fault_s:.1f} s; {results}")

    def words(self, fault):
        return (f"{fault.mode}: " if len(self.modes) > 1 else "") + schedule.described(fault)

    def _strike(self, strikes):
        for strike in strikes:
            strike.begin()
        deadline_s = time.monotonic() + ROUND_S
        while not all([strike.poll() for strike in strikes]):  # a list: every one is polled
            if time.monotonic() > deadline_s:
                raise FaultError(f"faults not over within {ROUND_S} s")
            time.sleep(POLL_S)

    def _deliver_late(self, strikes):
        """Bytes of killed processes arrive now, after others have taken over and gone on."""
        late = [strike for strike in strikes if strike.is_late]
        for strike in late:
            strike.release()
        for strike in late:
            asked = strike.trap.step
            net.wait_until(lambda: asked.link.is_over, 60, "the end of what was held back")

    def _settle(self, marks, timeout_s=SETTLE_S):
        """Until every pipe has confirmed everything below the marks."""
        for pipe in self.stack.pipes.values():
            last = {}

            def confirmed():
                found = self.stack.committed(pipe, marks)
                last.update(found or {})
                return found is not None and all(found[place] >= end for place, end in marks.items())

            try:
                net.wait_until(confirmed, timeout_s, f"{pipe.table} settled", interval_s=0.1)
            except TimeoutError as problem:
                behind = {f"{t}/{p}": f"{last.get((t, p))} of {end}" for (t, p), end in marks.items()
                          if last.get((t, p), 0) < end}
                raise TimeoutError(f"{problem}: committed {behind}; replicas {self.stack.replica_pids(pipe)}; "
                                   f"{self._summary(pipe)}") from None

    def _summary(self, pipe):
        try:
            summary = self.stack.penstock.summary(pipe.id)
        except OSError as problem:
            return f"no summary: {problem}"
        wanted = ("state", "reason", "records", "guarantee", "replicas")
        return json.dumps({key: summary.get(key) for key in wanted})

    def reconcile(self, marks, is_final=False):
        """Compare every pipe's tables with what was produced below the marks; Mismatch."""
        words = []
        for mode, account in self.accounts.items():
            before = account.totals
            now = account.check(marks, is_final)
            twice = now.duplicate_rows + now.duplicate_errors
            more = twice - before.duplicate_rows - before.duplicate_errors
            words.append(f"{mode} {now.rows} rows + {now.errors} rejected = {sum(marks.values())}, "
                         f"{twice} duplicates" + (f" (+{more})" if more else ""))
        return "; ".join(words)

    def drift(self, pipe):
        """By how many records the counters in PostgreSQL do not add up; 0 at any instant, in any snapshot."""
        return int(self.stack.database.query(
            "SELECT fetched_records - sent_records - rejected_records - skipped_records - (SELECT"
            " COALESCE(sum(unsettled_records), 0) FROM pipe_replica r WHERE r.pipe_id = p.id)"
            f" FROM pipe p WHERE id = '{pipe.id}'"))

    # The end

    def finish(self):
        """Stop producing, settle, reconcile everything, compare the counters; returns the report."""
        try:
            self.feed.stop()
            marks = self.feed.marks()
            self._settle(marks)
            self.reconcile(marks, is_final=True)
            for pipe in self.stack.pipes.values():
                self._counters(pipe)
            self._no_crashes()
        except TimeoutError as problem:
            raise self._failure([], str(problem), []) from problem
        except Mismatch as problem:
            raise self._failure([], str(problem), problem.places) from problem
        return self.report(sum(marks.values()))

    def _counters(self, pipe):
        """The pipe at rest: its promise in force, no lag, no reason, nothing unsettled, and counters that add up.
        (They may be short of what was produced: a supervisor that is killed takes the last second with it.)"""

        def add_up(summary):
            records = summary["records"]
            unsettled = int(self.stack.database.query(
                f"SELECT COALESCE(sum(unsettled_records), 0) FROM pipe_replica WHERE pipe_id = '{pipe.id}'"))
            return (summary["lag"]["records"] == 0 and summary["reason"] is None and unsettled == 0
                    and summary["guarantee"]["mode"] == PROMISES[pipe.mode]
                    and records["fetched"] == sum(records[kind] for kind in ("sent", "rejected", "skipped")))

        try:
            self.stack.penstock.wait_summary(
                pipe.id, add_up, REST_S,
                f"{pipe.table}: {PROMISES[pipe.mode]}, counters that add up, nothing unsettled, no lag, no reason")
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}; {self._summary(pipe)}") from None

    def _no_crashes(self):
        for number in range(len(self.stack.penstock.workers)):
            lines = [line for line in self.stack.penstock.log(f"worker-{number}").splitlines()
                     if any(word in line for word in CRASH_WORDS)]
            if lines:
                raise self._failure([], f"worker-{number} crashed: {lines[:3]}", [])

    def report(self, produced):
        """The summary table."""
        kinds = sorted({kind for counter in self.struck.values() for kind in counter})
        width = max([len(kind) for kind in kinds], default=0)
        head = " ".join(f"{mode:>10}" for mode in self.modes)
        lines = [f"{'fault':<{width}} {head}"]
        lines += [f"{kind:<{width}} " + " ".join(f"{self.struck[mode][kind]:>10}" for mode in self.modes)
                  for kind in kinds]
        lines.append(f"{'rounds':<{width}} " + " ".join(f"{self.rounds:>10}" for _ in self.modes))
        lines.append(f"{'records':<{width}} " + " ".join(f"{produced:>10}" for _ in self.modes))
        for name, value in (("lost", lambda t: produced - t.rows - t.errors), ("rejected", lambda t: t.errors),
                            ("duplicates", lambda t: t.duplicate_rows + t.duplicate_errors)):
            lines.append(f"{name:<{width}} " + " ".join(
                f"{value(self.accounts[mode].totals):>10}" for mode in self.modes))
        lines.append(f"seed {self.seed}")
        return "\n".join(lines)

    def _failure(self, faults, text, places):
        """The failure with the evidence: what is kept in the folder, and each offset's history."""
        self.stack.journal.add("failure", text=text)
        self.stack.journal.flush()
        lines = [f"round {self.rounds}, seed {self.seed}: {text}",
                 *[f"  {self.words(fault)}" for fault in faults]]
        lines += histories(self.stack, places)
        lines.append(f"journal and logs: {self.folder}")
        whole = "\n".join(lines)
        with open(os.path.join(self.folder, "failure.txt"), "a", encoding="utf-8") as file:
            file.write(whole + "\n")
        return ChaosFailure(whole)


def kind_of(card):
    """How the summary table counts a card."""
    late = " (late)" if card.bytes == schedule.LATE else ""
    return f"{card.how} {card.target}" + (f", {card.step}{late}" if card.step else "")
