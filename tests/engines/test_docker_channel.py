"""The control channel of a Docker container, with its socket in a directory of the host.

The image is made of two files, init and an app: no shell, no libc, no folder but those
that the engine makes. Run by make test-docker.
"""
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import uuid

import pytest

from conftest import INIT, PATH, PROBE
from docker_engine import Engine
from initctl import Control

IMAGE = "init-empty"


@pytest.fixture(scope="module")
def engine():
    missing = [name for name in ("dockerd", "docker") if not shutil.which(name, path=PATH)]
    if not os.environ.get("DOCKER_HOST") and (os.geteuid() or missing):
        pytest.skip(f"the engine needs root and make deps-docker (missing: {missing})")
    one = Engine()
    try:
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            with tarfile.open(file.name, "w") as tar:
                tar.add(INIT, "init")
                tar.add(PROBE, "app")
            one.docker("import", "--change", 'ENTRYPOINT ["/init"]', file.name, IMAGE)
        yield one
        one.docker("rmi", "--force", IMAGE, check=False)
    finally:
        one.stop()


class Docker(Control):
    """A container of the engine, and an operator on the host."""

    def __init__(self, engine, marker, directory):
        super().__init__(None, marker, directory)
        self.engine, self.name = engine, "init-test-" + uuid.uuid4().hex
        self.socket = self.directory / "ctl.sock"
        self.client = engine.popen(
            "run", "--name", self.name, "--network", "none", "-v", f"{directory}:/run/init",
            IMAGE, "--control", "/run/init/ctl.sock", "--", "/app", "signals",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_listens()

    def close(self):
        super().close()
        self.engine.docker("rm", "--force", "--volumes", self.name, check=False)
        self.client.wait(60)


@pytest.fixture
def docker(engine, marker):
    directory = tempfile.mkdtemp(prefix="ctl.")
    one = Docker(engine, marker, directory)
    yield one
    one.close()
    shutil.rmtree(directory)


def test_the_operator_is_on_the_host(docker):
    report = json.loads(docker.output("exec", "--", "/app", "report"))
    assert report["pid"] != 1 and report["env"]["PATH"]
    assert docker.run("exec", "--", "/app", "exit", "9").returncode == 9
    assert docker.run("exec", "sh").returncode == 127
    assert docker.lines("status")[0]["pid"] == 1


def test_a_shell_where_there_is_none(docker):
    """initctl shell --program busybox in an image that has nothing but init and an app."""
    terminal = docker.on_terminal("shell", "--program", "/bin/busybox", rows=33, columns=111)
    terminal.expect("/ # ")
    terminal.type("echo *; stty size; tty; echo $$ is my pid")
    seen = terminal.expect(r"(?s)(.*)33 111\r\n/dev/pts/\d+\r\n\d+ is my pid").group(1)
    assert {"app", "init"} <= set(seen.split()) and "bin" not in seen.split()
    terminal.press("\x10\x11")
    terminal.expect("detached")
    assert terminal.wait() == 0
    terminal = docker.on_terminal("attach", "1")
    terminal.type("echo still $((40+2))")
    terminal.expect("still 42\r\n")
    terminal.type("exit 3")
    assert terminal.wait() == 3


def test_bytes_by_pipes(docker):
    data = os.urandom(1 << 20)
    done = docker.run("exec", "--program", "/bin/busybox", "--", "cat", input=data, text=False)
    assert (done.returncode, done.stdout) == (0, data)


def test_stop(docker):
    assert docker.output("stop", "--grace", "0.2") == ""
    # docker run exits with the code of the container: the app ignores every signal but KILL.
    assert docker.client.wait(60) == 137
    assert not docker.socket.exists()
