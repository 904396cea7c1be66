"""unshare of util-linux, which only makes namespaces. Its exec is nsenter."""
import os
import signal

from conftest import descendants, eventually
from engines.engine import NO_CGROUP, NO_COMMAND, Engine

# What a user's script does before it executes init.
ENTER = """
cd "$1"; mount --rbind /dev dev; mount -t proc proc proc; mount --bind "$2" run/init
shift 2; exec chroot . "$@"
"""


def first_of(pid):
    """The pid outside of the PID 1 that is a descendant of that process."""
    for found, status in descendants(pid).items():
        if status["NSpid"].split()[-1] == "1" and status["Name"].strip() == "init":
            return found
    return None


class Unshare(Engine):
    name, programs, homely = "unshare", ("unshare", "nsenter"), False
    lacks = {"top": NO_COMMAND, "cp": NO_COMMAND, "stats": NO_CGROUP, "pause": NO_CGROUP}
    notes = {
        "stop": "no command for it: TERM to PID 1 by kill",
        "exec": "nsenter, of the same package",
    }

    def command(self, box):
        return self.words("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
                          ENTER, "sh", self.root, box.volume, *box.arguments())

    def pid(self, box):
        process = box.running.popen if box.running else box.screen.popen
        return eventually(lambda: first_of(process.pid), what="PID 1")

    def stop(self, box):
        os.kill(self.pid(box), signal.SIGTERM)

    def execute(self, box, *words):
        return self.run("nsenter", "--target", self.pid(box), "--mount", "--pid", "--root",
                        "--wd", "--", *words, check=False)

    def remove(self, box):
        """By --kill-child the container ends with unshare."""
        if box.running and box.running.popen.poll() is None:
            box.running.popen.kill()
