"""status, sessions, signal, wait, watch and stop; as text and as JSON."""
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import DEADLINE, PROBE, eventually
from hostile import GREETING, Server
from initctl import GONE, container, control, one_line  # noqa: F401

HEARS = ("sh", "-c", "trap 'echo hup' HUP; trap 'echo usr1' USR1; echo ready; "
         "while :; do sleep 0.02; done")


# ---- status


def test_status(container):
    lines = dict(line.split(": ") for line in container.output("status").splitlines())
    assert (lines["state"], lines["pid"], lines["main"]) == ("running", "1", "2")
    found = container.lines("status")
    assert len(found) == 1
    assert found[0]["message"] == "status" and found[0]["main"] == 2
    assert isinstance(found[0]["release"], str) and found[0]["sessions"] == 0


def test_json_stands_before_the_verb_or_behind_it(container):
    for words in (["--json", "status"], ["status", "--json"]):
        assert json.loads(container.output(*words))["state"] == "running"


# ---- sessions


def test_no_sessions(container):
    assert container.output("sessions") == ""
    assert container.output("sessions", "--json") == ""


def test_sessions(container):
    began = time.monotonic()
    for _ in range(3):
        container.output("exec", "-d", "sleep", "1000")
    lines = container.output("sessions").splitlines()
    assert lines[0].split() == ["SESSION", "PID", "STATE", "TTY", "UP", "NAME"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3"]
    up = [line.split().pop(4) for line in lines[1:]]
    assert [line.split()[2:] for line in lines[1:]] == [["held", "-", one, "sleep"] for one in up]
    # The first one is the oldest, and none is older than this test.
    seconds = [float(re.fullmatch(r"(\d+\.\d)s", one)[1]) for one in up]
    assert time.monotonic() - began >= seconds[0] >= seconds[1] >= seconds[2]
    assert [one["session"] for one in container.sessions()] == [1, 2, 3]


@pytest.mark.parametrize("name, shown, parsed", [
    (b"\x1b]0;owned\x07", "\\x1b]0;owned\\a", "\x1b]0;owned\x07"),
    (b"a\nb\tc\x7f", "a\\nb\\tc\\x7f", "a\nb\tc\x7f"),
    (b"\xc2\x9b31m", "\\x9b31m", "\x9b31m"),
    (b"\xff\xfe", "\\xff\\xfe", "\ufffd\ufffd"),
    (b"\xed\xa0\x80", "\\xed\\xa0\\x80", "\ufffd\ufffd\ufffd"),
    (b"caf\xc3\xa9", "caf\u00e9", "caf\u00e9"),
    (b"thirteen....\xc3\xa9", "thirteen....\u00e9", "thirteen....\u00e9"),
    (b"cut in two...\xc3\xa9", "cut in two...\\xc3", "cut in two...\ufffd"),
    (b"quote\"back\\", "quote\"back\\", "quote\"back\\"),
    (b"123", "123", "123"), (b"true", "true", "true"),
])
def test_a_name_that_is_not_a_word(container, name, shown, parsed):
    """Control characters of a session's name are escaped, on the terminal and in JSON."""
    container.output("exec", "-d", "--program", PROBE, "--", name, "signals")
    lines = container.output("sessions", text=False).decode().splitlines()
    assert lines[1].endswith(" " + shown)
    assert container.sessions()[0]["name"] == parsed


# ---- signal


def test_signal_main_and_sessions(control):
    control.start(command=HEARS)
    control.init.line("ready")
    client = control.popen("exec", *HEARS)
    assert client.stdout.readline() == b"ready\n"
    for words in (["USR1"], ["SIGUSR1", "main"], ["10", "main"]):
        assert control.output("signal", *words) == ""
        control.init.line("usr1")
    control.output("signal", "HUP", "%1")
    assert client.stdout.readline() == b"hup\n"
    pid = control.sessions()[0]["pid"]
    control.output("signal", "USR1", str(pid))
    assert client.stdout.readline() == b"usr1\n"
    control.output("signal", "HUP", "all")
    assert client.stdout.readline() == b"hup\n"
    control.init.line("hup")


@pytest.mark.parametrize("words, parts", [
    (["NOPE"], ["cannot use signal 'NOPE': expected a name"]), (["65"], ["signal"]), (["0"], ["signal"]),
    (["TERM", "%99"], ["%99", "No such process"]), (["TERM", "99999"], ["99999", "No such"]),
    (["TERM", "nobody"], ["cannot use target 'nobody': expected main, all"]), (["TERM", "main", "x"], ["too many arguments"]),
    ([], ["no signal given"]), (["TERM", "1"], ["cannot use process '1'"]),
    (["T" * 600], ["no such signal or target: 'TTT"]), (["TERM", "m" * 600], ["no such signal or target: 'mmm"])])
def test_signals_that_cannot_be_sent(container, words, parts):
    one_line(container.run("signal", *words), 125, *parts)


# ---- wait


@pytest.mark.parametrize("end, code", [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 143)])
def test_wait_exits_as_main_did(control, end, code):
    """wait exits with the command's code, whether the command ends before or after the request."""
    fifo = control.directory / "fifo"
    os.mkfifo(fifo)
    control.start("--grace", "60", command=[
        "sh", "-c", f"trap '' TERM; sleep 1000 & trap - TERM; read x <{fifo}; {end}"])
    clients = [control.popen(*words) for words in (["wait"], ["--json", "wait"])]
    fifo.write_text("go\n")
    clients.append(control.popen("wait"))
    results = [client.communicate(timeout=DEADLINE) for client in clients]
    assert [client.returncode for client in clients] == [code] * 3
    assert [one[1] for one in results] == [b""] * 3
    ending = {"signal": code - 128} if code > 128 else {"code": code}
    assert json.loads(results[1][0]) == {"message": "exited", **ending}


def test_wait_for_one_that_is_killed_with_init(container):
    client = container.popen("wait", errors="replace")
    eventually(lambda: " S " in open(f"/proc/{client.pid}/stat").read())
    os.kill(container.pid(), signal.SIGKILL)
    out, err = client.communicate(timeout=DEADLINE)
    assert client.returncode in (GONE, 125) and err.count("\n") == 1 and out == ""


# ---- watch


def test_watch(container):
    client, plain = container.popen("--json", "watch"), container.popen("watch")
    first = json.loads(client.stdout.readline())
    assert abs(first.pop("time") - time.time()) < 60
    assert first == {"message": "event", "type": "state", "state": "running", "main": 2}
    assert re.fullmatch(rb"\d\d:\d\d:\d\dZ the container is running, main command has pid 2\n",
                        plain.stdout.readline())
    container.run("exec", "sh", "-c", "exit 3")
    started, exited = (json.loads(client.stdout.readline()) for _ in range(2))
    assert (started["type"], started["session"]) == ("started", 1)
    assert exited == {"message": "event", "type": "exited", "session": 1, "pid": started["pid"],
                      "code": 3, "time": exited["time"]}
    assert re.fullmatch(rb".{9} session 1 started, pid \d+\n", plain.stdout.readline())
    assert re.fullmatch(rb".{9} session 1 ended with code 3\n", plain.stdout.readline())
    container.output("exec", "-d", "sleep", "1000")
    container.output("signal", "KILL", "%2")
    os.kill(container.pid(), signal.SIGUSR2)
    lines = [plain.stdout.readline()[10:] for _ in range(5)]
    assert re.fullmatch(rb"session 2 started, pid \d+\n", lines[0]), lines
    assert lines[1] == b"session 2 was held\n"
    assert b"session 2 was killed by KILL\n" in lines
    assert b"signal forwarded: USR2\n" in lines
    assert b"the main command was killed by USR2\n" in lines
    container.run("stop", "--grace", "0.2")
    rest = [json.loads(line) for line in client.communicate(timeout=DEADLINE)[0].splitlines()]
    assert any(one["type"] == "main" for one in rest)
    assert client.returncode == 0 and plain.wait(DEADLINE) == 0


# ---- stop


def test_stop(control):
    control.start(command=["sh", "-c", "trap 'sleep 0.3; exit 5' TERM; echo ready; "
                           "while :; do sleep 0.02; done"])
    control.init.line("ready")
    assert control.output("stop") == ""
    # When stop returns, the container and its socket are gone.
    assert not control.socket.exists()
    assert control.init.wait() == 5


@pytest.mark.parametrize("words", [["--grace", "0.1"], ["--grace=100ms"]])
def test_stop_with_a_grace(control, words):
    control.start(command=[PROBE, "signals"])
    control.init.line("ready")
    assert control.output("stop", *words) == ""
    assert control.init.wait() == 137


def test_stop_takes_sessions_along(container):
    client = container.popen("exec", "sh", "-c", "trap 'echo hup; exit' HUP; trap '' TERM; echo ready; "
                             "while :; do sleep 0.02; done")
    client.stdout.readline()
    container.output("stop", "--grace", "5")
    assert client.communicate(timeout=DEADLINE)[0] == b"hup\n"


@pytest.mark.parametrize("words, parts", [
    (["--grace", "soon"], ["cannot use grace period 'soon': expected a time"]), (["--grace"], ["option --grace needs a value"]),
    (["now"], ["too many arguments", "now"]), (["--grace=1", "2"], ["too many arguments"]),
    (["--grace", "9" * 600], ["bad value for --grace"])])
def test_stop_misused(container, words, parts):
    one_line(container.run("stop", *words), 125, *parts)
    assert container.lines("status")[0]["state"] == "running"


# ---- usage


@pytest.mark.parametrize("words, parts", [
    (["fly"], ["unknown verb 'fly', see 'initctl --help'"]),
    (["sesions"], ["unknown verb 'sesions', did you mean 'sessions'?"]),
    (["sess"], ["unknown verb 'sess', did you mean 'sessions'?"]), (["x" * 9000], ["unknown verb"]),
    (["help", "stop", "x"], ["too many arguments"]), (["help", "exce"], ["did you mean 'exec'?"]),
    (["stop", "--grace"], ["needs a value, see 'initctl help stop'"]),
    (["attach"], ["no session given, see 'initctl help attach'"]),
    (["--timeout", "x", "status"], ["bad value for --timeout 'x'"]),
    (["--timeout", "0", "status"], ["bad value for --timeout '0'"]),
    (["--fly"], ["'--fly'"]),
    (["-S"], ["needs a value"]), (["status", "now"], ["too many arguments", "now"]),
    (["sessions", "x"], ["too many"]), (["wait", "x"], ["too many"]), (["watch", "x"], ["too many"]),
    (["shell", "x"], ["too many"]), (["\x1b[31m"], [r"unknown verb '\x1b[31m'"])])
def test_misuse_costs_one_line(control, words, parts):
    one_line(control.run(*words), 125, *parts)


def test_help_and_version(control):
    for words in ([], ["-h"], ["--help"], ["help"]):
        text = control.output(*words)
        assert text.startswith("usage: initctl")
        for verb in "exec shell attach sessions signal status wait watch stop stats freeze kill limit".split():
            assert re.search(rf"(?m)^  {verb}\b", text)
    assert re.fullmatch(r"initctl \d+\.\d+\.\d+\n", control.output("--version"))
    assert control.output("-V") == control.output("--version")


def test_help_of_each_verb(control):
    """One screen, with the verb's options and an example of its use."""
    verbs = re.findall(r"(?m)^  ([a-z]+)\b", control.output("help").split("Verbs:")[1])
    assert len(set(verbs)) > 14
    for verb in set(verbs):
        text = control.output("help", verb)
        assert text.startswith(f"usage:\ninitctl {verb}") and text.count("\n") < 40, text
        assert all(len(line) <= 80 for line in text.splitlines()), text
        assert control.output(verb, "-h") == control.output(verb, "--help") == text
        assert "Examples:\n  " in text or "Options:" not in text, text
    assert control.output("exec", "-t", "--help") == control.output("help", "exec")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["status"], ["--json", "status"]])
def test_output_that_cannot_be_written(container, words):
    with open("/dev/full", "w") as full:
        one = container.run(*words, stdout=full)
    assert one.returncode == 125 and "write output" in one.stderr and one.stderr.count("\n") == 1

    def close():
        os.close(1)

    one = container.run(*words, stdout=subprocess.DEVNULL, preexec_fn=close)
    assert one.returncode == 125 and "Bad file descriptor" in one.stderr


def test_nobody_listens(control):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.bind(str(control.socket))
    one_line(control.run("status"), 125, str(control.socket), "Connection refused")
    control.socket.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
        one.bind(str(control.socket))
        one.listen()
        one_line(control.run("status"), 125, str(control.socket), "rong type")
    control.socket.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root to become another")
def test_a_user_who_is_refused(container):
    os.chmod(container.directory, 0o755)
    one_line(container.run("status", user=65533), 125, "Permission denied")
    os.chmod(container.socket, 0o666)
    one_line(container.run("status", user=65533), 125, "Permission denied")


# ---- a container that does not answer


@pytest.fixture(params=["full", "silent", "mute"])
def unanswering(control, request):
    """Nobody accepts, and the queue is full or not; or init is stopped behind its greeting."""
    if request.param == "mute":
        control.start()
        os.kill(control.pid(), signal.SIGSTOP)
        yield control
        os.kill(control.pid(), signal.SIGCONT)
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.bind(str(control.socket))
        one.listen(0)
        held = []
        while request.param == "full":
            held.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK))
            if held[-1].connect_ex(str(control.socket)):
                break
        yield control
        for other in held:
            other.close()


@pytest.mark.parametrize("words", [
    ["status"], ["sessions"], ["signal", "HUP"], ["wait"], ["watch"], ["stop"], ["stats"], ["ns"],
    ["exec", "true"], ["exec", "-t", "true"], ["exec", "-d", "true"], ["shell"], ["attach", "1"],
    ["freeze"], ["limit", "pids.max=9"]])
def test_no_answer(unanswering, words):
    began = time.monotonic()
    done = unanswering.run("--timeout", "200ms", *words)
    one_line(done, 125, str(unanswering.socket), "no answer within 200 ms")
    assert 0.2 <= time.monotonic() - began < 10


@pytest.mark.parametrize("words", [["status"], ["sessions"], ["signal", "HUP"], ["stop"], ["ns"],
                                   ["exec", "true"], ["exec", "-t", "true"], ["attach", "1"]])
def test_no_answer_to_a_request(control, words):
    """A server that greets, and then says nothing."""
    server = Server(control.socket)
    server.serve((GREETING, ()), [[]], linger=True)
    try:
        one_line(control.run("--timeout", "200ms", *words), 125, "no answer within 200 ms")
    finally:
        server.close()


def test_a_command_may_take_longer_than_the_timeout(container):
    out = container.output("--timeout", "300ms", "exec", "sh", "-c", "sleep 1; echo done")
    assert out == "done\n"
    for verb in ("watch", "wait"):
        began = time.monotonic()
        one = container.popen("--timeout", "300ms", verb)
        eventually(lambda: one.poll() is not None or time.monotonic() > began + 0.6,
                   what="twice the time")
        assert one.poll() is None, (verb, one.communicate())
    container.output("signal", "KILL")
    assert one.wait(DEADLINE) == 137


def test_a_timeout_of_seconds(control):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.bind(str(control.socket))
        one.listen(0)
        one_line(control.run("--timeout", "1s", "status"), 125, "no answer within 1 s\n")
