"""Swarm: a box is a service of one task, with --init."""
import shlex

from conftest import eventually
from engines.docker import IMAGE, DockerInit
from engines.engine import Unavailable

# Creates the service, then prints its output and exits with its code, as docker run does.
FOREGROUND = """
{create} >/dev/null || exit
until id=$({find}) && [ "$id" ]; do sleep 0.05; done
{docker} wait $id >{code} & waits=$!
{docker} logs --follow $id
wait $waits; exit $(cat {code})
"""
NO_STDIN = "a service has no stdin to type at"


class Swarm(DockerInit):
    name = "swarm"
    lacks = {"ctrl-c": NO_STDIN, "resize": NO_STDIN}
    notes = {"stop": "docker service scale SERVICE=0"}

    def prepare(self):
        super().prepare()
        if not self.daemon.own:
            raise Unavailable("not with an engine that is not the tests' own")
        if self.docker("info", "--format", "{{.Swarm.LocalNodeState}}").stdout.strip() != "active":
            done = self.docker("swarm", "init", "--advertise-addr", "127.0.0.1", check=False)
            if done.returncode:
                raise Unavailable(f"swarm init: {done.stderr}")

    def find(self, box, *more):
        return self.daemon.command("ps", "--all", "--quiet", "--no-trunc", *more, "--filter",
                                   f"label=com.docker.swarm.service.name={box.name}")

    def command(self, box):
        options = self.options(box) if box.has_init else []
        create = self.daemon.command(
            "service", "create", "--detach", "--no-resolve-image", "--name", box.name,
            "--restart-condition", "none", "--stop-grace-period", "20s", "--env", "PATH=/bin",
            "--mount", f"type=bind,source={box.volume},destination={box.inside}", *options,
            IMAGE, *box.words)
        # A container that is only created cannot be waited for.
        find = self.find(box, "--filter", "status=running", "--filter", "status=exited")
        return ["sh", "-c", FOREGROUND.format(
            create=shlex.join(create), find=shlex.join(find), code=box.volume / "code",
            docker=shlex.join(self.daemon.command()))]

    def container(self, box):
        words = self.find(box)[len(self.daemon.command()):]
        return eventually(lambda: self.docker(*words).stdout.strip(), what="the task's container")

    def stop(self, box):
        self.docker("service", "scale", "--detach", f"{box.name}=0")

    def remove(self, box):
        self.docker("service", "rm", box.name, check=False)
        words = self.find(box)[len(self.daemon.command()):]
        for one in self.docker(*words).stdout.split():
            self.docker("rm", "--force", "--volumes", one, check=False)
