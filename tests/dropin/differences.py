"""What is not the same with init in the place of another, on purpose, peer by peer.

Each row names values that test_images.py compares, what ours is, why, and the sentence of
container-init(8) or README.md where users find it.
"""
import re
import signal
from dataclasses import dataclass

from standin import SYNCHRONOUS


@dataclass(frozen=True)
class Different:
    """What is not the same on purpose."""
    keys: str        # a regular expression of the names of values
    becomes: object  # makes ours of the name, the peer's value and all of the peer's values
    why: str
    where: str       # a sentence of container-init(8) or README.md
    only: object = lambda image: True


def always(value):
    return lambda *_: value


def sent_to_the_same(key, _, peer):
    """To whom any other signal is sent."""
    before, name = key.rsplit(" ", 1)
    return [line.replace(" USR1 ", f" {name} ") for line in peer[f"{before} USR1"]]


SESSION = Different(
    "tree: (main|worker|job)",
    lambda key, was, peer: was.replace("the session of init", "the session of main"),
    "with a terminal a shell has job control, and without one nothing is different",
    "Where init leads its session, as PID 1 of a container does, the command is started as the "
    "leader of a session of its own.")
DESCRIPTORS = (
    "who reads the container's output sees its end when the command closes it",
    "After the start of the command, init does not open paths that the container controls, keeps "
    "none of the command's descriptors open, and is not dumpable (see prctl(2)).")
DIRECTORY = Different(
    "init: directory", always("/"), "init does not keep a file system in use",
    "Its own working directory is the root directory, then.", lambda image: image.workdir != "/")
FORWARDED = ("a command may use any signal that it can catch",
             "Every signal from 1 to 64 that can be caught is forwarded to the command, real-time "
             "signals in order and with their value.")
INHERITED = ("what whoever starts the container has set is meant for the command",
             "The command starts with the signal mask and the ignored signals that init itself was "
             "started with.")


SUBREAPER = (
    "orphans are reaped and found at the end without an option for it",
    "Run as an ordinary process, it becomes a subreaper (see prctl(2)) and treats its descendants, "
    "which it finds in /proc, as the processes of the container.")
ADOPTED = Different(
    "in a pod: tree: daemon",
    lambda key, was, peer: was.replace("child of the pod", "child of init"), *SUBREAPER,
    only=lambda image: not image.subreaper)
FOLLOWED = Different(
    "in a pod: pdeathsig", always(signal.SIGKILL), "no command is left without its init",
    "Where init is not PID 1, the command is killed when init dies.")


def without_warning(key, was, peer):
    """What tini prints without -s."""
    return re.sub(r"\[WARN  tini \(N\)\] Tini is not running as PID N and (.*\n){3}", "", was)


def unknown_format(code):
    """A C library's execvp(3) runs such a file by /bin/sh, if it is glibc's."""
    return Different(
        "(of no known format|a script that names no interpreter): code", always(code),
        "peers that are built with musl, as Alpine's, do the same",
        "A script that does not name its interpreter in the first line cannot be executed.",
        lambda image: image.direct)


DIFFERENT = {
    "tini": [
        SESSION, DIRECTORY, ADOPTED, FOLLOWED, unknown_format(1),
        Different("in a pod: (stop|killed): messages", without_warning, *SUBREAPER,
                  only=lambda image: not image.subreaper),
        # As a subreaper it has one to reap, too.
        Different("in a pod: stop: messages",
                  always("[WARN  tini (N)] Reaped zombie process with pid=N\n"), *SUBREAPER,
                  only=lambda image: image.name == "strimzi-kafka"),
        Different("init: holds (stdin|stdout|another)", always(False), *DESCRIPTORS),
        Different(f"signal ({'|'.join(SYNCHRONOUS)}|TTIN|TTOU)", sent_to_the_same, *FORWARDED),
    ],
    "dumb-init": [
        ADOPTED, FOLLOWED, unknown_format(2),
        Different("init: holds (stdin|stdout|another)", always(False), *DESCRIPTORS),
        Different("ignored", always(f"{1 << signal.SIGPIPE - 1:016x}"), *INHERITED),
    ],
    "catatonit": [
        SESSION, DIRECTORY, FOLLOWED, unknown_format(1),
        Different("init: holds (stdin|stdout)", always(False), *DESCRIPTORS),
        Different(f"signal ({'|'.join(SYNCHRONOUS)}|TSTP|TTIN|TTOU)", sent_to_the_same, *FORWARDED),
        Different("blocked", always("0" * 16), *INHERITED),
        Different("(absent|not executable|interpreter absent): messages",
                  lambda key, was, peer: was.replace("ERROR (catatonit:N): failed to exec pidN",
                                                     "catatonit: cannot exec /entrypoint.sh"),
                  "nothing reads them, and they do not say what could not be executed",
                  "Under the name catatonit the messages are init's own.",
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
