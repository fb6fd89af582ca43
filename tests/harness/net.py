"""Loopback ports for servers that tests and the demo start.

A server that is killed and started again on its port must find it free, and a client that tries the
port meanwhile must be refused. Ports of the kernel's ephemeral range give neither: any outgoing
connection may take one, and a client that connects again and again to a dead port of that range
ends up connected to itself. So ports are taken below that range and checked by binding them.
"""
import contextlib
import random
import socket
import time

FIRST_PORT = 15000
TRIES = 500


def ephemeral_start():
    """First port of the kernel's ephemeral range."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as range_file:
            return int(range_file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def _bind(port, host):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(1)
    except OSError:
        sock.close()
        return None
    return sock


def free_ports(count, host="127.0.0.1"):
    """`count` different ports that nobody listens on."""
    end = max(FIRST_PORT + 1000, ephemeral_start())
    chooser = random.SystemRandom()
    held = {}
    with contextlib.ExitStack() as stack:
        for _ in range(TRIES):
            if len(held) == count:
                return list(held)
            port = chooser.randrange(FIRST_PORT, end)
            sock = None if port in held else _bind(port, host)
            if sock is not None:
                held[port] = stack.enter_context(sock)
    raise RuntimeError(f"no {count} free ports on {host} between {FIRST_PORT} and {end}")


def free_port(host="127.0.0.1"):
    """One port that nobody listens on."""
    return free_ports(1, host)[0]


def accepts(port, host="127.0.0.1", timeout_s=1.0):
    """Whether somebody accepts connections on the port."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def wait_until(condition, timeout_s, what, interval_s=0.02):
    """Call `condition` until it answers something true; return that, or raise TimeoutError.

    An exception of the condition passes through: it is how a caller says "this will never be".
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(interval_s)


def wait_for_port(port, timeout_s, what, host="127.0.0.1", alive=None):
    """Wait until the port accepts; `alive` (if given) is asked each time and may raise."""

    def ready():
        if alive is not None:
            alive()
        return accepts(port, host)

    wait_until(ready, timeout_s, f"{what} on {host}:{port}")
