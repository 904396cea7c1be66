"""bubblewrap, with init as the PID 1 that --as-pid-1 asks for."""
import json
import os
import signal

from conftest import eventually, is_alive
from engines.engine import NO_CGROUP, NO_COMMAND, Engine


class Bwrap(Engine):
    name, programs, homely = "bwrap", ("bwrap",), False
    lacks = {"exec": NO_COMMAND, "top": NO_COMMAND, "cp": NO_COMMAND, "stats": NO_CGROUP,
             "pause": NO_CGROUP}
    notes = {
        "stop": "no command for it: TERM by kill to the child-pid of --info-fd",
        "ctrl-c": "bwrap itself dies of it too, with any command",
    }

    def command(self, box):
        # Not with a terminal, where it would kill the command that still handles a Ctrl-C.
        along = [] if box.is_terminal else ["--die-with-parent"]
        # The shell is only there for the redirection.
        return self.words(
            "sh", "-c", 'exec "$0" "$@" 3>' + str(box.volume / "info"), "bwrap", "--info-fd", "3",
            "--unshare-pid", "--as-pid-1", *along, "--bind", self.root, "/",
            "--proc", "/proc", "--dev", "/dev", "--bind", box.volume, box.inside,
            "--", *box.arguments())

    def pid(self, box):
        def told():
            try:
                return json.loads((box.volume / "info").read_text())["child-pid"]
            except (OSError, ValueError):
                return None

        return eventually(told, what="the output of --info-fd")

    def stop(self, box):
        os.kill(self.pid(box), signal.SIGTERM)

    def version(self):
        return self.run("bwrap", "--version").stdout.split()[-1]

    def remove(self, box):
        if (box.volume / "info").exists() and is_alive(pid := self.pid(box)):
            os.kill(pid, signal.SIGKILL)
