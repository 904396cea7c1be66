"""Who may connect where init is in a user namespace: decided by the peer's uid as seen there.

init-control(7), "Access". tests/channel/test_channel_socket.py has the plain case, one user mapped to
root. Here a range is mapped, as engines do it: 0 to 65535 inside are 100000 to 165535.
"""
import os
import socket
import subprocess

import pytest

from conftest import DEADLINE, eventually
from container import as_user, contact, container, directory, listens, needs_root  # noqa: F401
from initctl import INITCTL

pytestmark = needs_root

FIRST, COUNT = 100000, 65536
NOBODY = 65534  # also the overflow uid, as which users that are not mapped appear

# Becomes root of a user namespace with that map, which its parent writes, and runs the rest.
HELPER = """
import ctypes, os, signal, sys
libc, ready, go = ctypes.CDLL(None), os.pipe(), os.pipe()
child = os.fork()
if not child:
    assert not libc.unshare(0x10000000)
    os.write(ready[1], b"."); os.read(go[0], 1)
    os.setgroups([]); os.setresgid(0, 0, 0); os.setresuid(0, 0, 0)
    libc.prctl(1, signal.SIGKILL)
    os.execvp(sys.argv[2], sys.argv[2:])
os.read(ready[0], 1)
for name in "uid_map", "gid_map":
    with open(f"/proc/{child}/{name}", "w") as file:
        file.write(sys.argv[1])
os.write(go[1], b".")
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
"""
USERNS = ["/usr/bin/python3", "-c", HELPER, f"0 {FIRST} {COUNT}"]
PIDNS = ["unshare", "-pfm", "--mount-proc", "--kill-child"]


def by(uid, path):
    return as_user(uid, uid, lambda: contact(path))


def started(container, directory, *options, outer=(*USERNS, *PIDNS), **starting):
    """A container in that user namespace, once its socket is there."""
    directory.chmod(0o777)
    box = container(*options, how="plain", outer=outer, **starting)
    eventually(lambda: listens(box.path), what="the socket")
    return box


@pytest.fixture
def box(container, directory):
    return started(container, directory)


def test_root_outside(box):
    """The operator is accepted: it has the overflow uid there, but is outside, and no other user
    can open the socket."""
    assert os.stat(box.path).st_uid == FIRST
    assert contact(box.path) == "status"
    assert box.output("id", "-u") == "0\n"
    assert box.output("cat", "/proc/self/uid_map").split() == ["0", str(FIRST), str(COUNT)]


def test_root_inside_seen_from_outside(box):
    """The user that is uid 0 inside is accepted, whatever its uid is outside."""
    assert by(FIRST, box.path) == "status"


@pytest.mark.parametrize("uid", [1000, 99999, FIRST + COUNT])
def test_unmapped_user(box, uid):
    """Refused by the socket's mode, and by init if everybody may open the socket."""
    assert "PermissionError" in by(uid, box.path)
    box.path.chmod(0o666)
    assert by(uid, box.path) == "nothing"


@pytest.mark.parametrize("uid", [FIRST + 1, FIRST + NOBODY])
def test_mapped_user_who_is_not_root(box, uid):
    """The last of them has the overflow uid inside, as users that are not mapped do."""
    assert "PermissionError" in by(uid, box.path)
    box.path.chmod(0o666)
    assert by(uid, box.path) == "nothing"


def test_mapped_user_in_the_group_of_the_socket(box):
    """It has a uid of its own inside, which is not that of root."""
    os.chown(box.path, -1, FIRST + 1)
    box.path.chmod(0o660)
    assert by(FIRST + 1, box.path) == "nothing"


def test_root_outside_and_a_socket_for_all(box):
    """It cannot be told from an ordinary user, who can open that socket as well."""
    box.path.chmod(0o602)
    assert contact(box.path) == "nothing"
    box.path.chmod(0o600)
    assert contact(box.path) == "status"


def test_nobody_inside(box):
    """It has the uid of root outside, and may open the socket, but it is inside."""
    os.chown(box.path, -1, FIRST + NOBODY)
    box.path.chmod(0o660)
    assert contact(box.path) == "status"
    script = ("import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
              "s.connect(sys.argv[1]); print(s.recv(100))")
    assert box.output("/usr/bin/python3", "-c", script, str(box.path)) != "b''\n"
    assert box.output("/usr/bin/python3", "-c", script, str(box.path),
                      fields=[f"user={NOBODY}:{NOBODY}"]) == "b''\n"


def test_root_outside_but_in_the_pid_namespace(container, directory):
    """Where init has no PID namespace of its own, no peer is known to be outside."""
    box = started(container, directory, outer=USERNS)
    assert contact(box.path) == "nothing"
    assert by(FIRST, box.path) == "status"
    assert by(1000, box.path) != "status"


def test_allowed_by_the_number_inside(container, directory):
    box = started(container, directory, "--control-allow", "7")
    assert by(FIRST + 7, box.path) == "status"
    assert by(7, box.path) == by(FIRST + 8, box.path) == "nothing"
    # A socket for others is open to all: see above.
    assert contact(box.path) == "nothing"
    assert by(FIRST, box.path) == "status"


def test_inherited_socket(container, directory):
    """Init does not know the socket's file, and so not who may open it: root outside is refused."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        path = directory / "inherited"
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o666)
        box = container("--control-fd", str(listener.fileno()), how="plain", path=False,
                        outer=[*USERNS, *PIDNS], pass_fds=[listener.fileno()])
        box.path = path
        assert by(FIRST, path) == "status"
        assert contact(path) == by(1000, path) == "nothing"


def test_initctl(box):
    """The same with initctl, which reports it in one line."""
    def run(*outer):
        return subprocess.run([*outer, INITCTL, "-S", box.path, "exec", "id", "-u"],
                              capture_output=True, text=True, timeout=DEADLINE)

    def as_number(uid):
        return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]

    assert run().stdout == run(*as_number(FIRST)).stdout == "0\n"
    done = run(*as_number(1000))
    assert (done.returncode, done.stdout, done.stderr) == (
        125, "", f"initctl: cannot connect to {box.path}: Permission denied\n")
    box.path.chmod(0o666)
    done = run(*as_number(1000))
    assert (done.returncode, done.stdout, done.stderr) == (
        125, "", f"initctl: cannot connect to {box.path}: Permission denied\n")
