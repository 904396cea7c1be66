"""An operator for the tests: initctl and a container to run it on.

The fixture control starts init with a socket, and runs initctl against it: run() to
its end, popen() without waiting, on_terminal() on a pty. INITCTL names the program
under test. Test files import the fixture from here.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
from pathlib import Path

import pytest

from conftest import (DEADLINE, IGNORED, INIT, MARKER, PASSED, PATH, PROBE, ROOT, descendants,
                      eventually, for_everyone, sanitized)
from terminal import BASH, Terminal

INITCTL = for_everyone(os.environ.get("INITCTL") or ROOT / "build" / "initctl")
GONE = 137

# Executes init in another root; the socket's file stays outside, and its descriptor is passed.
HELPER = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1]); listener.listen(64)
listener.set_inheritable(True)
os.chroot(sys.argv[2]); os.chdir("/")
os.execv("/init", ["init", "--control-fd", str(listener.fileno()), "--", "/app", "signals"])
"""


def unignore():
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)


class Control:
    def __init__(self, start, marker, directory):
        self.start_init, self.marker, self.directory = start, marker, Path(directory)
        self.socket = self.directory / "s"
        self.init, self.clients, self.terminals = None, [], []

    # ---- the container

    def start(self, *options, command=("sleep", "1000"), how="pid1", wait=True, **starting):
        self.init = self.start_init(["--control", self.socket, *options, "--", *command], how,
                                    **starting)
        if wait:
            self.wait_listens()
        return self

    def wait_listens(self):
        def listens():
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                return not one.connect_ex(str(self.socket))

        eventually(listens, what="the control socket")

    def start_in_empty_root(self, devpts=False, options=""):
        """Starts init in a root with nothing but init and an app, with the socket outside."""
        if sanitized():
            pytest.skip("a build with sanitizers is dynamic")
        root = self.directory / "root"
        (root / "proc").mkdir(parents=True)
        shutil.copy(INIT, root / "init")
        shutil.copy(PROBE, root / "app")
        lines = ["mount -t proc none proc"]
        if devpts:
            (root / "dev/pts").mkdir(parents=True)
            lines += ["mount -t devpts -o newinstance,ptmxmode=0666 none dev/pts",
                      "ln -s pts/ptmx dev/ptmx"]
        lines.append(f"export INIT_OPTIONS='{options}'")
        self.init = self.start_init(
            ["-c", HELPER, self.socket, root], program="/usr/bin/python3",
            wrap=["sh", "-ec", f"cd {root}; {'; '.join(lines)}; exec \"$@\"", "sh"])
        self.wait_listens()
        return self

    def pid(self):
        return self.init.init_pid

    def inside(self, pid):
        """The pid outside of the process that has this pid in the container."""
        for found, status in descendants(self.pid()).items():
            if status["NSpid"].split()[-1] == str(pid):
                return found
        return None

    @staticmethod
    def children(pid):
        """The children of a client, once there are some."""
        return eventually(lambda: list(descendants(pid)), what="a child")

    def sessions(self):
        return self.lines("sessions")

    def wait_sessions(self, count):
        return eventually(lambda: len(found := self.sessions()) == count and (found or True),
                          what=f"{count} sessions")

    # ---- the operator

    def environment(self, **more):
        given = {"PATH": PATH, "LC_ALL": "C", "TERM": "xterm", MARKER: self.marker, **PASSED,
                 "INIT_SOCKET": str(self.socket), **more}
        return {key: value for key, value in given.items() if value is not None}

    def popen(self, *words, env=None, outer=(), **popen):
        """Starts initctl; outer is put before it, and execs it."""
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        popen.setdefault("preexec_fn", unignore)
        one = subprocess.Popen([*outer, INITCTL, *words], env=self.environment(**(env or {})), **popen)
        self.clients.append(one)
        return one

    def run(self, *words, input=None, deadline=DEADLINE, text=True, **popen):
        """Runs initctl to its end, as a CompletedProcess."""
        if input is not None:
            popen["stdin"] = subprocess.PIPE
        if text:
            popen["errors"] = "surrogateescape"
        one = self.popen(*words, **popen)
        try:
            out, err = one.communicate(input, deadline)
        except subprocess.TimeoutExpired:
            one.kill()
            out, err = one.communicate()
            pytest.fail(f"initctl {words} did not end; stdout: {out[-300:]!r} stderr: {err!r}")
        return subprocess.CompletedProcess(words, one.returncode, out, err)

    def output(self, *words, **options):
        """What initctl prints; it must succeed, with an empty stderr."""
        done = self.run(*words, **options)
        assert (done.returncode, done.stderr) == (0, "" if isinstance(done.stderr, str) else b"")
        return done.stdout

    def lines(self, *words):
        return [json.loads(line) for line in self.output("--json", *words).splitlines()]

    def on_terminal(self, *words, shell=BASH, **options):
        """Runs initctl with these words on a terminal; without words, an interactive shell."""
        env = {"INIT_SOCKET": str(self.socket), "INITCTL": INITCTL, **options.pop("env", {})}
        one = Terminal([INITCTL, *words] if words else shell,
                       self.marker, env=env, **options)
        self.terminals.append(one)
        return one

    # ---- the end

    def close(self):
        for one in self.terminals:
            one.close()
        for one in self.clients:
            if one.poll() is None:
                one.kill()
            one.wait()
            for file in (one.stdin, one.stdout, one.stderr):
                if file and not file.closed:
                    try:
                        file.close()
                    except BrokenPipeError:
                        pass


@pytest.fixture
def control(start, marker):
    # The path of a socket must be short; those of pytest's folders are not.
    directory = tempfile.mkdtemp(prefix="ctl.")
    one = Control(start, marker, directory)
    yield one
    one.close()
    start.close()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def container(control):
    """The common case: a container whose command sleeps."""
    return control.start()


def one_line(done, code, *parts):
    """Checks that an error is one line on stderr with these parts, and nothing on stdout."""
    assert done.returncode == code, done
    assert not done.stdout, done
    assert done.stderr.startswith("initctl: ") and done.stderr.count("\n") == 1, done
    for part in parts:
        assert part in done.stderr, (part, done)


def modes(terminal):
    return termios.tcgetattr(terminal.master)
