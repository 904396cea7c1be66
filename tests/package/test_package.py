"""The installed files, the content of the packages, and that builds are reproducible."""
import filecmp
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from conftest import AS_ROOT, PATH, ROOT, sanitized

NAME = "container-init"
VERSION = re.search(r'INIT_VERSION "(.*)"', (ROOT / "src/base/version.h").read_text())[1]
DEV = "libinitctl-dev"
MANUALS = sorted(path.name for path in (ROOT / "src/man").glob("*.[1-9]"))
INSTALLED = {
    "bin/init": 0o755, "bin/initctl": 0o755,
    **{f"share/man/man{name[-1]}/{name}": 0o644 for name in MANUALS},
    "share/bash-completion/completions/init": 0o644,
    "share/bash-completion/completions/initctl": 0o644,
    "share/zsh/site-functions/_init": 0o644, "share/zsh/site-functions/_initctl": 0o644,
    "share/fish/vendor_completions.d/init.fish": 0o644,
    "share/fish/vendor_completions.d/initctl.fish": 0o644,
    "include/initctl.h": 0o644, "lib/libinitctl.a": 0o644, "lib/pkgconfig/initctl.pc": 0o644,
}
PACKAGED = {
    "usr/bin/container-init", "usr/bin/initctl",
    *(f"usr/share/man/man{name[-1]}/{name}.gz" for name in MANUALS if name[-1] != "3"),
    "usr/share/bash-completion/completions/container-init",
    "usr/share/bash-completion/completions/initctl",
    "usr/share/fish/vendor_completions.d/container-init.fish",
    "usr/share/fish/vendor_completions.d/initctl.fish",
    "usr/share/doc/container-init/copyright", "usr/share/doc/container-init/changelog.gz",
}
LIBRARY_MANUALS = {f"usr/share/man/man3/{name}.gz" for name in MANUALS if name[-1] == "3"}
ZSH = {"_container-init", "_initctl"}

pytestmark = pytest.mark.skipif(sanitized(), reason="what is packed is not what INIT names")
needs_musl = pytest.mark.skipif(not shutil.which("musl-gcc"), reason="packages are made by musl-gcc")
needs_header = pytest.mark.skipif(not (ROOT / "src/initctl/initctl.h").exists(),
                                  reason="client.h includes headers that are not installed")
needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg is not here")


def make(*words, cwd, env=None, **run):
    environment = {"PATH": PATH, "HOME": "/nonexistent", **(env or {})}
    done = subprocess.run(["make", *map(str, words)], cwd=cwd, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **run)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def files(folder):
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o7777
            for path in Path(folder).rglob("*") if not path.is_dir()}


def sources(to):
    """A copy of the sources without build results and history."""
    def leave(folder, names):
        return [name for name in names if name in ("build", ".git", "__pycache__", ".pytest_cache")]
    shutil.copytree(ROOT, to, ignore=leave)
    return to


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A copy of the sources without history, built there, so that the build under test is kept."""
    folder = sources(tmp_path_factory.mktemp("package") / "a")
    make("-j2", cwd=folder)
    return folder


# ---- make install


def test_install_and_uninstall(built, tmp_path):
    make("install", f"DESTDIR={tmp_path}", cwd=built)
    assert files(tmp_path) == {f"usr/local/{name}": mode for name, mode in INSTALLED.items()}
    other = tmp_path / "usr/local/bin/other"
    other.touch()
    make("uninstall", f"DESTDIR={tmp_path}", cwd=built)
    assert set(files(tmp_path)) == {"usr/local/bin/other"}


PROGRAM = """
#include <initctl.h>
int main(void)
{
	return initctl_connect("/nonexistent") == -1 ? 7 : 1;
}
"""


def build_with_pkg_config(root, compiler="gcc", pc="usr/local/lib/pkgconfig"):
    """Builds and runs a user's program with the flags that pkg-config has for the library."""
    if not shutil.which("pkg-config"):
        pytest.skip("pkg-config is not installed")
    env = {"PATH": PATH, "PKG_CONFIG_LIBDIR": str(root / pc), "PKG_CONFIG_SYSROOT_DIR": str(root),
           "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1", "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
    words = subprocess.run(["pkg-config", "--cflags", "--libs", "initctl"], env=env, check=True,
                           capture_output=True, text=True).stdout.split()
    assert subprocess.check_output(["pkg-config", "--modversion", "initctl"], env=env,
                                   text=True).strip() == VERSION
    (root / "program.c").write_text(PROGRAM)
    subprocess.run([compiler, "-Wall", "-Werror", "-o", root / "program", root / "program.c", *words],
                   check=True, cwd=root, env={"PATH": PATH})
    assert subprocess.run([root / "program"]).returncode == 7


@needs_header
@pytest.mark.parametrize("compiler", ["gcc", "clang", "musl-gcc"])
def test_installed_library(built, tmp_path, compiler):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    make("install", f"DESTDIR={tmp_path}", cwd=built)
    build_with_pkg_config(tmp_path, compiler)


def test_install_elsewhere(built, tmp_path):
    places = [f"DESTDIR={tmp_path}", "PREFIX=/opt", "MANDIR=/man", "BASHDIR=/bash", "ZSHDIR=/zsh",
              "FISHDIR=/fish", "LIBDIR=/lib64", "INIT_NAME=pid1"]
    make("install", *places, cwd=built, umask=0o077)
    assert set(files(tmp_path)) == {
        "opt/bin/pid1", "opt/bin/initctl", *(f"man/man{name[-1]}/{name}" for name in MANUALS),
        "opt/include/initctl.h", "lib64/libinitctl.a", "lib64/pkgconfig/initctl.pc",
        "bash/pid1", "bash/initctl", "zsh/_pid1", "zsh/_initctl", "fish/pid1.fish",
        "fish/initctl.fish"}
    assert all(path.stat().st_mode & 0o055 == 0o055 for path in tmp_path.rglob("*") if path.is_dir())
    make("uninstall", *places, cwd=built)
    assert files(tmp_path) == {}


# ---- make demo


@pytest.mark.parametrize("outer", [[], ["nohup"]], ids=["plain", "nohup"])
def test_demo(built, outer):
    done = subprocess.run([*outer, "make", "demo"], cwd=built, env={"PATH": PATH}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("Everything worked.\n")


# ---- the packages


@pytest.fixture(scope="module")
def packages(built):
    """The directory with both packages."""
    make("deb", "tarball", cwd=built)
    return built / "build"


def one(folder, pattern):
    found = list(folder.glob(pattern))
    assert len(found) == 1, found
    return found[0]


@pytest.fixture
def deb(packages):
    return one(packages, f"{NAME}_{VERSION}_*.deb")


@pytest.fixture
def dev_deb(packages):
    return one(packages, f"{DEV}_{VERSION}_*.deb")


@pytest.fixture
def tarball(packages):
    return one(packages, f"{NAME}-{VERSION}-*.tar.gz")


@pytest.fixture
def elsewhere():
    """A directory that is not below that of pytest, which each run closes to other users."""
    with tempfile.TemporaryDirectory(prefix="init-package.") as path:
        os.chmod(path, 0o755)
        yield Path(path)


@needs_musl
@needs_dpkg
def test_same_bytes_anywhere(deb, dev_deb, tarball, elsewhere):
    """The same bytes result in another directory, for another user, with another umask, time and
    language."""
    folder = sources(elsewhere / "quite" / "another-directory")
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (1, 987654321))
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
    who = {}
    if AS_ROOT:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, 65534, 65534)
        folder.parent.chmod(0o755)
        who = {"user": 65534, "group": 65534, "extra_groups": []}
    env = {"TZ": "Pacific/Chatham", "LANG": "de_DE.UTF-8", "LC_ALL": "tr_TR.UTF-8",
           "TMPDIR": str(folder), "USER": "somebody"}
    make("tarball", "deb", cwd=folder, umask=0o077, env=env, **who)
    for first in (deb, dev_deb, tarball):
        assert filecmp.cmp(first, folder / "build" / first.name, shallow=False), first.name


@needs_musl
@needs_dpkg
def test_time_of_the_last_commit(packages, tmp_path):
    if not shutil.which("git"):
        pytest.skip("git is not here")
    folder = sources(tmp_path / "a")
    shutil.copytree(packages, folder / "build")
    when = {"GIT_COMMITTER_DATE": "@1700000000 +0500", "GIT_AUTHOR_DATE": "@1 +0000"}
    for words in (["init", "-q"], ["add", "LICENSE"], ["-c", "user.name=a", "-c", "user.email=b",
                                                      "commit", "-qm", "."]):
        subprocess.run(["git", *words], cwd=folder, check=True, env={"PATH": PATH, **when})
    if AS_ROOT:
        os.chown(folder / ".git", 65534, 65534)
    for env, time in (({}, 1700000000), ({"SOURCE_DATE_EPOCH": "1234567890"}, 1234567890)):
        make("tarball", cwd=folder, env=env)
        with tarfile.open(one(folder / "build", "*.tar.gz")) as tar:
            assert {member.mtime for member in tar} == {time}


@needs_musl
def test_what_the_tarball_holds(tarball):
    with tarfile.open(tarball) as tar:
        names = [member.name for member in tar]
        assert set(names) == PACKAGED | LIBRARY_MANUALS | {
            "usr/include/initctl.h", "usr/lib/libinitctl.a", "usr/lib/pkgconfig/initctl.pc"} | {
            f"usr/share/zsh/site-functions/{name}" for name in ZSH}
        assert names == sorted(names)
        for member in tar:
            assert (member.uid, member.gid, member.isfile()) == (0, 0, True)
            assert member.mode == (0o755 if "/bin/" in member.name else 0o644)
        licence = tar.extractfile(f"usr/share/doc/{NAME}/copyright").read().decode()
    for line in (ROOT / "LICENSE").read_text().splitlines()[2:]:
        assert line.replace("Copyright (c) ", "") in licence


def control(deb):
    text = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^([\w-]+): (.*)", text, re.M))


@needs_musl
@needs_dpkg
def test_what_the_debs_say(deb, dev_deb):
    for package, name in ((deb, NAME), (dev_deb, DEV)):
        fields = control(package)
        assert (fields["Package"], fields["Version"]) == (name, VERSION)
        assert fields.get("Source", NAME) == NAME
        assert package.name == f"{name}_{VERSION}_{fields['Architecture']}.deb"
        assert not {"Depends", "Pre-Depends", "Conflicts", "Replaces"} & set(fields)


@needs_header
@needs_musl
@needs_dpkg
def test_library_from_the_deb(dev_deb, tmp_path):
    subprocess.run(["dpkg-deb", "-x", dev_deb, tmp_path], check=True)
    lib = os.path.dirname(one(tmp_path, "usr/lib/*/libinitctl.a").relative_to(tmp_path))
    assert set(files(tmp_path)) == LIBRARY_MANUALS | {
        "usr/include/initctl.h", f"{lib}/libinitctl.a", f"{lib}/pkgconfig/initctl.pc",
        f"usr/share/doc/{DEV}/copyright", f"usr/share/doc/{DEV}/changelog.gz"}
    build_with_pkg_config(tmp_path, pc=f"{lib}/pkgconfig")


@needs_musl
@needs_dpkg
@pytest.mark.skipif(not AS_ROOT, reason="dpkg installs for root alone")
def test_deb_comes_and_goes(deb, tmp_path):
    """The package is installed into a root by dpkg, used, and removed: no file is left."""
    root = tmp_path / "root"
    admin = root / "var/lib/dpkg"
    for folder in ("info", "updates", "triggers"):
        (admin / folder).mkdir(parents=True)
    (admin / "status").touch()

    def dpkg(*words):
        done = subprocess.run(["dpkg", f"--root={root}", "--log=/dev/null", *words],
                              capture_output=True, text=True, env={"PATH": PATH, "LC_ALL": "C"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def everything():
        return {path for path in root.rglob("*") if admin not in path.parents}

    before = everything()
    dpkg("--install", deb)
    assert "ok installed" in dpkg("--status", NAME)
    assert dpkg("--verify", NAME) == ""
    installed = {str(path.relative_to(root)) for path in everything() - before if not path.is_dir()}
    assert installed == PACKAGED | {f"usr/share/lintian/overrides/{NAME}"} | {
        f"usr/share/zsh/vendor-completions/{name}" for name in ZSH}

    init, initctl = root / "usr/bin/container-init", root / "usr/bin/initctl"
    done = subprocess.run([init, "--control", root / "ctl", "--", "sh", "-c",
                           f"{initctl} -S {root}/ctl exec -- sh -c 'exit 7'"])
    assert done.returncode == 7
    assert VERSION in subprocess.check_output([init, "-V"], text=True)
    manual = subprocess.check_output(["zcat", root / f"usr/share/man/man8/{NAME}.8.gz"], text=True)
    assert manual == (ROOT / "src/man/container-init.8").read_text()

    dpkg("--purge", NAME)
    assert everything() - before == set()


@needs_musl
@needs_dpkg
def test_lintian(deb, dev_deb):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", deb, dev_deb],
                          capture_output=True, text=True, env={"PATH": PATH, "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stdout) == (0, "")
