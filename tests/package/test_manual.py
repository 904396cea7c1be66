"""The manuals have every option, verb and request there is, and no other."""
import re
import shutil
import subprocess

import pytest

from conftest import INIT, ROOT
from initctl import INITCTL

# A line of the help: short names, the long name, and a value, which begins with a capital.
OPTION = re.compile(r"^ +((?:-[a-zA-Z], )*)(--[a-z][a-z-]+)(?: (\[?[A-Z]))?", re.M)
README = ROOT / "README.md"
PROTOCOL = ROOT / "src/man/init-control.7"

MANUALS = {"init": ROOT / "src/man/container-init.8", "initctl": ROOT / "src/man/initctl.1"}


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
    """What --help says."""
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


def options_printed(program):
    """The options that --help names: name -> whether it has a value, a capital behind it."""
    found = {}
    for flags, name, value in OPTION.findall(printed(program)):
        for option in (*re.findall(r"-[a-zA-Z]", flags), name):
            found[option] = bool(value)
    return found


def verbs_printed():
    lines = re.findall(r"^  ([a-z]+(?:, [a-z]+)*)\b", printed(INITCTL), re.M)
    return set(", ".join(lines).split(", "))


def test_options_of_init():
    table = options_printed(INIT)
    assert len(table) > 40, "the help is read wrongly"
    assert items("init") == table


def test_options_in_the_readme():
    """README names options of the two programs only; those of engines are listed here."""
    text = re.sub(r"(?s)```.*?```", "", README.read_text())
    named = set(re.findall(r"`(--[a-z-]+)", text))
    assert len(named) > 20, "README is read wrongly"
    others = {"--init", "--as-pid"}
    assert named - set(options_printed(INIT)) - set(items("initctl")) - others == set()


def test_requests_that_may_be_offered():
    """The manual lists what init accepts, all together and each alone."""
    said = re.search(r"^\.It Fl -control-verbs.*?^\.Cm ([a-z, ]+) \.$", MANUALS["init"].read_text(),
                     re.M | re.S)[1].split(" , ")
    assert len(said) > 5 and len(set(said)) == len(said)
    for verb in (*said, ",".join(said)):
        subprocess.run([INIT, "--control-verbs", verb, "--", "true"], check=True)
    # The protocol's table has every request there is.
    requests = PROTOCOL.read_text().split("\n.Sh REQUESTS\n")[1].split("\n.Ss ")[0]
    assert set(re.findall(r"^\.It ([a-z]+) Ta", requests, re.M)) == set(said)


def test_verbs_of_initctl():
    assert len(verbs_printed()) > 10, "the help is read wrongly"
    assert {line.split()[2] for line in verb_lines()} == verbs_printed()


def test_options_of_initctl():
    """Each option that --help names; it need not name -h and -V."""
    text = printed(INITCTL)
    named = set(re.findall(r"(?<![\w-])(-[a-zA-Z]|--[a-z][a-z-]+)(?![\w-])", text))
    assert len(named) > 15, "the help is read wrongly"
    # What only one verb has stands in its own line.
    explained = set(items("initctl"))
    explained |= {f"-{flag}" for flag in re.findall(r"\bFl (-\w[\w-]+)",
                                                    "\n".join(verb_lines()))}
    always = {"-h", "--help", "-V", "--version"}
    # The help says which verbs need init's --cgroup.
    assert explained - always == named - always - {"--cgroup"} and always <= explained


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "src/man").iterdir()))
def test_manual_is_well_formed(page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", ROOT / "src/man" / page],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
