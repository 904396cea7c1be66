"""A client of the control channel, written from init-control(7) alone.

    channel = Channel.connect("/run/init.sock")
    answer = channel.exec("sh", "-c", "echo hello", stdio=(0, 1, 2))
    if answer.name == "started":
        print(channel.receive())            # exited code=0

It uses the standard library only. Descriptors of a received message belong to the
Message until they are taken with take(); Channel.close() closes the rest.
"""
import array
import os
import socket

SIZE, DESCRIPTORS = 65536, 6


def as_bytes(text):
    return text if isinstance(text, bytes) else os.fsencode(str(text))


def compose(name, *fields, args=None):
    """A message as bytes: fields are "key=value" strings, args a list or None."""
    strings = [name, *fields] + (["args", *args] if args is not None else [])
    return b"".join(as_bytes(string) + b"\0" for string in strings)


class Message:
    def __init__(self, data, fds):
        self.data, self.fds = data, fds
        assert data.endswith(b"\0"), f"unterminated: {data!r}"
        strings = [os.fsdecode(string) for string in data[:-1].split(b"\0")]
        self.args = []
        if "args" in strings[1:]:
            at = strings.index("args", 1)
            strings, self.args = strings[:at], strings[at + 1:]
        self.name = strings[0]
        self.fields = [tuple(string.split("=", 1)) for string in strings[1:]]
        assert all(len(field) == 2 for field in self.fields), f"no field: {data!r}"

    def __getitem__(self, key):
        return dict(self.fields)[key]

    def get(self, key, default=None):
        return dict(self.fields).get(key, default)

    def number(self, key):
        return int(self[key])

    def take(self):
        """The one descriptor of the message, which the caller then owns."""
        assert len(self.fds) == 1, f"{self} with {len(self.fds)} descriptors"
        return self.fds.pop()

    def __repr__(self):
        return " ".join([self.name, *(f"{k}={v}" for k, v in self.fields), *self.args])


class Channel:
    def __init__(self, sock, deadline=15, greet=True):
        self.socket, self.messages = sock, []
        sock.settimeout(deadline)
        self.greeting = self.receive() if greet else None

    @classmethod
    def connect(cls, path, deadline=15, greet=True):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            # Without a timeout: with one, a full queue would be an error instead of a wait.
            sock.connect(str(path))
            return cls(sock, deadline, greet)
        except BaseException:
            sock.close()
            raise

    def send_bytes(self, data, fds=(), ancillary=()):
        ancillary = list(ancillary)
        if fds:
            ancillary.append((socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds)))
        self.socket.sendmsg([data], ancillary)

    def send(self, name, *fields, args=None, fds=()):
        self.send_bytes(compose(name, *fields, args=args), fds)

    def receive(self):
        """The next message, or None at the end of the connection."""
        room = socket.CMSG_SPACE(DESCRIPTORS * array.array("i").itemsize)
        try:
            data, ancillary, flags, _ = self.socket.recvmsg(SIZE, room, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            # The server closed with requests unread; what it sent before can still be read.
            data, ancillary, flags, _ = self.socket.recvmsg(SIZE, room, socket.MSG_CMSG_CLOEXEC)
        fds = array.array("i")
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
        assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        if not data:
            return None
        message = Message(data, fds.tolist())
        if message.fds:
            self.messages.append(message)
        return message

    def call(self, name, *fields, args=None, fds=()):
        self.send(name, *fields, args=args, fds=fds)
        return self.receive()

    def exec(self, *args, stdio=None, fields=(), program=None):
        """Starts a command, on a terminal if there is no stdio; returns started or failed."""
        fds = list(stdio or ())
        fields = list(fields) + ([] if stdio else ["terminal=true"])
        if program is not None:
            fds.append(program)
            fields.append("program=passed")
        return self.call("exec", *fields, args=args, fds=fds)

    def list_sessions(self):
        found, message = [], self.call("sessions")
        while message and message.name == "session":
            found.append(message)
            message = self.receive()
        assert message and message.name == "end", message
        return found

    def close(self):
        self.socket.close()
        for message in self.messages:
            while message.fds:
                os.close(message.fds.pop())
