"""The check of make lint that the folders of the sources include only those below them."""
import shutil
import subprocess

import pytest

from conftest import ROOT

SCRIPT = ROOT / "tests/tools/includes.sh"


@pytest.fixture
def sources(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    shutil.copy(ROOT / "init.c", tmp_path)
    return tmp_path


def check(folder):
    return subprocess.run([SCRIPT], cwd=folder, capture_output=True, text=True)


def test_the_sources(sources):
    done = check(sources)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("file, header, says", [
    ("src/base/text.c", "process/spawn.h", "base may include from: base"),
    ("src/container/mounts.c", "channel/server.h", "container may include from: container"),
    ("src/initctl/exec.c", "process/signals.h", "initctl may include from: initctl base"),
    ("src/base/text.c", "base/no_such.h", "does not exist")])
def test_one_that_goes_upwards(sources, file, header, says):
    path = sources / file
    path.write_text(f'#include "{header}"\n' + path.read_text())
    done = check(sources)
    assert done.returncode == 1
    assert done.stderr.startswith(f'{file}: includes "{header}"') and says in done.stderr


def test_a_folder_that_is_not_in_the_order(sources):
    (sources / "src/more").mkdir()
    (sources / "src/more/more.c").touch()
    done = check(sources)
    assert done.returncode == 1 and "folder more is not in the order" in done.stderr
