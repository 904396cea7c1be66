"""What proc and sysfs show of the host is covered, and what would change it is read-only, as
container runtimes have it; --mount=proc-full leaves proc as the kernel makes it.
"""
import os
import re
from pathlib import Path

import pytest

from conftest import AS_ROOT
from container import directory  # noqa: F401
from inside import (inside, mountinfo, needs_static, needs_strace, refused, root,  # noqa: F401
                    strace, who)

pytestmark = needs_static

READ_ONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"]
HIDDEN = ["acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "scsi", "sched_debug",
          "timer_list", "timer_stats"]
HIDDEN_IN_SYSFS = ["firmware", "devices/virtual/powercap"]
# With a user namespace only where one is needed: root outside could write all of it.
OTHERS = "--unshare=pid,mount,uts,ipc,net,cgroup"
as_root = pytest.mark.parametrize("who", ["root"], indirect=True)
as_user = pytest.mark.parametrize("who", ["user"], indirect=True)
PROCS = [["--mount=proc"], ["--mount-proc"], ["--mount=all"], ["--mount=hidepid"],
         ["--mount=tmp,proc", "--mount=sys"]]


def succeeded(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def there(names, where="/proc"):
    """Those of the names that this kernel has; which is the same inside as outside."""
    return [f"{where}/{name}" for name in names if os.path.lexists(f"{where}/{name}")]


def below(text, where):
    """The mount points below a directory."""
    return sorted(line.split()[4] for line in text.splitlines()
                  if line.split()[4].startswith(f"{where}/"))


SEE = ["cat", "/proc/self/mountinfo"]


def spelled(value):
    return " ".join(value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("at_root", [True, False], ids=["chroot", "own root"])
@pytest.mark.parametrize("options", PROCS, ids=spelled)
def test_mounts_of_proc(inside, root, at_root, options):
    """Exactly these are covered, whatever else the list has, and each cover is read-only."""
    chroot = ["--chroot", root] if at_root else []
    if not at_root and any("all" in word or "tmp" in word for word in options):
        options = ["--mount=proc"]
    text = succeeded(inside([OTHERS, *chroot, *options], *SEE))
    assert below(text, "/proc") == sorted(there(READ_ONLY + HIDDEN))
    seen = mountinfo(text)
    for at in there(READ_ONLY):
        assert seen[at][1] == "proc" and {"ro", "nosuid", "nodev", "noexec"} <= seen[at][0], at
    for at in there(HIDDEN):
        assert seen[at][1] == "tmpfs" and {"ro", "nosuid", "nodev", "noexec"} <= seen[at][0], at


def test_nothing_is_left_over_proc(inside, root):
    """What the covers are taken from is not mounted itself: /proc is one mount, which works."""
    text = succeeded(inside([OTHERS, "--chroot", root, "--mount=proc,sys"], "sh", "-c",
                            "cat /proc/self/mountinfo; test -r /proc/1/stat"))
    lines = [line.split() for line in text.splitlines()]
    assert [line[4] for line in lines].count("/proc") == 1
    assert [line[4] for line in lines].count("/sys") == 1
    assert mountinfo(text)["/proc"][1:3] == ("proc", "proc")
    assert "rw" in mountinfo(text)["/proc"][0]
    # Of a file or directory in it, never the whole.
    covers = {line[3] for line in lines if " - tmpfs " in " ".join(line)}
    assert covers <= {"/file", "/directory"}


@pytest.mark.parametrize("who", ["root"], indirect=True)
@pytest.mark.parametrize("mask", ["0", "077", "0777"])
def test_anybody_reads_what_is_empty(inside, root, mask):
    """Whatever the caller's file mode creation mask."""
    script = "; ".join(f"cat /proc/{name}" if os.path.isfile(f"/proc/{name}") else f"ls /proc/{name}"
                       for name in HIDDEN if os.path.exists(f"/proc/{name}"))
    result = inside([OTHERS, "--chroot", root, "--mount=all", "--user=1000"], "sh", "-c", script,
                    outer=["sh", "-c", f'umask {mask}; exec "$@"', "sh"])
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_in_proc(inside, root, name):
    """A file is empty, and a directory as well; neither can be changed."""
    path = f"/proc/{name}"
    if not os.path.exists(path):
        pytest.skip("this kernel does not have it")
    if os.path.isdir(path):
        script = f'test -d {path} && test -z "$(ls -A {path})" && ! mkdir {path}/new'
    else:
        script = f'test -f {path} && test -z "$(head -c 1 {path})" && ! (: >>{path})'
    result = inside([OTHERS, "--chroot", root, "--mount=all"], "sh", "-c", script)
    assert result.returncode == 0, result
    assert re.search("Read-only file system|Permission denied", result.stderr), result


@pytest.mark.parametrize("options", [["--mount=sys,proc"], ["--mount=all"],
                                     ["--mount-proc", "--mount=sys"]], ids=spelled)
def test_hidden_in_sysfs(inside, root, options):
    text = succeeded(inside([OTHERS, "--chroot", root, *options], "sh", "-c",
                            "cat /proc/self/mountinfo; cd /sys; for d in firmware "
                            "devices/virtual/powercap; do ! test -d $d || ls -A $d; done"))
    assert all(" - " in line for line in text.splitlines()), text
    paths = there(HIDDEN_IN_SYSFS, "/sys")
    assert below(text, "/sys") == sorted(paths)
    for at in paths:
        found = mountinfo(text)[at]
        assert found[1] == "tmpfs" and "ro" in found[0]


def test_sysfs_without_proc(inside, root):
    """Where proc is not mounted sysfs is covered all the same."""
    out = succeeded(inside([OTHERS, "--chroot", root, "--mount=sys"], "sh", "-c",
                           "ls -A /sys/firmware; ls -d /sys/kernel; test ! -e /proc"))
    assert out == "/sys/kernel\n"


# ---- read-only

# Opened for writing, and nothing is written: on the host these would have an effect.
OPEN = 'for f; do (: >>"$f") 2>&1; done; true'
PATHS = ["/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness",
         "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/sys/net/ipv4/ip_forward"]


@as_root
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("options", [[], ["--cap-keep=all"]], ids=["default", "all"])
def test_read_only(inside, root, path, options):
    """Root without a user namespace could write these, whatever its capabilities are."""
    if not os.path.exists(path):
        pytest.skip("this kernel does not have it")
    out = succeeded(inside([OTHERS, "--chroot", root, "--mount=proc", *options], "sh", "-c", OPEN,
                           "sh", path))
    assert "Read-only file system" in out and out.count("\n") == 1
    out = succeeded(inside([OTHERS, "--chroot", root, "--mount=proc-full", *options], "sh", "-c",
                           OPEN, "sh", path))
    assert "Read-only" not in out


def test_own_network_is_read_only(inside, root):
    """A sysctl of the container's own as well, which an ordinary user could write."""
    path, options = "/proc/sys/net/ipv4/ip_forward", [OTHERS, "--chroot", root, "--cap-keep=all"]
    out = succeeded(inside([*options, "--mount=proc"], "sh", "-c", OPEN, "sh", path))
    assert "Read-only file system" in out
    assert succeeded(inside([*options, "--mount=proc-full"], "sh", "-c", OPEN, "sh", path)) == ""


def test_own_process_can_be_changed(inside, root):
    """What belongs to a process is as writable as it was."""
    assert succeeded(inside([OTHERS, "--chroot", root, "--mount=proc"], "sh", "-c",
                            "echo 500 >/proc/self/oom_score_adj && cat /proc/self/oom_score_adj")
                     ) == "500\n"


@as_root
def test_cannot_be_undone(inside, root):
    """What Docker leaves to a container is not enough to take a cover away."""
    result = inside([OTHERS, "--chroot", root, "--mount=proc"], "sh", "-c",
                    "umount /proc/interrupts; umount /proc/sys; "
                    "mount -o remount,rw,bind /proc/sys; cat /proc/interrupts")
    assert result.returncode == 0 and result.stdout == "", result


# ---- proc without covers

FULL = [["--mount=proc-full"], ["--mount=proc-full,sys"], ["--mount=sys,proc-full"],
        ["--mount=all,proc-full"], ["--mount=proc,proc-full"],
        ["--mount=proc-full", "--mount-proc"],
        ["--mount=all", "--mount=proc-full"], ["--mount=hidepid,proc-full"]]


@pytest.mark.parametrize("options", FULL, ids=spelled)
def test_proc_full(inside, root, options):
    """proc-full is proc, with nothing over it or sysfs."""
    text = succeeded(inside([OTHERS, "--chroot", root, *options], *SEE))
    assert below(text, "/proc") == below(text, "/sys") == []
    seen = mountinfo(text)
    assert seen["/proc"][1] == "proc" and {"rw", "nosuid", "nodev", "noexec"} <= seen["/proc"][0]
    assert ("hidepid=invisible" in seen["/proc"][3]) == ("hidepid" in spelled(options))
    assert ("/sys" in seen) == ("sys" in spelled(options) or "all" in spelled(options))


@pytest.mark.parametrize("value", ["proc-", "proc-fully", "full", "proc_full", "proc-full,",
                                   "PROC-full"])
def test_no_such_row(run, value):
    refused(run(["--mount", value, "true"], "plain"), "--mount", f"'{value}'")


@pytest.mark.parametrize("name, works", [("proc", False), ("hidepid", False), ("all", False),
                                         ("proc-full", True)])
def test_second_proc(inside, root, name, works):
    """In a further user namespace a proc of its own would show what is covered, so the kernel
    refuses it (mount_namespaces(7)), but where nothing is covered."""
    script = "mount -t proc none /proc && echo mounted && cat /proc/self/mountinfo"
    result = inside([OTHERS, "--chroot", root, f"--mount={name}"], "busybox", "unshare", "-Urpmf",
                    "sh", "-c", script)
    assert ("mounted" in result.stdout) == works, result
    if works:
        assert result.returncode == 0 and below(
            result.stdout.partition("mounted\n")[2], "/proc") == []
    else:
        assert re.search("ermi(tted|ssion denied)", result.stderr), result


# ---- the current directory


@pytest.mark.parametrize("options", [["--mount=proc"], ["--mount-proc", "--mount=sys"],
                                     ["--mount=proc-full"]], ids=spelled)
def test_current_directory_stays(inside, directory, options):
    """Without a --chroot the command starts where init was."""
    folder = directory / "here"
    folder.mkdir()
    os.chmod(folder, 0o755)
    (folder / "mark").touch()
    assert succeeded(inside([OTHERS, *options], "sh", "-c", "pwd; ls", cwd=folder)
                     ) == f"{folder}\nmark\n"


@pytest.mark.parametrize("options", [["--mount=proc"], ["--mount=sys,proc"]], ids=spelled)
@pytest.mark.parametrize("chdir", [False, True], ids=["where it is", "chdir"])
@as_user
def test_current_directory_out_of_reach(inside, directory, options, chdir):
    """One that init may not enter again is left for /."""
    if not AS_ROOT:
        pytest.skip("takes a directory of another user's")
    folder = directory / "there"
    folder.mkdir(mode=0o700)
    words = ["--chdir=/tmp"] if chdir else []
    out = succeeded(inside([OTHERS, *options, *words], "sh", "-c", "pwd -P", cwd=folder))
    assert out == ("/tmp\n" if chdir else "/\n")


# ---- failures

STEPS = {
    "make a tmpfs": (["fsopen:error=ENODEV:when=2"], "make masks", "No such device"),
    "make a file": (["mknodat:error=ENOSPC"], "make masks", "No space left on device"),
    "make a directory": (["mkdirat:error=ENOSPC"], "make masks", "No space left on device"),
    "put it over": (["move_mount:error=EINVAL:when=2"], "make masks", "Invalid argument"),
    "copy": (["open_tree:error=ENOMEM"], "mask bus", "Out of memory"),
    "copy of the second": (["open_tree:error=ENOMEM:when=2"], "mask fs", "Out of memory"),
    "copy of a cover": ([f"open_tree:error=ENOMEM:when={len(there(READ_ONLY)) + 1}"],
                        f"mask {Path((there(HIDDEN) or ['x'])[0]).name}", "Out of memory"),
    "restrict": (["mount_setattr:error=EPERM:when=3"], "mask bus", "Operation not permitted"),
    "cover": (["move_mount:error=EBUSY:when=3"], "mask bus", "Resource busy"),
    "enter": (["fchdir:error=EACCES"], "make masks", "Permission denied"),
    "unmount": (["umount2:error=EBUSY"], "make masks", "Resource busy"),
}


@needs_strace
@pytest.mark.parametrize("step", STEPS)
def test_failure(inside, directory, step):
    """Whatever fails ends the start with one line, and nothing of it is left."""
    injections, action, reason = STEPS[step]
    made, control = directory / "made", directory / "ctl"
    os.chmod(directory, 0o777)
    # Which init makes and removes by fchdir(2) as well.
    channel = [] if "fchdir" in injections[0] else ["--control", control]
    result = inside([OTHERS, "--mount=proc", *channel], "touch", made,
                    outer=strace(*injections, follow=True))
    refused(result, f"cannot {action}: {reason}")
    assert not made.exists() and not control.exists()


@as_root
@needs_strace
def test_no_way_back(inside, directory):
    """Neither where init was nor / can be entered. Without an outer process, which goes there."""
    made = directory / "made"
    result = inside(["--unshare=mount", "--mount=proc"], "touch", made,
                    outer=strace("fchdir:error=EACCES:when=2", "chdir:error=EIO"))
    refused(result, "cannot make masks: I/O error")
    assert not made.exists()


def test_name_that_is_not_there(inside, root):
    """A kernel that does not have one of them has nothing to hide."""
    text = succeeded(inside([OTHERS, "--chroot", root, "--mount=proc,sys"], *SEE))
    for name in HIDDEN + READ_ONLY:
        if not os.path.exists(f"/proc/{name}"):
            assert f" /proc/{name} " not in text
