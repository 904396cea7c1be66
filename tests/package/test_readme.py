"""README.md's examples do what they say: the blocks for a shell are run as they stand."""
import os
import subprocess

import pytest

from conftest import AS_ROOT, MARKER, PATH
from readme import KINDS, README, blocks, make_scratch, scripts

TEXT = README.read_text()
SECONDS = 60
# Folders that examples use are empty ones of their own, and what still runs at the end is killed.
APART = ["unshare", "-mpf", "--mount-proc", "--kill-child", "sh", "-c", """
mount -t tmpfs none /run && mount -t tmpfs none /srv && mkdir -p /run/init /srv/app || exit
exec bash -euo pipefail -c "$0" </dev/null
"""]
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


def run_script(script, folder, marker):
    env = {"PATH": f"{folder}/bin:{PATH}", "LC_ALL": "C", "HOME": str(folder), MARKER: marker}
    return subprocess.run([*APART, script], cwd=folder, env=env, text=True, timeout=SECONDS,
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


def test_runner(scratch, marker):
    """An example that fails is seen, and one that works passes."""
    script = ("init --control /run/init/ctl.sock -- app &\n"
              "initctl -S /run/init/ctl.sock exec -- app --version\n")
    done = run_script(script, scratch, marker)
    assert (done.returncode, done.stdout) == (0, "app 1.0\n")
    assert run_script("init -- --control x\ntrue\n", scratch, marker).returncode == 127
    assert run_script("init -- false | cat\ntrue\n", scratch, marker).returncode == 1
