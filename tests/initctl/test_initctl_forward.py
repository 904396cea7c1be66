"""forward and connect: TCP to the container, whose network is one of its own."""
import array
import fcntl
import hashlib
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest

from conftest import AS_ROOT, DEADLINE, descendants, eventually, halt, status_of
from hostile import GREETING, message
from hostile import server as false_server  # noqa: F401
from initctl import GONE, INITCTL, control, one_line  # noqa: F401

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
NETWORK = ["--unshare", "net", "--loopback"]

# The ports of the server inside.
ECHO, SIX, HALF, STUCK, RESET, SINK, DEAF, BURST, NOBODY = (
    7001, 7002, 7003, 7004, 7005, 7006, 7007, 7008, 7099)
MB = 1 << 20

# ECHO sends back what it gets, up to the end, then its own end; SIX is the same on ::1 alone.
# HALF says "hello", ends, and then tells the SHA-256 of what it gets, or of a reset, on stdout.
# STUCK never reads, nor does DEAF, which ends at once. RESET sends a word and resets. SINK tells the SHA-256 over the connection.
# BURST sends 256 KiB, and resets after a byte.
SERVER = r"""
import asyncio, hashlib, resource, socket, struct, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

async def echo(reader, writer):
    while data := await reader.read(1 << 18):
        writer.write(data)
        await writer.drain()
    writer.close()

async def half(reader, writer):
    sha = hashlib.sha256()
    try:
        writer.write(b"hello")
        writer.write_eof()
        while data := await reader.read(1 << 18):
            sha.update(data)
        print("sha", sha.hexdigest(), flush=True)
    except OSError:
        print("reset", flush=True)
    writer.close()

async def sink(reader, writer):
    sha = hashlib.sha256()
    while data := await reader.read(1 << 18):
        sha.update(data)
    writer.write(sha.hexdigest().encode())
    writer.close()

async def stuck(reader, writer):
    writer.transport.pause_reading()
    await asyncio.sleep(1000)

async def deaf(reader, writer):
    writer.write_eof()
    await stuck(reader, writer)

async def burst(reader, writer):
    writer.write(b"y" * (1 << 18))
    print("burst", flush=True)
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    print("reset", flush=True)

async def reset(reader, writer):
    writer.write(b"last words")
    await writer.drain()
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

async def main():
    for function, host, port in ((echo, "127.0.0.1", 7001), (echo, "::1", 7002),
                                 (half, "127.0.0.1", 7003), (stuck, "127.0.0.1", 7004),
                                 (reset, "127.0.0.1", 7005), (sink, "127.0.0.1", 7006),
                                 (deaf, "127.0.0.1", 7007), (burst, "127.0.0.1", 7008)):
        await asyncio.start_server(function, host, port, backlog=4096)
    print("ready", flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.fixture
def server(control):
    """A container with the server in a network of its own."""
    control.start(*NETWORK, command=(PYTHON, "-c", SERVER))
    control.init.line("ready")
    return control


@pytest.fixture
def opened():
    """Sockets that are closed after the test."""
    found = []
    yield found
    for one in found:
        one.close()


class Forward:
    """A running forward; ports are those outside, in the order of the lines."""

    def __init__(self, control, *words, lines=None, **popen):
        self.popen = control.popen("forward", *words, bufsize=0, **popen)
        self.lines = [read_line(self.popen.stdout).rstrip("\n")
                      for _ in range(lines or 2 * len(words))]
        self.ports = [int(re.match(r"Forwarding from \S+:(\d+) -> ", line)[1])
                      for line in self.lines]

    def connect(self, opened, host="127.0.0.1", number=0):
        one = socket.create_connection((host, self.ports[number]), timeout=DEADLINE)
        opened.append(one)
        return one

    def error(self):
        """The next line on stderr."""
        return read_line(self.popen.stderr)

    def end(self, number=signal.SIGTERM):
        self.popen.send_signal(number)
        return self.popen.wait(DEADLINE), read_pipe(self.popen.stderr).decode()


def read_pipe(pipe, size=1 << 30):
    """Reads a pipe to its end, or that many bytes."""
    data = b""
    while len(data) < size:
        assert select.select([pipe], [], [], DEADLINE)[0], f"nothing behind {data[-100:]}"
        more = os.read(pipe.fileno(), min(size - len(data), 1 << 16))
        if not more:
            break
        data += more
    return data


def unread(pipe):
    """The bytes in a pipe."""
    found = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, found)
    return found[0]


def read_line(pipe):
    line = b""
    while not line.endswith(b"\n") and (more := read_pipe(pipe, 1)):
        line += more
    return line.decode()


def read_all(one):
    data = bytearray()
    while more := one.recv(1 << 18):
        data += more
    return bytes(data)


def echo(one, data=b"x"):
    one.sendall(data)
    found = b""
    while len(found) < len(data) and (more := one.recv(len(data) - len(found))):
        found += more
    return found == data


def is_refused(forward, opened, number=0):
    """Whether a new connection is reset; it may be before it is known to be one."""
    try:
        return is_reset(forward.connect(opened, number=number))
    except ConnectionResetError:
        return True


def is_reset(one):
    try:
        while one.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


# ---- forward


def test_forward(server, opened):
    forward = Forward(server, f"0:{ECHO}")
    assert forward.lines == [
        f"Forwarding from 127.0.0.1:{forward.ports[0]} -> 127.0.0.1:{ECHO}",
        f"Forwarding from [::1]:{forward.ports[0]} -> 127.0.0.1:{ECHO}"]
    for host in "127.0.0.1", "::1":
        one = forward.connect(opened, host)
        one.sendall(b"hello")
        one.shutdown(socket.SHUT_WR)
        assert read_all(one) == b"hello"
    assert forward.end() == (-signal.SIGTERM, "")


@pytest.mark.parametrize("word, shown", [
    (f"0:localhost:{ECHO}", f"127.0.0.1:{ECHO}"), (f"localhost:0:{ECHO}", f"127.0.0.1:{ECHO}"),
    (f"0:[::1]:{SIX}", f"[::1]:{SIX}"), (f":{ECHO}", f"127.0.0.1:{ECHO}"),
    (f"localhost:0:127.0.0.1:{ECHO}", f"127.0.0.1:{ECHO}")])
def test_words(server, opened, word, shown):
    forward = Forward(server, word)
    for line, address in zip(forward.lines, ["127.0.0.1", "[::1]"]):
        assert line == f"Forwarding from {address}:{forward.ports[0]} -> {shown}"
    assert echo(forward.connect(opened)) and echo(forward.connect(opened, "::1"))


@pytest.mark.parametrize("address, shown", [
    ("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "0.0.0.0"), ("[::1]", "[::1]"), ("[::]", "[::]")])
def test_an_address_to_listen_on(server, opened, address, shown):
    forward = Forward(server, f"{address}:0:{ECHO}", lines=1)
    assert forward.lines[0].startswith(f"Forwarding from {shown}:{forward.ports[0]} -> ")
    to = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(address, address.strip("[]"))
    assert echo(forward.connect(opened, to))
    with pytest.raises(ConnectionRefusedError):
        forward.connect(opened, "127.0.0.1" if ":" in address else "::1")


def test_a_given_port(server, opened):
    """The same port as inside, where only one is given."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    forward = Forward(server, f"{port}:{ECHO}", str(ECHO))
    assert forward.ports == [port, port, ECHO, ECHO]
    assert echo(forward.connect(opened)) and echo(forward.connect(opened, number=2))


def test_several_at_once(server, opened):
    forward = Forward(server, f"0:{ECHO}", f"0:[::1]:{SIX}", f"127.0.0.2:0:{HALF}", lines=5)
    assert echo(forward.connect(opened))
    assert echo(forward.connect(opened, number=2))
    assert forward.connect(opened, "127.0.0.2", number=4).recv(100) == b"hello"


def test_json(server, opened):
    popen = server.popen("--json", "forward", f"0:{ECHO}", bufsize=0)
    lines = [json.loads(read_line(popen.stdout)) for _ in range(2)]
    port = lines[0]["port"]
    assert lines == [{"message": "forward", "address": address, "port": port,
                      "host": "127.0.0.1", "hostPort": ECHO}
                     for address in ("127.0.0.1", "[::1]")]


def test_localhost_has_two_addresses(server, opened):
    """What listens on ::1 alone is reached by default, and as localhost, as 127.0.0.1 it is not."""
    forward = Forward(server, f"0:{SIX}", f"0:localhost:{SIX}", f"0:127.0.0.1:{SIX}")
    assert echo(forward.connect(opened)) and echo(forward.connect(opened, number=2))
    assert is_refused(forward, opened, 4)
    assert forward.error() == (
        f"initctl: cannot connect to 127.0.0.1:{SIX}: Connection refused\n")


@pytest.mark.parametrize("word", [
    "x", "70000:80", "80:70000", "80:0", "0", "", ":", "80:", "-1:80", "8080:80:x", "a:8080:80",
    "1:2:3:4:5", "1.2.3:8080:h:80", "[::1:80:80", "[::1]80:80", "80]:80", "80:[::1]:80:80",
    ":8080:80", "8080::80", "1" * 300 + ":80"])
def test_bad_words(server, word):
    one_line(server.run("forward", f"0:{ECHO}", "--", word) if word.startswith("-") else
             server.run("forward", f"0:{ECHO}", word), 125, "expected [ADDR:]PORT[:HOST]:PORT")


def test_no_words(server):
    one_line(server.run("forward"), 125, "no port given")
    one_line(server.run("forward", *["0:80"] * 65), 125, "too many arguments")


def test_a_busy_port(server):
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        one_line(server.run("forward", f"0:{ECHO}", f"{port}:{ECHO}"), 125,
                 f"cannot listen on 127.0.0.1:{port}: Address", "in use")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as one:
        port = one.getsockname()[1]
        one_line(server.run("forward", f"{port}:{ECHO}"), 125,
                 f"cannot listen on [::1]:{port}: Address", "in use")
    one_line(server.run("forward", f"192.0.2.1:0:{ECHO}"), 125,
             "cannot listen on 192.0.2.1:0: ")


# ---- bytes


def test_the_end_of_the_client(server, opened):
    """64 MB both ways at once; the client ends before it has all of its answer."""
    data = os.urandom(MB) * 64
    forward = Forward(server, f"0:{ECHO}")
    one = forward.connect(opened)
    script = "import sys, socket; s = socket.socket(fileno=int(sys.argv[1])); s.settimeout(60)\n" \
             "s.sendall(sys.stdin.buffer.read()); s.shutdown(socket.SHUT_WR)"
    writer = subprocess.Popen([PYTHON, "-c", script, str(one.fileno())], stdin=subprocess.PIPE,
                              pass_fds=[one.fileno()])
    writer.stdin.write(data)
    writer.stdin.close()
    assert hashlib.sha256(read_all(one)).digest() == hashlib.sha256(data).digest()
    assert writer.wait(DEADLINE) == 0
    assert forward.end() == (-signal.SIGTERM, "")


def test_the_end_of_the_server(server, opened):
    """The server ends first, and then gets 64 MB."""
    data = os.urandom(MB)
    forward = Forward(server, f"0:{HALF}")
    one = forward.connect(opened)
    assert read_all(one) == b"hello"
    sha = hashlib.sha256()
    for _ in range(64):
        one.sendall(data)
        sha.update(data)
    one.shutdown(socket.SHUT_WR)
    server.init.line(f"sha {sha.hexdigest()}")


def served(forward):
    """How many connections there are: each has a process."""
    return len(descendants(forward.popen.pid))


def test_a_thousand_at_once(server, opened):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("needs a limit of 4,096 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        forward = Forward(server, f"0:{ECHO}", outer=["prlimit", "--nofile=100:100"])
        all_ = [forward.connect(opened) for _ in range(1000)]
        for number, one in enumerate(all_):
            one.sendall(b"%d" % number * 1000)
        eventually(lambda: served(forward) == 1000, what="a thousand connections")
        for number, one in enumerate(all_):
            one.shutdown(socket.SHUT_WR)
        for number, one in enumerate(all_):
            assert read_all(one) == b"%d" % number * 1000
        eventually(lambda: not served(forward), what="the end of all")
        assert forward.end() == (-signal.SIGTERM, "")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def fill(one):
    """Sends until nothing more is taken. Returns how much that was."""
    one.setblocking(False)
    data, sent, last = bytes(MB), 0, time.monotonic()
    while time.monotonic() < last + 0.3:
        try:
            sent += one.send(data)
            last = time.monotonic()
        except BlockingIOError:
            select.select([], [one], [], 0.05)
    return sent


def test_a_slow_reader_delays_no_other(server, opened):
    """One server does not read, one client does not read; both are full, and the rest goes on."""
    forward = Forward(server, f"0:{STUCK}", f"0:{ECHO}")
    other, second = forward.connect(opened, number=2), forward.connect(opened, number=2)
    assert fill(forward.connect(opened)) > 0
    assert fill(second) > 0
    begin = time.monotonic()
    for _ in range(100):
        assert echo(other, b"y" * 10000)
    assert echo(forward.connect(opened, number=2))
    assert time.monotonic() - begin < 5
    rests(forward.popen)


def rests(process):
    """Nothing turns while nothing can go on: the processor time of a second is next to none."""
    def ticks():
        total = 0
        for pid in (process.pid, *descendants(process.pid)):
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total

    before = ticks()
    assert not select.select([process.stderr], [], [], 1)[0]
    assert ticks() - before <= 5


def test_a_half_closed_connection_rests(server, opened):
    """The server ends at once and takes nothing. A client has sent all, and its end, so that its
    socket has ended in both directions, but what it has sent waits: how much that is depends on
    the kernel's buffers, so several try."""
    forward = Forward(server, f"0:{DEAF}")
    whole = fill(forward.connect(opened))
    for part in range(2, 20):
        one = forward.connect(opened)
        assert one.recv(100) == b""
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 23)
        one.setblocking(False)
        sent = one.send(bytes(whole * part // 20))
        one.shutdown(socket.SHUT_WR)
        assert sent > 0
    rests(forward.popen)


def test_a_connection_that_is_full_is_reset(server, opened):
    """It ends, although its server takes nothing, and the others are not disturbed."""
    forward = Forward(server, f"0:{STUCK}", f"0:{ECHO}")
    assert echo(forward.connect(opened, number=2))
    one = forward.connect(opened)
    assert fill(one) > 0
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    eventually(lambda: served(forward) == 1, what="the end of the connection")
    assert echo(forward.connect(opened, number=2))


# ---- ends and errors


def test_a_reset_of_the_server(server, opened):
    """What it sent before is still delivered."""
    forward = Forward(server, f"0:{RESET}")
    one = forward.connect(opened)
    assert one.recv(100) == b"last words"
    one.sendall(b"x")
    assert is_reset(one)


def test_a_reset_of_the_client(server, opened):
    forward = Forward(server, f"0:{HALF}")
    one = forward.connect(opened)
    assert one.recv(100) == b"hello"
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    server.init.line("reset")


def test_refused(server, opened):
    forward = Forward(server, f"0:{NOBODY}", f"0:{ECHO}")
    other = forward.connect(opened, number=2)
    assert echo(other)
    assert is_refused(forward, opened)
    assert forward.error() == (
        f"initctl: cannot connect to 127.0.0.1:{NOBODY}: Connection refused\n")
    assert echo(other)
    for _ in range(100):
        assert is_refused(forward, opened)
    eventually(lambda: served(forward) == 1, what="the end of all")


def test_kill_of_the_server(control, opened):
    """Connections end with the server; a new one serves new ones."""
    control.start(*NETWORK)

    def serve():
        one = control.popen("exec", "--", PYTHON, "-c", SERVER, bufsize=0)
        assert read_line(one.stdout) == "ready\n"
        return one

    first = serve()
    forward = Forward(control, f"0:{ECHO}")
    one = forward.connect(opened)
    assert echo(one)
    first.send_signal(signal.SIGTERM)
    first.wait(DEADLINE)
    is_reset(one)
    assert is_refused(forward, opened)
    assert "refused" in forward.error()
    serve()
    assert echo(forward.connect(opened))


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_container_ends(server, opened, how):
    forward = Forward(server, f"0:{ECHO}")
    assert echo(forward.connect(opened))
    if how == "stop":
        server.run("stop")
    else:
        os.kill(server.pid(), signal.SIGKILL)
    assert forward.popen.wait(DEADLINE) == GONE
    assert forward.popen.stderr.read() == b"initctl: cannot forward any more: the container ended\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(server, opened, number):
    forward = Forward(server, f"0:{ECHO}")
    one = forward.connect(opened)
    assert echo(one)
    processes = list(descendants(forward.popen.pid))
    assert len(processes) == 1
    assert forward.end(number) == (-number, "")
    # The end of the process is not that of the data.
    assert is_reset(one)
    eventually(lambda: not os.path.exists(f"/proc/{processes[0]}"), what="the end of all")


@pytest.mark.skipif(not AS_ROOT, reason="needs another user")
def test_processes_run_out(control, opened):
    """Of a user who may have six, four or so connections are open at once; the others wait in the
    kernel."""
    control.start(*NETWORK, "--control-allow", "54321", command=(PYTHON, "-c", SERVER))
    control.init.line("ready")
    control.directory.chmod(0o755)
    forward = Forward(control, f"0:{ECHO}", outer=[
        "prlimit", "--nproc=6:6", "setpriv", "--reuid=54321", "--clear-groups"])
    all_ = [forward.connect(opened) for _ in range(20)]
    for one in all_:
        one.sendall(b"x")
    assert forward.error() == ("initctl: cannot accept more connections for now: "
                               "Resource temporarily unavailable\n")
    assert served(forward) == 5
    found = set()
    while len(found) < 20:
        ready, _, _ = select.select([one for one in all_ if one not in found], [], [], DEADLINE)
        assert ready, f"{len(found)} were served"
        for one in ready:
            assert one.recv(1) == b"x"
            found.add(one)
        # The longest one stays, and lives.
        for one in list(found - {all_[0]}):
            one.close()
    assert echo(all_[0], b"y" * MB)
    assert forward.end() == (-signal.SIGTERM, "")


@pytest.mark.skipif(not AS_ROOT, reason="needs another user")
def test_a_burst_leaves_init_connections(control, opened):
    """A user may have 256 to init: more than that come while it is stopped, and all are served, one
    after another."""
    control.start(*NETWORK, "--control-allow", "54321", command=(PYTHON, "-c", SERVER))
    control.init.line("ready")
    control.directory.chmod(0o755)
    forward = Forward(control, f"0:{ECHO}", outer=["setpriv", "--reuid=54321", "--clear-groups"])
    halt(control.pid())
    try:
        all_ = [forward.connect(opened) for _ in range(400)]
        eventually(lambda: served(forward), what="the first one")
        assert served(forward) == 1
    finally:
        os.kill(control.pid(), signal.SIGCONT)
    for one in all_:
        assert echo(one)
    assert served(forward) == 400
    assert forward.end() == (-signal.SIGTERM, "")


def send_all(one, data):
    """To its end. For a thread, which ends with the test at the latest."""
    try:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_without_a_pipe(server, opened):
    """With descriptors for one pipe, the bytes of the other direction are copied; full or not."""
    forward = Forward(server, f"127.0.0.1:0:{ECHO}", lines=1, outer=["prlimit", "--nofile=8:8"])
    data = os.urandom(MB) * 16
    one = forward.connect(opened)
    sent = fill(one)
    child, = descendants(forward.popen.pid)
    ends = [os.readlink(f"/proc/{child}/fd/{fd}") for fd in os.listdir(f"/proc/{child}/fd")
            if int(fd) > 2]
    assert len([end for end in ends if end.startswith("pipe:")]) == 2, ends
    one.settimeout(DEADLINE)
    received = 0
    while received < sent:
        received += len(one.recv(1 << 20))
    assert received == sent
    writer = threading.Thread(target=send_all, args=(one, data), daemon=True)
    writer.start()
    assert hashlib.sha256(read_all(one)).digest() == hashlib.sha256(data).digest()
    assert forward.end() == (-signal.SIGTERM, "")


LAST_WORDS = r"""
import select, socket
with socket.create_server(("127.0.0.1", 7001)) as one:
    print("ready", flush=True)
    connection, sent = one.accept()[0], 0
    connection.recv(1)
    connection.setblocking(False)
    while select.select([], [connection], [], 0.5)[1]:
        sent += connection.send(b"y" * 65536)
    print("sent", sent, flush=True)
"""


@pytest.mark.parametrize("verb", ["forward", "connect"])
def test_the_last_bytes_of_the_container(control, opened, verb):
    """What its command has sent before its end is delivered, although nobody reads until then."""
    control.start(*NETWORK, command=(PYTHON, "-c", LAST_WORDS)).init.line("ready")
    if verb == "connect":
        client = control.popen("connect", f"127.0.0.1:{ECHO}", stdin=subprocess.PIPE, bufsize=0)
        client.stdin.write(b"x")
    else:
        forward = Forward(control, f"0:{ECHO}")
        client, one = forward.popen, forward.connect(opened)
        one.sendall(b"x")
    sent = int(control.init.line(r"sent (\d+)")[1])
    control.init.wait()
    data = read_pipe(client.stdout) if verb == "connect" else read_all(one)
    assert data == b"y" * sent and sent > 4 * 65536
    if verb == "forward":
        one.close()
    assert client.wait(DEADLINE) == GONE


LAST_WORD = r"""
import array, fcntl, socket, termios, time
with socket.create_server(("127.0.0.1", 7001)) as one:
    print("ready", flush=True)
    connection = one.accept()[0]
    connection.sendall(b"y" * 200000)
    unsent = array.array("i", [1])
    while unsent[0]:
        time.sleep(0.01)
        fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)
    print("taken", flush=True)
    connection.recv(1)
"""


def test_what_the_client_has_not_taken_yet(control, opened):
    """Bytes that wait for the client alone outlive the container and the forward."""
    control.start(*NETWORK, command=(PYTHON, "-c", LAST_WORD)).init.line("ready")
    forward = Forward(control, f"0:{ECHO}")
    one = socket.socket()
    opened.append(one)
    one.settimeout(DEADLINE)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", forward.ports[0]))
    control.init.line("taken")
    os.kill(control.pid(), signal.SIGKILL)
    assert forward.popen.wait(DEADLINE) == GONE
    assert read_all(one) == b"y" * 200000


both = pytest.mark.parametrize("words", [["forward", "0:80"], ["connect", "127.0.0.1:80"]])


@both
def test_an_old_init(control, false_server, words):
    false_server.serve((GREETING, ()), [[(message(
        "failed", "stage=request", "errno=22", "field=socket", "message=x"), ())]])
    one_line(control.run(*words), 125,
             f"this init is too old to {words[0]}: it has no 'open socket'")
    assert false_server.heard == [message("open", "socket=tcp4")]


@both
@pytest.mark.parametrize("kind", ["pipe", "file", "socket", "master", None])
def test_no_socket(control, false_server, words, kind):
    """Another descriptor than one of TCP, or none."""
    false_server.serve((GREETING, ()), [[(message("opened"), [kind] if kind else [])]])
    one_line(control.run(*words), 125,
             "cannot open a socket for 127.0.0.1:80: unexpected reply from init")


@both
def test_no_family(control, false_server, words):
    false_server.serve((GREETING, ()), [[(message(
        "failed", "stage=open", "errno=97", "message=Address family \x1b not"), ())]])
    one_line(control.run(*words), 125, "127.0.0.1:80", "Address family", " not")


@both
def test_verbs_withheld(control, words):
    control.start("--control-verbs", "status")
    one_line(control.run(*words), 125, "--control-verbs")


def with_hosts(control, hosts, *command):
    """Starts a container that has a file as /etc/hosts."""
    return control.start("--unshare", "net,mount", "--loopback", "--bind", f"{hosts}:/etc/hosts",
                         command=command or (PYTHON, "-c", SERVER))


def test_names(control, opened):
    """Names of the container's /etc/hosts, in any case, with several addresses; no others."""
    hosts = control.directory / "hosts"
    hosts.write_text(f"# 127.0.0.1 comment\n::1 web db # other\nx web\n\n 127.0.0.1\tDB\tweb\n"
                     "127.0.0.9 last")
    with_hosts(control, hosts).init.line("ready")
    forward = Forward(control, f"0:web:{ECHO}", f"0:db:{SIX}", f"0:last:{ECHO}")
    assert [line.split()[-1] for line in forward.lines[::2]] == [
        f"[::1]:{ECHO}", f"[::1]:{SIX}", f"127.0.0.9:{ECHO}"]
    assert echo(forward.connect(opened)) and echo(forward.connect(opened, number=2))
    assert control.output("connect", f"WEB:{ECHO}", input="there") == "there"
    for name in "other", "comment", "example.com", "we", "x":
        for words in ["forward", f"0:{name}:{ECHO}"], ["connect", f"{name}:{ECHO}"]:
            one_line(control.run(*words), 125, f"cannot find host {name}: it is not in "
                                               "the container's /etc/hosts")


def test_the_container_s_own_hosts(control):
    """Not that of outside, through a link; nor a pipe, for which an open or a read would wait."""
    control.start_in_empty_root()
    etc = control.directory / "root/etc"
    etc.mkdir()
    outside = control.directory / "outside"
    outside.write_text("127.0.0.1 web")
    for make in (lambda: (etc / "hosts").symlink_to(outside), lambda: os.mkfifo(etc / "hosts"),
                 lambda: (etc / "hosts").mkdir(), lambda: None):
        make()
        one_line(control.run("connect", "web:80"), 125, "cannot find host web")
        if (etc / "hosts").is_dir() and not (etc / "hosts").is_symlink():
            (etc / "hosts").rmdir()
        else:
            (etc / "hosts").unlink(missing_ok=True)


def test_init_is_stopped(server, opened):
    """Connections live on; a new one is closed after the timeout, and the next is served again."""
    forward = Forward(server, f"0:{ECHO}", outer=[])
    assert echo(forward.connect(opened))
    forward.end()
    popen = server.popen("--timeout", "500ms", "forward", f"0:{ECHO}", bufsize=0)
    port = int(read_line(popen.stdout).split()[2].rpartition(":")[2])
    one = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    opened.append(one)
    assert echo(one)
    halt(server.pid())
    try:
        late = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        opened.append(late)
        assert is_reset(late)
        assert read_line(popen.stderr) == (
            f"initctl: cannot connect to {server.socket}: no answer within 500 ms\n")
        assert echo(one)
        one_line(server.run("--timeout", "500ms", "connect", f"127.0.0.1:{ECHO}"), 125,
                 "no answer within 500 ms")
        one_line(server.run("--timeout", "500ms", "forward", f"0:{ECHO}"), 125,
                 "no answer within 500 ms")
    finally:
        os.kill(server.pid(), signal.SIGCONT)
    late = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    opened.append(late)
    assert echo(late)


# ---- connect


def test_connect(server):
    """The end of stdin is passed on, and the end of the server's answer ends it."""
    for host in "127.0.0.1", "localhost":
        assert server.output("connect", f"{host}:{ECHO}", input="hello") == "hello"
    assert server.output("connect", f"[::1]:{SIX}", input="hello") == "hello"
    assert server.output("connect", f"localhost:{SIX}", input="hello") == "hello"
    assert server.output("connect", f"127.0.0.1:{ECHO}") == ""


def test_connect_both_ways(server):
    """64 MB, byte for byte."""
    data = os.urandom(MB) * 64
    done = server.run("connect", f"127.0.0.1:{ECHO}", input=data, text=False, deadline=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("kind", ["file", "socket", "terminal"])
def test_connect_with_other_stdio(server, tmp_path, kind):
    data = os.urandom(MB) * 4 if kind != "terminal" else b"hello\n"
    if kind == "file":
        (tmp_path / "in").write_bytes(data)
        with open(tmp_path / "in", "rb") as to, open(tmp_path / "out", "wb") as out:
            one = server.popen("connect", f"127.0.0.1:{ECHO}", stdin=to, stdout=out)
            assert one.wait(DEADLINE) == 0
        assert (tmp_path / "out").read_bytes() == data
    elif kind == "socket":
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                one = server.popen("connect", f"127.0.0.1:{SINK}", stdin=theirs, stdout=theirs)
            ours.sendall(data)
            ours.shutdown(socket.SHUT_WR)
            assert read_all(ours).decode() == hashlib.sha256(data).hexdigest()
            assert one.wait(DEADLINE) == 0
    else:
        terminal = server.on_terminal("connect", f"127.0.0.1:{ECHO}")
        terminal.type("hello")
        terminal.expect("hello")
        terminal.press("\x04")
        assert terminal.wait() == 0


SSHD = r"""
import socket
with socket.create_server(("127.0.0.1", 22)) as one:
    print("ready", flush=True)
    connection = one.accept()[0]
    connection.sendall(b"SSH-2.0-inside\r\n")
    print("heard", connection.recv(100), flush=True)
    connection.recv(100)
"""


def test_connect_for_ssh(control):
    """ssh and a server exchange their first lines, and each other's end."""
    if not shutil.which("ssh"):
        pytest.skip("ssh is not installed")
    control.start(*NETWORK, command=(PYTHON, "-c", SSHD)).init.line("ready")
    done = subprocess.run(
        ["ssh", "-v", "-F", "none", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
         "-o", f"ProxyCommand={INITCTL} connect localhost:22", "root@app", "true"],
        env=control.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=DEADLINE)
    assert done.returncode == 255 and "remote software version inside" in done.stderr, done
    control.init.line("heard b'SSH-2.0-")
    assert control.init.wait() == 0


def test_connect_the_server_ends_first(server):
    """stdout ends while stdin goes on."""
    one = server.popen("connect", f"127.0.0.1:{HALF}", stdin=subprocess.PIPE, bufsize=0)
    assert read_pipe(one.stdout) == b"hello"
    data = os.urandom(MB) * 8
    one.stdin.write(data)
    assert one.poll() is None
    one.stdin.close()
    server.init.line(f"sha {hashlib.sha256(data).hexdigest()}")
    assert one.wait(DEADLINE) == 0 and one.stderr.read() == b""


def test_connect_a_slow_reader(server):
    """What is not read from stdout does not hold up stdin; and nothing turns meanwhile."""
    one = server.popen("connect", f"127.0.0.1:{ECHO}", stdin=subprocess.PIPE, bufsize=0)
    os.set_blocking(one.stdin.fileno(), False)
    data, sent = os.urandom(1 << 16), 0
    last = time.monotonic()
    while time.monotonic() < last + 0.5:
        try:
            sent += one.stdin.write(data) or 0
            assert sent < 64 * MB, "it is not held up"
            last = time.monotonic() if select.select([], [one.stdin], [], 0.05)[1] else last
        except BlockingIOError:
            pass
    status = status_of(one.pid)
    assert status["State"].startswith("S")
    # The rest comes once it is read.
    os.set_blocking(one.stdin.fileno(), True)
    one.stdin.close()
    assert len(read_pipe(one.stdout)) == sent
    assert one.wait(DEADLINE) == 0


def test_connect_a_slow_reader_and_a_reset(server):
    """The server sends more than stdout takes, and then resets: nothing turns, nothing is lost."""
    one = server.popen("connect", f"127.0.0.1:{BURST}", stdin=subprocess.PIPE, bufsize=0)
    server.init.line("burst")
    one.stdin.write(b"x")
    server.init.line("reset")
    rests(one)
    data = read_pipe(one.stdout)
    assert data == b"y" * len(data) and len(data) >= 1 << 16
    assert one.wait(DEADLINE) == 125


def test_connect_refused(server):
    for host in "127.0.0.1", "localhost":
        one_line(server.run("connect", f"{host}:{NOBODY}"), 125,
                 f"cannot connect to 127.0.0.1:{NOBODY}: Connection refused")


@pytest.mark.parametrize("word", [
    "x", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", ":80", "1:2:3",
    "::1:80", "[::1]", "[::1:80", "a:b", "x" * 300 + ":80"])
def test_connect_bad_words(server, word):
    one_line(server.run("connect", word), 125, "expected HOST:PORT, not")


def test_connect_wants_one_word(server):
    one_line(server.run("connect"), 125, "no host and port given")
    one_line(server.run("connect", "127.0.0.1:1", "more"), 125, "too many arguments: 'more'")


def test_connect_is_reset(server):
    """What came before is written, and the exit code tells."""
    done = server.run("connect", f"127.0.0.1:{RESET}", input="x")
    assert (done.returncode, done.stdout) == (125, "last words")
    assert done.stderr.startswith(
        f"initctl: cannot relay connection to 127.0.0.1:{RESET}: Connection reset")


def test_connect_is_reset_while_there_is_input(control):
    """Of both that have come at once, it is the reset that ends it."""
    control.start(*NETWORK)
    other = control.popen("exec", "--", PYTHON, "-c", SERVER, bufsize=0)
    assert read_line(other.stdout) == "ready\n"
    one = control.popen("connect", f"127.0.0.1:{STUCK}", stdin=subprocess.PIPE, bufsize=0)
    one.stdin.write(b"x")
    eventually(lambda: status_of(one.pid)["State"].startswith("S") and unread(one.stdin) == 0,
               what="the byte is taken")
    halt(one.pid)
    control.output("signal", "KILL", "%1")
    other.wait(DEADLINE)
    one.stdin.write(b"y")
    os.kill(one.pid, signal.SIGCONT)
    assert one.wait(DEADLINE) == 125
    assert "cannot relay connection" in one.stderr.read().decode()


def test_connect_nobody_reads(server):
    """stdout is closed: the program ends as any other in a pipe."""
    one = server.popen("connect", f"127.0.0.1:{ECHO}", stdin=subprocess.PIPE, bufsize=0)
    one.stdout.close()
    one.stdin.write(b"x")
    assert one.wait(DEADLINE) == -signal.SIGPIPE


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_connect_the_container_ends(server, how):
    one = server.popen("connect", f"127.0.0.1:{ECHO}", stdin=subprocess.PIPE, bufsize=0)
    one.stdin.write(b"x")
    assert read_pipe(one.stdout, 1) == b"x"
    if how == "stop":
        server.run("stop")
    else:
        os.kill(server.pid(), signal.SIGKILL)
    code, error = one.wait(DEADLINE), one.stderr.read().decode()
    assert (code, error) == (
        GONE, f"initctl: connection to 127.0.0.1:{ECHO}: the container ended\n")
