"""What init keeps open while the command runs, and what it does not need."""
import fcntl
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from conftest import (AS_ROOT, DEADLINE, INIT, NAMESPACE, PROBE, come_to_rest, descendants,
                      eventually, sanitized, switches)

ORDINARY = ["setpriv", "--reuid", "54321", "--regid", "54320", "--clear-groups"]


def command(init, name="sleep"):
    """The child of init that runs a program, once it does."""
    return eventually(lambda: [pid for pid, s in descendants(init.init_pid).items()
                               if s["Name"].strip() == name], what=f"a process {name}")[0]


def report(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def settled(init):
    """Waits until init has started its command and sleeps."""
    command(init)
    eventually(lambda: init.status()["State"][0] == "S", what="init to sleep")


def held(init):
    """What each descriptor of init refers to."""
    found = {}
    try:
        for fd in os.listdir(f"/proc/{init.init_pid}/fd"):
            try:
                found[int(fd)] = os.readlink(f"/proc/{init.init_pid}/fd/{fd}")
            except FileNotFoundError:
                pass  # closed since the directory was read
        return found
    except PermissionError:
        pytest.skip("only root may look at the descriptors of a process that is not dumpable")


# ---- descriptors


def test_inherited_descriptors(start, how):
    """tini and dumb-init keep inherited descriptors open. Here init closes its own copies."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe:
        init = start([PROBE, "with", "--close", writer, "--", "sleep", "1000"], how,
                     pass_fds=[writer])
        os.close(writer)
        settled(init)
        if how == "plain":
            # With how="pid1", unshare has a copy too.
            assert select.select([pipe], [], [], DEADLINE)[0] and pipe.read() == b""
        else:
            assert os.readlink(f"/proc/self/fd/{reader}") not in held(init).values()


def test_descriptors_pass_to_the_command(run, how):
    """The command gets all descriptors that init inherited, and none that init opened."""
    with open("/dev/zero", "rb") as zero:
        wrap = [PROBE, "with", "--open", 9, "--socket", 77, "--open", 200, "--"]
        fds = report(run([PROBE, "report"], how, wrap=wrap, pass_fds=[zero.fileno()]))["fds"]
        expected = {0, 1, 2, 9, 77, 200, zero.fileno()}
    assert {int(fd) for fd in fds} == expected


def test_what_init_holds(start, how):
    """While the command runs init has a few descriptors of its own and none of the command's."""
    wrap = [PROBE, "with", *sum((["--open", fd] for fd in range(20, 40)), []), "--"]
    init = start(["sleep", "1000"], how, wrap=wrap)
    settled(init)
    kinds = held(init)
    stderr = kinds.pop(2)
    assert "deleted" in stderr
    assert all(what.startswith("anon_inode:") or what == "/proc" for what in kinds.values())
    assert {0, 1} <= set(kinds) and len(kinds) <= 6


@pytest.mark.parametrize("also", ["2>/dev/null", "2>&1"])
def test_reader_sees_the_end_of_stdout(start, also):
    """tini, dumb-init and catatonit keep stdout open, so that its reader sees no end. Init does
    not."""
    # Not as PID 1, since unshare keeps it open as well.
    init = start(["sh", "-c", "echo hi; exec sleep 1000 >/dev/null 2>&1"], "plain",
                 wrap=["sh", "-c", f'exec "$@" {also}', "sh"])
    assert init.rest() == "hi\n"
    assert init.popen.poll() is None


def test_writer_sees_the_end_of_stdin(start):
    """Nor does init keep stdin open: a writer gets EPIPE once the command has closed it."""
    init = start(["sh", "-c", "echo ready; exec sleep 1000 </dev/null"], "plain",
                 stdin=subprocess.PIPE)
    init.line("ready")
    settled(init)

    def broken():
        try:
            os.write(init.popen.stdin.fileno(), b"x")
        except BrokenPipeError:
            return True
        return False

    eventually(broken, what="the end of stdin")


def writes_to(pid):
    """The files that a process can write to, by its descriptors: not those it only refers to."""
    found = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        flags = re.search(r"flags:\t(\d+)", Path(f"/proc/{pid}/fdinfo/{fd}").read_text())[1]
        if int(flags, 8) & os.O_ACCMODE and not int(flags, 8) & os.O_PATH:
            found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def test_streams_as_pid_1(start):
    """The same as PID 1, looked up in its descriptors."""
    init = start(["sleep", "1000"], stderr=subprocess.STDOUT)
    settled(init)
    ours = os.readlink(f"/proc/self/fd/{init.popen.stdout.fileno()}")
    assert ours.startswith("pipe:") and ours not in writes_to(init.init_pid)


CLOSES = 'trap "" TERM; echo hi; exec >/dev/null 2>&1; exec sleep 1000'


def released(init):
    """Waits until init has no pipe to write to, where that can be looked up."""
    if AS_ROOT:
        settled(init)
        eventually(lambda: "pipe:" not in " ".join(writes_to(init.init_pid)),
                   what="the release of the pipe")


def test_warnings_to_the_pipe_of_stdout(start, how):
    """Where stderr is the pipe of stdout, as under runit, s6 and `2>&1 | logger`, its reader sees
    the end when the command closes it, and still gets init's warnings."""
    init = start(["--kill-after", "100ms", "--", "sh", "-c", CLOSES], how, stderr=subprocess.STDOUT)
    if how == "plain":
        assert init.rest() == "hi\n"
    else:
        # unshare keeps it open as well.
        init.line("^hi$")
    released(init)
    init.signal(signal.SIGTERM)
    assert init.wait() == 137
    assert init.rest() == "init: command did not end in time; killing it\n"


def test_full_pipe_of_stdout_is_released(start):
    """Also one that has no room when init lets go of it."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with open(read, "rb") as reader:
        while True:
            try:
                os.write(write, bytes(4096))
            except BlockingIOError:
                break
        os.set_blocking(write, True)
        init = start(["sh", "-c", "exec sleep 1000 >/dev/null 2>&1"], "plain", stdout=write,
                     stderr=write)
        os.close(write)
        settled(init)
        ends = []
        thread = threading.Thread(target=lambda: ends.append(reader.read()), daemon=True)
        thread.start()
        thread.join(DEADLINE)
        assert ends and not ends[0].strip(b"\0")


@pytest.mark.parametrize("options, last", [(["-v"], "init: command exited with 3\n"),
                                           (["-w"], "init: reaped orphan")])
def test_last_messages_to_the_pipe_of_stdout(start, options, last):
    """Who asks for messages gets them to the end: the reader does not go when the command does."""
    for _ in range(20):
        init = start([*options, "--", "sh", "-c", "(sleep 0.05 &) & wait; exit 3"], "plain",
                     stderr=subprocess.STDOUT)
        assert last in init.rest()
        assert init.wait() == 3


@pytest.mark.parametrize("what", ["socket", "no proc", "file"])
def test_warnings_where_it_cannot_be_opened_again(start, tmp_path, what):
    """A socket cannot be opened again, nor can anything without /proc: it is kept. So is a file, in
    which each opening has a place of its own."""
    words = ["--kill-after", "100ms", "--", "sh", "-c", CLOSES]
    how, wrap, ours = "plain", [], None
    if what == "socket":
        ours, theirs = socket.socketpair()
        theirs = theirs.detach()
    elif what == "file":
        theirs = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    else:
        read, theirs = os.pipe()
        ours = open(read, "rb", buffering=0)
        how, wrap = "pid1", ["sh", "-c", 'umount /proc && exec "$@"', "sh"]
    init = start(words, how, wrap=wrap, stdout=theirs, stderr=theirs)
    os.close(theirs)
    settled(init)
    init.signal(signal.SIGTERM)
    assert init.wait() == 137
    text = b""
    if what == "file":
        text = (tmp_path / "log").read_bytes()
    else:
        with ours:
            while part := ours.recv(4096) if what == "socket" else ours.read(4096):
                text += part
    assert text == b"hi\ninit: command did not end in time; killing it\n"


# ---- directory, sockets, memory


def test_directory_is_not_pinned(run, how):
    """tini stays in its working directory, whose file system cannot be unmounted then. Here it
    can be."""
    script = 'mount -t tmpfs none /mnt && cd /mnt && exec "$@"'
    outer = [] if how == "pid1" else ["unshare", "-m" if AS_ROOT else "-Urm"]
    result = run(["sh", "-c", "cd / && until umount /mnt 2>/dev/null; do i=x$i; "
                  "[ ${#i} -lt 200 ] || exit 9; done"], how, outer=outer,
                 wrap=["sh", "-c", script, "sh"])
    assert result.returncode == 0


@pytest.mark.parametrize("mine", [True, False], ids=["init's", "another's"])
def test_listen_pid(run, how, mine):
    """catatonit leaves LISTEN_PID as it is, so that socket activation fails (catatonit#13). Here it
    is changed to the command's pid if it was init's."""
    if mine:
        seen = report(run([PROBE, "report"], how, wrap=[PROBE, "listen-pid"]))
        assert seen["env"]["LISTEN_PID"] == str(seen["pid"])
        assert seen["env"]["LISTEN_FDS"] == "1"
    else:
        for value in ("4000000", "", "01", "1x"):
            seen = report(run([PROBE, "report"], how, env={"LISTEN_PID": value}))
            assert seen["env"]["LISTEN_PID"] == value


def test_not_dumpable(start, how):
    """PR_SET_DUMPABLE is 0, so that a process of the same uid cannot trace init."""
    if not AS_ROOT and how == "pid1":
        pytest.skip("the owner of a user namespace may trace all in it")
    init = start(["sleep", "1000"], how, wrap=ORDINARY if AS_ROOT else [])
    settled(init)
    # The kernel makes root the owner of the /proc files of a process that is not dumpable.
    assert os.stat(f"/proc/{init.init_pid}/environ").st_uid == 0
    assert os.stat(f"/proc/{command(init)}/environ").st_uid == (54321 if AS_ROOT else os.geteuid())


def test_no_wakeups(start):
    """tini wakes up once a second. Init does not wake up at all without an event."""
    if sanitized():
        pytest.skip("a sanitizer's run-time may wake by itself")
    inits = [start([*options, "sleep", "1000"], how)
             for how in ("pid1", "plain") for options in ([], ["--kill-after", "1"], ["--wait-all"])
             if not options or os.path.basename(INIT) == "init"]
    for init in inits:
        settled(init)
    pids = [init.init_pid for init in inits]
    come_to_rest(*pids)
    before, begin = list(map(switches, pids)), time.monotonic()
    # Long enough for a timer of a second to expire, on a slow machine too.
    eventually(lambda: time.monotonic() - begin > 2.5, what="2.5 s")
    assert list(map(switches, pids)) == before


# ---- a stderr that cannot be written to


@pytest.fixture
def full_pipe():
    """The writing end of a full pipe that nobody reads."""
    reader, writer = os.pipe()
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for size in (65536, 1):
        try:
            while True:
                os.write(writer, b"x" * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(writer, fcntl.F_SETFL, flags)
    yield writer
    os.close(reader)
    os.close(writer)


def test_stderr_that_nobody_reads(start, how, full_pipe):
    """PID 1 does not wait for the reader of its stderr."""
    init = start(["-vvw", "sh", "-c", f"{PROBE} orphans 20; exec {PROBE} signals --until 10"], how,
                 stderr=full_pipe)
    init.line("^ready")
    for number in (34, 10):
        init.signal(number)
        init.line(f"^{number} ")
    assert init.wait() == 0


def test_full_stderr(start, how):
    """Nor does a full disk behind stderr end it."""
    with open("/dev/full", "w") as full:
        init = start(["-vvw", "sh", "-c", f"{PROBE} orphans 20; exec {PROBE} signals --until 10"],
                     how, stderr=full)
        init.line("^ready")
        for number in (34, 10):
            init.signal(number)
            init.line(f"^{number} ")
        assert init.wait() == 0


def test_broken_stderr(start, how):
    """If the reader of stderr has gone, init does not end, and forwards no SIGPIPE."""
    reader, writer = os.pipe()
    try:
        init = start(["-vvw", "sh", "-c", f"{PROBE} orphans 20; exec {PROBE} signals --until 10"],
                     how, stderr=writer)
        os.close(reader)
        init.line("^ready")
        for number in (34, 34, 34, 10):
            init.signal(number)
            assert init.line().string.startswith(f"{number} ")
        assert init.wait() == 0
    finally:
        os.close(writer)


def test_bad_input_with_closed_stderr(run, how):
    assert run(["--nonsense"], how, wrap=[PROBE, "with", "--close", 2, "--"]).returncode == 125


# ---- what it does not need


@pytest.fixture
def all_of_it(start, how, tmp_path):
    """All that init is for: reaping, signals with values, the end of a daemon, the exit code."""
    def all_of_it(**options):
        init = start(["sh", "-c", f"{PROBE} orphans 20; {PROBE} daemon sleep 1000; "
                      f"exec {PROBE} signals --until 12"], how, **options)
        init.line("^ready")
        subprocess.run([PROBE, "queue", str(init.init_pid), "34", "5", "6"], check=True)
        assert [init.line("^34 ").string for _ in range(2)] == ["34 -1 5", "34 -1 6"]
        init.signal(signal.SIGUSR2)
        init.line("^12 0 0")
        assert init.wait() == 0
    return all_of_it


@pytest.mark.skipif(not AS_ROOT, reason="only root may become another user")
def test_random_user(all_of_it):
    """Works as an ordinary user with any uid."""
    all_of_it(wrap=ORDINARY)


def test_no_new_privileges_inherited(all_of_it):
    """Works with no_new_privs set."""
    all_of_it(wrap=["setpriv", "--no-new-privs"])


def test_no_capabilities(all_of_it):
    """Works without capabilities, as under --cap-drop=ALL."""
    bounding = ["--bounding-set", "-all"] if AS_ROOT else []
    all_of_it(wrap=["setpriv", *bounding, "--inh-caps", "-all", "--no-new-privs"])


@pytest.mark.parametrize("error", [1, 38], ids=["EPERM", "ENOSYS"])
def test_seccomp(all_of_it, error):
    """Works where a seccomp filter or an older kernel refuses newer system calls."""
    all_of_it(wrap=[PROBE, "with", "--refuse-new-calls", error, "--"])


def test_seccomp_closes_descriptors(start, how):
    """Without close_range each inherited descriptor is closed individually."""
    wrap = [PROBE, "with", "--open", 50, "--open", 5, "--refuse-new-calls", 38, "--"]
    init = start(["sleep", "1000"], how, wrap=wrap)
    settled(init)
    assert "/dev/null" not in held(init).values()


def test_read_only_root(all_of_it, how):
    """Works on a read-only root."""
    outer = [] if how == "pid1" else ["unshare", "-m" if AS_ROOT else "-Urm"]
    script = "mount -o remount,bind,ro / && ! touch /x 2>/dev/null && exec \"$@\""
    all_of_it(outer=outer, wrap=["sh", "-c", script, "sh"])


def hide_proc(how):
    outer = [] if how == "pid1" else ["unshare", "-m" if AS_ROOT else "-Urm"]
    return {"outer": outer,
            "wrap": ["sh", "-c", 'mount -t tmpfs -o ro none /proc && exec "$@"', "sh"]}


def test_no_proc(run, start, how):
    """Works without /proc."""
    if sanitized():
        pytest.skip("a sanitizer's run-time needs /proc")
    assert run(["sh", "-c", f"{PROBE} orphans 20; test ! -e /proc/self; exit 3"], how,
               **hide_proc(how)).returncode == 3
    init = start([PROBE, "signals", "--until", "10"], how, **hide_proc(how))
    init.line("ready")
    init.signal(10)
    assert init.wait() == 0
    result = run(["nonexistent"], how, **hide_proc(how))
    assert result.returncode == 127


def test_no_proc_end(run, tmp_path):
    """As PID 1 init terminates the other processes without /proc."""
    if sanitized():
        pytest.skip("a sanitizer's run-time needs /proc")
    script = (f"{PROBE} daemon {PROBE} sibling {tmp_path} polite; "
              f"exec {PROBE} wait {tmp_path}/ready {PROBE} exit 3")
    assert run(["--grace", "1000", "sh", "-c", script], **hide_proc("pid1")).returncode == 3
    assert (tmp_path / "cleaned").exists()


def test_proc_of_another_namespace(run, tmp_path):
    """Where /proc is that of another PID namespace, no process is taken for a descendant by its
    pid."""
    foreign = [word for word in NAMESPACE if word != "--mount-proc"]
    # Init is process 2 inside. Process 2 outside is the kernel's kthreadd, whose children have
    # the pids outside that bystanders have inside.
    script = ('"$@" & for i in 1 2 3 4 5 6; do sleep 1000 & all="$all $!"; done; '
              f': >{tmp_path}/go; wait 2; '
              'code=$?; kill -0 $all || exit 99; exit $code')
    command = f"{PROBE} daemon {PROBE} with --ignore 15 -- sleep 1000; exit 3"
    assert run(["--grace", "200ms", PROBE, "wait", tmp_path / "go", "sh", "-c", command], "plain",
               outer=[*foreign, "sh", "-c", script, "sh"]).returncode == 3


def test_alone_in_an_empty_root(run, tmp_path):
    """A dynamically linked docker-init fails on Alpine (photon#1661). Here init and the command
    are the only files."""
    if sanitized():
        pytest.skip("a build with sanitizers is dynamic")
    for program, name in ((INIT, "init"), (PROBE, "probe")):
        (tmp_path / name).write_bytes(Path(program).read_bytes())
        (tmp_path / name).chmod(0o755)
    assert run(["/probe", "exit", "5"], program="/init",
               wrap=["chroot", tmp_path]).returncode == 5
    assert run(["nonexistent"], program="/init", wrap=["chroot", tmp_path]).returncode == 127


def test_few_descriptors(all_of_it):
    """A low limit on open files is enough."""
    if sanitized():
        pytest.skip("a sanitizer's run-time opens files")
    all_of_it(wrap=[PROBE, "with", "--files", 12, "--"])
