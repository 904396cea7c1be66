"""What the command may do: capabilities, no_new_privs, set-user-ID programs, limits, keys."""
import os
import resource
import stat
import subprocess
import sys

import pytest

from conftest import AS_ROOT, status_of
from container import directory, needs_root
from inside import AS_USER, SETUP, inside, needs_static, refused, report, root, who

pytestmark = needs_static

# One that other users can reach as well.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

# capabilities(7), in the order of their numbers.
NAMES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE
SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
DOCKER = """CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW
SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP""".split()
SETS = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
SEE = ["grep", "-E", "^(Cap|NoNewPrivs)", "/proc/self/status"]


def bits(names):
    return sum(1 << NAMES.index(name) for name in names)


def sets_of(text):
    """Set -> its bits, of the lines of a status file, and NoNewPrivs."""
    found = dict(line.split(":\t") for line in text.splitlines())
    return {key: int(value, 10 if key == "NoNewPrivs" else 16) for key, value in found.items()}


def sets(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return sets_of(result.stdout)


def ours():
    """What this process has."""
    return {key: int(value, 16) for key, value in status_of("self").items() if key in SETS}


# ---- capabilities


def test_nothing_changes_in_another_s_container(run, how):
    """Without a root of its own init takes no capability away, whatever set it is in."""
    seen = sets(run(["--", *SEE], how))
    assert seen["NoNewPrivs"] == 0
    if AS_ROOT:
        assert {key: seen[key] for key in SETS} == ours()


@needs_root
def test_inherited_ones_stay_in_another_s_container(run):
    wrap = ["setpriv", "--inh-caps", "+net_raw,+sys_ptrace", "--ambient-caps", "+net_raw"]
    seen = sets(run(["--", *SEE], "plain", outer=wrap))
    assert seen["CapInh"] == bits(["NET_RAW", "SYS_PTRACE"]) and seen["CapAmb"] == bits(["NET_RAW"])


@pytest.mark.parametrize("options", [["--unshare=pid,mount"], ["--unshare=all"]], ids=" ".join)
def test_docker_s_in_a_container(inside, root, options):
    """A mount namespace with a root is a container, which has what Docker leaves, in every set."""
    seen = sets(inside([*options, "--chroot", root, "--mount-proc"], *SEE))
    assert seen["CapPrm"] == seen["CapEff"] == seen["CapBnd"] == bits(DOCKER)
    assert seen["CapInh"] == seen["CapAmb"] == 0


@needs_root
def test_inheritable_and_ambient_ones_go(run, root, who):
    if not who.is_root:
        pytest.skip("an ordinary user has none to pass on")
    wrap = ["setpriv", "--inh-caps", "+net_raw,+sys_ptrace", "--ambient-caps",
            "+net_raw,+sys_ptrace"]
    seen = sets(run(["--unshare=pid", "--chroot", root, "--mount-proc", "--", *SEE], "plain",
                    outer=wrap))
    assert seen["CapInh"] == seen["CapAmb"] == bits(["NET_RAW"])
    assert seen["CapBnd"] == bits(DOCKER)


@pytest.mark.parametrize("options, kept", [
    (["--cap-keep", "NET_RAW,CAP_KILL"], ["NET_RAW", "KILL"]),
    (["--cap-keep", "CAP_NET_RAW", "--cap-keep=KILL"], ["NET_RAW", "KILL"]),
    (["--cap-keep=default,SYS_PTRACE"], [*DOCKER, "SYS_PTRACE"]),
    (["--cap-drop=CHOWN,CAP_MKNOD"], [name for name in DOCKER if name not in ("CHOWN", "MKNOD")]),
    (["--cap-drop=all"], []),
    (["--cap-drop=KILL", "--cap-keep=KILL,CHOWN"], ["CHOWN"]),
], ids=lambda value: " ".join(value) if value and value[0].startswith("--") else "")
def test_keep_and_drop(inside, root, options, kept):
    """--cap-keep takes the place of the default, --cap-drop takes away from what is kept."""
    seen = sets(inside(["--unshare=all", "--chroot", root, "--mount-proc", *options], *SEE))
    assert seen["CapPrm"] == seen["CapEff"] == seen["CapBnd"] == bits(kept)


@needs_root
def test_all_of_them(run, root, who):
    """`all` keeps what init itself has."""
    if not who.is_root:
        pytest.skip("needs root")
    seen = sets(run(["--unshare=pid", "--chroot", root, "--mount-proc", "--cap-keep=all", "--",
                     *SEE], "plain"))
    assert {key: seen[key] for key in SETS} == ours()


@needs_root
def test_each_name(run):
    """Every name stands for its number."""
    for number, name in enumerate(NAMES):
        seen = sets(run([f"--cap-keep={'CAP_' * (number % 2)}{name}", "--", *SEE], "plain"))
        assert seen["CapBnd"] == 1 << number & ours()["CapBnd"], name


@pytest.mark.parametrize("option", ["--cap-keep", "--cap-drop"])
@pytest.mark.parametrize("value", ["", "CHOW", "CHOWNS", "chown", "CAP_", "CAP_CAP_CHOWN", "CHOWN,",
                                   ",CHOWN", "CHOWN,,KILL", "CHOWN KILL", "0", "SIGKILL"])
def test_unknown_names(run, option, value):
    refused(run([option, value, "--", "echo", "started"], "plain"),
            f"init: {option}: bad value '{value}'\n")


@needs_root
def test_another_user(run, root, who):
    """As an ordinary user inside the command has none, and none that it could get."""
    if not who.is_root:
        pytest.skip("needs root")
    seen = sets(run(["--unshare=pid", "--chroot", root, "--mount-proc", "--user", "1000", "--",
                     *SEE], "plain"))
    assert seen["CapPrm"] == seen["CapEff"] == seen["CapInh"] == seen["CapAmb"] == 0
    assert seen["CapBnd"] == bits(DOCKER)


@needs_root
def test_what_cannot_be_dropped(run):
    """Without CAP_SETPCAP the bounding set stays as it is: then nothing is started."""
    refused(run(["--cap-drop=KILL", "--", "echo", "started"], "plain", outer=[
        "setpriv", "--bounding-set", "-setpcap", "--inh-caps", "-setpcap"]),
        "init: cannot drop capabilities of echo: Operation not permitted\n")


# ---- no_new_privs, set-user-ID programs, device nodes


@pytest.mark.parametrize("options, value", [
    (["--chroot", "ROOT", "--unshare=all"], 1),
    (["--chroot", "ROOT", "--unshare=all", "--new-privs"], 0),
    (["--chroot", "ROOT", "--unshare=all", "--new-privs", "--no-new-privs"], 1),
    (["--unshare=all"], 0), (["--unshare=all", "--no-new-privs"], 1),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_no_new_privileges(inside, root, options, value):
    """It is set in a container, unless --new-privs asks for the contrary, and elsewhere on demand."""
    words = [str(root) if word == "ROOT" else word for word in options]
    assert sets(inside([*words, "--mount-proc"], *SEE))["NoNewPrivs"] == value


@needs_root
@pytest.mark.parametrize("options, uid", [([], 1000), (["--new-privs"], 0)])
def test_set_user_id_program(run, root, who, options, uid):
    """A set-user-ID program of the root has no effect, but with --new-privs."""
    if not who.is_root:
        pytest.skip("needs root")
    (root / "bin/probe").chmod(0o4755)
    seen = report(run(["--unshare=pid,mount", "--chroot", root, "--user=1000", *options, "--",
                       "/bin/probe", "report"], "plain"))
    assert seen["uid"] == [1000, uid, uid]


@needs_root
@pytest.mark.parametrize("at", ["/", "/dev/", "/tmp/", "/run/", "/dev/shm/", "/data/"])
def test_device_node_has_no_effect(run, root, who, directory, at):
    """Root inside may make a node, but on no mount can it be opened."""
    if not who.is_root:
        pytest.skip("root of a user namespace makes no nodes")
    (directory / "data").mkdir()
    result = run(["--unshare=pid", "--chroot", root, "--mount=all", "--bind",
                  f"{directory}/data:/data", "--", "sh", "-c",
                  f"busybox mknod {at}node c 1 3 && echo made && echo x >{at}node"], "plain")
    assert result.stdout == "made\n" and "ermission denied" in result.stderr, result


@needs_root
@pytest.mark.parametrize("bind", ["DIR:/data:dev", "/dev/null:/data/node", "DIR/node:/data/node"])
def test_device_that_was_asked_for(run, root, who, directory, bind):
    """By its own path, or by the word dev, a device of the host is bound as it is."""
    if not who.is_root:
        pytest.skip("needs root")
    (directory / "data").mkdir()
    os.mknod(directory / "data/node", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    result = run(["--unshare=pid", "--chroot", root, "--bind",
                  bind.replace("DIR", f"{directory}/data"), "--", "sh", "-c",
                  "echo x >/data/node && test -c /data/node && echo usable"], "plain")
    assert (result.returncode, result.stdout, result.stderr) == (0, "usable\n", "")


def test_words_of_a_bind(run):
    for word in ("dev,ro", "devs", "rw", ""):
        refused(run([f"--bind=/a:/b:{word}", "true"], "plain"), "--bind")


# ---- keys

KEY = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": (248, 250), "aarch64": (217, 219)}[__import__("os").uname().machine]
add, keyctl = number
"""
SEARCH = KEY + """
found = libc.syscall(keyctl, 10, -3, b"user", sys.argv[1].encode(), 0)  # KEYCTL_SEARCH in @s
print("found" if found > 0 else "nothing")
"""
JOIN = KEY + """
import os
assert libc.syscall(keyctl, 1, None) > 0, "KEYCTL_JOIN_SESSION_KEYRING"
assert libc.syscall(add, b"user", sys.argv[1].encode(), b"secret", 6, -3) > 0, "add_key"
os.execvp(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="knows no other numbers")
@pytest.mark.parametrize("options, found", [(["--chroot", "/"], "nothing"), ([], "found")])
def test_session_keyring(inside, marker, options, found):
    """A container has a session keyring of its own, without the caller's keys."""
    joins = subprocess.run([PYTHON, "-c", JOIN, marker, "true"], capture_output=True, text=True)
    if joins.returncode:
        pytest.skip(f"no keyrings here: {joins.stderr}")
    result = inside(["--unshare=all", *options], PYTHON, "-c", SEARCH, marker,
                    wrap=[PYTHON, "-c", JOIN, marker])
    assert (result.returncode, result.stdout) == (0, f"{found}\n"), result


# ---- limits


@pytest.mark.parametrize("options, soft, hard", [
    (["--rlimit=NOFILE=64:128"], "64", "128"),
    (["--rlimit", "RLIMIT_NOFILE=64:64"], "64", "64"),
    (["--rlimit=NOFILE=1:2", "--rlimit=NOFILE=70:80"], "70", "80"),
])
def test_limits(run, how, options, soft, hard):
    """The command has them, and init has not."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    result = run([*options, "--", "sh", "-c",
                  "ulimit -Sn; ulimit -Hn; grep 'open files' /proc/$PPID/limits"], how)
    assert result.returncode == 0, result
    *own, its = result.stdout.splitlines()
    assert own == [soft, hard]
    assert its.split()[3:5] == [str(value) if value != resource.RLIM_INFINITY else "unlimited"
                                for value in before]


def test_unlimited(run):
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    if hard != resource.RLIM_INFINITY:
        pytest.skip("files are limited here")
    result = run(["--rlimit=FSIZE=1048576:unlimited", "--", "sh", "-c", "ulimit -Sf; ulimit -Hf"],
                 "plain")
    assert result.stdout.split()[1] == "unlimited" != result.stdout.split()[0], result


@pytest.mark.parametrize("value", ["", "NOFILE", "NOFILE=1", "NOFILE=1:", "NOFILE=:1", "NOFILE=2:1",
                                   "NOFILE:1:2", "FILES=1:2", "NOFILE=1:2:3", "nofile=1:2",
                                   "NOFILE=x:2", "NOFILE=1:-1"])
def test_bad_limits(run, value):
    refused(run(["--rlimit", value, "--", "echo", "started"], "plain"), "--rlimit: bad value")


def test_limit_that_may_not_be_raised(run):
    """Without CAP_SYS_RESOURCE the hard limit is the last word."""
    outer = ["sh", "-c", 'ulimit -n 512; exec "$@"', "sh", *AS_USER]
    refused(run(["--rlimit=NOFILE=600:600", "--", "echo", "started"], "plain", outer=outer),
            "init: cannot set limits of echo: Operation not permitted\n")


def test_failures_have_their_stage(run):
    """--status-fd has the stage, and the code is that of a start that failed."""
    result = run(["--rlimit=NOFILE=600:600", "--status-fd=9", "--", "true"], "plain",
                 outer=["sh", "-c", 'ulimit -n 512; exec "$@" 9>&1', "sh", *AS_USER])
    assert result.returncode == SETUP
    assert result.stdout == f"event=failed stage=rlimits errno=1 code={SETUP}\n", result


__all__ = ["directory", "inside", "root", "who"]
