"""Many containers at once, with their sockets below one directory: the fixture fleet.

fleet.start("a", "b/c") starts containers whose sockets are a.sock and b/c.sock; run() and the like
are those of the fixture control, with that directory as INIT_SOCKETS. Test files import
both fixtures from here.
"""
import os
import socket

import pytest

from conftest import eventually, halt
from hostile import Server
from initctl import control  # noqa: F401

SLEEP = ("sleep", "1000")


class Fleet:
    def __init__(self, control):
        self.control, self.directory = control, control.directory / "run"
        self.inits, self.closing = {}, []
        self.directory.mkdir()

    def path(self, name):
        path = self.directory / f"{name}.sock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    # ---- containers

    def start(self, *names, options=(), command=SLEEP, wait=True):
        for name in names:
            self.inits[name] = self.control.start_init(
                ["--control", self.path(name), *options, "--", *command])
        for name in names if wait else ():
            eventually(lambda: self.answers(name), what=f"the control socket of {name}")
        return self

    def answers(self, name):
        """Whether init greets. The path may be longer than an address takes."""
        path = self.path(name)
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                one.settimeout(1)
                return not one.connect_ex(f"/proc/self/fd/{folder}/{path.name}") and one.recv(65536)
        finally:
            os.close(folder)

    def halt(self, name):
        """Stops PID 1: the socket still takes connections, but nobody answers."""
        halt(self.inits[name].init_pid)

    # ---- others

    def dead(self, name):
        """A socket that nobody listens on any more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
            one.bind(str(self.path(name)))

    def silent(self, name, backlog=8):
        """One whose listener never accepts."""
        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.closing.append(one)
        one.bind(str(self.path(name)))
        one.listen(backlog)

    def full(self, name):
        """One whose queue has no room for another connection."""
        self.silent(name, backlog=0)
        while True:
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.closing.append(one)
            one.setblocking(False)
            if one.connect_ex(str(self.path(name))):
                return

    def server(self, name, *script, **how):
        """A false server; see hostile.py."""
        one = Server(self.path(name))
        self.closing.append(one)
        one.serve(*script, **how)
        return one

    # ---- the operator

    def popen(self, *words, env=None, **popen):
        env = {"INIT_SOCKETS": str(self.directory), "INIT_SOCKET": None, **(env or {})}
        return self.control.popen(*words, env=env, **popen)

    def run(self, *words, env=None, **how):
        env = {"INIT_SOCKETS": str(self.directory), "INIT_SOCKET": None, **(env or {})}
        return self.control.run(*words, env=env, **how)

    def output(self, *words, **how):
        done = self.run(*words, **how)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def close(self):
        self.control.close()
        for one in self.closing:
            one.close()


@pytest.fixture
def fleet(control):  # noqa: F811
    one = Fleet(control)
    yield one
    one.close()

