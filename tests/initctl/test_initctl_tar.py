"""cp with a tar stream in place of the operator's side, beside GNU tar, bsdtar and Python's."""
import io
import os
import shutil
import subprocess
import tarfile

import pytest

from conftest import AS_ROOT
from initctl import control, one_line  # noqa: F401
from test_initctl_copy import make_tree, sides, tree  # noqa: F401

as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")
TARS = [pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason="not installed"))
        for name in ("tar", "bsdtar")]


def archive(sides, *words):
    """The archive that cp writes of these paths."""
    return sides.control.output("cp", *words, "-", cwd=sides.outside, text=False)


def extract(sides, data, target=":/into", code=0):
    """Has cp read an archive; returns what it prints."""
    done = sides.control.run("cp", "-", target, cwd=sides.outside, input=data, text=False)
    assert (done.returncode, done.stdout) == (code, b""), done
    return done.stderr.decode()


@pytest.fixture
def into(sides):
    path = sides.inside / "into"
    path.mkdir()
    return path


def entry(name, kind=tarfile.REGTYPE, data=b"", **more):
    """An entry for made()."""
    one = tarfile.TarInfo(name)
    one.type, one.size, one.mode = kind, len(data), 0o644
    for key, value in more.items():
        setattr(one, key, value)
    return one, data


def made(*entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for one, data in entries:
            tar.addfile(one, io.BytesIO(data))
    return out.getvalue()


def long_names(path):
    """Names around the sizes of ustar's fields, and beyond what they have room for."""
    for length in (98, 99, 100, 101, 155, 156, 200, 255):
        (path / ("n" * length)).write_text(str(length))
        (path / ("l" * length)).symlink_to("t" * length)
        deep = path / ("d" * length) / ("e" * 90)
        deep.mkdir(parents=True)
        (deep / "file").write_text(str(length))
        os.link(path / ("n" * length), path / ("h" * length))
    # Around 1,000 bytes with their length, whose digits count, too.
    for length in range(983, 990):
        (path / f"s{length}").symlink_to(("t/" * length)[:length])
    return path


# ---- out


@pytest.mark.parametrize("program", TARS)
def test_out(sides, program):
    """What other programs make of it is what was there."""
    source = make_tree(sides.inside / "tree")
    long_names(source / "sub")
    (sides.outside / "x.tar").write_bytes(archive(sides, ":/tree"))
    done = subprocess.run([program, "-xpf", "x.tar"], cwd=sides.outside, check=True,
                          stderr=subprocess.PIPE)
    assert done.stderr == b"" and tree(sides.outside / "tree") == tree(source)
    assert (sides.outside / "tree/sub" / ("n" * 255)).stat().st_nlink == 2
    (sides.outside / "y.tar").write_bytes(archive(sides, ":/tree/sub/.", ":/tree/file"))
    names = subprocess.run([program, "-tf", "y.tar"], cwd=sides.outside, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    assert names[0] == "./" and names[-1] == "file" and "./link" in names


def test_format(sides):
    """ustar where it has room: then no pax header; and what is in one."""
    (sides.inside / "d").mkdir()
    (sides.inside / "d/file").write_text("text")
    for name in ("d", "d/file"):
        os.utime(sides.inside / name, (1_000_000_000, 1_000_000_000))
    data = archive(sides, ":/d")
    assert len(data) == (1 + 2 + 2) * 512 and data[257:265] == b"ustar\x0000"
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert [one.name for one in tar] == ["d", "d/file"]
    for seconds, text in [(1_500_000_000, "1500000000.000000007"), (-2, "-1.999999993"),
                          (-1, "-0.999999993"), (1 << 33, f"{1 << 33}.000000007")]:
        os.utime(sides.inside / "d/file", ns=(0, seconds * 10**9 + 7))
        with tarfile.open(fileobj=io.BytesIO(archive(sides, ":/d/file"))) as tar:
            assert tar.next().pax_headers == {"mtime": text}


@as_root
@pytest.mark.parametrize("program", TARS)
def test_owners_out(sides, program):
    """Those of the container, also large ones."""
    (sides.inside / "file").write_text("1")
    for uid in (7, 0o7777777, 0o7777777 + 1, 4_000_000_000):
        os.chown(sides.inside / "file", uid, uid - 1)
        (sides.outside / "x.tar").write_bytes(archive(sides, ":/file"))
        subprocess.run([program, "-xpf", "x.tar"], cwd=sides.outside, check=True)
        status = (sides.outside / "file").stat()
        assert (status.st_uid, status.st_gid) == (uid, uid - 1)


def test_a_large_file_out(sides):
    """Beyond the 8 GiB that ustar has room for."""
    size = (8 << 30) + 5
    with open(sides.inside / "large", "wb") as file:
        file.truncate(size)
    client = sides.control.popen("cp", ":/large", "-")
    head = client.stdout.read(4096)
    client.stdout.close()
    assert client.wait() == 125
    assert client.stderr.read() == b"initctl: cannot write archive: Broken pipe\n"
    with tarfile.open(fileobj=io.BytesIO(head)) as tar:
        assert tar.next().size == size


def test_devices_out(sides):
    """Refused with a line; the archive is whole."""
    (sides.inside / "d").mkdir()
    os.mkfifo(sides.inside / "d/pipe")
    done = sides.control.run("cp", ":/d", "-", text=False)
    assert done.returncode == 125
    assert done.stderr == b"initctl: cannot copy :/d/pipe: not a file, directory or symbolic link\n"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert tar.getnames() == ["d"]


# ---- in


@pytest.mark.parametrize("form", ["gnu", "pax", "ustar", "v7", "bsd"])
def test_in(sides, into, form):
    """What other programs write is what is made."""
    source = make_tree(sides.outside / "tree")
    if form in ("gnu", "pax"):
        long_names(source / "sub")
    if form == "bsd" and not shutil.which("bsdtar"):
        pytest.skip("bsdtar is not installed")
    program = ["bsdtar", "--format=pax"] if form == "bsd" else ["tar", f"--format={form}"]
    data = subprocess.run([*program, "-cf", "-", "tree"], cwd=sides.outside, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
    assert extract(sides, data) == ""

    def found(path):
        return {name: (mode, ns if form in ("pax", "bsd") else ns // 10**9, kind)
                for name, (mode, ns, kind) in tree(path).items()}

    assert found(into / "tree") == found(source)
    if form in ("gnu", "pax"):
        assert (into / "tree/sub" / ("n" * 255)).stat().st_nlink == 2


def test_there_and_back(sides, into):
    """Our own."""
    source = make_tree(sides.inside / "tree")
    long_names(source / "sub")
    assert extract(sides, archive(sides, ":/tree")) == ""
    assert tree(into / "tree") == tree(source)


@as_root
def test_owners_in(sides, into):
    """With -a those of the archive, by number; without, this user's, and no set-user-ID."""
    data = made(entry("d", tarfile.DIRTYPE, mode=0o755, uid=5, gid=6),
                entry("d/file", mode=0o4755, uid=4_000_000_000, gid=7, uname="root"))
    assert extract(sides, data) == ""
    status = (into / "d/file").stat()
    assert (status.st_uid, status.st_mode & 0o7777) == (0, 0o755)
    sides.control.run("cp", "-a", "-", ":/into", input=data, text=False)
    status = (into / "d/file").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (4_000_000_000, 7, 0o4755)
    assert ((into / "d").stat().st_uid, (into / "d").stat().st_gid) == (5, 6)


def test_global_headers(sides, into):
    """As git archive writes them, with a comment; and an mtime for all."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT,
                      pax_headers={"comment": "x", "mtime": "1234567.5"}) as tar:
        for name in "ab":
            tar.addfile(entry(name)[0])
    assert extract(sides, out.getvalue()) == ""
    assert [(into / name).stat().st_mtime for name in "ab"] == [1234567.5] * 2


def test_missing_directories(sides, into):
    """Made as they are needed."""
    assert extract(sides, made(entry("a/b/c/file", data=b"1"))) == ""
    assert (into / "a/b/c/file").read_bytes() == b"1"


OUT = ["../out", "a/../../out", "d/../out", "..", "a/..", "/../out"]


@pytest.mark.parametrize("name", OUT)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_names_that_lead_out(sides, into, name, kind):
    """Refused with a line, and the rest is made."""
    text = extract(sides, made(
        entry("first"), entry(name, kind, linkname="first", data=b"" if kind != tarfile.REGTYPE else
                              b"x" * 1000), entry("last", data=b"1")), code=125)
    assert text.count("\n") == 1 and "its name leads out" in text
    assert sorted(os.listdir(into)) == ["first", "last"]
    assert sorted(os.listdir(sides.inside)) == ["app", "init", "into", "proc"]


def test_absolute_names(sides, into):
    """Made below the target, as tar does."""
    assert extract(sides, made(entry("/etc//./passwd", data=b"1"))) == ""
    assert (into / "etc/passwd").read_bytes() == b"1"


@pytest.mark.parametrize("target", ["{victim}", "../victim", "/victim", "."])
def test_links_on_the_way(sides, into, target):
    """Neither one that the archive brings nor one that was there is followed, wherever it leads."""
    victim = sides.inside / "victim"
    victim.mkdir()
    target = target.format(victim=victim)
    (into / "there").symlink_to(target)
    text = extract(sides, made(
        entry("new", tarfile.SYMTYPE, linkname=target), entry("new/file", data=b"1"),
        entry("there/file", data=b"1"), entry("there", tarfile.DIRTYPE),
        entry("hard", tarfile.LNKTYPE, linkname="new/file")), code=125)
    assert [line.split(":")[1] for line in text.splitlines()] == [
        f" cannot copy {name}" for name in ("new/file", "there/file", "there", "hard")]
    assert os.listdir(victim) == [] and sorted(os.listdir(into)) == ["new", "there"]
    # A file takes the place of a link.
    assert extract(sides, made(entry("new", data=b"1"))) == ""
    assert (into / "new").read_bytes() == b"1" and not (into / "new").is_symlink()


@pytest.mark.parametrize("target", ["../secret", "/../secret", "d/../../secret"])
def test_hard_links_out(sides, into, target):
    """To write to what they lead to."""
    (sides.inside / "secret").write_text("secret")
    text = extract(sides, made(entry("link", tarfile.LNKTYPE, linkname=target),
                               entry("link", data=b"changed")), code=125)
    assert text.count("\n") == 1 and "cannot copy link: " in text
    assert (sides.inside / "secret").read_text() == "secret"
    assert (into / "link").read_text() == "changed"


def test_a_file_does_not_change_its_other_names(sides, into):
    """What replaces a file is a new one: a name that was linked to it keeps the old."""
    (into / "old").write_text("old")
    assert extract(sides, made(entry("link", tarfile.LNKTYPE, linkname="old"),
                               entry("link", data=b"new"))) == ""
    assert (into / "old").read_text() == "old" and (into / "link").read_text() == "new"


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"])
def test_devices_in(sides, into, kind):
    text = extract(sides, made(entry("null", kind), entry("last")), code=125)
    assert text == "initctl: cannot copy null: not a file, directory or link\n"
    assert os.listdir(into) == ["last"]


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_in(sides, into, form):
    """GNU tar's are refused, and not made with the wrong content."""
    with open(sides.outside / "holes", "wb") as file:
        file.truncate(10 << 20)
        file.seek(5 << 20)
        file.write(b"x")
    (sides.outside / "last").write_text("1")
    data = subprocess.run(["tar", "-S", f"--format={form}", "-cf", "-", "holes", "last"], check=True,
                          cwd=sides.outside, stdout=subprocess.PIPE).stdout
    assert "sparse files of GNU tar are not supported" in extract(sides, data, code=125)
    assert os.listdir(into) == ["last"]


@pytest.mark.parametrize("data, text", [
    (b"", "it ends too early"), (b"x" * 100, "it ends too early"),
    (b"x" * 512, "it is no tar archive, or damaged"),
    (b"\x1f\x8b" + b"x" * 1000, "it is no tar archive, or damaged"),
    (made(entry("f", data=b"x" * 2000))[:1500], "it ends too early"),
    (made(entry("f" * 300))[:700], "it ends too early"),
    (made(entry("f" * 200000)), "a header in it is too large"),
    (made(entry("f" * 300)).replace(b"path=", b"path ", 1), "a header in it is damaged"),
    (made(entry("f" * 300)).replace(b"310 path=", b"999 path=", 1), "a header in it is damaged"),
    (made(entry("f" * 300)).replace(b"310 path=", b"001 path=", 1), "a header in it is damaged"),
    (made(entry("f" * 300)).replace(b"fff\n", b"ff\0\n", 1), "a header in it is damaged"),
], ids=range(11))
def test_damaged(sides, into, data, text):
    """One line, and no half file."""
    assert extract(sides, data, code=125) == f"initctl: cannot read archive: {text}\n"
    assert os.listdir(into) == []


def test_binary_numbers(sides, into):
    """GNU tar's, for sizes and times that octal digits have no room for."""
    data = bytearray(made(entry("f", data=b"12345"), form=tarfile.GNU_FORMAT))
    data[124:136] = b"\x80" + (5).to_bytes(11, "big")
    data[136:148] = (-1000).to_bytes(12, "big", signed=True)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    assert extract(sides, bytes(data)) == ""
    assert (into / "f").read_bytes() == b"12345" and (into / "f").stat().st_mtime == -1000


def test_the_target_of_a_stream(sides):
    """A directory that exists; and neither end is a terminal."""
    one_line(sides.fails("-", ":/app", input=""), 125, "cannot copy to :/app: not a directory")
    one_line(sides.fails("-", ":/none", input=""), 125, "cannot copy to :/none: not a directory")
    for words in (("-", ":/"), (":/", "-")):
        terminal = sides.control.on_terminal("cp", *words)
        terminal.expect("is a terminal")
        assert terminal.wait() == 125


def test_pipes(sides, into):
    """Through pipes to and from tar, which may write more at the end than we need."""
    make_tree(sides.outside / "tree")
    subprocess.run('set -o pipefail; tar -b 20000 -cf - tree | "$INITCTL" cp - :/into && '
                   '"$INITCTL" cp :/into/tree - | tar -C back -xpf -', shell=True, check=True,
                   executable="/bin/bash", env=sides.control.environment(INITCTL=str(
                       sides.control.popen("--version").args[0])),
                   cwd=(os.mkdir(sides.outside / "back"), sides.outside)[1])
    assert tree(sides.outside / "back/tree") == tree(into / "tree")
