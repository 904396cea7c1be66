"""What a process may do, as /proc shows it, and filters of system calls to take some of it away."""
import errno
import os
import struct
import sys
from pathlib import Path

import pytest

# In the order of their numbers, as <linux/capability.h> has them.
CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE
SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
KNOWN = int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1
ALL = (1 << KNOWN) - 1
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
SEE = ["cat", "/proc/self/status"]


def spelled(value):
    """What a parameter of a test is called: options as they are written."""
    return " ".join(value) if isinstance(value, list) else str(value)


def bits(names):
    """The set that these names, separated by blanks, stand for."""
    return sum(1 << CAPABILITIES.index(name) for name in names.split())


# What Docker leaves to a container.
DEFAULT = bits("CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE "
               "NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP")


def fields(text):
    """/proc/PID/status as a dict, with single blanks."""
    lines = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key: " ".join(value.split()) for key, value in lines}


def sets(text):
    """The five sets of capabilities in a /proc/PID/status: inheritable, permitted, effective,
    bounding, ambient."""
    found = fields(text)
    return [int(found[name], 16) for name in SETS]


def ours():
    return Path("/proc/self/status").read_text()


def bounding(who=None):
    """What a process of root has by that of init at most: in a user namespace, all."""
    return sets(ours())[3] if who is None or who.is_root else ALL


# mkdir and mkdirat
MKDIR = {"x86_64": [83, 258], "aarch64": [34], "riscv64": [34], "loongarch64": [34],
         "ppc64le": [39, 287], "s390x": [39, 289]}.get(os.uname().machine)
MKDIR_TEXT = "Protocol error"
needs_numbers = pytest.mark.skipif(not MKDIR, reason="does not know this machine's system calls")


def instruction(code, value, true=0, false=0):
    """A struct sock_filter."""
    return struct.pack("=HBBI", code, true, false, value)


def program(refused=None, error=errno.EPROTO, fill=0):
    """A filter by which the system calls of these numbers fail with that error, and all others are
    as they were. fill is how many instructions without an effect come first."""
    load, compare, leave = 0x20, 0x15, 0x06  # <linux/bpf_common.h>
    allow, fail = 0x7FFF0000, 0x00050000     # <linux/seccomp.h>
    refused = MKDIR if refused is None else refused
    words = [instruction(load, 0)] * fill + [instruction(load, 0)]
    for number in refused:
        words += [instruction(compare, number, 0, 1), instruction(leave, fail | error)]
    return b"".join([*words, instruction(leave, allow)])


# As /proc/PID/limits calls them.
LIMITS = {"AS": "Max address space", "CORE": "Max core file size", "CPU": "Max cpu time",
          "DATA": "Max data size", "FSIZE": "Max file size", "LOCKS": "Max file locks",
          "MEMLOCK": "Max locked memory", "MSGQUEUE": "Max msgqueue size",
          "NICE": "Max nice priority", "NOFILE": "Max open files", "NPROC": "Max processes",
          "RSS": "Max resident set", "RTPRIO": "Max realtime priority",
          "RTTIME": "Max realtime timeout", "SIGPENDING": "Max pending signals",
          "STACK": "Max stack size"}


def limits(text):
    """The soft and hard limits in a /proc/PID/limits, by the names that init has for them."""
    return {key: line[len(label):].split()[:2] for key, label in LIMITS.items()
            for line in text.splitlines() if line.startswith(label)}
