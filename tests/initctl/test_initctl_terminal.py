"""initctl on a terminal: exec -t and shell, keys, sizes, full-screen programs, every end."""
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import AS_ROOT, DEADLINE, eventually, is_alive
from initctl import GONE, container, control, modes, one_line  # noqa: F401
from terminal import END, INTERRUPT, PROMPT, QUIT, SUSPEND, process

PS1 = "inside> "
SHELL = ["exec", "-t", "-e", f"PS1={PS1}", "-e", "HISTFILE=", "--", "bash", "--norc",
         "--noprofile", "--noediting", "-i"]
needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs to be root to change root")


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def inside_shell(container, **options):
    """A shell inside, at its prompt, without echo. noflsh as in harness/terminal.py."""
    terminal = container.on_terminal(*SHELL, **options)
    terminal.expect(PS1)
    terminal.type("stty -echo noflsh; echo mute")
    terminal.expect(f"\nmute\r\n{PS1}")
    return terminal


def ask(terminal, line):
    terminal.type(line)
    return terminal.expect(f"(?s)(.*){PS1}").group(1).replace("\r\n", "\n")


# ---- whether the session has a terminal


@pytest.mark.parametrize("options, stdin, expected", [
    ([], "tty", "/dev/pts/"), (["-t"], "tty", "/dev/pts/"), (["-T"], "tty", "not a tty"),
    ([], "null", "not a tty"), (["-t"], "null", "/dev/pts/")])
def test_terminal_or_not(container, options, stdin, expected):
    terminal = container.on_terminal()
    terminal.expect(PROMPT)
    redirect = "" if stdin == "tty" else "</dev/null"
    terminal.type(f"$INITCTL exec {' '.join(options)} tty {redirect}")
    terminal.expect(expected)


def test_no_terminal_if_stdout_is_none(container):
    terminal = container.on_terminal()
    terminal.expect(PROMPT)
    terminal.type("$INITCTL exec -- sh -c 'test -t 0 || echo no-input; test -t 1 || echo none' | cat")
    terminal.expect("no-input\r\nnone\r\n")


def test_without_a_terminal_of_ours(container):
    """-t with pipes: the size is the default, and the end of input is passed on."""
    out = container.output("exec", "-t", "sh", "-c", "stty size; stty -echo; cat; echo done",
                           input="a line\nhalf")
    assert "24 80\n" in out and out.endswith("done\n")
    assert "a line\n" in out and "half" in out


def test_the_terminal_stays_outside(container):
    """The session has none of our descriptors, and is in the foreground of its own terminal."""
    terminal = container.on_terminal("exec", "--", "sh", "-c", "echo ready; exec sleep 1000")
    terminal.expect("ready")
    ours = os.stat(f"/proc/{terminal.pid()}/fd/0").st_rdev
    session = process(container.inside(container.wait_sessions(1)[0]["pid"]))
    for entry in Path(f"/proc/{session.pid}/fd").iterdir():
        assert entry.stat().st_rdev != ours
    assert session.tty != process(terminal.pid()).tty
    assert session.session == session.pgrp == session.foreground == session.pid


def test_a_terminal_that_was_hung_up_stays_outside(container):
    """Its descriptor can do nothing, but whoever has it can open the terminal again."""
    master, slave = os.openpty()
    os.close(master)
    out = container.output("exec", "--", "readlink", "/proc/self/fd/0", stdin=slave)
    os.close(slave)
    assert out.startswith("pipe:")


def test_the_type_of_the_terminal(container):
    assert container.output("exec", "-t", "sh", "-c", "echo $TERM",
                            env={"TERM": "vt220"}) == "vt220\n"
    assert container.output("exec", "-t", "-e", "TERM=dumb", "sh", "-c", "echo $TERM") == "dumb\n"
    assert container.output("exec", "-t", "sh", "-c", "echo $TERM", env={"TERM": None}) == "linux\n"


def test_the_size_is_there_at_the_start(container):
    terminal = container.on_terminal("exec", "stty", "size", rows=37, columns=123)
    terminal.expect("37 123\r\n")


def test_the_size_follows(container):
    terminal = container.on_terminal(
        "exec", "--", "sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.02; done")
    terminal.expect("ready")
    for rows, columns in ((30, 100), (10, 40), (50, 200)):
        terminal.resize(rows, columns)
        terminal.expect(f"{rows} {columns}\r\n")


def test_exit_code_and_signal(container):
    for script, code in (("exit 7", 7), ("kill -KILL $$", 137)):
        assert container.on_terminal("exec", "sh", "-c", script).wait() == code


def test_output_is_all_there_at_the_end(container):
    """The last line of much output arrives from a terminal, 200 times."""
    terminal = container.on_terminal()
    terminal.expect(PROMPT)
    terminal.type("for i in $(seq 200); do $INITCTL exec -t seq 2000 | tail -n 1; done; echo over")
    seen = terminal.expect(r"(?s)(.*)over\r\n", 4 * DEADLINE).group(1)
    assert re.findall(r"\d+", seen) == ["2000"] * 200


# ---- keys


def test_job_control(container):
    terminal = inside_shell(container)
    assert "no job control" not in terminal.seen
    terminal.type("sleep 1000")
    eventually(lambda: [one for one in container_processes(container, "sleep")
                        if one.pgrp == one.foreground], what="a sleep in the foreground")
    terminal.press(SUSPEND)
    terminal.expect(f"(?s)Stopped.*{PS1}")
    terminal.type("fg")
    eventually(lambda: [one for one in container_processes(container, "sleep")
                        if one.pgrp == one.foreground and one.state == "S"])
    terminal.press(INTERRUPT)
    terminal.expect(PS1)
    assert ask(terminal, "echo $?") == "130\n"
    terminal.press(END)
    assert terminal.wait() == 0


def container_processes(container, name):
    from conftest import descendants
    found = [process(pid) for pid in descendants(container.pid())]
    # The container's main command is a sleep as well, without a terminal.
    return [one for one in found if one and one.name == name and one.tty]


@pytest.mark.parametrize("key, name", [(INTERRUPT, "INT"), (QUIT, "QUIT"), (SUSPEND, "TSTP")])
def test_keys_belong_to_the_session(container, key, name):
    terminal = container.on_terminal("exec", "--", "sh", "-c",
                                     f"trap 'echo heard' {name}; echo ready; "
                                     "while :; do sleep 0.02 & wait; done")
    terminal.expect("ready")
    for _ in range(2):
        terminal.press(key)
        terminal.expect("heard")
    eventually(lambda: process(terminal.pid()).state in "SR", what="a client that was not stopped")


def test_every_byte_arrives(container):
    """Every byte can be typed, except for the sequence that detaches."""
    terminal = container.on_terminal("exec", "--", "sh", "-c",
                                     "stty raw -echo; echo ready; exec od -An -v -tu1 -w1 -N255")
    terminal.expect("ready")
    keys = [n for n in range(256) if n != 17]
    os.write(terminal.master, bytes(keys))
    assert terminal.wait() == 0
    while terminal.read(0.01) and terminal.output.count("\n") < 256:
        pass
    assert [int(n) for n in re.findall(r"\d+", terminal.output)] == keys


def test_a_lot_of_typing(container):
    """More input than any buffer holds arrives in a program that reads slowly."""
    client = container.popen("exec", "-t", "sh", "-c",
                             "stty raw -echo; echo ready; sleep 0.3; exec head -c 300000",
                             stdin=subprocess.PIPE)
    data = (b"0123456789" * 30000)
    assert client.stdout.readline() == b"ready\n"
    out, _ = client.communicate(data, DEADLINE)
    assert out == data


# ---- a shell


@needs_root
@pytest.mark.parametrize("options, passwd, expected", [
    (["--user=1000:100"], "root:x:0:0::/root:/bin/rootsh\nu:x:1000:100::/:/bin/usersh\n", "usersh"),
    (["--user=1000", "-u", "0"], "u:x:1000:1000::/:/bin/usersh\nroot:x:0:0::/root:/bin/rootsh\n",
     "rootsh"),
    (["--user=1000", "--control-verbs=exec,open"], "u:x:1000:1000::/:/bin/usersh\n", "sh"),
    ([], "root:x:0:0::/root:/bin/rootsh\nu:x:1000:100::/:/bin/usersh\n", "rootsh"),
    (["-u", "1000:5"], "root:x:0:0::/root:/bin/rootsh\nu:x:1000:100::/:/bin/usersh\n", "usersh"),
    (["-u", "1000"], "root:x:0:0::/root:/bin/rootsh\nu:x:100:1000::/:/bin/usersh\n", "sh"),
    ([], "junk\n\n::\nroot:x:0:0::/root:\n", "sh"),
    ([], "root:x:0:0::/root:/bin/rootsh", "rootsh"),
    ([], "root:x:0:0::/root:relative\n", "sh"),
    ([], None, "sh"),
])
def test_the_users_shell(control, options, passwd, expected):
    """That of the user whom the session runs as: by default the command's."""
    of_init = [word for word in options if word.startswith("--")]
    control.start_in_empty_root(devpts=True, options=" ".join(of_init))
    root = control.directory / "root"
    (root / "bin").mkdir()
    (root / "etc").mkdir()
    for name in ("sh", "rootsh", "usersh"):
        (root / "bin" / name).symlink_to("/bin/real")
    # Each is a shell that prints its name.
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in ("sh", "rootsh", "usersh"):
        (root / "bin" / name).unlink()
        (root / "bin" / name).write_text(f"#!/bin/busybox sh\necho I am {name}, $0\n")
        (root / "bin" / name).chmod(0o755)
    if passwd is not None:
        (root / "etc/passwd").write_text(passwd)
    terminal = control.on_terminal("shell", *options[len(of_init):])
    terminal.expect(f"I am {expected}, /bin/{expected}\r\n")
    assert terminal.wait() == 0


@needs_root
def test_a_passwd_that_leads_out_or_hangs(control):
    """A link at /etc/passwd is followed inside only, and a pipe there is not read, nor is a file of
    proc."""
    control.start_in_empty_root(devpts=True)
    root = control.directory / "root"
    for folder in ("bin", "etc"):
        (root / folder).mkdir()
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "bin/sh").write_text("#!/bin/busybox sh\necho the usual\n")
    (root / "bin/sh").chmod(0o755)
    outside = control.directory / "passwd"
    outside.write_text("root:x:0:0::/:/bin/busybox\n")
    (root / "etc/passwd").symlink_to(f"../../{outside.name}")
    control.on_terminal("shell").expect("the usual")
    (root / "etc/passwd").unlink()
    named = control.popen("exec", "--", "/bin/busybox", "sh", "-c",
                          "echo -n r:x:0::::/bin/u >/proc/$$/comm; echo $$; read -r _",
                          stdin=subprocess.PIPE)
    (root / "bin/u").write_text("#!/bin/busybox sh\necho another\n")
    (root / "bin/u").chmod(0o755)
    (root / "etc/passwd").symlink_to(f"/proc/{named.stdout.readline().decode().strip()}/comm")
    control.on_terminal("shell").expect("the usual")
    named.communicate(b"\n", DEADLINE)
    (root / "etc/passwd").unlink()
    os.mkfifo(root / "etc/passwd")
    control.on_terminal("shell").expect("the usual")


@needs_root
def test_a_shell_of_ours_in_an_empty_root(control):
    """shell --program busybox in a root with nothing but init and an app."""
    control.start_in_empty_root(devpts=True)
    terminal = control.on_terminal("shell", "--program", "/bin/busybox")
    terminal.expect("/ # ")
    terminal.type("echo $((6*7)) *; test -t 0 && echo at a terminal")
    terminal.expect("42 app dev init proc\r\nat a terminal\r\n")
    terminal.type("exit 5")
    assert terminal.wait() == 5


@needs_root
def test_no_terminals_inside(control):
    control.start_in_empty_root()
    one_line(control.run("shell", "--program", "/bin/busybox"), 125, "terminal",
             "No such file or directory")


# ---- every end

# A shell that does not restore the terminal itself, as bash does after a job.
PLAIN = ["dash", "-i"]


def sane(terminal, before):
    eventually(lambda: modes(terminal) == before, what="the terminal as it was")


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "QUIT", "SEGV", "ABRT", "ALRM", "KILL"])
def test_a_signal_restores_the_terminal_and_ends_the_session(container, name):
    terminal = container.on_terminal(shell=PLAIN)
    terminal.expect(PROMPT)
    before = modes(terminal)
    terminal.type("$INITCTL exec sh -c 'echo begun; exec sleep 1000'")
    terminal.expect("begun")
    assert terminal.is_raw() and modes(terminal) != before
    client = next(one for one in terminal.all("initctl"))
    os.kill(client.pid, getattr(signal, f"SIG{name}"))
    terminal.expect(PROMPT)
    sane(terminal, before)
    container.wait_sessions(0)
    eventually(lambda: not terminal.all("tty-guard"), what="the end of the guard")


def test_kill_of_the_process_group(container):
    """SIGKILL to the process group does not reach the guard, which restores the terminal."""
    terminal = container.on_terminal(shell=PLAIN)
    terminal.expect(PROMPT)
    before = modes(terminal)
    for _ in range(5):
        terminal.type("$INITCTL exec sh -c 'echo begun; exec sleep 1000'")
        terminal.expect("begun")
        os.killpg(next(one for one in terminal.all("initctl")).pgrp, signal.SIGKILL)
        terminal.expect(PROMPT)
        sane(terminal, before)
        container.wait_sessions(0)


@pytest.mark.parametrize("script", ["exit 0", "exit 3", "kill -KILL $$"])
def test_the_end_restores_the_terminal(container, script):
    """The terminal is restored before initctl exits, so that a shell finds it in order."""
    terminal = container.on_terminal(shell=PLAIN)
    terminal.expect(PROMPT)
    before = terminal.run("stty -a; stty -g")
    terminal.type(f"$INITCTL exec -t sh -c 'stty -a >/dev/null; {script}'; stty -a; stty -g")
    assert terminal.prompt() == before


def test_the_end_of_init_restores_the_terminal(container):
    terminal = container.on_terminal(shell=PLAIN)
    terminal.expect(PROMPT)
    before = modes(terminal)
    terminal.type("$INITCTL exec sh -c 'echo begun; exec sleep 1000'; echo code $?")
    terminal.expect("begun")
    os.kill(container.pid(), signal.SIGKILL)
    terminal.expect(f"initctl: sh: the container ended\r\ncode {GONE}\r\n")
    sane(terminal, before)


def test_a_hang_up_of_the_terminal(container):
    terminal = container.on_terminal("exec", "--", "sh", "-c", "echo begun; exec sleep 1000")
    terminal.expect("begun")
    terminal.hang_up()
    assert terminal.wait() in (128 + signal.SIGHUP, -signal.SIGHUP)
    container.wait_sessions(0)


def test_a_hang_up_without_a_signal(container):
    """The terminal is not a controlling one: at a hang-up no signal comes, but reading fails."""
    terminal = container.on_terminal("exec", "--", "sh", "-c", "echo begun; exec sleep 1000",
                                     own=False)
    terminal.expect("begun")
    terminal.hang_up()
    container.run("signal", "WINCH", "%1")
    pid = terminal.pid()
    before = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    end = time.monotonic() + 0.3
    eventually(lambda: time.monotonic() > end)
    after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    assert sum(map(int, after)) - sum(map(int, before)) <= 5, "it spins"


def test_a_stop_from_outside_and_back(container):
    """kill -TSTP restores the terminal for the shell; fg makes it raw again."""
    terminal = container.on_terminal(shell=PLAIN)
    terminal.expect(PROMPT)
    before = modes(terminal)
    terminal.type("$INITCTL exec sh -c 'echo begun; read x; echo got $x'")
    terminal.expect("begun")
    client = next(one for one in terminal.all("initctl"))
    os.kill(client.pid, signal.SIGTSTP)
    terminal.expect(f"(?s)Stopped.*{PROMPT}")
    sane(terminal, before)
    terminal.type("fg")
    eventually(terminal.is_raw)
    terminal.press("word\r")
    terminal.expect("got word\r\n")


def test_a_reader_of_ours_that_is_stuck(container):
    """If a session's terminal is relayed to a pipe that nobody reads, a signal ends initctl."""
    client = container.popen("exec", "-t", "yes")
    pid = container.wait_sessions(1)[0]["pid"]
    eventually(lambda: process(container.inside(pid)).state == "S", what="a stuck program")
    client.send_signal(signal.SIGTERM)
    assert client.wait(DEADLINE) == 128 + signal.SIGTERM


def test_a_terminal_of_ours_that_is_stuck(container):
    """If nobody reads from the operator's terminal, a signal ends initctl."""
    terminal = container.on_terminal("exec", "yes")
    pid = container.inside(container.wait_sessions(1)[0]["pid"])

    def stuck(before=[None]):
        written = Path(f"/proc/{pid}/io").read_text().split()[3]
        same, before[0] = written == before[0], written
        return same and process(terminal.pid()).state == process(pid).state == "S"

    eventually(lambda: all(stuck() for _ in range(20) if not time.sleep(0.002)))
    terminal.popen.send_signal(signal.SIGTERM)
    assert terminal.popen.wait(DEADLINE) == 128 + signal.SIGTERM


def test_the_guard_holds_nothing_but_the_terminal(container):
    """The guard does not hold the connection, whose end is the end of the session."""
    terminal = container.on_terminal("exec", "--", "sh", "-c", "echo begun; exec sleep 1000")
    terminal.expect("begun")
    guard = terminal.all("tty-guard")[0].pid
    held = {int(fd.name): os.readlink(fd) for fd in Path(f"/proc/{guard}/fd").iterdir()}
    assert sorted(held) == [0, 1] and held[0].startswith("/dev/pts/"), held


def test_a_terminal_that_nobody_has_open_for_a_while(container):
    """A leader may close its terminal and open it again, and is not hung up meanwhile."""
    client = container.popen("exec", "-t", "sh", "-c", "t=$(tty); exec <&- >&- 2>&-; "
                             "sleep 0.3; echo back >$t; exit 4")
    out, _ = client.communicate(timeout=DEADLINE)
    assert (client.returncode, out) == (4, b"back\r\n")


# ---- full-screen programs


class Screen:
    """A tmux session; only its screen is checked."""

    def __init__(self, container, *words):
        self.name, self.container = f"t{os.getpid()}.{container.marker[:8]}", container
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
                  "PS1='ready> ' exec bash --norc --noprofile -i")
        self.shows("^ready>$")
        self.keys(" ".join(words), "Enter")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", self.name, *words], check=True, text=True,
                              env=self.container.environment(), capture_output=True,
                              timeout=DEADLINE).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def text(self):
        return self.tmux("capture-pane", "-p")

    def shows(self, regex):
        try:
            return eventually(lambda: re.search(regex, self.text(), re.M))
        except pytest.fail.Exception:
            pytest.fail(f"/{regex}/ is not on the screen:\n{self.text()}")

    def close(self):
        subprocess.run(["tmux", "-L", self.name, "kill-server"], capture_output=True,
                       env=self.container.environment())
        Path(f"/tmp/tmux-{os.getuid()}/{self.name}").unlink(missing_ok=True)


@pytest.fixture
def screen(container):
    opened = []

    def show(*words):
        opened.append(Screen(container, *words))
        return opened[-1]

    yield show
    for one in opened:
        one.close()


@needs("tmux")
@needs("vim.tiny")
def test_an_editor(container, screen):
    from initctl import INITCTL
    file = container.directory / "text"
    one = screen(INITCTL, "exec", "vim.tiny", "-u", "NONE", file.as_posix())
    one.shows(r"^~\s*\n~")
    one.keys("itwo words", "Escape")
    one.shows("^two words")
    # The last line shows the messages, also after the size was changed.
    one.tmux("resize-window", "-x", "60", "-y", "12")
    eventually(lambda: len(one.text().splitlines()) == 12
               and sum(line == "~" for line in one.text().splitlines()) == 10)
    # After detaching and attaching it redraws the whole screen.
    one.keys("C-p", "C-q")
    one.shows("detached, back with: initctl attach 1")
    assert container.sessions()[0]["state"] == "held"
    one.keys("clear", "Enter")
    eventually(lambda: "two words" not in one.text())
    one.keys(f"{INITCTL} attach 1", "Enter")
    one.shows("^two words")
    one.keys(":wq", "Enter")
    eventually(lambda: file.exists() and file.read_text() == "two words\n")
    container.wait_sessions(0)
    one.keys("stty -a | grep -c -- '-icanon'; echo o''ver", "Enter")
    one.shows("^0\nover")


@needs("tmux")
@needs("top")
def test_top(container, screen):
    from initctl import INITCTL
    one = screen(INITCTL, "exec", "top", "-d", "0.2")
    one.shows(r"^ *PID USER")
    one.shows(r"init")
    one.keys("q")
    one.shows("^ready>$")
    container.wait_sessions(0)
