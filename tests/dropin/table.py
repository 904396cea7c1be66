"""Peer by peer, line by line: what is the same under its name, and what differs on purpose.

A line is what users of the peer rely on, the function of peers.py that looks at it, and its
arguments. Whatever is not named in `different` is the same, or test_table.py fails; what is named
there is different, or it fails as well. Each difference is a key of WHERE, a sentence of
container-init(8) which says so.
"""
import signal
from dataclasses import dataclass, field

import peers

# The sentence of the manual, its macros left out.
WHERE = {
    "format": "A file without a known format is not taken for a shell script",
    "quiet": "That init is not PID 1 is no reason for a warning",
    "usage": "Errors of usage are one line",
    "help": "The help, the version and the licence are those of init, on standard output",
    "stdout": "Messages go to standard error, not to standard output",
    "own": "Options of init work under each name",
    "words": "All other messages are in init's own words",
    "nobody": "A signal that reached nobody is not said to be forwarded",
    "eaten": "Words behind the command are the command's",
    "session": "Where init leads its session, the command leads one as well",
    "ignored": "ignored signals reach the command as init has inherited them, as does the signal "
               "mask",
    "signals": "Every signal that can be caught is forwarded",
    "stdio": "Standard input and output are released",
    "descriptors": "inherited descriptors are closed in init",
    "cwd": "its own working directory is /",
}


@dataclass
class Line:
    peer: str
    what: str
    look: object
    arguments: dict = field(default_factory=dict)
    different: dict = field(default_factory=dict)  # fact -> key of WHERE

    def __str__(self):
        return f"{self.peer}: {self.what}"


LINES = []


def line(peer, label, look, different=(), **arguments):
    for one in peer.split():
        for how in arguments.get("hows", ["plain", "pid1"]):
            rest = {k: v for k, v in arguments.items() if k != "hows"}
            LINES.append(Line(one, f"{label} ({how})", look, {**rest, "how": how}, dict(different)))


def once(peer, label, look, different=(), **arguments):
    for one in peer.split():
        LINES.append(Line(one, label, look, arguments, dict(different)))


ALL = "tini dumb-init catatonit"
TINIS = "tini docker-init tini-static"
CATATONITS = "catatonit podman-init"
EVERY = f"{TINIS} dumb-init {CATATONITS}"

# ---- exit codes

for what in ("missing", "directory", "not executable"):
    line(EVERY, f"exit code, {what}", peers.unexecutable, what=what)
line("tini", "a text without #!", peers.outcome, {"code": "format", "stderr": "format"},
     words=["--", "DIR/text"])
line("dumb-init catatonit", "a text without #!", peers.outcome,
     {"code": "format", "stderr": "format"}, words=["--", "DIR/text"])
line("tini", "exit code, below a file", peers.unexecutable, what="below a file")
line(EVERY, "exit code of the command", peers.outcome, words=["--", "sh", "-c", "exit 7"])
line(EVERY, "exit code of a death", peers.outcome, words=["--", "sh", "-c", "kill -9 $$"])
line(TINIS, "-e 143", peers.outcome, words=["-e", "143", "--", "sh", "-c", "kill -15 $$"])
line(TINIS, "-e 3 -e 4", peers.outcome, words=["-e", "3", "-e", "4", "--", "sh", "-c", "exit 4"])

# ---- usage

for words in (["--nonsense"], ["-e", "256", "true"], ["-e"], ["-p", "NOPE", "true"]):
    once(TINIS, f"exit code of {' '.join(words)}", peers.code, words=words)
for words in (["--nonsense"], ["-r"], ["-r", "x", "true"], []):
    once("dumb-init", f"exit code of {' '.join(words)}", peers.code, words=words)
for words in (["--nonsense"], ["-x"], []):
    once(CATATONITS, f"exit code of {' '.join(words)}", peers.code, words=words)
once("tini", "alone, its help", peers.code, words=[])
once("tini", "not as PID 1", peers.code, {"says something": "quiet"}, words=["true"],
     env={"TINI_SUBREAPER": None})
once("tini", "-h", peers.code, words=["-h"])
once("tini", "-l, the licence", peers.code, words=["-l"])
once("catatonit", "-L, the licence", peers.code, words=["-L"])
once("tini", "an option that it does not have", peers.code, {"code": "own", "says something": "own"},
     words=["-c", "true"])
once("dumb-init", "--version", peers.outcome, {"stdout": "help", "stderr": "help"},
     words=["--version"])
once("dumb-init", "--help", peers.outcome, {"stdout": "help", "stderr": "help"}, words=["--help"])
once("catatonit", "-h", peers.outcome, {"stdout": "help", "stderr": "help"}, words=["-h"])
once("tini", "unknown option", peers.outcome, {"stderr": "usage"}, words=["--nonsense"])
once("dumb-init", "unknown option", peers.outcome, {"stderr": "usage"}, words=["-x"])
once("catatonit", "no command", peers.outcome, {"stderr": "usage"}, words=[])
once("dumb-init", "no command", peers.outcome, {"stderr": "usage"}, words=[])

# ---- words

once(TINIS, "PROGRAM -- ARGUMENTS", peers.outcome, words=["echo", "--", "a", "--", "b"])
once(TINIS, "PROGRAM ARGUMENT -- ARGUMENTS", peers.outcome, words=["echo", "a", "--", "-g"])
once(TINIS, "-- PROGRAM -- ARGUMENTS", peers.outcome, words=["--", "echo", "--", "a"])
once(CATATONITS, "PROGRAM -- ARGUMENTS", peers.outcome, words=["echo", "--", "a", "-P"])
once("dumb-init", "PROGRAM -- ARGUMENTS", peers.outcome, words=["echo", "--", "a"])
once("dumb-init", "PROGRAM -OPTION", peers.outcome, words=["echo", "-c", "a"])
once("tini", "PROGRAM -OPTION", peers.outcome, {"stdout": "eaten"}, words=["echo", "-g", "a"])
once("catatonit", "PROGRAM -OPTION", peers.outcome, {"stdout": "eaten"}, words=["echo", "-g", "a"])
once("dumb-init", "--single", peers.outcome, words=["--single", "echo", "a"])
once("dumb-init", "--rew=15:3", peers.outcome, words=["--rew=15:3", "--", "echo", "a"])
once("dumb-init", "--rew 15:3 --verb", peers.code, words=["--rew", "15:3", "--verb", "true"])
once("dumb-init", "--ver, of two", peers.code, words=["--ver", "true"])
once("catatonit", "--vers", peers.code, words=["--vers"])

# ---- whom a signal reaches

once(EVERY, "who hears a signal", peers.hearers)
line(f"{TINIS} {CATATONITS}", "who hears a signal, -g", peers.hearers, words=["-g"])
line("dumb-init", "who hears a signal, -c", peers.hearers, words=["-c"])
once("tini", "who hears a signal, TINI_KILL_PROCESS_GROUP", peers.hearers,
     env={"TINI_KILL_PROCESS_GROUP": "1"})
once("dumb-init", "who hears a signal, DUMB_INIT_SETSID=0", peers.hearers,
     env={"DUMB_INIT_SETSID": "0"})
for rule, name in (("10:12", "USR2"), ("10:0", "nothing")):
    line("dumb-init", f"-r {rule}", peers.code_of, words=[
        "-r", rule, "--", "sh", "-c", "trap 'exit 4' USR2; trap 'exit 5' USR1; trap 'exit 6' TERM; "
        "kill -USR1 $PPID; kill -TERM $PPID; while :; do sleep 0.01; done"])

# ---- the end

once(EVERY, "who survives the command", peers.survivors)
once("dumb-init", "who survives the command, -c", peers.survivors, words=["-c"])
once("dumb-init", "who survives the command, DUMB_INIT_SETSID=0", peers.survivors,
     env={"DUMB_INIT_SETSID": "0"})
once("dumb-init", "who survives the command, -r 15:0", peers.survivors, words=["-r", "15:0"])
once("dumb-init", "who survives the command, -r 15:18", peers.survivors, words=["-r", "15:18"])
once("tini catatonit", "who survives the command, -g", peers.survivors, words=["-g"])
line(EVERY, "nobody is waited for", peers.time_to_stop)

# ---- what the command finds

line("dumb-init", "session and group", peers.command_of)
line("dumb-init", "session and group, -c", peers.command_of, words=["-c"])
line("dumb-init", "session and group, DUMB_INIT_SETSID=0", peers.command_of,
     env={"DUMB_INIT_SETSID": "0"})
BELOW = ["sh", "-c", '"$@"; exit $?', "sh"]  # a parent in whose session and group it starts
for name in EVERY.split():
    once(name, "session and group, in another's session", peers.command_of, wrap=BELOW)
once("dumb-init", "session and group, in another's session, -c", peers.command_of, words=["-c"],
     wrap=BELOW)
line(f"{TINIS} {CATATONITS}", "session and group, as the session's leader", peers.command_of,
     {"leads its session": "session"}, hows=["plain"])
line("tini dumb-init", "environment", peers.command_of, facts=["env", "args", "cwd", "blocked"],
     env={"A": "1", "TINI_SUBREAPER": "", "DUMB_INIT_DEBUG": "0", "LISTEN_PID": "7"})
line("catatonit", "environment", peers.command_of, {"blocked": "ignored"},
     facts=["env", "args", "cwd", "blocked"], env={"A": "1", "CATATONIT_X": "0"})
NOHUP = ["sh", "-c", 'trap "" HUP USR1; exec "$@"', "sh"]
once("tini catatonit", "ignored signals", peers.command_of, facts=["ignored"], wrap=NOHUP)
once("dumb-init", "ignored signals", peers.command_of, {"ignored": "ignored"}, facts=["ignored"],
     wrap=NOHUP)

# ---- job control

for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
    name = number.name
    once("dumb-init", f"{name} without a terminal", peers.job_control, number=number)
    once("dumb-init", f"{name} without a terminal, -c", peers.job_control, number=number,
         words=["-c"])
    line("dumb-init", f"{name}", peers.job_control, number=number, hows=["pid1"])
    once("catatonit", f"{name} without a terminal", peers.job_control,
         {"command hears it": "signals"}, number=number)
    line("catatonit podman-init", f"-P and {name}", peers.pause, number=number)
line("catatonit podman-init", "-P and a command", peers.pause, number=signal.SIGTERM, words=["true"])
once("tini", "SIGTSTP without a terminal", peers.job_control, number=signal.SIGTSTP)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGHUP):
    line("catatonit podman-init", f"-P and {number.name}", peers.pause, number=number)

# ---- messages


STOP = ["sh", "-c", "trap 'exit 3' TERM; kill -TERM $PPID; while :; do sleep 0.01; done"]
ORPHAN = ["sh", "-c", "orphan=$(sh -c 'sleep 0.01 >/dev/null & echo $!'); "
          "while kill -0 $orphan 2>/dev/null; do :; done; exit 7"]
SPAWNED = "[INFO  tini (#)] Spawned child process 'sh' with pid '#'"
line(TINIS, "-v", peers.says, words=["-v", "--", "sh", "-c", "exit 7"], lines=[SPAWNED])
line("tini", "-v, on stdout", peers.says, {SPAWNED: "stdout"},
     words=["-v", "--", "sh", "-c", "exit 7"], lines=[SPAWNED], streams="stdout")
line("tini", "TINI_VERBOSITY=30", peers.says, env={"TINI_VERBOSITY": "30"}, lines=[SPAWNED],
     words=["--", "sh", "-c", "exit 7"])
line("tini", "TINI_VERBOSITY=none", peers.code, words=["--", "sh", "-c", "exit 7"],
     env={"TINI_VERBOSITY": "none"})
line("tini", "-w", peers.says, words=["-s", "-w", "--", *ORPHAN],
     lines=["[WARN  tini (#)] Reaped zombie process with pid=#"])
line(TINIS, "a command that is missing", peers.says, words=["/nonexistent"],
     lines=["[FATAL tini (#)] exec /nonexistent failed: No such file or directory"])
line("tini", "a command that cannot be executed", peers.says, words=["/etc"],
     lines=["[FATAL tini (#)] exec /etc failed: Permission denied"])
DUMB = ["[dumb-init] Child spawned with PID #.", "[dumb-init] Received signal 17."]
EXITED = ["[dumb-init] A child with PID # exited with exit status 3.",
          "[dumb-init] Child exited with status 3. Goodbye."]
FORWARDED = ["[dumb-init] Received signal 15.", "[dumb-init] Forwarded signal 15 to children."]
for how in ("plain", "pid1"):
    for words in ([], ["-c"]):
        once("dumb-init", f"{' '.join(['-v', *words])} ({how})", peers.says, how=how,
             words=["-v", *words, "--", *STOP], lines=[*DUMB, *FORWARDED, *EXITED])
line("dumb-init", "DUMB_INIT_DEBUG", peers.says, words=["sh", "-c", "exit 3"],
     env={"DUMB_INIT_DEBUG": "1"}, lines=[DUMB[0], *EXITED])
line("dumb-init", "-v, killed", peers.says, {FORWARDED[1]: "nobody"},
     words=["-v", "sh", "-c", "kill -9 $$"], lines=[
         DUMB[0], "[dumb-init] A child with PID # was terminated by signal 9.",
         "[dumb-init] Child exited with status 137. Goodbye.", FORWARDED[1]])
once("dumb-init", "-v -r 15:0, and another that outlives it", peers.says, how="pid1",
     words=["-v", "-r", "15:0", "--", "sh", "-c", "sleep 1000 & exit 3"],
     lines=["[dumb-init] Forwarded signal 0 to children."])
REST = ["[dumb-init] setsid complete.", "[dumb-init] Translating signal 15 to 3."]
line("dumb-init", "-v, the rest", peers.says, {text: "words" for text in REST}, lines=REST,
     words=["-v", "-r", "15:3", "--", "sh", "-c",
            "trap 'exit 3' QUIT; kill -TERM $PPID; while :; do sleep 0.01; done"])
line("dumb-init", "a command that is missing", peers.says, words=["/nonexistent"],
     lines=["[dumb-init] /nonexistent: No such file or directory"])
line("dumb-init", "a command that cannot be executed", peers.says, words=["/etc"],
     lines=["[dumb-init] /etc: Permission denied"])
MISSING = "ERROR (catatonit:#): failed to exec pid1: No such file or directory"
line("catatonit", "a command that is missing", peers.says, {MISSING: "words"},
     words=["/nonexistent"], lines=[MISSING])
SPAWNED = "DEBUG (catatonit:#): pid1 (#) spawned: sh"
line("catatonit", "CATATONIT_DEBUG", peers.says, {SPAWNED: "words"}, lines=[SPAWNED],
     words=["--", "sh", "-c", "exit 3"], env={"CATATONIT_DEBUG": ""})

# ---- what it holds

once(ALL, "2>&1 and a reader", peers.reader, {"reader sees the end": "stdio"})
once("tini", "what it holds", peers.holds,
     {"a descriptor": "descriptors", "its stdout": "stdio", "its directory": "cwd"})
once("dumb-init", "what it holds", peers.holds, {"a descriptor": "descriptors", "its stdout": "stdio"})
once("catatonit", "what it holds", peers.holds, {"its stdout": "stdio", "its directory": "cwd"})
