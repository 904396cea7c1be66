"""The examples of README.md that use Docker, as they stand, in an engine of the tests' own."""
import os
import shlex
import shutil
import subprocess

import pytest

from conftest import INIT, PATH, ROOT, eventually
from docker_engine import Engine, client
from initctl import INITCTL
from readme import README, scripts

if os.environ.get("DOCKER_HOST"):
    pytest.skip("the examples name their containers and images, which another engine may have",
                allow_module_level=True)
missing = [program for program in ("dockerd", "mmdebstrap")
           if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
if missing or os.geteuid():
    pytest.skip(f"the engine needs root and make deps-docker (missing: {missing})",
                allow_module_level=True)

SECONDS = 120
EXAMPLES = scripts(README.read_text(), "sh docker")
# What the examples of a section print, in this order.
PRINTS = {
    "Quick start": ["the application runs", "another command", "the application runs"],
    "The control channel": ["state", 'NAME="Debian GNU/Linux"'],
}


@pytest.fixture(scope="module")
def engine():
    engine = Engine(INIT)
    try:
        engine.build(ROOT / "build" / "docker" / "base.tar")
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def folder(engine, tmp_path):
    """A directory as README.md expects it: build/init, and the programs on PATH."""
    (tmp_path / "build").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(INIT, tmp_path / "build" / "init")
    shutil.copy(INITCTL, tmp_path / "bin" / "initctl")
    docker = tmp_path / "bin" / "docker"
    docker.write_text(f'#!/bin/sh\nexec {shlex.join(engine.command())} "$@"\n')
    docker.chmod(0o755)
    return tmp_path


def run_script(engine, folder, script):
    env = {**engine.environment, "PATH": f"{folder}/bin:{PATH}", "LC_ALL": "C"}
    return subprocess.run(["sh", "-eu", "-c", script], cwd=folder, env=env, text=True,
                          timeout=SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def test_each_section_is_known():
    assert set(EXAMPLES) == set(PRINTS)


@pytest.mark.parametrize("section", EXAMPLES)
def test_examples(engine, folder, section):
    done = run_script(engine, folder, EXAMPLES[section])
    assert done.returncode == 0, done.stdout
    rest = done.stdout
    for text in PRINTS[section]:
        assert text in rest, done.stdout
        rest = rest[rest.index(text) + len(text):]
    eventually(lambda: not engine.docker("ps", "-aq").stdout.strip(), what="the end of all containers")


def test_options_after_the_image_name(engine, folder):
    """Options after the image's name are taken for the command, and a hint says where they go."""
    run_script(engine, folder, EXAMPLES["Quick start"])
    done = run_script(engine, folder, "docker run --rm app --grace 5s")
    assert done.returncode == 127, done.stdout
    assert "options go before \"--\" or into INIT_OPTIONS" in done.stdout
