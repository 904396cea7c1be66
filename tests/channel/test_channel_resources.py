"""What PID 1 uses, and what it does when something runs out: descriptors, memory, processes, CPU.

Clients do not read, come in large numbers, or are killed: 1,000 sessions at once, 10,000 one
after another, 1 GiB through a pipe.
"""
import errno
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import time
import uuid
from array import array
from pathlib import Path

import pytest

from channel import Channel, compose
from conftest import (AS_ROOT, DEADLINE, PROBE, come_to_rest, eventually, halt, sanitized, status_of,
                      switches)
from container import as_user, container, directory, needs_root  # noqa: F401

SESSIONS, CONNECTIONS = 1000, 1024
exact = pytest.mark.skipif(sanitized(), reason="a sanitizer's memory is not init's")


@pytest.fixture
def many_files():
    """Room for the clients' descriptors, which are all open in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4000 if hard == resource.RLIM_INFINITY else min(hard, 4000)
    if wanted < 2500:
        pytest.skip("needs 2,500 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@exact
def test_idle_memory(container):
    """56 kB with the channel open, 16 kB of them anonymous; or up to two pages more, where the
    kernel's random choice puts what is used of the stack across the edge of one. The budget is
    what the smallest peer needs, 60 kB."""
    seen = []
    for _ in range(8):
        box = container(command=["sh", "-c", "echo ready; exec sleep 1000"], apart=True)
        box.init.line("ready")
        box.seen = box.init.init_pid
        eventually(lambda pid=box.seen: status_of(pid)["State"].startswith("S"))
        seen.append(box.rss())
    box.output("true")
    print(f"idle RSS, of it anonymous: {seen} kB; after an exec: {box.rss()}")
    assert min(seen) <= (56, 16) and max(seen) <= (64, 24)


def start_code(pid):
    """How many kB of the program's first mapping are resident."""
    lines = iter(Path(f"/proc/{pid}/smaps").read_text().splitlines())
    assert " r-xp 00000000 " in next(lines)
    size, rss = (next(int(line.split()[1]) for line in lines if line.startswith(key))
                 for key in ("Size:", "Rss:"))
    return size, rss


@exact
def test_code_of_the_start_is_given_back(container):
    """The pages of functions that only the start calls (SECTION_START) are given back, and no
    request brings them in again."""
    box = container()
    channel = box.connect()
    eventually(lambda: start_code(box.pid) == (16, 0), what="the release of its pages")
    box.output("true")
    assert channel.call("status").name == "status"
    assert channel.list_sessions() == []
    assert channel.call("signal", "signal=WINCH").name == "signalled"
    assert start_code(box.pid) == (16, 0)


def stack(pid):
    """How far above the start of its page the stack pointer is, in bytes, and how many pages of the
    stack below that page are resident."""
    pointer = int(Path(f"/proc/{pid}/syscall").read_text().split()[-2], 16)
    line, = (one for one in Path(f"/proc/{pid}/maps").read_text().splitlines() if "[stack]" in one)
    low = int(line.split("-")[0], 16)
    with open(f"/proc/{pid}/pagemap", "rb") as file:
        file.seek(low // mmap.PAGESIZE * 8)
        entries = array("Q", file.read((pointer // mmap.PAGESIZE - low // mmap.PAGESIZE) * 8))
    return pointer % mmap.PAGESIZE, sum(entry >> 63 for entry in entries)


@exact
def test_stack_of_the_start_is_given_back(container):
    """What the start used of the stack below the loop's own page is given back."""
    for _ in range(64):
        box = container(command=["sh", "-c", "echo ready; exec sleep 1000"], apart=True)
        box.init.line("ready")
        come_to_rest(box.init.init_pid)
        above, resident = stack(box.init.init_pid)
        # Nearer to an edge the loop may use the page below, or the start did not. The kernel
        # chooses at random where the stack begins, so this happens in two processes of three.
        if 1280 <= above <= mmap.PAGESIZE - 1536:
            assert resident == 0
            return
    pytest.fail("the stack pointer was never in the middle of a page")


def test_ten_thousand_sessions(container):
    """Elsewhere each exec leaks. Here descriptors and memory are as before at the end."""
    box = container()
    null = box.null()
    channels = [box.connect() for _ in range(8)]
    data = compose("exec", args=["/bin/true"])
    bad = compose("exec", args=["/nowhere"])

    def rounds(count):
        for _ in range(count):
            # In parallel: it is measured what is left, not how long it takes.
            for number, channel in enumerate(channels):
                channel.send_bytes(bad if number == 7 else data, null)
            for number, channel in enumerate(channels):
                if number == 7:
                    assert channel.receive().name == "failed"
                else:
                    assert channel.receive().name == "started"
                    assert channel.receive().fields == [("code", "0")]

    rounds(20)
    held, before = box.descriptors(), box.rss()
    rounds(1410)
    assert len(box.descriptors()) == len(held)
    # The child of a failed start counts until it is reaped.
    eventually(lambda: channels[0].call("status")["sessions"] == "0")
    if not sanitized():
        # A page of code that is first run late is not counted as growth.
        assert box.rss()[0] <= before[0] + 4 and box.rss()[1] <= before[1] + 4, (before, box.rss())
    for channel in channels:
        channel.close()
    box.check_well()


def test_thousand_terminals_one_after_another(container):
    """The same with terminals, half of them held and attached, half of them hung up."""
    box = container()
    held = box.idle()
    for number in range(100):
        channel = box.connect()
        answer = channel.exec("sleep", "1000")
        assert answer.name == "started"
        if number % 2:
            assert channel.call("hold", fds=answer.fds).name == "held"
            os.close(answer.take())
            back = channel.call("attach", f"session={answer['session']}")
            os.close(back.take())
        else:
            os.close(answer.take())
        channel.close()
    box.check_well(held)


def fill(box, null):
    """Starts as many sessions as there may be, and returns their channels."""
    data = compose("exec", args=["/bin/sleep", "1000"])
    channels = [box.connect() for _ in range(SESSIONS)]
    for channel in channels:
        channel.send_bytes(data, null)
    for channel in channels:
        assert channel.receive().name == "started"
    return channels


def test_full_table(container, many_files):
    """With 1,000 sessions the 1,001st is refused, and every other request works."""
    box = container("--grace", "500ms")
    null = box.null()
    first = box.idle()
    channels = fill(box, null)
    other = box.connect()
    assert other.call("status")["sessions"] == str(SESSIONS)
    refused = other.exec("true", stdio=null)
    assert (refused.name, refused["stage"], refused.number("errno")) == (
        "failed", "fork", errno.EAGAIN)
    total = box.rss()[0]
    print(f"RSS with {SESSIONS} sessions: {total} kB")
    assert sanitized() or total < 256
    assert len(other.list_sessions()) == SESSIONS
    assert channels[0].call("signal", "signal=KILL").name == "signalled"
    assert channels[0].receive()["signal"] == "9"
    assert other.exec("true", stdio=null).name == "started"
    assert other.receive()["code"] == "0"
    # With all connections in use as well, a new one is told so.
    more = [box.connect(greet=False) for _ in range(CONNECTIONS - SESSIONS + 8)]
    greetings = [channel.receive() for channel in more]
    names = [greeting.name for greeting in greetings]
    assert names.count("init") == CONNECTIONS - SESSIONS - 1
    for channel, greeting in zip(more, greetings):
        if greeting.name != "init":
            assert (greeting.name, greeting["stage"], greeting["errno"]) == (
                "failed", "connect", str(errno.EAGAIN))
            assert channel.receive() is None
        channel.close()
    for channel in channels:
        channel.close()
    other.close()
    box.check_well(first)
    if not sanitized():
        print(f"RSS after it: {box.rss()}")


def test_stop_with_a_full_table(container, many_files):
    box = container("--grace", "300ms")
    null = box.null()
    channels = fill(box, null)  # the sessions are hung up when these are closed
    assert box.connect().call("stop").name == "stopping"
    assert box.init.wait() in (143, 137)


@needs_root
def test_crowd_of_one_uid(container, many_files):
    """The connections of one uid are limited, so that others can still connect."""
    box = container("--control-allow", "1234")
    box.connect()

    def crowd():
        channels = [Channel.connect(box.path, DEADLINE, greet=False) for _ in range(300)]
        names = [channel.receive().name for channel in channels]
        assert Channel.connect(box.path, DEADLINE, greet=False).receive().name == "failed"
        return names.count("init")

    assert as_user(1234, 1234, crowd) == str(CONNECTIONS // 4)
    box.check_well()


# ---- clients that do not read


def flood(channel, data, limit=200000):
    """Sends until the server disconnects, or limit messages were taken."""
    channel.socket.setblocking(False)
    for count in range(limit):
        try:
            channel.socket.send(data)
        except (BrokenPipeError, ConnectionResetError):
            return "closed"
        except BlockingIOError:
            time.sleep(0.001)
    return "taken"


@pytest.mark.parametrize("data", [b"status\0", b"open\0what=root\0", b"open\0namespace=net\0"])
def test_client_that_does_not_read_replies_is_disconnected(container, data):
    """Elsewhere a client that does not read blocks the server. Here it is disconnected."""
    box = container()
    held = box.idle()
    rude, other = box.connect(), box.connect()
    assert flood(rude, data) == "closed"
    began = time.monotonic()
    assert other.call("status").name == "status"
    assert time.monotonic() - began < DEADLINE / 3
    rude.close()
    other.close()
    box.check_well(held)


def test_session_of_a_client_that_does_not_read(container):
    """The session of a client that is disconnected is hung up like any other."""
    box = container()
    rude, _ = box.started("sleep", "1000")
    assert flood(rude, b"status\0") == "closed"
    box.check_well()


def test_watcher_that_does_not_read(container):
    """Elsewhere such a client blocks the server. Here it loses events, is told how many, and goes
    on receiving."""
    box = container()
    watcher, channel, null = box.connect(), box.connect(), box.null()
    watcher.call("watch")
    total = 0
    for _ in range(500):
        channel.send("exec", args=["/bin/true"], fds=null)
        assert channel.receive().name == "started" and channel.receive().name == "exited"
        total += 2
    seen = lost = 0
    while seen + lost < total:
        event = watcher.receive()
        if event["type"] == "lost":
            lost += event.number("count")
        else:
            seen += 1
    assert seen + lost == total and lost > 0 and seen > 0, (seen, lost)
    # From here on it receives every event again.
    box.output("true")
    assert [watcher.receive()["type"] for _ in range(2)] == ["started", "exited"]
    watcher.close()
    channel.close()
    box.check_well()


def test_list_longer_than_the_socket_holds(container, many_files):
    """A list is sent at the pace of its reader, and is complete in the end."""
    box = container("--grace", "100ms")
    null = box.null()
    channels = [box.connect() for _ in range(600)]
    for channel in channels:
        channel.send("exec", args=["/bin/sleep", "1000"], fds=null)
    for channel in channels:
        assert channel.receive().name == "started"
    slow, other = box.connect(), box.connect()
    slow.send("sessions")
    before = box.cpu()
    for _ in range(100):
        other.call("status")
    assert box.cpu() - before < os.sysconf("SC_CLK_TCK") / 2, "it spins"
    seen = 0
    while (message := slow.receive()).name == "session":
        seen += 1
        assert message.number("session") == seen
    assert (message.name, seen) == ("end", 600)


def test_silent_connections_cost_nothing(container):
    """No wakeups while idle."""
    box = container()
    channels = [box.connect() for _ in range(50)]
    box.started("sleep", "1000", channel=channels[0])
    channels[1].call("watch")
    channels[2].send("wait")
    channels[3].call("status")
    box.connect().call("status")
    come_to_rest(box.pid)
    before, end = switches(box.pid), time.monotonic() + 0.3
    # Nothing must happen for this long.
    eventually(lambda: time.monotonic() > end)
    assert switches(box.pid) == before


# ---- no room


def open_files(box):
    return len(os.listdir(f"/proc/{box.pid}/fd"))


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_descriptors_run_out(container, spare):
    """New clients are told so, it is logged once, connected ones are served; once there is room,
    all works as before."""
    box = container()
    held = box.idle()
    there = box.connect()
    limits = resource.prlimit(box.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(box.pid, resource.RLIMIT_NOFILE, (open_files(box) + spare, limits[1]))
    before = box.cpu()
    more, said = [], []
    for _ in range(spare + 3):
        more.append(box.connect(greet=False))
        said.append(more[-1].receive())
    assert [message.name for message in said] == ["init"] * spare + ["failed"] * 3
    for message in said[spare:]:
        assert (message["stage"], message["errno"]) == ("connect", str(errno.EMFILE))
    assert there.call("status").name == "status"
    answer = there.exec("true", stdio=box.null())
    assert (answer.name, answer["stage"], answer.number("errno")) == (
        "failed", "request", errno.EMFILE)
    assert answer["field"] == "descriptors" and there.receive() is None
    assert box.cpu() - before < os.sysconf("SC_CLK_TCK") / 2, "it spins"
    assert box.init.stderr().count("cannot accept on control socket: ") == 1
    for channel in more:
        channel.close()
    resource.prlimit(box.pid, resource.RLIMIT_NOFILE, limits)
    box.check_well(held)
    assert box.output("echo", "ok") == "ok\n"


@pytest.mark.parametrize("room", range(0, 7))
def test_descriptors_run_out_within_an_exec(container, room):
    """At each step of the exec: it fails, or the terminal works; no descriptor is left open."""
    box = container()
    held = box.idle()
    for terminal in (False, True):
        channel = box.connect()
        limits = resource.prlimit(box.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(box.pid, resource.RLIMIT_NOFILE, (open_files(box) + room, limits[1]))
        answer = channel.exec("sh", "-c", "exit 3", stdio=None if terminal else box.null())
        resource.prlimit(box.pid, resource.RLIMIT_NOFILE, limits)
        if answer.name == "started":
            assert len(answer.fds) == terminal, "started without its terminal"
            assert channel.receive()["code"] == "3"
        else:
            assert answer.number("errno") == errno.EMFILE, answer
        channel.close()
    box.check_well(held)


@needs_root
def test_refused_user_hears_nothing_without_room_either(container):
    box = container("--control-allow", "1234")
    there = box.connect()
    limits = resource.prlimit(box.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(box.pid, resource.RLIMIT_NOFILE, (open_files(box), limits[1]))

    def contact():
        message = Channel.connect(box.path, DEADLINE, greet=False).receive()
        return message.name if message else "nothing"

    assert as_user(1000, 1000, contact) == "nothing"
    assert as_user(1234, 1234, contact) == "failed"
    resource.prlimit(box.pid, resource.RLIMIT_NOFILE, limits)
    assert there.call("status").name == "status"


def test_process_limit(container, directory):
    """When fork fails with EAGAIN, requests that need no fork still work."""
    if not AS_ROOT:
        pytest.skip("needs root, to become another user")
    directory.chmod(0o777)
    # The limit counts all processes of a uid wherever they are, so take one that is not used.
    box = container(how="plain", outer=["prlimit", "--nproc=2:2", "setpriv", "--reuid", "64321",
                                        "--regid", "64321", "--clear-groups"])
    held = box.idle()
    channel = box.connect()
    for _ in range(3):
        answer = channel.exec("true", stdio=box.null())
        assert (answer.name, answer["stage"], answer.number("errno")) == (
            "failed", "fork", errno.EAGAIN)
    assert channel.call("status").name == "status"
    os.close(channel.call("open", "what=root").take())
    assert channel.call("signal", "signal=WINCH").name == "signalled"
    channel.close()
    box.check_well(held)
    other = box.connect()
    assert other.call("stop").name == "stopping"
    box.init.wait()


@pytest.fixture
def pids():
    """A pids cgroup of our own."""
    for base in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        group = Path(base, f"init-test-{uuid.uuid4().hex[:8]}")
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / "pids.max").exists():
            yield group
            eventually(lambda: remove(group), what="the end of the cgroup")
            return
        group.rmdir()
    pytest.skip("needs a pids cgroup")


def remove(group):
    try:
        group.rmdir()
        return True
    except OSError:
        return False


def test_pids_limit(container, pids):
    """At the process limit of the container's cgroup an exec is refused, and all else works."""
    (pids / "pids.max").write_text("20")
    box = container("--grace", "100ms",
                    outer=["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', pids])
    held = box.idle()
    there, answers = [], []
    for _ in range(25):
        there.append(box.connect())
        answers.append(there[-1].exec("sleep", "1000", stdio=box.null()))
    refused = [answer for answer in answers if answer.name == "failed"]
    assert refused and len(refused) < 25
    assert {(a["stage"], a.number("errno")) for a in refused} == {("fork", errno.EAGAIN)}
    assert there[0].call("status").name == "status"
    assert there[0].call("signal", "signal=KILL").name == "signalled"
    assert there[0].receive()["signal"] == "9"
    assert there[-1].exec("true", stdio=box.null()).name == "started"
    for channel in there:
        channel.close()
    box.check_well(held)
    assert box.connect().call("stop").name == "stopping"
    box.init.wait()


# ---- no byte through PID 1


def test_gigabyte_through_a_session(container):
    """Elsewhere all output passes through the server. Here PID 1 copies no byte of it."""
    box = container()
    read_in, write_in = box.pipe()
    read_out, write_out = box.pipe()
    null = box.null()[0]
    channel = box.connect()
    assert channel.exec("cat", stdio=(read_in, write_out, null)).name == "started"
    box.disown(read_in, write_out)
    before = (box.cpu(), status_of(box.pid)["voluntary_ctxt_switches"])
    # Of the thread: the numbers of the process include those of its dead children.
    io = Path(f"/proc/{box.pid}/task/{box.pid}/io")
    io_before = io.read_text().split()
    began = time.monotonic()
    size = 1 << 30
    producer = subprocess.Popen(["head", "-c", str(size), "/dev/zero"], stdout=write_in)
    box.disown(write_in)
    counter = subprocess.Popen(["wc", "-c"], stdin=read_out, stdout=subprocess.PIPE)
    box.disown(read_out)
    assert int(counter.communicate()[0]) == size
    assert producer.wait() == 0
    print(f"1 GiB in {time.monotonic() - began:.2f} s")
    assert channel.receive()["code"] == "0"
    # One event: the end of the command.
    after = (box.cpu(), status_of(box.pid)["voluntary_ctxt_switches"])
    assert after[0] - before[0] <= 1
    assert int(after[1]) - int(before[1]) <= 3
    io_after = io.read_text().split()
    for at in (1, 3):
        assert int(io_after[at]) - int(io_before[at]) < 4096
    box.check_well()


# ---- descriptors that take their time


@pytest.mark.parametrize("busy", [False, True], ids=["refused", "busy"])
def test_descriptor_of_a_socket_that_lingers(container, busy):
    """Closing a descriptor that a client passed must not block PID 1."""
    box = container()
    channel, other = box.connect(), box.connect()
    null = box.null()
    if busy:
        box.started("sleep", "1000", channel=channel)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        one = socket.socket()
        one.connect(listening.getsockname())
        peer, _ = listening.accept()

        # Longer than the test waits for an answer.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, int(3 * DEADLINE)))
        one.setblocking(False)
        try:
            while True:
                one.send(b"x" * 65536)
        except BlockingIOError:
            pass
        # Only the message still holds the socket, so that it is init that closes it.
        halt(box.pid)
        if busy:
            channel.send_bytes(compose("exec", args=["true"]), [one.fileno(), *null[:2]])
        else:
            channel.send("status", fds=[one.fileno()])
        one.close()
        os.kill(box.pid, signal.SIGCONT)
        answer = channel.receive()
        if busy:
            assert answer.number("errno") == errno.EBUSY
        else:
            assert answer["field"] == "descriptors"
        began = time.monotonic()
        try:
            assert other.call("status").name == "status"
        finally:
            peer.close()
        took = time.monotonic() - began
    assert took < DEADLINE, f"PID 1 was held up for {took:.1f} s"


def test_killed_clients(container):
    """A client is killed by SIGKILL at different moments: nothing of it is left."""
    box = container("--grace", "100ms")
    held = box.idle()
    for number in range(30):
        pid = os.fork()
        if not pid:
            try:
                channel = Channel.connect(box.path, DEADLINE)
                if number % 3:
                    channel.send("exec", "terminal=true", args=["sleep", "1000"])
                else:
                    null = os.open("/dev/null", os.O_RDWR)
                    channel.send("exec", args=["sleep", "1000"], fds=[null] * 3)
                if number % 2:
                    channel.receive()
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
    box.check_well(held)


def test_orphans_of_sessions_are_reaped(container):
    box = container()
    null = box.null()
    channel = box.connect()
    before = channel.call("status").number("reaped")
    assert channel.exec(PROBE, "orphans", "500", stdio=null).name == "started"
    assert channel.receive()["code"] == "0"
    eventually(lambda: channel.call("status").number("reaped") >= before + 501)

