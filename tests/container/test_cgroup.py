"""--cgroup and --limit: which process is in which cgroup, what is removed, what is refused."""
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from cgroup import (below, enter, entered, events, kill, line_of, made, processes,  # noqa: F401
                    tree)
from conftest import INIT, eventually, is_alive
from container import container, directory, gone  # noqa: F401

SLEEP = ("sleep", "1000")


def children(init):
    return [int(pid) for pid in Path(f"/proc/{init}/task/{init}/children").read_text().split()]


def command_of(init):
    """Its pid, after its exec: PID 1 waits for that, and would hang if it were frozen before."""
    pid = eventually(lambda: children(init.init_pid), what="a command")[0]
    eventually(lambda: "init" not in Path(f"/proc/{pid}/comm").read_text(), what="its exec")
    return pid


# ---- which process is where


def test_init_app_and_ops(container, how, tree):
    """PID 1 is in init, the command in app and a session in ops, with their children."""
    box = tree / "box"
    one = container("--cgroup", box, how=how, command=["sh", "-c", "sleep 1000; :"])
    channel, started = one.started("sh", "-c", "sleep 1000; :")
    eventually(lambda: len(processes(box / "app")) == 2 and len(processes(box / "ops")) == 2)
    assert processes(box) == []
    assert processes(box / "init") == [one.pid]
    assert command_of(one.init) in processes(box / "app")
    assert one.outside(started["pid"]) in processes(box / "ops")
    channel.close()
    eventually(lambda: processes(box / "ops") == [], what="the end of the session")
    os.kill(one.pid, signal.SIGTERM)
    assert one.init.wait() == 143
    assert not box.exists()


def test_on_a_terminal(container, tree):
    """A session on a terminal, which is started by other code, is in ops too."""
    one = container("--cgroup", tree / "box")
    channel = one.connect()
    answer = channel.exec("sleep", "1000")
    one.own(answer.take())
    assert one.outside(answer["pid"]) in processes(tree / "box/ops")


def test_without(start, how, tree):
    """Without --cgroup all processes stay in the cgroup of init."""
    init = start(SLEEP, how, outer=entered(tree))
    command = command_of(init)
    assert line_of(init.init_pid) == line_of(command) == tree
    assert below(tree) == [str(tree)]
    init.signal(signal.SIGTERM)
    init.wait()


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM", "E2BIG"])
def test_no_clone3(start, tree, error):
    """Where an old kernel or a seccomp filter refuses clone3, the child moves itself to app."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    init = start(["--cgroup", tree / "box", "--", *SLEEP], "plain",
                 outer=["strace", "-f", "-qq", "-e", "trace=clone3",
                        "-e", f"inject=clone3:error={error}"])
    command = command_of(init)
    assert processes(tree / "box/app") == [command]
    assert "INJECTED" in init.stderr()
    kill(command)
    assert init.wait() == 137


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
def test_no_clone3_for_sessions(container, tree, error):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    one = container("--cgroup", tree / "box", how="plain",
                    outer=["strace", "-f", "-qq", "-e", "trace=clone3",
                           "-e", f"inject=clone3:error={error}"])
    channel, started = one.started("sleep", "1000")
    assert processes(tree / "box/ops") == [one.outside(started["pid"])]
    channel.close()
    os.kill(one.pid, signal.SIGTERM)
    assert one.init.wait() == 143


def test_ops_is_gone(container, tree):
    """If ops has been removed, an exec fails rather than run in another cgroup."""
    one = container("--cgroup", tree / "box")
    channel = one.connect()
    (tree / "box/ops").rmdir()
    answer = channel.exec("true", stdio=one.null())
    assert (answer.name, answer["stage"]) == ("failed", "cgroup")
    one.check_well()
    os.kill(one.pid, signal.SIGTERM)
    assert one.init.wait() == 143
    assert below(tree) == [str(tree)]


def test_born_there(start, tree):
    """The command is created in app: if it were moved there, pids.max would not stop it."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    init = start(["--cgroup", tree / "box", "--", "true"], "plain",
                 outer=["strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork"])
    assert init.wait() == 0
    calls = [line for line in init.stderr().splitlines() if "SIGCHLD" in line and "(" in line]
    assert len(calls) == 1 and "CLONE_INTO_CGROUP" in calls[0]


def test_the_command_gets_no_descriptor(run, how, tree):
    """The command inherits no descriptor of a cgroup."""
    seen = run(["--cgroup", tree / "box", "--", "ls", "/proc/self/fd"], how).stdout.split()
    assert seen == ["0", "1", "2", "3"]


# ---- nothing is left


@pytest.mark.parametrize("command, code", [
    (["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137),
    (["/nonexistent"], 127), (["/etc/passwd"], 126)])
def test_end(run, how, tree, command, code):
    assert run(["--cgroup", tree / "box", "--", *command], how).returncode == code
    assert below(tree) == [str(tree)]


@pytest.mark.parametrize("words", [["--control", "/nonexistent/s"], ["--control-fd", "99"],
                                   ["--limit", "no_such.max=1"], ["--user", "1", "--chdir", "/nope"]])
def test_failed_start(run, how, tree, words):
    result = run(["--cgroup", tree / "box", *words, "--", "true"], how)
    assert result.returncode == 125 and result.stderr.count("\n") == 1
    assert below(tree) == [str(tree)]


@pytest.mark.parametrize("name", ["box/", "./box", "../{0}/box"])
def test_names_of_the_directory(start, tree, name):
    """A path may be relative and end with a slash; the directory that was made is removed."""
    init = start(["--cgroup", name.format(tree.name), "--", *SLEEP], "plain", cwd=tree)
    pid = command_of(init)
    assert eventually(lambda: line_of(pid) == tree / "box/app")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143
    assert below(tree) == [str(tree)]


def test_cgroups_that_the_command_made(start, how, tree):
    """Cgroups that the command made are removed, and daemons in them are killed."""
    app = tree / "box/app"
    init = start(["--cgroup", tree / "box", "--grace", "0.1", "--", "sh", "-c",
                  f"mkdir -p {app}/a/b {app}/.c; trap '' TERM; setsid sleep 1000 & "
                  f"echo $! >{app}/a/b/cgroup.procs; echo ready; exec sleep 1000"], how)
    init.line("ready")
    daemon, = processes(app / "a/b")
    kill(next(pid for pid in processes(app)))
    assert init.wait() == 137
    assert gone(daemon)
    assert below(tree) == [str(tree)]


def test_persona_that_ends_at_once(start, tree, directory):
    """By the name of tini init leaves its descendants alone, but kills those in the cgroup."""
    program = directory / "tini"
    program.symlink_to(INIT)
    init = start(["--cgroup", str(tree / "box"), "--", "sh", "-c",
                  "setsid sleep 1000 & echo $!"], "plain", program=program)
    daemon = int(init.line(r"^\d+$")[0])
    assert init.wait() == 0
    assert gone(daemon) and below(tree) == [str(tree)]


def test_frozen_at_the_end(start, how, tree):
    """Frozen processes, which do not handle TERM, are killed."""
    init = start(["--cgroup", tree / "box", "--kill-after", "0.1", "--", "sh", "-c",
                  "trap '' TERM; echo ready; exec sleep 1000"], how)
    init.line("ready")
    command = command_of(init)
    app = tree / "box/app"
    (app / "cgroup.freeze").write_text("1")
    eventually(lambda: events(app)["frozen"] == "1", what="the freeze")
    init.signal(signal.SIGTERM)
    assert init.wait() == 137
    assert gone(command) and below(tree) == [str(tree)]


def test_former_cgroup_is_gone(start, tree):
    """If the cgroup that init came from was removed, as systemd does with an empty scope, init
    moves to the root cgroup at the end."""
    home = made(tree / "home")
    init = start(["--cgroup", tree / "box", "--", *SLEEP], "plain",
                 outer=entered(home))
    command_of(init)
    eventually(lambda: processes(home) == [])
    home.rmdir()
    init.signal(signal.SIGTERM)
    assert init.wait() == 143
    assert below(tree) == [str(tree)]


def test_init_moves_back(start, tree):
    """Before it removes the cgroup, init moves back to the one that it came from."""
    home = made(tree / "home")
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    # Init is stopped after each directory that it removes, of which the cgroup itself is the last.
    resumed = 0

    def comes_to(condition):
        """Whether condition(stopped) is true; if it is not and init is stopped, resumes init."""
        nonlocal resumed
        stopped = init.stderr().count("stopped by SIGSTOP") > resumed
        if condition(stopped):
            return True
        if stopped:
            resumed += 1
            init.signal(signal.SIGCONT)
        return False

    init = start(["--cgroup", tree / "box", "--", "cat"], "plain", stdin=subprocess.PIPE,
                 outer=[*entered(home), "strace", "-qq", "-e", "trace=unlinkat",
                        "-e", "inject=unlinkat:signal=STOP"])
    eventually(lambda: comes_to(lambda _: children(init.init_pid)), what="a command")
    command_of(init)
    init.popen.stdin.close()
    eventually(lambda: comes_to(lambda stopped: stopped and not (tree / "box").exists()),
               what="the end of the cgroup")
    assert init.init_pid in processes(home)
    init.signal(signal.SIGCONT)
    assert init.wait() == 0


# ---- directories that were there before


def test_one_that_is_there_stays(run, how, tree):
    box = made(tree / "box")
    assert run(["--cgroup", box, "--", "true"], how).returncode == 0
    assert below(tree) == [str(tree), str(box)]


def test_others_in_it(start, tree):
    """Other cgroups in the same directory are not removed, and their processes not killed."""
    box = made(tree / "box")
    other = made(box / "other")
    neighbours = [subprocess.Popen(SLEEP, preexec_fn=lambda path=path: enter(path))
                  for path in (box, other)]
    try:
        init = start(["--cgroup", box, "--", *SLEEP], "plain")
        command_of(init)
        init.signal(signal.SIGTERM)
        assert init.wait() == 143
        assert all(one.poll() is None for one in neighbours)
        assert below(box) == [str(box), str(other)]
    finally:
        for one in neighbours:
            one.kill()
            one.wait()


def test_in_the_one_that_it_runs_in(start, how, tree):
    """--cgroup may name the cgroup that init is in: init moves back into it at the end."""
    box = made(tree / "box")
    init = start(["--cgroup", box, "--", *SLEEP], how,
                 outer=entered(box))
    pid = command_of(init)
    assert eventually(lambda: line_of(pid) == box / "app")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143
    assert below(box) == [str(box)]


def test_after_one_that_was_killed(start, how, tree):
    """Cgroups of an init that was killed are made anew, and keep no state."""
    first = start(["--cgroup", tree / "box", "--", *SLEEP], how)
    pid = command_of(first)
    app = tree / "box/app"
    eventually(lambda: line_of(pid) == app)
    (app / "cgroup.freeze").write_text("1")
    (app / "more").mkdir()
    kill(first.init_pid)
    first.wait()
    eventually(lambda: processes(app) == [], what="the end of the command")
    assert (app / "cgroup.freeze").read_text() == "1\n"
    second = start(["--cgroup", tree / "box", "--", "cat", "/proc/self/cgroup"], how)
    assert second.wait() == 0
    assert second.rest().splitlines()[-1].endswith("/box/app")
    # The directory stays, since this init did not create it.
    assert below(tree) == [str(tree), str(tree / "box")]


def test_one_that_is_in_use(start, run, how, tree):
    """A cgroup that is in use is refused, and the container that uses it is not disturbed."""
    first = start(["--cgroup", tree / "box", "--", *SLEEP], how)
    pid = command_of(first)
    eventually(lambda: line_of(pid) == tree / "box/app")
    before = below(tree)
    second = run(["--cgroup", tree / "box", "--", "true"], how)
    assert second.returncode == 125
    assert second.stderr in {
        f"init: cannot make cgroup {tree}/box/init: {reason} busy\n"
        for reason in ("Resource", "Device or resource")}
    assert below(tree) == before and is_alive(pid) and line_of(pid) == tree / "box/app"
    first.signal(signal.SIGTERM)
    assert first.wait() == 143
    assert below(tree) == [str(tree)]


# ---- what is refused


def test_not_a_cgroup(run, how, directory):
    for path, made in ((directory / "box", False), (directory, True), ("/proc", True)):
        result = run(["--cgroup", path, "--", "true"], how)
        assert result.returncode == 125
        assert result.stderr.startswith(f"init: cannot make cgroup {path}: ")
        assert "cgroup v2" in result.stderr or path == "/proc"
        assert Path(path).exists() == made


def test_no_parent(run, how, tree):
    result = run(["--cgroup", tree / "no/box", "--", "true"], how)
    assert result.returncode == 125
    assert result.stderr == f"init: cannot make cgroup {tree}/no/box: No such file or directory\n"


@pytest.mark.parametrize("limit, controller", [
    ("memory.max=1M", "memory"), ("pids.max=3", "pids"), ("nonsense.max=1", "nonsense"),
    ("cpu.weight=50", "cpu"), ("io.weight=default 5", "io"),
    ("cgroup.freeze=1", "cgroup"), ("../x/cgroup.freeze=1", "")])
def test_a_controller_that_is_missing(run, tree, limit, controller):
    """A missing controller is named. Files that freeze or kill are not accepted as limits."""
    if controller in (tree / "cgroup.controllers").read_text().split():
        pytest.skip(f"{controller} is there")
    result = run(["--cgroup", tree / "box", "--limit", limit, "--", "true"])
    assert result.returncode == 125
    assert re.fullmatch(f"init: cannot set {re.escape(limit)}(: no such controller in | in cgroup )"
                        f"{tree}/box: .*\n", result.stderr)
    assert below(tree) == [str(tree)]


@pytest.mark.parametrize("words, says", [
    (["--limit", "memory.max=1"], "--limit without --cgroup: 'memory.max=1'"),
    (["--cgroup", "/c", "--limit", "memory.max"], "--limit: bad value 'memory.max'"),
    (["--cgroup", "/c", "--limit="], "--limit: bad value ''"),
    (["--cgroup", ""], "--cgroup: bad value ''"), (["--cgroup"], "option requires an argument -- '--cgroup'"),
    (["--cgroup", "/c"] + ["--limit", "pids.max=1"] * 33, "--limit: bad value 'pids.max=1'")])
def test_misused(run, words, says):
    result = run([*words, *([] if words == ["--cgroup"] else ["--", "true"])], dashes=[])
    assert (result.returncode, result.stderr) == (125, f"init: {says}\n")


# ---- the operator


def test_what_is_handed_out(container, tree):
    """`open what=cgroup` passes the directory of --cgroup; without the option that of init."""
    one = container("--cgroup", tree / "box")
    handed = one.connect().call("open", "what=cgroup").take()
    one.own(handed)
    assert os.path.samestat(os.fstat(handed), os.stat(tree / "box"))
    assert {"init", "app", "ops"} <= set(os.listdir(handed))
    two = container(apart=True)
    handed = two.own(two.connect().call("open", "what=cgroup").take())
    assert os.path.samestat(os.fstat(handed), os.stat(line_of(two.pid)))


def test_while_frozen(container, how, tree):
    """While the command is frozen its operator can work."""
    one = container("--cgroup", tree / "box", how=how)
    assert one.output("echo", "before") == "before\n"
    app = tree / "box/app"
    (app / "cgroup.freeze").write_text("1")
    eventually(lambda: events(app)["frozen"] == "1", what="the freeze")
    assert one.output("sh", "-c", "sleep 0; echo still here") == "still here\n"
    assert one.connect().call("status")["state"] == "running"
    assert events(app)["frozen"] == "1"


def test_sessions_one_after_another(container, tree):
    """No descriptor is left open by sessions, with or without a terminal."""
    one = container("--cgroup", tree / "box")
    one.run("true")
    held = one.idle()
    for _ in range(20):
        one.run("true")
    one.check_well(held)
    assert processes(tree / "box/ops") == []


# ---- an ordinary user, in a tree that was delegated to them


@pytest.mark.parametrize("wrap", [[], ["unshare", "-Urpf", "--kill-child"]], ids=["user", "userns"])
def test_delegated(start, tree, wrap):
    uid = 54321
    home = made(tree / "home")
    for folder in (tree, home):
        for name in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(folder / name, uid, uid)
    init = start(["--cgroup", tree / "box", "--", "sh", "-c", "cat /proc/self/cgroup; exec sleep 1000"],
                 "plain", outer=[*entered(home), "setpriv", "--reuid", uid, "--regid", uid,
                                 "--clear-groups", *wrap])
    assert init.line(r"0::.*/box/app$")
    assert os.stat(tree / "box/app").st_uid == uid
    kill(processes(tree / "box/app")[0])
    assert init.wait() == 137
    assert below(tree) == [str(tree), str(home)]


def test_not_delegated(run, tree):
    """In a tree of another user: the error has the step, the object and the reason."""
    result = run(["--cgroup", tree / "box", "--", "true"], "plain",
                 outer=["setpriv", "--reuid", 54321, "--regid", 54321, "--clear-groups"])
    assert result.returncode == 125
    assert result.stderr == f"init: cannot make cgroup {tree}/box: Permission denied\n"
    assert below(tree) == [str(tree)]


@pytest.mark.parametrize("options, when", [(["--unshare=pid"], 4), ([], 7)],
                         ids=["janitor", "alone"])
def test_one_that_cannot_be_removed(run, tree, options, when):
    """The janitor, or init itself, reports a cgroup that cannot be removed, and the reason."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    result = run([*options, "--cgroup", tree / "box", "--", "true"], "plain",
                 outer=["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                        f"inject=unlinkat:error=EPERM:when={when}+"])
    assert result.returncode == 0, result
    assert result.stderr == f"init: cannot remove cgroup {tree}/box: Operation not permitted\n"


@pytest.mark.parametrize("part", ["app", "ops"])
def test_one_that_cannot_be_opened(run, tree, part, tmp_path):
    """If a cgroup cannot be opened, the start fails: the command must not run outside of it."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    words, log = ["--cgroup", tree / "box", "--", "touch", tmp_path / "ran"], tmp_path / "log"
    strace = ["strace", "-qq", "-o", log, "-e", "trace=openat"]
    assert run(words, "plain", outer=strace).returncode == 0
    (tmp_path / "ran").unlink()
    opened = log.read_text().splitlines()
    when = next(i for i, line in enumerate(opened, 1) if f'"{part}", ' in line)
    result = run(words, "plain", outer=[*strace, "-e", f"inject=openat:error=EMFILE:when={when}"])
    assert (result.returncode, (tmp_path / "ran").exists()) == (125, False), result
    assert result.stderr.startswith(f"init: cannot open cgroup {tree}/box/{part}: "), result
    assert below(tree) == [str(tree)]


def test_cgroups_as_deep_as_the_command_likes(start, how, tree):
    """Init removes cgroups only to a certain depth; it exits, and reports what is left."""
    path = tree / "box/app" / "/".join("d" * 100)
    init = start(["--cgroup", tree / "box", "--", "sh", "-c",
                  f"mkdir -p {path} && echo ready; exec sleep 1000"], how)
    init.line("ready")
    kill(processes(tree / "box/app")[0])
    code = init.wait()
    left = below(tree)
    for folder in sorted(left, key=len, reverse=True):
        if folder != str(tree):
            os.rmdir(folder)
    assert code == 137
    assert re.fullmatch(f"init: cannot remove cgroup {tree}/box: .*[Rr]esource busy\n", init.stderr())
    # Those that are deeper than 64 levels are left, and so are their parents.
    assert len(left) == 1 + 2 + 100
