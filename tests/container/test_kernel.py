"""Limits at work: memory, processes and CPU, on a kernel with all controllers in cgroup v2.

It is Debian's, booted under qemu with an initramfs of busybox, init and initctl;
tests/kernel/guest.sh is what runs there. Each test here checks a part of what one boot printed
on the serial line. KERNEL names the kernel, BOOT_DEADLINE is how many seconds the boot may
take. `make test-kernel` fetches the kernel and runs this.
"""
import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import INIT, ROOT, sanitized
from initctl import INITCTL

KERNEL = Path(os.environ.get("KERNEL") or ROOT / "build/kernel/vmlinuz")
BOOT_DEADLINE = float(os.environ.get("BOOT_DEADLINE") or 180)
QEMU = "qemu-system-x86_64"
BUSYBOX = next(filter(os.path.exists, ("/bin/busybox", "/bin/busybox.static")), "")
COMMAND_LINE = ("console=ttyS0 quiet loglevel=1 panic=-1 rdinit=/start cgroup_no_v1=all "
                "mitigations=off swapaccount=1 random.trust_cpu=on nokaslr no_timer_check")


def entry(name, mode, data=b""):
    """One entry of a cpio archive in the format newc."""
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def initramfs():
    parts = [entry(name, 0o40755) for name in ("bin", "dev", "proc", "run", "sys", "tmp")]
    for name, path in (("start", ROOT / "tests/kernel/guest.sh"), ("init", INIT),
                       ("bin/initctl", INITCTL), ("bin/busybox", BUSYBOX)):
        parts.append(entry(name, 0o100755, Path(path).read_bytes()))
    parts.append(entry("TRAILER!!!", 0))
    return gzip.compress(b"".join(parts), 1)


@pytest.fixture(scope="module")
def boot(tmp_path_factory):
    """Everything that was printed; the machine powers itself off."""
    if os.uname().machine != "x86_64":
        pytest.skip("the kernel is one for x86_64")
    if not shutil.which(QEMU) or not BUSYBOX:
        pytest.skip(f"{QEMU} or busybox-static is not installed (make deps-kernel)")
    if not KERNEL.exists():
        pytest.skip(f"no kernel at {KERNEL} (make test-kernel)")
    if sanitized():
        pytest.skip("a build with sanitizers is dynamic")
    image = tmp_path_factory.mktemp("kernel") / "initramfs"
    image.write_bytes(initramfs())
    command = [QEMU, "-accel", "tcg", "-cpu", "max", "-m", "384", "-smp", "1", "-nodefaults",
               "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", KERNEL,
               "-initrd", image, "-append", COMMAND_LINE]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=BOOT_DEADLINE)
        return done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        text = (error.stdout or b"").decode(errors="replace")
        pytest.fail(f"not done within {BOOT_DEADLINE:g} s: {text[-2000:]}")


@pytest.fixture
def told(boot, request):
    """key -> value of a scenario; of a key that was printed more than once, the last value."""
    lines = boot.replace("\r", "").splitlines()

    def of(scenario):
        found = {}
        for line in lines:
            name, _, rest = line.partition(" ")
            if name == f"@{scenario}" and "=" in rest:
                key, _, value = rest.partition("=")
                found[key] = value
        if not found:
            pytest.fail(f"nothing was printed of {scenario}: {boot[-2000:]}")
        assert "missed" not in found, (found, boot[-2000:])
        return found

    return of


def between(begin, end):
    """By how much each number has grown from the first list to the second."""
    return [int(b) - int(a) for a, b in zip(begin.split(), end.split())]


def test_memory(told):
    """A process that exceeds memory.max is killed, the memory used is counted, and the operator can
    still run commands."""
    memory = told("memory")
    grown = int(memory["after"]) - int(memory["before"])
    # The kernel charges 64 pages at a time: so many may have been charged before they are used.
    ahead = 64 * 4096
    assert (8 << 20) - ahead <= grown < 12 << 20
    assert memory["hog"] == memory["fill"] == "137"
    assert int(memory["memory.events.oom_kill"]) >= 2
    # It is at its limit, except for what the last process that was killed has given back.
    assert 15 << 20 < int(memory["memory.current"]) <= 20 << 20
    assert memory["operator"] == "in"
    assert memory["memory.max"] == str(40 << 20)
    assert (memory["code"], memory["gone"]) == ("137", "1")


def test_stats(told):
    """The readable numbers are those of the files, and their lines have all of them."""
    memory, pids, quota = (told(name) for name in ("memory", "pids", "quota"))
    found = json.loads(memory["json"])
    assert {found[f"{part}.source"] for part in ("cpu", "memory", "swap", "processes")} == {"cgroup v2"}
    assert abs(found["memory.current"] - int(memory["outside"])) < 64 * 4096
    assert (found["memory.max"], found["memory.swap.max"]) == (20 << 20, 0)
    assert found["memory.events.oom_kill"] == int(memory["memory.events.oom_kill"])
    lines = told("lines")
    assert re.fullmatch(r" *\d+M of 20M, no high, peak 20M, at high 0, at limit \d+, oom \d+, oom_kill \d+",
                        lines["memory"])
    # This kernel has no controller for I/O.
    assert lines["source"].strip().startswith("cgroup v2 (cpu, quota, memory, swap, processes")
    assert lines["source"].endswith("/proc (io)")
    found = json.loads(pids["json"])
    assert (found["pids.current"], found["pids.max"], found["cgroup.events.frozen"]) == (10, 10, 1)
    found = json.loads(quota["json"])
    assert (found["cpu.max"], found["cpu.max.period"]) == (20000, 100000)
    assert 5 < found["cpu.stat.nr_throttled"] <= found["cpu.stat.nr_periods"]
    # A fifth of a CPU.
    assert 5 < found["cpu.percent"] < 35


def test_processes(told):
    """At pids.max a fork of the command fails, but none of the operator does, frozen or not."""
    pids = told("pids")
    assert "fork" in pids["fork"] and "unavailable" in pids["fork"]
    assert pids["pids.current"] == "10" and int(pids["pids.events.max"]) >= 1
    assert pids["operator"] == pids["frozen"] == "in"
    assert pids["pids.max"] == "20"
    assert (pids["code"], pids["gone"]) == ("137", "1")


def test_no_room_for_the_command(told):
    """The command is created in app, where pids.max applies to its fork."""
    none = told("none")
    assert none["code"] == "125"
    assert none["said"] == "init: cannot fork for true: Resource temporarily unavailable"


def test_quota(told):
    """With cpu.max the command gets a fifth of the CPU, and cpu.stat counts the throttling."""
    quota = told("quota")
    used, = between(*quota["usage"].split())
    began, ended = map(float, quota["uptime"].split())
    assert 0.05 < used / 1e6 / (ended - began) < 0.35
    assert int(quota["cpu.stat.nr_throttled"]) > 5
    assert quota["cpu.max"] == "20000 100000"
    assert quota["gone"] == "1"


def test_weights(told):
    """Containers with weights 100 and 400 share a CPU about 1 to 4, with equal weights evenly."""
    weight = told("weight")
    light, heavy = between(weight["begin"], weight["end"])
    assert 2.5 < heavy / light < 6.5
    assert weight["weights"] == "100 400 100"
    light, heavy = between(weight["begin2"], weight["end2"])
    assert 0.6 < heavy / light < 1.7
    assert told("light")["gone"] == told("heavy")["gone"] == "1"


@pytest.mark.parametrize("scenario, said", [
    ("missing", "init: cannot set hugetlb.2MB.max=0: no such controller in /sys/fs/cgroup/missing: "
                "No such file or directory"),
    ("wrong", "init: cannot set memory.max=much in cgroup /sys/fs/cgroup/wrong: "
              "Invalid argument"),
    ("busy", "init: cannot set pids.max=9 in cgroup /sys/fs/cgroup/busy: "
             "Resource busy")])
def test_refused(told, scenario, said):
    refused = told(scenario)
    assert (refused["code"], refused["said"]) == ("125", said)


def test_after_one_that_was_killed(told):
    """An init that was killed leaves controllers enabled, with which a cgroup accepts no process,
    and its limits."""
    stale = told("stale")
    assert "pids" in stale["on"].split()
    assert stale["line"] == "8"
    assert stale["left"] == "1"


def test_in_the_one_that_it_runs_in(told):
    """Init moves back into it, which the kernel allows only if no controller is enabled."""
    own = told("own")
    assert own["max"] == "9"
    assert (own["left"], own["on"]) == ("1", "")


def test_end_of_input_of_a_terminal(told):
    """As in tests/initctl/test_initctl_eof.py, on an older kernel."""
    eof = told("eof")
    # What was typed before stty took effect is echoed first.
    assert eof["lines"].split()[-1] == "twoend", eof
    # Either the hang-up's SIGHUP comes first, or the error of the read that it ends.
    assert eof["raw"] in ("129", "1") and eof["later"] == "later", eof


def test_root_that_is_an_initramfs(told):
    """Nothing is pivoted where the new root is the old one; another one is moved over it."""
    rootfs = told("rootfs")
    assert rootfs["same"].startswith("in 2 ") and " /tmp tmpfs " in rootfs["same"], rootfs
    assert rootfs["below"] == "in 2 /bin", rootfs


def test_nothing_is_left(told):
    assert told("all")["left"] == "0"


def test_as_the_first_process_of_the_machine(told):
    last = told("last")
    assert last["init"] == "1"
    assert (last["me"], last["operator"]) == ("0::/last/app", "0::/last/ops")
    assert last["done"] == "yes"
