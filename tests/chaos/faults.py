"""One fault while it happens: it strikes at a random instant or from a trap at a named step, and is made good
again after its time. `Strike.poll` is called by the harness's main thread until it answers true.
"""
import contextlib
import http.client
import signal
import time

from tests.harness import net, proc
from tests.harness.observe import steps
from tests.harness.observe.steps import DROP, FORWARD, Trap
from tests.harness.penstock import ApiError

from . import schedule
from .account import KINDS
from .stack import REPLICAS

STEP_S = 200
BROKER_S = 240  # it reads all its logs after a kill
ANSWERED = 200
MARKER = -1  # an offset that no record has


class FaultError(RuntimeError):
    """A fault could not be brought about: a step that never came, or nobody to kill."""


class Servers:
    """How each target is killed, frozen and brought back."""

    def __init__(self, stack):
        self.stack = stack
        self.penstock = stack.penstock

    def process(self, target):
        return {schedule.API: lambda: self.penstock.api,
                schedule.BROKER: lambda: self.stack.kafka.process,
                schedule.CLICKHOUSE: lambda: self.stack.clickhouse.process,
                schedule.POSTGRES: lambda: self.stack.database.process}[target]()

    def restart(self, target):
        """Bring it back, waiting until it answers. Main thread only."""
        if target == schedule.API:
            self.penstock.start_api()
        elif target == schedule.BROKER:
            self.stack.kafka.restart(BROKER_S)
        else:
            {schedule.CLICKHOUSE: self.stack.clickhouse, schedule.POSTGRES: self.stack.database}[target].restart()


class Strike:
    """A Fault of the schedule on its way."""

    def __init__(self, stack, fault):
        self.stack = stack
        self.servers = Servers(stack)
        self.fault = fault
        self.card = fault.card
        self.pipe = stack.pipes[fault.mode]
        self.struck_s = None
        self.is_over = False
        self.trap = None
        self.victim = None  # identity of a process that is not our child
        self.struck_pid = None
        self.worker = None
        self._begun_s = None
        self._seen = 0
        self._told = set()
        self._marked = None

    @property
    def is_late(self):
        return self.card.bytes == schedule.LATE

    def begin(self):
        self._begun_s = time.monotonic()
        if self.card.step is not None:
            verdict = None if self.is_late else FORWARD if self.card.how == schedule.FREEZE else DROP
            self.trap = self.stack.observer.arm(Trap(self._is_wanted, self._at_step, verdict))

    def poll(self):
        """Go on with what is due; true when all is as before."""
        now_s = time.monotonic()
        if self.struck_s is None:
            self._strike_if_due(now_s)
        elif not self.is_over and now_s >= self.struck_s + self.fault.down_s:
            self.is_over = self._make_good()
        return self.is_over

    def release(self):
        """Let bytes that were held back go on."""
        if self.trap is not None:
            self.trap.release()

    def cancel(self):
        if self.trap is not None:
            self.stack.observer.disarm(self.trap)

    # The instant

    def _strike_if_due(self, now_s):
        if self.trap is None:
            if now_s >= self._begun_s + self.fault.delay_s:
                self._at_random()
        elif self.trap.fired.is_set():
            if self.trap.problem is not None:
                raise FaultError(f"{schedule.described(self.fault)}: {self.trap.problem}")
            self._struck(self.trap.step)
        elif now_s >= self._begun_s + STEP_S:
            raise FaultError(f"{schedule.described(self.fault)}: the step did not come within {STEP_S} s")

    def _struck(self, step=None):
        self.struck_s = time.monotonic()
        known = {} if step is None else {key: step.known.get(key) for key in ("token", "query", "table", "at_offsets", "ranges")
                                         if step.known.get(key) is not None}
        self.stack.journal.add("fault", fault=schedule.described(self.fault), mode=self.fault.mode,
                               victim=self.victim and self.victim["pid"], **known)

    def _at_random(self):
        number = signal.SIGKILL if self.card.how == schedule.KILL else signal.SIGSTOP
        target = self.card.target
        if target == schedule.REPLICA:
            pids = self.stack.replica_pids(self.pipe)
            if not pids:
                return  # the next poll finds one
            self.victim = proc.identity(pids[int(self.fault.choice * len(pids))])
            proc.kill_identity(self.victim, number)
        elif target == schedule.SUPERVISOR:
            workers = [worker for worker in self.stack.penstock.workers if worker.is_alive()]
            if not workers:
                return
            self.worker = workers[int(self.fault.choice * len(workers))]
            self.worker.signal(number)
        elif target == schedule.PIPE:
            if not self._scale(schedule.scale_of(self.fault)):
                return  # the api is away: again at the next poll
        elif target == schedule.POSTGRES and number == signal.SIGKILL:
            self.struck_pid = self.stack.database.pid
            self.stack.database.kill9()
        else:
            self._hit(self.servers.process(target), number)
        self._struck()

    def _scale(self, replicas):
        try:
            self.stack.penstock.scale_pipe(self.pipe.id, replicas=replicas)
        except (OSError, http.client.HTTPException, ApiError):
            return False
        return True

    def _hit(self, process, number):
        self.struck_pid = process.pid
        process.signal(number)

    # The step

    def _is_wanted(self, step):
        if not self._is_step(step) or (self.card.target == schedule.REPLICA and step.pid is None):
            return False
        self._seen += 1
        return self._seen >= self.fault.nth

    def _is_step(self, step):
        known = step.known
        name = self.card.step
        if name in (schedule.BEFORE_RANGE, schedule.AFTER_RANGE):
            wanted = steps.COMMIT_ASKED if name == schedule.BEFORE_RANGE else steps.COMMIT_DONE
            return (step.name == wanted and known["group"] == self.pipe.group
                    and any(known["ranges"].values()))
        if name == schedule.AFTER_CONFIRM:
            return step.name == steps.COMMIT_DONE and known["group"] == self.pipe.group
        if name == schedule.BEFORE_CONFIRM:
            return self._is_before_confirm(step)
        wanted = {schedule.BEFORE_INSERT: steps.INSERT_ASKED, schedule.MID_BODY: steps.INSERT_HALF,
                  schedule.BEFORE_ANSWER: steps.INSERT_DONE, schedule.TOKEN_ONLY: steps.INSERT_ASKED}[name]
        return (step.name == wanted and self._is_table(known["table"])
                and known.get("status", ANSWERED) == ANSWERED)

    def _is_table(self, table):
        return table == self.pipe.table + ("_clickpipes_error" if self.fault.in_errors else "")

    def _is_before_confirm(self, step):
        """A commit of a replica that has just been told that its insert is stored."""
        if step.name == steps.INSERT_TOLD:
            if self._is_table(step.known["table"]) and step.known["status"] == ANSWERED:
                self._told.add(step.pid)
            return False
        return (step.name == steps.COMMIT_ASKED and step.known["group"] == self.pipe.group
                and step.pid in self._told)

    def _at_step(self, step):
        """In the observer's thread, while the bytes wait."""
        number = signal.SIGKILL if self.card.how == schedule.KILL else signal.SIGSTOP
        if self.card.target == schedule.CONNECTION:
            return
        if self.card.target == schedule.REPLICA:
            self.victim = proc.identity(step.pid)
            if not proc.kill_identity(self.victim, number):
                raise FaultError("the replica is gone")
            return
        if self.card.step == schedule.TOKEN_ONLY:
            self._keep_token(step.known["table"], step.known["token"])
        self._hit(self.servers.process(self.card.target), number)

    def _keep_token(self, table, token):
        """The table knows the token, in one of its partitions or in all, and has no row of it. (A mutation
        does not free tokens.)"""
        clickhouse = self.stack.clickhouse
        if self.fault.in_errors:
            column, values = "record_offset", [f"({MARKER})"]
        else:
            kinds = KINDS if self.fault.nth % 2 == 0 else KINDS[:1]
            column, values = "_offset", [f"({MARKER}, '{kind}')" for kind in kinds]
        names = column if self.fault.in_errors else f"{column}, kind"
        self._marked = (table, column)
        with contextlib.suppress(OSError, http.client.HTTPException):  # another fault of the round has killed it
            clickhouse.query(f"INSERT INTO {table} ({names}) VALUES {', '.join(values)}",
                             settings={"insert_deduplication_token": token, "async_insert": 0})
            self._remove_marker()

    def _remove_marker(self):
        table, column = self._marked
        self.stack.clickhouse.query(
            f"ALTER TABLE {table} DELETE WHERE {column} = {MARKER}", settings={"mutations_sync": 2})

    # Afterwards

    def _make_good(self):
        """False: not yet possible."""
        target = self.card.target
        if target == schedule.PIPE and not self._scale(REPLICAS):
            return False
        database = self.stack.database
        if target == schedule.API and (not net.accepts(database.port) or proc.is_frozen(database.pid)):
            return False  # the api would not start, and nobody else be made good while it is waited for
        if self.card.how == schedule.FREEZE:
            if target == schedule.REPLICA:
                proc.kill_identity(self.victim, signal.SIGCONT)
            elif target == schedule.SUPERVISOR:
                self.worker.signal(signal.SIGCONT)
            else:
                self.servers.process(target).signal(signal.SIGCONT)
        elif target == schedule.SUPERVISOR:
            self.worker.wait(10)
            if not self.worker.is_alive():
                self.worker.start()
        elif target in (schedule.API, schedule.BROKER, schedule.CLICKHOUSE, schedule.POSTGRES):
            process = self.servers.process(target)
            if process.pid == self.struck_pid:  # else another fault of the round has brought it back
                process.wait(10)
                self.servers.restart(target)
            if self._marked is not None:
                self._remove_marker()
        self.stack.journal.add("made good", fault=schedule.described(self.fault), mode=self.fault.mode)
        return True
