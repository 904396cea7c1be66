"""One list of tests that is run in each engine: init as the init of container runtimes.

    make test-engines                all rows
    make test-engine ENGINE=crun     one

tests/engines/ has a module for each engine. The results are in build/engines.md and README.md.
"""
import os
import re
import select
import signal
import socket
import struct
import time

import pytest

import engines
from conftest import DEADLINE, INIT, eventually, status_of
from engines.engine import Box, Unavailable, running
from initctl import Control

pytest_plugins = ["engines.table"]
ENGINES = [name for name in engines.names() if os.environ.get("ENGINE", name) == name]
if not ENGINES:
    pytest.exit(f"no such engine; there are: {', '.join(engines.names())}", 2)

# A shell handles a signal at once only in wait.
FOREVER = "while :; do sleep 1 & wait $!; done"
BEAT = "while :; do echo $((i = i + 1)) >/run/init/beat; sleep 0.1; done"


def item(name):
    """The item of the list that a test is for."""

    def mark(test):
        test.item = name
        return test

    return mark


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    table = request.config.pluginmanager.get_plugin("engines.table")
    row = table.RECORDER.row(request.param)
    try:
        cls = engines.load(request.param)
        row.notes.update(cls.notes)
        with running(cls) as one:
            row.version = one.version()
            yield one
    except Unavailable as why:
        row.unavailable = str(why).strip()
        pytest.skip(f"{request.param}: {row.unavailable}")


@pytest.fixture(autouse=True)
def has_item(request, engine):
    """Skips tests of what the engine does not have."""
    if why := engine.lacks.get(getattr(request.function, "item", None)):
        pytest.skip(why)


@pytest.fixture
def box(engine, marker):
    """box(words...) runs a command in a container, which is removed after the test."""
    made = []

    def box(*words, **options):
        made.append(Box(engine, marker, words, **options))
        return made[-1]

    yield box
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def shared(engine):
    """One container for all tests that change nothing in it. Its command prints numbers."""
    one = Box(engine, "shared", ["sh", "-c", f"echo parent $PPID; {BEAT}"])
    try:
        yield one.ready()
    finally:
        one.close()


@pytest.fixture
def operator(shared, marker):
    """The operator of that container, on the host."""
    one = Control(None, marker, shared.directory)
    one.socket = shared.socket
    yield one
    one.close()


def init_of(box):
    """The pid of init on the host: the process that listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.connect(str(box.socket))
        return struct.unpack("iII", one.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


# ---- from the start to the end


@item("pid1")
def test_init_is_pid_1(engine, shared, operator):
    assert shared.line(r"^parent (\d+)").group(1) == "1"
    assert operator.lines("status")[0]["pid"] == 1
    command = operator.output("exec", "--", "/bin/cat", "/proc/1/cmdline")
    assert command.split("\0")[0] == engine.first
    assert status_of(init_of(shared))["NSpid"].split()[-1] == "1"


@item("codes")
@pytest.mark.parametrize("script, code", [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)])
def test_exit_code(box, script, code):
    one = box("sh", "-c", f"echo up; {script}")
    one.line("^up")
    assert one.wait() == code


@item("stop")
def test_stop(box):
    """The command gets TERM, and no time limit has to expire."""
    one = box("sh", "-c", f"trap 'echo got TERM; exit 5' TERM; echo up; {FOREVER}")
    one.line("^up")
    began = time.monotonic()
    one.stop()
    one.line("^got TERM")
    assert one.wait() == 5
    assert time.monotonic() - began < 8


def test_stop_as_with_the_engines_own_init(engine, box):
    """podman's is catatonit, which sends a signal to the command alone: a shell that traps it waits
    for its child, which a signal to the group would end."""
    if engine.name != "podman --init":
        pytest.skip("the other rows have init's own name, or that of tini, which Debian has as such")
    codes = []
    for engine.init_path in ("/usr/bin/catatonit", INIT):
        one = box("sh", "-c", "trap : TERM; (echo up; sleep 2) & wait $!; wait $!; exit $?")
        one.line("^up")
        one.stop()
        codes.append(one.wait())
    assert codes == [0, 0]


@item("orphans")
def test_orphans(box, marker):
    one = box("sh", "-c", "probe orphans 1000; echo made; exec sleep 1000")
    one.line("^made")
    one.ready()
    eventually(lambda: one.lines("status")[0]["reaped"] >= 1000, what="the end of all orphans")
    states = one.output("exec", "--", "/bin/sh", "-c", "cat /proc/[0-9]*/stat")
    assert not re.findall(r"^\d+ \(.*\) Z", states, re.M)


@item("ctrl-c")
def test_ctrl_c(box):
    """The command gets INT, and the exit code is its own, or 130 where the engine dies of INT."""
    # An engine that dies of INT leads the session here, so that the command gets a hang-up.
    script = "trap '' HUP; trap 'echo INT >>/run/init/got; exit 9' INT; tty; echo up; "
    one = box("sh", "-c", script + FOREVER, terminal=True)
    one.screen.expect(r"/dev/\S+\r+\nup\r+\n")
    one.screen.press("\x03")
    assert one.wait() in (9, -signal.SIGINT)
    got = one.volume / "got"
    eventually(lambda: got.exists() and got.read_text() == "INT\n", what="the signal")


@item("resize")
def test_resize(box):
    one = box("sh", "-c", f"trap 'echo size $(stty size).' WINCH; echo up; {FOREVER}",
              terminal=True)
    one.screen.expect(r"up\r+\n")
    # The engine handles SIGWINCH only some time after its start: resized again after a silence.
    end, columns = time.monotonic() + DEADLINE, 100
    while f"size 33 {columns}." not in one.screen.output:
        assert time.monotonic() < end, one.screen.output
        heard = len(one.screen.output)
        one.screen.read(1)
        if len(one.screen.output) == heard:
            columns += 1
            one.screen.resize(33, columns)


@item("cleanup")
def test_stop_lets_a_sibling_finish(box):
    worker = f"trap 'echo cleaning; sleep 1; echo finished; exit' TERM; echo up; {FOREVER}"
    one = box("sh", "-c", f"setsid sh -c '{worker.replace(chr(39), chr(34))}' & exec sleep 1000")
    one.line("^up")
    one.stop()
    one.line("^cleaning")
    one.line("^finished")
    assert one.wait() == 143


# ---- through the control socket, from the host


@item("channel")
def test_initctl_exec(operator):
    done = operator.run("exec", "--", "/bin/sh", "-c", "echo $PPID; cat; exit 9", input="bytes")
    assert (done.returncode, done.stdout, done.stderr) == (9, "1\nbytes", "")
    assert operator.output("exec", "--", "/bin/cat", "/etc/os-release") == "ID=box\n"


@item("shell")
def test_initctl_shell(operator):
    one = operator.on_terminal("shell", rows=33, columns=111)
    one.expect("# ")
    one.type("stty size; tty; cat /etc/os-release")
    one.expect(r"33 111\r\n/dev/pts/\d+\r\nID=box\r\n")
    one.type("exec sleep 12345")
    one.until(lambda: "sleep 12345" in operator.output("exec", "--", "/bin/ps"), "the command")
    one.press("\x03")
    assert one.wait() == 130


# ---- the engine's own


@item("exec")
def test_engine_exec(engine, shared, operator):
    """A process of the engine's exec has no parent inside, and leaves an orphan that init reaps."""
    before = operator.lines("status")[0]["reaped"]
    done = engine.execute(shared, "/bin/sh", "-c", "echo $PPID; sleep 0.2 >/dev/null & exit 9")
    assert (done.returncode, done.stdout.split()) == (9, ["0"]), done.stderr
    eventually(lambda: operator.lines("status")[0]["reaped"] > before, what="the orphan's end")


@item("top")
def test_engine_top(engine, shared, operator):
    """The engine's list has init and the command, with the pids that the engine uses."""
    main = operator.lines("status")[0]["main"]
    first = init_of(shared)
    outside = [pid for pid in os.listdir("/proc") if pid.isdigit()
               and (status := status_of(pid)) and status.get("PPid") == str(first)
               and status["NSpid"].split()[-1] == str(main)]
    known = [status_of(pid)["NSpid"].split()[-2] for pid in (first, *outside)]
    words = re.findall(r"\d+", engine.top(shared))
    assert len(known) == 2 and set(known) <= set(words)


@item("cp")
def test_engine_cp(engine, shared, operator, tmp_path):
    (tmp_path / "in").write_text("from outside\n")
    engine.copy_in(shared, tmp_path / "in", "/tmp/in")
    assert operator.output("exec", "--", "/bin/cat", "/tmp/in") == "from outside\n"
    engine.copy_out(shared, "/etc/os-release", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "ID=box\n"


@item("stats")
def test_engine_stats(engine, shared):
    """Init and the command are counted, and perhaps a child of the command."""
    assert 2 <= int(engine.stats(shared)) <= 5


@item("pause")
def test_engine_pause(engine, shared, operator):
    beat = shared.volume / "beat"
    eventually(beat.exists, what="the first output")
    engine.pause(shared)
    try:
        before, end = beat.read_text(), time.monotonic() + 0.5
        while time.monotonic() < end:
            assert beat.read_text() == before
            select.select([], [], [], 0.05)
    finally:
        engine.resume(shared)
    eventually(lambda: beat.read_text() != before, what="output after the pause")
    assert operator.output("exec", "--", "/bin/echo", "well") == "well\n"
