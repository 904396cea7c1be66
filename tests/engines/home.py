"""Where an engine runs: mount and PID namespaces of the tests' own.

Its monitors, its mounts and its containers end with the PID namespace, which ends with the
tests, however they do. A /run of its own hides another instance of the engine.
"""
import signal
import subprocess
from pathlib import Path

from conftest import DEADLINE, PATH, eventually
from docker_engine import die_with_parent, remove_cgroups

# crun and podman take no cgroup tree that is half v1 and half v2 with controllers in both;
# without the second half it is all v1. The shell reaps what the engine orphans.
SETUP = """
mount -t tmpfs -o mode=755 none /run || exit
unified=/sys/fs/cgroup/unified
[ -z "$(cat $unified/cgroup.controllers 2>/dev/null)" ] || umount $unified || exit
sleep 2147483647 & wait
"""


class Home:
    def __init__(self, name):
        self.name = name
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc",
             "--kill-child", "sh", "-c", SETUP],
            stdin=subprocess.DEVNULL, env={"PATH": PATH}, preexec_fn=die_with_parent)
        self.pid = eventually(self.find, what="the engine's namespaces")

    def find(self):
        """The pid outside of the PID 1 in there, once it executes its last command."""
        if self.holder.poll() is not None:
            raise RuntimeError("its namespaces could not be made")
        try:
            folder = f"/proc/{self.holder.pid}/task/{self.holder.pid}/children"
            pid = Path(folder).read_text().split()[0]
            return Path(f"/proc/{pid}/task/{pid}/children").read_text() and \
                Path(f"/proc/{pid}/comm").read_text() == "sh\n" and self.sleeps(pid) and int(pid)
        except (OSError, IndexError):
            return None

    @staticmethod
    def sleeps(pid):
        child = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        return Path(f"/proc/{child}/comm").read_text() == "sleep\n"

    def words(self, *command):
        """A command line that runs the command in there."""
        return ["nsenter", "--target", self.pid, "--mount", "--pid", "--", *command]

    def close(self):
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait(DEADLINE)
        # The other processes of a PID namespace end after its PID 1.
        eventually(lambda: not Path(f"/proc/{self.pid}").exists(), what="the engine's end")
        remove_cgroups(self.name)
