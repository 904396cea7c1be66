"""Docker, with init in the image, and with init as the one that --init brings along.

All rows, and the tests of Swarm and of images, share one engine of the tests' own.
"""
import atexit
import functools

from conftest import INIT
from docker_engine import Engine as Daemon
from engines.engine import Engine, Unavailable

IMAGE = "box:1"


@functools.cache
def daemon():
    """The engine, in a network namespace of its own, since Swarm makes bridges and listens; or the
    reason why there is none."""
    try:
        one = Daemon(INIT, apart=True)
    except RuntimeError as why:
        return why
    atexit.register(one.stop)
    return one


class Docker(Engine):
    name, programs, homely = "docker", ("dockerd", "docker"), False

    def begin(self):
        self.daemon = daemon()
        if isinstance(self.daemon, Exception):
            raise self.daemon
        super().begin()

    def prepare(self):
        if not self.daemon.has(IMAGE):
            self.load(self.root, IMAGE)

    def load(self, root, name, *changes):
        archive = self.dir / "image.tar"
        self.run("tar", "-C", root, "-cf", archive, ".")
        self.docker("import", *(f"--change={change}" for change in changes), archive, name)

    def docker(self, *words, **options):
        return self.daemon.docker(*words, **options)

    def version(self):
        return self.docker("version", "--format", "{{.Server.Version}}").stdout.strip()

    def environment(self):
        return self.daemon.environment

    def image(self, box):
        """Options, the image, its arguments."""
        first, *words = box.arguments()
        return ["--entrypoint", first, IMAGE, *words]

    def command(self, box):
        return self.daemon.command(
            "run", "--name", box.name, "--network", "none", "--sig-proxy=false",
            "--ulimit", "core=0", "--volume", f"{box.volume}:{box.inside}", "--env", "PATH=/bin",
            *(["-it"] if box.is_terminal else []), *self.image(box))

    def container(self, box):
        """What docker knows it by."""
        return box.name

    def stop(self, box):
        self.docker("stop", "--time", "20", self.container(box))

    def execute(self, box, *words):
        return self.docker("exec", self.container(box), *words, check=False)

    def top(self, box):
        return self.docker("top", self.container(box)).stdout

    def copy_in(self, box, source, target):
        self.docker("cp", source, f"{self.container(box)}:{target}")

    def copy_out(self, box, source, target):
        self.docker("cp", f"{self.container(box)}:{source}", target)

    def stats(self, box):
        return self.docker("stats", "--no-stream", "--format", "{{.PIDs}}",
                           self.container(box)).stdout

    def pause(self, box):
        self.docker("pause", self.container(box))

    def resume(self, box):
        self.docker("unpause", self.container(box))

    def remove(self, box):
        self.docker("rm", "--force", "--volumes", box.name, check=False)


class DockerInit(Docker):
    """The init is named docker-init here, and exits with the command unless it is told to wait."""
    name, first = "docker --init", "/sbin/docker-init"

    def begin(self):
        super().begin()
        if not self.daemon.own:
            raise Unavailable("--init-path is the choice of whoever started DOCKER_HOST")

    def options(self, box):
        return ["--init", "--env", "INIT_OPTIONS=" + " ".join(["--grace 5", *box.settings()])]

    def image(self, box):
        if not box.has_init:
            return super().image(box)
        first, *words = box.words
        return [*self.options(box), "--entrypoint", first, IMAGE, *words]
