"""The fenced blocks of README.md, and a directory to run its shell commands in.

The word behind the fence is the kind of the block:

    ```sh            commands that tests/package/test_readme.py runs as they stand
    ```sh user       the same as an ordinary user
    ```sh docker     the same by tests/engines/test_readme_docker.py, in an engine
    ```python        a client of the control channel, run by tests/package/test_readme.py
    ```console       commands that are not run, such as those that install packages
    ```text ...      commands for an engine with names to fill in, output, files: not run

All blocks of a kind in a section (##) are one script: later ones use what earlier ones started.
"""
import os
import re
import shutil

from conftest import INIT, ROOT
from inside import make_root
from initctl import INITCTL

README = ROOT / "README.md"
KINDS = {"sh", "sh user", "sh docker", "python", "console", "text"}

# Waits for the socket of a container that the line before has started in the background.
WRAPPER = """#!/bin/sh
socket=$INIT_SOCKET
[ "$1" != -S ] || socket=$2
for try in $(seq 100); do [ -S "${{socket:-/run/init.sock}}" ] && break; sleep 0.1; done
exec {program} "$@"
"""
# The application of the examples. It ends by itself, so that no test hangs.
APP = """#!/bin/sh
[ "$1" != --version ] || { echo app 1.0; exit; }
exec sleep 60
"""


def blocks(text):
    """(section, kind, lines) of each block in order. The kind of an indented block is None."""
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
    """A directory with bin, which has the programs of the examples, and a root for containers."""
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
