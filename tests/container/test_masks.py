"""What proc and sysfs show of the host is masked, and read-only, as container runtimes have it."""
import os

import pytest

from container import directory, needs_root
from inside import inside, mountinfo, needs_static, needs_strace, refused, root, strace, who

pytestmark = needs_static

READ_ONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"]
HIDDEN = ["acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "scsi", "sched_debug",
          "timer_list", "timer_stats"]
HIDDEN_IN_SYSFS = ["firmware", "devices/virtual/powercap"]
SEE = ["cat", "/proc/self/mountinfo"]
# A container in which /proc and /sys are mounted.
BOTH = ["--unshare=all", "--mount=proc,sys,tmp"]


def there(names, at):
    """Those that this kernel has."""
    return [name for name in names if os.path.lexists(f"{at}/{name}")]


def seen(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return mountinfo(result.stdout)


@pytest.mark.parametrize("rooted", [True, False], ids=["root", "no root"])
def test_which(inside, root, rooted):
    """Exactly these are mounted over, all of them read-only; nothing else is left of it."""
    options = ["--chroot", root] if rooted else []
    before = set() if rooted else set(seen(inside(["--unshare=all"], *SEE)))
    found = seen(inside([*BOTH, *options], *SEE))
    wanted = {f"/proc/{name}" for name in there(READ_ONLY + HIDDEN, "/proc")}
    wanted |= {f"/sys/{name}" for name in there(HIDDEN_IN_SYSFS, "/sys")}
    assert {point for point in set(found) - before
            if point.startswith(("/proc/", "/sys/"))} == wanted - before
    for point in wanted:
        attributes, kind, *_ = found[point]
        assert {"ro", "nosuid", "nodev", "noexec"} <= attributes, point
        name = point.split("/", 2)[2]
        assert kind == ("proc" if name in READ_ONLY else "tmpfs"), point


def test_hidden_ones_are_empty(inside, root):
    names = [f"/proc/{name}" for name in there(HIDDEN, "/proc")]
    names += [f"/sys/{name}" for name in there(HIDDEN_IN_SYSFS, "/sys")]
    assert names
    result = inside([*BOTH, "--chroot", root], "sh", "-c",
                    f"for n in {' '.join(names)}; do if [ -d $n ]; then ls -A $n; else cat $n; fi; "
                    "echo = $n; done")
    assert (result.returncode, result.stderr) == (0, ""), result
    assert result.stdout.split("\n") == [f"= {name}" for name in names] + [""]


@needs_root
@pytest.mark.parametrize("name", ["sys/kernel/core_pattern", "sys/vm/overcommit_memory",
                                  "sys/net/ipv4/ip_forward", "sysrq-trigger"])
@pytest.mark.parametrize("options", [[], ["--cap-keep=all"]], ids=["default", "all capabilities"])
def test_root_cannot_write(run, root, who, name, options):
    """Not even root without a user namespace; the file is opened, and nothing is written."""
    if not who.is_root:
        pytest.skip("needs root")
    if not os.path.exists(f"/proc/{name}"):
        pytest.skip("not in this kernel")
    result = run(["--unshare=pid", "--chroot", root, "--mount=proc", *options, "--", "sh", "-c",
                  f": >>/proc/{name}"], "plain")
    assert result.returncode and "Read-only file system" in result.stderr, result


PROC = "busybox unshare -{} sh -c 'mount -t proc none /tmp && echo mounted'"


@pytest.mark.parametrize("options, mounted", [
    ([], False), (["--mount=proc-full"], True)], ids=["masked", "proc-full"])
def test_a_second_proc(inside, root, options, mounted):
    """Where parts of it are covered, the kernel lets nobody in a user namespace mount another."""
    result = inside(["--unshare=all", "--chroot", root, "--mount=proc,tmp", *options], "sh", "-c",
                    PROC.format("Urmpf"))
    assert (result.stdout == "mounted\n") == mounted, result
    assert mounted or "permission denied" in result.stderr


@pytest.mark.parametrize("names", ["proc-full", "proc,proc-full", "proc-full,sys"])
def test_unmasked(inside, root, names):
    """proc-full mounts proc, and masks neither that nor sysfs."""
    found = seen(inside(["--unshare=all", "--chroot", root, "--mount", names], *SEE))
    assert "/proc" in found
    assert not [point for point in found if point.startswith(("/proc/", "/sys/"))]


@pytest.mark.parametrize("names", ["proc-ful", "full", "proc-full,", "proc full"])
def test_no_such_word(run, names):
    refused(run(["--mount", names, "true"], "plain"), "--mount")


def test_directory_of_the_command_stays(inside):
    assert inside([*BOTH], "pwd", cwd="/etc").stdout == "/etc\n"


@needs_root
def test_directory_that_is_closed_to_the_command(run, directory, who):
    """Where new ids keep init out of its directory, the command starts in /."""
    if not who.is_root:
        pytest.skip("needs root")
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    options = ["--unshare=all", "--uid-map=0:100000:10", "--gid-map=0:100000:10", "--mount=proc"]
    result = run([*options, "--", "pwd"], "plain", cwd=closed)
    assert (result.returncode, result.stdout, result.stderr) == (0, "/\n", "")


@needs_strace
@pytest.mark.parametrize("call, error, when, step", [
    ("fsopen", "ENFILE", 2, "make masks"), ("mknodat", "EDQUOT", 1, "make masks"),
    ("mkdirat", "ENOSPC", 1, "make masks"), ("move_mount", "EINVAL", 2, "make masks"),
    ("open_tree", "EPERM", 1, "mask bus"), ("mount_setattr", "EPERM", 1, "mask bus"),
    ("move_mount", "EBUSY", 3, "mask bus"), ("umount2", "EBUSY", 1, "unmount masks"),
    ("fchdir", "EACCES", 1, "unmount masks"),
], ids=lambda value: str(value).replace(" ", "_"))
def test_failure(run, who, call, error, when, step):
    """One line has the step; without masks nothing is started."""
    result = run([*who.user, "--unshare=pid", "--mount=proc", "--", "echo", "started"], "plain",
                 outer=[*who.outer, *strace(f"{call}:error={error}:when={when}", follow=True)])
    refused(result, f"init: cannot {step}: ")


def test_what_is_not_there_is_left_out(inside, root):
    """A kernel has some of them only: what is missing is no failure."""
    assert len(there(HIDDEN, "/proc")) < len(HIDDEN)
    assert inside([*BOTH, "--chroot", root], "true").returncode == 0


__all__ = ["directory", "inside", "root", "who"]
