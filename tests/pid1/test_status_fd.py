"""--status-fd: one line for each event, for whoever started init."""
import errno
import os
import signal
import socket
import subprocess

import pytest

from conftest import AS_ROOT, DEADLINE, INIT, PROBE
from container import container, directory, read_all, read_until  # noqa: F401
from test_ready import UNSHARE, await_byte, fill, now_in, pipe  # noqa: F401
from test_resources import held

SETUP = 125


def events(text):
    """Each line as a dict, in order."""
    assert not text or text.endswith("\n")
    return [dict(word.split("=") for word in line.split(" ")) for line in text.splitlines()]


@pytest.fixture
def told(run, pipe):
    """Runs init to its end: (result, events)."""

    def told(arguments, how, **options):
        read, write = pipe()
        result = run(["--status-fd", write, *arguments], how, pass_fds=[write], **options)
        pipe.close(write)
        return result, events(read_all(read))

    return told


@pytest.mark.parametrize("code", [0, 1, 125, 126, 127, 143, 255])
def test_exit(told, how, code):
    """An exit code is told from a failure of the start with the same code."""
    result, (started, exited) = told(["sh", "-c", f"echo $$; exit {code}"], how)
    assert result.returncode == code and result.stderr == ""
    assert started == {"event": "started", "pid": result.stdout.strip()}
    assert exited == {"event": "exited", "code": str(code)}


@pytest.mark.parametrize("number", [1, 9, 11, 15, 34, 64])
def test_death(told, how, number):
    result, (started, exited) = told(
        ["sh", "-c", f"ulimit -c 0; kill -{number} $$"], how)
    assert result.returncode == 128 + number
    assert exited == {"event": "exited", "signal": str(number), "code": str(128 + number)}


def test_code_is_the_command_s(told, how):
    """The code is the command's, also where --expect changes that of init."""
    result, (_, exited) = told(["--expect", "7", "sh", "-c", "exit 7"], how)
    assert result.returncode == 0 and exited["code"] == "7"


FAILURES = {
    "not found": ([], ["/nowhere"], "exec", errno.ENOENT, 127),
    "not in PATH": ([], ["no-such-command"], "exec", errno.ENOENT, 127),
    "not executable": ([], ["/etc/passwd"], "exec", errno.EACCES, 126),
    "format": ([], ["{}/empty"], "exec", errno.ENOEXEC, 126),
    "directory": (["--chdir", "/nowhere"], ["true"], "cwd", errno.ENOENT, SETUP),
    "control": (["--control", "/nowhere/ctl"], ["true"], "control", errno.ENOENT, SETUP),
    "control of another": (["--control", "{}/live"], ["true"], "control", errno.EADDRINUSE, SETUP),
    "control descriptor": (["--control-fd", "77"], ["true"], "control", errno.EBADF, SETUP),
    "ready descriptor": (["--ready-fd", "77"], ["true"], "start", errno.EBADF, SETUP),
    "systemd": (["--notify"], ["true"], "start", errno.ENOENT, SETUP),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_start_fails(told, how, directory, failure):
    """One line has the stage, the errno, and the exit code of init."""
    options, command, stage, error, code = FAILURES[failure]
    (directory / "empty").write_text("")
    (directory / "empty").chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as live:
        live.bind(str(directory / "live"))
        live.listen()
        result, found = told([word.format(directory) for word in [*options, *command]], how,
                             env={"NOTIFY_SOCKET": "/nowhere"})
    assert result.returncode == code and result.stderr.count("\n") == 1
    assert found == [{"event": "failed", "stage": stage, "errno": str(error), "code": str(code)}]


INSIDE = {
    "root": (["--chroot", "/nowhere"], "mounts", errno.ENOENT),
    "bind": (["--bind", "/nowhere:/mnt"], "mounts", errno.ENOENT),
    "tmpfs": (["--tmpfs", "/mnt:size"], "mounts", errno.EINVAL),
    "exec": (["--chdir", "/nowhere"], "cwd", errno.ENOENT),
}


@pytest.mark.parametrize("failure", INSIDE)
def test_start_fails_in_a_namespace_of_our_own(told, failure):
    """Only the inner process writes the line; the outer one exits with the same code."""
    options, stage, error = INSIDE[failure]
    result, found = told([*UNSHARE, "--unshare=mount", *options, "true"], "plain")
    assert result.returncode == SETUP and result.stderr.count("\n") == 1
    assert found == [{"event": "failed", "stage": stage, "errno": str(error), "code": "125"}]


def test_outer_process_is_killed(start, pipe):
    """If the outer process is killed, so is PID 1, and the pipe ends without another line."""
    read, write = pipe()
    init = start([*UNSHARE, "--status-fd", write, "sleep", "1000"], "plain", pass_fds=[write])
    pipe.close(write)
    await_byte(read)
    assert now_in(read) == b"event=started pid=2\n"
    init.popen.kill()
    os.set_blocking(read, True)
    assert read_all(read) == ""


def test_user_fails(told, how):
    options = ["setpriv", "--bounding-set=-setuid", "--inh-caps=-setuid"] if AS_ROOT else []
    result, found = told(["--user", "1234", "true"], how, wrap=options)
    assert result.returncode == SETUP
    assert [(one["event"], one["stage"], one["code"]) for one in found] == [
        ("failed", "user", str(SETUP))]
    assert found[0]["errno"] in (str(errno.EPERM), str(errno.EINVAL))


FAULTS = [("vfork", "EAGAIN", "fork", errno.EAGAIN),
          ("setpgid,setsid", "EPERM", "session", errno.EPERM),
          ("signalfd4", "EMFILE", "start", errno.EMFILE), ("pipe2", "EMFILE", "fork", errno.EMFILE)]


@pytest.mark.parametrize("call, error, stage, number", FAULTS, ids=[row[0] for row in FAULTS])
def test_fault(told, call, error, stage, number):
    """Failures that only strace can cause."""
    fault = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
             "-e", f"inject={call}:error={error}"]
    result, found = told(["true"], "plain", wrap=fault)
    assert result.returncode == SETUP
    assert found == [{"event": "failed", "stage": stage, "errno": str(number), "code": "125"}]


@pytest.mark.parametrize("name, code", [("tini", 127), ("dumb-init", 2), ("catatonit", 1)])
def test_by_another_name(told, tmp_path, name, code):
    """By the name of another init, the code in the line is the one that init exits with."""
    (tmp_path / name).symlink_to(INIT)
    result, [failed] = told(["--", "/nowhere"], "plain", program=tmp_path / name)
    assert result.returncode == code and failed["code"] == str(code)


@pytest.mark.parametrize("words", [["--nonsense", "true"], ["--grace", "x", "true"], []])
def test_words_that_are_not_understood(told, how, words):
    """If the options are invalid, the pipe ends without a line and init exits with 125."""
    result, found = told(words, how)
    assert result.returncode == SETUP and found == []


def test_pause_has_no_exit(start, how, pipe):
    """With --pause there is no command, and so no line about its exit."""
    read, write = pipe()
    init = start(["--status-fd", write, "--pause"], how, pass_fds=[write])
    await_byte(read)
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    pipe.close(write)
    assert read_all(read) == "event=started pid=0\n"


def test_lines_come_at_once(start, how, pipe):
    """Lines are written at once. Init keeps the descriptor; the command does not get it."""
    read, write = pipe()
    init = start(["--status-fd", write, "sh", "-c",
                  f"[ -e /proc/self/fd/{write} ] && echo has; echo pid $$; read x; exit 3"], how,
                 pass_fds=[write], stdin=-1)
    pid = init.line(r"pid (\d+)")[1]
    assert init.lines == [f"pid {pid}"]
    await_byte(read)
    assert now_in(read).decode() == f"event=started pid={pid}\n"
    assert os.readlink(f"/proc/self/fd/{read}") in held(init).values()
    init.popen.stdin.write(b"\n")
    init.popen.stdin.flush()
    assert init.wait() == 3
    assert now_in(read) == b"event=exited code=3\n"


def test_exit_is_told_before_the_end(start, how, pipe):
    """The exit is reported when the command ends, not when the processes that it leaves have."""
    read, write = pipe()
    init = start(["--status-fd", write, "--grace", "inf", "sh", "-c",
                  f"{PROBE} signals --until 10 & read go; exit 3"], how, pass_fds=[write],
                 stdin=subprocess.PIPE)
    # From then on it handles TERM; before, TERM would end it.
    init.line("ready")
    init.popen.stdin.close()
    read_until(read, "exited")
    init.line("^15 ")
    assert init.popen.poll() is None
    # Two signals that init reads one after the other end the grace.
    init.signal(signal.SIGTERM)
    init.signal(signal.SIGINT)
    assert init.wait() == 3


def test_session_does_not_get_it(container, pipe):
    read, write = pipe()
    box = container("--status-fd", str(write), pass_fds=[write])
    box.connect()
    assert box.output("sh", "-c", "ls /proc/self/fd") == "0\n1\n2\n3\n"
    assert now_in(read).startswith(b"event=started ")


def test_lines_nobody_reads(run, how, pipe):
    """If nobody reads, the lines are lost, and nothing else happens."""
    read, write = pipe()
    fill(write)
    result = run(["--status-fd", write, "sh", "-c", "exit 5"], how, pass_fds=[write])
    assert (result.returncode, result.stderr) == (5, "")
    assert b"event" not in now_in(read)


def test_nobody_reads_a_failure(run, how, pipe):
    read, write = pipe()
    fill(write)
    result = run(["--status-fd", write, "/nowhere"], how, pass_fds=[write])
    assert result.returncode == 127 and b"event" not in now_in(read)


def test_reader_of_lines_is_gone(start, how, pipe):
    """If the reader has gone, the SIGPIPE neither ends init nor is forwarded to the command."""
    read, write = pipe()
    pipe.close(read)
    init = start(["--status-fd", write, PROBE, "signals", "--until", "10"], how, pass_fds=[write])
    init.line("ready")
    init.signal(signal.SIGUSR1)
    init.line("^10 ")
    assert not [line for line in init.lines if line.startswith("13 ")]
    assert init.wait() == 0


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_lines_on_a_socket(run, how, kind):
    """On a socket with messages each line is a message."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        ours.settimeout(DEADLINE)
        assert run(["--status-fd", theirs.fileno(), "true"], how,
                   pass_fds=[theirs.fileno()]).returncode == 0
        if kind != socket.SOCK_STREAM:
            assert ours.recv(4096).startswith(b"event=started ")
        assert ours.recv(4096).endswith(b"event=exited code=0\n")


def test_lines_in_a_file(run, how, tmp_path):
    with open(tmp_path / "log", "ab") as file:
        run(["--status-fd", file.fileno(), "true"], how, pass_fds=[file.fileno()])
    assert [one["event"] for one in events((tmp_path / "log").read_text())] == [
        "started", "exited"]
