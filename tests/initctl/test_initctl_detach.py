"""Detaching and attaching: the keys, attach, and who a session belongs to."""
import re
import os
import signal
import subprocess

import pytest

from conftest import DEADLINE, eventually, halt
from initctl import GONE, container, control, modes, one_line  # noqa: F401
from terminal import PROMPT, process

DETACH = "\x10\x11"
CAT = ["exec", "--", "sh", "-c", "stty raw -echo; echo ready; exec od -An -v -tx1 -w1"]
LOOP = "echo ready; while read x; do echo got $x; done"


def typed(terminal, *expected):
    for byte in expected:
        terminal.expect(rf"\b{byte:02x}\b")


def test_detach_and_attach(container):
    terminal = container.on_terminal("exec", "--", "sh", "-c", LOOP)
    terminal.expect("ready")
    before = process(container.inside(container.wait_sessions(1)[0]["pid"]))
    terminal.press(DETACH)
    terminal.expect("detached, back with: initctl attach 1\r\n")
    assert terminal.wait() == 0
    assert not terminal.is_raw()
    session = container.sessions()[0]
    assert (session["state"], session["terminal"]) == ("held", True)
    back = container.on_terminal("attach", "1")
    back.type("hello")
    back.expect("got hello\r\n")
    now = process(container.inside(session["pid"]))
    assert (now.pid, now.pgrp, now.tty) == (before.pid, before.pgrp, before.tty)
    assert container.sessions()[0]["state"] == "attached"
    back.press("\x04")
    assert back.wait() == 0
    assert not container.sessions()


def test_attach_takes_either_form_of_the_number(container):
    container.output("exec", "-d", "-t", "sh", "-c", LOOP)
    terminal = container.on_terminal("attach", "%1")
    terminal.expect("ready")
    terminal.press(DETACH)
    terminal.expect("detached")


def test_a_redraw_and_the_size_of_another_terminal(container):
    """attach changes the terminal's size, even if it is the same, so that programs redraw."""
    script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.02; done"
    terminal = container.on_terminal("exec", "--", "sh", "-c", script)
    terminal.expect("ready")
    for rows, columns in ((24, 80), (30, 90)):
        terminal.press(DETACH)
        assert terminal.wait() == 0
        terminal = container.on_terminal("attach", "1", rows=rows, columns=columns)
        terminal.expect(f"{rows} {columns}\r\n")
    terminal.press("\x03")
    assert terminal.wait() == 130


def test_the_exit_code_after_coming_back(container):
    container.output("exec", "-d", "-t", "sh", "-c", "read x; exit $x")
    terminal = container.on_terminal("attach", "1")
    eventually(terminal.is_raw)
    terminal.press("9\r")
    assert terminal.wait() == 9


def test_a_session_without_a_terminal(container):
    """attach waits for a session without a terminal, and forwards signals."""
    container.output("exec", "-d", "sh", "-c", "trap 'exit 6' TERM; while :; do sleep 0.02; done")
    client = container.popen("attach", "1")
    eventually(lambda: container.sessions()[0]["state"] == "attached")
    # initctl blocks signals before it sends the request.
    client.send_signal(signal.SIGTERM)
    assert client.wait(DEADLINE) == 6


def test_what_cannot_be_attached(container):
    one_line(container.run("attach", "7"), 125, "attach to session 7", "no such session")
    terminal = container.on_terminal("exec", "--", "sh", "-c", LOOP)
    terminal.expect("ready")
    one_line(container.run("attach", "1"), 125, "attach to session 1", "the session is not held")
    one_line(container.run("attach", "x"), 125, "cannot use session 'x'", "expected a number")
    one_line(container.run("attach"), 125, "no session given")
    one_line(container.run("attach", "1", "2"), 125, "too many arguments")
    one_line(container.run("attach", "-u", "5", "1"), 125)


# ---- keys


def test_the_first_key_alone_arrives(container):
    terminal = container.on_terminal(*CAT)
    terminal.expect("ready")
    terminal.press("\x10a")
    typed(terminal, 0x10, 0x61)
    terminal.press("\x10\x10b")
    typed(terminal, 0x10, 0x10, 0x62)
    # Nothing follows: the key arrives nevertheless, after a while.
    terminal.press("\x10")
    typed(terminal, 0x10)
    terminal.press("\x11")
    typed(terminal, 0x11)
    terminal.press("\x10")
    terminal.press("\x11")
    assert terminal.wait() == 0
    container.wait_sessions(1)


def test_the_first_key_twice_and_then_the_second(container):
    """The second press of the first key begins the sequence."""
    terminal = container.on_terminal(*CAT)
    terminal.expect("ready")
    terminal.press("\x10" + DETACH)
    terminal.expect("detached")
    assert terminal.wait() == 0
    # The output of od is still to come, unless it was quicker than the detaching.
    if not re.search(r"\b10\b", terminal.seen + terminal.output):
        typed(container.on_terminal("attach", "1"), 0x10)


@pytest.mark.parametrize("names, keys, others", [
    ("ctrl-a,d", "\x01d", "\x10\x11"), ("~,.", "~.", "\x10\x11"), ("ctrl-]", "\x1d", "\x10\x11"), ("ctrl-_,ctrl-^", "\x1f\x1e", "\x10\x11"),
    ("a,a,b", "aaab", "ab"), ("ctrl-A,D", "\x01D", "\x01d")])
def test_other_keys(container, names, keys, others):
    terminal = container.on_terminal("exec", "--detach-keys", names, *CAT[1:])
    terminal.expect("ready")
    terminal.press(others)
    typed(terminal, *others.encode())
    terminal.press(keys)
    terminal.expect("detached")
    assert terminal.wait() == 0
    terminal = container.on_terminal("attach", f"--detach-keys={names}", "1")
    eventually(terminal.is_raw)
    terminal.press(keys)
    assert terminal.wait() == 0


def test_no_keys(container):
    terminal = container.on_terminal("exec", "--detach-keys=", *CAT[1:])
    terminal.expect("ready")
    terminal.press(DETACH)
    typed(terminal, 0x10, 0x11)


def test_keys_in_what_is_no_terminal_are_data(container):
    """If stdin is not a terminal, the bytes of the keys are data."""
    client = container.popen("exec", "-t", "sh", "-c", "stty raw -echo; echo ready; "
                             "exec od -An -v -tx1 -N2", stdin=subprocess.PIPE)
    assert client.stdout.readline() == b"ready\n"
    assert client.communicate(DETACH.encode(), DEADLINE)[0].split() == [b"10", b"11"]
    assert client.returncode == 0


def test_a_program_that_reads_nothing(container):
    """Detaching works from a program that reads nothing, after up to 64 KiB were typed."""
    terminal = container.on_terminal("exec", "--", "sh", "-c",
                                     "stty raw -echo; echo ready; exec sleep 1000")
    terminal.expect("ready")
    terminal.press("x" * 20000)
    terminal.press(DETACH)
    terminal.expect("detached")
    assert terminal.wait() == 0


def test_a_program_that_prints_without_end(container):
    terminal = container.on_terminal("exec", "yes")
    terminal.expect("y\r\ny\r\n")
    terminal.press(DETACH)
    terminal.expect("detached")
    assert terminal.wait() == 0
    terminal = container.on_terminal("attach", "1")
    terminal.expect("y\r\ny\r\n")


def test_init_that_does_not_answer(container):
    """While init is stopped and cannot take the session over, a signal still ends initctl."""
    terminal = container.on_terminal()
    terminal.expect(PROMPT)
    before = modes(terminal)
    terminal.type("$INITCTL exec sh -c 'echo begun; exec sleep 1000'")
    terminal.expect("begun")
    client = next(one for one in terminal.all("initctl"))
    halt(container.pid())
    try:
        terminal.press(DETACH)
        os.kill(client.pid, signal.SIGTERM)
        terminal.expect(PROMPT)
        eventually(lambda: modes(terminal) == before)
    finally:
        os.kill(container.pid(), signal.SIGCONT)


def test_hold_that_is_not_offered(control):
    """If hold is refused the session ends; the reason is printed on a restored terminal."""
    control.start("--control-verbs", "exec,sessions")
    terminal = control.on_terminal("exec", "--", "sh", "-c", LOOP)
    terminal.expect("ready")
    terminal.press(DETACH)
    terminal.expect("initctl: cannot complete the request for sh: Operation not permitted .*--control-verbs")
    assert terminal.wait() == 125
    assert not terminal.is_raw()


def test_the_container_ends_while_nobody_is_there(container):
    container.output("exec", "-d", "-t", "sh", "-c", LOOP)
    terminal = container.on_terminal("attach", "1")
    terminal.expect("ready")
    assert container.run("stop", "--grace", "0.2").returncode == 0
    assert terminal.wait() in (GONE, 128 + signal.SIGHUP)
