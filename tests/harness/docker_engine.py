"""A Docker Engine of the tests' own, which leaves nothing behind.

It runs in mount and PID namespaces of its own, with its files in a temporary directory
and its cgroups below one with a name of its own, and changes no firewall rule and no
bridge. A guard (this file, run as a program) starts it and waits for the end of its
stdin, which comes when the tests end in any way. Then the guard kills the PID
namespace, and with it daemons, shims and containers, whose mounts end with the mount
namespace, and removes the files and cgroups.

With DOCKER_HOST set that engine is used as it is, and left running.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BASE = "debian:bookworm-slim"
IMAGE = "init-test"
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
START = 60  # seconds until the engine must answer

# PID 1 of the namespace is a shell, which reaps orphans of the daemons. A /run of its own
# hides the sockets of another engine, and holds those of the shims.
LAUNCH = """
conf=$(readlink -f /etc/resolv.conf); text=$(cat "$conf" 2>/dev/null)
mount -t tmpfs -o mode=755 none /run || exit
ip link set lo up 2>/dev/null
case $conf in /run/*) mkdir -p "${conf%/*}"; printf '%s\\n' "$text" >"$conf";; esac
"$@" & wait $!
"""


def client():
    """Debian's client for Debian's engine; PATH may have another one first."""
    return "/usr/bin/docker" if os.access("/usr/bin/docker", os.X_OK) else "docker"


class Engine:
    def __init__(self, init=None, apart=False):
        """init: the program for --init. apart: run in a network namespace of its own."""
        self.dir = self.guard = None
        self.host = os.environ.get("DOCKER_HOST")
        self.own = not self.host
        if self.own:
            self.dir = Path(tempfile.mkdtemp(prefix="init-docker."))
            self.host = f"unix://{self.dir}/socket"
            try:
                self.start(init, apart)
            except BaseException:
                self.stop()
                raise

    def start(self, init, apart):
        command = [sys.executable, "-B", __file__, str(self.dir), str(init or ""),
                   "apart" if apart else ""]
        self.guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        end = time.monotonic() + START
        while self.docker("version", check=False).returncode:
            if self.guard.poll() is not None or time.monotonic() > end:
                raise RuntimeError("dockerd did not start:\n" + self.log())
            time.sleep(0.1)

    def log(self):
        return (self.dir / "log").read_text(errors="replace")[-4000:]

    def stop(self):
        if self.guard:
            self.guard.stdin.close()
            self.guard.wait(60)
        elif self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, *words):
        return [client(), "--host", self.host, *map(str, words)]

    @property
    def environment(self):
        # Without this the client would write files to a home that may not exist.
        config = {"DOCKER_CONFIG": f"{self.dir}/client"} if self.own else {}
        return {**os.environ, "DOCKER_BUILDKIT": "0", **config}

    def docker(self, *words, check=True, timeout=120, **options):
        """Runs the client to its end; output is captured as text."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        done = subprocess.run(self.command(*words), env=self.environment, text=True,
                              timeout=timeout, **options)
        if check and done.returncode:
            raise RuntimeError(f"docker {' '.join(map(str, words))}: {done.stderr or done.stdout}")
        return done

    def popen(self, *words, **options):
        return subprocess.Popen(self.command(*words), env=self.environment, **options)

    def has(self, image):
        return not self.docker("image", "inspect", image, check=False).returncode

    def provide_base(self, cache):
        """Makes sure that BASE is there: from a file made before, or else made of packages."""
        if self.has(BASE):
            return
        if not self.own and not self.docker("pull", BASE, check=False).returncode:
            return
        if not cache.exists():
            cache.parent.mkdir(parents=True, exist_ok=True)
            made = cache.with_suffix(f".{os.getpid()}.tar")
            try:
                subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", made],
                               stdin=subprocess.DEVNULL, check=True, timeout=600)
                made.rename(cache)
            finally:
                made.unlink(missing_ok=True)
        self.docker("import", cache, BASE, timeout=300)

    def build(self, cache):
        """Builds IMAGE from the sources."""
        self.provide_base(cache)
        self.docker("build", "--network", "host", "--tag", IMAGE, "--file",
                    ROOT / "Dockerfile.test", ROOT, timeout=600)

    def with_init(self, program, name):
        """IMAGE with another program instead of init."""
        with tempfile.TemporaryDirectory() as context:
            shutil.copy(program, Path(context, "init"))
            Path(context, "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY init /init\n")
            self.docker("build", "--tag", name, context)
        return name


# ---- the guard


def remove_cgroups(name):
    """Removes the cgroups of that name at the top of each hierarchy and below our own cgroup."""
    tops = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*")]
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, tree, own = line.split(":", 2)
        tops.append(Path("/sys/fs/cgroup") / tree.removeprefix("name=") / own.lstrip("/"))
    for top in tops:
        for folder, _, _ in os.walk(top / name, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass


def die_with_parent():
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def guard(directory, init, apart):
    cgroup = directory.name
    daemon = ["dockerd", "--host", f"unix://{directory}/socket",
              "--data-root", directory / "data", "--exec-root", directory / "exec",
              "--pidfile", directory / "pid", "--cgroup-parent", f"/{cgroup}",
              "--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
              "--shutdown-timeout", "1"]
    if init:
        daemon += ["--init-path", init]
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":" + SBIN}
    with open(directory / "log", "wb") as log:
        engine = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc",
             "--kill-child", *(["--net"] if apart else []), "sh", "-c", LAUNCH, "engine",
             *map(str, daemon)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            preexec_fn=die_with_parent)
    try:
        os.read(0, 1)
    finally:
        # unshare kills the PID 1 of the namespace when it is killed itself.
        engine.kill()
        engine.wait()
        end = time.monotonic() + 10
        while directory.exists() and time.monotonic() < end:
            remove_cgroups(cgroup)
            shutil.rmtree(directory, ignore_errors=True)
            time.sleep(0.05)
        remove_cgroups(cgroup)


if __name__ == "__main__":
    guard(Path(sys.argv[1]), *sys.argv[2:])
