"""A terminal for the tests: a pty, the programs on it, and the keys that are typed.

Terminal(command) starts a command as leader of a session of its own whose
controlling terminal is the pty. press() and type() send keys; expect() waits until a
regex matches the output since the last expect(), and returns the match. The terminal
does not echo, so all output comes from programs. Its state in the kernel (foreground
group, modes, size) is read through the master.
"""
import collections
import fcntl
import os
import re
import resource
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from conftest import (DEADLINE, IGNORED, MARKER, PASSED, PATH, descendants, eventually, kill_all, marked,
                      status_of)

INTERRUPT, QUIT, SUSPEND, END = "\x03", "\x1c", "\x1a", "\x04"
PROMPT = "ready> "
BASH = ["bash", "--norc", "--noprofile", "--noediting", "-i"]

Process = collections.namedtuple("Process", "pid name state ppid pgrp session tty foreground")


def process(pid):
    """The fields of /proc/PID/stat, or None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    name, rest = text.split("(", 1)[1].rsplit(")", 1)
    state, *numbers = rest.split()[:6]
    return Process(int(pid), name, state, *map(int, numbers))


class Terminal:
    def __init__(self, command, token, *, own=True, rows=24, columns=80, env=None, **popen):
        """own=False: the command has the terminal as stdio only, and not as controlling one."""
        self.output, self.seen = "", ""
        self.master, slave = os.openpty()
        try:
            self.resize(rows, columns)
            modes = termios.tcgetattr(slave)
            modes[3] &= ~termios.ECHO
            # Else the kernel drops what was printed when a key sends a signal, and after it has
            # sent that: what a process prints at once may be lost.
            modes[3] |= termios.NOFLSH
            termios.tcsetattr(slave, termios.TCSANOW, modes)
            self.modes_before = termios.tcgetattr(slave)

            def become():
                os.setsid()
                if own:
                    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                for number in IGNORED:
                    signal.signal(number, signal.SIG_DFL)
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

            environment = {"PATH": PATH, "LC_ALL": "C", "TERM": "xterm", "PS1": PROMPT,
                           "HISTFILE": "", "LESSHISTFILE": "-", MARKER: token, **PASSED,
                           **(env or {})}
            self.popen = subprocess.Popen([str(word) for word in command], stdin=slave,
                                          stdout=slave, stderr=slave, preexec_fn=become,
                                          env=environment, **popen)
        except BaseException:
            os.close(self.master)
            raise
        finally:
            os.close(slave)

    # ---- keys and output

    def press(self, keys):
        data = keys.encode()
        while data:
            data = data[os.write(self.master, data):]

    def type(self, line):
        self.press(line + "\n")

    def read(self, timeout):
        """Reads what there is; False if no process has the terminal open any more."""
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += data.decode(errors="replace")
        return bool(data)

    def expect(self, regex, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while not (match := re.search(regex, self.output)):
            left = end - time.monotonic()
            if left < 0 or not self.read(left):
                why = "not printed in time" if left < 0 else "the terminal was closed before"
                pytest.fail(f"{why}: /{regex}/\noutput: {self.output!r}\n"
                            f"before: {self.seen[-600:]!r}\n{self.describe()}")
        self.seen += self.output[:match.end()]
        self.output = self.output[match.end():]
        return match

    def prompt(self):
        """Waits for the shell's prompt; returns what was printed before it."""
        before = len(self.seen)
        self.expect(re.escape(PROMPT))
        return self.seen[before:-len(PROMPT)]

    def run(self, line):
        """Types a line, waits for the next prompt, and returns the output."""
        self.type(line)
        return self.prompt()

    # ---- what the kernel knows

    def foreground(self):
        """The foreground process group, or 0 if there is none."""
        answer = fcntl.ioctl(self.master, termios.TIOCGPGRP, b"\0" * 4)
        return struct.unpack("i", answer)[0]

    def is_raw(self):
        return not termios.tcgetattr(self.master)[3] & termios.ICANON

    def resize(self, rows, columns):
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def until(self, predicate, what):
        """Like eventually(), but a failure shows the state of the terminal."""
        try:
            return eventually(predicate, what=what)
        except pytest.fail.Exception as failure:
            self.read(0)
            pytest.fail(f"{failure}\noutput: {self.output!r}\nbefore: {self.seen[-600:]!r}\n"
                        f"{self.describe()}")

    # ---- the processes

    def pid(self):
        return self.popen.pid

    def all(self, name=None):
        """The terminal's processes and their descendants, as Process; those of a name if given."""
        pids = [self.popen.pid, *descendants(self.popen.pid)]
        found = [one for one in map(process, pids) if one and one.state not in "ZX"]
        return [one for one in found if name in (None, one.name)]

    def find(self, name):
        """The newest process of that name, once there is one."""
        return self.until(lambda: self.all(name), f"a process {name}")[-1]

    def find_foreground(self, name):
        """The newest process of that name, once it sleeps and its group is in the foreground."""
        def waits():
            return [one for one in self.all(name)
                    if one.pgrp == self.foreground() and one.state == "S"]
        return self.until(waits, f"{name} in the foreground")[-1]

    def find_settled(self, name):
        """Like find_foreground(), but waits until it has nothing more to do or print.

        A full-screen program may lose a Ctrl-Z that comes before it waits for a key."""
        def look():
            one = self.find_foreground(name)
            status = status_of(one.pid) or {}
            return one.state, len(self.output), status.get("voluntary_ctxt_switches")

        def rests():
            before = look()
            self.read(0.05)
            return look() == before

        self.until(rests, f"rest of {name}")
        return self.find_foreground(name)

    def wait_gone(self, name):
        self.until(lambda: not self.all(name), f"the end of all {name}")

    def describe(self):
        try:
            foreground = self.foreground()
        except OSError:
            foreground = None
        return "\n".join([f"foreground {foreground}", *map(str, self.all())])

    # ---- the end

    def hang_up(self):
        """Closes the master, as when the window is closed or the line is cut."""
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    def wait(self, deadline=DEADLINE):
        """The exit code of the command, while its output is read."""
        end = time.monotonic() + deadline
        while self.popen.poll() is None:
            if time.monotonic() > end:
                pytest.fail(f"did not end within {deadline:g} s\noutput: {self.output!r}\n"
                            f"{self.describe()}")
            if self.master < 0 or not self.read(0.01):
                time.sleep(0.01)
        return self.popen.returncode

    def close(self):
        self.hang_up()
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()


@pytest.fixture
def terminal(marker):
    started = []

    def start(command, **options):
        started.append(Terminal(command, marker, **options))
        return started[-1]

    yield start

    def is_over():
        # init hides its environment from ordinary users: it is found as a descendant.
        return not kill_all([one.pid for t in started for one in t.all()] + marked(marker))

    for one in started:
        one.hang_up()
    eventually(is_over, what="the end of what the terminal ran")
    for one in started:
        one.close()
