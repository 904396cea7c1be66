"""freeze, thaw, kill, limit and stats --raw. The effect of limits is tested in test_kernel.py."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cgroup import BASE, below, entered, events, line_of, tree  # noqa: F401
from conftest import DEADLINE, eventually
from container import HANGING, can_hang
from hostile import GREETING, Server, message
from initctl import control, one_line  # noqa: F401

TICKS = ("sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done")


@pytest.fixture
def boxed(control, tree):
    return control.start("--cgroup", tree / "box", command=TICKS)


def silent(init):
    """Whether nothing more is printed, after pending output was read."""
    while init.read(time.monotonic() + 0.3):
        pass
    return True


# ---- freeze and thaw


def test_freeze_and_thaw(boxed, tree):
    """When freeze returns, all processes of the command are frozen, and the operator's are not;
    thaw resumes them."""
    app = tree / "box/app"
    boxed.init.line(r"^\d+$")
    assert boxed.output("freeze") == ""
    assert events(app)["frozen"] == "1"
    assert silent(boxed.init)
    assert boxed.output("exec", "sh", "-c", "sleep 0; echo in") == "in\n"
    assert boxed.lines("status")[0]["state"] == "running"
    assert boxed.output("freeze") == ""
    before = len(boxed.init.lines)
    assert boxed.output("thaw") == ""
    assert events(app)["frozen"] == "0"
    boxed.init.line(r"^\d+$")
    assert len(boxed.init.lines) > before
    assert boxed.output("thaw") == ""


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("when, parts", [(4, "open cgroup app"), (5, "write cgroup.freeze"),
                                         (6, "open cgroup.events")])
def test_a_file_that_cannot_be_opened(boxed, when, parts):
    """Not said to be the end of the container."""
    strace = ["strace", "-qq", "-o", "/dev/null", "-e", f"inject=openat2:error=EMFILE:when={when}"]
    one_line(boxed.run("freeze", outer=strace), 125, f"cannot {parts}: ")


def test_shell_while_frozen(boxed):
    """The same on a terminal, with initctl shell."""
    boxed.output("freeze")
    terminal = boxed.on_terminal("shell")
    terminal.type("echo $((6*7)); exit\r")
    terminal.expect("42")
    assert terminal.wait() == 0


def test_freeze_waits(control, tree):
    """freeze waits until all of many running processes are frozen."""
    app = tree / "box/app"
    control.start("--cgroup", tree / "box", command=[
        "sh", "-c", "for i in $(seq 60); do sh -c 'while :; do :; done' & done; echo ready; wait"])
    control.init.line("ready")
    for _ in range(5):
        control.output("freeze")
        assert events(app)["frozen"] == "1"
        control.output("thaw")
        assert events(app)["frozen"] == "0"
    control.output("kill")
    assert not app.exists() or events(app)["populated"] == "0"


@can_hang
def test_freeze_gives_up(control, tree):
    """A process that waits for a file system in the kernel does not freeze: an error after 10 s."""
    mount = control.directory / "mnt"
    mount.mkdir()
    control.start("--cgroup", tree / "box", wrap=[*HANGING, mount],
                  command=["sh", "-c", f"echo ready; exec ls {mount}/file"])
    control.init.line("ready")
    app = int((tree / "box/app/cgroup.procs").read_text())
    eventually(lambda: "fuse" in Path(f"/proc/{app}/wchan").read_text(), what="its wait")
    one_line(control.run("freeze", deadline=2 * DEADLINE), 125,
             "initctl: cannot freeze cgroup: not complete after 10 s; the kernel continues to try")
    assert control.output("exec", "echo", "in") == "in\n"


def test_the_container_ends_while_it_freezes(boxed, tree):
    """If the container ends during or just before a freeze, initctl prints one line and exits."""
    boxed.init.line(r"^\d+$")
    os.kill(boxed.pid(), signal.SIGKILL)
    boxed.init.wait()
    one_line(boxed.run("freeze"), 125, "connect")


# ---- kill


def test_kill(boxed, tree):
    """kill ends all processes of the command, also frozen ones, and so the container."""
    app = tree / "box/app"
    boxed.init.line(r"^\d+$")
    boxed.output("freeze")
    assert boxed.output("kill") == ""
    assert boxed.init.wait() == 137
    assert below(tree) == [str(tree)] and not app.exists()


def test_kill_leaves_sessions_alone(control, tree):
    """kill does not affect sessions, which still have the grace period."""
    control.start("--cgroup", tree / "box", "--grace", "60", command=["sleep", "1000"])
    client = control.popen("exec", "sh", "-c", "trap '' HUP TERM; echo ready; read x; echo $x",
                           stdin=subprocess.PIPE)
    assert client.stdout.readline() == b"ready\n"
    assert control.output("kill") == ""
    out, err = client.communicate(b"alive\n", DEADLINE)
    assert (out, err, client.returncode) == (b"alive\n", b"", 0)
    assert control.init.wait() == 137


# ---- without a cgroup of its own


@pytest.mark.parametrize("words", [["freeze"], ["thaw"], ["kill"], ["limit", "memory.max=1G"]])
def test_refused_without_a_cgroup(control, words):
    """Refused if init and the command share a cgroup: PID 1 would be frozen or killed."""
    control.start()
    if not BASE:
        one_line(control.run(*words), 125, "open cgroup")
        return
    one_line(control.run(*words), 125, f"{words[0]} cgroup: init was not started with --cgroup")
    assert control.lines("status")[0]["state"] == "running"


def test_stats_without_a_cgroup(control, tree):
    """Without --cgroup stats --raw prints those of init's cgroup."""
    control.start(outer=entered(tree))
    assert line_of(control.pid()) == tree
    assert control.lines("stats", "--raw")[0]["cgroup.events.populated"] == 1


# ---- limit


@pytest.mark.parametrize("words, parts", [
    ([], ["no limit given"]), (["memory.max"], ["not a limit: 'memory.max'"]),
    (["cgroup.freeze=1"], ["not a limit"]), (["a/b.c=1"], ["not a limit"]), (["x=1"], ["not a limit"]),
    (["nonsense.max=1"], ["limit nonsense.max=1: no controller nonsense in the cgroup"]),
    (["a.max=1", "x"], ["not a limit: 'x'"]), (["a" * 300 + ".max=1"], ["not a limit"])])
def test_bad_limits(boxed, words, parts):
    one_line(boxed.run("limit", *words), 125, *parts)


# ---- stats


def test_stats(boxed, tree):
    boxed.init.line("^5$")
    text = boxed.output("stats", "--raw")
    lines = dict(line.split(maxsplit=1) for line in text.splitlines())
    # The values are in one column.
    assert len({len(line) - len(line.split(maxsplit=1)[1]) for line in text.splitlines()}) == 1
    found, = boxed.lines("stats", "--raw")
    assert found["message"] == "stats"
    assert lines["cgroup.events.frozen"] == "0" and found["cgroup.events.populated"] == 1
    assert isinstance(found["cpu.stat.usage_usec"], int)
    if os.path.exists(tree / "box/app/cpu.pressure"):
        assert isinstance(found["cpu.pressure.some.avg10"], float)
    boxed.output("freeze")
    assert boxed.lines("stats", "--raw")[0]["cgroup.events.frozen"] == 1
    assert boxed.lines("stats", "--raw")[0]["cpu.stat.usage_usec"] > 0


@pytest.mark.parametrize("verb", ["stats", "freeze", "thaw", "kill"])
def test_too_many_words(boxed, verb):
    one_line(boxed.run(verb, "now"), 125, "too many arguments", "now")


@pytest.mark.parametrize("kinds", [[], ["directory"], ["null"], ["pipe"], ["master", "null"]])
@pytest.mark.parametrize("words", [["freeze"], ["kill"], ["limit", "a.max=1"], ["stats", "--raw"]])
def test_a_descriptor_that_is_no_cgroup(control, words, kinds):
    """initctl checks that the descriptor is of a cgroup before it writes to a file in it."""
    server = Server(control.socket)
    try:
        server.serve((GREETING, ()), [[(message("opened"), kinds)]])
        one_line(control.run(*words), 125, words[0] if len(kinds) == 1 else "unexpected reply from init")
    finally:
        control.close()
        server.close()
