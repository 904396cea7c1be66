"""A whole container made by one command from a directory, without an engine, and its operator.

Each test runs as root and as an ordinary user (the fixture `who`).
"""
import os
import re
import shutil
import socket
import subprocess

import pytest

from conftest import AS_ROOT, INIT, eventually, mounts
from cgroup import tree  # noqa: F401
from container import as_user, directory
from initctl import INITCTL, control
from inside import NODES, UID, all_gone, begin, inside, needs_static, new_mounts, root, who
from terminal import Terminal

pytestmark = needs_static


@pytest.fixture
def terminal(marker, who):
    made = []

    def terminal(*command, **options):
        made.append(Terminal([*who.outer, *command], marker, **options))
        return made[-1]
    yield terminal
    for one in made:
        one.close()


ASK = "echo; {}; echo == $?"


def ask(shell, line, code=0):
    """What a command line prints in the shell."""
    shell.type(ASK.format(line))
    seen = shell.expect(r"(?s)(.*)== (\d+)\r?\n")
    assert int(seen[2]) == code, seen[0]
    return seen[1].replace("\r", "")


def look(shell, host):
    """Checks that each tool shows the container, and nothing of the host."""
    assert ask(shell, "hostname").split()[-1] == "box" != host
    lines = [line for line in ask(shell, "ps -o pid,comm").splitlines() if re.search(r"\d", line)]
    pids = {int(line.split()[0]): line.split()[1] for line in lines}
    assert pids[1] == "init" and set(pids.values()) <= {"init", "sh", "ps", "{ps}"}
    addresses = ask(shell, "ip addr")
    assert re.findall(r"^\d+: (\S+):", addresses, re.M) == ["lo"]
    assert "127.0.0.1/8" in addresses and "UP" in addresses
    mounted = {line.split()[2]: line for line in ask(shell, "mount").splitlines() if " on " in line}
    nodes = {f"/dev/{name}" for name in NODES}
    masks = {point for point in mounted if point.startswith(("/proc/", "/sys/"))}
    assert set(mounted) - masks == {*nodes, "/", "/proc", "/sys", "/dev", "/dev/pts", "/dev/shm",
                                    "/dev/mqueue", "/tmp", "/run"}
    assert str(INIT) not in " ".join(mounted.values())
    shown = {line.split()[-1] for line in ask(shell, "df").splitlines() if "%" in line}
    assert {"/dev", "/tmp", "/run"} <= shown - {"on"} <= {*mounted, "on"}
    for kind in ("shm", "sem", "msg"):
        table = ask(shell, f"cat /proc/sysvipc/{kind}").split("\n")
        assert len([line for line in table if line.strip()]) == 1, table
    assert ask(shell, "id -u").split()[-1] == "0"


@pytest.fixture
def queue():
    """A System V message queue of the host, which must not be visible inside."""
    if not shutil.which("ipcmk"):
        pytest.skip("needs ipcmk")
    made = subprocess.run(["ipcmk", "-Q"], check=True, capture_output=True, text=True).stdout
    number = made.split()[-1]
    yield number
    subprocess.run(["ipcrm", "-q", number], check=True)


def test_a_container_by_one_command(terminal, root, directory, who, marker, queue):
    if AS_ROOT:
        os.chmod(directory, 0o777)
    before, host = mounts(), socket.gethostname()
    ctl = directory / "ctl.sock"
    shell = terminal(INIT, *who.user, "--unshare=all", "--chroot", root, "--mount=all", "--hostname", "box",
                     "--loopback", "--control", ctl, "--", "/bin/sh", env={"PATH": "/bin:/usr/bin"})
    eventually(ctl.exists, what="the socket")
    assert queue
    shell.type("stty -echo; PS1=")
    look(shell, host)
    assert ask(shell, "tty").split()[-1] in ("/dev/console", "/dev/pts/0")
    # A second shell, started by the operator, on a pty of the container.
    second = terminal(INITCTL, "-S", ctl, "shell")
    second.type("stty -echo; PS1=")
    look(second, host)
    assert ask(second, "tty").split()[-1] == "/dev/pts/0"
    second.type("sleep 1000 & echo started")
    second.expect("started")
    # The child of the second shell may not have called exec yet.
    eventually(lambda: "sleep" in ask(shell, "ps"), what="the sleep of the second shell")
    second.type("exit 4")
    assert second.wait() == 4
    shell.type("exit 3")
    assert shell.wait() == 3
    all_gone(marker)
    assert not new_mounts(before, directory) and not ctl.exists()
    assert socket.gethostname() == host


def test_operator_s_words(control, who, root, directory, begin):
    """The host's root and the user who started it are accepted; the files and processes that a
    session sees are the container's."""
    os.chmod(directory, 0o777)
    control.socket = directory / "ctl.sock"
    init = begin(["--unshare=all", "--chroot", root, "--mount=all", "--hostname", "box",
                  "--control", control.socket], "sh", "-c", "echo ready; exec sleep 1000",
                 env={"PATH": "/bin"})
    init.line("ready")
    control.wait_listens()
    assert control.output("exec", "--", "hostname") == "box\n"
    assert "/bin/busybox" in control.output("exec", "--", "sh", "-c", "ls -d /bin/busybox; ls /")
    assert sorted(control.output("exec", "--", "ls", "/").split()) == [
        "bin", "dev", "etc", "proc", "run", "sys", "tmp"]
    if AS_ROOT and not who.is_root:
        assert as_user(UID, UID, lambda: subprocess.run(
            [INITCTL, "-S", control.socket, "exec", "--", "hostname"], check=True,
            capture_output=True, text=True).stdout.strip()) == "box"
    done = control.run("stop")
    assert done.returncode == 0, done
    assert init.wait() == 143
    assert not control.socket.exists()


def test_way_out_by_what_init_holds(inside, root, directory):
    """PID 1 has a directory of the host open: root inside can use none of its descriptors."""
    os.chmod(directory, 0o777)
    script = ("ls /proc/self/fd; for n in $(seq 3 30); do ls -d /proc/1/fd/$n/ && echo out; done; "
              "for n in cwd root; do ls -d /proc/1/$n/ && echo out; done; cat /proc/1/maps")
    result = inside(["--unshare=all", "--chroot", root, "--mount=all", "--control",
                     directory / "ctl"], "sh", "-c", script)
    assert result.stdout.split() == ["0", "1", "2", "3"], result


def ways_out(inside, root, directory, *options):
    """What becomes of a command that reaches for each descriptor that init may have before its exec:
    as its directory, as its interpreter, as itself."""
    os.chmod(directory, 0o777)
    (directory / "outside").mkdir()
    shutil.copy("/bin/busybox", directory / "outside/program")
    (root / "script").touch()
    (root / "script").chmod(0o755)
    for number in range(3, 40):
        for way in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/outside"):
            (root / "link").unlink(missing_ok=True)
            (root / "link").symlink_to(way)
            (root / "script").write_text(f"#!{way}/program true\n")
            yield inside([*options, "--chdir", "/link"], "true")
            yield inside(options, "/script")
            yield inside(options, "/link/program", "true")


def test_way_out_by_what_the_command_is_born_with(inside, root, directory):
    """The child that becomes the command has no directory of the host open when it looks up a path
    (CVE-2024-21626)."""
    options = ["--unshare=all", "--chroot", root, "--mount=all", "--control", directory / "ctl",
               f"--bind={directory / 'ctl.d'}:/bound"]
    (directory / "ctl.d").mkdir()
    for result in ways_out(inside, root, directory, *options):
        assert result.returncode in (125, 126, 127), result
        assert result.stderr.count("\n") == 1 and "cannot" in result.stderr, result


@pytest.mark.parametrize("who", ["root"], indirect=True)
def test_way_out_by_a_cgroup(inside, root, directory, tree):
    """The same with those of a cgroup."""
    options = ["--unshare=all", "--chroot", root, "--mount=all", "--cgroup", tree / "box"]
    for result in ways_out(inside, root, directory, *options):
        assert result.returncode in (125, 126, 127), result


__all__ = ["begin", "control", "directory", "inside", "root", "who"]
