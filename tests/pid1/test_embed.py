"""Init as a part of a runtime, as in tests/embed/runtime.c, and what that needs."""
import os
import shutil
import signal
import socket

import pytest

from conftest import (AS_ROOT, INIT, NAMESPACE, PROBE, ROOT, descendants, eventually, for_everyone,
                      is_alive, sanitized, status_of)
from container import directory  # noqa: F401
from test_resources import ORDINARY

SETUP = 125
RUNTIME = for_everyone(ROOT / "build/embed/runtime")

pytestmark = pytest.mark.skipif(not os.path.exists(RUNTIME), reason="make units builds runtime")


@pytest.fixture(params=["root", "ordinary"])
def runtime(request, start, run):
    """Starts the runtime as a user; runtime.run runs it to its end."""
    if request.param == "root" and not AS_ROOT:
        pytest.skip("needs root")
    user = ORDINARY if AS_ROOT and request.param == "ordinary" else []

    def begin(check, *command, outer=(), inner=(), program=INIT, to=start, **options):
        return to([program, check, *command], "plain", program=RUNTIME, dashes=[],
                  outer=[*outer, *user, *inner], **options)

    begin.run = lambda *words, **options: begin(*words, to=run, **options)
    begin.as_root = AS_ROOT and not user
    return begin


def told(result):
    lines = result.stderr.splitlines()
    return [line.removeprefix("runtime: ") for line in lines if line.startswith("runtime: ")]


def test_check_and_stop(runtime):
    result = runtime.run("echo inside; exit 7", "sleep", "1000")
    assert (result.returncode, result.stdout) == (143, "inside\n")
    assert told(result) == ["ready", "check exited with 7", "stopping", "event=started pid=2",
                            "event=exited signal=15 code=143"]


@pytest.mark.parametrize("command, code, event", [
    ("exit 0", 0, "code=0"), ("exit 125", 125, "code=125"), ("exit 127", 127, "code=127"),
    ("kill -9 $$", 137, "signal=9 code=137")])
def test_exit_of_the_command(runtime, command, code, event):
    result = runtime.run("true", "sh", "-c", command)
    assert result.returncode == code
    assert told(result)[0] == "ready"
    assert told(result)[-2:] == ["event=started pid=2", f"event=exited {event}"]


@pytest.mark.parametrize("command, code, error", [("/nowhere", 127, 2), ("/etc/passwd", 126, 13)])
def test_set_up_fails(runtime, command, code, error):
    result = runtime.run("true", command)
    assert result.returncode == code
    assert told(result) == [f"set-up: event=failed stage=exec errno={error} code={code}"]


@pytest.mark.parametrize("program, why", [("/nowhere", "/nowhere: No such file or directory"),
                                          ("/etc/passwd", "run init: Exec format error")])
def test_init_fails(runtime, program, why):
    result = runtime.run("true", "true", program=program)
    assert (result.returncode, told(result)) == (SETUP, [why])


def test_container_dies_with_the_runtime(runtime):
    one = runtime("echo checked", PROBE, "signals")
    one.line("ready")
    below = descendants(one.popen.pid)
    assert len(below) >= 2
    one.popen.kill()
    eventually(lambda: not any(map(is_alive, below)), what="the end of the container")


def test_runtime_that_dies_before_init_asks(runtime, tmp_path):
    """The parent's pid is 0 to init, alive or dead: the channel tells init that it has died."""
    os.chmod(tmp_path, 0o777)
    trace = tmp_path / "trace"
    trace.touch(mode=0o666)
    one = runtime("true", "sleep", "1000", outer=[
        "strace", "-D", "-f", "-qq", "-o", trace, "-e", "trace=getppid,prctl",
        "-e", "inject=getppid:signal=STOP:when=1"])
    # Init is stopped between the two times at which it asks for its parent.
    eventually(lambda: "stopped by SIGSTOP" in trace.read_text(), what="init's start")
    below = [pid for pid, status in descendants(one.popen.pid).items()
             if status["NSpid"].split()[-1] == "1"]
    assert len(below) == 1
    one.popen.kill()
    eventually(lambda: "killed by SIGKILL" in trace.read_text(), what="the end of the runtime")
    os.kill(below[0], signal.SIGCONT)
    eventually(lambda: not is_alive(below[0]), what="the end of init")
    text = trace.read_text()
    assert text.index("killed by SIGKILL") < text.rindex("getppid()") and text.count("= 0\n") >= 2


@pytest.mark.skipif(sanitized(), reason="a sanitizer reads /proc")
def test_no_proc_and_no_path(runtime, directory):
    """Init's file is removed before it serves, there is no /proc, and no file of init is inside."""
    shutil.copy(INIT, directory / "init")
    directory.chmod(0o777)
    script = (f"rm {directory}/init; ls /proc; "
              "for fd in 3 4 5 6 7 8 9; do (: <&$fd) 2>/dev/null && echo $fd; done; exit 9")
    result = runtime.run(script, "sh", "-c", f"{script} & exec sleep 1000",
                         program=directory / "init",
                         inner=["unshare", "-m" if runtime.as_root else "-Urm", "sh", "-c",
                                'mount -t tmpfs none /proc && exec "$@"', "sh"])
    assert (result.returncode, result.stdout) == (143, ""), result.stderr
    assert "check exited with 9" in told(result)


@pytest.mark.skipif(not AS_ROOT, reason="only root may look")
def test_it_runs_from_memory(runtime):
    one = runtime("echo checked", PROBE, "signals", "--until", "10")
    one.line("ready")
    init = next(pid for pid, status in descendants(one.popen.pid).items()
                if status["NSpid"].split()[-1] == "1")
    program = f"/proc/{init}/exe"
    assert os.readlink(program).startswith("/memfd:init")
    with pytest.raises(OSError):
        open(program, "wb")
    os.kill(init, signal.SIGUSR1)
    assert one.wait() == 0


# ---- init without a path


@pytest.mark.parametrize("name", ["", "memfd:init", "/proc/self/fd/7", "/dev/fd/3", "/", "-", "x/"])
def test_whatever_it_is_called(run, how, name):
    """Under a name that is not one of the known ones, init behaves as itself."""
    result = run(["-c", 'exec -a "$0" "$@"', name, INIT, "/nowhere"], how, program="/bin/bash",
                 dashes=[])
    assert (result.returncode, result.stderr) == (
        127, "init: cannot exec /nowhere: No such file or directory\n")


BY_DESCRIPTOR = """
import os, sys
copy = os.memfd_create("init", os.MFD_CLOEXEC)
with open(sys.argv[1], "rb") as file:
    os.write(copy, file.read())
os.execve(copy, ["tini" if sys.argv[2] == "tini" else "init", *sys.argv[3:]], os.environ)
"""


@pytest.mark.parametrize("name, code", [("init", 126), ("tini", 1)])
def test_by_descriptor(run, how, tmp_path, name, code):
    """The name is the argv[0] that the runtime passes."""
    (tmp_path / "x").write_text("")
    (tmp_path / "x").chmod(0o755)
    words = ["-c", BY_DESCRIPTOR, INIT, name]
    assert run([*words, "sh", "-c", "exit 3"], how, program="/usr/bin/python3",
               dashes=[]).returncode == 3
    assert run([*words, tmp_path / "x"], how, program="/usr/bin/python3",
               dashes=[]).returncode == code


# ---- a parent that dies while init starts

# The signal may arrive when the command has just started, which must not die of it.
BLOCKED = [PROBE, "with", "--block", "10", "--"]


def delayed(trace):
    return ["strace", "-D", "-qq", "-o", trace, "-e", "trace=getppid,prctl",
            "-e", "inject=prctl:delay_enter=500000:when=1"]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGKILL])
def test_parent_that_dies_before_init_asks(start, tmp_path, number):
    """The parent dies before init asks for its death signal: getppid() shows it."""
    trace = tmp_path / "trace"
    outer = ["sh", "-c", '"$@" & wait', "sh"]
    init = start(["-p", number, PROBE, "signals", "--until", "10"], "plain",
                 outer=[*BLOCKED, *outer, *delayed(trace)])
    eventually(lambda: trace.exists() and "getppid()" in trace.read_text(), what="init's start")
    pid = init.init_pid
    os.kill(int(status_of(pid)["PPid"]), signal.SIGKILL)
    if number == signal.SIGKILL:
        eventually(lambda: not is_alive(pid), what="the end of init")
        assert init.rest() == ""
    else:
        init.line("^10 ")


def test_parent_outside_that_dies_before_init_asks(start, tmp_path):
    """Of a parent outside of the PID namespace, init sees only that the channel was closed; the
    signal is then treated like any other."""
    trace = tmp_path / "trace"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    namespace = [word for word in NAMESPACE if word != "--kill-child"]
    with theirs:
        init = start(["-p", "USR1", "--control-fd", theirs.fileno(), PROBE, "signals", "--until",
                      "10"], "plain", outer=[*BLOCKED, *namespace, *delayed(trace)],
                     pass_fds=[theirs.fileno()])
    eventually(lambda: trace.exists() and "getppid()" in trace.read_text(), what="init's start")
    ours.close()
    init.line("^10 ")
    assert init.wait() == 0


def test_channel_that_is_there(start, how):
    """Init starts if the other end of the channel is open, and goes on if it is closed later."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        init = start(["-p", "USR1", "--control-fd", theirs.fileno(), PROBE, "signals", "--until",
                      "12"], how, pass_fds=[theirs.fileno()])
    init.line("ready")
    ours.close()
    init.signal(signal.SIGUSR2)
    init.line("^12 ")
    assert not [line for line in init.lines if line.startswith("10 ")]
