"""The file system of the container: --chroot, --mount, --bind, --tmpfs, --read-only.

Each test runs as root and as an ordinary user (the fixture `who`). conftest.py checks at the end
of each test that no mount is left on the host.
"""
import fcntl
import os
import shutil
import stat
import struct
import subprocess
import sys

import pytest

from conftest import AS_ROOT, INIT, eventually, mounts
from container import directory, needs_root
from inside import (NODES, SETUP, begin, everything, inner_of, inside, mountinfo, needs_static,
                    needs_strace, new_mounts, refused, root, strace, who)
from test_namespaces import PYTHON
from terminal import Terminal

pytestmark = needs_static

SAFE = {"nosuid", "nodev", "noexec"}
# name -> (mount point, type, attributes, attributes that must not be set, options)
ROWS = {
    "proc": ("/proc", "proc", SAFE | {"rw"}, set(), set()),
    "sys": ("/sys", "sysfs", SAFE | {"ro"}, {"rw"}, set()),
    "dev": ("/dev", "tmpfs", SAFE | {"rw"}, set(), {"mode=755"}),
    "pts": ("/dev/pts", "devpts", {"rw", "nosuid", "noexec"}, {"nodev"},
            {"ptmxmode=666", "mode=620"}),
    "shm": ("/dev/shm", "tmpfs", SAFE | {"rw"}, set(), {"size=65536k"}),
    "mqueue": ("/dev/mqueue", "mqueue", SAFE | {"rw"}, set(), set()),
    "tmp": ("/tmp", "tmpfs", {"rw", "nosuid", "nodev"}, {"noexec"}, set()),
    "run": ("/run", "tmpfs", {"rw", "nosuid", "nodev"}, {"noexec"}, {"mode=755"}),
}
SEE = ["cat", "/proc/self/mountinfo"]
NEW_MOUNTS = ["unshare", "-m" if AS_ROOT else "-Urm"]
# <asm-generic/ioctls.h>; Python has it from 3.13 on.
TIOCGPTN = 0x80045430


def succeeded(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def points(seen):
    """The mount points of a mountinfo, without those by which proc and sysfs are masked."""
    return {point for point in seen if not point.startswith(("/proc/", "/sys/"))}


def words(text):
    return " ".join(text.split())


# ---- the list


@pytest.mark.parametrize("name", ROWS)
def test_each_row(inside, root, name):
    """Each row by itself, with proc to look it up: its type and options are those that container
    engines use, and nothing else is mounted."""
    at, kind, attributes, absent, options = ROWS[name]
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, "--mount", name,
                                       "--mount-proc"], *SEE)))
    assert {point for point in points(seen) if not point.startswith("/dev/") or point == at} == {
        "/", at, "/proc"}
    found = seen[at]
    assert found[1] == found[2] == kind
    assert attributes <= found[0] and not absent & found[0]
    assert options <= found[3]


def test_all_rows(inside, root):
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, "--mount=all"], *SEE)))
    nodes = {f"/dev/{name}" for name in NODES}
    assert points(seen) == {"/", *nodes, *(row[0] for row in ROWS.values())}
    assert "hidepid=invisible" not in seen["/proc"][3]
    for at, kind, attributes, absent, options in ROWS.values():
        assert seen[at][1] == kind and options <= seen[at][3]
        assert attributes <= seen[at][0] and not absent & seen[at][0]


def test_modes(inside, root):
    script = "stat -c '%a' /tmp /dev/shm /run /dev /dev/mqueue"
    umask = ["sh", "-c", 'umask 077; exec "$@"', "sh"]
    assert words(succeeded(inside(["--unshare=all", "--chroot", root, "--mount=all"], "sh", "-c",
                                  script, wrap=umask))) == "1777 1777 755 755 1777"


@pytest.mark.parametrize("options", [["--mount=shm,pts,dev,proc"], ["--mount=mqueue,dev,pts,proc"],
                                     ["--mount=proc", "--mount=pts", "--mount=dev"],
                                     ["--tmpfs=/dev/mine", "--mount=dev,proc"],
                                     ["--bind=/etc:/run/etc", "--mount=run,proc"]], ids=" ".join)
def test_order_does_not_matter(inside, root, options):
    """What is below another mount is mounted after it, whatever the order of the list is."""
    result = inside(["--unshare=all", "--chroot", root, *options], "sh", "-c",
                    "cat /proc/self/mountinfo; ls -d /dev/pts /dev/mine /run/etc/passwd")
    seen = mountinfo("".join(f"{line}\n" for line in result.stdout.splitlines() if " - " in line))
    for at in ("/dev/pts", "/dev/mine"):
        if at.split("/")[-1] in " ".join(options):
            assert seen[at] and at in result.stdout.splitlines()
    if "/run/etc" in " ".join(options):
        assert "/run/etc/passwd" in result.stdout.splitlines()


@pytest.mark.parametrize("value", ["", "procs", "pro", "all,", ",proc", "proc,,sys", "PROC",
                                   "hidepid,x", "/proc"])
def test_no_such_row(run, value):
    refused(run(["--mount", value, "true"], "plain"), "--mount", f"'{value}'")


@pytest.mark.parametrize("options", [["--mount=hidepid"], ["--mount=all,hidepid"],
                                     ["--mount=hidepid", "--mount-proc"]], ids=" ".join)
def test_hidepid(inside, root, options):
    """hidepid mounts proc, with that option."""
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, *options], *SEE)))
    assert "hidepid=invisible" in seen["/proc"][3] and SAFE <= seen["/proc"][0]


@needs_root
def test_hidepid_hides(inside, root, who):
    if not who.is_root:
        pytest.skip("another user inside takes more ids than an ordinary user has")
    result = inside(["--unshare=pid", "--chroot", root, "--mount=hidepid", "--user", "1000"],
                    "sh", "-c", "ls -d /proc/1; ls -d /proc/self")
    assert result.stdout == "/proc/self\n"


def test_proc_shows_the_inside_only(inside, root):
    out = succeeded(inside(["--unshare=all", "--chroot", root, "--mount-proc"], "sh", "-c",
                           "ls /proc | grep '^[0-9]'"))
    assert {"1", "2"} <= set(out.split()) and len(out.split()) <= 4


# ---- /dev

LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
         "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}


def test_nodes_and_links(inside, root):
    """/dev has these nodes and links, and none of the host's."""
    out = succeeded(inside(["--unshare=all", "--chroot", root, "--mount=all"], "sh", "-c",
                           "cd /dev; ls; for n in " + " ".join(NODES) + "; do "
                           "stat -c '= %n %F %a %t %T' $n; done; for l in " + " ".join(LINKS) +
                           "; do echo = $l $(readlink $l); done"))
    names = {line for line in out.splitlines() if not line.startswith("=")}
    assert names == {*NODES, *LINKS, "pts", "shm", "mqueue"}
    for name, (major, minor) in NODES.items():
        assert f"= {name} character special file 666 {major} {minor}\n" in out
    for name, to in LINKS.items():
        assert f"= {name} {to}\n" in out


@pytest.mark.parametrize("options", [[], ["--unshare=user", "--map-root"]],
                         ids=["root", "map-root"])
def test_nodes_work(inside, root, options):
    """The nodes, which are mounted from the host, work."""
    script = ("echo lost >/dev/null && [ -z \"$(cat /dev/null)\" ] && "
              "[ $(head -c 5 /dev/zero | tr '\\0' x) = xxxxx ] && "
              "[ $(head -c 5 /dev/urandom | wc -c) = 5 ] && "
              "[ $(head -c 5 /dev/random | wc -c) = 5 ] && "
              "! echo more 2>&- >/dev/full && echo said >/dev/console && "
              "[ -z \"$(cat /dev/console)\" ] && echo out >/dev/stdout | cat && "
              "echo in | cat /dev/stdin && ! cat /dev/tty 2>&-")
    out = succeeded(inside([*options, "--unshare=pid", "--chroot", root, "--mount=dev,proc"],
                           "sh", "-c", script))
    assert out == "out\nin\n"


@pytest.mark.parametrize("options", [["--unshare=pid"], ["--unshare=all"],
                                     ["--unshare=all", "--map-root"]], ids=" ".join)
def test_nodes_of_the_host_are_out_of_reach(inside, root, options):
    """A change of mode, owner or time inside does not change a node of the host."""
    before = {name: os.stat(f"/dev/{name}") for name in NODES if os.path.exists(f"/dev/{name}")}
    # A time that neither node has now, whatever has been done to the nodes of this machine.
    time = 1 + max(int(before[name].st_mtime) for name in ("null", "zero"))
    inside([*options, "--chroot", root, "--mount=all"], "sh", "-c",
           "cd /dev; chmod 600 null zero full random urandom tty console; "
           f"chown 5:5 null zero full random urandom tty console; touch -d @{time} null zero; "
           "rm -f null zero full random urandom tty console")
    for name, status in before.items():
        now = os.stat(f"/dev/{name}")
        assert (now.st_mode, now.st_uid, now.st_gid, now.st_rdev) == (
            status.st_mode, status.st_uid, status.st_gid, status.st_rdev), name
        if name in ("null", "zero"):
            assert now.st_mtime < time, name


OPEN_PTY = ("import os\nmaster, slave = os.openpty()\nprint(os.ttyname(slave))\n"
            "os.write(master, b'x\\n')\nprint(os.read(slave, 9))\n")


@pytest.mark.parametrize("names", ["dev,pts", "all"])
def test_ptys(inside, names):
    """The container has ptys of its own, counted from 0, also in the host's root."""
    out = succeeded(inside(["--unshare=all", "--mount", names], PYTHON, "-c", OPEN_PTY))
    assert out == "/dev/pts/0\nb'x\\n'\n"


@pytest.fixture
def terminal(marker, who):
    made = []

    def terminal(*words, **options):
        made.append(Terminal([*who.outer, *words], marker, **options))
        return made[-1]
    yield terminal
    for one in made:
        one.close()


@needs_root
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("options", [[], ["--unshare=all", "--map-same"],
                                     ["--unshare=user,pid", "--map-root"]], ids=" ".join)
def test_console_is_the_terminal(terminal, root, who, options, own):
    """If init has a terminal, /dev/console is that terminal."""
    if not who.is_root:
        pytest.skip("a terminal that root opened is root's alone")
    one = terminal(INIT, *options, "--chroot", root, "--mount=dev,pts,proc", "--", "sh", "-c",
                   "chmod 644 /dev/console 2>&-; chown 5:5 /dev/console 2>&-; "
                   "echo said >/dev/console; sleep 1000", own=own)
    number, = struct.unpack("i", fcntl.ioctl(one.master, TIOCGPTN, b"\0" * 4))
    one.expect("said")
    status = os.stat(f"/dev/pts/{number}")
    assert stat.S_IMODE(status.st_mode) != 0o644 and status.st_uid == 0


# ---- mount points


def test_mount_points_are_made(inside, root, who):
    assert not (root / "proc").exists()
    succeeded(inside(["--unshare=all", "--chroot", root, "--mount=all", "--tmpfs", "/a/b/c",
                      "--bind", f"{root}/etc:/x/y", "--bind", f"{root}/bin/busybox:/x2/file"],
                     "sh", "-c", "cat /x2/file >/dev/null && ls /x/y"))
    made = {str(path.relative_to(root)) for path in root.rglob("*")
            if not str(path).startswith(str(root / "bin"))}
    assert made == {"etc", "proc", "sys", "dev", "tmp", "run", "a", "a/b", "a/b/c", "x", "x/y",
                    "x2", "x2/file"}
    assert (root / "x2/file").is_file() and (root / "x2/file").stat().st_size == 0
    assert stat.S_IMODE((root / "a/b").stat().st_mode) == 0o755


@pytest.mark.parametrize("path", ["/a/b/", "//a//b", "/a/./b", "/a/b///", "/x/../a/b",
                                  "/../../a/b", "/./a/b/."])
def test_forms_of_a_path(inside, root, path):
    """A path of a mount point may have repeated slashes, dots and the like."""
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, "--mount-proc",
                                       "--tmpfs", path], *SEE)))
    assert seen["/a/b"][1] == "tmpfs"


def test_mount_point_that_cannot_be_made(inside, root):
    """The parent of the mount point is a file, or read-only."""
    refused(inside(["--unshare=all", "--chroot", root, "--tmpfs", "/bin/busybox/x"], "true"),
            "make mount point /bin/busybox/x", "Not a directory")
    refused(inside(["--unshare=all", "--chroot", root, "--mount=sys", "--tmpfs", "/sys/mine"],
                   "true"), "make mount point /sys/mine")
    refused(inside(["--unshare=all", "--chroot", root, "--tmpfs", "/bin/busybox"], "true"),
            "mount on /bin/busybox: ")


@needs_root
def test_mount_point_that_may_not_be_made(run, directory):
    """An ordinary user in a root directory of another user."""
    from inside import AS_USER, make_root
    made = make_root(directory / "root")
    refused(run(["--unshare=all", "--chroot", made, "--mount-proc", "--", "true"], "plain",
                outer=AS_USER), "make mount point /proc", "Permission denied")


@needs_root
@pytest.mark.parametrize("options", [
    ["--mount=dev"], ["--mount=dev,pts,shm,mqueue"], ["--mount=run", "--tmpfs=/run/x"],
    ["--mount=tmp"], ["--mount=all"], ["--mount=tmp", "--user=1001:1003"]], ids=" ".join)
def test_map_without_root(run, root, options):
    """Root maps ids without 0: what is made belongs to the first that the maps have, and the command
    runs as it, or as --user says."""
    for name in ("dev", "run", "tmp", "proc", "sys"):
        (root / name).mkdir()
    out = succeeded(run(["--unshare=all", "--uid-map=1000:201000:2", "--gid-map=1002:201002:2",
                         *options, "--chroot", root, "--", "sh", "-c",
                         "id; for f in /dev /run /run/x /tmp; do ! [ -e $f ] || "
                         "stat -c '%n %u %g' $f; done"], "plain"))
    who = "uid=1001 gid=1003" if "--user=1001:1003" in options else "uid=1000 gid=1002"
    assert out.startswith(f"{who}\n"), out
    made = {"/dev": "dev" in options[0], "/run": "run" in options[0], "/run/x": "run" in options[0],
            "/tmp": "tmp" in options[0]}
    for name, mounted in made.items():
        if mounted or options == ["--mount=all"] and name != "/run/x":
            assert f"{name} 1000 1002\n" in out, out


# ---- symbolic links of an image


@pytest.mark.parametrize("target", ["{out}", "../../../../../../../../{out}", "hop"])
@pytest.mark.parametrize("there", [False, True], ids=["missing", "inside too"])
def test_links_stay_inside(inside, root, directory, who, target, there):
    """The target of a link of the image is looked up inside the image, and made there."""
    out = directory / "out"
    out.mkdir()
    (out / "file").touch()
    who.own(out)
    (root / "hop").symlink_to(out)
    for name in ("proc", "dev", "sys", "mine", "src"):
        (root / name).symlink_to(target.format(out=out))
    if there:
        (root / str(out).lstrip("/")).mkdir(parents=True)
        who.own(root)
    before = everything(out)
    for options in (["--mount=proc"], ["--mount=dev,sys"], ["--tmpfs=/mine/x/y"],
                    [f"--bind={root}/bin/busybox:/src/file"]):
        succeeded(inside(["--unshare=all", "--chroot", root, *options], "true"))
        assert everything(out) == before
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, "--mount=proc"],
                                      "cat", "/mine/self/mountinfo")))
    assert seen[str(out)][1] == "proc"
    assert (root / str(out).lstrip("/")).is_dir()


# What is asked for; the links that the image has; where it is mounted, and whether on a directory.
DANGLING = {
    "resolv.conf": (["--bind=/etc/hostname:/etc/resolv.conf:ro"],
                    {"etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf"},
                    "/run/systemd/resolve/stub-resolv.conf", False),
    "an absolute link": (["--bind=/etc/hostname:/etc/hosts"], {"etc/hosts": "/conf/hosts"},
                         "/conf/hosts", False),
    "a link to a link": (["--bind=/etc/hostname:/a"], {"a": "b", "b": "/c/d", "c": "e/f"}, "/e/f/d",
                         False),
    "of a directory": (["--bind=/etc:/conf"], {"conf": "/real/conf"}, "/real/conf", True),
    "tmpfs": (["--tmpfs=/conf"], {"conf": "/real/conf"}, "/real/conf", True),
    "tmpfs below": (["--tmpfs=/conf/x/y"], {"conf": "real/conf/"}, "/real/conf/x/y", True),
    "dev": (["--mount=dev"], {"dev": "/nix/dev"}, "/nix/dev", True),
    "tmp": (["--mount=tmp"], {"tmp": "var/tmp"}, "/var/tmp", True),
    "shm": (["--mount=shm"], {"dev": "/nix/dev", "nix": "store"}, "/store/dev/shm", True),
    "shm is a link": (["--mount=shm"], {"dev/shm": "/run/shm"}, "/run/shm", True),
    "sys": (["--mount=sys"], {"sys": "/kernel/sys"}, "/kernel/sys", True),
    "into /run": (["--mount=run", "--bind=/etc/hostname:/var/run/x/file"], {"var/run": "../run"},
                  "/run/x/file", False),
    "hidden by run": (["--mount=run", "--tmpfs=/var/lock/x"], {"var/lock": "/run/lock",
                                                               "run/lock/": None},
                      "/run/lock/x", True),
    "dots": (["--tmpfs=/a/../b/./c"], {"b": "./d/../e"}, "/e/c", True),
    "above the root": (["--tmpfs=/a"], {"a": "../../../b"}, "/b", True),
}


@pytest.mark.parametrize("case", DANGLING)
def test_dangling_links(inside, root, who, case):
    """A mount point that is a link to what is missing: that is made, with its parents."""
    options, links, point, is_directory = DANGLING[case]
    for name, target in links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if target:
            (root / name).symlink_to(target)
        else:
            (root / name).mkdir()
    who.own(root)
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, "--mount=proc", *options],
                                      *SEE)))
    assert point in seen, seen
    assert (root / point[1:]).is_dir() == is_directory or "run" in options[0]
    for name, target in links.items():
        assert not target or os.readlink(root / name) == target.rstrip("/") or target.endswith("/")


def test_dangling_link_that_cannot_be_made(inside, root):
    """The message has the mount point that was asked for, and what its link leads to."""
    (root / "etc/hosts").symlink_to("../bin/busybox/hosts")
    (root / "conf").symlink_to("/sys/mine")
    (root / "far").symlink_to("/x" * 100 + "/" + "y" * 300)
    refused(inside(["--unshare=all", "--chroot", root, "--mount=sys", "--tmpfs=/conf/x"], "true"),
            "cannot make mount point /conf/x, a link to /sys/mine/x: ")
    refused(inside(["--unshare=all", "--chroot", root, "--tmpfs=/far"], "true"),
            "cannot make mount point /far, a link to /x/x/x", )
    for i in range(60):
        (root / f"n{i}").symlink_to(f"gone{i}/../n{i + 1}")
    refused(inside(["--unshare=all", "--chroot", root, "--tmpfs=/n0"], "true"),
            "cannot make mount point /n0, a link to /gone")
    (root / "etc/file").touch()
    (root / "to-file").symlink_to("gone/../etc/file")
    refused(inside(["--unshare=all", "--chroot", root, "--tmpfs=/to-file"], "true"),
            "cannot mount on /to-file, a link to /gone/../etc/file: ")


def test_dangling_links_that_grow(inside, root):
    """Each link lengthens the path, until the kernel would not take it any more."""
    before = everything(root / "etc")
    for i in range(30):
        (root / f"l{i}").symlink_to(f"/l{i + 1}/{'x' * 200}")
    refused(inside(["--unshare=all", "--chroot", root, "--tmpfs=/l0"], "true"),
            "cannot make mount point /l0, a link to /l")
    assert everything(root / "etc") == before and not os.path.lexists(root / "l30")
    succeeded(inside(["--unshare=all", "--chroot", root, "--tmpfs=/l15"], "true"))
    assert (root / "l30").is_dir()


@pytest.mark.parametrize("target", ["/proc/self/root", "/proc/1/root", "/proc/self/cwd",
                                    "/proc/self/fd/3"])
def test_magic_links_stay_inside(inside, root, directory, who, target):
    out = directory / "out"
    out.mkdir()
    who.own(out)
    (root / "magic").symlink_to(f"{target}{out}")
    before = everything(out)
    result = inside(["--unshare=all", "--chroot", root, "--mount=proc", "--tmpfs=/magic/x"], "true")
    assert result.returncode == SETUP and everything(out) == before
    assert "make mount point /magic" in result.stderr


def test_loop_of_links(inside, root):
    (root / "proc").symlink_to("sys")
    (root / "sys").symlink_to("proc")
    refused(inside(["--unshare=all", "--chroot", root, "--mount-proc"], "true"),
            "make mount point /proc", ("Symbolic link loop", "Too many levels of symbolic links"))


MOUNTING = """import ctypes
libc = ctypes.CDLL(None)
detach = 2
print(libc.mount(b"busy", b"/tmp", b"tmpfs", 0, None), flush=True)
while True:
    libc.umount2(b"/tmp", detach)
    libc.mount(b"busy", b"/tmp", b"tmpfs", 0, None)
"""


@pytest.fixture
def mounting():
    """A process in another mount namespace mounts and unmounts all the time."""
    with subprocess.Popen([*NEW_MOUNTS, sys.executable, "-c", MOUNTING],
                          stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"0\n"
            yield
        finally:
            other.kill()


def test_links_while_others_mount(inside, root, who, mounting):
    """While another process mounts, the kernel may refuse ".." with EAGAIN (openat2(2))."""
    (root / "deep/er").mkdir(parents=True)
    (root / "mine").symlink_to("/".join(["deep/er/../.."] * 50) + "/deep")
    who.own(root)
    for _ in range(5):
        succeeded(inside(["--unshare=all", "--chroot", root, "--tmpfs=/mine/x"], "true"))


# ---- the root


def test_pivot(inside, root):
    """In a mount namespace of its own the container's old root is unmounted, not only hidden."""
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, "--mount-proc"], *SEE)))
    assert points(seen) == {"/", "/proc"}
    out = succeeded(inside(["--unshare=all", "--chroot", root], "sh", "-c",
                           "pwd; ls -a /; ls -a /.."))
    assert out.startswith("/\n") and "home" not in out


@pytest.mark.parametrize("names", ["mount", "pid,mount"])
def test_pivot_without_proc(inside, root, names):
    out = succeeded(inside([f"--unshare={names}", "--chroot", root], "ls", "/"))
    assert out.split() == ["bin", "etc"]


@pytest.mark.parametrize("options, what, cause", [
    (["--unshare=user", "--map-same"], "make namespaces: Operation not permitted",
     "an id without a map, a chroot, a sysctl or a seccomp filter forbids it"),
    (["--unshare=user,pid", "--map-same"], "make namespaces: Operation not permitted",
     "an id without a map, a chroot, a sysctl or a seccomp filter forbids it"),
    (["--mount=tmp"], "make mounts private: Invalid argument",
     "/ is not a mount point, as in a chroot"),
])
def test_cause_in_a_chroot(run, root, options, what, cause):
    """What a bare chroot(2) forbids: message and cause."""
    shutil.copy(INIT, root / "init")
    chroot = ["chroot"] if AS_ROOT else ["unshare", "-Ur", "chroot"]
    refused(run([*options, "--", "true"], "plain", program="/init", outer=[*chroot, root]),
            f"init: cannot {what}; {cause}\n")


def test_cause_without_a_user_namespace(run, who):
    if who.is_root:
        pytest.skip("root needs none")
    refused(run(["--unshare=mount", "--", "true"], "plain", outer=who.outer),
            "make namespaces: Operation not permitted; CAP_SYS_ADMIN or --unshare=user is needed\n")


NEEDS = "; proc needs --unshare=pid, sys net, mqueue ipc, and nothing of it hidden outside\n"


@pytest.mark.parametrize("options", [
    ["--unshare=user,mount", "--mount=proc"],
    ["--unshare=user,pid", "--mount=sys"],
    ["--unshare=user,pid,net", "--mount=mqueue"],
], ids=" ".join)
def test_cause_of_a_missing_namespace(run, root, who, options):
    """These file systems show a namespace, which a user namespace must own."""
    name = options[1].split("=")[1]
    refused(run([*who.user, *options, "--chroot", root, "--", "true"], "plain", outer=who.outer),
            f"cannot mount {name}: Operation not permitted{NEEDS}")


@pytest.mark.parametrize("name, hidden", [("proc", "/proc/uptime"), ("sys", "/sys/kernel")])
def test_cause_of_what_the_outer_container_hides(run, root, who, name, hidden):
    """The kernel shows nobody in a user namespace what is hidden from him outside."""
    hide = f"mount --bind /dev/null {hidden}" if name == "proc" else f"mount -t tmpfs x {hidden}"
    outer = ["unshare", "-mpf" if who.is_root else "-Urmpf", "--mount-proc", "--kill-child",
             "sh", "-c", f'{hide} && exec "$@"', "sh"]
    refused(run(["--unshare=user,pid,net", "--map-root", f"--mount={name}", "--chroot", root, "--",
                 "true"], "plain", outer=[*who.outer, *outer]),
            f"cannot mount {name}: Operation not permitted{NEEDS}")


@pytest.mark.parametrize("path", ["/", "//", "/.", "/etc/..", "."])
@pytest.mark.parametrize("options", [["--unshare=pid"], ["--unshare=all"],
                                     ["--unshare=pid", "--read-only"]], ids=" ".join)
def test_root_that_we_have(inside, path, options):
    """Where the new root is the old one nothing is mounted over it, and nothing is pivoted."""
    def lines(*more):
        text = succeeded(inside([*options, "--mount-proc", *more], *SEE, cwd="/"))
        # Ids, peers and propagation aside.
        return [line.split(" ")[4:6] + line.split(" - ")[1:] for line in text.splitlines()]
    assert lines("--chroot", path) == lines()
    # The current directory is the new root, as of any other.
    where = [*options, "--mount-proc", "--chroot", path]
    assert succeeded(inside(where, "pwd", cwd="/" if path == "." else "/etc")) == "/\n"
    assert succeeded(inside([*options, "--mount-proc"], "pwd", cwd="/etc")) == "/etc\n"


@needs_strace
@pytest.mark.parametrize("options", [[], ["--chroot", "/"]], ids=" ".join)
def test_root_where_the_kernel_cannot_tell(run, options):
    """An old seccomp filter knows no statx(2): a mount namespace alone does not need it."""
    result = run(["--unshare=mount", *options, "--", "pwd"], "plain", cwd="/etc", outer=[
        *([] if AS_ROOT else ["unshare", "-Ur"]),
        *strace("statx,open_tree,fsopen,openat2:error=ENOSYS", follow=True)])
    if options:
        refused(result, "open root /: Function not implemented")
    else:
        assert (result.returncode, result.stdout) == (0, "/etc\n"), result


def test_cause_is_not_of_a_clean_up(run, root, directory):
    """A failure to clean up has a reason of its own."""
    directory.chmod(0o777)
    result = run(["--unshare=user,mount", "--map-same", "--mount=proc", "--control", directory / "ctl", "--",
                  "true"], "plain", outer=[
        *strace("unlinkat:error=EACCES", follow=True)])
    *others, last = result.stderr.splitlines()
    assert last.endswith(NEEDS.strip()) and others, result
    assert all("--unshare" not in line for line in others), result


@needs_root
def test_root_by_another_mount_of_it(run, directory):
    """The same directory by a bind mount is another root: it has not what is mounted below."""
    there = directory / "there"
    there.mkdir()
    result = run(["--unshare=mount", "--chroot", there, "--", "sh", "-c",
                  "test -d /proc && ! test -e /proc/self && echo another"], "plain",
                 outer=["unshare", "-m", "sh", "-c", f'mount --bind / {there} && exec "$@"', "sh"])
    assert (result.returncode, result.stdout, result.stderr) == (0, "another\n", "")


def test_plain_chroot(inside, root):
    """Without a mount namespace chroot(2) is used, and only the directory is visible."""
    out = succeeded(inside(["--chroot", root], "sh", "-c", "pwd; ls / /.."))
    assert out == "/\n/:\nbin\netc\n\n/..:\nbin\netc\n"


@pytest.mark.parametrize("chdir, code", [("/etc", 0), ("/nowhere", SETUP)])
def test_chdir_is_of_the_inside(inside, root, chdir, code):
    result = inside(["--unshare=all", "--chroot", root, "--chdir", chdir], "pwd")
    assert result.returncode == code
    if not code:
        assert result.stdout == "/etc\n"


@needs_root
@pytest.mark.parametrize("names", ["mount", "all"])
def test_root_is_a_file_system(run, directory, who, root, names):
    """DIR may be a mount point with mounts below it, which are visible inside."""
    if not who.is_root:
        pytest.skip("an ordinary user's DIR is where root mounted it")
    fs = directory / "fs"
    fs.mkdir()
    script = (f"mount -t tmpfs own {fs} && cp -a {root}/. {fs} && mkdir {fs}/low && "
              f'mount -t tmpfs low {fs}/low && touch {fs}/low/file && exec "$@"')
    result = run([f"--unshare={names}", "--map-same", "--chroot", fs, "--mount-proc", "--", "sh", "-c",
                  "ls /low; cat /proc/self/mountinfo"], "plain",
                 outer=["unshare", "-m", "sh", "-c", script, "sh"])
    assert (result.returncode, result.stderr) == (0, "")
    first, rest = result.stdout.split("\n", 1)
    seen = mountinfo(rest)
    assert first == "file" and points(seen) == {"/", "/low", "/proc"}
    assert seen["/"][2] == "own" and seen["/low"][2] == "low"


def test_host_s_root(inside):
    """--chroot / keeps the host's root."""
    out = succeeded(inside(["--unshare=all", "--chroot", "/", "--mount-proc"], "sh", "-c",
                           "ls /etc/passwd; echo $$"))
    assert out == "/etc/passwd\n2\n"


@pytest.mark.parametrize("options", [[], ["--unshare=mount"], ["--unshare=all"], ["--mount-proc"]],
                         ids=lambda o: " ".join(o) or "none")
@pytest.mark.parametrize("path, reason", [("/nonexistent", "No such file"),
                                          ("/etc/passwd", "Not a directory")])
def test_no_such_root(inside, options, path, reason):
    step = "open root" if options else "change root to"
    refused(inside([*options, "--chroot", path], "true"), f"{step} {path}", reason)


def test_relative_root(inside, root):
    out = succeeded(inside(["--unshare=all", "--chroot", "root"], "ls", "/", cwd=root.parent))
    assert out.split() == ["bin", "etc"]


@needs_root
def test_chroot_not_permitted(run, directory):
    from inside import AS_USER
    refused(run(["--chroot", directory, "true"], "plain", outer=AS_USER), "change root to",
            "Operation not permitted")


def test_read_only(inside, root):
    """--read-only applies to the root only, not to what is mounted below it."""
    result = inside(["--unshare=all", "--chroot", root, "--mount=all", "--read-only"], "sh", "-c",
                    "echo x >/tmp/file; echo y >/run/file; echo z >/dev/null; cat /tmp/file; "
                    "cat /proc/self/mountinfo; touch /etc/file")
    assert "Read-only file system" in result.stderr and not (root / "etc/file").exists()
    first, rest = result.stdout.split("\n", 1)
    assert first == "x" and "ro" in mountinfo(rest)["/"][0]
    # The host's mount has not changed.
    (root / "etc/file").touch()


def test_read_only_of_the_host_s_root(inside, directory):
    directory.chmod(0o777)
    if os.stat(directory).st_dev != os.stat("/").st_dev:
        pytest.skip("the temporary directory is another file system than the root")
    result = inside(["--unshare=all", "--read-only"], "touch", directory / "file")
    assert "Read-only file system" in result.stderr and os.listdir(directory) == []
    (directory / "file").touch()


# ---- --bind and --tmpfs


def test_bind(inside, root, directory, who):
    """A directory and a file, writable; relative sources are relative to init's directory."""
    (directory / "data").mkdir()
    (directory / "data/file").write_text("from outside\n")
    who.own(directory)
    out = succeeded(inside(["--unshare=all", "--chroot", root, "--bind", f"{directory}/data:/data",
                            "--bind", f"{directory}/data/file:/etc/file", "--bind", "data:/again"],
                           "sh", "-c", "cat /data/file /etc/file /again/file; echo new >/data/new",
                           cwd=directory))
    assert out == "from outside\n" * 3
    assert (directory / "data/new").read_text() == "new\n"


def test_bind_read_only(inside, root, directory, who):
    (directory / "data").mkdir()
    (directory / "data/file").write_text("old\n")
    who.own(directory)
    result = inside(["--unshare=all", "--chroot", root, "--bind", f"{directory}/data:/data:ro",
                     "--bind", f"{directory}/data/file:/file:ro"], "sh", "-c",
                    "cat /data/file; echo new >/data/file; echo new >/file; touch /data/new")
    assert result.stdout == "old\n" and result.stderr.count("Read-only file system") == 3
    assert os.listdir(directory / "data") == ["file"]
    assert (directory / "data/file").read_text() == "old\n"
    (directory / "data/file").write_text("still the host's\n")


@needs_root
def test_bind_with_what_is_mounted_below(run, root, directory, who):
    """Mounts below the source are bound too, and become read-only with it."""
    if not who.is_root:
        pytest.skip("an ordinary user mounts nothing outside")
    data = directory / "data"
    data.mkdir()
    script = (f"mount -t tmpfs one {data} && mkdir {data}/low && mount -t tmpfs low {data}/low && "
              f'touch {data}/low/file && exec "$@"')
    result = run(["--unshare=mount", "--chroot", root, "--bind", f"{data}:/data:ro", "--", "sh",
                  "-c", "ls /data/low; touch /data/low/new; touch /data/new"], "plain",
                 outer=["unshare", "-m", "sh", "-c", script, "sh"])
    assert result.stdout == "file\n" and result.stderr.count("Read-only file system") == 2


def test_bind_of_what_is_covered(inside, root):
    """A source is looked up outside, even if another mount of the container covers its path."""
    out = succeeded(inside(["--unshare=all", "--mount=tmp", "--bind", f"{root}/etc:/tmp/etc",
                            "--tmpfs", "/mnt"], "sh", "-c", "ls /tmp"))
    assert out == "etc\n"


@pytest.mark.parametrize("name", ["a:b", "a,b", "a\\b", "a:", ":a", "a\\", "a b:c\\:d"])
def test_bind_of_any_path(inside, root, directory, who, name):
    """A backslash takes its meaning from the next character: every path can be written."""
    source = directory / name
    source.mkdir()
    (source / "file").write_text("in it")
    who.own(directory)
    written = name.replace("\\", "\\\\").replace(":", "\\:")
    assert succeeded(inside(["--unshare=all", "--chroot", root,
                             "--bind", f"{directory}/{written}:/x/{written}:ro",
                             "--tmpfs", f"/y/{written}:1m"],
                            "cat", f"/x/{name}/file")) == "in it"
    assert (root / "x" / name).is_dir() and (root / "y" / name).is_dir()


@pytest.mark.parametrize("value", ["", ":", "/etc", "/etc:", ":/x", "/etc:x", "/etc:/x:rw",
                                   "/etc:/x:", "/etc:/x:ro:", "/etc:/x:ro,x", "/" * 4096 + ":/x"])
def test_no_such_bind(run, value):
    refused(run(["--bind", value, "true"], "plain"), "--bind")


def test_bind_without_a_source(inside, root):
    refused(inside(["--unshare=all", "--chroot", root, "--bind", "/nonexistent/x:/y"], "true"),
            "bind /nonexistent/x", "No such file")
    assert not (root / "y").exists()


def test_bind_of_a_file_on_a_directory(inside, root):
    refused(inside(["--unshare=all", "--chroot", root, "--bind", f"{root}/bin/busybox:/etc"],
                   "true"), "mount on /etc: ")


def test_tmpfs(inside, root):
    seen = mountinfo(succeeded(inside(["--unshare=all", "--chroot", root, "--mount-proc",
                                       "--tmpfs", "/a", "--tmpfs", "/b:1m", "--tmpfs", "/etc:64k"],
                                      *SEE)))
    for at in ("/a", "/b", "/etc"):
        assert seen[at][1] == "tmpfs" and {"rw", "nosuid", "nodev"} <= seen[at][0]
        assert "noexec" not in seen[at][0]
    assert "size=1024k" in seen["/b"][3] and "size=64k" in seen["/etc"][3]


def test_tmpfs_is_full_at_its_size(inside, root):
    result = inside(["--unshare=all", "--chroot", root, "--tmpfs", "/b:64k"], "sh", "-c",
                    "stat -c %a /b; yes | head -c 65536 >/b/fits && ! echo x >/b/more")
    assert (result.returncode, result.stdout) == (0, "1777\n") and "No space" in result.stderr


@pytest.mark.parametrize("value", ["", "x", "a/b", "/a:", ":1m", "/a:" + "1" * 30,
                                   "/" + "a" * 5000])
def test_no_such_tmpfs(run, value):
    refused(run(["--tmpfs", value, "true"], "plain"), "--tmpfs")


@pytest.mark.parametrize("size", ["x", "1x", "1m,mode=4777", "-1", "1m foo"])
def test_tmpfs_of_no_size(inside, root, size):
    refused(inside(["--unshare=all", "--chroot", root, "--tmpfs", f"/b:{size}"], "true"),
            f"mount tmpfs /b:{size}", "Invalid argument")


def test_too_many(inside, root):
    def many(count):
        return [f"--tmpfs=/t/{n}" for n in range(count)]
    assert inside(["--unshare=all", "--chroot", root, *many(32)], "true").returncode == 0
    refused(inside([*many(33)], "true"), "--tmpfs")


# ---- the host's table

SHARED = ('mount --make-rshared / && cat /proc/self/mountinfo >"$1/before" && shift && "$@"; '
          'code=$?; cat /proc/self/mountinfo >"{0}/after"; exit $code')


@needs_root
@pytest.mark.parametrize("options", [
    ["--unshare=mount"], ["--unshare=pid,mount"], ["--unshare=all"],
    ["--unshare=all", "--map-root"],
    ["--unshare=all", "--hostname", "n" * 65], ["--unshare=all", "--chdir", "/nonexistent"]],
                         ids=lambda o: " ".join(o)[:40])
@pytest.mark.parametrize("with_root", [True, False])
def test_nothing_leaks_to_a_shared_host(run, root, directory, who, options, with_root):
    """Where all mounts of the host are shared, as with systemd, none of the container's appears
    there."""
    more = ["--mount=all", "--bind", f"{root}/bin:/mnt", "--tmpfs", "/srv", "--read-only"]
    more += ["--chroot", str(root)] if with_root else []
    if not with_root and not os.path.isdir("/srv"):
        pytest.skip("no /srv to mount on")
    if not who.is_root and not with_root and not os.path.isdir("/mnt"):
        pytest.skip("no /mnt to mount on")
    if not who.is_root and "--unshare=all" not in options:
        pytest.skip("sysfs and mqueue take the ordinary user's own network and ipc namespaces")
    script = SHARED.format(directory)
    result = run([*who.user, *options, *more, "--", "true"], "plain", outer=[
        "unshare", "-m", "sh", "-c", script, "sh", directory, *who.outer])
    fails = "n" * 65 in options or "--chdir" in options
    assert result.returncode == (SETUP if fails else 0), result
    assert (directory / "before").read_text() == (directory / "after").read_text()


def test_nothing_is_seen_outside_while_it_runs(begin, root):
    before = mounts()
    init = begin(["--unshare=all", "--chroot", root, "--mount=all"], "sh", "-c",
                 "echo ready; exec sleep 1000")
    init.line("ready")
    assert not new_mounts(before, root)
    assert os.listdir(root / "proc") == os.listdir(root / "dev") == []
    init.signal(15)
    assert init.wait() == 143


@needs_root
def test_host_may_unmount_meanwhile(run, start, root, directory, who):
    """The container does not keep other mounts of the host busy."""
    if not who.is_root:
        pytest.skip("an ordinary user mounts nothing outside")
    fs = directory / "fs"
    fs.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "other", fs], check=True)
    try:
        init = start(["--unshare=all", "--map-same", "--chroot", root, "--control",
                      directory / "ctl", "--",
                      "sh", "-c", "echo ready; exec sleep 1000"], "plain", cwd=fs)
        init.line("ready")
        inner = inner_of(init)
        eventually(lambda: os.readlink(f"/proc/{inner}/cwd") == "/", what="its own directory")
        eventually(lambda: os.readlink(f"/proc/{init.init_pid}/cwd") == "/", what="and outside")
    finally:
        eventually(lambda: not subprocess.run(["umount", fs], check=False,
                                              stderr=subprocess.DEVNULL).returncode,
                   what="the unmount")
    init.signal(15)
    assert init.wait() == 143


__all__ = ["begin", "directory", "inside", "root", "who"]
