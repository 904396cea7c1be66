"""net: the sockets of the container's network and their holders, compared with ss(8) inside."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from conftest import AS_ROOT, descendants, eventually
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
