"""--sysctl: parameters of the kernel that belong to namespaces of the container's own; none of the
host's is ever set.
"""
import os
from pathlib import Path

import pytest

from container import directory  # noqa: F401
from inside import inside, needs_static, needs_strace, refused, root, who  # noqa: F401

pytestmark = needs_static

as_root = pytest.mark.parametrize("who", ["root"], indirect=True)
# name -> (what it belongs to, a value that is not the default)
SETTINGS = {
    "net.ipv4.ip_forward": ("net", "1"),
    "net.ipv4.ip_unprivileged_port_start": ("net", "77"),
    "net.ipv4.conf.lo.forwarding": ("net", "1"),
    "net.ipv4.tcp_rmem": ("net", "4096\t5000\t6000"),
    "net.core.somaxconn": ("net", "123"),
    "kernel.shmmax": ("ipc", "65536"),
    "kernel.shmall": ("ipc", "777"),
    "kernel.shmmni": ("ipc", "77"),
    "kernel.shm_rmid_forced": ("ipc", "1"),
    "kernel.msgmax": ("ipc", "4097"),
    "kernel.msgmnb": ("ipc", "4098"),
    "kernel.msgmni": ("ipc", "99"),
    "kernel.sem": ("ipc", "100\t200\t30\t40"),
    "fs.mqueue.msg_max": ("ipc", "11"),
    "fs.mqueue.queues_max": ("ipc", "33"),
    "kernel.domainname": ("uts", "example.test"),
    "kernel.hostname": ("uts", "box"),
    "user.max_net_namespaces": ("user", "7"),
    "user.max_mnt_namespaces": ("user", "9"),
}


def file_of(name):
    return Path("/proc/sys", *name.split("."))


def succeeded(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def spelled(value):
    return " ".join(value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("slashes", [False, True], ids=["dots", "slashes"])
@pytest.mark.parametrize("name", SETTINGS)
def test_setting(inside, who, name, slashes):
    """It is set inside, and not for the host."""
    namespace, value = SETTINGS[name]
    file = file_of(name)
    if not file.exists():
        pytest.skip("this kernel does not have it")
    before = file.read_text()
    assert before.strip() != value
    setting = f"{name.replace('.', '/') if slashes else name}={value}"
    result = inside([f"--unshare={namespace}", f"--sysctl={setting}"], "cat", file)
    assert file.read_text() == before
    if result.returncode and not who.is_root and namespace in ("ipc", "uts"):
        # Which kernels let the owner of the namespace do that differs.
        refused(result, f"cannot set sysctl {setting}: ", "Permission denied")
    else:
        assert succeeded(result).strip() == value


def test_several(inside):
    """All that are given are set, in their order."""
    out = succeeded(inside(["--unshare=net,user", "--sysctl", "net.ipv4.ip_forward=1",
                            "--sysctl=net.core.somaxconn=5", "--sysctl=net.core.somaxconn=6",
                            "--sysctl", "user/max_net_namespaces=7"], "cat",
                           file_of("net.ipv4.ip_forward"), file_of("net.core.somaxconn"),
                           file_of("user.max_net_namespaces")))
    assert out.split() == ["1", "6", "7"]


@pytest.mark.parametrize("options", [["--mount=proc"], ["--mount=all", "--cap-drop=all"]],
                         ids=spelled)
@pytest.mark.parametrize("namespaces", ["all", "pid,net,ipc"])
def test_in_a_container(inside, root, options, namespaces):
    """Where the command itself finds /proc/sys read-only."""
    path = file_of("net.ipv4.ip_forward")
    options = [f"--unshare={namespaces}", "--chroot", root, *options,
               "--sysctl=net.ipv4.ip_forward=1"]
    result = inside(options, "sh", "-c", f"cat {path}; (echo 0 >{path}); cat {path}")
    assert result.stdout == "1\n1\n" and result.stderr, result


@pytest.mark.parametrize("words", [
    ["--loopback", "--sysctl=net.ipv4.conf.lo.forwarding=1"],
    ["--sysctl=net.ipv4.conf.lo.forwarding=1", "--loopback"]], ids=spelled)
def test_loopback(inside, root, words):
    """The interface is up and has what was set, in whatever order."""
    out = succeeded(inside(["--unshare=all", "--chroot", root, "--mount=proc", *words], "sh", "-c",
                           "cat /proc/sys/net/ipv4/conf/lo/forwarding; ifconfig lo | grep -c UP"))
    assert out == "1\n1\n"


@as_root
def test_host_name(inside):
    """An option's name is set first."""
    out = succeeded(inside(["--unshare=uts", "--sysctl=kernel.hostname=second",
                            "--hostname=first"], "cat", file_of("kernel.hostname")))
    assert out == "second\n"


@needs_strace
@pytest.mark.parametrize("setting, path", [
    ("net.ipv4.conf.nosuch.forwarding=1", "net/ipv4/conf/nosuch/forwarding"),
    ("net/ipv4/conf/no.such/forwarding=1", "net/ipv4/conf/no.such/forwarding"),
    ("net/ipv4.conf/lo/forwarding=1", "net/ipv4.conf/lo/forwarding"),
    ("net/x=1.2/3", "net/x"), ("net.x=1/2.3", "net/x")])
def test_separators(inside, directory, setting, path):
    """Dots separate where the name has no slash; with slashes they are part of the names, as those of
    interfaces."""
    trace = directory / "trace"
    os.chmod(directory, 0o777)
    result = inside(["--unshare=net", "--sysctl", setting], "true",
                    outer=["strace", "-f", "-qq", "-o", trace, "-e", "trace=openat"])
    refused(result, f"cannot set sysctl {setting}: No such file or directory")
    assert f'"/proc/sys/{path}"' in trace.read_text()


# ---- refused

# With values that change nothing if they are written all the same: what is there, or none at all.
CORE = file_of("kernel.core_pattern").read_text().strip()
NAME = file_of("kernel.hostname").read_text().strip()
DOMAIN = file_of("kernel.domainname").read_text().strip()
HOST = [f"kernel.core_pattern={CORE}", f"kernel/core_pattern={CORE}", "vm.swappiness=x",
        "vm/overcommit_memory=x", "fs.file-max=x", "fs.mqueue=x", "fs.mqueued.x=1",
        "kernel.pid_max=x", "kernel.se=1", "kernel.ms=1", "kernel.sh=1", "kernel.host=1", "net=1",
        "netx.y=1", "nett/x=1", "user=1", "users.x=1", "/net/x=1", "//net/x=1",
        "/proc/sys/net/x=1", "NET.x=1", " net.x=1", "kernel.net.x=1",
        "kernel/net/ipv4/ip_forward=x", "debug.x=1", "dev.x=1", "x=1", ".net.x=1", ".=1", "..=1",
        "//=1/.", "./net/x=1", "../net/x=1", "net.ipv4/conf.lo.forwarding=1",
        "net.ipv4.conf.no/such.forwarding=1"]


@pytest.mark.parametrize("setting", HOST)
def test_of_the_host(inside, directory, setting):
    """What no namespace has of its own is refused, whatever namespaces there are."""
    made = directory / "made"
    os.chmod(directory, 0o777)
    result = inside(["--unshare=all", f"--sysctl={setting}"], "touch", made)
    refused(result, f"cannot set sysctl {setting}: no namespace of --unshare has it")
    assert not made.exists()


OWNERS = {"net": ["net.ipv4.ip_forward=x", "net/x=1"],
          "ipc": ["kernel.shmmax=x", "kernel.msgmax=x", "kernel.sem=x", "fs.mqueue.msg_max=x"],
          "uts": [f"kernel.hostname={NAME}", f"kernel/domainname={DOMAIN}"],
          "user": ["user.max_net_namespaces=x"]}


@pytest.mark.parametrize("namespace, setting", [(n, s) for n, many in OWNERS.items() for s in many])
def test_without_the_namespace(run, directory, namespace, setting):
    """Each needs the namespace that it belongs to, and no other will do."""
    made = directory / "made"
    others = [name for name in ("pid", "mount", "uts", "ipc", "net", "cgroup")
              if name != namespace]
    for options in ([], [f"--unshare={','.join(others)}"], ["--chroot=/"],
                    ["--loopback", "--mount=all"]):
        result = run([*options, f"--sysctl={setting}", "--", "touch", made], "plain")
        refused(result, f"cannot set sysctl {setting}: no namespace of --unshare has it")
        assert not made.exists()


@pytest.mark.parametrize("setting", ["", "net.ipv4.ip_forward", "net", "net.ipv4:1", "=", "=1"])
def test_no_setting(run, directory, setting):
    made = directory / "made"
    result = run(["--unshare=net", f"--sysctl={setting}", "--", "touch", made], "plain")
    refused(result, f"--sysctl: bad value '{setting}'")
    assert not made.exists()


@pytest.mark.parametrize("setting", [
    f"net/../kernel/core_pattern={CORE}", "net/./x=1", "net/.x=1", "net/ipv4/..=1",
    f"net/ipv4/../../kernel/core_pattern={CORE}", f"net//../kernel/core_pattern={CORE}",
    f"net.//.kernel.core_pattern={CORE}",
    "net/" + "x" * 252 + "=1"])
def test_no_name(inside, directory, setting):
    """A name that leads upwards, or is too long, is refused."""
    made = directory / "made"
    os.chmod(directory, 0o777)
    result = inside(["--unshare=net", f"--sysctl={setting}"], "touch", made)
    refused(result, f"cannot set sysctl {setting[:20]}", "Invalid argument")
    assert not made.exists()


def test_count(inside):
    """There may be 32."""
    words = [f"--sysctl=net.core.somaxconn={i + 1}" for i in range(33)]
    path = file_of("net.core.somaxconn")
    assert succeeded(inside(["--unshare=net", *words[:32]], "cat", path)) == "32\n"
    refused(inside(["--unshare=net", *words], "cat", path), "--sysctl: bad value ")


@pytest.mark.parametrize("setting, reason", [
    ("net.no.such=1", "No such file or directory"), ("net/no/such=1", "No such file or directory"),
    ("net..ipv4=1", "s a directory"), ("net.ipv4=1", "s a directory"),
    ("net.ipv4.ip_forward=word", "Invalid argument"),
    ("net.ipv4.ip_forward=99999999999999999999", "Invalid argument"),
    ("net.ipv4.ip_forward.=1", "Not a directory"),
    ("net/" + "x" * 251 + "=1", "No such file or directory")])
def test_that_cannot_be_set(inside, directory, setting, reason):
    """What the kernel refuses is one line, and nothing starts or is left."""
    made, control = directory / "made", directory / "ctl"
    os.chmod(directory, 0o777)
    result = inside(["--unshare=net,pid", "--control", control, f"--sysctl={setting}"], "touch",
                    made)
    refused(result, "cannot set sysctl net", reason)
    assert not made.exists() and not control.exists()
