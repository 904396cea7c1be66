"""Signals that are forwarded to the command."""
import os
import re
import signal
import subprocess

import pytest

from conftest import AS_ROOT, PROBE, descendants, eventually, halt, kill_all

ALL = [n for n in range(1, 65) if n not in (signal.SIGKILL, signal.SIGSTOP)]
SI_USER, SI_QUEUE = 0, -1


def send(init, number, *values):
    """Like sigqueue(3), which Python does not have."""
    subprocess.run([PROBE, "queue", str(init.init_pid), str(number), *map(str, values)], check=True)


def taken(init):
    """Waits until init has read what was sent."""
    eventually(lambda: int(init.status()["ShdPnd"], 16) == 0, what="the signal to be taken")


@pytest.fixture
def listener(start, how):
    """A command that prints every signal it gets, and ends with the last, 64."""
    def listener(*options, until=64, **more):
        init = start([*options, PROBE, "signals", "--until", until], how, **more)
        init.line("^ready")
        return init
    return listener


def got(init):
    """The number, code and value of the next signal that the command gets."""
    return tuple(int(n) for n in init.line(r"^(\d+) (-?\d+) (-?\d+)$").groups())


@pytest.mark.parametrize("number", ALL)
def test_each_signal(listener, number):
    """Init forwards every signal. Others built with musl never forward 34; as PID 1 tini and
    catatonit do not forward ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS, TTIN and TTOU sent by kill(),
    nor catatonit TSTP; dumb-init ignores the first HUP and CONT, loses the first 64, and dies of
    34."""
    init = listener(until=number)
    init.signal(number)
    assert got(init) == (number, SI_USER, 0)
    assert init.wait() == 0


@pytest.mark.parametrize("number", ALL)
def test_each_signal_with_value(listener, number):
    """Values sent by sigqueue() are forwarded; tini, dumb-init and catatonit lose them."""
    init = listener(until=number)
    send(init, number, number + 1000)
    assert got(init) == (number, SI_QUEUE, number + 1000)
    assert init.wait() == 0


@pytest.mark.parametrize("number", range(32, 65))
def test_realtime_in_order(listener, number):
    """Real-time signals are forwarded with their values, in order, and none is lost."""
    init = listener(until=15)
    send(init, number, *range(-3, 20))
    assert [got(init) for _ in range(23)] == [(number, SI_QUEUE, v) for v in range(-3, 20)]
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


def test_many_at_once(listener):
    """Signals that queue up while init is stopped are all forwarded."""
    init = listener()
    halt(init.init_pid)
    for number in (64, 40, 35):
        send(init, number, *range(100))
    send(init, signal.SIGUSR1, 5)
    init.signal(signal.SIGCONT)
    seen = {}
    while 64 not in seen:
        number, _, value = got(init)
        seen.setdefault(number, []).append(value)
    assert seen[35] == seen[40] == list(range(100))
    assert seen[10] == [5]
    assert init.wait() == 0


def test_from_inside(start, tmp_path):
    """A signal that a process of the container sends to PID 1, as `docker exec kill` does."""
    numbers = [4, 10, 15, 21, 34, 64]
    # In a session of its own, where the forwarded signal does not reach the sender.
    sender = f"for n in {' '.join(map(str, numbers))}; do {PROBE} queue 1 $n $n; done"
    init = start(["sh", "-c", f"{PROBE} daemon {PROBE} wait {tmp_path}/go sh -c '{sender}'; "
                  f"exec {PROBE} signals --until 64"])
    init.line("^ready")
    (tmp_path / "go").touch()
    assert [got(init) for _ in numbers] == [(n, SI_QUEUE, n) for n in numbers]
    assert init.wait() == 0


@pytest.mark.parametrize("options, value, receivers", [([], None, 2), (["-g"], 7, 2),
                                                       (["-c"], None, 1),
                                                       (["--main-only=HUP,34"], None, 1),
                                                       (["--main-only=rtmin"], 7, 1),
                                                       (["--main-only=35", "--main-only=HUP"], 7, 2),
                                                       (["--main-only=35", "--rewrite=35:34"], 7, 2),
                                                       (["--single-child"], 7, 1)])
def test_group_or_single_child(start, how, tmp_path, options, value, receivers):
    """-g: the whole process group gets the signal and its value; -c: the command alone, and with
    --main-only of the signals in the list, as they are forwarded."""
    other = tmp_path / "other"
    init = start([*options, "sh", "-c", f"{PROBE} signals --until 15 >{other} & "
                  f"exec {PROBE} signals --until 15"], how)
    init.line("^ready")
    eventually(lambda: other.exists() and other.read_text() == "ready\n", what="the other process")
    if value is None:
        init.signal(34)
    else:
        send(init, 34, value)
    assert got(init) == (34, SI_USER if value is None else SI_QUEUE, value or 0)
    line = init.lines[-1] + "\n"
    if receivers == 2:
        eventually(lambda: line in other.read_text(), what="the signal to the other process")
    init.signal(signal.SIGTERM)
    assert got(init)[0] == signal.SIGTERM
    assert init.wait() == 0
    assert other.read_text().startswith(f"ready\n{line if receivers == 2 else ''}15 0 0\n")


def test_main_only_of_what_is_forwarded(start, how, tmp_path):
    """The signal that --rewrite makes of another counts, not the one that came."""
    other = tmp_path / "other"
    init = start(["--rewrite=USR2:USR1", "--main-only=USR1", "sh", "-c",
                  f"{PROBE} signals --until 15 >{other} & exec {PROBE} signals --until 15"], how)
    init.line("^ready")
    eventually(lambda: other.exists() and other.read_text() == "ready\n", what="the other process")
    init.signal(signal.SIGUSR2)
    assert got(init)[0] == signal.SIGUSR1
    init.signal(signal.SIGTERM)
    assert got(init)[0] == signal.SIGTERM and init.wait() == 0
    assert other.read_text().startswith("ready\n15 0 0\n")


@pytest.mark.parametrize("options", [[], ["-c"], ["--pause"]], ids=" ".join)
def test_main_only_beside_others(start, how, options):
    """Where there is no group to be spared, or no command, the option changes nothing."""
    command = [] if options == ["--pause"] else ["sh", "-c", "trap 'exit 3' HUP; echo ready; "
                                                 "while :; do sleep 1; done"]
    init = start([*options, "--main-only=HUP,TERM,INT", "-v", *command], how)
    if command:
        init.line("^ready")
        init.signal(signal.SIGHUP)
        assert init.wait() == 3
    else:
        # Once it blocks signals, it will not die of the signal; an emulator may block them before.
        eventually(lambda: init.status()["SigBlk"].startswith("f"), what="the start")
        init.signal(signal.SIGHUP)
        eventually(lambda: kill_all([init.init_pid], signal.SIGTERM) and
                   init.popen.poll() is not None, what="the end")
        assert init.wait() == 0


@pytest.mark.parametrize("value", ["", ",", "HUP,", ",HUP", "HUP,,INT", "HUP,NOSUCH", "0", "65",
                                   "HUP INT", "HUP:INT"])
def test_no_such_main_only(run, value):
    result = run([f"--main-only={value}", "true"], "plain")
    assert (result.returncode, result.stderr) == (
        125, f"init: --main-only: bad value '{value}'\n")


def signal_another_user(start, how):
    """A command that has become another user, which init may not signal."""
    without_kill = ["setpriv", "--bounding-set", "-kill", "--inh-caps", "-kill"]
    other = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]
    init = start([*other, "sh", "-c", "echo ready; read go; exit 5"], how, wrap=without_kill,
                 stdin=-1)
    init.line("ready")
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGUSR2):
        init.signal(number)
        taken(init)
    init.popen.stdin.close()
    return init


@pytest.mark.skipif(not AS_ROOT, reason="only root has a second user to become")
def test_forwarding_not_permitted(start, how):
    """tini exits with 1 if forwarding fails with EPERM, as to a command that has become another
    user. Init goes on."""
    assert signal_another_user(start, how).wait() == 5


@pytest.mark.skipif(not AS_ROOT, reason="only root has a second user to become")
def test_forwarding_not_permitted_is_told(start, how):
    init = signal_another_user(start, how)
    assert init.wait() == 5
    assert init.stderr() == "".join(f"init: cannot forward {name}: Operation not permitted\n"
                                    for name in ("SIGUSR1", "SIGTERM", "SIGUSR2"))


def test_forwarding_to_nobody(start, how):
    """Init goes on if forwarding fails with ESRCH, since the command and its group are gone."""
    init = start(["--wait-all", "sh", "-c", f"{PROBE} daemon {PROBE} signals --until 15; exit 4"],
                 how)
    init.line("^ready")
    eventually(lambda: len(descendants(init.init_pid)) == 1, what="the end of the command")
    for number in (signal.SIGUSR1, signal.SIGHUP, 34):
        init.signal(number)
        taken(init)
    init.signal(signal.SIGTERM)
    # The process that is left gets TERM because the container ends, not by forwarding.
    assert got(init)[0] == signal.SIGTERM
    assert init.wait() == 4


@pytest.mark.parametrize("rewrites, sent, expected", [
    (["15:2"], 15, 2), (["TERM:INT"], 15, 2), (["SIGTERM:sigint"], 15, 2), (["term:USR1"], 15, 10),
    (["15:RTMIN+3"], 15, 37), (["RTMIN:RTMAX"], 34, 64), (["RTMAX-1:RTMIN+1"], 63, 35),
    (["34:10"], 34, 10), (["USR1:USR2", "USR2:USR1"], 10, 12), (["HUP:TERM", "HUP:QUIT"], 1, 3),
    (["33:32"], 33, 32), (["CLD:IOT"], 17, 6), (["64:1"], 64, 1)])
@pytest.mark.parametrize("value", [None, 77], ids=["kill", "queue"])
def test_rewrite(listener, rewrites, sent, expected, value):
    """-r FROM:TO takes numbers and names; the last one for a signal counts."""
    init = listener(*[w for r in rewrites for w in ("-r", r)], until=expected)
    if value is None:
        init.signal(sent)
    else:
        send(init, sent, value)
    assert got(init) == (expected, SI_USER if value is None else SI_QUEUE, value or 0)
    assert init.wait() == 0


def test_rewrite_to_nothing(listener):
    """-r FROM:0 discards the signal."""
    init = listener("-r", "USR1:0", "--rewrite=RTMIN+2:0", "--rewrite", "term:0")
    for number in (10, 36, 15):
        init.signal(number)
        taken(init)
    init.signal(64)
    assert got(init)[0] == 64
    assert init.wait() == 0


@pytest.mark.parametrize("to, code", [("KILL", 137), ("9", 137)])
def test_rewrite_to_kill(listener, to, code):
    init = listener("-r", f"USR2:{to}")
    init.signal(signal.SIGUSR2)
    assert init.wait() == code


def test_stop_and_continue_reach_the_command(start, how):
    """TSTP stops a command that does not handle it, CONT resumes it; init itself keeps running."""
    init = start(["sleep", "1000"], how, wrap=[PROBE, "session"] if how == "pid1" else [])
    sleep = eventually(lambda: list(descendants(init.init_pid)), what="the command")[0]

    def state(*letters):
        eventually(lambda: descendants(init.init_pid)[sleep]["State"][0] in letters,
                   what=f"state {letters}")

    eventually(lambda: descendants(init.init_pid)[sleep]["Name"] == "sleep", what="exec")
    init.signal(signal.SIGTSTP)
    # In a session of its own the command's group is an orphaned one, where the kernel
    # discards TSTP (setpgid(2)): that it does not stop is as it were without init.
    state("S")
    init.signal(signal.SIGCONT)
    taken(init)
    state("S")
    os.kill(sleep, signal.SIGSTOP)
    state("T")
    init.signal(signal.SIGCONT)
    state("S")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143


def test_nothing_is_forwarded_unasked(start, how):
    """Deaths of children, and what init itself does, send no signal to the command."""
    init = start(["sh", "-c", f"{PROBE} orphans 50; {PROBE} daemon true; "
                  f"exec {PROBE} signals --until 10"], how)
    init.line("^ready")
    eventually(lambda: len(descendants(init.init_pid)) == 1, what="the orphans' end")
    init.signal(10)
    assert re.fullmatch(r"10 0 0\n", init.rest())
    assert init.wait() == 0
