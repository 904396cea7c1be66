"""cp on a container that wants out: known attacks on docker cp, and copies that are cut short."""
import os
import shutil
import signal
import subprocess
import threading

import pytest

from conftest import AS_ROOT, LIBC, eventually
from container import HANGING, can_hang
from initctl import INITCTL, control, one_line  # noqa: F401
from terminal import INTERRUPT
from test_initctl_copy import sides  # noqa: F401
from test_initctl_tar import entry, made

as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
AT_FDCWD, EXCHANGE = -100, 2


@pytest.fixture
def victim(sides):
    """A directory outside that the container would like to reach, by the path that links have."""
    path = sides.control.directory / "victim"
    path.mkdir()
    (path / "secret").write_text("secret")
    return path


def untouched(victim):
    return os.listdir(victim) == ["secret"] and (victim / "secret").read_text() == "secret"


def strace(*inject, path=None):
    words = ["strace", "-f", "-qq", "-o", "/dev/null"]
    for one in inject:
        words += ["-e", f"inject={one}"]
    return words + (["-P", path] if path else [])


class Swapper(threading.Thread):
    """Exchanges two names, again and again."""

    def __init__(self, a, b):
        super().__init__(daemon=True)
        self.names, self.stop, self.count = (os.fsencode(a), os.fsencode(b)), False, 0

    def run(self):
        while not self.stop:
            assert not LIBC.renameat2(AT_FDCWD, self.names[0], AT_FDCWD, self.names[1], EXCHANGE)
            self.count += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.join()


# ---- links that lead out


@pytest.mark.parametrize("climb", ["", "../" * 20])
def test_links_inside_stay_inside(sides, victim, climb):
    """An absolute link, and one with many "..", is one in the container's root (CVE-2022-...)."""
    (sides.inside / "link").symlink_to(f"{climb}{victim}" if climb else victim)
    (sides.outside / "file").write_text("x")
    for words in ([":/link/secret", "got"], ["-L", ":/link", "got"], ["file", ":/link/file"]):
        one_line(sides.fails(*words), 125, "cannot copy ", "No such file")
    # Not even one that is to be made: the place is inside, where there is no such directory.
    one_line(sides.fails("file", ":/link"), 125, "cannot copy to :/link: No such file")
    (sides.inside / str(victim)[1:]).mkdir(parents=True)
    sides.cp("file", ":/link")
    assert (sides.inside / str(victim)[1:] / "file").exists()
    assert untouched(victim) and not (sides.outside / "got").exists()


def test_magic_links_are_refused(sides):
    """Those of /proc lead to other roots."""
    for path in ("self/root", "1/root", "1/cwd", "1/exe"):
        one_line(sides.fails("-L", f":/proc/{path}", "got"), 125, f"cannot copy :/proc/{path}: ")
        one_line(sides.fails(f":/proc/{path}/etc", "got"), 125, f"cannot copy :/proc/{path}/etc: ")
    one_line(sides.fails("-L", ":/proc/1/fd/0", "got"), 125, "cannot copy :/proc/1/fd/0: ")
    assert not os.listdir(sides.outside)


def test_a_link_of_the_container_is_not_followed_outside(sides, victim):
    """What a copy has made is no way for the next, in one command or two."""
    for name in "abc":
        (sides.inside / name).mkdir()
    (sides.inside / "a/evil").symlink_to(victim)
    (sides.inside / "b/evil").mkdir()
    (sides.inside / "b/evil/secret").write_text("changed")
    (sides.inside / "c/evil").write_text("changed")
    out = sides.outside / "out"
    out.mkdir()
    one_line(sides.fails(":/a/evil", ":/b/evil", "out"), 125,
             "cannot copy :/b/evil: Not a directory")
    one_line(sides.fails(":/b/.", "out"), 125, "cannot copy :/b/evil: Not a directory")
    # The link itself is replaced.
    assert os.readlink(out / "evil") == str(victim)
    sides.cp(":/c/.", "out")
    assert (out / "evil").read_text() == "changed" and not (out / "evil").is_symlink()
    (sides.outside / "link").symlink_to(victim / "secret")
    one_line(sides.fails(":/c/evil", "link"), 125, "it is a symbolic link")
    assert untouched(victim)


@pytest.mark.parametrize("inwards", [True, False])
def test_a_directory_that_becomes_a_link(sides, victim, inwards):
    """While it is copied, a directory inside is exchanged with a link to one outside
    (CVE-2018-15664): nothing is read or written there."""
    (sides.inside / "d/real").mkdir(parents=True)
    (sides.inside / "d/other").symlink_to(victim)
    for number in range(20):
        (sides.outside / f"tree/{number}").mkdir(parents=True)
        (sides.outside / f"tree/{number}/secret").write_text("changed")
        (sides.inside / f"d/real/{number}").mkdir()
        (sides.inside / f"d/real/{number}/secret").write_text("theirs")
    with Swapper(sides.inside / "d/real", sides.inside / "d/other") as swapper:
        for turn in range(40):
            if inwards:
                sides.fails("tree/.", ":/d/real")
            else:
                sides.fails(":/d", f"out.{turn}")
                sides.fails(":/d/real/.", f"out.{turn}")
    assert swapper.count > 100 and untouched(victim)
    for path in sides.outside.glob("out.*/**/*"):
        assert path.is_symlink() or path.is_dir() or path.read_text() == "theirs"


@needs_strace
def test_a_parent_that_becomes_a_link(sides, victim):
    """The directory that is copied into is replaced after it was opened."""
    (sides.outside / "tree").mkdir()
    (sides.outside / "tree/secret").write_text("changed")
    (sides.inside / "d").mkdir()
    client = sides.control.popen("cp", "tree", ":/d", cwd=sides.outside,
                                 outer=strace("linkat:delay_enter=500000:when=1"))
    eventually(lambda: (sides.inside / "d/tree").exists(), what="the copy's directory")
    os.rename(sides.inside / "d/tree", sides.inside / "d/moved")
    (sides.inside / "d/tree").symlink_to(victim)
    assert client.wait() == 0
    assert untouched(victim) and (sides.inside / "d/moved/secret").read_text() == "changed"


@needs_strace
def test_a_file_that_becomes_something_else(sides, victim):
    """Between the directory's list and the open: a pipe does not hang, a link is not followed."""
    for kind in ("pipe", "link"):
        (sides.inside / kind).mkdir()
        path = sides.inside / kind / "file"
        path.write_text("1")
        client = sides.control.popen("cp", f":/{kind}", kind, cwd=sides.outside, text=True,
                                     outer=strace("getdents64:delay_exit=500000:when=1"))
        eventually(lambda at=kind: (sides.outside / at).exists(), what="the copy's directory")
        path.unlink()
        path.symlink_to(victim / "secret") if kind == "link" else os.mkfifo(path)
        error = client.communicate()[1]
        assert f"cannot copy :/{kind}/file: " in error and "no answer" not in error
        assert client.returncode == 125 and not os.listdir(sides.outside / kind)


@needs_strace
def test_nothing_of_the_container_runs(sides):
    """No process, no other root, no library of the image (CVE-2019-14271)."""
    (sides.outside / "file").write_text("1")
    log = sides.control.directory / "log"
    before = sides.control.lines("status")[0]
    sides.cp("file", ":/file", outer=[
        "strace", "-f", "-qq", "-o", log, "-e",
        "trace=execve,execveat,clone,clone3,fork,vfork,setns,unshare,chroot,fchdir,chdir"])
    calls = [line.split()[1] for line in log.read_text().splitlines() if "CLONE_THREAD" not in line]
    # The second process is initctl's own, which watches the first.
    assert len(calls) == 2 and calls[0].startswith("execve(") and calls[1].startswith(("fork(", "clone("))
    after = sides.control.lines("status")[0]
    assert (before["reaped"], before["sessions"]) == (after["reaped"], after["sessions"])


# ---- much of something


def test_long_paths(sides):
    """Longer than a system call takes."""
    name, depth = "n" * 200, 40
    fd = os.open(sides.inside, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=fd)
        fd, last = os.open(name, os.O_RDONLY, dir_fd=fd), fd
        os.close(last)
    os.close(os.open("file", os.O_CREAT, dir_fd=fd))
    os.close(fd)
    sides.cp(f":/{name}", "out")
    found = subprocess.run(["find", "out", "-name", "file"], cwd=sides.outside, check=True,
                           stdout=subprocess.PIPE).stdout
    assert found.count(name.encode()) == depth - 1


def test_too_deep(sides):
    """Refused with one line; what is above is copied, whatever the limit of open files."""
    fd = os.open(sides.inside, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=fd)
        fd, last = os.open("d", os.O_RDONLY, dir_fd=fd), fd
        os.close(last)
    os.close(fd)
    try:
        one_line(sides.fails(":/d", "out", outer=["prlimit", "--nofile=64:4096"]), 125,
                 "too many directories in one another")
    finally:
        subprocess.run(["rm", "-r", sides.inside / "d"], check=True)


def test_pseudo_file_systems_are_left_out(sides):
    """Of /proc below what is copied there is the directory, and of a file of it the contents."""
    sides.cp(":/", "out")
    assert os.listdir(sides.outside / "out/proc") == [] and (sides.outside / "out/app").exists()
    sides.cp(":/proc/1/status", "status")
    assert (sides.outside / "status").read_text().startswith("Name:\tinit\n")


# ---- copies that are cut short


def unnamed_open(sides, *words, **options):
    """Which call of openat asks for a file without a name, of a copy that is made."""
    log = sides.control.directory / "log"
    sides.cp(*words, outer=["strace", "-f", "-o", log, "-e", "trace=openat"], **options)
    # The calls are counted for each process: see watchdog.c.
    lines = [line.split(None, 1) for line in log.read_text().splitlines() if "openat(" in line]
    worker, = {pid for pid, line in lines if "O_TMPFILE" in line}
    calls = [line for pid, line in lines if pid == worker]
    when, = (n for n, line in enumerate(calls, 1) if "O_TMPFILE" in line)
    return f"openat:error=EOPNOTSUPP:when={when}"


class Cut:
    """A copy of a file of some megabytes over another, in which a system call is tampered with."""

    def __init__(self, sides, inwards, named):
        self.sides = sides
        source, target = (sides.outside, sides.inside)[::1 if inwards else -1]
        (source / "file").write_bytes(os.urandom(3 << 20))
        self.into = target / "d"
        self.into.mkdir()
        (self.into / "file").write_text("old")
        self.words = ("file", ":/d/file") if inwards else (":/file", "d/file")
        named_open = unnamed_open(sides, *self.words)
        (self.into / "file").write_text("old")
        self.named = [named_open] if named else []

    def run(self, inject):
        return self.sides.fails(*self.words, outer=strace(*self.named, inject))

    def left(self):
        return {name: (self.into / name).stat().st_size for name in os.listdir(self.into)}


@pytest.fixture(params=["inwards", "outwards", "inwards, named", "outwards, named"])
def cut(request, sides):
    return Cut(sides, "inwards" in request.param, "named" in request.param)


@needs_strace
def test_complete_with_a_name(cut):
    """Where a file cannot be without a name."""
    done = cut.run("fchmod:delay_enter=1")
    assert (done.returncode, done.stderr) == (0, "") and cut.left() == {"file": 3 << 20}


@needs_strace
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(cut, number):
    """The file that was there is still there, whole, and nothing else; initctl dies of the signal."""
    done = cut.run(f"copy_file_range:signal={number.name}:when=1")
    # strace dies of what has killed its child.
    assert (done.returncode, done.stdout, done.stderr) == (-number, "", "")
    assert cut.left() == {"file": 3}


@needs_strace
def test_full_disk(cut):
    one_line(cut.run("copy_file_range:error=ENOSPC"), 125, "cannot copy ", ": No space")
    assert cut.left() == {"file": 3}


@needs_strace
@pytest.mark.parametrize("named", [False, True])
def test_a_stream_that_ends_early(sides, named):
    """In the middle of a file, of which nothing is left."""
    data = made(entry("file", data=bytes(1 << 20)))
    (sides.outside / "whole").write_bytes(data)
    (sides.outside / "cut").write_bytes(data[:700_000])
    (sides.inside / "d").mkdir()
    with open(sides.outside / "whole", "rb") as stream:
        inject = unnamed_open(sides, "-", ":/d", stdin=stream)
    (sides.inside / "d/file").unlink()
    with open(sides.outside / "cut", "rb") as stream:
        one_line(sides.fails("-", ":/d", stdin=stream, outer=strace(inject) if named else ()), 125,
                 "cannot read archive: it ends too early")
    assert not os.listdir(sides.inside / "d")


@as_root
def test_a_disk_that_is_really_full(sides):
    """One line, also with many files to come."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", sides.outside], check=True)
    try:
        for number in range(9):
            (sides.inside / f"d/{number}").mkdir(parents=True)
            (sides.inside / f"d/{number}/file").write_bytes(bytes(300_000))
        one_line(sides.fails(":/d", "out"), 125, "cannot copy :/d/", ": No space")
        sizes = {path.stat().st_size for path in sides.outside.rglob("*") if path.is_file()}
        assert sizes == {300_000}
    finally:
        subprocess.run(["umount", sides.outside], check=True)


@needs_strace
def test_killed(sides):
    """Not even SIGKILL leaves a half file, where files can be without a name."""
    cut = Cut(sides, True, False)
    cut.run("copy_file_range:signal=KILL:when=1")
    assert cut.left() == {"file": 3}


# ---- a container that hangs


@can_hang
@pytest.mark.parametrize("words", [[":/mnt/file", "out"], [":/mnt", "out"], ["file", ":/mnt/file"],
                                   ["file", ":/mnt"], [":/mnt", "-"], ["-", ":/mnt"]])
def test_a_file_system_that_hangs(control, words):
    """One line after --timeout, and nothing is left."""
    mount, out = control.directory / "mnt", control.directory / "out.d"
    mount.mkdir()
    out.mkdir()
    (out / "file").write_text("1")
    (out / "x.tar").write_bytes(made(entry("file")))
    control.start(wrap=[*HANGING, mount])
    words = [word.replace("/mnt", str(mount)) for word in words]
    with open(out / "x.tar", "rb") as stream:
        one_line(control.run("--timeout", "300ms", "cp", *words, cwd=out, stdin=stream), 125,
                 "cannot copy ", ": no answer within 300 ms")
    assert sorted(os.listdir(out)) == ["file", "x.tar"]


# ---- the operator's terminal

SLOW = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=copy_file_range:delay_enter=300000"]


def on_terminal(sides, *words):
    return sides.control.on_terminal(shell=[*SLOW, INITCTL, "cp", *words], cwd=sides.outside)


@needs_strace
def test_progress(sides):
    """Bytes, rate and time left; the line is gone at the end."""
    (sides.outside / "large").write_bytes(bytes(1) * (20 << 20))
    terminal = on_terminal(sides, "large", ":/copy")
    terminal.expect(r"\r\d+M of 20M, [\d.]+M/s, \d\.\ds left\x1b\[K")
    assert terminal.wait() == 0
    while terminal.read(0.1):
        pass
    assert terminal.output.endswith("\r\x1b[K") and "\n" not in terminal.output


@needs_strace
def test_progress_and_errors(sides):
    """An error has a line of its own, and is printed once."""
    (sides.outside / "d").mkdir()
    (sides.outside / "d/large").write_bytes(bytes(1) * (20 << 20))
    os.mkfifo(sides.outside / "d/pipe")
    terminal = on_terminal(sides, "d", ":/copy")
    assert terminal.wait() == 125
    while terminal.read(0.1):
        pass
    assert terminal.output.count("initctl: cannot copy d/pipe: ") == 1
    before = terminal.output.split("initctl:")[0]
    assert before == "" or before.endswith("\r\x1b[K")


@needs_strace
def test_interrupted_on_a_terminal(sides):
    """Ctrl-C erases the line, too."""
    (sides.outside / "large").write_bytes(bytes(1) * (40 << 20))
    terminal = on_terminal(sides, "large", ":/copy")
    terminal.expect(" left")
    terminal.press(INTERRUPT)
    assert terminal.wait() in (-signal.SIGINT, 128 + signal.SIGINT)
    while terminal.read(0.1):
        pass
    assert terminal.output.endswith("\r\x1b[K") and not (sides.inside / "copy").exists()


@needs_strace
def test_quiet(sides):
    (sides.outside / "large").write_bytes(bytes(1) * (20 << 20))
    terminal = on_terminal(sides, "-q", "large", ":/copy")
    assert terminal.wait() == 0
    while terminal.read(0.1):
        pass
    assert terminal.output == ""
