"""init in real containers: docker run, run -it, stop, kill, exec, --init, and the options that
take things away. Run by make test-docker; tests/harness/docker_engine.py has the engine.

INIT=/usr/bin/tini-static make test-docker runs them with another program instead of init.
"""
import concurrent.futures
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import uuid
from pathlib import Path

import pytest

from conftest import DEADLINE, INIT, ROOT, eventually
from docker_engine import IMAGE, Engine

if not os.environ.get("DOCKER_HOST"):
    missing = [program for program in ("dockerd", "mmdebstrap")
               if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if missing or os.geteuid():
        pytest.skip(f"the engine needs root and make deps-docker (missing: {missing})",
                    allow_module_level=True)

# Waits for a signal for ever; a shell handles a signal at once only in wait.
FOREVER = "while :; do sleep 1 & wait $!; done"
# A process in a session of its own, whose clean-up takes a second.
WORKER = f"setsid sh -c 'trap \"echo cleaning; sleep 1; echo finished; exit\" TERM; echo up; {FOREVER}' & "


@pytest.fixture(scope="module")
def engine():
    engine = Engine(INIT)
    try:
        engine.build(ROOT / "build" / "docker" / "base.tar")
        engine.image = IMAGE
        if os.environ.get("INIT"):
            engine.image = engine.with_init(INIT, IMAGE + "-other")
        yield engine
    finally:
        engine.stop()


class Container:
    """A docker run in the foreground: stdout is read by line(), stderr after the end."""

    def __init__(self, engine, options, command):
        self.engine, self.name = engine, "init-test-" + uuid.uuid4().hex
        self.buffer, self.seen = b"", []
        self.errors = tempfile.TemporaryFile()
        self.popen = engine.popen("run", "--name", self.name, "--network", "none",
                                  "--sig-proxy=false", "--ulimit", "core=0", *options,
                                  engine.image, *command, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=self.errors)

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def line(self, regex, deadline=DEADLINE):
        """Waits for a line of stdout that the regex matches, and returns the match."""
        end = time.monotonic() + deadline
        while True:
            while b"\n" in self.buffer:
                line, self.buffer = self.buffer.split(b"\n", 1)
                self.seen.append(line.decode(errors="replace"))
                if match := re.search(regex, self.seen[-1]):
                    return match
            if not select.select([self.popen.stdout], [], [], max(end - time.monotonic(), 0))[0]:
                pytest.fail(f"not printed: /{regex}/\n{self.seen[-20:]}\n{self.stderr()}")
            if not (data := os.read(self.popen.stdout.fileno(), 65536)):
                pytest.fail(f"ended without /{regex}/\n{self.seen[-20:]}\n{self.stderr()}")
            self.buffer += data

    def kill(self, number):
        self.engine.docker("kill", "--signal", str(number), self.name)

    def stop(self, seconds=10):
        """docker stop; returns how long it took."""
        begin = time.monotonic()
        self.engine.docker("stop", "--time", str(seconds), self.name)
        return time.monotonic() - begin

    def wait(self, deadline=DEADLINE):
        """The exit code of docker run, after all output was read."""
        output, _ = self.popen.communicate(timeout=deadline)
        self.seen += (self.buffer + output).decode(errors="replace").splitlines()
        self.buffer = b""
        return self.popen.returncode

    def close(self):
        self.engine.docker("rm", "--force", "--volumes", self.name, check=False)
        self.popen.kill()
        self.popen.wait()
        self.popen.stdout.close()
        self.errors.close()


@pytest.fixture
def container(engine):
    """container(command..., options=[...]) starts one, which ends with the test."""
    started = []

    def container(*command, options=()):
        started.append(Container(engine, options, command))
        return started[-1]

    yield container
    for one in started:
        one.close()


@pytest.fixture
def run(container):
    """Runs a command to its end: exit code, lines of stdout, stderr."""

    def run(*command, options=(), deadline=DEADLINE):
        one = container(*command, options=options)
        return one.wait(deadline), one.seen, one.stderr()

    return run


def many(engine, commands):
    """Exit codes of docker run for each command, a few at a time."""

    def one(command):
        return engine.docker("run", "--rm", "--network", "none", "--ulimit", "core=0",
                             engine.image, *command, check=False).returncode

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, commands))


# ---- docker run


def test_exit_codes(engine):
    commands = [["sh", "-c", f"exit {code}"] for code in range(256)]
    assert many(engine, commands) == list(range(256))


def test_deaths_by_signal(engine):
    """128 + n for every signal that ends a process, except 32, which glibc's posix_spawn, and so
    make, leaves ignored. The shell ignores QUIT, so a sleep is used for it."""
    kept = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH, signal.SIGSTOP,
            signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, 32}
    deadly = [n for n in range(1, 65) if n not in kept]
    commands = {n: ["sh", "-c", f"kill -{n} $$"] for n in deadly}
    commands[signal.SIGQUIT] = ["timeout", "-s", "QUIT", "1", "sleep", "9"]
    codes = many(engine, commands.values())
    assert {n: code - 128 for n, code in zip(commands, codes)} == {n: n for n in deadly}


@pytest.mark.parametrize("word, code, reason", [
    ("no-such-program", 127, "No such file or directory"),
    ("/init/below-a-file", 127, "Not a directory"),
    ("/bin", 126, "Permission denied"),
    ("/etc/hostname", 126, "Permission denied"),
])
def test_exec_failures(run, word, code, reason):
    got, out, err = run(word)
    assert (got, out) == (code, [])
    assert re.fullmatch(rf"init: cannot exec {word}: {reason}\n", err)


def test_image_holds_init_and_busybox_alone(run):
    code, files, _ = run("find", "/", "-xdev", "-type", "f")
    made_by_docker = {"/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
    assert code == 0
    assert set(files) - made_by_docker == {"/init", "/bin/busybox"}


def test_orphans_leave_no_zombie(container):
    """20,000 orphans leave no zombie. Twice as many pids were used, with those of the parents."""
    script = """
        count() { cat /proc/[0-9]*/stat 2>/dev/null | grep -c '^[0-9]* (sh) Z'; }
        first=$(sh -c 'echo $$')
        i=0; while [ $i -lt 20000 ]; do (: &); i=$((i + 1)); done
        last=$(sh -c 'echo $$')
        tries=0; while left=$(count); [ $left != 0 ] && [ $tries -lt 100 ]; do
            sleep 0.05; tries=$((tries + 1)); done
        echo $((last - first)) left $left"""
    one = container("sh", "-c", script, options=["--sysctl", "kernel.msgmax=8192"])
    match = one.line(r"^(\d+) left (\d+)$", 120)
    assert int(match[1]) >= 40000
    assert match[2] == "0"
    assert one.wait() == 0


def test_environment_and_directory_reach_the_command(run):
    code, out, _ = run("sh", "-c", "pwd; echo $HELLO", options=["-e", "HELLO=there", "-w", "/bin"])
    assert (code, out) == (0, ["/bin", "there"])


# ---- docker stop, docker kill


def test_stop_lets_a_sibling_finish(container):
    one = container("sh", "-c", WORKER + "exec sleep 1000")
    one.line("^up$")
    took = one.stop()
    assert one.wait() == 143
    assert one.seen[-2:] == ["cleaning", "finished"]
    assert 1 <= took < 5


def test_stop_takes_no_time_without_need(container):
    """sleep dies of TERM at once. As PID 1 of the container it would ignore TERM for 10 s."""
    one = container("sh", "-c", "echo up; exec sleep 1000")
    one.line("^up$")
    assert one.stop() < 2
    assert one.wait() == 143


def test_stop_with_grace_over(container):
    """If a sibling ignores TERM, the stop takes the grace period, not the engine's time limit."""
    one = container("sh", "-c", "(trap '' TERM; exec setsid sleep 1000) & echo up; exec sleep 1000",
                    options=["-e", "INIT_OPTIONS=--grace 1s"])
    one.line("^up$")
    assert 1 <= one.stop() < 5
    assert one.wait() == 143
    assert "grace period expired" in one.stderr()


def test_stop_with_kill_after(container):
    one = container("sh", "-c", "trap '' TERM; echo up; exec sleep 1000",
                    options=["-e", "INIT_OPTIONS=--kill-after 500ms"])
    one.line("^up$")
    assert 0.5 <= one.stop() < 5
    assert one.wait() == 137


# Not by docker kill: KILL and STOP cannot be caught, and 32 and 33 are used by the shell's libc.
SIGNALS = [n for n in range(1, 65) if n not in (signal.SIGKILL, signal.SIGSTOP, 32, 33)]


@pytest.fixture(scope="module")
def trapper(engine):
    traps = "".join(f"trap 'echo got {n}.' {n}; " for n in SIGNALS)
    one = Container(engine, [], ["sh", "-c", f"{traps} echo up; {FOREVER}"])
    try:
        one.line("^up$")
        yield one
    finally:
        one.close()


@pytest.mark.parametrize("number", SIGNALS)
def test_kill_reaches_the_command(trapper, number):
    trapper.kill(number)
    trapper.line(rf"^got {number}\.$", 3)


@pytest.mark.parametrize("name, code", [("TERM", 143), ("QUIT", 131), ("RTMIN+1", 163)])
def test_kill_by_name(container, name, code):
    one = container("sh", "-c", "echo up; exec sleep 1000")
    one.line("^up$")
    one.kill(name)
    assert one.wait() == code


# ---- docker run -it


class Terminal:
    """docker run -it on a pseudo-terminal, the controlling one of the client."""

    def __init__(self, engine, command, options=()):
        self.engine, self.name, self.text = engine, "init-test-" + uuid.uuid4().hex, ""
        self.master, slave = pty.openpty()
        self.resize(24, 80)

        def own():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.popen = engine.popen("run", "-it", "--name", self.name, "--network", "none", *options,
                                  engine.image, *command, stdin=slave, stdout=slave, stderr=slave,
                                  preexec_fn=own)
        os.close(slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds):
        if not select.select([self.master], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the last descriptor of the other side was closed
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def expect(self, regex, deadline=DEADLINE):
        """Reads until the regex matches the output after the last match."""
        end = time.monotonic() + deadline
        while not (match := re.search(regex, self.text)):
            if not self.read(end - time.monotonic()):
                pytest.fail(f"not shown: /{regex}/ in {self.text!r}")
        self.text = self.text[match.end():]
        return match

    def wait(self, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while self.popen.poll() is None:
            self.read(0.05)
            if time.monotonic() > end:
                pytest.fail(f"did not end: {self.text!r}\n"
                            + self.engine.docker("top", self.name, check=False).stdout)
        return self.popen.returncode

    def close(self):
        self.engine.docker("rm", "--force", self.name, check=False)
        self.popen.kill()
        self.popen.wait()
        os.close(self.master)


@pytest.fixture
def terminal(engine):
    started = []

    def terminal(*command, options=()):
        started.append(Terminal(engine, command, options))
        return started[-1]

    yield terminal
    for one in started:
        one.close()


def test_tty_command_leads_its_session(terminal):
    """pid = process group = session = foreground group, on a terminal."""
    one = terminal("sh", "-c", "read line </proc/$$/stat; echo \"<$line>\"")
    pid, name, state, parent, group, session, tty, foreground = one.expect(
        "<(.*)>")[1].split()[:8]
    assert (parent, name) == ("1", "(sh)")
    assert pid == group == session == foreground
    assert tty != "0"
    assert one.wait() == 0


def test_tty_ctrl_c_ends_the_command(terminal):
    one = terminal("sh", "-c", "echo up; exec sleep 1000")
    one.expect("up\r\n")
    one.type("\x03")
    assert one.wait() == 130


def test_tty_shell_with_jobs(terminal, engine):
    """Ctrl-C, Ctrl-Z and fg in an interactive shell, and the shell's exit code."""
    one = terminal("sh", "-i")
    one.expect("# ")
    one.type("echo jobs-$((1 + 1)); sleep 1000\n")
    one.expect("jobs-2\r\n")

    # The shell prints this too early: wait until the group of sleep is in the foreground.
    def in_foreground():
        stat = "grep -h '(sleep)' /proc/[0-9]*/stat"
        now = engine.docker("exec", one.name, "sh", "-c", stat, check=False).stdout.split()
        return now and now[2] == "S" and now[4] == now[7]

    eventually(in_foreground, what="the job")
    one.type("\x1a")
    one.expect(r"Stopped.*sleep 1000")
    one.type("fg\n")
    one.expect(r"\r\nsleep 1000")
    eventually(in_foreground, what="the job's return")
    one.type("\x03")
    one.expect("# ")
    one.type("echo code-$?\n")
    one.expect("code-130")
    one.type("exit 7\n")
    assert one.wait() == 7
    assert "job control" not in one.text


def test_tty_resize(terminal):
    one = terminal("sh", "-c", f"trap 'echo size $(stty size)' WINCH; stty size; echo up; {FOREVER}")
    one.expect("up\r\n")
    # The client handles SIGWINCH only some time after its start: resized again after a silence.
    end, columns = time.monotonic() + DEADLINE, 100
    while f"size 33 {columns}\r\n" not in one.text:
        assert time.monotonic() < end, one.text
        if not one.read(1):
            columns += 1
            one.resize(33, columns)


def test_tty_hang_up(terminal, engine):
    """docker kill -s HUP: the signal that the command would get if its terminal were closed."""
    one = terminal("sh", "-c", f"trap 'echo hung up; exit 5' HUP; echo up; {FOREVER}")
    one.expect("up\r\n")
    engine.docker("kill", "--signal", "HUP", one.name)
    one.expect("hung up")
    assert one.wait() == 5


# ---- docker exec


def test_exec_gets_term_at_the_end_and_may_finish(container, engine):
    """A process of docker exec has PPID 0 in the container; it gets TERM at the end as well."""
    one = container("sh", "-c", "echo up; exec sleep 1000")
    one.line("^up$")
    script = ("trap 'sleep 1; echo finished; exit 9' TERM; "
              f"read line </proc/$$/stat; echo $line; {FOREVER}")
    with engine.popen("exec", one.name, "sh", "-c", script, stdin=subprocess.DEVNULL,
                      stdout=subprocess.PIPE, text=True) as inside:
        assert inside.stdout.readline().split()[3] == "0"
        took = one.stop()
        assert inside.stdout.read() == "finished\n"
        assert inside.wait(DEADLINE) == 9
    assert one.wait() == 143
    assert 1 <= took < 5


def test_exec_leaves_nothing_behind(container, engine):
    """A child that a process of docker exec leaves becomes a child of init, and is reaped."""
    one = container("sh", "-c", "echo up; exec sleep 1000")
    one.line("^up$")
    count = "cat /proc/[0-9]*/stat | grep -c '(sleep) [^S]'"
    engine.docker("exec", one.name, "sh", "-c", "sleep 0.1 & sleep 0.1 &")
    eventually(lambda: engine.docker("exec", one.name, "sh", "-c",
                                     "cat /proc/[0-9]*/stat | grep -c '(sleep)'",
                                     check=False).stdout == "1\n", what="the orphans' end")
    assert engine.docker("exec", one.name, "sh", "-c", count, check=False).stdout == "0\n"


# ---- docker run --init


@pytest.fixture
def init_option(engine):
    if not engine.own:
        pytest.skip("--init-path can only be set by whoever started the engine at DOCKER_HOST")
    return ["--init", "--entrypoint", "/bin/sh"]


def test_init_path_is_known_to_the_engine(engine, init_option):
    assert f"Init Binary: {INIT}" in engine.docker("info").stdout


def test_init_is_shown_by_the_engine(engine, init_option):
    """dockerd reads the version of --init-path at each docker info, and complains in its log of one
    that it cannot read."""
    assert engine.docker("info", "--format", "{{.InitCommit.ID}}").stdout == "init\n"
    components = engine.docker("version", "--format", "{{range .Server.Components}}"
                               "{{.Name}} {{.Version}};{{end}}").stdout
    version = re.search(r'INIT_VERSION "(.*)"', (ROOT / "src/base/version.h").read_text())[1]
    assert f"{Path(INIT).name} 0.19.0 (init {version});" in components
    assert "failed to parse" not in (engine.dir / "log").read_text()


def test_init_option_runs_our_init(run, init_option):
    """Docker names it docker-init, and so it behaves as that: for example, it exits with 127."""
    code, out, _ = run("-c", "tr '\\0' ' ' </proc/1/cmdline; echo; wc -c </sbin/docker-init; exit 3",
                       options=init_option)
    assert code == 3
    assert out[0].startswith("/sbin/docker-init -- /bin/sh")
    assert int(out[1]) == Path(INIT).stat().st_size
    assert run("-c", "exec no-such-program", options=init_option)[0] == 127


@pytest.mark.parametrize("name", ["TTOU", "SEGV", "RTMIN"])
def test_init_option_forwards_what_tini_does_not(container, init_option, name):
    one = container("-c", f"trap 'echo got; exit 4' {signal.Signals['SIG' + name].value}; "
                          f"echo up; {FOREVER}", options=init_option)
    one.line("^up$")
    one.kill(name)
    one.line("^got$", 3)
    assert one.wait() == 4


def test_init_option_with_init_options(container, init_option):
    """INIT_OPTIONS is the only way to pass options with --init: here, --grace."""
    one = container("-c", WORKER + "exec sleep 1000",
                    options=init_option + ["-e", "INIT_OPTIONS=--grace 5"])
    one.line("^up$")
    one.stop()
    assert one.wait() == 143
    assert one.seen[-1] == "finished"


# ---- INIT_OPTIONS


def test_init_options_are_read_and_taken_away(run, container):
    code, out, _ = run("env", options=["-e", "INIT_OPTIONS=--expect 0"])
    assert code == 0
    assert not [line for line in out if "INIT_OPTIONS" in line]
    one = container("sh", "-c", f"trap 'echo usr1; exit 6' USR1; echo up; {FOREVER}",
                    options=["-e", "INIT_OPTIONS=--rewrite TERM:USR1 --expect 6"])
    one.line("^up$")
    one.stop()
    assert one.wait() == 0
    assert one.seen[-1] == "usr1"


def test_bad_init_options_start_nothing(run):
    code, out, err = run("echo", "started", options=["-e", "INIT_OPTIONS=--no-such"])
    assert (code, out) == (125, [])
    assert err == "init: INIT_OPTIONS: unrecognized option '--no-such'\n"


def test_no_namespaces_under_the_engine_s_filter(run):
    """Docker's seccomp filter refuses them: the message says that this is what it may be."""
    for names in ("pid", "user,pid"):
        code, out, err = run("echo", "started", options=["-e", f"INIT_OPTIONS=--map-same --unshare={names}"])
        assert (code, out) == (125, [])
        assert err == ("init: cannot make namespaces: Function not implemented; a container "
                       "engine's seccomp filter forbids it\n")
    code, out, err = run("echo", "started", options=["-e", "INIT_OPTIONS=--map-same --unshare=user"])
    assert (code, out) == (125, [])
    assert err == ("init: cannot make namespaces: Operation not permitted; an id without a map, a "
                   "chroot, a sysctl or a seccomp filter forbids it\n")


# ---- with less than usual

LESS = {
    "usual": [],
    "read-only": ["--read-only"],
    "user": ["--user", "12345:23456"],
    "cap-drop": ["--cap-drop=ALL"],
    "no-new-privileges": ["--security-opt", "no-new-privileges"],
    "tmpfs-on-proc-parts": ["--tmpfs", "/tmp", "--workdir", "/tmp"],
    "pid-host": ["--pid=host"],
    "one-cpu-little-memory": ["--cpus=0.5", "--memory=16m"],
}
LESS["all"] = [option for name in ("read-only", "user", "cap-drop", "no-new-privileges")
               for option in LESS[name]]
LESS["all-pid-host"] = LESS["all"] + LESS["pid-host"]


@pytest.mark.parametrize("less", LESS)
def test_works_with(container, less):
    """Orphans are reaped, signals are forwarded, a daemon's clean-up is waited for, and the exit
    code is that of the command."""
    script = (
        "grep -E '^(Uid|Gid|CapEff|NoNewPrivs|Seccomp|PPid):' /proc/self/status; "
        "touch /new 2>/dev/null && echo writable; echo parent $PPID; "
        "i=0; while [ $i -lt 50 ]; do (sleep 0.01 &); i=$((i + 1)); done; "
        # Those of our process group only: the host's processes may be visible, too.
        "while [ $(cat /proc/[0-9]*/stat 2>/dev/null | grep -c \"(sleep) . [0-9]* $$ \") != 0 ]; "
        "do :; done; "
        "echo reaped; trap 'echo got usr1' USR1; trap 'exit 7' TERM; " + WORKER + FOREVER)
    one = container("sh", "-c", script, options=LESS[less])
    one.line("^reaped$")
    status = "\n".join(one.seen).replace("\t", " ")
    one.line("^up$")
    one.kill("USR1")
    one.line("^got usr1$")
    one.stop()
    assert one.wait() == 7
    assert one.seen[-2:] == ["cleaning", "finished"]
    assert "init:" not in one.stderr()
    # The option was in effect.
    everything = less.startswith("all")
    assert "Seccomp: 2" in status
    assert ("NoNewPrivs: 1" in status) == (less == "no-new-privileges" or everything)
    assert ("CapEff: 0000000000000000" in status) == (less in ("cap-drop", "user") or everything)
    assert ("Uid: 12345" in status and "Gid: 23456" in status) == (less == "user" or everything)
    assert ("writable" in status) == (less not in ("read-only", "user") and not everything)
    assert ("parent 1\n" in status + "\n") == ("pid-host" not in less)
