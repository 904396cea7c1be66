"""A verb on several containers at once: -S repeated or with a pattern, --all, --jobs."""
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from conftest import DEADLINE, PROBE, descendants, eventually, is_alive, status_of
from fleet import control, fleet  # noqa: F401
from hostile import GREETING
from initctl import one_line
from inside import needs_strace
from terminal import INTERRUPT, process

NAMES = ("a", "b", "ccc")
SLOW_WRITES = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=write",
               "-e", "inject=write:delay_exit=5000"]


@pytest.fixture
def three(fleet):
    return fleet.start(*NAMES)


def by_name(text):
    """NAME | LINE, as a dict of lists."""
    found = {}
    for line in text.splitlines():
        name, rest = re.fullmatch(r"(\S+) *? \| (.*)", line).groups()
        found.setdefault(name, []).append(rest)
    return found


def children(pid):
    """Those that run the verb; each may have processes of its own, which watch over it."""
    return [one for one, status in descendants(pid).items() if int(status["PPid"]) == pid]


# ---- which


def test_all(three):
    out = three.output("--all", "status")
    assert set(re.findall(r"^(.{3}) \| ", out, re.M)) == {"a  ", "b  ", "ccc"}
    found = by_name(out)
    assert set(found) == set(NAMES)
    for lines in found.values():
        assert {"state: running", "pid: 1"} <= set(lines)


def test_a_pattern(three):
    def names(pattern):
        return set(by_name(three.output("-S", f"{three.directory}/{pattern}", "status")))

    three.start("d/a", "d/[x]", ".h")
    assert names("*.sock") == set(NAMES)
    assert names("?.sock") == {"a", "b"}
    assert names("[!a]*") == {"b", "ccc"}
    assert names("[a-b].sock") == {"a", "b"}
    assert names("*/a.sock") == {"a"}
    assert names("c*c.s?ck") == {"ccc"}
    assert names("./*/../[b]*") == {"b"}
    assert names("d/\\[x*") == {"[x]"}
    assert names(".*.sock") == {".h"}
    assert three.output("-S", str(three.path("d/[x]")), "status").startswith("release: "), "a name"


def test_a_pattern_finds_sockets_only(three):
    (three.directory / "file.sock").write_text("")
    (three.directory / "dir.sock").mkdir()
    (three.directory / "link.sock").symlink_to(three.path("a"))
    found = by_name(three.output("-S", f"{three.directory}/*.sock", "status"))
    assert set(found) == set(NAMES), "a link to one that is there is not another one"
    os.rename(three.directory / "link.sock", three.directory / "0.sock")
    assert "0" in by_name(three.output("-S", f"{three.directory}/*.sock", "status"))


def test_several_options(three):
    words = [word for name in ("a", "ccc") for word in ("-S", str(three.path(name)))]
    assert set(by_name(three.output(*words, "status"))) == {"a", "ccc"}
    # One is one, without a name in front; and so are two of one.
    assert three.output(*words[:2], "status").startswith("release: ")
    assert set(by_name(three.output("--all", *words, "status"))) == set(NAMES)


def test_none(fleet):
    for words in (["--all"], ["-S", f"{fleet.directory}/*.sock"], ["-S", "/none/*/*.sock"]):
        one_line(fleet.run(*words, "status"), 125, "no control socket found: ", words[-1].strip("-al"))


def test_names_that_are_the_same(fleet):
    fleet.start("x/1/app", "y/1/app", "y/2/app", "y/2/b")
    words = [word for name in fleet.inits for word in ("-S", str(fleet.path(name)))]
    found = by_name(fleet.output(*words, "status"))
    assert set(found) == {"x/1/app", "y/1/app", "2/app", "b"}


def test_a_name_with_control_characters(fleet):
    fleet.start("a\x1b[1m\n")
    assert "\x1b" not in fleet.output("--all", "status")
    assert all(line.startswith("a\\x1b[1m\\n | ")
               for line in fleet.output("--all", "status").splitlines())
    one = json.loads(fleet.output("--all", "--json", "status"))
    assert one["container"] == "a\x1b[1m\n"


@pytest.mark.parametrize("words", [
    ["shell"], ["attach", "1"], ["ns", "net", "true"], ["ns"], ["wait"], ["sessions"],
    ["cp", ":/etc/passwd", "/tmp"], ["cp", "-", ":/tmp"], ["cp", ":/a", ":/b"], ["cp"]])
def test_verbs_that_are_for_one(three, words):
    one_line(three.run("--all", *words), 125, words[0], "initctl help")


@pytest.mark.parametrize("words, part", [
    (["exec", "--foo"], "unknown option '--foo'"), (["exec"], "no command given"),
    (["signal"], "no signal given"), (["status", "x"], "too many arguments"),
    (["exec", "--program", "/none", "x"], "/none")])
def test_bad_arguments_are_reported_once(three, words, part):
    one_line(three.run("--all", *words), 125, part)


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "1000000000000"])
def test_bad_jobs(three, value):
    one_line(three.run("--all", "--jobs", value, "status"), 125, "bad value for --jobs")


# ---- what they print


def test_json(three):
    found = [json.loads(line) for line in three.output("--all", "--json", "status").splitlines()]
    assert sorted(one["container"] for one in found) == sorted(NAMES)
    assert all(list(one)[:2] == ["container", "message"] for one in found)


def test_output_that_is_no_object_keeps_its_name(three):
    out = three.output("--all", "--json", "exec", "echo", '{"x":1}')
    assert by_name(out) == {name: ['{"x":1}'] for name in NAMES}


def test_both_outputs(three):
    done = three.run("--all", "exec", "sh", "-c", "echo out; echo err >&2; printf end")
    assert by_name(done.stdout) == {name: ["out", "end"] for name in NAMES}
    assert by_name(done.stderr) == {name: ["err"] for name in NAMES}


def test_lines_are_not_mixed(three):
    script = "i=0; while [ $i -lt 3000 ]; do printf xxxxxxxxxx; echo yyyyyyyyyy; i=$((i+1)); done"
    out = three.output("--all", "exec", "sh", "-c", script)
    assert by_name(out) == {name: ["xxxxxxxxxxyyyyyyyyyy"] * 3000 for name in NAMES}


@needs_strace
def test_a_table_stays_together(fleet):
    fleet.start(*NAMES, command=("sh", "-c", "for i in $(seq 100); do sleep 1000 & done; wait"))
    eventually(lambda: fleet.output("--all", "ps").count("sleep 1000\n") == 300, what="the processes")
    # Each write of a child takes its time, so that others come between.
    lines = fleet.output("--all", "ps", outer=SLOW_WRITES,
                         env={"ASAN_OPTIONS": "detect_leaks=0"}).splitlines()
    names = [name for name, _ in itertools.groupby(line.split()[0] for line in lines)]
    assert sorted(names) == sorted(NAMES) and len(lines) > 300


def test_long_lines(three):
    """Longer than a pipe; one of more than 1 MiB is printed in parts."""
    for length in (100000, 900000, 3 << 20):
        found = by_name(three.output("--all", "exec", "sh", "-c",
                                     f"head -c {length} /dev/zero | tr '\\0' x; echo; echo end"))
        for lines in found.values():
            assert lines[-1] == "end" and "".join(lines[:-1]) == "x" * length
            assert (len(lines) == 2) == (length < 1 << 20)


def test_bytes_arrive_as_they_are(three):
    done = three.run("--all", "exec", "printf", r"\0\377\33\r\n\n\n", text=False)
    assert sorted(done.stdout.split(b"\n")) == sorted(
        [b""] + [name.encode().ljust(3) + b" | " + rest
                 for name in NAMES for rest in (b"\0\xff\x1b\r", b"", b"")])


def test_stdin_is_empty(three):
    assert by_name(three.output("--all", "exec", "sh", "-c", "cat; echo end", input="text\n")) == {
        name: ["end"] for name in NAMES}


def test_colours_on_a_terminal_only(three):
    env = {"INIT_SOCKETS": str(three.directory)}
    one = three.control.on_terminal("--all", "exec", "echo", "text", env=env)
    one.expect(r"\x1b\[3\dm[abc]+\x1b\[m +\| text")
    assert one.wait() == 0
    one = three.control.on_terminal("--all", "exec", "echo", "text", env={**env, "NO_COLOR": "1"})
    one.expect(r"^[abc]+ +\| text")
    assert one.wait() == 0
    assert "\x1b" not in three.output("--all", "status")


def test_watch(three):
    one = three.popen("--all", "watch", stdout=subprocess.PIPE)
    lines = iter(one.stdout.readline, b"")
    eventually(lambda: len(children(one.pid)) == 3, what="a child for each")
    three.output("-S", str(three.path("b")), "exec", "true")
    for line in lines:
        if line.startswith(b"b   | ") and b"started" in line:
            break
    else:
        pytest.fail("the event is missing")
    three.output("--all", "stop")
    rest = b"".join(lines).decode()
    assert one.wait(DEADLINE) == 0 and set(by_name(rest)) <= set(NAMES)


# ---- exit codes


def test_the_worst_exit_code(three):
    done = three.run("--all", "exec", "sh", "-c", "exit 3")
    assert done.returncode == 3
    three.dead("dead")
    done = three.run("--all", "exec", "sh", "-c", "exit 3")
    assert done.returncode == 125
    assert by_name(done.stderr) == {
        "dead": [f"initctl: cannot connect to {three.path('dead')}: Connection refused"]}


def test_signal_and_stop(three):
    three.output("--all", "signal", "WINCH")
    ended = [one.popen for one in three.inits.values()]
    assert three.output("--all", "stop", "--grace", "1s") == ""
    for one in ended:
        one.wait(DEADLINE)


def test_copy_inwards(fleet, tmp_path):
    """Each has a root of its own here."""
    for name in NAMES:
        root = fleet.directory / f"root-{name}"
        (root / "proc").mkdir(parents=True)
        shutil.copy(PROBE, root / "probe")
        fleet.start(name, options=("--unshare", "mount", "--chroot", root), command=("/probe", "signals"))
    (tmp_path / "file").write_text("text\n")
    assert fleet.output("--all", "cp", str(tmp_path / "file"), ":/copy") == ""
    for name in NAMES:
        assert (fleet.directory / f"root-{name}" / "copy").read_text() == "text\n"
    done = fleet.run("--all", "cp", str(tmp_path / "none"), ":/copy")
    assert done.returncode == 125 and set(by_name(done.stderr)) == set(NAMES)


# ---- those that do not answer


def test_one_that_does_not_answer_delays_nobody(three):
    three.halt("b")
    began = time.monotonic()
    one = three.popen("--timeout", "1500ms", "--all", "status")
    out = b"".join(one.stdout.readline() for _ in range(18))
    assert time.monotonic() - began < 1
    out += one.stdout.read()
    err = one.stderr.read()
    assert time.monotonic() - began >= 1.5
    assert set(by_name(out.decode())) == {"a", "ccc"}
    assert one.wait(DEADLINE) == 125
    assert list(by_name(err.decode())) == ["b"] and err.count(b"\n") == 1
    assert b"no answer within 1500 ms" in err


def test_many_kinds_of_silence(three):
    three.silent("silent")
    three.full("full")
    three.server("mute", (GREETING, ()), [[]], linger=True)
    done = three.run("--timeout", "500ms", "--all", "status")
    assert done.returncode == 125 and set(by_name(done.stdout)) == set(NAMES)
    errors = by_name(done.stderr)
    assert set(errors) == {"silent", "full", "mute"}
    assert all(len(lines) == 1 and "no answer" in lines[0] for lines in errors.values())


def test_jobs(three):
    """No more at once than --jobs says; and all in turn."""
    marker = three.control.directory / "job"
    script = (f"d=$(mktemp -d {marker}.XXXXXX); sleep 0.2; ls -d {marker}.* | wc -l; "
              "sleep 0.2; rmdir $d")
    for jobs, most in ((1, {1}), (2, {1, 2}), (3, {3})):
        found = by_name(three.output("--all", "--jobs", str(jobs), "exec", "sh", "-c", script))
        assert set(found) == set(NAMES)
        assert {int(lines[0]) for lines in found.values()} <= most


# ---- the end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP])
def test_a_signal_is_passed_on(three, number):
    """It reaches the sessions by way of the children; what they print then still arrives."""
    script = "trap 'echo caught; exit 7' INT TERM QUIT HUP; echo ready; while :; do sleep 0.02; done"
    one = three.popen("--all", "exec", "sh", "-c", script)
    seen = [one.stdout.readline() for _ in NAMES]
    assert all(line.endswith(b" | ready\n") for line in seen)
    pids = [pid for pid in descendants(one.pid) if pid != one.pid]
    one.send_signal(number)
    out, _ = one.communicate(timeout=DEADLINE)
    if number != signal.SIGHUP:  # ends the client of a session at once
        assert by_name(out.decode()) == {name: ["caught"] for name in NAMES}
        assert one.returncode == 7
    else:
        assert one.returncode == 128 + number
    assert not any(is_alive(pid) for pid in pids)


def test_ignored_signals(three):
    """As in the background of a shell without job control; and a parent that ignores its children."""
    def ignore():
        for number in (signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)

    done = three.run("--all", "exec", "sh", "-c", "exit 3", preexec_fn=ignore)
    assert (done.returncode, done.stderr) == (3, "")
    one_line(three.run("--all", "exec", "--foo", preexec_fn=ignore), 125, "--foo")
    one = three.popen("--all", "exec", "sh", "-c", "echo ready; sleep 0.3; exit 4", preexec_fn=ignore)
    one.stdout.readline()
    one.send_signal(signal.SIGINT)
    assert one.wait(DEADLINE) == 4


def test_a_key_reaches_each_command_once(three):
    script = "trap 'echo caught' INT; trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done"
    one = three.control.on_terminal("--all", "exec", "sh", "-c", script,
                                    env={"INIT_SOCKETS": str(three.directory), "NO_COLOR": "1"})
    for _ in NAMES:
        one.expect(r"\| ready")
    # Two signals may count as one, so look whether there are two.
    groups = {process(pid).pgrp for pid in descendants(one.popen.pid)}
    assert len(groups) == len(NAMES) and process(one.popen.pid).pgrp not in groups
    one.press(INTERRUPT)
    for _ in NAMES:
        one.expect(r"\| caught")
    one.popen.send_signal(signal.SIGTERM)
    assert one.wait() == 9
    assert (one.seen + one.output).count("caught") == len(NAMES)


def test_a_signal_ends_what_does_not_catch_it(three):
    three.halt("b")
    for words, number in ((["watch"], signal.SIGTERM), (["stop"], signal.SIGINT)):
        one = three.popen("--timeout", "60s", "--all", *words)
        pids = eventually(lambda: int(status_of(one.pid)["SigBlk"], 16) & 1 << (number - 1) and
                          list(descendants(one.pid)), what="a child, and that signals are awaited")
        one.send_signal(number)
        assert one.wait(DEADLINE) == 128 + number
        assert not any(is_alive(pid) for pid in pids)


def test_no_more_are_started_after_a_signal(three):
    """Not even while one that has started before takes its time."""
    first = three.control.directory / "first"
    script = (f"mkdir {first} && trap 'sleep 0.5; exit 3' TERM; echo ready; "
              "while :; do sleep 0.02; done")
    one = three.popen("--all", "--jobs", "2", "exec", "sh", "-c", script)
    for _ in range(2):
        one.stdout.readline()
    one.send_signal(signal.SIGTERM)
    out, _ = one.communicate(timeout=DEADLINE)
    assert (out, one.returncode) == (b"", 128 + signal.SIGTERM)


def test_children_die_with_their_parent(three):
    one = three.popen("--all", "watch")
    eventually(lambda: len(children(one.pid)) == 3, what="a child for each")
    pids = list(descendants(one.pid))
    one.kill()
    one.wait()
    eventually(lambda: not any(is_alive(pid) for pid in pids), what="the end of the children")


def test_a_reader_that_goes_away(three):
    one = three.popen("--all", "exec", "sh", "-c", "while :; do echo text; done")
    one.stdout.readline()
    one.stdout.close()
    assert one.wait(DEADLINE) == -signal.SIGPIPE


def test_a_reader_that_does_not_read(three):
    """A signal ends it nevertheless."""
    one = three.popen("--all", "exec", "sh", "-c", "while :; do echo text; done")
    one.stdout.readline()
    eventually(lambda: len(children(one.pid)) == 3, what="a child for each")
    one.send_signal(signal.SIGTERM)
    one.wait(DEADLINE)
    assert one.returncode == 128 + signal.SIGTERM


def test_output_that_cannot_be_written(three):
    with open("/dev/full", "w") as full:
        done = three.run("--all", "status", stdout=full)
    assert done.returncode == 125
    assert done.stderr == "initctl: cannot write output: No space left on device\n"


def test_what_is_left_in_the_background_is_not_waited_for(three):
    out = three.output("--all", "exec", "sh", "-c", "sleep 1000 & echo $!")
    assert set(by_name(out)) == set(NAMES)


# ---- fifty


def test_fifty_containers(fleet):
    names = [f"web-{number}" for number in range(50)]
    fleet.start(*names)
    fleet.halt("web-7")
    began = time.monotonic()
    one = fleet.popen("--timeout", "3s", "--all", "ps")
    mains = 0
    while mains < 49:
        mains += b" main sleep 1000\n" in one.stdout.readline()
    assert time.monotonic() - began < 1
    err = one.stderr.read()
    assert list(by_name(err.decode())) == ["web-7"] and err.count(b"\n") == 1
    assert one.wait(DEADLINE) == 125
