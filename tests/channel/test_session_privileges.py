"""What a session may do: by default what the command may, and what a request asks for beside that.
init-control(7), "exec".
"""
import errno
import json
import os
import re
import shutil

import pytest

from conftest import PROBE
from container import container, directory, needs_root, read_all  # noqa: F401
from inside import needs_static, root, who  # noqa: F401
from privileges import (ALL, DEFAULT, MKDIR_TEXT, bits, bounding, fields, limits, needs_numbers,
                        ours, program, sets, spelled)

pytestmark = needs_static

as_root = pytest.mark.parametrize("who", ["root"], indirect=True)
CONTAINED = ["--unshare=pid,mount,uts,ipc,net,cgroup,time", "--mount=all"]
SAME = ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
        "Seccomp", "Seccomp_filters"]
SHOW = f"grep -E '^({'|'.join(SAME)}):' /proc/self/status; cat /proc/self/limits; umask; echo end"
SLEEP = ["sleep", "1000"]


@pytest.fixture
def filter_file(directory):
    """A descriptor of a filter."""
    (directory / "filter").write_bytes(program())
    fd = os.open(directory / "filter", os.O_RDONLY)
    yield fd
    os.close(fd)


@pytest.fixture
def enclose(container, root, who):
    """Starts a container with a root of its own."""
    def enclose(*options, command=SLEEP, **more):
        more["outer"] = [*more.get("outer", []), *who.outer]
        return container(*who.user, *CONTAINED, "--chroot", root, *options, command=command,
                         how="plain", **more)
    return enclose


def described(text):
    """What SHOW shows, as a dict."""
    lines = text.replace("\r", "").splitlines()
    assert lines[-1] == "end", text
    found = {"umask": lines[-2], "limits": limits(text)}
    found.update((key, value) for key, value in fields(text).items() if key in SAME)
    return found


def of_the_command(box):
    box.init.line("^end$")
    return described("\n".join(box.init.lines))


def in_session(box, *asked, terminal=False):
    """The same of a session of these fields."""
    if not terminal:
        return described(box.output("sh", "-c", SHOW, fields=asked))
    channel = box.connect()
    answer = channel.exec("sh", "-c", SHOW, fields=asked)
    assert answer.name == "started", answer
    return described(read_all(answer.fds[0]))


ANY = [[], ["--no-new-privs"], ["--cap-keep=KILL,CHOWN"], ["--cap-drop=all"],
       ["--new-privs", "--cap-keep=all"], ["--rlimit=NOFILE=77:88", "--rlimit=CORE=0:0"],
       ["--new-privs", "--rlimit=NPROC=5000:5000"]]
ROOTS = [["--user=1000"], ["--user=1000:1001,1002,1003"], ["--user=0:5,6"],
         ["--user=1000:1001", "--cap-keep=all", "--new-privs", "--rlimit=NOFILE=50:60"]]
COMMAND = ["sh", "-c", f"{SHOW}; exec sleep 1000"]


@pytest.mark.parametrize("terminal", [False, True], ids=["stdio", "terminal"])
@pytest.mark.parametrize("options", ANY, ids=spelled)
def test_as_the_command(enclose, options, terminal):
    """A session is what the command is: ids, capabilities, no_new_privs, limits, umask."""
    box = enclose(*options, command=COMMAND)
    assert in_session(box, terminal=terminal) == of_the_command(box)


@as_root
@pytest.mark.parametrize("terminal", [False, True], ids=["stdio", "terminal"])
@pytest.mark.parametrize("options", ROOTS, ids=spelled)
def test_as_the_command_of_another_user(enclose, options, terminal):
    box = enclose(*options, command=COMMAND)
    seen = in_session(box, terminal=terminal)
    assert seen == of_the_command(box)
    assert seen["Uid"].split()[0] == re.match(r"--user=(\d+)", options[0])[1]


@needs_root
@pytest.mark.parametrize("terminal", [False, True], ids=["stdio", "terminal"])
@pytest.mark.parametrize("options", [*ANY[:4], *ROOTS], ids=spelled)
def test_as_the_command_elsewhere(container, how, options, terminal):
    """The same as the init of another's container."""
    box = container(*options, command=COMMAND, how=how)
    assert in_session(box, terminal=terminal) == of_the_command(box)


@needs_root
def test_as_the_command_with_ambient_capabilities(container):
    box = container("--cap-drop=NET_RAW", command=COMMAND, how="plain",
                    outer=["setpriv", "--inh-caps=+net_raw,+chown",
                           "--ambient-caps=+net_raw,+chown"])
    seen = in_session(box)
    assert seen == of_the_command(box)
    assert int(seen["CapAmb"], 16) == bits("CHOWN")


@pytest.mark.parametrize("mask", ["027", "0"])
def test_umask(enclose, mask):
    box = enclose(command=COMMAND, wrap=["sh", "-c", f'umask {mask}; exec "$@"', "sh"])
    assert in_session(box)["umask"] == of_the_command(box)["umask"] == f"{int(mask, 8):04o}"


@needs_numbers
@pytest.mark.parametrize("options", [[], ["--new-privs"]], ids=["default", "new-privs"])
@pytest.mark.parametrize("terminal", [False, True], ids=["stdio", "terminal"])
def test_filter(enclose, filter_file, options, terminal):
    box = enclose("--seccomp-fd", filter_file, *options, command=COMMAND, pass_fds=[filter_file])
    seen = in_session(box, terminal=terminal)
    assert seen == of_the_command(box)
    own = int(fields(ours()).get("Seccomp_filters", "0"))
    assert int(seen["Seccomp_filters"]) == own + 1 and seen["Seccomp"] == "2"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="has other numbers")
def test_failure_under_a_filter(enclose, directory):
    """A session whose program cannot be executed says so also where it may send no message."""
    (directory / "strict").write_bytes(program([44, 46, 307]))  # sendto, sendmsg, sendmmsg
    with open(directory / "strict", "rb") as file:
        box = enclose("--seccomp-fd", file.fileno(), command=COMMAND, pass_fds=[file.fileno()])
    answer = box.connect().call("exec", "args", "/nowhere", fds=[0, 1, 2])
    assert (answer.name, answer["stage"], answer.number("errno")) == ("failed", "exec", errno.ENOENT)


@as_root
def test_owner_of_the_terminal(enclose):
    """The terminal belongs to the user that the session has, by default or by request."""
    box = enclose("--user=1000:1001")
    for asked, uid in (([], 1000), (["user=7"], 7), (["privileged=true"], 0),
                       (["privileged=true", "user=9"], 9)):
        channel = box.connect()
        answer = channel.exec("sh", "-c", "stat -c %u $(tty)", fields=asked)
        assert answer.name == "started", answer
        assert read_all(answer.fds[0]).strip() == str(uid), asked


# ---- what a request asks for


@as_root
@pytest.mark.parametrize("options, kept", [([], DEFAULT), (["--cap-keep=CHOWN,KILL"],
                                                           bits("CHOWN KILL")),
                                           (["--cap-drop=all"], 0), (["--cap-keep=all"], ALL)],
                         ids=spelled)
@pytest.mark.parametrize("user", ["0", "0:0", "0:5,6"])
def test_root_by_request(enclose, options, kept, user):
    """Root has what the container has, and not more, if the command is another user."""
    box = enclose("--user=1000", *options)
    text = box.output("cat", "/proc/self/status", fields=[f"user={user}"])
    kept &= bounding()
    assert sets(text) == [0, kept, kept, kept, 0]
    assert fields(text)["Uid"] == "0 0 0 0" and fields(text)["NoNewPrivs"] == "1"


@as_root
def test_another_user_by_request(enclose):
    """Another user has no capability, and may have no more than the container has."""
    box = enclose("--cap-keep=CHOWN,SETUID,SETGID", "--user=0:5,6")
    text = box.output("cat", "/proc/self/status", fields=["user=1000:1001", "additionalGids=7"])
    found = fields(text)
    assert sets(text) == [0, 0, 0, bits("CHOWN SETUID SETGID") & bounding(), 0]
    assert (found["Uid"], found["Gid"], found["Groups"]) == (
        "1000 1000 1000 1000", "1001 1001 1001 1001", "7")


@as_root
def test_user_without_the_capability_for_it(enclose):
    """To become another user takes none of what the container keeps."""
    box = enclose("--cap-drop=all", "--user=1000")
    text = box.output("cat", "/proc/self/status", fields=["user=2000"])
    assert sets(text) == [0] * 5 and fields(text)["Uid"].split() == ["2000"] * 4


@needs_numbers
@pytest.mark.parametrize("terminal", [False, True], ids=["stdio", "terminal"])
@pytest.mark.parametrize("options", [[], ["--cap-drop=all"], ["--no-new-privs"]], ids=spelled)
def test_privileged(enclose, who, filter_file, options, terminal):
    """privileged gives all that PID 1 has: its user and capabilities, no filter, no
    no_new_privs."""
    if who.is_root:
        options = [*options, "--user=1000:1001"]
    box = enclose("--seccomp-fd", filter_file, *options, pass_fds=[filter_file])
    script = ("cat /proc/1/status; echo; cat /proc/self/status; mkdir /tmp/made && echo made; "
              "echo end")
    if terminal:
        answer = box.connect().exec("sh", "-c", script, fields=["privileged=true"])
        assert answer.name == "started", answer
        text = read_all(answer.fds[0]).replace("\r", "")
    else:
        text = box.output("sh", "-c", script, fields=["privileged=true"])
    first, own = text.split("\n\n")
    assert sets(own) == sets(first) and sets(own)[2] == bounding(who)
    for key in ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "Seccomp_filters"):
        assert fields(own)[key] == fields(first)[key], key
    assert fields(own)["Uid"] == "0 0 0 0" and fields(own)["NoNewPrivs"] == "0"
    assert "\nmade\nend" in own


@needs_numbers
@pytest.mark.parametrize("value", ["false", None])
def test_not_privileged(enclose, filter_file, value):
    """Without it, or with false, the filter is there."""
    box = enclose("--seccomp-fd", filter_file, pass_fds=[filter_file])
    asked = [f"privileged={value}"] if value else []
    _, ending, text = box.run("mkdir", "/tmp/made", fields=asked)
    assert ending["code"] == "1" and MKDIR_TEXT in text


@as_root
def test_privileged_with_a_user(enclose):
    """With both it is that user, with PID 1's bounding set and no no_new_privs."""
    box = enclose("--user=1000", "--cap-drop=all")
    text = box.output("cat", "/proc/self/status", fields=["user=2000:2001", "privileged=true"])
    assert sets(text) == [0, 0, 0, bounding(), 0]
    found = fields(text)
    assert (found["Uid"], found["Gid"], found["NoNewPrivs"]) == (
        "2000 2000 2000 2000", "2001 2001 2001 2001", "0")


@as_root
def test_root_ignores_set_user_id(enclose, root, directory):
    """The root ignores set-user-ID programs whatever a session is, but with --new-privs."""
    if os.statvfs(directory).f_flag & os.ST_NOSUID:
        pytest.skip("the temporary folder is nosuid itself")
    shutil.copy(PROBE, root / "bin/become")
    os.chmod(root / "bin/become", 0o4755)
    asked = ["user=2000", "privileged=true"]
    for options, uids in (([], [2000] * 3), (["--new-privs"], [2000, 0, 0])):
        box = enclose(*options, apart=True)
        seen = json.loads(box.output("/bin/become", "report", fields=asked))
        assert seen["no_new_privs"] == 0 and seen["uid"] == uids


@pytest.mark.parametrize("value", ["", "1", "yes", "TRUE", "true ", "all"])
def test_bad_value(enclose, value):
    box = enclose()
    answer, _, _ = box.run("true", fields=[f"privileged={value}"])
    assert (answer.name, answer["stage"], answer["field"]) == ("failed", "request", "privileged")
    assert answer.number("errno") == errno.EINVAL
    box.check_well()


@pytest.mark.parametrize("options", [[], ["--new-privs"]], ids=["default", "new-privs"])
@pytest.mark.parametrize("asked, expected", [
    (["noNewPrivileges=true"], 1), (["noNewPrivileges=true", "privileged=true"], 1),
    (["noNewPrivileges=false"], None), (["noNewPrivileges=false", "privileged=true"], 0)],
    ids=spelled)
def test_no_new_privileges(enclose, options, asked, expected):
    """It can be asked for, also with privileged, and cannot be taken back by false alone."""
    box = enclose(*options)
    seen = json.loads(box.output("/bin/probe", "report", fields=asked))["no_new_privs"]
    assert seen == (expected if expected is not None else int(not options))


# ---- limits of a request


def may_raise():
    return bounding() & bits("SYS_RESOURCE")


@pytest.mark.parametrize("asked", ["NOFILE:33:88", "RLIMIT_NOFILE:33:44", "NOFILE:88:88"])
@pytest.mark.parametrize("more", [[], ["privileged=true"]], ids=["default", "privileged"])
def test_lower_limits(enclose, asked, more):
    """A request's limits are set beside those of the container."""
    box = enclose("--rlimit=NOFILE=77:88", "--rlimit=LOCKS=5:6")
    seen = limits(box.output("cat", "/proc/self/limits", fields=[f"rlimits={asked}", *more]))
    assert seen["NOFILE"] == asked.split(":")[1:] and seen["LOCKS"] == ["5", "6"]


@pytest.mark.parametrize("asked", ["NOFILE:77:89", "NOFILE:90:90", "NOFILE:1:unlimited"])
@pytest.mark.parametrize("options", [[], ["--cap-drop=all"], ["--new-privs"]], ids=spelled)
def test_higher_limits(enclose, asked, options):
    """A request cannot go beyond the container's hard limit, which its root could not either."""
    box = enclose("--rlimit=NOFILE=77:88", *options)
    answer, _, _ = box.run("true", fields=[f"rlimits={asked}"])
    assert (answer.name, answer["stage"], answer.number("errno")) == (
        "failed", "rlimits", errno.EPERM)
    box.check_well()


@as_root
def test_higher_limits_with_privilege(enclose):
    """With privileged it can, where PID 1 could."""
    box = enclose("--rlimit=NOFILE=77:88")
    answer, _, text = box.run("cat", "/proc/self/limits",
                              fields=["rlimits=NOFILE:99:99", "privileged=true"])
    if may_raise():
        assert limits(text)["NOFILE"] == ["99", "99"]
    else:
        assert (answer["stage"], answer.number("errno")) == ("rlimits", errno.EPERM)


# ---- what --control-verbs withholds


@pytest.mark.parametrize("verbs, asked, field", [
    ("exec", ["user=0"], "user"), ("status,exec", ["user=0"], "user"),
    ("exec,privileged", ["user=0"], "user"),
    ("exec", ["user=0", "privileged=true"], "user"),
    ("exec", ["privileged=true"], "privileged"), ("exec,user", ["privileged=true"], "privileged"),
    ("exec,user", ["user=0", "privileged=true"], "privileged"),
    ("user,privileged,status", ["user=0"], "request"), ("user,privileged", [], "request")],
    ids=spelled)
def test_withheld(enclose, root, verbs, asked, field):
    """A list of verbs without these two refuses the fields, whatever they say."""
    box = enclose("--control-verbs", verbs)
    channel = box.connect()
    answer = channel.exec("touch", "/made", stdio=box.null(), fields=asked)
    assert answer.name == "failed", answer
    assert (answer["stage"], answer.number("errno"), answer["field"]) == (
        "request", errno.EPERM, field)
    assert channel.receive() is None
    assert not (root / "made").exists()


@pytest.mark.parametrize("verbs", ["exec,user,privileged", "privileged,exec,status,user", None])
@pytest.mark.parametrize("asked", [["user=0"], ["privileged=true"], ["user=0", "privileged=true"],
                                   ["privileged=false"], []], ids=spelled)
def test_offered(enclose, who, verbs, asked):
    """With them, or without a list, they are accepted."""
    box = enclose(*(["--control-verbs", verbs] if verbs else []))
    answer, ending, _ = box.run("true", fields=asked)
    if "user=0" in asked and not who.is_root:
        # Whose namespace may have no groups: the kernel refuses it, not the channel.
        assert (answer.name, answer["stage"]) == ("failed", "user")
    else:
        assert answer.name == "started" and ending["code"] == "0"


@pytest.mark.parametrize("verbs", ["exec", "exec,user"])
def test_false_is_not_withheld(enclose, verbs):
    """privileged=false asks for nothing."""
    _, ending, _ = enclose("--control-verbs", verbs).run("true", fields=["privileged=false"])
    assert ending["code"] == "0"


@pytest.mark.parametrize("value", ["exec,users", "exec,use", "exec,user,", "exec,PRIVILEGED",
                                   "exec,privileged=true", "exec user"])
def test_no_such_right(run, directory, value):
    result = run(["--control", directory / "ctl", "--control-verbs", value, "true"])
    assert result.returncode == 125 and os.listdir(directory) == []
