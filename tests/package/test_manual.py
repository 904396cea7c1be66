"""The manuals describe every option, verb and request, and no others."""
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
    """The options that a manual describes: name -> whether it has a value."""
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
    """The output of --help."""
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


def options_printed(program):
    """The options that --help lists: name -> whether it has a value (a word in capitals)."""
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
    """README.md names only options of the two programs, and those of engines listed here."""
    text = re.sub(r"(?s)```.*?```", "", README.read_text())
    named = set(re.findall(r"`(--[a-z-]+)", text))
    assert len(named) > 20, "README is read wrongly"
    others = {"--init", "--as-pid"}
    assert named - set(options_printed(INIT)) - set(items("initctl")) - others == set()


def test_requests_that_may_be_offered():
    """The manual lists the requests that --control-verbs accepts, together and each alone."""
    said = re.search(r"^\.It Fl -control-verbs.*?^\.Cm ([a-z, ]+) \.$", MANUALS["init"].read_text(),
                     re.M | re.S)[1].split(" , ")
    assert len(said) > 5 and len(set(said)) == len(said)
    for verb in (*said, ",".join(said)):
        subprocess.run([INIT, "--control-verbs", verb, "--", "true"], check=True)
    # The table of the protocol has every request.
    requests = PROTOCOL.read_text().split("\n.Sh REQUESTS\n")[1].split("\n.Ss ")[0]
    assert set(re.findall(r"^\.It ([a-z]+) Ta", requests, re.M)) == set(said)


def test_verbs_of_initctl():
    assert len(verbs_printed()) > 10, "the help is read wrongly"
    assert {line.split()[2] for line in verb_lines()} == verbs_printed()


def test_options_of_initctl():
    """The manual describes each option of --help and of each verb's help; these need not list -h and
    -V."""
    helps = [subprocess.run([INITCTL, "help", verb], capture_output=True, text=True, check=True).stdout
             for verb in verbs_printed()]
    rows = re.findall(r"^  (-\w)?(?:, )?(--[a-z][a-z-]+)?(?= |$)", "\n".join([printed(INITCTL), *helps]), re.M)
    named = {option for row in rows for option in row if option}
    assert len(named) > 15, "the help is read wrongly"
    # An option of a single verb is in the line of that verb, or in parentheses behind its letter.
    explained = set(items("initctl"))
    lines = "\n".join([*verb_lines(), *re.findall(r"^\.Pq Fl .*", MANUALS["initctl"].read_text(), re.M)])
    explained |= {f"-{flag}" for flag in re.findall(r"\bFl (-\w[\w-]+)", lines)}
    explained |= {f"-{letter}" for letters in re.findall(r"\bFl (\w+)", lines) for letter in letters}
    always = {"-h", "--help", "-V", "--version"}
    assert explained - always == named - always and always <= explained


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "src/man").iterdir()))
def test_manual_is_well_formed(page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", ROOT / "src/man" / page],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
