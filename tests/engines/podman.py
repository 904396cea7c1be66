"""podman, with init in the image, and with init as the one that --init brings along."""
from conftest import INIT
from engines.engine import Engine

IMAGE = "localhost/box:1"
# Setting a hard limit above that of the tests needs a privilege.
ULIMITS = ["--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1000:1000", "--ulimit", "core=0"]


class Podman(Engine):
    name, programs = "podman", ("podman", "conmon")

    def podman(self, *words):
        return ["podman", "--root", self.dir / "storage", "--runroot", "/run/storage",
                "--tmpdir", "/run/libpod", "--cgroup-manager", "cgroupfs",
                "--events-backend", "none", *words]

    def prepare(self):
        # Its locks are in shared memory, whose name is the same for all instances.
        self.run("mount", "-t", "tmpfs", "none", "/dev/shm")
        archive = self.dir / "root.tar"
        self.run("tar", "-C", self.root, "-cf", archive, ".")
        self.run(*self.podman("import", archive, IMAGE))

    def image(self, box):
        """Options, the image, its arguments."""
        first, *words = box.arguments()
        return ["--entrypoint", first, IMAGE, *words]

    def command(self, box):
        return self.words(*self.podman(
            "run", "--name", box.name, "--network", "none", "--log-driver", "none", *ULIMITS,
            "--cgroup-parent", f"/{self.cgroup}", "--volume", f"{box.volume}:{box.inside}",
            "--env", "PATH=/bin", *(["-it"] if box.is_terminal else []), *self.image(box)))

    def stop(self, box):
        self.run(*self.podman("stop", "--time", "20", box.name))

    def execute(self, box, *words):
        return self.run(*self.podman("exec", box.name, *words), check=False)

    def top(self, box):
        return self.run(*self.podman("top", box.name, "hpid", "pid", "args")).stdout

    def copy_in(self, box, source, target):
        self.run(*self.podman("cp", source, f"{box.name}:{target}"))

    def copy_out(self, box, source, target):
        self.run(*self.podman("cp", f"{box.name}:{source}", target))

    def stats(self, box):
        return self.run(*self.podman("stats", "--no-stream", "--format", "{{.PIDs}}",
                                     box.name)).stdout

    def pause(self, box):
        self.run(*self.podman("pause", box.name))

    def resume(self, box):
        self.run(*self.podman("unpause", box.name))

    def remove(self, box):
        self.run(*self.podman("rm", "--force", "--time", "0", "--volumes", box.name), check=False)


class PodmanInit(Podman):
    """The init is named podman-init here, and exits with the command unless it is told to wait."""
    name, first = "podman --init", "/run/podman-init"
    init_path = INIT

    def image(self, box):
        if not box.has_init:
            return super().image(box)
        first, *words = box.words
        return ["--init", "--init-path", self.init_path, "--entrypoint", first,
                "--env", "INIT_OPTIONS=" + " ".join(["--grace 5", *box.settings()]), IMAGE, *words]
