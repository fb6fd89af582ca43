"""Where things are, for tests, benches and the demo."""
import os
import tempfile

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


def scratch(prefix):
    """A new private folder on tmpfs where there is one; the caller removes it."""
    shm = "/dev/shm"
    usable = os.path.isdir(shm) and os.access(shm, os.W_OK)
    return tempfile.mkdtemp(prefix=prefix, dir=shm if usable else None)
