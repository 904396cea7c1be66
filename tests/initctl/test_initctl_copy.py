"""cp: files and directories, in and out of a container, as docker cp and cp -R copy them."""
import io
import os
import socket
import stat
import subprocess
import tarfile

import pytest

from conftest import AS_ROOT, DEADLINE, sanitized
from initctl import control, one_line  # noqa: F401
from inside import make_root

as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")
DAY = 1_600_000_000_123_456_789


class Sides:
    """The root of a container, as it is seen from outside, and a directory of the operator's."""

    def __init__(self, control):
        self.control = control.start_in_empty_root()
        self.inside, self.outside = control.directory / "root", control.directory / "out"
        self.outside.mkdir()

    def cp(self, *words, **options):
        """Copies in the operator's directory, without a word."""
        assert self.control.output("cp", *words, cwd=self.outside, **options) == ""

    def fails(self, *words, **options):
        return self.control.run("cp", *words, cwd=self.outside, **options)


@pytest.fixture
def sides(control):
    return Sides(control)


def tree(path):
    """What a directory holds: mode, time, and what a file, link or directory is."""
    found = {}
    for at in sorted([path, *path.rglob("*")]):
        status = at.lstat()
        kind = ("link", os.readlink(at)) if at.is_symlink() else \
            ("file", at.read_bytes()) if at.is_file() else ("directory",)
        found[str(at.relative_to(path))] = (
            oct(status.st_mode), status.st_mtime_ns, kind)
    return found


def make_tree(path):
    (path / "sub/empty").mkdir(parents=True)
    (path / "file").write_text("text")
    (path / "sub/nothing").touch(0o640)
    (path / "sub/large").write_bytes(os.urandom(3_000_001))
    (path / "sub/a name\n\x1b with everything \xff").write_text("x")
    (path / "sub/link").symlink_to("../file")
    (path / "sub/dangling").symlink_to("/nowhere/at all")
    (path / "sub/executable").write_text("#!/bin/sh\n")
    os.chmod(path / "sub/executable", 0o711)
    os.chmod(path / "sub/empty", 0o1777)
    for number, at in enumerate([*sorted(path.rglob("*"), reverse=True), path]):
        os.utime(at, ns=(DAY + number, DAY + 2 * number), follow_symlinks=False)
    return path


# ---- files and directories


@pytest.mark.parametrize("inwards", [True, False])
def test_a_tree(sides, inwards):
    """Modes, times to the nanosecond and links are kept, both ways."""
    source, target = (sides.outside, sides.inside) if inwards else (sides.inside, sides.outside)
    make_tree(source / "tree")
    sides.cp("tree", ":/copy") if inwards else sides.cp(":/tree", "copy")
    assert tree(target / "copy") == tree(source / "tree")


def test_ten_thousand_files(sides):
    """There and back, byte by byte."""
    for number in range(10_000):
        folder = sides.outside / f"many/{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(number)).write_bytes(b"%d\n" % number * (number % 500))
    sides.cp("many", ":/")
    sides.cp(":/many", "back", deadline=4 * DEADLINE)
    assert subprocess.run(["diff", "-r", "many", "back"], cwd=sides.outside).returncode == 0
    # And no name for the time being is left.
    assert not [one for _, _, files in os.walk(sides.outside / "back") for one in files
                if not one.isdigit()]


def test_a_file(sides):
    """By its new name, into a directory, over another file; relative to the root inside."""
    (sides.outside / "a").write_text("1")
    (sides.inside / "etc").mkdir()
    sides.cp("a", ":etc/b")
    sides.cp("a", ":/etc")
    assert (sides.inside / "etc/b").read_text() == (sides.inside / "etc/a").read_text() == "1"
    (sides.inside / "etc/b").write_text("a longer text")
    sides.cp("a", ":/etc/b")
    assert (sides.inside / "etc/b").read_text() == "1"
    sides.cp(":/etc/b", "c")
    sides.cp(":/etc/b", ".")
    assert (sides.outside / "c").read_text() == (sides.outside / "b").read_text() == "1"


def test_directories_as_docker_cp_has_them(sides):
    """A directory goes into one that exists, and otherwise gets its name; DIR/. is its contents."""
    (sides.inside / "d/e").mkdir(parents=True)
    (sides.inside / "d/e/f").write_text("1")
    for there in ("new", "there"):
        if there == "there":
            (sides.outside / there).mkdir()
        sides.cp(":/d", there)
        sides.cp(":/d/e/.", f"{there}.2")
    assert (sides.outside / "new/e/f").exists() and (sides.outside / "there/d/e/f").exists()
    assert (sides.outside / "new.2/f").exists()
    sides.cp(":/d/.", "there")
    assert (sides.outside / "there/e/f").exists()
    # Merged with what is there.
    (sides.inside / "d/e/g").write_text("2")
    (sides.outside / "there/e/own").write_text("3")
    sides.cp(":/d/.", "there")
    assert sorted(os.listdir(sides.outside / "there/e")) == ["f", "g", "own"]


def test_several_sources(sides):
    for name in "abc":
        (sides.outside / name).write_text(name)
    (sides.inside / "into").mkdir()
    sides.cp("a", "b", "c", ":/into")
    assert sorted(os.listdir(sides.inside / "into")) == ["a", "b", "c"]
    one_line(sides.fails("a", "b", ":/none"), 125, "cannot copy to :/none: not a directory")


def test_links(sides):
    """Copied as they are; -L follows one that is given, and no other."""
    (sides.inside / "d").mkdir()
    (sides.inside / "d/file").write_text("1")
    (sides.inside / "d/link").symlink_to("/d/file")
    (sides.inside / "to").symlink_to("/d")
    sides.cp(":/to", "as-it-is")
    assert os.readlink(sides.outside / "as-it-is") == "/d"
    sides.cp("-L", ":/to", "followed")
    assert (sides.outside / "followed/file").read_text() == "1"
    assert os.readlink(sides.outside / "followed/link") == "/d/file"
    sides.cp("-L", ":/d/link", "file")
    assert (sides.outside / "file").read_text() == "1"
    # A link at the destination inside leads to a place inside.
    (sides.outside / "file").write_text("2")
    sides.cp("file", ":/d/link")
    assert (sides.inside / "d/link").is_symlink() and (sides.inside / "d/file").read_text() == "2"
    (sides.inside / "d/far").symlink_to("../../../../../d/made")
    sides.cp("file", ":/d/far")
    assert (sides.inside / "d/made").read_text() == "2"


def test_hard_links(sides):
    """Names of one file become names of one file, but not of a file that was there."""
    (sides.inside / "d/sub").mkdir(parents=True)
    (sides.inside / "d/a").write_text("1")
    for name in ("b", "sub/c"):
        os.link(sides.inside / "d/a", sides.inside / "d" / name)
    for _ in range(2):
        sides.cp(":/d", "out")
        sides.cp(":/d/.", "out")
        assert len({(sides.outside / "out" / name).stat().st_ino
                    for name in ("a", "b", "sub/c")}) == 1
        assert (sides.outside / "out/a").read_text() == "1"


def test_a_hard_link_to_what_was_replaced(sides):
    """Two sources with a file of the same name: a link to the first one's is not one to the
    second one's, which has taken its place."""
    for name, text in (("x", "1"), ("y", "2"), ("z", "")):
        (sides.inside / name / "d").mkdir(parents=True)
        if text:
            (sides.inside / name / "d/a").write_text(text)
    os.link(sides.inside / "x/d/a", sides.inside / "z/d/b")
    (sides.outside / "out").mkdir()
    sides.cp(":/x/d", ":/y/d", ":/z/d", "out")
    assert {name: (sides.outside / "out/d" / name).read_text() for name in "ab"} == {
        "a": "2", "b": "1"}


@pytest.mark.parametrize("inwards", [True, False])
def test_holes(sides, inwards):
    """A file keeps its holes, also one at its end."""
    source, target = (sides.outside, sides.inside) if inwards else (sides.inside, sides.outside)
    with open(source / "holes", "wb") as file:
        file.seek(5 << 20)
        file.write(os.urandom(300_000))
        file.seek(50 << 20)
        file.write(b"end")
        file.truncate(200 << 20)
    sides.cp("holes", ":/copy") if inwards else sides.cp(":/holes", "copy")
    copy = target / "copy"
    assert copy.stat().st_size == 200 << 20 and copy.stat().st_blocks * 512 < 2 << 20
    assert subprocess.run(["cmp", source / "holes", copy]).returncode == 0


@as_root
def test_owners(sides):
    """Kept with -a; otherwise they are this user's, and nobody gets a set-user-ID file by it."""
    (sides.inside / "d").mkdir()
    (sides.inside / "d/file").write_text("1")
    (sides.inside / "d/link").symlink_to("file")
    for name in ("d", "d/file", "d/link"):
        os.chown(sides.inside / name, 1234, 5678, follow_symlinks=False)
    os.chmod(sides.inside / "d/file", 0o6755)
    sides.cp("-a", ":/d", "kept")
    sides.cp(":/d", "ours")
    for name in (".", "file", "link"):
        kept, ours = (sides.outside / at / name for at in ("kept", "ours"))
        assert (kept.lstat().st_uid, kept.lstat().st_gid) == (1234, 5678)
        assert (ours.lstat().st_uid, ours.lstat().st_gid) == (0, 0)
    assert (sides.outside / "kept/file").stat().st_mode & 0o7777 == 0o6755
    assert (sides.outside / "ours/file").stat().st_mode & 0o7777 == 0o755


@as_root
@pytest.mark.parametrize("mapped", [True, False])
def test_owners_of_a_user_namespace(control, mapped):
    """They are the container's own ids, in its files and in archives, with an id-mapped root and
    without; and without -a, its root's."""
    if sanitized():
        pytest.skip("a build with sanitizers is dynamic")
    root, first = make_root(control.directory / "root"), 300000
    if not mapped:
        for at in [root, *root.rglob("*")]:
            os.chown(at, first, first, follow_symlinks=False)
    os.chmod(control.directory, 0o755)
    control.start("--unshare=all", "--mount=all", f"--uid-map=0:{first}:5000",
                  f"--gid-map=0:{first}:5000", "--chroot", root, how="plain")

    def cp(*words, **options):
        return control.output("cp", *words, cwd=control.directory, **options)

    file = control.directory / "file"
    file.write_text("1")
    os.chown(file, 1234, 4321)
    cp("-a", "file", ":/kept")
    cp("file", ":/roots")
    data = cp(":/kept", "-", text=False)
    assert control.output("exec", "stat", "-c", "%u:%g", "/kept", "/roots") == "1234:4321\n0:0\n"
    assert (root / "roots").stat().st_uid == (0 if mapped else first)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        one = tar.next()
        assert (one.uid, one.gid) == (1234, 4321)
    cp("-a", ":/kept", "back")
    assert ((control.directory / "back").stat().st_uid,
            (control.directory / "back").stat().st_gid) == (1234, 4321)
    cp("-a", "-", ":/tmp", input=data, text=False)
    assert control.output("exec", "stat", "-c", "%u:%g", "/tmp/kept") == "1234:4321\n"
    os.chown(file, 6000, 0)
    one_line(control.run("cp", "-a", "file", ":/kept", cwd=control.directory), 125, "cannot copy file")


def test_a_directory_without_rights(sides):
    """Its mode is set when all is in it; that of one which was there stays."""
    (sides.inside / "d/closed").mkdir(parents=True)
    (sides.inside / "d/closed/file").write_text("1")
    os.chmod(sides.inside / "d/closed", 0o555)
    sides.cp(":/d", "out")
    assert (sides.outside / "out/closed").stat().st_mode & 0o777 == 0o555
    assert (sides.outside / "out/closed/file").exists()
    os.chmod(sides.outside / "out/closed", 0o700)
    sides.cp(":/d/.", "out")
    assert (sides.outside / "out/closed").stat().st_mode & 0o777 == 0o700


# ---- what is not copied


def test_devices_pipes_and_sockets(sides):
    """Refused with a line each, and the rest is copied."""
    (sides.inside / "d").mkdir()
    (sides.inside / "d/file").write_text("1")
    os.mkfifo(sides.inside / "d/pipe")
    if AS_ROOT:
        os.mknod(sides.inside / "d/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(sides.inside / "d/socket"))
    done = sides.fails(":/d", "out")
    assert done.returncode == 125 and sorted(done.stderr.splitlines()) == [
        f"initctl: cannot copy :/d/{name}: not a file, directory or symbolic link"
        for name in (["null"] if AS_ROOT else []) + ["pipe", "socket"]]
    assert os.listdir(sides.outside / "out") == ["file"]


def test_into_itself(sides):
    """The copy is not copied, where the container's root is in what is copied."""
    (sides.inside / "in").mkdir()
    one = sides.fails(str(sides.inside), ":/in")
    assert "cannot copy " in one.stderr and "in/root: it is the copy itself" in one.stderr
    assert (sides.inside / "in/root/in").is_dir() and not (sides.inside / "in/root/in/root").exists()


@pytest.mark.parametrize("words, text", [
    ([], "no source given"), (["a"], "no destination given"),
    ([":/a", ":/b"], "source and destination are both inside: ':/a'"),
    (["a", "b"], "neither source nor destination is inside, as :PATH: 'a'"),
    ([":/a", "b", "c"], "neither source nor destination is inside, as :PATH: 'b'"),
    ([":/none", "b"], "cannot copy :/none: No such file"),
    (["none", ":/b"], "cannot copy none: No such file"),
    ([":/app", "none/b"], "cannot copy to none/b: No such file"),
    (["there", ":/none/b"], "cannot copy to :/none/b: No such file"),
    ([":/app", "b/"], "cannot copy :/app: Not a directory"),
    ([":/proc", "there"], "cannot copy :/proc: Not a directory"),
    ([":/app/", "b"], "cannot copy :/app: Not a directory"),
    ([":/app", "d"], "cannot copy :/app: Is a directory"),
    ([":/app", "link"], "cannot copy to link: it is a symbolic link"),
    ([":/app", "pipe"], "cannot copy to pipe: neither a file nor a directory"),
    ([":/app", "x" * 300], "name too long"), ([":" + "x/" * 3000, "b"], "name too long"),
    (["-x", ":/a", "b"], "unknown option"),
])
def test_bad_words(sides, words, text):
    """One line, and nothing is changed."""
    (sides.outside / "there").write_text("1")
    (sides.outside / "d/app").mkdir(parents=True)
    (sides.outside / "link").symlink_to("there")
    os.mkfifo(sides.outside / "pipe")
    before = tree(sides.inside), sorted(os.listdir(sides.outside))
    done = sides.fails(*words)
    assert done.returncode == 125 and done.stderr.count("\n") == 1 and not done.stdout
    assert text.lower() in done.stderr.lower()
    assert (tree(sides.inside), sorted(os.listdir(sides.outside))) == before


def test_names_are_escaped(sides):
    os.mkfifo(sides.inside / "\x1b[31m\nred")
    one_line(sides.fails(":/", "out"), 125, r"\x1b[31m\nred")
