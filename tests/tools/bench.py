#!/usr/bin/python3
"""Compares init with tini, dumb-init and catatonit, each as PID 1 of a PID namespace.

usage: tests/tools/bench.py [init [probe]]; needs root. The others are built from Debian's source
packages with the compiler and flags of the Makefile. If the sources cannot be fetched, Debian's
binaries are measured, and the table says so. Each column is one program; all are measured in
turn, in one run.
"""
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

PEERS = Path("build/peers").absolute()
NAMESPACE = ["unshare", "-pf", "--mount-proc", "--kill-child"]
ROUNDS, ORPHANS, STARTS, IDLE, HELD = 5, 20000, 200, 5, 21

CONFIG = {
    "tini": ("tini-*/src/tini.c", "tiniConfig.h",
             '#define TINI_VERSION "0.19.0"\n#define TINI_GIT ""\n'),
    "dumb-init": ("dumb-init-*/dumb-init.c", None, None),
    "catatonit": ("catatonit-*/catatonit.c", "config.h",
                  "".join(f"#define PROGRAM_{k} \"{v}\"\n" for k, v in (
                      ("NAME", "catatonit"), ("VERSION", "0.1.7"), ("URL", ""), ("BUGURL", ""),
                      ("LICENSE", "")))),
}


def fetch():
    """Fetches Debian's source packages, by a sources.list of its own."""
    lists = PEERS / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)",
         "Created-By: Packages"], capture_output=True, text=True, check=True).stdout.split("\n")
    sources = sorted({line.replace("Debian", "deb-src", 1) for line in targets
                      if line.startswith("Debian ")})
    (PEERS / "sources").write_text("\n".join(sources) + "\n")
    options = ["-qq", "-o", f"Dir::Etc::sourcelist={PEERS}/sources",
               "-o", "Dir::Etc::sourceparts=/dev/null", "-o", f"Dir::State::lists={lists}",
               "-o", "APT::Sandbox::User=root"]
    quiet = {"cwd": PEERS, "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["apt-get", *options, "update"], check=False, **quiet)
    for name in CONFIG:
        subprocess.run(["apt-get", *options, "--download-only", "source", name], check=False,
                       **quiet)
    for archive in PEERS.glob("*.orig.tar.*"):
        subprocess.run(["tar", "-xf", archive], check=True, **quiet)


def compiler():
    return "musl-gcc" if shutil.which("musl-gcc") else "gcc"


def flags(name):
    """The value of a variable of the Makefile."""
    text = subprocess.run(["make", "-s", f"print-{name}"], capture_output=True, text=True,
                          check=True).stdout
    return text.split()


def build(name):
    pattern, header, text = CONFIG[name]
    source = next(iter(PEERS.glob(pattern)), None)
    if not source:
        return None
    if header:
        (source.parent / header).write_text(text)
    out = PEERS / name
    done = subprocess.run([compiler(), "-w", "-std=gnu99", *flags("CFLAGS"), *flags("LDFLAGS"),
                           f"-I{source.parent}", "-o", out, source], check=False)
    return None if done.returncode else out


def programs(init):
    """name -> program, and the origin of each."""
    found, origin = {"init": init}, {"init": "this source"}
    missing = [name for name in CONFIG if not next(PEERS.glob(CONFIG[name][0]), None)]
    if missing and shutil.which("apt-get"):
        fetch()
    for name in CONFIG:
        if (program := build(name)):
            found[name], origin[name] = program, f"Debian's source, {compiler()} and init's flags"
        elif (program := shutil.which(name)):
            found[name], origin[name] = program, "Debian's binary"
        else:
            print(f"{name}: neither source nor binary to be had, left out")
    return found, origin


class Running:
    """A program that runs as PID 1 with a command, found by its parent."""

    def __init__(self, program, *command):
        self.outer = subprocess.Popen([*NAMESPACE, program, "--", *command],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        end = time.monotonic() + 5
        while not (pid := self.child(self.outer.pid)) or not self.child(pid):
            if time.monotonic() > end:
                raise SystemExit(f"{program} did not start")
        self.pid = pid

    @staticmethod
    def child(pid):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(text[0]) if text else 0

    def field(self, file, name):
        for line in Path(f"/proc/{self.pid}/{file}").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])

    def cpu(self):
        """The CPU time it has used, in nanoseconds."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0])

    def close(self):
        self.outer.kill()
        self.outer.stdout.close()
        self.outer.wait()


def memory(program):
    one = Running(program, "sleep", "1000")
    time.sleep(0.3)  # until its start is done
    rss, anonymous = one.field("smaps_rollup", "Rss"), one.field("smaps_rollup", "Anonymous")
    one.close()
    return rss, anonymous


def wakeups(program):
    one = Running(program, "sleep", "1000")
    time.sleep(0.3)
    names = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
    before = sum(one.field("status", name) for name in names)
    time.sleep(IDLE)
    after = sum(one.field("status", name) for name in names)
    one.close()
    return (after - before) / IDLE


def start(words):
    begin = time.monotonic_ns()
    subprocess.run(["unshare", "-pf", *words], check=True, stdin=subprocess.DEVNULL)
    return (time.monotonic_ns() - begin) / 1000


def reaping(program, probe):
    """Its CPU time per orphan, in microseconds."""
    script = f"read x; {probe} orphans {ORPHANS}; exec sleep 1000"
    one = subprocess.Popen([*NAMESPACE, program, "--", "sh", "-c", script],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    running = Running.__new__(Running)
    running.outer = one
    while not (pid := Running.child(one.pid)) or not Running.child(pid):
        pass
    running.pid = pid
    before = running.cpu()
    one.stdin.write(b"\n")
    one.stdin.close()
    one.stdout.readline()
    time.sleep(0.2)  # until the last one is reaped
    cost = (running.cpu() - before) / 1000 / ORPHANS
    running.close()
    return cost


def main():
    init = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/init")
    probe = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "build/probe")
    if os.geteuid():
        raise SystemExit("bench: needs root, to look at PID 1 from outside")
    PEERS.mkdir(parents=True, exist_ok=True)
    found, origin = programs(init)
    rows = {"size, bytes": {n: f"{os.path.getsize(p):,}" for n, p in found.items()}}
    # It may be a page more or less, depending on where the kernel puts the stack.
    held = {n: [] for n in found}
    for _ in range(HELD):
        for name, program in found.items():
            held[name].append(memory(program))
    rows["RSS when idle, kB"] = {n: f"{statistics.median(p[0] for p in held[n])}" for n in found}
    rows["of it anonymous, kB"] = {n: f"{statistics.median(p[1] for p in held[n])}" for n in found}
    rows["wakeups when idle, per second"] = {n: f"{wakeups(p):.1f}" for n, p in found.items()}
    times = {n: [] for n in (*found, "bare")}
    for _ in range(STARTS):
        times["bare"].append(start(["true"]))
        for name, program in found.items():
            times[name].append(start([program, "--", "true"]))
    bare = statistics.median(times["bare"])
    rows["start and end, us more than without"] = {
        n: f"{statistics.median(times[n]) - bare:.0f}" for n in found}
    costs = {n: [] for n in found}
    for _ in range(ROUNDS):
        for name, program in found.items():
            costs[name].append(reaping(program, probe))
    rows["CPU per reaped orphan, us"] = {n: f"{statistics.median(costs[n]):.2f}" for n in found}

    print("| |" + "|".join(f" {n} " for n in found) + "|")
    print("|---|" + "---|" * len(found))
    for title, cells in rows.items():
        print(f"| {title} |" + "|".join(f" {cells[n]} " for n in found) + "|")
    print()
    for name in found:
        print(f"{name}: {origin[name]}")
    print(f"medians of {HELD} processes, {STARTS} starts and {ROUNDS} x {ORPHANS} orphans, in turn")


main()
