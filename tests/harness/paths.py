"""Where things are, for tests, benches and the demo."""
import os
import tempfile

TMPFS = "/dev/shm"
TMPFS_MIN_BYTES = 1 << 30  # free; containers often have 64 MB, which ClickHouse fills
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build_dir():
    """The build folder: PENSTOCK_BUILD_DIR, else build/ in the checkout."""
    return os.path.abspath(os.environ.get("PENSTOCK_BUILD_DIR") or os.path.join(ROOT, "build"))


def program(name):
    """Path of a built program; FileNotFoundError says what to build."""
    path = os.path.join(build_dir(), name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is missing: cmake --build {build_dir()} --target {name}")
    return path


def has_tmpfs():
    """Whether data can go to tmpfs."""
    try:
        room = os.statvfs(TMPFS)
    except OSError:
        return False
    return os.access(TMPFS, os.W_OK) and room.f_bavail * room.f_frsize >= TMPFS_MIN_BYTES


def scratch(prefix):
    """A new private folder on tmpfs where there is one; the caller removes it."""
    return tempfile.mkdtemp(prefix=prefix, dir=TMPFS if has_tmpfs() else None)
