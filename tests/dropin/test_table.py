"""The table of table.py, peer by peer, line by line: each is run with the peer and with ours."""
import re

import pytest

import peers
import table
from conftest import ROOT, sanitized

pytestmark = pytest.mark.skipif(sanitized(), reason="reports of sanitizers are lines of their own")


def manual():
    """container-init(8) as text: no macros, one blank between words."""
    text = (ROOT / "src/man/container-init.8").read_text()
    text = re.sub(r"^\.Nm( .*)?$", r"init\1", text, flags=re.M)
    text = re.sub(r"^\.(?:Nm|Fl|Cm|Em|Ev|Ar|Pa|Xr|Ql|Li|Sy|Dv) ?", "", text, flags=re.M)
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("line", table.LINES, ids=str)
def test_line(line, tmp_path, run, start):
    seen = []
    for ours in (False, True):
        tool = peers.Tool(line.peer, ours, tmp_path, run, start)
        seen.append(line.look(tool, **line.arguments))
    theirs, ours = seen
    differing = {fact for fact in {*theirs, *ours} if theirs.get(fact) != ours.get(fact)}
    assert differing == set(line.different), {
        fact: (theirs.get(fact), ours.get(fact)) for fact in differing ^ set(line.different)}


@pytest.mark.parametrize("key", table.WHERE)
def test_difference_is_written_down(key):
    """There is no difference that the manual does not tell, nor a reason that none needs."""
    assert table.WHERE[key] in manual()
    assert any(key in line.different.values() for line in table.LINES)


def test_no_line_is_there_twice():
    names = [str(line) for line in table.LINES]
    assert len(names) == len(set(names))
