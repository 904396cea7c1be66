"""ps: the processes of the container, compared with what /proc says outside."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import AS_ROOT, DEADLINE, INIT, descendants, eventually, status_of
from initctl import container, control, one_line  # noqa: F401

STOPPED = """
import ctypes, os, signal, sys
if not os.fork():
    ctypes.CDLL(None).ptrace(0, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
print("ready", flush=True)
signal.pause()
"""


def rows(control, *words):
    """The rows of the table by pid, as lists of cells; only the last has blanks."""
    lines = control.output("ps", *words).splitlines()
    names = lines[0].split()
    return {row[0]: dict(zip(names, row)) for row in (
        line.split(None, len(names) - 1) for line in lines[1:])}


def listed(control, *words):
    return {one["pid"]: one for one in control.lines("ps", *words)}


def outside(control):
    """The container's processes, by their pid there, as this process sees them."""
    found = {control.pid(): status_of(control.pid()), **descendants(control.pid())}
    return {int(status["NSpid"].split()[-1]): (pid, status) for pid, status in found.items()}


def test_the_same_as_outside(container):
    container.output("exec", "-d", "sh", "-c", "sleep 1000 & exec sleep 1001")
    eventually(lambda: len(listed(container)) == 4, what="four processes")
    found, truth = listed(container), outside(container)
    assert set(found) == set(truth)
    for pid, one in found.items():
        outer, status = truth[pid]
        stat = Path(f"/proc/{outer}/stat").read_text().rpartition(")")[2].split()
        assert one["message"] == "process" and one["outside"] == outer
        assert abs(one["rss"] - int(status["VmRSS"].split()[0]) * 1024) < 300000
        assert one["state"] in "RS"
        words = Path(f"/proc/{outer}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
        assert one["command"] == " ".join(words)
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")
        assert abs(age - one["age"] / 1000) < 10
        assert one["time"] == (int(stat[11]) + int(stat[12])) * 1000 // os.sysconf("SC_CLK_TCK")
        assert one["user"] == "root" and one["tty"] is None


def test_roles(container):
    """init, the main command, and the processes of each session are marked."""
    container.output("exec", "-d", "sh", "-c", "sleep 1003 & exec sleep 1001")
    container.output("exec", "-d", "sleep", "1002")
    eventually(lambda: len(listed(container)) == 5, what="five processes")
    roles = {one["command"].rsplit("/", 1)[-1]: one["role"] for one in listed(container).values()}
    assert [roles[f"sleep {n}"] for n in (1003, 1001, 1002)] == ["%1", "%1", "%2"]
    assert sorted(str(role) for role in roles.values()) == ["%1", "%1", "%2", "init", "main"]


def test_as_a_table(container):
    container.output("exec", "-d", "sleep", "1000")
    lines = container.output("ps").splitlines()
    assert lines[0].split() == ["PID", "OUTSIDE", "PPID", "USER", "STATE", "AGE", "RSS", "TIME",
                                "TTY", "ROLE", "COMMAND"]
    assert len(lines) == 4
    assert re.fullmatch(r" +3 +\d+ +1 root +[RS] +\d+\.\ds +[\d.]+[KM] +\d\.\ds - +%1 +sleep 1000",
                        lines[3]), lines[3]
    assert len({line.index(word) for line, word in zip(lines[2:], ("sleep", "sleep"))}) == 1


def test_columns(container):
    assert container.output("ps", "-o", "name,pid").splitlines() == [
        "NAME  PID", "init    1", "sleep   2"]
    found = listed(container, "-o", "pid,pss,uid,pgid,sid,threads")
    assert found[2]["uid"] == 0 and found[2]["threads"] == 1
    assert 0 < found[2]["pss"] <= listed(container)[2]["rss"]
    for names, part in (("pid,x", "unknown column in 'x'"), ("", "no columns"), (",", "unknown"),
                        ("pi", "unknown column in 'pi'"), ("pids", "unknown column in 'pids'"),
                        ("pid," * 40, "too many columns")):
        one_line(container.run("ps", "-o", names), 125, part)
    one_line(container.run("ps", "x"), 125, "too many arguments")


def test_tree(container):
    container.output("exec", "-d", "sh", "-c", "(sleep 1001; :) & (sleep 1002; :) & sleep 1003; :")
    eventually(lambda: len(listed(container)) == 8, what="eight processes")
    lines = container.output("ps", "--tree", "-o", "command").splitlines()[2:]
    drawn = [re.sub(r"(\\_ )sh .*", r"\1sh", line) for line in lines]
    assert drawn == ["\\_ sleep 1000", "\\_ sh", "   \\_ sh", "   |  \\_ sleep 1001", "   \\_ sh",
                     "   |  \\_ sleep 1002", "   \\_ sleep 1003"]
    # JSON has the same order, and the parents as numbers.
    found = container.lines("ps", "--tree")
    assert found[3]["ppid"] == found[2]["pid"] and not found[3]["command"].startswith(" ")


def test_a_terminal(container):
    if not AS_ROOT:
        pytest.skip("the user namespace has no terminals of its own")
    terminal = container.on_terminal("exec", "-t", "sh", "-c", "echo ready; sleep 1000")
    terminal.expect("ready")
    ttys = {one["tty"] for one in listed(container).values() if one["role"] == "%1"}
    assert len(ttys) == 1 and re.fullmatch(r"pts/\d+", ttys.pop())


HOSTILE = [
    (b"a b) R 1 2 3", "a b) R 1 2 3"), (b"x\ny", r"x\ny"), (b"\x1b[2J", r"\x1b[2J"),
    (b"\xff\xfe", r"\xff\xfe"), (b"((()", "((()"), (b"\xc2\x9b1m", r"\x9b1m"),
    (b"Uid:\t77", r"Uid:\t77")]


@pytest.mark.parametrize("name, shown", HOSTILE)
def test_names_that_are_hostile(container, name, shown):
    """Blanks, brackets, newlines, escapes and bytes that are no UTF-8 break nothing."""
    script = f"""
import ctypes, signal
ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0)
signal.pause()
"""
    container.output("exec", "-d", "/usr/bin/python3", "-c", script)
    found = eventually(lambda: [line for line in container.output(
        "ps", "-o", "pid,ppid,uid,name").splitlines() if line.split()[3] != "python3"][3:]
        or None, what="the name")
    assert len(found) == 1 and found[0].endswith(" 1   0 " + shown), found
    # It has three rows and a header, whatever a name contains.
    assert len(container.output("ps").splitlines()) == 4


@pytest.mark.parametrize("name, shown", HOSTILE)
def test_command_lines_that_are_hostile(container, name, shown):
    script = "import os, sys; os.execv('/bin/sleep', [os.fsencode(sys.argv[1]), '1000'])"
    container.output("exec", "-d", "/usr/bin/python3", "-c", script, name)
    eventually(lambda: any(line.endswith(shown + " 1000") for line in
                           container.output("ps").splitlines()), what="the command line")
    assert len(container.output("ps").splitlines()) == 4


def test_a_command_line_that_is_long(container):
    container.output("exec", "-d", "sh", "-c", "sleep 1000; :", "x" * 60000)
    lines = container.output("ps").splitlines()
    assert max(map(len, lines)) < 4200
    terminal = container.on_terminal("ps", columns=80)
    terminal.expect("xxxx\r\n")
    assert all(len(line) <= 80 for line in terminal.seen.splitlines()), terminal.seen


def test_zombies_and_stopped_ones(container):
    one = container.popen("exec", "/usr/bin/python3", "-c", STOPPED)
    assert one.stdout.readline() == b"ready\n"
    eventually(lambda: "t" in {row["STATE"] for row in rows(container).values()},
               what="a process in a ptrace stop")
    container.output("exec", "-d", "/usr/bin/python3", "-c",
                     "import os, signal; os.fork() or os._exit(0); signal.pause()")
    found = eventually(lambda: [row for row in rows(container).values() if row["STATE"] == "Z"],
                       what="a zombie")
    assert found[0]["COMMAND"] == "[python3]"
    one.send_signal(signal.SIGKILL)


def test_a_thousand_processes(container):
    script = """
import os, signal
for _ in range(1000):
    if not os.fork():
        signal.pause()
signal.pause()
"""
    container.output("exec", "-d", "/usr/bin/python3", "-c", script)
    eventually(lambda: len(listed(container)) == 1003, deadline=4 * DEADLINE, what="all of them")
    found, truth = listed(container), outside(container)
    assert {pid: one["outside"] for pid, one in found.items()} == {
        pid: outer for pid, (outer, _) in truth.items()}
    assert len(container.output("ps", "--tree").splitlines()) == 1004


def test_processes_that_vanish(container):
    """While others start and end all the time, every row is whole."""
    container.output("exec", "-d", "sh", "-c", "while :; do /bin/true & done")
    for _ in range(20):
        for one in container.lines("ps", "-o", "pid,ppid,state,rss,command"):
            assert one["pid"] > 0 and one["state"] and one["command"]


STARTER = """
import os, signal, socket, subprocess, sys, time
for path in sys.argv[2:]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path); listener.listen(64)
    subprocess.Popen([*"unshare --pid --fork --mount-proc --kill-child".split(), sys.argv[1],
                      "--control-fd", str(listener.fileno()), "--", "sh", "-c", "sleep 1000; :", path],
                     pass_fds=[listener.fileno()])
signal.pause()
"""


@pytest.mark.skipif(not AS_ROOT, reason="unshare(1) needs a user namespace")
def test_one_starter_of_two_containers(control):
    """The pids outside are those of the container that was asked, not of the other one."""
    sockets = [str(control.directory / name) for name in ("1", "2")]
    one = subprocess.Popen(["/usr/bin/python3", "-c", STARTER, INIT, *sockets])
    try:
        for path in sockets:
            eventually(lambda: control.run("-S", path, "status").returncode == 0, what=path)
            rows = [json.loads(row) for row in control.output(
                "-S", path, "--json", "ps", "-o", "pid,outside").splitlines()]
            main = next(row["outside"] for row in rows if row["pid"] == 2)
            assert path.encode() in Path(f"/proc/{main}/cmdline").read_bytes()
    finally:
        for pid in descendants(one.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        one.kill()
        one.wait()


def test_where_init_is_not_pid_1(control):
    """Its /proc shows all processes; those of the container are init and what descends from it."""
    control.start(how="plain")
    control.output("exec", "-d", "sleep", "1000")
    found = listed(control)
    assert len(found) == 3 and {one["role"] for one in found.values()} == {"init", "main", "%1"}
    # An ordinary user may not look at the namespaces of init.
    for pid, one in found.items():
        assert one["outside"] == pid or (not AS_ROOT and one["outside"] is None)


@pytest.mark.skipif(not AS_ROOT, reason="needs to be root to become another")
def test_users(control):
    control.start_in_empty_root()
    (control.directory / "root/etc").mkdir()
    (control.directory / "root/etc/passwd").write_text(
        "root:x:0:0::/:\nal\x1bice:x:1000:1000::/:\n")
    for user in ("1000", "4321"):
        control.output("exec", "-d", "-u", user, "--", "/app", "signals")
    users = [line.split()[1] for line in control.output("ps", "-o", "pid,user").splitlines()[1:]]
    assert users == ["root", "root", r"al\x1bice", "4321"]


def test_a_parent_that_ignores_its_children(container):
    """The end of the process that does the work is seen all the same."""
    ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); " \
        "os.execv(sys.argv[1], sys.argv[1:])"
    done = container.run("ps", outer=["/usr/bin/python3", "-c", ignoring])
    assert (done.returncode, done.stderr) == (0, "") and "sleep 1000" in done.stdout


def test_without_proc(control):
    if not AS_ROOT:
        pytest.skip("needs root to mount")
    control.start(wrap=["sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh"])
    one_line(control.run("ps"), 125, "cannot list processes: init does not pass /proc")
