"""Network namespaces that stand for hosts: each has a cable (veth) of its own to the root namespace, where the
servers are, and a loopback. Needs root.

    with Namespace(1) as host:
        worker = proc.Process("worker", [*host.prefix, program], log)
        with Cable(postgres.port, host=host.gateway) as cable: ...    # reached over the veth
        with Cable(kafka_port, listener=host.listen(kafka_port)): ... # reached on its own loopback
        host.unplug()   # what goes over the veth is lost, nobody is told
        host.plug()
"""
import ctypes
import os
import shutil
import socket
import subprocess
import threading

_libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why namespaces cannot be made here; None if they can."""
    for program in ("ip", "nsenter"):
        if shutil.which(program) is None:
            return f"there is no {program} (apt-get install iproute2 util-linux)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"penstock-try-{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", name], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        return f"ip netns add is refused: {done.stdout.strip()}"
    _ip("netns", "del", name)
    return None


def _ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Namespace:
    """One host. number: 1 to 99, different for those that live together."""

    def __init__(self, number):
        self.name = f"penstock-{os.getpid()}-{number}"
        self._near = f"pst{os.getpid() % 100000}n{number}"
        self._far = f"pst{os.getpid() % 100000}f{number}"
        net = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 2 * 100 + number}"
        self.gateway = f"{net}.1"  # the root namespace's end
        self.address = f"{net}.2"

    @property
    def prefix(self):
        """Words in front of a command that is to run there."""
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def unplug(self):
        _ip("link", "set", self._near, "down")

    def plug(self):
        _ip("link", "set", self._near, "up")

    def listen(self, port):
        """A listening socket on the namespace's loopback, for this process."""
        made = []

        def there():
            # Of this thread alone, which ends with it; the socket stays where it was made.
            with open(f"/run/netns/{self.name}", "rb") as handle:
                if _libc.setns(handle.fileno(), 0) != 0:
                    made.append(OSError(ctypes.get_errno(), "setns"))
                    return
            made.append(socket.create_server(("127.0.0.1", port), backlog=256))

        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def __enter__(self):
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.name)
            _ip("addr", "add", f"{self.gateway}/30", "dev", self._near)
            _ip("link", "set", self._near, "up")
            _ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", self._far)
            _ip("-n", self.name, "link", "set", self._far, "up")
            _ip("-n", self.name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        subprocess.run(["ip", "netns", "del", self.name], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", self._near], check=False, stderr=subprocess.DEVNULL)
