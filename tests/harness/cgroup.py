"""A place in the machine's cgroup v2 tree for one test.

Test files import the fixture `tree` from here; `tree / "box"` is a path to give to
--cgroup.
"""
import os
import signal
from pathlib import Path

import pytest

from conftest import AS_ROOT, eventually

CGROUP2 = 0x63677270


def mounted():
    """Where cgroup v2 is mounted, on its own or beside version 1."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return Path(where)
    return None


BASE = mounted()


def processes(folder):
    return [int(pid) for pid in (Path(folder) / "cgroup.procs").read_text().split()]


def events(folder):
    return dict(line.split() for line in (Path(folder) / "cgroup.events").read_text().splitlines())


def line_of(pid):
    """The cgroup (version 2) of a process as a path below the mount; None if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((BASE / line[3:].lstrip("/") for line in lines if line.startswith("0::")), None)


def below(folder):
    return [path for path, _, _ in os.walk(folder)]


def remove(folder):
    """Removes a cgroup and those below it, and kills the processes in them."""
    (folder / "cgroup.kill").write_text("1")
    eventually(lambda: events(folder)["populated"] == "0", what="the end of a cgroup")
    for path in reversed(below(folder)):
        os.rmdir(path)


def made(folder):
    folder.mkdir()
    return folder


@pytest.fixture
def tree(start):
    if not AS_ROOT:
        pytest.skip("needs root to make a cgroup")
    if not BASE:
        pytest.skip("no cgroup v2 is mounted for writing")
    folder = made(BASE / f"init-test.{os.getpid()}")
    yield folder
    start.close()
    remove(folder)


def enter(folder):
    """A function for preexec_fn that moves the child into a cgroup."""
    (Path(folder) / "cgroup.procs").write_text("0")


def entered(folder):
    """Words to put before a command in order to start it in a cgroup."""
    return ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(folder)]


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


__all__ = ["BASE", "below", "enter", "entered", "events", "kill", "line_of", "made", "processes", "remove", "tree"]
