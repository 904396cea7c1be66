"""The unit tests in C, one program each; UNIT is the directory of the programs."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import DEADLINE, PATH, ROOT

FOLDER = Path(os.environ.get("UNIT") or ROOT / "build" / "unit").absolute()
NAMES = sorted(path.stem for path in (ROOT / "tests" / "unit").glob("*.c"))


@pytest.mark.parametrize("name", NAMES)
def test_unit(name):
    env = {"PATH": PATH, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1"}
    result = subprocess.run([FOLDER / name], env=env, timeout=DEADLINE, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout
    assert re.fullmatch(r"[1-9]\d* checks, 0 failed\n", result.stdout)
