"""Id-mapped mounts: where root makes a user namespace whose root is another user outside, the files
of the container's root directory and of what is bound have the owners inside that they have outside.
"""
import os
import stat

import pytest

from conftest import eventually, is_alive, marked
from container import container, directory, needs_root  # noqa: F401
from inside import make_root, mountinfo, needs_static, refused

pytestmark = [needs_static, needs_root]
FIRST, COUNT = 300000, 65536
MAPS = [f"--uid-map=0:{FIRST}:{COUNT}", f"--gid-map=0:{FIRST}:{COUNT}"]
ALL = ["--unshare=all", "--mount=all"]
# Without an outer process.
SOME = ["--unshare=user,mount,uts,ipc,net"]
KINDS = pytest.mark.parametrize("options", [ALL, SOME], ids=["all", "without pid"])


@pytest.fixture
def hidden_root(directory):
    """A root of root's in a folder that nobody else may enter."""
    (directory / "own").mkdir(mode=0o700)
    return make_root(directory / "own/root")


def succeeded(result):
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def give(path, uid):
    """Makes an id the owner of a directory and of all in it."""
    for folder, folders, files in os.walk(path):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)


def owner(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid


# ---- owners


WRITE = ("id -u; id -g; stat -c '%u:%g %n' / /bin /bin/busybox; echo text >/made; mkdir /bin/new; "
         "chown 5:6 /made && chown 0:0 /made")


@KINDS
def test_root_of_root_s(run, hidden_root, options):
    """A root of root's is root's inside as well, although nobody else may go to where it is, and
    what is made there is root's outside."""
    out = succeeded(run([*options, *MAPS, "--chroot", hidden_root, "--", "sh", "-c", WRITE], "plain"))
    assert out.splitlines() == ["0", "0", "0:0 /", "0:0 /bin", "0:0 /bin/busybox"]
    assert owner(hidden_root / "made") == owner(hidden_root / "bin/new") == (0, 0)
    assert (hidden_root / "made").read_text() == "text\n"


@KINDS
def test_root_of_another_s(run, hidden_root, options):
    """One of somebody who is nobody inside is mapped too."""
    give(hidden_root, 1234)
    script = "stat -c '%u:%g' /bin; : >/made; stat -c '%u:%g' /made"
    out = succeeded(run([*options, *MAPS, "--chroot", hidden_root, "--", "sh", "-c", script], "plain"))
    assert out.splitlines() == ["1234:1234", "0:0"]
    assert owner(hidden_root / "made") == (0, 0)


@KINDS
def test_root_of_the_range_s(run, directory, options):
    """One that has been prepared for the range is taken as it is."""
    root = make_root(directory / "root")
    give(root, FIRST)
    out = succeeded(run([*options, *MAPS, "--chroot", root, "--", "sh", "-c", WRITE], "plain"))
    assert out.splitlines() == ["0", "0", "0:0 /", "0:0 /bin", "0:0 /bin/busybox"]
    assert owner(root / "made") == owner(root / "bin/new") == (FIRST, FIRST)


@KINDS
def test_shared_mounts(run, hidden_root, directory, options):
    """On a host whose mounts are shared, as systemd makes them, nothing is mounted for the host."""
    (directory / "own/data").mkdir()
    script = 'mount --make-rshared / && "$@"; echo code $?; cat /proc/self/mountinfo'
    result = run([*options, *MAPS, "--chroot", hidden_root, f"--bind={directory}/own/data:/data", "--",
                  "true"], "plain", outer=["unshare", "-m", "sh", "-c", script, "sh"])
    assert result.stdout.startswith("code 0\n") and not result.stderr, result
    assert f" {hidden_root}" not in result.stdout


def attributes(run, directory, uid):
    """Those of the root, where that belongs to this user."""
    root = make_root(directory / "root")
    (root / "proc").mkdir()
    give(root, uid)
    seen = mountinfo(succeeded(run(["--unshare=all", *MAPS, "--mount-proc", "--chroot", root, "--",
                                    "cat", "/proc/self/mountinfo"], "plain")))
    assert {"nosuid", "nodev"} <= seen["/"][0]
    return seen["/"][0]


@pytest.mark.parametrize("uid", [0, 1, COUNT - 1])
def test_owner_inside(run, directory, uid):
    """The mount says that it is mapped, where its owner is one inside by number alone."""
    assert "idmapped" in attributes(run, directory, uid)


@pytest.mark.parametrize("uid", [COUNT, FIRST - 1, FIRST + COUNT - 1, FIRST + COUNT])
def test_owner_beside_both(run, directory, uid):
    """An owner who is somebody inside as it is, or would be nobody either way, needs no map."""
    assert "idmapped" not in attributes(run, directory, uid)


def test_owner_in_both(run, directory):
    """An owner whose number is an ID inside and one outside is the latter, so nothing is mapped."""
    root = make_root(directory / "root")
    give(root, 1500)
    maps = ["--uid-map=0:1000:5000", "--gid-map=0:1000:5000"]
    out = succeeded(run([*ALL, *maps, "--chroot", root, "--", "sh", "-c",
                         "stat -c %u /bin; cat /proc/self/mountinfo"], "plain"))
    assert out.startswith("500\n") and "idmapped" not in mountinfo(out.split("\n", 1)[1])["/"][0]


@KINDS
def test_root_out_of_reach(run, hidden_root, options):
    """The same root that belongs to the range may be below a directory that only root may enter."""
    give(hidden_root, FIRST)
    out = succeeded(run([*options, *MAPS, "--chroot", hidden_root, f"--bind={hidden_root}/bin:/b",
                         "--", "stat", "-c", "%u", "/bin", "/b"], "plain"))
    assert out == "0\n0\n"


def test_mount_below(run, hidden_root):
    """What is mounted below the root is mapped as well, and what others cannot be is refused."""
    (hidden_root / "below").mkdir()
    command = [*ALL, *MAPS, "--chroot", hidden_root, "--", "sh", "-c", "stat -c %u /below"]
    script = 'mount -t "$0" none "$1" && shift && exec "$@"'
    around = ["unshare", "-m", "sh", "-c", script]
    result = run(command, "plain", outer=[*around, "tmpfs", hidden_root / "below"])
    if "Invalid argument" not in result.stderr:  # before Linux 6.3
        assert succeeded(result) == "0\n"
    result = run(command, "plain", outer=[*around, "proc", hidden_root / "below"])
    refused(result, f"cannot map ids of {hidden_root}: Invalid argument", "its file system cannot")


def test_another_user_inside(run, hidden_root):
    """Another user's files are that user's outside."""
    (hidden_root / "all").mkdir()
    os.chmod(hidden_root / "all", 0o777)
    succeeded(run([*ALL, *MAPS, "--chroot", hidden_root, "--user=1000:1001", "--", "touch", "/all/made"],
                  "plain"))
    assert owner(hidden_root / "all/made") == (1000, 1001)


def test_by_given_maps(run, hidden_root):
    """The same by maps of options."""
    succeeded(run([*ALL, "--uid-map=0:500000:1000", "--gid-map=0:600000:1000", "--chroot",
                   hidden_root, "--", "touch", "/made"], "plain"))
    assert owner(hidden_root / "made") == (0, 0)


@pytest.mark.parametrize("option", ["--map-same", "--map-root"])
def test_without_need(run, hidden_root, option):
    """Who is root inside and outside needs no other owners."""
    seen = mountinfo(succeeded(run([*ALL, option, "--chroot", hidden_root, "--", "cat",
                                    "/proc/self/mountinfo"], "plain")))
    assert "idmapped" not in seen["/"][0]


def test_root_as_it_is(run):
    """/ is never mapped, whose files are nobody's inside."""
    out = succeeded(run(["--unshare=all", *MAPS, "--mount-proc", "--chroot=/", "--", "sh", "-c",
                         "stat -c %u /; grep ' / / ' /proc/self/mountinfo"], "plain"))
    assert out.startswith("65534\n") and "idmapped" not in out


def test_session(container, hidden_root):
    """A session makes files of the same owner."""
    box = container(*ALL, *MAPS, "--chroot", hidden_root, how="plain")
    assert box.output("sh", "-c", "id -u; : >/made") == "0\n"
    assert owner(hidden_root / "made") == (0, 0)


# ---- binds


@KINDS
def test_binds(run, hidden_root, directory, options):
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
    result = run([*options, *MAPS, "--chroot", hidden_root, f"--bind={own}:/own", "--tmpfs=/between",
                  f"--bind={given}:/given", f"--bind={directory}/own/one:/one",
                  "--bind=/dev/null:/null", f"--bind={own}:/read:ro", "--", "sh", "-c", script],
                 "plain")
    assert result.stdout.splitlines() == ["0:0"] * 5 + ["one"], result
    assert result.stderr.count("\n") == 1 and "Read-only file system" in result.stderr, result
    assert owner(own / "made") == owner(own / "file") == owner(directory / "own/one") == (0, 0)
    assert owner(given / "made") == owner(given / "file") == (FIRST, FIRST)
    for path in (directory / "own/one", own / "file", given / "file"):
        assert path.read_text() == "new\n"
    assert stat.S_IMODE(os.stat(directory / "own/one").st_mode) == 0o600


@KINDS
def test_bind_as_it_is(run, hidden_root, directory, options):
    """With noidmap a bind is not mapped, so that its owner is nobody inside; what others may read can
    be read."""
    os.chmod(directory, 0o755)
    (directory / "data").mkdir()
    (directory / "data/file").write_text("seen\n")
    script = ("stat -c '%u:%g' /data /data/file; cat /data/file; cat /version; "
              ": >/data/made; test -e /data/made")
    result = run([*options, *MAPS, "--chroot", hidden_root, f"--bind={directory}/data:/data:noidmap",
                  "--bind=/proc/version:/version:ro,noidmap", "--", "sh", "-c", script], "plain")
    with open("/proc/version", encoding="utf-8") as version:
        assert result.stdout == f"65534:65534\n65534:65534\nseen\n{version.read()}", result
    assert result.returncode == 1 and "Permission denied" in result.stderr, result


@pytest.mark.parametrize("source", ["/sys", "/proc", "/proc/version"])
@KINDS
def test_file_system_without_maps(run, marker, directory, hidden_root, options,
                                  source):
    """One that cannot have other owners is refused, and nothing is left: no socket, no process, no
    mount."""
    made, control = hidden_root / "made", directory / "ctl"
    result = run([*options, *MAPS, "--chroot", hidden_root, f"--bind={source}:/x", "--control", control,
                  "--", "touch", "/made"], "plain")
    refused(result, f"cannot map ids of {source}:/x: Invalid argument",
            "its file system cannot")
    assert not made.exists() and not control.exists()
    eventually(lambda: not [pid for pid in marked(marker) if is_alive(pid)])


@KINDS
def test_root_without_maps(run, options):
    result = run([*options, *MAPS, "--chroot=/sys", "--", "true"], "plain")
    refused(result, "cannot map ids of /sys: Invalid argument",
            "its file system cannot")


@KINDS
@pytest.mark.parametrize("words, part", [
    (["--chroot=/nowhere/at/all"], "/nowhere/at/all: No such file"),
    (["--chroot=ROOT", "--bind=/nowhere:/x"], "/nowhere: No such file"),
    (["--chroot=ROOT", "--bind=ROOT/nowhere:/x"], "/nowhere: No such file"),
    (["--chroot=ROOT/bin/busybox"], "cannot open root ")], ids=["root", "bind", "hidden", "file"])
def test_what_is_not_there(run, hidden_root, options, words, part):
    words = [word.replace("ROOT", str(hidden_root)) for word in words]
    refused(run([*options, *MAPS, *words, "--", "true"], "plain"), part)
