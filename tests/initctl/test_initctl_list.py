"""list: every control socket below some directories, alive or not."""
import json
import os
import shutil
import socket
import time

import pytest

from conftest import AS_ROOT, PROBE
from fleet import control, fleet  # noqa: F401
from hostile import GREETING, message
from initctl import one_line

STATUS = message("status", "state=running", "main=2", "uptime=1000", "sessions=0")


def rows(fleet, *words, **how):  # noqa: F811
    return {one["name"]: one for one in
            map(json.loads, fleet.output("list", "--json", *words, **how).splitlines())}


def statuses(fleet, *words):  # noqa: F811
    return {name: row["status"] for name, row in rows(fleet, *words).items()}


def test_list(fleet):
    fleet.start("web-2", "web-10", "db/main")
    fleet.output("-S", str(fleet.path("web-2")), "exec", "-d", "sleep", "1000")
    lines = [line.split() for line in fleet.output("list").splitlines()]
    assert lines[0] == ["NAME", "STATUS", "STATE", "PID", "COMMAND", "UP", "SESSIONS", "SOCKET"]
    assert [line[:5] for line in lines[1:]] == [
        ["db/main", "alive", "running", "2", "sleep"], ["web-10", "alive", "running", "2", "sleep"],
        ["web-2", "alive", "running", "2", "sleep"]]
    assert [line[-2:] for line in lines[1:]] == [
        [str(int(name == "web-2")), str(fleet.path(name))] for name in ("db/main", "web-10", "web-2")]


def test_json(fleet):
    fleet.start("a")
    one = rows(fleet)["a"]
    assert isinstance(one.pop("uptime"), int)
    assert one == {"message": "container", "name": "a", "status": "alive", "state": "running",
                   "pid": 2, "command": "sleep", "sessions": 0, "socket": str(fleet.path("a"))}
    fleet.dead("b")
    assert rows(fleet)["b"] == {
        "message": "container", "name": "b", "status": "dead", "state": None, "pid": None,
        "command": None, "uptime": None, "sessions": None, "socket": str(fleet.path("b"))}


def test_nothing_there(fleet):
    assert fleet.output("list") == ""
    assert fleet.output("list", "--json") == ""
    assert fleet.output("list", "--json", env={"INIT_SOCKETS": f"{fleet.directory}/none"}) == ""
    one_line(fleet.run("list", f"{fleet.directory}/none"), 125, "No such file")
    one_line(fleet.run("list", __file__), 125, "Not a directory")


def test_directories(fleet, tmp_path):
    """Those that are given, or else those of INIT_SOCKETS; the names begin below them."""
    fleet.start("a", "x/b")
    below = str(fleet.directory / "x")
    assert set(rows(fleet, below)) == {"b"}
    assert set(rows(fleet, below + "//", str(tmp_path))) == {"b"}
    both = {"INIT_SOCKETS": f"{tmp_path}:{tmp_path}/none::{below}"}
    assert set(rows(fleet, env=both)) == {"b"}
    # What is found twice is one container.
    assert set(rows(fleet, str(fleet.directory), below)) == {"a", "b"}


def test_depth_links_and_other_files(fleet):
    for name in ("1/2/three", "1/2/3/four", ".hidden", ".h/x"):
        fleet.dead(name)
    (fleet.directory / "file.sock").write_text("")
    os.mkfifo(fleet.directory / "fifo.sock")
    (fleet.directory / "link.sock").symlink_to(fleet.path("1/2/three"))
    (fleet.directory / "link").symlink_to(fleet.directory / "1/2/3")
    fleet.dead("../elsewhere")
    (fleet.directory / "out.sock").symlink_to("../elsewhere.sock")
    with socket.socket(socket.AF_UNIX) as other, socket.socket(
            socket.AF_UNIX, socket.SOCK_SEQPACKET) as bare:
        other.bind(str(fleet.directory / "stream.sock"))
        other.listen()
        bare.bind(str(fleet.directory / "bare"))
        assert statuses(fleet) == {"1/2/three": "dead", "bare": "dead"}
    # A directory that is given may be a link.
    assert statuses(fleet, str(fleet.directory / "link")) == {"four": "dead"}


@pytest.mark.parametrize("name", ["a b", "a\nb", "\x1b[31mred", "é", "tab\t"])
def test_names_that_are_not_words(fleet, name):
    fleet.dead(name)
    assert statuses(fleet) == {name: "dead"}
    out = fleet.output("list")
    assert len(out.splitlines()) == 2
    assert "\x1b" not in out and "\t" not in out


def test_a_name_that_is_not_utf_8(fleet):
    path = os.fsencode(fleet.directory) + b"/\xff.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.bind(path)
    assert list(statuses(fleet)) == ["\ufffd"]
    assert fleet.output("list").splitlines()[1].startswith("\\xff ")


def test_a_path_too_long_for_an_address(fleet):
    long = "/".join(["d" * 60] * 2)
    fleet.start(f"{long}/x")
    assert statuses(fleet) == {f"{long}/x": "alive"}


def test_the_same_name_twice(fleet, tmp_path):
    for name in ("p/1/app", "q/1/app", "q/1/other"):
        fleet.dead(name)
    found = rows(fleet, *(str(fleet.directory / one) for one in ("p/1", "q/1")))
    assert set(found) == {"p/1/app", "q/1/app", "other"}


# ---- those that do not answer


def test_what_does_not_answer_is_a_row(fleet):
    fleet.start("alive", "stopped")
    fleet.halt("stopped")
    fleet.dead("dead")
    fleet.silent("silent")
    fleet.full("full")
    fleet.server("mute", (GREETING, ()), [[]], linger=True)
    fleet.server("refuses", None, [])
    fleet.server("room", (message("failed", "stage=connect", "errno=11"), ()), [])
    fleet.server("other", (message("init", "version=9", "oldest=9"), ()), [])
    fleet.server("withholds", (GREETING, ()), [[(message("failed", "errno=1"), ())]])
    fleet.server("nonsense", (GREETING, ()), [[(message("what"), ())]])
    began = time.monotonic()
    out = fleet.output("--timeout", "700ms", "--json", "list")
    assert 0.7 <= time.monotonic() - began < 3
    assert {row["name"]: row["status"] for row in map(json.loads, out.splitlines())} == {
        "alive": "alive", "stopped": "no answer", "dead": "dead", "silent": "no answer",
        "full": "no answer", "mute": "no answer", "refuses": "no permission", "room": "no room",
        "other": "other version", "withholds": "alive", "nonsense": "Protocol error"}


def test_without_a_time_limit(fleet):
    fleet.start("a")
    assert json.loads(fleet.output("--timeout", "inf", "--json", "list"))["status"] == "alive"


def test_one_that_has_room_later(fleet):
    """A backlog that is full for a moment is no reason to give up."""
    fleet.silent("busy", backlog=0)
    listener = fleet.closing[-1]
    first = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    first.connect(str(fleet.path("busy")))
    one = fleet.popen("--json", "list")
    listener.settimeout(15)
    listener.accept()[0].close()
    with listener.accept()[0] as client:
        client.send(GREETING)
        assert b"status" in client.recv(65536)
        client.send(message("status", "state=odd", "uptime=5", "sessions=3"))
        out, err = one.communicate(timeout=15)
    first.close()
    found = json.loads(out)
    assert (found["state"], found["sessions"], found["pid"], err) == ("odd", 3, None, b"")


@pytest.mark.skipif(not AS_ROOT, reason="needs another user")
def test_no_permission(fleet):
    fleet.start("a")
    os.chmod(fleet.control.directory, 0o755)
    for mode in (0o600, 0o666):
        os.chmod(fleet.path("a"), mode)
        out = fleet.output("--json", "list", user=65534)
        assert json.loads(out)["status"] == "no permission"


@pytest.mark.skipif(not AS_ROOT, reason="needs another user")
def test_a_directory_that_cannot_be_read(fleet):
    fleet.dead("a")
    fleet.dead("secret/b")
    os.chmod(fleet.control.directory, 0o755)
    os.chmod(fleet.directory / "secret", 0o700)
    done = fleet.run("--json", "list", user=65534)
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["a"]
    assert done.returncode == 0 and done.stderr.count("\n") == 1
    assert "cannot read directory" in done.stderr and "secret: Permission denied" in done.stderr


@pytest.mark.parametrize("kinds", [["directory"], ["pipe"], ["null"], ["socket"], ["null", "null"], []])
def test_a_proc_that_is_none(fleet, kinds):
    """The container may pass anything instead of its /proc: then the command has no name."""
    fleet.server("a", (GREETING, ()), [[(STATUS, ())], [(message("opened"), kinds)]])
    one = rows(fleet)["a"]
    assert (one["status"], one["pid"], one["command"]) == ("alive", 2, None)


def test_a_false_proc(fleet, tmp_path):
    (tmp_path / "2").mkdir()
    (tmp_path / "2/comm").write_text("false\n")
    fleet.server("a", (GREETING, ()), [[(STATUS, ())], [(message("opened"), [str(tmp_path)])]])
    assert rows(fleet)["a"]["command"] is None


@pytest.mark.parametrize("name, shown", [
    ("a b)", "a b)"), ("\x1b[31m", "\\x1b[31m"), ("a\nb", "a\\nb"), ("\n", "\\n")])
def test_a_command_with_any_name(fleet, name, shown):
    program = shutil.copy(PROBE, fleet.control.directory / name)
    fleet.start("a", command=(program, "signals"))
    assert rows(fleet)["a"]["command"] == name
    assert f" {shown} " in fleet.output("list")
