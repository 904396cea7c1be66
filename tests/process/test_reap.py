"""Orphans are reaped."""
import re
import signal
import subprocess

import pytest

from conftest import PROBE, descendants, eventually, halt, processes


def zombies(init):
    return [pid for pid, status in processes().items()
            if int(status["PPid"]) == init.init_pid and status["State"].startswith("Z")]


def stop(init):
    init.signal(signal.SIGTERM)
    assert init.wait() == 143


def test_twenty_thousand_orphans(start, how):
    """20,000 orphans leave no zombie."""
    init = start(["sh", "-c", f"{PROBE} orphans 20000; exec sleep 1000"], how)
    init.line("done", deadline=60)
    eventually(lambda: not zombies(init), deadline=60, what="the end of all zombies")
    stop(init)


def test_coalesced_child_signals(start, how, tmp_path):
    """Several deaths may come with a single SIGCHLD: init reaps until no dead child is left."""
    init = start(["sh", "-c", f"echo ready; {PROBE} wait {tmp_path}/go {PROBE} orphans 500; "
                  "exec sleep 1000"], how)
    init.line("ready")
    # All of them die while init is stopped. Their parent may be gone a moment before they are.
    halt(init.init_pid)
    (tmp_path / "go").touch()
    init.line("done")
    eventually(lambda: len(zombies(init)) == 500, what="the death of all orphans")
    init.signal(signal.SIGCONT)
    eventually(lambda: not zombies(init), what="the end of all zombies")
    stop(init)


def test_orphans_are_adopted(start, how):
    """The kernel gives orphans to PID 1; where it is not PID 1, init is a subreaper."""
    init = start(["sh", "-c", f"{PROBE} daemon sleep 1000; exec sleep 1000"], how)
    eventually(lambda: [s["Name"].strip() for s in descendants(init.init_pid).values()
                        if int(s["PPid"]) == init.init_pid] == ["sleep", "sleep"],
               what="the adoption of the daemon")
    stop(init)


@pytest.mark.parametrize("times", [1, 30])
def test_existing_children(start, how, tmp_path, times):
    """Children that init has from the start, alive or dead, are reaped."""
    script = f"i=0; while [ $i -lt {times} ]; do i=$((i+1)); " \
             f"{PROBE} exit 3 & {PROBE} wait {tmp_path}/go true & done; exec \"$@\""
    init = start(["sh", "-c", "echo ready; exec sleep 1000"], how, wrap=["sh", "-c", script, "sh"])
    init.line("ready")
    (tmp_path / "go").touch()
    eventually(lambda: len(descendants(init.init_pid)) == 1, what="the end of the others")
    stop(init)


@pytest.mark.parametrize("arguments", [["-P"], ["sleep", "1000"]], ids=["pause", "command"])
def test_existing_dead_children(start, how, arguments):
    """Children that died before init was executed, for which no SIGCHLD comes any more."""
    init = start(arguments, how, wrap=[PROBE, "with", "--dead-child", "5", "--"])
    assert init.init_pid
    eventually(lambda: not zombies(init), what="the end of all zombies")
    init.signal(signal.SIGTERM)
    assert init.wait() == (0 if arguments == ["-P"] else 143)


def test_pause_alone(start, how):
    """With --pause and no other process, init ends at once when it is told to stop."""
    init = start(["-P", "--grace", "1000"], how)
    # Once it blocks signals, it will not die of the signal.
    eventually(lambda: init.status()["SigBlk"].startswith("f"), what="the start")
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


def test_child_that_dies_without_a_signal(start, how):
    """A child cloned without SIGCHLD is reaped at the next SIGCHLD (__WALL)."""
    init = start(["sh", "-c", "echo ready; read go; exec sleep 1000"], how, stdin=subprocess.PIPE,
                 wrap=[PROBE, "with", "--silent-child", "3", "--"])
    init.line("ready")
    # As the death of any other child would send it.
    init.signal(signal.SIGCHLD)
    eventually(lambda: not zombies(init), what="the end of all zombies")
    init.popen.stdin.close()
    stop(init)


def test_child_signal_without_a_death(start, how):
    """A SIGCHLD that a process sends neither ends nor blocks init."""
    init = start(["sh", "-c", "echo ready; exec sleep 1000"], how)
    init.line("ready")
    for _ in range(3):
        init.signal(signal.SIGCHLD)
        eventually(lambda: int(init.status()["ShdPnd"], 16) == 0, what="the signal to be taken")
    eventually(lambda: init.status()["State"].startswith("S"), what="init to sleep")
    stop(init)


def test_warning_of_each(run, how):
    """-w logs a line for each orphan that is reaped, and none for the command."""
    result = run(["-w", "sh", "-c", f"{PROBE} orphans 5; exit 3"], how)
    assert (result.returncode, result.stdout) == (3, "done\n")
    lines = result.stderr.splitlines()
    assert len(lines) == len(set(lines)) == 5
    assert all(re.fullmatch(r"init: reaped orphan \d+", line) for line in lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_pause(start, how, number):
    """-P: init runs no command, and reaps until it is told to stop."""
    script = f'exec 3<&0; while read go; do {PROBE} orphans 3; done <&3 & exec "$@"'
    init = start(["-P", "-w"], how, wrap=["sh", "-c", script, "sh"], stdin=subprocess.PIPE)

    def has_reaped():
        """Asks init's log, since a wrapper that is a script would reap early ones, too."""
        init.popen.stdin.write(b"go\n")
        init.popen.stdin.flush()
        return "reaped orphan" in init.stderr()

    eventually(has_reaped, what="the end of an orphan")
    eventually(lambda: len(descendants(init.init_pid)) == 1, what="the end of all zombies")
    init.signal(signal.SIGUSR1)
    eventually(lambda: int(init.status()["ShdPnd"], 16) == 0, what="the signal to be taken")
    init.signal(number)
    assert init.wait() == 0
