"""initctl exec: the socket, the options, the exit code."""
import os
import shutil
import signal
import subprocess

import pytest

from conftest import AS_ROOT, DEADLINE, eventually, halt
from initctl import GONE, INITCTL, container, control, one_line  # noqa: F401


# ---- which socket


def test_the_option_goes_before_the_environment(container):
    for words in (["-S", container.socket], [f"-S{container.socket}"]):
        assert container.output(*words, "exec", "echo", "hi", env={"INIT_SOCKET": "/nope"}) == "hi\n"
    one_line(container.run("-S", "/nope", "status"), 125, "/nope", "No such file or directory")


@pytest.mark.parametrize("value", [None, ""])
def test_the_default_is_run_init_sock(container, value):
    one_line(container.run("status", env={"INIT_SOCKET": value}), 125, "/run/init.sock")


def test_a_path_longer_than_an_address(control):
    control.start()
    deep = control.directory / ("d" * 120)
    os.symlink(control.directory, deep)
    assert control.output("-S", deep / "s", "exec", "echo", "hi") == "hi\n"


# ---- the exit code, and the command's words


@pytest.mark.parametrize("code", [0, 1, 7, 125, 255])
def test_exit_code(container, code):
    assert container.run("exec", "--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "HUP", "PIPE"])
def test_death_by_signal(container, name):
    done = container.run("exec", "--", "sh", "-c", f"ulimit -c 0; kill -{name} $$")
    assert done.returncode == 128 + getattr(signal, f"SIG{name}")


def test_options_end_at_the_first_word(container):
    assert container.output("exec", "echo", "-t", "--", "-u") == "-t -- -u\n"
    assert container.output("exec", "--", "echo", "--", "-t") == "-- -t\n"


def test_words_arrive_as_they_are(container):
    words = ["", "a b", "\n", "args", "cwd=/x", "\udcff\udc80", "'\"$`\\", "é\u2028", ""]
    out = container.output("exec", "--", "printf", "<%s>", *words)
    assert out.encode(errors="surrogateescape") == b"".join(
        b"<" + os.fsencode(word) + b">" for word in words)


@pytest.mark.parametrize("how", [[], ["--scope"]])
def test_a_command_longer_than_a_message(container, how):
    """As long as exec(2) takes it: 128 KiB for a word, a quarter of the stack limit for all."""
    words = [f"{number:0100000}" for number in range(10)]
    variables = [f"V{number}={'y' * 100}" for number in range(3000)]
    given = [word for variable in variables for word in ("-e", variable)]
    out = container.output("exec", *how, *given, "--", "sh", "-c",
                           'printf "%s\\n" "$@"; env | grep ^V | sort -V', "sh", *words)
    assert out.splitlines() == words + variables


def test_a_command_just_as_long_as_a_message(container):
    for size in range(65536 - 60, 65536 + 4):
        assert len(container.output("exec", "--", "echo", "x" * size)) == size + 1


def test_many_words(container):
    assert container.output("exec", "--", "sh", "-c", "echo $#", "sh", *["x"] * 30000) == "30000\n"


# ---- options


@pytest.mark.skipif(not AS_ROOT, reason="needs to be root to become another")
def test_user(container):
    show = ["sh", "-c", "id -u; id -g; id -G"]
    assert container.output("exec", "-u", "1234", "--", *show) == "1234\n1234\n1234\n"
    assert container.output("exec", "-u1234:50", "--", *show) == "1234\n50\n50\n"
    assert container.output("exec", "-u", "7:8,9,10", "--", *show) == "7\n8\n8 9 10\n"


def test_directory(container):
    assert container.output("exec", "-w", "/usr/bin", "--", "pwd") == "/usr/bin\n"
    assert container.output("exec", "pwd") == "/\n"


def test_environment(control):
    control.start(env={"INSIDE": "kept", "BOTH": "theirs"})
    out = control.output("exec", "-e", "A=1", "-eB=x=y", "-e", "BOTH=ours", "-e", "MINE", "-e",
                         "NOT_SET", "-e", "EMPTY=", "--", "env",
                         env={"MINE": "of mine", "OTHER": "stays out"})
    found = dict(line.split("=", 1) for line in out.splitlines())
    assert {k: found.get(k) for k in ("A", "B", "BOTH", "MINE", "EMPTY", "INSIDE")} == {
        "A": "1", "B": "x=y", "BOTH": "ours", "MINE": "of mine", "EMPTY": "", "INSIDE": "kept"}
    assert not {"NOT_SET", "OTHER", "INIT_SOCKET"} & set(found)


def test_a_variable_of_the_terminal_beside_many(container):
    words = [word for i in range(3000) for word in ("-e", f"V{i}=x")]
    done = container.run("exec", "-t", *words, "--", "sh", "-c", "env | grep -c ^V; echo $TERM",
                         env={"TERM": "dumb"})
    assert (done.returncode, done.stdout.split()) == (0, ["3000", "dumb"]), done


def test_umask_limits_and_privileges(container):
    out = container.output("exec", "--umask", "027", "--rlimit", "NOFILE:64:128", "--no-new-privs",
                           "--", "sh", "-c",
                           "umask; ulimit -Sn; ulimit -Hn; grep NoNewPrivs /proc/self/status")
    assert out.split() == ["0027", "64", "128", "NoNewPrivs:", "1"]


CAPABILITIES = ["grep", "-E", "^(CapBnd|NoNewPrivs)", "/proc/self/status"]


def test_privileged(control):
    """A command has what the container's has; --privileged gives it all that init has."""
    before = subprocess.run(CAPABILITIES, capture_output=True, text=True, check=True).stdout
    container = control.start("--cap-drop", "all" if AS_ROOT else "NET_RAW", "--no-new-privs",
                              how="pid1")
    if AS_ROOT:
        assert container.output("exec", "--", *CAPABILITIES).split() == [
            "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
    assert container.output("exec", "--", "grep", "NoNewPrivs", "/proc/self/status").split()[1] == "1"
    if AS_ROOT:
        assert container.output("exec", "--privileged", "--", *CAPABILITIES) == before
    assert container.output("exec", "--privileged", "--", "grep", "NoNewPrivs",
                            "/proc/self/status").split()[1] == "0"


def test_privileges_that_are_withheld(control):
    """The message has the field, and the option of init by which it is withheld."""
    container = control.start("--control-verbs", "exec")
    assert container.output("exec", "--", "echo", "hi") == "hi\n"
    for words, field in ((["-u", "0"], "user"), (["--privileged"], "privileged")):
        one_line(container.run("exec", *words, "--", "true"), 125, f"cannot run true: {field}: ",
                 "Operation not permitted", "--control-verbs")


def test_detached(container):
    number = container.output("exec", "-d", "--", "sh", "-c", "readlink /proc/self/fd/[012]; "
                              "exec sleep 1000").strip()
    session = container.wait_sessions(1)[0]
    assert (session["session"], session["state"], session["name"]) == (int(number), "held", "sh")
    for fd in range(3):
        pid = container.inside(session["pid"])
        assert os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/null"
    assert not container.run("signal", "KILL", f"%{number}").returncode
    container.wait_sessions(0)


def test_detached_and_over_at_once(container):
    """The number is printed even if the command has ended by then: either may come first."""
    numbers = [container.output("exec", "-d", "true") for _ in range(20)]
    assert numbers == [f"{n}\n" for n in range(1, 21)]


needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs to be root to change root")


@needs_root
def test_a_program_of_ours(control):
    """--program in a root with nothing but init and an app."""
    control.start_in_empty_root()
    out = control.output("exec", "--program", "/bin/busybox", "--", "busybox", "ls", "/")
    assert set(out.split()) == {"app", "init", "proc"}
    one_line(control.run("exec", "sh"), 127, "exec sh", "No such file or directory")


@needs_root
def test_a_program_of_ours_cannot_be_written_to(control):
    """Root inside cannot write to the program through /proc/PID/exe (CVE-2019-5736)."""
    program = control.directory / "program"
    shutil.copy("/bin/busybox", program)
    control.start()
    for path in ("/proc/self/exe", "/proc/$$/exe"):
        # The shell has executed another program by then, so that the first one is not busy.
        done = control.run("exec", "--program", program, "--", "sh", "-c",
                           f"exec 9<{path}; exec dash -c 'echo bad >/proc/self/fd/9'")
        assert done.returncode
    assert program.read_bytes() == open("/bin/busybox", "rb").read()


@needs_root
def test_inside_a_directory(control):
    """A client outside runs a command inside, which sees only the container."""
    control.start_in_empty_root()
    out = control.output("exec", "--program", "/bin/busybox", "--", "sh", "-c",
                         "cd ..; pwd; for f in * .*; do echo $f; done; cd proc; echo [0-9]*")
    seen = out.split("\n")
    assert seen[0] == "/"
    assert set(seen[1:-2]) - {".", ".."} <= {"app", "init", "proc", ".*"}
    assert len(seen[-2].split()) == 3, "init, its command, and the shell"


# ---- errors


@pytest.mark.parametrize("words, code, parts", [
    (["--", "no-such"], 127, ["exec no-such", "No such file or directory"]),
    (["--", "/no/such"], 127, ["exec /no/such", "No such file or directory"]),
    (["--", "/etc/passwd/x"], 127, ["exec /etc/passwd/x", "Not a directory"]),
    (["--", "/etc/passwd"], 126, ["exec /etc/passwd", "Permission denied"]),
    (["--", "/etc"], 126, ["exec /etc", "Permission denied"]),
    (["-w", "/no/such", "--", "true"], 125, ["cannot change to directory /no/such:", "No such file or directory"]),
    (["-w", "relative", "--", "true"], 125, ["cannot use directory 'relative': expected an absolute path"]),
    (["-u", "no-such", "--", "true"], 125,
     ["initctl: cannot find user no-such in the container's /etc/passwd\n"]),
    (["--umask", "999", "--", "true"], 125, ["cannot use umask '999': expected an octal"]),
    (["--rlimit", "NOPE:1:1", "--", "true"], 125, ["cannot use resource limit 'NOPE:1:1'"]),
    (["-e", "=x", "--", "true"], 125, ["cannot use variable '=x': expected NAME=VALUE"]),
    (["--program", "/no/such", "--", "x"], 125, ["/no/such", "No such file or directory"]),
    (["--program", "/etc", "--", "x"], 125, ["/etc", "Is a directory"]),
    (["--program", "/etc/passwd", "--", "x"], 126, ["exec x", "Exec format error"]),
    (["--", ""], 127, ["exec", "No such file or directory"]),
    ([], 125, ["no command given"]),
    (["--"], 125, ["no command given"]),
    (["--nope", "true"], 125, ["unknown option '--nope'"]),
    (["-x", "true"], 125, ["unknown option '-x'"]),
    (["-u"], 125, ["option -u needs a value"]),
    (["-e"], 125, ["option -e needs a value"]),
    (["--detach-keys", "ctrl", "true"], 125, ["--detach-keys 'ctrl'"]),
    *((["--detach-keys", f"ctrl-{key}", "true"], 125, [f"--detach-keys 'ctrl-{key}'"])
      for key in "5?@`{~ "),
])
def test_what_goes_wrong(container, words, code, parts):
    one_line(container.run("exec", *words), code, *parts)


def test_an_error_on_a_terminal(container):
    terminal = container.on_terminal("exec", "-t", "no-such")
    terminal.expect("initctl: cannot exec no-such: No such file or directory\r\n")
    assert terminal.wait() == 127
    assert not terminal.is_raw()


# ---- init or initctl ends


@pytest.mark.parametrize("options", [["-T"], ["-t"]])
def test_killed_with_its_container(container, options):
    client = container.popen("exec", *options, "sh", "-c", "echo ready; exec sleep 1000")
    assert client.stdout.readline().strip() == b"ready"
    # PID 1 tells that it runs before it answers a request that comes after the command's word.
    container.output("status")
    os.kill(container.pid(), signal.SIGKILL)
    out, err = client.communicate(timeout=DEADLINE)
    assert (client.returncode, out) == (GONE, b"")
    assert err == b"initctl: sh: the container ended\n"


def test_hung_up_with_its_client(container):
    """If the client dies, its command gets HUP."""
    mark = container.directory / "mark"
    client = container.popen("exec", "sh", "-c",
                             f"trap 'echo hup >{mark}; exit' HUP; echo ready; "
                             "while :; do sleep 0.05; done")
    assert client.stdout.readline() == b"ready\n"
    client.kill()
    container.wait_sessions(0)
    assert eventually(lambda: mark.exists() and mark.read_text()) == "hup\n"


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("words", [["exec", "true"], ["attach", "1"]])
def test_no_descriptor_for_signals(container, words):
    """Without a signalfd initctl fails, rather than run with all signals blocked."""
    one_line(container.run(*words, outer=["strace", "-qq", "-o", "/dev/null", "-e",
                                          "inject=signalfd4:error=EMFILE"]),
             125, "cannot receive signals: ")


def test_a_start_that_hangs_can_be_interrupted(container):
    """Before the command runs, a signal ends initctl."""
    fifo = container.directory / "fifo"
    os.mkfifo(fifo)
    halt(container.pid())
    try:
        client = container.popen("exec", "true")
        # initctl is connected, but no greeting comes.
        eventually(lambda: " S " in open(f"/proc/{client.pid}/stat").read())
        client.send_signal(signal.SIGINT)
        assert client.wait(DEADLINE) == -signal.SIGINT
    finally:
        os.kill(container.pid(), signal.SIGCONT)


def test_started_without_init_as_pid_1(control):
    control.start(how="plain")
    assert control.run("exec", "sh", "-c", "exit 9").returncode == 9
