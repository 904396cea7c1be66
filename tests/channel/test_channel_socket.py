"""The control socket: where it is, who may connect, and its removal. init-control(7), "Transport"
and "Access"."""
import errno
import os
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

from channel import Channel
from conftest import DEADLINE, INIT, PROBE, SLOW_START, eventually, is_alive, status_of
from container import as_user, contact, container, directory, gone, needs_root, read_all  # noqa: F401

PYTHON = "/usr/bin/python3"
SETUP = 125
# As glibc and musl have it.
IN_USE = re.compile("Address (already )?in use")


def unix(kind=socket.SOCK_SEQPACKET):
    return socket.socket(socket.AF_UNIX, kind)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# ---- the file


@pytest.mark.parametrize("umask", ["0", "022", "777"])
def test_mode(container, how, umask):
    """The socket has mode 0600 whatever the umask is."""
    box = container(how=how, wrap=["sh", "-c", f'umask {umask}; exec "$@"', "sh"],
                    command=["sh", "-c", "umask; exec sleep 1000"])
    box.connect()
    assert mode_of(box.path) == 0o600
    assert int(box.init.line(r"\d+")[0], 8) == int(umask, 8), "the command's umask is as it was"


def test_mode_while_starting(container):
    """It has that mode from the bind on: at no moment of the start may others connect."""
    box = container.make()
    box.launch(outer=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=bind",
                      "-e", "inject=bind:delay_exit=200000"],
               wrap=["sh", "-c", 'umask 0; exec "$@"', "sh"])
    eventually(box.path.exists)
    assert mode_of(box.path) == 0o600


def test_mode_with_allow(container):
    """With --control-allow the mode is 0666, so that the listed users can open it."""
    box = container("--control-allow", "1234")
    box.connect()
    assert mode_of(box.path) == 0o666


@pytest.mark.parametrize("kind", [socket.SOCK_SEQPACKET, socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_stale_socket_is_replaced(container, directory, kind):
    with unix(kind) as stale:
        stale.bind(str(directory / "ctl"))
    assert container().connect().call("status").name == "status"


def test_socket_of_a_killed_init_is_replaced(container):
    box = container()
    box.connect()
    os.kill(box.pid, signal.SIGKILL)
    box.init.popen.wait()
    assert box.path.exists()
    assert container().connect().call("status").name == "status"


@pytest.mark.parametrize("kind", [socket.SOCK_SEQPACKET, socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("full", [False, True])
def test_live_socket_is_refused(run, directory, kind, full):
    path, others = directory / "ctl", []
    with unix(kind) as live:
        live.bind(str(path))
        inode = path.stat().st_ino
        if kind != socket.SOCK_DGRAM:
            live.listen(0)
            if full and kind == socket.SOCK_SEQPACKET:
                others = [unix()]
                others[0].connect(str(path))
        result = run(["--control", path, "true"])
        for other in others:
            other.close()
    assert result.returncode == SETUP
    assert "open control channel" in result.stderr and IN_USE.search(result.stderr)
    assert path.stat().st_ino == inode


def test_live_init_is_refused(container, run):
    box = container()
    box.connect()
    assert run(["--control", box.path, "true"]).returncode == SETUP
    assert box.connect().call("status").name == "status"


def test_second_init_while_the_first_starts(container, run):
    """The socket listens from the bind on, so that the second init does not take it for stale."""
    box = container.make()
    box.launch(outer=SLOW_START)
    eventually(box.path.exists)
    assert run(["--control", box.path, "true"]).returncode == SETUP
    assert box.connect().call("status").name == "status"


@pytest.mark.parametrize("kind", ["file", "directory", "fifo", "link", "dangling"])
def test_path_that_is_no_socket_is_refused(run, directory, kind):
    path = directory / "ctl"
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("stale" if kind == "link" else "nowhere")
        with unix() as stale:
            stale.bind(str(directory / "stale"))
    before = os.lstat(path)
    result = run(["--control", path, "true"])
    assert result.returncode == SETUP and IN_USE.search(result.stderr)
    after = os.lstat(path)
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)
    assert kind != "link" or (directory / "stale").exists()


@pytest.mark.parametrize("path, text", [
    ("nowhere/ctl", "No such file"), ("x" * 108, "ame too long"), ("", "''"),
    ("a/", "open control channel")])
def test_path_that_cannot_be_used(run, directory, path, text):
    (directory / "a").mkdir()
    result = run(["--control", path, "true"], cwd=directory)
    assert result.returncode == SETUP and text in result.stderr


def test_long_directory(container, directory):
    """The length of the directory's path does not count, only that of the socket's name."""
    deep = directory / ("a" * 120) / ("b" * 120)
    deep.mkdir(parents=True)
    box = container.make()
    box.path = deep / "ctl"
    box.launch()
    eventually(box.path.exists)
    fd = box.own(os.open(deep, os.O_PATH | os.O_CLOEXEC))
    channel = box.connect(f"/proc/self/fd/{fd}/ctl")
    assert channel.call("stop").name == "stopping"
    box.init.wait()
    assert not box.path.exists()


def test_relative_path(container, directory, how):
    box = container.make()
    box.launch("--control", "ctl", how=how, path=False, cwd=directory,
               command=["sh", "-c", "pwd; exec sleep 1000"])
    assert box.init.line("/")[0] and box.init.lines[-1] == str(directory), "the command's cwd"
    assert box.connect().call("stop").name == "stopping"
    box.init.wait()
    assert not box.path.exists()


def test_directory_that_is_renamed(container, directory):
    """The socket is removed through a descriptor of its directory, not by its path."""
    (directory / "old").mkdir()
    box = container.make()
    box.path = directory / "old" / "ctl"
    box.launch()
    box.connect()
    (directory / "old").rename(directory / "new")
    (directory / "old").mkdir()
    (directory / "old" / "ctl").write_text("another's")
    box.init.signal(signal.SIGTERM)
    box.init.wait()
    assert not (directory / "new" / "ctl").exists()
    assert (directory / "old" / "ctl").exists()


ENDINGS = {
    "exit": (["sh", "-c", "exit 3"], [], 3),
    "killed": (["sh", "-c", "kill -9 $$"], [], 137),
    "expected": (["sh", "-c", "exit 3"], ["-e", "3"], 0),
    "lingering": (["sh", "-c", "(sleep 0.1)& exit 3"], ["--wait-all"], 3),
    "grace over": ([PROBE, "daemon", "sh", "-c", "trap '' TERM; sleep 1000"],
                   ["--grace", "50ms"], 0),
    "missing": (["/nowhere"], [], 127),
    "denied": (["/etc/passwd"], [], 126),
    "no directory": (["true"], ["--chdir", "/nowhere"], SETUP),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_removed_at_the_end(run, directory, how, ending):
    command, options, code = ENDINGS[ending]
    result = run(["--control", directory / "ctl", *options, "--", *command], how)
    assert result.returncode == code, result.stderr
    assert os.listdir(directory) == []


@pytest.mark.parametrize("name", ["tini", "dumb-init", "catatonit"])
def test_removed_by_another_name(run, directory, name):
    (directory / "bin").mkdir()
    program = directory / "bin" / name
    program.symlink_to(INIT)
    run(["sh", "-c", "exit 3"], program=program,
        env={"INIT_OPTIONS": f"--control {directory}/ctl"})
    assert os.listdir(directory) == ["bin"]


@pytest.mark.parametrize("how_stopped", ["signal", "request", "two signals"])
def test_removed_when_stopped(container, how, how_stopped):
    command = [PROBE, "signals"] if how_stopped == "two signals" else ["sleep", "1000"]
    box = container("--kill-after", "50ms", how=how, command=command)
    channel = box.connect()
    if how_stopped == "request":
        assert channel.call("stop").name == "stopping"
    else:
        box.init.signal(signal.SIGTERM)
    box.init.wait()
    assert channel.receive() is None
    assert not box.path.exists()


@pytest.mark.parametrize("kind", ["file", "socket", "nothing"])
def test_not_removed_if_replaced(container, kind):
    box = container()
    box.connect()
    box.path.unlink()
    if kind == "file":
        box.path.write_text("another's")
    elif kind == "socket":
        with unix() as other:
            other.bind(str(box.path))
    box.init.signal(signal.SIGTERM)
    box.init.wait()
    assert box.path.exists() == (kind != "nothing")


def test_no_socket_unless_asked(run, directory):
    assert run(["sh", "-c", "ls -A"], cwd=directory).stdout == ""


# ---- inherited


def test_inherited_listening(container, directory, how):
    with unix() as listening:
        listening.bind(str(directory / "ctl"))
        listening.listen()
        box = container("--control-fd", listening.fileno(), path=False, how=how,
                        pass_fds=[listening.fileno()])
        fd = listening.fileno()
    channel = box.connect()
    assert channel.call("status")["state"] == "running"
    main = box.init.init_pid
    command = channel.call("status").number("main")
    box.seen = main
    outside = box.outside(command) if how == "pid1" else command
    assert not os.path.exists(f"/proc/{outside}/fd/{fd}"), "the command does not get it"
    assert channel.call("stop").name == "stopping"
    box.init.wait()
    assert box.path.exists(), "not ours to remove"


def test_inherited_connected(container, how):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        box = container("--control-fd", theirs.fileno(), path=False, how=how,
                        pass_fds=[theirs.fileno()])
    channel = box.keep(Channel(ours))
    assert channel.greeting.name == "init"
    box.seen = box.init.init_pid
    answer = channel.exec("sleep", "1000", stdio=box.null())
    assert answer.name == "started"
    pid = box.outside(answer["pid"]) if how == "pid1" else answer.number("pid")
    held = box.descriptors()
    channel.close()
    eventually(lambda: gone(pid), what="the hang-up")
    assert is_alive(box.init.init_pid), "init goes on without"
    eventually(lambda: len(box.descriptors()) == len(held) - 1)


def test_inherited_connected_beside_a_path(container):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        box = container("--control-fd", theirs.fileno(), pass_fds=[theirs.fileno()])
    assert box.keep(Channel(ours)).call("status").name == "status"
    assert box.connect().call("status").name == "status"


def test_inherited_listening_beside_a_path(run, directory):
    with unix() as listening:
        listening.bind(str(directory / "other"))
        listening.listen()
        result = run(["--control", directory / "ctl", "--control-fd", listening.fileno(), "true"],
                     pass_fds=[listening.fileno()])
    assert result.returncode == SETUP
    assert result.stderr == (f"init: cannot open control channel {directory}/ctl: "
                             "a listening socket is given\n")
    assert not (directory / "ctl").exists()


def test_inherited_and_activated(run, directory):
    """The second socket would be passed to the command, which could then accept the operators."""
    with unix() as passed, unix() as listening:
        for name, one in (("a", passed), ("b", listening)):
            one.bind(str(directory / name))
            one.listen()
        number = os.dup2(listening.fileno(), 77)
        try:
            result = run(["--control-fd", number, "true"], pass_fds=[passed.fileno(), number],
                         wrap=[PYTHON, "-c", ACTIVATE, str(passed.fileno())],
                         env={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "init-control"})
        finally:
            os.close(number)
    assert result.returncode == SETUP
    assert "cannot open control channel init-control: --control-fd is given" in result.stderr


@pytest.mark.parametrize("option", [socket.SO_PASSCRED, 76], ids=["SO_PASSCRED", "SO_PASSPIDFD"])
def test_inherited_with_options(container, option):
    """Credentials or pidfds that the kernel adds to each message, because the socket's creator set
    that option, neither displace the client's descriptors nor stay open in init."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            theirs.setsockopt(socket.SOL_SOCKET, option, 1)
        except OSError:
            pytest.skip("this kernel does not have it")
        box = container("--control-fd", theirs.fileno(), path=False, pass_fds=[theirs.fileno()])
    channel = box.keep(Channel(ours))
    box.seen = box.init.init_pid
    assert channel.call("status").name == "status"
    held = box.descriptors()
    for _ in range(20):
        assert channel.call("status").name == "status"
    assert box.descriptors() == held
    assert channel.exec("true", stdio=box.null()).name == "started"


@pytest.mark.parametrize("kind, family", [(socket.SOCK_STREAM, socket.AF_UNIX),
                                          (socket.SOCK_DGRAM, socket.AF_UNIX),
                                          (socket.SOCK_STREAM, socket.AF_INET), (None, None)])
def test_control_fd_that_is_no_seqpacket_socket(run, kind, family):
    one = socket.socket(family, kind) if kind else open("/dev/null")
    with one:
        result = run(["--control-fd", one.fileno(), "true"], pass_fds=[one.fileno()])
    assert result.returncode == SETUP and "open control channel" in result.stderr


@pytest.mark.parametrize("value", ["0", "1", "2", "-1", "x", "", "99999999999", "77"])
def test_control_fd_that_cannot_be_used(run, value):
    assert run(["--control-fd", value, "true"]).returncode == SETUP


ACTIVATE = """
import os, sys
for target, source in enumerate(sys.argv[1].split(","), 3):
    os.dup2(int(source), target + 100)
for target in range(len(sys.argv[1].split(","))):
    os.dup2(103 + target, 3 + target)
    os.close(103 + target)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[2], sys.argv[2:])
"""
SHOW = ("echo ${LISTEN_PID:-0} $$ FDS=$LISTEN_FDS NAMES=$LISTEN_FDNAMES; "
        "for fd in 3 4 5; do [ -e /proc/$$/fd/$fd ] && echo open $fd; done; echo done; exec sleep 1000")


@pytest.mark.parametrize("kind", ["listening", "connected"])
@pytest.mark.parametrize("others", [0, 1])
def test_activated(container, directory, how, kind, others):
    """LISTEN_FDS: the last socket, named init-control, is the channel; others are the command's."""
    ends = []
    if kind == "listening":
        passed = unix()
        passed.bind(str(directory / "ctl"))
        passed.listen()
    else:
        ours, passed = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends = [open("/dev/zero", "rb") for _ in range(others)] + [passed]
    numbers = [one.fileno() for one in ends]
    names = ":".join(["web"] * others + ["init-control"])
    box = container(path=False, how=how, pass_fds=numbers, command=["sh", "-c", SHOW],
                    wrap=[PYTHON, "-c", ACTIVATE, ",".join(map(str, numbers))],
                    env={"LISTEN_FDS": str(len(ends)), "LISTEN_FDNAMES": names})
    for one in ends:
        one.close()
    channel = box.keep(Channel(ours)) if kind == "connected" else box.connect()
    assert channel.call("status").name == "status"
    seen = box.init.line(r"(\d+) (\d+) FDS=(\d*) NAMES=(.*)")
    assert seen[1] == seen[2] and seen[3] == str(others) and seen[4] == ":".join(["web"] * others)
    box.init.line("done")
    assert [line for line in box.init.lines if "open" in line] == ["open 3"] * others


@pytest.mark.parametrize("names, number", [("other", "1"), (None, "1"), ("init-control:web", "2"),
                                           ("init-control", "0"), ("init-control", "x")])
def test_activation_for_another_process(container, directory, names, number):
    with unix() as one:
        one.bind(str(directory / "ctl"))
        one.listen()
        box = container(path=False, pass_fds=[one.fileno()], command=["sh", "-c", SHOW],
                        wrap=[PYTHON, "-c", ACTIVATE, f"{one.fileno()},{one.fileno()}"],
                        env={"LISTEN_FDS": number, "LISTEN_FDNAMES": names})
        box.init.line("open 4")
        with unix() as client:
            client.setblocking(False)
            client.connect(str(directory / "ctl"))
            with pytest.raises(BlockingIOError):
                client.recv(100)


# ---- the greeting, and who gets it


def test_greeting(container):
    greeting = container().connect().greeting
    assert greeting.name == "init"
    assert [key for key, _ in greeting.fields] == ["version", "oldest", "release"]
    assert greeting["version"] == greeting["oldest"] == "1"
    version = subprocess.run([INIT, "-V"], capture_output=True, text=True).stdout
    assert greeting["release"] in version


def test_greeting_comes_when_the_command_runs(container):
    box = container(outer=SLOW_START)
    began = time.monotonic()
    channel = box.connect()
    assert time.monotonic() - began > 0.2
    main = channel.call("status").number("main")
    assert status_of(box.outside(main))["Name"].strip() == "sleep"


@needs_root
def test_uid_that_is_not_allowed(container):
    """The uid of the peer is checked; a peer that is not allowed receives nothing."""
    box = container("--control-allow", "1234,5678")
    held = box.idle()
    assert as_user(1000, 1000, lambda: contact(box.path)) == "nothing"
    assert as_user(65534, 65534, lambda: contact(box.path)) == "nothing"
    assert as_user(5678, 1000, lambda: contact(box.path)) == "status"
    assert as_user(1234, 0, lambda: contact(box.path)) == "status"
    assert contact(box.path) == "status"
    box.check_well(held)


@needs_root
def test_mode_alone_lets_nobody_in(container):
    """Even if the mode of the socket was changed so that everybody can open it."""
    box = container()
    box.connect()
    assert "PermissionError" in as_user(1000, 1000, lambda: contact(box.path))
    box.path.chmod(0o666)
    assert as_user(1000, 1000, lambda: contact(box.path)) == "nothing"
    assert as_user(65534, 65534, lambda: contact(box.path)) == "nothing"
    assert contact(box.path) == "status"


INSIDE = ("import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
          "s.connect(sys.argv[1])\ntry:\n print(s.recv(99)[:4])\nexcept OSError as e: print(e)\n")


@needs_root
@pytest.mark.parametrize("uid", [1000, 65534])
def test_inside_without_the_uid(container, uid):
    """A process inside with another uid receives nothing, not even with the overflow uid."""
    box = container()
    box.connect()
    os.chown(box.path, 0, uid)
    box.path.chmod(0o660)
    words = [PYTHON, "-c", INSIDE, str(box.path)]
    assert box.output(*words) == "b'init'\n"
    assert box.output(*words, fields=[f"user={uid}:{uid}"]) == "b''\n"


@needs_root
def test_allowed_uid_is_answered_as_root_is(container):
    """There is no other check: the command runs as the user of init."""
    box = container("--control-allow", "1234")
    box.connect()

    def run():
        channel = Channel.connect(box.path, DEADLINE)
        read, write = os.pipe()
        null = os.open("/dev/null", os.O_RDWR)
        channel.exec("id", "-u", stdio=(null, write, null))
        os.close(write)
        return read_all(read)

    assert as_user(1234, 1234, run) == "0\n"


@pytest.mark.parametrize("value", ["", "x", "1,", ",1", "-1", "4294967295", "1,x",
                                   ",".join(map(str, range(17)))])
def test_bad_control_allow(run, directory, value):
    result = run(["--control", directory / "ctl", "--control-allow", value, "true"])
    assert result.returncode == SETUP and os.listdir(directory) == []


ROOTLESS = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups",
            "unshare", "-Urpf", "--mount-proc", "--kill-child"]


@needs_root
class TestUserNamespace:
    """Init is root of a user namespace that an ordinary user, 1000, has made."""

    @pytest.fixture
    def box(self, container, directory):
        directory.chmod(0o777)
        box = container(how="plain", outer=ROOTLESS)
        box.connect().close()
        return box

    def test_its_own_user(self, box):
        assert as_user(1000, 1000, lambda: contact(box.path)) == "status"

    def test_root_of_the_host(self, box):
        """The host's root appears there with the overflow uid, outside of the PID namespace."""
        assert contact(box.path) == "status"
        assert box.output("id", "-u") == "0\n"

    def test_root_of_the_host_and_a_world_writable_socket(self, box):
        box.path.chmod(0o606)
        assert contact(box.path) == "nothing"
        box.path.chmod(0o600)
        assert contact(box.path) == "status"

    def test_unmapped_user(self, box):
        assert "PermissionError" in as_user(2000, 2000, lambda: contact(box.path))
        box.path.chmod(0o666)
        assert as_user(2000, 2000, lambda: contact(box.path)) == "nothing"

    def test_socket_s_file_is_gone(self, box):
        """Without the file its mode cannot be checked, so the overflow uid is refused."""
        other = box.directory / "moved"
        box.path.rename(other)
        assert contact(other) == "nothing"
        other.rename(box.path)
        assert contact(box.path) == "status"

    def test_exec_with_a_mapped_user_only(self, box):
        answer, _, _ = box.run("true", fields=["user=1234"])
        assert (answer["stage"], answer["errno"]) == ("user", str(errno.EPERM)) or (
            answer["stage"], answer["errno"]) == ("user", str(errno.EINVAL))


# ---- what is offered


def test_verbs(container):
    box = container("--control-verbs", "status,watch,wait")
    assert box.connect().call("status").name == "status"
    assert box.connect().call("watch").name == "event"
    for verb, fields in (("exec", ()), ("signal", ["signal=TERM"]), ("sessions", ()),
                         ("hold", ()), ("attach", ["session=1"]), ("stop", ()),
                         ("open", ["what=root"])):
        channel = box.connect()
        answer = channel.call(verb, *fields, args=["true"] if verb == "exec" else None,
                              fds=box.null() if verb == "exec" else ())
        assert answer.name == "failed", verb
        assert (answer["stage"], answer["errno"], answer["field"]) == ("request", "1", "request")
        assert channel.receive() is None
    box.check_well()


@pytest.mark.parametrize("value", ["", "nothing", "status,", ",status", "status,,exec", "STATUS",
                                   "status exec", "statusexecsignalsessionsholdattach"])
def test_bad_control_verbs(run, directory, value):
    result = run(["--control", directory / "ctl", "--control-verbs", value, "true"])
    assert result.returncode == SETUP and os.listdir(directory) == []
