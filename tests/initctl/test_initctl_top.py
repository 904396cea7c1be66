"""top: the screen on a real terminal, its keys, every way out of it; --once."""
import json
import os
import re
import signal
import subprocess
import termios

import pytest

from conftest import DEADLINE, descendants, eventually, halt, status_of
from initctl import container, control, modes, one_line  # noqa: F401
from screen import Screen

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
BUSY = "while :; do :; done"


class Top:
    def __init__(self, control, *words, rows=24, columns=100, common=(), **options):
        self.terminal = control.on_terminal(*common, "top", "--interval", "0.2", *words, rows=rows,
                                            columns=columns, **options)
        self.rows, self.columns = rows, columns
        self.before = self.terminal.modes_before
        self.terminal.expect(re.escape(ENTER))
        self.terminal.expect("order")

    def lines(self):
        """The screen of the last frame that is complete."""
        frames = (self.terminal.seen + self.terminal.output).split("\x1b[H")
        if len(frames) < 3:
            return [""] * self.rows
        return Screen(self.rows, self.columns).feed("\x1b[H" + frames[-2]).lines()

    def until(self, predicate, what):
        def look():
            self.terminal.read(0.1)
            return predicate(self.lines())

        return eventually(look, what=what, deadline=2 * DEADLINE)

    def press(self, keys):
        self.terminal.press(keys)

    def quit(self, code=0):
        def ended():
            self.terminal.read(0.1)
            return self.terminal.popen.poll() is not None

        eventually(ended, what="the end of initctl")
        assert self.terminal.popen.returncode == code
        eventually(lambda: not self.terminal.read(0.1) or LEAVE in self.terminal.output,
                   what="the other screen")
        assert (self.terminal.seen + self.terminal.output).count(LEAVE) >= 1


def table(lines):
    """The rows below the titles, split into cells; the last one may have blanks."""
    titles = next((i for i, line in enumerate(lines) if line.lstrip().startswith("PID")),
                  len(lines))
    return [line for line in lines[titles + 1:-1] if line]


def commands(lines):
    return [re.split(r"\s+", line.strip(), maxsplit=6)[-1] for line in table(lines)]


def test_the_screen(container):
    container.output("exec", "-d", "sh", "-c", BUSY)
    top = Top(container)
    lines = top.until(lambda lines: any("%1" in line and re.search(r" R +\d\d", line)
                                        for line in table(lines)[:1]) and lines,
                      what="the busy process on top")
    assert re.match(r"CPU +\[\|* *\] \d+\.\d% of \d+\.\d\d CPUs", lines[0]), lines
    assert re.match(r"memory +\[[| ]*\] \d", lines[1]) and lines[2].startswith("processes")
    assert re.search(r"PID +USER +S +%CPU +RSS +TIME +ROLE +COMMAND|PID USER", "\n".join(lines))
    assert [row.split()[6] for row in table(lines)].count("main") == 1
    top.press("q")
    top.quit()
    assert modes(top.terminal) == top.before


def test_orders_tree_and_filter(container):
    container.output("exec", "-d", "sh", "-c", "sleep 1001 & sleep 1002; :")
    top = Top(container, columns=250)
    top.press("p")
    top.until(lambda lines: [int(row.split()[0]) for row in table(lines)] == sorted(
        int(row.split()[0]) for row in table(lines)) and "order: pid" in lines[-1],
        what="the order of the pids")
    top.press("t")
    top.until(lambda lines: any(r"\_ sleep 1001" in row for row in table(lines)), what="a tree")
    top.press("t/")
    top.until(lambda lines: "show only: _" in lines[-1], what="the question")
    top.press("sleeX\x7fp 100")
    top.until(lambda lines: "show only: sleep 100_" in lines[-1], what="what was typed")
    top.press("\r")
    top.until(lambda lines: len(table(lines)) >= 3 and all("sleep 100" in row for row in table(lines)),
              what="the filter")
    top.press("/\r")
    top.until(lambda lines: any("init" in row.split() for row in table(lines)), what="no filter")
    top.press("\x03")
    top.quit()


def test_a_signal(container):
    """A process is selected, the signal is asked for, and can be left out."""
    container.output("exec", "-d", "sleep", "1001")
    top = Top(container)
    top.press("ps")
    top.until(lambda lines: "select a process first" in lines[-1], what="a hint")
    top.press("\x1b[B\x1b[B\x1b[B")
    top.press("s")
    top.until(lambda lines: "signal to send (TERM): _" in lines[-1], what="the question")
    top.press("\x1b")
    top.until(lambda lines: "q quit" in lines[-1], what="the keys again")
    assert len(container.sessions()) == 1
    top.press("sNONS\u00e9\x7fENSE\r")
    top.until(lambda lines: "cannot send NONSENSE to" in lines[-1], what="the refusal")
    assert len(container.sessions()) == 1
    top.press("sKILL\r")
    top.until(lambda lines: re.search(r"sent KILL to \d", lines[-1]), what="the answer")
    eventually(lambda: not container.sessions(), what="the end of the session")
    top.press("q")
    top.quit()


def test_resize(container):
    container.output("exec", "-d", "sh", "-c", "for i in $(seq 50); do sleep 1000 & done; wait")
    top = Top(container, rows=40, columns=120)
    top.until(lambda lines: len(table(lines)) == 34, what="a full screen")
    for rows, columns in ((12, 50), (5, 20), (1, 1), (30, 80)):
        top.rows, top.columns = rows, columns
        seen = len(top.terminal.seen + top.terminal.output)
        top.terminal.resize(rows, columns)

        def drawn():
            top.terminal.read(0.1)
            new = (top.terminal.seen + top.terminal.output)[seen:].split("\x1b[H")
            # The first frame may have been under way.
            return new[-2] if len(new) > 4 else None

        Screen(rows, columns).feed("\x1b[H" + eventually(drawn, what="frames"))
    top.press("q")
    top.quit()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                                    signal.SIGKILL])
def test_ways_out(container, number):
    """However it ends, the terminal has its modes and its screen back."""
    top = Top(container)
    assert modes(top.terminal) != top.before
    top.terminal.popen.send_signal(number)
    top.quit(-9 if number == signal.SIGKILL else 128 + number)
    eventually(lambda: modes(top.terminal) == top.before, what="the modes of before")


def test_the_container_ends(container):
    top = Top(container)
    container.run("signal", "KILL")
    top.quit(137)
    assert "cannot look at processes: the container ended" in top.terminal.seen + top.terminal.output
    assert modes(top.terminal) == top.before


def test_init_does_not_answer(container):
    """The message is on the screen of before, not on the one that is left."""
    top = Top(container, common=["--timeout", "500ms"])
    halt(container.pid())
    try:
        top.quit(125)
    finally:
        os.kill(container.pid(), signal.SIGCONT)
    out = top.terminal.seen + top.terminal.output
    assert "no answer within 500 ms" in out[out.rindex("\x1b[?1049l"):]


def test_stop_and_resume(container):
    """ctrl-z gives the terminal back; fg takes it again."""
    top = Top(container)
    top.press("\x1a")

    def paused():
        top.terminal.read(0.1)
        return modes(top.terminal) == top.before and \
            status_of(top.terminal.popen.pid)["State"].startswith("T")

    eventually(paused, what="the modes of before, and that it is stopped")
    top.terminal.popen.send_signal(signal.SIGCONT)
    eventually(lambda: modes(top.terminal) != top.before, what="raw mode")
    top.press("q")
    top.quit()


def test_once(container):
    container.output("exec", "-d", "sh", "-c", BUSY)
    text = container.output("top", "--once")
    assert "\x1b" not in text
    head, _, rows = text.partition("\n\n")
    assert head.startswith("cpu") and "memory" in head
    rows = rows.splitlines()
    assert rows[0].split() == ["PID", "USER", "STATE", "%CPU", "RSS", "TIME", "ROLE", "COMMAND"]
    assert len(rows) == 4 and "%1" in rows[1] and float(rows[1].split()[3]) > 5
    stats, *processes = [json.loads(line) for line in
                         container.output("--json", "top", "--once").splitlines()]
    assert stats["message"] == "stats" and len(processes) == 3
    assert processes[0]["role"] == "%1" and processes[0]["cpu"] > 5
    done = container.run("top", "--once", stdout=subprocess.PIPE)
    assert done.returncode == 0


def test_a_thousand_processes(container):
    """All are counted and listed, with the memory that they have outside, and the screen follows keys."""
    script = """
import os, signal
for _ in range(1000):
    if not os.fork():
        signal.pause()
signal.pause()
"""
    container.output("exec", "-d", "/usr/bin/python3", "-c", script)

    def listed():
        return [json.loads(line) for line in
                container.output("--json", "top", "--once").splitlines()[1:]]

    eventually(lambda: len(listed()) == 1003, deadline=4 * DEADLINE, what="all of them")
    truth = {status_of(pid)["NSpid"].split()[-1]: status_of(pid)["VmRSS"] for pid in
             (container.pid(), *descendants(container.pid()))}
    found = {str(one["pid"]): one["rss"] for one in listed()}
    assert set(found) == set(truth)
    for pid, resident in truth.items():
        assert abs(found[pid] - int(resident.split()[0]) * 1024) < 300000
    top = Top(container)
    top.press("p")
    top.until(lambda lines: re.search(r"^processes .* 1003$", lines[2]) and
              [row.split()[0] for row in table(lines)[:3]] == ["1", "2", "3"], what="the first ones")
    pids = sorted(map(int, found))
    top.press("\x1b[6~" * 100)
    top.until(lambda lines: any(int(row.split()[0]) == pids[999] for row in table(lines)),
              what="a hundred pages of ten on")
    top.press("q")
    top.quit()


def test_a_message_is_not_lost_with_the_screen(container):
    """A look that fails ends it; the reason stands on the screen that comes back."""
    top = Top(container)
    container.socket.unlink()
    top.quit(125)
    text = top.terminal.seen + top.terminal.output
    assert f"cannot connect to {container.socket}: No such file" in text[text.index(LEAVE):], text[-500:]
    assert modes(top.terminal) == top.before


@pytest.mark.parametrize("words, part", [
    ([], "no terminal, see --once"), (["x"], "too many arguments"),
    (["--interval", "x", "--once"], "bad value for --interval"),
    (["--interval", "1ms", "--once"], "bad value for --interval")])
def test_misuse(container, words, part):
    one_line(container.run("top", *words), 125, part)


def test_hostile_names(container):
    script = "import ctypes, signal; ctypes.CDLL(None).prctl(15, b'\\x1b[2Jx', 0, 0, 0); signal.pause()"
    container.output("exec", "-d", "/usr/bin/python3", "-c", script, "\x1b]0;owned\x07")
    top = Top(container, columns=250)
    top.until(lambda lines: any(r"\x1b]0;owned\a" in row for row in table(lines)), what="the words")
    assert "\x1b]0;" not in top.terminal.seen + top.terminal.output
    top.press("q")
    top.quit()
