"""The end of input of a session's terminal: what programs in every mode read of it, and what ends.

The client's stdin is /dev/null, a pipe or a file. No test waits for longer than it must: that a
program was not hung up shows in what it prints at its end.
"""
import signal
import subprocess
import time

import pytest

from conftest import DEADLINE, NAMESPACE, descendants, eventually
from initctl import container, control  # noqa: F401

# Of SIGHUP. The read that the hang-up ends may return before the signal comes, with an error or as at
# the end of a file.
HUNG_UP = (128 + signal.SIGHUP, 1, 0)
PYTHON = "/usr/bin/python3"


def session(container, script, **options):
    """Runs a script on a terminal to its end, with the end of input at once unless input is given."""
    return container.run("exec", "-t", "--", "sh", "-c", script, **options)


def python(container, script, **options):
    return container.run("exec", "-t", "--", PYTHON, "-c", script, **options)


def named(container, name):
    """The pid outside of a process inside that has this name, or None."""
    return next((pid for pid, status in descendants(container.pid()).items()
                 if status["Name"].strip() == name), None)


# ---- canonical mode: the end of a file, for every read


@pytest.mark.parametrize("script", [
    "cat", "cat; cat; cat", "exec dash", "sleep 0.3; cat",
    # Its changes of mode discard an end of file that was not read.
    "sleep 0.3; stty -icanon; stty icanon; cat; cat", "stty eof ^A; cat", "stty -icanon eof ^A icanon; cat",
    "exec bash --norc --noediting -c 'cat; cat'",
])
@pytest.mark.parametrize("typed", ["", "true\n", "true"], ids=["nothing", "a line", "half a line"])
def test_a_program_that_reads_lines(container, script, typed):
    assert session(container, script, input=typed).returncode == 0


def test_the_end_of_each_read(container):
    done = session(container, "stty -echo; echo ready; read x; echo $? $x; read y; echo $? $y",
                   input="word")
    assert done.stdout.endswith("1 word\n1\n"), done


@pytest.mark.parametrize("how", ["closed pipe", "file", "null"])
def test_every_kind_of_stdin(container, how, tmp_path):
    script = "cat; echo over"
    (tmp_path / "input").write_text("some\nmore")
    if how == "closed pipe":
        done = session(container, script, input="some\nmore")
    else:
        with open("/dev/null" if how == "null" else tmp_path / "input") as file:
            done = session(container, script, stdin=file)
    assert done.returncode == 0 and done.stdout.endswith("over\n")
    assert how == "null" or done.stdout.count("some\n") == 2 and done.stdout.count("more") == 2


def test_a_program_that_polls_before_it_reads(container):
    script = "import os, select; select.select([0], [], []); print('read', os.read(0, 9))"
    assert python(container, script).stdout == "read b''\n"


def test_an_end_that_nobody_reads_is_taken_back(container):
    """A program that polls something else is offered the end. It is gone soon when the mode changes,
    where it would be a byte."""
    script = ("import os, select, termios, time, tty\n"
              "select.select([os.pipe()[0]], [], [], 1.5)\n"
              "tty.setraw(0, termios.TCSANOW)\n"
              "for _ in range(100):\n"
              "    if not select.select([0], [], [], 0)[0]: os._exit(0)\n"
              "    time.sleep(0.01)\n"
              "os._exit(1)")
    assert python(container, script).returncode == 0


def test_huge_input_to_a_slow_reader(container):
    data = b"0123456789abcde\n" * 30000
    done = container.run("exec", "-t", "sh", "-c", "stty -echo -onlcr; sleep 0.3; exec cat", text=False,
                         input=data, deadline=4 * DEADLINE)
    assert (done.returncode, done.stdout.replace(b"\r\n", b"\n")[-len(data):] == data) == (0, True)


# ---- any other mode: no byte that nobody typed, and a hang-up


@pytest.mark.parametrize("delay", [0, 0.05, 0.1, 0.2, 0.3, 0.5])
def test_a_raw_program_reads_no_byte(container, delay):
    """Not that of an end that was given before, when lines were read."""
    done = session(container, f"sleep {delay}; stty raw -echo; exec od -An -v -tx1 -w1 -N2")
    assert done.returncode in HUNG_UP and done.stdout == "", done


def test_a_raw_program_reads_what_was_typed(container):
    for program, codes in (("cat", HUNG_UP), ("head -c 2", (0,))):
        client = container.popen("exec", "-t", "sh", "-c", f"stty raw -echo; echo ready; exec {program}",
                                 stdin=subprocess.PIPE)
        assert client.stdout.readline() == b"ready\n"
        out, _ = client.communicate(b"ab", DEADLINE)
        assert client.returncode in codes and out == b"ab"


@pytest.mark.parametrize("shell", ["busybox sh", "bash --norc --noprofile"])
@pytest.mark.parametrize("typed", ["", "echo $((40+2))\n"], ids=["nothing", "a line"])
def test_a_shell_that_edits_its_line(container, shell, typed):
    done = session(container, f"exec {shell}", input=typed)
    assert done.returncode in HUNG_UP
    assert "\n42\n" in done.stdout or not typed, done


def test_no_character_is_the_end(container):
    """VEOF disabled by the program, and quoted by what was typed last."""
    assert session(container, "stty eof undef; exec cat").returncode in HUNG_UP
    done = session(container, "stty -echo; exec cat", input="word\n\x16")
    assert done.returncode in HUNG_UP and "\x04" not in done.stdout and "^D" not in done.stdout


def test_a_raw_program_that_ignores_the_hang_up(container):
    """Its reads fail, or find the end of file, and its exit code counts."""
    script = ("import os, signal, tty; signal.signal(signal.SIGHUP, signal.SIG_IGN); tty.setraw(0)\n"
              "try: code = 8 if os.read(0, 1) else 7\n"
              "except OSError: code = 7\n"
              "os._exit(code)")
    assert python(container, script).returncode == 7


def test_all_output_precedes_the_hang_up(container):
    """It is not lost in a terminal that could be hung up, since a reader of ours is slow."""
    client = container.popen("exec", "-t", "sh", "-c", "stty raw -echo; seq 13000; exec od -An -N1")
    eventually(lambda: named(container, "od"), what="the end of the output")
    end = time.monotonic() + 1.5
    eventually(lambda: time.monotonic() > end)
    out, _ = client.communicate(timeout=DEADLINE)
    assert out.split() == [b"%d" % n for n in range(1, 13001)]
    assert client.returncode in HUNG_UP


# ---- a program that does not read goes on


@pytest.mark.parametrize("script", [
    "sleep 3; echo done", "stty raw -echo; sleep 3; echo done", "sleep 1; stty raw; sleep 3; echo done",
    # It has been typed to, but does not read.
    "stty raw -echo; sleep 3; head -c 5; echo done",
    "stty raw -echo; trap '' HUP; n=0; while [ $n -lt 2000000 ]; do n=$((n+1)); done; echo done",
], ids=["sleep", "raw", "raw later", "unread", "compute"])
def test_a_program_that_is_silent(container, script):
    done = session(container, script, input="typed" if "head" in script else "")
    assert done.returncode == 0 and done.stdout.endswith("done\n")


def test_a_raw_program_that_polls_something_else(container):
    """As ssh and sudo do: it is not hung up soon, since it may wait for what it relays."""
    script = ("import os, select, tty; tty.setraw(0); pipe = os.pipe();"
              "print(select.select([0, pipe[0]], [], [], 3)[0])")
    done = python(container, script)
    assert (done.returncode, done.stdout) == (0, "[]\n")


# ---- a client that does not see the processes


def test_from_another_pid_namespace(container):
    """What the program waits for is not seen, but whether it reads, and for how long it is silent."""
    def there(script):
        done = container.run("exec", "-t", "--", "sh", "-c", script, outer=NAMESPACE)
        return done.returncode, done.stdout

    assert there("sleep 0.2; cat; cat; echo done") == (0, "done\n")
    code, out = there("sleep 1.2; stty raw -echo; exec od -An -N1")
    assert code in HUNG_UP and out == ""
    assert there("exec busybox sh")[0] in HUNG_UP


# ---- attach


def test_attach_with_the_end_of_input(container):
    container.output("exec", "-d", "-t", "sh", "-c", "read x; echo $? over; exit 5")
    done = container.run("attach", "1")
    assert done.returncode == 5 and done.stdout.endswith("1 over\n")
    container.output("exec", "-d", "-t", "sh", "-c", "stty raw; exec od -An -N1")
    assert container.run("attach", "2").returncode in HUNG_UP


@pytest.mark.parametrize("end", ["os.fork() or os._exit(0)", "threading.Thread(target=lambda: None).start()",
                                 "0"])
def test_what_is_not_reaped(container, end):
    """A zombie in the foreground does nothing, and so does not keep a raw program from its end."""
    script = f"import os, threading, time, tty; {end}; time.sleep(.2); tty.setraw(0); os.read(0, 9)"
    assert python(container, script).returncode in HUNG_UP


def test_a_program_that_polls_and_then_reads_raw(container):
    """Between its poll and its read no end can be told from a byte: it is offered few."""
    done = python(container, """import os, select, termios, time, tty
old, end, read = termios.tcgetattr(0), time.time() + 6, b""
while time.time() < end:
    if select.select([0], [], [], .3)[0]:
        tty.setraw(0, termios.TCSANOW)
        os.set_blocking(0, False)
        try:
            read += os.read(0, 10)
        except BlockingIOError:
            pass
        os.set_blocking(0, True)
        termios.tcsetattr(0, termios.TCSANOW, old)
print(len(read))
""")
    assert done.returncode in HUNG_UP
    assert not done.stdout or int(done.stdout.split()[-1]) <= 4
