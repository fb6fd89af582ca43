"""A TCP relay that can be slow or cut like a cable: for what a server's own process cannot show, since the
connection neither ends nor is refused.

    with Cable(postgres.port) as cable:
        start(url=f"postgresql://…@{cable.host}:{cable.port}/d")
        cable.delay_s = 0.2     # every piece arrives so much later
        cable.cut()             # nothing passes, nobody is told; new connections hang
        cable.mend()            # what was held up arrives
"""
import contextlib
import queue
import socket
import threading
import time

PIECE_BYTES = 65536


class Cable:
    """Forwards connections to 127.0.0.1:port; listens on a free port of `host`, or with `listener`."""

    def __init__(self, port, host="127.0.0.1", listen_port=0, listener=None):
        self.target_port = port
        self.delay_s = 0.0
        self._whole = threading.Event()
        self._whole.set()
        self._sockets = set()
        self._lock = threading.Lock()
        self._listener = listener or socket.create_server((host, listen_port), backlog=256)
        self.host, self.port = self._listener.getsockname()[:2]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def cut(self):
        self._whole.clear()

    def mend(self):
        self._whole.set()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        self._whole.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self.target_port), timeout=10)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._sockets |= {near, far}
        for one, other in ((near, far), (far, near)):
            with contextlib.suppress(OSError):  # the relay ends just now
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one, other):
        """Read here, send in a thread of its own: the delay is one of time, not of throughput."""
        under_way = queue.Queue()
        threading.Thread(target=self._send, args=(under_way, one, other), daemon=True).start()
        with contextlib.suppress(OSError):
            while piece := one.recv(PIECE_BYTES):
                under_way.put((time.monotonic() + self.delay_s, piece))
        under_way.put((time.monotonic() + self.delay_s, b""))

    def _send(self, under_way, one, other):
        with contextlib.suppress(OSError):
            while True:
                due, piece = under_way.get()
                time.sleep(max(0.0, due - time.monotonic()))  # the delay is what this is for
                self._whole.wait()
                if not piece:
                    break
                other.sendall(piece)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._whole.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._sockets:
                each.close()
