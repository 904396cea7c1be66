"""Shows that the tests can fail: breaks the program in one place and runs the tests for it.

    python3 tests/mutants/run.py                    all mutants (takes hours)
    python3 tests/mutants/run.py NAME...            those with NAME in a test, a file or the part
    python3 tests/mutants/run.py --random N [SEED]  N of them, engines left out
    python3 tests/mutants/run.py --check            runs nothing, only compares with the sources

A mutant is a row of a part, tests/mutants/PART.toml:

    [[mutant]]
    tests = ["test_exit::test_codes"]    file and function; each of them must fail
    file = "src/process/reap.c"          where the change is made
    old = 'return code;'                 occurs exactly once there
    new = 'return 0;'                    takes its place
    env = {ENGINE = "runc"}              optional, for the tests

old and new may be lists of the same length, for a change in several places. --check prints a line
for each row that does not fit the sources any more. Otherwise the tree is copied, changed and
built, and the tests are run in the copy; a mutant survives if one of its tests passes. The exit
code is 1 if any mutant survived, did not build, or did not fit.
"""
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = Path(__file__).resolve().parent
# A mutant of the namespaces may change these on the host.
NODES = ["/dev/" + name for name in ("null", "zero", "full", "random", "urandom", "tty", "console")]


class Mutant:
    def __init__(self, part, row):
        self.part, self.tests, self.file = part, row["tests"], row["file"]
        self.env = row.get("env", {})
        old, new = row["old"], row["new"]
        old, new = ([x] if isinstance(x, str) else x for x in (old, new))
        self.changes = list(zip(old, new, strict=True))

    def __str__(self):
        def short(text):
            text = " ".join(text.split())
            return text if len(text) <= 60 else text[:57] + "..."
        old, new = self.changes[0]
        return f"{self.part}: {self.file}: `{short(old)}` -> `{short(new)}`"

    def matches(self, names):
        return not names or any(name in word for name in names
                                for word in (self.part, self.file, *self.tests))

    def apply(self, text):
        """The changed text. Raises ValueError."""
        for old, new in self.changes:
            if text.count(old) != 1:
                raise ValueError(f"old text occurs {text.count(old)} times: {old!r}")
            text = text.replace(old, new)
        return text


def load():
    found = []
    for path in sorted(DATA.glob("*.toml")):
        found += [Mutant(path.stem, row) for row in tomllib.loads(path.read_text())["mutant"]]
    return found


def test_files():
    """Name of a test file without .py -> its path and the names of its tests."""
    return {path.stem: (path, set(re.findall(r"^def (test_\w+)", path.read_text(), re.M)))
            for path in (ROOT / "tests").glob("*/test_*.py")}


def problems(mutant, files, texts):
    """The respects in which a mutant does not fit the sources, as texts."""
    found = []
    if mutant.file not in texts:
        path = ROOT / mutant.file
        texts[mutant.file] = path.read_text() if path.is_file() else None
    if texts[mutant.file] is None:
        found.append("no such file")
    else:
        try:
            mutant.apply(texts[mutant.file])
        except ValueError as why:
            found.append(str(why))
    for test in mutant.tests:
        file, _, name = test.partition("::")
        if name not in files.get(file, (None, ()))[1]:
            found.append(f"no such test: {test}")
    return found


def check(mutants):
    files, texts, bad = test_files(), {}, 0
    for mutant in mutants:
        for problem in problems(mutant, files, texts):
            print(f"{mutant}: {problem}")
            bad += 1
    print(f"{len(mutants)} mutants, {bad} problems")
    return bad


def targets(mutant):
    words = ["all", "build/probe"]
    if any(test.startswith("test_unit::") for test in mutant.tests):
        words.append("units")
    if any(test.startswith("test_embed::") for test in mutant.tests):
        words.append("build/embed/runtime")
    return words


def fails(folder, mutant, test, files):
    """Whether a test fails in the copy."""
    file, name = test.split("::")
    path = files[file][0].relative_to(ROOT)
    env = {**os.environ, "DEADLINE": os.environ.get("DEADLINE") or "5", **mutant.env}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider",
         f"{path}::{name}"], cwd=folder, capture_output=True, text=True, env=env)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{test} did not run: {done.stdout[-400:]}{done.stderr[-400:]}")
    # The exit code is not enough: without pytest, for example, it is 1 as well.
    if done.returncode and " failed" not in done.stdout and " error" not in done.stdout:
        raise RuntimeError(f"{test} did not run: {done.stdout[-400:]}{done.stderr[-400:]}")
    return done.returncode == 1


def judge(mutant, files):
    """Why a mutant survives, or None if all of its tests fail."""
    if found := problems(mutant, files, {}):
        return "; ".join(found)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "copy")
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("build", ".git"))
        folder.parent.chmod(0o755)  # other users run the programs as well
        path = folder / mutant.file
        path.write_text(mutant.apply(path.read_text()))
        make = subprocess.run(["make", "-s", "-j2", "WARNINGS=-w", *targets(mutant)], cwd=folder,
                              capture_output=True, text=True)
        if make.returncode:
            return f"does not build: {make.stderr[-400:]}"
        # Three attempts, since some tests of races pass now and then.
        passed = [test for test in mutant.tests
                  if not any(fails(folder, mutant, test, files) for _ in range(3))]
    return f"survives {' '.join(passed)}" if passed else None


def run(mutants):
    files, bad = test_files(), 0
    name, nodes = os.uname().nodename, {path: os.stat(path) for path in NODES
                                        if os.path.exists(path)}
    try:
        for mutant in mutants:
            why = judge(mutant, files)
            print(f"{'BAD ' if why else 'ok  '} {mutant}{': ' + why if why else ''}", flush=True)
            bad += bool(why)
    finally:
        for path, was in nodes.items():
            if os.geteuid() == 0:
                os.chown(path, was.st_uid, was.st_gid)
                os.chmod(path, was.st_mode & 0o7777)
                os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        if os.uname().nodename != name:
            socket.sethostname(name)
    print(f"{len(mutants)} mutants, {bad} bad")
    return bad


def seed_of_commit():
    """A seed that differs for each commit, and is the same each time for one commit."""
    done = subprocess.run(["git", "-c", "safe.directory=*", "rev-parse", "HEAD"], cwd=ROOT,
                          capture_output=True, text=True)
    return random.randrange(1 << 32) if done.returncode else int(done.stdout[:8], 16)


def main(words):
    mutants = load()
    if words[:1] == ["--check"]:
        return check(mutants)
    if words[:1] == ["--random"]:
        count = int(words[1])
        seed = int(words[2]) if words[2:] else seed_of_commit()
        print(f"seed {seed}", flush=True)
        mutants = [one for one in mutants if one.part != "engines"]
        return run(random.Random(seed).sample(mutants, min(count, len(mutants))))
    if words and words[0].startswith("-"):
        sys.exit(__doc__)
    chosen = [one for one in mutants if one.matches(words)]
    if not chosen:
        sys.exit(f"no mutant matches {' '.join(words)}")
    return run(chosen)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
