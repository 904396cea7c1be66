"""The start of init, up to the exec of the command."""
import itertools
import json
import os
import re
import signal

import pytest

from conftest import DEADLINE, INIT, PROBE, SLOW_START, descendants, eventually

# dumb-init signals the group by default and has no option for it.
GROUP = [] if os.path.basename(INIT) == "dumb-init" else ["-g"]
NOTHING = "0" * 16


def report(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def mask(*signals):
    return f"{sum(1 << (number - 1) for number in signals):016x}"


def child_named(init, name):
    """The pid of the child of init that runs a program, once it does."""
    def find():
        return [pid for pid, status in descendants(init.init_pid).items()
                if status["Name"].strip() == name]
    return eventually(find, what=f"a process {name}")[0]


@pytest.mark.parametrize("leader", [False, True], ids=["setpgid", "setsid"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_signal_before_the_group_exists(start, how, leader, number):
    """Elsewhere a TERM between the fork and the child's setpgid or setsid is lost. Here the command
    gets it."""
    # In a container an engine starts init as a session leader; in the test the probe does.
    wrap = [PROBE, "session"] if leader and how == "pid1" else []
    outer = SLOW_START
    if how == "plain" and not leader:
        # Here the leader of the session is a shell.
        outer = ["sh", "-c", '"$@"; exit $?', "sh", *SLOW_START]
    init = start([*GROUP, "sleep", "1000"], how, outer=outer, wrap=wrap)
    eventually(lambda: descendants(init.init_pid), what="a child of init")
    init.signal(number)
    assert init.wait() == 128 + number


def test_child_signal_ignored(run, how):
    """Where SIGCHLD was ignored, tini and catatonit hang for ever. Init does not, and the command
    finds it ignored."""
    with_ignored = [PROBE, "with", "--ignore", "17", "--"]
    assert run([PROBE, "exit", "7"], how, wrap=with_ignored).returncode == 7
    assert report(run([PROBE, "report"], how, wrap=with_ignored))["ignored"] == mask(17)


@pytest.mark.parametrize("ignore, block", [((), ()), ((1,), ()), ((2, 3, 13, 33, 64), ()),
                                           ((), (1, 15, 32, 33, 34, 64)), ((20, 21), (22, 10))])
def test_inherited_ignored_and_mask(run, how, ignore, block):
    """dumb-init resets ignored signals and the signal mask; catatonit starts the command with
    TSTP, TTIN and TTOU blocked. Here the command has both as init inherited them."""
    words = [w for n in ignore for w in ("--ignore", n)] + [w for n in block
                                                          for w in ("--block", n)]
    seen = report(run([PROBE, "report"], how, wrap=[PROBE, "with", *words, "--"]))
    assert (seen["ignored"], seen["blocked"]) == (mask(*ignore), mask(*block))


def test_nohup(start, how):
    """An init that resets ignored signals breaks `nohup`."""
    init = start(["sh", "-c", "echo ready; read go; exit 6"], how, wrap=["nohup"], stdin=-1)
    init.line("ready")
    init.signal(signal.SIGHUP)
    eventually(lambda: int(init.status()["ShdPnd"], 16) == 0, what="the signal to be taken")
    init.popen.stdin.close()
    assert init.wait() == 6


@pytest.mark.parametrize("closed",
                         [c for n in range(4) for c in itertools.combinations(range(3), n)],
                         ids=lambda c: "".join(map(str, c)) or "none")
def test_closed_standard_descriptors(start, how, closed):
    """tini exits with 1 if stdin is closed. Here any of 0, 1 and 2 may be closed at the start, and
    is closed in the command."""
    words = [w for fd in closed for w in ("--close", fd)]
    init = start(["sleep", "1000"], how, wrap=[PROBE, "with", *words, "--"])
    command = child_named(init, "sleep")
    # While a program is loaded its libraries are open as well.
    eventually(lambda: set(os.listdir(f"/proc/{command}/fd"))
               == {str(fd) for fd in range(3) if fd not in closed}, what="just these descriptors")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143


def test_child_not_started_by_init(start, how, tmp_path):
    """`sh -c 'sleep 1 & exec init cmd'`: a child that init has from the start is not taken for the
    command."""
    go = tmp_path / "go"
    stranger = ["sh", "-c", f'{PROBE} wait {go} {PROBE} exit 9 & exec "$@"', "sh"]
    init = start(["sh", "-c", "echo ready; exec sleep 1000"], how, wrap=stranger)
    init.line("ready")
    child_named(init, "probe")
    go.touch()
    eventually(lambda: len(descendants(init.init_pid)) == 1, what="the end of the other child")
    child_named(init, "sleep")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143


@pytest.mark.parametrize("words", [["-g", "hi"], ["--", "-v"], ["-e", "3"], ["--help"], [""],
                                   ["a b", "\n", "'"]], ids=repr)
@pytest.mark.parametrize("dashes", [[], ["--"]], ids=["bare", "dashes"])
def test_arguments_of_the_command(run, how, dashes, words):
    """tini takes options of the command for its own, as in `tini echo -g hi`. Init does not."""
    assert report(run([*dashes, PROBE, "report", *words], how, dashes=[]))["args"] == words


def unusable(tmp_path):
    """What cannot be executed, and the code for it."""
    files = {"plain": 0o644, "text": 0o755, "lost": 0o755}
    for name, mode in files.items():
        (tmp_path / name).write_text("#!/nonexistent/shell\n" if name == "lost" else "text\n")
        (tmp_path / name).chmod(mode)
    (tmp_path / "loop").symlink_to("loop")
    return {
        "nonexistent-command": 127,              # ENOENT, searched for in PATH
        "/nonexistent/command": 127,             # ENOENT
        "/etc/passwd/command": 127,              # ENOTDIR
        "": 127,                                 # ENOENT
        str(tmp_path / "lost"): 127,             # ENOENT of its interpreter
        str(tmp_path / "plain"): 126,            # EACCES
        str(tmp_path): 126,                      # EACCES
        str(tmp_path / "text"): 126,             # ENOEXEC
        str(tmp_path / "loop"): 126,             # ELOOP
        "/" + "x" * 300: 126,                    # ENAMETOOLONG
    }


@pytest.mark.parametrize("which", range(10))
def test_exec_failure(run, how, tmp_path, which):
    """Init exits with 127 for ENOENT and ENOTDIR, and with 126 for any other error of the exec."""
    word, code = list(unusable(tmp_path).items())[which]
    result = run([word, "-x"], how)
    assert (result.returncode, result.stdout) == (code, "")


@pytest.mark.parametrize("which", range(10))
def test_exec_failure_is_told(run, how, tmp_path, which):
    """One line on stderr with the word and the reason."""
    word = list(unusable(tmp_path))[which]
    said = run([word, "-x"], how).stderr
    assert re.fullmatch(rf"init: cannot exec {re.escape(word)}: [A-Z][a-z ]+\n", said)


def test_path_is_searched(run, how, tmp_path):
    """The first file that can be executed is; if there is none, EACCES of an earlier one is
    reported."""
    for folder, mode, code in (("denied", 0o644, 1), ("first", 0o755, 41), ("second", 0o755, 42)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / folder / "x").chmod(mode)

    def code(*folders, **options):
        path = ":".join(str(tmp_path / f) if f else "" for f in folders)
        return run(["x"], how, wrap=["/usr/bin/env", f"PATH={path}"], **options).returncode

    assert code("first", "second") == 41
    assert code("denied", "nonexistent", "second") == 42
    assert code("denied") == 126
    assert code("nonexistent") == 127
    assert code("nonexistent", "", cwd=tmp_path / "first") == 41


def test_no_path(run, how):
    """Without PATH the usual directories are searched, as by a shell."""
    assert run(["sh", "-c", "exit 4"], how, wrap=["/usr/bin/env", "-u", "PATH"]).returncode == 4


def test_environment_and_directory_pass(run, how, tmp_path):
    result = report(run([PROBE, "report"], how, env={"A": "b c", "EMPTY": ""}, cwd=tmp_path))
    assert (result["env"]["A"], result["env"]["EMPTY"]) == ("b c", "")
    assert result["cwd"] == str(tmp_path)


def test_silence(run, how):
    """Init prints nothing; "Tini is not running as PID 1 ..." frightens users."""
    result = run(["true"], how)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_group_and_session(run, how):
    """The command leads a process group of its own, and a session if init leads one."""
    seen = report(run([PROBE, "report"], how))
    assert seen["pgid"] == seen["pid"]
    if how == "plain":
        assert seen["sid"] == seen["pid"]
    else:
        seen = report(run([PROBE, "report"], how, wrap=[PROBE, "session"]))
        assert seen["sid"] == seen["pid"] == seen["pgid"]


def test_fork_fails(run, how):
    """If the process limit does not allow the command, init prints one line and exits with 125."""
    limit = ["prlimit", "--nproc=1:1", "--"]
    if os.geteuid() == 0:
        # Root is exempt from the limit.
        limit += ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]
    result = run(["true"], how, wrap=limit, deadline=DEADLINE)
    assert result.returncode == 125
    assert result.stderr == "init: cannot fork for true: Resource temporarily unavailable\n"
