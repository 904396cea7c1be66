"""Random messages, for the code that reads them and for a running init.

FUZZ_SEED chooses other messages, FUZZ_SECONDS a longer run.
"""
import os
import random
import socket
import subprocess
import time
from pathlib import Path

import pytest

from channel import compose
from conftest import DEADLINE, PROBE, ROOT
from container import container, directory  # noqa: F401

SEED = int(os.environ.get("FUZZ_SEED") or 3)
SECONDS = float(os.environ.get("FUZZ_SECONDS") or 3)
CORPUS = sorted((ROOT / "tests" / "fuzz" / "corpus").iterdir())
KEYS = ["additionalGids", "cwd", "env", "grace", "height", "namespace", "noNewPrivileges", "pid",
        "program", "rlimits", "session", "signal", "target", "terminal", "umask", "user", "version",
        "what", "width", "nothing", ""]
VALUES = ["", "0", "1", "2", "7", "true", "false", "passed", "/", "/nowhere", "main", "all", "root",
          "proc", "net", "mnt", "A=1", "1:2,3", "022", "WINCH", "CONT", "100ms", "NOFILE:64:64",
          "4294967295", "99999999999999999999", "x" * 300, "\udcff", "-1", " "]
# None that would end the container; the main command handles every signal but KILL.
HARMLESS = [path for path in CORPUS if not path.name.startswith(("signal", "stop"))]
VERBS = ["status", "exec", "sessions", "hold", "attach", "watch", "wait", "open", "signal", "", "x"]


def test_corpus():
    """The fuzzer's corpus, run with the sanitizers."""
    replay = Path(ROOT, "build", "fuzz", "replay")
    if not replay.exists():
        pytest.skip("build/fuzz/replay is missing: make units")
    done = subprocess.run([replay, *CORPUS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{len(CORPUS)} inputs\n" and len(CORPUS) > 20


def random_message(chance):
    kind = chance.random()
    if kind < 0.1:
        return chance.randbytes(chance.choice([0, 1, 5, 300, 65536, 65537, 100000]))
    if kind < 0.3:
        data = bytearray(chance.choice(HARMLESS).read_bytes()[2:]) or bytearray(b"x\0")
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.choice([0, 61, 255, chance.randrange(256)])
        return bytes(data)
    verb = chance.choice(VERBS)
    fields = [f"{chance.choice(KEYS)}={chance.choice(VALUES)}" for _ in range(chance.choice(
        [0, 0, 1, 1, 2, 3]))]
    args = chance.choice([["true"], ["sleep", "1000"], ["/nowhere"], [""], [], ["sh", "-c", "kill $$"]])
    if verb == "signal":
        fields = [field for field in fields if not field.startswith("target=")]
    return compose(verb, *fields, args=args if verb == "exec" or kind > 0.95 else None)


def test_live(container, directory):
    """PID 1 survives, answers, and holds nothing more than before."""
    chance = random.Random(SEED)
    box = container("--grace", "100ms", command=[PROBE, "signals"], stdout=subprocess.DEVNULL)
    null = box.own(os.open("/dev/null", os.O_RDWR))
    where = box.own(os.open(directory, os.O_RDONLY))
    held = box.idle()
    channels, sent, end = [], 0, time.monotonic() + SECONDS
    while time.monotonic() < end or sent <= 100:
        assert time.monotonic() < end + DEADLINE, f"only {sent} messages were taken"
        if len(channels) < 12 and (not channels or chance.random() < 0.2):
            channels.append(box.connect())
            channels[-1].socket.setblocking(False)
        channel = chance.choice(channels)
        fds = [where if chance.random() < 0.03 else null
               for _ in range(chance.choice([0, 0, 0, 1, 3, 3, 3, 4, 5]))]
        try:
            channel.send_bytes(random_message(chance), fds)
            sent += 1
            for _ in range(chance.randrange(4)):
                answer = channel.receive()
                if answer is None:
                    raise BrokenPipeError
                while answer.fds:
                    os.close(answer.fds.pop())
        except BlockingIOError:
            continue
        except (BrokenPipeError, ConnectionResetError, socket.timeout):
            pass
        else:
            if chance.random() > 0.02:
                continue
        channel.close()
        channels.remove(channel)
    for channel in channels:
        channel.close()
    for number in range(1, 4000):
        message = box.connect()
        listed = message.list_sessions()
        for one in listed:
            message.call("signal", "signal=KILL", f"session={one['session']}")
        message.close()
        if not listed:
            break
    box.check_well(held)
    print(f"seed {SEED}: {sent} messages")
    assert sent > 100
