"""Named instants of other programs' conversations, and traps that act at one of them.

Two relays see what passes: KafkaRelay every OffsetCommit and its answer, InsertRelay every INSERT. Each
instant is a `Step` with what is known of it; it goes into the journal, and a trap that waits for it
acts at once, in the relay's own thread, while the bytes are held back. So a process is killed exactly
between two steps, without a crash point in it.
"""
import asyncio
import collections
import json
import os
import threading
import time

# Steps in the order in which one block passes them.
COMMIT_ASKED = "commit asked"  # an OffsetCommit has come; the broker does not have it yet
COMMIT_DONE = "commit done"  # the broker has answered; the client does not know yet
INSERT_ASKED = "insert asked"  # the head of an INSERT has come; the server has nothing yet
INSERT_HALF = "insert half"  # the server has half of the body
INSERT_DONE = "insert done"  # the server has answered; the client does not know yet
INSERT_TOLD = "insert told"  # the answer goes to the client now

# What becomes of the bytes at a step. LATE: forwarded after a trap held them back.
FORWARD, DROP, LATE = "forward", "drop", "late"
JOURNAL_MAX = 60000


class Step:
    """One instant: its name, the monotonic time, what is known of it, and whose it is."""

    def __init__(self, name, link, known):
        self.name = name
        self.at_s = time.monotonic()
        self.link = link
        self.known = known

    @property
    def pid(self):
        """The client's process; None if it is gone."""
        return self.link.pid


class Link:
    """The client's end of one relayed connection: its port and the relay's, and who has it."""

    def __init__(self, client_port, relay_port):
        self.client_port = client_port
        self.relay_port = relay_port
        self.is_over = False  # both ends are closed
        self._pid = None

    @property
    def pid(self):
        """Looked up when first asked for: it costs some milliseconds."""
        if self._pid is None:
            self._pid = owner_of(self.client_port, self.relay_port)
        return self._pid


class Journal:
    """What was seen, in order; the oldest goes when there are too many. Any thread may add."""

    def __init__(self, path=None):
        self._entries = collections.deque(maxlen=JOURNAL_MAX)
        self._file = open(path, "a", encoding="utf-8") if path else None
        self._lock = threading.Lock()

    def add(self, what, **known):
        entry = {"at": round(time.time(), 4), "what": what, **known}
        with self._lock:
            self._entries.append(entry)
            if self._file is not None:
                self._file.write(json.dumps(entry, default=str) + "\n")

    def entries(self):
        with self._lock:
            return list(self._entries)

    def flush(self):
        if self._file is not None:
            with self._lock:
                self._file.flush()

    def close(self):
        if self._file is not None:
            self._file.close()
            self._file = None


def owner_of(local_port, remote_port):
    """Pid of the process whose loopback connection goes from local_port to remote_port; None if it is
    gone. Reads /proc/net/tcp and the descriptors of all processes we may look at."""
    inode = None
    with open("/proc/net/tcp", encoding="ascii") as table:
        next(table)
        for line in table:
            words = line.split()
            if (int(words[1].rpartition(":")[2], 16) == local_port
                    and int(words[2].rpartition(":")[2], 16) == remote_port):
                inode = words[9]
                break
    if inode in (None, "0"):
        return None
    wanted = f"socket:[{inode}]"
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):
        folder = f"/proc/{pid}/fd"
        try:
            for descriptor in os.listdir(folder):
                if os.readlink(f"{folder}/{descriptor}") == wanted:
                    return int(pid)
        except OSError:
            continue  # ended meanwhile, or not ours
    return None


class Trap:
    """Waits for one step and acts there.

    wanted(step): whether this is it. act(step): what to do then; it must not block. verdict: FORWARD or
    DROP (both ends of the connection are closed) right after act, or None: the bytes are held until
    `release`, however long that takes.
    """

    def __init__(self, wanted, act, verdict=FORWARD):
        self.wanted = wanted
        self.act = act
        self.verdict = verdict
        self.step = None
        self.fired = threading.Event()
        self.problem = None
        self._loop = None
        self._released = None

    def spring(self, step, loop):
        """Called by the relay, in its thread, which then awaits `outcome`."""
        self.step = step
        self._loop = loop
        self._released = loop.create_future()
        if self.verdict is not None:
            self._released.set_result(self.verdict)
        try:
            self.act(step)
        except Exception as problem:  # the harness's thread must hear of it
            self.problem = problem
        self.fired.set()

    async def outcome(self):
        return await self._released

    def release(self, verdict=LATE):
        """Let the held bytes go on, or drop them. From any thread; nothing happens the second time."""
        if self._loop is None:
            return

        def settle():
            if not self._released.done():
                self._released.set_result(verdict)

        self._loop.call_soon_threadsafe(settle)


class Observer:
    """The thread in which the relays run, their traps and their journal."""

    def __init__(self, journal=None):
        self.journal = journal or Journal()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self._traps = []
        self._watchers = []
        self._lock = threading.Lock()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        """End all relays' connections."""
        asyncio.run_coroutine_threadsafe(self._cancel_all(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _cancel_all(self):
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def run(self, coroutine, timeout_s=10):
        """Run a coroutine in the observer's thread and return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout_s)

    def arm(self, trap):
        with self._lock:
            self._traps.append(trap)
        return trap

    def disarm(self, trap):
        """The trap no longer springs; what it holds goes on."""
        with self._lock:
            if trap in self._traps:
                self._traps.remove(trap)
        trap.release()

    def watch(self, callback):
        """callback(step) for every step, in the observer's thread."""
        self._watchers.append(callback)

    async def pass_step(self, name, link, known):
        """The relay has come to a step of this Link: FORWARD, DROP or LATE."""
        step = Step(name, link, known)
        self.journal.add(name, port=link.client_port, **known)
        for watcher in self._watchers:
            watcher(step)
        with self._lock:
            trap = next((t for t in self._traps if t.step is None and t.wanted(step)), None)
            if trap is not None:
                self._traps.remove(trap)
        if trap is None:
            return FORWARD
        trap.spring(step, self.loop)
        return await trap.outcome()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
