"""exec and shell -u NAME[:GROUP...]: users of the container's /etc/passwd and /etc/group."""
import json
import os

import pytest

from conftest import AS_ROOT
from initctl import control, one_line  # noqa: F401

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
alice:x:1000:1001:Alice,,,:/home/alice:/bin/bash
bob:x:1002:1002
7up:x:1003:1003::/:relative
broken:x:minus:0::/:
ungrouped:x:1020:minus::/:
huge:x:4294967295:0::/:
88:x:1004:1005::/h:/bin/z
dup:x:1010:1010::/first:
dup:x:1011:1011::/second:
last:x:1012:1012::/last:/bin/last"""

GROUP = """\
root:x:0:
wheel:x:10:root,alice
alice:x:1001:alice
audio:x:29:bob,alice,bob
bad:x:no:alice
alices:x:31:malice,alice2
77:x:0:
video:x:44:alice"""


@pytest.fixture
def box(control):
    control.start_in_empty_root()
    etc = control.directory / "root/etc"
    etc.mkdir()
    (etc / "passwd").write_text(PASSWD)
    (etc / "group").write_text(GROUP)
    return control


def report(box, *words):
    return json.loads(box.output("exec", *words, "--", "/app", "report"))


def ids(found):
    return found["uid"][1], found["gid"][1], sorted(found["groups"])


@pytest.mark.skipif(not AS_ROOT, reason="the user namespace denies setgroups(2)")
def test_variables(box):
    found = report(box, "-u", "root:root")
    assert ids(found)[:2] == (0, 0)
    assert {name: found["env"][name] for name in ("HOME", "USER", "LOGNAME", "SHELL")} == {
        "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/sh"}
    found = report(box, "-u", "root:0", "-e", "HOME=/elsewhere", "-e", "X=1")
    assert (found["env"]["HOME"], found["env"]["USER"], found["env"]["X"]) == (
        "/elsewhere", "root", "1")


@pytest.mark.skipif(not AS_ROOT, reason="needs to be root to become another")
@pytest.mark.parametrize("user, uid, gid, groups, home, shell", [
    ("alice", 1000, 1001, [10, 29, 44], "/home/alice", "/bin/bash"),
    ("alice:wheel", 1000, 10, [], "/home/alice", "/bin/bash"),
    ("alice:video,29,wheel", 1000, 44, [10, 29], "/home/alice", "/bin/bash"),
    ("alice:77", 1000, 77, [], "/home/alice", "/bin/bash"),
    ("bob", 1002, 1002, [29, 29], "/", "/bin/sh"),
    ("7up", 1003, 1003, [], "/", "/bin/sh"),
    ("dup", 1010, 1010, [], "/first", "/bin/sh"),
    ("last", 1012, 1012, [], "/last", "/bin/last"),
    ("root", 0, 0, [10], "/root", "/bin/sh"),
    ("5:audio", 5, 29, [], None, None), ("88:audio", 88, 29, [], None, None)])
def test_a_user(box, user, uid, gid, groups, home, shell):
    found = report(box, "-u", user)
    # With groups the kernel's list has the primary one too, as init sets it, or has not.
    assert ids(found)[:2] == (uid, gid)
    assert sorted(set(found["groups"]) - {gid}) == sorted(set(groups))
    assert found["uid"] == [uid] * 3 and found["gid"] == [gid] * 3
    assert (found["env"].get("SHELL"), found["env"].get("USER")) == (
        shell, user.split(":")[0] if home else None)
    assert home is None or found["env"]["HOME"] == home


@pytest.mark.skipif(not AS_ROOT, reason="needs to be root to become another")
@pytest.mark.parametrize("user", ["1000", "1000:7", "88"])
def test_numbers_are_not_looked_up(box, user):
    found = report(box, "-u", user)
    assert found["uid"][0] == int(user.split(":")[0])
    assert "USER" not in found["env"]


@pytest.mark.parametrize("user, part", [
    ("nobody", "find user nobody in the container's /etc/passwd"), ("", ""),
    ("alice:none", "find group none in the container's /etc/group"),
    ("alice:", "find group  in"), ("alice:wheel,", "find group  in"),
    ("nobody", "/etc/passwd\n"), ("alice:bad", "find group bad"), (":wheel", "find user  in"),
    ("broken", "find user broken"), ("ungrouped", "find user ungrouped"),
    ("huge", "find user huge"), ("x" * 300, "too long"),
    ("alice:" + "1," * 600, "the list of groups is too long"), ("alic", "find user alic "),
    ("Alice", "find user Alice"), ("a\x1bb", r"find user a\x1bb")],
                         ids=lambda one: one[:20])
def test_no_such_user(box, user, part):
    done = box.run("exec", "-u", user, "--", "/app", "report")
    one_line(done, 125, part)


def test_without_files(box):
    os.unlink(box.directory / "root/etc/passwd")
    one_line(box.run("exec", "-u", "alice", "true"), 125, "find user alice",
             "No such file or directory")
    (box.directory / "root/etc/passwd").symlink_to("/proc/self/root/etc/passwd")
    one_line(box.run("exec", "-u", "alice", "true"), 125, "find user alice")


def test_the_file_of_the_host_is_not_read(box):
    """A link leads to a file of the container's root, or to none."""
    os.unlink(box.directory / "root/etc/passwd")
    outside = box.directory / "passwd"
    outside.write_text("alice:x:0:0::/:\n")
    (box.directory / "root/etc/passwd").symlink_to(f"../../{outside.name}")
    one_line(box.run("exec", "-u", "alice", "true"), 125, "find user alice")
