"""A false server, whose messages are chosen by a test or by a seeded generator."""
import array
import os
import random
import socket
import threading

import pytest


def message(*strings):
    return b"".join((s if isinstance(s, bytes) else str(s).encode()) + b"\0" for s in strings)


GREETING = message("init", "version=1", "oldest=1", "release=0")


def open_kind(kind):
    """Opens descriptors of a kind, or of a path: the caller sends the first and closes all."""
    if kind == "master":
        return list(os.openpty())
    if kind == "slave":
        return list(reversed(os.openpty()))
    if kind == "pipe":
        return list(os.pipe())
    if kind == "socket":
        pair = socket.socketpair()
        return [one.detach() for one in pair]
    paths = {"null": "/dev/null", "directory": "/", "file": "/etc/passwd",
             "ptmx": "/dev/tty0" if os.path.exists("/dev/tty0") else "/dev/zero"}
    return [os.open(paths.get(kind, kind), os.O_RDONLY)]


class Server:
    """Accepts connections one after another, and answers each request with the next answer."""

    def __init__(self, path):
        self.path, self.heard = str(path), []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.thread, self.script, self.stopped = None, None, False

    def serve(self, greeting, answers, linger=False):
        """answers: for each request a list of (bytes, kinds of descriptors)."""
        self.script = (greeting, answers, linger)
        if not self.thread:
            self.thread = threading.Thread(target=self.loop, daemon=True)
            self.thread.start()

    def loop(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.talk(connection, *self.script)
                except (OSError, ValueError):
                    pass

    @staticmethod
    def send(connection, data, kinds=()):
        opened = [open_kind(kind) for kind in kinds]
        try:
            fds = array.array("i", [fds[0] for fds in opened])
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else []
            connection.sendmsg([data], ancillary)
        finally:
            for fds in opened:
                for fd in fds:
                    os.close(fd)

    def talk(self, connection, greeting, answers, linger):
        if greeting is None:
            return
        self.send(connection, *greeting)
        for answer in answers:
            data = connection.recv(65536)
            if not data:
                return
            self.heard.append(data)
            for one in answer:
                self.send(connection, *one)
        if linger:
            connection.recv(65536)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.thread:
            self.thread.join(10)
        os.unlink(self.path)


@pytest.fixture
def server(control):
    """One in the place of init. The test file imports the fixture control as well."""
    one = Server(control.socket)
    yield one
    control.close()
    one.close()


# ---- nonsense


KINDS = ["master", "slave", "pipe", "socket", "null", "directory", "file"]
NAMES = ["init", "started", "exited", "failed", "held", "attached", "session", "end", "status",
         "event", "signalled", "stopping", "opened", "", "x" * 300, b"\xff\xfe", "args"]
KEYS = ["session", "pid", "code", "signal", "stage", "errno", "field", "message", "name", "state",
        "terminal", "uptime", "type", "count", "version", "oldest", "release", "", "args", "%s%n"]
# No exit code with which initctl itself prints a message.
VALUES = ["1", "0", "-1", "7", "99999999999999999999999", "4294967296", "true", "false", "", "exec",
          "request", "x" * 2000, b"\xff\x1b[31m\xc2\x9b", "%s%s%n", "a=b", "\n\n", "1e9", "0x10"]


def field(random_):
    key, value = random_.choice(KEYS), random_.choice(VALUES)
    key = key if isinstance(key, bytes) else key.encode()
    value = value if isinstance(value, bytes) else value.encode()
    return key + random_.choice([b"=", b"=", b"=", b""]) + value


def nonsense(random_):
    """A random message, valid or not, and the kinds of its descriptors."""
    kinds = [random_.choice(KINDS) for _ in range(random_.choice([0, 0, 0, 1, 1, 2, 4, 5]))]
    how = random_.random()
    if how < 0.1:
        return os.urandom(0) + random_.randbytes(random_.choice([1, 2, 100, 5000])), kinds
    data = message(random_.choice(NAMES), *(field(random_) for _ in range(random_.randrange(8))))
    if how < 0.2:
        data = data[:random_.randrange(1, len(data) + 1)]
    elif how < 0.25:
        data = (data * (65536 // len(data) + 1))[:random_.choice([65535, 65536, 65537, 70000])]
    return data, kinds


def conversation(seed):
    """Random messages for the server: (greeting, answers)."""
    random_ = random.Random(seed)
    greeting = (GREETING, ()) if random_.random() < 0.85 else nonsense(random_)
    if random_.random() < 0.03:
        greeting = None
    answers = []
    for _ in range(3):
        batch = [nonsense(random_) for _ in range(random_.randrange(1, 6))]
        if random_.random() < 0.5:
            batch.insert(0, random_.choice([
                (message("started", "session=1", "pid=2"), ["master"]),
                (message("started", "session=1", "pid=2"), []),
                (message("attached", "session=1", "pid=2"), ["master"]),
                (message("held"), []), (message("session", "session=1"), []),
                (message("status", "state=running"), []), (message("event", "type=x"), []),
                (message("exited", "code=3"), [])]))
        answers.append(batch)
    return greeting, answers
