"""initctl exec --scope: what the command leaves behind ends with it."""
import re
import shutil
import signal
import time

import pytest

from conftest import AS_ROOT, PROBE, descendants, eventually, status_of
from initctl import container, control, one_line  # noqa: F401
from inside import make_root, needs_static
from terminal import INTERRUPT, SUSPEND, process

# Of the command: a daemon in a session of its own, and an orphan.
LEAVE = "setsid sleep 7711 & (setsid sh -c 'sleep 7712; :' &) ; (sleep 7713 &)"
IGNORING = f"{PROBE} daemon sh -c 'trap \"\" TERM; echo $$ >{{file}}; while :; do sleep 1; done'"


def left(control):
    """The processes of the container but for PID 1 and the main command."""
    return [status["Name"].strip() for pid, status in descendants(control.pid()).items()
            if status["NSpid"].split()[-1] not in ("1", "2")]


def all_gone(control):
    eventually(lambda: not left(control), what="the end of all of the session")


@pytest.mark.parametrize("options", [[], ["-t"]], ids=" ".join)
def test_nothing_is_left(container, options):
    done = container.run("exec", "--scope", *options, "--", "sh", "-c", f"{LEAVE}; exit 3")
    assert (done.returncode, done.stderr) == (3, "")
    assert left(container) == []


def test_without_it_daemons_stay(container):
    """What the option is for: a daemon outlives the session that it was started in."""
    assert container.run("exec", "--", "sh", "-c", f"{PROBE} daemon sleep 7711 >/dev/null 2>&1").returncode == 0
    assert left(container) == ["sleep"]


def test_term_comes_first(container, tmp_path):
    """What is left has a TERM, and is waited for."""
    file = tmp_path / "said"
    script = f"trap 'sleep .2; echo bye >{file}; exit' TERM; echo up >{file}; while :; do sleep .1; done"
    waits = f"while ! [ -s {file} ]; do sleep .05; done"
    done = container.run("exec", "--scope", "--", "sh", "-c",
                         f'{PROBE} daemon sh -c "{script}" 2>/dev/null; {waits}')
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text() == "bye\n" and left(container) == []


def test_what_ignores_term_is_killed(container, tmp_path):
    file = tmp_path / "pid"
    began = time.monotonic()
    done = container.run("exec", "--scope", "--", "sh", "-c", IGNORING.format(file=file) +
                         f"; while ! [ -s {file} ]; do sleep .05; done; exit 5")
    assert (done.returncode, done.stderr) == (5, "")
    assert time.monotonic() - began >= 2 and left(container) == []


def test_a_tree_that_keeps_forking(container):
    """Processes are born while others are killed: the end is when there are none."""
    tree = "fork() { trap '' TERM; while :; do (sleep .01; setsid sleep 3 &) ; done; }; fork & fork &"
    done = container.run("exec", "--scope", "--", "bash", "-c", f"{tree} exit 6")
    assert (done.returncode, done.stderr) == (6, "")
    assert left(container) == []


@pytest.mark.parametrize("code", [0, 1, 125, 255])
def test_exit_code(container, code):
    assert container.run("exec", "--scope", "--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "HUP", "RTMIN"])
def test_death_by_signal(container, name):
    done = container.run("exec", "--scope", "--", "sh", "-c",
                         f"ulimit -c 0; sleep 7711 & kill -{name} $$")
    assert (done.returncode, done.stderr) == (128 + getattr(signal, f"SIG{name}"), "")
    assert left(container) == []


@pytest.mark.parametrize("command, code, text", [
    ("no-such-command", 127, "cannot run no-such-command: No such file or directory"),
    ("/etc/passwd/x", 127, "cannot run /etc/passwd/x: Not a directory"),
    ("/etc/passwd", 126, "cannot run /etc/passwd: Permission denied"),
])
def test_no_command(container, command, code, text):
    one_line(container.run("exec", "--scope", "--", command), code, text)


def test_words_environment_and_place(container):
    """The command is started as it is without the option."""
    words = ["exec", "-e", "A=b", "-w", "/usr", "--umask", "017", "--rlimit", "NOFILE:77:88",
             "--no-new-privs"]
    script = ["--", "sh", "-c", 'echo "$0|$1|$A|$PWD|$(umask)|$(ulimit -n)|$(ulimit -Hn)"; '
              "env | grep -c INITCTL_; grep NoNewPrivs /proc/self/status; "
              "grep -E '^(Sig|Shd)(Blk|Ign)' /proc/self/status; ls /proc/self/fd", "a b", ""]
    plain = container.run(*words, *script)
    scoped = container.run(*words, "--scope", *script)
    assert (scoped.stdout, scoped.stderr) == (plain.stdout, plain.stderr)
    assert plain.stdout.startswith("a b||b|/usr|0017|77|88\n0\n")


@pytest.mark.skipif(not AS_ROOT, reason="needs to be root to become another")
def test_of_another_user(container):
    done = container.run("exec", "--scope", "-u", "54321", "--", "sh", "-c", f"{LEAVE}; id -u")
    assert (done.returncode, done.stdout, done.stderr) == (0, "54321\n", "")
    assert left(container) == []


def test_input_and_output(container):
    """Pipes end where the command's do; nothing of the supervision keeps them open."""
    done = container.run("exec", "--scope", "--", "sh", "-c", "cat; echo err >&2; exec >&- 2>&-",
                         input="some input")
    assert (done.returncode, done.stdout, done.stderr) == (0, "some input", "err\n")
    one = container.popen("exec", "--scope", "--", "sh", "-c", "exec >&- 2>&-; sleep 7711")
    assert one.stdout.read() == b""
    one.kill()
    all_gone(container)


@pytest.mark.parametrize("ignores", [False, True])
@pytest.mark.parametrize("options", [[], ["-t"]], ids=" ".join)
def test_client_that_dies(control, options, ignores):
    """The session is hung up, and what its command has left is not spared."""
    control.start("--grace", "500ms")
    trap = "trap '' HUP TERM; " if ignores else ""
    one = control.popen("exec", "--scope", *options, "--", "sh", "-c",
                        f"{trap}{LEAVE}; echo up; while :; do sleep .1; done")
    assert one.stdout.readline().strip() == b"up"
    one.kill()
    all_gone(control)


@pytest.mark.parametrize("options", [[], ["-t"]], ids=" ".join)
def test_detached(container, options):
    number = container.output("exec", "-d", "--scope", *options, "--", "sh", "-c",
                              f"{LEAVE}; while :; do sleep .1; done").strip()
    assert [one["name"] for one in container.sessions()] == ["sh"]
    eventually(lambda: left(container).count("sleep") >= 3, what="what the command leaves")
    container.output("signal", "KILL", f"%{number}")
    all_gone(container)


@pytest.mark.parametrize("number", ["TERM", "USR1", "RTMIN+3"])
@pytest.mark.parametrize("options", [[], ["-t"]], ids=" ".join)
def test_signals_reach_the_command(container, options, number):
    """Once, whoever is in the session's process group."""
    one = container.popen("exec", "--scope", *options, "--", PROBE, "signals", "--until", "64")
    assert one.stdout.readline().strip() == b"ready"
    session = container.sessions()[0]["session"]
    for name in (number, "RTMAX"):
        container.output("signal", name, f"%{session}")
    assert one.wait(15) == 0
    lines = one.stdout.read().decode().split("\n")
    seen = [int(line.split()[0]) for line in lines if re.match(r"\d", line)]
    assert seen == [{"TERM": 15, "USR1": 10, "RTMIN+3": 37}[number], 64]


@pytest.mark.skipif(not shutil.which("timeout"), reason="needs timeout(1)")
@pytest.mark.parametrize("by", ["client", "session"])
def test_command_in_a_group_of_its_own(container, by):
    """timeout(1) makes one: the session's signals follow the command there, once."""
    one = container.popen("exec", "--scope", "--", "timeout", "100", PROBE, "signals", "--until", "64")
    assert one.stdout.readline().strip() == b"ready"
    if by == "client":
        one.send_signal(signal.SIGUSR1)
    else:
        container.output("signal", "USR1", f"%{container.sessions()[0]['session']}")
    assert one.stdout.readline().startswith(b"10 ")
    one.send_signal(signal.SIGTERM)
    assert one.stdout.readline().startswith(b"15 ")
    one.kill()
    all_gone(container)


def test_guard_that_is_stopped(container):
    number = container.output("exec", "-d", "--scope", "--", "sh", "-c",
                              f"{LEAVE}; kill -STOP $PPID; while :; do sleep .1; done").strip()
    eventually(lambda: any(status["State"].startswith("T")
                           for status in descendants(container.pid()).values()), what="the stop")
    container.output("signal", "KILL", f"%{number}")
    all_gone(container)


def test_path_that_is_not_set(control):
    """The command is looked for where init looks for it, and does not get a PATH either."""
    control.start(env={"PATH": None}, command=["/bin/sleep", "1000"])
    words = ["--", "env"]
    assert control.output("exec", "--scope", *words) == control.output("exec", *words)
    assert control.output("exec", "--", "chroot", "--version") == control.output(
        "exec", "--scope", "--", "chroot", "--version")


def test_path_is_searched(control, tmp_path):
    """As execvp(3) does: on past a file that may not be executed, which is the reason at last."""
    for name, mode in (("one", 0o644), ("two", 0o755)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").write_text("#!/bin/sh\necho found\n")
        (tmp_path / name / "tool").chmod(mode)
    control.start()
    scope = ("exec", "--scope", "-w", str(tmp_path / "two"), "-e")
    for path in (f"{tmp_path}/one:/nowhere:{tmp_path}/two", f"{tmp_path}/one/tool:{tmp_path}/two",
                 f"{tmp_path}/one::/bin"):
        assert control.output(*scope, f"PATH={path}", "--", "tool") == "found\n", path
    one_line(control.run(*scope, f"PATH={tmp_path}/one:/nowhere", "--", "tool"), 126,
             "run tool: Permission denied")
    one_line(control.run(*scope, "PATH=/nowhere", "--", "tool"), 127, "run tool: No such file")


@pytest.mark.skipif(not AS_ROOT, reason="needs root to mount, and to become another")
def test_what_proc_hides(control):
    """hidepid hides from an ordinary user even his own process, if it is not dumpable."""
    control.start(wrap=["sh", "-c", 'mount -o remount,hidepid=2 /proc && exec "$@"', "sh"])
    eventually(lambda: left(control) == ["sleep"], what="the main command")
    script = (f"{PROBE} daemon /usr/bin/python3 -c 'import ctypes, time; "
              "ctypes.CDLL(None).prctl(4, 0); print(1, flush=True); time.sleep(100)'; read line")
    one = control.popen("exec", "--scope", "-u", "54321", "--", "sh", "-c", f"({script}) | head -n 1")
    assert one.stdout.readline() == b"1\n"
    assert one.wait(15) == 0 and left(control) == ["sleep"]


def test_stop_and_continue(container):
    one = container.popen("exec", "--scope", "--", "sh", "-c", "echo $$; exec sleep 7711")
    pid = container.inside(int(one.stdout.readline()))
    one.send_signal(signal.SIGTSTP)
    # A CONT that comes before initctl has stopped itself as well would resume nothing.
    for stopped in pid, one.pid:
        eventually(lambda: status_of(stopped)["State"].startswith("T"), what="the stop")
    one.send_signal(signal.SIGCONT)
    eventually(lambda: status_of(pid)["State"].startswith("S"), what="the command to go on")
    one.kill()
    all_gone(container)


def test_keys_of_a_terminal(container):
    """Ctrl-C and Ctrl-Z are for the command's foreground job, and job control works."""
    terminal = container.on_terminal("exec", "--scope", "-t", "-e", "PS1=inside> ", "--", "bash",
                                     "--norc", "--noprofile", "--noediting", "-i")
    terminal.expect("inside> ")
    # noflsh as in harness/terminal.py.
    terminal.type("stty -echo noflsh; echo mute")
    terminal.expect("\nmute\r\ninside> ")

    def job(state):
        def look():
            for pid, status in descendants(container.pid()).items():
                if (status["Name"].strip() == "sleep" and status["NSpid"].split()[-1] != "2" and
                        status["State"].startswith(state)):
                    return state == "T" or process(pid).foreground == process(pid).pgrp
            return False
        eventually(look, what=f"the job to be in state {state}")
    terminal.type("sleep 7711")
    job("S")
    terminal.press(SUSPEND)
    terminal.expect("Stopped(?s:.*)inside> ")
    job("T")
    terminal.type("fg")
    terminal.expect("sleep 7711\r\n")
    job("S")
    terminal.press(INTERRUPT)
    terminal.expect("inside> ")
    terminal.type("sleep 7712 & setsid sleep 7713 & exit 9")
    assert terminal.wait() == 9
    assert left(container) == []


def test_controlling_terminal(container):
    """The command leads a session on the terminal, which /dev/tty stands for."""
    done = container.run("exec", "--scope", "-t", "--", "sh", "-c",
                         "exec 3<>/dev/tty && echo opened; ps -o sid= -p $$ | grep -qw $$ && echo leads")
    assert done.stdout.split() == ["opened", "leads"]


def test_guard_that_is_killed(container):
    """A process of the container may kill what supervises it: the other one does the rest."""
    one = container.popen("exec", "--scope", "--", "sh", "-c", f"{LEAVE}; echo up; kill -9 $PPID; "
                          "while :; do sleep .1; done")
    assert one.stdout.readline() == b"up\n"
    assert one.wait(15) == 128 + signal.SIGKILL
    assert left(container) == []


@needs_static
def test_no_proc(control):
    """Without /proc there is nothing to find descendants by: it is refused, nothing is run."""
    root = make_root(control.directory / "root")
    control.start("--unshare=all", "--map-same", "--chroot", root, command=["/bin/sleep", "1000"], how="plain")
    assert control.output("exec", "--", "/bin/echo", "hi") == "hi\n"
    one_line(control.run("exec", "--scope", "--", "/bin/touch", "/made"), 125,
             "cannot supervise /bin/touch: /proc does not show its processes")
    assert not (root / "made").exists()


def test_not_with_a_program(container):
    one_line(container.run("exec", "--scope", "--program", PROBE, "--", "x"), 125,
             "cannot use --scope with --program")
