"""systemd-nspawn, where init is the program that it runs, instead of --as-pid2."""
from conftest import descendants, kill_all
from engines.engine import NO_COMMAND, Engine

# It needs a /run that is a tmpfs, and leaves files in it.
APART = 'mount -t tmpfs -o mode=755 none /run && exec "$@"'
MACHINED = "machinectl alone has it, for what the systemd of the host has registered"


class Nspawn(Engine):
    name, programs, homely = "nspawn", ("systemd-nspawn",), False
    lacks = {"exec": MACHINED, "top": MACHINED, "cp": MACHINED, "stats": MACHINED,
             "pause": NO_COMMAND}
    notes = {"stop": "TERM to systemd-nspawn, which has --kill-signal=TERM"}

    def version(self):
        return super().run("systemd-nspawn", "--version").stdout.split()[1]

    def command(self, box):
        # Read-only, since otherwise only one container at a time can use a root directory.
        console = "interactive" if box.is_terminal else "pipe"
        return self.words(
            "unshare", "--mount", "--propagation", "private", "sh", "-c", APART, "sh",
            "systemd-nspawn", "--quiet", "--directory", self.root, "--read-only",
            "--machine", box.name, "--register=no", "--keep-unit", "--kill-signal=TERM",
            f"--console={console}", f"--bind={box.volume}:{box.inside}",
            "--setenv=PATH=/bin", "--", *box.arguments())

    def stop(self, box):
        # unshare and the shell have executed it.
        box.running.popen.terminate()

    def remove(self, box):
        # If it is killed, the container outlives it.
        if box.running and box.running.popen.poll() is None:
            kill_all(descendants(box.running.popen.pid))
