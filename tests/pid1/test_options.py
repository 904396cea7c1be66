"""The command line, the environment, and the names init is called by."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from conftest import (AS_ROOT, INIT, PROBE, ROOT, come_to_rest, descendants, eventually, halt, is_alive,
                      kill_all)

LONG = """group single-child main-only rewrite expect parent-death-signal kill-after grace wait-all user chdir
          env no-new-privs new-privs cap-keep cap-drop seccomp-fd rlimit pause unshare map-root uid-map gid-map
          map-same hostname domainname loopback sysctl chroot
          read-only mount-proc mount bind tmpfs cgroup limit control control-fd control-allow
          control-verbs ready-fd notify status-fd subreaper warn-on-reap verbose help version
          license""".split()


def report(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


# ---- what is printed on request


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(run, how, option):
    """One line for each option, on stdout: its names, and what it does in one column."""
    result = run([option], how)
    lines = result.stdout.splitlines()
    assert (result.returncode, result.stderr) == (0, "")
    assert max(map(len, lines)) <= 80 and "\t" not in result.stdout
    rows = [re.fullmatch(r"  ((?:-\w, )+|    )--([a-z-]+)( [A-Z]\S*)? +(\S.*)", line)
            for line in lines if line.lstrip().startswith("-")]
    assert all(rows) and sorted(row[2] for row in rows) == sorted(LONG)
    assert len({row.start(4) for row in rows}) == 1


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(run, how, option):
    result = run([option], how)
    assert result.returncode == 0 and result.stderr == ""
    assert re.fullmatch(r"tini version 0\.19\.0 \(init \d+\.\d+\.\d+\) - git\.init\n", result.stdout)


@pytest.mark.parametrize("option", ["-l", "-L", "--license"])
def test_license(run, option):
    result = run([option])
    assert result.returncode == 0 and "MIT" in result.stdout


@pytest.mark.parametrize("option", ["-h", "-V", "-l"])
def test_full_stdout(run, option):
    """Output that cannot be written is an error."""
    with open("/dev/full", "w") as full:
        assert run([option], stdout=full).returncode == 1


# ---- bad input


BAD = [
    (["--nonsense"], "--nonsense"), (["--graceful=1"], "--graceful=1"), (["--gra", "1"], "--gra"),
    (["-x"], "'x'"), (["-gx"], "'x'"), (["---"], "---"), (["-vZ"], "'Z'"),
    (["--help=yes"], "--help=yes"), (["--group=1"], "--group=1"), (["--=x"], "--=x"),
    (["--rewrite", "TERM"], "TERM"), (["-r", "TERM:"], "TERM:"), (["-r", ":TERM"], ":TERM"),
    (["-r", "TREM:INT"], "TREM:INT"), (["-r", "15:65"], "15:65"), (["-r", "0:15"], "0:15"),
    (["-r", "15:-1"], "15:-1"), (["-r", "15:2:3"], "15:2:3"), (["-r", "RTMIN+31:1"], "RTMIN+31:1"),
    (["-r", "KILL:TERM"], "KILL:TERM"), (["-r", "STOP:TERM"], "STOP:TERM"),
    (["-r", "SIG:1"], "SIG:1"), (["-r", "SIGSIGTERM:1"], "SIGSIGTERM:1"), (["-r", ""], "''"),
    (["-r", "x" * 200 + ":1"], "x" * 200),
    (["-p", "NOPE"], "NOPE"), (["-p", "65"], "65"), (["-p", "0"], "0"), (["-p", "-1"], "-1"),
    (["-e", "256"], "256"), (["-e", "-1"], "-1"), (["-e", "two"], "two"), (["-e", ""], "''"),
    (["--expect=1x"], "1x"), (["-e", "99999999999999999999"], "99999999999999999999"),
    (["--grace", "soon"], "soon"), (["--grace", "-1"], "-1"), (["--grace="], "''"),
    (["--grace", "1001h"], "1001h"), (["--grace", "1.s"], "1.s"), (["--grace", "1 s"], "1 s"),
    (["--grace", "1d"], "1d"), (["--grace", "9" * 30], "9" * 30),
    (["--kill-after", ".5"], ".5"), (["--kill-after", "1e3"], "1e3"),
    (["--user", "root"], "root"), (["--user", "4294967295"], "4294967295"),
    (["--user", "1:"], "1:"), (["--user", "1:2:3"], "1:2:3"), (["--user", "1,2"], "1,2"),
    (["--user", "-1"], "-1"), (["--user", "1:2,"], "1:2,"), (["--user", ""], "''"),
    (["--user", "1:2" + ",3" * 70], "3,3"), (["--chdir", ""], "''"), (["--chdir="], "''"),
]


@pytest.mark.parametrize("words, named", BAD, ids=[" ".join(words)[:40] for words, _ in BAD])
def test_bad_input(run, how, tmp_path, words, named):
    """One line on stderr names the word, the exit code is 125, and no child is started."""
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-o", trace, "-e", "trace=fork,vfork,clone,clone3"]
    # Under unshare, which forks itself, it is only checked that the command did not run.
    outer = strace if how == "plain" else []
    result = run([*words, "--", "touch", tmp_path / "started"], how, outer=outer)
    assert (result.returncode, result.stdout) == (125, "")
    assert result.stderr.startswith("init: ") and result.stderr.count("\n") == 1
    assert named in result.stderr
    assert not (tmp_path / "started").exists()
    assert not outer or trace.read_text() == ""


MISSING = [
    ([], "--help"), (["--"], "--help"), (["-g"], "--help"), (["-v", "--"], "--help"),
    (["-r"], "'r'"), (["--grace"], "--grace"), (["-ge"], "'e'"),
    (["-P", "sleep", "1"], "sleep"), (["--pause", "--", "sleep"], "sleep"),
]


@pytest.mark.parametrize("words, named", MISSING,
                         ids=[" ".join(words) or "nothing" for words, _ in MISSING])
def test_missing_and_superfluous(run, how, words, named):
    """A missing command, a missing value, or a command where none is expected."""
    result = run(words, how)
    assert (result.returncode, result.stdout) == (125, "")
    assert result.stderr.count("\n") == 1 and named in result.stderr


def test_control_characters_are_not_printed(run):
    """Control characters of a word do not reach the reader's terminal."""
    result = run(["--\x1b[2J\r\n\x7f"])
    assert result.returncode == 125
    assert result.stderr == "init: unrecognized option '--?[2J???'\n"


def test_long_words_are_cut(run):
    """A message is one line that ends with a newline, however long the word is."""
    result = run(["--" + "x" * 5000])
    assert result.returncode == 125
    assert len(result.stderr) == 512 and result.stderr.endswith("x\n")


# ---- how options are written


@pytest.mark.parametrize("words", [
    ["-e3"], ["-e", "3"], ["-ge3"], ["-gve", "3"], ["--expect", "3"], ["--expect=3"],
    ["-e", "4", "-e", "3"], ["-v", "-g", "-s", "-w", "-e", "3"], ["-e=3"]], ids=" ".join)
def test_notations(run, words):
    """Attached and separate values, clustered short options, long names with = and without."""
    result = run([*words, PROBE, "exit", "3"])
    if words == ["-e=3"]:
        assert result.returncode == 125 and "'=3'" in result.stderr
    else:
        assert result.returncode == 0


def test_options_end_at_the_command(run, how):
    """The first word that is no option ends the options, and so does a lone dash."""
    assert report(run([PROBE, "report", "-e", "0", "--grace", "-h"], how))["args"] == [
        "-e", "0", "--grace", "-h"]
    result = run(["-", "-h"], how)
    assert result.returncode == 127 and "exec -: " in result.stderr
    result = run(["--", "-e"], how)
    assert result.returncode == 127 and "exec -e: " in result.stderr


def test_option_taken_for_the_command(run, how, tmp_path):
    """ENTRYPOINT ["/init", "--"] and `docker run IMAGE --control ...`: a hint says what is wrong."""
    result = run(["--", "--control", tmp_path / "S", "--", "true"], how)
    assert result.returncode == 127
    hint, failure = result.stderr.splitlines()
    assert hint.startswith("init: '--control' ") and '"--"' in hint and "INIT_OPTIONS" in hint
    assert failure == "init: cannot exec --control: No such file or directory"
    # There is no hint for a command without a dash, nor for one that exists.
    assert run(["--", "/nowhere", "-x"], how).stderr.count("\n") == 1
    (tmp_path / "-x").touch(0o644)
    result = run(["--", "-x"], how, wrap=["env", f"PATH={tmp_path}"])
    assert result.returncode == 126 and "INIT_OPTIONS" not in result.stderr


def test_last_value_counts(run):
    assert run(["--grace", "inf", "--grace=0", "--chdir", "/nonexistent", "--chdir", "/",
                "sh", "-c", f"{PROBE} daemon {PROBE} with --ignore 15 -- sleep 1000"]
               ).returncode == 0


# ---- options of the command


@pytest.mark.skipif(not AS_ROOT, reason="only root may become another user")
@pytest.mark.parametrize("user, uid, gid, groups", [
    ("1234", 1234, 1234, []), ("1234:55", 1234, 55, []), ("0:0", 0, 0, []),
    ("1234:55,66,77", 1234, 55, [66, 77]), ("0:7,8", 0, 7, [8]),
    ("4294967294:4294967294", 4294967294, 4294967294, []),
    ("1:1" + "".join(f",{n}" for n in range(100, 164)), 1, 1, list(range(100, 164)))])
def test_user(run, how, user, uid, gid, groups):
    """--user sets the real, effective and saved ids, given as numbers, and keeps no other group."""
    # The program may be where only root can reach it: a static one is executed by a descriptor.
    wrap = ["setpriv", "--groups", "1,2,3"]
    seen = report(run(["--user", user, "/proc/self/fd/9", "report"], how,
                      wrap=["sh", "-c", f'exec 9<{PROBE}; exec "$@"', "sh", *wrap]))
    assert seen["uid"] == [uid] * 3 and seen["gid"] == [gid] * 3
    assert sorted(seen["groups"]) == groups


@pytest.mark.skipif(not AS_ROOT, reason="only root may become another user")
def test_user_is_stopped_and_dies_with_init(start, how):
    """A command of another user gets its signals, and dies if init is killed."""
    init = start(["--user", "54321", "sh", "-c", "echo ready; exec sleep 1000"], how)
    init.line("ready")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143
    init = start(["--user", "54321", "sh", "-c", "echo ready; exec sleep 1000"], how)
    init.line("ready")
    command = list(descendants(init.init_pid))[0]
    init.signal(signal.SIGKILL)
    init.wait()
    eventually(lambda: not is_alive(command), what="the end of the command")


def test_user_not_permitted(run, how):
    """Init exits with 125 where it may not set the ids."""
    drop = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"] if AS_ROOT else []
    result = run(["--user", "7", "true"], how, wrap=drop)
    assert result.returncode == 125
    assert result.stderr == "init: cannot become user of true: Operation not permitted\n"


def test_chdir(run, how, tmp_path):
    """--chdir is the directory of the command, and a relative command is looked up in it."""
    assert report(run(["--chdir", tmp_path, PROBE, "report"], how))["cwd"] == str(tmp_path)
    (tmp_path / "x").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "x").chmod(0o755)
    assert run(["--chdir", tmp_path, "./x"], how).returncode == 9
    result = run(["--chdir", tmp_path / "no", "true"], how)
    assert result.returncode == 125
    assert result.stderr == f"init: cannot change directory to {tmp_path}/no: No such file or directory\n"


def test_no_new_privileges(run, how):
    assert report(run(["--no-new-privs", PROBE, "report"], how))["no_new_privs"] == 1
    assert report(run([PROBE, "report"], how))["no_new_privs"] == 0


@pytest.mark.parametrize("option", [["-p", "USR1"], ["-p10"], ["--parent-death-signal=SIGUSR1"]],
                         ids=" ".join)
def test_parent_death_signal(start, how, option):
    """-p SIG: when its parent dies init gets SIG, and forwards it to the command."""
    outer = ["sh", "-c", '"$@" & wait', "sh"]
    init = start([*option, PROBE, "signals", "--until", "10"], how, outer=outer)
    init.line("ready")
    parent = int(init.status()["PPid"])
    os.kill(parent, signal.SIGKILL)
    init.line("^10 ")
    assert init.rest() == ""


def test_parent_is_not_watched_unasked(start):
    outer = ["sh", "-c", '"$@" & wait', "sh"]
    init = start([PROBE, "signals", "--until", "10"], "plain", outer=outer)
    init.line("ready")
    parent = int(init.status()["PPid"])
    os.kill(parent, signal.SIGKILL)
    eventually(lambda: int(init.status()["PPid"]) != parent, what="the end of the parent")
    init.signal(signal.SIGUSR2)
    init.line("^12 ")
    init.signal(signal.SIGUSR1)
    init.line("^10 ")
    assert init.rest() == ""


@pytest.mark.parametrize("options, lines", [
    ([], []), (["-v"], ["started", "exited with 3"]),
    (["-vv"], ["started", "forwarded SIGUSR1", "exited with 3"]),
    (["--verbose", "-v"], ["started", "forwarded SIGUSR1", "exited with 3"])], ids=str)
def test_verbose(start, how, options, lines):
    """-v logs what init does on stderr; tini prints it on stdout."""
    init = start([*options, "sh", "-c", "trap 'exit 3' USR1; echo ready; read go"], how,
                 stdin=subprocess.PIPE)
    init.line("ready")
    init.signal(signal.SIGUSR1)
    assert init.wait() == 3
    assert init.rest() == ""
    said = init.stderr().splitlines()
    assert len(said) == len(lines)
    assert all(line.startswith("init: ") and part in line for line, part in zip(said, lines))


# ---- the environment


@pytest.mark.parametrize("text, words", [
    ("-e 3", ["-e", "3"]), ("  -e\t3\n ", ["-e", "3"]), ("-e '3'", ["-e", "3"]),
    ('"-e" "3"', ["-e", "3"]), ("--exp'ect'=3", ["-e", "3"]), ("-\\e 3", ["-e", "3"]),
    ("-e 3 --", ["-e", "3"])])
def test_options_in_the_environment(run, how, text, words):
    """An engine's --init has no way to pass options (moby#43776), so INIT_OPTIONS is read."""
    assert run([PROBE, "exit", "3"], how, env={"INIT_OPTIONS": text}).returncode == 0


def test_quotes_in_the_environment(run, how, tmp_path):
    folder = tmp_path / "a b'c\"d\\e"
    folder.mkdir()
    for quoted in ('a\\ b\\\'c\\"d\\\\e', '"a b\'c\\"d\\\\e"', "'a b'\\''c\"d\\e'"):
        options = f"--chdir {tmp_path}/{quoted} -g"
        result = run([PROBE, "report"], how, env={"INIT_OPTIONS": options})
        assert report(result)["cwd"] == str(folder)
    result = run(["true"], how, env={"INIT_OPTIONS": "--chdir ''"})
    assert result.returncode == 125 and "''" in result.stderr


def test_environment_is_taken(run, how):
    """INIT_OPTIONS is removed from the command's environment, even if it is there twice, and
    the others stay as they are, each once."""
    env = report(run([PROBE, "report"], how, env={"INIT_OPTIONS": "-g", "INIT_OPTIONS_X": "y"},
                     ))["env"]
    assert "INIT_OPTIONS" not in env and env["INIT_OPTIONS_X"] == "y" and "PATH" in env
    twice = ("import ctypes, sys; c = ctypes.CDLL(None); w = [x.encode() for x in sys.argv[1:]]; "
             "e = [b'INIT_OPTIONS=-e 3', b'A=1', b'INIT_OPTIONS=-e 4', b'B=2']; "
             "c.execve(w[0], (ctypes.c_char_p * (len(w) + 1))(*w), (ctypes.c_char_p * 5)(*e))")
    result = run(["/bin/cat", "/proc/self/environ"], how, wrap=[sys.executable, "-c", twice])
    assert result.stdout == "A=1\0B=2\0"


def test_command_line_comes_after(run, how, tmp_path):
    """Options of the command line take precedence over those of the environment; lists add up."""
    assert report(run(["--chdir", "/", PROBE, "report"], how,
                      env={"INIT_OPTIONS": f"--chdir {tmp_path}"}))["cwd"] == "/"
    for code in (3, 4):
        assert run(["-e", "3", PROBE, "exit", code], how,
                   env={"INIT_OPTIONS": "-e 4"}).returncode == 0


@pytest.mark.parametrize("text, named", [
    ("--nonsense", "--nonsense"), ("-e 256", "256"), ("true", "true"), ("-- true", "true"),
    ("-g extra -v", "extra"), ("-r", "'r'"), ("--chdir 'x", "quote"), ('"', "quote"),
    ("-v " * 200, "too many"), ("-g\\", "'\\'")])
def test_bad_environment(run, how, tmp_path, text, named):
    """Errors in INIT_OPTIONS are reported by that name; it must not contain a command."""
    result = run(["touch", tmp_path / "started"], how, env={"INIT_OPTIONS": text})
    assert (result.returncode, result.stdout) == (125, "")
    assert result.stderr.startswith("init: INIT_OPTIONS: ") and result.stderr.count("\n") == 1
    assert named in result.stderr
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("env", [
    {"INIT_OPTIONS": ""}, {"INIT_OPTIONS": " \t"}, {"TINI_SUBREAPER": "1"},
    {"TINI_VERBOSITY": "loud"}, {"TINI_VERBOSITY": "1"}, {"DUMB_INIT_DEBUG": "0"},
    {"DUMB_INIT_SETSID": "1"}], ids=str)
def test_environment_without_effect(run, how, env):
    result = run(["true"], how, env=env)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("env, started, forwarded", [
    ({"TINI_VERBOSITY": "0"}, False, False), ({"TINI_VERBOSITY": "2"}, True, False),
    ({"TINI_VERBOSITY": "3"}, True, True), ({"DUMB_INIT_DEBUG": "1"}, True, True)], ids=str)
def test_verbosity_in_the_environment(start, how, env, started, forwarded):
    """TINI_VERBOSITY and DUMB_INIT_DEBUG."""
    init = start(["sleep", "1000"], how, env=env)
    eventually(lambda: [s for s in descendants(init.init_pid).values() if "sleep" in s["Name"]],
               what="the command")
    init.signal(signal.SIGTERM)
    assert init.wait() == 143
    assert ("started sleep" in init.stderr()) == started
    assert ("forwarded SIGTERM" in init.stderr()) == forwarded


def hears(start, tmp_path, how, options=(), program=None, env=None):
    """Whether other processes of the command's group get a signal that is sent to init as well."""
    other = tmp_path / "other"
    init = start([*options, "sh", "-c", f"{PROBE} signals --until 15 >{other} & "
                  f"exec {PROBE} signals --until 15"], how, program=program, env=env)
    init.line("^ready")
    eventually(lambda: other.exists() and other.read_text() == "ready\n", what="the other process")
    init.signal(signal.SIGUSR1)
    init.line("^10 ")
    init.signal(signal.SIGUSR2)
    init.line("^12 ")
    # Init had forwarded USR1 before it forwarded USR2. A signal that the test sends to the other
    # process comes after both: the probe takes pending signals in the order of their numbers.
    kill_all(descendants(init.init_pid), signal.SIGRTMIN)
    eventually(lambda: "34 " in other.read_text(), what="the last signal")
    heard = "10 " in other.read_text()
    if heard:
        eventually(lambda: "12 " in other.read_text(), what="the second signal")
    else:
        assert "12 " not in other.read_text()
    # The end of the command may have ended the other.
    kill_all(descendants(init.init_pid), signal.SIGTERM)
    assert init.wait() == 0
    return heard


def test_group_in_the_environment(start, how, tmp_path):
    """TINI_KILL_PROCESS_GROUP for tini, DUMB_INIT_SETSID=0 for dumb-init."""
    tini, dumb = tmp_path / "tini", tmp_path / "dumb-init"
    tini.symlink_to(INIT)
    dumb.symlink_to(INIT)
    assert not hears(start, tmp_path, how, program=tini)
    (tmp_path / "other").unlink()
    assert hears(start, tmp_path, how, program=tini, env={"TINI_KILL_PROCESS_GROUP": "1"})
    (tmp_path / "other").unlink()
    assert not hears(start, tmp_path, how, program=dumb, env={"DUMB_INIT_SETSID": "0"})


def test_variables(run, how):
    """--env, and -e NAME=VALUE as pid1 has it, set variables of the command, also in place of those
    that are there; PATH is searched for it."""
    env = report(run(["--env", "A=1", "-e", "B=2=3", "--env=C=", "-eA=4", PROBE, "report"], how,
                     env={"B": "old", "INIT_OPTIONS": "--env D=5"}))["env"]
    assert {k: env.get(k) for k in "ABCD"} == {"A": "4", "B": "2=3", "C": "", "D": "5"}
    assert "PATH" in env and "INIT_OPTIONS" not in env
    many = [word for i in range(32) for word in ("--env", f"V{i}={i}")]
    env = report(run([*many, PROBE, "report"], how))["env"]
    assert [env[f"V{i}"] for i in range(32)] == [str(i) for i in range(32)]
    assert run([*many, "--env", "X=1", "true"], how).returncode == 125
    path = [*["--env", f"PATH={os.path.dirname(PROBE)}"], os.path.basename(PROBE), "exit", "7"]
    assert run(path, how).returncode == 7


@pytest.mark.parametrize("value", ["A", "=1", ""])
def test_no_variable(run, value):
    result = run(["--env", value, "true"])
    assert result.returncode == 125 and f"'{value}'" in result.stderr


# ---- called by the name of another program


@pytest.fixture
def alias(tmp_path):
    def alias(name):
        (tmp_path / name).symlink_to(INIT)
        return tmp_path / name
    return alias


OURS = r" \(init \d+\.\d+\.\d+\) - git\.init\n"
PEERS = [
    # name, -V, setting up failed, not found, not permitted, no known format
    ("tini", r"tini version 0\.19\.0", 1, 127, 126, 1),
    ("tini-static-amd64", r"tini version 0\.19\.0", 1, 127, 126, 1),
    ("docker-init", r"tini version 0\.19\.0", 1, 127, 126, 1),
    ("dumb-init", r"dumb-init v1\.2\.5", 1, 2, 2, 2),
    ("dumb-init_1.2.5_x86_64", r"dumb-init v1\.2\.5", 1, 2, 2, 2),
    ("catatonit", r"tini version 0\.2\.1_catatonit", 1, 1, 1, 1),
    ("catatonit.x86_64", r"tini version 0\.2\.1_catatonit", 1, 1, 1, 1),
    ("podman-init", r"tini version 0\.2\.1_catatonit", 1, 1, 1, 1),
    ("init", r"tini version 0\.19\.0", 125, 127, 126, 126),
    ("tinit", r"tini version 0\.19\.0", 125, 127, 126, 126),
    ("other-name", r"tini version 0\.19\.0", 125, 127, 126, 126),
]


@pytest.mark.parametrize("name, version, setup, absent, denied, other", PEERS,
                         ids=[row[0] for row in PEERS])
def test_texts_and_codes_of(run, how, alias, tmp_path, name, version, setup, absent, denied, other):
    """By the name of another init, it prints and exits as that one does."""
    program = alias(name)
    (tmp_path / "text").write_text("text\n")
    (tmp_path / "text").chmod(0o755)
    prefix = "init" if name in ("tinit", "other-name") else name
    result = run(["-V"], how, program=program)
    assert result.returncode == 0 and re.fullmatch(version + OURS, result.stdout)
    for words, code in ((["--nonsense"], setup), (["/nonexistent"], absent), (["/etc"], denied),
                        ([tmp_path / "text"], other), ([PROBE, "exit", "9"], 9),
                        ([PROBE, "die", "9"], 137)):
        result = run(words, how, program=program)
        assert result.returncode == code
        assert result.stderr == "" or result.stderr.startswith((f"{prefix}: ", "[dumb-init] ",
                                                                "[FATAL tini ("))


@pytest.mark.parametrize("name, group", [("tini", False), ("docker-init", False),
                                         ("dumb-init", True), ("catatonit", False),
                                         ("init", True)])
def test_whom_to_signal_of(start, how, alias, tmp_path, name, group):
    assert hears(start, tmp_path, how, program=alias(name)) == group
    if not group:
        (tmp_path / "other").unlink()
        assert hears(start, tmp_path, how, ["-g"], program=tmp_path / name)


def test_message_of_a_signal_that_messages_cause(start, alias):
    """dumb-init -v tells of each signal that it gets, and for ever of the PIPE that it gets because
    nobody reads that. Init does not."""
    read, write = os.pipe()
    init = start(["-v", "sh", "-c", "trap '' USR2 PIPE; echo ready; exec sleep 1000"], "plain",
                 program=alias("dumb-init"), stderr=write)
    os.close(write)
    init.line("^ready$")
    os.close(read)
    init.signal(signal.SIGUSR2)
    come_to_rest(init.init_pid)


def test_pause_is_suspended_once(start, alias):
    # In a process group that is not orphaned, or TSTP would have no effect.
    init = start(["-c", "-P"], "plain", program=alias("dumb-init"),
                 outer=["bash", "-c", 'set -m; "$@" & while kill -0 $!; do sleep 0.05; done', "bash"])
    for number, state in ((signal.SIGTSTP, "T"), (signal.SIGCONT, "S")) * 2:
        eventually(lambda: init.status()["State"][0] in "ST" and int(init.status()["SigBlk"], 16),
                   what="the start")
        init.signal(number)
        eventually(lambda state=state: init.status()["State"][0] == state, what=state)
    come_to_rest(init.init_pid)


def test_orphans_that_die_with_the_command(start, alias, how):
    """Init that exits at once reaps, and tells of, all that have died before: here it finds the
    command's death first."""
    init = start(["-w", "--", "sh", "-c", "sleep 1000 & echo $!; exec sleep 1000"], how,
                 program=alias("tini"))
    init.line(r"^\d+$")
    pids = eventually(lambda: [p for p, s in descendants(init.init_pid).items()
                               if s["Name"].strip() == "sleep"][1:] and
                      list(descendants(init.init_pid)), what="both")
    halt(init.init_pid)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: not is_alive(pid), what="the death")
    init.signal(signal.SIGCONT)
    assert init.wait() == 137
    assert "Reaped zombie process" in init.stderr()


@pytest.mark.parametrize("name", ["tini", "docker-init", "dumb-init", "catatonit"])
def test_end_at_once_of(run, alias, tmp_path, name):
    """Without --grace, init by these names exits when the command does; as PID 1 that ends all."""
    script = (f"{PROBE} daemon {PROBE} sibling {tmp_path} polite; "
              f"exec {PROBE} wait {tmp_path}/ready {PROBE} exit 3")
    program = alias(name)
    assert run(["sh", "-c", script], program=program).returncode == 3
    assert not (tmp_path / "cleaned").exists()
    (tmp_path / "ready").unlink()
    assert run(["--grace", "1000", "sh", "-c", script], program=program).returncode == 3
    assert (tmp_path / "cleaned").exists()


def test_dumb_init_sends_term_at_the_end(start, alias, tmp_path):
    """dumb-init sends TERM to the group when the command ends, and STOP for TSTP, TTIN and TTOU."""
    log = tmp_path / "log"
    init = start(["sh", "-c", f"{PROBE} signals --until 15 >{log} & exec {PROBE} wait "
                  f"{tmp_path}/go true"], "plain", program=alias("dumb-init"))
    eventually(lambda: log.exists() and log.read_text() == "ready\n", what="the other process")
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
        init.signal(number)
        eventually(lambda: {s["State"][0] for s in descendants(init.init_pid).values()} == {"T"},
                   what="the stop")
        init.signal(signal.SIGCONT)
        eventually(lambda: {s["State"][0] for s in descendants(init.init_pid).values()} == {"S"},
                   what="the end of the stop")
    (tmp_path / "go").touch()
    assert init.wait() == 0
    eventually(lambda: "15 0 0\n" in log.read_text(), what="the TERM at the end")
