"""status, signal, sessions, watch, wait, stop, open, as init-control(7) describes them."""
import errno
import os
import re
import resource
import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from conftest import AS_ROOT, INIT, PROBE, TICK, descendants, eventually, is_alive, status_of
from container import (container, directory, gone, needs_root, read_all,  # noqa: F401
                       read_until)


def signals_seen(text):
    return [int(line.split()[0]) for line in text.splitlines() if line[0].isdigit()]


def failure(answer):
    assert answer.name == "failed", answer
    return answer["stage"], answer.number("errno")


# ---- status


def test_status(container, how):
    box = container(how=how)
    channel = box.connect()
    seen = channel.call("status")
    assert [key for key, _ in seen.fields] == ["release", "state", "pid", "main", "user",
                                               "uptime", "reaped", "forwarded", "sessions"]
    assert seen["state"] == "running" and seen["forwarded"] == seen["sessions"] == "0"
    main = box.outside(seen["main"]) if how == "pid1" else seen.number("main")
    assert seen["pid"] == ("1" if how == "pid1" else str(box.pid))
    assert status_of(main)["Name"].strip() == "sleep"
    assert seen["user"] == box.output("id", "-u").strip()


def test_status_counts(container):
    box = container(command=[PROBE, "signals"])
    box.init.line("ready")
    channel = box.connect()
    before = channel.call("status")
    box.init.signal(signal.SIGUSR1)
    box.init.line("10 ")
    for _ in range(3):
        box.output("true")
    eventually(lambda: channel.call("status").number("reaped") == before.number("reaped") + 3)
    after = channel.call("status")
    assert after.number("forwarded") == 1
    assert after.number("uptime") >= before.number("uptime")
    mine, _ = box.started("sleep", "1000")
    assert channel.call("status")["sessions"] == "1"


@pytest.mark.parametrize("script, field", [("exit 4", ("code", "4")),
                                           ("kill -9 $$", ("signal", "9"))])
def test_status_when_lingering(container, script, field):
    box = container("--wait-all", command=["sh", "-c", f"sleep 1000 & read x; {script}"],
                    stdin=-1)
    channel = box.connect()
    assert channel.call("status").number("main") > 1
    box.init.popen.stdin.close()
    eventually(lambda: channel.call("status")["state"] == "lingering")
    seen = channel.call("status")
    assert seen["main"] == "0" and seen.fields[-1] == field
    # Sessions may be started in a lingering container.
    assert box.output("echo", "ok") == "ok\n"
    assert channel.call("signal", "signal=TERM", "target=main")["errno"] == str(errno.ESRCH)
    assert channel.call("open", "what=main")["errno"] == str(errno.ESRCH)
    assert channel.call("stop").name == "stopping"
    box.init.wait()


def test_ending(container):
    """While the container ends, no session is started; every other request is answered."""
    box = container("--grace", "1000s", command=["sh", "-c", f"{PROBE} signals & read x"],
                    stdin=-1)
    box.init.line("ready")
    channel = box.connect()
    box.init.popen.stdin.close()
    eventually(lambda: channel.call("status")["state"] == "ending")
    answer = channel.exec("true", stdio=box.null())
    assert failure(answer) == ("request", errno.ESHUTDOWN) and answer.get("field") is None
    assert channel.call("sessions").name == "end"
    assert channel.call("wait").name == "exited"
    assert channel.call("signal", "signal=KILL", "target=all").name == "signalled"
    box.init.wait()


@pytest.mark.parametrize("used", [False, True])
def test_pause(container, used):
    """There is no main command; a stop ends init at once if no process is left."""
    box = container.make()
    box.init = box.start(["--control", str(box.path), "--grace", "1000s", "--pause"], "pid1")
    channel = box.connect()
    assert channel.call("status")["main"] == "0"
    assert channel.call("open", "what=main")["errno"] == str(errno.ESRCH)
    assert failure(channel.call("signal", "signal=TERM")) == ("signal", errno.ESRCH)
    if used:
        assert box.output("echo", "ok") == "ok\n"
    assert channel.call("stop").name == "stopping"
    assert box.init.wait() == 0


@pytest.mark.parametrize("by", ["signal", "stop"])
def test_pause_waits_for_sessions(container, how, directory, by):
    """With --pause a stop waits for the sessions, which are the only other processes."""
    box = container.make()
    box.init = box.start(["--control", str(box.path), "--grace", "1000s", "--pause"], how)
    box.started("sh", "-c", f"trap '' HUP; exec {PROBE} sibling {directory} polite")
    eventually(lambda: (directory / "ready").exists())
    if by == "signal":
        box.init.signal(signal.SIGTERM)
    else:
        assert box.connect().call("stop").name == "stopping"
    assert box.init.wait() == 0
    assert (directory / "cleaned").exists()


# ---- signal


@pytest.fixture
def printer(container):
    """A container whose main command prints signals, and a session that does."""
    box = container(command=[PROBE, "signals"])
    box.init.line("ready")
    channel = box.connect()
    read, write = box.pipe()
    null = box.null()[0]
    answer = channel.exec(PROBE, "signals", stdio=(null, write, null))
    box.disown(write)
    read_until(read, "ready\n")
    return box, channel, read, answer


@pytest.mark.parametrize("name, number", [("TERM", 15), ("SIGTERM", 15), ("15", 15), ("USR1", 10),
                                          ("RTMIN+1", 35), ("64", 64), ("RTMAX", 64), ("hup", 1)])
def test_signal_to_the_session_of_the_connection(printer, name, number):
    box, channel, read, _ = printer
    assert channel.call("signal", f"signal={name}").name == "signalled"
    read_until(read, f"{number} ")
    # Main has seen nothing.
    assert channel.call("signal", "signal=USR2", "target=main").name == "signalled"
    assert box.init.line(r"^\d+ ")[0] == "12 "


def test_signal_to_main_without_a_session(printer):
    box, *_ = printer
    assert box.connect().call("signal", "signal=USR2").name == "signalled"
    box.init.line("^12 ")


def test_signal_is_not_rewritten(container):
    box = container("-r", "USR1:USR2", command=[PROBE, "signals"])
    box.init.line("ready")
    assert box.connect().call("signal", "signal=USR1").name == "signalled"
    assert box.init.line(r"^\d+ ")[0] == "10 "


def test_signal_to_a_pid_and_to_a_session(printer):
    box, channel, read, answer = printer
    other = box.connect()
    assert other.call("signal", "signal=USR1", f"pid={answer['pid']}").name == "signalled"
    read_until(read, "10 ")
    assert other.call("signal", "signal=USR2", f"session={answer['session']}").name == "signalled"
    read_until(read, "12 ")
    assert failure(other.call("signal", "signal=USR2", "session=99")) == ("signal", errno.ESRCH)
    assert failure(other.call("signal", "signal=USR2", "pid=4000000")) == ("signal", errno.ESRCH)


def test_signal_to_all(printer):
    box, channel, read, _ = printer
    assert channel.call("signal", "signal=USR1", "target=all").name == "signalled"
    read_until(read, "10 ")
    box.init.line("^10 ")
    box.check_well(sessions=1)


def test_signal_reaches_the_group(container):
    """Elsewhere a signal reaches only the leader. Here it is sent to the session's group."""
    box = container()
    channel, answer = box.started("sh", "-c", "sleep 1000 & sleep 1000 & wait")
    leader = box.outside(answer["pid"])
    members = eventually(lambda: len(descendants(leader)) == 2 and [*descendants(leader), leader])
    assert channel.call("signal", "signal=KILL").name == "signalled"
    eventually(lambda: all(gone(pid) for pid in members))


def test_signal_to_main_only(container, directory):
    """What goes to main goes where init forwards signals to: --main-only applies to it as well, and
    to the signal of a stop."""
    other = directory / "other"
    box = container("--main-only=USR1,TERM", command=[
        "sh", "-c", f"{PROBE} signals --until 2 >{other} & exec {PROBE} signals --until 15"])
    box.init.line("^ready")
    eventually(lambda: other.exists() and other.read_text() == "ready\n", what="the other process")
    channel = box.connect()
    for number in (10, 12):
        assert channel.call("signal", f"signal={number}").name == "signalled"
    box.init.line("^12 ")
    eventually(lambda: "12 " in other.read_text(), what="the signal to the other process")
    assert channel.call("signal", "signal=INT").name == "signalled"
    eventually(lambda: "2 0" in other.read_text(), what="the end of the other process")
    assert channel.call("stop").name == "stopping"
    box.init.line("^15 ")
    assert signals_seen(other.read_text()) == [12, 2]


def test_signal_outside_of_init_s_own(container):
    """Where init is not PID 1, only its descendants are signalled."""
    box = container(how="plain")
    channel = box.connect()
    assert failure(channel.call("signal", "signal=USR1", f"pid={os.getpid()}")) == (
        "signal", errno.ESRCH)
    mine, answer = box.started("sleep", "1000")
    assert channel.call("signal", "signal=KILL", f"pid={answer['pid']}").name == "signalled"
    assert mine.receive()["signal"] == "9"


def test_pid_1_is_out_of_reach(container):
    box = container()
    channel = box.connect()
    answer = channel.call("signal", "signal=KILL", "pid=1")
    assert answer["field"] == "pid"
    box.check_well()


# ---- sessions


def test_sessions(container):
    box = container()
    channel, one = box.started("/bin/sleep", "1000")
    other = box.connect()
    two = other.exec("sh", "-c", "sleep 1000 & wait")
    assert two.name == "started"
    listed = box.connect().list_sessions()
    assert [[key for key, _ in line.fields] for line in listed] == [
        ["session", "pid", "name", "state", "terminal", "uptime"]] * 2
    assert [(line["session"], line["pid"], line["name"], line["state"], line["terminal"])
            for line in listed] == [("1", one["pid"], "sleep", "attached", "false"),
                                    ("2", two["pid"], "sh", "attached", "true")]
    assert all(0 <= line.number("uptime") < 60000 for line in listed)


def test_session_name_is_cut(container, directory):
    program = directory / "twenty-letters-long-"
    program.symlink_to("/bin/sleep")
    box = container()
    channel, _ = box.started(program, "1000")
    assert box.connect().list_sessions()[0]["name"] == "twenty-letters"


def test_ending_session(container):
    box = container("--grace", "1000s")
    read, write = box.pipe()
    null = box.null()[0]
    channel, answer = box.started(PROBE, "signals", stdio=(null, write, null))
    read_until(read, "ready\n")
    channel.close()
    other = box.connect()
    eventually(lambda: other.list_sessions()[0]["state"] == "ending")
    other.call("signal", "signal=KILL", f"session={answer['session']}")
    box.check_well()


# ---- watch


def events(channel, count):
    return [[f"{k}={v}" for k, v in channel.receive().fields] for _ in range(count)]


def test_watch(container):
    box = container("--grace", "1000s", command=["sh", "-c", "read x; exit 6"], stdin=-1)
    watcher, channel = box.connect(), box.connect()
    first = watcher.call("watch")
    main = channel.call("status")["main"]
    assert first.name == "event"
    assert first.fields == [("type", "state"), ("state", "running"), ("main", main)]
    answer = channel.exec("sh", "-c", "exit 3", stdio=box.null())
    assert channel.receive()["code"] == "3"
    session = [f"session={answer['session']}", f"pid={answer['pid']}"]
    assert events(watcher, 2) == [["type=started", *session], ["type=exited", *session, "code=3"]]
    # There is no exited for a session that never started.
    assert channel.exec("/nowhere", stdio=box.null()).name == "failed"
    eventually(lambda: channel.call("status")["sessions"] == "0")
    box.init.popen.stdin.close()
    assert events(watcher, 2) == [["type=main", "code=6"],
                                  ["type=state", "state=ending", "main=0"]]
    assert watcher.receive() is None
    assert box.init.wait() == 6


def test_watch_what_operators_and_signals_do(container):
    box = container(command=[PROBE, "signals"])
    box.init.line("ready")
    watcher, channel = box.connect(), box.connect()
    watcher.call("watch")
    answer = channel.exec("sleep", "1000", stdio=box.null())
    session = [f"session={answer['session']}", f"pid={answer['pid']}"]
    assert channel.call("hold").name == "held"
    other = box.connect()
    assert other.call("attach", f"session={answer['session']}").name == "attached"
    assert events(watcher, 3) == [["type=started", *session], ["type=held", *session],
                                  ["type=attached", *session]]
    for number in (signal.SIGUSR1, 40):
        box.init.signal(number)
        assert events(watcher, 1) == [["type=signal", f"signal={int(number)}"]]
    # What an operator sends directly is not forwarded.
    assert channel.call("signal", "signal=WINCH").name == "signalled"
    box.init.line("28 ")
    channel.call("stop", "grace=0")
    told = [event[0] for event in events(watcher, 3)]
    assert "type=signal" in told and "type=main" in told, told


def test_watch_states(container):
    """Each state is told as it is reached."""
    box = container("--wait-all", "--grace", "1000s", command=[
        "sh", "-c", "(trap '' TERM; echo ready; sleep 1000; sleep 1000) & read x"], stdin=-1)
    box.init.line("ready")
    watcher = box.connect()
    states = [watcher.call("watch")["state"]]
    box.init.popen.stdin.close()
    while (event := watcher.receive()) is not None:
        if event["type"] == "state":
            states.append(event["state"])
            box.init.signal(signal.SIGTERM)
    assert states == ["running", "lingering", "ending"]


def test_watch_twice_is_watching_once(container):
    box = container()
    watcher = box.connect()
    watcher.call("watch")
    assert watcher.call("watch")["type"] == "state"
    box.output("true")
    assert [line[0] for line in events(watcher, 2)] == ["type=started", "type=exited"]
    assert watcher.call("status").name == "status"


# ---- wait, stop


@pytest.mark.parametrize("script, field", [("exit 9", ("code", "9")),
                                           ("kill -TERM $$", ("signal", "15"))])
def test_wait(container, script, field):
    box = container("-e", "9", command=["sh", "-c", f"read x; {script}"], stdin=-1)
    channels = [box.connect() for _ in range(3)]
    for channel in channels:
        channel.send("wait")
        assert channel.call("status").name == "status"
    box.init.popen.stdin.close()
    for channel in channels:
        answer = channel.receive()
        assert (answer.name, answer.fields) == ("exited", [field])
        assert channel.receive() is None
    box.init.wait()


def test_stop(container, how):
    box = container(how=how)
    channel = box.connect()
    assert channel.call("stop").name == "stopping"
    assert channel.receive() is None
    assert box.init.wait() == 143


def test_stop_is_rewritten(container):
    box = container("-r", "TERM:QUIT", command=[PROBE, "signals", "--until", "3"])
    box.init.line("ready")
    box.connect().call("stop")
    assert box.init.line(r"^\d+ ")[0] == "3 "
    box.init.wait()


@pytest.mark.parametrize("options, field", [
    (["--kill-after", "1000s"], ["grace=150ms"]), (["--kill-after", "150ms"], []),
    (["--grace", "1000s"], ["grace=0"])])
def test_stop_kills(container, options, field):
    box = container(*options, command=[PROBE, "signals"])
    box.init.line("ready")
    began = time.monotonic()
    assert box.connect().call("stop", *field).name == "stopping"
    assert box.init.wait() == 137
    assert time.monotonic() - began >= (0 if field == ["grace=0"] else 0.15 - TICK)


@pytest.mark.parametrize("order", [["grace=150ms", None], [None, "grace=150ms"]], ids=str)
def test_stops_that_come_together(container, order):
    """The shortest time counts, whichever init reads first. Init is stopped meanwhile, so that it
    sees both at once."""
    box = container("--kill-after", "1000s", command=[PROBE, "signals"])
    box.init.line("ready")
    channels = [box.connect() for _ in order]
    os.kill(box.pid, signal.SIGSTOP)
    eventually(lambda: status_of(box.pid)["State"].startswith("T"), what="init stopped")
    for channel, field in zip(channels, order):
        channel.send("stop", *([field] if field else []))
    os.kill(box.pid, signal.SIGCONT)
    assert box.init.wait() == 137


@pytest.mark.parametrize("fields", [["grace=300ms", "grace=1000s"], ["grace=1000s", "grace=300ms"],
                                    ["grace=300ms", None]], ids=str)
def test_stops_one_after_another(container, fields):
    """The shortest time counts, for the main command and then for the other processes."""
    box = container("--grace", "1000s", "--kill-after", "1000s",
                    command=["sh", "-c", f"{PROBE} signals & exec {PROBE} signals"])
    for _ in range(2):
        box.init.line("ready")
    for field in fields:
        assert box.connect().call("stop", *([field] if field else [])).name == "stopping"
    assert box.init.wait() == 137


def test_a_grace_period_that_runs_is_not_made_longer(container):
    box = container("--grace", "2s", command=["sh", "-c", f"{PROBE} signals & exec sleep 1000"])
    box.init.line("ready")
    channel = box.connect()
    channel.call("signal", "signal=KILL", f"pid={channel.call('status')['main']}")
    eventually(lambda: channel.call("status")["state"] == "ending", what="the grace period")
    assert channel.call("stop", "grace=1000s").name == "stopping"
    assert box.init.wait() == 137


def test_stop_has_the_rest_ended(container):
    box = container("--grace", "1000s", command=["sh", "-c", f"{PROBE} signals & wait"])
    box.init.line("ready")
    assert box.connect().call("stop", "grace=100ms").name == "stopping"
    box.init.wait()


def test_stop_continues_what_is_stopped(container):
    box = container(command=["sh", "-c", "kill -STOP $$"])
    channel = box.connect()
    main = box.outside(channel.call("status")["main"])
    eventually(lambda: status_of(main)["State"].startswith("T"))
    assert channel.call("stop", "grace=1000s").name == "stopping"
    box.init.wait()


def test_sessions_end_with_the_container(container, how):
    """When the container ends, its sessions get HUP before TERM."""
    box = container(how=how)
    read, write = box.pipe()
    null = box.null()[0]
    channel, _ = box.started(PROBE, "signals", "--until", "15", stdio=(null, write, null))
    box.disown(write)
    read_until(read, "ready\n")
    box.init.signal(signal.SIGTERM)
    assert signals_seen(read_all(read))[0] == 1
    box.init.wait()


def test_hang_up_is_before_the_term(container, directory):
    log = directory / "log"
    box = container(outer=["strace", "-f", "-qq", "-o", log, "-e", "trace=kill"])
    channel, answer = box.started("sleep", "1000")
    assert channel.call("stop").name == "stopping"
    box.init.wait()
    # A call that another process's line cuts in two has no closing parenthesis.
    calls = re.findall(r"\bkill\((-?\d+, SIG\w+)", log.read_text())
    leader = answer["pid"]
    order = [call for call in calls if call in (f"-{leader}, SIGHUP", "-1, SIGTERM")]
    assert order == [f"-{leader}, SIGHUP", "-1, SIGTERM"], calls


def test_sooner_end_of_two_hang_ups(container):
    """A session that was hung up before the container ends gets no new grace period at the end."""
    box = container("--grace", "1s", command=["sh", "-c", f"{PROBE} signals & exec sleep 1000"])
    box.init.line("ready")
    read, write = box.pipe()
    null = box.null()[0]
    channel, answer = box.started(PROBE, "signals", stdio=(null, write, null))
    other = box.connect()
    box.disown(write)
    read_until(read, "ready\n")
    channel.close()
    read_until(read, "18 ")
    # The command's probe has far longer after its TERM than the session's has after its HUP.
    assert other.call("stop", "grace=1000s").name == "stopping"
    eventually(lambda: other.call("status")["state"] == "ending")
    read_all(read)
    assert other.call("status")["state"] == "ending"
    assert other.call("signal", "signal=KILL", "target=all").name == "signalled"
    box.init.wait()


def test_session_that_is_hung_up_is_ending(container):
    """A session that was hung up is "ending", and cannot be held or attached any more."""
    box = container("--grace", "1000s")
    read, write = box.pipe()
    null = box.null()[0]
    channel, answer = box.started(PROBE, "signals", stdio=(null, write, null))
    box.disown(write)
    read_until(read, "ready\n")
    other = box.connect()
    assert other.list_sessions()[0]["state"] == "attached"
    assert other.call("stop").name == "stopping"
    eventually(lambda: other.list_sessions()[0]["state"] == "ending")
    for answer, error, text in (
            (channel.call("hold"), errno.ESHUTDOWN, "the session is ending"),
            (other.call("attach", "session=1"), errno.EBUSY, "the session is not held"),
            (other.exec("true", stdio=box.null()), errno.ESHUTDOWN, "the container is stopping")):
        assert (answer.name, answer.number("errno"), answer["message"]) == ("failed", error, text)
    assert channel.call("signal", "signal=KILL").name == "signalled"
    assert channel.receive().fields == [("signal", "9")]
    box.init.wait()


@pytest.mark.parametrize("verb, fields, error, text", [
    ("exec", (), errno.EBUSY, "the connection has a session"),
    ("attach", ["session=77"], errno.ESRCH, "no such session"),
    ("attach", ["session=1"], errno.EBUSY, "the connection has a session"),
    ("reboot", (), errno.ENOSYS, "unknown request"),
    ("status", ["version=2"], errno.EPROTONOSUPPORT, "unsupported protocol version")])
def test_text_of_a_failure(container, verb, fields, error, text):
    """Where strerror() of the errno would mislead, the message has another text."""
    box = container()
    channel, _ = box.started("sleep", "1000")
    fds = box.null() if verb == "exec" else ()
    answer = channel.call(verb, *fields, args=["true"] if verb == "exec" else None, fds=fds)
    assert (answer.name, answer.number("errno"), answer["message"]) == ("failed", error, text)


def test_session_that_does_not_end_is_killed(container, how):
    box = container("--grace", "150ms", how=how)
    read, write = box.pipe()
    null = box.null()[0]
    channel, answer = box.started(PROBE, "signals", stdio=(null, write, null))
    read_until(read, "ready\n")
    pid = box.outside(answer["pid"]) if how == "pid1" else answer.number("pid")
    channel.call("stop")
    box.init.wait()
    eventually(lambda: gone(pid))


def test_hang_up_by_a_peer_s_name(container, directory):
    """An init that exits at once, as tini does, hangs its sessions up nevertheless."""
    program = directory / "tini"
    program.symlink_to(INIT)
    box = container.make()
    box.init = box.start(["sleep", "1000"], "plain", program=program,
                         outer=["strace", "-f", "-qq", "-o", directory / "log", "-e", "trace=kill"],
                         env={"INIT_OPTIONS": f"--control {box.path}"})
    read, write = box.pipe()
    null = box.null()[0]
    log = directory / "log"
    box.connect()
    # exec, since a shell that forks blocks signals meanwhile, and its child would miss the HUP.
    channel, answer = box.started("sh", "-c", "echo ready; exec sleep 1000",
                                  stdio=(null, write, null))
    box.disown(write)
    read_until(read, "ready\n")
    box.init.signal(signal.SIGTERM)
    box.init.wait()
    read_all(read)
    calls = log.read_text()
    assert f"kill(-{answer['pid']}, SIGHUP" in calls


# ---- open

NAMESPACES = ["net", "mnt", "pid", "uts", "ipc", "user", "cgroup", "time"]


@pytest.mark.parametrize("name", NAMESPACES)
def test_open_namespace(container, how, name):
    box = container(how=how)
    fd = box.own(box.connect().call("open", f"namespace={name}").take())
    # Where it is not PID 1 it is in our namespaces. An ordinary user may not look at those of init.
    whose = box.pid if how == "pid1" else "self"
    assert os.fstat(fd).st_ino == os.stat(f"/proc/{whose}/ns/{name}").st_ino
    assert os.readlink(f"/proc/self/fd/{fd}").startswith(f"{name}:[")


@needs_root
def test_open_root(container, directory):
    (directory / "only-here").write_text("x")
    box = container(wrap=["sh", "-c", 'mount --bind "$0" /mnt; exec "$@"', directory])
    fd = box.own(box.connect().call("open", "what=root").take())
    assert os.path.exists(f"/proc/self/fd/{fd}/mnt/only-here")
    assert not os.path.exists("/mnt/only-here")
    with pytest.raises(OSError):
        os.read(fd, 1)
    below = os.open("etc/passwd", os.O_RDONLY, dir_fd=fd)
    os.close(below)


def test_open_proc(container):
    """It is the container's /proc, and shows its processes."""
    box = container()
    channel = box.connect()
    fd = box.own(channel.call("open", "what=proc").take())
    assert os.readlink("1/ns/pid", dir_fd=fd) == os.readlink(f"/proc/{box.pid}/ns/pid")
    pids = {int(name) for name in os.listdir(fd) if name.isdigit()}
    assert pids == {1, channel.call("status").number("main")}


def test_open_cgroup(container):
    box = container()
    answer = box.connect().call("open", "what=cgroup")
    line = [line for line in Path(f"/proc/{box.pid}/cgroup").read_text().splitlines()
            if line.startswith("0::")]
    mounts = [m for m in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
              if os.path.exists(m + "/cgroup.procs") or os.path.exists(m + "/cgroup.controllers")]
    if not line or not mounts:
        assert failure(answer) == ("open", errno.ENOENT)
        return
    fd = box.own(answer.take())
    assert os.path.samefile(f"/proc/self/fd/{fd}", mounts[0] + line[0][3:])


def test_open_main(container, how):
    """A pidfd, by which the main command can be signalled even if its pid is used again."""
    box = container(how=how)
    fd = box.own(box.connect().call("open", "what=main").take())
    signal.pidfd_send_signal(fd, signal.SIGKILL)
    assert box.init.wait() == 137


def test_opened_before_the_start(container, directory):
    """What is mounted over /proc after the start does not change what is handed out."""
    if not AS_ROOT:
        pytest.skip("needs root to mount")
    box = container(command=["sh", "-c", "mount -t tmpfs none /proc; echo ready; sleep 1000"])
    box.init.line("ready")
    channel = box.connect()
    fd = box.own(channel.call("open", "what=proc").take())
    assert "1" in os.listdir(fd)


def test_open_what_the_container_has_not(container):
    """Without /proc no namespace can be opened from inside."""
    if not AS_ROOT:
        pytest.skip("needs root to mount")
    box = container(wrap=["sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh"])
    channel = box.connect()
    for field in ["what=proc", "what=cgroup", *(f"namespace={name}" for name in NAMESPACES)]:
        assert failure(channel.call("open", field)) == ("open", errno.ENOENT), field
    assert stat.S_ISDIR(os.fstat(box.own(channel.call("open", "what=root").take())).st_mode)


def test_open_is_repeatable(container):
    box = container()
    held = box.idle()
    channel = box.connect()
    for _ in range(100):
        os.close(channel.call("open", "what=root").take())
    channel.close()
    box.check_well(held)
    assert is_alive(box.pid)


# ---- open: sockets of the container's network

SOCKETS = {"tcp4": (socket.AF_INET, socket.SOCK_STREAM),
           "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
           "udp4": (socket.AF_INET, socket.SOCK_DGRAM),
           "udp6": (socket.AF_INET6, socket.SOCK_DGRAM)}


@pytest.mark.parametrize("name", SOCKETS)
def test_open_socket(container, how, name):
    box = container(how=how)
    held = box.idle()
    channel = box.connect()
    for _ in range(3):
        with socket.socket(fileno=channel.call("open", f"socket={name}").take()) as one:
            assert (one.family, one.type) == SOCKETS[name]
            assert not os.get_blocking(one.fileno()) and not one.get_inheritable()
            assert one.getsockname()[1] == 0, "it is not bound"
    channel.close()
    box.check_well(held)


SERVER = """
import socket
one = socket.create_server(("127.0.0.1", 4711))
print("ready", flush=True)
print(one.accept()[0].recv(99).decode(), flush=True)
"""


def test_open_socket_of_the_container_s_network(container):
    """It reaches what listens inside, without a right over the container's network."""
    box = container("--unshare", "net", "--loopback",
                    command=["/usr/bin/python3", "-c", SERVER])
    box.init.line("ready")
    with socket.socket() as ours:
        assert ours.connect_ex(("127.0.0.1", 4711)) == errno.ECONNREFUSED
    fd = box.connect().call("open", "socket=tcp4").take()
    with socket.socket(fileno=fd) as one:
        one.settimeout(15)
        one.connect(("127.0.0.1", 4711))
        one.sendall(b"from outside")
        box.init.line("from outside")


@pytest.mark.parametrize("name", ["", "tcp", "tcp5", "tcp44", "unix", "TCP4"])
def test_open_socket_of_another_kind(container, name):
    answer = container().connect().call("open", f"socket={name}")
    assert failure(answer) == ("request", errno.EINVAL) and answer["field"] == "socket"


def test_open_socket_without_descriptors(container):
    """Where init can have no more descriptors, that is said, and nothing else changes."""
    box = container()
    channel = box.connect()
    soft, hard = resource.prlimit(box.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(box.pid, resource.RLIMIT_NOFILE, (3, hard))
    try:
        assert failure(channel.call("open", "socket=tcp4")) == ("open", errno.EMFILE)
    finally:
        resource.prlimit(box.pid, resource.RLIMIT_NOFILE, (soft, hard))
    os.close(channel.call("open", "socket=tcp4").take())
