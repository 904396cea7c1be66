"""What the tests of containers share: who starts init, a root for it, and the host's state.

The fixture `who` runs a test as root and as an ordinary user, who needs a user namespace;
inside(options, command) starts init so. Test files import the fixtures from here.
"""
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from conftest import (AS_ROOT, PROBE, descendants, eventually, is_alive, marked, mounts, sanitized,
                      status_of)

SETUP = 125
# An account that every system has, since newuidmap looks it up: on Debian and Alpine, daemon.
UID = 1 if os.path.exists("/etc/debian_version") else 2
AS_USER = (["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups"]
           if AS_ROOT else [])
BUSYBOX = next((path for path in ("/bin/busybox.static", "/bin/busybox")
                if os.path.exists(path)), None)
APPLETS = """sh ash [ cat seq chmod chown df echo env false grep head hostname id ifconfig ip ls
mkdir mount pgrep ps pwd readlink rm sleep sort stat stty test touch tr true tty umount uname
wc yes"""
# The names of --unshare, and those of the kernel.
NAMES = {"pid": "pid", "mount": "mnt", "uts": "uts", "ipc": "ipc", "net": "net", "user": "user",
         "cgroup": "cgroup", "time": "time"}
# What a private /dev has: major and minor number.
NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
         "tty": (5, 0), "console": (1, 3)}


def namespaces(pid="self"):
    """name -> the namespace of a process, where it may be read."""
    return {name: os.readlink(f"/proc/{pid}/ns/{file}") for name, file in NAMES.items()}


def refused(result, *parts, code=SETUP):
    """
    Checks that a start failed, with one line that has these parts. A tuple holds alternatives:
    the C libraries differ in their texts for an errno.
    """
    assert (result.returncode, result.stdout) == (code, ""), result
    assert result.stderr.startswith("init: ") and result.stderr.count("\n") == 1, result
    for part in parts:
        texts = part if isinstance(part, tuple) else (part,)
        assert any(text in result.stderr for text in texts), (part, result.stderr)
    assert not re.search(r"errno \d", result.stderr), result.stderr


class Who:
    def __init__(self, name):
        self.name = name
        self.is_root = name == "root"
        self.uid = 0 if self.is_root else (UID if AS_ROOT else os.geteuid())
        self.outer = [] if self.is_root else AS_USER
        # With a user namespace, where one is needed.
        self.user = ["--map-same"] if self.is_root else ["--unshare=user"]

    def own(self, path):
        """Makes the user that runs init the owner of what a test made."""
        if AS_ROOT and not self.is_root:
            for folder, folders, files in os.walk(path):
                for name in [".", *folders, *files]:
                    os.chown(os.path.join(folder, name), UID, UID, follow_symlinks=False)


@pytest.fixture(params=["root", "user"])
def who(request):
    if request.param == "root" and not AS_ROOT:
        pytest.skip("needs root")
    return Who(request.param)


@pytest.fixture
def inside(run, who):
    """Runs init with namespaces to its end; the words of the command follow the options."""
    def inside(options, *command, **more):
        more["outer"] = [*more.get("outer", []), *who.outer]
        return run([*who.user, *options, "--", *command], "plain", **more)
    return inside


@pytest.fixture
def begin(start, who):
    """Like inside, but returns a handle on the running init (its outer process if it has one)."""
    def begin(options, *command, **more):
        more["outer"] = [*more.get("outer", []), *who.outer]
        return start([*who.user, *options, "--", *command], "plain", **more)
    return begin


def inner_of(init):
    """The pid outside of the container's PID 1, once it runs."""
    def find():
        for pid in descendants(init.init_pid):
            status = status_of(pid)
            if status and status["NSpid"].split()[-1] == "1" and len(status["NSpid"].split()) > 1:
                return pid
        return None
    return eventually(find, what="the inner process")


def make_root(path):
    """Makes a root file system at path, with busybox for all commands."""
    if not BUSYBOX:
        pytest.skip("needs a static busybox")
    root = Path(path)
    (root / "bin").mkdir(parents=True)
    (root / "etc").mkdir()
    shutil.copy(BUSYBOX, root / "bin/busybox")
    shutil.copy(PROBE, root / "bin/probe")
    for name in APPLETS.split():
        (root / "bin" / name).symlink_to("busybox")
    os.chmod(root, 0o755)
    return root


@pytest.fixture
def root(directory, who):
    """A root file system of the user that runs init, at a short path that every user can reach."""
    made = make_root(directory / "root")
    who.own(directory)
    return made


def everything(path):
    """Each file below a directory with its type and attributes, to compare."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in [".", *folders, *files]:
            one = os.path.join(folder, name)
            status = os.lstat(one)
            found[one] = (status.st_mode, status.st_uid, status.st_dev,
                          os.path.islink(one) and os.readlink(one))
    return found


def mountinfo(text):
    """mount point -> (attributes, type, source, options) of the last mount there in a mountinfo."""
    found = {}
    for line in text.splitlines():
        before, after = line.split(" - ")
        kind, source, options = after.split(" ")
        found[before.split()[4]] = (set(before.split()[5].split(",")), kind, source,
                                    set(options.split(",")))
    return found


def new_mounts(before, ours):
    """Mounts that were not there before, in the host's table and, below the temporary folder, in
    that of the tests."""
    temporary = f"{tempfile.gettempdir()}/"
    return [line for line in mounts() - before
            if not line.split()[4].startswith(temporary) or str(ours) in line]


def report(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return json.loads(result.stdout)


def all_gone(marker, *, besides=()):
    eventually(lambda: not [p for p in marked(marker) if p not in besides and is_alive(p)],
               what="the end of all processes")


needs_static = pytest.mark.skipif(sanitized(), reason="a build with sanitizers is dynamic")


needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


def strace(*injections, follow=False):
    return ["strace", *(["-f"] if follow else []), "-qq", "-o", "/dev/null",
            *(word for one in injections for word in ("-e", f"inject={one}"))]
