"""What a session may do: what the container's command may, and more by the operator's word alone."""
import errno
import os

import pytest

from container import container, directory, needs_root, read_all  # noqa: F401
from inside import make_root, needs_static

# Of one process; what is to be the same for the command and a session.
SEE = ("grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status; umask; ulimit -Sn; "
       "ulimit -Hn")
BOUNDING = ["grep", "-E", "^(Uid|CapBnd|CapEff|NoNewPrivs)", "/proc/self/status"]


def status(text):
    return {line.split(":")[0]: line.split(":")[1].split() for line in text.splitlines()}


OPTIONS = [
    [], ["--user=1000:1001,1002"], ["--no-new-privs"], ["--cap-drop=all"],
    ["--user=1000", "--no-new-privs", "--cap-drop=NET_RAW"], ["--cap-keep=KILL,SETUID,SETGID"],
    ["--rlimit=NOFILE=100:200"], ["--user=7:8", "--rlimit=NOFILE=64:64", "--no-new-privs"],
]


@needs_root
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(options) or "none")
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_as_the_command(container, directory, options, terminal):
    """By default a session has user, groups, capabilities, no_new_privs, limits and umask of the
    container's command."""
    box = container(*options, command=["sh", "-c", f"{SEE}; echo ready; exec sleep 1000"],
                    outer=["sh", "-c", 'umask 027; exec "$@"', "sh"])
    box.init.line("^ready$")
    command = box.init.lines[:-1]
    assert any(line.startswith("NoNewPrivs") for line in command) and "0027" in command
    channel = box.connect()
    if terminal:
        master = channel.exec("sh", "-c", SEE).take()
        said = read_all(master).replace("\r", "")
        os.close(master)
    else:
        said = box.output("sh", "-c", SEE, channel=channel)
    assert said.splitlines() == command


@needs_root
def test_another_user_has_the_container_s_capabilities(container):
    """user=0 is root with what a container's root has, and what is not set again stays."""
    box = container("--user=1000", "--cap-keep=KILL,SETUID,SETGID", "--no-new-privs")
    assert status(box.output(*BOUNDING))["CapEff"] == ["0" * 16]
    seen = status(box.output(*BOUNDING, fields=["user=0"]))
    assert seen["Uid"] == ["0"] * 4 and seen["NoNewPrivs"] == ["1"]
    assert seen["CapEff"] == seen["CapBnd"] == [f"{1 << 5 | 1 << 6 | 1 << 7:016x}"]
    seen = status(box.output(*BOUNDING, fields=["user=5"]))
    assert seen["Uid"] == ["5"] * 4 and seen["CapEff"] == ["0" * 16]


@needs_root
@pytest.mark.parametrize("fields, uid, nnp", [
    (["privileged=true"], "0", "0"), (["privileged=true", "user=9"], "9", "0"),
    (["privileged=true", "noNewPrivileges=true"], "0", "1")], ids=" ".join)
def test_privileged(container, fields, uid, nnp):
    """A privileged session has what PID 1 has."""
    box = container("--user=1000", "--cap-drop=all", "--no-new-privs")
    with open(f"/proc/{box.pid}/status", encoding="ascii") as file:
        init = status(file.read())
    seen = status(box.output(*BOUNDING, fields=fields))
    assert seen["Uid"] == [uid] * 4 and seen["NoNewPrivs"] == [nnp]
    assert seen["CapBnd"] == init["CapBnd"]
    assert seen["CapEff"] == (init["CapEff"] if uid == "0" else ["0" * 16])


@needs_root
@pytest.mark.parametrize("fields", [[], ["privileged=false"], ["noNewPrivileges=false"]])
def test_false_is_the_default(container, fields):
    box = container("--cap-drop=all", "--no-new-privs")
    seen = status(box.output(*BOUNDING, fields=fields))
    assert seen["CapBnd"] == ["0" * 16] and seen["NoNewPrivs"] == ["1"]


@needs_root
def test_limits_of_a_request(container):
    """They may be lower than the container's, and higher only by privilege."""
    box = container("--rlimit=NOFILE=64:64", "--cap-drop=SYS_RESOURCE")
    ask = ("sh", "-c", "ulimit -Sn; ulimit -Hn")
    assert box.output(*ask).split() == ["64", "64"]
    assert box.output(*ask, fields=["rlimits=RLIMIT_NOFILE:10:20"]).split() == ["10", "20"]
    failed = box.connect().exec("true", stdio=box.null(), fields=["rlimits=RLIMIT_NOFILE:64:65"])
    assert (failed.name, failed["stage"], failed.number("errno")) == (
        "failed", "rlimits", errno.EPERM)


@needs_static
@needs_root
def test_in_a_container_that_init_makes(container, directory):
    """There a session has Docker's capabilities, as the command has, and no new privileges."""
    root = make_root(directory / "root")
    box = container("--unshare=pid", "--chroot", root, "--mount=all", how="plain",
                    command=["/bin/sleep", "1000"])
    seen = status(box.output("/bin/" + BOUNDING[0], *BOUNDING[1:]))
    assert seen["CapBnd"] == seen["CapEff"] == ["00000000a80425fb"] and seen["NoNewPrivs"] == ["1"]
    out = box.output("/bin/sh", "-c", "echo x >/proc/sys/kernel/core_pattern; echo $?",
                     fields=["privileged=true"])
    assert "Read-only file system" in out and out.endswith("1\n")


# ---- what may be withheld


@pytest.mark.parametrize("verbs, refused", [
    ("exec", ["user", "privileged"]), ("exec,user", ["privileged"]), ("exec,privileged", ["user"]),
    ("privileged,exec,user", []), (None, [])])
def test_withheld(container, verbs, refused):
    """A list of verbs without `user` or `privileged` withholds that field of exec."""
    box = container(*(["--control-verbs", verbs] if verbs else []))
    for field in ("user=0", "privileged=true"):
        channel = box.connect()
        answer = channel.exec("true", stdio=box.null(), fields=[field])
        if field.split("=")[0] in refused:
            assert (answer.name, answer["stage"], answer["field"], answer.number("errno")) == (
                "failed", "request", field.split("=")[0], errno.EPERM)
        else:
            assert answer.name == "started" and channel.receive()["code"] == "0"
    channel = box.connect()
    answer = channel.exec("true", stdio=box.null(), fields=["privileged=false"])
    assert answer.name == "started" and channel.receive()["code"] == "0"


@pytest.mark.parametrize("verbs", ["user", "user,privileged", "status,user"])
def test_fields_are_no_verbs(container, verbs):
    """Without exec among them there is no exec, and no request of that name."""
    box = container("--control-verbs", verbs)
    for name in ("exec", "user", "privileged"):
        answer = box.connect().call(name, args=["true"] if name == "exec" else None,
                                    fds=box.null() if name == "exec" else ())
        assert answer.name == "failed" and answer["field"] == "request", answer


@pytest.mark.parametrize("value", ["", "yes", "True", "1"])
def test_bad_value(container, value):
    answer = container().connect().call("exec", f"privileged={value}", args=["true"])
    assert (answer.name, answer["field"], answer.number("errno")) == (
        "failed", "privileged", errno.EINVAL)


__all__ = ["container", "directory"]
