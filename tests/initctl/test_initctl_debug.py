"""initctl debug: the operator's tools among the container's processes.

`box` is a container of root, `rootless` one that an ordinary user has made and operates (see
test_ns.py); `scratch` has nothing in it but init and an application.
"""
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import AS_ROOT, DEADLINE, INIT, eventually, is_alive, sanitized, status_of
from container import needs_root, read_all
from initctl import INITCTL, control, one_line, unignore  # noqa: F401
from terminal import INTERRUPT, Terminal
from test_ns import STRACE, USER, box, either, lead_a_group, needs_strace  # noqa: F401
from test_ns import nothing_kept, rootless, start  # noqa: F401

BUSYBOX = "/bin/busybox"
PROMPT = r"/ # (\x1b\[6n)?$"
NO_RIGHTS = "Operation not permitted; needs the rights of root over the container"


def is_static(path):
    return os.path.exists(path) and b"/ld-" not in Path(path).read_bytes()[:4096]


pytestmark = [
    pytest.mark.skipif(not is_static(BUSYBOX), reason="busybox-static is not installed"),
    pytest.mark.skipif(sanitized(), reason="initctl runs in the root of the tools, too, where a build "
                                           "with sanitizers lacks its libraries")]


@pytest.fixture
def scratch(control):
    if not AS_ROOT:
        pytest.skip("needs root to change root")
    control.start_in_empty_root().user = ()
    return control


@pytest.fixture(params=["box", "rootless", "scratch"])
def each(request):
    return request.getfixturevalue(request.param)


def debug(control, *words, tools=BUSYBOX, **options):
    return control.run("debug", "--tools", tools, *words, outer=control.user, **options)


def output(control, script, *words, tools=BUSYBOX, **options):
    """What a script prints, which must succeed."""
    return control.output("debug", "--tools", tools, *words, "--", "sh", "-c", script,
                          outer=control.user, **options)


def running(control, script="echo ready; exec sleep 1000", **options):
    """Starts a debug command, and waits until it has said that it runs."""
    client = control.popen("debug", "--tools", BUSYBOX, "--", "sh", "-c", script,
                           outer=control.user, **options)
    assert client.stdout.readline() == b"ready\n"
    return client


def within(control):
    """The pids outside of those in the container's PID namespace."""
    namespace = os.readlink(f"/proc/{control.pid()}/ns/pid")
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == namespace:
                found.add(int(pid))
        except OSError:
            pass
    return found


def tree(directory):
    """Path and times of everything below a directory, /proc left out."""
    found = {}
    for folder, names, files in os.walk(directory):
        if folder == str(directory):
            names[:] = [name for name in names if name != "proc"]
        for name in ["."] + names + files:
            status = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = status.st_ino, status.st_mtime_ns, status.st_ctime_ns
    return found


@pytest.fixture
def folder(control):
    """A directory of tools, below one that no other user may list."""
    found = control.directory / "secret" / "tools"
    (found / "usr/bin").mkdir(parents=True)
    shutil.copy(BUSYBOX, found / "usr/bin/busybox")
    for name in "sh", "ls", "cat", "touch", "mount", "rm", "sleep":
        (found / "usr/bin" / name).symlink_to("busybox")
    (found / "bin").symlink_to("usr/bin")
    (found / "proc").mkdir()
    (found / "note").write_text("mine\n")
    (found.parent / "host").write_text("of the host\n")
    for one in control.directory, found.parent:
        one.chmod(0o711)
    return found


# ---- what the shell is in


def test_namespaces(either):
    """It is among the container's processes, in its namespaces, but for a mount namespace."""
    kinds = ["cgroup", "ipc", "uts", "net", "pid", "user", "mnt"]
    links = [f"/proc/self/ns/{kind}" for kind in kinds]
    inside = either.output("exec", "readlink", *links, outer=either.user).split()
    found = output(either, f"hostname; id -u; for n in {' '.join(links)}; do readlink $n; done; "
                   "tr '\\0' ' ' </proc/2/cmdline").splitlines()
    assert found[:2] == ["within", "0"]
    assert found[2:8] == inside[:6]
    assert found[8] not in (inside[6], os.readlink("/proc/self/ns/mnt"))
    assert found[9].strip() == "sleep 1000"


def test_the_containers_root(each):
    """It is below /container, with what is mounted there, without devices and set-user-ID."""
    text = output(each, "ls /container; cat /proc/self/mountinfo; ls -d /container/../bin")
    assert "init" in text if each.user == () and (each.directory / "root").exists() else "usr" in text
    of_container = [line for line in text.splitlines() if re.search(r" /container[/ ]", line)]
    assert of_container
    for line in of_container:
        assert {"nosuid", "nodev"} < set(line.split()[5].split(",")), line
        assert not re.search(r"shared:|master:", line)
    assert text.endswith("/container/../bin\n")


@needs_root
def test_a_container_without_namespaces(control):
    """It shares all of ours: the shell has a mount namespace of its own all the same."""
    control.start(how="plain").user = ()
    read, write = os.pipe()
    try:
        text = output(control, "readlink /proc/self/ns/mnt; ls / | xargs; exec ls /proc/self/fd",
                      pass_fds=[write])
    finally:
        os.close(read)
        os.close(write)
    namespace, entries, *fds = text.splitlines()
    assert namespace != os.readlink("/proc/self/ns/mnt")
    assert (entries, fds) == ("bin container dev etc proc tmp", ["0", "1", "2", "3"])


def test_a_mount_of_the_container(either):
    mnt = either.directory / "mnt"
    assert output(either, f"ls /container{mnt}") == "inside\n"
    output(either, f"echo written >/container{mnt}/new")
    assert either.output("exec", "cat", mnt / "new", outer=either.user) == "written\n"


def test_what_hides_files_of_proc_is_there(control):
    """Otherwise processes that can trace the shell could write to /proc/sys by way of it."""
    if AS_ROOT:
        control.start("--unshare=mount,pid", "--mount=proc", how="plain")
    else:
        control.start("--unshare=user,mount,pid", "--map-root", "--mount=proc", how="plain")
    control.user = ()
    script = "grep -c . {0}/keys; touch {0}/sys/kernel/hostname; cat {0}/self/comm"
    done = debug(control, "--", "sh", "-c", script.format("/proc"))
    assert done.stdout == "0\ncat\n"
    assert "Read-only file system" in done.stderr
    done = debug(control, "--", "sh", "-c", script.format("/container/proc"))
    assert done.stdout == "0\ncat\n"


def test_devices(each):
    """Those that every program needs, and a /dev/pts of its own; the nodes cannot be changed."""
    done = debug(each, "--", "sh", "-c", "for n in null zero full random urandom tty; do "
                 "[ -c /dev/$n ] || echo no $n; done; echo x >/dev/null; head -c2 /dev/zero | wc -c; "
                 "ls /dev/pts; chmod 777 /dev/null; sleep 0 & wait")
    assert done.stdout == "2\nptmx\n"
    assert done.stderr == "chmod: /dev/null: Read-only file system\n"


# ---- the tools


def test_busybox(each):
    """Without a command it is a shell; its programs are in PATH."""
    done = debug(each, input="which ls; echo $0; pwd; exit 5\n")
    assert (done.returncode, done.stdout) == (5, "/bin/ls\nsh\n/\n")


def test_busybox_by_another_name(each):
    other = each.directory / "busybox-1.35"
    shutil.copy(BUSYBOX, other)
    assert debug(each, tools=other, input="which ls; readlink /bin/ls\n").stdout == (
        "/bin/ls\n/bin/busybox-1.35\n")


@needs_root
@needs_strace
def test_busybox_that_is_stopped(box):
    """A process of the container may do that while it makes its links."""
    before, errors = within(box), box.directory / "errors"
    with open(errors, "wb") as file:
        client = box.popen("--timeout", "500ms", "debug", "--tools", BUSYBOX, stdout=file, stderr=file,
                           outer=[*STRACE, "/dev/null", "-e", "trace=symlink",
                                  "-e", "inject=symlink:signal=STOP:when=3"])
    stopped = eventually(lambda: within(box) - before, what="the start of busybox")
    minders = {int(status["PPid"]) for pid in stopped if (status := status_of(pid))}
    try:
        assert client.wait(DEADLINE) == 125
        assert errors.read_text() == "initctl: cannot run sh: no answer within 500 ms\n"
        eventually(lambda: within(box) == before, what="the end of all")
    finally:
        for pid in (within(box) - before) | {pid for pid in minders if is_alive(pid)}:
            os.kill(pid, signal.SIGKILL)


def test_another_file(each):
    """It is the command, where none is given, by its own name."""
    other = each.directory / "echo"
    shutil.copy(BUSYBOX, other)
    other.chmod(0o755)
    assert debug(each, "--", "echo", "hello", tools=other).stdout == "hello\n"
    assert debug(each, tools=other).stdout == "\n"
    assert debug(each, "--", "ls", tools=other).returncode == 127


def test_the_copy_is_not_our_file(either):
    """What processes of the container may open by /proc/PID/exe and root is a copy."""
    tool = either.directory / "busybox"
    shutil.copy(BUSYBOX, tool)
    tool.chmod(0o777)
    before = tool.read_bytes()
    text = output(either, "readlink /proc/$$/exe; stat -f -c %T /proc/$$/root; "
                  "cp /bin/busybox /tmp; exec /tmp/busybox sh -c 'echo junk >>/bin/busybox; "
                  "/tmp/busybox tail -c5 /bin/busybox'", tools=tool)
    assert text == "/bin/busybox\ntmpfs\njunk\n"
    assert tool.read_bytes() == before


def test_a_directory(either, folder):
    """It is the root, read-only, without what lies above it; its own /proc does not show."""
    script = ("echo /*; cat /note /../note; echo /../* /../../*; touch /note; touch /usr/x; "
              "touch /mine; cat /proc/self/comm; cat /proc/self/mountinfo")
    done = debug(either, "--", "sh", "-c", script, tools=folder)
    entries = "/bin /container /dev /note /proc /tmp /usr"
    first, *rest = done.stdout.splitlines()
    assert first == entries
    assert rest[:2] == ["mine", "mine"]
    assert rest[2].replace("/..", "") == f"{entries} {entries}"
    assert rest[3] == "cat"
    assert done.stderr.count("Read-only file system\n") == 2, done
    line, = [line.split() for line in rest if " /.tools " in line]
    assert {"ro", "nosuid", "nodev"} < set(line[5].split(",")), line
    assert sorted(os.listdir(folder)) == ["bin", "note", "proc", "usr"]
    assert not [line for line in rest if "secret " in line]


def test_a_directory_that_is_flat(either, folder):
    (folder / "usr/bin/busybox").rename(folder / "busybox")
    shutil.rmtree(folder / "usr")
    (folder / "bin").unlink()
    (folder / "sh").symlink_to("busybox")
    assert output(either, "busybox echo $0", tools=folder) == "sh\n"


@needs_root
def test_what_is_mounted_below_a_directory(box, folder):
    """It is left out; who may not see what is below is refused."""
    (folder / "usr/over").mkdir()
    (folder / "usr/over/file").write_text("")
    script = "mount -t tmpfs none \"$2\" && touch \"$2/mounted\" && exec \"$1\" debug --tools \"$3\" -- ls /usr/over"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", INITCTL, folder / "usr/over", folder],
                          env=box.environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "file\n", "")


@needs_root
def test_what_is_mounted_below_a_users_directory(rootless, folder):
    (folder / "usr/over").mkdir()
    script = "mount -t tmpfs none \"$2\" && shift 2 && exec \"$@\""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", INITCTL, folder / "usr/over",
                           *rootless.user, INITCTL, "debug", "--tools", folder],
                          env=rootless.environment(), capture_output=True, text=True, timeout=60)
    one_line(done, 125, "copy mount of tools", "something is mounted below the directory")


def test_directory_and_variables(each):
    env = {"SECRET": "hidden", "OURS": "passed", "TERM": "vt100"}
    assert output(each, "pwd; echo $A-$OURS-$SECRET-$HOME-$TERM-$B; echo $PATH", "-w", "/tmp",
                  "-e", "A=first", "-e", "A=x y", "-e", "OURS", "-e", "HOME=/tmp", "-e", "B", env=env
                  ) == ("/tmp\nx y-passed--/tmp-vt100-\n"
                        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/\n")


# ---- nothing is left in the container, nor of the operator's


def test_mounts_and_files_of_the_container(each):
    """They are the same before, during and after."""
    root = each.directory / "root"
    mountinfo, ours = Path(f"/proc/{each.pid()}/mountinfo"), Path("/proc/thread-self/mountinfo")
    before = mountinfo.read_bytes(), ours.read_bytes(), tree(root)
    client = running(each, "mkdir /tmp/x; mount -t tmpfs none /tmp/x; echo ready; read line; echo $line",
                     stdin=subprocess.PIPE)
    assert (mountinfo.read_bytes(), ours.read_bytes(), tree(root)) == before
    assert client.communicate(b"end\n", DEADLINE)[0] == b"end\n"
    assert (mountinfo.read_bytes(), ours.read_bytes(), tree(root)) == before


@needs_root
def test_where_mounts_are_shared(control):
    """A mount made in the shell appears neither in the container nor outside."""
    script = """mount -t tmpfs none "$1"; mount --make-rshared /; cd "$1"; shift
"$INIT" --control s -- sleep 1000 & pid=$!
until [ -S s ]; do sleep 0.01; done
cat /proc/self/mountinfo >before
"$INITCTL" -S s debug --tools /bin/busybox -- sh -c '
mount -t tmpfs none /container/mnt && mount -t tmpfs none /tmp && grep -c "shared:" /proc/self/mountinfo
mount -t tmpfs none /bin && echo mounted'
cat /proc/self/mountinfo | cmp before - && echo same
"$INITCTL" -S s stop; wait $pid
"""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(control.directory)],
                          env=control.environment(INIT=INIT, INITCTL=INITCTL),
                          capture_output=True, text=True, timeout=4 * DEADLINE)
    assert done.stdout == "0\nmounted\nsame\n", done


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_killed(either, how):
    """All that the command started ends with initctl, also what has left its session."""
    before = within(either)
    client = running(either, "trap '' HUP TERM; setsid sleep 1000 & sh -c 'sleep 1000 & exec sleep 1000' & "
                     "(setsid sh -c 'trap \"\" HUP TERM; sleep 1000' &); echo ready; exec sleep 1000")
    assert len(within(either) - before) >= 5
    minder, = either.children(client.pid)[:1]
    client.send_signal(how)
    client.wait(DEADLINE) if how != signal.SIGTERM else None
    if how == signal.SIGTERM:
        # It is passed on to the command, which ignores it.
        assert client.poll() is None
        client.kill()
    eventually(lambda: within(either) == before, what="the end of all")
    # Nobody else is in the mount namespace.
    eventually(lambda: not is_alive(minder), what="the end of the minder")


def test_hung_up(either):
    """Before that, it has time to end by itself."""
    file = either.directory / "mnt/hup"
    client = running(either, f"trap 'sleep 0.3; echo hung up >/container{file}; exit' HUP; echo ready; "
                     "while :; do sleep 0.01; done")
    client.kill()
    eventually(lambda: either.run("exec", "cat", file, outer=either.user).stdout == "hung up\n")


def test_the_minder_is_killed(either):
    before = within(either)
    client = running(either, "setsid sleep 1000 & echo ready; exec sleep 1000")
    minder, = either.children(client.pid)[:1]
    os.kill(minder, signal.SIGKILL)
    assert client.wait(DEADLINE) == 137
    eventually(lambda: within(either) == before, what="the end of all")


def test_what_the_command_leaves_behind(each):
    """It has ended by the time that initctl returns."""
    before = within(each)
    output(each, "sleep 1000 & setsid sleep 1000 & (setsid sh -c 'trap \"\" TERM; sleep 1000' &) ")
    assert within(each) == before


def test_descriptors(each):
    """Neither inherited ones nor our own are passed."""
    read, write = os.pipe()
    try:
        text = output(each, "for n in /proc/[0-9]*/fd/*; do case $n in /proc/[12]/*) ;; "
                      "*) readlink $n; esac; done; :", pass_fds=[write])
        assert f"pipe:[{os.fstat(write).st_ino}]" not in text
        folders = {line for line in text.splitlines() if line.startswith("/")}
        assert not {line for line in folders if os.path.isdir(line)} - {"/proc"}, text
    finally:
        os.close(read)
        os.close(write)
    # The third is that of the directory itself.
    assert output(each, "exec ls /proc/self/fd").split() == ["0", "1", "2", "3"]


KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219}.get(os.uname().machine)
KEYRING = f"""
import ctypes, os, sys
libc = ctypes.CDLL(None)
if len(sys.argv) > 1:
    libc.syscall({KEYCTL}, 1, None) > 0 or sys.exit("no keyring")
print(libc.syscall({KEYCTL}, 0, ctypes.c_long(-3), 0), flush=True)
len(sys.argv) > 1 and os.execvp(sys.argv[1], sys.argv[1:])
"""


@needs_root
@pytest.mark.skipif(not KEYCTL or not os.path.exists("/proc/keys"), reason="needs a kernel with keys")
def test_keyring(control):
    """The session keyring is not that of the operator."""
    control.start(how="plain").user = ()
    python = os.path.realpath("/usr/bin/python3")
    ours, theirs = control.output("debug", "--tools", "/", "--", python, "-c", KEYRING,
                                  outer=["/usr/bin/python3", "-c", KEYRING]).split()
    assert int(ours) > 0 and int(theirs) > 0 and ours != theirs


@needs_root
def test_what_processes_of_the_container_reach(box):
    """Those that may trace the shell find nothing of the host by way of it and its supervisor."""
    client = box.popen("debug", "--tools", BUSYBOX, "-e", "TOKEN=hidden", "--", "sh", "-c",
                       "echo ready; exec env -i sleep 1000", env={"SECRET": "hidden"})
    assert client.stdout.readline() == b"ready\n"
    script = """cd /proc; for p in [0-9]*; do case $(cat $p/comm) in initctl-scope | sleep) ;; *) continue; esac
[ $p -gt 2 ] && echo "$(cat $p/comm)|$(ls $p/root/.. | xargs)|$(ls $p/cwd/../.. | xargs)|$(
readlink $p/exe)|$(tr '\\0' '\\n' <$p/environ | grep -c SECRET)-$(
tr '\\0' ' ' <$p/cmdline)"; done; :"""
    found = [line.split("|") for line in
             box.output("exec", "--privileged", "sh", "-c", script).splitlines()]
    assert sorted(name for name, *_ in found) == ["initctl-scope"] * 2 + ["sleep"], found
    for name, root, directory, exe, hidden in found:
        assert root == directory == "bin container dev etc proc tmp"
        assert exe == ("/bin/busybox" if name == "sleep" else "/memfd:program (deleted)")
        assert hidden.startswith("0-") and "hidden" not in hidden and "tools" not in hidden
    client.kill()


@needs_root
def test_not_reached_without_capabilities(control):
    """The shell has more of them than a container usually has, whose root may not look at it."""
    control.start("--unshare=mount,pid", "--mount=proc", "--cap-keep=default", how="plain")
    control.user = ()
    client = running(control)
    done = control.run("exec", "--", "sh", "-c", "for p in /proc/[3-9]*; do case $(cat $p/comm) in "
                       "initctl-scope | sleep) ls $p/root/ $p/cwd/; cat $p/environ; "
                       "esac; done; :")
    assert done.stdout == ""
    assert done.stderr.count("Permission denied") == 9, done
    client.kill()


# ---- the command


def test_how_it_ends(each):
    assert debug(each, "--", "sh", "-c", "exit 7").returncode == 7
    for number in signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV:
        done = debug(each, "--", "sh", "-c", f"kill -{number} $$")
        assert (done.returncode, done.stderr) == (128 + number, "")
    one_line(debug(each, "--", "no-such"), 127, "run no-such", "No such file")
    one_line(debug(each, "--", "/tmp"), 126, "run /tmp", "Permission denied")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_ends_with_the_container(either, how):
    """The command gets what all of the container gets."""
    client = running(either)
    os.kill(either.pid(), how)
    assert client.wait(DEADLINE) == 128 + how


def test_stdio(each):
    """Bytes pass unchanged; the end of stdin and of stdout are seen."""
    data = os.urandom(1 << 20)
    assert debug(each, "--", "cat", input=data, text=False).stdout == data
    client = each.popen("debug", "--tools", BUSYBOX, "--", "sh", "-c", "exec >&-; read x",
                        outer=each.user, stdin=subprocess.PIPE)
    assert read_all(client.stdout.fileno()) == ""
    assert client.poll() is None
    client.stdin.close()
    assert client.wait(DEADLINE) == 1


def test_signals_reach_it(either):
    for name in "TERM", "INT", "USR1":
        client = running(either, f"trap 'echo {name}; exit 9' {name}; echo ready; "
                         "while :; do sleep 0.01; done")
        client.send_signal(getattr(signal, f"SIG{name}"))
        assert client.communicate(timeout=DEADLINE)[0] == f"{name}\n".encode()
        assert client.returncode == 9


def test_stop_and_continue(either):
    client = running(either, "echo ready; read x; echo $x", stdin=subprocess.PIPE,
                     preexec_fn=lead_a_group)
    command = max(within(either))
    client.send_signal(signal.SIGTSTP)
    eventually(lambda: status_of(command)["State"][0] == status_of(client.pid)["State"][0] == "T")
    client.send_signal(signal.SIGCONT)
    assert client.communicate(b"word\n", DEADLINE)[0] == b"word\n"


def test_ignored_sigchld(either):
    def ignore():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    assert debug(either, "--", "sh", "-c", "exit 3", preexec_fn=ignore).returncode == 3


# ---- on a terminal


def on_terminal(control, **options):
    words = [*control.user, INITCTL, "debug", "--tools", BUSYBOX]
    env = {"INIT_SOCKET": str(control.socket), **options.pop("env", {})}
    one = Terminal(words, control.marker, env=env, **options)
    control.terminals.append(one)
    one.expect(PROMPT)
    return one


def test_terminal(each):
    """The shell has one of its own, of its own /dev/pts; ours stays outside."""
    terminal = on_terminal(each, rows=33, columns=77)
    terminal.type("tty; stty size; ls /dev/pts | xargs; for n in 0 1 2; do readlink /proc/self/fd/$n; done")
    text = terminal.expect(r"(?s)(/dev/pts/0.*)/ # ").group(1).replace("\r", "")
    assert text.startswith("/dev/pts/0\n33 77\n0 ptmx\n/dev/pts/0\n/dev/pts/0\n/dev/pts/0\n")
    terminal.type("sleep 1000")
    terminal.find("sleep")
    terminal.press(INTERRUPT)
    terminal.expect(PROMPT)
    terminal.resize(20, 60)
    os.kill(terminal.pid(), signal.SIGWINCH)
    terminal.type("stty size")
    terminal.expect("20 60")
    terminal.type("exit 6")
    assert terminal.wait() == 6
    assert not terminal.is_raw()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_terminal_of_what_is_killed(either, how):
    before = within(either)
    terminal = on_terminal(either)
    terminal.type("sleep 1000 & setsid sleep 1000 & echo started")
    terminal.expect("started\r\n")
    os.kill(terminal.pid(), how)
    assert terminal.wait() in (-how, 128 + how)
    eventually(lambda: not terminal.is_raw(), what="the terminal's modes")
    eventually(lambda: within(either) == before, what="the end of all")


# ---- without rights, and other errors


@needs_root
def test_without_rights(control, tmp_path):
    """An ordinary user whom the channel admits, but who may not enter the namespaces."""
    control.directory.chmod(0o777)
    control.start("--control-allow=1000", "--unshare=mount,pid", "--mount=proc", how="plain")
    done = control.run("debug", "--tools", BUSYBOX, outer=[
        "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"])
    one_line(done, 125, "cannot enter namespace ", NO_RIGHTS)


@needs_root
def test_a_user_namespace_of_another(rootless):
    """A user who is not the one that made it."""
    done = rootless.run("debug", "--tools", BUSYBOX, outer=[
        "setpriv", "--reuid=1001", "--regid=1001", "--clear-groups"])
    one_line(done, 125, "Permission denied")
    done = rootless.run("debug", "--tools", BUSYBOX, outer=[
        "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"])
    assert done.returncode == 125 and done.stderr.count("\n") == 1, done


@needs_root
def test_root_in_an_ordinary_users_container(rootless, folder):
    """Root is root of the container there, and reads tools that are closed to that."""
    rootless.user = ()
    (folder.parent).chmod(0o700)
    assert output(rootless, "cat /proc/self/uid_map; cat /note", tools=folder
                  ).split() == ["0", "1000", "1", "mine"]
    assert output(rootless, "id -u") == "0\n"


@needs_root
def test_mounts_that_belong_further_up(control):
    """A container of a user in mounts of root, which may be copied before the user namespace is
    entered only."""
    start(control, "unshare", "-mpf", "--mount-proc", "--kill-child", *USER, "unshare", "-Urnu",
          main="hostname within && exec sleep 1000")
    assert output(control, "id -u; hostname; cat /proc/self/uid_map; ls -d /container/etc").split() == [
        "0", "within", "0", "1000", "1", "/container/etc"]


def test_bad_arguments(control):
    """Nothing is done: there is not even a container."""
    control.user = ()
    for words, *parts in (
            ((), "no --tools given"), (("--tools",), "needs a value"),
            (("--tools", "/no-such"), "open tools /no-such", "No such file"),
            (("--tools", "/dev/null"), "open program /dev/null", "Permission denied"),
            (("--tools", BUSYBOX, "--no"), "unknown option '--no'")):
        one_line(control.run("debug", *words), 125, *parts)
    one_line(debug(control), 125, f"connect to {control.socket}", "No such file")


def test_a_container_that_does_not_answer(either):
    os.kill(either.pid(), signal.SIGSTOP)
    try:
        one_line(either.run("--timeout", "300ms", "debug", "--tools", BUSYBOX, outer=either.user),
                 125, "no answer within 300 ms")
    finally:
        os.kill(either.pid(), signal.SIGCONT)


def test_a_directory_that_is_not_there(each):
    one_line(debug(each, "-w", "/no-such"), 125, "change directory to /no-such", "No such file")
