"""libinitctl.a, as a program of somebody else's uses it."""
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import DEADLINE, ROOT
from initctl import container, control  # noqa: F401

FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-g"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-D_GNU_SOURCE"]
SOURCES = [ROOT / f"src/{name}.c" for name in
           ("ctl/client", "number", "seqpacket", "text", "wire")]


@pytest.fixture(params=["gcc", "musl-gcc", "gcc with sanitizers"])
def program(request, container):
    compiler, *rest = request.param.split()
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    made = container.directory / "embed"
    archive = ROOT / "build/libinitctl.a"
    if not rest and not archive.exists():
        pytest.skip("the library is not built")
    # A sanitizer sees what was compiled for it.
    linked = [*SANITIZE, *SOURCES] if rest else [archive]
    subprocess.run([compiler, *FLAGS, "-o", made, ROOT / "tests/initctl/embed_client.c", *linked],
                   check=True, timeout=60, env={**os.environ, "TMPDIR": str(container.directory)})

    def run(*words, socket=container.socket):
        return subprocess.run([made, socket, *words], env=container.environment(), text=True,
                              capture_output=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)

    return run


def test_a_client_of_somebody_elses(container, program):
    done = program("sh", "-c", "pwd; echo $FROM; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "/tmp\nembed_client\n", "session 1\n")
    done = program("sh", "-c", "ulimit -c 0; kill -SEGV $$")
    assert (done.returncode, done.stderr) == (139, "session 2\n")
    done = program("no-such")
    assert (done.returncode, done.stderr) == (126, "failed in exec, errno 2\n")
    done = program("true", socket="/no/such")
    assert (done.returncode, done.stderr) == (
        125, "embed_client: /no/such: No such file or directory\n")
    done = program("x" * 66000)
    assert done.returncode == 125 and "Message too l" in done.stderr


def test_the_library_holds_what_it_names():
    """And nothing of initctl's own, such as its log and its table of verbs."""
    archive = ROOT / "build/libinitctl.a"
    if not archive.exists():
        pytest.skip("the library is not built")
    text = subprocess.run(["nm", "-g", archive], check=True, capture_output=True, text=True).stdout
    defined = {line.split()[2] for line in text.splitlines() if " T " in line}
    needed = {line.split()[1] for line in text.splitlines() if line.strip().startswith("U ")}
    assert {"initctl_connect", "initctl_greet", "initctl_exec", "initctl_wait", "initctl_call",
            "initctl_is_master"} <= defined
    ours = ("initctl_", "wire_", "seqpacket_", "number_", "text_")
    assert all(name.startswith(ours) for name in defined), defined
    assert not {name for name in needed - defined if name.startswith((*ours, "log_", "show_"))}


def test_the_client_of_the_readme(container):
    """It is 20 lines, and works as printed."""
    pages = [ROOT / "README.md"]
    found = [match for page in pages
             for match in re.findall(r"(?s)```python\n(.*?)```", page.read_text())]
    assert len(found) == 1
    assert len([line for line in found[0].splitlines() if line.strip()]) <= 20
    file = container.directory / "client.py"
    file.write_text(found[0])

    def run(*words, data=None):
        return subprocess.run([sys.executable, "-B", file, container.socket, *words], text=True,
                              capture_output=True, timeout=DEADLINE, input=data,
                              env=container.environment())

    done = run("sh", "-c", "read x; echo got $x; exit 7", data="words\n")
    assert (done.returncode, done.stdout) == (7, "got words\n")
    assert run("sh", "-c", "kill -KILL $$").returncode == 137
    done = run("no-such")
    assert (done.returncode, done.stderr) == (1, "exec: No such file or directory\n")
