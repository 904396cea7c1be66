"""initctl ns: tools of the host in a container's namespaces, which PID 1 passes.

The namespaces are made by unshare. `box` is a container of root, and `rootless` one that an
ordinary user has made and operates: user 1000 where the tests run as root.
"""
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import AS_ROOT, DEADLINE, INIT, PROBE, eventually, is_alive, mounts, status_of
from container import needs_root, read_all
from hostile import GREETING, Server, message
from initctl import INITCTL, control, one_line, unignore  # noqa: F401
from terminal import END, INTERRUPT, PROMPT, SUSPEND, process

KINDS = ["cgroup", "ipc", "uts", "net", "time", "pid", "mnt", "user"]
OTHERS = [kind for kind in KINDS if kind != "user"]
USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"] if AS_ROOT else []
UNSHARE = ["unshare", "-pfnuimCT", "--boottime=1000000", "--mount-proc", "--kill-child"]
# A mount that is visible only inside, and a host name.
MAIN = "mount -t tmpfs none {0} && touch {0}/inside && hostname within && exec sleep 1000"
STRACE = ["strace", "-f", "-qq", "-o"]
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


def start(control, *outer, user=(), main=MAIN, **starting):
    """A container in namespaces made by outer; control.user is put before its operator's words."""
    control.directory.chmod(0o777)
    (control.directory / "mnt").mkdir()
    (control.directory / "mnt").chmod(0o777)
    control.user = user
    control.start(how="plain", outer=[*user, *outer], command=(
        "sh", "-c", main.format(control.directory / "mnt")), **starting)
    if "hostname" in main:
        eventually(lambda: control.output("exec", "hostname", outer=user) == "within\n")
    return control


@pytest.fixture(autouse=True)
def nothing_kept(control):
    """Unmounts what a failed test has left, before its folder is removed."""
    yield
    left = [path for line in mounts()
            if (path := line.split()[4]).startswith(f"{control.directory}/k")]
    for path in sorted(left):
        subprocess.run(["umount", "-l", path], capture_output=True)
    assert not left


@pytest.fixture
def box(control):
    if not AS_ROOT:
        pytest.skip("needs root")
    return start(control, *UNSHARE)


@pytest.fixture
def rootless(control):
    return start(control, *UNSHARE, "-Ur", user=USER)


@pytest.fixture(params=["box", "rootless"])
def either(request):
    return request.getfixturevalue(request.param)


def ns(control, *words, **options):
    return control.run("ns", *words, outer=control.user, **options)


def output(control, *words, **options):
    return control.output("ns", *words, outer=control.user, **options)


def listed(control, *words):
    """The list as a dict by kind."""
    lines = [json.loads(line) for line in control.output("--json", "ns", *words,
                                                         outer=control.user).splitlines()]
    return {line["namespace"]: line for line in lines}


def links(text):
    """The output of readlink for some files of /proc/self/ns, as a dict."""
    return dict(re.findall(r"^(\w+):\[(\d+)\]$", text, re.M))


LINKS = ["readlink", *(f"/proc/self/ns/{kind}" for kind in KINDS)]


def ours():
    return links(subprocess.run(LINKS, capture_output=True, text=True, check=True).stdout)


def theirs(control):
    return links(control.output("exec", *LINKS, outer=control.user))


# ---- the list


def test_list(either):
    """The list has the kind, the inode and the owner, and whether it is the caller's namespace."""
    inside, outside, found = theirs(either), ours(), listed(either)
    assert list(found) == KINDS
    for kind, line in found.items():
        assert line["inode"] == int(inside[kind])
        assert line["shared"] == (inside[kind] == outside[kind])
    if not either.user and AS_ROOT:
        assert {line["owner"] for line in found.values()} == {0}
        assert {line["user"] for line in found.values()} - {None} == {int(outside["user"])}
    else:
        assert {line["owner"] for line in found.values()} == {1000 if AS_ROOT else os.getuid()}
        assert found["user"]["user"] == int(outside["user"])
        assert {found[kind]["user"] for kind in OTHERS} == {int(inside["user"])}
        assert not any(line["shared"] for line in found.values())


def test_table(either):
    inside = theirs(either)
    header, net, uts, how = output(either, "net,uts").splitlines()
    assert header.split() == ["KIND", "INODE", "OWNER", "USER-NS", "SHARED"]
    assert net.split()[:2] == ["net", inside["net"]] and net.split()[4] == "no"
    assert uts.split()[:2] == ["uts", inside["uts"]]
    assert how.endswith("ip link set X netns /proc/self/fd/9") and str(either.socket) in how
    assert "ip link" not in output(either, "uts,mount")


def test_list_of_those_that_are_ours(control):
    """A container without namespaces: nothing is entered, and no privileges are needed."""
    control.start(how="plain").user = ()
    assert all(line["shared"] for line in listed(control).values())
    assert "ip link" not in output(control)
    assert links(output(control, "all", "--", *LINKS)) == ours()
    assert output(control, "mnt", "pwd") == "/\n"


# ---- inside


@pytest.mark.parametrize("kind", OTHERS)
def test_one_kind(either, kind):
    """Only the named namespace is entered, and the user namespace if that is needed for it."""
    inside, outside = theirs(either), ours()
    if kind == "mnt":
        # The caller has no entry in the /proc of the container.
        assert output(either, "mnt", "--", "ls", str(either.directory / "mnt")) == "inside\n"
        return
    entered = {kind, "user"} if either.user or not AS_ROOT else {kind}
    expected = {k: inside[k] if k in entered else outside[k] for k in KINDS}
    # Of the caller itself; a child would be in pid.
    assert links(output(either, kind, "--", *LINKS)) == expected


def test_what_is_seen(either):
    """What a command sees in each kind of namespace differs from what it sees outside."""
    folder = str(either.directory / "mnt")

    def both(kind, *command):
        return output(either, kind, "--", *command), \
            subprocess.run(command, capture_output=True, text=True, check=True).stdout

    inside, outside = both("uts", "hostname")
    assert inside == "within\n" != outside
    inside, outside = both("net", "cat", "/proc/net/dev")
    assert re.findall(r"(\w+):", inside) == ["lo"]
    either.output("exec", "ipcmk", "-Q", outer=either.user)
    inside, outside = both("ipc", "cat", "/proc/sysvipc/msg")
    assert inside.count("\n") == 2 and inside != outside
    inside, outside = both("time", "cut", "-d.", "-f1", "/proc/uptime")
    assert 999990 < int(inside) - int(outside) < 1001000
    inside, outside = both("pid", "sh", "-c", "echo $$")
    assert int(inside) < 100
    inside, outside = both("mnt", "ls", folder)
    assert (inside, outside) == ("inside\n", "")
    inside, outside = both("pid,mount", "ps", "-o", "comm=", "1")
    assert inside.strip() == os.path.basename(INITCTL).replace("ctl", "")
    inside, outside = both("user", "id", "-u")
    assert inside == "0\n"


def test_all(either):
    """All namespaces: the command is root in the container's /, and appears in its /proc."""
    text = output(either, "all", "--", "sh", "-c", f"{' '.join(LINKS)}; pwd; id -u; echo pid $$")
    assert links(text) == theirs(either)
    assert re.search(r"^/\n0\npid \d{1,2}$", text, re.M)
    assert output(either, "all", "ls", str(either.directory / "mnt")) == "inside\n"


@needs_root
def test_root_in_an_ordinary_users_container(rootless):
    """Root has the privileges itself and stays root; with `user` it becomes root inside."""
    rootless.user = ()
    inside, outside = theirs(rootless), ours()
    assert links(output(rootless, "net", *LINKS)) == {**outside, "net": inside["net"]}
    assert links(output(rootless, "user,net", *LINKS)) == {
        **outside, "net": inside["net"], "user": inside["user"]}
    client = rootless.popen("ns", "all", "--", "sh", "-c", "id -u; id -G; exec sleep 1000",
                            preexec_fn=lambda: os.setgroups([0, 4]))
    assert client.stdout.readline() == b"0\n"
    assert client.stdout.readline() == b"0\n"
    child = eventually(lambda: [pid for pid in rootless.children(client.pid)])[0]
    status = status_of(child)
    assert (status["Uid"].split(), status["Gid"].split()) == (["1000"] * 4, ["1000"] * 4)
    assert status["Groups"].strip() == ""
    client.send_signal(signal.SIGTERM)
    assert client.wait(DEADLINE) == -signal.SIGTERM


@needs_root
def test_user_comes_last_where_another_belongs_further_up(control):
    """A container of a user in a network namespace of root, which could not be entered after the
    user namespace."""
    start(control, "unshare", "-n", *USER, "unshare", "-Urupf",
          main="hostname within && exec sleep 1000")
    inside = theirs(control)
    assert links(output(control, "user,net,uts", *LINKS)) == {
        **ours(), **{kind: inside[kind] for kind in ("user", "net", "uts")}}


def test_root_that_is_not_that_of_the_mounts(control):
    """Where init was chrooted, in the caller's mount namespace or in another, / is that of init."""
    if not AS_ROOT:
        pytest.skip("needs root to change root")
    control.start_in_empty_root().user = ()
    assert output(control, "mnt", "--program", "/bin/busybox", "--", "busybox", "ls",
                  "/") == "app\ninit\nproc\n"


def test_a_program_of_ours(either):
    """With --program the file need not be in the container."""
    assert output(either, "mnt", "--program", "/bin/busybox", "pwd") == "/\n"
    assert output(either, "pid", "--program=/bin/busybox", "--", "sh", "-c", "echo $0") == "sh\n"
    one_line(ns(either, "net", "--program", "/", "x"), 125, "open program /", "Is a directory")


def test_a_user_without_a_root(control):
    """In a user namespace without a root an ordinary user keeps its uid; root is refused."""
    words = ["unshare", "-U", "--map-user=77", "-npf", "--kill-child"]
    start(control, *words, user=USER, main="exec sleep 1000")
    assert output(control, "user,net", "--", "id", "-u") == "77\n"
    assert output(control, "net", "--", "id", "-u") == "77\n"
    if AS_ROOT:
        control.user = ()
        one_line(ns(control, "user", "true"), 125, "root of user namespace", "Invalid argument")
        assert output(control, "net", "--", "id", "-u") == "0\n"


# ---- the command


@pytest.mark.parametrize("kind", ["net", "pid", "all"])
def test_how_it_ends(either, kind):
    assert ns(either, kind, "--", "sh", "-c", "exit 7").returncode == 7
    for number in signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV:
        done = ns(either, kind, "sh", "-c", f"kill -{number} $$")
        assert (done.returncode, done.stderr) == (-number, "")
    one_line(ns(either, kind, "--", "no-such"), 127, "exec no-such", "No such file")
    one_line(ns(either, kind, "--", "/etc/passwd/x"), 127, "exec /etc/passwd/x", "Not a directory")
    one_line(ns(either, kind, "--", "/etc/passwd"), 126, "exec /etc/passwd", "Permission denied")


@pytest.mark.parametrize("kind", ["net", "pid"])
def test_signals_reach_it(either, kind):
    for name in "TERM", "INT", "HUP", "USR1", "WINCH":
        client = either.popen("ns", kind, "--", "sh", "-c", f"trap 'echo {name}; exit 9' {name}; "
                              "echo ready; while :; do sleep 0.01; done", outer=either.user)
        assert client.stdout.readline() == b"ready\n"
        client.send_signal(getattr(signal, f"SIG{name}"))
        assert client.communicate(timeout=DEADLINE)[0] == f"{name}\n".encode()
        assert client.returncode == 9


def lead_a_group():
    """Makes a process group; ours may be orphaned, which TSTP does not stop (setpgid(2))."""
    unignore()
    os.setpgid(0, 0)


def test_stop_and_continue(either):
    client = either.popen("ns", "pid", "sh", "-c", "echo ready; read x; echo $x",
                          outer=either.user, stdin=subprocess.PIPE, preexec_fn=lead_a_group)
    assert client.stdout.readline() == b"ready\n"
    child = either.children(client.pid)[0]
    for _ in range(3):
        client.send_signal(signal.SIGTSTP)
        eventually(lambda: process(child).state == process(client.pid).state == "T")
        client.send_signal(signal.SIGCONT)
        eventually(lambda: process(child).state == process(client.pid).state == "S")
    assert client.communicate(b"word\n", DEADLINE)[0] == b"word\n"


def test_killed_with_it(either):
    """A command in a pid namespace ends with initctl."""
    client = either.popen("ns", "pid", "--", "sh", "-c", "echo ready; exec sleep 1000",
                          outer=either.user)
    assert client.stdout.readline() == b"ready\n"
    child = either.children(client.pid)[0]
    client.kill()
    eventually(lambda: not is_alive(child), what="the end of the command")


def test_a_command_that_closes_its_stdout(either):
    """The reader sees the end: initctl keeps no copy open."""
    for kind in "net", "pid":
        client = either.popen("ns", kind, "--", "sh", "-c", "exec >&- 2>&-; read x",
                              outer=either.user, stdin=subprocess.PIPE)
        assert read_all(client.stdout.fileno()) == read_all(client.stderr.fileno()) == ""
        assert client.poll() is None
        client.stdin.write(b"\n")
        client.stdin.close()
        assert client.wait(DEADLINE) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_killed_with_the_container(either, how):
    client = either.popen("ns", "pid", "--", "sh", "-c", "echo ready; exec sleep 1000",
                          outer=either.user)
    assert client.stdout.readline() == b"ready\n"
    os.kill(either.pid(), how)
    assert client.wait(DEADLINE) == -how


def test_ignored_and_blocked_as_they_were(either):
    """Ignored signals, as by nohup, and blocked ones are inherited, SIGCHLD as well."""
    def inherit():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1])

    for kind in "net", "pid":
        status = output(either, kind, "cat", "/proc/self/status", preexec_fn=inherit)
        bit = {name: int(value, 16) for name, value in re.findall(r"(Sig\w+):\s(\w+)", status)}
        assert bit["SigBlk"] == 1 << signal.SIGUSR1 - 1
        # Python ignores two more signals.
        assert bit["SigIgn"] & 0x10001 == 1 | 1 << signal.SIGCHLD - 1


@pytest.mark.parametrize("kind, passed", [("net", True), ("uts,user", True), ("pid", False),
                                          ("mnt", False), ("all", False)])
def test_inherited_descriptors(either, kind, passed):
    """The command inherits descriptors, except where processes of the container could access it."""
    read, write = os.pipe()
    try:
        done = ns(either, kind, "--", "bash", "-c", f"echo through >&{write}", pass_fds=[write])
        os.set_blocking(read, False)
        assert (done.returncode == 0) == passed
        assert not passed or os.read(read, 99) == b"through\n"
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize("kind", ["uts", "user", "pid", "all"])
def test_no_descriptor_of_ours_is_passed(either, kind):
    """CVE-2024-21626: neither the connection nor a namespace, nor the root of the container."""
    assert output(either, kind, "--", "ls", "-m", "/proc/self/fd") == "0, 1, 2, 3\n"


# ---- on a terminal


def shell_of(control, **options):
    """An interactive shell of the operator, with initctl ns in $NS."""
    words = [*control.user, "bash", "--norc", "--noprofile", "--noediting", "-i"]
    terminal = control.on_terminal(shell=words, **options)
    terminal.expect(PROMPT)
    terminal.type('stty -echo; alias ns="$INITCTL ns"; echo mute')
    terminal.expect(f"mute\r\n{PROMPT}")
    return terminal


@pytest.mark.parametrize("kind", ["net", "pid"])
def test_keys(either, kind):
    """Ctrl-C, Ctrl-Z, fg and bg work as without initctl."""
    terminal = shell_of(either)
    terminal.type(f"ns {kind} -- sleep 1000")
    terminal.find_foreground("sleep")
    terminal.press(INTERRUPT)
    terminal.expect(PROMPT)
    assert terminal.run("echo $?").strip() == "130"
    terminal.type(f"ns {kind} -- cat")
    for word in "once", "twice":
        terminal.find_foreground("cat")
        terminal.press(SUSPEND)
        terminal.expect(f"(?s)Stopped.*{PROMPT}")
        terminal.until(lambda: {one.state for one in terminal.all("cat")} == {"T"}, "the stop")
        terminal.type("fg")
        terminal.find_foreground("cat")
        terminal.type(word)
        terminal.expect(f"{word}\r\n")
    terminal.press(SUSPEND)
    terminal.expect(f"(?s)Stopped.*{PROMPT}")
    terminal.run("bg")
    # It is stopped because it reads.
    terminal.until(lambda: "Stopped" in terminal.run("jobs"), "the stop of a reader")
    terminal.type("fg")
    terminal.find_foreground("cat")
    terminal.press(END)
    terminal.expect(PROMPT)
    assert terminal.run("echo $?").strip() == "0"


@pytest.mark.parametrize("kind", ["net", "pid"])
def test_a_key_that_the_command_handles(either, kind):
    """The command gets the signal once, from the terminal, and initctl waits for it."""
    terminal = shell_of(either, env={"PROBE": PROBE})
    last, typed, sent = signal.SIGPWR, 128, 0  # si_code: SI_KERNEL, SI_USER
    terminal.type(f"ns {kind} -- $PROBE signals --until {int(last)}")
    terminal.expect("ready\r\n")
    for key, number in (INTERRUPT, 2), (SUSPEND, 20), (INTERRUPT, 2):
        terminal.press(key)
        terminal.expect(f"{number} {typed} 0\r\n")
    client = (terminal.all("initctl") or terminal.all("probe"))[0]
    os.kill(client.pid, last)
    # A second one would be printed before the signal that was sent last.
    assert terminal.expect(f"(?s)(.*){int(last)} {sent} 0\r\n").group(1) == ""
    terminal.expect(PROMPT)


def test_an_interactive_shell(either):
    """A shell has job control; the terminal is given back, also to a script that reads."""
    terminal = shell_of(either)
    inner = "PS1='inner> ' bash --norc --noprofile --noediting -i"
    terminal.type(f"bash -c \"$INITCTL ns pid,uts -- env {inner}; read x; echo got \\$x\"")
    terminal.expect("inner> ")
    terminal.type("hostname; sleep 1000")
    terminal.expect("within\r\n")
    terminal.find_foreground("sleep")
    terminal.press(SUSPEND)
    terminal.expect("(?s)Stopped.*inner> ")
    terminal.type("fg")
    terminal.find_foreground("sleep")
    terminal.press(INTERRUPT)
    terminal.expect("inner> ")
    terminal.type("exit 3")
    terminal.wait_gone("initctl")
    terminal.type("word")
    terminal.expect("got word\r\n")
    terminal.expect(PROMPT)


def test_the_terminal_is_not_taken_from_a_shell(either):
    """A background job that ends does not change the foreground."""
    terminal = shell_of(either)
    terminal.type("ns pid -- sh -c 'until [ -e %s ]; do sleep 0.01; done' &" % (
        either.directory / "go"))
    terminal.expect(PROMPT)
    terminal.find("initctl")
    (either.directory / "go").touch()
    terminal.wait_gone("initctl")
    assert "42" in terminal.run("echo $((6 * 7))")
    assert terminal.foreground() == terminal.pid()


# ---- what an untrusted container might do


@needs_strace
def test_order(either):
    """initctl makes itself undumpable before it enters a namespace, and enters mnt last."""
    log = either.directory / "log"
    done = either.run("ns", "all", "--", "true", outer=[
        *either.user, *STRACE, log, "-e", "trace=prctl,setns,close_range,fork,clone"])
    assert done.returncode == 0, done
    calls = re.findall(r"^\d+ +(\w+)\((.*)\) += 0", log.read_text(), re.M)
    first = next(i for i, (name, _) in enumerate(calls) if name == "setns")
    assert ("prctl", "PR_SET_DUMPABLE") in [(name, args.split(",")[0]) for name, args in
                                            calls[:first]]
    assert "close_range" in [name for name, _ in calls[:first]]
    order = [args.split("CLONE_")[1] for name, args in calls if name == "setns"]
    rights = ["NEWUSER"] if either.user or not AS_ROOT else []
    assert order == rights + ["NEWCGROUP", "NEWIPC", "NEWUTS", "NEWNET", "NEWTIME", "NEWPID",
                              "NEWNS"]


def test_our_own_file_is_not_there_to_be_changed(box):
    """CVE-2019-5736: a "program" in the container that is a script for /proc/self/exe."""
    client = box.popen("ns", "mnt,pid", "--", "sh", "-c", "echo ready; exec sleep 1000")
    assert client.stdout.readline() == b"ready\n"
    assert os.readlink(f"/proc/{client.pid}/exe").startswith("/memfd:")
    copy = os.open(f"/proc/{client.pid}/exe", os.O_RDONLY)
    client.kill()
    client.wait()
    # No process executes it any more, which would keep it from being written.
    write = os.open(f"/proc/self/fd/{copy}", os.O_WRONLY)
    try:
        with pytest.raises(PermissionError):
            os.write(write, b"other")
    finally:
        os.close(write)
        os.close(copy)
    script = box.directory / "mnt" / "script"
    box.output("exec", "sh", "-c",
               f"printf '#!/proc/self/exe wait\\n' >{script}; chmod +x {script}")
    one_line(ns(box, "mnt,pid", str(script)), 125, "too many arguments", str(script))
    # Where the command is a file of the host, initctl executes it directly.
    client = box.popen("ns", "pid", "--", "sh", "-c", "echo ready; exec sleep 1000")
    assert client.stdout.readline() == b"ready\n"
    assert os.readlink(f"/proc/{client.pid}/exe") == INITCTL


@pytest.mark.parametrize("kinds", [["null"], ["directory"], [], ["null", "null"]])
def test_a_false_init(control, kinds):
    """A false init replies opened, but passes something else, or too few or many descriptors."""
    server = Server(control.socket)
    try:
        server.serve((GREETING, ()), [[(message("opened"), kinds)]] * 9)
        for words in ["net"], ["net", "true"], ["net", "--fd", "9", "true"]:
            one_line(control.run("ns", *words), 125, " net: ")
    finally:
        server.close()


# ---- what goes wrong


@pytest.mark.parametrize("words, text", [
    (["foo"], "unknown namespace 'foo'"), (["net,foo"], "unknown namespace 'foo'"),
    (["net,"], "unknown namespace ''"), ([""], "unknown namespace ''"),
    (["NET"], "unknown namespace 'NET'"), (["n" * 300], "unknown namespace"),
    (["--", "true"], "no namespaces given"), (["--nope"], "unknown option '--nope'"),
    (["net", "--fd", "2", "true"], "bad descriptor for --fd: '2'"),
    (["net", "--fd", "x", "true"], "bad descriptor for --fd: 'x'"),
    (["net", "--fd"], "option --fd needs a value"), (["net", "--fd", "9"], "no command given"),
    (["net", "--program", "/bin/true"], "no command given"),
    (["net", "--save", "/x", "--", "true"], "too many arguments: 'true'"),
    (["--save", "/x", "--drop", "/y"], "cannot use --drop with '--save'"),
    (["--drop", "/y", "--from", "/x"], "cannot use --drop with '--from'"),
    (["--drop", "/x", "net"], "too many arguments: 'net'"),
    (["--from", "/nowhere", "net", "true"], "open /nowhere/net: No such file or directory"),
    (["--from", "/nowhere"], "open /nowhere: no namespaces were saved there"),
    (["--from", "/dev/null", "net"], "open /dev/null/net: Not a directory"),
    (["--drop", "/nowhere"], "drop /nowhere: No such file or directory"),
    (["net"], "connect to"),
])
def test_mistakes(control, words, text):
    one_line(control.run("ns", *words), 125, text)


def test_not_offered(control):
    control.start("--control-verbs", "status", how="plain")
    one_line(control.run("ns", "net"), 125, "cannot complete the request for net", "Operation not permitted")


@needs_root
def test_a_kind_that_init_could_not_open(control):
    """The container has no real /proc. A kind that is named is an error; of `all` the others are
    used."""
    start(control, "unshare", "-m", main="exec sleep 1000", wrap=[
        "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"])
    one_line(ns(control, "net", "true"), 125, "cannot open net: not available here")
    one_line(ns(control), 125, "init has none to hand out")


@needs_root
def test_no_rights(control):
    """An ordinary user and root's container: refused, or accepted but without the privilege."""
    start(control, *UNSHARE)
    control.user = USER
    one_line(ns(control, "net", "true"), 125, "connect to", "Permission denied")
    control.init.close()
    start_allowed = control.directory / "allowed"
    start_allowed.mkdir()
    control.socket = start_allowed / "s"
    start_allowed.chmod(0o777)
    control.start("--control-allow", "1000", how="plain", outer=UNSHARE)
    assert links(output(control, "user", *LINKS)) == ours()
    for kind in OTHERS:
        one_line(ns(control, kind, "true"), 125, f"enter namespace {kind}",
                 "Operation not permitted; needs the rights of root over the container")
    one_line(ns(control, "--save", start_allowed / "k"), 125, "Operation not permitted")
    assert not (start_allowed / "k").exists()


@needs_root
def test_no_rights_over_another_users(rootless):
    """A user other than the one who made the container."""
    rootless.init.close()
    rootless.socket = rootless.directory / "t"
    rootless.start("--control-allow", "0", how="plain", outer=[*USER, *UNSHARE, "-Ur"])
    rootless.socket.chmod(0o666)
    other = ["setpriv", "--reuid=1001", "--regid=1001", "--clear-groups"]
    one_line(rootless.run("ns", "net", "true", outer=other), 125, "connect to")


# ---- an interface of the host


def test_passed_descriptors(either):
    """--fd enters no namespace: the command gets descriptors, numbered in the list's order."""
    done = output(either, "uts,net", "--fd", "9", "--", "readlink", "/proc/self/fd/9",
                  "/proc/self/fd/10", "/proc/self/ns/net", "/proc/self/exe")
    inside, outside = theirs(either), ours()
    assert done.splitlines()[:3] == [f"uts:[{inside['uts']}]", f"net:[{inside['net']}]",
                                     f"net:[{outside['net']}]"]
    # Numbers that overlap with each other, and with the descriptors that initctl received.
    for first in range(3, 24):
        done = output(either, "all", f"--fd={first}", "--", "readlink",
                      *(f"/proc/self/fd/{first + i}" for i in range(len(KINDS))))
        assert done.splitlines() == [f"{kind}:[{inside[kind]}]" for kind in KINDS]


@pytest.mark.parametrize("first", range(3, 8))
def test_passed_descriptors_and_a_program_of_ours(control, first):
    """The descriptors of --fd do not replace that of --program."""
    control.start(how="plain").user = ()
    assert output(control, "net,uts", "--fd", str(first), "--program", INITCTL, "--", "initctl",
                  "-V").startswith("initctl ")


def test_passed_descriptors_beyond_the_limit(control):
    control.start(how="plain")
    one_line(control.run("ns", "net", "--fd", "60000", "true", outer=["prlimit", "-n1024:1024"]),
             125, "cannot pass descriptor of net: --fd is beyond the limit of open files")


SERVE = """
import socket
server = socket.create_server(("198.18.77.2", 7777))
print("listening", flush=True)
client, address = server.accept()
client.sendall(client.recv(100).upper())
print(address[0])
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def veth():
    """The names of a pair of veth interfaces in the host's network."""
    if not AS_ROOT:
        pytest.skip("needs root")
    names = [f"t{os.getpid()}{end}" for end in "ab"]
    if subprocess.run(["ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1]],
                      capture_output=True).returncode:
        pytest.skip("no veth here")
    yield names
    for name in names:
        subprocess.run(["ip", "link", "del", name], capture_output=True)


@pytest.mark.skipif(not shutil.which("ip"), reason="iproute2 is not installed")
@pytest.mark.parametrize("which", ["box", "rootless", "saved"])
def test_moving_an_interface_in(request, veth, which):
    """By the command that the list prints, an interface is moved in; it is configured from outside,
    and carries traffic."""
    box = request.getfixturevalue("rootless" if which == "rootless" else "box")
    box.user, source = (), []
    folder = box.directory / "k"
    if which == "saved":
        output(box, "--save", folder)
        source = ["--from", folder]
        box.output("stop")
    theirs_end = ["ns", *source, "net", "--"]
    line = output(box, *source, "net").splitlines()[-1].split(": ", 1)[1]
    env = box.environment(PATH=f"{os.path.dirname(INITCTL)}:{os.environ['PATH']}")
    subprocess.run(line.replace(" X ", f" {veth[1]} "), shell=True, check=True, env=env)
    assert not Path(f"/sys/class/net/{veth[1]}").exists()
    ip("addr", "add", "198.18.77.1/30", "dev", veth[0])
    ip("link", "set", veth[0], "up")
    box.output(*theirs_end, "ip", "addr", "add", "198.18.77.2/30", "dev", veth[1])
    box.output(*theirs_end, "ip", "link", "set", veth[1], "up")
    server = box.popen(*theirs_end, sys.executable, "-c", SERVE)
    assert server.stdout.readline() == b"listening\n"
    client = subprocess.run([sys.executable, "-c", "import socket\n"
                             f"s = socket.create_connection(('198.18.77.2', 7777), {DEADLINE})\n"
                             "s.sendall(b'word'); print(s.recv(100))"],
                            capture_output=True, text=True, timeout=2 * DEADLINE)
    assert client.stdout == "b'WORD'\n", client
    assert server.communicate(timeout=DEADLINE)[0] == b"198.18.77.1\n"
    if which == "saved":
        output(box, "--drop", folder)


# ---- saved


def saved(box, *words):
    folder = box.directory / "k"
    assert output(box, "--save", folder, *words) == ""
    return folder


def nothing_left(folder):
    assert not folder.exists()
    assert not [line for line in mounts() if str(folder) in line]


def test_saved(box):
    """Saved namespaces outlive the container, and keep their settings."""
    inside, folder = theirs(box), saved(box)
    assert sorted(os.listdir(folder)) == sorted(set(KINDS) - {"pid", "user"})
    assert folder.stat().st_mode & 0o777 == 0o700
    box.output("stop")
    box.init.wait()
    found = listed(box, "--from", folder)
    assert {kind: str(line["inode"]) for kind, line in found.items()} == {
        kind: inside[kind] for kind in KINDS if kind not in ("pid", "user")}
    assert output(box, "--from", folder, "uts,net", "hostname") == "within\n"
    assert links(output(box, "--from", folder, "net,ipc", *LINKS)) == {
        **ours(), "net": inside["net"], "ipc": inside["ipc"]}
    assert output(box, "--from", folder, "mnt", "--", "ls", box.directory / "mnt") == "inside\n"
    assert output(box, "--from", folder, "all", "--", "sh", "-c", "pwd; hostname") == "/\nwithin\n"
    one_line(ns(box, "--from", folder, "pid", "true"), 125, f"open {folder}/pid", "No such file")
    assert output(box, "--drop", folder) == ""
    nothing_left(folder)


def test_saved_by_name(box):
    """Named ones are saved, also one that is the caller's; pid cannot be entered later."""
    folder = saved(box, "pid,user,uts")
    assert sorted(os.listdir(folder)) == ["pid", "user", "uts"]
    assert int(output(box, "--from", folder, "pid", "--", "sh", "-c", "echo $$")) < 100
    box.output("stop")
    box.init.wait()
    one_line(ns(box, "--from", folder, "pid", "--", "true"), 125, "enter pid",
             "its init has ended")
    assert output(box, "--from", folder, "uts", "--", "hostname") == "within\n"
    output(box, "--drop", folder)
    nothing_left(folder)


@needs_root
def test_saved_of_an_ordinary_users(rootless):
    """Those of an ordinary user, saved by root, are entered with their user namespace."""
    rootless.user = ()
    inside, folder = theirs(rootless), saved(rootless)
    assert "user" in os.listdir(folder)
    rootless.output("stop")
    rootless.init.wait()
    assert links(output(rootless, "--from", folder, "user,net,uts", *LINKS)) == {
        **ours(), **{kind: inside[kind] for kind in ("user", "net", "uts")}}
    output(rootless, "--drop", folder)
    nothing_left(folder)


@needs_root
@pytest.mark.parametrize("words", [["user"], ["user,uts,pid"], ["all"]], ids=" ".join)
def test_user_namespace_without_root(control, words):
    """Where the map has no 0, the command has the first id that it has, as init's own has."""
    control.directory.chmod(0o777)
    control.user = ()
    control.start("--unshare=user,mount,pid,uts", "--uid-map=1000:201000:1", "--uid-map=5:200005:1",
                  "--gid-map=1002:201002:2", "--mount=proc", how="plain", command=["sleep", "1000"])
    script = "id -u; id -g; id -G; grep CapEff /proc/self/status"
    lines = output(control, *words, "--", "sh", "-c", script).splitlines()
    assert lines[:3] == ["1000", "1002", "1002"]
    assert control.output("exec", "--", "sh", "-c", script).splitlines()[:3] == lines[:3]


NETNS = """
mkdir -p /run/netns && mount -t tmpfs none /run/netns && ln -s $1/net /run/netns/box || exit
ip netns list
ip netns exec box readlink /proc/self/ns/net
ip -n box -o link show dev lo | cut -d: -f2
ip netns del box
ls -A /run/netns
stat -f -c %T $1/net
"""


@pytest.mark.skipif(not shutil.which("ip"), reason="needs iproute2")
def test_saved_for_ip_netns(box):
    """By a link that initctl(1) tells of, iproute2 finds the network namespace, and drops it."""
    inside, folder = theirs(box), saved(box, "net,uts")
    made = not os.path.lexists("/run/netns")
    try:
        result = subprocess.run(["unshare", "-m", "sh", "-c", NETNS, "sh", folder],
                                capture_output=True, text=True, timeout=60, check=False)
    finally:
        if made:
            os.rmdir("/run/netns")
    assert result.stderr == ""
    assert result.stdout.split() == ["box", f"net:[{inside['net']}]", "lo", "tmpfs"]
    output(box, "--drop", folder)
    nothing_left(folder)


def test_saved_once_more(box):
    """From one directory to another."""
    folder, other = saved(box, "uts"), box.directory / "other"
    output(box, "--from", folder, "--save", other)
    output(box, "--drop", folder)
    assert output(box, "--from", other, "uts", "hostname") == "within\n"
    output(box, "--drop", other)
    nothing_left(other)


def test_saving_without_the_right(rootless):
    if AS_ROOT:
        rootless.directory.chmod(0o777)
    folder = rootless.directory / "k"
    one_line(ns(rootless, "--save", folder), 125, f"save namespaces in {folder}",
             "Operation not permitted")
    nothing_left(folder)


@needs_strace
@pytest.mark.parametrize("call, when, error", [
    ("mount", 1, "EPERM"), ("mount", 2, "EINVAL"), ("mount", 3, "EPERM"), ("mount", 8, "ENOSPC"),
    ("mkdirat", 1, "EROFS")])
def test_saving_that_fails_half_way(box, call, when, error):
    folder, before = box.directory / "k", mounts()
    done = box.run("ns", "--save", folder, outer=[
        *STRACE, "/dev/null", "-e", f"trace={call}",
        "-e", f"inject={call}:error={error}:when={when}"])
    one_line(done, 125, str(folder), os.strerror(getattr(errno, error)))
    nothing_left(folder)
    assert mounts() == before


@needs_strace
def test_saving_that_is_interrupted(box):
    """A signal does not interrupt the saving: it is completed."""
    folder = box.directory / "k"
    box.output("ns", "--save", folder, "net,uts", env={"ASAN_OPTIONS": "detect_leaks=0"}, outer=[
        *STRACE, "/dev/null", "-e", "trace=mount", "-e", "inject=mount:signal=TERM:when=3"])
    assert sorted(os.listdir(folder)) == ["net", "uts"]
    output(box, "--drop", folder)
    nothing_left(folder)


def test_saving_to_an_existing_path(box):
    folder = box.directory / "k"
    folder.mkdir()
    one_line(ns(box, "--save", folder), 125, f"make directory {folder}", "File exists")
    one_line(ns(box, "--drop", folder), 125, "no namespaces were saved there")
    assert folder.is_dir()
    one_line(ns(box, "--save", folder / "x" / "y"), 125, "No such file or directory")


@needs_root
def test_dropping_what_save_did_not_make(control):
    """A mount that --save did not make is kept. In a mount namespace of its own, for safety."""
    script = """mount -t tmpfs none "$1" && touch "$1/file" && cd /
for place in "$1" /proc /; do "$INITCTL" ns --drop "$place"; echo $?; done; ls "$1" /proc/uptime"""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(control.directory)],
                          env=control.environment(INITCTL=INITCTL), capture_output=True, text=True)
    assert done.stdout.split()[:3] == ["125"] * 3
    assert "file" in done.stdout and "/proc/uptime" in done.stdout
    assert done.stderr.count("no namespaces were saved there\n") == 3


def test_dropping_by_a_link(box):
    folder, link = saved(box, "uts"), box.directory / "link"
    link.symlink_to(folder)
    one_line(ns(box, "--drop", link), 125, f"drop {link}", "Invalid argument")
    assert output(box, "--from", link, "uts", "hostname") == "within\n"
    output(box, "--drop", folder)
    nothing_left(folder)


def test_dropping_while_in_use(box):
    folder = saved(box, "uts")
    fd = os.open(folder, os.O_RDONLY)
    output(box, "--drop", folder)
    os.close(fd)
    nothing_left(folder)


@pytest.fixture
def one_cpu():
    """Keeps the test on one CPU: the kernel compares numbers, which each CPU counts separately."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@needs_root
def test_a_mount_namespace_older_than_ours(one_cpu, box):
    """The kernel refuses to mount it in a younger one, since the two could keep each other."""
    folder = box.directory / "k"
    within = ["unshare", "-m", "--propagation", "unchanged"]
    done = box.run("ns", "--save", folder, "net,mnt", outer=within)
    one_line(done, 125, f"save mnt in {folder}", "older than it")
    nothing_left(folder)
    # The others can be saved there.
    text = box.run("ns", "--save", folder, "net", outer=within)
    assert text.returncode == 0
    folder.rmdir()


@needs_root
def test_saving_where_mounts_are_shared(one_cpu, control):
    """A container that receives our mounts sees none of those of --save, and mnt can be saved."""
    script = """set -e
mount -t tmpfs none "$1"; mount --make-rshared /
cd "$1"; shift
unshare -m --propagation slave -un "$INIT" --control s -- sleep 1000 & pid=$!
until [ -S s ]; do sleep 0.01; done
"$INITCTL" -S s ns --save k
"$INITCTL" -S s exec -- sh -c "cat $PWD/k/net; grep -c $PWD/k/ /proc/self/mountinfo" || :
"$INITCTL" -S s stop; wait $pid || :
"$INITCTL" ns --from k mnt -- echo entered
"$INITCTL" ns --drop k
! grep "$PWD/k" /proc/self/mountinfo; ls
"""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(control.directory)],
                          env=control.environment(INIT=INIT, INITCTL=INITCTL),
                          capture_output=True, text=True, timeout=4 * DEADLINE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\nentered\n", ""), done
