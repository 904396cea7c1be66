"""net: the sockets of the container's network and their holders, compared with ss(8) inside."""
import os
import re
import shutil
import time

import pytest

from conftest import AS_ROOT, eventually, halt
from hostile import GREETING, Server, message
from initctl import GONE, control, one_line  # noqa: F401

NETWORK = ("--unshare", "net", "--loopback")
needs_ss = pytest.mark.skipif(not shutil.which("ss"), reason="ss is not installed")

# One socket of each kind and state that lasts; the numbers of the ports are printed.
SOCKETS = """
import os, signal, socket, sys
kept = []
def listen(family, address, kind=socket.SOCK_STREAM):
    one = socket.socket(family, kind)
    one.bind(address)
    if kind != socket.SOCK_DGRAM:
        one.listen(7)
    kept.append(one)
    return one
four, six = socket.AF_INET, socket.AF_INET6
tcp = listen(four, ("127.0.0.1", 0))
listen(four, ("0.0.0.0", 7001))
listen(six, ("::", 7002))
listen(six, ("::1", 7003))
listen(four, ("127.0.0.1", 7004), socket.SOCK_DGRAM)
listen(six, ("::1", 7005), socket.SOCK_DGRAM)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    listen(socket.AF_UNIX, "\\0abstract %d" % kind, kind)
kept += socket.socketpair()
client = socket.create_connection(tcp.getsockname())
server, _ = tcp.accept()
server.sendall(b"x" * 1000)
mapped = socket.socket(six); mapped.connect(("::ffff:127.0.0.1", 7001))
datagram = socket.socket(four, socket.SOCK_DGRAM); datagram.connect(("127.0.0.1", 7004))
half = socket.create_connection(tcp.getsockname()); other, _ = tcp.accept()
half.shutdown(socket.SHUT_WR)
waiting = socket.create_connection(tcp.getsockname())
if os.fork() == 0:
    signal.pause()
print("ready", *tcp.getsockname()[1:], flush=True)
signal.pause()
"""


@pytest.fixture
def net(control):
    control.start(*NETWORK, command=["python3", "-c", SOCKETS])
    control.init.line("ready")
    return control


def rows(text, kind=None):
    """The lines of a table of ss or of ours: a list of fields, the users as a sorted list."""
    found, first = [], text.split()[0]
    for line in text.splitlines():
        line, _, users = line.partition("users:")
        fields = line.split()
        if fields[0] == first:
            continue
        if first == "State":  # of one kind alone, which ss does not name
            fields[:0] = [kind]
        if fields[1] == "LISTEN":
            fields[3] = "-"  # /proc does not tell how many may wait
        found.append((*fields, tuple(sorted(re.findall(r'\("((?:[^"\\]|\\.)*)",pid=(\d+),fd=(\d+)\)', users)))))
    return sorted(found)


@needs_ss
@pytest.mark.parametrize("ours, theirs", [
    (["-tulpn"], ["-tulpn"]), (["-t", "-l"], ["-tlpn"]), (["-u"], ["-uapn"]), ([], ["-tuapn"]),
    (["-ta"], ["-tapn"]), (["-tla"], ["-tapn"])])
def test_as_ss_shows_them(net, ours, theirs):
    truth = rows(net.output("exec", "ss", *theirs), "tcp" if "t" in theirs[0] else "udp")
    assert truth and truth == rows(net.output("net", *ours))


def test_header_and_columns(net):
    lines = net.output("net").splitlines()
    assert lines[0].split() == ["Netid", "State", "Recv-Q", "Send-Q", "Local", "Address:Port",
                                "Peer", "Address:Port", "Process"]
    at = lines[0].index("State")
    assert all(line[at - 1] == " " and line[at] != " " for line in lines)


@needs_ss
def test_unix(net):
    """Paths and inodes as in ss; /proc does not tell the peer of a pair."""
    def known(found):
        return sorted((one[:5], one[-1]) for one in found)

    truth = [one for one in rows(net.output("exec", "ss", "-xapn")) if "python3" in str(one[-1])]
    own = [one for one in rows(net.output("net", "-x")) if "python3" in str(one[-1])]
    assert known(truth) == known(own) and any("@abstract" in one for one in own[0:] for one in one)


def test_json(net):
    port = int(re.search(r"\d+", net.init.lines[-1])[0])
    found = net.lines("net")
    assert {one["message"] for one in found} == {"socket"}
    listener, = [one for one in found if one["state"] == "LISTEN" and one["local_port"] == port]
    assert (listener["netid"], listener["local_address"], listener["peer_port"]) == ("tcp", "127.0.0.1", 0)
    assert listener["recv_q"] == 1
    assert {(one["name"], one["pid"]) for one in listener["processes"]} >= {("python3", 2)}
    six, = [one for one in found if one["local_port"] == 7002]
    assert six["local_address"] == "::"
    queued, = [one for one in found if one["recv_q"] == 1000]
    assert queued["peer_port"] == port
    local = [one for one in net.lines("net", "-x") if one.get("path", "").startswith("@abstract")]
    assert {one["netid"] for one in local} == {"u_str", "u_dgr", "u_seq"}


def test_follow_the_network_of_init(control):
    """When the command has ended, its sockets are gone, but init's network is still read; and that
    of a command that went into another network is not taken for the container's."""
    control.start(*NETWORK, "--wait-all", command=["sh", "-c", "python3 -c '%s' & exit 0" % (
        "import socket, time; s = socket.create_server((\"127.0.0.1\", 7010)); time.sleep(1000)")])
    eventually(lambda: "127.0.0.1:7010" in control.run("net", "-tl").stdout, what="the socket")
    rows_, = control.lines("net", "-tl")
    assert rows_["processes"][0]["name"] == "python3"


@pytest.mark.skipif(not AS_ROOT, reason="needs root to leave a network")
def test_a_command_in_another_network(control):
    control.start(*NETWORK, "--cap-keep", "all", command=[
        "unshare", "-n", "python3", "-c",
        "import socket, time; s = socket.create_server(('', 7011)); print('ready', flush=True); time.sleep(1000)"])
    control.init.line("ready")
    assert control.output("net", "-tl") == ""
    client = control.popen("exec", "python3", "-c", "import socket, time; s = socket.create_server(('', 7012)); "
                           "print('ready', flush=True); time.sleep(1000)")
    assert client.stdout.readline() == b"ready\n"
    one, = control.lines("net", "-tl")
    assert one["local_port"] == 7012 and [held["fd"] for held in one["processes"]] == [3]


# ---- a hostile container


EVIL = """
import os, signal, socket, sys
kept = []
for name in (b'x",pid=1,fd=3),("y', b"a) R 1\\n\\x1b[31m", b"\\xff\\\\ b"):
    if os.fork() == 0:
        open("/proc/self/comm", "wb").write(name)
        s = socket.create_server(("127.0.0.1", 7100 + len(name)))
        os.write(1, b"ready\\n")
        signal.pause()
u = socket.socket(socket.AF_UNIX); u.bind(b"\\0one\\n\\x1b]0;owned\\x07 two"); u.listen()
v = socket.socket(socket.AF_UNIX)
v.bind("\\0x\\n0000000000000000: 00000002 00000000 00010000 0001 01 1 /forged"); v.listen()
os.write(1, b"ready\\n")
signal.pause()
"""


def test_names_that_are_not_words(control):
    """Names can neither end the quotes nor control the terminal."""
    control.start(*NETWORK, command=["python3", "-c", EVIL])
    for _ in range(4):
        control.init.line("ready")
    text = control.output("net", "-tl", text=False).decode()
    assert not re.search(r"[^\n -~]", text) and len(text.splitlines()) == 4
    # The kernel cuts names off at 15 bytes.
    for name in (r'x\",pid=1,fd=3),', r"a) R 1\n\x1b[31m", r"\xff\\ b"):
        assert re.search(r'users:\(\("%s",pid=[3-5],fd=3\)\)\n' % re.escape(name), text)
    names = {held["name"] for one in control.lines("net", "-tl") for held in one["processes"]}
    assert names == {'x",pid=1,fd=3),', "a) R 1\n\x1b[31m", "\ufffd\\ b"}
    text = control.output("net", "-x", text=False).decode()

    assert r"@one\n\x1b]0;owned\a two " in text and not re.search(r"[^\n -~]", text)


MANY = """
import os, resource, signal, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
listener = socket.create_server(("127.0.0.1", 0), backlog=2000)
kept = []
for i in range(1000):
    kept.append(socket.create_connection(listener.getsockname()))
    kept.append(listener.accept()[0])
pair = socket.socketpair()
files = [os.open("/dev/null", os.O_RDONLY) for _ in range(8000)] + [os.dup(pair[0].fileno()) for _ in range(2000)]
print("ready", listener.getsockname()[1], flush=True)
signal.pause()
"""


@pytest.mark.skipif(not AS_ROOT, reason="needs root to open as many files")
def test_thousands_of_sockets(control):
    """1,000 connections, and a directory of more than 10,000 descriptors, compared with
    /proc/net/tcp and the links read inside."""
    control.start(*NETWORK, "--rlimit", "NOFILE=20000:20000", command=["python3", "-c", MANY])
    control.init.line("ready")
    began = time.monotonic()
    found = control.lines("net", "-t")
    took = time.monotonic() - began
    assert len(found) == 2001 and took < 5
    main = f"/proc/{control.inside(2)}/fd"
    links = {int(link[8:-1]): int(fd) for fd in os.listdir(main)
             if (link := os.readlink(f"{main}/{fd}")).startswith("socket:")}
    assert {one["inode"]: one["processes"][0]["fd"] for one in found}.items() <= links.items()
    text = control.output("exec", "cat", "/proc/net/tcp").splitlines()[1:]
    assert {int(line.split()[9]) for line in text} == {one["inode"] for one in found}
    pair = max(control.lines("net", "-x"), key=lambda one: len(one["processes"]))
    assert len(pair["processes"]) == 2001


def test_processes_that_vanish(control):
    """Hundreds of processes start and end while they are read."""
    control.start(*NETWORK, command=[
        "sh", "-c", "python3 -c 'import socket, time; s = socket.create_server((\"\", 7020)); time.sleep(1000)' & "
        "echo ready; while :; do sleep 0 & sleep 0 & sleep 0 & wait -n; done"])
    control.init.line("ready")
    eventually(lambda: "7020" in control.run("net").stdout, what="the socket")
    for _ in range(50):
        one, = control.lines("net", "-tl")
        assert [held["name"] for held in one["processes"]] == ["python3"]


@pytest.mark.skipif(not AS_ROOT, reason="needs root to mount")
def test_mounts_on_files_of_proc(control):
    """What the container mounts on the command's files is not read."""
    control.start(*NETWORK, "--cap-keep", "all", command=["sh", "-ec", """
        python3 -c 'import socket, time; s = socket.create_server(("", 7030)); print(1, flush=True); time.sleep(1000)' |
        { read x; mount -t tmpfs none /proc/2/fd; mount -t tmpfs none /proc/2/net; mkdir -p /proc/2/net/x || :
        echo 'x\n 0: 0100007F:1B76 00000000:0000 0A 0:0 0:0 0 0 0 9' >/proc/2/net/tcp; echo mounted; sleep 1000; }"""])
    control.init.line("mounted")
    one, = control.lines("net", "-tl")
    assert one["local_port"] == 7030 and one["processes"][0]["name"] == "python3"


# ---- what may go wrong


@pytest.mark.parametrize("words", [["net"], ["stats"], ["stats", "--raw"]])
def test_an_init_that_is_stopped(control, words):
    control.start()
    halt(control.pid())
    began = time.monotonic()
    one_line(control.run("--timeout", "300ms", *words), 125, "no answer within 300 ms")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("words, parts", [
    (["-z"], ["unknown option '-z'"]), (["-tz"], ["unknown option '-z'"]), (["x"], ["too many arguments: 'x'"]),
    (["--tcp=1"], ["unknown option '--tcp=1'"])])
def test_bad_words(control, words, parts):
    control.start()
    one_line(control.run("net", *words), 125, *parts)


def test_without_proc(control):
    server = Server(control.socket)
    failed = (message("failed", "stage=open", "errno=2", "message=No such file"), ())
    try:
        server.serve((GREETING, ()), [[failed]])
        one_line(control.run("net"), 125, "cannot list sockets: init did not pass its /proc")
        server.serve((GREETING, ()), [[(message("opened"), ["directory"])]])
        one_line(control.run("net"), 125, "cannot open proc: unexpected reply from init")
        server.serve((GREETING, ()), [[]])
        one_line(control.run("net"), GONE, "cannot open proc: the container ended")
    finally:
        control.close()
        server.close()


@pytest.mark.skipif(not AS_ROOT, reason="needs root to become another user")
def test_descriptors_that_may_not_be_read(control):
    """They are left out, and that is said once."""
    control.start(*NETWORK, "--control-allow", "1234", command=["python3", "-c", SOCKETS])
    control.init.line("ready")
    os.chmod(control.directory, 0o755)
    os.chmod(control.socket, 0o666)
    done = control.run("net", "-tl", outer=["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"])
    assert done.returncode == 0 and "users:" not in done.stdout and len(done.stdout.splitlines()) > 3
    assert done.stderr == "initctl: cannot read the descriptors of 3 processes: Permission denied\n"
