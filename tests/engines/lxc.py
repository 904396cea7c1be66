"""LXC, with init as lxc.init.cmd."""
import re
import shlex

from engines.engine import NO_COMMAND, Engine

CONFIG = """
lxc.rootfs.path = dir:{root}
lxc.uts.name = box
lxc.net.0.type = empty
lxc.mount.auto = proc sys:ro
lxc.mount.entry = {volume} {inside} none bind,create=dir 0 0
lxc.cgroup.dir = {cgroup}/{name}
lxc.environment = PATH=/bin
lxc.pty.max = 16
lxc.signal.halt = SIGTERM
lxc.log.level = DEBUG
lxc.log.file = {folder}/log
lxc.init.cmd = {command}
"""


class Lxc(Engine):
    name, programs = "lxc", ("lxc-start",)
    lacks = {"top": "lxc-top lists containers, not their processes", "cp": NO_COMMAND}
    notes = {"codes": "lxc-start returns 0 or 1; the container's code is in its log",
             "stop": "with lxc.signal.halt = SIGTERM"}

    def tool(self, name, box, *words):
        return [f"lxc-{name}", "--lxcpath", self.dir / "lxc", "--name", box.name, *words]

    def command(self, box):
        folder = self.dir / "lxc" / box.name
        folder.mkdir(parents=True)
        # The words are in a script, since lxc has rules of its own for quotes.
        (box.volume / "main").write_text(f"exec {shlex.join(map(str, box.words))}\n")
        box.words = ["/bin/sh", f"{box.inside}/main"]
        text = CONFIG.format(root=self.root, volume=box.volume, inside=box.inside.lstrip("/"),
                             cgroup=self.cgroup, name=box.name, folder=folder,
                             command=" ".join(map(str, box.arguments())))
        if not box.is_terminal:
            text += "lxc.console.path = none\n"
        (folder / "config").write_text(text)
        return self.words(*self.tool("start", box, "--foreground"))

    def exit_code(self, box):
        assert super().exit_code(box) == 0
        log = (self.dir / "lxc" / box.name / "log").read_text()
        assert "Container init process" in log, log
        ended = re.search(r"Child <\d+> ended on (error|signal) \((\d+)\)", log)
        return int(ended[2]) + (128 if ended[1] == "signal" else 0) if ended else 0

    def stop(self, box):
        self.run(*self.tool("stop", box, "--timeout", "20"))

    def execute(self, box, *words):
        return self.run(*self.tool("attach", box, "--clear-env", "--", *words), check=False)

    def stats(self, box):
        assert re.search(r"CPU use: +[0-9.]+", self.run(*self.tool("info", box, "--stats")).stdout)
        return self.run(*self.tool("cgroup", box, "pids.current")).stdout

    def pause(self, box):
        self.run(*self.tool("freeze", box))

    def resume(self, box):
        self.run(*self.tool("unfreeze", box))

    def remove(self, box):
        self.run(*self.tool("stop", box, "--kill"), check=False)
