"""A container for the tests of the control channel: init with a socket, and its clients.

`container(*options, command=..., how=...)` starts one. Test files import the fixtures
`directory` and `container` from here.
"""
import os
import select
import signal
import socket
import struct
import tempfile
import time
from pathlib import Path

import pytest

from channel import Channel
from conftest import AS_ROOT, DEADLINE, descendants, eventually, is_alive, status_of

NULL = "/dev/null"


# A FUSE file system that nobody serves: every lookup of a path in it hangs.
HANGING = ["sh", "-c", 'exec 9<>/dev/fuse; mount -i -t fuse -o '
           'fd=9,rootmode=40000,user_id=0,group_id=0 none "$0" && exec "$@"']
can_hang = pytest.mark.skipif(not AS_ROOT or not os.access("/dev/fuse", os.W_OK),
                              reason="needs root and /dev/fuse, to make a process hang")


class Container:
    def __init__(self, start, directory):
        self.start, self.directory = start, Path(directory)
        self.path = self.directory / "ctl"
        self.channels, self.fds, self.init, self.seen = [], [], None, None

    def launch(self, *options, command=("sleep", "1000"), how="pid1", path=True, **starting):
        words = [*(["--control", str(self.path)] if path else []), *options]
        self.init = self.start([*words, "--", *command], how, **starting)
        return self

    # -- clients

    def keep(self, channel):
        self.channels.append(channel)
        return channel

    def connect(self, path=None, **options):
        """Connects once the socket is there, and waits for the greeting."""
        path = path or self.path

        def attempt():
            if self.init.popen.poll() is not None:
                pytest.fail(f"init ended with {self.init.popen.returncode}: {self.init.stderr()}")
            try:
                return Channel.connect(path, DEADLINE, **options)
            except (FileNotFoundError, ConnectionRefusedError):
                return None

        channel = self.keep(eventually(attempt, what="the control socket"))
        if channel.greeting and self.seen is None:
            peer = channel.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            self.seen = struct.unpack("iII", peer)[0]
        return channel

    @property
    def pid(self):
        """The pid of init outside."""
        if self.seen is None:
            self.connect().close()
        return self.seen

    def own(self, fd):
        """Closes the descriptor at the end of the test."""
        self.fds.append(fd)
        return fd

    def disown(self, *fds):
        for fd in fds:
            self.fds.remove(fd)
            os.close(fd)

    def null(self):
        fd = self.own(os.open(NULL, os.O_RDWR | os.O_CLOEXEC))
        return fd, fd, fd

    def pipe(self):
        return tuple(self.own(fd) for fd in os.pipe2(os.O_CLOEXEC))

    def run(self, *args, fields=(), channel=None, program=None):
        """Runs a command to its end: (answer, ending or None, output)."""
        mine = channel or self.connect()
        null = self.null()
        output, write = self.pipe()
        answer = mine.exec(*args, stdio=(null[0], write, write), fields=fields, program=program)
        self.disown(write, null[0])
        text = read_all(output)
        self.disown(output)
        ending = mine.receive() if answer.name == "started" else None
        if not channel:
            mine.close()
        return answer, ending, text

    def output(self, *args, **options):
        answer, ending, text = self.run(*args, **options)
        assert answer.name == "started", answer
        assert ending["code"] == "0", (ending, text)
        return text

    def started(self, *args, channel=None, fields=(), stdio=None):
        """Starts a session: (channel, the started message)."""
        channel = channel or self.connect()
        answer = channel.exec(*args, stdio=stdio or self.null(), fields=fields)
        assert answer.name == "started", answer
        return channel, answer

    # -- init, seen from outside

    def outside(self, pid):
        """The pid outside of the process that has this pid in the container."""
        for found, status in descendants(self.pid).items():
            if status["NSpid"].split()[-1] == str(pid):
                return found
        return None

    def descriptors(self):
        """The descriptors of init: fd -> what it refers to; waits until they do not change."""
        if not os.access(f"/proc/{self.pid}/fd", os.R_OK):
            pytest.skip("only root may look at the descriptors of a process that is not dumpable")
        folder, found = f"/proc/{self.pid}/fd", {}
        for fd in os.listdir(folder):
            try:
                found[int(fd)] = os.readlink(f"{folder}/{fd}")
            except FileNotFoundError:
                pass
        return found

    def idle(self):
        """The same while no connection of this object is open, for check_well to compare with."""
        channel = self.connect()
        # Two requests: after their replies init has closed all that was closed before.
        channel.call("status")
        channel.call("status")
        held = self.descriptors()
        channel.close()
        del held[max(fd for fd, what in held.items() if what.startswith("socket:"))]
        return held

    def rss(self):
        """Resident memory: (all, anonymous), in kB."""
        status = status_of(self.pid)
        return tuple(int(status[key].split()[0]) for key in ("VmRSS", "RssAnon"))

    def cpu(self):
        """Clock ticks that init has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def check_well(self, held=None, sessions=0):
        """Checks that init answers, has no sessions, and has the same descriptors as before."""
        channel = self.connect()
        eventually(lambda: channel.call("status").number("sessions") == sessions,
                   what="the end of the sessions")
        assert channel.call("status")["state"] == "running"
        channel.close()
        if held is not None:
            self.check_descriptors(held)

    def check_descriptors(self, held):
        held = sorted(held.values())

        def same():
            now = sorted(self.descriptors().values())
            return strip(now) == strip(held)

        try:
            eventually(same, deadline=DEADLINE / 3)
        except pytest.fail.Exception:
            pytest.fail(f"init holds {self.descriptors()}, not {held}")

    def close(self):
        for channel in self.channels:
            channel.close()
        for fd in self.fds:
            os.close(fd)
        self.channels, self.fds = [], []


def strip(links):
    """What descriptors refer to, without the inode numbers of sockets."""
    return sorted(link.split(":")[0] if link.startswith("socket:") else link for link in links)


def read_all(fd, deadline=DEADLINE):
    data, end = b"", time.monotonic() + deadline
    while True:
        ready, _, _ = select.select([fd], [], [], max(end - time.monotonic(), 0))
        if not ready:
            pytest.fail(f"no end of the output in time: {data[-200:]!r}")
        try:
            more = os.read(fd, 65536)
        except OSError:
            more = b""
        if not more:
            return data.decode(errors="replace")
        data += more


def read_until(fd, text, deadline=DEADLINE):
    """Reads until the text has been read, and returns everything."""
    data, end = b"", time.monotonic() + deadline
    while text.encode() not in data:
        ready, _, _ = select.select([fd], [], [], max(end - time.monotonic(), 0))
        if not ready:
            pytest.fail(f"{text!r} did not come: {data[-400:]!r}")
        more = os.read(fd, 65536)
        if not more:
            pytest.fail(f"ended without {text!r}: {data[-400:]!r}")
        data += more
    return data.decode(errors="replace")


def listens(path):
    """Whether the socket accepts connections: its file exists a moment before that."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        return not one.connect_ex(str(path))


def contact(path):
    """Connects and asks for the status; the name of the reply, or "nothing"."""
    channel = Channel.connect(path, DEADLINE, greet=False)
    try:
        message = channel.receive()
        if message and message.name == "init":
            message = channel.call("status")
    finally:
        channel.close()
    return message.name if message else "nothing"


def as_user(uid, gid, function):
    """Calls function() in a child with this uid and gid alone; its result as a string."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([gid])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            result = str(function())
        except BaseException as error:  # reported to the parent, whatever it is
            result = f"{type(error).__name__}: {error}"
        os.write(write, result.encode())
        os._exit(0)
    os.close(write)
    try:
        return read_all(read)
    finally:
        os.close(read)
        os.waitpid(child, 0)


def gone(pid):
    return not is_alive(pid)


@pytest.fixture
def directory():
    """A short path that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="ch") as path:
        os.chmod(path, 0o755)
        yield Path(path)


@pytest.fixture
def container(start, directory):
    made = []

    def launch(*options, **starting):
        if starting.pop("apart", False):
            home = directory / str(len(made))
            home.mkdir()
        else:
            home = directory
        made.append(Container(start, home))
        return made[-1].launch(*options, **starting)

    launch.make = lambda: made.append(Container(start, directory)) or made[-1]
    yield launch
    for one in made:
        one.close()


needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")
__all__ = ["Container", "as_user", "container", "directory", "gone", "needs_root", "read_all",
           "read_until", "signal", "strip"]
