"""What the command may do: capabilities, no_new_privs, devices and set-user-ID programs, keys,
filters of system calls, limits. Where init makes a container with a root of its own the command
gets what container engines leave to one; as the init of another's container nothing changes.
"""
import errno
import json
import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import AS_ROOT, INIT, PROBE, come_to_rest, eventually
from container import container, directory, needs_root  # noqa: F401
from inside import (begin, inside, mountinfo, needs_static, needs_strace,  # noqa: F401
                    refused, report, root, strace, who)
from privileges import (ALL, CAPABILITIES, DEFAULT, KNOWN, LIMITS, MKDIR_TEXT, PYTHON, SEE, bits,
                        bounding, fields, limits, needs_numbers, ours, program, sets, spelled)

pytestmark = needs_static

as_root = pytest.mark.parametrize("who", ["root"], indirect=True)
as_user = pytest.mark.parametrize("who", ["user"], indirect=True)
# With a user namespace only where one is needed, so that root has no more than it has outside.
OTHERS = "--unshare=pid,mount,uts,ipc,net,cgroup,time"
CONTAINED = [OTHERS, "--mount-proc"]


def succeeded(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def capabilities(inside, options, command=SEE, **more):
    return sets(succeeded(inside(options, *command, **more)))


def without(*names):
    """Starts init without capabilities, whatever root has."""
    return ["setpriv", "--bounding-set", ",".join(f"-{name.lower()}" for name in names)]


# ---- capabilities

HOLDING = ["setpriv", "--inh-caps=+net_raw,+sys_admin", "--ambient-caps=+net_raw,+sys_admin"]


@needs_root
@pytest.mark.parametrize("outer", [[], HOLDING, without("net_raw", "chown")],
                         ids=["as they are", "ambient", "bounded"])
@pytest.mark.parametrize("options", [[], ["--user=0"], ["--unshare=mount,ipc"], ["--chroot=/"]],
                         ids=" ".join)
def test_unchanged(run, how, options, outer):
    """As the init of another's container init takes nothing away: all five sets are the
    caller's."""
    given = subprocess.run([*outer, *SEE], capture_output=True, text=True, check=True).stdout
    assert sets(succeeded(run([*options, "--", *SEE], how, outer=outer))) == sets(given)


def test_default(inside, root, who):
    """In a container with a root of its own it is what Docker leaves to one."""
    given = DEFAULT & bounding(who)
    seen = capabilities(inside, [*CONTAINED, "--chroot", root])
    assert seen == [0, given, given, given, 0]


@pytest.mark.parametrize("options", [[OTHERS, "--mount-proc"], ["--unshare=mount"]],
                         ids=" ".join)
def test_without_a_root(inside, options, who):
    """Namespaces alone take no capability away."""
    assert capabilities(inside, options)[3] == bounding(who)


@as_root
def test_inheritable_and_ambient(inside, root):
    """A capability that is not kept is neither inheritable nor ambient; one that is stays so."""
    raw = bits("NET_RAW")
    assert raw & bounding(), "what these tests need"
    seen = capabilities(inside, [*CONTAINED, "--chroot", root], outer=HOLDING)
    assert (seen[0], seen[4]) == (raw, raw)
    seen = capabilities(inside, [*CONTAINED, "--chroot", root, "--cap-drop=NET_RAW"],
                        outer=HOLDING)
    assert (seen[0], seen[4]) == (0, 0)


RAW_AND_KILL = bits("NET_RAW KILL")


@pytest.mark.parametrize("options, kept", [
    (["--cap-keep=NET_RAW"], bits("NET_RAW")),
    (["--cap-keep=NET_RAW,CAP_KILL"], RAW_AND_KILL),
    (["--cap-keep=NET_RAW", "--cap-keep", "KILL"], RAW_AND_KILL),
    (["--cap-keep=KILL,KILL,CAP_KILL"], bits("KILL")),
    (["--cap-keep=all"], ALL),
    (["--cap-keep=default"], DEFAULT),
    (["--cap-keep=default,SYS_PTRACE"], DEFAULT | bits("SYS_PTRACE")),
    (["--cap-keep=default", "--cap-keep=CAP_SYS_PTRACE"], DEFAULT | bits("SYS_PTRACE")),
    (["--cap-keep=NET_RAW", "--cap-keep=all"], ALL),
    (["--cap-drop=NET_RAW"], DEFAULT & ~bits("NET_RAW")),
    (["--cap-drop=NET_RAW,CAP_KILL"], DEFAULT & ~RAW_AND_KILL),
    (["--cap-drop=NET_RAW", "--cap-drop=KILL"], DEFAULT & ~RAW_AND_KILL),
    (["--cap-drop=SYS_ADMIN"], DEFAULT),
    (["--cap-drop=all"], 0),
    (["--cap-drop=default"], 0),
    (["--cap-keep=all", "--cap-drop=SYS_ADMIN"], ALL & ~bits("SYS_ADMIN")),
    (["--cap-drop=SYS_ADMIN", "--cap-keep=all"], ALL & ~bits("SYS_ADMIN")),
    (["--cap-keep=all", "--cap-drop=default"], ALL & ~DEFAULT),
    (["--cap-keep=KILL", "--cap-drop=KILL"], 0),
], ids=spelled)
def test_lists(inside, root, who, options, kept):
    """--cap-keep says what there is, --cap-drop takes of that, in whatever order."""
    kept &= bounding(who)
    seen = capabilities(inside, [*CONTAINED, "--chroot", root, *options])
    assert seen == [0, kept, kept, kept, 0]


@needs_root
@pytest.mark.parametrize("options, kept", [(["--cap-keep=default"], DEFAULT),
                                           (["--cap-drop=NET_RAW"], ALL & ~bits("NET_RAW"))],
                         ids=spelled)
def test_lists_without_a_container(run, how, options, kept):
    """The options do the same where nothing would be taken away without them."""
    kept &= bounding()
    assert sets(succeeded(run([*options, "--", *SEE], how))) == [0, kept, kept, kept, 0]


@as_root
@pytest.mark.parametrize("options, kept", [
    ([], DEFAULT), (["--cap-keep=all"], ALL), (["--cap-keep=KILL"], bits("KILL")),
    (["--cap-keep=CHOWN"], bits("CHOWN")), (["--cap-drop=all"], 0)], ids=spelled)
def test_another_user(inside, root, options, kept):
    """Another user has no capability at all, and at most these by a set-user-ID program. To become
    that user takes none of those that are kept."""
    result = inside([*CONTAINED, "--chroot", root, "--user=1000:1001", *options], "sh", "-c",
                    "cat /proc/self/status")
    found = fields(succeeded(result))
    assert sets(result.stdout) == [0, 0, 0, kept & bounding(), 0]
    assert (found["Uid"], found["Gid"]) == ("1000 1000 1000 1000", "1001 1001 1001 1001")


@as_root
def test_another_user_s_ambient(inside, root):
    """What was ambient is not, after a change of the user."""
    seen = capabilities(inside, [*CONTAINED, "--chroot", root, "--user=1000"], outer=HOLDING)
    assert (seen[1], seen[2], seen[4]) == (0, 0, 0)


def numbers():
    """The names of <linux/capability.h> with their numbers, or ours where it is not installed."""
    header = Path("/usr/include/linux/capability.h")
    if not header.exists():
        return list(enumerate(CAPABILITIES))
    found = re.findall(r"^#define CAP_([A-Z_]+)\s+(\d+)\s*$", header.read_text(), re.M)
    # A later header has more.
    return [(int(number), name) for name, number in found if int(number) < len(CAPABILITIES)]


def test_all_names_are_tested():
    assert len(numbers()) == len(CAPABILITIES) == 41


@as_user
@pytest.mark.parametrize("number, name", numbers(), ids=spelled)
def test_each_name(inside, number, name):
    """Each name is that of its number; an ordinary user has all of them in a user namespace."""
    if number >= KNOWN:
        pytest.skip("this kernel does not know it")
    for prefix in ("", "CAP_"):
        seen = capabilities(inside, [f"--cap-keep={prefix}{name}"])
        assert seen == [0, 1 << number, 1 << number, 1 << number, 0]


@pytest.mark.parametrize("option", ["--cap-keep", "--cap-drop"])
@pytest.mark.parametrize("value", ["", "net_raw", "cap_net_raw", "NET_RAWX", "NET", "CAP_", ",",
                                   "NET_RAW,", ",NET_RAW", "NET_RAW,,KILL", "NET_RAW, KILL", "ALL",
                                   "CAP_all", "CAP_CAP_KILL", "all,nothing", "5", "Default"])
def test_no_such_capability(run, directory, option, value):
    made = directory / "made"
    refused(run([option, value, "touch", made], "plain"), f"{option}: ", f"'{value}'")
    assert not made.exists()


@needs_root
@pytest.mark.parametrize("options", [["--cap-drop=NET_RAW"], ["--cap-keep=default"],
                                     ["--unshare=mount", "--chroot=/"]], ids=" ".join)
def test_without_setpcap(run, directory, options):
    """Who may not take from the bounding set cannot start what should have less."""
    made = directory / "made"
    result = run([*options, "--", "touch", made], "plain", outer=without("setpcap"))
    refused(result, "cannot drop capabilities of touch: ", "Operation not permitted")
    assert not made.exists()


@needs_root
def test_nothing_to_drop(run):
    """Without anything to take away that right is not needed."""
    some = ["setpriv", "--bounding-set=-all,+chown,+kill"]
    kept = bits("CHOWN KILL")
    for options in (["--cap-keep=CHOWN,KILL,NET_RAW"], ["--cap-drop=NET_RAW"]):
        seen = sets(succeeded(run([*options, "--", *SEE], "plain", outer=some)))
        assert seen == [0, kept, kept, kept, 0]


@needs_strace
def test_bounding_set_that_cannot_be_read(run):
    """As under a filter of the engine's: what would stay in the set is not kept silently."""
    result = run(["--cap-drop=all", "--", "true"], "plain",
                 outer=strace("prctl:error=EACCES:when=1", follow=True))
    refused(result, "cannot drop capabilities of true: ", "Permission denied")


# ---- no_new_privs and set-user-ID programs


@pytest.mark.parametrize("options, expected", [
    (["--unshare=all", "--chroot=ROOT"], 1),
    (["--unshare=mount", "--chroot=ROOT"], 1),
    (["--mount=proc", "--unshare=pid", "--chroot=ROOT"], 1),
    (["--unshare=all", "--chroot=ROOT", "--new-privs"], 0),
    (["--new-privs", "--unshare=all", "--chroot=ROOT", "--no-new-privs"], 1),
    (["--unshare=all", "--no-new-privs"], 1),
    (["--unshare=all"], 0), (["--chroot=ROOT"], 0)], ids=spelled)
def test_no_new_privs(inside, root, options, expected):
    """It is set in a container with a root of its own; --new-privs leaves that out."""
    path = "/bin/probe" if any("chroot" in word for word in options) else PROBE
    seen = report(inside([word.replace("ROOT", str(root)) for word in options], path, "report"))
    assert seen["no_new_privs"] == expected


@pytest.mark.parametrize("options, nosuid", [([], True), (["--new-privs"], False),
                                             (["--no-new-privs", "--new-privs"], False)],
                         ids=["default", "new-privs", "both"])
def test_attributes_of_the_root(inside, root, directory, options, nosuid):
    """The root and what is bound have neither devices nor set-user-ID programs."""
    was = os.statvfs(directory).f_flag
    if was & (os.ST_NOSUID | os.ST_NODEV):
        pytest.skip("the temporary folder is nosuid or nodev itself")
    (directory / "file").touch()
    binds = {"/one": "", "/two": ":dev", "/three": ":ro", "/four": ":ro,dev", "/five": ":dev,ro",
             "/six": ":noidmap", "/seven": ":noidmap,dev,ro"}
    seen = mountinfo(succeeded(inside(
        [*CONTAINED, "--chroot", root, f"--bind={directory}/file:/file", *options,
         *(f"--bind={directory}:{at}{words}" for at, words in binds.items())],
        "cat", "/proc/self/mountinfo")))
    for at in ("/", "/file", *binds):
        assert ("nosuid" in seen[at][0]) == nosuid, at
    assert "nodev" in seen["/"][0]
    for at, words in binds.items():
        assert ("nodev" in seen[at][0]) == ("dev" not in words), at
        assert ("ro" in seen[at][0]) == ("ro" in words), at


def test_the_root_as_it_is(inside):
    """Without a --chroot a bind has no attributes but its own."""
    if os.statvfs("/tmp").f_flag & (os.ST_NOSUID | os.ST_NODEV):
        pytest.skip("the temporary folder is nosuid or nodev itself")
    seen = mountinfo(succeeded(inside(["--unshare=all", "--mount-proc", "--bind=/tmp:/mnt"],
                                      "cat", "/proc/self/mountinfo")))
    assert not seen["/mnt"][0] & {"nosuid", "nodev"}


@pytest.fixture
def set_user_id(root, directory):
    """A program of root's with the set-user-ID bit in the root, and one beside it."""
    if os.statvfs(directory).f_flag & os.ST_NOSUID:
        pytest.skip("the temporary folder is nosuid itself")
    (directory / "beside").mkdir()
    for path in (root / "bin/become", directory / "beside/become"):
        shutil.copy(PROBE, path)
        os.chown(path, 0, 0)
        os.chmod(path, 0o4755)
    return root


@as_root
@pytest.mark.parametrize("options, works", [([], False), (["--new-privs"], True),
                                            (["--new-privs", "--no-new-privs"], False),
                                            (["--new-privs", "--cap-drop=all"], True)],
                         ids=spelled)
@pytest.mark.parametrize("path", ["/bin/become", "/beside/become"])
def test_set_user_id(inside, set_user_id, directory, path, options, works):
    """A set-user-ID program has its effect with --new-privs only."""
    seen = report(inside([*CONTAINED, "--chroot", set_user_id, "--user=1000", *options,
                          f"--bind={directory}/beside:/beside"], path, "report"))
    assert seen["uid"] == ([1000, 0, 0] if works else [1000, 1000, 1000])


# ---- devices

MAKE = ('busybox mknod "$0/node" c 1 3 || exit 9; test -c "$0/node" || exit 8; '
        'cat "$0/node" && echo works >"$0/node" && echo usable')


@as_root
@pytest.mark.parametrize("path, options", [
    ("", []), ("/bin", []), ("/dev", ["--mount=dev"]), ("/tmp", ["--mount=tmp"]),
    ("/run", ["--mount=run"]), ("/dev/shm", ["--mount=dev,shm"]), ("/mine", ["--tmpfs=/mine"]),
    ("/bound", ["--bind=BOUND:/bound"]), ("/bound", ["--bind=BOUND:/bound", "--new-privs"])],
    ids=spelled)
def test_no_device_has_an_effect(inside, root, directory, path, options):
    """A device node that is made inside cannot be opened, wherever it is."""
    (directory / "bound").mkdir()
    options = [word.replace("BOUND", f"{directory}/bound") for word in options]
    result = inside([*CONTAINED, "--chroot", root, *options], "sh", "-c", MAKE, path)
    assert result.returncode == 1 and "Permission denied" in result.stderr, result


@as_root
def test_devices_that_are_asked_for(inside, root, directory):
    """With :dev a directory may have device nodes, and a device that is bound by itself works."""
    if os.statvfs(directory).f_flag & os.ST_NODEV:
        pytest.skip("the temporary folder is nodev itself")
    (directory / "bound").mkdir()
    os.mknod(directory / "one", 0o20666, os.makedev(1, 3))
    options = [*CONTAINED, "--chroot", root, f"--bind={directory}/bound:/bound:dev",
               f"--bind={directory}/one:/one"]
    assert succeeded(inside(options, "sh", "-c", MAKE, "/bound")) == "usable\n"
    assert succeeded(inside(options, "sh", "-c", "cat /one && echo x >/one && echo usable")
                     ) == "usable\n"


@as_user
def test_bound_device_of_a_user(inside, root):
    """A device of the host works in a user namespace as well."""
    assert succeeded(inside([*CONTAINED, "--chroot", root, "--bind=/dev/null:/one"], "sh", "-c",
                            "cat /one && echo x >/one && echo usable")) == "usable\n"


@pytest.mark.parametrize("value", ["/tmp:/a:", "/tmp:/a:rw", "/tmp:/a:DEV", "/tmp:/a:dev,",
                                   "/tmp:/a:ro:dev", "/tmp:/a:device", "/tmp:/a:,ro",
                                   "/tmp:/a:dev,,ro", "/tmp:/a:idmap", "/tmp:/a:ro dev"])
def test_no_such_option_of_a_bind(run, value):
    refused(run(["--bind", value, "--", "true"], "plain"), "--bind")


# ---- keys

# add_key and keyctl
KEYS = {"x86_64": (248, 250), "aarch64": (217, 219), "riscv64": (217, 219)}.get(
    os.uname().machine)
LIBRARY = f"""
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
ADD_KEY, KEYCTL = {KEYS}
JOIN, SEARCH, SESSION = 1, 10, ctypes.c_long(-3)
"""
# Joins a keyring with a key, and executes init.
WITH_KEY = LIBRARY + """
if libc.syscall(KEYCTL, JOIN, None) < 0 or \\
        libc.syscall(ADD_KEY, b"user", b"init-test", b"secret", 6, SESSION) < 0:
    sys.exit(f"no key: {ctypes.get_errno()}")
os.execvp(sys.argv[1], sys.argv[1:])
"""
FIND = LIBRARY + """
found = libc.syscall(KEYCTL, SEARCH, SESSION, b"user", b"init-test", 0)
print("found" if found > 0 else ctypes.get_errno())
"""
needs_keys = pytest.mark.skipif(not KEYS or not os.path.exists("/proc/keys"),
                                reason="needs a kernel with keys, and their numbers")


@needs_keys
@pytest.mark.parametrize("options, expected", [
    ([], "found"), (["--unshare=all"], "found"), (["--unshare=mount", "--chroot=/"], ""),
    (["--unshare=all", "--chroot=/"], ""), (["--unshare=all", "--chroot=/", "--cap-keep=all"], "")],
    ids=spelled)
def test_session_keyring(run, who, options, expected):
    """A container with a root of its own does not see the keys of whoever starts it."""
    result = run(["-c", WITH_KEY, *who.outer, INIT, *who.user, *options, "--", PYTHON, "-c",
                  FIND], "plain", program=PYTHON)
    assert succeeded(result).strip() == (expected or str(errno.ENOKEY))


@needs_strace
@pytest.mark.parametrize("error, starts", [("ENOSYS", True), ("EPERM", True), ("EDQUOT", False)])
def test_no_keyring(inside, root, error, starts):
    """A kernel without keys, or a filter of them, is none to fail for; another error is."""
    result = inside(["--unshare=all", "--chroot", root], "echo", "runs",
                    outer=strace(f"keyctl:error={error}", follow=True))
    if starts:
        assert succeeded(result) == "runs\n"
    else:
        refused(result, "cannot join session keyring")


# ---- a filter of system calls


@pytest.fixture
def filter_file(directory):
    """Writes a filter into a file, and opens that."""
    opened = []

    def filter_file(data=None):
        path = directory / f"filter{len(opened)}"
        path.write_bytes(program() if data is None else data)
        opened.append(os.open(path, os.O_RDONLY))
        return opened[-1]
    yield filter_file
    for fd in opened:
        os.close(fd)


TRY = "mkdir /tmp/init-test-never; echo $?; grep Seccomp_filters /proc/1/status /proc/self/status"


def ours_filtered():
    return int(fields(ours()).get("Seccomp_filters", "0"))


# write, exit and exit_group
WRITE, EXIT = 1, [60, 231]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="has other numbers")
@pytest.mark.parametrize("calls, code", [([WRITE], 125), (EXIT, 127), ([WRITE, *EXIT], 128 + 4)],
                         ids=["write", "exit", "both"])
def test_filter_of_what_a_failure_needs(inside, root, filter_file, calls, code):
    """An exec that fails is reported by write(2) and ends by exit_group(2). Where the filter refuses
    these, the child ends all the same, by a fault, and init with it."""
    fd = filter_file(program(calls, errno.EPERM))
    result = inside([*CONTAINED, "--chroot", root, "--seccomp-fd", fd], "/nowhere", pass_fds=[fd])
    assert result.returncode == code, result
    if code == 127:
        assert result.stderr == "init: cannot exec /nowhere: No such file or directory\n"


@needs_numbers
@pytest.mark.parametrize("options", [[], ["--new-privs"], ["--no-new-privs"], ["--cap-drop=all"],
                                     ["--new-privs", "--cap-drop=all"], ["--cap-keep=all"]],
                         ids=" ".join)
def test_filter(inside, root, filter_file, options):
    """The command's system calls fail as the filter says, and PID 1 has none, with and without
    no_new_privs."""
    fd = filter_file()
    result = inside([*CONTAINED, "--mount=tmp", "--chroot", root, *options, "--seccomp-fd", fd],
                    "sh", "-c", TRY, pass_fds=[fd])
    code, first, own = result.stdout.splitlines()
    assert code == "1" and MKDIR_TEXT in result.stderr, result
    assert int(first.split()[-1]) == ours_filtered() == int(own.split()[-1]) - 1, result


@needs_numbers
def test_filter_elsewhere(run, directory, who, how, filter_file):
    """Without a container as well, where the command gets no_new_privs or has CAP_SYS_ADMIN."""
    fd = filter_file()
    options = [] if who.is_root else ["--no-new-privs"]
    result = run([*options, "--seccomp-fd", fd, "--", "mkdir", directory / "new"], how,
                 pass_fds=[fd], **({"outer": who.outer} if how == "plain" else {}))
    assert result.returncode == 1 and MKDIR_TEXT in result.stderr, result
    assert not (directory / "new").exists()


@as_user
def test_filter_without_the_right(run, who, filter_file):
    """An ordinary user needs no_new_privs for a filter."""
    fd = filter_file()
    result = run(["--seccomp-fd", fd, "--", "echo", "runs"], "plain", pass_fds=[fd],
                 outer=who.outer)
    refused(result, "cannot install seccomp filter of echo: ", "Permission denied")


@needs_numbers
@as_root
@pytest.mark.parametrize("options", [[], ["--new-privs"]], ids=["default", "new-privs"])
def test_filter_and_another_user(inside, root, filter_file, options):
    """A filter is also for another user, who could not install it."""
    fd = filter_file()
    result = inside([*CONTAINED, "--mount=tmp", "--chroot", root, "--user=1000", *options,
                     "--seccomp-fd", fd], "mkdir", "/tmp/new", pass_fds=[fd])
    assert result.returncode == 1 and MKDIR_TEXT in result.stderr, result


@needs_numbers
def test_filter_that_comes_late(begin, root):
    """Init waits for a filter that is still to be written, by parts, into a pipe."""
    read, write = os.pipe()
    try:
        init = begin([*CONTAINED, "--mount=tmp", "--chroot", root, "--seccomp-fd", read], "sh",
                     "-c", f"{TRY}; echo end", pass_fds=[read], stderr=subprocess.STDOUT)
        os.close(read)
        eventually(lambda: Path(f"/proc/{init.popen.pid}/comm").read_text() == "init\n")
        come_to_rest(init.popen.pid)
        data = program()
        os.write(write, data[:3])
        come_to_rest(init.popen.pid)
        assert not init.buffer and Path(f"/proc/{init.popen.pid}/task").exists()
        assert not Path(f"/proc/{init.popen.pid}/task/{init.popen.pid}/children").read_text()
        os.write(write, data[3:])
    finally:
        os.close(write)
    init.line(MKDIR_TEXT)
    init.line("^end$")
    assert init.wait() == 0


@needs_numbers
def test_longest_filter(inside, root, filter_file):
    """As long as the kernel takes it: 4096 instructions."""
    data = program(fill=4096 - len(program()) // 8)
    assert len(data) == 8 * 4096
    fd = filter_file(data)
    result = inside([*CONTAINED, "--mount=tmp", "--chroot", root, "--seccomp-fd", fd], "mkdir",
                    "/tmp/new", pass_fds=[fd])
    assert result.returncode == 1 and MKDIR_TEXT in result.stderr, result


BAD = {"empty": b"", "one byte": b"\0", "a part": b"\0" * 7, "one and a part": program([]) + b"\0",
       "too long": program([], fill=4095), "much too long": b"\0" * 100000}


@pytest.mark.parametrize("kind", BAD)
def test_no_filter(inside, root, directory, filter_file, kind):
    """What is no array of instructions is refused before anything is made."""
    fd, socket, made = filter_file(BAD[kind]), directory / "control", root / "made"
    result = inside([*CONTAINED, "--chroot", root, "--control", socket, "--seccomp-fd", fd],
                    "touch", "/made", pass_fds=[fd])
    refused(result, f"cannot read seccomp filter {fd}: ", "Invalid argument")
    assert not socket.exists() and not made.exists()


@pytest.mark.parametrize("options", [[], ["--new-privs"]], ids=["default", "new-privs"])
@pytest.mark.parametrize("data", [b"\xff" * 8, program([])[:8], b"\xff" * 8 * 4096],
                         ids=["unknown", "without an end", "long"])
def test_filter_that_the_kernel_refuses(inside, root, directory, filter_file, data, options):
    """Whether it is a filter is for the kernel to say, and nothing is left if it is not."""
    fd, socket, made = filter_file(data), directory / "control", root / "made"
    result = inside([*CONTAINED, "--chroot", root, "--control", socket, *options, "--seccomp-fd",
                     fd], "touch", "/made", pass_fds=[fd])
    refused(result, "cannot install seccomp filter of touch: ", "Invalid argument")
    assert not socket.exists() and not made.exists()


@pytest.mark.parametrize("value", ["", "-1", "0", "1", "2", "x", "99", "1048576", "99999999999",
                                   "3 "])
def test_no_descriptor(run, directory, value):
    made = directory / "made"
    refused(run(["--seccomp-fd", value, "--", "touch", made], "plain"), "init: ")
    assert not made.exists()


def test_filter_from_a_directory(run, directory):
    fd = os.open(directory, os.O_RDONLY)
    try:
        result = run(["--seccomp-fd", fd, "--", "true"], "plain", pass_fds=[fd])
    finally:
        os.close(fd)
    refused(result, f"cannot read seccomp filter {fd}: ", "directory")


@needs_numbers
def test_descriptor_of_the_filter(inside, root, filter_file):
    """The command does not get it."""
    fd = filter_file()
    seen = report(inside([*CONTAINED, "--chroot", root, "--seccomp-fd", fd], "/bin/probe",
                         "report", pass_fds=[fd]))
    assert set(seen["fds"]) == {"0", "1", "2"}


@needs_numbers
@pytest.mark.parametrize("options", [[], ["--new-privs"]], ids=["default", "new-privs"])
def test_filter_in_sessions(container, root, who, filter_file, options):
    """What the channel starts has the filter, by the same way."""
    fd = filter_file()
    box = container(*who.user, *CONTAINED, "--mount=tmp", "--chroot", root, *options,
                    "--seccomp-fd", fd, how="plain", outer=who.outer, pass_fds=[fd])
    _, ending, text = box.run("sh", "-c", TRY)
    error, code, first, own = text.splitlines()
    assert code == "1" and MKDIR_TEXT in error, text
    assert int(first.split()[-1]) == ours_filtered() == int(own.split()[-1]) - 1, text
    assert set(json.loads(box.output("/bin/probe", "report"))["fds"]) == {"0", "1", "2"}


# ---- limits


SHOW = ["cat", "/proc/self/limits"]


def wanted():
    """A lower soft and hard limit for each resource, where there is a lower one."""
    small = {"CORE": (0, 0), "NOFILE": (77, 88), "LOCKS": (9, 10)}
    found = {}
    for key, (_, hard) in limits(Path("/proc/self/limits").read_text()).items():
        top = 1 << 60 if hard == "unlimited" else int(hard)
        soft, most = small.get(key) or (1 << 27, 1 << 28)
        found[key] = [str(min(soft, top)), str(min(most, top))]
    return found


def test_each_limit(inside, root):
    """Each resource, with and without its prefix, for the command and in a container."""
    expected = wanted()
    options = [f"--rlimit={'RLIMIT_' if i % 2 else ''}{key}={soft}:{hard}"
               for i, (key, (soft, hard)) in enumerate(expected.items())]
    assert len(options) == len(LIMITS) == 16
    assert limits(succeeded(inside([*CONTAINED, "--chroot", root, *options], *SHOW))) == expected


def test_limit_without_a_container(run, how):
    result = run(["--rlimit=NOFILE=77:88", "--", *SHOW], how)
    assert limits(succeeded(result))["NOFILE"] == ["77", "88"]


@pytest.mark.parametrize("options, key, expected", [
    (["NOFILE=77:88", "NOFILE=33:99"], "NOFILE", ["33", "99"]),
    (["NOFILE=33:99", "LOCKS=1:2", "RLIMIT_NOFILE=77:88"], "NOFILE", ["77", "88"]),
    (["RSS=5:unlimited"], "RSS", ["5", "unlimited"]),
    (["RSS=unlimited:unlimited"], "RSS", ["unlimited", "unlimited"]),
    (["RSS=0:0"], "RSS", ["0", "0"])], ids=spelled)
def test_limits_that_count(run, options, key, expected):
    """The last for a resource is the one that counts."""
    if "unlimited" in expected and resource.getrlimit(resource.RLIMIT_RSS)[1] >= 0:
        pytest.skip("has a limit already")
    result = run([*(f"--rlimit={option}" for option in options), "--", *SHOW], "plain")
    assert limits(succeeded(result))[key] == expected


@pytest.mark.parametrize("value", [
    "", "=", "NOFILE", "NOFILE=", "NOFILE=1", "NOFILE=1:", "NOFILE=:1", "NOFILE=2:1",
    "NOFILE=1:2:3", "nofile=1:2", "NOFILE:1:2", "NOTHING=1:2", "RLIMIT_=1:2", "=1:2",
    "RLIMIT_RLIMIT_NOFILE=1:2", "NOFILE=-1:2", "NOFILE= 1:2", "NOFILE=1:2 ", "NOFILE=0x1:2",
    "NOFILE=unlimited:1", "NOFILE=1:unlimitedx", "NOFILE=1:18446744073709551616", "NOFILE =1:2",
    "NOFILE=1:000000000000000000000000000000002"])
def test_no_such_limit(run, directory, value):
    made = directory / "made"
    refused(run([f"--rlimit={value}", "--", "touch", made], "plain"), "--rlimit", f"'{value}'")
    assert not made.exists()


@pytest.mark.parametrize("options", [[], ["--unshare=mount"]], ids=["plain", "unshare"])
def test_limit_above_the_hard_one(inside, directory, options):
    """It takes CAP_SYS_RESOURCE, which a user namespace does not give."""
    made = directory / "made"
    prefix = without("sys_resource") if AS_ROOT else []
    result = inside([*options, "--rlimit=CORE=1:1"], "touch", made, outer=prefix)
    refused(result, "cannot set limits of touch: ", "Operation not permitted")
    assert not made.exists()


@as_root
def test_limit_above_the_hard_one_with_the_right(inside, root):
    """Which root has, although the command in its container does not."""
    if not bounding() & bits("SYS_RESOURCE"):
        pytest.skip("root may not raise limits here")
    seen = limits(succeeded(inside([*CONTAINED, "--chroot", root, "--rlimit=CORE=5:6"], *SHOW)))
    assert seen["CORE"] == ["5", "6"]


def test_limits_in_sessions(container, root, who):
    box = container(*who.user, *CONTAINED, "--chroot", root, "--rlimit=NOFILE=77:88", how="plain",
                    outer=who.outer)
    assert limits(box.output(*SHOW))["NOFILE"] == ["77", "88"]
