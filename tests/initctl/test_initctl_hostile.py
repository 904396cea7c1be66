"""initctl against a false server: it reports an error in one line, and never crashes.

The fuzz test runs a build with sanitizers if there is one (make build/asan/initctl); FUZZ is
the number of conversations.
"""
import os
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import DEADLINE, ROOT, eventually
from hostile import GREETING, conversation, message, server  # noqa: F401
from initctl import GONE, INITCTL, control, one_line  # noqa: F401

FUZZ = int(os.environ.get("FUZZ") or 160)
STARTED = message("started", "session=1", "pid=2")


# ---- the greeting


@pytest.mark.parametrize("greeting, part", [
    (None, "Permission denied"),
    ((b"init\0version=1\0oldest=1", ()), "Protocol error"),
    ((b"init", ()), "Protocol error"),
    ((message("hello"), ()), "Protocol error"),
    ((message("init"), ()), "Protocol not supported"),
    ((message("init", "version=9", "oldest=2"), ()), "Protocol not supported"),
    ((message("init", "version=0", "oldest=0"), ()), "Protocol not supported"),
    ((message("failed", "stage=connect", "errno=11", "message=x"), ()), "unavailable"),
    ((message("failed", "stage=connect", "errno=24"), ()), "file"),
    ((message("init", "version=1", "oldest=1", "x=" + "x" * 66000), ()), "too l"),
    ((GREETING, ["null"] * 7), "too l"),
])
def test_a_bad_greeting(control, server, greeting, part):
    server.serve(greeting, [])
    one_line(control.run("status"), 125, str(control.socket), part)


@pytest.mark.parametrize("greeting", [
    message("init", "version=2", "oldest=1", "release=9", "more=x"),
    message("init", "oldest=1", "version=7", "release=9", "args", "what")])
def test_a_newer_greeting(control, server, greeting):
    """A newer server that still speaks version 1, with fields that initctl does not know."""
    server.serve((greeting, ["null"]), [[(message("status", "state=new", "more=x"), ())]])
    assert control.output("status") == "state: new\nmore: x\n"


# ---- the master


@pytest.mark.parametrize("kinds", [["slave"], ["pipe"], ["null"], ["socket"], ["directory"], ["file"],
                                   [], ["master", "master"], ["master", "null"]])
def test_a_descriptor_that_is_no_master(control, server, kinds):
    """A descriptor that is no master is refused: the operator's input would go to it."""
    server.serve((GREETING, ()), [[(STARTED, kinds)]], linger=True)
    one_line(control.run("exec", "-t", "sh"), 125, "run sh: unexpected reply from init")
    server.serve((GREETING, ()), [[(message("attached", "session=1", "pid=2"), kinds)]], linger=True)
    if kinds:
        one_line(control.run("attach", "1"), 125, "attach to session 1")


def test_a_master_that_was_not_asked_for(control, server):
    server.serve((GREETING, ()), [[(STARTED, ["master"])]], linger=True)
    one_line(control.run("exec", "-T", "sh"), 125, "run sh: unexpected reply from init")


# ---- answers


@pytest.mark.parametrize("words", [["status"], ["sessions"], ["wait"], ["watch"], ["stop"],
                                   ["signal", "TERM"], ["exec", "true"], ["exec", "-t", "true"],
                                   ["exec", "-d", "true"], ["attach", "1"]])
@pytest.mark.parametrize("answer", [
    message("unheard-of", "x=y"), message("held"), b"\0", b"x", message("failed"),
    message("failed", "stage=request", "errno=22", "field=a\nb\x1b[31m", "message=c\nd")])
def test_a_bad_answer(control, server, words, answer):
    server.serve((GREETING, ()), [[(answer, ())]])
    done = control.run(*words)
    one_line(done, 125)
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("words, stage, text", [
    (["exec", "true"], "parent", "cannot set the parent death signal of true: x"),
    (["exec", "true"], "request", "cannot run true: x"),
    (["attach", "7"], "attach", "cannot attach to session 7: x")])
def test_the_step_that_failed(control, server, words, stage, text):
    server.serve((GREETING, ()), [[(message("failed", f"stage={stage}", "errno=16", "message=x"), ())]])
    one_line(control.run(*words), 125, text)


def test_stop_takes_no_nonsense_for_the_end(control, server):
    server.serve((GREETING, ()), [[(message("stopping"), ()), (message("news"), ["null"]), (b"x", ())]],
                 linger=True)
    one_line(control.run("stop"), 125, "unexpected reply from init")
    server.serve((GREETING, ()), [[(message("stopping"), ()), (message("news"), ["null"])]])
    assert control.run("stop").returncode == 0


def test_held_without_a_number(control, server):
    server.serve((GREETING, ()), [[(message("started"), ())], [(message("held"), ())]])
    assert control.run("exec", "-d", "true").stdout == "0\n"


@pytest.mark.parametrize("answers", [[], [[]]], ids=["before the request", "behind it"])
@pytest.mark.parametrize("words", [["status"], ["sessions"], ["wait"], ["watch"], ["exec", "true"],
                                   ["exec", "-t", "true"], ["exec", "-d", "true"],
                                   ["attach", "1"], ["signal", "TERM"], ["stop"], ["forward", "0:80"], ["connect", "127.0.0.1:80"]])
def test_a_server_that_hangs_up(control, server, words, answers):
    server.serve((GREETING, ()), answers)
    one_line(control.run(*words), GONE, ": the container ended")


def test_a_server_that_hangs_up_instead_of_holding(control, server):
    server.serve((GREETING, ()), [[(STARTED, ())], []])
    one_line(control.run("exec", "-d", "true"), GONE, "cannot detach from true: the container ended")


@pytest.mark.parametrize("words", [["ns"], ["ns", "net", "true"], ["stats", "--raw"], ["freeze"]])
def test_a_server_that_hangs_up_instead_of_a_descriptor(control, server, words):
    server.serve((GREETING, ()), [[]])
    one_line(control.run(*words), GONE, "cannot open ", ": the container ended")


@pytest.mark.parametrize("ending, code", [
    (message("exited", "code=0"), 0), (message("exited", "signal=9"), 137),
    (message("exited", "code=256"), 255), (message("exited"), 255),
    (message("exited", "signal=200"), 255), (message("exited", "code=-1"), 255)])
def test_an_odd_ending(control, server, ending, code):
    server.serve((GREETING, ()), [[(STARTED, ()), (message("news"), ["null"]), (ending, ())]])
    assert control.run("exec", "true").returncode == code


def test_json_of_anything(control, server):
    """With --json every line is one object, whatever the fields contain."""
    import json
    odd = message(b"session", b"a\"b=1", b"\xff=\xff", b"n=01", b"m=9007199254740993", b"t=true",
                  b"name=5", b"novalue", b"=empty", b"u=\xe2\x80\xa8\xc2\x85", b"args", b"x")
    server.serve((GREETING, ()), [[(odd, ())] * 3 + [(message("end"), ())]])
    lines = control.output("--json", "sessions", text=False).split(b"\n")
    assert len(lines) == 4
    found = json.loads(lines[0].decode())
    assert found["n"] == "01" and found["m"] == "9007199254740993" and found["t"] is True
    assert found["name"] == "5" and found['a"b'] == 1


# ---- fuzz


VERBS = [["exec", "-T", "x"], ["exec", "-t", "x"], ["exec", "-d", "x"], ["exec", "-dt", "x"],
         ["shell"], ["attach", "1"], ["sessions"], ["--json", "sessions"], ["status"],
         ["--json", "status"], ["wait"], ["--json", "wait"], ["watch"], ["--json", "watch"],
         ["signal", "TERM"], ["stop"], ["forward", "0:80"], ["connect", "127.0.0.1:80"]]


def fuzzed():
    made = ROOT / "build/asan/initctl"
    newest = max(path.stat().st_mtime for path in (ROOT / "src").rglob("*.[ch]"))
    return made if made.exists() and made.stat().st_mtime >= newest else Path(INITCTL)


@pytest.mark.parametrize("part", range(4))
def test_fuzz(control, server, part):
    program = fuzzed()
    for seed in range(part, FUZZ, 4):
        server.serve(*conversation(seed))
        words = VERBS[seed // 4 % len(VERBS)]
        done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              env=control.environment(), timeout=DEADLINE)
        about = (seed, words, done)
        assert 0 <= done.returncode < 256 and b"anitizer" not in done.stderr, about
        assert b"runtime error" not in done.stderr, about
        lines = done.stderr.split(b"\n")
        assert lines.pop() == b"" and len(lines) <= 1, about
        if done.returncode in (125, 126, 127):
            assert lines and lines[0].startswith(b"initctl: "), about
        assert not any(c < 32 for c in b"".join(lines)), about
