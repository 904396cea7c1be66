"""Bad requests: the reply is one failed that names the field, and nothing else is done.

The connection and every descriptor of the request are closed, and PID 1 goes on serving.
"""
import errno
import os
import socket
import struct
import time

import pytest

from channel import SIZE, compose
from conftest import DEADLINE, eventually
from container import container, directory  # noqa: F401

BIG = SIZE + 1


@pytest.fixture(scope="module")
def nulls():
    """Six descriptors of /dev/null to pass."""
    fds = [os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC) for _ in range(6)]
    yield fds
    for fd in fds:
        os.close(fd)


def refused(box, data, fds=(), ancillary=(), errors=None, field=None):
    held = box.idle()
    channel = box.connect()
    channel.send_bytes(data, fds, ancillary)
    answer = channel.receive()
    assert answer is not None, "disconnected without a word"
    assert (answer.name, answer["stage"]) == ("failed", "request"), answer
    assert [key for key, _ in answer.fields] == ["stage", "errno", "field", "message"]
    assert answer["field"] == field, answer
    if errors:
        assert answer.number("errno") in errors, answer
    assert channel.receive() is None, "exactly one answer"
    channel.close()
    box.check_well(held)
    return answer


MESSAGES = {
    "unterminated": (b"status", "message"),
    "unterminated field": (b"exec\0cwd=/", "message"),
    "unterminated argument": (b"exec\0args\0true", "message"),
    "one NUL": (b"\0", "message"),
    "empty name": (b"\0status\0", "message"),
    "only NULs": (b"\0" * 100, "message"),
    "one byte": (b"x", "message"),
    "too long": (b"status\0" + b"x" * (BIG - 8) + b"\0", "message"),
    "far too long": (b"status\0" + b"x" * 150000 + b"\0", "message"),
    "unknown name": (b"reboot\0", "request"),
    "name in capitals": (b"STATUS\0", "request"),
    "name cut": (b"statu\0", "request"),
    "name and more": (b"statusx\0", "request"),
    "a field as name": (b"version=1\0", "request"),
    "args as name": (b"args\0", "request"),
    "a reply": (b"started\0session=1\0", "request"),
    "field without value": (b"status\0version\0", "version"),
    "empty field": (b"status\0\0", ""),
    "no key": (b"status\0=1\0", ""),
    "unknown field": (b"status\0colour=red\0", "colour"),
    "key in capitals": (b"status\0Version=1\0", "Version"),
    "key and more": (b"status\0versions=1\0", "versions"),
    "key of another request": (b"status\0user=0\0", "user"),
    "args without": (b"status\0args\0x\0", "args"),
    "exec without arguments": (b"exec\0terminal=true\0", "args"),
    "exec with no argument": (b"exec\0terminal=true\0args\0", "args"),
    "signal without one": (b"signal\0target=main\0", "signal"),
    "attach without one": (b"attach\0", "session"),
    "open without": (b"open\0", "what"),
    "open of both": (b"open\0what=root\0namespace=net\0", "what"),
    "open of nothing": (b"open\0what=\0", "what"),
    "open of something": (b"open\0what=net\0", "what"),
    "open of a namespace": (b"open\0namespace=root\0", "namespace"),
    "open of no namespace": (b"open\0namespace=\0", "namespace"),
    "signal to two": (b"signal\0signal=1\0target=main\0pid=5\0", "target"),
    "signal to two more": (b"signal\0signal=1\0pid=5\0session=1\0", "target"),
    "version too new": (b"status\0version=2\0", "version"),
    "version too old": (b"status\0version=0\0", "version"),
    "version beyond": (b"status\0version=99999999999999999999999\0", "version"),
    "no version": (b"status\0version=\0", "version"),
    "version signed": (b"status\0version=+1\0", "version"),
    "version and more": (b"status\0version=1 \0", "version"),
    "version twice": (b"status\0version=1\0version=1\0", "version"),
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_bad_message(container, kind):
    data, field = MESSAGES[kind]
    refused(container(), data, field=field)


def test_version(container):
    assert container().connect().call("status", "version=1").name == "status"


@pytest.mark.parametrize("data, error", [
    (b"reboot\0", errno.ENOSYS), (b"status\0version=2\0", errno.EPROTONOSUPPORT),
    (b"status", errno.EINVAL), (b"status\0" + b"x" * BIG, errno.EMSGSIZE)])
def test_errno_of_a_bad_message(container, data, error):
    answer = refused(container(), data, errors=[error],
                     field={errno.ENOSYS: "request", errno.EPROTONOSUPPORT: "version"}.get(
                         error, "message"))
    assert answer["message"]


VALUES = {
    "terminal": ["", "1", "yes", "TRUE", "true "],
    "noNewPrivileges": ["", "1", "no"],
    "height": ["", "-1", "65536", "x", "1.5", "99999999999999999999", " 1"],
    "width": ["", "65536", "0x10"],
    "env": ["", "NAME", "=", "=value"],
    "cwd": ["", "relative", "./x"],
    "user": ["", "root", "-1", "4294967295", "99999999999", "1:", "1:2,", "1:,2", "1,2", "1:2:3",
             ":1", "1:x", "1:2,,3", "1:" + ",".join(["5"] * 66)],
    "umask": ["", "8", "1000", "00022", "-1", "0x1", "0o22"],
    "rlimits": ["", "NOFILE", "NOFILE:1", "NOFILE:1:", "NOFILE::1", "NOFILE:2:1", "NOFILE:1:2:3",
                "NOFILE:x:1", "NOTHING:1:1", "RLIMIT_:1:1", "nofile:1:1", "NOFILE:-1:1",
                "NOFILE:1:99999999999999999999", "NOFILE:unlimitedx:1",
                "NOFILE:000000000000000000000000000001:1", ":1:1"],
    "program": ["", "true", "/bin/sh"],
}


@pytest.mark.parametrize("key, value", [(k, v) for k, vs in VALUES.items() for v in vs])
def test_bad_value_of_exec(shared, nulls, key, value):
    data = compose("exec", f"{key}={value}", args=["true"])
    refused(shared, data, nulls[:3], field=key, errors=[errno.EINVAL, errno.ERANGE])


OTHERS = {
    ("signal", "signal"): ["", "0", "65", "-1", "NOTHING", "SIG", "RTMIN+99", "TERM "],
    ("signal", "pid"): ["", "0", "1", "-5", "4194305", "99999999999999999999", "x"],
    ("signal", "session"): ["", "0", "-1", "4294967296", "x"],
    ("signal", "target"): ["", "init", "MAIN", "all "],
    ("attach", "session"): ["", "0", "99999999999999999999"],
    ("stop", "grace"): ["", "-1", "x", "1y", "1.", "inf", "1001h", "99999999999999999999s"],
}


@pytest.mark.parametrize("verb, key, value", [(*k, v) for k, vs in OTHERS.items() for v in vs])
def test_bad_value(shared, verb, key, value):
    fields = [f"{key}={value}"] + (["signal=WINCH"] if verb == "signal" and key != "signal" else [])
    refused(shared, compose(verb, *fields), field=key, errors=[errno.EINVAL, errno.ERANGE])


SINGLE = {"terminal": "false", "noNewPrivileges": "true", "height": "1", "width": "1", "cwd": "/",
          "user": "0", "umask": "022", "program": "passed"}


@pytest.mark.parametrize("key", SINGLE)
def test_twice(shared, nulls, key):
    """A field that is no list is refused when it is given twice."""
    field = f"{key}={SINGLE[key]}"
    refused(shared, compose("exec", field, field, args=["true"]), nulls[:3], field=key)


def test_groups_without_a_user(shared, nulls):
    refused(shared, compose("exec", "additionalGids=5", args=["true"]), nulls[:3],
            field="additionalGids")


def test_long_key(shared):
    """A key that is too long for a reply is not repeated in the reply."""
    refused(shared, compose("status", "k" * 60000 + "=1"), field="request")


@pytest.fixture
def shared(container):
    return container()


COUNTS = [("exec", [], 3), ("exec", ["terminal=true"], 0), ("exec", ["program=passed"], 4),
          ("exec", ["terminal=true", "program=passed"], 1),
          ("exec", ["arguments=passed"], 4),
          ("exec", ["arguments=passed", "program=passed"], 5), ("status", [], 0), ("stop", [], 0),
          ("watch", [], 0), ("open", ["what=root"], 0), ("open", ["socket=tcp4"], 0), ("sessions", [], 0), ("wait", [], 0),
          ("signal", ["signal=WINCH"], 0), ("attach", ["session=1"], 0)]


@pytest.mark.parametrize("verb, fields, right", COUNTS)
def test_wrong_number_of_descriptors(shared, nulls, verb, fields, right):
    data = compose(verb, *fields, args=["true"] if verb == "exec" else None)
    for count in range(7):
        if count != right:
            refused(shared, data, nulls[:count], field="descriptors")


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_too_many_to_hold(shared, nulls, count):
    refused(shared, compose("hold"), nulls[:count], field="descriptors")


@pytest.mark.parametrize("count", [7, 8, 100, 253])
def test_very_many_descriptors(shared, nulls, count):
    """More descriptors than a message may have: all of them are closed."""
    answer = refused(shared, compose("exec", args=["true"]), (nulls * 50)[:count],
                     field="descriptors")
    assert answer.number("errno") == errno.E2BIG


@pytest.mark.parametrize("data", [b"status", b"", b"reboot\0", b"status\0x=1\0",
                                  b"status\0" + b"x" * BIG, b"exec\0args\0"])
@pytest.mark.parametrize("count", [1, 3, 4, 5])
def test_descriptors_with_a_bad_message(shared, nulls, data, count):
    """Elsewhere descriptors leak. Here they are closed whatever is wrong with the message."""
    held = shared.idle()
    for _ in range(3):
        channel = shared.connect()
        channel.send_bytes(data, nulls[:count])
        assert channel.receive().name == "failed"
        assert channel.receive() is None
        channel.close()
    shared.check_well(held)


def test_empty_message(shared):
    """It reads like the end of the connection, but is answered nevertheless."""
    refused(shared, b"", field="message")


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("kind", ["directory", "path", "path to a directory"])
def test_descriptor_that_is_refused(shared, nulls, directory, kind, place):
    """CVE-2024-21626: no descriptor that leads to the operator's file system is passed inside."""
    flags = {"directory": os.O_RDONLY, "path": os.O_PATH, "path to a directory": os.O_PATH}[kind]
    path = "/dev/null" if kind == "path" else directory
    fds = nulls[:3]
    fds[place] = shared.own(os.open(path, flags | os.O_CLOEXEC))
    refused(shared, compose("exec", args=["true"]), fds, field="descriptors", errors=[errno.EBADF])


@pytest.mark.parametrize("flags", [os.O_PATH, os.O_DIRECTORY])
def test_descriptor_that_is_refused_as_a_program_or_master(shared, nulls, directory, flags):
    fd = shared.own(os.open(directory, flags | os.O_CLOEXEC))
    refused(shared, compose("exec", "program=passed", args=["x"]), [*nulls[:3], fd],
            field="descriptors")
    refused(shared, compose("hold"), [fd], field="descriptors")


def test_program_that_cannot_be_executed(shared, nulls):
    """A file that is not a directory and not a program either: reported by the exec."""
    channel = shared.connect()
    answer = channel.call("exec", "program=passed", args=["x"], fds=nulls[:4])
    assert (answer["stage"], answer.number("errno")) == ("exec", errno.EACCES)
    assert channel.call("status").name == "status"


# ---- ancillary data


CREDENTIALS = (socket.SOL_SOCKET, 2, struct.pack("iII", os.getpid(), os.getuid(), os.getgid()))


def test_credentials_are_no_descriptors(shared, nulls):
    channel = shared.connect()
    for _ in range(3):
        channel.send_bytes(compose("status"), (), [CREDENTIALS])
        assert channel.receive().name == "status"
    channel.send_bytes(compose("exec", args=["true"]), nulls[:3], [CREDENTIALS])
    assert channel.receive().name == "started"


def test_descriptors_in_several_parts(shared, nulls):
    """The kernel takes one SCM_RIGHTS a message for all; so does init."""
    parts = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", fd)) for fd in nulls[:3]]
    held = shared.idle()
    channel = shared.connect()
    channel.send_bytes(compose("exec", args=["true"]), (), parts)
    assert channel.receive().name in ("started", "failed")
    channel.close()
    shared.check_well(held)


def test_its_own_connection_as_stdio(shared):
    """The connection is passed over itself, which makes a cycle of sockets."""
    held = shared.idle()
    channel = shared.connect()
    fd = channel.socket.fileno()
    answer = channel.exec("sh", "-c", "exec 0<&- 1>&- 2>&-; exit 4", stdio=(fd, fd, fd))
    assert answer.name == "started"
    assert channel.receive()["code"] == "4"
    channel.send("hold", fds=[fd])
    assert channel.receive().name == "failed"
    channel.close()
    shared.check_well(held)


def test_answer_before_a_reset(shared):
    """Requests behind a refused one are not read, but the client can still read the answer."""
    channel = shared.connect()
    for data in [compose("reboot")] + [compose("status")] * 20:
        try:
            channel.send_bytes(data)
        except (BrokenPipeError, ConnectionResetError):
            break
    assert channel.receive()["field"] == "request"
    shared.check_well()


def test_shutdown_of_the_writing_half(shared):
    """A client that shuts down its writing half ends the connection: its session is hung up."""
    channel, _ = shared.started("sleep", "1000")
    channel.socket.shutdown(socket.SHUT_WR)
    while channel.receive():
        pass
    shared.check_well()


def test_many_requests_at_once(shared):
    channel = shared.connect()
    for _ in range(100):
        channel.send("status")
    for _ in range(100):
        assert channel.receive().name == "status"


def test_worst_messages_take_no_time(shared, nulls):
    """Messages with as many fields as fit, of the kinds that take longest: nobody else has to
    wait."""
    channel, other = shared.connect(), shared.connect()
    fill = [(compose("exec", *["env=A="] * 9000, args=["true"])),
            (compose("exec", *[f"env=A{i}=" for i in range(5000)], args=["true"])),
            (compose("exec", *["rlimits=NOFILE:9:9"] * 3400, args=["true"]))]
    before = shared.cpu()
    for data in fill:
        channel.send_bytes(data, nulls[:3])
        began = time.monotonic()
        assert other.call("status").name == "status"
        assert time.monotonic() - began < DEADLINE / 3
        assert channel.receive().name == "started"
        assert channel.receive().name == "exited"
    ticks = os.sysconf("SC_CLK_TCK")
    assert shared.cpu() - before < ticks / 2
    eventually(lambda: other.call("status")["sessions"] == "0")

