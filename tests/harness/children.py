"""Processes by their parents, from /proc."""


def children(pid):
    """Pids of a process's children; [] if it is gone."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def replica_pids(worker, pipe_id):
    """Pids of a worker's children (worker: its process) that run a replica of this pipe."""
    found = []
    for pid in children(worker.pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if b"--replica" in words and pipe_id.encode() in words:
            found.append(pid)
    return found
