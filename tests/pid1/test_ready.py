"""--ready-fd and --notify: init tells its caller when the command runs."""
import fcntl
import os
import re
import select
import signal
import socket
import struct
import time

import pytest

from channel import Channel
from conftest import AS_ROOT, DEADLINE, PROBE, SLOW_START, descendants, eventually
from container import container, directory, read_all  # noqa: F401
from test_resources import held

SETUP = 125


class Pipes:
    """Makes pipes, and closes the ends that a test left open."""

    def __init__(self):
        self.open = []

    def __call__(self):
        ends = os.pipe2(os.O_CLOEXEC)
        self.open.extend(ends)
        return ends

    def close(self, *fds):
        for fd in fds:
            self.open.remove(fd)
            os.close(fd)


@pytest.fixture
def pipe():
    pipes = Pipes()
    yield pipes
    pipes.close(*pipes.open.copy())


def fill(fd):
    """Fills the pipe, and leaves the flags of its open file as they were."""
    os.set_blocking(fd, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(fd, b"x" * 4096)
    os.set_blocking(fd, True)


def now_in(fd):
    """What can be read without waiting."""
    os.set_blocking(fd, False)
    try:
        return os.read(fd, 1 << 20)
    except BlockingIOError:
        return b""


def await_byte(fd):
    assert select.select([fd], [], [], DEADLINE)[0], "not told in time"


# ---- --ready-fd


@pytest.mark.parametrize("notation", [["--ready-fd", "{}"], ["--ready-fd={}"]], ids=" ".join)
@pytest.mark.parametrize("code", [0, 7])
def test_one_newline_and_the_end(run, how, pipe, notation, code):
    read, write = pipe()
    result = run([*(word.format(write) for word in notation), "sh", "-c", f"exit {code}"], how,
                 pass_fds=[write])
    pipe.close(write)
    assert (result.returncode, result.stderr) == (code, "")
    assert read_all(read) == "\n"


def test_closed_while_the_command_runs(start, pipe):
    read, write = pipe()
    start(["--ready-fd", write, "sleep", "1000"], "plain", pass_fds=[write])
    pipe.close(write)
    assert read_all(read) == "\n"


def test_not_held_any_more(start, how, pipe):
    """The same as PID 1, where unshare has the pipe open as well."""
    read, write = pipe()
    init = start(["--ready-fd", write, "sleep", "1000"], how, pass_fds=[write])
    await_byte(read)
    name = os.readlink(f"/proc/self/fd/{read}")
    eventually(lambda: name not in held(init).values(), what="the end of the descriptor")


def test_not_before_exec(start, how, pipe):
    """When the newline comes, the process group exists and the command's program runs."""
    read, write = pipe()
    began = time.monotonic()
    init = start(["--ready-fd", write, "sleep", "1000"], how, pass_fds=[write], outer=SLOW_START)
    await_byte(read)
    assert time.monotonic() - began > 0.2
    assert "sleep" in [s["Name"].strip() for s in descendants(init.popen.pid).values()]


def test_channel_is_served(container, how, pipe):
    """Once the newline is there, the first attempt to connect succeeds."""
    read, write = pipe()
    box = container.make()
    box.launch("--ready-fd", str(write), how=how, pass_fds=[write])
    await_byte(read)
    channel = box.keep(Channel.connect(box.path, DEADLINE))
    answer = channel.call("status")
    assert (answer.name, answer["state"]) == ("status", "running")


def test_pause(start, how, pipe):
    read, write = pipe()
    init = start(["--ready-fd", write, "--pause"], how, pass_fds=[write])
    await_byte(read)
    init.signal(signal.SIGTERM)
    init.wait()
    pipe.close(write)
    assert read_all(read) == "\n"


FAILURES = {
    "not found": ([], ["/nowhere"], 127),
    "not executable": ([], ["/etc/passwd"], 126),
    "directory": (["--chdir", "/nowhere"], ["true"], SETUP),
    "control": (["--control", "/nowhere/ctl"], ["true"], SETUP),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_never_where_the_start_fails(run, how, pipe, failure):
    options, command, code = FAILURES[failure]
    read, write = pipe()
    result = run(["--ready-fd", write, *options, *command], how, pass_fds=[write])
    pipe.close(write)
    assert result.returncode == code
    assert read_all(read) == ""


def test_never_where_the_channel_is_not_served(run, directory, pipe):
    """Init warns and goes on without the channel; the reader sees the end and no newline."""
    read, write = pipe()
    fault = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=epoll_create1",
             "-e", "inject=epoll_create1:error=EMFILE"]
    result = run(["--ready-fd", write, "--control", directory / "ctl", "true"], "plain",
                 pass_fds=[write], outer=fault)
    pipe.close(write)
    assert result.returncode == 0 and "serve control channel" in result.stderr
    assert read_all(read) == ""


@pytest.mark.parametrize("option", ["--ready-fd", "--status-fd"])
@pytest.mark.parametrize("value", ["0", "1", "2", "-1", "x", "", "3x", "1.5", "99999999999"])
def test_bad_number(run, how, tmp_path, option, value):
    result = run([option, value, "touch", tmp_path / "started"], how)
    assert result.returncode == SETUP
    assert result.stderr == f"init: {option}: bad value '{value}'\n"
    assert not (tmp_path / "started").exists()


def opened(kind):
    if kind == "closed":
        fd = os.open("/dev/null", os.O_RDWR)
        os.close(fd)
        return fd, []
    if kind == "reading end":
        read, write = os.pipe()
        os.close(write)
        return read, [read]
    fd = os.open("/tmp", os.O_PATH) if kind == "path" else os.open("/dev/null", os.O_RDONLY)
    return fd, [fd]


@pytest.mark.parametrize("option", ["--ready-fd", "--status-fd"])
@pytest.mark.parametrize("kind", ["closed", "reading end", "path", "read-only"])
def test_descriptor_that_cannot_be_used(run, tmp_path, option, kind):
    """A descriptor that cannot be used is reported before any child is started."""
    fd, passed = opened(kind)
    trace = tmp_path / "trace"
    try:
        result = run([option, fd, "touch", tmp_path / "started"], "plain", pass_fds=passed,
                     outer=["strace", "-f", "-qq", "-o", trace, "-e",
                            "trace=fork,vfork,clone,clone3"])
    finally:
        for one in passed:
            os.close(one)
    assert result.returncode == SETUP
    assert result.stderr == f"init: cannot take descriptor {fd}: Bad file descriptor\n"
    assert not (tmp_path / "started").exists() and trace.read_text() == ""


@pytest.mark.parametrize("other", ["--status-fd", "--control-fd"])
def test_one_descriptor_for_two(run, tmp_path, other):
    """Two options with the same number are refused: one would close it, and the other write to
    whatever gets the number next."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        fd = theirs.fileno()
        result = run(["--ready-fd", fd, other, fd, "touch", tmp_path / "started"], pass_fds=[fd])
    assert result.returncode == SETUP and "Bad file descriptor" in result.stderr
    assert not (tmp_path / "started").exists()


def test_command_does_not_get_it(run, how, pipe):
    read, write = pipe()
    other_read, other = pipe()
    result = run(["--ready-fd", write, "sh", "-c",
                  f"for fd in {write} {other}; do [ -e /proc/self/fd/$fd ] && echo $fd; done"],
                 how, pass_fds=[write, other])
    assert result.stdout == f"{other}\n", "the command inherits other descriptors"


def test_nobody_reads(run, how, pipe):
    """PID 1 does not wait: if the pipe is full, the newline is lost, and init logs that."""
    read, write = pipe()
    fill(write)
    result = run(["--ready-fd", write, "sh", "-c", "exit 5"], how, pass_fds=[write])
    assert result.returncode == 5
    assert result.stderr == "init: cannot report readiness: Resource temporarily unavailable\n"
    assert b"\n" not in now_in(read)


def test_description_is_left_as_it_was(run, pipe):
    """The flags of the open file do not change, since the caller may write to it as well."""
    read, write = pipe()
    before = fcntl.fcntl(write, fcntl.F_GETFL)
    run(["--ready-fd", write, "true"], pass_fds=[write])
    assert fcntl.fcntl(write, fcntl.F_GETFL) == before
    assert now_in(read) == b"\n"


def test_reader_is_gone(start, how, pipe):
    """If the reader has gone, the SIGPIPE is not forwarded to the command."""
    read, write = pipe()
    pipe.close(read)
    init = start(["--ready-fd", write, PROBE, "signals", "--until", "10"], how, pass_fds=[write])
    init.line("ready")
    eventually(lambda: "report readiness" in init.stderr(), what="the warning")
    init.signal(signal.SIGUSR1)
    init.line("^10 ")
    assert not [line for line in init.lines if line.startswith("13 ")]
    assert init.wait() == 0


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_socket(run, how, kind):
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        ours.settimeout(DEADLINE)
        assert run(["--ready-fd", theirs.fileno(), "true"], how,
                   pass_fds=[theirs.fileno()]).returncode == 0
        assert ours.recv(100) == b"\n"


def test_file(run, how, tmp_path):
    with open(tmp_path / "ready", "ab") as file:
        assert run(["--ready-fd", file.fileno(), "true"], how,
                   pass_fds=[file.fileno()]).returncode == 0
    assert (tmp_path / "ready").read_bytes() == b"\n"


UNSHARE = ["--unshare=pid"] if AS_ROOT else ["--unshare=user,pid", "--map-root"]


def test_outer_process_holds_nothing(start, pipe):
    """Where init makes the PID namespace itself, the outer process has no copy."""
    read, write = pipe()
    init = start([*UNSHARE, "--ready-fd", write, "sleep", "1000"], "plain", pass_fds=[write])
    pipe.close(write)
    assert read_all(read) == "\n"
    init.signal(signal.SIGTERM)
    assert init.wait() == 143


# ---- --notify


class Manager:
    """The receiving end of sd_notify."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(name.replace("@", "\0") if name.startswith("@") else name)
        self.socket.settimeout(DEADLINE)

    def receive(self):
        """(text, pid of the sender)"""
        text, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
        [(_, kind, content)] = ancillary
        assert kind == socket.SCM_CREDENTIALS
        return text.decode(), struct.unpack("3i", content)[0]

    def is_empty(self):
        return not select.select([self.socket], [], [], 0)[0]


@pytest.fixture(params=["path", "abstract"])
def manager(request, directory, marker):
    one = Manager(f"@init-test/{marker}" if request.param == "abstract" else
                  str(directory / "notify"))
    yield one
    one.socket.close()


def test_systemd_is_told(start, how, manager):
    """READY=1 is sent once, by init itself, and the command does not get the variable."""
    init = start(["--notify", "sh", "-c", "echo socket=$NOTIFY_SOCKET; ls /proc/self/fd; "
                  "echo done; exec sleep 1000"], how, env={"NOTIFY_SOCKET": manager.name})
    assert manager.receive() == ("READY=1", init.init_pid)
    assert init.line("socket=")[0] == "socket=" and init.lines[-1] == "socket="
    init.line("done")
    assert init.lines[-5:-1] == ["0", "1", "2", "3"], "ls itself opens 3"
    eventually(lambda: not any("socket:" in what for what in held(init).values()), what="its close")
    init.signal(signal.SIGTERM)
    init.wait()
    assert manager.is_empty()


def test_systemd_is_told_with_stdin_closed(start, how, manager):
    """With stdin closed the socket must not become 0, which is closed or passed as stdin."""
    init = start(["--notify", "sleep", "1000"], how, wrap=[PROBE, "with", "--close", "0", "--"],
                 env={"NOTIFY_SOCKET": manager.name})
    assert manager.receive()[0] == "READY=1"
    command = next(pid for pid, status in descendants(init.popen.pid).items()
                   if status["Name"].strip() == "sleep")
    eventually(lambda: set(os.listdir(f"/proc/{command}/fd")) == {"1", "2"}, what="stdin closed")


def test_systemd_is_told_when_it_runs(start, how, manager):
    began = time.monotonic()
    init = start(["--notify", "sleep", "1000"], how, outer=SLOW_START,
                 env={"NOTIFY_SOCKET": manager.name})
    assert manager.receive()[0] == "READY=1"
    assert time.monotonic() - began > 0.2
    assert "sleep" in [s["Name"].strip() for s in descendants(init.popen.pid).values()]


def test_in_the_environment(run, how, manager):
    result = run(["true"], how, env={"NOTIFY_SOCKET": manager.name, "INIT_OPTIONS": "--notify"})
    assert result.returncode == 0 and manager.receive()[0] == "READY=1"


def test_beside_a_descriptor(run, how, manager, pipe):
    read, write = pipe()
    run(["--notify", "--ready-fd", write, "true"], how, pass_fds=[write],
        env={"NOTIFY_SOCKET": manager.name})
    assert manager.receive()[0] == "READY=1" and now_in(read) == b"\n"


def test_command_speaks_for_itself(run, how, manager):
    """Without --notify init sends nothing, and NOTIFY_SOCKET is passed to the command."""
    result = run(["sh", "-c", "echo $NOTIFY_SOCKET"], how, env={"NOTIFY_SOCKET": manager.name})
    assert result.stdout == manager.name + "\n" and manager.is_empty()


@pytest.mark.parametrize("failure", FAILURES)
def test_systemd_is_not_told_where_the_start_fails(run, how, manager, failure):
    options, command, code = FAILURES[failure]
    result = run(["--notify", *options, *command], how, env={"NOTIFY_SOCKET": manager.name})
    assert result.returncode == code and manager.is_empty()


def test_no_systemd(run, how):
    """Without NOTIFY_SOCKET --notify does nothing, so that the same image runs under Docker."""
    result = run(["--notify", "sh", "-c", "exit 3"], how)
    assert (result.returncode, result.stderr) == (3, "")


@pytest.mark.parametrize("name, reason", [
    ("/nowhere/notify", "No such file or directory"), ("", "Invalid argument"),
    ("@nobody/{}", "Connection refused"), ("/" + "x" * 200, "File ?name too long"),
    ("@" + "x" * 107, "File ?name too long"), ("{}/stream", "(Protocol wrong type for|Wrong type of) socket"),
    ("{}/file", "Connection refused")])
def test_socket_that_cannot_be_used(run, how, directory, name, reason):
    """A socket that cannot be used is an error at once, rather than a time-out of systemd."""
    name = name.format(directory)
    (directory / "file").write_text("")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.bind(str(directory / "stream"))
        result = run(["--notify", "touch", directory / "started"], how,
                     env={"NOTIFY_SOCKET": name})
    assert result.returncode == SETUP
    assert re.fullmatch(f"init: cannot connect to NOTIFY_SOCKET {re.escape(name)}: {reason}\n",
                        result.stderr)
    assert not (directory / "started").exists()


def test_systemd_does_not_read(run, how, manager):
    """If the queue is full, init does not wait, and logs what is lost."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        other.connect(manager.socket.getsockname())
        with pytest.raises(BlockingIOError):
            while True:
                other.send(b"x")
        result = run(["--notify", "sh", "-c", "exit 5"], how, env={"NOTIFY_SOCKET": manager.name})
    assert result.returncode == 5
    assert result.stderr == "init: cannot report readiness: Resource temporarily unavailable\n"


def test_systemd_is_gone_meanwhile(start, how, manager, tmp_path):
    """The receiver goes between init's connect and the start of the command: init logs that, and
    goes on."""
    trace = tmp_path / "trace"
    init = start(["--notify", PROBE, "signals", "--until", "10"], how,
                 outer=["strace", "-f", "-qq", "-o", trace, "-e", "trace=connect,setpgid,setsid",
                        "-e", "inject=setpgid,setsid:signal=STOP:when=1"],
                 env={"NOTIFY_SOCKET": manager.name})
    # The child is stopped before its exec, for which init waits. The lines begin with the pid.
    child = eventually(lambda: re.search(r"^(\d+) +--- stopped by SIGSTOP", trace.read_text(), re.M)
                       if trace.exists() else None, what="the child of init")
    assert re.search(r"connect.* = 0$", trace.read_text(), re.M)
    manager.socket.close()
    os.kill(int(child[1]), signal.SIGCONT)
    init.line("ready")
    eventually(lambda: "cannot report readiness: " in init.stderr(), what="the warning")
    init.signal(signal.SIGUSR1)
    init.line("^10 ")
    assert not [line for line in init.lines if line.startswith("13 ")]
    assert init.wait() == 0
