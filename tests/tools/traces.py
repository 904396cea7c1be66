"""Prints the system calls of init in forty runs, so that two builds can be compared.

    python3 tests/tools/traces.py build/init build/initctl >after
    python3 tests/tools/traces.py OTHER/init OTHER/initctl >before; diff before after

Each run is traced by strace, and its processes are printed one after another, in the order of
their creation. What differs from run to run (pids, addresses, times, inode numbers) is replaced
by a word, so that the same program gives the same output each time. Run it as root.
"""
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

INIT, INITCTL = (str(Path(word).resolve()) for word in sys.argv[1:3])
NEW_PIDS = ["unshare", "-pf", "--mount-proc", "--kill-child"]
DEADLINE = 20
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}

# name, how (plain or pid1), arguments of init, and those of initctl meanwhile.
RUNS = [
    ("true", "pid1", ["true"], []),
    ("true, not PID 1", "plain", ["true"], []),
    ("exit code", "pid1", ["sh", "-c", "exit 7"], []),
    ("exit code, not PID 1", "plain", ["sh", "-c", "exit 7"], []),
    ("killed", "pid1", ["sh", "-c", "kill -9 $$"], []),
    ("killed, not PID 1", "plain", ["sh", "-c", "kill -9 $$"], []),
    ("not found", "pid1", ["no-such-command"], []),
    ("not executable", "pid1", ["/etc/passwd"], []),
    ("no such directory", "pid1", ["--chdir", "/no/such", "true"], []),
    ("unknown option", "plain", ["--no-such-option", "true"], []),
    ("version", "plain", ["--version"], []),
    ("help", "plain", ["--help"], []),
    ("orphan", "pid1", ["sh", "-c", "(sleep 0.2 &) ; exit 0"], []),
    ("orphan, not PID 1", "plain", ["sh", "-c", "(sleep 0.2 &) ; exit 0"], []),
    ("wait for all", "pid1", ["--wait-all", "sh", "-c", "(sleep 0.3 &) ; exit 3"], []),
    ("grace expires", "pid1", ["--grace", "300ms", "sh", "-c",
                               "(trap '' TERM; sleep 9; sleep 9) & sleep 0.2"], []),
    ("single child", "pid1", ["-c", "true"], []),
    ("subreaper", "plain", ["-s", "true"], []),
    ("expected code", "pid1", ["-e", "3", "sh", "-c", "exit 3"], []),
    ("rewrite", "pid1", ["-r", "TERM:INT", "true"], []),
    ("user", "pid1", ["--user", "1000:1000", "true"], []),
    ("no new privileges", "pid1", ["--no-new-privs", "true"], []),
    ("parent's death", "plain", ["-p", "TERM", "true"], []),
    ("ready", "pid1", ["--ready-fd", "3", "--status-fd", "4", "true"], []),
    ("host name", "plain", ["--unshare", "pid,uts", "--hostname", "box", "true"], []),
    ("mounts", "plain", ["--unshare", "pid,mount", "--mount", "proc,tmp", "true"], []),
    ("all namespaces", "plain", ["--unshare", "all", "--mount", "proc,dev,run", "true"], []),
    ("mapped ids", "plain", ["--unshare", "user,pid", "--map-root", "true"], []),
    ("mapped ids alone", "plain", ["--unshare", "user", "--map-root", "true"], []),
    ("loopback", "plain", ["--unshare", "pid,net", "--loopback", "true"], []),
    ("channel", "pid1", ["--control", "SOCKET", "sleep", "1"], []),
    ("status", "pid1", ["--control", "SOCKET", "sleep", "1"], [["status"]]),
    ("exec", "pid1", ["--control", "SOCKET", "sleep", "1"], [["exec", "--", "true"]]),
    ("exec as a user", "pid1", ["--control", "SOCKET", "sleep", "1"],
     [["exec", "-u", "1000", "-w", "/tmp", "-e", "A=b", "--", "true"]]),
    ("exec on a terminal", "pid1", ["--control", "SOCKET", "sleep", "1"],
     [["exec", "-t", "--", "true"]]),
    ("exec fails", "pid1", ["--control", "SOCKET", "sleep", "1"], [["exec", "--", "/no/such"]]),
    ("detached", "pid1", ["--control", "SOCKET", "sleep", "1"],
     [["exec", "-d", "--", "sleep", "0.3"], ["sessions"]]),
    ("signal", "pid1", ["--control", "SOCKET", "sleep", "9"], [["signal", "USR1"]]),
    ("stop", "pid1", ["--control", "SOCKET", "sleep", "9"], [["stop", "--grace", "1s"]]),
    ("namespaces handed out", "plain", ["--unshare", "pid,uts,net", "--control", "SOCKET",
                                        "sleep", "1"], [["ns"]]),
]

PLACES = [
    (re.compile(r"0x[0-9a-f]{5,}"), "ADDRESS"),
    (re.compile(r"\b(st_ino|stx_ino|st_dev|stx_\w+|si_[us]time|ino|inode)=[^,}]*"), r"\1=X"),
    (re.compile(r"tv_n?sec=\d+"), "tv=X"),
    (re.compile(r"\b(pid|si_pid|si_uid|ssi_pid|ssi_[us]time|child_tid)=\d+"), r"\1=X"),
    (re.compile(r'^(read\(\d+, )".*"(\.\.\.)?'), r"\1TEXT"),
    (re.compile(r" /\* \d{4}-\S+ \*/"), ""),
    (re.compile(r"(/proc/|st_size=|STDERR_FILENO, )\d+"), r"\1X"),
    (re.compile(r"/tmp/traces\.\w+"), "FOLDER"),
]


def without_numbers(line, pids):
    """A line of strace with a word for everything that differs from run to run."""
    for pattern, word in PLACES:
        line = pattern.sub(word, line)
    return re.sub(r"\b\d{3,}\b", lambda found: "PID" if found[0] in pids else found[0], line)


def run(name, how, words, verbs):
    folder = Path(tempfile.mkdtemp(prefix="traces."))
    socket = folder / "control"
    words = [str(socket) if word == "SOCKET" else word for word in words]
    command = ["strace", "-ff", "-qq", "-s", "64", "-e", "signal=none", "-o",
               str(folder / "trace"), *(NEW_PIDS if how == "pid1" else []), INIT, *words]
    if how == "plain":
        # In a PID namespace, with few pids that are always the same: init looks at all of /proc.
        command = [*NEW_PIDS, "sh", "-c", '"$@"; exit $?', "sh", *command]
    if "--ready-fd" in words:
        command = ["sh", "-c", 'exec "$@" 3>/dev/null 4>/dev/null', "sh", *command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, cwd="/", env=ENVIRONMENT)
    for verb in verbs:
        end = time.monotonic() + DEADLINE
        while not socket.exists() and time.monotonic() < end:
            time.sleep(0.01)
        subprocess.run([INITCTL, "-S", str(socket), *verb], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=DEADLINE)
    error = process.communicate(timeout=DEADLINE)[1].decode(errors="replace")
    traces = sorted(folder.glob("trace.*"), key=lambda path: int(path.suffix[1:]))
    pids = {path.suffix[1:] for path in traces}
    print(f"==== {name}: exit code {process.returncode}")
    print(without_numbers(error, pids), end="")
    for path in traces:
        lines = path.read_text(errors="replace").splitlines()
        ours = [i for i, line in enumerate(lines) if f'execve("{INIT}"' in line]
        if how == "pid1" and path == traces[0]:
            continue  # unshare(1), which waits
        if ours:
            lines = lines[ours[0] + 1:]
        # The calls of a command are left out from its exec on.
        for i, line in enumerate(lines):
            if line.startswith(("execve(", "execveat(")) and line.endswith("= 0"):
                lines = lines[:i + 1]
                break
        print("---- process")
        for line in lines:
            print(without_numbers(line, pids))
    shutil.rmtree(folder, ignore_errors=True)


for row in RUNS:
    run(*row)
    sys.stdout.flush()
