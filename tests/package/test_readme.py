"""README.md's examples do what they say: its blocks of shell and Python are run as they stand."""
import os
import subprocess
import sys

import pytest

from conftest import AS_ROOT, DEADLINE, MARKER, PATH
from container import directory  # noqa: F401
from initctl import control  # noqa: F401
from inside import UID
from readme import KINDS, README, blocks, make_scratch, scripts

TEXT = README.read_text()
SECONDS = 60
# The folders that examples use are empty file systems here, and what still runs at the end is
# killed.
APART = ["unshare", "-mpf", "--mount-proc", "--kill-child", "sh", "-c", """
mount -t tmpfs none /run && mount -t tmpfs none /srv && mkdir -p /run/init /srv/app || exit
exec $1 bash -euo pipefail -c "$0" </dev/null
"""]
AS_USER = f"setpriv --reuid {UID} --regid {UID} --clear-groups"
EXAMPLE = """# Title

```sh
one
```

## Use it

```text
not run
```

    indented

- an item

      of a list

```sh
two
three
```
```sh docker
four
```
"""


def test_extractor():
    assert [(section, kind) for section, kind, _ in blocks(EXAMPLE)] == [
        ("", "sh"), ("Use it", "text"), ("Use it", None), ("Use it", None), ("Use it", "sh"),
        ("Use it", "sh docker")]
    assert scripts(EXAMPLE, "sh") == {"": "one\n", "Use it": "two\nthree\n"}
    assert scripts(EXAMPLE, "sh docker") == {"Use it": "four\n"}


def test_every_block_is_of_a_known_kind():
    wrong = [(section, kind, lines[:1]) for section, kind, lines in blocks(TEXT)
             if kind not in KINDS]
    assert not wrong, "the kinds of blocks are listed in tests/harness/readme.py"
    assert scripts(TEXT, "sh"), "no block of README.md is run"


def run_script(script, folder, marker, by=""):
    env = {"PATH": f"{folder}/bin:{PATH}", "LC_ALL": "C", "HOME": str(folder), MARKER: marker}
    return subprocess.run([*APART, script, by], cwd=folder, env=env, text=True, timeout=SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
def scratch(tmp_path):
    if not AS_ROOT:
        pytest.skip("needs root for empty /run and /srv")
    if not os.path.isdir("/srv"):
        pytest.skip("no /srv to mount on")
    return make_scratch(tmp_path)


@pytest.mark.parametrize("section", scripts(TEXT, "sh"))
def test_examples(section, scratch, marker):
    done = run_script(scripts(TEXT, "sh")[section], scratch, marker)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("section", scripts(TEXT, "sh user"))
def test_examples_of_an_ordinary_user(section, directory, marker):
    """In a directory of the user's own, which is where he may make a socket."""
    if not AS_ROOT:
        pytest.skip("needs root for empty /run and /srv")
    scratch = make_scratch(directory)
    for folder, folders, files in os.walk(scratch):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(folder, name), UID, UID, follow_symlinks=False)
    done = run_script(scripts(TEXT, "sh user")[section], scratch, marker, AS_USER)
    assert done.returncode == 0, done.stdout


def test_runner(scratch, marker):
    """run_script() fails for an example that fails, and succeeds for one that works."""
    script = ("init --control /run/init/ctl.sock -- app &\n"
              "initctl -S /run/init/ctl.sock exec -- app --version\n")
    done = run_script(script, scratch, marker)
    assert (done.returncode, done.stdout) == (0, "app 1.0\n")
    assert run_script("init -- --control x\ntrue\n", scratch, marker).returncode == 127
    assert run_script("init -- false | cat\ntrue\n", scratch, marker).returncode == 1


def test_client_in_python(control, tmp_path):  # noqa: F811
    """The client has at most 20 lines. It runs a command on its own stdin, stdout and stderr, exits
    with the command's code, and prints why a command could not be started."""
    client, = scripts(TEXT, "python").values()
    assert len([line for line in client.splitlines() if line.strip()]) <= 20
    (tmp_path / "client.py").write_text(client)
    container = control.start()

    def run(*words, data=None):
        return subprocess.run([sys.executable, "-B", tmp_path / "client.py", container.socket, *words],
                              text=True, capture_output=True, timeout=DEADLINE, input=data,
                              env=container.environment())

    done = run("sh", "-c", "read x; echo got $x; echo error >&2; exit 7", data="words\n")
    assert (done.returncode, done.stdout, done.stderr) == (7, "got words\n", "error\n")
    assert run("sh", "-c", "kill -KILL $$").returncode == 137
    done = run("no-such")
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "exec: No such file or directory\n")
