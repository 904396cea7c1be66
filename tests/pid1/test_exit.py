"""The exit code of init."""
import signal

import pytest

from conftest import PROBE

# What does not end a process by default.
HARMLESS = {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN,
            signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH}
DEADLY = [n for n in range(1, 65) if n not in HARMLESS]


@pytest.mark.parametrize("codes", [range(first, first + 32) for first in range(0, 256, 32)],
                         ids=lambda r: f"{r[0]}-{r[-1]}")
def test_codes(run, how, codes):
    """Init exits with the command's exit code, whichever it is."""
    assert [run([PROBE, "exit", code], how).returncode for code in codes] == list(codes)


@pytest.mark.parametrize("number", DEADLY)
def test_deaths(run, how, number):
    """128+n for a death by signal n."""
    assert run([PROBE, "die", number], how).returncode == 128 + number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, 34, 64])
def test_death_by_what_init_forwarded(start, how, number):
    init = start(["sh", "-c", "echo ready; exec sleep 1000"], how)
    init.line("ready")
    init.signal(number)
    assert init.wait() == 128 + number


@pytest.mark.parametrize("options, end, code", [
    (["-e", "143"], ["die", 15], 0), (["--expect=143"], ["die", 15], 0), (["-e3"], ["exit", 3], 0),
    (["-e", "3", "--expect", "255"], ["exit", 255], 0), (["-e", "3"], ["exit", 4], 4),
    (["-e", "3"], ["exit", 0], 0), (["-e", "0"], ["exit", 1], 1),
    (["-e", "127"], ["die", 15], 143)])
def test_expected(run, how, options, end, code):
    """-e 143 makes an exit with 143 one with 0 (asked for in dumb-init#260)."""
    assert run([*options, PROBE, *end], how).returncode == code


def test_death_told_from_exit(run, how):
    """Death by a signal is told from an exit with the same code."""
    assert run(["-v", PROBE, "exit", 137], how).stderr.splitlines()[-1].endswith(
        "command exited with 137")
    assert run(["-v", PROBE, "die", 9], how).stderr.splitlines()[-1].endswith(
        "command killed by SIGKILL")


def test_status_of_main_among_orphans(run, how):
    """The status of the command is not confused with that of orphans that die at the same time."""
    storm = " ".join(f"{PROBE} orphans 300 &" for _ in range(4))
    assert run(["sh", "-c", f"{storm} {PROBE} orphans 300; exit 42"], how).returncode == 42
