"""exec: a command run inside through the channel. init-control(7), "exec"."""
import errno
import fcntl
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from conftest import (AS_ROOT, INIT, PROBE, TICK, descendants, eventually, is_alive, processes,
                      sanitized, status_of)
from channel import compose
from container import (HANGING, can_hang, container, directory, gone,  # noqa: F401
                       needs_root, read_all, read_until)


def report(box, fields=(), program=None, channel=None):
    words = ["probe", "report"] if program is not None else [PROBE, "report"]
    return json.loads(box.output(*words, fields=fields, program=program, channel=channel))


def test_stdio_is_the_client_s(container, how):
    """Elsewhere output is lost at the exit. Here the command has the client's own descriptors."""
    box = container(how=how)
    channel = box.connect()
    (stdin, write_in), (read_out, stdout), (read_err, stderr) = (box.pipe() for _ in range(3))
    answer = channel.exec("sh", "-c", "read a; echo out $a; echo err $a >&2; exit 7",
                          stdio=(stdin, stdout, stderr))
    assert answer.name == "started" and answer.number("session") == 1 and answer.number("pid") > 1
    box.disown(stdin, stdout, stderr)
    os.write(write_in, b"word\n")
    assert read_all(read_out) == "out word\n"
    assert read_all(read_err) == "err word\n"
    ending = channel.receive()
    assert (ending.name, ending["code"]) == ("exited", "7")


@pytest.mark.parametrize("script, key, value", [
    ("exit 0", "code", 0), ("exit 255", "code", 255), ("kill -9 $$", "signal", 9),
    ("kill -15 $$", "signal", 15), ("exit 137", "code", 137)])
def test_how_it_ended(container, script, key, value):
    """Elsewhere exit codes are wrong. Here an exit code is told from death by a signal."""
    answer, ending, _ = container().run("sh", "-c", script)
    assert answer.name == "started"
    assert ending.name == "exited" and ending.fields == [(key, str(value))]


def test_pid_is_of_the_container(container):
    box = container()
    answer, _, text = box.run("sh", "-c", "echo $$")
    assert text == f"{answer['pid']}\n"


def test_defaults(container, how):
    """A command runs in a session and group of its own, with the container's environment, in /."""
    box = container(how=how, env={"FROM_CONTAINER": "1"}, cwd="/tmp")
    channel = box.connect()
    seen = report(box, channel=channel)
    assert seen["pid"] == seen["pgid"] == seen["sid"]
    assert seen["env"]["FROM_CONTAINER"] == "1"
    assert seen["cwd"] == "/" and seen["no_new_privs"] == 0
    assert seen["uid"] == [os.getuid()] * 3 or not AS_ROOT
    assert set(seen["fds"]) == {"0", "1", "2"}, "CVE-2024-21626: a leaked descriptor"
    assert seen["blocked"] == seen["ignored"] == "0" * 16
    assert seen["pdeathsig"] == (0 if how == "pid1" else 9)


def test_env_is_put_over_the_container_s(container):
    box = container(env={"KEPT": "old", "CHANGED": "old"})
    fields = ["env=CHANGED=new=er", "env=ADDED=", "env=TWICE=1", "env=TWICE=2"]
    env = report(box, fields)["env"]
    assert (env["KEPT"], env["CHANGED"], env["ADDED"], env["TWICE"]) == ("old", "new=er", "", "2")
    # Once each, for getenv() takes the first and others the last.
    names = [variable.partition("=")[0] for variable in
             box.output("cat", "/proc/self/environ", fields=fields).split("\0")]
    assert len(names) == len(set(names))


def test_init_s_own_environment_is_unchanged(container):
    box = container()
    box.run("true", fields=["env=LEAK=1"])
    assert "LEAK" not in report(box)["env"]


@pytest.mark.parametrize("path, works", [("/nowhere:{}", True), ("{}", True), ("/nowhere", False)])
def test_path_of_the_request(container, directory, path, works):
    """Without program the first argument is looked for in the PATH of the request's env."""
    (directory / "tool").symlink_to("/bin/true")
    answer, ending, _ = container().run("tool", fields=["env=PATH=" + path.format(directory)])
    if works:
        assert (answer.name, ending["code"]) == ("started", "0")
    else:
        assert (answer.name, answer["stage"], answer.number("errno")) == (
            "failed", "exec", errno.ENOENT)


def test_cwd(container, directory):
    assert report(container(), [f"cwd={directory}"])["cwd"] == str(directory)


@needs_root
@pytest.mark.parametrize("fields, uid, gid, groups", [
    (["user=1234"], 1234, 1234, []),
    (["user=1234:55"], 1234, 55, []),
    (["user=1234:55,66,77"], 1234, 55, [66, 77]),
    (["user=1234", "additionalGids=8,9", "additionalGids=10"], 1234, 1234, [8, 9, 10]),
    (["additionalGids=8", "user=1234:5,6"], 1234, 5, [6, 8]),
    (["user=0"], 0, 0, []),
    (["user=4294967294:4294967294"], 4294967294, 4294967294, [])])
def test_user(container, fields, uid, gid, groups):
    """CVE-2026-30892: ids are numbers; the real, effective and saved ones all change."""
    seen = report(container(), fields)
    assert seen["uid"] == [uid] * 3 and seen["gid"] == [gid] * 3
    assert sorted(seen["groups"]) == groups


@pytest.mark.parametrize("mask, shown", [("022", "0022"), ("0", "0000"), ("777", "0777"),
                                         ("0027", "0027")])
def test_umask(container, mask, shown):
    assert container().output("sh", "-c", "umask", fields=[f"umask={mask}"]) == shown + "\n"


@pytest.mark.parametrize("value, seen", [("true", 1), ("false", 0)])
def test_no_new_privileges(container, value, seen):
    assert report(container(), [f"noNewPrivileges={value}"])["no_new_privs"] == seen


LIMITS = {"AS": "Max address space", "CORE": "Max core file size", "CPU": "Max cpu time",
          "DATA": "Max data size", "FSIZE": "Max file size", "LOCKS": "Max file locks",
          "MEMLOCK": "Max locked memory", "MSGQUEUE": "Max msgqueue size",
          "NOFILE": "Max open files", "NPROC": "Max processes", "RSS": "Max resident set",
          "RTPRIO": "Max realtime priority", "RTTIME": "Max realtime timeout",
          "SIGPENDING": "Max pending signals", "STACK": "Max stack size",
          "NICE": "Max nice priority"}


def limits_of(box, fields=()):
    text = box.output("cat", "/proc/self/limits", fields=fields)
    return {key: line[len(label):].split()[:2] for key, label in LIMITS.items()
            for line in text.splitlines() if line.startswith(label)}


def test_rlimits(container):
    box = container()
    small = {"CORE": (0, 0), "NOFILE": (77, 88), "LOCKS": (9, 9), "NICE": (3, 3)}
    before, wanted = limits_of(box), {}
    for key in LIMITS:
        soft, hard = small.get(key) or (1 << 27, 1 << 28)
        top = 1 << 60 if before[key][1] == "unlimited" else int(before[key][1])
        wanted[key] = [str(min(soft, top)), str(min(hard, top))]
    assert wanted != before
    fields = [f"rlimits={'RLIMIT_' if i % 2 else ''}{key}:{soft}:{hard}"
              for i, (key, (soft, hard)) in enumerate(wanted.items())]
    assert limits_of(box, fields) == wanted


def test_rlimit_unlimited(container):
    seen = limits_of(container(), ["rlimits=CPU:9999:unlimited", "rlimits=RSS:0:0"])
    assert seen["CPU"] == ["9999", "unlimited"] and seen["RSS"] == ["0", "0"]


def test_limit_of_files_is_as_init_inherited_it(container, how):
    """Init raises its own limit to serve its clients; no command inherits the raised one."""
    box = container(how=how, outer=["prlimit", "--nofile=300:4000"],
                    command=["sh", "-c", "ulimit -n; ulimit -Hn; exec sleep 1000"])
    assert box.init.line(r"^300$") and box.init.line(r"^4000$")
    assert limits_of(box)["NOFILE"] == ["300", "4000"]
    assert "4000                 4000" in Path(f"/proc/{box.pid}/limits").read_text()


def test_passed_program(container):
    """program=passed: a static binary of the operator's, whatever the container holds."""
    box = container()
    program = box.own(os.open(PROBE, os.O_RDONLY | os.O_CLOEXEC))
    seen = report(box, program=program, fields=["env=PATH=/nowhere"])
    assert set(seen["fds"]) == {"0", "1", "2"}, "the program's own descriptor is not left open"


def test_passed_program_unlinked(container, directory):
    box = container()
    copy = directory / "copy"
    subprocess.run(["cp", PROBE, copy], check=True)
    program = box.own(os.open(copy, os.O_RDONLY | os.O_CLOEXEC))
    copy.unlink()
    assert report(box, program=program)["pid"] > 1


def test_arguments_as_bytes(container):
    words = [b"", b"a b", b"\xff\xfe", b"args", b"env=X=1", b"=", b"\n"]
    text = container().output("sh", "-c", 'for a; do printf "[%s]" "$a"; done', "sh", *words)
    assert text.encode(errors="surrogateescape").decode(errors="replace") == "".join(
        f"[{word.decode(errors='replace')}]" for word in words)


def test_whole_message_of_arguments(container):
    """A message of 65,536 bytes full of one-byte arguments: as many as fit."""
    box = container()
    head = b"exec\0args\0sh\0-c\0echo $#\0sh\0"
    count = (65536 - len(head)) // 2
    data = head + b"x\0" * count
    data = data.ljust(65536, b"\0")
    channel, (read, write) = box.connect(), box.pipe()
    null = box.null()[0]
    channel.send_bytes(data, (null, write, write))
    assert channel.receive().name == "started"
    box.disown(write)
    assert read_all(read) == f"{count + len(data) - len(head) - 2 * count}\n"


def failure(box, *args, fields=(), channel=None):
    answer, ending, text = box.run(*args, fields=fields, channel=channel)
    assert answer.name == "failed" and not ending and not text, answer
    return answer["stage"], answer.number("errno")


SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE


def resident(pid):
    """In kB."""
    return int(status_of(pid)["VmRSS"].split()[0])


def passed_arguments(box, *args, env=(), seals=SEALS, data=None):
    """A memfd as arguments=passed takes it."""
    fd = box.own(os.memfd_create("arguments", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    os.write(fd, compose("exec", *(f"env={one}" for one in env), args=args)
             if data is None else data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def test_passed_arguments(container, how):
    """arguments=passed: more of them than a message holds; init itself does not read them."""
    box = container(how=how)
    held, words = box.idle(), ["", "x" * 100000, "cwd=/", *(str(one) for one in range(60000))]
    memory = resident(box.pid)
    fd = passed_arguments(box, "sh", "-c", 'echo "$A" ${#B}; printf "<%s>" "$@"', "sh", *words,
                          env=["A=1", "A=2", "B=" + "y" * 100000])
    for program in (None, box.own(os.open("/bin/sh", os.O_RDONLY | os.O_CLOEXEC))):
        reader, writer = box.pipe()
        channel = box.connect()
        fields = ["arguments=passed", *(["program=passed"] if program else [])]
        null = box.null()[0]
        answer = channel.call("exec", *fields, args=["name"], fds=[
            null, writer, null, *([program] if program else []), fd])
        assert answer.name == "started", answer
        assert channel.list_sessions()[0]["name"] == "name"
        box.disown(writer)
        assert read_all(reader) == "2 100000\n" + "".join(f"<{word}>" for word in words)
        assert channel.receive()["code"] == "0"
        channel.close()
    box.check_well(held)
    assert resident(box.pid) < memory + 100


@pytest.mark.parametrize("what, error", [
    (b"", errno.EINVAL), (b"exec", errno.EINVAL), (b"exec\0args\0true", errno.EINVAL),
    (b"exec\0args\0", errno.EINVAL), (b"exec\0env=A=1\0", errno.EINVAL), (0, errno.EINVAL),
    (fcntl.F_SEAL_WRITE, errno.EINVAL), (fcntl.F_SEAL_SHRINK, errno.EINVAL),
    ("/dev/null", errno.EINVAL), ("/etc/passwd", errno.EINVAL), ("pipe", errno.EINVAL)])
def test_wrong_passed_arguments(container, what, error):
    """What changes while it is read, or is no message, is refused by the child."""
    box = container()
    if isinstance(what, bytes):
        fd = passed_arguments(box, data=what)
    elif isinstance(what, int):
        fd = passed_arguments(box, "true", seals=what)
    else:
        fd = box.pipe()[0] if what == "pipe" else box.own(os.open(what, os.O_RDONLY))
    answer = box.connect().call("exec", "arguments=passed", args=["true"], fds=[*box.null(), fd])
    assert answer.name == "failed" and answer["stage"] == "arguments", answer
    assert answer.number("errno") == error
    assert box.output("echo", "well") == "well\n"


def test_passed_variables_without_a_value(container):
    """They are not checked by PID 1; the child cannot run past their end."""
    box, fields = container(), ["env=", "env=A", "env=A", "env=A=1", "env==", *["env="] * 5000]
    data = compose("exec", *fields, args=["sh", "-c", "echo well"])
    reader, writer = box.pipe()
    channel = box.connect()
    answer = channel.call("exec", "arguments=passed", args=["sh"], fds=[
        box.null()[0], writer, writer, passed_arguments(box, data=data)])
    assert answer.name == "started", answer
    box.disown(writer)
    assert (read_all(reader), channel.receive()["code"]) == ("well\n", "0")


def test_passed_arguments_that_exec_refuses(container):
    box = container()
    for args, env in ((["true", "x" * 200000], []), (["true"], ["A=" + "x" * 200000]),
                      (["true", *["x" * 100000] * 80], [])):
        answer = box.connect().call("exec", "arguments=passed", args=["true"], fds=[
            *box.null(), passed_arguments(box, *args, env=env)])
        assert (answer["stage"], answer.number("errno")) == ("exec", errno.E2BIG), answer


def test_missing_program(container, how):
    """Elsewhere exec of a missing program hangs. Here failed is sent instead of started."""
    box = container(how=how)
    channel = box.connect()
    for words, error in ((["/nowhere/at/all"], errno.ENOENT), (["nowhere"], errno.ENOENT),
                         ([""], errno.ENOENT), (["/etc/passwd"], errno.EACCES),
                         (["/etc"], errno.EACCES), (["/etc/passwd/x"], errno.ENOTDIR)):
        assert failure(box, *words, channel=channel) == ("exec", error), words
    # The connection may be used again.
    assert box.output("echo", "ok", channel=channel) == "ok\n"
    box.check_well()


def test_no_program(container, directory):
    box = container()
    (directory / "text").write_text("just text\n")
    (directory / "text").chmod(0o755)
    assert failure(box, directory / "text") == ("exec", errno.ENOEXEC)
    script = directory / "script"
    script.write_text("#!/nowhere\n")
    script.chmod(0o755)
    assert failure(box, script) == ("exec", errno.ENOENT)


def test_missing_cwd(container):
    box = container()
    assert failure(box, "true", fields=["cwd=/nowhere"]) == ("cwd", errno.ENOENT)
    assert failure(box, "true", fields=["cwd=/etc/passwd"]) == ("cwd", errno.ENOTDIR)
    # CVE-2024-21626: no descriptor of init or of the client can be used as a directory.
    for fd in range(3, 40):
        assert failure(box, "true", fields=[f"cwd=/proc/self/fd/{fd}"])[0] == "cwd"


@needs_root
def test_cwd_as_the_user(container, directory):
    (directory / "closed").mkdir(mode=0o700)
    fields = [f"cwd={directory}/closed", "user=1234"]
    assert failure(container(), "true", fields=fields) == ("cwd", errno.EACCES)


UNPRIVILEGED = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]


def test_failed_user_and_limits(container, directory):
    """Where init itself lacks the privilege, the reply has the stage and the errno."""
    if AS_ROOT:
        directory.chmod(0o777)
    box = container(how="plain", outer=[*(UNPRIVILEGED if AS_ROOT else []), "prlimit",
                                        "--nofile=300:400"])
    assert failure(box, "true", fields=["user=0"]) == ("user", errno.EPERM)
    assert failure(box, "true", fields=["rlimits=NOFILE:1:500"]) == ("rlimits", errno.EPERM)
    assert failure(box, "true", fields=["rlimits=NOFILE:500:500"]) == ("rlimits", errno.EPERM)
    assert box.output("id", "-u") == "1000\n" or not AS_ROOT
    box.check_well()


def test_too_much_for_exec(container):
    """An argument list that the kernel refuses is reported like any other failure."""
    fields = ["rlimits=STACK:4096:unlimited"] if AS_ROOT else ["rlimits=STACK:4096:8192"]
    box = container(env={"BIG": "x" * 100000})
    answer, ending, _ = box.run("true", "x" * 60000, fields=fields)
    # The kernel allows 128 kB whatever the limit is; these arguments exceed that.
    assert answer.name == "failed" and answer["stage"] == "exec" or ending.get("signal")
    box.check_well()


def test_busy_connection(container):
    """A connection carries at most one session at a time."""
    box = container()
    channel, _ = box.started("sleep", "1000")
    answer = channel.exec("true", stdio=box.null())
    assert answer.fields[:2] == [("stage", "request"), ("errno", str(errno.EBUSY))]
    assert channel.call("signal", "signal=KILL").name == "signalled"
    assert channel.receive()["signal"] == "9"
    assert channel.exec("true", stdio=box.null()).name == "started"
    assert channel.receive()["code"] == "0"


def test_short_commands_start_before_they_end(container, how):
    """Even of a command that ends at once, started is sent, and always before exited."""
    box = container(how=how)
    channel, null = box.connect(), box.null()
    for number in range(1, 701):
        channel.send("exec", args=["/bin/true"], fds=null)
        started, exited = channel.receive(), channel.receive()
        assert started.name == "started" and started.number("session") == number, started
        assert exited.fields == [("code", "0")]
    box.check_well()


def test_failing_commands_never_start(container):
    box = container()
    channel, null = box.connect(), box.null()
    for _ in range(300):
        channel.send("exec", args=["/nowhere"], fds=null)
        assert channel.receive()["stage"] == "exec"
    # Nothing more was said: the next answer is to the next request.
    assert channel.call("status")["state"] == "running"


def test_leader_s_end_is_the_end(container, how):
    """Elsewhere a background child that holds stdout makes exec hang. Here exited is sent when
    the leader ends."""
    box = container(how=how)
    channel = box.connect()
    read, write = box.pipe()
    null = box.null()[0]
    answer = channel.exec("sh", "-c", "sleep 1000 & echo $!; exit 3", stdio=(null, write, null))
    assert answer.name == "started"
    box.disown(write)
    assert channel.receive().fields == [("code", "3")]
    # Its child is alive, and holds the pipe.
    child = int(read_until(read, "\n"))
    assert is_alive(box.outside(child) if how == "pid1" else child)


def is_running(box, answer, name):
    pid = box.outside(answer["pid"])
    return pid and status_of(pid)["Name"].strip() == name


def test_hang_up(container, how):
    """Elsewhere the command stays when its client dies. Here it gets HUP and CONT, and KILL after
    the grace."""
    box = container("--grace", "400ms", how=how)
    read, write = box.pipe()
    null = box.null()[0]
    channel, answer = box.started(PROBE, "signals", stdio=(null, write, null))
    box.disown(write)
    assert read_until(read, "ready\n")
    pid = box.outside(answer["pid"]) if how == "pid1" else answer.number("pid")
    began = time.monotonic()
    channel.close()
    # The probe handles every signal that it can; the read ends when it is killed.
    signals = [line.split()[0] for line in read_all(read).splitlines()]
    assert signals == ["1", "18"]
    assert time.monotonic() - began >= 0.4 - TICK
    eventually(lambda: gone(pid), what="the kill after the grace")
    box.check_well()


def test_hang_up_of_a_stopped_group(container):
    """Elsewhere a time-out kills only the leader. Here the whole group gets HUP, stopped or not."""
    box = container("--grace", "1000s")
    channel, answer = box.started("sh", "-c", "sleep 1000 & sleep 1000 & kill -STOP 0; wait")
    leader = eventually(lambda: box.outside(answer["pid"]))
    eventually(lambda: status_of(leader)["State"].startswith("T"), what="the stop")
    members = [leader, *descendants(leader)]
    channel.close()
    eventually(lambda: all(gone(pid) for pid in members), what="the end of the group")
    box.check_well()


def test_group_outlives_its_hung_up_leader(container):
    """The leader dies of the HUP, another process of its group does not: it is killed after the
    grace."""
    box = container("--grace", "300ms")
    read, write = box.pipe()
    null = box.null()[0]
    script = "(trap '' HUP; echo $(exec sh -c 'echo $PPID'); exec sleep 1000) & wait"
    channel, answer = box.started("sh", "-c", script, stdio=(null, write, null))
    child = box.outside(read_until(read, "\n").strip())
    began = time.monotonic()
    channel.close()
    eventually(lambda: gone(child), what="the kill of the group")
    assert time.monotonic() - began >= 0.3 - TICK
    box.check_well()


def test_infinite_grace(container):
    """With --grace inf a session is hung up and never killed."""
    box = container("--grace", "inf")
    read, write = box.pipe()
    null = box.null()[0]
    channel, answer = box.started(PROBE, "signals", "--until", "10", stdio=(null, write, null))
    box.disown(write)
    read_until(read, "ready\n")
    channel.close()
    read_until(read, "18 ")
    other = box.connect()
    # These take init round its loop more than once, and the session is still listed.
    for _ in range(20):
        assert other.call("status")["sessions"] == "1"
    assert other.call("signal", "signal=USR1", f"session={answer['session']}").name == "signalled"
    assert "10 " in read_all(read)
    box.check_well()


def test_killed_client(container, how):
    """A client that is killed with -9 takes its session with it."""
    box = container(how=how)
    code = ("import socket,array,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
            "s.connect(sys.argv[1]);s.recv(99)\n"
            "s.sendmsg([b'exec\\0args\\0sleep\\x001000\\0'],[(1,1,array.array('i',[0,1,2]))])\n"
            "print(s.recv(99).decode(),flush=True);s.recv(99)\n")
    box.connect()
    client = subprocess.Popen(["/usr/bin/python3", "-c", code, str(box.path)],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert b"started" in client.stdout.readline()
        assert box.connect().call("status")["sessions"] == "1"
    finally:
        client.kill()
        client.wait()
        client.stdout.close()
    box.check_well()


@pytest.fixture
def hanging(container, directory):
    """A container, and the path of a program in it whose exec hangs."""
    (directory / "mnt").mkdir()

    def launch(*options):
        return container(*options, wrap=[*HANGING, directory / "mnt"])

    return launch, str(directory / "mnt" / "program")


@can_hang
@pytest.mark.parametrize("stage", ["exec", "cwd"])
def test_hang_up_while_starting(hanging, stage):
    """A start that hangs: the child is killed with the connection, at once, and never executes."""
    launch, program = hanging
    box = launch("--grace", "1000s")
    held = box.idle()
    channel, bad = box.connect(), box.connect()
    fields = [f"cwd={program}"] if stage == "cwd" else []
    channel.send("exec", *fields, args=[program], fds=box.null())
    other = box.connect()
    eventually(lambda: other.call("status")["sessions"] == "1")
    # The child holds no copy of the descriptors that init closes.
    bad.send("nothing")
    assert bad.receive().name == "failed" and bad.receive() is None
    bad.close()
    # Meanwhile the session cannot be used, and init serves others.
    listed = other.list_sessions()
    assert len(listed) == 1 and listed[0]["name"] == "program"
    attached = other.call("attach", f"session={listed[0]['session']}")
    assert attached["errno"] == str(errno.EBUSY)
    assert channel.call("hold")["errno"] == str(errno.ESRCH)
    other.close()
    channel.close()
    box.check_well(held)


@can_hang
def test_end_while_starting(hanging):
    """The container ends while an exec hangs."""
    launch, program = hanging
    box = launch("--grace", "200ms")
    channel = box.connect()
    channel.send("exec", args=[program], fds=box.null())
    other = box.connect()
    eventually(lambda: other.call("status")["sessions"] == "1")
    assert other.call("stop").name == "stopping"
    assert box.init.wait() in (143, 137)


@can_hang
def test_killed_while_starting(hanging):
    """A process inside kills the child before its exec: the client is told that it ended."""
    launch, program = hanging
    box = launch()
    channel = box.connect()
    channel.send("exec", args=[program], fds=box.null())
    other = box.connect()
    pid = eventually(lambda: [s for s in other.list_sessions()])[0]["pid"]
    assert other.call("signal", "signal=KILL", f"pid={pid}").name == "signalled"
    names = []
    while not names or names[-1] == "started":
        message = channel.receive()
        names.append(message.name)
    assert names in (["started", "exited"], ["failed"])
    box.check_well()


def test_no_terminal_of_anybody(container):
    """CVE-2017-5226: with passed stdio there is no controlling terminal to push bytes into."""
    answer, ending, text = container().run("sh", "-c", "exec 3<>/dev/tty && echo got")
    assert "got" not in text and ending["code"] != "0"


@needs_root
def test_init_is_closed_to_the_inside(container):
    """CVE-2019-5736, CVE-2016-9962: no process inside without CAP_SYS_PTRACE can access PID 1."""
    box = container()
    script = "for l in exe root cwd fd/1; do readlink /proc/1/$l && echo seen $l; done; echo end"
    text = box.output("setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace",
                      "sh", "-c", script)
    assert text == "end\n"


def test_in_a_root_of_its_own(container, directory):
    """Init is chrooted by a helper; a client outside, where the socket is, runs a command."""
    if not AS_ROOT or sanitized():
        pytest.skip("needs root to chroot, and a static init")
    root = directory / "root"
    root.mkdir()
    (root / "inside").mkdir()
    for program, name in ((INIT, "init"), (PROBE, "probe")):
        subprocess.run(["cp", program, root / name], check=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(str(directory / "ctl"))
    listening.listen()
    box = container.make()
    box.launch("--control-fd", str(listening.fileno()), path=False, program="/init",
               command=["/probe", "signals"], wrap=["chroot", root],
               pass_fds=[listening.fileno()])
    listening.close()
    answer, ending, text = box.run("/probe", "report", fields=["cwd=/inside"])
    seen = json.loads(text)
    assert seen["cwd"] == "/inside"
    assert box.run("/bin/sh")[0]["errno"] == str(errno.ENOENT)
    # There is no /dev inside, and so no terminal.
    refused = box.connect().exec("/probe", "report")
    assert (refused.name, refused["stage"]) == ("failed", "terminal")
    opened = box.connect().call("open", "what=root")
    fd = opened.take()
    assert sorted(os.listdir(f"/proc/self/fd/{fd}")) == ["init", "inside", "probe"]
    os.close(fd)
