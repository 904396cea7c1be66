"""stats: the readable lines, from cgroups of both versions and from /proc, compared with the files
and processes outside. Values that need other files than the machine's are in unit/usage.c, and what
needs all controllers in version 2 is in container/test_kernel.py."""
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from cgroup import BASE, entered, line_of, tree  # noqa: F401
from conftest import AS_ROOT, DEADLINE, descendants, eventually, status_of
from hostile import GREETING, Server, message
from initctl import GONE, control, one_line  # noqa: F401

BUSY = ("sh", "-c", "while :; do :; done")
# Neither init nor initctl sees a cgroup.
WITHOUT = ["unshare", "-m" if AS_ROOT else "-Urm", "sh", "-c",
           "! test -d /sys/fs/cgroup || mount -t tmpfs none /sys/fs/cgroup; exec \"$@\"", "sh"]
TICKS = os.sysconf("SC_CLK_TCK")


def stat(pid):
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def parts(text):
    """The first word of each line to the rest."""
    return dict(line.split(maxsplit=1) for line in text.splitlines())


# ---- from version 2


@pytest.fixture
def boxed(control, tree):
    return control.start("--cgroup", tree / "box", command=BUSY)


def usage(folder):
    return int(re.search(r"^usage_usec (\d+)", (folder / "cpu.stat").read_text(), re.M)[1])


def test_version_2(boxed, tree):
    app = tree / "box/app"
    eventually(lambda: usage(app) > 100000, what="some time of the CPU")
    before = usage(app)
    found, = boxed.lines("stats")
    assert before <= found["cpu.stat.usage_usec"] <= usage(app)
    assert (found["message"], found["cpu.source"], found["cgroup.events.frozen"]) == ("stats", "cgroup v2", 0)
    assert "cpu.percent" not in found
    if (app / "cpu.pressure").exists():
        assert isinstance(found["cpu.pressure.some.avg10"], float)
    text = boxed.output("stats")
    assert re.fullmatch(r"total \d+(ms|\.\ds), user \d+(ms|\.\ds), system \d+(ms|\.\ds)", parts(text)["cpu"])
    assert "cgroup v2" in parts(text)["source"] and parts(text)["frozen"] == "0"
    boxed.output("freeze")
    assert parts(boxed.output("stats"))["frozen"] == "1"
    assert boxed.lines("stats")[0]["cgroup.events.frozen"] == 1


def test_the_root_of_version_2_is_not_the_container(control, tree):
    """What the whole machine uses is not printed as the container's."""
    control.start(outer=entered(BASE))
    assert line_of(control.pid()) == BASE
    assert control.lines("stats")[0]["cpu.source"] != "cgroup v2"


# ---- from version 1


def mounted1():
    """controller -> where its tree of version 1 is mounted."""
    found = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup":
            found.update(dict.fromkeys(options.split(","), Path(where)))
    return found


@pytest.fixture
def trees(start):
    """controller -> a folder of version 1 for this test."""
    trees = {name: path / f"init-test.{os.getpid()}" for name, path in mounted1().items()
             if name in ("cpu", "cpuacct", "memory", "blkio", "pids") and os.access(path, os.W_OK)}
    if not AS_ROOT or len(trees) < 5:
        pytest.skip("needs root, and cgroup v1 with its controllers")
    for folder in trees.values():
        folder.mkdir(exist_ok=True)
    yield trees
    start.close()
    for folder in trees.values():
        if folder.exists():
            eventually(lambda: not (folder / "cgroup.procs").read_text(), what="an empty cgroup")
            folder.rmdir()


def entered1(trees):
    enter = "; ".join(f"echo 0 >{folder}/cgroup.procs" for folder in trees.values())
    return ["sh", "-ec", f'{enter}; exec "$@"', "sh"]


def number(folder, name):
    return int((folder / name).read_text().split()[0])


def test_version_1(control, trees):
    """Limits and use as the files tell them outside; what there is of version 2 is the machine's."""
    (trees["memory"] / "memory.limit_in_bytes").write_text(str(300 << 20))
    (trees["pids"] / "pids.max").write_text("77")
    (trees["cpu"] / "cpu.cfs_quota_us").write_text("50000")
    control.start(outer=entered1(trees), command=[
        "python3", "-c", "x = bytearray(b'x' * (64 << 20)); print('ready', flush=True)\nwhile 1: pass"])
    control.init.line("ready")
    before = number(trees["cpuacct"], "cpuacct.usage") // 1000
    found, = control.lines("stats")
    assert before <= found["cpu.stat.usage_usec"] <= number(trees["cpuacct"], "cpuacct.usage") // 1000
    sources = {found[f"{part}.source"] for part in ("memory", "processes", "io", "swap")}
    assert sources == {"cgroup v1"}
    assert found["memory.max"] == 300 << 20 and found["pids.max"] == 77
    assert abs(found["memory.current"] - number(trees["memory"], "memory.usage_in_bytes")) < 4 << 20
    assert found["memory.current"] > 64 << 20 and found["memory.events.oom_kill"] == 0
    assert found["pids.current"] == number(trees["pids"], "pids.current")
    assert (found["cpu.max"], found["cpu.max.period"]) == (50000, 100000)
    text = parts(control.output("stats"))
    assert " of 300M, peak " in text["memory"] and re.match(r"\d+ of 77, ", text["processes"])
    assert "quota 50ms of 100ms" in text["quota"]
    # A process that exceeds the limit is killed, and counted.
    control.run("exec", "python3", "-c", "x = bytearray(b'x' * (400 << 20))")
    assert control.lines("stats")[0]["memory.events.oom_kill"] >= 1


# ---- from /proc


SUMMED = """
import os, signal
x = bytearray(b"x" * (32 << 20))
open("/proc/self/comm", "w").write(") R 1 1 (\\n")
if os.fork():
    while sum(os.times()[:2]) < 0.3: pass
    print("ready", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("how", ["pid1", "plain"])
def test_from_proc(control, how):
    """The sums over init and its descendants, whatever their names, though there are others."""
    control.start(how=how, outer=WITHOUT, command=["python3", "-c", SUMMED])
    control.init.line("ready")
    pids = {control.pid(), *descendants(control.pid())}
    found = json.loads(control.output("stats", "--json", outer=WITHOUT))
    assert {found[f"{part}.source"] for part in ("cpu", "memory", "processes")} == {"/proc"}
    assert found["pids.current"] == len(pids) == 3
    times = [sum(map(int, stat(pid)[11:15])) for pid in pids]
    assert abs(found["cpu.stat.usage_usec"] * TICKS / 1e6 - sum(times)) <= 2 and found["cpu.stat.usage_usec"] >= 300000
    resident = sum(int(stat(pid)[21]) for pid in pids) * os.sysconf("SC_PAGE_SIZE")
    assert abs(found["memory.current"] - resident) < 1 << 20
    io = [dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
          for pid in pids] if AS_ROOT else []
    if io:
        assert found["io.stat.wbytes"] == sum(int(one["write_bytes"]) for one in io)
    text = control.output("stats", outer=WITHOUT)
    # Another user's I/O may not be read.
    assert parts(text)["source"] in ("/proc (cpu, memory, io, processes)", "/proc (cpu, memory, processes)")
    assert parts(text)["processes"] == "3"


def test_a_thousand_processes(control):
    """The sums over all of them, from /proc, are those seen from outside."""
    script = """
import os, signal
for _ in range(1000):
    if not os.fork():
        signal.pause()
print("ready", flush=True)
signal.pause()
"""
    control.start(how="pid1", outer=WITHOUT, command=["python3", "-c", script])
    control.init.line("ready", deadline=4 * DEADLINE)
    pids = {control.pid(), *descendants(control.pid())}
    found = json.loads(control.output("stats", "--json", outer=WITHOUT))
    assert found["pids.current"] == len(pids) == 1002
    # The number in stat lags behind by some pages in each.
    resident = sum(int(status_of(pid)["VmRSS"].split()[0]) for pid in pids) * 1024
    assert abs(found["memory.current"] - resident) < resident // 40


# ---- follow


def follow(control, *words):
    return control.popen(*words, "stats", "--follow", "--interval", "100ms")


def test_follow(control):
    """A line for each interval; per cent of one CPU since the last."""
    control.start(command=BUSY)
    client = follow(control, "--json")
    found = [json.loads(client.stdout.readline()) for _ in range(12)]
    assert "cpu.percent" not in found[0] and isinstance(found[1]["cpu.percent"], float)
    assert "io.read_per_second" in found[1]
    # Other tests may run at the same time.
    assert 20 < max(one["cpu.percent"] for one in found[1:]) < 150
    client.send_signal(signal.SIGINT)
    assert client.wait(DEADLINE) == -signal.SIGINT


def test_follow_plain(control):
    """Blocks, each after an empty line, without an escape sequence."""
    control.start()
    client = follow(control)
    text = b"".join(client.stdout.readline() for _ in range(20))
    assert b"\033" not in text and text.count(b"\n\ncpu  ") >= 2
    assert re.search(rb"\n\ncpu +\d+\.\d\d%, total ", text)


@pytest.mark.parametrize("raw", [[], ["--raw"]])
def test_follow_ends_with_the_container(control, raw, request):
    if raw:
        tree = request.getfixturevalue("tree")
        control.start("--cgroup", tree / "box")
    else:
        control.start()
    client = control.popen("stats", "--follow", "--interval", "1h", *raw)
    assert client.stdout.readline()
    control.output("stop")
    _, err = client.communicate(timeout=DEADLINE)
    assert (client.returncode, err) == (0, b"")


def test_follow_ends_with_its_reader(control):
    control.start()
    client = follow(control)
    client.stdout.readline()
    client.stdout.close()
    assert client.wait(DEADLINE) in (-signal.SIGPIPE, 125)


def test_follow_on_a_terminal(control):
    """Each block is written over the one before."""
    control.start()
    terminal = control.on_terminal("stats", "--follow", "--interval", "100ms")
    seen = terminal.expect(r"source.*\r\n\x1b\[(\d+)A\x1b\[J(?s:.*?)source.*\r\n\x1b\[(\d+)A")
    terminal.type("\x03")
    assert terminal.wait() in (130, -signal.SIGINT)


@pytest.mark.parametrize("interval", ["", "0", "9ms", "x", "-1s", "inf"])
def test_bad_intervals(control, interval):
    one_line(control.run("stats", "--follow", "--interval", interval), 125,
             f"bad value for --interval '{interval}'")


# ---- what may go wrong


def test_nothing_to_be_seen(control):
    """A server that has neither a cgroup nor a /proc."""
    server = Server(control.socket)
    failed = (message("failed", "stage=open", "errno=2", "message=No such file"), ())
    try:
        server.serve((GREETING, ()), [[failed]])
        one_line(control.run("stats"), 125, "cannot print stats of container: there is no cgroup and no /proc")
        server.serve((GREETING, ()), [[(message("opened"), ["directory"])]])
        one_line(control.run("stats"), 125, "unexpected reply from init")
        server.serve((GREETING, ()), [[]])
        one_line(control.run("stats"), GONE, ": the container ended")
    finally:
        control.close()
        server.close()


def test_without_the_verb_status(control, tree):
    """Where init does not tell its pid, its cgroup is enough."""
    control.start("--cgroup", tree / "box", "--control-verbs", "open")
    assert control.lines("stats")[0]["cpu.source"] == "cgroup v2"
