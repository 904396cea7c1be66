"""The engines that init is tested in, one module and one row of the table each.

names() are the rows, in the order of the table; load(name) gives a row's class. A row is an
Engine, see engine.py: it starts what the engine needs, makes boxes (running containers), and
has the engine's own commands for stopping, executing, copying and so on.
"""
import importlib

# Row: (module, class). An engine that can add an init itself has a second row for that.
ROWS = {
    "unshare": ("unshare", "Unshare"),
    "bwrap": ("bwrap", "Bwrap"),
    "runc": ("runc", "Runc"),
    "crun": ("crun", "Crun"),
    "nspawn": ("nspawn", "Nspawn"),
    "lxc": ("lxc", "Lxc"),
    "podman": ("podman", "Podman"),
    "podman --init": ("podman", "PodmanInit"),
    "docker": ("docker", "Docker"),
    "docker --init": ("docker", "DockerInit"),
    "swarm": ("swarm", "Swarm"),
}


def names():
    return list(ROWS)


def load(name):
    module, cls = ROWS[name]
    return getattr(importlib.import_module(f"engines.{module}"), cls)
