"""runc, with a bundle for each box."""
import json

from engines.engine import NO_COMMAND, Engine


class Runc(Engine):
    name, programs = "runc", ("runc",)
    lacks = {"cp": NO_COMMAND}

    def version(self):
        return self.run(self.programs[0], "--version", home=False).stdout.split()[2]

    def oci(self, *words):
        """A command line of the engine, with its state in the /run of its home."""
        return [self.programs[0], "--root", f"/run/{self.cgroup}", *words]

    def prepare(self):
        self.run(self.programs[0], "spec", home=False, cwd=self.dir)
        self.spec = json.loads((self.dir / "config.json").read_text())

    def command(self, box):
        spec = json.loads(json.dumps(self.spec))
        # Their hard limits may be above those of the tests, which needs a privilege.
        spec["process"].pop("rlimits", None)
        spec["process"].update(args=[str(word) for word in box.arguments()],
                               terminal=box.is_terminal, env=["PATH=/bin", "TERM=xterm"])
        spec["root"]["path"] = str(self.root)
        spec["linux"]["cgroupsPath"] = f"/{self.cgroup}/{box.name}"
        spec["mounts"].append({"destination": box.inside, "type": "bind",
                               "source": str(box.volume), "options": ["rbind", "rw"]})
        bundle = self.dir / box.name
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(spec))
        return self.words(*self.oci("run", "--bundle", bundle, box.name))

    def stop(self, box):
        self.run(*self.oci("kill", box.name, "TERM"))

    def execute(self, box, *words):
        return self.run(*self.oci("exec", box.name, *words), check=False)

    def top(self, box):
        return self.run(*self.oci("ps", box.name)).stdout

    def stats(self, box):
        return json.loads(self.run(*self.oci("events", "--stats", box.name)).stdout)[
            "data"]["pids"]["current"]

    def pause(self, box):
        self.run(*self.oci("pause", box.name))

    def resume(self, box):
        self.run(*self.oci("resume", box.name))

    def remove(self, box):
        self.run(*self.oci("delete", "--force", box.name), check=False)
