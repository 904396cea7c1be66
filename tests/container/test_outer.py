"""The outer process: failing system calls, its death at each step, terminals.

However it ends, the container ends with it, and no process, no mount (conftest.py checks both)
and no socket is left on the host.
"""
import os
import re
import shutil
import signal

import pytest

from conftest import (AS_ROOT, INIT, PROBE, descendants, eventually, halt, is_alive, marked, mounts,
                      sanitized)
from container import directory
from inside import (SETUP, all_gone, begin, inner_of, inside, needs_static, needs_strace, new_mounts,
                    refused, root, strace, who)
from terminal import BASH, INTERRUPT, PROMPT, SUSPEND, Terminal, process

pytestmark = needs_static


def children(init):
    return [pid for pid, status in descendants(init.init_pid).items()
            if status["PPid"] == str(init.init_pid)]


def janitor_of(init, inner):
    """The pid of the janitor: the outer process's other child."""
    return next(pid for pid in children(init) if pid != inner)


# ---- death by kill -9


@pytest.fixture
def running(begin, root, directory):
    """Starts a container with a socket and mounts, and in it a command that ignores TERM, a sibling
    and a daemon."""
    directory.chmod(0o777)

    def running(*options):
        script = (f"trap '' TERM HUP INT; {PROBE} daemon sleep 1000; sleep 1000 & echo ready; "
                  "while :; do sleep 1000; done")
        shutil.copy(PROBE, root / "bin/probe")
        init = begin(["--unshare=all", "--chroot", root, "--mount=all", "--control",
                      directory / "ctl", *options], "sh", "-c", script.replace(PROBE, "probe"))
        init.line("ready")
        eventually((directory / "ctl").exists, what="the socket")
        return init
    return running


def nothing_left(marker, directory, before):
    all_gone(marker)
    # Only root can read the environment of the janitor and find it by its marker; so wait for what
    # it does.
    eventually(lambda: "ctl" not in os.listdir(directory), what="the end of the socket")
    assert not new_mounts(before, directory)


def test_kill_of_the_outer_process(running, marker, directory):
    before = mounts()
    init = running()
    init.signal(signal.SIGKILL)
    assert init.wait() == -signal.SIGKILL
    nothing_left(marker, directory, before)


def test_kill_of_the_inner_process(running, marker, directory):
    before = mounts()
    init = running()
    os.kill(inner_of(init), signal.SIGKILL)
    assert init.wait() == 128 + signal.SIGKILL
    assert "init: the container's PID 1 was killed by SIGKILL\n" in init.stderr()
    assert "ctl" not in os.listdir(directory), "the outer process leaves before the janitor is done"
    nothing_left(marker, directory, before)


def test_kill_of_both(running, marker, directory):
    before = mounts()
    init = running()
    inner = inner_of(init)
    halt(init.init_pid)
    os.kill(inner, signal.SIGKILL)
    init.signal(signal.SIGKILL)
    assert init.wait() == -signal.SIGKILL
    nothing_left(marker, directory, before)


def test_kill_of_the_janitor(running, marker, directory):
    """The container runs on without a janitor, and cleans up at its end."""
    before = mounts()
    init = running("--kill-after=100ms", "--grace=100ms")
    inner = inner_of(init)
    os.kill(janitor_of(init, inner), signal.SIGKILL)
    eventually(lambda: children(init) == [inner], what="the janitor to be reaped")
    assert is_alive(inner)
    init.signal(signal.SIGTERM)
    assert init.wait() == 128 + signal.SIGKILL
    nothing_left(marker, directory, before)


def test_janitor_ignores_signals(running, marker, directory):
    """Signals to all processes, or a hang-up, do not keep the janitor from its work."""
    before = mounts()
    init = running()
    janitor = janitor_of(init, inner_of(init))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        os.kill(janitor, number)
    if AS_ROOT:
        held = {os.readlink(f"/proc/{janitor}/fd/{fd}").split(":")[0]
                for fd in os.listdir(f"/proc/{janitor}/fd")}
        assert held <= {"socket", str(directory)} | {os.readlink(f"/proc/{janitor}/fd/2")}
        assert os.readlink(f"/proc/{janitor}/cwd") == "/"
    init.signal(signal.SIGKILL)
    init.wait()
    nothing_left(marker, directory, before)


def test_socket_of_the_next_init_is_kept(running, begin, directory, marker):
    """The janitor removes a socket that nobody listens on, but not that of another init."""
    init = running()
    janitor = janitor_of(init, inner_of(init))
    halt(janitor)
    init.signal(signal.SIGKILL)
    init.wait()
    eventually(lambda: set(marked(marker)) <= {janitor}, what="the end of the container")
    second = begin(["--unshare=pid", "--control", directory / "ctl"], "sh", "-c",
                   "echo ready; exec sleep 1000")
    second.line("ready")
    os.kill(janitor, signal.SIGCONT)
    eventually(lambda: not is_alive(janitor), what="the end of the janitor")
    assert (directory / "ctl").is_socket()
    second.signal(signal.SIGTERM)
    assert second.wait() == 143
    assert "ctl" not in os.listdir(directory)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signal_that_ends_it(begin, marker, directory, number):
    directory.chmod(0o777)
    before = mounts()
    init = begin(["--unshare=all", "--control", directory / "ctl"], "sh", "-c",
                 "echo ready; exec sleep 1000")
    init.line("ready")
    init.signal(number)
    assert init.wait() == 128 + number
    nothing_left(marker, directory, before)


def test_alarm_set_before_the_start(begin):
    """`perl -e 'alarm 1; exec @ARGV' init ...`: SIGALRM is forwarded to the command."""
    from test_namespaces import PYTHON
    alarm = "import os, signal, sys; signal.setitimer(0, .3); os.execv(sys.argv[1], sys.argv[1:])"
    init = begin(["--unshare=pid"], PROBE, "signals", "--until", 14, wrap=[PYTHON, "-c", alarm])
    assert init.line("^14 0 ")
    assert init.wait() == 0


# ---- failing system calls, by strace


FULL = ["--unshare=all", "--mount=all", "--hostname", "box", "--domainname", "home", "--loopback"]


@needs_strace
def test_kill_at_each_system_call(run, who, root, directory, marker):
    """The outer process is killed at each of its system calls; only it is traced."""
    if sanitized():
        pytest.skip("a sanitizer's run-time makes calls without end")
    directory.chmod(0o777)
    trace, before = directory / "trace", mounts()
    options = [*who.user, *FULL, "--chroot", root, "--control", directory / "ctl", "--", "true"]
    done = run(options, "plain", outer=[*who.outer, "strace", "-qq", "-o", trace])
    assert done.returncode == 0, done
    counts, points = {}, []
    for name in re.findall(r"^(\w+)\(", trace.read_text(), re.M):
        counts[name] = counts.get(name, 0) + 1
        points.append((name, counts[name]))
    trace.unlink()
    names = [name for name, _ in points]
    assert {"clone", "bind", "clone3", "write", "wait4", "exit_group"} <= set(names)
    # As an ordinary user, only the calls from the bind on differ from those of root.
    if not who.is_root:
        points = points[names.index("bind"):]
    for name, when in points:
        if name in ("execve", "exit_group", "arch_prctl", "set_tid_address"):
            continue
        run(options, "plain", outer=[*who.outer, *strace(f"{name}:signal=KILL:when={when}")])
        try:
            nothing_left(marker, directory, before)
        except (AssertionError, pytest.fail.Exception) as failure:
            pytest.fail(f"killed at {name}, the {when}.: {failure}")


STEPS = [
    ("clone", "EAGAIN", 1, "start process"),
    ("bind", "EACCES", 1, "open control channel"),
    ("clone3", "EPERM", 1, "make namespaces"),
    ("clone3", "ENOSPC", 1, "make namespaces"),
    ("clone3", "ENOSYS", 1, "make namespaces"),
    ("socketpair", "EMFILE", 1, "start process"),
    ("pipe2", "EMFILE", 1, "start process"),
    ("sethostname", "EPERM", 1, "set host name box"),
    ("setdomainname", "EPERM", 1, "set domain name home"),
    ("mount", "EPERM", 1, "make mounts private"),
    ("open_tree", "ENOSYS", 1, "open root"),
    ("open_tree", "EPERM", 1, "open root"),
    ("fsopen", "ENOSYS", 1, "mount proc"),
    ("fsopen", "EPERM", 2, "make masks"),
    ("fsopen", "EPERM", 3, "mount sys"),
    ("fsopen", "ENOMEM", 9, "mount "),
    ("fsconfig", "EPERM", 1, "mount proc"),
    ("fsmount", "EPERM", 5, "mount dev"),
    ("openat2", "ENOSYS", 1, "make mount point /proc"),
    ("openat2", "EACCES", 2, "make mount point /"),
    ("mkdirat", "EROFS", 1, "make mount point /proc"),
    ("mkdirat", "ENOSPC", 2, "make masks"),
    ("mkdirat", "ENOSPC", 3, "make mount point /"),
    ("move_mount", "EPERM", 1, "open root"),
    ("move_mount", "ENOMEM", 2, "mount on /proc"),
    ("move_mount", "EINVAL", 3, "make masks"),
    ("move_mount", "EINVAL", 4, "mask bus"),
    ("mknodat", "ENOSPC", 1, "make masks"),
    ("mknodat", "ENOSPC", 3, "fill /dev"),
    ("mount_setattr", "ENOSYS", 1, "open root"),
    ("mount_setattr", "EPERM", 2, "mount on /proc"),
    ("mount_setattr", "EPERM", 3, "make masks"),
    ("mount_setattr", "EPERM", 4, "mask bus"),
    ("symlinkat", "ENOSPC", 5, "fill /dev"),
    ("pivot_root", "EPERM", 1, "change root to"),
    ("umount2", "EBUSY", 1, "make masks"),
    ("umount2", "EBUSY", 3, "change root to"),
    ("keyctl", "EDQUOT", 1, "join session keyring"),
    ("capset", "EPERM", 1, "drop capabilities of true"),
    ("setresuid", "EPERM", "1+", "take on ids inside"),
    ("vfork", "ENOMEM", 1, "fork for true"),
]


@needs_strace
@pytest.mark.parametrize("call, error, when, step", STEPS, ids=lambda v: str(v).replace(" ", "_"))
def test_failure(run, who, root, directory, marker, call, error, when, step):
    """The exit code is 125, one line has the step, the object and the reason; nothing is left."""
    directory.chmod(0o777)
    before = mounts()
    result = run([*who.user, *FULL, "--chroot", root, "--control", directory / "ctl", "--", "true"],
                 "plain", outer=[*who.outer, *strace(f"{call}:error={error}:when={when}",
                                                     follow=True)])
    assert (result.returncode, result.stdout) == (SETUP, ""), result
    assert result.stderr.startswith(f"init: cannot {step}") and result.stderr.count("\n") == 1, result
    assert re.search(r": [A-Z][a-z]", result.stderr) and "errno" not in result.stderr, result
    nothing_left(marker, directory, before)


@needs_strace
@pytest.mark.parametrize("names", ["user", "user,pid", "net", "pid"])
@pytest.mark.parametrize("error, text, cause", [
    ("EPERM", "Operation not permitted", "; an id without a map, a chroot, a sysctl or a "
                                         "seccomp filter forbids it"),
    ("EPERM", "Operation not permitted", "; CAP_SYS_ADMIN or --unshare=user is needed"),
    ("ENOSYS", "Function not implemented", "; a container engine's seccomp filter forbids it"),
    ("ENOSPC", "No space left on device", "; see the limits in /proc/sys/user"),
    ("EINVAL", "Invalid argument", ""),
])
def test_cause_of_no_namespaces(run, error, text, cause, names):
    """Behind the errno stands what such an errno is known to mean."""
    if error == "EPERM" and ("--unshare" in cause) == ("user" in names):
        pytest.skip("the other cause")
    result = run([f"--unshare={names}", "--map-same", "--", "true"], "plain",
                 outer=strace(f"unshare,clone3:error={error}", follow=True))
    refused(result)
    assert result.stderr.endswith(f"init: cannot make namespaces: {text}{cause}\n")


@needs_strace
@pytest.mark.parametrize("when, code", [("1+2", 0), ("1+", SETUP)])
def test_path_that_is_to_be_looked_up_again(inside, root, when, code):
    """If the kernel could not tell whether ".." stays inside, the lookup is repeated, but not for
    ever."""
    result = inside(["--unshare=all", "--mount-proc", "--chroot", root], "true",
                    outer=strace(f"openat2:error=EAGAIN:when={when}", follow=True))
    assert result.returncode == code, result
    if code:
        refused(result, "make mount point /proc", "Resource temporarily unavailable")


@needs_strace
@pytest.mark.parametrize("when, file", [(1, "uid_map"), (2, "gid_map")])
def test_failure_of_a_map(run, root, directory, marker, when, file):
    """The maps are written by the outer process, while the inner one waits."""
    if not AS_ROOT:
        pytest.skip("where root may not, a helper is asked")
    before = mounts()
    result = run(["--unshare=all", "--map-root", "--control", directory / "ctl", "--", "true"],
                 "plain", outer=strace(f"write:error=EINVAL:when={when}"))
    assert result.returncode == SETUP and re.fullmatch(
        rf"init: cannot write {file}: Invalid argument\n", result.stderr), result
    nothing_left(marker, directory, before)


@needs_strace
@pytest.mark.parametrize("call", ["clone", "unshare"])
def test_failure_without_a_pid_namespace(run, who, directory, marker, call):
    directory.chmod(0o777)
    result = run([*who.user, "--unshare=user,uts", "--control", directory / "ctl", "--", "true"],
                 "plain", outer=[*who.outer, *strace(f"{call}:error=ENOSPC")])
    assert (result.returncode, result.stderr.count("\n")) == (SETUP, 1), result
    assert "No space left on device" in result.stderr
    assert "ctl" not in os.listdir(directory)


@needs_strace
def test_death_of_the_mapping_process(run, who, directory):
    """The death of the process that maps is reported like any other failure of the start."""
    directory.chmod(0o777)
    options = ["--unshare=user,uts", "--map-root", "--status-fd=9", "--control",
               directory / "ctl", "--", "true"]
    result = run(options, "plain",
                 outer=[*who.outer, "sh", "-c", 'exec "$@" 9>&1', "sh",
                        *strace("read:signal=KILL:when=1", follow=True)])
    assert result.returncode == SETUP, result
    assert result.stderr == "init: cannot map ids: id mapper was killed by SIGKILL\n"
    assert result.stdout == "event=failed stage=namespaces errno=0 code=125\n"
    assert "ctl" not in os.listdir(directory)


@needs_strace
def test_death_of_the_mapping_process_between_maps(start, directory):
    """The same between the two maps, when init waits for that process to end."""
    if not AS_ROOT:
        pytest.skip("needs root, to write more than a map of one id")
    trace = directory / "trace"
    init = start(["--unshare=user,uts", "--uid-map=0:0:10", "--gid-map=0:0:10", "--control",
                  directory / "ctl", "--", "true"], "plain",
                 outer=["strace", "-f", "-qq", "-o", trace, "-e", "trace=write",
                        "-e", "inject=write:delay_enter=2000000:when=2"])
    # The first write is done and the second is delayed. The lines begin with the pid.
    found = eventually(lambda: re.search(r'^(\d+) +write\(\d+, "0 0 10.*= 7', trace.read_text(), re.M)
                       if trace.exists() else None, what="the first map")
    os.kill(int(found[1]), signal.SIGKILL)
    assert init.wait() == SETUP
    said = [line for line in init.stderr().splitlines() if line.startswith("init: ")]
    assert said == ["init: cannot map ids: id mapper was killed by SIGKILL"]
    assert "ctl" not in os.listdir(directory)


def test_death_of_the_helper_that_maps(run, who, directory):
    """The same for newuidmap, which maps ranges of an ordinary user."""
    if who.is_root:
        pytest.skip("root needs no helper")
    directory.chmod(0o777)
    helper = directory / "newuidmap"
    helper.write_text("#!/bin/sh\nkill -9 $$\n")
    helper.chmod(0o755)
    result = run(["--unshare=user,uts", "--uid-map=0:100000:65536", "--control",
                  directory / "ctl", "--", "true"], "plain",
                 outer=[*who.outer, "env", f"PATH={directory}:/usr/bin:/bin"])
    assert (result.returncode, result.stdout) == (SETUP, ""), result
    assert result.stderr == "init: cannot map ids: newuidmap was killed by SIGKILL\n"
    assert "ctl" not in os.listdir(directory)


@needs_strace
@pytest.mark.parametrize("options", [["--unshare=pid"], []], ids=["janitor", "alone"])
def test_socket_that_cannot_be_removed(run, directory, options):
    """The janitor, or init itself, reports a socket that cannot be removed, and the reason."""
    path = directory / "ctl"
    user = [] if AS_ROOT else ["--unshare=user"]
    result = run([*user, *options, "--control", path, "--", "true"], "plain",
                 outer=strace("unlinkat:error=EROFS", follow=True))
    assert result.returncode == 0, result
    assert result.stderr == f"init: cannot remove control socket {path}: Read-only file system\n"


def test_death_of_the_janitor_is_reported(begin, directory):
    """The outer process warns that the janitor, which would clean up, has died."""
    directory.chmod(0o777)
    init = begin(["--unshare=pid", "--control", directory / "ctl"], "sh", "-c",
                 "echo ready; exec sleep 1000")
    init.line("ready")
    inner = inner_of(init)
    os.kill(janitor_of(init, inner), signal.SIGKILL)
    eventually(lambda: children(init) == [inner], what="the janitor to be reaped")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143
    assert "janitor process has died" in init.stderr()


# ---- terminals


@pytest.fixture
def terminal(marker, who):
    made = []

    def terminal(*command, **options):
        made.append(Terminal([*who.outer, *(command or BASH)], marker, **options))
        if not command:
            made[-1].prompt()
        return made[-1]
    yield terminal
    for one in made:
        one.close()


@pytest.fixture
def line(who):
    """The command line of init with these options, for a shell."""
    def line(script, *options):
        return " ".join([INIT, *who.user, "--unshare=all", *options, "--", script])
    return line


SLEEP = "sh -c 'echo here; exec sleep 1000'"


@pytest.mark.parametrize("names", ["pid", "all"])
def test_interrupt(terminal, who, names):
    shell = terminal()
    user = " ".join(who.user)
    shell.type(f"for i in 1 2; do {INIT} {user} --unshare={names} -- {SLEEP}; done; echo not")
    shell.expect("here")
    shell.find_foreground("sleep")
    shell.press(INTERRUPT)
    assert "not" not in shell.prompt()
    assert "code 130" in shell.run("echo code $?")
    shell.wait_gone("init")


def test_interrupt_that_is_handled(terminal, line):
    """A command may handle INT; init exits with its code."""
    shell = terminal()
    shell.type(line("sh -c 'trap \"echo caught; exit 5\" INT; echo here; "
                    "while :; do sleep 0.1; done'"))
    shell.expect("here")
    shell.press(INTERRUPT)
    shell.expect("caught")
    shell.prompt()
    assert "code 5" in shell.run("echo code $?")


def test_suspend_and_resume(terminal, line):
    shell = terminal()
    for _ in range(2):
        shell.type(line(SLEEP))
        shell.expect("here")
        sleeper = shell.find_foreground("sleep").pid
        shell.press(SUSPEND)
        shell.expect("Stopped")
        shell.prompt()
        shell.until(lambda: process(sleeper).state == "T", "its stop")
        shell.type("fg")
        shell.until(lambda: process(sleeper).state == "S", "its going on")
        shell.find_foreground("sleep")
        shell.press(INTERRUPT)
        shell.prompt()
        shell.wait_gone("init")


@pytest.mark.parametrize("script", ["true", "sh -c 'exit 3'", "sh -c 'kill -9 $$'", "nonexistent",
                                    "bash -ic true"])
def test_script_reads_the_terminal_afterwards(terminal, line, script):
    if script == "sh -c 'kill -9 $$'":
        script = "probe die 9".replace("probe", str(PROBE))
    shell = terminal()
    inner = line(script).replace("'", "'\\''")
    shell.type(f"sh -c '{inner} 2>/dev/null; read x; echo got $x'")
    shell.type("a word")
    shell.expect("got a word")
    shell.prompt()


def test_command_reads_the_terminal(terminal, line):
    shell = terminal()
    shell.type(line("sh -c 'echo here; read x; echo got $x'"))
    shell.expect("here")
    shell.type("a word")
    shell.expect("got a word")
    shell.prompt()


def test_interactive_shell_inside(terminal, line):
    """A shell inside has job control; afterwards the terminal belongs to the outer shell again."""
    shell = terminal()
    outer = shell.foreground()
    shell.type(line(" ".join(BASH), "--mount-proc").replace(INIT, f"PS1='inner# ' {INIT}"))
    shell.expect("inner# ")
    assert "no job control" not in shell.seen
    shell.type("sleep 1000")
    sleeper = shell.find_foreground("sleep").pid
    shell.press(SUSPEND)
    shell.expect("Stopped")
    shell.expect("inner# ")
    shell.type("jobs; fg")
    shell.until(lambda: process(sleeper).state == "S", "its going on")
    shell.find_foreground("sleep")
    shell.press(INTERRUPT)
    shell.expect("inner# ")
    shell.wait_gone("sleep")
    shell.type("echo $$; exit 9")
    shell.expect("2\r?\n")
    shell.prompt()
    assert shell.foreground() == outer
    assert "code 9" in shell.run("echo code $?")


def test_window_size(terminal, line):
    shell = terminal()
    shell.type(line("sh -c 'trap \"stty size\" WINCH; echo here; while :; do sleep 0.1; done'"))
    shell.expect("here")
    shell.resize(33, 99)
    shell.expect("33 99")
    shell.press(INTERRUPT)
    shell.prompt()


@pytest.mark.parametrize("way", ["leader", "exec of a shell", "job of a shell"])
def test_hang_up(terminal, line, way):
    """Whichever process leads the session: the command gets HUP, and no process is left."""
    if way == "leader":
        one = terminal(*["sh", "-c", "exec " + line(SLEEP)])
    elif way == "exec of a shell":
        one = terminal()
        one.type("exec " + line(SLEEP))
    else:
        one = terminal()
        one.type(line(SLEEP))
    one.expect("here")
    one.find("sleep")
    pids = [p.pid for p in one.all()]
    one.hang_up()
    eventually(lambda: not [pid for pid in pids if is_alive(pid)], what="the end of all")


def test_background(terminal, line):
    """In the background init does not take the terminal, and stops when the command reads."""
    shell = terminal()
    ours = shell.foreground()
    shell.type(line("sh -c 'echo here; read x; echo got $x'") + " &")
    shell.expect("here")
    # The outer process as well, since the shell reports a stopped job only then.
    shell.until(lambda: {"init", "sh"} <= {p.name for p in shell.all() if p.state == "T"}, "its stop")
    assert shell.foreground() == ours
    assert "still mine" in shell.run("echo still mine")
    shell.expect("Stopped") if "Stopped" not in shell.seen else None
    shell.type("fg")
    shell.until(lambda: shell.foreground() != ours, "the foreground")
    shell.type("a word")
    shell.expect("got a word")


def test_background_job_ends(terminal, line):
    shell = terminal()
    shell.type(line("sh -c 'exit 7'") + " & wait $!; echo code $?")
    shell.expect("code 7")


@pytest.mark.parametrize("victim", ["outer", "inner"])
def test_kill_with_a_shell_inside(terminal, line, victim):
    """If either process is killed, the shell that started it gets its terminal back."""
    shell = terminal()
    ours = shell.foreground()
    shell.type(line(" ".join(BASH)).replace(INIT, f"PS1='inner# ' {INIT}"))
    shell.expect("inner# ")
    outer, inner = sorted(shell.all("init"), key=lambda p: p.ppid != shell.popen.pid)[:2]
    os.kill(outer.pid if victim == "outer" else inner.pid, signal.SIGKILL)
    shell.expect(re.escape(PROMPT))
    shell.until(lambda: shell.foreground() == ours, "the foreground")
    shell.wait_gone("init")

    def answers():
        """Typed again, since input may be lost while one shell ends and another sets its modes."""
        shell.type("echo code $?")
        shell.read(0.5)
        return "code 137" in shell.output

    eventually(answers, what="an answer of the shell")


__all__ = ["begin", "directory", "inside", "root", "who"]
