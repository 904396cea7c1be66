"""Input and output: descriptors that are passed, and terminals that are relayed."""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import DEADLINE, eventually, status_of
from initctl import INITCTL, container, control, one_line, unignore  # noqa: F401
from terminal import END, INTERRUPT, QUIT, SUSPEND, process

GIB = 1 << 30


def cpu(pid):
    """Clock ticks that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


# ---- descriptors that are passed


def test_three_descriptors_of_ours(container):
    files = {fd: container.directory / f"file{fd}" for fd in range(3)}
    for path in files.values():
        path.touch()
    with open(files[0]) as one, open(files[1], "w") as two, open(files[2], "w") as three:
        client = container.popen("exec", "sh", "-c", "readlink /proc/self/fd/0; "
                                 "readlink /proc/$$/fd/1; readlink /proc/$$/fd/2 >&2",
                                 stdin=one, stdout=two, stderr=three)
        assert client.wait(DEADLINE) == 0
    assert files[1].read_text() == f"{files[0]}\n{files[1]}\n"
    assert files[2].read_text() == f"{files[2]}\n"


def test_nothing_else_is_passed(container):
    out = container.output("exec", "ls", "-l", "/proc/self/fd", stdin=subprocess.DEVNULL)
    numbers = [line.split()[8] for line in out.splitlines()[1:]]
    assert numbers == ["0", "1", "2", "3"], "3 is the folder being read"


def test_bytes_as_they_are(container):
    data = bytes(range(256)) * 1000
    assert container.run("exec", "cat", input=data, text=False).stdout == data


def test_the_end_of_stdin(container):
    assert container.output("exec", "cat", input="no newline") == "no newline"
    assert container.output("exec", "cat", input="") == ""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
def test_closed_descriptors(container, closed):
    """A closed 0, 1 or 2 is /dev/null inside, and never the connection."""
    mark = container.directory / "mark"

    def close():
        unignore()
        for fd in closed:
            os.close(fd)

    script = f"a=$(for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done); echo \"$a\" >{mark}; exit 3"
    client = container.popen("exec", "sh", "-c", script, preexec_fn=close)
    assert client.wait(DEADLINE) == 3
    found = mark.read_text().split()
    for fd in range(3):
        assert (found[fd] == "/dev/null") == (fd in closed or fd == 0), found


def test_output_is_all_there_at_the_end(container):
    """The last line of much output arrives in a pipe, 200 times."""
    script = "i=0; while [ $i -lt 200 ]; do $0 exec seq 5000 | tail -n 1; i=$((i+1)); done"
    done = subprocess.run(["sh", "-c", script, INITCTL], env=container.environment(),
                          capture_output=True, text=True, timeout=4 * DEADLINE)
    assert done.stdout == "5000\n" * 200, done


def test_a_background_child_that_keeps_stdout(container):
    """initctl exits when the leader does, even if a background child keeps stdout open."""
    out, given = os.pipe()
    try:
        client = container.popen("exec", "sh", "-c", "sleep 1000 & echo ready", stdout=given)
        assert client.wait(DEADLINE) == 0
        assert os.read(out, 100) == b"ready\n"
    finally:
        os.close(out)
        os.close(given)
    container.run("signal", "KILL", "all")


def test_a_reader_that_is_slow_or_stuck(container):
    """If the reader of stdout is slow or stuck, initctl still forwards signals."""
    client = container.popen("exec", "sh", "-c", "exec yes")
    pid = container.wait_sessions(1)[0]["pid"]
    eventually(lambda: process(container.inside(pid)).state == "S", what="a full pipe")
    client.send_signal(signal.SIGTERM)
    assert client.wait(DEADLINE) == 128 + signal.SIGTERM


def test_a_reader_that_goes(container):
    client = container.popen("exec", "yes")
    assert client.stdout.read(2) == b"y\n"
    client.stdout.close()
    assert client.wait(DEADLINE) == 128 + signal.SIGPIPE


def test_a_reader_of_a_terminal_that_goes(container):
    """initctl has nowhere to write to: the session is hung up."""
    client = container.popen("exec", "-t", "--", "sh", "-c", "yes & exec sleep 1000")
    assert client.stdout.read(2) == b"y\r"
    client.stdout.close()
    assert client.wait(DEADLINE) == 128 + signal.SIGHUP


def test_a_command_that_closes_its_stdout(container):
    """The reader sees the end when the command closes its stdout: initctl does not keep it open."""
    client = container.popen("exec", "sh", "-c", "echo word; exec >&- sleep 1000")
    assert client.stdout.readline() == b"word\n"
    os.set_blocking(client.stdout.fileno(), False)
    # None: nothing there yet.
    eventually(lambda: client.stdout.read() == b"", what="the end of stdout")
    assert client.poll() is None


def test_a_gibibyte_moves_no_byte_through_pid_1(container):
    """About as fast as through cat alone; the time is printed, but not checked."""
    def took(*command):
        began = time.monotonic()
        subprocess.run(["sh", "-c", f"head -c {GIB} /dev/zero | \"$@\" | tail -c 1 >/dev/null",
                        "sh", *command], env=container.environment(), check=True, timeout=60)
        return time.monotonic() - began

    took(INITCTL, "exec", "--", "true")
    before = cpu(container.pid())
    through = took(INITCTL, "exec", "--", "cat")
    used = cpu(container.pid()) - before
    alone = took("cat")
    print(f"1 GiB: {through:.2f} s through initctl, {alone:.2f} s by cat alone, "
          f"ratio {through / alone:.2f}; PID 1 used {used} ticks")
    assert used <= 1


# ---- signals


@pytest.mark.parametrize("name", ["INT", "QUIT", "TERM", "USR1", "USR2"])
def test_a_signal_for_initctl_goes_to_the_session(container, name):
    client = container.popen("exec", "sh", "-c", f"trap 'echo {name}; exit 5' {name}; echo ready; "
                             "while :; do sleep 0.02; done")
    assert client.stdout.readline() == b"ready\n"
    client.send_signal(getattr(signal, f"SIG{name}"))
    assert client.communicate(timeout=DEADLINE)[0] == f"{name}\n".encode()
    assert client.returncode == 5


def test_hup_ends_the_session(control):
    """HUP ends initctl and the session, even a session that ignores HUP."""
    control.start("--grace", "0.2")
    client = control.popen("exec", "sh", "-c", "trap '' HUP; echo ready; exec sleep 1000")
    client.stdout.readline()
    client.send_signal(signal.SIGHUP)
    assert client.wait(DEADLINE) == 128 + signal.SIGHUP
    control.wait_sessions(0)


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM"])
def test_a_signal_that_was_ignored_stays_so(container, name):
    """As with nohup, and for a background command of a script."""
    number = getattr(signal, f"SIG{name}")

    def ignore():
        unignore()
        signal.signal(number, signal.SIG_IGN)

    client = container.popen("exec", "sh", "-c", "echo ready; read x; echo $x",
                             stdin=subprocess.PIPE, preexec_fn=ignore)
    assert client.stdout.readline() == b"ready\n"
    client.send_signal(number)
    assert client.communicate(b"still here\n", DEADLINE)[0] == b"still here\n"
    assert client.returncode == 0


# ---- the caller's terminal, without one inside


def test_the_terminal_stays_outside(container):
    """With -T on a terminal the session has pipes, and the operator sees its output."""
    terminal = container.on_terminal("exec", "-T", "--", "sh", "-c",
                                     "echo ready; tty; for fd in 0 1 2; do readlink "
                                     "/proc/$$/fd/$fd; done; read x; echo got $x; cat; echo end")
    terminal.expect("ready\r\nnot a tty\r\npipe:.*\r\npipe:.*\r\npipe:.*\r\n")
    session = container.inside(container.wait_sessions(1)[0]["pid"])
    ours = os.stat(f"/proc/{terminal.pid()}/fd/0").st_rdev
    for entry in Path(f"/proc/{session}/fd").iterdir():
        assert entry.stat().st_rdev != ours
    terminal.type("a word")
    terminal.expect("got a word\r\n")
    terminal.type("more")
    terminal.expect("more\r\n")
    terminal.press(END)
    terminal.expect("end\r\n")
    assert terminal.wait() == 0


def test_the_order_of_stdout_and_stderr(container):
    """If stdout and stderr are one terminal, the order of the output is kept."""
    script = "; ".join("echo o >&1; echo e >&2" for _ in range(50))
    terminal = container.on_terminal("exec", "-T", "--", "sh", "-c", script)
    terminal.expect("(o\r\ne\r\n){50}")
    assert terminal.wait() == 0


def test_some_are_terminals(container):
    """Each descriptor is handled separately: terminals are relayed, a pipe is passed."""
    terminal = container.on_terminal()
    terminal.expect("ready> ")
    out = container.directory / "out"
    terminal.type(f"echo word | $INITCTL exec -- sh -c 'cat; readlink /proc/self/fd/0; echo "
                  f"err >&2' >{out}; echo done")
    terminal.expect("err\r\n")
    terminal.expect("done\r\n")
    assert out.read_text().startswith("word\npipe:")


@pytest.mark.parametrize("key, number", [(INTERRUPT, 2), (QUIT, 3)])
def test_keys_reach_the_session(container, key, number):
    name = {2: "INT", 3: "QUIT"}[number]
    terminal = container.on_terminal("exec", "-T", "--", "sh", "-c",
                                     f"trap 'echo heard; exit 4' {name}; echo ready; "
                                     "while :; do sleep 0.02; done")
    terminal.expect("ready")
    terminal.press(key)
    terminal.expect("heard\r\n")
    assert terminal.wait() == 4


def test_ctrl_z_stops_both_and_fg_resumes_both(container):
    terminal = container.on_terminal()
    terminal.expect("ready> ")
    terminal.type("$INITCTL exec -T -- sh -c 'echo started; read x; echo got $x'")
    terminal.expect("started\r\n")
    session = container.inside(container.wait_sessions(1)[0]["pid"])
    terminal.press(SUSPEND)
    terminal.expect("Stopped")
    eventually(lambda: process(session).state == "T", what="a stopped session")
    terminal.type("fg")
    eventually(lambda: process(session).state == "S", what="a resumed session")
    terminal.type("word")
    terminal.expect("got word\r\n")


def test_a_stop_that_nobody_can_resume(container):
    """In an orphaned process group TSTP does not stop initctl, and so the session must not stop."""
    def alone():
        unignore()
        os.setsid()

    client = container.popen("exec", "sh", "-c", "echo ready; read x; echo $x",
                             stdin=subprocess.PIPE, preexec_fn=alone)
    client.stdout.readline()
    client.send_signal(signal.SIGTSTP)
    # initctl has received the signal, and init the request.
    eventually(lambda: not int(status_of(client.pid)["ShdPnd"], 16))
    eventually(lambda: process(client.pid).state == "S")
    container.lines("status")
    assert client.communicate(b"word\n", DEADLINE)[0] == b"word\n"


def test_an_end_of_stdin_that_nobody_reads(container):
    """initctl uses no CPU time when stdin is at its end."""
    client = container.popen("exec", "-t", "sh", "-c", "echo ready; exec sleep 1000",
                             stdin=subprocess.DEVNULL)
    client.stdout.readline()
    before = cpu(client.pid)
    # The condition is true after half a second, in which no CPU time may be used.
    end = time.monotonic() + 0.5
    eventually(lambda: time.monotonic() > end)
    assert cpu(client.pid) - before <= 5
    client.send_signal(signal.SIGTERM)
    assert client.wait(DEADLINE) == 128 + signal.SIGTERM


def test_a_background_child_that_keeps_a_relayed_pipe(container):
    """It may print for ever: only what it has printed by the end of the leader is relayed."""
    terminal = container.on_terminal("exec", "-T", "--", "sh", "-c",
                                     "(trap '' HUP; exec yes) & sleep 0.1; exit 6")
    assert terminal.wait() == 6
    container.run("signal", "KILL", "all")
