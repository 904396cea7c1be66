"""The fenced blocks of README.md, and a place to run those for a shell in.

The word behind the fence says what a block is:

    ```sh            commands that are run by tests/package/test_readme.py as they stand
    ```sh docker     the same, in the Docker stage, by tests/engines/test_readme_docker.py
    ```console       commands that are not run, such as those that install packages
    ```dockerfile    a part of an image's Dockerfile: the one that the docker blocks run
    ```text ...      what a program prints, files, other languages: not run

All blocks of a section (##) are one script: the later ones find what the earlier ones started.
"""
import os
import re
import shutil

from conftest import INIT, ROOT
from inside import make_root
from initctl import INITCTL

README = ROOT / "README.md"
RUN = ("sh", "sh docker")
KINDS = {*RUN, "console", "dockerfile", "text", "python", "c", "json", "yaml", "ini", "make"}

# It waits for the socket of a container that a line before has just put into the background.
WRAPPER = """#!/bin/sh
socket=$INIT_SOCKET
[ "$1" != -S ] || socket=$2
for try in $(seq 100); do [ -S "${{socket:-/run/init.sock}}" ] && break; sleep 0.1; done
exec {program} "$@"
"""
# The application of the examples. It ends by itself, so that nothing can hang.
APP = """#!/bin/sh
[ "$1" != --version ] || { echo app 1.0; exit; }
exec sleep 60
"""


def blocks(text):
    """(section, kind, lines) of each block in order. A block that is only indented has kind None."""
    found, section, kind, lines, fenced, blank = [], "", None, [], False, True
    for line in text.splitlines():
        if fenced:
            if line.strip() == "```":
                found.append((section, kind, lines))
                fenced, lines = False, []
            else:
                lines.append(line)
        elif line.startswith("```"):
            fenced, kind = True, line[3:].strip()
        elif match := re.match(r"## +(.*)", line):
            section = match[1]
        elif line.startswith("    ") and blank:
            found.append((section, None, [line]))
        blank = not line.strip()
    assert not fenced, "the last block does not end"
    return found


def scripts(text, kind):
    """Section -> the text of its blocks of this kind."""
    found = {}
    for section, this, lines in blocks(text):
        if this == kind:
            found[section] = found.get(section, "") + "\n".join(lines) + "\n"
    return found


def make_scratch(folder):
    """A directory with the programs that the examples name, in bin, and a root for containers."""
    programs = folder / "bin"
    programs.mkdir()
    shutil.copy(INIT, programs / "init")
    for name, text in (("initctl", WRAPPER.format(program=INITCTL)), ("app", APP)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    root = make_root(folder / "rootfs")
    shutil.copy(programs / "app", root / "bin/app")
    os.chmod(folder, 0o755)
    return folder
