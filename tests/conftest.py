"""What the tests share: starting init, waiting for it, and cleaning up.

run(arguments, how=...) runs init to its end; start(arguments, how=...) gives a
handle on a running one. Both are fixtures. `arguments` are the words after the
program's name. With how="pid1" init is PID 1 of a PID namespace with a /proc of its
own, with how="plain" an ordinary process. A test that takes the fixture `how` runs
both ways.

INIT names the program under test, which may be another init (INIT=/usr/bin/tini), and
PROBE the program that it runs. DEADLINE is how many seconds a test waits for anything.
"""
import atexit
import ctypes
import fcntl
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

# Modules that several test files share.
sys.path.insert(0, str(Path(__file__).resolve().parent / "harness"))
import emulated  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def for_everyone(program):
    """The path of the program, or of a copy where other users cannot reach it (below /root)."""
    program = os.path.abspath(program)
    if os.geteuid() or not os.path.exists(program) or all(
            folder.stat().st_mode & 0o001 for folder in Path(program).parents):
        return program
    folder = tempfile.mkdtemp(prefix="init-tests.")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.chmod(folder, 0o755)
    return shutil.copy(program, folder)


INIT = for_everyone(os.environ.get("INIT") or ROOT / "build" / "init")
PROBE = for_everyone(os.environ.get("PROBE") or ROOT / "build" / "probe")
DEADLINE = float(os.environ.get("DEADLINE") or 15)
AS_ROOT = os.geteuid() == 0
# init counts in whole milliseconds: a time of its may be over by this much earlier, in seconds.
TICK = 0.001
# These take the command's options for their own, which only one test is about.
DASHES = ["--"] if os.path.basename(INIT).startswith(("tini", "dumb-init", "catatonit")) else []
NAMESPACE = ["unshare", "-pf" if AS_ROOT else "-Urpf", "--mount-proc", "--kill-child"]
MARKER = "INIT_TEST"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The options of sanitizers are passed to the program, and nothing else of our environment.
PASSED = {k: v for k, v in os.environ.items() if k in ("ASAN_OPTIONS", "UBSAN_OPTIONS")}
# As `nohup make test` has them: Python resets only PIPE and XFSZ for its children.
IGNORED = [s for s in signal.valid_signals() if signal.getsignal(s) == signal.SIG_IGN]

LIBC, LIBC_SIGNALS = ctypes.CDLL(None, use_errno=True), (32, 33)
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
NS_GET_MNTNS_ID = 0x8008B705  # <linux/nsfs.h>
OWN_MOUNTS = False  # whether this process has a mount namespace of its own
RT_SIGACTION = {"x86_64": 13, "aarch64": 134}.get(os.uname().machine)


def sanitized():
    """Whether INIT is built with a sanitizer, or runs in an emulator."""
    program = Path(INIT).read_bytes()
    return b"__asan_init" in program or program.startswith(b"#!")


# ---- processes, as /proc shows them


def status_of(pid, root="/proc"):
    """/proc/PID/status as a dict, or None if the process is gone."""
    try:
        text = Path(root, str(pid), "status").read_text(errors="replace")
    except OSError:
        return None
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def processes(root="/proc"):
    """pid -> status of all processes."""
    found = {}
    for entry in os.listdir(root):
        if entry.isdigit() and (status := status_of(entry, root)) and "PPid" in status:
            found[int(entry)] = status
    return found


def descendants(pid, everyone=None):
    """pid -> status, parents before their children."""
    everyone = everyone or processes()
    found, todo = {}, [pid]
    for parent in todo:
        for child, status in everyone.items():
            if int(status["PPid"]) == parent and child not in found:
                found[child] = status
                todo.append(child)
    return found


def is_alive(pid):
    status = status_of(pid)
    return bool(status) and not status["State"].startswith(("Z", "X"))


def marked(token):
    """The live processes that carry a test's marker in their environment."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environ = Path("/proc", entry, "environ").read_bytes()
        except OSError:
            continue
        if f"{MARKER}={token}".encode() in environ.split(b"\0") and is_alive(entry):
            found.append(int(entry))
    return found


def kill_all(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
    return pids


def halt(pid):
    """Stops a process by SIGSTOP, and waits until it is stopped."""
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: (status_of(pid) or {"State": "?"})["State"][0] in "Tt", what="the stop")


def switches(pid):
    """The number of context switches of a process, voluntary and not."""
    status = status_of(pid)
    return sum(int(status[f"{kind}_ctxt_switches"]) for kind in ("voluntary", "nonvoluntary"))


def come_to_rest(*pids):
    """Waits until processes sleep and have slept for a while: a process shows as sleeping before
    its last context switch is counted."""
    def look():
        return [(status_of(pid)["State"][0], switches(pid)) for pid in pids]

    def rests():
        before = look()
        time.sleep(0.05)
        return look() == before and {state for state, _ in before} == {"S"}

    eventually(rests, what="sleep of all processes")


# Delays the child between the fork and the exec of the command, or of a session.
SLOW_START = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=setpgid,setsid",
              "-e", "inject=setpgid,setsid:delay_enter=400000"]


def eventually(predicate, deadline=DEADLINE, what="the condition"):
    """Waits until predicate() is true, and returns its value."""
    end = time.monotonic() + deadline
    while not (value := predicate()):
        if time.monotonic() > end:
            pytest.fail(f"{what} did not come true within {deadline:g} s")
        time.sleep(0.01)
    return value


# ---- init, running


class Running:
    """A started init. Its stdout is a pipe read by line(), stderr a file, stdin empty."""

    def __init__(self, command, how, inside, **popen):
        self.how, self.inside = how, inside
        self.lines, self.pid_seen = [], None
        self.errors = tempfile.TemporaryFile()
        self.buffer = b""
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", self.errors)
        self.popen = subprocess.Popen(command, preexec_fn=self.isolate, **popen)

    @staticmethod
    def isolate():
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        # glibc's posix_spawn, which make uses, leaves the C library's own signals ignored.
        for number in LIBC_SIGNALS if RT_SIGACTION else ():
            LIBC.syscall(RT_SIGACTION, number, bytes(32), None, 8)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.umask(0o022)

    def find_init(self):
        if self.popen.poll() is not None:
            pytest.fail(f"ended at the start with {self.popen.returncode}: {self.stderr()}")
        below = descendants(self.popen.pid)
        if status := status_of(self.popen.pid):
            below = {self.popen.pid: status, **below}
        for pid, status in below.items():
            namespaces = status.get("NSpid", "").split()
            if self.how == "pid1" and (len(namespaces) < 2 or namespaces[-1] != "1"):
                continue
            # Before its exec it still has the name of the program that started it.
            if status["Name"].strip() not in self.inside:
                return pid
        return None

    @property
    def init_pid(self):
        """The pid of init outside."""
        if self.pid_seen is None:
            self.pid_seen = eventually(self.find_init, what="init's process")
        return self.pid_seen

    def signal(self, number):
        os.kill(self.init_pid, number)

    def status(self):
        return status_of(self.init_pid)

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def read(self, end):
        """One read of stdout; False at its end."""
        left = end - time.monotonic()
        ready, _, _ = select.select([self.popen.stdout], [], [], max(left, 0))
        if not ready:
            return None
        data = os.read(self.popen.stdout.fileno(), 65536)
        self.buffer += data
        return bool(data)

    def line(self, regex="", deadline=DEADLINE):
        """Waits for a line of stdout that the regex matches, and returns the match."""
        end = time.monotonic() + deadline
        while True:
            while b"\n" in self.buffer:
                line, self.buffer = self.buffer.split(b"\n", 1)
                self.lines.append(line.decode(errors="replace"))
                if match := re.search(regex, self.lines[-1]):
                    return match
            if not (more := self.read(end)):
                why = "not printed in time" if more is None else "stdout ended without"
                pytest.fail(f"{why}: /{regex}/\nlines: {self.lines[-20:]}\n"
                            f"stderr: {self.stderr()}")

    def rest(self, deadline=DEADLINE):
        """All output on stdout until its last writer closes it."""
        end = time.monotonic() + deadline
        while more := self.read(end):
            pass
        if more is None:
            pytest.fail(f"somebody keeps stdout open; stderr: {self.stderr()}")
        text, self.buffer = self.buffer.decode(errors="replace"), b""
        return text

    def wait(self, deadline=DEADLINE):
        """The exit code, which unshare passes on if init is PID 1."""
        try:
            return self.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            below = "\n".join(f"{pid} {status['Name']} {status['State']}"
                              for pid, status in descendants(self.popen.pid).items())
            pytest.fail(f"did not end within {deadline:g} s; stderr: {self.stderr()}\n{below}")

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if pipe:
                pipe.close()
        self.errors.close()


class Starter:
    """Starts init for one test, and kills what still runs after it."""

    def __init__(self, token):
        self.token, self.all = token, []

    def __call__(self, arguments, how="pid1", *, program=None, wrap=(), outer=(), env=None,
                 dashes=DASHES, **popen):
        """wrap is put before init, inside the namespace, and execs it; outer is put before all.

        dashes are put before the command, if there are no options but -g."""
        environment = {"PATH": PATH, "LC_ALL": "C", MARKER: self.token, **PASSED, **(env or {})}
        environment = {k: v for k, v in environment.items() if v is not None}
        arguments = [str(w) for w in arguments]
        at = arguments[:1].count("-g")
        if dashes and arguments[at:] and not arguments[at].startswith("-"):
            arguments[at:at] = dashes
        prefix = [str(w) for w in (*outer, *(NAMESPACE if how == "pid1" else []), *wrap)]
        inside = {os.path.basename(word)[:15] for word in prefix}
        inside |= {"unshare", Path("/proc/self/comm").read_text().strip()}
        command = [*prefix, str(program or INIT), *arguments]
        running = Running(command, how, inside, env=environment, **popen)
        self.all.append(running)
        return running

    def close(self):
        """Processes that outlive an init that has exited are left for the leak check to find."""
        if any(one.popen.poll() is None for one in self.all):
            eventually(lambda: not kill_all(self.alive()), what="the end of what was started")
        for one in self.all:
            one.close()

    def alive(self):
        return [pid for pid in marked(self.token)] + [
            one.pid_seen for one in self.all
            if one.pid_seen and one.popen.poll() is None and is_alive(one.pid_seen)]


def mounts(pid=None):
    """The lines of a process's mountinfo. Without a pid, those of the tests' own mount namespace,
    or none if they may not have one: then they cannot mount anything outside of a container."""
    if pid is None and not OWN_MOUNTS:
        return set()
    return set(Path(f"/proc/{pid or 'thread-self'}/mountinfo").read_text().splitlines())


def descriptors():
    return {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
            if os.path.islink(f"/proc/self/fd/{fd}")}


@pytest.fixture(autouse=True)
def marker():
    """Gives a test its marker, and checks that the test leaves nothing behind."""
    token = uuid.uuid4().hex
    mounts_before, descriptors_before = mounts(), descriptors()
    yield token
    left = []

    def gone():
        left[:] = marked(token)
        return not left

    try:
        eventually(gone, what="the end of all processes of the test")
    except pytest.fail.Exception:
        names = [f"{pid} {(status_of(pid) or {}).get('Name')}" for pid in left]
        kill_all(left)
        pytest.fail(f"left running: {names}")
    assert not mounts() - mounts_before, "a mount was left"
    assert set(descriptors()) <= set(descriptors_before), "a descriptor of the tests was left open"


@pytest.fixture(params=["pid1", "plain"])
def how(request):
    return request.param


@pytest.fixture
def start(marker):
    starter = Starter(marker)
    yield starter
    starter.close()


@pytest.fixture
def run(start):
    """Runs init to its end. Output goes to files, so that processes which keep it open are not
    waited for."""

    def run(arguments, how="pid1", *, deadline=DEADLINE, **options):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            options = {"stdout": out, "stderr": err, **options}
            running = start(arguments, how, **options)
            code = running.wait(deadline)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(running.popen.args, code,
                                               out.read().decode(errors="replace"),
                                               err.read().decode(errors="replace"))

    return run


def enter_own_mount_namespace():
    """Leaves the host's mount namespace, so that mounts that others make there are not seen.

    The copy is private: what is mounted on either side does not appear on the other. Returns
    whether that is permitted, as it is for root with CAP_SYS_ADMIN. An ordinary user could do it
    in a user namespace, but then the tests would not be those of an ordinary user.

    A mount namespace can be bind-mounted only in an older one. Since Linux 6.18 each CPU has a
    counter of its own, and a later namespace may have a lower number. So one is made on each CPU,
    and that with the lowest number is kept: all that are made later have a higher one."""
    made, cpus, directory = [], os.sched_getaffinity(0), os.getcwd()
    for cpu in cpus:
        os.sched_setaffinity(0, {cpu})
        if LIBC.unshare(CLONE_NEWNS):
            os.sched_setaffinity(0, cpus)
            return False
        fd = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        made.append((mount_namespace_id(fd), fd))
    os.sched_setaffinity(0, cpus)
    if LIBC.setns(min(made)[1], CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "cannot enter the mount namespace")
    for _, fd in made:
        os.close(fd)
    os.chdir(directory)
    if LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "cannot make mounts private")
    return True


def mount_namespace_id(fd):
    """The number by which the kernel tells which of two is older; 0 before Linux 6.11."""
    number = bytearray(8)
    try:
        fcntl.ioctl(fd, NS_GET_MNTNS_ID, number)
    except OSError:
        return 0
    return int.from_bytes(number, sys.byteorder)


def pytest_configure(config):
    global OWN_MOUNTS
    sys.dont_write_bytecode = True
    OWN_MOUNTS = enter_own_mount_namespace()
    for program in (INIT, PROBE):
        if not os.access(program, os.X_OK):
            pytest.exit(f"{program} is missing: run make first", 2)


def pytest_collection_modifyitems(items):
    emulated.skip(items, INIT)


def pytest_report_header(config):
    return f"init under test: {INIT}, as uid {os.geteuid()}"
