"""tests/kubernetes/pod.yaml: checked against the published schema, and run as by a node.

The node is Docker: a pause container, whose PID namespace the others join where the pod
shares it, and a folder for each emptyDir. Run by make test-engines.
"""
import json
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from conftest import ROOT, eventually
from engines.docker import Docker
from engines.engine import started

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed: make deps-engines")
PODS = list(yaml.safe_load_all((ROOT / "tests/kubernetes/pod.yaml").read_text()))
NAMES = [pod["metadata"]["name"] for pod in PODS]
SCHEMA = ROOT / "build/kubernetes"

# One checks the names and types of fields, the other their values.
CHECK = """
import { Pod, type IPod } from "kubernetes-models/v1";
const pods: IPod[] = %s;
for (const pod of pods) new Pod(pod).validate();
"""


# ---- against the schema


@pytest.fixture
def check(tmp_path):
    """Errors in a list of pods, by types and validators made from the OpenAPI of Kubernetes."""
    if not (SCHEMA / "node_modules/kubernetes-models").exists() or not shutil.which("node"):
        pytest.skip("no node, or no schema from the npm registry: make deps-engines")

    def check(pods):
        source = tmp_path / "pods.mts"
        (tmp_path / "node_modules").exists() or (tmp_path / "node_modules").symlink_to(
            SCHEMA / "node_modules")
        source.write_text(CHECK % json.dumps(pods))
        for command in (
                ["node", "node_modules/typescript/bin/tsc", "--strict", "--skipLibCheck",
                 "--module", "node16", "--moduleResolution", "node16", source.name],
                ["node", "pods.mjs"]):
            done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            if done.returncode:
                return done.stdout
        return ""

    return check


def test_manifest_fits_the_schema(check):
    assert check(PODS) == ""
    # The check finds errors: a missing field, a wrong type, an unknown field.
    no_name, no_list, unknown = (json.loads(json.dumps(PODS[0])) for _ in range(3))
    del no_name["spec"]["containers"][1]["name"]
    no_list["spec"]["containers"][0]["command"] = "/init"
    unknown["spec"]["shareProcessNamespaces"] = True
    said = check([no_name, no_list, unknown])
    assert '"name"' in said and "string[]" in said and "shareProcessNamespaces" in said


# ---- run


@pytest.fixture(scope="module")
def node():
    with started(Docker) as one:
        for image in {container["image"] for pod in PODS for container in pod["spec"]["containers"]}:
            one.load(one.root, image)
        one.load(one.root, "pause:1", 'ENTRYPOINT ["/init", "--pause"]')
        yield one


class Pod:
    def __init__(self, node, pod):
        self.node, self.spec = node, pod["spec"]
        self.name = f"{pod['metadata']['name']}-{uuid.uuid4().hex[:8]}"
        self.volumes = {volume["name"]: Path(tempfile.mkdtemp(prefix="pod."))
                        for volume in self.spec["volumes"] if "emptyDir" in volume}
        self.names = {"pause": f"{self.name}-pause"}
        node.docker("run", "--detach", "--name", self.names["pause"], "--network", "none", "pause:1")
        for container in self.spec["containers"]:
            self.start(container)

    def start(self, container):
        name = self.names[container["name"]] = f"{self.name}-{container['name']}"
        options = ["--env", "PATH=/bin"]
        for variable in container.get("env", []):
            options += ["--env", f"{variable['name']}={variable['value']}"]
        for mount in container["volumeMounts"]:
            options += ["--volume", f"{self.volumes[mount['name']]}:{mount['mountPath']}"]
        if self.spec.get("shareProcessNamespace"):
            options += ["--pid", f"container:{self.names['pause']}"]
        first, *words = container["command"] + container.get("args", [])
        self.node.docker("run", "--detach", "--name", name, "--network", "none", *options,
                         "--entrypoint", first, container["image"], *words)

    def exec(self, container, *words, **options):
        return self.node.docker("exec", self.names[container], *words, **options)

    def ready(self):
        eventually(lambda: not self.exec("operator", "initctl", "status", check=False).returncode,
                   what="the control socket")
        return self

    def stop(self, container):
        """Stops the containers as the kubelet does."""
        self.node.docker("stop", "--time", str(self.spec["terminationGracePeriodSeconds"]),
                         self.names[container])
        return int(self.node.docker("inspect", "--format", "{{.State.ExitCode}}",
                                    self.names[container]).stdout)

    def close(self):
        # The container that owns the PID namespace is stopped last.
        for name in [*self.names][::-1]:
            self.node.docker("rm", "--force", self.names[name], check=False)
        for folder in self.volumes.values():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=PODS, ids=NAMES)
def pod(request, node):
    one = Pod(node, request.param)
    try:
        yield one.ready()
    finally:
        one.close()


def is_shared(pod):
    return pod.spec.get("shareProcessNamespace", False)


def test_pid_1(pod):
    command = pod.exec("app", "cat", "/proc/1/cmdline").stdout.split("\0")[:2]
    assert command == ["/init", "--pause" if is_shared(pod) else "--control"]
    status = json.loads(pod.exec("operator", "initctl", "--json", "status").stdout)
    assert (status["pid"] == 1) != is_shared(pod)


def test_sidecar_operates_the_app(pod):
    """Commands of the sidecar run in the app's container, which does not have its files."""
    pod.exec("app", "touch", "/tmp/of-the-app")
    pod.exec("operator", "touch", "/tmp/of-the-operator")
    done = pod.exec("operator", "initctl", "exec", "--", "ls", "/tmp")
    assert done.stdout.split() == ["of-the-app"]
    assert pod.exec("operator", "initctl", "exec", "--", "sh", "-c", "exit 9",
                    check=False).returncode == 9


@pytest.mark.parametrize("container", ["app", "operator"])
def test_orphans_are_reaped(pod, container):
    """With a shared PID namespace also orphans of a container without an init are reaped."""
    assert pod.exec(container, "probe", "orphans", "1000").stdout == "done\n"

    def zombies():
        states = pod.exec(container, "sh", "-c", "cat /proc/[0-9]*/stat").stdout
        return re.findall(r"(?m)^\d+ \(probe\) Z", states)

    eventually(lambda: not zombies(), what="the end of all orphans")


def test_stop_waits_for_clean_up(pod):
    """A daemon of the app has the second that its clean-up needs."""
    worker = ("trap 'sleep 1; touch /run/init/cleaned; exit' TERM; touch /run/init/up; "
              "while :; do sleep 1 & wait $!; done")
    pod.exec("operator", "initctl", "exec", "--", "sh", "-c", 'setsid sh -c "$0" &', worker)
    volume = pod.volumes["control"]
    eventually((volume / "up").exists, what="the daemon")
    began = time.monotonic()
    assert pod.stop("app") == 143
    assert time.monotonic() - began < 15
    assert (volume / "cleaned").exists()
