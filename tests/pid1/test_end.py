"""From the end of the command to the end of init."""
import os
import signal
import subprocess
import time

import pytest

from conftest import (AS_ROOT, DEADLINE, MARKER, PATH, PROBE, TICK, come_to_rest, descendants,
                      eventually, is_alive, kill_all)
from container import container, directory  # noqa: F401 (fixtures)

STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


def taken(init):
    eventually(lambda: int(init.status()["ShdPnd"], 16) == 0, what="the signal to be taken")


class Sibling:
    """A daemon in a session of its own, orphaned, beside the command of a shell."""

    def __init__(self, folder):
        self.folder = folder
        self.ready, self.cleaned, self.go = (folder / n for n in ("ready", "cleaned", "go"))

    def polite(self, command=f"{PROBE} exit 3"):
        """Takes 0.3 s to clean up on TERM."""
        return self.beside("polite", command)

    def deaf(self, command=f"{PROBE} exit 3"):
        """Ignores TERM."""
        return self.beside("deaf", command)

    def beside(self, kind, command):
        return ["sh", "-c", f"{PROBE} daemon {PROBE} sibling {self.folder} {kind}; "
                f"exec {PROBE} wait {self.ready} {command}"]


@pytest.fixture
def sibling(tmp_path):
    return Sibling(tmp_path)


def command_ended(init, sibling=None):
    """Waits until the sibling alone is left of what init started, and the rest was reaped."""
    # Wait for the sibling first: a list of processes is not made atomically, and could miss it.
    eventually(lambda: not sibling or sibling.ready.exists(), what="the sibling")
    eventually(lambda: [s["Name"].strip() for s in descendants(init.init_pid).values()]
               == ["probe"], what="the end of the command")


def pid_of(init, name):
    """The process below init that runs a program, once there is one."""
    def find():
        return [pid for pid, status in descendants(init.init_pid).items()
                if status["Name"].strip() == name]
    return eventually(find, what=f"a process {name}")[0]


def test_siblings_clean_up(run, how, sibling):
    """tini, dumb-init and catatonit exit at once, so that a sibling never cleans up. Here it gets
    TERM, although it has a session of its own, and its clean-up is waited for."""
    # Without options, so that the test can be run with those programs.
    result = run(sibling.polite(), how)
    assert (result.returncode, result.stderr) == (3, "")
    assert sibling.cleaned.exists()


def test_end_comes_early(run, how, sibling):
    """The grace period ends early when no process is left."""
    result = run(["--grace", "1000", *sibling.polite()], how)
    assert result.returncode == 3 and sibling.cleaned.exists()


def test_no_standard_descriptors(run, how, sibling):
    """Started with 0, 1 and 2 closed, init does not take its own descriptors for these."""
    closed = [PROBE, "with", "--close", 0, "--close", 1, "--close", 2, "--"]
    assert run(["--grace", "1000", *sibling.polite()], how, wrap=closed).returncode == 3
    assert sibling.cleaned.exists()


@pytest.mark.parametrize("grace", ["inf", "1000h", "60"])
def test_nobody_left_no_wait(run, how, grace):
    """If no process is left, init does not wait."""
    assert run(["--grace", grace, PROBE, "exit", "3"], how).returncode == 3


@pytest.mark.parametrize("options, least, most", [
    ([], 2, DEADLINE), (["--grace", "300ms"], 0.3, 2), (["--grace=3.2"], 3.2, DEADLINE),
    (["--grace", "0"], 0, 2)], ids=["default", "300ms", "3.2", "0"])
def test_grace_then_kill(run, how, sibling, options, least, most):
    """Processes that ignore TERM are killed after the grace, which users asked others for
    (s6-overlay#628, baseimage-docker#384)."""
    def took():
        sibling.ready.unlink(missing_ok=True)
        begin = time.monotonic()
        result = run([*options, *sibling.deaf()], how)
        # The leak check at the end of the test finds the sibling if it is not dead.
        assert result.returncode == 3
        assert result.stderr == "init: grace period expired; killing remaining processes\n"
        passed = time.monotonic() - begin
        assert passed >= least - TICK
        return passed

    # Each run takes the grace or more; how much more depends on the machine. One run that takes
    # less than 2 s shows that it was not the default.
    eventually(lambda: took() < most, what=f"an end within {most} s")


def test_grace_of_an_operator(container, sibling):
    """There is one grace period: that of `stop --grace` applies to sessions as well."""
    # The session's sleep ignores TERM too, and may be forked after the HUP: so it is short.
    box = container("--grace", "300ms", command=["sh", "-c",
                    f"{PROBE} daemon {PROBE} sibling {sibling.folder} polite; exec sleep 1000"])
    done, ready = sibling.folder / "done", sibling.folder / "session"
    channel, _ = box.started("sh", "-c", f"trap '' TERM; trap 'sleep 0.8; echo >{done}; exit' HUP; "
                             f"echo >{ready}; while :; do sleep 0.1; done")
    eventually(lambda: ready.exists() and sibling.ready.exists(), what="both processes")
    assert box.connect().call("stop", "grace=30s").name == "stopping"
    assert box.init.wait() == 143
    assert sibling.cleaned.exists() and done.exists()
    channel.close()


def test_grace_of_an_operator_after_a_hang_up(container, tmp_path):
    """The same for a session whose connection ends while the command still runs."""
    done, ready, go = (tmp_path / name for name in ("done", "ready", "go"))
    box = container("--grace", "300ms", command=["sh", "-c", f"trap : TERM; echo >{ready}1; "
                                                 f"until [ -e {go} ]; do sleep 0.05; done"])
    channel, _ = box.started("sh", "-c", f"trap '' TERM; trap 'sleep 0.8; echo >{done}; exit' HUP; "
                             f"echo >{ready}2; while :; do sleep 0.1; done")
    eventually(lambda: all((tmp_path / name).exists() for name in ("ready1", "ready2")),
               what="both processes")
    assert box.connect().call("stop", "grace=30s").name == "stopping"
    channel.close()
    eventually(done.exists, what="the session's end")
    go.touch()
    assert box.init.wait() == 0


def test_grace_without_end(start, how, sibling):
    """With --grace inf init waits until the last process ends."""
    init = start(["--grace", "inf", *sibling.deaf()], how)
    command_ended(init, sibling)
    assert init.popen.poll() is None
    sibling.go.touch()
    assert init.wait() == 3


def test_stopped_sibling(run, how, sibling):
    """A sibling that is stopped is continued, so that it can act on TERM."""
    stopped = (f"{PROBE} daemon sh -c 'trap \"echo >{sibling.cleaned}; exit\" TERM; "
               f"echo $$ >{sibling.ready}; kill -STOP $$; exit 9'; "
               f"{PROBE} wait {sibling.ready} true; "
               f"until read pid <{sibling.ready} && grep -q '^State:.T' /proc/$pid/status; "
               "do :; done; exit 3")
    result = run(["--grace", "1000", "sh", "-c", stopped], how)
    assert result.returncode == 3 and sibling.cleaned.exists()


@pytest.mark.parametrize("first", STOPS)
def test_second_signal_cuts_short(start, how, sibling, first):
    """A second TERM, INT or QUIT ends the grace period."""
    init = start(["--grace", "inf", *sibling.deaf()], how)
    command_ended(init, sibling)
    init.signal(first)
    taken(init)
    assert init.popen.poll() is None
    assert [pid for pid in descendants(init.init_pid) if is_alive(pid)]
    init.signal(signal.SIGTERM)
    assert init.wait() == 3


@pytest.mark.parametrize("second", STOPS)
def test_stop_then_cut_short(start, how, sibling, second):
    """The signal that ended the command counts as the first."""
    init = start(["--grace", "inf", *sibling.deaf("sleep 1000")], how)
    pid_of(init, "sleep")
    init.signal(signal.SIGTERM)
    command_ended(init, sibling)
    assert init.popen.poll() is None
    init.signal(second)
    assert init.wait() == 143


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT, 34])
def test_other_signals_do_not_cut_short(start, how, sibling, number):
    init = start(["--grace", "inf", *sibling.deaf()], how)
    command_ended(init, sibling)
    for _ in range(3):
        init.signal(number)
        taken(init)
    assert init.popen.poll() is None
    sibling.go.touch()
    assert init.wait() == 3


@pytest.mark.parametrize("number", STOPS)
def test_kill_after(start, how, number):
    """--kill-after is a time limit for the command alone, --grace one for the rest (asked for in
    pid1#16)."""
    init = start(["--kill-after", "300ms", "--grace", "inf", PROBE, "signals"], how)
    init.line("ready")
    begin = time.monotonic()
    init.signal(number)
    init.line(f"^{number} 0 0$")
    assert init.wait() == 137
    assert time.monotonic() - begin >= 0.3 - TICK
    assert init.stderr() == "init: command did not end in time; killing it\n"


def test_kill_after_counts_from_the_first(start, how):
    """The time of --kill-after runs from the first signal; later ones do not extend it."""
    init = start(["--kill-after", "500ms", PROBE, "signals"], how)
    init.line("ready")
    end = time.monotonic() + DEADLINE
    init.signal(signal.SIGTERM)
    while init.popen.poll() is None:
        assert time.monotonic() < end
        kill_all([init.init_pid], signal.SIGTERM)
        # Ten times within the half second, each of which could extend it.
        init.read(time.monotonic() + 0.05)
    assert init.wait() == 137


def test_kill_after_needs_a_stop(start, how):
    """Other signals do not start --kill-after; a command that ends in time keeps its exit code."""
    init = start(["--kill-after", "0", PROBE, "signals", "--until", "12"], how)
    init.line("ready")
    for number in (signal.SIGHUP, 34):
        init.signal(number)
        init.line(f"^{number} ")
    init.signal(signal.SIGUSR2)
    assert init.wait() == 0
    init = start(["--kill-after", "1000", "sh", "-c", "trap 'exit 9' TERM; echo ready; read go"],
                 how, stdin=subprocess.PIPE)
    init.line("ready")
    init.signal(signal.SIGTERM)
    assert init.wait() == 9


def test_wait_all(start, how, sibling):
    """--wait-all: a command may put itself into the background (asked for in tini#139 and
    dumb-init PR#141), and all processes are waited for (tini#180, dumb-init#212)."""
    init = start(["--wait-all", *sibling.polite()], how)
    command_ended(init, sibling)
    eventually(lambda: init.status()["State"][0] == "S", what="init to sleep")
    # Init sleeps, so that a TERM would have been sent by now.
    assert init.popen.poll() is None
    assert descendants(init.init_pid).popitem()[1]["ShdPnd"] == "0" * 16
    sibling.go.touch()
    assert init.wait() == 3
    assert not sibling.cleaned.exists()


@pytest.mark.parametrize("number", STOPS)
def test_wait_all_told_to_stop(start, how, sibling, number):
    """A stop signal while the command has ended and others run: all of these get TERM."""
    init = start(["--wait-all", "--grace", "1000", *sibling.polite()], how)
    command_ended(init, sibling)
    init.signal(number)
    assert init.wait() == 3
    assert sibling.cleaned.exists()


def test_wait_all_forwards_to_the_group(start, how):
    """Processes that the command left in its group still get forwarded signals."""
    init = start(["--wait-all", "sh", "-c", f"{PROBE} signals --until 12 & exit 6"], how)
    init.line("ready")
    command_ended(init)
    init.signal(signal.SIGUSR1)
    init.line("^10 0 0$")
    init.signal(signal.SIGUSR2)
    init.line("^12 0 0$")
    assert init.wait() == 6


def test_wait_all_of_a_single_child_forwards_nothing(start, how):
    """With -c signals are for the command alone, also when it has ended."""
    init = start(["-c", "--wait-all", "sh", "-c", f"{PROBE} signals --until 12 & exit 6"], how)
    init.line("ready")
    command_ended(init)
    [other] = descendants(init.init_pid)
    init.signal(signal.SIGUSR1)
    eventually(lambda: not int(init.status()["ShdPnd"], 16), what="the signal to be taken")
    come_to_rest(init.init_pid)
    os.kill(other, signal.SIGUSR2)
    assert [line.split()[0] for line in init.rest().splitlines()] == ["12"]
    assert init.wait() == 6


def test_code_when_others_fail(run, how):
    """The exit code is that of the command, however the others end."""
    assert run(["sh", "-c", f"{PROBE} daemon {PROBE} with --block 15 -- {PROBE} die 9; "
                "exit 3"], how).returncode == 3


def test_killed_command(start, how, sibling):
    """If the command is killed, as by the kernel when memory runs out, the others still get TERM
    and time to clean up."""
    init = start(sibling.polite("sleep 1000"), how)
    os.kill(pid_of(init, "sleep"), signal.SIGKILL)
    assert init.wait() == 137
    assert sibling.cleaned.exists()


@pytest.mark.parametrize("options", [[], ["--grace", "1000"]], ids=["default", "long"])
def test_daemonised_many(run, how, options, tmp_path):
    """
    Where init is not PID 1, its descendants get TERM too, with daemons and their children. All
    of them are running before the command ends: init finds them in /proc one after another, and
    a child that is forked at that moment may miss TERM and is killed after the grace.
    """
    there = tmp_path / "there"
    daemons = (f"{PROBE} daemon {PROBE} daemon sh -c 'echo >>{there}; exec sleep 1000'; "
               f"{PROBE} daemon sh -c 'sleep 1000 & echo >>{there}; wait'; ")
    wait = f"until [ $(wc -l <{there}) = 40 ]; do sleep 0.02; done; "
    there.touch()
    assert run([*options, "sh", "-c", daemons * 20 + wait + "exit 3"], how).returncode == 3


def test_bystanders_are_left_alone(run, start):
    """Where init is not PID 1, only its descendants are signalled."""
    bystander = start(["1000"], "plain", program="/bin/sleep")
    eventually(lambda: bystander.init_pid, what="the bystander")
    assert run(["--grace", "0", "sh", "-c", f"{PROBE} daemon sleep 1000; exit 3"],
               "plain").returncode == 3
    assert bystander.popen.poll() is None


def enter(init):
    """Like an engine's exec: a process in the namespace whose parent is outside."""
    options = ["-p"] if AS_ROOT else ["-U", "--preserve-credentials", "-p"]
    return ["nsenter", "-t", str(init.init_pid), *options]


@pytest.mark.parametrize("deaf", [False, True], ids=["polite", "deaf"])
def test_entered_process(start, marker, tmp_path, deaf):
    """A process that an engine's exec started (PPID 0) gets TERM and the grace, too."""
    init = start(["sh", "-c", "echo ready; read go; exit 3"], stdin=subprocess.PIPE)
    init.line("ready")
    command = [PROBE, "sibling", str(tmp_path), "deaf" if deaf else "polite"]
    entered = subprocess.Popen([*enter(init), *command], env={"PATH": PATH, MARKER: marker})
    try:
        eventually((tmp_path / "ready").exists, what="the process that entered")
        init.popen.stdin.close()
        assert init.wait() == 3
        # nsenter exits as its child did.
        assert entered.wait(DEADLINE) == (-signal.SIGKILL if deaf else 5)
        assert (tmp_path / "cleaned").exists() != deaf
    finally:
        entered.kill()
        entered.wait()


def test_killed_init_takes_the_command_along(start):
    """Elsewhere SIGKILL of an init that is not PID 1 leaves the command running. Here it is killed
    as well."""
    init = start(["sh", "-c", "echo ready; exec sleep 1000"], "plain")
    init.line("ready")
    command = list(descendants(init.init_pid))[0]
    init.signal(signal.SIGKILL)
    assert init.wait() == -9
    eventually(lambda: not is_alive(command), what="the end of the command")


def test_stop_of_a_command_with_siblings(start, how, sibling):
    """`docker stop`: TERM to the command, then to the rest; the code is the command's."""
    main = (f"sh -c 'trap \"test ! -e {sibling.cleaned} && exit 8\" TERM; "
            "echo main; read go; read go'")
    init = start(sibling.polite(main), how, stdin=subprocess.PIPE)
    init.line("main")
    init.signal(signal.SIGTERM)
    assert init.wait() == 8
    assert sibling.cleaned.exists()
    assert init.stderr() == ""
