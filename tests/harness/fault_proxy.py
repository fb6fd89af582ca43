"""A TCP proxy that makes a network slow, cuts it or swallows what is sent: before the PROXIED listener of ApacheKafka.

    with FaultProxy(listen_port, target_port) as proxy:
        proxy.slow(latency_ms=200, kbytes_per_s=500)
        proxy.cut()           # connections are reset, new ones refused
        proxy.swallow()       # connections stay, nothing arrives
        proxy.heal()

It is toxiproxy where Go can build it (`go install`, kept in the cache), else the few lines of `_Own` here, which do the
same four things. PENSTOCK_FAULT_PROXY=own|toxiproxy takes one of them.
"""
import contextlib
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

from . import net, paths, proc
from .registry_servers import cache_folder, fetch_once

TOXIPROXY = "github.com/Shopify/toxiproxy/v2/cmd/server"
TOXIPROXY_VERSION = "v2.12.0"
BUILD_S = 600
LINGER_RESET = struct.pack("ii", 1, 0)


def _build(folder):
    done = subprocess.run(
        ["go", "install", f"{TOXIPROXY}@{TOXIPROXY_VERSION}"], env={**os.environ, "GOBIN": folder, "GOFLAGS": ""},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=BUILD_S)
    if done.returncode != 0:
        raise RuntimeError(f"go install {TOXIPROXY}: {done.stdout[-600:]}")


def toxiproxy_program():
    """The built toxiproxy server, None where it cannot be built (no Go, or too old a one)."""
    if os.environ.get("PENSTOCK_FAULT_PROXY") == "own":
        return None
    name = f"toxiproxy-{TOXIPROXY_VERSION}"
    is_wanted = os.environ.get("PENSTOCK_FAULT_PROXY") == "toxiproxy"
    if not is_wanted and not shutil.which("go") and not os.path.isdir(os.path.join(cache_folder(), name)):
        return None
    try:
        return os.path.join(fetch_once(name, _build), "server")
    except (RuntimeError, OSError, subprocess.SubprocessError):
        if is_wanted:
            raise
        return None


class _Toxiproxy:
    """One toxiproxy process with one proxy."""

    def __init__(self, program, listen_port, target_port):
        self.folder = paths.scratch("penstock-toxiproxy-")
        self.port = net.free_port()
        self.listen, self.upstream = f"127.0.0.1:{listen_port}", f"127.0.0.1:{target_port}"
        self.process = proc.Process(
            "toxiproxy", [program, "-host", "127.0.0.1", "-port", self.port], os.path.join(self.folder, "log"))

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read()
        except urllib.error.HTTPError as problem:
            raise RuntimeError(f"toxiproxy {method} {path}: {problem.read()!r}") from None

    def start(self):
        self.process.start()
        self.process.wait_ready(lambda: net.accepts(self.port), 30)
        self._ask("POST", "/proxies", {"name": "kafka", "listen": self.listen, "upstream": self.upstream})

    def _toxic(self, kind, stream, **attributes):
        self._ask("POST", "/proxies/kafka/toxics",
                  {"type": kind, "stream": stream, "name": f"{kind}_{stream}", "attributes": attributes})

    def heal(self):
        self._ask("POST", "/reset")

    def cut(self):
        self._toxic("reset_peer", "downstream", timeout=0)
        self._ask("POST", "/proxies/kafka", {"enabled": False})

    def swallow(self):
        for stream in ("upstream", "downstream"):
            self._toxic("timeout", stream, timeout=0)

    def slow(self, latency_ms, kbytes_per_s):
        for stream in ("upstream", "downstream"):
            self._toxic("latency", stream, latency=latency_ms // 2)
        self._toxic("bandwidth", "downstream", rate=kbytes_per_s)

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class _Own:
    """The same in this process: one thread for each direction of each connection."""

    STEP_BYTES = 16384

    def __init__(self, listen_port, target_port):
        self.listen_port, self.target_port = listen_port, target_port
        self._listener = None
        self._lock = threading.Lock()
        self._sockets = set()
        self._is_swallowing = False
        self._half_s = 0.0
        self._bytes_per_s = 0

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", self.listen_port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._sockets |= {client, server}
            for source, sink, is_downstream in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, is_downstream), daemon=True).start()

    def _pump(self, source, sink, is_downstream):
        with contextlib.suppress(OSError, ValueError):
            while True:
                select.select([source], [], [])
                if self._is_swallowing:
                    time.sleep(0.05)  # what comes stays where it is: nothing is lost, nothing arrives
                    continue
                data = source.recv(self.STEP_BYTES)
                if not data:
                    break
                pause_s = self._half_s
                if is_downstream and self._bytes_per_s:
                    pause_s += len(data) / self._bytes_per_s
                if pause_s:
                    time.sleep(pause_s)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._sockets -= {source, sink}

    def heal(self):
        self._is_swallowing, self._half_s, self._bytes_per_s = False, 0.0, 0
        if self._listener is None:
            self.start()

    def cut(self):
        listener, self._listener = self._listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self._lock:
            cut, self._sockets = self._sockets, set()
        for end in cut:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                end.shutdown(socket.SHUT_RDWR)

    def swallow(self):
        self._is_swallowing = True

    def slow(self, latency_ms, kbytes_per_s):
        self._half_s, self._bytes_per_s = latency_ms / 2000, kbytes_per_s * 1024

    def stop(self):
        if self._listener is not None:
            self.cut()


class FaultProxy:
    """127.0.0.1:listen_port leads to 127.0.0.1:target_port, more or less. See above."""

    def __init__(self, listen_port, target_port):
        program = toxiproxy_program()
        self.name = "toxiproxy" if program else "own"
        self._proxy = _Toxiproxy(program, listen_port, target_port) if program else _Own(listen_port, target_port)
        self.heal, self.cut = self._proxy.heal, self._proxy.cut
        self.swallow, self.slow = self._proxy.swallow, self._proxy.slow

    def __enter__(self):
        self._proxy.start()
        return self

    def __exit__(self, *unused):
        self._proxy.stop()
