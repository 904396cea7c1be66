"""Images that were built for tini, dumb-init or catatonit, in which that is a link to init.

The ENTRYPOINT lines are those that users write. Run by make test-engines, in Docker.
"""
import functools
import json
import re
import time
import uuid

import pytest

from conftest import Running
from engines.docker import IMAGE, Docker
from engines.engine import started

# The command and a child in its process group, which both print signals; and orphans.
COMMAND = """
forever() { while :; do sleep 1 & wait $!; done; }
trap 'echo main USR1' USR1; trap 'echo main TERM; exit 7' TERM; trap 'echo main QUIT; exit 3' QUIT
(trap 'echo child USR1' USR1; echo child up; forever) &
probe orphans 1000
while cat /proc/[0-9]*/stat 2>/dev/null | grep -q '(probe) Z'; do :; done
echo first $(tr '\\0' '\\n' </proc/1/cmdline | head -n 5); echo up; forever
"""
# Where Debian's packages install them; Alpine's tini is in /sbin.
PLACES = ["/usr/bin/tini", "/sbin/tini", "/usr/bin/dumb-init", "/usr/bin/catatonit"]
# ENTRYPOINT, whether a signal reaches the group, the signal of a stop, exit code.
LINES = [
    (["/usr/bin/tini", "--"], False, "TERM", 7),
    (["/sbin/tini", "--"], False, "TERM", 7),
    (["tini", "-g", "--"], True, "TERM", 7),
    (["/usr/bin/tini", "-s", "-e", "7", "--"], False, "TERM", 0),
    (["/usr/bin/dumb-init", "--"], True, "TERM", 7),
    (["dumb-init", "--rewrite", "15:3", "--"], True, "QUIT", 3),
    (["dumb-init", "--single-child"], False, "TERM", 7),
    (["/usr/bin/catatonit", "--"], False, "TERM", 7),
    (["catatonit", "-g", "--"], True, "TERM", 7),
]
# Their exit codes for a command that does not exist.
ABSENT = {"tini": 127, "dumb-init": 2, "catatonit": 1}


@pytest.fixture(scope="module")
def engine():
    with started(Docker) as one:
        yield one


@pytest.fixture(scope="module")
def image(engine):
    """image(words...) builds an image with that ENTRYPOINT, on one that has all links."""
    def build(name, *lines):
        folder = engine.dir / "build"
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
        engine.docker("build", "--quiet", "--network", "none", "--tag", name, folder)
        return name

    base = build("links:1", f"FROM {IMAGE}", "ENV PATH=/usr/bin:/bin",
                 "RUN mkdir -p /usr/bin /sbin && "
                 + " && ".join(f"ln -s /init {place}" for place in PLACES))

    @functools.cache
    def image(*entrypoint):
        name = f"dropin-{uuid.uuid4().hex[:8]}:1"
        return build(name, f"FROM {base}", f"ENTRYPOINT {json.dumps(entrypoint)}")

    return image


@pytest.fixture
def run(engine, marker):
    """Runs docker run in the foreground; it is ended after the test."""
    started = []

    def run(*words):
        name = "dropin-" + uuid.uuid4().hex[:12]
        command = engine.daemon.command("run", "--name", name, "--network", "none",
                                        "--sig-proxy=false", "--ulimit", "core=0", *words)
        started.append((name, Running(command, "engine", set(), env=engine.environment())))
        return name, started[-1][1]

    yield run
    for name, running in started:
        engine.docker("rm", "--force", "--volumes", name, check=False)
        running.close()


@pytest.mark.parametrize("entrypoint, group, heard, code", LINES,
                         ids=[" ".join(line[0]) for line in LINES])
def test_entry_point_line(engine, image, run, entrypoint, group, heard, code):
    name, one = run(image(*entrypoint), "sh", "-c", COMMAND)
    assert one.line("^first (.*)")[1].split()[:len(entrypoint)] == entrypoint
    one.line("^up$")
    engine.docker("kill", "--signal", "USR1", name)
    one.line("^main USR1$")
    if group and "child USR1" not in one.lines:
        one.line("^child USR1$")
    began = time.monotonic()
    engine.docker("stop", "--time", "20", name)
    rest = one.rest()
    assert f"main {heard}\n" in rest
    assert group or "child USR1" not in [*one.lines, *rest.splitlines()]
    assert one.wait() == code
    assert time.monotonic() - began < 10
    # Except what the shell prints when the signal ends its sleep.
    assert not re.findall(r"^\S*(?:init|tini|catatonit):.*", one.stderr(), re.M)


@pytest.mark.parametrize("name", ABSENT)
def test_no_such_command(image, run, name):
    _, one = run(image(f"/usr/bin/{name}", "--"), "no-such-command")
    assert one.wait() == ABSENT[name]
    assert one.stderr().count("\n") == 1 and "no-such-command" in one.stderr()


@pytest.mark.parametrize("variable", ["TINI_KILL_PROCESS_GROUP=1"])
def test_environment(engine, image, run, variable):
    """Environment variables that images set for these programs have an effect."""
    name, one = run("--env", variable, image("/usr/bin/tini", "--"), "sh", "-c", COMMAND)
    one.line("^up$")
    engine.docker("kill", "--signal", "USR1", name)
    one.line("^child USR1$")
