"""What a program does that is called by the name of tini, dumb-init or catatonit.

Each function takes a Tool, does one thing with it, and returns what it saw as a dict of facts, in
which nothing is left that differs from run to run. Two tools that return the same facts cannot be
told apart by those who look at them.
"""
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import (INIT, PROBE, descendants, eventually, is_alive, kill_all, status_of)

PROGRAMS = {"tini": "/usr/bin/tini-static", "docker-init": "/usr/bin/tini-static",
            "tini-static": "/usr/bin/tini-static", "dumb-init": "/usr/bin/dumb-init",
            "catatonit": "/usr/bin/catatonit", "podman-init": "/usr/bin/catatonit"}


class Tool:
    """A program under a name: ours, or the peer's."""

    def __init__(self, name, ours, folder, run, start):
        program = INIT if ours else PROGRAMS[name]
        if not os.access(program, os.X_OK):
            pytest.fail(f"{program} is missing: make deps installs it")
        self.name, self.folder = name, folder / ("ours" if ours else "theirs")
        self.folder.mkdir()
        self.program = self.folder / name
        self.program.symlink_to(program)
        self._run, self._start = run, start

    def run(self, words, how, env=None, **options):
        return self._run(words, how, program=self.program, dashes=(), env=self.quiet(env), **options)

    def start(self, words, how, env=None, **options):
        return self._start(words, how, program=self.program, dashes=(), env=self.quiet(env),
                           **options)

    def quiet(self, env):
        """tini that is not PID 1 warns of it, which one line of the table is about."""
        quiet = {"TINI_SUBREAPER": ""} if PROGRAMS[self.name].endswith("tini-static") else {}
        return {**quiet, **(env or {})}

    def plain(self, text):
        """The text without what differs: pids, and where the programs are."""
        text = text.replace(str(self.folder), "DIR").replace(PROBE, "PROBE")
        return re.sub(r"(?<=PID )\d+|(?<=pid=)\d+|(?<=pid ')\d+|(?<=\()\d+(?=\))|(?<=:)\d+(?=\))|(?<=errno=)\d+"
                      r"|(?<=pid: ')\d+",
                      "#", text)


def settle(pid):
    """Waits until a process has taken all signals that were sent to it, or is stopped or gone."""
    def done():
        status = status_of(pid)
        return not status or status["State"][0] in "TZX" or not int(status["ShdPnd"], 16)

    eventually(done, what="signals to be taken")


def outcome(tool, words, how="plain", env=None):
    """Runs it to its end: code, and what was printed where. DIR/text is a script without #!."""
    text = tool.folder / "text"
    text.write_text("exit 7\n")
    text.chmod(0o755)
    result = tool.run([w.replace("DIR", str(tool.folder)) for w in words], how, env=env)
    return {"code": result.returncode, "stdout": tool.plain(result.stdout),
            "stderr": tool.plain(result.stderr)}


def code(tool, words, how="plain", env=None):
    """The exit code alone, and whether anything is said on stderr."""
    seen = outcome(tool, words, how, env)
    return {"code": seen["code"], "says something": seen["stderr"] != ""}


def code_of(tool, words, how="plain", env=None):
    """The exit code and no more, where a shell says what happened to its children."""
    return {"code": outcome(tool, words, how, env)["code"]}


def unexecutable(tool, what, how="plain"):
    """The exit code for a command that cannot be executed."""
    text = tool.folder / "unexecutable"
    text.write_text("text\n")
    word = {"missing": "/nonexistent", "directory": "/etc", "not executable": text,
            "below a file": text / "x"}[what]
    return code(tool, ["--", str(word)], how)


def says(tool, words, lines, streams="stdout stderr", how="plain", env=None):
    """Which of these lines are printed, and the exit code."""
    seen = outcome(tool, words, how, env)
    printed = "".join(seen[stream] for stream in streams.split()).splitlines()
    return {line: line in printed for line in lines} | {"code": seen["code"]}


def hearers(tool, words=(), how="plain", env=None):
    """Who gets a signal that init gets: the command, another of its group, one of another."""
    files = {who: tool.folder / who for who in ("command", "group", "session")}
    script = (f"{PROBE} signals >{files['group']} & setsid {PROBE} signals >{files['session']} & "
              f"exec {PROBE} signals >{files['command']}")
    init = tool.start([*words, "--", "sh", "-c", script], how, env=env)

    def ready():
        return all(f.exists() and f.read_text().startswith("ready\n") for f in files.values())

    eventually(ready, what="all processes")
    init.signal(signal.SIGUSR1)
    settle(init.init_pid)
    # The probe takes the signals that wait for it in the order of their numbers.
    kill_all(descendants(init.init_pid), signal.SIGRTMIN)
    eventually(lambda: all("34 " in f.read_text() for f in files.values()), what="the last signal")
    heard = {who: "\n10 " in f.read_text() for who, f in files.items()}
    kill_all(descendants(init.init_pid))
    init.wait()
    return heard


def survivors(tool, words=(), env=None):
    """Who lives on when the command has ended, where the program is not PID 1."""
    files = {who: tool.folder / who for who in ("group", "session")}
    script = (f"sleep 1000 & echo $! >{files['group']}; "
              f"setsid sleep 1000 & echo $! >{files['session']}; "
              f"until grep -qs sleep /proc/$!/comm; do :; done; exit 3")
    result = tool.run([*words, "--", "sh", "-c", script], "plain", env=env)
    lives = {}
    for who, file in files.items():
        pid = int(file.read_text())
        status = status_of(pid) or {"ShdPnd": "0"}
        lives[who] = is_alive(pid) and not int(status["ShdPnd"], 16) & 1 << signal.SIGTERM - 1
        kill_all([pid])
    return {"code": result.returncode, **lives}


def command_of(tool, words=(), how="plain", env=None, facts=(), **options):
    """How the command finds itself: its place among sessions and groups, or those facts."""
    result = tool.run([*words, "--", PROBE, "report", "word"], how, env=env, **options)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    if facts:
        return {fact: {k: v for k, v in seen[fact].items() if not k.startswith("INIT_TEST")}
                if fact == "env" else seen[fact] for fact in facts}
    return {"leads its session": seen["sid"] == seen["pid"],
            "leads its group": seen["pgid"] == seen["pid"],
            "is a child": how == "plain" or seen["ppid"] == 1}


def job_control(tool, number, words=(), how="plain"):
    """What a signal of job control without a terminal does to both, and what CONT does then."""
    init = tool.start([*words, "--", PROBE, "signals"], how)
    init.line("^ready$")
    pid = init.init_pid
    [child] = [p for p in descendants(pid)]
    init.signal(number)
    settle(pid)
    settle(child)
    eventually(lambda: status_of(child)["State"][0] in "ST" and status_of(pid)["State"][0] in "ST",
               what="rest")
    seen = {"program stops": status_of(pid)["State"][0] == "T",
            "command stops": status_of(child)["State"][0] == "T"}
    os.kill(pid, signal.SIGCONT)
    init.signal(signal.SIGUSR1)
    if seen["command stops"] or not seen["program stops"]:
        init.line("^10 ")
    seen["command hears it"] = any(line.startswith(f"{int(number)} ") for line in init.lines)
    kill_all([child])
    init.wait()
    return seen


def pause(tool, number, words=(), how="plain"):
    """What a signal does to it without a command."""
    init = tool.start(["-P", *words], how)
    pid = init.init_pid
    eventually(lambda: (status_of(pid) or {"State": "?"})["State"][0] == "S", what="the start")
    init.signal(number)
    if number in (signal.SIGTERM, signal.SIGINT):
        return {"code": init.wait()}
    settle(pid)
    state = eventually(lambda: (status_of(pid) or {"State": "?"})["State"][0].strip("RD"),
                       what="rest")
    seen = {"runs": state == "S"}
    if seen["runs"]:
        init.signal(signal.SIGTERM)
        seen["code"] = init.wait()
    return seen


def time_to_stop(tool, words=(), how="pid1"):
    """The command ends at TERM, while another of another session does not: who waits?"""
    script = (f"setsid sh -c 'trap \"\" TERM; echo > {tool.folder}/up; exec sleep 1000' & "
              f"until [ -e {tool.folder}/up ]; do :; done; echo ready; "
              "trap 'exit 5' TERM; while :; do sleep 0.05; done")
    init = tool.start([*words, "--", "sh", "-c", script], how)
    init.line("^ready$")
    stray = list(descendants(init.init_pid))
    init.signal(signal.SIGTERM)
    seen = {"code": init.wait()}
    kill_all(stray)
    return seen


def held(pid):
    """What it holds, with those that are no more than a reference left out."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        flags = Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
        if not int(re.search(r"flags:\t(\d+)", flags)[1], 8) & os.O_PATH:
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def started(tool, words=(), **options):
    """It, when it runs a command that sleeps and has a stdout of its own."""
    init = tool.start([*words, "--", "sh", "-c", "exec sleep 1000 >/dev/null 2>&1"], "plain",
                      **options)
    eventually(lambda: [s for s in descendants(init.init_pid).values()
                        if s["Name"].strip() == "sleep"], what="the command")
    eventually(lambda: status_of(init.init_pid)["State"][0] == "S", what="rest")
    return init


def reader(tool):
    """Whether who reads stdout and stderr as one sees the end when the command closes it."""
    init = started(tool, stderr=subprocess.STDOUT)
    return {"reader sees the end": not any(f.startswith("pipe:") for f in held(init.init_pid))}


def holds(tool):
    """What it keeps of what it was given, and where it is."""
    with open(tool.folder / "inherited", "w") as file:
        init = started(tool, pass_fds=[file.fileno()], cwd=tool.folder)
    return {"a descriptor": str(tool.folder / "inherited") in held(init.init_pid),
            "its stdout": any(f.startswith("pipe:") for f in held(init.init_pid)),
            "its directory": os.readlink(f"/proc/{init.init_pid}/cwd") == str(tool.folder)}
