"""What public images do with their init, once with that init and once with ours in its place.

Each row of images.py is started as PID 1 of a PID namespace, in a root directory of its own, with the
peer and then with init at the place and under the name that the image has. `probe application` stands
in for the application, run by the same kind of script. What can be seen of it has to be equal, or to be
named in `DIFFERENT` with the reason and the sentence of the manual or README.md where users find it.
"""
import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import (AS_ROOT, DEADLINE, INIT, PATH, PROBE, ROOT, descendants, eventually, sanitized,
                      status_of)
from images import BINARY, IMAGES

pytestmark = pytest.mark.skipif(sanitized(), reason="a build with sanitizers is dynamic")

UNSHARE = ["unshare", "-pf" if AS_ROOT else "-Urpf", "--mount-proc", "--kill-child"]
PLAN = "APPLICATION"
# Through init, and to a helper alone: both say that what was sent before has arrived.
BARRIER, ECHO = 63, 62
SYNCHRONOUS = ["ILL", "TRAP", "ABRT", "BUS", "FPE", "SEGV", "SYS"]
SIGNALS = ["HUP", "INT", "QUIT", "USR1", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CONT", "TSTP",
           "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "RTMIN",
           *SYNCHRONOUS]
ROLES = ["main", "worker", "job", "daemon"]


def number(name):
    return getattr(signal, f"SIG{name}", 16)


# ---- root directories


def libraries(program):
    """What a dynamic program needs."""
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(?:=> |^\s+)(/\S+)", text, re.M)


class Base:
    """The programs that roots are made of, by their paths inside."""

    def __init__(self, directory):
        self.directory, self.files = Path(directory), {}
        for name in ("sh", "bash", "env"):
            found = shutil.which(name, path=PATH)
            assert found, f"{name} is not installed"
            self.add(f"/bin/{name}", found)
        self.add("/bin/probe", PROBE)

    def add(self, inside, program):
        copy = self.directory / f"{len(self.files)}-{os.path.basename(program)}"
        shutil.copy(program, copy)
        self.files[inside] = copy
        for library in libraries(program):
            if library not in self.files:
                self.add(library, library)

    def make(self, image, program, root):
        """Makes a root for an image, in which that program is the init."""
        for link in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / link).mkdir(parents=True)
            (root / link).symlink_to(f"usr/{link}")
        self.add_init(program)
        for inside, copy in self.files.items():
            place(root, inside, lambda path, copy=copy: os.link(copy, path))
        place(root, image.at, lambda path: shutil.copy(program, path))
        standin = (f"{image.by}\nexec /bin/probe application \"$0\" \"$@\"\n"
                   if image.by != BINARY else "#!/bin/probe application\n")
        for inside, text in {image.app: standin, **image.scripts}.items():
            if inside:
                place(root, inside, lambda path, text=text: path.write_text(text))
        (root / "proc").mkdir()
        (root / image.workdir[1:]).mkdir(parents=True, exist_ok=True)
        return root

    @functools.cache
    def add_init(self, program):
        for library in libraries(program):
            if library not in self.files:
                self.add(library, library)


def place(root, inside, make):
    path = root / inside[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    path.chmod(0o755)


@pytest.fixture(scope="module")
def base():
    with tempfile.TemporaryDirectory(prefix="images.") as directory:
        os.chmod(directory, 0o755)
        yield Base(directory)


def program_of(image, ours):
    if ours:
        return INIT
    found = shutil.which(image.peer, path=PATH)
    assert found, f"{image.peer} is not installed: run tests/deps.sh test"
    return found


# ---- one container


class Container:
    """An image that runs with one of the two inits."""

    def __init__(self, start, root, image, plan, *, terminal=False):
        self.roles, self.received, self.init_seen = {}, [], None
        self.report, self.outside = None, {}
        self.terminal = None
        how = {}
        if terminal:
            self.terminal, slave = os.openpty()
            how = {"stdin": slave, "stdout": slave, "stderr": slave}
        with open("/dev/null", "rb") as null:
            self.extra = fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, 20)
        self.began = time.monotonic()
        self.running = start(
            ["with", "--ignore", signal.SIGPIPE, "--", "/bin/probe",
             "terminal" if terminal else "session", *image.words],
            "plain", program="/bin/probe", outer=[*UNSHARE, "-R", root, "-w", image.workdir],
            env={"LC_ALL": None, "HOSTNAME": "4f2a61c0d1b7", "HOME": "/root", **image.env,
                 "PATH": image.path, PLAN: plan}, dashes=[], pass_fds=[self.extra], **how)
        os.close(self.extra)
        if terminal:
            os.close(slave)
            self.running.read = self.read_terminal

    def read_terminal(self, end):
        """Like Running.read, of the terminal's other side."""
        import select
        ready, _, _ = select.select([self.terminal], [], [], max(end - time.monotonic(), 0))
        if not ready:
            return None
        try:
            data = os.read(self.terminal, 65536).replace(b"\r\n", b"\n")
        except OSError:
            data = b""
        self.running.buffer += data
        return bool(data)

    def take(self, line):
        kind, _, rest = line.partition(" ")
        if kind == "role":
            role, pid, parent, group, session, name = rest.split(" ", 5)
            self.roles[role] = [int(pid), int(parent), int(group), int(session), name]
        elif kind == "signal":
            role, sent, sender = rest.split()
            self.received.append((role, int(sent), int(sender)))
        elif kind == "init":
            self.init_seen = json.loads(rest)
        elif line.startswith("{"):
            self.report = json.loads(line)

    def read_until(self, condition, what):
        """Takes lines until the condition holds, which may also look at processes."""
        end = time.monotonic() + DEADLINE
        while not condition():
            while b"\n" in self.running.buffer:
                line, self.running.buffer = self.running.buffer.split(b"\n", 1)
                self.running.lines.append(line.decode())
                self.take(self.running.lines[-1])
            if condition():
                break
            if self.running.read(min(end, time.monotonic() + 0.01)) is False:
                pytest.fail(f"{what}: stdout ended, {self.running.lines[-5:]}, "
                            f"{self.running.stderr()}")
            if time.monotonic() > end:
                pytest.fail(f"{what} did not come, {self.running.lines[-5:]}, "
                            f"{self.running.stderr()}")

    def get_ready(self):
        self.read_until(lambda: "ready" in self.running.lines, "ready")
        for pid, status in descendants(self.running.popen.pid).items():
            inside = int(status["NSpid"].split()[-1])
            for role, (own, *_) in {"init": [1], **self.roles}.items():
                if inside == own and len(status["NSpid"].split()) > 1:
                    self.outside[role] = pid
        assert set(self.outside) == {"init", *ROLES}, self.outside
        return self

    # -- what is seen

    def name(self, pid):
        return next((role for role, (own, *_) in self.roles.items() if own == pid),
                    {0: "outside", 1: "init"}.get(pid, pid))

    def stopped(self, role):
        return status_of(self.outside[role])["State"].startswith("T")

    def settle(self):
        """Waits until what was sent to init has arrived; returns which processes are stopped."""
        self.init_seen = None
        os.kill(self.outside["init"], BARRIER)
        self.read_until(lambda: self.init_seen or self.stopped("main"), "the barrier")
        for role in ROLES[1:]:
            os.kill(self.outside[role], ECHO)
            self.read_until(lambda role=role: self.stopped(role) or any(
                one[:2] == (role, ECHO) for one in self.received), f"the echo of {role}")
            self.received = [one for one in self.received if one[:2] != (role, ECHO)]
        return [role for role in ROLES if self.stopped(role)]

    def send(self, name):
        """What a signal to init does: who gets what from whom, and who is stopped."""
        self.received = []
        os.kill(self.outside["init"], number(name))
        stopped = self.settle()
        seen = sorted(f"{role} {number_name(sent)} from {self.name(sender)}"
                      for role, sent, sender in self.received)
        return seen + [f"{role} stopped" for role in stopped]

    def wake(self):
        """Continues what is stopped, by a signal to init and, where that is not enough, by hand."""
        seen = self.send("CONT")
        for role in ROLES:
            if self.stopped(role):
                os.kill(self.outside[role], signal.SIGCONT)
        self.settle()
        return seen

    def end(self):
        """The exit code."""
        output = self.running.rest() if self.terminal is None else None
        del output
        return self.running.wait()

    def close(self):
        if self.terminal is not None:
            os.close(self.terminal)


def number_name(sent):
    if sent > 32:
        return f"RTMIN+{sent - 34}"
    return {16: "STKFLT"}.get(sent) or signal.Signals(sent).name.removeprefix("SIG")
