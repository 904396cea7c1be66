"""Terminals: Ctrl-C, Ctrl-Z, SIGWINCH and hang-up, as if init were not there.

Each test types at a real pty. tests/mutants/process.toml has changes to init with which they
fail.
"""
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys

import pytest

from conftest import INIT, NAMESPACE, PROBE, eventually, is_alive, status_of
from terminal import (BASH, END, INTERRUPT, PROMPT, QUIT, SUSPEND, process,
                      terminal)  # noqa: F401 (fixture)

TYPED, SENT = 128, 0  # si_code: SI_KERNEL, SI_USER
# Ends the probe. It has the highest number of the signals used: init may have several to
# forward at a time, and the kernel gives them in order of their numbers.
LAST = str(signal.SIGPWR.value)
SHELLS = ["bash", "dash"]
INNER = 'PS1="inner> " "$INIT" -- bash --norc --noprofile --noediting -i'
STOPPED = r"\[1\] ?\+ +Stopped"


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


@pytest.fixture
def shell(terminal):
    """An interactive bash, at its prompt; $INIT, $PROBE and $UNSHARE for its commands."""
    one = terminal(BASH, env={"INIT": INIT, "PROBE": PROBE, "LAST": LAST,
                              "UNSHARE": " ".join(NAMESPACE)})
    one.prompt()
    return one


@pytest.fixture
def dash(terminal):
    """An interactive dash, whose fg sends CONT to a job that runs as well."""
    one = terminal(["dash", "-i"], env={"INIT": INIT})
    one.prompt()
    return one


@pytest.fixture(params=SHELLS)
def any_shell(request):
    return request.getfixturevalue("shell" if request.param == "bash" else "dash")


@pytest.fixture(params=["pid1", "plain"])
def leader(request, terminal):
    """Starts init as the leader of the terminal's session, as docker run -it does."""
    def start(*arguments, outer=(), **options):
        before = [*outer, *(NAMESPACE if request.param == "pid1" else [])]
        if not before:
            return terminal([INIT, *arguments], **options)
        # The namespace first, then the session: so it is PID 1 that leads it.
        return terminal([*before, "setsid", "-c", INIT, *arguments], own=False, **options)
    return start


def heard(text):
    """The signals that the probe printed, in order."""
    return [int(number) for number in re.findall(r"(?m)^(\d+) \d+ \d+\r?$", text)]


def blocks_all(pid):
    """Whether a process has reached the point at which init blocks signals."""
    status = status_of(pid)
    return bool(status) and int(status["SigBlk"], 16) & 0x4004 == 0x4004


def find_init(t):
    """Finds the outermost init, not a child of it that has not called exec yet."""
    name = os.path.basename(INIT)[:15]
    return eventually(lambda: t.all(name), what=f"a process {name}")[0]


def stopped(t):
    """After Ctrl-Z: the shell reports a stopped job, and has the terminal."""
    t.expect(STOPPED)
    t.prompt()
    assert t.foreground() == t.pid()


def answers(t):
    """Checks that the shell is in the foreground and reads what is typed."""
    assert t.run("echo $((6 * 7))").strip().endswith("42")
    assert t.foreground() == t.pid()


def code(t):
    return int(t.run("echo code=$?").split("code=")[1])


# ---- init leads the session


def test_leader_gives_the_terminal_to_the_command(leader):
    """docker run -it: the command leads a session of its own with the terminal."""
    t = leader("--", "sh", "-c", "stty size; exec sleep 1000", rows=33, columns=77)
    t.expect("33 77")
    one = t.find_foreground("sleep")
    assert one.pid == one.pgrp == one.session == t.foreground()
    assert one.tty, "no controlling terminal"


@pytest.mark.parametrize("key, number", [(INTERRUPT, 2), (QUIT, 3)], ids=["INT", "QUIT"])
def test_leader_key_kills_the_command(leader, key, number):
    t = leader("--", "sh", "-c", "echo started; exec sleep 1000")
    t.expect("started")
    t.find_foreground("sleep")
    t.press(key)
    assert t.wait() == 128 + number


def test_leader_typed_signals_come_once(leader):
    t = leader("--", PROBE, "signals", "--until", LAST)
    t.expect("ready\r\n")
    for number, act in [(2, lambda: t.press(INTERRUPT)), (20, lambda: t.press(SUSPEND)),
                        (28, lambda: t.resize(30, 90))]:
        act()
        t.expect(f"{number} {TYPED} 0\r\n")
    os.kill(find_init(t).pid, signal.SIGPWR)
    t.expect(f"{LAST} {SENT} 0\r\n")
    # A second one would be printed before the signal that was sent last.
    assert heard(t.seen) == [2, 20, 28, int(LAST)]
    assert t.wait() == 0


def test_leader_suspend_does_not_freeze(leader):
    """No shell could resume the command: the kernel does not stop it."""
    t = leader("--", "sh", "-c", "echo started; exec cat")
    t.expect("started")
    t.find_foreground("cat")
    t.press(SUSPEND)
    t.type("still here")
    t.expect("still here")
    t.press(END)
    assert t.wait() == 0


def test_leader_hang_up_reaches_the_command(leader, tmp_path):
    file = tmp_path / "heard"
    t = leader("--", "sh", "-c", f'exec "{PROBE}" signals --until 18 >"{file}"')
    eventually(lambda: file.exists() and "ready" in file.read_text(), what="the command")
    t.hang_up()
    t.wait()
    assert heard(file.read_text()) == [1, 18]


@pytest.mark.parametrize("when", ["before", "after", "never"])
def test_leader_start_loses_and_invents_no_signal(leader, when):
    """A session that gives its terminal up gets HUP and CONT from the kernel. These are not
    forwarded; others are."""
    slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=ioctl,setsid,setpgid",
            "-e", "inject=ioctl,setsid,setpgid:delay_enter=100000",
            # The command starts with them blocked, so that it cannot miss them.
            PROBE, "with", "--block", "1", "--block", "18", "--"]
    t = leader("--", PROBE, "signals", "--until", LAST, outer=slow)
    init = find_init(t)
    # All signals are blocked, and the command does not run yet.
    eventually(lambda: blocks_all(init.pid), what="that init blocks signals")
    if when == "after":
        eventually(lambda: not process(init.pid).tty, what="the release of the terminal")
    if when != "never":
        os.kill(init.pid, signal.SIGHUP)
        os.kill(init.pid, signal.SIGCONT)
    t.expect("ready\r\n")
    os.kill(init.pid, signal.SIGPWR)
    t.expect(f"{LAST} {SENT} 0\r\n")
    assert heard(t.seen) == [*([] if when == "never" else [1, 18]), int(LAST)]
    t.wait()


def test_leader_interrupt_cuts_the_end_short(leader):
    """Once the command has ended, Ctrl-C is a signal for init."""
    inner = "trap '' TERM INT HUP; echo $((40 + 2)); exec sleep 1000"
    t = leader("--grace", "inf", "--", "sh", "-c", f"({inner}) & exec sleep 1001")
    t.expect("42")
    t.until(lambda: len(t.all("sleep")) == 2, "both")
    t.press(INTERRUPT)
    t.until(lambda: len(t.all("sleep")) == 1, "the command's end")
    t.until(t.foreground, "the terminal's new owner")
    t.press(INTERRUPT)
    assert t.wait() == 130


def test_leader_pause_ends_by_key(leader):
    t = leader("-P")
    eventually(lambda: blocks_all(find_init(t).pid), what="that init blocks signals")
    t.press(INTERRUPT)
    assert t.wait() in (0, 130)


def test_leader_of_a_terminal_that_is_nobodys(terminal):
    """As lxc-start does: PID 1 leads a session, and its stdin is a terminal that does not belong to
    it."""
    t = terminal([*NAMESPACE, "setsid", INIT, "--", "sh", "-c", "echo started; exec sleep 1000"],
                 own=False)
    t.expect("started")
    one = t.find_foreground("sleep")
    assert one.pid == one.pgrp == one.session == t.foreground()
    t.press(INTERRUPT)
    assert t.wait() == 130


# ---- in the foreground of an interactive shell


def test_foreground_group_is_the_commands(any_shell):
    any_shell.type('"$INIT" -- sleep 1000')
    one = any_shell.find_foreground("sleep")
    init = find_init(any_shell)
    assert one.pid == one.pgrp and one.session == any_shell.pid()
    assert init.pgrp == init.pid != one.pgrp
    any_shell.press(INTERRUPT)
    any_shell.prompt()
    assert code(any_shell) == 130
    answers(any_shell)


def test_foreground_reads_the_terminal(shell):
    shell.type('"$INIT" -- cat')
    shell.find_foreground("cat")
    shell.type("hello")
    shell.expect("hello\r\n")
    shell.press(END)
    shell.prompt()
    answers(shell)


def test_quit_key(shell):
    shell.type('"$INIT" -- sleep 1000')
    shell.find_foreground("sleep")
    shell.press(QUIT)
    shell.prompt()
    assert code(shell) == 131


def test_suspend_and_resume(any_shell):
    """Ctrl-Z stops both, fg resumes them in the foreground; twice."""
    any_shell.type('"$INIT" -- cat')
    for word in "once", "twice":
        group = any_shell.find_foreground("cat").pgrp
        any_shell.press(SUSPEND)
        stopped(any_shell)
        any_shell.until(lambda: {one.state for one in any_shell.all("cat")
                                 + [find_init(any_shell)]} == {"T"}, "the stop of both")
        answers(any_shell)
        any_shell.type("fg")
        assert any_shell.find_foreground("cat").pgrp == group
        any_shell.type(word)
        any_shell.expect(f"{word}\r\n")
    any_shell.press(INTERRUPT)
    any_shell.prompt()
    assert code(any_shell) == 130


def test_suspend_resume_in_background(shell, tmp_path):
    go = tmp_path / "go"
    script = f'until [ -e "{go}" ]; do sleep 0.01; done; read x; echo "got $x"'
    shell.type(f'"$INIT" -- sh -c {shlex.quote(script)}')
    shell.find_foreground("sh")
    shell.press(SUSPEND)
    stopped(shell)
    shell.run("bg")
    shell.until(lambda: {one.state for one in shell.all("sh")} <= {"S", "R"}, "bg")
    assert shell.foreground() == shell.pid()
    go.touch()
    # It is stopped because it reads; after fg it may.
    shell.until(lambda: [one.state for one in shell.all("sh")] == ["T"], "the stop")
    shell.until(lambda: "Stopped" in shell.run("jobs"), "the job's stop")
    shell.type("fg")
    shell.find_foreground("sh")
    shell.type("word")
    shell.expect("got word")
    shell.prompt()


def test_kill_of_a_stopped_job(shell):
    shell.type('"$INIT" -- sleep 1000')
    shell.find_foreground("sleep")
    shell.press(SUSPEND)
    stopped(shell)
    shell.run("kill %1")
    shell.wait_gone("sleep")
    eventually(lambda: "Terminated" in shell.run("jobs") or not shell.run("jobs").strip())
    answers(shell)


@pytest.mark.parametrize("command, name, leave", [
    pytest.param("vim -u NONE -N -i NONE -n", "vim", ":q!\r", marks=needs("vim")),
    pytest.param("less /etc/services /etc/passwd", "less", "q", marks=needs("less")),
    pytest.param("top", "top", "q", marks=needs("top")),
], ids=["vim", "less", "top"])
def test_full_screen_program(shell, command, name, leave):
    """A program's modes of the terminal are kept, also after Ctrl-Z and fg."""
    shell.type(f'"$INIT" -- {command}')
    for _ in range(2):
        shell.until(shell.is_raw, "raw mode")
        shell.find_settled(name)
        shell.press(SUSPEND)
        stopped(shell)
        assert not shell.is_raw()
        shell.type("fg")
    shell.until(shell.is_raw, "raw mode")
    shell.find_settled(name)
    shell.press(leave)
    shell.prompt()
    assert not shell.is_raw()
    assert code(shell) == 0


def test_command_that_stops_itself(shell):
    """A command that stops itself by STOP, as nano and the shell's suspend do."""
    shell.type('"$INIT" -- sh -c "kill -STOP 0; read x; echo got \\$x"')
    stopped(shell)
    shell.type("fg")
    shell.find_foreground("sh")
    shell.type("word")
    shell.expect("got word")
    shell.prompt()


def test_interrupt_leaves_the_loop(shell):
    """bash ends a loop if a command died of INT, but not if it exited with 130."""
    shell.type('for i in 1 2; do "$INIT" -- sh -c "echo round; exec sleep 1000"; done; echo over')
    shell.expect("round")
    shell.find_foreground("sleep")
    shell.press(INTERRUPT)
    shell.prompt()
    assert "round" not in shell.seen.split("round", 1)[1]
    assert not shell.all("sleep")


def test_killed_in_raw_mode(shell):
    """A shell restores the modes after a job that was killed by a signal, and so after init."""
    shell.type('"$INIT" -- sh -c "stty raw -echo; echo raw; exec sleep 1000"')
    shell.expect("raw")
    os.kill(shell.find_foreground("sleep").pid, signal.SIGKILL)
    shell.prompt()
    assert not shell.is_raw()
    assert code(shell) == 137
    answers(shell)


def test_init_killed(shell):
    shell.type('"$INIT" -- sleep 1000')
    pid = shell.find_foreground("sleep").pid
    os.kill(find_init(shell).pid, signal.SIGKILL)
    shell.prompt()
    eventually(lambda: not is_alive(pid), what="the end of sleep")
    answers(shell)


def test_window_size(shell):
    shell.type('"$INIT" -- "$PROBE" signals --until $LAST')
    shell.expect("ready\r\n")
    shell.resize(20, 60)
    shell.expect(f"28 {TYPED} 0\r\n")
    os.kill(find_init(shell).pid, signal.SIGPWR)
    shell.expect(f"{LAST} {SENT} 0\r\n")
    assert heard(shell.seen) == [28, int(LAST)]
    shell.prompt()
    assert shell.run("stty size").strip().endswith("20 60")


def test_hang_up_of_a_shell(shell, tmp_path):
    file = tmp_path / "heard"
    shell.type(f'"$INIT" -- "$PROBE" signals --until 1 >"{file}"')
    eventually(lambda: file.exists() and "ready" in file.read_text(), what="the command")
    shell.hang_up()
    eventually(lambda: heard(file.read_text()) == [1], what="HUP")


def test_hang_up_ends_a_stopped_job(shell):
    shell.type('"$INIT" -- sleep 1000')
    pid = shell.find_foreground("sleep").pid
    shell.press(SUSPEND)
    stopped(shell)
    shell.hang_up()
    eventually(lambda: not is_alive(pid), what="the end of sleep")


def test_pause_as_a_job(shell):
    """With --pause Ctrl-Z and Ctrl-C act on init itself."""
    shell.type('"$INIT" -P')
    eventually(lambda: blocks_all(find_init(shell).pid), what="that init blocks signals")
    shell.press(SUSPEND)
    stopped(shell)
    shell.type("fg")
    shell.until(lambda: shell.foreground() == find_init(shell).pgrp and
               find_init(shell).state == "S", "fg")
    shell.press(INTERRUPT)
    shell.prompt()
    answers(shell)


def test_grace_can_be_suspended_and_interrupted(shell):
    """When the command has ended, init has the terminal again."""
    inner = "trap '' TERM INT; echo $((40 + 2)); exec sleep 1000"
    shell.type(f'"$INIT" --grace inf -- sh -c "({inner}) & exec sleep 1001"')
    shell.expect("42")
    shell.until(lambda: len(shell.all("sleep")) == 2, "both")
    first = shell.find_foreground("sleep").pgrp
    os.kill(first, signal.SIGINT)
    shell.until(lambda: len(shell.all("sleep")) == 1, "the command's end")
    shell.until(lambda: shell.foreground() == find_init(shell).pgrp, "init's terminal")
    shell.press(SUSPEND)
    stopped(shell)
    shell.type("fg")
    shell.until(lambda: shell.foreground() == find_init(shell).pgrp and
               find_init(shell).state == "S", "fg")
    shell.press(INTERRUPT)
    shell.prompt()
    shell.wait_gone("sleep")


# ---- in the background


def test_background_leaves_the_shell_alone(any_shell):
    """`tini cmd &` takes the foreground, and the shell hangs. Init leaves it to the shell."""
    any_shell.run('"$INIT" -- sleep 1000 &')
    any_shell.find("sleep")
    answers(any_shell)
    # bash sends no CONT to a job that runs: the terminal is given when it is needed.
    any_shell.type("fg")
    any_shell.until(lambda: any_shell.foreground() != any_shell.pid(), "fg")
    any_shell.press(INTERRUPT)
    any_shell.prompt()
    assert code(any_shell) == 130


def test_background_read_stops_until_fg(any_shell):
    any_shell.run('"$INIT" -- cat &')
    any_shell.until(lambda: "Stopped" in any_shell.run("jobs"), "the stop by a read")
    answers(any_shell)
    any_shell.type("fg")
    any_shell.find_foreground("cat")
    any_shell.type("hello")
    any_shell.expect("hello\r\n")
    any_shell.press(SUSPEND)
    stopped(any_shell)
    any_shell.run("kill -9 %1")
    any_shell.wait_gone("cat")


def test_background_brought_to_front_reads(shell, tmp_path):
    """fg of a running job, to which the shell sends no signal; then the command reads."""
    go = tmp_path / "go"
    script = f'until [ -e "{go}" ]; do sleep 0.01; done; read x; echo "got $x"'
    shell.run(f'"$INIT" -- sh -c {shlex.quote(script)} &')
    shell.find("sh")
    shell.type("fg")
    shell.until(lambda: shell.foreground() != shell.pid(), "fg")
    go.touch()
    shell.find_foreground("sh")
    shell.type("word")
    shell.expect("got word")
    shell.prompt()
    answers(shell)


def test_background_log_with_tostop(shell):
    """With tostop set, which stops background writers, init is not stopped by its own log."""
    shell.run("stty tostop")
    shell.run('"$INIT" -vv -- sleep 1000 </dev/null &')
    shell.find("sleep")
    os.kill(find_init(shell).pid, signal.SIGTERM)
    shell.wait_gone("sleep")
    shell.until(lambda: re.search("Exit 143|Terminated", shell.run("jobs")), "the end of init")
    assert "SIGTERM" in shell.seen
    answers(shell)


def test_background_write_with_tostop(shell):
    shell.run("stty tostop")
    shell.type('"$INIT" -- sh -c "echo from behind; read x; echo got \\$x" &')
    shell.until(lambda: "Stopped" in shell.run("jobs"), "the stop by a write")
    assert "from behind\r\n" not in shell.seen
    shell.type("fg")
    shell.expect("from behind\r\n")
    shell.type("word")
    shell.expect("got word")
    shell.prompt()
    answers(shell)


# ---- in scripts and pipelines


@pytest.mark.parametrize("program", SHELLS)
@pytest.mark.parametrize("command", ["true", "/nonexistent/program", "sh -c 'kill -9 $$'"],
                         ids=["ends", "missing", "killed"])
def test_script_reads_after_it(terminal, program, command):
    """tini does not give the terminal back, and `sh -c 'tini true; read x'` fails. Init does."""
    t = terminal([program, "-c", f'"$0" -- {command}; echo over; read x; echo "got $x"', INIT])
    t.expect("over")
    t.type("word")
    t.expect("got word")
    assert t.wait() == 0


@pytest.mark.parametrize("program", SHELLS)
@pytest.mark.parametrize("command", ["sleep 1000", "sleep 1000 </dev/null", "cat"])
def test_script_ends_by_key(shell, program, command):
    """Ctrl-C ends the script too, and the shell above it sees how it ended."""
    script = f'"$0" -- {command}; echo after'
    shell.type(f'{program} -c {shlex.quote(script)} "$INIT"')
    shell.find(command.split()[0])
    if command == "cat":
        # It has read, and so its group is in the foreground.
        shell.find_foreground("cat")
    shell.press(INTERRUPT)
    shell.prompt()
    assert "after" not in shell.seen
    assert code(shell) == 130
    answers(shell)


@pytest.mark.parametrize("command", ["exec sleep 1000", "trap 'exit 0' INT; sleep 1000"],
                         ids=["dies", "exits"])
def test_python_ends_by_key(shell, command):
    """The parent gets the signal of the key even if the command handles it."""
    script = ("import subprocess, sys\n"
              f"subprocess.run([sys.argv[1], '--', 'sh', '-c', {'echo started; ' + command!r}])\n"
              "print('after')\n")
    shell.type(f'{sys.executable} -ISc {shlex.quote(script)} "$INIT" 2>/dev/null')
    shell.expect("started")
    shell.find("sleep")
    shell.press(INTERRUPT)
    shell.prompt()
    assert "after" not in shell.seen
    assert code(shell) == 130


@needs("make")
def test_make_ends_by_key(shell, tmp_path):
    """make runs two at a time on one terminal, and both end."""
    (tmp_path / "Makefile").write_text(
        "all: a b\na b:\n\t@\"$$INIT\" -- sh -c 'echo started-$@; exec sleep 1000'\n"
        "\t@echo went on\n")
    shell.type(f'make -j2 -C "{tmp_path}"')
    shell.expect("(?s)started-[ab].*started-[ab]")
    shell.until(lambda: len(shell.all("sleep")) == 2, "both commands")
    shell.press(INTERRUPT)
    shell.prompt()
    assert "went on" not in shell.seen
    assert not shell.all("sleep")
    answers(shell)


@pytest.mark.parametrize("program", SHELLS)
def test_script_stops_by_key(shell, program):
    script = '"$0" -- cat; echo after'
    shell.type(f'{program} -c {shlex.quote(script)} "$INIT"')
    shell.find_foreground("cat")
    shell.press(SUSPEND)
    stopped(shell)
    answers(shell)
    shell.type("fg")
    shell.find_foreground("cat")
    shell.type("word")
    shell.expect("word\r\n")
    shell.press(END)
    shell.expect("after")
    shell.prompt()


@pytest.mark.parametrize("program", SHELLS)
def test_script_reads_beside_it(shell, program):
    """A script that goes on while init runs keeps the terminal."""
    script = '"$0" -- sleep 1000 & echo started; read x; echo "got $x"; kill $!; wait'
    shell.type(f'{program} -c {shlex.quote(script)} "$INIT"')
    shell.expect("started")
    shell.find("sleep")
    shell.type("word")
    shell.expect("got word")
    shell.prompt()


def test_parent_reads_beside_it(shell):
    """The same for a parent whose command could read the terminal, but does not."""
    script = ("import subprocess, sys\n"
              "child = subprocess.Popen([sys.argv[1], '--', 'sleep', '1000'])\n"
              "print('started', flush=True)\n"
              "print('got', sys.stdin.readline(), flush=True)\n"
              "print('got', sys.stdin.readline(), flush=True)\n"
              "child.terminate()\n"
              "child.wait()\n")
    shell.type(f'{sys.executable} -ISc {shlex.quote(script)} "$INIT"')
    shell.expect("started")
    shell.find("sleep")
    # A read(2) that has begun goes on in the background, the next one would not.
    for word in ("one", "two"):
        shell.type(word)
        shell.expect(f"got {word}")
    shell.prompt()
    answers(shell)


@needs("less")
def test_pager_of_a_pipeline(shell):
    """A pager in init's own process group reads the terminal, also after Ctrl-Z and fg."""
    shell.type('"$INIT" -- yes | less')
    for _ in range(2):
        shell.until(shell.is_raw, "raw mode of the pager")
        shell.find_settled("less")
        shell.press(SUSPEND)
        stopped(shell)
        shell.type("fg")
    shell.until(shell.is_raw, "raw mode of the pager")
    shell.find_settled("less")
    shell.press("q")
    shell.prompt()
    shell.wait_gone("yes")
    assert shell.seen.count("Stopped") == 2
    answers(shell)


@needs("less")
@pytest.mark.parametrize("pager", ["less", '"$INIT" -- less'], ids=["less", "init-less"])
def test_both_ends_of_a_pipeline_read(shell, pager):
    """As in `init sudo ... | less`: the command asks on the terminal first, then the pager reads
    keys."""
    script = "read x </dev/tty; echo first $x; seq 1000000"
    shell.type(f'"$INIT" -- sh -c {shlex.quote(script)} | {pager}')
    shell.find("less")
    shell.until(lambda: any(one.pgrp == one.pid for one in shell.all("sh")), "the command")
    shell.type("word")
    shell.expect("first word")
    shell.expect("\r\n20\r\n")
    shell.until(shell.is_raw, "raw mode of the pager")
    shell.press("q")
    shell.prompt()
    assert "Stopped" not in shell.seen
    answers(shell)


def test_pipeline_reads_the_terminal(shell):
    shell.type('"$INIT" -- cat | cat')
    shell.until(lambda: len(shell.all("cat")) == 2, "both")
    shell.type("word")
    shell.expect("word\r\n")
    shell.press(INTERRUPT)
    shell.prompt()
    assert not shell.all("cat")
    answers(shell)


def test_pipeline_forwards_what_is_typed(shell):
    """The foreground group is the pipeline's, with init in it: init forwards the signal once."""
    shell.type('"$INIT" -- "$PROBE" signals --until $LAST | (trap "" INT; exec cat)')
    shell.expect("ready\r\n")
    shell.press(INTERRUPT)
    shell.expect(f"2 {SENT} 0\r\n")
    shell.resize(20, 60)
    shell.expect(f"28 {SENT} 0\r\n")
    os.kill(find_init(shell).pid, signal.SIGPWR)
    shell.expect(f"{LAST} {SENT} 0\r\n")
    assert heard(shell.seen) == [2, 28, int(LAST)]
    shell.prompt()


def test_pipeline_gets_a_key_once(shell):
    """Init does not stop the others of its group where the terminal has signalled them already."""
    shell.type('"$INIT" -- sleep 1000 | "$PROBE" signals --until $LAST')
    shell.expect("ready\r\n")
    shell.find("sleep")
    # As in test_outside_typed_signals_come_once: one that follows closely may be lost.
    for _ in range(10):
        shell.press(SUSPEND)
        shell.expect(f"20 {TYPED} 0\r\n")
        shell.until(lambda: find_init(shell).state == "T", "the stop of init")
        os.kill(find_init(shell).pid, signal.SIGCONT)
        shell.until(lambda: {find_init(shell).state, shell.find("sleep").state} == {"S"},
                    "its going on")
    shell.press(SUSPEND)
    shell.until(lambda: find_init(shell).state == "T", "the stop of init")
    os.kill(shell.find("probe").pid, int(LAST))
    shell.expect(f"{LAST} {SENT} 0\r\n")
    assert heard(shell.seen) == [20] * 11 + [int(LAST)]
    stopped(shell)


def test_interactive_shell_in_a_pipeline(shell):
    """A shell in a pipeline stops itself by TTIN until it is in the foreground."""
    shell.type(f"{INNER} | cat")
    shell.expect("inner> ")
    shell.find_foreground("bash")
    shell.type("echo $((6 * 7))")
    shell.expect("42\r\n")
    shell.type("exit")
    shell.prompt()
    assert "Stopped" not in shell.seen
    answers(shell)


def test_command_substitution(shell):
    assert "[hi]" in shell.run('x=$("$INIT" -- echo hi); echo "[$x]"')
    shell.type('x=$("$INIT" -- head -n 1); echo "[$x]"')
    shell.find("head")
    shell.type("word")
    shell.expect(r"\[word\]")
    shell.prompt()
    shell.type('x=$("$INIT" -- sleep 1000)')
    shell.find("sleep")
    shell.press(INTERRUPT)
    shell.prompt()
    assert not shell.all("sleep")
    answers(shell)


@pytest.mark.parametrize("redirect", ["</dev/null", "<&-", "<&- >&- 2>&-"])
def test_other_stdio(shell, redirect):
    """The terminal is that of the session, whatever stdin is."""
    script = "read x </dev/tty; echo got $x >/dev/tty"
    shell.type(f'"$INIT" -- sh -c {shlex.quote(script)} {redirect}')
    shell.find_foreground("sh")
    shell.type("word")
    shell.expect("got word")
    shell.prompt()
    answers(shell)


@pytest.mark.parametrize("option", ["-c", "--main-only=INT"])
def test_typed_signal_reaches_the_whole_group(shell, tmp_path, option):
    """Both apply to signals that are sent; those of the terminal reach the whole group."""
    file = tmp_path / "heard"
    script = f'"{PROBE}" signals --until 2 >"{file}" & trap "" INT; echo started; wait'
    shell.type(f'true | "$INIT" {option} -- sh -c {shlex.quote(script)}')
    shell.expect("started")
    eventually(lambda: file.exists() and "ready" in file.read_text(), what="the command's child")
    shell.press(INTERRUPT)
    eventually(lambda: heard(file.read_text()) == [2], what="INT")
    shell.prompt()


# ---- the session lies outside our PID namespace


def test_outside_reads_the_terminal(shell):
    shell.type('$UNSHARE "$INIT" -- cat')
    shell.find("cat")
    shell.type("word")
    shell.expect("word\r\n")
    shell.press(SUSPEND)
    stopped(shell)
    # The shell does not know of cat, whose read(2) may take what comes before it has stopped.
    shell.until(lambda: [one.state for one in shell.all("cat")] == ["T"], "the stop of cat")
    answers(shell)
    shell.type("fg")
    shell.until(lambda: [one.state for one in shell.all("cat")] == ["S"], "fg")
    shell.type("again")
    shell.expect("again\r\n")
    shell.press(INTERRUPT)
    shell.prompt()
    shell.wait_gone("cat")
    answers(shell)


def test_outside_typed_signals_come_once(shell):
    shell.type('$UNSHARE "$INIT" -- "$PROBE" signals --until $LAST')
    shell.expect("ready\r\n")
    # Two that come close together may be reported as one, so several keys are pressed.
    for _ in range(20):
        shell.press(INTERRUPT)
        shell.expect(f"2 {TYPED} 0\r\n")
    shell.resize(20, 60)
    shell.expect(f"28 {TYPED} 0\r\n")
    os.kill(find_init(shell).pid, signal.SIGPWR)
    shell.expect(f"{LAST} {SENT} 0\r\n")
    assert heard(shell.seen) == [2] * 20 + [28, int(LAST)]
    shell.prompt()


@pytest.mark.parametrize("program", SHELLS)
def test_outside_script_reads_after_it(shell, program):
    script = '$UNSHARE "$INIT" -- true; echo over; read x; echo "got $x"'
    shell.type(f"{program} -c {shlex.quote(script)}")
    shell.expect("over")
    shell.type("word")
    shell.expect("got word")
    shell.prompt()


def test_outside_interrupt_cuts_the_end_short(shell):
    inner = "trap '' TERM INT; echo $((40 + 2)); exec sleep 1000"
    shell.type(f'$UNSHARE "$INIT" --grace inf -- sh -c "({inner}) & exec sleep 1001"')
    shell.expect("42")
    shell.until(lambda: len(shell.all("sleep")) == 2, "both")
    both = shell.all("sleep")
    shell.press(INTERRUPT)
    # Wait until it is reaped: before, a second signal is forwarded too, or merged with the first.
    shell.until(lambda: [process(one.pid) for one in both].count(None) == 1, "the command's end")
    shell.press(INTERRUPT)
    shell.prompt()
    shell.wait_gone("sleep")


def test_outside_pause_ends_by_key(shell):
    shell.type('$UNSHARE "$INIT" -P')
    eventually(lambda: blocks_all(find_init(shell).pid), what="that init blocks signals")
    shell.press(INTERRUPT)
    shell.prompt()
    answers(shell)


# ---- a shell as the command


def test_nested_shell(shell):
    shell.type(INNER)
    shell.expect("inner> ")
    inner = shell.find_foreground("bash")
    shell.type("cat")
    shell.find_foreground("cat")
    shell.press(SUSPEND)
    shell.expect(STOPPED)
    shell.expect("inner> ")
    assert shell.foreground() == inner.pgrp
    shell.type("fg")
    shell.find_foreground("cat")
    shell.press(INTERRUPT)
    shell.expect("inner> ")
    shell.type('"$INIT" -- cat')
    shell.find_foreground("cat")
    shell.press(SUSPEND)
    shell.expect(STOPPED)
    shell.expect("inner> ")
    shell.type("fg")
    shell.find_foreground("cat")
    shell.press(INTERRUPT)
    shell.expect("inner> ")
    shell.type("exit 5")
    shell.prompt()
    assert code(shell) == 5
    answers(shell)


def test_nested_shell_suspended(shell):
    shell.type(INNER)
    shell.expect("inner> ")
    shell.find_foreground("bash")
    shell.type("suspend")
    stopped(shell)
    answers(shell)
    shell.type("fg")
    shell.type("echo $((6 * 7))")
    shell.expect("42\r\n")
    shell.expect("inner> ")
    shell.type("exit")
    shell.prompt()
    answers(shell)


def test_nested_shell_killed_under_its_job(terminal):
    """The terminal belonged to the shell's job. When that has ended, the script has it again."""
    script = f'{INNER}; echo over; read x; echo "got $x"'
    t = terminal(["dash", "-c", script], env={"INIT": INIT})
    t.expect("inner> ")
    inner = t.find_foreground("bash")
    t.type("sleep 1000")
    t.find_foreground("sleep")
    os.kill(inner.pid, signal.SIGKILL)
    t.expect("over")
    t.type("word")
    t.expect("got word")
    assert t.wait() == 0


def test_init_in_init(shell):
    shell.type('"$INIT" -- "$INIT" -- cat')
    for word in "once", "twice":
        shell.find_foreground("cat")
        shell.type(word)
        shell.expect(f"{word}\r\n")
        shell.press(SUSPEND)
        stopped(shell)
        shell.type("fg")
    shell.find_foreground("cat")
    shell.press(INTERRUPT)
    shell.prompt()
    assert code(shell) == 130
    answers(shell)


# ---- where no shell is left to resume init


def test_suspend_without_a_shell(terminal):
    """An orphaned process group is not stopped by Ctrl-Z; its command is stopped and resumed."""
    t = terminal(["dash", "-c", '"$0" -- sh -c "echo started; exec cat"; echo after', INIT])
    t.expect("started")
    t.find_foreground("cat")
    t.press(SUSPEND)
    t.find_foreground("cat")
    t.type("word")
    t.expect("word\r\n")
    t.press(END)
    t.expect("after")
    assert t.wait() == 0


def test_stop_without_a_shell(terminal):
    """A command that was stopped by STOP stays stopped; init is still there when it resumes."""
    t = terminal(["dash", "-c", '"$0" -- sh -c "kill -STOP 0; echo resumed"; echo after', INIT])
    one = t.until(lambda: [one for one in t.all("sh") if one.state == "T"], "the stop")[0]
    os.kill(one.pid, signal.SIGCONT)
    t.expect("resumed")
    t.expect("after")
    assert t.wait() == 0


def test_orphaned_background_read_fails(shell, tmp_path):
    """The kernel answers EIO, since a stop would last for ever; init must not prevent that."""
    file = tmp_path / "code"
    # The group is orphaned once the subshell that started it is gone.
    script = f'while kill -0 $SUBSHELL 2>&-; do sleep 0.01; done; cat; echo cat=$? >"{file}"'
    shell.run(f'(export SUBSHELL=$BASHPID; "$INIT" -- sh -c {shlex.quote(script)} </dev/tty &)')
    shell.expect("Input/output error")
    eventually(lambda: file.exists() and file.read_text() == "cat=1\n", what="the end of cat")


@pytest.mark.parametrize("pipe", ["", "| sleep 1000"], ids=["alone", "pipeline"])
def test_orphaned_later(shell, tmp_path, pipe):
    """The shell dies, and then the background command reads."""
    go, file = tmp_path / "go", tmp_path / "code"
    script = f'until [ -e "{go}" ]; do sleep 0.01; done; cat; echo cat=$? >"{file}"'
    shell.type("PS1='inner> ' bash --norc --noprofile --noediting -i")
    shell.expect("inner> ")
    inner = shell.find_foreground("bash")
    shell.type(f'"$INIT" -- sh -c {shlex.quote(script)} {pipe} &')
    shell.expect("inner> ")
    init, command = find_init(shell), shell.find("sh")
    os.kill(inner.pid, signal.SIGKILL)
    shell.prompt()
    go.touch()
    eventually(lambda: not is_alive(init.pid), what="the end of init")
    assert not is_alive(command.pid)
    assert pipe or file.read_text() == "cat=1\n"
    answers(shell)


# ---- in a terminal multiplexer


@needs("tmux")
def test_tmux_pane(terminal, tmp_path):
    """The program of a pane leads its session; it is resized, and ended by a key."""
    tmux = ["tmux", "-S", tmp_path / "tmux"]
    script = 'exec "$INIT" -- sh -c "stty size; cat; stty size; cat"'
    t = terminal([*tmux, "-f", "/dev/null", "new-session", "-x", "80", "-y", "24", script],
                 env={"INIT": INIT, "SHELL": "/bin/sh", "TMUX_TMPDIR": str(tmp_path)})

    def tell(*command):
        t.read(0.01)
        return subprocess.run([*tmux, *command], capture_output=True, text=True,
                              check=False).stdout

    def screen():
        return tell("capture-pane", "-p")

    def size():
        pane = os.open(tell("display-message", "-p", "#{pane_tty}").strip(),
                       os.O_RDWR | os.O_NOCTTY)
        try:
            return os.get_terminal_size(pane)
        finally:
            os.close(pane)

    t.until(lambda: "23 80" in screen(), "the size at the start")
    t.type("typed")
    t.until(lambda: screen().count("typed") == 2, "what the terminal and cat say")
    t.resize(30, 100)
    # tmux reports the new size after some time.
    t.until(lambda: size() == (100, 29), "the pane's new size")
    t.press(END)
    t.until(lambda: "29 100" in screen(), "the size seen by the command")

    def interrupted():
        # dash loses a signal that comes while it starts the second cat.
        t.press(INTERRUPT)
        t.read(0.2)
        return t.popen.poll() is not None

    t.until(interrupted, "the end of the pane")
    assert t.wait() == 0
