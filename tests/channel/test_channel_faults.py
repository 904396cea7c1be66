"""strace makes one system call of init fail at a time: PID 1 survives, the client gets an error.

strace counts the calls of each process separately, so `when=N+` affects only init if its
children make fewer than N of them.
"""
import errno
import shutil

import pytest

from conftest import PROBE, eventually
from container import container, directory  # noqa: F401

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


def faulty(call, error, when):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:error={error}:when={when}"]


def converse(box):
    """Makes one request of each kind. Returns the name of each reply, None for a disconnection."""
    heard = []

    def attempt(function):
        try:
            channel = box.connect(greet=False)
            greeting = channel.receive()
            if greeting and greeting.name == "init":
                heard.append(function(channel))
            else:
                heard.append(greeting and greeting.name)
        except (BrokenPipeError, ConnectionResetError):
            heard.append(None)
            return
        channel.close()

    def ask(*words, fds=(), **more):
        def function(channel):
            answer = channel.call(*words, fds=fds, **more)
            if answer and answer.name == "started":
                ending = channel.receive()
                return ("started", ending and ending.name)
            return answer and answer.name
        return function

    attempt(ask("status"))
    attempt(ask("exec", args=["true"], fds=box.null()))
    attempt(ask("exec", "terminal=true", args=["true"]))
    attempt(ask("exec", args=["/nowhere"], fds=box.null()))
    attempt(ask("open", "what=root"))
    attempt(ask("signal", "signal=WINCH"))
    return heard


CASES = [("socketpair", "EMFILE"), ("socketpair", "ENOMEM"), ("clone", "EAGAIN"),
         ("clone", "ENOMEM"), ("recvmsg", "ENOMEM"), ("recvmsg", "EMFILE"),
         ("sendmsg", "ENOMEM"), ("sendmsg", "EAGAIN"), ("sendmsg", "ENOBUFS"),
         ("epoll_ctl", "ENOMEM"), ("epoll_ctl", "ENOSPC"), ("accept4", "EMFILE"),
         ("accept4", "ENFILE"), ("accept4", "ECONNABORTED"),
         ("epoll_wait", "EINTR"), ("epoll_pwait", "EINTR"), ("getsockopt", "ENOMEM"),
         ("statx", "ENOMEM"), ("fcntl", "EMFILE")]


@pytest.mark.parametrize("call, error", CASES)
def test_call_that_fails(container, call, error):
    """Every third call from the tenth on fails, so that each request fails at some step."""
    box = container("--grace", "200ms", outer=faulty(call, error, "10+3"))
    for _ in range(6):
        converse(box)
    assert box.init.popen.poll() is None, box.init.stderr()
    # Afterwards nothing is left open. A connection may still meet the fault, so try again.
    for channel in box.channels:
        channel.close()

    def clean():
        channel = box.connect(greet=False)
        try:
            greeting = channel.receive()
            answer = greeting and greeting.name == "init" and channel.call("status")
            if not answer or answer.name != "status":
                return False
            sockets = [what for what in box.descriptors().values() if what.startswith("socket:")]
            return answer["sessions"] == "0" and len(sockets) == 2
        except (BrokenPipeError, ConnectionResetError):
            return False
        finally:
            channel.close()

    box.seen = box.seen or box.init.init_pid
    eventually(clean, what="an init that holds nothing more than at the start")


@pytest.mark.parametrize("call, error, number", [
    ("socketpair", "EMFILE", errno.EMFILE), ("clone", "EAGAIN", errno.EAGAIN),
    ("clone", "ENOMEM", errno.ENOMEM), ("epoll_ctl", "ENOSPC", errno.ENOSPC)])
def test_start_that_fails(container, call, error, number):
    """A start that fails is reported with the stage fork, and the connection can still be used."""
    # epoll_ctl: signals, listener, connection; the next one belongs to the start.
    first = {"epoll_ctl": 4}.get(call, 1)
    # Not as PID 1, since the program that makes the namespaces calls clone as well.
    box = container(how="plain", outer=faulty(call, error, f"{first}+"))
    channel = box.connect()
    for terminal in (False, True):
        answer = channel.exec("sleep", "1000", stdio=None if terminal else box.null())
        assert (answer.name, answer["stage"], answer.number("errno")) == ("failed", "fork", number)
    assert channel.call("status").name == "status"
    eventually(lambda: channel.call("status")["sessions"] == "0")


def test_accept_that_fails(container):
    """An accept that fails once is tried again without waiting for another event."""
    box = container(outer=faulty("accept4", "ENOMEM", "1"))
    assert box.connect().call("status").name == "status"


def test_terminal_that_does_not_get_through(container):
    """The master is lost between the child and init: no started is sent, and the session ends."""
    # The child's message of the master is read by init's second recvmsg.
    box = container(outer=faulty("recvmsg", "ENOMEM", "2"))
    channel = box.connect()
    answer = channel.exec("sleep", "1000")
    assert (answer.name, answer["stage"], answer.number("errno")) == (
        "failed", "fork", errno.ENOMEM), answer
    eventually(lambda: channel.call("status")["sessions"] == "0")
    assert channel.exec("true").name == "started"


def test_signal_that_is_gone_again(container):
    """A pending CONT makes the signalfd readable, and a STOP takes it away before it is read."""
    box = container(command=["sh", "-c", f"{PROBE} flicker 6000; echo done; exec sleep 1000"])
    box.init.line("done")
    assert box.connect().call("status").name == "status"
