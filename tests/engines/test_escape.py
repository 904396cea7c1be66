"""What root inside a container can do: tests/tools/escape.c in containers that init makes, without
and with a user namespace, beside those of Docker and bubblewrap, each with its defaults. Where init
allows what one of the others refuses, engines/escape.py must say why. Run by make test-escape.
"""
import contextlib
import ctypes
import fcntl
import os
import pty
import random
import shutil
import socket
import subprocess
import tempfile
import termios
import uuid
from pathlib import Path

import pytest

from conftest import DEADLINE, INIT, LIBC, PATH, ROOT, eventually
from docker_engine import Engine
from engines import escape
from initctl import INITCTL

PROGRAM = ROOT / "build/escape"
IDS = 100000
SECRET, LIVES = "ESCAPE_SECRET", 300
# Numbers of add_key(2) and keyctl(2), and <linux/keyctl.h>.
ADD_KEY, KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}.get(os.uname().machine, (0, 0))
JOIN, UNLINK, OF_SESSION, OF_USER = 1, 9, -3, -4

missing = [program for program in ("dockerd", "bwrap", "unshare", "bash")
           if not shutil.which(program, path=PATH)]
if missing or os.geteuid() or not ADD_KEY or os.environ.get("DOCKER_HOST"):
    pytest.skip("it needs root, an engine of its own and make deps-docker deps-engines "
                f"(missing: {missing})", allow_module_level=True)

# Root without a sandbox, but in a copy of the mounts, and with another PID 1 than that of the
# machine, which stays in the host's root. Its root directory is changed by chroot, which it can
# leave, with a mask in /proc; or by another root mount, in which user namespaces can be made, and
# without a mask, so that they can mount proc.
FREE = """
move=$1 root=$2 process=$3
shift 3
mount --bind "$root" "$root" && mount -t proc proc "$root/proc" &&
mount --rbind /sys "$root/sys" && mount --rbind /dev "$root/dev" || exit
exec 9</ || exit
(exec -a "$process" sleep %d) &
unshare -m bash -c 'cd "$1" || exit
    case $0 in
    chroot) mount --bind /dev/null proc/devices;;
    mount) mount --move . /;;
    esac || exit
    shift; exec chroot . "$@" 9<&-' "$move" "$root" "$@"
code=$?
kill $!
exit $code
""" % LIVES


def system_call(*words):
    result = LIBC.syscall(*(ctypes.c_long(word) if isinstance(word, int) else ctypes.c_char_p(word)
                            for word in words))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def add_key(name, ring):
    return system_call(ADD_KEY, b"user", name.encode(), b"x", 1, ring)


def disk():
    """MAJOR:MINOR of a disk that root may open here, that of / if it may be; or 0:0."""
    root = os.stat("/").st_dev
    nodes = [node for node in Path("/dev").iterdir() if node.is_block_device()]
    for node in sorted(nodes, key=lambda node: (node.stat().st_rdev != root, node)):
        with contextlib.suppress(OSError):
            os.close(os.open(node, os.O_RDONLY | os.O_NONBLOCK))
            device = node.stat().st_rdev
            return f"{os.major(device)}:{os.minor(device)}"
    return "0:0"


class Outside:
    """What there is on the host for escape to look for. Names are not used twice."""

    def __init__(self, stack):
        self.name = "init-escape-" + uuid.uuid4().hex
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="init-escape.")))
        directory.chmod(0o755)
        self.directory = directory
        self.root = make_root(directory / "root")
        # As README has it: root's, where only root may go.
        (directory / "own").mkdir(mode=0o700)
        self.own = make_root(directory / "own/root")
        # Copies: PID 1 may be a program of the host, whose mode is set to what it is.
        self.programs = {
            name: shutil.copy(shutil.which(program, path=PATH), directory / name)
            for name, program in (("init", INIT), ("bwrap", "bwrap"), ("bash", "bash"))}
        self.marker = directory / "marker"
        self.marker.write_text("outside\n")
        self.descriptor = os.open(self.marker, os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, self.descriptor)
        self.abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.abstract.bind(b"\0" + self.name.encode())
        self.abstract.listen(8)
        self.port = stack.enter_context(socket.socket())
        self.port.bind(("127.0.0.1", 0))
        self.port.listen(8)
        key = add_key(self.name, OF_USER)
        stack.callback(system_call, KEYCTL, UNLINK, key, OF_USER)
        self.memory = random.randrange(1, 1 << 31)
        memory = LIBC.shmget(self.memory, 4096, 0o3600)  # IPC_CREAT | IPC_EXCL
        assert memory >= 0
        stack.callback(LIBC.shmctl, memory, 0, None)  # IPC_RMID
        process = subprocess.Popen([self.name, str(LIVES)], executable="/bin/sleep")
        stack.callback(process.wait)
        stack.callback(process.kill)

    def words(self):
        return ["/escape", self.marker, self.name, self.name, self.port.getsockname()[1], disk(),
                self.name, self.memory]

    def init(self, column, *words):
        """The words that start init for this column."""
        ids = ["--uid-map", f"0:{IDS}:65536", "--gid-map", f"0:{IDS}:65536"]
        how = {escape.INIT: ["--unshare=pid,mount,uts,ipc,net,cgroup", "--chroot", self.root],
               escape.USER: ["--unshare=all", *ids, "--chroot", self.own]}
        return [self.programs["init"], *how[column], "--mount=all", "--hostname", "box", *words]

    def prepare(self):
        """Gives a program that is about to start a terminal, and a session keyring with the key."""
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        system_call(KEYCTL, JOIN, 0)
        add_key(self.name, OF_SESSION)

    def run(self, *command, env=os.environ):
        master, terminal = pty.openpty()
        try:
            done = subprocess.run([*map(str, command)], stdin=terminal, capture_output=True,
                                  text=True, timeout=10 * DEADLINE, env={**env, SECRET: "1"},
                                  pass_fds=[self.descriptor], preexec_fn=self.prepare)
        finally:
            os.close(master)
            os.close(terminal)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stderr}"
        return escape.parse(done.stdout)


def make_root(root):
    for folder in ("dev", "etc", "proc", "sys", "tmp", "run"):
        (root / folder).mkdir(parents=True)
    shutil.copy(PROGRAM, root / "escape")
    return root


def run_in_docker(outside, root):
    engine = Engine()
    try:
        image = outside.name
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            engine.docker("import", "-", image, stdin=tar.stdout)
        version = engine.docker("version", "--format", "{{.Server.Version}}").stdout.strip()
        # The engine of the tests has no bridge.
        run = engine.command("run", "--rm", "--network", "none", image, *outside.words())
        return outside.run(*run, env=engine.environment), version.split("+")[0]
    finally:
        engine.stop()


@pytest.fixture(scope="module")
def outside():
    with contextlib.ExitStack() as stack:
        yield Outside(stack)


@pytest.fixture(scope="module")
def results(outside):
    """column -> row -> result. It also makes the table."""
    words, root = outside.words(), outside.root
    found, versions = {}, {}
    for column in escape.OURS:
        found[column] = outside.run(*outside.init(column, "--", *words))
    found[escape.DOCKER], versions[escape.DOCKER] = run_in_docker(outside, root)
    found[escape.BWRAP] = outside.run(
        outside.programs["bwrap"], "--unshare-all", "--bind", root, "/", "--proc", "/proc",
        "--dev", "/dev", "--tmpfs", "/tmp", "--", *words)
    versions[escape.BWRAP] = subprocess.run(
        ["bwrap", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    chrooted, mounted = (
        outside.run("unshare", "-mupf", "--kill-child", outside.programs["bash"], "-c", FREE,
                    "bash", move, root, outside.name, *words)
        for move in ("chroot", "mount"))
    found[escape.FREE] = {row: "allowed" if chrooted[row] == "allowed" else mounted[row]
                          for row in mounted}
    escape.save(found, versions)
    return found


def test_all_columns_have_all_rows(results):
    rows = list(results[escape.FREE])
    assert len(rows) > 60
    assert {column: list(found) for column, found in results.items()} == {
        column: rows for column in escape.COLUMNS}
    assert not [row for row, (columns, _) in escape.EXCEPTIONS.items()
                if row not in rows or not set(columns) <= set(escape.OURS)]


def test_no_attempt_is_lost(results):
    """Each ends by itself, within its time."""
    assert not [(column, row) for column, found in results.items() for row, result in found.items()
                if result == "refused LOST"]


def test_without_a_sandbox_all_is_allowed(results):
    """So a refusal is due to the sandbox, and not to the attempt."""
    refused = {row: result for row, result in results[escape.FREE].items()
               if not escape.is_told(results, row)}
    assert not {row: refused[row] for row in refused if row not in escape.OPTIONAL}


def test_init_is_weaker_only_where_it_is_explained(results):
    unexplained = {
        (row, column): stronger for (row, column), stronger in escape.weaker(results).items()
        if column not in escape.EXCEPTIONS.get(row, ((), ""))[0]}
    assert not unexplained, f"{len(unexplained)} cells; see {escape.TABLE}"


def test_explanations_are_of_what_is_so(results):
    weaker = escape.weaker(results)
    outdated = [(row, column) for row, (columns, _) in escape.EXCEPTIONS.items()
                for column in columns
                if (row, column) not in weaker and escape.is_told(results, row)]
    assert not outdated, "init is no longer weaker there"


@pytest.mark.parametrize("column", escape.OURS)
def test_no_more_with_a_control_channel(outside, results, column):
    """What runs by initctl exec is confined as the container's own command is, and what PID 1 has
    open for the channel, such as the directory of the socket, is no way out."""
    control = outside.directory / "control"
    with subprocess.Popen([*map(str, outside.init(column, "--control", control, "--pause"))],
                          stdin=subprocess.DEVNULL) as box:
        try:
            eventually(lambda: control.exists() and not subprocess.run(
                [INITCTL, "-S", control, "status"], capture_output=True).returncode, what="init")
            found = outside.run(INITCTL, "-S", control, "exec", "--", *outside.words())
        finally:
            box.terminate()
            box.wait(DEADLINE)
    assert list(found) == list(results[column])
    assert not {row: (found[row], result) for row, result in results[column].items()
                if escape.is_weaker(row, found[row], result)}


def test_nothing_is_left_inside(outside, results):
    assert not [*outside.directory.rglob("escape.*")]
