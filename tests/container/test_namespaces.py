"""--unshare and what belongs to it: namespaces, user maps, names, loopback.

Each test runs as root and as an ordinary user with a user namespace (the fixture `who`).
"""
import os
import shutil
import signal
import subprocess
import sys

import pytest

from conftest import AS_ROOT, PATH, PROBE, eventually, is_alive, processes
from container import as_user, contact, container, directory, listens, needs_root
from inside import (AS_USER, NAMES, SETUP, UID, begin, inner_of, inside, namespaces, refused,
                    report, who)

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
LOOK = "cd /proc/self/ns && for n in pid mnt uts ipc net user cgroup time; do readlink $n; done"
RANGE = ["--uid-map", "0:100000:65536", "--gid-map", "0:100000:65536"]


def seen(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return dict(zip(NAMES, result.stdout.split()))


def differ(result):
    ours, theirs = namespaces(), seen(result)
    return {name for name in NAMES if ours[name] != theirs[name]}


# ---- which ones


@pytest.mark.parametrize("name", [*NAMES, "mnt"])
def test_each_alone(inside, who, name):
    """Each namespace by itself: that one is new, and no other. The kernel's name of mount is taken
    as well."""
    user = set() if who.is_root else {"user"}
    new = {"mount" if name == "mnt" else name}
    assert differ(inside([f"--unshare={name}"], "sh", "-c", LOOK)) == new | user


@pytest.mark.parametrize("options", [
    ["--unshare=all"], ["--unshare", "all"], ["--unshare=pid,all,uts"],
    ["--unshare=pid,mount,uts,ipc", "--unshare=net,user,cgroup,time"]])
def test_all(inside, options):
    assert differ(inside(options, "sh", "-c", LOOK)) == set(NAMES)


def test_some(inside, who):
    user = set() if who.is_root else {"user"}
    assert differ(inside(["--unshare=uts,pid", "--unshare=ipc"], "sh", "-c", LOOK)) == {
        "uts", "pid", "ipc"} | user


def test_none(run):
    assert differ(run(["sh", "-c", LOOK], "plain")) == set()


@pytest.mark.parametrize("value", ["", "pids", "pi", "p", "ALL", "pid,", ",pid", "pid,,net",
                                   "pid net", "mounts", "mn", "user:", "all,x", "cgroupcgroup"])
def test_no_such_namespace(run, value):
    refused(run(["--unshare", value, "true"], "plain"), "--unshare", f"'{value}'")


def test_without_a_list(run):
    refused(run(["--unshare"], "plain"), "--unshare")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "user"])
def test_ordinary_user_needs_a_user_namespace(run, name):
    if AS_ROOT:
        result = run([f"--unshare={name}", "true"], "plain", outer=AS_USER)
    else:
        result = run([f"--unshare={name}", "true"], "plain")
    refused(result, "make namespaces", "Operation not permitted")


def test_pid_1(inside):
    result = inside(["--unshare=pid", "--mount-proc"], "sh", "-c",
                    "echo $$ $PPID; readlink /proc/self; cat /proc/1/comm")
    assert (result.returncode, result.stderr) == (0, "")
    pids, own, name = result.stdout.splitlines()
    assert pids == "2 1" and own == "3" and name == "init"


def test_outer_process_stays_outside(begin, marker):
    init = begin(["--unshare=all"], "sh", "-c", "echo ready; exec sleep 1000")
    init.line("ready")
    inner = inner_of(init)
    if AS_ROOT:
        assert namespaces(init.init_pid) == namespaces()
        assert not set(namespaces(inner).values()) & set(namespaces().values())
    init.signal(signal.SIGTERM)
    assert init.wait() == 128 + signal.SIGTERM


# ---- exit codes and signals through the outer process


@pytest.mark.parametrize("code", [0, 1, 2, 42, 125, 126, 127, 128, 137, 255])
def test_code(inside, code):
    assert inside(["--unshare=pid"], PROBE, "exit", code).returncode == code


@pytest.mark.parametrize("number", [1, 2, 6, 9, 11, 15, 34, 64])
def test_death(inside, number):
    assert inside(["--unshare=pid"], PROBE, "die", number).returncode == 128 + number


@pytest.mark.parametrize("command, code", [(["/nonexistent"], 127), (["/etc/passwd"], 126)])
def test_exec_failure(inside, command, code):
    refused(inside(["--unshare=all"], *command), "exec", command[0], code=code)


def test_expected_code(inside):
    assert inside(["--unshare=pid", "-e", "143"], PROBE, "die", 15).returncode == 0
    assert inside(["--unshare=pid", "-e", "143"], PROBE, "exit", 3).returncode == 3


@pytest.fixture
def listener(begin):
    def listener(*options, until=64):
        init = begin(["--unshare=pid", *options], PROBE, "signals", "--until", until)
        init.line("^ready")
        return init
    return listener


def got(init):
    """The number, code and value of the next signal that the command gets."""
    return tuple(int(n) for n in init.line(r"^(\d+) (-?\d+) (-?\d+)$").groups())


def send(init, number, *values):
    subprocess.run([PROBE, "queue", str(init.init_pid), str(number), *map(str, values)], check=True)


EACH = [n for n in range(1, 65) if n not in (signal.SIGKILL, signal.SIGSTOP)]


def test_each_signal(listener):
    """Every signal that can be caught, sent to the outer process by kill()."""
    init = listener()
    for number in EACH:
        init.signal(number)
        assert got(init) == (number, 0, 0)
    assert init.wait() == 0


def test_each_signal_with_value(listener):
    """The same by sigqueue(): the value is forwarded, and real-time signals keep their order."""
    init = listener()
    for number in EACH:
        values = [number, -number, 7] if 34 <= number < 64 else [number]
        send(init, number, *values)
        assert [got(init) for _ in values] == [(number, -1, value) for value in values]
    assert init.wait() == 0


def test_rewrite(listener):
    init = listener("-r", "TERM:QUIT", "-r", "HUP:0", until=signal.SIGUSR2)
    init.signal(signal.SIGHUP)
    init.signal(signal.SIGTERM)
    assert got(init)[0] == signal.SIGQUIT
    init.signal(signal.SIGUSR2)
    assert init.wait() == 0


def test_signal_at_the_start(begin):
    """A signal that comes before the command runs is not lost."""
    init = begin(["--unshare=all"], "sleep", "1000",
                 outer=["strace", "-qq", "-o", "/dev/null",
                        "-e", "inject=clone3:delay_enter=300000"]) if shutil.which(
                            "strace") else pytest.skip("needs strace")
    tracee = eventually(lambda: [p for p, s in processes().items()
                                 if s["Name"].strip() == "init" and
                                 int(s["PPid"]) == init.popen.pid], what="init")[0]
    eventually(lambda: "fffffffffff" in processes()[tracee]["SigBlk"], what="signals blocked")
    os.kill(tracee, signal.SIGTERM)
    assert init.wait() in (128 + signal.SIGTERM, -signal.SIGTERM)


def test_kill_after(begin):
    init = begin(["--unshare=pid", "--kill-after=200ms"], "sh", "-c",
                 "trap '' TERM; echo ready; exec sleep 1000")
    init.line("ready")
    init.signal(signal.SIGTERM)
    assert init.wait() == 128 + signal.SIGKILL
    assert init.stderr() == "init: command did not end in time; killing it\n"


@pytest.mark.parametrize("options, said", [
    (["--grace=200ms"], "init: grace period expired; killing remaining processes\n"),
    (["--grace=inf", "--wait-all"], "")])
def test_grace(begin, directory, options, said):
    """The other processes inside get TERM and the grace, and are killed then."""
    directory.chmod(0o777)
    init = begin(["--unshare=pid", *options], "sh", "-c",
                 f"trap '' TERM; {PROBE} wait {directory}/go true & trap - TERM; echo ready; exit 3")
    init.line("ready")
    if not said:
        (directory / "go").touch()
    assert init.wait() == 3
    assert init.stderr() == said


def test_children_it_was_born_with(inside, directory):
    """The end of a child that init has from the start is not taken for that of the container."""
    directory.chmod(0o777)
    wrap = ["sh", "-c", f"(exit 7) & {PROBE} wait {directory}/go sh -c 'echo >{directory}/gone; "
            "exit 8' & exec \"$@\"", "sh"]
    result = inside(["--unshare=all"], "sh", "-c", f"touch {directory}/go; exit 3", wrap=wrap)
    assert (result.returncode, result.stderr) == (3, "")
    eventually((directory / "gone").exists, what="the end of the child")


@pytest.mark.parametrize("options", [[], ["--unshare=pid"], ["--unshare=uts"],
                                     ["--unshare=user", *RANGE],
                                     ["--unshare=user,pid", *RANGE]], ids=" ".join)
def test_death_of_the_parent(start, directory, options):
    """-p works also where a change of ids has cleared the setting in the kernel."""
    if not AS_ROOT and options:
        pytest.skip("needs root")
    directory.chmod(0o777)
    script = f'"$@" & {PROBE} wait {directory}/go true'
    init = start(["-p", "TERM", *options, "--", PROBE, "signals", "--until", 15], "plain",
                 outer=["sh", "-c", script, "sh"])
    init.line("^ready")
    (directory / "go").touch()
    assert init.line(r"^15 (0|-6) ")
    assert "15 " in init.lines[-1] and init.rest() == ""


def test_listen_pid(inside):
    """LISTEN_PID is the pid of the command inside its PID namespace."""
    for options in ([], ["--unshare=pid"], ["--unshare=all"]):
        seen = report(inside(options, PROBE, "report", wrap=[PROBE, "listen-pid"]))
        assert seen["env"]["LISTEN_PID"] == str(seen["pid"])


def test_reader_sees_the_end_of_stdout(begin):
    """The outer process does not keep stdout open either."""
    init = begin(["--unshare=pid"], "sh", "-c", "echo last; exec >&-; exec sleep 1000")
    assert init.rest() == "last\n"
    init.signal(signal.SIGTERM)
    assert init.wait() == 128 + signal.SIGTERM


# ---- names


@pytest.mark.parametrize("option, file", [("--hostname", "hostname"),
                                          ("--domainname", "domainname")])
def test_name(inside, who, option, file):
    """The name is set for the container only; the option implies a UTS namespace."""
    path = f"/proc/sys/kernel/{file}"
    with open(path, encoding="utf-8") as opened:
        before = opened.read()
    result = inside([option, "a-box"], "sh", "-c", f"cat {path}; {LOOK}")
    assert (result.returncode, result.stderr) == (0, "")
    name, *links = result.stdout.split()
    assert name == "a-box" and links[2] != namespaces()["uts"]
    with open(path, encoding="utf-8") as opened:
        assert opened.read() == before


@pytest.mark.parametrize("option, what", [("--hostname", "host name"),
                                          ("--domainname", "domain name")])
def test_name_too_long(inside, option, what):
    assert inside([option, "n" * 64], "true").returncode == 0
    refused(inside([option, "n" * 65], "true"), f"set {what} nnn", "Invalid argument")
    refused(inside([option, ""], "true"), option)


# ---- loopback

TALK = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
server.accept()[0].send(b"through")
print(client.recv(99).decode())
"""


def test_loopback(inside):
    """lo is up and has its address, without any tool of the container."""
    result = inside(["--unshare=net", "--loopback"], PYTHON, "-c", TALK)
    assert (result.returncode, result.stdout, result.stderr) == (0, "through\n", "")
    assert inside(["--unshare=all", "--loopback"], PYTHON, "-c", TALK).stdout == "through\n"


def test_without_loopback(inside):
    assert "unreachable" in inside(["--unshare=net"], PYTHON, "-c", TALK).stderr


def test_loopback_of_another_s_namespace(run):
    """A runtime may make the network namespace: init brings up the interface in it."""
    unshare = ["unshare", "-n" if AS_ROOT else "-Urn"]
    result = run(["--loopback", "--", PYTHON, "-c", TALK], "plain", outer=unshare)
    assert (result.returncode, result.stdout, result.stderr) == (0, "through\n", "")


def test_loopback_not_permitted(run):
    refused(run(["--loopback", "true"], "plain", outer=["unshare", "-n", *AS_USER] if AS_ROOT else
                ["unshare", "-Urn", "setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]),
            "bring up lo", "Operation not permitted")


# ---- ids

IDS = "id -u; id -g; id -G; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups"


def ids(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    uid, gid, groups, *rest = result.stdout.splitlines()
    return uid, gid, groups, [" ".join(line.split()) for line in rest]


@pytest.mark.parametrize("options", [["--map-root"], ["--unshare=user", "--map-root"],
                                     ["--unshare=user,pid", "--map-root"]], ids=" ".join)
def test_map_root(run, who, options):
    """The caller is root inside; the option implies the user namespace and needs no helper."""
    result = run([*options, "--", "/bin/sh", "-c", f"PATH={PATH}; {IDS}"], "plain",
                 outer=[*who.outer, "env", "PATH=/nonexistent"])
    assert ids(result) == ("0", "0", "0", [
        f"0 {who.uid} 1", f"0 {who.uid} 1", "allow" if who.is_root else "deny"])


@pytest.mark.parametrize("names", ["user", "user,pid"])
def test_no_map(run, who, names):
    """Without a map the caller is root inside; if it is root, by --map-same, the map is the
    identity."""
    result = run([*who.user, f"--unshare={names}", "--", "sh", "-c", IDS], "plain",
                 outer=who.outer)
    whole = "0 0 4294967295" if who.is_root else f"0 {who.uid} 1"
    assert ids(result) == ("0", "0", "0", [whole, whole, "allow" if who.is_root else "deny"])


@needs_root
@pytest.mark.parametrize("options", [["--unshare=user"], ["--unshare=all"], ["--uid-map=0:100000:9"],
                                     ["--unshare=all", "--gid-map=0:100000:9"]], ids=" ".join)
def test_root_says_whose_ids(run, directory, options):
    """Without both maps root's ids would be the host's: that takes the option for it."""
    words = [*options, "--control", directory / "ctl", "--", "echo", "started"]
    refused(run(words, "plain"),
            "init: cannot map root's ids: see --uid-map, --gid-map and --map-same\n")
    assert os.listdir(directory) == []
    assert run(["--map-same", *words], "plain").stdout == "started\n"


@pytest.mark.parametrize("names", ["user", "user,pid"])
def test_map_of_one(run, who, names):
    """The caller's own id may be mapped to another number."""
    result = run([f"--unshare={names}", "--uid-map", f"7:{who.uid}:1", "--gid-map",
                  f"8:{who.uid}:1", "--", "sh", "-c", IDS], "plain", outer=who.outer)
    uid, gid, _, maps = ids(result)
    assert (uid, gid) == ("7", "8")
    assert maps == [f"7 {who.uid} 1", f"8 {who.uid} 1", "allow" if who.is_root else "deny"]


@needs_root
@pytest.mark.parametrize("names", ["user", "user,pid"])
def test_map_of_all(run, names):
    """The line of the host's own /proc/self/uid_map is a map, for root to take."""
    whole = "0:0:4294967295"
    result = run([f"--unshare={names}", "--uid-map", whole, "--gid-map", whole, "--", "sh", "-c",
                  IDS], "plain")
    assert ids(result) == ("0", "0", "0", ["0 0 4294967295"] * 2 + ["allow"])


@pytest.mark.parametrize("names", ["user", "user,pid", "all"])
def test_map_without_root(run, who, names):
    """Where the map has no 0, init and the command are the first that it has."""
    maps = ["--uid-map", f"1000:{who.uid}:1", "--gid-map", f"1001:{who.uid}:1"]
    result = run([f"--unshare={names}", *maps, "--", "sh", "-c", IDS], "plain", outer=who.outer)
    assert ids(result)[:3] == ("1000", "1001", "1001")


@needs_root
@pytest.mark.parametrize("names", ["user", "user,pid"])
def test_root_of_a_later_range(run, names):
    """A map may have its 0 in any line."""
    result = run([f"--unshare={names}", "--uid-map=5:100000:1", "--uid-map=0:100001:1",
                  "--gid-map=0:100000:2", "--", "sh", "-c", IDS], "plain")
    assert ids(result)[:3] == ("0", "0", "0")


@needs_root
@pytest.mark.parametrize("names", ["user", "user,pid", "all"])
def test_map_of_many_by_root(run, names, directory):
    """Outside, the processes have ids of the range."""
    directory.chmod(0o777)
    result = run([f"--unshare={names}", *RANGE, "--", "sh", "-c",
                  f"{IDS}; touch {directory}/file"], "plain")
    assert ids(result) == ("0", "0", "0", ["0 100000 65536", "0 100000 65536", "allow"])
    status = os.stat(directory / "file")
    assert (status.st_uid, status.st_gid) == (100000, 100000)


@needs_root
def test_map_of_several_ranges(run):
    result = run(["--uid-map=0:1000:1", "--uid-map=1:100000:10", "--uid-map=4294967000:5:1",
                  "--gid-map=0:2000:1", "--", "sh", "-c", IDS], "plain")
    assert ids(result)[3] == ["0 1000 1", "1 100000 10", "4294967000 5 1", "0 2000 1", "allow"]


@needs_root
@pytest.mark.parametrize("names", ["user", "user,pid", "all"])
def test_user_inside(run, names, directory):
    """The ids of --user are those inside."""
    directory.chmod(0o777)
    result = run([f"--unshare={names}", *RANGE, "--user", "1000:1001,1002", "--", "sh", "-c",
                  f"{IDS}; touch {directory}/file"], "plain")
    assert ids(result)[:3] == ("1000", "1001", "1001 1002")
    assert os.stat(directory / "file").st_uid == 101000
    refused(run([f"--unshare={names}", *RANGE, "--user", "70000", "--", "true"], "plain"),
            "become user of true", "Invalid argument")


def test_user_where_groups_cannot_be_dropped(run, who):
    """If setgroups is denied, --user is an error: the groups are not kept."""
    result = run(["--map-root", "--user", "0", "--", "id", "-u"], "plain", outer=who.outer)
    if who.is_root:
        assert (result.returncode, result.stdout) == (0, "0\n")
    else:
        refused(result, "become user of id", "Operation not permitted")


@pytest.fixture
def helped(run, tmp_path):
    """Runs init as the ordinary user, with private /etc/subuid and /etc/subgid of these lines."""
    if not AS_ROOT or not shutil.which("newuidmap"):
        pytest.skip("needs root, to set a private subuid(5), and newuidmap")

    def helped(options, *command, uids=f"{UID}:200000:1000\n", gids=f"{UID}:300000:1000\n"):
        for name, text in (("subuid", uids), ("subgid", gids)):
            (tmp_path / name).write_text(text)
        script = " && ".join(f"touch /etc/{name} && mount --bind {tmp_path}/{name} /etc/{name}"
                             for name in ("subuid", "subgid"))
        return run([*options, "--", *command], "plain", outer=[
            "unshare", "-m", "sh", "-c", f'{script} && exec "$@"', "sh", *AS_USER])
    return helped


@pytest.mark.parametrize("names", ["user", "user,pid", "all"])
def test_map_of_many_by_helper(helped, names):
    """Ranges of an ordinary user are mapped by newuidmap and newgidmap."""
    result = helped([f"--unshare={names}", "--uid-map", f"0:{UID}:1", "--uid-map", "1:200000:999",
                     "--gid-map", f"0:{UID}:1", "--gid-map", "1:300000:999"], "sh", "-c", IDS)
    uid, gid, _, maps = ids(result)
    assert (uid, gid) == ("0", "0")
    assert maps[:4] == [f"0 {UID} 1", "1 200000 999", f"0 {UID} 1", "1 300000 999"]


def test_map_of_another_one_by_helper(helped):
    """A single id that is not the caller's is mapped by the helper, which drops the groups; so
    setgroups is not denied."""
    for more in ([], ["--user", "0"]):
        result = helped(["--unshare=user,pid", "--uid-map", "0:200000:1", "--gid-map",
                         "0:300000:1", *more], "sh", "-c", IDS)
        assert ids(result) == ("0", "0", "0", ["0 200000 1", "0 300000 1", "allow"])


def test_user_inside_by_helper(helped):
    result = helped(["--unshare=all", "--uid-map", "0:200000:1000", "--gid-map", "0:300000:1000",
                     "--user", "33:44,55"], "sh", "-c", IDS)
    assert ids(result)[:3] == ("33", "44", "44 55")


@pytest.mark.parametrize("names", ["user", "user,pid"])
def test_helper_refuses(helped, names):
    """newuidmap prints the reason for its refusal, and init that newuidmap failed."""
    result = helped([f"--unshare={names}", "--uid-map", "0:500000:10"], "true")
    assert (result.returncode, result.stdout) == (SETUP, "")
    assert "init: cannot map ids: newuidmap refused; see subuid(5)\n" in result.stderr


def test_no_helper(run, who):
    """A range of an ordinary user where newuidmap is not installed."""
    if who.is_root:
        return
    refused(run(["--unshare=user,pid", "--uid-map", "0:500000:10", "--", "/bin/true"], "plain",
                outer=[*who.outer, "env", "PATH=/nonexistent"]), "exec newuidmap", "No such file")


@pytest.mark.parametrize("option", ["--uid-map", "--gid-map"])
@pytest.mark.parametrize("value", ["", "0", "0:1", "0:1:", ":1:1", "0::1", "0:1:0", "0:1:1:1",
                                   "a:1:1", "-1:1:1", "0:4294967295:1", "4294967295:0:1",
                                   "0:1:4294967296", "0 1 1", ":", "::", "0:1:1:",
                                   "0:1:1,"])
def test_no_such_map(run, option, value):
    refused(run([option, value, "true"], "plain"), option, f"'{value}'")


def test_too_many_maps(run):
    refused(run([*(f"--uid-map={n}:{n}:1" for n in range(9)), "true"], "plain"), "--uid-map")


@needs_root
@pytest.mark.parametrize("names", ["user", "user,pid"])
def test_maps_that_overlap(run, names):
    """The error has the file of the map and the kernel's reason."""
    refused(run([f"--unshare={names}", "--uid-map=0:1:10", "--uid-map=5:50:1",
                 "--gid-map=0:1:10", "--", "true"], "plain"), "write uid_map", "Invalid argument")


# ---- the control channel from outside


@pytest.fixture
def box(container, who, directory):
    directory.chmod(0o777)

    def box(*options):
        made = container(*who.user, *options, how="plain", outer=who.outer)
        made.connect().close()
        return made
    return box


@pytest.mark.parametrize("options", [["--unshare=all"], ["--unshare=user,pid", "--map-root"],
                                     ["--unshare=user,pid,mount"]], ids=" ".join)
def test_operators(box, who, options):
    """The host's root and the user who started it are accepted; another user is not."""
    made = box(*options)
    assert contact(made.path) == "status"
    assert made.output("id", "-u") == "0\n"
    if not AS_ROOT:
        return
    assert "PermissionError" in as_user(2000, 2000, lambda: contact(made.path))
    if not who.is_root:
        assert as_user(UID, UID, lambda: contact(made.path)) == "status"
    made.path.chmod(0o666)
    assert as_user(2000, 2000, lambda: contact(made.path)) == "nothing"


@needs_root
def test_operators_without_a_pid_namespace(start, directory, who):
    """Without a PID namespace no peer is known to be outside: root is refused if not mapped."""
    directory.chmod(0o777)
    start([*who.user, "--unshare=user", "--control", directory / "ctl", "--", "sleep", "1000"],
          "plain", outer=who.outer)
    eventually(lambda: as_user(who.uid, who.uid, lambda: contact(directory / "ctl")) == "status",
               what="that its own user is accepted")
    assert contact(directory / "ctl") == ("status" if who.is_root else "nothing")


@needs_root
@pytest.mark.parametrize("names", ["user", "user,pid", "all"])
def test_operators_of_a_mapped_root(box, who, names):
    """Root inside is an unused id of the host. The socket was made before, by the host's root."""
    if not who.is_root:
        pytest.skip("needs root")
    made = box(f"--unshare={names}", *RANGE)
    if "pid" in names or names == "all":
        assert contact(made.path) == "status"
    assert "PermissionError" in as_user(2000, 2000, lambda: contact(made.path))
    assert "PermissionError" in as_user(100000, 100000, lambda: contact(made.path))


@needs_root
@pytest.mark.parametrize("uid", [2000, 65534])
def test_overflow_uid_cannot_be_allowed(box, uid):
    """With 65534 on the list of --control-allow, users that are not mapped are not accepted."""
    made = box("--unshare=user,pid", "--map-root", "--control-allow", "65534")
    assert as_user(uid, uid, lambda: contact(made.path)) == "nothing"


@needs_root
def test_init_with_the_overflow_uid(start, directory, who):
    """If init itself has the overflow uid, as in a user namespace that its caller made and that maps
    nobody, other users with that uid are not taken for init."""
    path = directory / "ctl"
    directory.chmod(0o777)
    start(["--control", path, "--control-allow", "6", "--", "sleep", "1000"], "plain",
          outer=[*who.outer, "unshare", "--user"])
    eventually(lambda: path.exists() and listens(path), what="the socket")
    assert as_user(2000, 2000, lambda: contact(path)) == "nothing"


def test_socket_is_gone_at_the_end(box, directory):
    made = box("--unshare=all")
    made.init.signal(signal.SIGTERM)
    assert made.init.wait() == 128 + signal.SIGTERM
    assert os.listdir(directory) == []


def test_stop_by_the_operator(box, directory):
    made = box("--unshare=all")
    inner = inner_of(made.init)
    assert made.connect().call("stop").name == "stopping"
    assert made.init.wait() == 128 + signal.SIGTERM
    assert not is_alive(inner) and os.listdir(directory) == []


def test_socket_in_use(box, run, who, directory):
    """A second init with the same socket fails, and does not disturb the first."""
    made = box("--unshare=all")
    refused(run([*who.user, "--unshare=all", "--control", made.path, "--", "true"], "plain",
                outer=who.outer), "open control channel", ("Address in use", "Address already in use"))
    assert contact(made.path) == "status"


@pytest.mark.parametrize("options, part", [
    (["--hostname", "n" * 65], "set host name"), (["--chroot=/nonexistent"], "open root /nonexist"),
    (["--user", "1:1"], "become user of true")])
def test_socket_is_gone_after_a_failure(inside, who, directory, options, part):
    directory.chmod(0o777)
    if "--user" in options and who.is_root:
        options = ["--map-root", *options]
    refused(inside(["--unshare=all", "--control", directory / "ctl", *options], "true"), part)
    assert os.listdir(directory) == []


__all__ = ["begin", "container", "directory", "inside", "who"]
