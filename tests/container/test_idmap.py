"""A user namespace that root makes: ids by subuid(5) where no map is given, and the owners of the
root and of what is bound, which are as they are outside.

The files are bound over those of the machine in a mount namespace around init.
"""
import os
import stat

import pytest

from conftest import eventually, is_alive, marked
from container import container, directory, needs_root  # noqa: F401
from inside import make_root, mountinfo, needs_static, refused

pytestmark = [needs_static, needs_root,
              pytest.mark.skipif(not os.path.exists("/etc/subuid") or
                                 not os.path.exists("/etc/subgid"),
                                 reason="needs files to bind over")]
FIRST, COUNT = 300000, 65536
LINE = f"root:{FIRST}:{COUNT}\n"
BIND = ('mount --bind "$1" /etc/subuid && mount --bind "$2" /etc/subgid && shift 2 && exec "$@"')
ALL = ["--unshare=all", "--mount=all"]
# Without an outer process.
SOME = ["--unshare=user,mount,uts,ipc,net"]
KINDS = pytest.mark.parametrize("options", [ALL, SOME], ids=["all", "without pid"])
MAPS = ["sh", "-c", "cat /proc/self/uid_map /proc/self/gid_map"]


@pytest.fixture
def subordinate(directory):
    """What to start init by, with these contents of the two files."""
    def subordinate(uids=LINE, gids=None):
        for name, text in (("subuid", uids), ("subgid", uids if gids is None else gids)):
            (directory / name).write_text(text)
        return ["unshare", "-m", "sh", "-c", BIND, "sh", directory / "subuid",
                directory / "subgid"]
    return subordinate


@pytest.fixture
def hidden_root(directory):
    """A root of root's in a folder that nobody else may enter."""
    (directory / "own").mkdir(mode=0o700)
    return make_root(directory / "own/root")


def succeeded(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def maps(text):
    """Both maps as lists of three numbers."""
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def give(path, uid):
    """Makes an id the owner of a directory and of all in it."""
    for folder, folders, files in os.walk(path):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)


def owner(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid


# ---- the range

FOUND = {
    "by name": LINE,
    "by number": f"0:{FIRST}:{COUNT}\n",
    "by number with zeros": f"0:000{FIRST}:{COUNT}\n",
    "after others": f"daemon:1:2\nrootless:5:6\nroo:7:8\n{LINE}",
    "before others": f"{LINE}root:1:2\n0:3:4\ndaemon:1:2\n",
    "after a comment": f"# root:1:2\n#root:1:2\n\n{LINE}",
    "after blanks": f" root:1:2\n\t0:1:2\n{LINE}",
    "after bad ones": "root\nroot:\nroot:1\nroot:1:\nroot::1\nroot:x:5\nroot:1:x\nroot:-1:5\n"
                      + LINE,
    "after more": f"root:1:2:3\nroot:1:2 \nroot1:1:2\n00:1:2\nrootroot:1:2\nROOT:1:2\n{LINE}",
    "after an empty one": f"root:1:0\n{LINE}",
    "after a long line": f"{'x' * 1000}\n{LINE}",
    "after a long line of root's": f"root:{'1' * 100}:5\n{LINE}",
    "after many": "".join(f"user{i}:{i}:5\n" for i in range(500)) + LINE,
    "in the last block": "#" * 511 + "\n" + LINE,
    "across blocks": "#" * 505 + "\n" + LINE,
    "end of a block": "#" * (511 - len(LINE)) + "\n" + LINE,
    "NUL": f"\0\n{LINE}",
}


@pytest.mark.parametrize("kind", FOUND)
def test_range(run, subordinate, kind):
    """The first line of root's counts, by name or by number, wherever it is."""
    out = succeeded(run(["--unshare=user", "--", *MAPS], "plain", outer=subordinate(FOUND[kind])))
    assert maps(out) == [[0, FIRST, COUNT]] * 2


@pytest.mark.xfail(reason="a line without a newline is not read")
@pytest.mark.parametrize("text", [LINE[:-1], f"daemon:1:2\n{LINE[:-1]}"], ids=["one", "two"])
def test_last_line_without_newline(run, subordinate, text):
    """As newuidmap(1) takes it."""
    out = succeeded(run(["--unshare=user", "--", *MAPS], "plain", outer=subordinate(text)))
    assert maps(out) == [[0, FIRST, COUNT]] * 2


@pytest.mark.parametrize("options", [["--unshare=user"], ["--unshare=user,pid"],
                                     ["--unshare=all"]], ids=" ".join)
def test_range_of_each_file(run, subordinate, options):
    """Groups have a range of their own."""
    outer = subordinate(LINE, "root:400000:1000\n")
    assert maps(succeeded(run([*options, "--", *MAPS], "plain", outer=outer))) == [
        [0, FIRST, COUNT], [0, 400000, 1000]]


@pytest.mark.parametrize("options, expected", [
    (["--uid-map=0:7000:10"], [[0, 7000, 10], [0, 400000, 1000]]),
    (["--gid-map=0:7000:10"], [[0, FIRST, COUNT], [0, 7000, 10]]),
    (["--uid-map=0:7000:10", "--gid-map=0:8000:10"], [[0, 7000, 10], [0, 8000, 10]]),
    (["--map-root"], [[0, 0, 1]] * 2),
    (["--map-same"], [[0, 0, 0xffffffff]] * 2),
    (["--map-same", "--uid-map=0:7000:10"], [[0, 7000, 10], [0, 0, 0xffffffff]])],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) else "")
def test_maps_that_are_given(run, subordinate, options, expected):
    """The files say what no option says."""
    outer = subordinate(LINE, "root:400000:1000\n")
    out = succeeded(run(["--unshare=user", *options, "--", *MAPS], "plain", outer=outer))
    assert maps(out) == expected


@pytest.mark.parametrize("options", [["--map-same"], ["--map-root"],
                                     ["--uid-map=0:7:10", "--gid-map=0:7:10"], []], ids=" ".join)
def test_files_are_not_needed(run, subordinate, options):
    """Where all ids are given, or there is no user namespace, they may be empty."""
    names = "--unshare=user" if options else "--unshare=mount"
    succeeded(run([names, *options, "--", "true"], "plain", outer=subordinate("")))


NONE = {"empty": "", "others": "daemon:1:2\nrootless:1:2\nroot2:1:2\n", "comment": f"#{LINE}",
        "no range": "root\nroot:\nroot:1\nroot:1:\nroot::\nroot:1:2:3\n", "no number": "root:a:b\n",
        "other names": f"ROOT:{FIRST}:5\n1000:{FIRST}:5\n00:{FIRST}:5\n", "newlines": "\n\n\n",
        "empty range": "root:5:0\n", "no name": f":{FIRST}:5\n", "long": "x" * 5000,
        "too big": "root:99999999999:5\nroot:1:99999999999\nroot:4294967295:2\n"}


@pytest.mark.parametrize("options", [["--unshare=user"], ["--unshare=all", "--mount-proc"]],
                         ids=" ".join)
@pytest.mark.parametrize("kind", NONE)
def test_no_range(run, directory, subordinate, kind, options):
    """The error says what to do, and nothing is left."""
    made, control = directory / "made", directory / "ctl"
    result = run([*options, "--control", control, "--", "touch", made], "plain",
                 outer=subordinate(NONE[kind]))
    refused(result, "no range of root's in /etc/subuid", "--uid-map", "--gid-map", "--map-same")
    assert not made.exists() and not control.exists()


def test_no_range_of_groups(run, subordinate):
    result = run(["--unshare=user", "--", "true"], "plain", outer=subordinate(LINE, "daemon:1:2\n"))
    refused(result, "no range of root's in /etc/subgid")


@pytest.mark.parametrize("name", ["subuid", "subgid"])
def test_file_that_is_missing(run, directory, name):
    """As on a system without them."""
    (directory / "etc").mkdir()
    (directory / "etc/subuid").write_text(LINE)
    (directory / "etc/subgid").write_text(LINE)
    (directory / "etc" / name).unlink()
    outer = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', directory / "etc"]
    result = run(["--unshare=user", "--", "true"], "plain", outer=outer)
    refused(result, f"no range of root's in /etc/{name}")


# ---- owners


WRITE = ("id -u; id -g; stat -c '%u:%g %n' / /bin /bin/busybox; echo text >/made; mkdir /bin/new; "
         "chown 5:6 /made && chown 0:0 /made")


@KINDS
def test_root_of_root_s(run, subordinate, hidden_root, options):
    """A root of root's is root's inside as well, although nobody else may go to where it is, and
    what is made there is root's outside."""
    out = succeeded(run([*options, "--chroot", hidden_root, "--", "sh", "-c", WRITE], "plain",
                        outer=subordinate()))
    assert out.splitlines() == ["0", "0", "0:0 /", "0:0 /bin", "0:0 /bin/busybox"]
    assert owner(hidden_root / "made") == owner(hidden_root / "bin/new") == (0, 0)
    assert (hidden_root / "made").read_text() == "text\n"


@KINDS
def test_root_of_another_s(run, subordinate, hidden_root, options):
    """One of somebody who is nobody inside is mapped too."""
    give(hidden_root, 1234)
    script = "stat -c '%u:%g' /bin; : >/made; stat -c '%u:%g' /made"
    out = succeeded(run([*options, "--chroot", hidden_root, "--", "sh", "-c", script], "plain",
                        outer=subordinate()))
    assert out.splitlines() == ["1234:1234", "0:0"]
    assert owner(hidden_root / "made") == (0, 0)


@KINDS
def test_root_of_the_range_s(run, subordinate, directory, options):
    """One that has been prepared for the range is taken as it is."""
    root = make_root(directory / "root")
    give(root, FIRST)
    out = succeeded(run([*options, "--chroot", root, "--", "sh", "-c", WRITE], "plain",
                        outer=subordinate()))
    assert out.splitlines() == ["0", "0", "0:0 /", "0:0 /bin", "0:0 /bin/busybox"]
    assert owner(root / "made") == owner(root / "bin/new") == (FIRST, FIRST)


@pytest.mark.xfail(reason="the copy of the mount is still shared with the host's")
@KINDS
def test_shared_mounts(run, subordinate, hidden_root, directory, options):
    """On a host whose mounts are shared, as systemd makes them, nothing is mounted for the host."""
    (directory / "own/data").mkdir()
    script = 'mount --make-rshared / && "$@"; echo code $?; cat /proc/self/mountinfo'
    result = run([*options, "--chroot", hidden_root, f"--bind={directory}/own/data:/data", "--",
                  "true"], "plain", outer=[*subordinate(), "sh", "-c", script, "sh"])
    assert result.stdout.startswith("code 0\n") and not result.stderr, result
    assert f" {hidden_root}" not in result.stdout


@pytest.mark.parametrize("mapped", [True, False], ids=["root's", "the range's"])
def test_attribute(run, subordinate, directory, mapped):
    """The mount says which it is."""
    root = make_root(directory / "root")
    give(root, 0 if mapped else FIRST + COUNT - 1)
    seen = mountinfo(succeeded(run([*ALL, "--chroot", root, "--", "cat", "/proc/self/mountinfo"],
                                   "plain", outer=subordinate())))
    assert ("idmapped" in seen["/"][0]) == mapped
    assert {"nosuid", "nodev"} <= seen["/"][0]


@pytest.mark.parametrize("uid", [FIRST - 1, FIRST + COUNT])
def test_owner_beside_the_range(run, subordinate, directory, uid):
    """An owner that the range just does not have is nobody inside, as any other is."""
    root = make_root(directory / "root")
    (root / "proc").mkdir()
    give(root, uid)
    seen = mountinfo(succeeded(run(["--unshare=all", "--mount-proc", "--chroot", root, "--", "cat",
                                    "/proc/self/mountinfo"], "plain", outer=subordinate())))
    assert "idmapped" in seen["/"][0]


def test_another_user_inside(run, subordinate, hidden_root):
    """Another user's files are that user's outside."""
    (hidden_root / "all").mkdir()
    os.chmod(hidden_root / "all", 0o777)
    succeeded(run([*ALL, "--chroot", hidden_root, "--user=1000:1001", "--", "touch", "/all/made"],
                  "plain", outer=subordinate()))
    assert owner(hidden_root / "all/made") == (1000, 1001)


def test_by_given_maps(run, subordinate, hidden_root):
    """The same by maps of options."""
    succeeded(run([*ALL, "--uid-map=0:500000:1000", "--gid-map=0:600000:1000", "--chroot",
                   hidden_root, "--", "touch", "/made"], "plain", outer=subordinate("")))
    assert owner(hidden_root / "made") == (0, 0)


@pytest.mark.parametrize("option", ["--map-same", "--map-root"])
def test_without_need(run, subordinate, hidden_root, option):
    """Who is root inside and outside needs no other owners."""
    seen = mountinfo(succeeded(run([*ALL, option, "--chroot", hidden_root, "--", "cat",
                                    "/proc/self/mountinfo"], "plain", outer=subordinate(""))))
    assert "idmapped" not in seen["/"][0]


def test_root_as_it_is(run, subordinate):
    """/ is never mapped, whose files are nobody's inside."""
    out = succeeded(run(["--unshare=all", "--mount-proc", "--chroot=/", "--", "sh", "-c",
                         "stat -c %u /; grep ' / / ' /proc/self/mountinfo"], "plain",
                        outer=subordinate()))
    assert out.startswith("65534\n") and "idmapped" not in out


def test_session(container, subordinate, hidden_root):
    """A session makes files of the same owner."""
    box = container(*ALL, "--chroot", hidden_root, how="plain", outer=subordinate())
    assert box.output("sh", "-c", "id -u; : >/made") == "0\n"
    assert owner(hidden_root / "made") == (0, 0)


# ---- binds


@KINDS
def test_binds(run, subordinate, hidden_root, directory, options):
    """A directory and a file that are bound likewise: those of root's are root's inside, those of
    the range's are too, and a device is bound as it is."""
    own, given = directory / "own/data", directory / "given"
    for path, uid in ((own, 0), (given, FIRST)):
        path.mkdir()
        (path / "file").write_text("old\n")
        give(path, uid)
    (directory / "own/one").write_text("one\n")
    os.chmod(directory / "own/one", 0o600)
    script = ("stat -c '%u:%g' /own /own/file /given /given/file /one; cat /one; "
              "echo new >/one; echo new >/own/file; echo new >/given/file; : >/own/made; "
              ": >/given/made; echo lost >/null; test -c /null && ! : >/read/made")
    result = run([*options, "--chroot", hidden_root, f"--bind={own}:/own", "--tmpfs=/between",
                  f"--bind={given}:/given", f"--bind={directory}/own/one:/one",
                  "--bind=/dev/null:/null", f"--bind={own}:/read:ro", "--", "sh", "-c", script],
                 "plain", outer=subordinate())
    assert result.stdout.splitlines() == ["0:0"] * 5 + ["one"], result
    assert result.stderr.count("\n") == 1 and "Read-only file system" in result.stderr, result
    assert owner(own / "made") == owner(own / "file") == owner(directory / "own/one") == (0, 0)
    assert owner(given / "made") == owner(given / "file") == (FIRST, FIRST)
    for path in (directory / "own/one", own / "file", given / "file"):
        assert path.read_text() == "new\n"
    assert stat.S_IMODE(os.stat(directory / "own/one").st_mode) == 0o600


@pytest.mark.parametrize("source", ["/sys", "/proc", "/proc/version"])
@KINDS
def test_file_system_without_maps(run, marker, directory, subordinate, hidden_root, options,
                                  source):
    """One that cannot have other owners is refused, and nothing is left: no socket, no process, no
    mount."""
    made, control = hidden_root / "made", directory / "ctl"
    result = run([*options, "--chroot", hidden_root, f"--bind={source}:/x", "--control", control,
                  "--", "touch", "/made"], "plain", outer=subordinate())
    refused(result, f"cannot map ids of {source}:/x: Invalid argument",
            "its file system has no id-mapped mounts")
    assert not made.exists() and not control.exists()
    eventually(lambda: not [pid for pid in marked(marker) if is_alive(pid)])


@KINDS
def test_root_without_maps(run, subordinate, options):
    result = run([*options, "--chroot=/sys", "--", "true"], "plain", outer=subordinate())
    refused(result, "cannot map ids of /sys: Invalid argument",
            "its file system has no id-mapped mounts")


@KINDS
@pytest.mark.parametrize("words, part", [
    (["--chroot=/nowhere/at/all"], "/nowhere/at/all: No such file"),
    (["--chroot=ROOT", "--bind=/nowhere:/x"], "/nowhere: No such file"),
    (["--chroot=ROOT/bin/busybox"], "cannot open root ")], ids=["root", "bind", "file"])
def test_what_is_not_there(run, subordinate, hidden_root, options, words, part):
    words = [word.replace("ROOT", str(hidden_root)) for word in words]
    refused(run([*options, *words, "--", "true"], "plain", outer=subordinate()), part)
