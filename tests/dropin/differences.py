"""What is not the same in public images on purpose, with init in the place of another.

Each row names values that test_images.py compares, how ours follows from the peer's, why, and the
key of the sentence of container-init(8) where users find it.
"""
import re
import signal
from dataclasses import dataclass

import table
from standin import SYNCHRONOUS

WHERE = {
    **table.WHERE,
    "adopted": "orphans are adopted in any case",
    "killed": "Where init is not PID 1, the command is killed when init dies",
}


@dataclass(frozen=True)
class Different:
    keys: str        # a regular expression of the names of values
    becomes: object  # makes ours of the name, the peer's value and all of the peer's values
    why: str
    where: str
    only: object = lambda image: True


def always(value):
    return lambda *_: value


def sent_to_the_same(key, _, peer):
    """To whom any other signal is sent."""
    before, name = key.rsplit(" ", 1)
    return [line.replace(" USR1 ", f" {name} ") for line in peer[f"{before} USR1"]]


def without_warning(key, was, peer):
    """What tini prints without -s."""
    return re.sub(r"\[WARN  tini \(N\)\] Tini is not running as PID N and (.*\n){3}", "", was)


def released(names):
    return Different(f"init: holds ({names})", always(False), "who reads the output of a container "
                     "sees its end when the command closes it", "stdio")


def forwarded(names):
    return Different(f"signal ({'|'.join([*SYNCHRONOUS, *names])})", sent_to_the_same,
                     "a command may use any signal that it can catch", "signals")


def unknown_format(code):
    return Different("(of no known format|a script that names no interpreter): code", always(code),
                     "glibc's execvp(3) has it run by sh, musl's, which Alpine's peers use, has not",
                     "format", lambda image: image.direct)


SESSION = Different(
    "tree: (main|worker|job)",
    lambda key, was, peer: was.replace("the session of init", "the session of main"),
    "with a terminal a shell has job control, and without one it is the same", "session")
CLOSED = Different("init: holds another", always(False), "as with the output", "descriptors")
DIRECTORY = Different("init: directory", always("/"), "init keeps no file system in use", "cwd",
                      lambda image: image.workdir != "/")
ADOPTED = Different(
    "in a pod: tree: daemon",
    lambda key, was, peer: was.replace("child of the pod", "child of init"),
    "orphans are reaped without an option for it", "adopted", lambda image: not image.subreaper)
KILLED = Different("in a pod: pdeathsig", always(signal.SIGKILL),
                   "no command is left without its init", "killed")

DIFFERENT = {
    "tini": [
        SESSION, DIRECTORY, CLOSED, ADOPTED, KILLED, unknown_format(1), released("stdin|stdout"),
        forwarded(["TTIN", "TTOU"]),
        Different("in a pod: (stop|killed): messages", without_warning,
                  "it adopts orphans", "quiet", lambda image: not image.subreaper),
        Different("in a pod: stop: messages",
                  always("[WARN  tini (N)] Reaped zombie process with pid=N\n"),
                  "as it adopts orphans, it has one to reap", "adopted",
                  lambda image: image.name == "strimzi-kafka"),
    ],
    "dumb-init": [
        CLOSED, ADOPTED, KILLED, unknown_format(2), released("stdin|stdout"),
        Different("ignored", always(f"{1 << signal.SIGPIPE - 1:016x}"),
                  "what whoever starts the container has set is meant for the command", "ignored"),
    ],
    "catatonit": [
        SESSION, DIRECTORY, KILLED, unknown_format(1), released("stdin|stdout"),
        forwarded(["TSTP", "TTIN", "TTOU"]),
        Different("blocked", always("0" * 16),
                  "what whoever starts the container has set is meant for the command", "ignored"),
        Different("(absent|not executable|interpreter absent): messages",
                  lambda key, was, peer: was.replace("ERROR (catatonit:N): failed to exec pidN",
                                                     "catatonit: cannot exec /entrypoint.sh"),
                  "nothing reads them, and they do not say what could not be executed", "words",
                  lambda image: image.direct),
    ],
}


def compare(image, peer, ours):
    """Every value is the same, or different as is declared; what is declared is observed."""
    wrong = []
    for key in [*peer, *(key for key in ours if key not in peer)]:
        was, now = peer.get(key), ours.get(key)
        expected = was
        declared = [one for one in DIFFERENT[image.peer]
                    if re.fullmatch(f"(?:in a pod: )?(?:{one.keys})", key) and one.only(image)]
        for one in declared:
            expected = one.becomes(key, expected, peer)
        if declared and was == now:
            wrong.append(f"{key}: declared as different, but both {now!r}")
        elif now != expected:
            wrong.append(f"{key}: {image.peer} {was!r}, ours {now!r}"
                         + (f", declared {expected!r}" if declared else ""))
    assert not wrong, "\n".join(wrong)


def in_time(took):
    """Ours does not take longer to end."""
    peer, ours = took
    assert ours <= peer + 1, took
