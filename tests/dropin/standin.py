"""Containers for images.py: a root directory, an init in it, and a stand-in for the application.

`probe application` prints how it was started and which signals it and three helpers get; see there.
The namespaces are made by unshare(1), so that neither an engine nor root is needed.
"""
import collections
import fcntl
import itertools
import json
import os
import re
import select
import shutil
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

from conftest import (AS_ROOT, DEADLINE, INIT, PATH, PROBE, descendants, eventually, is_alive,
                      status_of)

UNSHARE = ["unshare", "-pf" if AS_ROOT else "-Urpf", "--mount-proc", "--kill-child"]
PLAN = "APPLICATION"
# Sent through init, and to a helper alone: both tell that what was sent before has arrived, as the
# kernel delivers lower numbers first.
BARRIERS, ECHO = range(45, 61), 62
SYNCHRONOUS = ["ILL", "TRAP", "ABRT", "BUS", "FPE", "SEGV", "SYS"]
SIGNALS = ["HUP", "INT", "QUIT", "USR1", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CONT", "TSTP",
           "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "RTMIN",
           *SYNCHRONOUS]
KEYS = {b"\x03": "INT", b"\x1c": "QUIT", b"\x1a": "TSTP"}
ROLES = ["main", "worker", "job", "daemon"]


# ---- root directories


def libraries(program):
    """What a dynamic program needs."""
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(?:=> |^\s+)(/\S+)", text, re.M)


class Base:
    """The programs that roots are made of: paths inside -> copies, which are linked into a root."""

    def __init__(self, directory):
        self.directory, self.copies, self.files = directory, {}, {}
        for name in ("sh", "bash", "env"):
            found = shutil.which(name, path=PATH)
            assert found, f"{name} is not installed"
            self.add(f"/bin/{name}", found)
        self.add("/bin/probe", PROBE)

    def copy(self, program):
        if program not in self.copies:
            copy = self.directory / f"{len(self.copies)}-{os.path.basename(program)}"
            self.copies[program] = shutil.copy(program, copy)
            copy.chmod(0o755)
            for library in libraries(program):
                self.files[library] = self.copy(library)
        return self.copies[program]

    def add(self, inside, program):
        self.files[inside] = self.copy(program)

    def make(self, image, program, root):
        """Makes a root for an image, in which that program is the init."""
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / name).mkdir(parents=True)
            (root / name).symlink_to(f"usr/{name}")
        copy = self.copy(program)
        for inside, file in [*self.files.items(), (image.at, copy)]:
            os.link(file, path_of(root, inside))
        standin = (f'{image.by}\nexec /bin/probe application "$0" "$@"\n'
                   if image.by else "#!/bin/probe application\n")
        for inside, text in {image.app: standin, **image.scripts}.items():
            if inside:
                path = path_of(root, inside)
                path.write_text(text)
                path.chmod(0o755)
        (root / "proc").mkdir()
        path_of(root, "/dev/null").touch()  # A device takes root; nobody reads or writes it.
        (root / image.workdir[1:]).mkdir(parents=True, exist_ok=True)


def path_of(root, inside):
    path = root / inside[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def program_of(image, ours):
    if ours:
        return INIT
    found = shutil.which(image.peer, path=PATH)
    assert found, f"{image.peer} is not installed: run tests/deps.sh test"
    return found


# ---- containers


class Container:
    """An image that runs with one of the two inits, as PID 1."""
    first = []  # what is PID 1 instead, up to the words of the image
    known = {0: "outside"}
    signals = SIGNALS

    def __init__(self, start, root, image, plan, *, terminal=False):
        self.roles, self.outside, self.received = {}, {}, []
        self.report, self.init_seen, self.code = None, None, None
        self.barriers = itertools.cycle(BARRIERS)
        self.sent, self.back = collections.Counter(), collections.Counter()
        self.terminal, slave = os.openpty() if terminal else (None, None)
        streams = {}
        if terminal:
            modes = termios.tcgetattr(slave)
            modes[3] = modes[3] & ~termios.ECHO | termios.NOFLSH
            termios.tcsetattr(slave, termios.TCSANOW, modes)
            streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        with open("/dev/null", "rb") as null:
            self.extra = fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, 20)
        try:
            self.running = start(
                ["/bin/probe", "with", "--ignore", int(signal.SIGPIPE), "--", "/bin/probe",
                 "terminal" if terminal else "session", *image.words], "plain", program="/bin/env",
                outer=[*UNSHARE, "-R", root, "-w", image.workdir, *self.first],
                env={"LC_ALL": None, "HOSTNAME": "4f2a61c0d1b7", "HOME": "/root", **image.env,
                     "PATH": image.path, PLAN: plan}, dashes=[], pass_fds=[self.extra], **streams)
        finally:
            os.close(self.extra)
            if terminal:
                os.close(slave)
        if terminal:
            self.running.read = self.read_terminal

    def read_terminal(self, end):
        """Running.read for the other side of the terminal."""
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
        self.running.lines.append(line)
        kind, _, rest = line.partition(" ")
        if kind == "role":
            role, pid, parent, group, session, name = rest.split(" ", 5)
            self.roles[role] = (int(pid), int(parent), int(group), int(session), name)
        elif kind == "signal":
            role, sent, sender = rest.split()
            if int(sent) in BARRIERS or int(sent) == ECHO:
                self.back[role, int(sent)] += 1
            else:
                self.received.append((role, int(sent), int(sender)))
        elif kind == "init":
            self.init_seen = json.loads(rest)
        elif kind == "ended":
            self.code = int(rest)
        elif line.startswith("{"):
            self.report = json.loads(line)

    def read(self, end):
        """Takes the lines that have come; False at the end of the output."""
        more = self.running.read(end)
        *lines, self.running.buffer = self.running.buffer.split(b"\n")
        for line in lines:
            self.take(line.decode())
        return more

    def read_until(self, condition, what):
        """Reads until the condition holds, which may also look at processes."""
        end = time.monotonic() + DEADLINE
        while not condition():
            more = self.read(min(end, time.monotonic() + 0.01))
            if not condition() and (more is False or time.monotonic() > end):
                pytest.fail(f"{what} did not come; lines: {self.running.lines[-5:]}, "
                            f"stderr: {self.running.stderr()}")

    def get_ready(self):
        self.read_until(lambda: "ready" in self.running.lines, "ready")
        inside = {int(status["NSpid"].split()[-1]): pid
                  for pid, status in descendants(self.running.popen.pid).items()
                  if len(status["NSpid"].split()) > 1}
        self.outside = {role: inside[self.roles[role][0]] for role in ROLES}
        self.outside["init"] = inside[self.roles["main"][1]]
        return self

    # -- what is seen of it

    def name(self, pid):
        """Whose pid it is."""
        known = {self.roles["main"][1]: "init",
                 **{own: role for role, (own, *_) in self.roles.items()}}
        return known.get(pid) or self.known.get(pid, str(pid))

    def tree(self):
        return {f"tree: {role}": f"{name}, child of {self.name(parent)}, in the group of "
                f"{self.name(group)} and the session of {self.name(session)}"
                for role, (_, parent, group, session, name) in self.roles.items()}

    def stopped(self, role):
        return status_of(self.outside[role])["State"].startswith("T")

    def mark(self, pid, role, sent):
        self.sent[role, sent] += 1
        os.kill(pid, sent)

    def came_back(self, role, sent):
        return self.back[role, sent] == self.sent[role, sent]

    def arrived(self, barrier):
        """Whether main has told it, or is stopped and has it pending, or init is and has."""
        def has(role):
            status = status_of(self.outside[role])
            return (status["State"].startswith("T")
                    and int(status["ShdPnd"], 16) >> (barrier - 1) & 1)

        return self.came_back("main", barrier) or has("main") or has("init")

    def pass_barrier(self):
        barrier = next(self.barriers)
        self.mark(self.outside["init"], "main", barrier)
        return barrier

    def settle(self):
        """Waits until what was sent to init has arrived; returns which processes are stopped."""
        end, barrier, reads = time.monotonic() + DEADLINE, self.pass_barrier(), 0
        while not self.arrived(barrier):
            more = self.read(time.monotonic() + 0.01)
            if more is False or time.monotonic() > end:
                pytest.fail(f"no barrier; lines: {self.running.lines[-5:]}")
            reads += 1
            # One that is stopped may have taken the barrier without having told it yet.
            if reads % 5 == 0 and (self.stopped("main") or self.stopped("init")):
                barrier = self.pass_barrier()
        for role in ROLES:
            self.mark(self.outside[role], role, ECHO)
            self.read_until(lambda role=role: self.came_back(role, ECHO) or self.stopped(role),
                            f"the echo of {role}")
        return [role for role in ("init", *ROLES) if self.stopped(role)]

    def heard(self):
        return [one[:2] for one in self.received]

    def seen(self, stopped=()):
        """Who got which signal from whom, and who is stopped."""
        return ([f"{role} got {name_of(sent)} from {self.name(sender)}"
                 for role, sent, sender in sorted(self.received)]
                + [f"{role} stopped" for role in stopped])

    def send(self, name):
        """What a signal to init does."""
        self.received = []
        os.kill(self.outside["init"], number_of(name))
        return self.seen(self.settle())

    def press(self, key, name):
        """What a key does; by whom a signal comes is not told, as init may forward it as well."""
        self.received = []
        os.write(self.terminal, key)
        self.read_until(lambda: ("main", number_of(name)) in self.heard(), f"{name} by the key")
        self.settle()
        return sorted({f"{role} got {name_of(sent)}" for role, sent in self.heard()})

    def wake(self):
        """Continues what is stopped, by a signal to init and, where that is not enough, by hand."""
        seen = self.send("CONT")
        for role in ROLES:
            if self.stopped(role):
                seen.append(f"{role} is still stopped")
                os.kill(self.outside[role], signal.SIGCONT)
        self.settle()
        return seen

    def started(self):
        """How the application was started, and what init keeps of it."""
        self.settle()
        self.read_until(lambda: self.init_seen, "what is seen of init")
        report, inside = self.report, self.init_seen
        streams = {"0": "stdin", "1": "stdout", "2": "stderr", str(self.extra): "another"}
        return {
            **{key: report[key] for key in ("args", "env", "blocked", "ignored", "cwd", "uid", "gid",
                                            "groups", "no_new_privs", "pdeathsig")},
            "descriptors": {streams.get(fd, fd): re.sub(r"\d+", "N", target)
                            for fd, target in report["fds"].items()},
            **self.tree(),
            "init: name": inside["name"],
            "init: directory": inside["cwd"],
            "init: words": Path(f"/proc/{self.outside['init']}/cmdline").read_text().split("\0"),
            **{f"init: holds {stream}": inside["fds"].get(fd) == report["fds"][fd]
               for fd, stream in streams.items()},
        }

    def end(self, since):
        """The exit code, the signals of the end, the messages, and the seconds that it took."""
        end = time.monotonic() + DEADLINE
        while self.read(end):
            pass
        code = self.running.wait()
        took = time.monotonic() - since
        return {"code": code, "messages": re.sub(r"\d+", "N", self.running.stderr())}, took

    def close(self):
        if self.terminal is not None:
            os.close(self.terminal)


class Pod(Container):
    """The same in a PID namespace that is another's, as in a pod with shareProcessNamespace."""
    first = ["/bin/sh", "-c", '"$@"; echo "ended $?"; exec /bin/probe signals --until 15', "sh"]
    known = {0: "outside", 1: "the pod"}
    signals = [name for name in SIGNALS if name not in SYNCHRONOUS]  # they kill a peer

    def get_ready(self):
        super().get_ready()
        self.pod = next(
            pid for pid, status in descendants(self.running.popen.pid).items()
            if status["NSpid"].split()[1:] == ["1"])
        return self

    def end(self, since):
        """The exit code, who lives then, the messages, and the seconds that it took."""
        self.read_until(lambda: self.code is not None, "the end")
        took, lives = time.monotonic() - since, []
        for role in ROLES[1:]:
            if is_alive(self.outside[role]):
                self.mark(self.outside[role], role, ECHO)
                self.read_until(lambda role=role: self.came_back(role, ECHO)
                                or not is_alive(self.outside[role]), f"the echo of {role}")
                lives += [role] if is_alive(self.outside[role]) else []
        self.read_until(lambda: self.running.lines.count("ready") == 2, "the end of init")
        os.kill(self.pod, signal.SIGTERM)
        assert self.running.wait() == 0
        return {"code": self.code, "lives": lives,
                "messages": re.sub(r"\d+", "N", self.running.stderr())}, took


def number_of(name):
    return 16 if name == "STKFLT" else int(getattr(signal, f"SIG{name}"))


def name_of(sent):
    if sent >= signal.SIGRTMIN:
        return f"RTMIN+{sent - signal.SIGRTMIN}"
    return "STKFLT" if sent == 16 else signal.Signals(sent).name.removeprefix("SIG")


class Pause:
    """Init without a command."""

    def __init__(self, start, root, image):
        self.go = root / "go"
        self.go.unlink(missing_ok=True)
        self.running = start(
            ["-c", '/bin/probe wait /go /bin/probe exit 0 & exec "$0" "$@"', *image.words], "plain",
            program="/bin/sh", outer=[*UNSHARE, "-R", root], env={"PATH": image.path}, dashes=[])
        name = os.path.basename(image.at)[:15]
        self.pid = eventually(lambda: self.find(1, name), what="init")
        self.orphan = eventually(lambda: self.find(2, "probe"), what="the orphan")
        eventually(lambda: int(status_of(self.pid)["SigBlk"], 16), what="init's mask")
        self.rests()

    def find(self, inside, name):
        for pid, status in descendants(self.running.popen.pid).items():
            if status["NSpid"].split()[1:] == [str(inside)] and status["Name"] == name:
                return pid
        return None

    def rests(self):
        """Waits until it has ended, or sleeps and nothing wakes it; returns whether it sleeps."""
        def look():
            status = status_of(self.pid)
            return status and (status["State"][0], status["voluntary_ctxt_switches"])

        def quiet():
            before = look()
            time.sleep(0.05)
            return self.running.popen.poll() is not None or (
                look() == before and before and before[0] == "S")

        eventually(quiet, what="rest")
        return self.running.popen.poll() is None

    def send(self, name):
        """What a signal to init does, and the seconds until then."""
        began = time.monotonic()
        os.kill(self.pid, number_of(name))
        lives = self.rests()
        return "lives" if lives else f"exits with {self.running.wait()}", time.monotonic() - began

    def reaps(self):
        """Whether it reaps an orphan."""
        self.go.touch()
        eventually(lambda: not is_alive(self.orphan), what="the end of the orphan")
        self.rests()
        return status_of(self.orphan) is None
