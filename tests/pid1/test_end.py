"""From the end of the command to the end of init."""
import os
import signal
import subprocess
import time

import pytest

from conftest import (AS_ROOT, DEADLINE, MARKER, PATH, PROBE, descendants, eventually, is_alive,
                      kill_all)
from container import container, directory  # noqa: F401 (fixtures)

STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


def taken(init):
    eventually(lambda: int(init.status()["ShdPnd"], 16) == 0, what="the signal to be taken")


class Sibling:
    """A daemon in a session of its own, nobody's child, beside the command of a shell."""

    def __init__(self, folder):
        self.folder = folder
        self.ready, self.cleaned, self.go = (folder / n for n in ("ready", "cleaned", "go"))

    def polite(self, command=f"{PROBE} exit 3"):
        """Takes 0.3 s to clean up on TERM."""
        return self.beside("polite", command)

    def deaf(self, command=f"{PROBE} exit 3"):
        """Cares for no TERM."""
        return self.beside("deaf", command)

    def beside(self, kind, command):
        return ["sh", "-c", f"{PROBE} daemon {PROBE} sibling {self.folder} {kind}; "
                f"exec {PROBE} wait {self.ready} {command}"]


@pytest.fixture
def sibling(tmp_path):
    return Sibling(tmp_path)


def command_ended(init, sibling=None):
    """Waits until of all that init started only the sibling is left, the rest being reaped."""
    # There it is before anyone looks: a list of processes is not made in one moment.
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
    """PEERS The end: every peer exits at once, so that clean-up in siblings never runs;
    setsid'd strays are reached only by kill(-1)."""
    # Without options, for the peers to have their chance.
    result = run(sibling.polite(), how)
    assert (result.returncode, result.stderr) == (3, "")
    assert sibling.cleaned.exists()


def test_end_comes_early(run, how, sibling):
    """PEERS The end: a grace that ends early when all are gone."""
    result = run(["--grace", "1000", *sibling.polite()], how)
    assert result.returncode == 3 and sibling.cleaned.exists()


def test_no_standard_descriptors(run, how, sibling):
    """Started with all three closed, init does not take what it opens there for them."""
    closed = [PROBE, "with", "--close", 0, "--close", 1, "--close", 2, "--"]
    assert run(["--grace", "1000", *sibling.polite()], how, wrap=closed).returncode == 3
    assert sibling.cleaned.exists()


@pytest.mark.parametrize("grace", ["inf", "1000h", "60"])
def test_nobody_left_no_wait(run, how, grace):
    """Nothing left means no wait at all."""
    assert run(["--grace", grace, PROBE, "exit", "3"], how).returncode == 3


@pytest.mark.parametrize("options, least, most", [
    ([], 2, DEADLINE), (["--grace", "300ms"], 0.3, 2), (["--grace=3.2"], 3.2, DEADLINE),
    (["--grace", "0"], 0, 2)], ids=["default", "300ms", "3.2", "0"])
def test_grace_then_kill(run, how, sibling, options, least, most):
    """PEERS The end: a grace then KILL (s6-overlay#628, baseimage-docker#384)."""
    def took():
        sibling.ready.unlink(missing_ok=True)
        begin = time.monotonic()
        result = run([*options, *sibling.deaf()], how)
        # That it is dead the leak check sees.
        assert result.returncode == 3
        assert result.stderr == "init: grace period expired; killing remaining processes\n"
        passed = time.monotonic() - begin
        assert passed >= least
        return passed

    # Each time it is the grace or more; how much more is the machine's business. That it is not
    # the default of 2 s is shown by one that takes less.
    eventually(lambda: took() < most, what=f"an end within {most} s")


def test_grace_of_an_operator(container, sibling):
    """One grace period for all: `stop --grace` counts for sessions as for other processes."""
    # The session's sleep, which ignores TERM too, may be forked when the HUP is over: it is short.
    box = container("--grace", "300ms", command=["sh", "-c",
                    f"{PROBE} daemon {PROBE} sibling {sibling.folder} polite; exec sleep 1000"])
    done, ready = sibling.folder / "done", sibling.folder / "session"
    channel, _ = box.started("sh", "-c", f"trap '' TERM; trap 'sleep 0.8; echo >{done}; exit' HUP; "
                             f"echo >{ready}; while :; do sleep 0.1; done")
    eventually(lambda: ready.exists() and sibling.ready.exists(), what="both")
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
    eventually(lambda: all((tmp_path / name).exists() for name in ("ready1", "ready2")), what="both")
    assert box.connect().call("stop", "grace=30s").name == "stopping"
    channel.close()
    eventually(done.exists, what="the session's end")
    go.touch()
    assert box.init.wait() == 0


def test_grace_without_end(start, how, sibling):
    """--grace inf waits for the last."""
    init = start(["--grace", "inf", *sibling.deaf()], how)
    command_ended(init, sibling)
    assert init.popen.poll() is None
    sibling.go.touch()
    assert init.wait() == 3


def test_stopped_sibling(run, how, sibling):
    """One that is stopped is woken, to act on its TERM."""
    stopped = (f"{PROBE} daemon sh -c 'trap \"echo >{sibling.cleaned}; exit\" TERM; "
               f"echo $$ >{sibling.ready}; kill -STOP $$; exit 9'; "
               f"{PROBE} wait {sibling.ready} true; "
               f"until read pid <{sibling.ready} && grep -q '^State:.T' /proc/$pid/status; "
               "do :; done; exit 3")
    result = run(["--grace", "1000", "sh", "-c", stopped], how)
    assert result.returncode == 3 and sibling.cleaned.exists()


@pytest.mark.parametrize("first", STOPS)
def test_second_signal_cuts_short(start, how, sibling, first):
    """TERM, INT or QUIT: the second of those ends the wait."""
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
    """The signal that ended the command is the first."""
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
    """PEERS The end: separate time limits for the main command and for the rest (pid1#16)."""
    init = start(["--kill-after", "300ms", "--grace", "inf", PROBE, "signals"], how)
    init.line("ready")
    begin = time.monotonic()
    init.signal(number)
    init.line(f"^{number} 0 0$")
    assert init.wait() == 137
    assert time.monotonic() - begin >= 0.3
    assert init.stderr() == "init: command did not end in time; killing it\n"


def test_kill_after_counts_from_the_first(start, how):
    """A command that is asked again has no more time for it."""
    init = start(["--kill-after", "500ms", PROBE, "signals"], how)
    init.line("ready")
    end = time.monotonic() + DEADLINE
    init.signal(signal.SIGTERM)
    while init.popen.poll() is None:
        assert time.monotonic() < end
        kill_all([init.init_pid], signal.SIGTERM)
        # Ten times within the half second: each would put it off.
        init.read(time.monotonic() + 0.05)
    assert init.wait() == 137


def test_kill_after_needs_a_stop(start, how):
    """No other signal sets it off, and a command that obeys in time keeps its code."""
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
    """PEERS The end: surviving a main that forks and exits (tini#139, dumb-init PR#141);
    wait for everything (tini#180, dumb-init#212)."""
    init = start(["--wait-all", *sibling.polite()], how)
    command_ended(init, sibling)
    eventually(lambda: init.status()["State"][0] == "S", what="init to sleep")
    # Were a TERM to come it would have by now.
    assert init.popen.poll() is None
    assert descendants(init.init_pid).popitem()[1]["ShdPnd"] == "0" * 16
    sibling.go.touch()
    assert init.wait() == 3
    assert not sibling.cleaned.exists()


@pytest.mark.parametrize("number", STOPS)
def test_wait_all_told_to_stop(start, how, sibling, number):
    """A stop while only others run begins the end: TERM to all of them."""
    init = start(["--wait-all", "--grace", "1000", *sibling.polite()], how)
    command_ended(init, sibling)
    init.signal(number)
    assert init.wait() == 3
    assert sibling.cleaned.exists()


def test_wait_all_forwards_to_the_group(start, how):
    """What the command left behind in its group still gets its signals."""
    init = start(["--wait-all", "sh", "-c", f"{PROBE} signals --until 12 & exit 6"], how)
    init.line("ready")
    command_ended(init)
    init.signal(signal.SIGUSR1)
    init.line("^10 0 0$")
    init.signal(signal.SIGUSR2)
    init.line("^12 0 0$")
    assert init.wait() == 6


def test_code_when_others_fail(run, how):
    """The code is the command's, however the others end."""
    assert run(["sh", "-c", f"{PROBE} daemon {PROBE} with --block 15 -- {PROBE} die 9; "
                "exit 3"], how).returncode == 3


def test_killed_command(start, how, sibling):
    """Others see the end off when the command is killed, as by the kernel for its memory."""
    init = start(sibling.polite("sleep 1000"), how)
    os.kill(pid_of(init, "sleep"), signal.SIGKILL)
    assert init.wait() == 137
    assert sibling.cleaned.exists()


@pytest.mark.parametrize("options", [[], ["--grace", "1000"]], ids=["default", "long"])
def test_daemonised_many(run, how, options, tmp_path):
    """
    Not PID 1: the same for its descendants, daemonised ones and their children included.
    All are there by the time of the end: init finds them in /proc one after the other, and
    may miss the child of one who forks just then, who then has the grace and KILL.
    """
    there = tmp_path / "there"
    daemons = (f"{PROBE} daemon {PROBE} daemon sh -c 'echo >>{there}; exec sleep 1000'; "
               f"{PROBE} daemon sh -c 'sleep 1000 & echo >>{there}; wait'; ")
    wait = f"until [ $(wc -l <{there}) = 40 ]; do sleep 0.02; done; "
    there.touch()
    assert run([*options, "sh", "-c", daemons * 20 + wait + "exit 3"], how).returncode == 3


def test_bystanders_are_left_alone(run, start):
    """Not PID 1: nobody but its descendants is signalled."""
    bystander = start(["1000"], "plain", program="/bin/sleep")
    eventually(lambda: bystander.init_pid, what="the bystander")
    assert run(["--grace", "0", "sh", "-c", f"{PROBE} daemon sleep 1000; exit 3"],
               "plain").returncode == 3
    assert bystander.popen.poll() is None


def enter(init):
    """An engine's exec: a process in the namespace that is nobody's child there."""
    options = ["-p"] if AS_ROOT else ["-U", "--preserve-credentials", "-p"]
    return ["nsenter", "-t", str(init.init_pid), *options]


@pytest.mark.parametrize("deaf", [False, True], ids=["polite", "deaf"])
def test_entered_process(start, marker, tmp_path, deaf):
    """PEERS The end: exec'd processes (PPID 0) are reached only by kill(-1)."""
    init = start(["sh", "-c", "echo ready; read go; exit 3"], stdin=subprocess.PIPE)
    init.line("ready")
    command = [PROBE, "sibling", str(tmp_path), "deaf" if deaf else "polite"]
    entered = subprocess.Popen([*enter(init), *command], env={"PATH": PATH, MARKER: marker})
    try:
        eventually((tmp_path / "ready").exists, what="the process that entered")
        init.popen.stdin.close()
        assert init.wait() == 3
        # nsenter ends as its child did.
        assert entered.wait(DEADLINE) == (-signal.SIGKILL if deaf else 5)
        assert (tmp_path / "cleaned").exists() != deaf
    finally:
        entered.kill()
        entered.wait()


def test_killed_init_takes_the_command_along(start):
    """PEERS The end: SIGKILL of an init that is not PID 1 leaves the command running."""
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
