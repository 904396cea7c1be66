"""The results of test_engines.py as a table: a row for each engine, a column for each item.

As a plugin of pytest it records the result of each test, writes build/engines/ROW.json and, from
all rows, build/engines.md. At the end of a run it prints for each row what was skipped and why.
As a program:

    table.py --write README.md    puts the table between the two markers of the file
    table.py --check README.md    compares the cells of the file's table with those of the run
"""
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS, TABLE = ROOT / "build/engines", ROOT / "build/engines.md"
BEGIN, END = "<!-- engines: made by make test-engines -->", "<!-- engines: end -->"
ITEMS = {
    "pid1": "PID 1", "codes": "exit codes", "stop": "stop", "orphans": "orphans",
    "ctrl-c": "Ctrl-C", "resize": "resize",
    "channel": "initctl exec", "shell": "initctl shell",
    "cleanup": "clean-up", "exec": "exec", "top": "top", "cp": "cp", "stats": "stats",
    "pause": "pause",
}
PASSED, SKIPPED, FAILED = "yes", "-", "FAILS"


class Row:
    def __init__(self, name, version="", notes=None):
        self.name, self.version, self.unavailable = name, version, ""
        self.cells, self.notes = {}, dict(notes or {})

    def add(self, item, outcome, reason=""):
        """A cell stands for several tests: a failed one makes it failed, a skipped one skipped."""
        order = [None, PASSED, SKIPPED, FAILED]
        if order.index(outcome) > order.index(self.cells.get(item)):
            self.cells[item] = outcome
            if reason:
                self.notes[item] = reason

    def save(self):
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{self.name.replace(' ', '-')}.json").write_text(
            json.dumps(vars(self), indent=1) + "\n")

    @classmethod
    def load(cls, path):
        row = cls("")
        vars(row).update(json.loads(path.read_text()))
        return row


def saved():
    """Rows of the runs so far, in the order of the list."""
    from engines import names
    paths = [RESULTS / f"{name.replace(' ', '-')}.json" for name in names()]
    return [Row.load(path) for path in paths if path.exists()]


def text(rows):
    """The table, with the remarks on its cells below it, each once."""
    heads = ["engine", "version", *ITEMS.values()]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    remarks = []
    for row in rows:
        if row.unavailable:
            continue
        cells = []
        for item in ITEMS:
            cell = row.cells.get(item, "")
            if cell and (note := row.notes.get(item)):
                if note not in remarks:
                    remarks.append(note)
                cell += f" ({remarks.index(note) + 1})"
            cells.append(cell)
        lines.append("| " + " | ".join([row.name, row.version, *cells]) + " |")
    lines += [""] + [f"{number}. {remark}" for number, remark in enumerate(remarks, 1)]
    return "\n".join(lines).strip() + "\n"


def cells_of(table):
    """engine -> heading -> cell, without references to remarks."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in table.splitlines() if line.startswith("|")]
    return {line[0]: {head: cell.split(" (")[0] for head, cell in zip(lines[0][1:], line[1:])}
            for line in lines[2:]}


def between(page):
    """The page in three parts: before the table, the table, and after it."""
    before, rest = page.split(BEGIN + "\n")
    table, after = rest.split(END)
    return before + BEGIN + "\n", table, END + after


def write(path):
    rows = saved()
    from engines import names
    whole = [row.name for row in rows if len(row.cells) == len(ITEMS)]
    if lost := [name for name in names() if name not in whole]:
        sys.exit(f"engines: the table needs all of all rows; not run: {', '.join(lost)}")
    before, _, after = between(path.read_text())
    path.write_text(f"{before}\n{text(rows)}\n{after}")


def check(path):
    """Rows that were run must agree with the file. Other rows and versions are only reported."""
    there = cells_of(between(path.read_text())[1])
    wrong = 0
    for row in saved():
        if row.unavailable:
            print(f"engines: {row.name}: not compared with {path.name}: {row.unavailable}")
            continue
        stands = there.get(row.name, {})
        other = stands and stands["version"] != row.version
        if other:
            print(f"engines: {row.name}: {path.name} is of version {stands['version']}, "
                  f"this is {row.version}")
        for item, head in ITEMS.items():
            if (is_so := row.cells.get(item)) and is_so != (says := stands.get(head)):
                print(f"engines: {row.name}, {head}: {path.name} says {says!r}, the run {is_so!r}")
                wrong += not other
    print(f"engines: {path.name} " + (f"has {wrong} cells that are not so" if wrong else "agrees"))
    return wrong


# ---- the plugin


class Recorder:
    def __init__(self):
        self.rows = {}

    def row(self, name):
        return self.rows.setdefault(name, Row(name))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        what = getattr(item.function, "item", None)
        if not what or (report.when != "call" and report.passed):
            return
        row = self.row(item.callspec.params["engine"])
        if report.skipped:
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if not row.unavailable:
                row.add(what, SKIPPED, reason)
        else:
            row.add(what, PASSED if report.passed else FAILED)

    def pytest_terminal_summary(self, terminalreporter):
        for row in self.rows.values():
            row.save()
            if row.unavailable:
                line = f"not run: {row.unavailable}"
            else:
                count = {one: list(row.cells.values()).count(one)
                         for one in (PASSED, FAILED, SKIPPED)}
                why = [f"{item} ({row.notes[item]})" for item, cell in row.cells.items()
                       if cell == SKIPPED]
                line = f"{row.version}: {count[PASSED]} items pass, {count[FAILED]} fail" + (
                    f"; left out: {', '.join(why)}" if why else "")
            terminalreporter.write_line(f"engine {row.name} {line}")
        if self.rows:
            TABLE.write_text(text(saved()))


RECORDER = Recorder()


def pytest_configure(config):
    if not config.pluginmanager.is_registered(RECORDER):
        config.pluginmanager.register(RECORDER)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    action, page = sys.argv[1:]
    sys.exit({"--write": write, "--check": check}[action](Path(page)))
