"""cat, tail and ls: files of the container, read from outside. What they print is compared with the
coreutils; what a hostile container may have in their place is refused, and never read outside."""
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from conftest import AS_ROOT, DEADLINE, PROBE, eventually, halt, switches
from container import HANGING, can_hang, needs_root
from hostile import GREETING, Server, message
from initctl import INITCTL, container, control, one_line  # noqa: F401

# An ordinary user's container has him as root, which is how initctl shows him, too.
AS_INSIDE = [] if AS_ROOT else ["unshare", "-Ur"]
ENV = {"PATH": os.environ["PATH"], "LC_ALL": "C"}


@pytest.fixture
def rooted(control):
    """A container with a root of its own, control.root, and a secret beside it."""
    control.start_in_empty_root()
    control.root = control.directory / "root"
    (control.directory / "secret").write_text("SECRET\n")
    return control


def tool(*words, cwd=None, **env):
    return subprocess.run(words, cwd=cwd, env={**ENV, **env}, capture_output=True, check=True).stdout


def errors(done):
    return done.stderr.decode().splitlines() if isinstance(done.stderr, bytes) else \
        done.stderr.splitlines()


# ---- cat


def test_cat(rooted):
    """Bytes as they are, of several files in their order; paths begin in the root."""
    data = [random.Random(n).randbytes(size) for n, size in enumerate((300_001, 0, 65536, 5))]
    (rooted.root / "d").mkdir()
    for n, part in enumerate(data):
        (rooted.root / f"d/{n}").write_bytes(part)
    out = rooted.output("cat", "/d/0", "d/1", "./d/../d/2", "/../../d/3", text=False)
    assert out == b"".join(data)
    assert rooted.output("cat", "--", "d/3", text=False) == data[3]


def test_cat_goes_on(rooted):
    """A file that cannot be read is one line and a failure; the others are printed."""
    for name in ("a", "b"):
        (rooted.root / name).write_text(f"{name}\n")
    done = rooted.run("cat", "a", "none", "app/x", "/", "b")
    assert (done.returncode, done.stdout) == (125, "a\nb\n")
    assert errors(done) == [
        "initctl: cannot read none: No such file or directory",
        "initctl: cannot read app/x: Not a directory",
        "initctl: cannot read /: Is a directory"]


@pytest.mark.parametrize("words, part", [(["cat"], "no path given"), (["tail"], "no path given"),
                                         (["cat", "-x", "a"], "unknown option '-x'"),
                                         (["ls", "-lx"], "unknown option '-x'"),
                                         (["tail", "-n", "x", "a"], "not a number of lines: 'x'"),
                                         (["tail", "-n", "", "a"], "not a number of lines: ''"),
                                         (["tail", "-n"], "needs a value")])
def test_bad_words(container, words, part):
    one_line(container.run(*words), 125, part)


@pytest.mark.parametrize("verb", [["cat"], ["tail"], ["tail", "-f"], ["tail", "-n", "+1"]])
def test_what_is_no_file(rooted, verb):
    """A FIFO or a socket is not opened, nor a link to one."""
    os.mkfifo(rooted.root / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(rooted.root / "socket"))
    (rooted.root / "link").symlink_to("/fifo")
    opened = threading.Event()

    def writer():
        os.close(os.open(rooted.root / "fifo", os.O_WRONLY))
        opened.set()

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        done = rooted.run(*verb, "fifo", "socket", "link")
        assert (done.returncode, done.stdout) == (125, "")
        assert errors(done) == ["initctl: cannot read fifo: is a FIFO",
                                "initctl: cannot read socket: is a socket",
                                "initctl: cannot read link: is a FIFO"]
        assert not opened.is_set()
    finally:
        os.close(os.open(rooted.root / "fifo", os.O_RDONLY | os.O_NONBLOCK))
        thread.join()


@needs_root
def test_devices_are_not_opened(rooted):
    os.mknod(rooted.root / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    one_line(rooted.run("cat", "zero"), 125, "cannot read zero: is a device")
    one_line(rooted.run("tail", "zero"), 125, "cannot read zero: is a device")


WAYS_OUT = ["/proc/1/root/{0}/secret", "/proc/1/cwd/secret", "link/secret", "up", "absolute", "chain",
            "../secret", "/d/../../secret", "magic", "/proc/self/root/etc/passwd"]


@pytest.mark.parametrize("path", WAYS_OUT)
def test_no_way_out(rooted, path):
    """No link, and no parent of the root, leads to the file beside it."""
    secret, root = rooted.directory / "secret", rooted.root
    (root / "d").mkdir()
    (root / "up").symlink_to("../secret")
    (root / "absolute").symlink_to(secret)
    (root / "link").symlink_to("..")
    (root / "chain").symlink_to("d/chain")
    (root / "d/chain").symlink_to("../../secret")
    (root / "magic").symlink_to("/proc/1/root/../secret")
    path = path.format(rooted.directory)
    for words in (["cat", path], ["tail", path], ["tail", "-f", path]):
        done = rooted.run(*words)
        assert done.returncode == 125 and not done.stdout and len(errors(done)) == 1, done
    done = rooted.run("ls", path)
    assert "SECRET" not in done.stdout


def test_magic_links_are_explained(rooted):
    one_line(rooted.run("cat", "/proc/1/root/app"), 125,
             "cannot read /proc/1/root/app: a loop of links, or a link out of the container")


def test_links_stay_inside(rooted):
    """An absolute link leads to the container's file of that name."""
    (rooted.root / "etc").mkdir()
    (rooted.root / "etc/passwd").write_text("inside\n")
    (rooted.root / "link").symlink_to("/etc/passwd")
    (rooted.root / "more").symlink_to("../../../../etc/passwd")
    assert rooted.output("cat", "link", "more", "/../etc/passwd") == "inside\n" * 3


def test_proc(container):
    """Files of proc have no size, and are read nevertheless; those that reading empties are not."""
    assert "NSpid:" in container.output("cat", "/proc/1/status")
    assert container.output("tail", "-n", "1", "/proc/1/status").startswith("nonvoluntary_ctxt")
    assert container.output("tail", "-n", "+1", "/proc/1/status").startswith("Name:\tinit")
    for verb in ("cat", "tail"):
        one_line(container.run(verb, "/proc/kmsg"), 125,
                 "cannot read /proc/kmsg: what is read of it would be gone")


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_replaced_file(rooted):
    """What is opened is what was checked, although the container has swapped it for a FIFO."""
    path, fifo = rooted.root / "file", rooted.root / "fifo"
    path.write_text("text\n")
    os.mkfifo(fifo)
    slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=statx:delay_exit=1000000"]
    one = rooted.popen("cat", "file", outer=slow)

    def opened():
        try:
            return any(os.readlink(name).endswith("/file") for child in rooted.children(one.pid)
                       for name in Path(f"/proc/{child}/fd").iterdir())
        except (FileNotFoundError, ProcessLookupError):  # one that is gone meanwhile
            return False

    eventually(opened, what="the open of the file")
    fifo.rename(path)
    assert one.communicate(timeout=DEADLINE) == (b"text\n", b"")


def test_a_file_that_is_swapped(rooted):
    """Either is one line or the text, and nothing is waited for."""
    path, other, fifo = (rooted.root / name for name in ("file", "other", "fifo"))
    path.write_text("text\n")
    os.mkfifo(fifo)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            os.link(fifo, other)
            os.rename(other, path)
            other.write_text("text\n")
            os.rename(other, path)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(60):
            done = rooted.run("cat", "file")
            assert (done.returncode, done.stdout) in ((0, "text\n"), (125, "")), done
            assert done.returncode == 0 or "is a FIFO" in done.stderr, done
    finally:
        stop.set()
        thread.join()


def test_a_huge_name(rooted):
    """Of a path of the container, or of the operator, one line."""
    name = "n" * 255
    (rooted.root / name).write_text("x\n")
    assert rooted.output("cat", name) == "x\n"
    assert rooted.output("ls") .splitlines() == sorted(["app", "init", name, "proc"])
    one_line(rooted.run("cat", "y" * 256), 125, "cannot read yyyy")
    one_line(rooted.run("cat", "y/" * 3000), 125, "cannot read y/y/")


def test_output_cannot_be_written(rooted):
    (rooted.root / "file").write_bytes(b"x" * 200_000)
    for words in (["cat", "file"], ["tail", "-n", "5", "file"], ["ls"], ["ls", "-l"]):
        with open("/dev/full", "w") as full:
            done = rooted.run(*words, stdout=full)
        assert done.returncode == 125
        assert errors(done) == ["initctl: cannot write output: No space left on device"]
        read, write = os.pipe()
        os.close(read)
        done = rooted.run(*words, stdout=write)
        os.close(write)
        assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


def test_output_that_does_not_block(rooted):
    """A pipe that whoever started us has made non-blocking takes all."""
    (rooted.root / "file").write_bytes(b"0123456789" * 50_000)
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    one = rooted.popen("cat", "file", stdout=write)
    os.close(write)
    os.set_blocking(read, True)
    with os.fdopen(read, "rb") as file:
        eventually(lambda: Path(f"/proc/{one.pid}/wchan").read_text() not in ("", "0"), what="a wait")
        assert file.read() == b"0123456789" * 50_000
    assert one.wait(DEADLINE) == 0


HOSTILE = b"a\x1b[2Jb\rc\x07\x00d\te\nf\x9bg\xc2\x9bh\xe2\x80\xaei \xe4\xbd\xa0 \\ \xff\xe2\x82\n"
SHOWN = ("a\\x1b[2Jb\\rc\\a\\x00d\te\r\nf\\x9bg\\x9bh\\u202ei \u4f60 \\ \\xff\\xe2\\x82\r\n")


@pytest.mark.parametrize("verb", [["cat"], ["tail", "-n", "9"]])
def test_a_terminal(rooted, verb):
    """On a terminal control characters are escaped, but for newlines and tabs."""
    (rooted.root / "file").write_bytes(HOSTILE)
    assert rooted.output(*verb, "file", text=False) == HOSTILE
    terminal = rooted.on_terminal(*verb, "file")
    terminal.expect(re.escape(SHOWN))
    assert terminal.wait() == 0
    assert "\x1b" not in terminal.seen


def raw_output(terminal):
    """All that is printed, in bytes."""
    parts = []
    try:
        while part := os.read(terminal.master, 65536):
            parts.append(part)
    except OSError:
        pass
    assert terminal.wait() == 0
    return b"".join(parts)


def test_characters_across_blocks(rooted):
    """A character of several bytes is shown as such wherever the blocks that are read end."""
    for shift in range(4):
        text = "x" * shift + "\u20ac" * 30000 + "\U0001f600" * 20000
        (rooted.root / "file").write_text(text, encoding="utf-8")
        assert raw_output(rooted.on_terminal("cat", "file")) == text.encode()
    (rooted.root / "cut").write_bytes(b"x\xe2\x82")
    assert raw_output(rooted.on_terminal("cat", "cut", "cut")) == b"x\\xe2\\x82" * 2


# ---- tail


def lines(count, last="\n"):
    return "\n".join(f"line {n}" for n in range(1, count + 1)).encode() + last.encode()


FILES = {"empty": b"", "newline": b"\n", "newlines": b"\n" * 20, "short": lines(3), "cut": lines(12, ""),
         "long": lines(40_000), "long cut": lines(40_000, ""), "one": b"x" * 200_000,
         "one\n": b"x" * 200_000 + b"\n", "blocks": (b"x" * 65535 + b"\n") * 4,
         "behind": b"\n" + (b"x" * 65535 + b"\n") * 4, "binary": random.Random(1).randbytes(150_000)}


@pytest.mark.parametrize("words", [[], ["-n", "0"], ["-n1"], ["-n", "-2"], ["-3"], ["--lines=4"],
                                   ["-n", "10000"], ["-n", "100000"], ["-n", "+0"], ["-n", "+1"], ["-n+2"],
                                   ["-n", "+30000"], ["-n", "+100000"], ["-n", "18446744073709551615"]],
                         ids=" ".join)
def test_tail(rooted, words):
    """As that of the coreutils."""
    for name, data in FILES.items():
        (rooted.root / name).write_bytes(data)
        expected = tool("tail", *words, name, cwd=rooted.root)
        assert rooted.output("tail", *words, name, text=False) == expected, name
    names = ["short", "empty", "cut"]
    if words in (["-n", "0"], ["-3"]):
        return  # of several the coreutils print not even headers, or nothing
    assert rooted.output("tail", *words, *names, text=False) == tool("tail", *words, *names,
                                                                    cwd=rooted.root)


def test_options_behind_files(rooted):
    for name in ("a", "-n"):
        (rooted.root / name).write_bytes(lines(20))
    assert rooted.output("tail", "a", "-n", "2") == "line 19\nline 20\n"
    assert rooted.output("tail", "-n", "1", "--", "-n") == "line 20\n"


def test_tail_goes_on(rooted):
    (rooted.root / "a").write_bytes(b"a\n")
    done = rooted.run("tail", "a", "none", "/", "a")
    assert (done.returncode, done.stdout) == (125, "==> a <==\na\n\n==> a <==\na\n")
    assert errors(done) == ["initctl: cannot read none: No such file or directory",
                            "initctl: cannot read /: Is a directory"]


def test_a_huge_file(rooted):
    """The end of a file of a terabyte is found without reading the file."""
    with open(rooted.root / "file", "wb") as file:
        file.seek(1 << 40)
        file.write(b"\nthe\nend\n")
    started = time.monotonic()
    assert rooted.output("tail", "-n", "2", "file") == "the\nend\n"
    assert rooted.output("tail", "-n", "0", "file") == ""
    assert time.monotonic() - started < 5


class Reader:
    """initctl tail -f; until() waits for output, and has what was printed since."""

    def __init__(self, control, *words, **popen):
        self.popen = control.popen("tail", *words, **popen)
        self.output = {"stdout": b"", "stderr": b""}
        for name in self.output:
            os.set_blocking(getattr(self.popen, name).fileno(), False)

    def read(self, name):
        self.output[name] += getattr(self.popen, name).read() or b""
        return self.output[name]

    def until(self, text, name="stdout"):
        end = text.encode()
        eventually(lambda: self.read(name).endswith(end), what=f"{text!r} in {self.output}")
        result, self.output[name] = self.output[name].decode(), b""
        return result

    def errors(self, text):
        return self.until(text, "stderr")


@pytest.fixture
def follow(rooted):
    return lambda *words, **popen: Reader(rooted, *words, **popen)


def append(path, text):
    with open(path, "a") as file:
        file.write(text)


def test_follow(rooted, follow):
    """What is added is printed, also without a newline."""
    path = rooted.root / "log"
    path.write_bytes(lines(20))
    one = follow("-f", "-n", "2", "log")
    assert one.until("20\n") == "line 19\nline 20\n"
    for text in ("more\n", "par", "tial\n", "x" * 300_000 + "\n"):
        append(path, text)
        assert one.until(text) == text
    assert one.popen.poll() is None and not one.read("stderr")


def test_follow_to_a_terminal(rooted):
    """The rest of a character may come later."""
    path = rooted.root / "log"
    path.write_bytes(b"a\xe2\x82")
    terminal = rooted.on_terminal("tail", "-f", "log")
    terminal.expect("a")
    with open(path, "ab", buffering=0) as file:
        file.write(b"\xac")
        terminal.expect("^\u20ac")
        file.write(b"\x1b\n")
    terminal.expect(r"^\\x1b\r\n")
    terminal.press("\x03")
    assert terminal.wait() == -signal.SIGINT


def test_truncated(rooted, follow):
    path = rooted.root / "log"
    path.write_bytes(lines(20))
    one = follow("-f", "log")
    one.until("20\n")
    path.write_text("new\n")
    assert one.errors("truncated\n") == "initctl: log: file truncated\n"
    assert one.until("new\n") == "new\n"
    append(path, "more\n")
    assert one.until("more\n") == "more\n"


def test_renamed(rooted, follow):
    """After a rotation the file that has the name now is followed, from its start; what is written
    to the old one until the new one has content is printed as well."""
    path, old = rooted.root / "log", rooted.root / "log.1"
    path.write_text("a\n")
    one = follow("-f", "log")
    one.until("a\n")
    for text in "bcd":
        path.rename(old)
        one.errors("log: no file of this name any more: No such file or directory\n")
        append(old, f"late {text}\n")
        assert one.until(f"late {text}\n") == f"late {text}\n"
        path.touch()
        before = switches(one.popen.pid)
        eventually(lambda: switches(one.popen.pid) > before + 2, what="a look at the new file")
        append(old, f"later {text}\n")
        assert one.until(f"later {text}\n") == f"later {text}\n"
        append(old, f"last {text}\n")
        append(path, f"new {text}\n")
        assert one.until(f"new {text}\n") in (f"last {text}\nnew {text}\n")
        assert one.errors("name\n") == "initctl: log: following another file of this name\n"
        append(path, f"more {text}\n")
        assert one.until(f"more {text}\n") == f"more {text}\n"


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_nothing_is_lost_in_a_rotation(rooted, follow):
    """What was written to the old file before the new one is printed, also if that happens between
    two system calls, of which one is slow here."""
    path, old = rooted.root / "log", rooted.root / "log.1"
    path.write_text("0\n")
    one = follow("-f", "log", outer=["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                                     "inject=openat2:delay_enter=400000"])
    one.until("0\n")
    for n in range(1, 7):
        path.rename(old)
        append(old, f"old {n}\n")
        append(path, f"new {n}\n")
        assert one.until(f"new {n}\n") == f"old {n}\nnew {n}\n"
    os.kill(rooted.children(one.popen.pid)[0], signal.SIGKILL)
    one.popen.wait()


def test_replaced(rooted, follow):
    """By a rename over it, also by way of a link; by what is no file, which is reported once."""
    path, other = rooted.root / "log", rooted.root / "other"
    (rooted.root / "link").symlink_to("log")
    path.write_text("a\n")
    one = follow("-f", "link")
    one.until("a\n")
    other.write_text("b\n")
    other.rename(path)
    assert one.until("b\n") == "b\n"
    one.errors("name\n")
    path.unlink()
    os.mkfifo(path)
    assert one.errors("FIFO\n") == "initctl: link: no file of this name any more: is a FIFO\n"
    path.unlink()
    path.write_text("c\n")
    assert one.until("c\n") == "c\n"
    assert one.errors("name\n") == "initctl: link: following another file of this name\n"
    path.unlink()
    path.symlink_to("../secret")
    one.errors("directory\n")
    assert one.popen.poll() is None


def test_follow_several(rooted, follow):
    """A header where another file is printed than before."""
    for name in "ab":
        (rooted.root / name).write_text(f"{name}\n")
    one = follow("-f", "a", "b")
    assert one.until("b\n") == "==> a <==\na\n\n==> b <==\nb\n"
    append(rooted.root / "b", "1\n")
    assert one.until("1\n") == "1\n"
    append(rooted.root / "a", "2\n")
    assert one.until("2\n") == "\n==> a <==\n2\n"


def test_missing_files(rooted, follow):
    """-f does not wait for a file that was not there at first, -F does."""
    one_line(rooted.run("tail", "-f", "none"), 125, "cannot read none: No such file")
    one = follow("-F", "none")
    one.errors("cannot read none: No such file or directory\n")
    (rooted.root / "none").write_text("a\n")
    assert one.until("a\n") == "a\n"
    assert one.errors("now\n") == "initctl: none: following it now\n"
    one_line(rooted.run("tail", "-F", "/"), 125, "cannot read /: Is a directory")


@pytest.mark.parametrize("other", [[], ["none"]])
def test_the_end_of_the_container(rooted, follow, other):
    """The last words are printed; that it ends is no failure."""
    path = rooted.root / "log"
    path.write_text("a\n")
    one = follow("-f", "log", *other)
    one.until("a\n")
    rooted.init.signal(signal.SIGSTOP)
    append(path, "last\n")
    rooted.init.signal(signal.SIGKILL)
    assert one.until("last\n") == "last\n"
    assert one.popen.wait(DEADLINE) == (125 if other else 0)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_nobody_reads(rooted, follow, kind):
    """It ends when its reader does, although there is nothing to write."""
    (rooted.root / "log").write_text("a\n")
    if kind == "pipe":
        read, write = os.pipe2(os.O_CLOEXEC)
    else:
        mine, other = socket.socketpair()
        read, write = mine.detach(), other.detach()
    one = rooted.popen("tail", "-f", "log", stdout=write)
    os.close(write)
    assert os.read(read, 10) == b"a\n"
    os.close(read)
    assert one.wait(DEADLINE) == -signal.SIGPIPE
    assert one.stderr.read() == b""


def test_an_ignored_sigpipe(rooted):
    (rooted.root / "log").write_text("a\n")
    read, write = os.pipe2(os.O_CLOEXEC)
    one = rooted.popen("tail", "-f", "log", stdout=write, preexec_fn=lambda: signal.signal(
        signal.SIGPIPE, signal.SIG_IGN))
    os.close(write)
    os.close(read)
    assert one.wait(DEADLINE) == 125
    assert one.stderr.read() == b"initctl: cannot write output: Broken pipe\n"


def test_it_waits(rooted, follow):
    """Between its looks it sleeps: a few wakeups a second."""
    (rooted.root / "log").write_text("a\n")
    one = follow("-f", "log")
    one.until("a\n")
    before, started = switches(one.popen.pid), time.monotonic()
    eventually(lambda: time.monotonic() > started + 2)
    assert switches(one.popen.pid) - before < 20


# ---- ls


@pytest.fixture
def tree(rooted):
    """Files of all kinds, with the modes, times and sizes that ls shows in different ways."""
    root, now = rooted.root / "t", time.time()
    (rooted.root / "etc").mkdir()
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", rooted.root / "etc" / name)
    root.mkdir()
    for n, mode in enumerate((0o644, 0o4755, 0o4644, 0o2755, 0o2644, 0o1777, 0o1776, 0, 0o7777)):
        (root / f"mode{n}").write_bytes(b"x" * 11 ** n if n < 6 else b"")
        (root / f"mode{n}").chmod(mode)
    for name, age in (("new", 10), ("half", 15_778_476 - 600), ("older", 15_778_476 + 600),
                      ("old", 10 ** 9), ("future", -3600), ("epoch", now), ("before", now + 10 ** 9)):
        (root / name).touch()
        os.utime(root / name, (now - age, now - age))
    os.link(root / "new", root / "linked")
    for name, target in (("link", "mode1"), ("dangling", "none"), ("tree", "directory"), ("up", "..")):
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo")
    for folder in ("directory", "directory/empty", ".hidden", ".hidden/x"):
        (root / folder).mkdir()
    for name in (".dot", "Upper", "a", "b", "~", "_", "1"):
        (root / "directory" / name).touch()
    if AS_ROOT:
        os.chown(root / "mode0", 1, 12)
        os.chown(root / "mode1", 4242, 424242)
        os.mknod(root / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.mknod(root / "disk", 0o660 | stat.S_IFBLK, os.makedev(259, 65536))
    rooted.tree = root
    return rooted


def below(words):
    """The words with the tree's folder before every path."""
    return [word if word.startswith("-") else f"t/{word}" for word in words]


@pytest.mark.parametrize("words", [["."], ["-l", "."], ["-la", "."], ["-a", "."], ["-ld", "."], ["-d", "."],
                                   ["-1", "."], ["directory"], ["-l", "directory"], ["-l", "tree"], ["tree"],
                                   ["dangling", "link"], ["-l", "tree", "dangling", "fifo", "mode0"],
                                   ["tree", "dangling", "fifo", "directory", ".hidden"], ["tree/", "mode1"],
                                   ["-ld", "tree/", "directory"], ["-l", "directory", "directory/empty"],
                                   ["directory", "-la"], ["directory/empty"], ["-l", "directory/empty"],
                                   ["-a", "directory", "mode0", "directory/empty", "mode2"],
                                   ["-l", "mode5", "mode0"]], ids=" ".join)
def test_ls(tree, words):
    """As that of the coreutils, off a terminal, in the time of most images."""
    expected = tool(*AS_INSIDE, "ls", *below(words), cwd=tree.root, TZ="UTC")
    assert tree.output("ls", *below(words), text=False, env={"TZ": "XYZ-5:30"}) == expected


def test_ls_in_columns(tree):
    """As that of the coreutils on a terminal."""
    (tree.tree / "many").mkdir()
    for n in range(100):
        (tree.tree / "many" / f"{'n' * (n % 17)}{n}").touch()
    for words in (["."], ["many"], ["-a", "directory"], ["mode0", "directory"], ["directory/empty"]):
        words = below(words)
        for columns in (20, 80, 133):
            expected = tool("ls", "-C", "-w", str(columns), "-T", "0", *words, cwd=tree.root)
            terminal = tree.on_terminal("ls", *words, columns=columns)
            assert raw_output(terminal).replace(b"\r", b"") == expected, (words, columns)
    assert b"b\r\n" in raw_output(tree.on_terminal("ls", "-1", "t/directory"))


def test_wide_and_hostile_names(rooted):
    """Columns are aligned by what is displayed; nothing of a name or a target reaches the terminal."""
    folder = rooted.root / "d"
    folder.mkdir()
    for name in (b"\xe4\xbd\xa0\xe5\xa5\xbd", b"e\xcc\x81", b"a\x1b[2J", b"n\nl", b"\xff", b"x y", b"z" * 7):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
    (folder / "zz").symlink_to("to\x1b]0;t\x07")
    shown = ["a\\x1b[2J", "e\u0301", "n\\nl", "x y", "zzzzzzz", "zz", "\u4f60\u597d", "\\xff"]
    assert sorted(rooted.output("ls", "d").splitlines()) == sorted(shown)
    text = raw_output(rooted.on_terminal("ls", "d", columns=20)).decode()
    rows = text.splitlines()
    assert [row.split("  ")[0] for row in rows] == ["a\\x1b[2J", "e\u0301", "n\\nl", "x y"]
    assert [row[:9] + "|" for row in rows][2:] == ["n\\nl     |", "x y      |"]
    assert rows[1].startswith("e\u0301" + 9 * " ")
    for words in (["ls", "-l", "d"], ["ls", "d"], ["ls", "-l", "d/zz"], ["ls", "-a", "d", "app"]):
        assert b"\x1b" not in raw_output(rooted.on_terminal(*words))
    assert "zz -> to\\x1b]0;t\\a" in rooted.output("ls", "-l", "d")


def test_ls_of_the_root(rooted):
    """The parent of the root is the root itself; without a path it is the root that is listed."""
    assert rooted.output("ls") == rooted.output("ls", "/") == rooted.output("ls", "/../proc/..") \
        == "app\ninit\nproc\n"
    first, second = rooted.output("ls", "-la").splitlines()[1:3]
    assert (first.split()[-1], second.split()[-1]) == (".", "..")
    assert first.split()[:-1] == second.split()[:-1]
    rows = rooted.lines("ls", "-a", "d/..") if (rooted.root / "d").mkdir() is None else ()
    inode = {one["name"]: one for one in rows}
    assert {**inode[".."], "name": "."} == inode["."]


def test_ls_json(tree):
    rows = {one["name"]: one for one in tree.lines("ls", "/t")}
    assert set(rows) == {name for name in os.listdir(tree.tree) if name[0] != "."}
    for name, row in rows.items():
        status = os.lstat(tree.tree / name)
        assert (row["size"], row["links"], row["uid"], row["gid"]) == \
            (status.st_size, status.st_nlink, *((status.st_uid, status.st_gid) if AS_ROOT else (0, 0)))
        assert row["mode"] == f"{stat.S_IMODE(status.st_mode):04o}" and row["directory"] == "/t"
        assert row["modified"] == (int(status.st_mtime) if status.st_mtime >= 0 else None)
    assert rows["link"]["type"] == "link" and rows["link"]["target"] == "mode1"
    assert rows["directory"]["type"] == "directory" and rows["fifo"]["type"] == "fifo"
    if AS_ROOT:
        assert (rows["null"]["type"], rows["null"]["major"], rows["null"]["minor"]) == ("character device", 1, 3)
    one, = tree.lines("ls", "-d", "/etc")
    assert one["name"] == "/etc" and "directory" not in one


def test_ls_goes_on(rooted):
    (rooted.root / "d").mkdir()
    (rooted.root / "d/x").touch()
    done = rooted.run("ls", "none", "d", "app", "app/y")
    assert (done.returncode, done.stdout) == (125, "app\n\nd:\nx\n")
    assert errors(done) == ["initctl: cannot list none: No such file or directory",
                            "initctl: cannot list app/y: Not a directory"]


OWNERS = [(0, 0, "root", "wheel"), (5, 6, "five", "6"), (77, 88, "77", "88"), (9, 9, "n\\x1b", "long" * 15),
          (10, 10, "10", "10")]


@needs_root
def test_owners_by_the_containers_names(rooted):
    """Of its /etc/passwd, which may contain anything; numbers where there is no name."""
    (rooted.root / "etc").mkdir()
    (rooted.root / "etc/passwd").write_bytes(
        b"root:x:0:0::/:/x\njunk\n:\n::\nfive:x:5:\nagain:x:5:5:\n77x:x:077x:1::\nn\x1b:x:9:9:\n" +
        b"l" * 64 + b":x:10:10:\ncut:x:78")
    (rooted.root / "etc/group").write_bytes(b"wheel:*:0:a,b\nlong" + b"long" * 14 + b":x:9:\n:x:10:\n")
    for n, (uid, gid, *_) in enumerate(OWNERS):
        (rooted.root / f"f{n}").touch()
        os.chown(rooted.root / f"f{n}", uid, gid)
    rows = rooted.output("ls", "-l", *(f"f{n}" for n in range(len(OWNERS)))).splitlines()
    assert [tuple(row.split()[2:4]) for row in rows] == [names[2:] for names in OWNERS]
    assert len({row.index(" 0 ") for row in rows}) == 1


@needs_root
def test_a_passwd_that_is_a_fifo_or_huge(rooted):
    """Nothing is waited for, and no more is read than what a passwd may have."""
    (rooted.root / "etc").mkdir()
    os.mkfifo(rooted.root / "etc/passwd")
    (rooted.root / "etc/group").symlink_to("/proc/1/root/etc/group")
    assert rooted.output("ls", "-ld", "app").split()[2:4] == ["0", "0"]
    (rooted.root / "etc/passwd").unlink()
    with open(rooted.root / "etc/passwd", "wb") as file:
        file.write(b"root:x:0:0:\n")
        file.truncate(1 << 40)
    assert rooted.output("ls", "-ld", "app").split()[2:4] == ["root", "0"]


@needs_root
def test_owners_in_a_user_namespace(control):
    """Owners are those that the container sees, by its map of ids."""
    control.directory.chmod(0o755)
    control.start("--unshare=pid,mount,user", "--mount-proc", "--uid-map=0:300000:1000",
                  "--gid-map=0:400000:1000", how="plain")
    for name, uid, gid in (("a", 300000, 400000), ("b", 300005, 400006), ("c", 0, 0), ("d", 301000, 399999)):
        (control.directory / name).touch()
        os.chown(control.directory / name, uid, gid)
    rows = {row["name"]: (row["uid"], row["gid"]) for row in control.lines("ls", str(control.directory))}
    assert [rows[name] for name in "abcd"] == [(0, 0), (5, 6), (65534, 65534), (65534, 65534)]
    row = control.output("ls", "-l", f"{control.directory}/a").split()
    assert row[2:4] == ["root", "root"]


def test_owners_of_an_ordinary_user(control):
    """In the container's own user namespace, as operator, the ids are those that are seen."""
    user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"] if AS_ROOT else []
    control.directory.chmod(0o777)
    control.start(how="plain", outer=[*user, "unshare", "-pfUr", "--mount-proc", "--kill-child"])
    path = control.directory / "mine"
    subprocess.run([*user, "touch", str(path)], check=True)
    one, = json.loads(control.run("--json", "ls", str(path), outer=user).stdout),
    assert (one["uid"], one["gid"]) == (0, 0)
    nest = ["nsenter", "-U", "--preserve-credentials", "-t", str(control.pid())]
    inner, = json.loads(control.run("--json", "ls", str(path), outer=[*user, *nest]).stdout),
    assert (inner["uid"], inner["gid"]) == (0, 0)


def test_a_directory_that_changes(rooted):
    """What vanishes while it is listed is left out, and is no failure."""
    folder = rooted.root / "d"
    folder.mkdir()
    (folder / "stays").touch()
    stop = threading.Event()

    def change():
        while not stop.is_set():
            for n in range(200):
                (folder / f"{n}").touch()
            for n in range(200):
                (folder / f"{n}").unlink()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(30):
            assert "stays" in rooted.output("ls", "-l", "d")
    finally:
        stop.set()
        thread.join()


def test_many_names(rooted):
    folder = rooted.root / "d"
    folder.mkdir()
    names = sorted(f"{n:x}" for n in range(20_000))
    for name in names:
        (folder / name).touch()
    assert rooted.output("ls", "d").splitlines() == names
    assert len(rooted.output("ls", "-l", "d").splitlines()) == len(names) + 1


# ---- a container that hangs, or is no container


@can_hang
@pytest.mark.parametrize("words", [["cat"], ["ls"], ["ls", "-l"], ["tail"], ["tail", "-f"]], ids=" ".join)
def test_a_file_system_that_hangs(control, words):
    """One line, after the time that --timeout gives."""
    mount = control.directory / "mnt"
    mount.mkdir()
    control.start(wrap=[*HANGING, mount])
    one_line(control.run("--timeout", "300ms", *words, f"{mount}/file"), 125,
             f"{mount}/file: no answer within 300 ms")
    assert control.output("cat", "/proc/1/comm") == "init\n"


@can_hang
def test_the_time_of_a_stop_does_not_count(control):
    """After a ctrl-z and a fg the call goes on, for a while."""
    mount = control.directory / "mnt"
    mount.mkdir()
    control.start(wrap=[*HANGING, mount])
    one = control.popen("--timeout", "2s", "cat", f"{mount}/file", start_new_session=True)
    control.children(one.pid)
    os.killpg(one.pid, signal.SIGSTOP)
    time.sleep(2.5)
    began = time.monotonic()
    os.killpg(one.pid, signal.SIGCONT)
    assert one.wait(DEADLINE) == 125
    assert time.monotonic() - began > 0.9


def test_init_is_stopped(rooted):
    """That it does not answer is one line; a file that is followed already goes on."""
    (rooted.root / "log").write_text("a\n")
    one = Reader(rooted, "-f", "log")
    one.until("a\n")
    halt(rooted.pid())
    append(rooted.root / "log", "b\n")
    assert one.until("b\n") == "b\n"
    for words in (["cat", "log"], ["ls"], ["tail", "-f", "log"]):
        one_line(rooted.run("--timeout", "300ms", *words), 125, "no answer within 300 ms")
    os.kill(rooted.pid(), signal.SIGCONT)


@pytest.mark.parametrize("kind", ["file", "null", "pipe", "socket"])
def test_a_root_that_is_none(control, kind):
    """A false server passes something else as the root."""
    server = Server(control.socket)
    try:
        server.serve((GREETING, []), [[(message("opened"), [kind])]])
        for words in (["cat", "x"], ["ls", "x"], ["tail", "x"]):
            one_line(control.run(*words), 125, "x: Not a directory")
    finally:
        control.close()
        server.close()


def test_verbs_that_are_withheld(control):
    """A channel that does not pass the root says so."""
    control.start("--control-verbs", "status,watch,wait")
    for verb in ("cat", "ls", "tail"):
        one_line(control.run(verb, "/"), 125, "root", "--control-verbs")


def test_no_control_character_in_a_message(rooted):
    """They are escaped as on stdout: C0, C1 as a character and as a byte, and marks of direction."""
    done = rooted.run("cat", b"a\xc2\x9b31mb\x1bc\x7f\xe2\x80\xae\x9b\xe4\xbd\xa0\xc3\xa0", text=False)
    assert br"cannot read a\x9b31mb\x1bc\x7f\u202e\x9b" + b"\xe4\xbd\xa0\xc3\xa0: No such" in done.stderr
