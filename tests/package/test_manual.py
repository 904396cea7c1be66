"""The manuals have every option, verb and request there is, and no other."""
import re
import shutil
import subprocess

import pytest

from conftest import INIT, ROOT
from initctl import INITCTL

SOURCES = {path: path.read_text() for path in ROOT.glob("src/*/*.c")}
MANUALS = {"init": ROOT / "src/man/container-init.8", "initctl": ROOT / "src/man/initctl.1",
           "libinitctl": ROOT / "src/man/initctl.3"}


def source(name):
    return SOURCES[ROOT / "src" / name]


def items(program):
    """The options that a manual explains: name -> whether it has a value."""
    found = {}
    for line in re.findall(r"^\.It Fl (.*)", MANUALS[program].read_text(), re.M):
        flags, value, _ = line.partition(" Ar ")
        for flag in re.sub(r"\bFl\b", "", flags).replace(",", " ").split():
            assert f"-{flag}" not in found, f"{flag} is explained twice"
            found[f"-{flag}"] = bool(value)
    return found


def verb_lines():
    return re.findall(r"^\.It Cm .*", MANUALS["initctl"].read_text(), re.M)


def printed(program):
    """What -h says."""
    return subprocess.run([program, "-h"], capture_output=True, text=True, check=True).stdout


def test_options_of_init():
    """The help is printed from the table of options (src/pid1/options_table.c)."""
    found = re.findall(r"^  ((?:-[a-zA-Z], )*) *(--[a-z-]+)( [A-Z])?", printed(INIT), re.M)
    table = {option: bool(value) for flags, name, value in found
             for option in (name, *flags.replace(",", "").split())}
    rows = re.findall(r'^\t\{"[a-z-]+", ', (ROOT / "src/pid1/options_table.c").read_text(), re.M)
    assert len(found) == len(rows) > 20, "the table is read wrongly"
    assert items("init") == table


def test_requests_that_may_be_offered():
    rows = re.findall(r"^\tVERB\(([a-z]+)", source("channel/verbs.c"), re.M)
    said = re.search(r"^\.It Fl -control-verbs.*?^\.Cm ([a-z, ]+) \.$", MANUALS["init"].read_text(),
                     re.M | re.S)
    assert len(rows) > 5 and said[1].split(" , ") == rows


def test_verbs_of_initctl():
    """The help is printed from the table of verbs."""
    table = set(re.findall(r'^\s*\{"([a-z]+)", verb_\w+,', source("initctl/main.c"), re.M))
    assert len(table) > 5, "the table is read wrongly"
    assert {line.split()[2] for line in verb_lines()} == table
    assert set(re.findall(r"^  ([a-z]+)\b", printed(INITCTL), re.M)) == table


def test_options_of_initctl():
    """Every row of the tables of options, which are what the program takes, is in the help."""
    text = "".join(text for path, text in SOURCES.items() if path.parent.name == "initctl")
    rows = re.findall(r'^\t\{(NULL|"-\w"), (NULL|"--[a-z-]+"), (?:NULL|"[^"]+"),', text, re.M)
    options = {option.strip('"') for row in rows for option in row} - {"NULL"}
    assert len(options) > 10, "the sources are read wrongly"
    left = re.findall(r"^  (-.*?)  ", printed(INITCTL), re.M)
    assert set(re.findall(r"(?:^|(?<= ))--?[a-zA-Z][a-z-]*", "\n".join(left), re.M)) == options
    # What only one verb has stands in its own line.
    explained = set(items("initctl"))
    explained |= {f"-{flag}" for flag in re.findall(r"\bFl (-\w[\w-]+)",
                                                    "\n".join(verb_lines()))}
    assert explained == options


def test_functions_of_the_library():
    """initctl(3) has every function of the header, and no other."""
    header = re.sub(r"(?s)/\*.*?\*/", "", (ROOT / "src/initctl/initctl.h").read_text())
    page = (ROOT / "src/man/initctl.3").read_text()
    declared = set(re.findall(r"\b(initctl_\w+)\(", header))
    assert len(declared) > 15
    assert set(re.findall(r'^\.Fn (\w+) "', page, re.M)) == declared
    assert set(re.findall(r"^\.Nm (\w+)", page, re.M)) == declared


@pytest.mark.parametrize("program", MANUALS)
def test_manual_is_well_formed(program):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", MANUALS[program]],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
