"""Swarm: a service of many replicas under --init, each with its control socket on the host.

Run by make test-engines. REPLICAS is the number of replicas (50).
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from conftest import PATH, eventually
from engines.engine import started
from engines.swarm import IMAGE, Swarm
from initctl import INITCTL

REPLICAS = int(os.environ.get("REPLICAS") or 50)
PATIENCE = 180  # seconds that so many may take to start or to stop
# A sibling in a session of its own, whose clean-up takes a second and leaves a file on the host.
TASK = """
setsid sh -c 'trap "sleep 1; echo $RELEASE >/run/init/$TASK.clean; exit" TERM
while :; do sleep 1 & wait $!; done' &
exec sleep 1000
"""


@pytest.fixture(scope="module")
def swarm():
    with started(Swarm) as one:
        yield one


class Service:
    """The files in the host's directory: NAME.ctl of each task, NAME.clean of each that ended."""

    def __init__(self, swarm):
        self.swarm, self.name = swarm, "many-" + uuid.uuid4().hex[:8]
        self.directory = Path(tempfile.mkdtemp(prefix="swarm."))
        swarm.docker(
            "service", "create", "--detach", "--no-resolve-image", "--name", self.name, "--init",
            "--replicas", REPLICAS, "--env", "PATH=/bin", "--env", "RELEASE=1",
            "--env", "TASK={{.Task.Slot}}-{{.Task.ID}}", "--env",
            "INIT_OPTIONS=--grace 20 --control /run/init/{{.Task.Slot}}-{{.Task.ID}}.ctl",
            "--mount", f"type=bind,source={self.directory},destination=/run/init",
            "--stop-grace-period", "30s", IMAGE, "sh", "-c", TASK)

    def call(self, *words):
        return self.swarm.docker("service", *words)

    def sockets(self):
        return sorted(self.directory.glob("*.ctl"))

    def clean(self):
        return [path.read_text().strip() for path in self.directory.glob("*.clean")]

    def on_all(self, *words):
        """Runs a command by initctl in each, a few at a time: socket -> stdout, if it succeeds."""
        def one(path):
            done = subprocess.run([INITCTL, "-S", path, "exec", "--", *words], text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env={"PATH": PATH}, timeout=60)
            return path.stem, done.stdout if done.returncode == 0 else None

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return {name: out for name, out in pool.map(one, self.sockets()) if out is not None}

    def wait_for(self, count, release):
        """Waits until so many tasks answer that they are of that release; returns the answers."""
        want = f"release {release}\n"

        def answered():
            if len(self.sockets()) < count:
                return None
            said = self.on_all("/bin/sh", "-c", "echo release $RELEASE; echo $TASK")
            return len(said) == count and all(out.startswith(want) for out in said.values()) and said

        return eventually(answered, PATIENCE, f"{count} tasks of release {release}")

    def close(self):
        self.swarm.docker("service", "rm", self.name, check=False)
        eventually(lambda: not self.swarm.docker(
            "ps", "--all", "--quiet", "--filter",
            f"label=com.docker.swarm.service.name={self.name}").stdout, PATIENCE, "its end")
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture
def service(swarm):
    one = Service(swarm)
    yield one
    one.close()


def test_replicas(service):
    """All replicas answer; in a rolling update and a scale-down every task cleans up."""
    said = service.wait_for(REPLICAS, 1)
    # Each answer names its task: every socket belongs to its task, and every slot is there once.
    assert all(out.splitlines()[1] == name for name, out in said.items())
    assert sorted(int(re.match(r"\d+", name)[0]) for name in said) == [*range(1, REPLICAS + 1)]

    service.call("update", "--detach", "--update-parallelism", max(REPLICAS // 5, 1),
                 "--update-delay", "0s", "--env-add", "RELEASE=2", service.name)
    after = service.wait_for(REPLICAS, 2)
    assert not set(after) & set(said)
    assert service.clean() == ["1"] * REPLICAS

    left = REPLICAS // 5
    service.call("scale", "--detach", f"{service.name}={left}")
    eventually(lambda: len(service.clean()) >= 2 * REPLICAS - left, PATIENCE, "the clean-up")
    assert len(service.wait_for(left, 2)) == left
    service.call("rm", service.name)
    eventually(lambda: not service.sockets(), PATIENCE, "the end of all")
    assert sorted(service.clean()) == ["1"] * REPLICAS + ["2"] * REPLICAS
