"""What all engines have in common: a root file system, boxes, and the commands for them.

A Box is a running container with init in it and an operator outside; boxes run in the
foreground, so that their stdout and exit code are those of the engine's own command.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from conftest import DEADLINE, INIT, MARKER, PATH, PROBE, Running, eventually, mounts, processes
from docker_engine import remove_cgroups
from engines.home import Home
from initctl import INITCTL, Control
from terminal import Terminal

INSIDE = "/run/init"  # where a box has its volume
NO_COMMAND = "the engine has no command for it"
NO_CGROUP = "the engine makes no cgroup for it"
FOLDERS = ("bin", "dev", "etc", "proc", "root", "run/init", "sys", "tmp", "usr")


class Unavailable(Exception):
    """The engine cannot be had here: why."""


def busybox():
    for path in ("/bin/busybox", "/bin/busybox.static"):
        if os.access(path, os.X_OK):
            return path
    raise Unavailable("no static busybox: make deps-engines")


def make_root(root):
    """Makes a root with init, initctl, probe, and busybox by all its names."""
    program = busybox()
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    shutil.copy(INIT, root / "init")
    shutil.copy(PROBE, root / "bin/probe")
    shutil.copy(INITCTL, root / "bin/initctl")
    shutil.copy(program, root / "bin/busybox")
    for name in subprocess.run([program, "--list"], check=True, stdout=subprocess.PIPE,
                               text=True).stdout.split():
        if not (root / "bin" / name).exists():
            (root / "bin" / name).symlink_to("busybox")
    (root / "etc/os-release").write_text("ID=box\n")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    return root


class Engine:
    name = ""
    programs = ()    # programs that must be on PATH
    homely = True    # whether it runs in namespaces of the tests' own
    first = "/init"  # how PID 1's command line begins
    lacks = {}       # item of the list -> why this engine does not have it
    notes = {}       # item -> what a reader of the table should know

    def __init__(self):
        self.home = None
        self.dir = Path(tempfile.mkdtemp(prefix="init-engine."))
        # Containers of another user enter it, too.
        self.dir.chmod(0o755)
        self.cgroup = self.dir.name

    @classmethod
    def require(cls):
        """Raises Unavailable if the engine is not installed, or the tests do not run as root."""
        if os.geteuid():
            raise Unavailable("needs root")
        for program in cls.programs:
            if not shutil.which(program, path=PATH):
                raise Unavailable(f"{program} is not installed: make deps-engines")

    def version(self):
        """The version, one word."""
        return self.run(self.programs[0], "--version", home=False).stdout.split()[-1]

    def start(self):
        """Starts the engine, without init: one that fails here does not run on this machine."""
        try:
            self.begin()
        except (RuntimeError, OSError, ValueError, subprocess.SubprocessError,
                pytest.fail.Exception) as why:
            raise Unavailable(f"does not start here: {' '.join(str(why).split())[-400:]}") from why

    def begin(self):
        if self.homely:
            self.home = Home(self.cgroup)
        self.root = make_root(self.dir / "root")
        self.prepare()
        self.try_out()

    def prepare(self):
        """What is done once, before the first box."""

    def try_out(self):
        """Runs a container without init: a failure here is not due to init."""
        box = Box(self, "", ["/bin/echo", "well"], init=False)
        try:
            code = box.wait()
            if box.running.rest().split() != ["well"]:
                raise RuntimeError(f"its own container: {code}, {box.running.stderr()}")
        finally:
            box.close()

    def close(self):
        try:
            if self.home:
                self.home.close()
        finally:
            remove_cgroups(self.cgroup)
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- the engine's commands

    def words(self, *words, home=True):
        return [str(w) for w in (self.home.words(*words) if self.home and home else words)]

    def run(self, *words, home=True, check=True, **options):
        """Runs a command of the engine to its end."""
        options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(self.words(*words, home=home), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60,
                              env=self.environment(), **options)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr or done.stdout}")
        return done

    def environment(self):
        return {"PATH": PATH, "LC_ALL": "C", "HOME": str(self.dir)}

    def command(self, box):
        """The command that runs the box in the foreground; box.arguments() is what it runs."""
        raise NotImplementedError

    def stop(self, box):
        """Sends TERM by the engine's own command; need not wait for the end."""
        raise NotImplementedError

    def exit_code(self, box):
        """The exit code that the engine reports."""
        return (box.running or box.screen).wait()

    def execute(self, box, *words):
        """Runs a command by the engine's own exec, as a CompletedProcess."""
        raise NotImplementedError

    def top(self, box):
        """The text of the engine's own list of processes."""
        raise NotImplementedError

    def copy_in(self, box, source, target):
        raise NotImplementedError

    def copy_out(self, box, source, target):
        raise NotImplementedError

    def stats(self, box):
        """The number of processes that the engine counts, or a text that contains it."""
        raise NotImplementedError

    def pause(self, box):
        raise NotImplementedError

    def resume(self, box):
        raise NotImplementedError

    def remove(self, box):
        """Removes what is left of a box, running or not."""


class Box(Control):
    """A container; Control is its operator, with the socket in a directory of the host."""

    def __init__(self, engine, marker, words, options=(), init=True, terminal=False):
        super().__init__(None, marker, tempfile.mkdtemp(prefix="box."))
        self.engine, self.words, self.options = engine, list(words), list(options)
        self.has_init, self.is_terminal = init, terminal
        self.name = "box-" + uuid.uuid4().hex[:12]
        self.volume, self.inside = self.directory, INSIDE
        self.socket = self.volume / "ctl"
        self.running = self.screen = None
        command = engine.command(self)
        env = {**engine.environment(), MARKER: marker}
        if terminal:
            self.screen = Terminal(command, marker, env=env)
            self.terminals.append(self.screen)
        else:
            self.running = Running(command, "engine", set(), env=env)

    def settings(self):
        """The options of init."""
        return ["--control", f"{self.inside}/ctl", *self.options]

    def arguments(self):
        """The command line that the container runs."""
        return ["/init", *self.settings(), "--", *self.words] if self.has_init else self.words

    def line(self, *args, **options):
        return self.running.line(*args, **options)

    def ready(self):
        """Waits until the socket answers."""
        self.wait_listens()
        return self

    def stop(self):
        self.engine.stop(self)

    def wait(self):
        return self.engine.exit_code(self)

    def close(self):
        super().close()
        self.engine.remove(self)
        if self.running:
            self.running.close()
        eventually(lambda: not self.inhabitants(), what=f"the end of all in {self.name}")
        shutil.rmtree(self.directory, ignore_errors=True)

    def inhabitants(self):
        """The processes in whose mounts the volume still is, whatever their environment is."""
        def has_volume(pid):
            try:
                return any(f"/{self.directory.name} " in line for line in mounts(pid))
            except OSError:
                return False  # it has ended

        return [pid for pid in processes() if has_volume(pid)]


@contextlib.contextmanager
def running(kind):
    """A context manager for a running engine. Raises Unavailable."""
    kind.require()
    one = kind()
    try:
        one.start()
        yield one
    finally:
        one.close()


@contextlib.contextmanager
def started(kind):
    """The same, but skips the test if the engine is not available."""
    try:
        with running(kind) as one:
            yield one
    except Unavailable as why:
        pytest.skip(f"{kind.name}: {why}")


__all__ = ["Box", "DEADLINE", "Engine", "Unavailable", "make_root", "running", "started"]
